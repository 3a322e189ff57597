"""The faces of the site: pages for enterprises, authors, departments, finance, supervision, public.

A module is a face; `site.create_app` puts them together. Pages are plain links and forms; every
number on them is read from the database in the request that shows it.
"""
