"""What the rules say: documents, vocabulary, criteria, benefit versions, linting, reading of texts.

A policy is data that officials read and change. Nothing here knows an enterprise, a clock or the
web.
"""
