"""What validation is held against, loaded from the mirror of the budget and what was paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, select

from ledger.allotments import availabilities, stages
from ledger.applications import Application
from ledger.bulk import chunks
from ledger.purses import Channel, get_purse
from ledger.tables import applications as applications_table
from ledger.validation import Facts, VerifiedAccount


def load_facts(
    connection: Connection,
    applications: Sequence[Application],
    *,
    purse: str,
    accounts: Mapping[str, Sequence[VerifiedAccount]],
    on: date,
) -> Facts:
    """Load what ``validate_applications`` needs; ``accounts`` by uscc come from the caller.

    Raises:
        UnknownPurseError: there is no such purse.
    """
    owner = get_purse(connection, purse)
    numbers = sorted({item.allotment_no for item in applications})
    return Facts(
        purse=purse,
        on=on,
        allotments={item.allotment_no: item for item in stages(connection)},
        availability=availabilities(connection, numbers, on=on),
        accounts=accounts,
        paid_before=_paid_before(connection, applications),
        needs_cnaps=owner.channel == Channel.BANK_FILE,
    )


def _paid_before(
    connection: Connection, applications: Sequence[Application]
) -> frozenset[tuple[str, int]]:
    """Return claim and part of what other applications were paid for and still hold."""
    table = applications_table
    own = {item.application_no for item in applications}
    found: set[tuple[str, int]] = set()
    for part in chunks(sorted({item.claim_no for item in applications})):
        query = select(table.c.application_no, table.c.claim_no, table.c.part).where(
            table.c.claim_no.in_(part), table.c.paid_fen > table.c.returned_fen
        )
        for row in connection.execute(query):
            if row.application_no not in own:
                found.add((row.claim_no, row.part))
    return frozenset(found)
