"""Use cases, one verb a file: what pages, API, commands and the demo all call.

Every function takes a connection and never commits: the caller opens one transaction per request
or job step.
"""
