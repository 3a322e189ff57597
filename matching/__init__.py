"""Who qualifies: records, linkage, profiles, evaluation, explanation, sweeps over everyone.

Knows the policies it evaluates and, of the ledger, money alone. The modules that decide are pure:
they take `as_of` and return a verdict that keeps its reasons.
"""
