"""Where the money is: journal, mirror of the budget, applications, statements, reconciliation.

Amounts are whole fen. The ledger knows nothing of policies or enterprises beyond a payee and a
claim number, and imports none of the other packages.
"""
