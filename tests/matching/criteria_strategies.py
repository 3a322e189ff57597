"""Random criteria, amounts and profiles over a few fields, for property tests."""

from datetime import date
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from ledger.money import Fen
from matching.profiles import Fact, Interval, Listing, Profile, Register
from policies.amounts import (
    Amount,
    AtMost,
    Branch,
    Choose,
    FieldBase,
    Fixed,
    Highest,
    Lowest,
    Minus,
    PerUnit,
    Rate,
    Step,
    Sum,
    Tiers,
)
from policies.benefits import (
    Benefit,
    BenefitClass,
    Certainty,
    DocumentLevel,
    Mode,
    PolicyDocument,
)
from policies.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Bounds,
    Compare,
    Criterion,
    Elapsed,
    ElapsedUnit,
    Except,
    Exists,
    Growth,
    Increase,
    Leaf,
    Listed,
    Member,
    Not,
    NotListed,
    Open,
    RatioTo,
    Test,
    Under,
    When,
)
from policies.values import LAST_YEAR, Period, PeriodUnit, RelativeDate, Text, money, number, ratio

AS_OF = date(2026, 6, 30)
TWO_YEARS_AGO = Period(unit=PeriodUnit.YEAR, first=-2, last=-2)
REGISTERS = ("hnte", "dishonest")
YEARS = (2024, 2025)

amounts_fen = st.sampled_from([0, 1, 100, 10_000_000, 20_000_000, 20_000_001, 200_000_000_000])
money_bounds = amounts_fen.map(money)
bounds_money = st.builds(
    Bounds,
    at_least=st.none() | money_bounds,
    less_than=st.none() | money_bounds,
).filter(lambda bounds: list(bounds.items()) != [])
ratios = st.sampled_from([Fraction(-1, 2), Fraction(0), Fraction(1, 20), Fraction(1, 5)]).map(ratio)
bounds_ratio = st.builds(Bounds, at_least=ratios) | st.builds(Bounds, more_than=ratios)

tests_by_field: dict[str, st.SearchStrategy[Test]] = {
    "region": st.lists(
        st.sampled_from(["36", "3601", "360111", "110000", "100000"]), min_size=1, max_size=2
    ).map(lambda codes: Under(prefixes=tuple(codes))),
    "entity_type": st.builds(
        Member,
        values=st.lists(
            st.sampled_from(["有限责任公司", "个体工商户", "合伙企业"]), min_size=1, unique=True
        ).map(tuple),
        negated=st.booleans(),
    ),
    "revenue": st.one_of(
        st.builds(Compare, bounds=bounds_money),
        st.builds(Growth, over=st.just(TWO_YEARS_AGO), bounds=bounds_ratio),
        st.builds(Increase, over=st.just(TWO_YEARS_AGO), bounds=bounds_money),
        st.builds(RatioTo, field=st.just("assets"), period=st.just(LAST_YEAR), bounds=bounds_ratio),
    ),
    "revenue_growth": st.builds(Compare, bounds=bounds_ratio),
    "sme_size": st.builds(
        Member,
        values=st.lists(
            st.sampled_from(["large", "medium", "small", "micro"]), min_size=1, unique=True
        ).map(tuple),
        negated=st.booleans(),
    ),
    "established_on": st.builds(
        Elapsed,
        bounds=st.integers(0, 24).map(lambda n: Bounds(at_least=number(n)))
        | st.integers(0, 24).map(lambda n: Bounds(less_than=number(n))),
        unit=st.sampled_from(ElapsedUnit),
    )
    | st.just(Compare(bounds=Bounds(at_least=RelativeDate(year=-1, month=1, day=1)))),
    "hnte": st.builds(
        Listed,
        valid=st.booleans(),
        first=st.booleans(),
        listed_from=st.none() | st.just(RelativeDate(months=-12)),
    )
    | st.builds(Exists, expected=st.booleans()),
    "dishonest": st.just(NotListed()) | st.just(NotListed(since=RelativeDate(year=-3))),
    "park": st.builds(Exists, expected=st.booleans()),
}
leaves = st.sampled_from(sorted(tests_by_field)).flatmap(
    lambda field: tests_by_field[field].map(lambda test: Leaf(field=field, test=test))
)
opens = st.just(Open(text="有良好市场前景", route_to="专家评审"))


def _groups(inner: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(AllOf, of=several),
        st.builds(AnyOf, of=several),
        st.builds(Not, of=inner),
        several.flatmap(lambda of: st.builds(AtLeast, n=st.integers(1, len(of)), of=st.just(of))),
        st.builds(When, when=inner, then=inner, otherwise=st.none() | inner),
        st.builds(Except, rule=inner, exceptions=several),
    )


base_criteria: st.SearchStrategy[Criterion] = st.one_of(leaves, leaves, leaves, opens)
criteria: st.SearchStrategy[Criterion] = st.recursive(base_criteria, _groups, max_leaves=8)
closed_criteria: st.SearchStrategy[Criterion] = st.recursive(leaves, _groups, max_leaves=8)

REVENUE = FieldBase(field="revenue", period=LAST_YEAR)
_simple: st.SearchStrategy[Amount] = st.one_of(
    amounts_fen.map(lambda fen: Fixed(money=money(fen))),
    st.just(Rate(rate=ratio(Fraction(2, 25)), of=REVENUE)),
    st.just(PerUnit(each=money(150_000), of=FieldBase(field="staff", period=LAST_YEAR))),
)


