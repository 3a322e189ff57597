"""A verdict in words: reasons, the smallest change that would do, the next question to ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from matching.evaluate import deciding_unknowns
from matching.facts import UnknownReason
from matching.leaves import FALSE, TRUE, UNKNOWN, Outcome
from matching.verdicts import Award, ChangeKind, Distance, Node, NodeKind, Verdict, VerdictKind
from policies.values import PeriodUnit, money_words, period_words
from policies.vocabulary import PeriodKind, Vocabulary, load_vocabulary

_OUTCOMES = {TRUE: "符合", FALSE: "不符合", UNKNOWN: "待定"}
_REASONS = {
    UnknownReason.MISSING: "尚无数据",
    UnknownReason.STALE: "数据已过时效",
    UnknownReason.INTERVAL: "只知道范围，不足以判断",
    UnknownReason.INCOMPLETE_REGISTER: "名单不完整，不能据此认定未列入",
    UnknownReason.OPEN: "须由人认定",
    UnknownReason.DENOMINATOR: "对比基数为零、负数或未知，无法计算",
}
_VERDICTS = {
    VerdictKind.ELIGIBLE: "符合条件",
    VerdictKind.INELIGIBLE: "不符合条件",
    VerdictKind.UNDETERMINED: "尚待确定",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One condition in words, with what it rests on."""

    outcome: Outcome
    text_zh: str
    clause: str
    source: str
    as_of: date | None
    decisive: bool


def headline(verdict: Verdict) -> str:
    """Say the verdict in one sentence, with the amount where there is one."""
    said = f"“{verdict.benefit_name}”: {_VERDICTS[verdict.kind]}"
    award = verdict.award
    if award is None:
        return said
    return f"{said}，{award_words(award)}"


def award_words(award: Award) -> str:
    """Say an amount or its range."""
    kind = "测算金额" if award.payable else "预计减免"
    if award.exact_fen is not None:
        return f"{kind} {money_words(award.exact_fen)}"
    if award.high_fen is None:
        low = f"不少于 {money_words(award.low_fen)}" if award.low_fen else "待定"
        return f"{kind}{low}"
    return f"{kind} {money_words(award.low_fen)}至{money_words(award.high_fen)}"


def reasons(verdict: Verdict) -> list[Reason]:
    """Return every condition looked at, in the order of the rule.

    ``decisive`` marks those that make the verdict what it is: the unmet ones of an ineligible,
    the open ones of an undetermined, all met ones of an eligible.
    """
    decisive = {id(node) for node in _deciding(verdict.root)}
    return [
        Reason(
            outcome=node.outcome,
            text_zh=node_words(node),
            clause=node.clause,
            source=node.source,
            as_of=node.fact_as_of,
            decisive=id(node) in decisive,
        )
        for node in verdict.root.walk()
        if not node.children
    ]


def _deciding(node: Node) -> Iterable[Node]:
    """Yield the leaves whose outcome carries the root's."""
    if not node.children:
        yield node
        return
    negating = node.kind is NodeKind.NOT
    for index, child in enumerate(node.children):
        negated = negating or (node.kind is NodeKind.EXCEPT and index > 0)
        if negated or child.outcome is node.outcome or node.kind is NodeKind.WHEN:
            yield from _deciding(child)


def node_words(node: Node) -> str:
    """Say one condition, its outcome, and the value it rests on."""
    said = f"{_OUTCOMES[node.outcome]}: {node.label_zh}"
    if node.outcome is UNKNOWN and node.reason is not None:
        said += f"（{_REASONS[node.reason]}）"
    elif node.value:
        said += f"（实际: {node.value}）"
    if node.disputed:
        said += "（企业对该数据有异议）"
    return said


