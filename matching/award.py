"""What a firm would get: computed exactly, as a range where a base is unknown, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TypeAlias

from ledger.money import Rounding, rounded
from matching import ranges
from matching.facts import Facts
from matching.kleene import outcome, unknowns
from matching.leaves import FALSE, TRUE, UNKNOWN, within
from matching.verdicts import Award, AwardLine
from policies.amounts import (
    Amount,
    AtMost,
    Base,
    ByParameter,
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
    Slices,
    Sum,
    Tiers,
)
from policies.benefits import Benefit, Mode, Parameter, StackingRule
from policies.values import (
    Quantity,
    fen_of,
    money_words,
    number_words,
    ratio_words,
)
from policies.vocabulary import FieldType
from policies.wording import criterion_words, subject_words

Range: TypeAlias = ranges.Range
_OPEN: Range = (0, None)


def award(
    benefit: Benefit,
    facts: Facts,
    parameters: Mapping[str, Parameter] | None = None,
    *,
    with_lines: bool = True,
) -> Award:
    """Compute what the benefit's rule gives on these facts, firm-level caps included.

    ``with_lines`` False leaves out the words (sweeps); the numbers are the same.
    """
    held = {entry.code: entry for entry in benefit.parameters} | dict(parameters or {})
    work = _Work(benefit, facts, held, with_lines=with_lines)
    found = work.amount(benefit.amount)
    for cap in benefit.caps:
        if cap.scope in _FIRM_SCOPES:
            found = work.capped(found, cap.amount, _FIRM_SCOPES[cap.scope])
    low, high = found
    low_fen = int(low or 0)
    high_fen = None if high is None else int(high)
    return Award(
        exact_fen=low_fen if low_fen == high_fen else None,
        low_fen=low_fen,
        high_fen=high_fen,
        lines=tuple(work.lines),
        missing=tuple(sorted(work.missing)),
        payable=benefit.mode is not Mode.FILING and not isinstance(benefit.amount, Relief),
    )


_FIRM_SCOPES = {
    CapScope.FIRM_YEAR: "每家企业每年",
    CapScope.FIRM_TOTAL: "每家企业累计",
    CapScope.PROJECT: "单个项目",
}


class _Work:
    """One computation: the lines said so far and the fields found missing."""

    def __init__(
        self, benefit: Benefit, facts: Facts, held: Mapping[str, Parameter], *, with_lines: bool
    ) -> None:
        self.benefit = benefit
        self.facts = facts
        self.held = held
        self.with_lines = with_lines
        self.lines: list[AwardLine] = []
        self.missing: set[str] = set()

    def say(self, amount: Amount | None, text: str, found: Range) -> Range:
        """Add a line and pass the value on."""
        if self.with_lines:
            label = "" if amount is None or amount.label is None else f"{amount.label.zh}: "
            exact = int(found[0]) if found[0] is not None and found[0] == found[1] else None
            self.lines.append(AwardLine(text_zh=label + text, amount_fen=exact))
        return found

    def base(self, base: Base) -> tuple[Range, str]:
        """Return a base's range and its words."""
        if not isinstance(base, FieldBase):
            found = self.amount(base)
            return found, _money_range(found) if self.with_lines else ""
        reading = self.facts.read(base.field, base.period)
        bounds = ranges.as_range(reading.value)
        if bounds is None:
            self.missing.add(base.field)
            bounds = _OPEN
        elif bounds[0] != bounds[1]:
            self.missing.add(base.field)
        if not self.with_lines:
            return bounds, ""
        field = self.facts.vocabulary[base.field]
        subject = subject_words(field, base.period, self.facts.as_of)
        words = {FieldType.MONEY: money_words, FieldType.RATIO: ratio_words}.get(field.type)
        if reading.value is None:
            return bounds, f"{subject}（未知）"
        say = words or number_words
        low = "不限" if bounds[0] is None else say(bounds[0])
        high = "不限" if bounds[1] is None else say(bounds[1])
        unit = "" if words else field.unit
        return bounds, f"{subject} {low if low == high else f'{low}至{high}'}{unit}"

    def amount(self, amount: Base) -> Range:
        """Compute one node."""
        match amount:
            case FieldBase():
                return _floored(self.base(amount)[0], Rounding.DOWN_FEN)
            case Fixed():
                sure = fen_of(amount.money)
                return self.say(amount, f"定额 {money_words(sure)}", (sure, sure))
            case Rate() | PerUnit() | ByParameter():
                return self._times(amount)
            case Tiers():
                return self._tiers(amount)
            case Slices():
                return self._slices(amount)
            case Choose():
                return self._choose(amount)
            case Sum() | Lowest() | Highest() | Minus():
                return self._several(amount)
            case AtMost():
                found, words = self.base(amount.amount)
                money = _floored(found, Rounding.DOWN_FEN)
                return self.capped(money, amount.cap, words or "单项", amount)
            case OpenAmount():
                high = None if amount.high is None else fen_of(amount.high)
                self.missing.add("finding:amount")
                return self.say(amount, amount.text, (fen_of(amount.low), high))
            case Relief():
                return self._relief(amount)

    def capped(
        self, found: Range, cap: Quantity, scope: str, amount: Amount | None = None
    ) -> Range:
        """Apply a ceiling, and say so where it may bite."""
        limit = fen_of(cap)
        low, high = found
        bounded = (min(low or 0, limit), limit if high is None else min(high, limit))
        if bounded != found:
            text = f"{scope}最高 {money_words(limit)}，取 {_money_range(bounded)}"
            return self.say(amount, text, bounded)
        return found

    # --- nodes ------------------------------------------------------------------------------------

    def _times(self, amount: Rate | PerUnit | ByParameter) -> Range:
        if isinstance(amount, ByParameter):
            factor, name = self._parameter(amount.parameter)
            if factor is None:
                return self.say(amount, f"{name}（未知）", _OPEN)
            if amount.of is None:
                found = _floored((factor.amount, factor.amount), amount.rounding)
                return self.say(amount, f"{name} {factor.words()}", found)
        else:
            factor, name = (amount.rate if isinstance(amount, Rate) else amount.each), ""
        assert amount.of is not None, "a rate has a base"
        found, words = self.base(amount.of)
        product = _floored(ranges.scaled(_not_negative(found), factor.amount), amount.rounding)
        if not self.with_lines:
            return product
        shown = f"{name} {factor.words()}".strip()
        text = f"{words} × {shown} = {_money_range(product)}"
        return self.say(amount, text, product)

    def _parameter(self, code: str) -> tuple[Quantity | None, str]:
        parameter = self.held.get(code)
        value = None if parameter is None else parameter.at(self.facts.as_of)
        if parameter is None or value is None:
            self.missing.add(f"parameter:{code}")
            return None, code if parameter is None else parameter.label.zh
        return value.value, parameter.label.zh

    def _tiers(self, amount: Tiers) -> Range:
        found, words = self.base(amount.by)
        chosen: list[Range] = []
        for step in amount.steps:
            fits = within(found, step.bounds)
            if fits is not FALSE:
                chosen.append(self._inner(step.amount))
            if fits is TRUE:
                break
        else:
            chosen.append((0, 0))
        hull = _hull(chosen)
        return self.say(amount, f"按{words}分档: {_money_range(hull)}", hull)

    def _slices(self, amount: Slices) -> Range:
        found, words = self.base(amount.by)
        low, high = _not_negative(found)
        product = _floored((_sliced(amount, low), _sliced(amount, high)), amount.rounding)
        return self.say(amount, f"按{words}分段累进: {_money_range(product)}", product)

    def _choose(self, amount: Choose) -> Range:
        chosen: list[Range] = []
        said: list[str] = []
        for branch in amount.branches:
            when = self.benefit.expand(branch.when)
            fits = outcome(when, self.facts)
            if fits is UNKNOWN:
                self.missing |= unknowns(when, self.facts)
            if fits is not FALSE:
                if self.with_lines:
                    said.append(
                        criterion_words(branch.when, self.facts.vocabulary, self.facts.as_of)
                    )
                chosen.append(self._inner(branch.amount))
            if fits is TRUE:
                break
        else:
            chosen.append((0, 0) if amount.otherwise is None else self._inner(amount.otherwise))
            said.append("其他情形")
        hull = _hull(chosen)
        return self.say(amount, f"{'或'.join(said)}: {_money_range(hull)}", hull)

    def _inner(self, amount: Amount) -> Range:
        return self.amount(amount)

    def _several(self, amount: Sum | Lowest | Highest | Minus) -> Range:
        parts = [_not_negative(self.amount(part)) for part in amount.of]
        if isinstance(amount, Sum):
            found: Range = (0, 0)
            for part in parts:
                found = ranges.plus(found, part)
            return self.say(amount, f"合计 {_money_range(found)}", found)
        if isinstance(amount, Minus):
            found = parts[0]
            for part in parts[1:]:
                found = ranges.minus(found, part)
            found = _not_negative(found)
            return self.say(amount, f"相减后 {_money_range(found)}", found)
        found = ranges.smallest(parts) if isinstance(amount, Lowest) else ranges.largest(parts)
        word = "取低" if isinstance(amount, Lowest) else "取高"
        return self.say(amount, f"{word} {_money_range(found)}", found)

    def _relief(self, amount: Relief) -> Range:
        self.say(amount, amount.note.zh, (0, None))
        return _OPEN if amount.estimate is None else self.amount(amount.estimate)