def _more(inner: st.SearchStrategy[Amount]) -> st.SearchStrategy[Amount]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Sum, of=several),
        st.builds(Lowest, of=several),
        st.builds(Highest, of=several),
        st.builds(Minus, of=several),
        st.builds(AtMost, amount=inner, cap=money_bounds),
        st.builds(
            lambda when, one, other: Choose(
                branches=(Branch(when=when, amount=one),), otherwise=other
            ),
            closed_criteria,
            inner,
            st.none() | inner,
        ),
        st.builds(
            lambda one, other: Tiers(
                by=REVENUE,
                steps=(
                    Step(bounds=Bounds(less_than=money(20_000_000)), amount=one),
                    Step(bounds=Bounds(at_least=money(20_000_000)), amount=other),
                ),
            ),
            inner,
            inner,
        ),
    )


amounts: st.SearchStrategy[Amount] = st.recursive(_simple, _more, max_leaves=5)


def make_benefit(
    criterion: Criterion, amount: Amount | None = None, benefit_id: str = "b"
) -> Benefit:
    """A benefit in force for ever, with nothing but its rule."""
    document = PolicyDocument(
        id="d",
        number="洪府发〔2026〕1号",
        title="若干措施",
        issuer="南昌市人民政府",
        level=DocumentLevel.CITY,
        region="360100",
        issued_on=None,
        valid_from=date(2020, 1, 1),
        valid_until=None,
        url="",
        certainty=Certainty.TEXT,
    )
    return Benefit(
        id=benefit_id,
        version=1,
        name=Text(zh="示例事项"),
        document=document,
        basis="第一条",
        benefit_class=BenefitClass.AWARD,
        mode=Mode.APPLY,
        beneficiary=Text(zh="企业"),
        valid_from=date(2020, 1, 1),
        valid_until=None,
        criteria=criterion,
        amount=amount or Fixed(money=money(Fen(1_000_000))),
        lead_department="南昌市工业和信息化局",
    )


# --- profiles ------------------------------------------------------------------------------------

_listing = st.builds(
    Listing,
    listed_on=st.sampled_from([date(2022, 5, 1), date(2025, 6, 30), date(2026, 3, 1)]),
    valid_until=st.sampled_from([None, date(2025, 4, 30), date(2026, 6, 30)]),
    removed_on=st.sampled_from([None, date(2026, 6, 30)]),
)
exact_values: dict[tuple[str, int | None], st.SearchStrategy[Any]] = {
    ("region", None): st.sampled_from(["360111", "360100", "360000", "110101"]),
    ("park", None): st.sampled_from(["", "NCJK"]),
    ("entity_type", None): st.sampled_from(["有限责任公司", "个体工商户", "合伙企业"]),
    ("industry", None): st.sampled_from(["2614", "6513", "6620"]),
    ("established_on", None): st.sampled_from(
        [date(2025, 1, 1), date(2025, 6, 30), date(2026, 6, 29), date(2012, 2, 29)]
    ),
    **{(field, year): amounts_fen for field in ("revenue", "assets") for year in YEARS},
    **{("staff", year): st.integers(0, 1200) for year in YEARS},
}
register_values = {
    code: st.tuples(st.lists(_listing, max_size=2).map(tuple), st.booleans()) for code in REGISTERS
}


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """A profile in which anything may be missing, a range, or from an incomplete register."""
    facts: dict[tuple[str, int | None], Fact] = {}
    for key in sorted(exact_values, key=str):
        if draw(st.integers(0, 3)) == 0:
            continue
        value = draw(exact_values[key])
        if isinstance(value, int) and draw(st.integers(0, 4)) == 0:
            value = Interval(low=value, high=value + draw(st.integers(0, 50_000_000)))
        facts[key] = _fact(key, value)
    registers = {}
    for code in REGISTERS:
        entries, complete = draw(register_values[code])
        if draw(st.integers(0, 3)):
            registers[code] = Register(code=code, complete=complete, as_of=AS_OF)
        if entries and code in registers:
            facts[code, None] = _fact((code, None), entries)
    return Profile(uscc="91", name="示例", known_at=None, facts=facts, registers=registers)


def _fact(key: tuple[str, int | None], value: object) -> Fact:
    return Fact(field=key[0], period=key[1], value=value, source="test", as_of=AS_OF)  # type: ignore[arg-type]


@st.composite
def completions(draw: st.DrawFn, profile: Profile) -> Profile:
    """The same profile with everything unknown filled in, in one possible way."""
    facts = dict(profile.facts)
    registers = dict(profile.registers)
    for key in sorted(exact_values, key=str):
        fact = facts.get(key)
        if fact is None:
            facts[key] = _fact(key, draw(exact_values[key]))
        elif isinstance(fact.value, Interval):
            assert isinstance(fact.value.low, int)
            assert isinstance(fact.value.high, int)
            facts[key] = _fact(key, draw(st.integers(fact.value.low, fact.value.high)))
    region = facts["region", None].value
    if region in ("360100", "360000"):
        facts["region", None] = _fact(("region", None), draw(st.sampled_from(["360111", "360102"])))
    for code in REGISTERS:
        known = registers.get(code)
        if known is None or not known.complete:
            more, _ = draw(register_values[code])
            held = facts.get((code, None))
            entries = (held.value if held is not None else ()) + more  # type: ignore[operator]
            if entries:
                facts[code, None] = _fact((code, None), entries)
        registers[code] = Register(code=code, complete=True, as_of=AS_OF)
    return Profile(
        uscc=profile.uscc, name=profile.name, known_at=None, facts=facts, registers=registers
    )