# --- near miss -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """The smallest change found that would turn an ineligible firm eligible.

    ``open_zh`` lists what would still have to be established besides. ``ready_on`` is set when
    waiting alone does it.
    """

    changes: tuple[Distance, ...]
    text_zh: str
    open_zh: tuple[str, ...]
    ready_on: date | None


def near_miss(verdict: Verdict, *, most: int = 3) -> NearMiss | None:
    """Return the change of the fewest fields, then of the smallest share, that would do.

    Counts, money and registers can change and time passes; place, kind and founding date do
    not. None when the firm is not ineligible, when nothing that can change would do, or when
    more than ``most`` changes are needed.
    """
    if verdict.kind is not VerdictKind.INELIGIBLE:
        return None
    found = _fix(verdict.root)
    if not found or len(found) > most:
        return None
    only_waiting = all(change.kind is ChangeKind.WAIT for change in found)
    days = [change.on for change in found if change.on is not None]
    opened = dict.fromkeys(n.label_zh for n in _unknown_beside(verdict.root))
    return NearMiss(
        changes=found,
        text_zh="；".join(change.text_zh for change in found),
        open_zh=tuple(opened),
        ready_on=max(days) if only_waiting and days else None,
    )


def _fix(node: Node) -> tuple[Distance, ...] | None:
    """Return the changes that would make a node not false; None when it cannot be done."""
    if node.outcome is not FALSE:
        return ()
    if not node.children:
        return None if node.distance is None else (node.distance,)
    if node.kind is NodeKind.NOT:
        return None
    if node.kind is NodeKind.ANY:
        return _cheapest([_fix(child) for child in node.children], 1)
    if node.kind is NodeKind.AT_LEAST:
        met = sum(child.outcome is not FALSE for child in node.children)
        unmet = [_fix(child) for child in node.children if child.outcome is FALSE]
        return _cheapest(unmet, node.needed - met)
    if node.kind is NodeKind.EXCEPT and any(c.outcome is TRUE for c in node.children[1:]):
        return None
    asked = node.children[:1] if node.kind is NodeKind.EXCEPT else node.children
    if node.kind is NodeKind.WHEN:
        asked = node.children[1:]
    return _joined([_fix(child) for child in asked])


def _joined(fixes: Sequence[tuple[Distance, ...] | None]) -> tuple[Distance, ...] | None:
    joined: dict[tuple[str, ChangeKind], Distance] = {}
    for fix in fixes:
        if fix is None:
            return None
        for change in fix:
            known = joined.get((change.field, change.kind))
            if known is None or known.share < change.share:
                joined[change.field, change.kind] = change
    return tuple(joined[key] for key in sorted(joined))


def _cheapest(
    fixes: Sequence[tuple[Distance, ...] | None], count: int
) -> tuple[Distance, ...] | None:
    possible = sorted((fix for fix in fixes if fix is not None), key=_cost)
    return None if len(possible) < count else _joined(possible[:count])


def _cost(fix: tuple[Distance, ...]) -> tuple[int, int, str]:
    hard = {ChangeKind.JOIN: 500, ChangeKind.LEAVE: 300}
    weight = sum(change.share + hard.get(change.kind, 0) for change in fix)
    return len(fix), weight, "".join(change.text_zh for change in fix)


def _unknown_beside(node: Node) -> Iterable[Node]:
    if node.outcome is UNKNOWN:
        yield from deciding_unknowns(node)
    elif node.kind is NodeKind.ALL:
        for child in node.children:
            yield from _unknown_beside(child)


# --- next questions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to find out, and who can say it.

    ``ask`` is what verdicts call it (``field`` or ``field@number``). ``decides`` counts the
    benefits this answer alone may decide, ``stake_fen`` adds their awards (upper ends where
    there is a range).
    """

    ask: str
    field: str
    period: int | None
    text_zh: str
    text_en: str
    by_firm: bool
    who_zh: str
    decides: int
    touches: int
    stake_fen: int
    benefits: tuple[str, ...]
    inputs: tuple[str, ...]


def next_questions(
    verdicts: Iterable[Verdict], *, vocabulary: Vocabulary | None = None
) -> list[Question]:
    """Rank what is unknown over all undetermined benefits of one firm, most decisive first.

    The rank is the award at stake times the number of benefits decided; then the stake alone,
    then the number of benefits touched.
    """
    words = vocabulary or load_vocabulary()
    touched: dict[str, list[tuple[Verdict, Node]]] = {}
    for verdict in verdicts:
        for node in deciding_unknowns(verdict.root):
            for ask in node.asks:
                touched.setdefault(ask, []).append((verdict, node))
    found = [_question(ask, pairs, words) for ask, pairs in sorted(touched.items())]
    return sorted(found, key=_rank)


def _rank(question: Question) -> tuple[int, int, int, str]:
    weight = question.stake_fen * question.decides
    return -weight, -question.stake_fen, -question.touches, question.ask


def _question(ask: str, pairs: list[tuple[Verdict, Node]], words: Vocabulary) -> Question:
    code, _, number = ask.partition("@")
    period = int(number) if number else None
    verdicts = {verdict.benefit_id: verdict for verdict, _ in pairs}
    node = pairs[0][1]
    field = words.get(code)
    if field is None:
        text_zh, text_en, by_firm, who = f"请认定: {node.label_zh}", "", False, node.route_to
    else:
        unit = PeriodUnit.YEAR if field.period is PeriodKind.YEAR else PeriodUnit.MONTH
        when = "" if period is None else f"{period_words(unit, period)}: "
        text_zh, text_en = when + field.question_zh, field.question_en
        by_firm = field.is_declared
        who = "企业" if by_firm else field.owner_zh
    return Question(
        ask=ask,
        field=code,
        period=period,
        text_zh=text_zh,
        text_en=text_en,
        by_firm=by_firm,
        who_zh=who,
        decides=sum(_alone(verdict, ask) for verdict in verdicts.values()),
        touches=len(verdicts),
        stake_fen=sum(_stake(verdict.award) for verdict in verdicts.values()),
        benefits=tuple(sorted(verdicts)),
        inputs=tuple(dict.fromkeys(name for _, n in pairs for name in n.inputs)),
    )


def _alone(verdict: Verdict, ask: str) -> bool:
    return {one for node in deciding_unknowns(verdict.root) for one in node.asks} == {ask}


def _stake(award: Award | None) -> int:
    if award is None:
        return 0
    return award.low_fen if award.high_fen is None else award.high_fen
