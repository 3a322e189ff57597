"""Tests of the money: journal, budget mirror, packages, statements, reconciliation."""
