"""A rule as an author reads it: criteria as a tree of sentences, amounts as nested lines."""

from __future__ import annotations

from dataclasses import dataclass

from policies import amounts as a
from policies.benefits import Benefit, StackingRule
from policies.criteria import AllOf, AnyOf, AtLeast, Criterion, Except, Leaf, Not, Open, Use, When
from policies.vocabulary import Vocabulary
from policies.wording import criterion_words, subject_words

CLASS_ZH = {
    "R": "登记",
    "T": "税务",
    "S": "社保",
    "P": "专项登记",
    "Q": "资质名单",
    "C": "信用",
    "D": "企业申报",
}
SCOPE_ZH = {
    "firm_year": "每户每年",
    "firm_total": "每户累计",
    "project": "每个项目",
    "group": "同类合计",
    "programme_year": "全年预算",
}
STACKING_ZH = {
    StackingRule.EXCLUSIVE: "同类只享受一项",
    StackingRule.HIGHEST: "就高不重复",
    StackingRule.DIFFERENCE: "已享受的补差额",
    StackingRule.ONCE: "只享受一次",
    StackingRule.STACKABLE: "可与其他政策同享",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One node of a rule in words; ``source`` says who holds the value of a leaf."""

    text: str
    clause: str = ""
    source: str = ""
    is_open: bool = False
    children: tuple[Sentence, ...] = ()


def criteria_words(benefit: Benefit, vocabulary: Vocabulary) -> Sentence:
    """Return the whole rule of a benefit, definitions written out, as nested sentences."""
    return _criterion(benefit.expanded_criteria(), vocabulary)


def _criterion(criterion: Criterion, vocabulary: Vocabulary) -> Sentence:
    text = criterion_words(criterion, vocabulary)
    match criterion:
        case Leaf():
            field = vocabulary[criterion.field]
            held = f"{CLASS_ZH[field.source_class.value]} · {field.owner_zh}"
            return Sentence(text=text, clause=criterion.clause, source=held)
        case Open():
            return Sentence(
                text=text,
                clause=criterion.clause,
                source=f"由{criterion.route_to}认定",
                is_open=True,
            )
        case Use():
            return Sentence(text=text)
        case Not():
            inner: tuple[Criterion, ...] = (criterion.of,)
        case When():
            rest = (criterion.otherwise,) if criterion.otherwise is not None else ()
            labels = ("则须", "否则须")
            parts = (criterion.then, *rest)
            return Sentence(
                text=text,
                clause=criterion.clause,
                children=tuple(
                    Sentence(text=label, children=(_criterion(part, vocabulary),))
                    for label, part in zip(labels, parts, strict=False)
                ),
            )
        case Except():
            return Sentence(
                text=text,
                clause=criterion.clause,
                children=(
                    _criterion(criterion.rule, vocabulary),
                    Sentence(
                        text="但有下列情形的除外",
                        children=tuple(_criterion(c, vocabulary) for c in criterion.exceptions),
                    ),
                ),
            )
        case AllOf() | AnyOf() | AtLeast():
            inner = criterion.of
    return Sentence(
        text=text,
        clause=criterion.clause,
        children=tuple(_criterion(part, vocabulary) for part in inner),
    )


def amount_words(base: a.Base, vocabulary: Vocabulary) -> Sentence:
    """Return how an amount is computed, as nested sentences."""
    said = _amount(base, vocabulary)
    label = getattr(base, "label", None)
    clause = getattr(base, "clause", "")
    text = f"{label.zh}：{said.text}" if label is not None else said.text
    return Sentence(text=text, clause=clause, children=said.children)


def _short(base: a.Base, vocabulary: Vocabulary) -> str:
    return amount_words(base, vocabulary).text


def _nested(text: str, parts: tuple[a.Base, ...], vocabulary: Vocabulary) -> Sentence:
    return Sentence(text=text, children=tuple(amount_words(p, vocabulary) for p in parts))


def _amount(base: a.Base, vocabulary: Vocabulary) -> Sentence:
    match base:
        case a.FieldBase():
            return Sentence(text=subject_words(vocabulary[base.field], base.period))
        case a.Fixed():
            return Sentence(text=f"定额 {base.money.words()}")
        case a.Rate():
            return Sentence(text=f"按{_short(base.of, vocabulary)}的 {base.rate.words()}")
        case a.PerUnit():
            return Sentence(text=f"按{_short(base.of, vocabulary)}，每单位 {base.each.words()}")
        case a.Tiers():
            return Sentence(
                text=f"按{_short(base.by, vocabulary)}分档",
                children=tuple(
                    Sentence(
                        text=_bounds(step.bounds),
                        children=(amount_words(step.amount, vocabulary),),
                    )
                    for step in base.steps
                ),
            )
        case a.Slices():
            return Sentence(
                text=f"按{_short(base.by, vocabulary)}分段累加",
                children=tuple(
                    Sentence(text=f"{_slice(part)}的部分按 {part.rate.words()}")
                    for part in base.slices
                ),
            )
        case a.Choose():
            lines = tuple(
                Sentence(
                    text=f"{criterion_words(branch.when, vocabulary)}的",
                    children=(amount_words(branch.amount, vocabulary),),
                )
                for branch in base.branches
            )
            if base.otherwise is not None:
                rest = amount_words(base.otherwise, vocabulary)
                lines = (*lines, Sentence(text="其他情形", children=(rest,)))
            return Sentence(text="按情形取其一", children=lines)
        case a.Sum():
            return _nested("以下各项相加", base.of, vocabulary)
        case a.Lowest():
            return _nested("取以下较低者", base.of, vocabulary)
        case a.Highest():
            return _nested("取以下较高者", base.of, vocabulary)
        case a.Minus():
            return _nested("第一项减去其余各项，不低于 0", base.of, vocabulary)
        case a.ByParameter():
            rest_words = f"按{_short(base.of, vocabulary)}乘以" if base.of is not None else ""
            return Sentence(text=f"{rest_words}当地参数 {base.parameter}")
        case a.AtMost():
            inner = amount_words(base.amount, vocabulary)
            return Sentence(text=f"{inner.text}，最高 {base.cap.words()}", children=inner.children)
        case a.OpenAmount():
            top = f"，最高 {base.high.words()}" if base.high is not None else ""
            return Sentence(text=f"{base.text}，由人员认定{top}")
        case a.Relief():
            inner_lines = (
                (amount_words(base.estimate, vocabulary),) if base.estimate is not None else ()
            )
            return Sentence(text=f"申报享受：{base.note.zh}", children=inner_lines)


def _bounds(bounds: object) -> str:
    words = {"at_least": "不低于", "more_than": "高于", "at_most": "不高于", "less_than": "低于"}
    said = [
        f"{word} {bound.words()}"
        for key, word in words.items()
        if (bound := getattr(bounds, key)) is not None
    ]
    return "且".join(said) or "任何数额"


def _slice(part: a.Slice) -> str:
    start = part.start.words()
    return f"超过 {start}" if part.below is None else f"{start} 至 {part.below.words()}"
