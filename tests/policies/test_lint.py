"""Lint: each rule finds what it is for, and leaves a careful file alone."""

from datetime import date
from pathlib import Path

import pytest

import policies
from policies.benefits import Catalogue
from policies.codec import read_catalogue, read_correct
from policies.findings import Level
from policies.lint import lint
from tests.policies.sample_file import SAMPLE


def codes(text: str, as_of: date | None = None) -> set[str]:
    return {finding.code for finding in lint(Catalogue((read_correct(text),)), as_of=as_of)}


def test_careful_file_has_no_findings() -> None:
    assert codes(SAMPLE, date(2026, 6, 30)) == set()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("basis: 第五条第一款", 'basis: ""', "HQ102"),
        ("number: 洪府发〔2026〕1号", 'number: ""', "HQ103"),
        ("{use: good_standing}", "{open: 其他条件, route_to: 工信局}", "HQ110"),
        ("    caps:", "    materials: [{name: 其他材料}]\n    caps:", "HQ111"),
        (
            "    caps:",
            "    materials: [{name: 营业执照, held_by_government: true}]\n    caps:",
            "HQ112",
        ),
        ("expect: ineligible", "expect: undetermined", "HQ120"),
        ("    caps:", "    window: {open: 2027-01-01, close: 2027-02-01}\n    caps:", "HQ130"),
        ("    caps:", "    window: {open: 2026-03-01, close: 2026-04-01}\n    caps:", "HQ131"),
        ("    caps: [{scope: firm_year, amount: 300万元, clause: 第五条}]\n", "", "HQ140"),
        ("{fixed: 10万元}", "{fixed: 10万元, label: {zh: 最高10万元}}", "HQ141"),
        ("{fixed: 10万元}", "{open: 一次性奖补}", "HQ142"),
        ("below: 1亿元", "below: 9000万元", "HQ143"),
        ("below: 1亿元", "to: 1亿元", "HQ144"),
        ("less_than: 20亿元", "less_than: 2000万元", "HQ150"),
        ("{use: good_standing}", "{open: 综合评价, route_to: 工信局}", "HQ161"),
        ("valid_until: 2026-12-31", "valid_until: null", "HQ163"),
        ("    fair_competition: {result: 通过, date: 2026-01-08}\n", "", "HQ170"),
        ("{use: good_standing}", "{field: tax_region, under: ['3601']}", "HQ171"),
        ("of: {field: revenue,", "of: {field: tax_paid,", "HQ173"),
        ('under: ["3601"]', 'under: ["11"]', "HQ180"),
        ("    purse: nanchang\n", "", "HQ181"),
    ],
)
def test_rule_finds_its_fault(old: str, new: str, code: str) -> None:
    assert old in SAMPLE
    assert code in codes(SAMPLE.replace(old, new), date(2026, 6, 30))


def test_same_benefit_in_two_files_is_found() -> None:
    file = read_correct(SAMPLE)
    found = {finding.code for finding in lint(Catalogue((file, file)))}
    assert "HQ101" in found


def test_closed_bound_meets_open_bound_without_a_gap() -> None:
    text = SAMPLE.replace("below: 1亿元", "to: 1亿元").replace("- {from: 1亿元", "- {above: 1亿元")
    assert codes(text) == set()


def test_catalogue_has_no_errors() -> None:
    folder = Path(policies.__file__).parent / "catalog"
    catalogue, _ = read_catalogue([folder])
    errors = [f.message for f in lint(catalogue) if f.level is Level.ERROR]
    assert errors == []


def test_every_code_is_documented() -> None:
    root = Path(policies.__file__).parent
    documented = (root.parent / "docs" / "lint.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in sorted(root.glob("*.py"))]
    used = {word[:5] for text in sources for word in text.split('"') if word.startswith("HQ")}
    assert sorted(code for code in used if f"`{code}`" not in documented) == []
