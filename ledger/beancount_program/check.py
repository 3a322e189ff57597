"""A program of its own that loads one book with beancount and tells what it found as JSON.

It is never imported: ``python check.py FILE`` prints errors, balances by account and the number of
transactions, and ends with 0 when the file could be read at all.
"""  # noqa: INP001 - a folder of programs, not a package

import gc
import json
import sys
from collections import defaultdict
from decimal import Decimal

from beancount import loader
from beancount.core.data import Transaction
from beancount.ops import validation


def main(file: str) -> None:
    """Load a book without the cache and print what it says."""
    # Beancount keeps every directive alive: collecting garbage only costs time, more than linearly.
    gc.disable()
    entries, errors, _ = loader.load_file(file, extra_validations=validation.HARDCORE_VALIDATIONS)
    balances: dict[str, Decimal] = defaultdict(Decimal)
    transactions = 0
    for entry in entries:
        if isinstance(entry, Transaction):
            transactions += 1
            for posting in entry.postings:
                assert posting.units is not None
                assert posting.units.number is not None
                balances[posting.account] += posting.units.number
    told = {
        "errors": [_told(error) for error in errors],
        "balances": {name: f"{balances[name]:.2f}" for name in sorted(balances)},
        "transactions": transactions,
    }
    json.dump(told, sys.stdout, ensure_ascii=False)


def _told(error: object) -> str:
    source = getattr(error, "source", None) or {}
    return f"{source.get('lineno', 0)}: {getattr(error, 'message', error)}"


if __name__ == "__main__":
    main(sys.argv[1])
