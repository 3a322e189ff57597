"""Questions to a firm: which unknown decides most, a form that fits its type, reading the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from app.web.visit import NotFoundError
from ledger.money import MoneyError, fen
from matching.verdicts import Verdict
from matching.explain import next_questions
from policies.vocabulary import Field, FieldType, load_vocabulary


class AnswerError(ValueError):
    """What was typed is not a value of the field."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"请填写{expected}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One unknown: what to ask, whom, and what hangs on it."""

    field: Field
    period: int | None
    for_firm: bool
    benefit_ids: tuple[str, ...]
    stake_fen: int


def of_verdicts(verdicts: Sequence[Verdict]) -> list[Asked]:
    """Return the unknowns of undetermined verdicts, the most decisive first."""
    vocabulary = load_vocabulary()
    return [
        Asked(
            field=vocabulary[question.field],
            period=question.period,
            for_firm=vocabulary[question.field].is_declared,
            benefit_ids=question.benefits,
            stake_fen=question.award_fen,
        )
        for question in next_questions(verdicts)
        if question.field in vocabulary
    ]


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
        raise AnswerError("百分比，例如 5.5%" if entry.type is FieldType.RATIO else "数字") from None
    if value < 0 or len(text) > 20:
        raise AnswerError("不小于 0 的数字")
    return value / 100 if is_percent else value


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise AnswerError("日期，例如 2026-05-31") from None
