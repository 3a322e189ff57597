"""Numbers that must not add up, and clearing numbers of banks that must."""

from __future__ import annotations

from random import Random

from stdnum.iso7064 import mod_11_10

from matching.uscc import ALPHABET, make

NANCHANG_CITY = "4210"
"""The city's part of a clearing number."""


def wrong_check(code: str, draws: Random) -> str:
    """Return the credit code with another last character, so that its check fails."""
    return code[:-1] + draws.choice([c for c in ALPHABET if c != code[-1]])


def stranger(draws: Random) -> str:
    """Return a valid credit code of a firm in another city of the province."""
    division = draws.choice(("360402", "360702", "360902", "361102"))
    return make(authority="91", division=division, body=f"{draws.randrange(10**7, 10**8)}")


def clearing_number(bank_class: str, branch: int) -> str:
    """Return a 12-digit CNAPS number of a branch in Nanchang, check by ISO 7064 MOD 11,10."""
    digits = f"{bank_class}{NANCHANG_CITY}{branch:04d}"
    return digits + str(mod_11_10.calc_check_digit(digits))
