"""The population against the catalogue: who gets what, and what is still open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from matching.award import award
from matching.compiled import Compiled, compile_all
from matching.facts import Facts
from matching.leaves import FALSE, TRUE
from matching.profiles import Profile
from matching.verdicts import VerdictKind
from policies.benefits import Benefit, Parameter
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One row of a sweep: somebody eligible, or undetermined and why.

    ``award_fen`` is None when not computable; then ``award_low_fen`` and ``award_high_fen``
    bound it (None: no ceiling). ``missing`` joins what the conditions and the amount lack.
    """

    uscc: str
    benefit_id: str
    version: int
    kind: VerdictKind
    award_fen: int | None
    award_low_fen: int
    award_high_fen: int | None
    payable: bool
    missing: tuple[str, ...]


@dataclass(slots=True)
class Counts:
    """What a sweep has counted so far; ``award_fen_sum`` adds exact payable awards of eligibles."""

    firms: int = 0
    eligible: Counter[str] = field(default_factory=Counter)
    undetermined: Counter[str] = field(default_factory=Counter)
    ineligible: Counter[str] = field(default_factory=Counter)
    award_fen: Counter[str] = field(default_factory=Counter)

    @property
    def award_fen_sum(self) -> int:
        """Return the sum over all benefits."""
        return sum(self.award_fen.values())


class Sweep:
    """Benefits compiled for one day; ``run`` may be called for one profile or for everyone."""

    def __init__(
        self,
        benefits: Sequence[Benefit],
        as_of: date,
        *,
        vocabulary: Vocabulary,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> None:
        self.as_of = as_of
        self.vocabulary = vocabulary
        self.parameters = parameters
        self.counts = Counts()
        held = [benefit for benefit in benefits if benefit.in_force(as_of)]
        self._compiled = compile_all(
            sorted(held, key=lambda b: (b.id, b.version)), vocabulary, as_of
        )

    def run(self, profiles: Iterable[Profile]) -> Iterator[Decision]:
        """Yield the eligible and undetermined, by profile in their order and by benefit id."""
        for profile in profiles:
            self.counts.firms += 1
            facts = Facts(profile, self.vocabulary, self.as_of)
            for compiled in self._compiled:
                found = compiled.check(facts)
                if found is FALSE:
                    self.counts.ineligible[compiled.benefit.id] += 1
                else:
                    yield self._decision(compiled, facts, eligible=found is TRUE)

    def _decision(self, compiled: Compiled, facts: Facts, *, eligible: bool) -> Decision:
        benefit = compiled.benefit
        given = award(benefit, facts, self.parameters, with_lines=False)
        lacking = given.missing
        if eligible:
            self.counts.eligible[benefit.id] += 1
            if given.payable and given.exact_fen is not None:
                self.counts.award_fen[benefit.id] += given.exact_fen
        else:
            self.counts.undetermined[benefit.id] += 1
            lacking = tuple(sorted({*lacking, *compiled.missing(facts)}))
        return Decision(
            uscc=facts.profile.uscc,
            benefit_id=benefit.id,
            version=benefit.version,
            kind=VerdictKind.ELIGIBLE if eligible else VerdictKind.UNDETERMINED,
            award_fen=given.exact_fen,
            award_low_fen=given.low_fen,
            award_high_fen=given.high_fen,
            payable=given.payable,
            missing=lacking,
        )


def sweep(
    benefits: Sequence[Benefit],
    profiles: Iterable[Profile],
    as_of: date,
    *,
    vocabulary: Vocabulary,
    parameters: Mapping[str, Parameter] | None = None,
    counts: Counts | None = None,
) -> Iterator[Decision]:
    """Sweep profiles; benefits not in force on ``as_of`` are left out.

    Pass ``counts`` to have it filled while the decisions are consumed.
    """
    work = Sweep(benefits, as_of, vocabulary=vocabulary, parameters=parameters)
    if counts is not None:
        work.counts = counts
    return work.run(profiles)
