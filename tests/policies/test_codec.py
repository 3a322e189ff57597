"""Benefit files: mistakes found with their place, writing without loss, the canonical form."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings

import policies
from policies import yaml_tree
from policies.amounts import Amount
from policies.benefits import PolicyFile
from policies.codec import (
    benefit_hash,
    canonical,
    from_canonical,
    read_catalogue,
    read_correct,
    read_policy,
    write_policy,
)
from policies.criteria import Criterion
from policies.errors import PolicyFileError
from policies.writing import plain_file
from tests.matching.criteria_strategies import amounts, criteria, make_benefit
from tests.policies.sample_file import SAMPLE

LINES = SAMPLE.splitlines()


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(LINES, start=1) if text in line)


def test_sample_is_read_without_findings() -> None:
    read = read_policy(SAMPLE)
    assert read.findings == ()
    assert read.file is not None
    (benefit,) = read.file.benefits
    assert [entry.name for entry in benefit.definitions] == ["good_standing"]
    assert [entry.code for entry in benefit.parameters] == ["lpr_1y"]
    assert read.lines == {("nc-sample-award", 1): line_of("- id: nc-sample-award")}


@pytest.mark.parametrize(
    ("old", "new", "code", "key", "found", "expected"),
    [
        ("basis:", "basiss:", "HQ003", "basiss", "未知的键", "basis"),
        ("    basis: 第五条第一款\n", "", "HQ004", "basis", "缺少该键", "必须写明"),
        ("mode: direct", "mode: fast", "HQ005", "mode", "'fast'", "direct"),
        (
            "field: revenue, period: last_year, at",
            "field: revenu, at",
            "HQ006",
            "field",
            "'revenu'",
            "revenue",
        ),
        ("at_least: 2000万元", "at_least: 2000", "HQ005", "at_least", "'2000'", "带单位的金额"),
        ("at_least: 2000万元", "under: ['36']", "HQ007", "criteria", "under", "恰好一种"),
        ("not_listed: {}", "at_least: 1", "HQ007", "criterion", "listing", "not_listed"),
        ("{use: good_standing}", "{use: good}", "HQ008", "criteria", "use: good", "good_standing"),
        ("parameter: lpr_1y", "parameter: lpr_5y", "HQ008", "amount", "lpr_5y", "lpr_1y"),
        ("period: last_year, at", "period: {month: -1}, at", "HQ011", "period", "上月", "年度"),
        (
            "valid_from: 2026-02-01",
            "valid_from: 2026-02-30",
            "HQ005",
            "valid_from",
            "2026-02-30",
            "真实",
        ),
        ('under: ["3601"]', 'under: ["9901"]', "HQ005", "under", "'9901'", "division"),
        ("expect: ineligible", "expect: no", "HQ005", "expect", "'no'", "undetermined"),
        (
            "revenue@2025: 2000万元",
            "revenue: 2000万元",
            "HQ011",
            "revenue",
            "'revenue'",
            "revenue@2025",
        ),
        (
            "elapsed: {at_least: 12, unit",
            "elapsed: {unit",
            "HQ004",
            "elapsed",
            "没有上下限",
            "at_least",
        ),
    ],
)
def test_mistake_names_line_key_found_and_expected(
    old: str, new: str, code: str, key: str, found: str, expected: str
) -> None:
    assert old in SAMPLE
    read = read_policy(SAMPLE.replace(old, new, 1), name="示例.yaml")
    assert read.file is None
    finding = next(f for f in read.findings if f.code == code)
    assert key in finding.key
    assert found in finding.found
    assert expected in finding.expected
    assert finding.message.startswith(f"示例.yaml 第 {finding.line} 行")
    if "缺少" not in found:
        assert abs(finding.line - line_of(old.splitlines()[0].strip())) <= 1


def test_duplicate_key_is_a_mistake() -> None:
    read = read_policy(SAMPLE.replace("    basis:", "    version: 2\n    basis:", 1))
    (finding,) = read.findings
    assert (finding.code, finding.key) == ("HQ002", "version")
    assert finding.line == line_of("    basis:")


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "a: &x {b: *x}", "? [a]\n: b"])
def test_what_is_no_policy_is_a_finding_and_no_exception(text: str) -> None:
    assert read_policy(text).findings


def test_definition_that_uses_itself_is_refused() -> None:
    turned = SAMPLE.replace("{all: [{field: dishonest, not_listed: {}}]}", "{use: good_standing}")
    assert {f.code for f in read_policy(turned).findings} >= {"HQ009"}


def test_reading_what_must_be_correct_raises() -> None:
    with pytest.raises(PolicyFileError, match="mode"):
        read_correct(SAMPLE.replace("mode: direct", "mode: fast"))


def test_all_mistakes_are_listed_at_once() -> None:
    text = SAMPLE.replace("mode: direct", "mode: fast").replace("class: 奖补", "class: 奖")
    assert [f.key for f in read_policy(text).findings] == ["class", "mode"]


def catalogue_files() -> list[PolicyFile]:
    folder = Path(policies.__file__).parent / "catalog"
    return list(read_catalogue([folder])[0].files)


def test_catalogue_survives_writing_and_reading() -> None:
    for file in catalogue_files():
        read = read_policy(write_policy(file))
        assert read.findings == ()
        assert read.file == file
        for benefit in file.benefits:
            assert from_canonical(canonical(benefit)) == benefit


@settings(max_examples=80)
@given(criteria, amounts)
def test_any_rule_survives_writing_and_reading(criterion: Criterion, amount: Amount) -> None:
    benefit = make_benefit(criterion, amount)
    file = PolicyFile(document=benefit.document, parameters=(), definitions=(), benefits=(benefit,))
    read = read_policy(write_policy(file))
    assert read.findings == ()
    assert read.file == file
    assert from_canonical(canonical(benefit)) == benefit


def _shuffled(value: object, order: random.Random) -> object:
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: _shuffled(value[key], order) for key in keys}
    return [_shuffled(item, order) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(5))
def test_hash_does_not_depend_on_the_order_of_keys(seed: int) -> None:
    file = read_correct(SAMPLE)
    plain = json.loads(json.dumps(plain_file(file), default=str))
    other = read_correct(json.dumps(_shuffled(plain, random.Random(seed)), ensure_ascii=False))
    assert benefit_hash(other.benefits[0]) == benefit_hash(file.benefits[0])


def test_hash_changes_with_content() -> None:
    one = read_correct(SAMPLE).benefits[0]
    other = read_correct(SAMPLE.replace("fixed: 10万元", "fixed: 11万元")).benefits[0]
    assert benefit_hash(one) != benefit_hash(other)


def test_numbers_are_never_floats() -> None:
    node = yaml_tree.parse("a: 0.1")
    assert str(yaml_tree.plain(node)["a"]) == "0.1"
    assert not isinstance(yaml_tree.plain(node)["a"], float)
