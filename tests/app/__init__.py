"""Tests of the rim: settings, transactions, pages, API, claims, command line."""
