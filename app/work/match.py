"""Match enterprises with benefits: the whole population, or the firms whose records changed."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import repeat
from multiprocessing import get_context

from sqlalchemy import Connection, Engine, insert

from app.db import make_engine, read
from app.tables import sweep_benefits, sweeps
from matching.live_records import registered_codes
from matching.profile_store import profiles
from matching.profiles import Profile
from matching.sweep import Decision, sweep
from matching.verdicts import VerdictKind
from policies.benefits import Benefit
from policies.codec import benefit_hash
from policies.library import live_benefits
from policies.vocabulary import load_vocabulary

WORTH_SHARING = 5_000
"""Fewer firms than this are matched sooner by one process than others are started."""


@dataclass(slots=True, kw_only=True)
class Matched:
    """What one sweep found; rows only where someone may act on them."""

    as_of: date
    known_at: datetime
    usccs: list[str] = field(default_factory=list)
    benefits: tuple[Benefit, ...] = ()
    eligible: list[Decision] = field(default_factory=list)
    undetermined: list[Decision] = field(default_factory=list)

    @property
    def firms(self) -> int:
        """How many enterprises were matched."""
        return len(self.usccs)

    @property
    def ineligible(self) -> int:
        """Pairs of firm and benefit decided as no."""
        return self.firms * len(self.benefits) - len(self.eligible) - len(self.undetermined)

    @property
    def award_fen_sum(self) -> int:
        """Sum of the exact awards of eligible payable pairs, fen (filing relief left out)."""
        return sum(d.award_fen or 0 for d in self.eligible if d.payable)


def run_match(
    connection: Connection,
    *,
    as_of: date,
    known_at: datetime,
    usccs: Sequence[str] | None = None,
    benefit_ids: Sequence[str] = (),
) -> Matched:
    """Evaluate firms (all, or the given ones) against the benefits in force at ``as_of``."""
    live = tuple(
        b
        for b in live_benefits(connection, as_of, known_at)
        if not benefit_ids or b.id in benefit_ids
    )
    result = Matched(as_of=as_of, known_at=known_at, benefits=live)
    decisions = sweep(
        live,
        _counted(profiles(connection, known_at=known_at, usccs=usccs), result),
        as_of,
        vocabulary=load_vocabulary(),
    )
    for decision in decisions:
        if decision.kind is VerdictKind.ELIGIBLE:
            result.eligible.append(decision)
        else:
            result.undetermined.append(decision)
    return result


def match_everyone(
    engine: Engine, *, as_of: date, known_at: datetime, processes: int = 1
) -> Matched:
    """Match the whole population, in several processes where there is enough to share out.

    The result is the same for any number of processes: firms are cut into runs of their sorted
    codes, and the parts are put together in that order.
    """
    with read(engine) as connection:
        usccs = registered_codes(connection, known_at)
        if processes < 2 or len(usccs) < WORTH_SHARING:
            return run_match(connection, as_of=as_of, known_at=known_at, usccs=usccs)
    size = -(-len(usccs) // processes)
    parts = [usccs[start : start + size] for start in range(0, len(usccs), size)]
    url = engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        done = list(pool.map(_match_part, repeat(url), repeat(as_of), repeat(known_at), parts))
    whole = done[0]
    for part in done[1:]:
        whole.usccs += part.usccs
        whole.eligible += part.eligible
        whole.undetermined += part.undetermined
    return whole


def _match_part(url: str, as_of: date, known_at: datetime, usccs: Sequence[str]) -> Matched:
    """Match one run of firms in a process of its own."""
    engine = make_engine(url)
    try:
        with read(engine) as connection:
            return run_match(connection, as_of=as_of, known_at=known_at, usccs=usccs)
    finally:
        engine.dispose()


def store_sweep(connection: Connection, matched: Matched) -> int:
    """Keep a whole-population sweep as bitmaps over the sorted firms; returns its number."""
    order = sorted(matched.usccs)
    bit = {uscc: index for index, uscc in enumerate(order)}
    identity = connection.execute(
        insert(sweeps)
        .values(
            as_of=matched.as_of,
            known_at=matched.known_at,
            engine="reference",
            catalogue_hash=_catalogue_hash(matched.benefits),
            firms=matched.firms,
            benefits=len(matched.benefits),
            eligible=len(matched.eligible),
            undetermined=len(matched.undetermined),
            ineligible=matched.ineligible,
            award_fen_sum=matched.award_fen_sum,
            firm_order=zlib.compress("\n".join(order).encode()),
        )
        .returning(sweeps.c.id)
    ).scalar_one()
    eligible = _by_benefit(matched.eligible)
    undetermined = _by_benefit(matched.undetermined)
    connection.execute(
        insert(sweep_benefits),
        [
            {
                "sweep_id": identity,
                "benefit_id": b.id,
                "benefit_version": b.version,
                "eligible": len(eligible[b.id]),
                "undetermined": len(undetermined[b.id]),
                "award_fen_sum": sum(d.award_fen or 0 for d in eligible[b.id] if d.payable),
                "eligible_bits": _bitmap(eligible[b.id], bit),
                "undetermined_bits": _bitmap(undetermined[b.id], bit),
            }
            for b in matched.benefits
        ],
    )
    return int(identity)


def _catalogue_hash(benefits: Iterable[Benefit]) -> str:
    """Return the SHA-256 over the hashes of the versions a sweep used."""
    return hashlib.sha256("".join(benefit_hash(b) for b in benefits).encode()).hexdigest()


def _counted(source: Iterable[Profile], result: Matched) -> Iterator[Profile]:
    for profile in source:
        result.usccs.append(profile.uscc)
        yield profile


def _by_benefit(decisions: Sequence[Decision]) -> dict[str, list[Decision]]:
    grouped: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        grouped[decision.benefit_id].append(decision)
    return grouped


def _bitmap(decisions: Sequence[Decision], bit: dict[str, int]) -> bytes:
    """Return a deflated bitmap, least significant bit first, one bit a firm in sorted order."""
    plane = bytearray((len(bit) + 7) // 8)
    for decision in decisions:
        index = bit[decision.uscc]
        plane[index >> 3] |= 1 << (index & 7)
    return zlib.compress(bytes(plane))
