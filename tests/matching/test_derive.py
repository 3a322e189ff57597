"""Derived fields: the size table, the limits, social insurance history."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.derive import RULES, months_between
from matching.facts import UnknownReason
from matching.profiles import Fact, Interval, Item, Register, month_period
from matching.ranges import quotient
from policies.values import add_months
from policies.vocabulary import OriginKind, load_vocabulary
from tests.matching.test_facts import AS_OF, WORDS, fact, opened

WAN = 1_000_000


def test_every_derived_field_names_a_rule_that_exists() -> None:
    fields = load_vocabulary().fields.values()
    rules = {field.origin.rule for field in fields if field.origin.kind is OriginKind.DERIVED}
    assert rules == set(RULES)


@pytest.mark.parametrize(
    ("industry", "revenue", "staff", "size"),
    [
        ("2614", 40_000 * WAN, 1000, "large"),
        ("2614", 40_000 * WAN - 1, 1000, "medium"),
        ("2614", 40_000 * WAN, 999, "medium"),
        ("2614", 2_000 * WAN, 300, "medium"),
        ("2614", 2_000 * WAN, 299, "small"),
        ("2614", 300 * WAN, 20, "small"),
        ("2614", 300 * WAN, 19, "micro"),
        ("6513", 50 * WAN, 10, "small"),
        ("0111", 500 * WAN, 0, "medium"),
        ("5123", 1_000 * WAN, 5, "small"),
    ],
)
def test_size_class_at_the_bounds(industry: str, revenue: int, staff: int, size: str) -> None:
    facts = opened(
        fact("industry", industry), fact("revenue", revenue, 2025), fact("staff", staff, 2025)
    )
    assert facts.read("sme_size").value == size


def test_one_small_indicator_settles_the_class() -> None:
    facts = opened(fact("industry", "2614"), fact("staff", 5, 2025))
    assert facts.read("sme_size").value == "micro"


def test_what_is_left_possible_is_kept() -> None:
    facts = opened(fact("industry", "2614"), fact("staff", 299, 2025))
    assert facts.read("sme_size").value == frozenset({"micro", "small"})


def test_industry_outside_the_method_has_no_class() -> None:
    facts = opened(fact("industry", "6620"), fact("staff", 5, 2025))
    assert facts.read("sme_size").unknown is UnknownReason.MISSING


@pytest.mark.parametrize(
    ("income", "staff", "assets", "expected"),
    [
        (300 * WAN, 300, 5_000 * WAN, True),
        (300 * WAN + 1, 300, 5_000 * WAN, False),
        (300 * WAN, 301, None, False),
        (300 * WAN, 300, None, None),
    ],
)
def test_small_low_profit(
    income: int, staff: int, assets: int | None, expected: bool | None
) -> None:
    known = [fact("taxable_income", income, 2025), fact("staff", staff, 2025)]
    known += [] if assets is None else [fact("assets", assets, 2025)]
    assert opened(*known).read("small_low_profit").value is expected


def test_growth_and_increase_and_intensity() -> None:
    facts = opened(
        fact("revenue", 120, 2025), fact("revenue", 100, 2024), fact("rd_expense", 6, 2025)
    )
    assert facts.read("revenue_growth").value == Fraction(1, 5)
    assert facts.read("revenue_increase").value == 20
    assert facts.read("rd_intensity").value == Fraction(1, 20)


def test_loss_makes_the_increase_negative() -> None:
    facts = opened(fact("revenue", 80, 2025), fact("revenue", 100, 2024))
    assert facts.read("revenue_increase").value == -20


def months(first: tuple[int, int], last: tuple[int, int], insured: int = 10) -> list[Fact]:
    numbers = range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])
    return [fact("insured", insured, n) for n in numbers] + [
        fact("premium", 300, n) for n in numbers
    ]


def test_consecutive_months_are_a_lower_bound_where_history_begins() -> None:
    facts = opened(*months((2025, 4), (2026, 6)))
    assert facts.read("insured_months").value == Interval(low=15, high=None)


def test_consecutive_months_end_at_a_zero() -> None:
    rows = months((2025, 1), (2026, 6))
    rows[3] = fact("insured", 0, 2025 * 12 + 3)
    assert opened(*rows).read("insured_months").value == 14


def test_consecutive_months_begin_with_the_enterprise() -> None:
    facts = opened(*months((2025, 4), (2026, 6)), fact("established_on", date(2025, 4, 9)))
    assert facts.read("insured_months").value == 15


def test_year_sum_wants_every_month() -> None:
    whole = opened(*months((2025, 1), (2026, 6)))
    assert whole.read("premium_paid").value == 3600
    assert whole.read("insured_average").value == 10
    late = opened(*months((2025, 4), (2026, 6)))
    assert late.read("premium_paid").unknown is UnknownReason.MISSING


def test_year_sum_begins_with_the_enterprise_or_its_first_insured() -> None:
    young = opened(*months((2025, 4), (2026, 6)), fact("established_on", date(2025, 4, 9)))
    assert young.read("premium_paid").value == 2700
    anew = opened(*months((2025, 4), (2026, 6)), fact("new_insured", 10, 2025 * 12 + 3))
    assert anew.read("premium_paid").value == 2700


def test_hole_in_the_year_leaves_it_unknown() -> None:
    rows = [row for row in months((2025, 1), (2026, 6)) if row.period != 2025 * 12 + 6]
    assert opened(*rows).read("premium_paid").unknown is UnknownReason.MISSING


def test_nobody_insured_under_a_complete_delivery_is_zero() -> None:
    complete = Register(code="social_insurance", complete=True, as_of=AS_OF)
    facts = opened(registers=(complete,))
    assert facts.read("insured_latest").value == 0
    assert facts.read("insured_months").value == 0
    assert opened().read("insured_latest").unknown is UnknownReason.MISSING


def test_old_history_is_stale() -> None:
    facts = opened(*months((2024, 1), (2025, 12)))
    assert facts.read("insured_latest").unknown is UnknownReason.STALE


def test_loans_running_in_the_year() -> None:
    loans = tuple(
        Item(
            key=str(n),
            values={
                "kind": "创业担保贷款",
                "interest_paid": 10**n,
                "principal": 10 ** (n + 3),
                "started_on": start,
                "until": until,
            },
        )
        for n, (start, until) in enumerate(
            [
                (date(2024, 1, 1), date(2024, 12, 31)),
                (date(2024, 1, 1), date(2025, 1, 1)),
                (date(2025, 12, 31), date(2027, 1, 1)),
            ]
        )
    )
    complete = Register(code="loan", complete=True, as_of=AS_OF)
    facts = opened(fact("loans", loans), registers=(complete,))
    assert facts.read("guaranteed_loan_interest").value == 110
    assert facts.read("guaranteed_loan_principal").value == 100_000
    assert facts.read("equipment_loan_interest").value == 0


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 240))
def test_months_between_is_the_most_that_fit(start: date, count: int) -> None:
    assert months_between(start, add_months(start, count)) >= count
    end = add_months(start, count)
    found = months_between(start, end)
    assert add_months(start, found) <= end < add_months(start, found + 1)


numbers = st.integers(-20, 20)


@given(numbers, st.integers(0, 20), st.integers(1, 20), st.integers(0, 20), st.data())
def test_quotient_of_ranges_holds_every_quotient(
    low: int, width: int, base: int, more: int, data: st.DataObject
) -> None:
    found = quotient((low, low + width), (base, base + more))
    assert found is not None
    top = data.draw(st.integers(low, low + width))
    below = data.draw(st.integers(base, base + more))
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] <= Fraction(top, below) <= found[1]


def test_month_numbers_agree() -> None:
    assert month_period(date(2026, 6, 1)) == 2026 * 12 + 5
    assert WORDS["insured"].period.value == "month"
