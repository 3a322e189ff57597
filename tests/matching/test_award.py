"""Awards: every shape of amount, caps, ranges while something is unknown, stacking."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings

from ledger.money import Rounding
from matching.award import Earlier, award, stack
from matching.compiled import flattened
from matching.facts import Facts
from matching.profiles import Interval, Profile
from policies.amounts import (
    Amount,
    AtMost,
    Branch,
    ByParameter,
    Cap,
    CapScope,
    Choose,
    FieldBase,
    Fixed,
    Highest,
    Lowest,
    Minus,
    OpenAmount,
    PerUnit,
    Rate,
    Relief,
    Slice,
    Slices,
    Step,
    Sum,
    Tiers,
)
from policies.benefits import (
    Benefit,
    ClaimPeriod,
    Mode,
    Parameter,
    ParameterValue,
    Stacking,
    StackingRule,
)
from policies.criteria import AllOf, Bounds, Leaf, Member
from policies.values import LAST_YEAR, Text, fen_of, money, quantity, ratio
from tests.matching.criteria_strategies import AS_OF, amounts, make_benefit, profiles
from tests.matching.test_facts import WORDS, fact, opened

REVENUE = FieldBase(field="revenue", period=LAST_YEAR)
STAFF = FieldBase(field="staff", period=LAST_YEAR)
WAN = 1_000_000


def yuan(text: str) -> int:
    found = quantity(text)
    assert found is not None
    return fen_of(found)


def fixed(text: str) -> Fixed:
    return Fixed(money=money(yuan(text)))


def given_to(amount: Amount, *facts: object, caps: tuple[Cap, ...] = ()) -> object:
    """The exact award in fen, or the (low, high) range."""
    found = award(
        replace(make_benefit(AllOf(of=()), amount), caps=caps),
        opened(*facts),  # type: ignore[arg-type]
    )
    return (found.low_fen, found.high_fen) if found.exact_fen is None else found.exact_fen


def test_fixed() -> None:
    assert given_to(fixed("10万元")) == 10 * WAN


def test_rate_drops_what_is_less_than_a_yuan() -> None:
    rate = Rate(rate=ratio(Fraction(2, 25)), of=REVENUE)
    assert given_to(rate, fact("revenue", 123_456, 2025)) == 9_800
    exact = replace(rate, rounding=Rounding.DOWN_FEN)
    assert given_to(exact, fact("revenue", 123_456, 2025)) == 9_876


def test_rate_of_a_loss_is_nothing() -> None:
    rate = Rate(rate=ratio(Fraction(1, 10)), of=FieldBase(field="revenue_increase"))
    facts = (fact("revenue", 1_000, 2025), fact("revenue", 9_000, 2024))
    assert given_to(rate, *facts) == 0


def test_per_head() -> None:
    assert given_to(PerUnit(each=money(150_000), of=STAFF), fact("staff", 4, 2025)) == 600_000


TIERS = Tiers(
    by=REVENUE,
    steps=(
        Step(bounds=Bounds(at_most=money(10 * WAN)), amount=fixed("1万元")),
        Step(
            bounds=Bounds(more_than=money(10 * WAN), less_than=money(20 * WAN)),
            amount=fixed("2万元"),
        ),
        Step(bounds=Bounds(at_least=money(20 * WAN)), amount=fixed("3万元")),
    ),
)


@pytest.mark.parametrize(
    ("revenue", "expected"),
    [(10 * WAN, 1), (10 * WAN + 1, 2), (20 * WAN - 1, 2), (20 * WAN, 3)],
)
def test_tiers_at_their_edges(revenue: int, expected: int) -> None:
    assert given_to(TIERS, fact("revenue", revenue, 2025)) == expected * WAN


def test_unknown_tier_is_the_range_of_the_possible_ones() -> None:
    assert given_to(TIERS) == (0, 3 * WAN)
    low = fact("revenue", Interval(low=0, high=15 * WAN), 2025)
    assert given_to(TIERS, low) == (0, 2 * WAN)
    sure = fact("revenue", Interval(low=30 * WAN, high=None), 2025)
    assert given_to(TIERS, sure) == 3 * WAN


def test_marginal_slices_add_up() -> None:
    slices = Slices(
        by=REVENUE,
        slices=(
            Slice(start=money(0), below=money(100 * WAN), rate=ratio(Fraction(1, 4))),
            Slice(start=money(100 * WAN), below=None, rate=ratio(Fraction(1, 10))),
        ),
    )
    assert given_to(slices, fact("revenue", 300 * WAN, 2025)) == 45 * WAN
    assert given_to(slices, fact("revenue", 0, 2025)) == 0


MATRIX = Choose(
    branches=(
        Branch(
            when=Leaf(field="entity_type", test=Member(values=("个体工商户",))),
            amount=fixed("1万元"),
        ),
        Branch(
            when=Leaf(field="entity_type", test=Member(values=("合伙企业",))), amount=fixed("2万元")
        ),
    ),
    otherwise=fixed("5万元"),
)


def test_matrix_takes_the_first_branch_that_fits() -> None:
    assert given_to(MATRIX, fact("entity_type", "合伙企业")) == 2 * WAN
    assert given_to(MATRIX, fact("entity_type", "有限责任公司")) == 5 * WAN
    assert given_to(MATRIX) == (1 * WAN, 5 * WAN)


def test_sums_and_extremes() -> None:
    parts = (fixed("3万元"), fixed("5万元"))
    assert given_to(Sum(of=parts)) == 8 * WAN
    assert given_to(Lowest(of=parts)) == 3 * WAN
    assert given_to(Highest(of=parts)) == 5 * WAN
    assert given_to(Minus(of=parts)) == 0
    assert given_to(Minus(of=parts[::-1])) == 2 * WAN


def test_dated_parameter() -> None:
    lpr = Parameter(
        code="lpr",
        label=Text(zh="一年期LPR"),
        values=(
            ParameterValue(valid_from=date(2024, 10, 21), value=ratio(Fraction(31, 1000))),
            ParameterValue(valid_from=date(2026, 7, 1), value=ratio(Fraction(1, 10))),
        ),
    )
    amount = ByParameter(parameter="lpr", of=REVENUE)
    benefit = replace(make_benefit(AllOf(of=()), amount), parameters=(lpr,))
    found = award(benefit, opened(fact("revenue", 100 * WAN, 2025)))
    assert found.exact_fen == 3_100_000
    assert "一年期LPR 3.1%" in found.lines[0].text_zh


def test_ceiling_bounds_even_the_unknown() -> None:
    capped = AtMost(amount=Rate(rate=ratio(Fraction(1, 2)), of=REVENUE), cap=money(3 * WAN))
    assert given_to(capped) == (0, 3 * WAN)
    assert given_to(capped, fact("revenue", 100 * WAN, 2025)) == 3 * WAN


def test_caps_of_the_firm_apply_and_of_the_programme_do_not() -> None:
    firm = Cap(scope=CapScope.FIRM_YEAR, amount=money(2 * WAN))
    programme = Cap(scope=CapScope.PROGRAMME_YEAR, amount=money(1 * WAN))
    assert given_to(fixed("3万元"), caps=(firm, programme)) == 2 * WAN


def test_open_amount_is_a_range() -> None:
    judged = OpenAmount(text="按评审结果", low=money(0), high=money(50 * WAN))
    assert given_to(judged) == (0, 50 * WAN)


def test_relief_is_explained_and_never_payable() -> None:
    relief = Relief(note=Text(zh="减半征收"), estimate=fixed("2万元"))
    benefit = replace(make_benefit(AllOf(of=()), relief), mode=Mode.FILING)
    found = award(benefit, opened())
    assert (found.exact_fen, found.payable) == (2 * WAN, False)
    assert found.lines[0].text_zh == "减半征收"


def test_lines_show_the_calculation() -> None:
    rate = Rate(rate=ratio(Fraction(2, 25)), of=REVENUE)
    cap = Cap(scope=CapScope.FIRM_YEAR, amount=money(300 * WAN))
    benefit = replace(make_benefit(AllOf(of=()), rate), caps=(cap,))
    found = award(benefit, opened(fact("revenue", 10_000 * WAN, 2025)))
    assert [line.text_zh for line in found.lines] == [
        "2025年营业收入 10,000万元 × 8% = 800万元",
        "每家企业每年最高 300万元，取 300万元",
    ]


@settings(max_examples=60)
@given(amounts, profiles())
def test_words_and_definitions_do_not_change_numbers(amount: Amount, profile: Profile) -> None:
    benefit = make_benefit(AllOf(of=()), amount)
    said = award(benefit, Facts(profile, WORDS, AS_OF))
    bare = award(flattened(benefit), Facts(profile, WORDS, AS_OF), with_lines=False)
    assert replace(said, lines=()) == bare
    assert said.low_fen >= 0
    assert said.high_fen is None or said.low_fen <= said.high_fen


# --- stacking ------------------------------------------------------------------------------------


def stacked(
    rule: StackingRule, *history: Earlier, amount: str = "20万元", caps: tuple[Cap, ...] = ()
) -> tuple[bool | None, int | None]:
    made = replace(
        make_benefit(AllOf(of=()), fixed(amount)),
        stacking=Stacking(rule=rule, group="g"),
        caps=caps,
        period=ClaimPeriod.YEAR,
    )
    found = stack(made, award(made, opened()), history, as_of=AS_OF)
    return found.allowed, found.exact_fen


def other(amount: str | None, *, certain: bool = True, period: int | None = 2026) -> Earlier:
    fen = None if amount is None else yuan(amount)
    return Earlier(benefit_id="x", group="g", period=period, amount_fen=fen, certain=certain)


OWN_LAST_YEAR = Earlier(benefit_id="b", group="g", period=2025, amount_fen=15 * WAN)


@pytest.mark.parametrize(
    ("rule", "history", "expected"),
    [
        (StackingRule.STACKABLE, (other("5万元"),), (True, 20 * WAN)),
        (StackingRule.EXCLUSIVE, (other("5万元"),), (False, 0)),
        (StackingRule.EXCLUSIVE, (other("5万元", period=2025),), (True, 20 * WAN)),
        (StackingRule.EXCLUSIVE, (other("5万元", certain=False),), (None, None)),
        (StackingRule.HIGHEST, (other("5万元"),), (True, 15 * WAN)),
        (StackingRule.HIGHEST, (other("20万元"),), (False, 0)),
        (StackingRule.DIFFERENCE, (other("5万元", period=2024),), (True, 15 * WAN)),
        (StackingRule.DIFFERENCE, (other("5万元", certain=False),), (None, None)),
        (StackingRule.DIFFERENCE, (other(None),), (None, None)),
        (StackingRule.ONCE, (OWN_LAST_YEAR,), (False, 0)),
        (StackingRule.ONCE, (), (True, 20 * WAN)),
    ],
)
def test_stacking(
    rule: StackingRule, history: tuple[Earlier, ...], expected: tuple[bool | None, int | None]
) -> None:
    assert stacked(rule, *history) == expected


def test_one_claim_a_period() -> None:
    again = Earlier(benefit_id="b", period=2026, amount_fen=1)
    assert stacked(StackingRule.STACKABLE, again) == (False, 0)


def test_lifetime_cap_counts_what_was_paid() -> None:
    cap = Cap(scope=CapScope.FIRM_TOTAL, amount=money(25 * WAN))
    assert stacked(StackingRule.STACKABLE, OWN_LAST_YEAR, caps=(cap,)) == (True, 10 * WAN)


def test_benefit_helper_is_in_force() -> None:
    made: Benefit = make_benefit(AllOf(of=()))
    assert made.in_force(AS_OF)
