"""Lint: what a careful reader would object to in a policy file, each with a documented code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise

from policies.amounts import (
    AtMost,
    ByParameter,
    CapScope,
    Choose,
    Fixed,
    OpenAmount,
    PerUnit,
    Rate,
    Relief,
    Slices,
    Step,
    Tiers,
)
from policies.amounts import walk as walk_amount
from policies.benefits import Benefit, Catalogue, Expectation, Mode, Place
from policies.criteria import (
    AllOf,
    AnyOf,
    Bounds,
    Compare,
    Criterion,
    Except,
    Leaf,
    Listed,
    Member,
    NotListed,
    Open,
    Under,
)
from policies.criteria import walk as walk_criterion
from policies.findings import Finding, Level
from policies.values import Quantity
from policies.vocabulary import OriginKind, Vocabulary, load_vocabulary
from policies.wording import leaf_words

VAGUE_WORDS = (
    *("其他材料", "相关材料", "有关材料", "其他条件", "有关", "适当", "原则上", "一定比例"),
    *("择优", "等情形", "视情", "酌情"),
)
_FISCAL = ("tax_paid", "tax_region")


def lint(
    catalogue: Catalogue, *, as_of: date | None = None, vocabulary: Vocabulary | None = None
) -> list[Finding]:
    """Return every finding on a catalogue, sorted by file and line.

    With ``as_of``, windows and validities that are past are found as well.
    """
    words = vocabulary or load_vocabulary()
    work = _Lint(catalogue, words, as_of)
    for file in catalogue.files:
        for benefit in file.benefits:
            work.open(benefit)
            for rule in _RULES:
                rule(work, benefit)
    work.duplicates()
    return sorted(work.found, key=Finding.order)


class _Lint:
    """The findings so far and the benefit being read."""

    def __init__(self, catalogue: Catalogue, words: Vocabulary, as_of: date | None) -> None:
        self.catalogue = catalogue
        self.words = words
        self.as_of = as_of
        self.found: list[Finding] = []
        self.benefit = ""
        self.place = Place(file="", line=0)

    def open(self, benefit: Benefit) -> None:
        self.benefit = benefit.id
        key = (benefit.id, benefit.version)
        self.place = self.catalogue.places.get(key, Place(file="", line=0))

    def say(
        self, code: str, level: Level, message: str, *, line: int = 0, clause: str = ""
    ) -> None:
        self.found.append(
            Finding(
                code=code,
                level=level,
                message=message,
                file=self.place.file,
                line=line or self.place.line,
                benefit=self.benefit,
                clause=clause,
            )
        )

    def duplicates(self) -> None:
        """HQ101: the same id and version in two files, or one document id twice."""
        seen: set[tuple[str, int]] = set()
        for file in self.catalogue.files:
            for benefit in file.benefits:
                self.open(benefit)
                if (benefit.id, benefit.version) in seen:
                    self.say("HQ101", Level.ERROR, f"事项代码 {benefit.id} 在目录中重复")
                seen.add((benefit.id, benefit.version))
        self.benefit = ""
        ids = [document.id for document in self.catalogue.documents]
        for one, other in pairwise(ids):
            if one == other:
                self.say("HQ101", Level.ERROR, f"文件代码 {one} 在目录中重复")


def _basis(work: _Lint, benefit: Benefit) -> None:
    """HQ102, HQ103: no clause; no official number."""
    if not benefit.basis:
        work.say("HQ102", Level.ERROR, "没有写明依据的条款")
    if not benefit.document.number:
        work.say("HQ103", Level.WARNING, "依据文件没有文号")


def _vague(work: _Lint, benefit: Benefit) -> None:
    """HQ110, HQ111: vague words in conditions and in materials."""
    for part in walk_criterion(benefit.expanded_criteria()):
        text = part.text if isinstance(part, Open) else ""
        if isinstance(part, Leaf) and part.label is not None:
            text = part.label.zh
        for word in (w for w in VAGUE_WORDS if w in text):
            line = part.line if isinstance(part, Leaf | Open) else 0
            work.say("HQ110", Level.WARNING, f"条件用语含糊: “{word}”（{text}）", line=line)
            break
    for material in benefit.materials:
        if any(word in material.name.zh for word in VAGUE_WORDS) or material.name.zh.endswith("等"):
            work.say("HQ111", Level.WARNING, f"材料名称含糊: “{material.name.zh}”")


def _materials(work: _Lint, benefit: Benefit) -> None:
    """HQ112: asking for what government itself holds."""
    for material in benefit.materials:
        if material.held_by_government:
            said = f"要求企业提交政府部门已掌握的材料: “{material.name.zh}”"
            work.say("HQ112", Level.WARNING, f"{said}（{material.issuer or '签发部门未写明'}）")


def _cases(work: _Lint, benefit: Benefit) -> None:
    """HQ120: one case of each verdict at least."""
    have = {case.expect for case in benefit.cases}
    names = {
        Expectation.ELIGIBLE: "符合",
        Expectation.INELIGIBLE: "不符合",
        Expectation.UNDETERMINED: "待定",
    }
    lacking = "、".join(name for kind, name in names.items() if kind not in have)
    if lacking:
        work.say("HQ120", Level.ERROR, f"缺少结果为“{lacking}”的用例; 三种结果至少各一例")


def _window(work: _Lint, benefit: Benefit) -> None:
    """HQ130, HQ131, HQ132: validity and window that contradict each other or are past."""
    if benefit.valid_until is not None and benefit.valid_until < benefit.valid_from:
        work.say("HQ130", Level.ERROR, "有效期止早于有效期起")
    window = benefit.window
    if window is not None:
        outside = window.close < benefit.valid_from or (
            benefit.valid_until is not None and window.open > benefit.valid_until
        )
        if window.close < window.open or outside:
            work.say("HQ130", Level.ERROR, "受理期为空或在有效期之外")
    if work.as_of is None:
        return
    if window is not None and window.close < work.as_of and benefit.in_force(work.as_of):
        work.say("HQ131", Level.WARNING, f"受理期已于 {window.close} 结束")
    if benefit.valid_until is not None and benefit.valid_until < work.as_of:
        work.say("HQ132", Level.NOTE, f"有效期已于 {benefit.valid_until} 届满")


# --- amounts -------------------------------------------------------------------------------------


def _amount(work: _Lint, benefit: Benefit) -> None:
    """HQ140, HQ141: a rate without any ceiling; a ceiling used as the amount."""
    capped = any(
        cap.scope in (CapScope.FIRM_YEAR, CapScope.FIRM_TOTAL, CapScope.PROJECT)
        for cap in benefit.caps
    )
    parts = list(walk_amount(benefit.amount))
    open_ended = any(isinstance(p, Rate | PerUnit | Slices | ByParameter) for p in parts)
    limited = any(isinstance(part, AtMost | Relief) for part in parts)
    if open_ended and not capped and not limited and benefit.mode is not Mode.FILING:
        work.say("HQ140", Level.WARNING, "按比例或按数量计算的金额没有封顶")
    for part in parts:
        label = getattr(part, "label", None)
        if isinstance(part, Fixed) and label is not None and "最高" in label.zh:
            work.say("HQ141", Level.WARNING, f"把上限当作金额: “{label.zh}”", clause=part.clause)


def _open_amount(work: _Lint, benefit: Benefit) -> None:
    """HQ142: no figure at all."""
    for part in walk_amount(benefit.amount):
        if isinstance(part, OpenAmount) and part.high is None:
            work.say(
                "HQ142", Level.WARNING, f"金额没有数额或上限: “{part.text}”", clause=part.clause
            )


def _tiers(work: _Lint, benefit: Benefit) -> None:
    """HQ143, HQ144: gaps and overlaps between steps or slices."""
    for part in walk_amount(benefit.amount):
        if isinstance(part, Tiers):
            _steps(work, part.steps, part.clause)
        elif isinstance(part, Slices):
            for one, other in pairwise(part.slices):
                if one.below is None or one.below.amount > other.start.amount:
                    work.say("HQ144", Level.ERROR, "分段累进有重叠", clause=part.clause)
                elif one.below.amount < other.start.amount:
                    work.say("HQ143", Level.WARNING, "分段累进有空档", clause=part.clause)


def _steps(work: _Lint, steps: tuple[Step, ...], clause: str) -> None:
    edges = sorted((_edges(step.bounds) for step in steps), key=lambda edge: edge[0])
    for (_, top), (bottom, _) in pairwise(edges):
        if top is None or top > bottom:
            work.say("HQ144", Level.ERROR, "分档有重叠, 同一数值落入两档", clause=clause)
        elif top < bottom:
            work.say("HQ143", Level.WARNING, "分档有空档, 中间的数值不落入任何一档", clause=clause)


def _edges(bounds: Bounds) -> tuple[tuple[int | Fraction, int], tuple[int | Fraction, int] | None]:
    """Return where a step begins and ends; the second number puts an open edge after a closed."""
    low, high = _lower(bounds), _upper(bounds)
    return (-(10**30), 0) if low is None else low, high


def _lower(bounds: Bounds) -> tuple[int | Fraction, int] | None:
    for bound, after in ((bounds.at_least, 0), (bounds.more_than, 1)):
        if isinstance(bound, Quantity):
            return bound.amount, after
    return None


def _upper(bounds: Bounds) -> tuple[int | Fraction, int] | None:
    for bound, after in ((bounds.less_than, 0), (bounds.at_most, 1)):
        if isinstance(bound, Quantity):
            return bound.amount, after
    return None


# --- criteria ------------------------------------------------------------------------------------


def _contradictions(work: _Lint, benefit: Benefit) -> None:
    """HQ150: bounds, codes or lists on one field that cannot hold together."""
    for part in walk_criterion(benefit.expanded_criteria()):
        if isinstance(part, AllOf):
            _all_of(work, list(_joined(part)))
        elif isinstance(part, Leaf):
            _all_of(work, [part])
    for part in walk_criterion(benefit.expanded_criteria()):
        if isinstance(part, Except):
            _exceptions(work, part)


def _joined(part: AllOf) -> Iterator[Leaf]:
    for one in part.of:
        if isinstance(one, Leaf):
            yield one
        elif isinstance(one, AllOf):
            yield from _joined(one)


def _all_of(work: _Lint, leaves: list[Leaf]) -> None:
    groups: dict[tuple[str, str], list[Leaf]] = {}
    for leaf in leaves:
        groups.setdefault((leaf.field, repr(leaf.period)), []).append(leaf)
    for same in groups.values():
        if not _possible(same):
            said = "；".join(leaf_words(leaf, work.words) for leaf in same)
            leaf = same[-1]
            message = f"条件互相矛盾, 没有企业能同时满足: {said}"
            work.say("HQ150", Level.ERROR, message, line=leaf.line, clause=leaf.clause)


def _possible(leaves: list[Leaf]) -> bool:
    tests = [leaf.test for leaf in leaves]
    ranges = [test.bounds for test in tests if isinstance(test, Compare)]
    lows = [edge for bounds in ranges if (edge := _lower(bounds)) is not None]
    highs = [edge for bounds in ranges if (edge := _upper(bounds)) is not None]
    if lows and highs and max(lows) >= min(highs):
        return False
    entries = [test for test in tests if isinstance(test, Listed)]
    if entries and any(isinstance(test, NotListed) for test in tests):
        return not any(test.valid for test in entries)
    members = [test for test in tests if isinstance(test, Member)]
    allowed = [set(test.values) for test in members if not test.negated]
    refused = [set(test.values) for test in members if test.negated]
    return not allowed or bool(set.intersection(*allowed) - set().union(*refused))


def _exceptions(work: _Lint, part: Except) -> None:
    """HQ151: an exception that is the rule itself, so that nobody can qualify."""
    for exception in part.exceptions:
        if exception == part.rule:
            work.say("HQ151", Level.ERROR, "例外情形与规定完全相同, 没有企业能符合")


def _unreachable(work: _Lint, benefit: Benefit) -> None:
    """HQ152: a branch of a matrix or an alternative that stands twice."""
    for part in walk_amount(benefit.amount):
        if isinstance(part, Choose):
            conditions = [branch.when for branch in part.branches]
            if _repeats(conditions):
                work.say("HQ152", Level.WARNING, "金额的分支条件重复, 后一支永远用不到")
    for group in walk_criterion(benefit.expanded_criteria()):
        if isinstance(group, AnyOf) and _repeats(list(group.of)):
            work.say("HQ152", Level.WARNING, "任选条件中有重复的一项")


def _repeats(criteria: list[Criterion]) -> bool:
    return any(one in criteria[:index] for index, one in enumerate(criteria))


# --- direct benefits and fair competition --------------------------------------------------------


def _direct(work: _Lint, benefit: Benefit) -> None:
    """HQ160-HQ163: the four tests of 免申即享."""
    if benefit.mode is not Mode.DIRECT:
        return
    leaves = [p for p in walk_criterion(benefit.expanded_criteria()) if isinstance(p, Leaf | Open)]
    asked = [p for p in leaves if isinstance(p, Leaf) and _declared(work.words, p.field)]
    opened = [p for p in leaves if isinstance(p, Open)]
    if not leaves:
        work.say("HQ160", Level.ERROR, "免申即享须受益对象明确: 没有任何条件")
    blocking: list[Leaf | Open] = [*asked, *opened]
    for part in blocking:
        name = part.text if isinstance(part, Open) else work.words[part.field].label_zh
        said = f"免申即享须结果认定有据: “{name}”不能由已有数据判断"
        work.say("HQ161", Level.ERROR, said, line=part.line, clause=part.clause)
    if any(isinstance(part, OpenAmount) for part in walk_amount(benefit.amount)):
        work.say("HQ162", Level.ERROR, "免申即享须标准数额具体: 金额要由人裁量")
    if benefit.valid_until is None:
        work.say("HQ163", Level.ERROR, "免申即享须文件时限有效: 没有写明有效期止")


def _declared(words: Vocabulary, field: str) -> bool:
    return words[field].origin.kind is OriginKind.DECLARED


def _fair(work: _Lint, benefit: Benefit) -> None:
    """HQ170-HQ173: no review; registration moved; tax place or tax paid as condition or base."""
    review = benefit.fair_competition
    if benefit.mode is not Mode.FILING and (review is None or review.result != "通过"):
        work.say("HQ170", Level.WARNING, "没有通过公平竞争审查的记录")
    for part in walk_criterion(benefit.expanded_criteria()):
        if not isinstance(part, Leaf):
            continue
        if part.field in _FISCAL:
            label = work.words[part.field].label_zh
            message = f"以“{label}”为条件, 涉嫌以地方财政贡献或纳税地限制竞争"
            work.say("HQ171", Level.WARNING, message, line=part.line, clause=part.clause)
        if part.field == "registration_status" and isinstance(part.test, Member):
            moved = "迁出" in part.test.values and not part.test.negated
            if moved:
                work.say("HQ172", Level.WARNING, "以迁移登记为条件, 涉嫌限制企业自由流动")
    for amount in walk_amount(benefit.amount):
        if getattr(amount, "field", "") in _FISCAL:
            work.say("HQ173", Level.WARNING, "以实缴税额为奖补基数, 涉嫌按地方财政贡献返还")


def _fields(work: _Lint, benefit: Benefit) -> None:
    """HQ180: a code prefix outside the document's own region."""
    own = benefit.document.region
    tree = work.words["region"].tree
    for part in walk_criterion(benefit.expanded_criteria()):
        if not isinstance(part, Leaf) or not isinstance(part.test, Under) or tree is None:
            continue
        if part.field != "region" or part.test.negated:
            continue
        for prefix in part.test.prefixes:
            code = prefix.ljust(6, "0")
            if tree.covers(own, code) is False:
                message = f"住所条件“{tree.name(prefix)}”在文件适用地区“{tree.name(own)}”之外"
                work.say("HQ180", Level.WARNING, message, line=part.line, clause=part.clause)


def _purse(work: _Lint, benefit: Benefit) -> None:
    """HQ181: something to be paid without a purse or purpose, or a filing with one."""
    paid = benefit.mode is not Mode.FILING and not isinstance(benefit.amount, Relief)
    if paid and (not benefit.purse or not benefit.allotment_purpose):
        work.say("HQ181", Level.NOTE, "没有写明资金账套或指标用途, 不能在本系统兑付")
    if benefit.mode is Mode.FILING and benefit.purse:
        work.say("HQ181", Level.WARNING, "申报享受的政策不在本系统兑付, 不应有资金账套")


_RULES: tuple[Callable[[_Lint, Benefit], None], ...] = (
    *(_basis, _vague, _materials, _cases, _window, _amount, _open_amount, _tiers),
    *(_contradictions, _unreachable, _direct, _fair, _fields, _purse),
)
