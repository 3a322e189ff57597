"""How people and systems reach 惠企通: pages, JSON API, claims, notices, jobs, command line.

The rim of the house. Only here are FastAPI, Jinja2, the network and the wall clock known, and only
here is a transaction opened and committed.
"""
