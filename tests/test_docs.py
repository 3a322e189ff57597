"""Documents that must keep up with the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.benefits import Mode
from policies.codec import read_catalogue

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("package", ["policies", "matching", "ledger", "app"])
def test_every_module_stands_on_the_map(package: str) -> None:
    page = (ROOT / "docs" / "map.md").read_text("utf-8")
    folders = [ROOT / package]
    if package == "app":
        folders += [ROOT / "app" / name for name in ("work", "commands", "web", "demo")]
    for folder in folders:
        for module in folder.glob("*.py"):
            name = module.relative_to(ROOT / package)
            assert module.stem == "__init__" or f"`{name}`" in page, f"{package}/{name}"


def test_every_decision_is_listed() -> None:
    page = (ROOT / "docs" / "README.md").read_text("utf-8")
    for decision in (ROOT / "docs" / "decisions").glob("*.md"):
        assert decision.name in page


def test_both_readmes_name_the_same_commands_and_picture() -> None:
    texts = [(ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")]
    for wanted in ("make run", "make test", "docs/images/home.png", "huiqitong2026"):
        assert all(wanted in text for text in texts), wanted
    assert (ROOT / "docs" / "images" / "home.png").exists()


def test_the_catalogue_covers_every_mode_and_enough_documents() -> None:
    catalogue, findings = read_catalogue([ROOT / "policies" / "catalog"])
    assert not findings
    benefits = list(catalogue.benefits())
    assert {benefit.mode for benefit in benefits} == set(Mode)
    assert len(benefits) >= 40
    assert len([d for d in catalogue.documents if not d.demo]) >= 12
    assert all(len(benefit.cases) >= 3 for benefit in benefits)