def _sliced(amount: Slices, base: ranges.Number | None) -> ranges.Number | None:
    if base is None:
        return None if any(part.below is None for part in amount.slices) else _full(amount)
    total = Fraction(0)
    for part in amount.slices:
        end = base if part.below is None else min(base, part.below.amount)
        total += max(Fraction(0), Fraction(end) - part.start.amount) * part.rate.amount
    return total


def _full(amount: Slices) -> ranges.Number:
    ends = [part.below.amount for part in amount.slices if part.below is not None]
    full = _sliced(amount, max(ends))
    assert full is not None, "an exact base gives an exact sum"
    return full


def _not_negative(found: Range) -> Range:
    low, high = found
    return max(low or 0, 0), None if high is None else max(high, 0)


def _floored(found: Range, rule: Rounding) -> Range:
    low, high = _not_negative(found)
    down = rounded(Fraction(low or 0), rule)
    return down, None if high is None else rounded(Fraction(high), rule)


def _hull(found: Iterable[Range]) -> Range:
    every = [_not_negative(one) for one in found]
    highs = [high for _, high in every]
    low = min((low or 0 for low, _ in every), default=0)
    return low, None if None in highs else max((h for h in highs if h is not None), default=0)


def _money_range(found: Range) -> str:
    low, high = found
    if low == high:
        return money_words(low or 0)
    return f"{money_words(low or 0)}至{'不限' if high is None else money_words(high)}"


