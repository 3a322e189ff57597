"""What the rules say: documents, vocabulary, criteria, benefit versions, linting, reading real text.

A policy is data that officials read and change. Nothing here knows an enterprise, a clock or the web.
"""
