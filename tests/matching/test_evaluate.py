"""The evaluation: truth tables, exactness at the edges, and what unknown facts may not change."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.compiled import Compiler
from matching.evaluate import (
    Outcome,
    Verdict,
    VerdictKind,
    evaluate,
    finding_keys,
    outcome,
    rule_of,
)
from matching.facts import Facts, UnknownReason
from matching.kleene import all_of, any_of, at_least, guarded
from matching.leaves import negated
from matching.profiles import Fact, Interval, Listing, Profile, Register
from policies.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Bounds,
    Compare,
    Criterion,
    Except,
    Growth,
    Leaf,
    Listed,
    Member,
    Not,
    NotListed,
    Open,
    RatioTo,
    Stage,
    Under,
    When,
)
from policies.values import LAST_YEAR, Period, PeriodUnit, RelativeDate, money, quantity
from policies.vocabulary import load_vocabulary
from tests.matching.criteria_strategies import (
    AS_OF,
    amounts,
    completions,
    criteria,
    make_benefit,
    profiles,
)

T, F, U = Outcome.TRUE, Outcome.FALSE, Outcome.UNKNOWN
WORDS = load_vocabulary()


def bounds(**entries: str) -> Bounds:
    return Bounds(**{key: quantity(text) for key, text in entries.items()})


def firm(
    values: dict[str, object] | None = None, registers: dict[str, bool] | None = None
) -> Profile:
    """``field`` or ``field@number`` → value; register code → complete."""
    facts = {}
    for key, value in (values or {}).items():
        code, _, period = key.partition("@")
        number = int(period) if period else None
        facts[code, number] = Fact(
            field=code,
            period=number,
            value=value,  # type: ignore[arg-type]
            source="test",
            as_of=AS_OF,
        )
    known = {
        code: Register(code=code, complete=complete, as_of=AS_OF)
        for code, complete in (registers or {}).items()
    }
    return Profile(uscc="91", name="示例", known_at=None, facts=facts, registers=known)


def decided(criterion: Criterion, profile: Profile) -> Outcome:
    """The outcome, which the reference, the short form and the compiled form must share."""
    benefit = make_benefit(criterion)
    verdict = evaluate(benefit, profile, AS_OF, vocabulary=WORDS)
    facts = Facts(profile, WORDS, AS_OF)
    assert outcome(criterion, facts) is verdict.root.outcome
    assert Compiler(WORDS, AS_OF).benefit(benefit).check(facts) is verdict.root.outcome
    return verdict.root.outcome


def leaf(value: Outcome, field: str = "park") -> Leaf:
    """A leaf with a given outcome on ``firm({"park": "NCJK"})``."""
    codes = {T: "NCJK", F: "OTHER"}
    if value is U:
        return Leaf(field="region", test=Under(prefixes=("36",)))
    return Leaf(field=field, test=Member(values=(codes[value],)))


HERE = firm({"park": "NCJK"})


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (T, T, T, T),
        (T, F, F, T),
        (T, U, U, T),
        (F, T, F, T),
        (F, F, F, F),
        (F, U, F, U),
        (U, T, U, T),
        (U, F, F, U),
        (U, U, U, U),
    ],
)
def test_and_or_follow_kleene(one: Outcome, other: Outcome, both: Outcome, either: Outcome) -> None:
    assert all_of([one, other]) is both
    assert any_of([one, other]) is either
    assert decided(AllOf(of=(leaf(one), leaf(other))), HERE) is both
    assert decided(AnyOf(of=(leaf(one), leaf(other))), HERE) is either


@pytest.mark.parametrize(("value", "turned"), [(T, F), (F, T), (U, U)])
def test_not(value: Outcome, turned: Outcome) -> None:
    assert negated(value) is turned
    assert decided(Not(of=leaf(value)), HERE) is turned


@pytest.mark.parametrize(
    ("outcomes", "enough"),
    [
        ((T, T, F), T),
        ((T, U, F), U),
        ((T, U, T), T),
        ((F, F, T), F),
        ((F, F, U), F),
        ((U, U, F), U),
        ((U, U, U), U),
    ],
)
def test_two_of_three(outcomes: tuple[Outcome, ...], enough: Outcome) -> None:
    assert at_least(2, list(outcomes)) is enough
    assert decided(AtLeast(n=2, of=tuple(leaf(one) for one in outcomes)), HERE) is enough


@pytest.mark.parametrize(
    ("guard", "then", "otherwise", "expected"),
    [
        (T, T, F, T),
        (T, F, T, F),
        (F, F, T, T),
        (F, T, F, F),
        (U, T, T, T),
        (U, F, F, F),
        (U, T, F, U),
        (T, U, F, U),
        (F, U, F, F),
    ],
)
def test_guard(guard: Outcome, then: Outcome, otherwise: Outcome, expected: Outcome) -> None:
    assert guarded(guard, then, otherwise) is expected
    asked = When(when=leaf(guard), then=leaf(then), otherwise=leaf(otherwise))
    assert decided(asked, HERE) is expected


def test_guard_without_otherwise_asks_nothing_of_the_rest() -> None:
    assert decided(When(when=leaf(F), then=leaf(F)), HERE) is T


@pytest.mark.parametrize(
    ("rule", "exception", "expected"),
    [(T, F, T), (T, T, F), (F, F, F), (T, U, U), (F, U, F), (U, T, F), (U, F, U)],
)
def test_exception(rule: Outcome, exception: Outcome, expected: Outcome) -> None:
    assert decided(Except(rule=leaf(rule), exceptions=(leaf(exception),)), HERE) is expected


# --- leaves --------------------------------------------------------------------------------------

REVENUE_UNDER_20_MILLION = Leaf(field="revenue", test=Compare(bounds=bounds(less_than="20亿元")))


@pytest.mark.parametrize(
    ("fen", "expected"), [(199_999_999_999, T), (200_000_000_000, F), (200_000_000_001, F)]
)
def test_two_billion_yuan_is_exact_to_the_fen(fen: int, expected: Outcome) -> None:
    assert decided(REVENUE_UNDER_20_MILLION, firm({"revenue@2025": fen})) is expected


GREW_20_PERCENT = Leaf(
    field="revenue",
    period=LAST_YEAR,
    test=Growth(
        over=Period(unit=PeriodUnit.YEAR, first=-2, last=-2), bounds=bounds(at_least="20%")
    ),
)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (120, 100, T),
        (119, 100, F),
        (8_395_799_999_999, 6_996_499_999_999, T),
        (8_395_799_999_998, 6_996_499_999_999, F),
        (8_395_800_000_000, 6_996_500_000_000, T),
        (5, 0, U),
        (5, -3, U),
    ],
)
def test_growth_of_exactly_a_fifth(now: int, before: int, expected: Outcome) -> None:
    found = firm({"revenue@2025": now, "revenue@2024": before})
    assert decided(GREW_20_PERCENT, found) is expected


def test_base_of_zero_is_a_reason_of_its_own() -> None:
    verdict = evaluate(
        make_benefit(GREW_20_PERCENT),
        firm({"revenue@2025": 5, "revenue@2024": 0}),
        AS_OF,
        vocabulary=WORDS,
    )
    assert verdict.root.children[0].reason is UnknownReason.DENOMINATOR


THREE_PERCENT = Leaf(
    field="rd_expense",
    test=RatioTo(field="revenue", period=LAST_YEAR, bounds=bounds(at_least="3%")),
)


@pytest.mark.parametrize(("spent", "expected"), [(3, T), (2, F)])
def test_ratio_at_the_edge(spent: int, expected: Outcome) -> None:
    assert decided(THREE_PERCENT, firm({"rd_expense@2025": spent, "revenue@2025": 100})) is expected


def test_missing_base_of_a_ratio_is_what_is_missing() -> None:
    verdict = evaluate(
        make_benefit(THREE_PERCENT), firm({"rd_expense@2025": 3}), AS_OF, vocabulary=WORDS
    )
    assert verdict.missing == ("revenue",)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 100, T), (0, 300_000_000_000, U), (250_000_000_000, None, F), (None, None, U)],
)
def test_range_decides_only_when_it_agrees(
    low: int | None, high: int | None, expected: Outcome
) -> None:
    known = firm({"revenue@2025": Interval(low=low, high=high)})
    assert decided(REVENUE_UNDER_20_MILLION, known) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("360111", T), ("360100", U), ("360000", U), ("110101", F), ("360402", F)],
)
def test_region_too_coarse_to_say_is_unknown(code: str, expected: Outcome) -> None:
    in_district = Leaf(field="region", test=Under(prefixes=("360111",)))
    assert decided(in_district, firm({"region": code})) is expected


NOT_DISHONEST = Leaf(field="dishonest", test=NotListed())


def test_only_a_complete_register_makes_absence_knowledge() -> None:
    assert decided(NOT_DISHONEST, firm(registers={"dishonest": True})) is T
    assert decided(NOT_DISHONEST, firm(registers={"dishonest": False})) is U
    assert decided(NOT_DISHONEST, firm()) is U


def test_old_register_no_longer_says_no() -> None:
    old = Register(code="dishonest", complete=True, as_of=date(2026, 1, 1))
    profile = replace(firm(), registers={"dishonest": old})
    assert decided(NOT_DISHONEST, profile) is U


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Listing(listed_on=date(2025, 1, 1)), F),
        (Listing(listed_on=date(2025, 1, 1), removed_on=date(2026, 6, 30)), T),
        (Listing(listed_on=date(2025, 1, 1), removed_on=date(2026, 7, 1)), F),
        (Listing(listed_on=date(2026, 7, 1)), T),
    ],
)
def test_removal_counts_from_its_day(entry: Listing, expected: Outcome) -> None:
    known = firm({"dishonest": (entry,)}, {"dishonest": True})
    assert decided(NOT_DISHONEST, known) is expected


FIRST_IN_A_YEAR = Leaf(field="hnte", test=Listed(first=True, listed_from=RelativeDate(months=-12)))


@pytest.mark.parametrize(
    ("listed", "complete", "expected"),
    [
        ((date(2025, 6, 30),), True, T),
        ((date(2025, 6, 29),), True, F),
        ((date(2022, 6, 1), date(2025, 7, 1)), True, F),
        ((date(2025, 7, 1),), False, U),
        ((), True, F),
        ((), False, U),
    ],
)
def test_first_recognition_within_a_year(
    listed: tuple[date, ...], complete: bool, expected: Outcome
) -> None:
    entries = tuple(Listing(listed_on=day) for day in listed)
    known = firm({"hnte": entries} if entries else {}, {"hnte": complete})
    assert decided(FIRST_IN_A_YEAR, known) is expected


# --- verdicts ------------------------------------------------------------------------------------

JUDGED = Open(text="有良好市场前景", route_to="市工业和信息化局专家评审", clause="第三条")


def test_open_condition_waits_for_a_person() -> None:
    benefit = make_benefit(AllOf(of=(leaf(T), JUDGED)))
    (key,) = finding_keys(benefit)
    assert key == "finding:b:1"
    waiting = evaluate(benefit, HERE, AS_OF, vocabulary=WORDS)
    assert waiting.kind is VerdictKind.UNDETERMINED
    assert waiting.missing == (key,)
    for found, kind in ((True, VerdictKind.ELIGIBLE), (False, VerdictKind.INELIGIBLE)):
        told = evaluate(benefit, HERE, AS_OF, vocabulary=WORDS, findings={key: found})
        assert told.kind is kind


def test_credit_gate_is_asked_once() -> None:
    gated = replace(make_benefit(NOT_DISHONEST), credit_gate=("dishonest", "serious_violation"))
    fields = [part.field for part in rule_of(gated).of if isinstance(part, Leaf)]
    assert fields == ["dishonest", "serious_violation"]


def test_out_of_force_is_ineligible_and_says_so() -> None:
    over = replace(make_benefit(leaf(T)), valid_until=date(2025, 12, 31))
    verdict = evaluate(over, HERE, AS_OF, vocabulary=WORDS)
    assert verdict.kind is VerdictKind.INELIGIBLE
    assert "有效期" in verdict.root.children[0].label_zh


def test_what_is_checked_after_payment_is_not_asked_before() -> None:
    later = replace(leaf(F), stage=Stage.OUTCOME)
    benefit = make_benefit(AllOf(of=(leaf(T), later)))
    assert evaluate(benefit, HERE, AS_OF, vocabulary=WORDS).kind is VerdictKind.ELIGIBLE
    assert len(benefit.outcome_conditions()) == 1


def test_node_has_what_a_page_shows() -> None:
    at_least_2000 = Leaf(
        field="revenue", test=Compare(bounds=bounds(at_least="2000万元")), clause="第二条"
    )
    verdict = evaluate(
        make_benefit(at_least_2000), firm({"revenue@2025": 1_880_000_000}), AS_OF, vocabulary=WORDS
    )
    node = verdict.root.children[0]
    assert node.label_zh == "2025年营业收入 不低于 2,000万元"
    assert (node.value, node.source, node.fact_as_of) == ("1,880万元", "税务部门", AS_OF)
    assert (node.clause, node.period, node.period_zh) == ("第二条", 2025, "2025年")
    assert node.distance is not None
    assert node.distance.text_zh == "营业收入增加120万元"
    assert node.distance.amount == "120000000"


@settings(max_examples=120)
@given(st.data(), criteria, amounts, profiles())
def test_three_forms_agree(
    data: st.DataObject, criterion: Criterion, amount: object, profile: Profile
) -> None:
    benefit = make_benefit(criterion, amount)  # type: ignore[arg-type]
    answers = st.sampled_from([True, False, None])
    told = {key: data.draw(answers) for key in finding_keys(benefit)}
    found = {key: answer for key, answer in told.items() if answer is not None}
    judged = evaluate(benefit, profile, AS_OF, vocabulary=WORDS, findings=found)
    with_findings = Facts(profile, WORDS, AS_OF, found)
    swift = Compiler(WORDS, AS_OF).benefit(benefit)
    assert swift.check(with_findings) is judged.root.outcome
    assert swift.missing(with_findings) == judged.missing
    verdict = evaluate(benefit, profile, AS_OF, vocabulary=WORDS)
    compiled = Compiler(WORDS, AS_OF).benefit(benefit)
    facts = Facts(profile, WORDS, AS_OF)
    assert compiled.check(facts) is verdict.root.outcome
    assert compiled.missing(facts) == verdict.missing
    assert outcome(criterion, facts) is verdict.root.outcome
    assert (verdict.missing == ()) == (verdict.kind is not VerdictKind.UNDETERMINED)


@settings(max_examples=100)
@given(st.data(), criteria, amounts, profiles())
def test_decided_stays_decided_under_every_completion(
    data: st.DataObject, criterion: Criterion, amount: object, profile: Profile
) -> None:
    benefit = make_benefit(criterion, amount)  # type: ignore[arg-type]
    before = evaluate(benefit, profile, AS_OF, vocabulary=WORDS)
    whole = data.draw(completions(profile))
    keys = finding_keys(benefit)
    found = {key: data.draw(st.booleans()) for key in keys}
    after = evaluate(benefit, whole, AS_OF, vocabulary=WORDS, findings=found)
    if before.kind is not VerdictKind.UNDETERMINED:
        assert after.kind is before.kind
    if before.award is not None and after.award is not None:
        assert before.award.low_fen <= after.award.low_fen
        high = before.award.high_fen
        assert high is None or (after.award.high_fen is not None and after.award.high_fen <= high)


@settings(max_examples=60)
@given(criteria, profiles())
def test_not_not_changes_nothing(criterion: Criterion, profile: Profile) -> None:
    facts = Facts(profile, WORDS, AS_OF)
    assert outcome(Not(of=Not(of=criterion)), facts) is outcome(criterion, facts)


@settings(max_examples=60)
@given(criteria, profiles())
def test_verdict_json_reads_back_byte_for_byte(criterion: Criterion, profile: Profile) -> None:
    verdict = evaluate(make_benefit(criterion), profile, AS_OF, vocabulary=WORDS)
    text = verdict.to_json()
    assert Verdict.from_json(text) == verdict
    assert Verdict.from_json(text).to_json() == text


@settings(max_examples=40)
@given(criteria, profiles())
def test_order_of_facts_changes_nothing(criterion: Criterion, profile: Profile) -> None:
    turned = replace(
        profile,
        facts=dict(reversed(list(profile.facts.items()))),
        registers=dict(reversed(list(profile.registers.items()))),
    )
    benefit = make_benefit(criterion)
    one = evaluate(benefit, profile, AS_OF, vocabulary=WORDS)
    other = evaluate(benefit, turned, AS_OF, vocabulary=WORDS)
    assert one.to_json() == other.to_json()


def test_money_bound_is_fen() -> None:
    assert bounds(at_least="2000万元").at_least == money(2_000_000_000)
