"""Questions to a firm: which unknown decides most, a form for it, reading the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from app.web import figures
from app.web.visit import NotFoundError
from app.work.offers import Offer
from ledger.money import MoneyError, fen
from matching.explain import next_questions
from matching.facts import usual_period
from matching.verdicts import VerdictKind
from policies.amounts import FieldBase, walk
from policies.vocabulary import Field, FieldType, PeriodKind, load_vocabulary


class AnswerError(ValueError):
    """What was typed is not a value of the field."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"请填写{expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One unknown: what to ask, whom, and what hangs on it.

    ``field`` is None where no data would do and a person must find (``text_zh`` says what).
    """

    code: str
    field: Field | None
    period: int | None
    text_zh: str
    text_en: str
    for_firm: bool
    who_zh: str
    benefit_ids: tuple[str, ...]
    stake_fen: int


def of_offers(found: Sequence[Offer], as_of: date) -> list[Asked]:
    """Return the unknowns of verdicts, the most decisive first, then those of amounts alone."""
    verdicts = [o.verdict for o in found if o.verdict.kind is VerdictKind.UNDETERMINED]
    words = load_vocabulary()
    asked = [
        Asked(
            code=question.field,
            field=words.get(question.field),
            period=question.period,
            text_zh=question.text_zh,
            text_en=question.text_en or question.text_zh,
            for_firm=question.by_firm,
            who_zh=question.who_zh,
            benefit_ids=question.benefits,
            stake_fen=question.stake_fen,
        )
        for question in next_questions(verdicts)
    ]
    known = {(question.code, question.period) for question in asked}
    for one in found:
        for code, period in _of_amount(one, as_of):
            if (code, period) not in known:
                known.add((code, period))
                asked.append(_of_field(words[code], period, one))
    return asked


def is_open(one: Offer) -> bool:
    """Say whether an answer could still change what the firm gets."""
    if one.verdict.kind is VerdictKind.UNDETERMINED:
        return True
    return (
        one.verdict.kind is VerdictKind.ELIGIBLE
        and one.award is not None
        and one.award.payable
        and one.award.exact_fen is None
        and bool(one.award.missing)
    )


def _of_amount(one: Offer, as_of: date) -> Iterator[tuple[str, int | None]]:
    """Yield the fields, with the period meant, that the amount lacks and the rule does not ask."""
    award = one.award
    if award is None or not award.payable:
        return
    words = load_vocabulary()
    for part in walk(one.benefit.amount):
        if isinstance(part, FieldBase) and part.field in award.missing and part.field in words:
            meant = part.period or usual_period(words[part.field])
            yield part.field, meant.numbers(as_of)[0] if meant is not None else None


def _of_field(entry: Field, period: int | None, one: Offer) -> Asked:
    award = one.award
    assert award is not None, "only an amount that lacks something asks"
    when = figures.period(period, monthly=entry.period is PeriodKind.MONTH)
    return Asked(
        code=entry.code,
        field=entry,
        period=period,
        text_zh=f"{when}: {entry.question_zh}" if when else entry.question_zh,
        text_en=entry.question_en or entry.question_zh,
        for_firm=entry.is_declared,
        who_zh="企业" if entry.is_declared else entry.owner_zh,
        benefit_ids=(one.benefit.id,),
        stake_fen=award.high_fen or award.low_fen,
    )


def declared_field(code: str) -> Field:
    """Return a field that only the firm can say; anything else is no question to it."""
    entry = load_vocabulary().get(code)
    if entry is None or not entry.is_declared:
        raise NotFoundError("问题")
    return entry


def choices(entry: Field) -> list[tuple[str, str]]:
    """Return the values to choose from, none when the answer is typed."""
    if entry.type is FieldType.BOOL:
        return [("yes", "是"), ("no", "否")]
    if entry.type is FieldType.CODE and entry.tree is None:
        return [(code.code, code.zh) for code in entry.codes]
    return []


def read_answer(entry: Field, typed: str) -> Any:
    """Read what was typed as a value of the field; raises AnswerError saying what is expected."""
    text = typed.strip().replace(",", "").replace("，", "")
    match entry.type:
        case FieldType.BOOL if text in {"yes", "no"}:
            return text == "yes"
        case FieldType.BOOL:
            raise AnswerError("“是”或“否”")
        case FieldType.MONEY:
            return _money(text)
        case FieldType.COUNT if text.isascii() and text.isdecimal() and len(text) < 10:
            return int(text)
        case FieldType.COUNT:
            raise AnswerError(f"不小于 0 的整数（{entry.unit or '个'}）")
        case FieldType.NUMBER | FieldType.RATIO:
            return _number(text, entry)
        case FieldType.DATE:
            return _date(text)
        case FieldType.CODE if text in {code.code for code in entry.codes}:
            return text
        case FieldType.TEXT if text:
            return text
        case _:
            raise AnswerError("列出的一项")


def _money(text: str) -> int:
    try:
        amount = fen(text)
    except MoneyError:
        raise AnswerError("金额，单位元，例如 120000 或 12万元") from None
    if amount < 0:
        raise AnswerError("不小于 0 的金额")
    return int(amount)


def _number(text: str, entry: Field) -> Fraction:
    is_percent = text.endswith("%")
    try:
        value = Fraction(text.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        raise AnswerError(
            "百分比，例如 5.5%" if entry.type is FieldType.RATIO else "数字"
        ) from None
    if value < 0 or len(text) > 20:
        raise AnswerError("不小于 0 的数字")
    return value / 100 if is_percent else value


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise AnswerError("日期，例如 2026-05-31") from None
