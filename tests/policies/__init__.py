"""Tests of what the rules say: criteria, amounts, vocabulary, catalogue, reading."""