# --- stacking ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A claim or payout this enterprise already has.

    ``period`` is what it covered (see Benefit.claim_period). ``certain`` False: still in review,
    or a local payout only linked tentatively. ``amount_fen`` None: not known.
    """

    benefit_id: str
    group: str = ""
    period: int | None = None
    amount_fen: int | None = None
    paid_on: date | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResult:
    """What is left after stacking, in fen; ``allowed`` is None while it cannot be said.

    ``against`` lists the earlier ones that mattered, in words.
    """

    allowed: bool | None
    exact_fen: int | None
    low_fen: int
    high_fen: int | None
    reasons: tuple[str, ...] = ()
    against: tuple[Earlier, ...] = ()


def stack(
    benefit: Benefit, award: Award, history: Sequence[Earlier], *, as_of: date
) -> StackResult:
    """Apply the stacking rule and the remaining caps against what was got before."""
    period = benefit.claim_period(as_of)
    ordered = sorted(history, key=lambda e: (e.benefit_id, e.period or 0, e.amount_fen or 0))
    same = [e for e in ordered if e.benefit_id == benefit.id and e.period == period]
    if same:
        return _blocked(same, f"“{benefit.name.zh}”本期已办理")
    related = [e for e in ordered if _related(benefit, e)]
    rule = StackingRule.STACKABLE if benefit.stacking is None else benefit.stacking.rule
    found = _by_rule(rule, benefit, award, related, period)
    if found.allowed is False:
        return found
    return _by_caps(benefit, found, ordered, period)


def _related(benefit: Benefit, earlier: Earlier) -> bool:
    stacking = benefit.stacking
    if stacking is None:
        return False
    named = earlier.benefit_id in stacking.with_benefits
    grouped = bool(stacking.group) and earlier.group == stacking.group
    return earlier.benefit_id == benefit.id or named or grouped


def _by_rule(
    rule: StackingRule,
    benefit: Benefit,
    award: Award,
    related: list[Earlier],
    period: int | None,
) -> StackResult:
    clause = benefit.stacking.clause if benefit.stacking else ""
    clause = f"（{clause}）" if clause else ""
    if rule is StackingRule.ONCE and related:
        return _blocked(related, f"同类政策只能享受一次{clause}")
    others = [e for e in related if e.benefit_id != benefit.id]
    current = [e for e in others if period is None or e.period is None or e.period == period]
    if rule is StackingRule.EXCLUSIVE and current:
        return _blocked(current, f"与已享受的政策不可兼得{clause}")
    if rule is StackingRule.HIGHEST and current:
        return _less(award, current, f"同类政策就高，扣除已享受金额{clause}")
    if rule is StackingRule.DIFFERENCE and related:
        return _less(award, related, f"已享受部分只补差额{clause}")
    return StackResult(
        allowed=True, exact_fen=award.exact_fen, low_fen=award.low_fen, high_fen=award.high_fen
    )


def _blocked(against: list[Earlier], reason: str) -> StackResult:
    """Refuse when one of them is certain; otherwise nothing can be said yet."""
    if any(earlier.certain for earlier in against):
        return StackResult(
            allowed=False,
            exact_fen=0,
            low_fen=0,
            high_fen=0,
            reasons=(reason,),
            against=tuple(against),
        )
    return StackResult(
        allowed=None,
        exact_fen=None,
        low_fen=0,
        high_fen=None,
        reasons=(f"{reason}；在先事项尚在审核，暂不能确定",),
        against=tuple(against),
    )


def _less(award: Award, against: list[Earlier], reason: str) -> StackResult:
    """Take off what was got: surely for the certain ones, perhaps for the others."""
    sure = sum(e.amount_fen or 0 for e in against if e.certain)
    perhaps = sum(e.amount_fen or 0 for e in against if not e.certain)
    unsure = any(not e.certain for e in against) or any(e.amount_fen is None for e in against)
    low = max(0, award.low_fen - sure - perhaps)
    if any(e.amount_fen is None for e in against):
        low = 0
    high = None if award.high_fen is None else max(0, award.high_fen - sure)
    exact = low if high == low else None
    allowed: bool | None = None if unsure else True
    if high == 0:
        allowed, exact = False, 0
    return StackResult(
        allowed=allowed,
        exact_fen=exact,
        low_fen=low,
        high_fen=high,
        reasons=(reason,),
        against=tuple(against),
    )


def _by_caps(
    benefit: Benefit, found: StackResult, history: list[Earlier], period: int | None
) -> StackResult:
    own = [e for e in history if e.benefit_id == benefit.id]
    low, high, reasons = found.low_fen, found.high_fen, list(found.reasons)
    for cap in benefit.caps:
        if cap.scope is CapScope.FIRM_TOTAL:
            used = sum(e.amount_fen or 0 for e in own)
        elif cap.scope is CapScope.FIRM_YEAR:
            used = sum(e.amount_fen or 0 for e in own if e.period == period)
        elif cap.scope is CapScope.GROUP and benefit.stacking and benefit.stacking.group:
            group = benefit.stacking.group
            used = sum(e.amount_fen or 0 for e in history if e.group == group)
        else:
            continue
        left = max(0, fen_of(cap.amount) - used)
        if used and (high is None or high > left):
            reasons.append(f"累计上限 {money_words(fen_of(cap.amount))}，剩余 {money_words(left)}")
        low, high = min(low, left), left if high is None else min(high, left)
    return StackResult(
        allowed=found.allowed if high != 0 or found.high_fen == 0 else False,
        exact_fen=low if low == high and found.allowed is not None else None,
        low_fen=low,
        high_fen=high,
        reasons=tuple(reasons),
        against=found.against,
    )
