"""Who is to be told of what: the offers that a match found and a firm can claim now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection

from app.work.history import histories
from app.work.match import Matched
from app.work.notify import Draft, offer_draft
from app.work.offers import judge
from ledger.bulk import chunks
from matching.facts import Facts
from matching.profile_store import accounts_of, profiles
from policies.vocabulary import load_vocabulary

FIRMS_AT_A_TIME = 200


def offer_drafts(connection: Connection, matched: Matched) -> Iterator[tuple[str, Draft]]:
    """Yield benefit id and notice for every eligible payable pair that can be claimed now.

    Firms come in the order of their codes, benefits by id. Writing a notice twice for one reason
    changes nothing, so that repeats stay silent.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for decision in matched.eligible:
        if decision.payable:
            wanted[decision.uscc].append(decision.benefit_id)
    benefits = {b.id: b for b in matched.benefits}
    for firms in chunks(sorted(wanted), FIRMS_AT_A_TIME):
        past, accounts = histories(connection, firms), accounts_of(connection, firms)
        for profile in profiles(connection, usccs=firms):
            facts = Facts(profile, load_vocabulary(), matched.as_of)
            for key in sorted(wanted[profile.uscc]):
                found = judge(benefits[key], facts, past[profile.uscc])
                if not found.claimable or found.due_fen is None:
                    continue
                yield (
                    key,
                    offer_draft(
                        profile.uscc,
                        found.benefit,
                        period=found.period,
                        due_fen=found.due_fen,
                        ask_for_account=not accounts.get(profile.uscc),
                    ),
                )
