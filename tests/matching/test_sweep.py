"""Sweeps: the same answers as the reference, for a catalogue and many firms."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from matching.award import award
from matching.evaluate import VerdictKind, evaluate
from matching.facts import Facts
from matching.profiles import Profile
from matching.sweep import Counts, sweep
from policies.amounts import Amount
from policies.criteria import Criterion
from tests.matching.criteria_strategies import (
    AS_OF,
    amounts,
    criteria,
    make_benefit,
    profiles,
)
from tests.matching.test_evaluate import WORDS


@settings(max_examples=50)
@given(
    st.lists(st.tuples(criteria, amounts), min_size=1, max_size=4),
    st.lists(profiles(), min_size=1, max_size=3),
)
def test_sweep_equals_the_reference(
    rules: list[tuple[Criterion, Amount]], found: list[Profile]
) -> None:
    benefits = [make_benefit(rule, amount, f"b{n}") for n, (rule, amount) in enumerate(rules)]
    firms = [replace(profile, uscc=str(n)) for n, profile in enumerate(found)]
    counts = Counts()
    decisions = list(sweep(benefits, firms, AS_OF, vocabulary=WORDS, counts=counts))
    expected = [
        evaluate(benefit, firm, AS_OF, vocabulary=WORDS) for firm in firms for benefit in benefits
    ]
    wanted = [verdict for verdict in expected if verdict.kind is not VerdictKind.INELIGIBLE]
    assert [(d.uscc, d.benefit_id, d.kind) for d in decisions] == [
        (v.uscc, v.benefit_id, v.kind) for v in wanted
    ]
    for decision, verdict in zip(decisions, wanted, strict=True):
        given_to = verdict.award
        assert given_to is not None
        assert decision.award_fen == given_to.exact_fen
        assert decision.award_low_fen == given_to.low_fen
        assert decision.award_high_fen == given_to.high_fen
        assert set(decision.missing) == set(verdict.missing) | set(given_to.missing)
    assert counts.firms == len(firms)
    assert sum(counts.eligible.values()) + sum(counts.undetermined.values()) == len(decisions)
    assert sum(counts.ineligible.values()) == len(expected) - len(decisions)


def test_benefit_out_of_force_is_left_out() -> None:
    rule = make_benefit(criterion=_anyone())
    over = replace(rule, valid_until=date(2025, 12, 31))
    firm = Profile(uscc="1", name="", known_at=None, facts={}, registers={})
    assert list(sweep([over], [firm], AS_OF, vocabulary=WORDS)) == []
    (kept,) = sweep([rule], [firm], AS_OF, vocabulary=WORDS)
    assert kept.award_fen == award(rule, Facts(firm, WORDS, AS_OF)).exact_fen


def _anyone() -> Criterion:
    from policies.criteria import AllOf

    return AllOf(of=())
