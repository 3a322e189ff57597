"""Reading a profile: freshness, periods, and the absence rule."""

from datetime import date, timedelta

import pytest

from matching.facts import Facts, UnknownReason
from matching.profiles import Fact, Interval, Item, Profile, Register
from policies.values import Combine, Period, PeriodUnit
from policies.vocabulary import load_vocabulary

AS_OF = date(2026, 6, 30)
WORDS = load_vocabulary()


def opened(*facts: Fact, registers: tuple[Register, ...] = ()) -> Facts:
    profile = Profile(
        uscc="91",
        name="示例",
        known_at=None,
        facts={(fact.field, fact.period): fact for fact in facts},
        registers={register.code: register for register in registers},
    )
    return Facts(profile, WORDS, AS_OF)


def fact(field: str, value: object, period: int | None = None, as_of: date = AS_OF) -> Fact:
    return Fact(field=field, period=period, value=value, source="t", as_of=as_of)  # type: ignore[arg-type]


def test_missing_is_missing() -> None:
    found = opened().read("revenue")
    assert (found.value, found.unknown, found.inputs) == (
        None,
        UnknownReason.MISSING,
        ("revenue",),
    )


def test_zero_is_a_value() -> None:
    assert opened(fact("revenue", 0, 2025)).read("revenue").value == 0


@pytest.mark.parametrize(("age", "stale"), [(400, False), (401, True)])
def test_value_ages_by_its_fields_limit(age: int, stale: bool) -> None:
    found = opened(fact("region", "360111", as_of=AS_OF - timedelta(days=age))).read("region")
    assert (found.unknown is UnknownReason.STALE) is stale
    assert bool(found.facts)


def test_closed_year_reported_since_never_ages() -> None:
    old = fact("revenue", 7, 2023, as_of=date(2024, 5, 31))
    three_years_ago = Period(unit=PeriodUnit.YEAR, first=-3, last=-3)
    assert opened(old).read("revenue", three_years_ago).value == 7


def test_year_reported_before_it_ended_ages() -> None:
    early = fact("revenue", 7, 2025, as_of=date(2025, 5, 1))
    assert opened(early).read("revenue").unknown is UnknownReason.STALE


@pytest.mark.parametrize(
    ("combine", "expected"),
    [(Combine.SUM, 60), (Combine.AVERAGE, 20), (Combine.MIN, 10), (Combine.MAX, 30)],
)
def test_three_years_combined(combine: Combine, expected: int) -> None:
    facts = opened(*(fact("revenue", 10 * n, 2022 + n) for n in (1, 2, 3)))
    span = Period(unit=PeriodUnit.YEAR, first=-3, last=-1, combine=combine)
    assert facts.read("revenue", span).value == expected


def test_one_missing_year_leaves_the_sum_unknown() -> None:
    facts = opened(fact("revenue", 10, 2025), fact("revenue", 10, 2023))
    span = Period(unit=PeriodUnit.YEAR, first=-3, last=-1, combine=Combine.SUM)
    assert facts.read("revenue", span).unknown is UnknownReason.MISSING


def test_items_of_an_unfinished_delivery_are_a_lower_bound() -> None:
    hire = Item(
        key="1",
        values={"category": "高校毕业生", "hired_on": date(2025, 7, 1), "insured_months": 6},
    )
    known = fact("hires", (hire,))
    assert opened(known).read("graduate_hires").value == Interval(low=1, high=None)
    complete = Register(code="hire", complete=True, as_of=AS_OF)
    assert opened(known, registers=(complete,)).read("graduate_hires").value == 1
    assert opened(registers=(complete,)).read("graduate_hires").value == 0
    assert opened().read("graduate_hires").unknown is UnknownReason.MISSING


def test_list_delivered_before_the_year_ended_is_a_lower_bound() -> None:
    early = Register(code="hire", complete=True, as_of=date(2025, 10, 31))
    assert opened(registers=(early,)).read("graduate_hires").value == Interval(low=0, high=None)


def test_a_finding_is_read_from_the_profile_too() -> None:
    facts = opened(fact("finding:b:1", True))
    assert facts.finding("finding:b:1") is True
    assert facts.finding("finding:b:2") is None
