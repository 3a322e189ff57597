"""Rules of the house that no other tool checks."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from app import migrate
from app.settings import Settings
from ledger.columns import NAMING

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "matching", "ledger", "policies")


def tracked() -> list[Path]:
    """The files of the project, whether committed yet or not, without what is built or ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def sources() -> Iterator[Path]:
    for file in tracked():
        if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in PACKAGES:
            yield file


def calls(file: Path) -> Iterator[tuple[str, int]]:
    """The dotted name and line of each call in a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def found(pattern: str, *, allowed: set[str]) -> list[str]:
    """Where calls match, outside the files that may make them."""
    expression = re.compile(pattern)
    return [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in sources()
        if str(file.relative_to(ROOT)) not in allowed
        for name, line in calls(file)
        if expression.search(name)
    ]


def test_only_app_db_begins_and_commits() -> None:
    """Savepoints (`begin_nested`) are free to all: they commit nothing."""
    assert found(r"\.(commit|rollback|begin)$", allowed={"app/db.py"}) == []


def test_only_app_db_makes_engines() -> None:
    assert found(r"\bcreate_engine$", allowed={"app/db.py"}) == []


def test_only_app_clock_reads_the_clock() -> None:
    pattern = r"\b(datetime|date|dt)\.(now|today|utcnow)$|\btime\.time(_ns)?$"
    assert found(pattern, allowed={"app/clock.py"}) == []


def test_sql_never_asks_the_database_for_the_time() -> None:
    pattern = r"\bfunc\.(now|current_timestamp|current_date)$"
    assert found(pattern, allowed=set()) == []


def test_beancount_is_a_program_not_an_import() -> None:
    """The script that asks it is run as a program of its own, and no package can import it."""
    program = ROOT / "ledger" / "beancount_program"
    assert not (program / "__init__.py").exists()
    expression = re.compile(r"^\s*(from|import)\s+(beancount|beanquery|fava)\b", re.MULTILINE)
    ours = [file for file in sources() if program not in file.parents]
    assert [f for f in ours if expression.search(f.read_text(encoding="utf-8"))] == []


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    missing = [
        f"HQT_{n.upper()}" for n in Settings.model_fields if f"`HQT_{n.upper()}`" not in page
    ]
    assert missing == []


def test_no_documented_setting_is_gone() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`HQT_(\w+)`", page))
    known = {name.upper() for name in Settings.model_fields}
    assert {n for n in named - known if not n.startswith("TEST_")} == set()


@pytest.mark.parametrize(
    "name",
    [
        "requirements/run.lock",
        "requirements/dev.lock",
        "requirements/node.lock",
        "app/assets/package-lock.json",
        "tests/browser/npm/package-lock.json",
    ],
)
def test_locks_name_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"\w+://|--index-url|--find-links|\"resolved\"", text)


@pytest.mark.parametrize("name", ["requirements/run.lock", "requirements/dev.lock"])
def test_locks_hold_a_hash_for_every_package(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_no_grab_bag_modules() -> None:
    banned = {"utils", "util", "helpers", "helper", "common", "manager", "service", "base", "misc"}
    assert [
        str(file.relative_to(ROOT))
        for file in tracked()
        if file.suffix == ".py" and banned & set(file.relative_to(ROOT).with_suffix("").parts)
    ] == []


def test_nothing_built_or_large_is_kept_in_git() -> None:
    assert [f for f in tracked() if {"node_modules", "dist", "__pycache__"} & set(f.parts)] == []
    assert [f for f in tracked() if f.stat().st_size > 2 * 2**20] == []


def test_alembic_folder_is_no_package() -> None:
    """With an `__init__.py` it would hide the installed alembic."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_tables_share_one_naming_and_no_name() -> None:
    names: list[str] = []
    for metadata in migrate.metadatas():
        assert dict(metadata.naming_convention).items() >= NAMING.items()
        names += metadata.tables
    assert sorted(names) == sorted(set(names))


def test_every_command_says_what_it_does() -> None:
    from app import cli

    silent = [
        path for path, command in commands(typer.main.get_command(cli.main)) if not command.help
    ]
    assert silent == []


def commands(command: Any, path: str = "hqt") -> Iterator[tuple[str, Any]]:
    """A command and all below it, each with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_links_of_the_readme_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)", text) if "://" not in t]
    assert [t for t in targets if not t.endswith(".png") and not (ROOT / t).exists()] == []


def test_templates_keep_to_the_content_policy() -> None:
    """No inline styles, handlers or scripts: the browser would refuse them."""
    bad = re.compile(
        r"<[^>]+\s(style|on\w+|hx-on[\w:-]*)=|<script(?![^>]*\b(src|type=\"application/json\"))[^>]*>|"
        r"(src|href)=\"(https?:)?//"
    )
    for file in tracked():
        if file.suffix == ".html" and "templates" in file.parts:
            assert not bad.search(file.read_text(encoding="utf-8")), file
