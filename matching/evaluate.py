"""The reference evaluation: every condition looked at, every reason kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from matching.award import award as compute_award
from matching.distances import distance
from matching.facts import Facts, Reading, UnknownReason, usual_period
from matching.kleene import all_of, any_of, at_least, guarded, outcome
from matching.leaves import FALSE, TRUE, UNKNOWN, Outcome, lacking, negated, outcome_of, tested
from matching.profiles import Interval, Item, Listing, Profile
from matching.verdicts import (
    Award,
    AwardLine,
    ChangeKind,
    Distance,
    Node,
    NodeKind,
    Verdict,
    VerdictKind,
)
from policies.benefits import Benefit, Parameter
from policies.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Criterion,
    Except,
    Group,
    Leaf,
    Not,
    NotListed,
    Open,
    Use,
    When,
)
from policies.criteria import walk as walk_criterion
from policies.values import Period, money_words, number_words, ratio_words
from policies.vocabulary import Field, FieldType, Vocabulary
from policies.wording import criterion_words, date_words, threshold_words

__all__ = [
    "Award",
    "AwardLine",
    "ChangeKind",
    "Distance",
    "Node",
    "NodeKind",
    "Outcome",
    "Verdict",
    "VerdictKind",
    "evaluate",
    "evaluate_facts",
    "finding_keys",
    "outcome",
    "rule_of",
    "unknown_fields",
]


def evaluate(
    benefit: Benefit,
    profile: Profile,
    as_of: date,
    *,
    vocabulary: Vocabulary,
    parameters: Mapping[str, Parameter] | None = None,
    findings: Mapping[str, bool] | None = None,
) -> Verdict:
    """Evaluate one benefit version for one enterprise on one day.

    ``parameters`` override the benefit's own dated values by code. ``findings`` are what people
    found on open conditions, by ``finding:<benefit>:<n>`` (n counts the open conditions of the
    rule from 1, see ``finding_keys``).
    """
    return evaluate_facts(benefit, Facts(profile, vocabulary, as_of, findings), parameters)


def evaluate_facts(
    benefit: Benefit, facts: Facts, parameters: Mapping[str, Parameter] | None = None
) -> Verdict:
    """Evaluate on facts already opened; readings are shared between benefits."""
    root = _root(benefit, facts)
    kind = {
        TRUE: VerdictKind.ELIGIBLE,
        FALSE: VerdictKind.INELIGIBLE,
        UNKNOWN: VerdictKind.UNDETERMINED,
    }[root.outcome]
    award = None
    if kind is not VerdictKind.INELIGIBLE:
        award = compute_award(benefit, facts, parameters)
    return Verdict(
        benefit_id=benefit.id,
        version=benefit.version,
        benefit_name=benefit.name.zh,
        uscc=facts.profile.uscc,
        as_of=facts.as_of,
        kind=kind,
        root=root,
        missing=unknown_fields(root),
        award=award,
    )


def rule_of(benefit: Benefit) -> AllOf:
    """Return everything asked before payment: the criteria, then the credit gate.

    A register of the gate that the criteria already ask about is not asked twice.
    """
    rule = benefit.rule()
    parts = () if rule is None else _joined(rule)
    asked = {leaf.field for leaf in _required(AllOf(of=parts)) if _is_gate(leaf)}
    gate = tuple(
        Leaf(field=code, test=NotListed(), clause="信用核查")
        for code in benefit.credit_gate
        if code not in asked
    )
    return AllOf(of=(*parts, *gate))


def _joined(rule: Criterion) -> tuple[Criterion, ...]:
    plain = isinstance(rule, AllOf) and rule.label is None and not rule.clause
    return rule.of if plain and isinstance(rule, AllOf) else (rule,)


def _required(criterion: Criterion) -> Iterator[Leaf]:
    if isinstance(criterion, AllOf):
        for part in criterion.of:
            yield from _required(part)
    elif isinstance(criterion, Leaf):
        yield criterion


def _is_gate(leaf: Leaf) -> bool:
    return isinstance(leaf.test, NotListed)


def finding_keys(benefit: Benefit) -> dict[str, Open]:
    """Return the open conditions of a benefit by the key a finding is recorded under."""
    opens = [part for part in walk_criterion(rule_of(benefit)) if isinstance(part, Open)]
    return {f"finding:{benefit.id}:{n}": part for n, part in enumerate(opens, start=1)}


def unknown_fields(root: Node) -> tuple[str, ...]:
    """Return the fields of the unknown leaves that still matter, sorted."""
    asks = {ask for leaf in deciding_unknowns(root) for ask in leaf.asks}
    return tuple(sorted({ask.partition("@")[0] for ask in asks}))


def deciding_unknowns(node: Node) -> Iterator[Node]:
    """Yield the unknown leaves under which everything up to the root is unknown."""
    if node.outcome is not UNKNOWN:
        return
    if not node.children:
        yield node
    for child in node.children:
        yield from deciding_unknowns(child)


# --- the tree ------------------------------------------------------------------------------------


class _Findings:
    """Numbers the open conditions in the order they are met."""

    def __init__(self, benefit: Benefit) -> None:
        self.benefit = benefit
        self.count = 0

    def next_key(self) -> str:
        self.count += 1
        return f"finding:{self.benefit.id}:{self.count}"


def _root(benefit: Benefit, facts: Facts) -> Node:
    rule = rule_of(benefit)
    numbered = _Findings(benefit)
    children = tuple(_node(part, facts, numbered) for part in rule.of)
    if not benefit.in_force(facts.as_of):
        children = (_validity(benefit, facts.as_of), *children)
    decided = all_of([child.outcome for child in children])
    return Node(kind=NodeKind.ALL, outcome=decided, label_zh=benefit.name.zh, children=children)


def _validity(benefit: Benefit, as_of: date) -> Node:
    until = "长期" if benefit.valid_until is None else date_words(benefit.valid_until)
    threshold = f"{date_words(benefit.valid_from)}至{until}"
    return Node(
        kind=NodeKind.VALIDITY,
        outcome=FALSE,
        label_zh=f"政策有效期 {threshold}",
        value=date_words(as_of),
        threshold=threshold,
        source=benefit.document.title,
    )


def _node(criterion: Criterion, facts: Facts, numbered: _Findings) -> Node:
    if isinstance(criterion, Leaf):
        return _leaf(criterion, facts)
    if isinstance(criterion, Open):
        return _open(criterion, facts, numbered)
    assert not isinstance(criterion, Use), "definitions are written out before evaluation"
    return _group(criterion, facts, numbered)


def _group(group: Group, facts: Facts, numbered: _Findings) -> Node:
    if isinstance(group, When):
        return _when(group, facts, numbered)
    parts = (group.rule, *group.exceptions) if isinstance(group, Except) else _parts(group)
    children = tuple(_node(part, facts, numbered) for part in parts)
    outcomes = [child.outcome for child in children]
    needed = 0
    if isinstance(group, AllOf):
        kind, decided = NodeKind.ALL, all_of(outcomes)
    elif isinstance(group, AnyOf):
        kind, decided = NodeKind.ANY, any_of(outcomes)
    elif isinstance(group, Not):
        kind, decided = NodeKind.NOT, negated(outcomes[0])
    elif isinstance(group, AtLeast):
        kind, decided, needed = NodeKind.AT_LEAST, at_least(group.n, outcomes), group.n
    else:
        kind = NodeKind.EXCEPT
        decided = all_of([outcomes[0], *(negated(one) for one in outcomes[1:])])
    return Node(
        kind=kind,
        outcome=decided,
        label_zh=criterion_words(group, facts.vocabulary, facts.as_of),
        clause=group.clause,
        needed=needed,
        children=children,
    )


def _parts(group: AllOf | AnyOf | Not | AtLeast) -> tuple[Criterion, ...]:
    return (group.of,) if isinstance(group, Not) else group.of


def _when(group: When, facts: Facts, numbered: _Findings) -> Node:
    guard = _node(group.when, facts, numbered)
    then = _node(group.then, facts, numbered)
    other = None if group.otherwise is None else _node(group.otherwise, facts, numbered)
    decided = guarded(guard.outcome, then.outcome, TRUE if other is None else other.outcome)
    branches: tuple[Node, ...] = () if guard.outcome is FALSE else (then,)
    if other is not None and guard.outcome is not TRUE:
        branches = (*branches, other)
    return Node(
        kind=NodeKind.WHEN,
        outcome=decided,
        label_zh=criterion_words(group, facts.vocabulary, facts.as_of),
        clause=group.clause,
        children=(guard, *branches),
    )


# --- leaves --------------------------------------------------------------------------------------


def _open(criterion: Open, facts: Facts, numbered: _Findings) -> Node:
    key = numbered.next_key()
    found = facts.finding(key)
    return Node(
        kind=NodeKind.OPEN,
        outcome=UNKNOWN if found is None else outcome_of(found),
        label_zh=criterion.text,
        clause=criterion.clause,
        value="" if found is None else ("认定符合" if found else "认定不符合"),
        threshold="由人认定",
        source=criterion.route_to,
        reason=UnknownReason.OPEN if found is None else None,
        field=key,
        asks=(key,) if found is None else (),
        route_to=criterion.route_to,
    )


def _leaf(leaf: Leaf, facts: Facts) -> Node:
    field = facts.vocabulary[leaf.field]
    result = tested(leaf, facts)
    meant = leaf.period or usual_period(field)
    reading = result.reading
    if result.base is not None and reading.unknown is None and result.base.unknown is not None:
        reading = result.base
    return Node(
        kind=NodeKind.GATE if leaf.clause == "信用核查" else NodeKind.LEAF,
        outcome=result.outcome,
        label_zh=criterion_words(leaf, facts.vocabulary, facts.as_of),
        clause=leaf.clause,
        value=_value_words(result.reading, field, result.base),
        threshold=threshold_words(leaf.test, field, facts.vocabulary, facts.as_of),
        distance=distance(leaf, result, facts),
        source=field.owner_zh,
        fact_as_of=_as_of(result.reading, field, facts),
        reason=result.reason,
        field=leaf.field,
        period=_first_number(meant, facts.as_of),
        period_zh="" if meant is None else meant.words(facts.as_of),
        asks=lacking(leaf, facts) if result.outcome is UNKNOWN else (),
        inputs=tuple(dict.fromkeys(reading.inputs)) if result.outcome is UNKNOWN else (),
        disputed=any(fact.disputed for fact in result.reading.facts),
    )


def _first_number(period: Period | None, as_of: date) -> int | None:
    return None if period is None else period.numbers(as_of)[0]


def _as_of(reading: Reading, field: Field, facts: Facts) -> date | None:
    if reading.facts:
        return reading.as_of
    if field.type is FieldType.LISTING and reading.unknown is None:
        register = facts.register(field.origin.list_code or field.code, field.code)
        return None if register is None else register.as_of
    return None


def _value_words(reading: Reading, field: Field, base: Reading | None = None) -> str:
    said = value_words(reading, field)
    if base is None or base.value is None:
        return said
    return f"{said}（对比 {value_words(base, field)}）"


def value_words(reading: Reading, field: Field) -> str:
    """Say a value for people; empty when there is none."""
    value = reading.value
    if value is None:
        return ""
    if isinstance(value, Interval):
        low = "不限" if value.low is None else _number(value.low, field)
        high = "不限" if value.high is None else _number(value.high, field)
        return f"{low}至{high}"
    if isinstance(value, frozenset):
        return "或".join(field.code_label(code) for code in sorted(value))
    if isinstance(value, tuple):
        return _entries(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, date):
        return date_words(value)
    return (
        (field.code_label(value) or "（空）") if isinstance(value, str) else _number(value, field)
    )


def _number(value: object, field: Field) -> str:
    assert not isinstance(value, str), field.code
    if field.type is FieldType.MONEY:
        return money_words(value)  # type: ignore[arg-type]
    if field.type is FieldType.RATIO:
        return ratio_words(value)  # type: ignore[arg-type]
    return number_words(value) + field.unit  # type: ignore[arg-type]


def _entries(entries: tuple[Listing, ...] | tuple[Item, ...]) -> str:
    if not entries:
        return "未列入"
    said = []
    for entry in entries:
        if isinstance(entry, Item):
            return f"{len(entries)}条记录"
        until = "" if entry.valid_until is None else f"，有效期至{date_words(entry.valid_until)}"
        gone = "" if entry.removed_on is None else f"，{date_words(entry.removed_on)}移出"
        said.append(f"{entry.level}{date_words(entry.listed_on)}列入{until}{gone}")
    return "；".join(said)
