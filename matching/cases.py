"""Running the cases that stand beside each rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from matching.evaluate import evaluate
from matching.profiles import Fact, FactValue, Interval, Item, Listing, Profile, Register
from matching.verdicts import Verdict
from policies.benefits import (
    Benefit,
    Case,
    CaseFact,
    CaseInterval,
    CaseItems,
    CaseRegister,
)
from policies.criteria import Leaf
from policies.criteria import walk as walk_criterion
from policies.values import Quantity, fen_of, money_words
from policies.vocabulary import OriginKind, Vocabulary, load_vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case run: ``differences`` is empty when everything came out as expected."""

    benefit_id: str
    version: int
    name: str
    passed: bool
    differences: tuple[str, ...]
    verdict: Verdict


def run_cases(
    benefits: Iterable[Benefit], *, vocabulary: Vocabulary | None = None
) -> list[CaseResult]:
    """Run every case of every benefit, in order."""
    words = vocabulary or load_vocabulary()
    return [_run(benefit, case, words) for benefit in benefits for case in benefit.cases]


def _run(benefit: Benefit, case: Case, vocabulary: Vocabulary) -> CaseResult:
    profile = case_profile(benefit, case, vocabulary)
    verdict = evaluate(benefit, profile, case.as_of, vocabulary=vocabulary)
    differences = tuple(_differences(case, verdict))
    return CaseResult(
        benefit_id=benefit.id,
        version=benefit.version,
        name=case.name,
        passed=not differences,
        differences=differences,
        verdict=verdict,
    )


def _differences(case: Case, verdict: Verdict) -> Iterable[str]:
    if verdict.kind.value != case.expect.value:
        yield f"结果应为 {case.expect.value}, 得到 {verdict.kind.value}{_why(verdict)}"
    award = verdict.award
    if case.amount is not None:
        wanted = fen_of(case.amount)
        found = 0 if award is None else award.exact_fen
        if found != wanted:
            shown = "未定" if found is None else money_words(found)
            yield f"金额应为 {money_words(wanted)}, 得到 {shown}"
    if case.amount_range is not None:
        low, high = _end(case.amount_range.low), _end(case.amount_range.high)
        found_ends = (None, None) if award is None else (award.low_fen, award.high_fen)
        if found_ends != (low or 0, high):
            yield f"金额范围应为 {(low or 0, high)} 分, 得到 {found_ends} 分"
    if case.missing is not None:
        lacking = set(verdict.missing)
        both = lacking | set(() if award is None else award.missing)
        if set(case.missing) not in (lacking, both):
            yield f"缺少要素应为 {sorted(case.missing)}, 得到 {sorted(lacking)}"


def _end(value: Quantity | None) -> int | None:
    return None if value is None else fen_of(value)


def _why(verdict: Verdict) -> str:
    if verdict.missing:
        return f" (缺少 {'、'.join(verdict.missing)})"
    failed = [n.label_zh for n in verdict.root.walk() if not n.children and n.outcome == "false"]
    return f" (不满足: {'；'.join(failed[:3])})" if failed else ""


# --- profiles ------------------------------------------------------------------------------------


def case_profile(benefit: Benefit, case: Case, vocabulary: Vocabulary) -> Profile:
    """Build the profile of a case; every fact is of the day of the case unless it says otherwise.

    What the case does not mention is unknown, save one thing: a register that only the credit
    gate asks about counts as delivered without the enterprise on it.
    """
    facts: dict[tuple[str, int | None], Fact] = {}
    registers: dict[str, Register] = {}
    for entry in case.profile:
        _add(entry, case, vocabulary, facts, registers)
    asked = {
        part.field for part in walk_criterion(benefit.expanded_criteria()) if isinstance(part, Leaf)
    }
    named = {entry.field for entry in case.profile}
    for code in benefit.credit_gate:
        if code not in asked and code not in named:
            registers[code] = Register(code=code, complete=True, as_of=case.as_of)
    return Profile(uscc="", name=case.name, known_at=None, facts=facts, registers=registers)


def _add(
    entry: CaseFact,
    case: Case,
    vocabulary: Vocabulary,
    facts: dict[tuple[str, int | None], Fact],
    registers: dict[str, Register],
) -> None:
    as_of = entry.as_of or case.as_of
    value = _value(entry.value)
    field = vocabulary.get(entry.field)
    if field is not None and field.origin.kind in (OriginKind.LIST, OriginKind.ITEMS):
        complete = entry.value.complete if isinstance(entry.value, CaseRegister) else True
        registers[entry.field] = Register(code=entry.field, complete=complete, as_of=as_of)
        if value == ():
            return
    facts[entry.field, entry.period] = Fact(
        field=entry.field, period=entry.period, value=value, source="case", as_of=as_of
    )


def _value(value: Any) -> FactValue:
    if isinstance(value, Quantity):
        return value.amount
    if isinstance(value, CaseInterval):
        return Interval(low=_amount(value.low), high=_amount(value.high))
    if isinstance(value, CaseRegister):
        return tuple(
            Listing(
                listed_on=entry.listed_on,
                valid_until=entry.valid_until,
                removed_on=entry.removed_on,
                level=entry.level,
            )
            for entry in value.entries
        )
    if isinstance(value, CaseItems):
        return tuple(
            Item(key=key, values={name: _plain(column) for name, column in columns})
            for key, columns in value.items
        )
    assert isinstance(value, str | bool | date), type(value)
    return value


def _plain(value: Any) -> Any:
    return value.amount if isinstance(value, Quantity) else value


def _amount(value: Quantity | None) -> int | Fraction | None:
    return None if value is None else value.amount
