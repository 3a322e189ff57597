"""The verbs of `hqt` on a finished demo: one JSON object each, and the promised exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select, text, update
from typer.testing import CliRunner, Result

from app import db
from app.cli import main
from app.commands import session
from app.tables import claims
from ledger.append_only import drop_statements
from ledger.tables import transfers
from tests.journeys.conftest import FIRMS, Demo

Run = Callable[..., Result]


@pytest.fixture
def hqt(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one verb in the demo's installation."""
    monkeypatch.setenv("HQT_HOME", str(demo.settings.home))
    monkeypatch.setenv("HQT_DATABASE_URL", demo.settings.database_url)
    monkeypatch.setenv("HQT_SECRET_KEY", "test-key")
    session.settings.cache_clear()

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return run


def _object(result: Result) -> dict[str, Any]:
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_match_prints_its_counts_and_writes_sorted_rows(
    hqt: Run, demo: Demo, tmp_path: Path
) -> None:
    out = tmp_path / "rows.parquet"
    result = hqt("match", "--out", str(out), "--json")
    assert result.exit_code == 0, result.output
    found = _object(result)
    assert set(found) == {
        "as_of", "known_at", "firms", "benefits", "eligible", "undetermined", "ineligible",
        "award_fen_sum",
    }  # fmt: skip
    assert found["firms"] == FIRMS
    rows = pd.read_parquet(out)
    assert len(rows) == found["eligible"] + found["undetermined"]
    keys = list(zip(rows["benefit_id"], rows["uscc"], strict=True))
    assert keys == sorted(keys)
    assert demo.summary["verdicts"]["eligible"] <= found["eligible"]


def test_explain_says_why_in_words(hqt: Run, demo: Demo) -> None:
    with db.read(demo.engine) as connection:
        row = connection.execute(select(claims.c.uscc, claims.c.benefit_id).limit(1)).one()
    found = _object(hqt("explain", row.benefit_id, row.uscc, "--json"))
    assert found["verdict"] == "eligible"
    assert found["reasons"]
    assert found["calculation"]
    assert "已有办件" in found["why_not_claimable"]


def test_explain_refuses_an_unknown_benefit(hqt: Run) -> None:
    result = hqt("explain", "no-such-benefit", "91360111MA35TEST0X")
    assert result.exit_code == 3
    assert "no-such-benefit" in result.stderr


def test_a_profile_shows_sources_and_dates(hqt: Run, demo: Demo) -> None:
    with db.read(demo.engine) as connection:
        uscc = connection.execute(select(claims.c.uscc).limit(1)).scalar_one()
    found = _object(hqt("profile", uscc, "--json"))
    assert all(fact["source"] and fact["as_of"] for fact in found["facts"])


def test_audit_verify_tells_a_true_ledger_from_an_altered_one(hqt: Run, demo: Demo) -> None:
    assert hqt("audit", "verify", "--json").exit_code == 0
    with demo.engine.begin() as connection:
        for statement in drop_statements(transfers, connection.dialect.name):
            connection.execute(text(statement))
        first = connection.execute(select(transfers.c.id).limit(1)).scalar_one()
        connection.execute(update(transfers).where(transfers.c.id == first).values(amount_fen=1))
    result = hqt("audit", "verify", "--json")
    assert result.exit_code == 1
    assert _object(result)["findings"]


def test_a_signed_day_shows_its_breaks_and_exits_with_findings(hqt: Run, demo: Demo) -> None:
    result = hqt("reconcile", "--date", demo.summary["as_of"], "--json")
    found = _object(result)
    assert result.exit_code == 1
    assert found["signed_off"] is True
    assert {(b["id"], b["class"]) for b in found["breaks"]} == {
        (b["id"], b["class"]) for b in demo.summary["breaks_found"]
    }
    assert found["matched"] == demo.summary["matched"]


def test_the_book_is_written_and_checked_again(hqt: Run, tmp_path: Path) -> None:
    folder = tmp_path / "book"
    found = _object(hqt("book", "export", str(folder), "--period", "2026-06", "--json"))
    assert found["ok"] is True
    assert hqt("book", "check", str(folder), "--json").exit_code == 0
    book = next(folder.glob("*.beancount"))
    book.write_text(book.read_text("utf-8").replace("1.00 CNY", "2.00 CNY", 1), "utf-8")
    result = hqt("book", "check", str(folder), "--json")
    assert result.exit_code == 1
    assert _object(result)["errors"]


def test_applications_packages_and_allotments_are_listed(hqt: Run, demo: Demo) -> None:
    found = _object(hqt("pay", "list", "--json"))
    assert sum(p["total_fen"] for p in found["packages"]) == demo.summary["pushed_fen"]
    stages = _object(hqt("budget", "list", "--json"))["allotments"]
    assert sum(s["spent_fen"] for s in stages) == demo.summary["spent_fen_ledger"]


def test_a_step_by_someone_without_the_role_is_refused(hqt: Run) -> None:
    result = hqt("pay", "prepare", "nanchang", "--as", "bianzhi")
    assert result.exit_code == 3
    assert "没有" in result.stderr


def test_intake_names_row_field_and_expectation(hqt: Run, tmp_path: Path) -> None:
    file = tmp_path / "坏数据.csv"
    headings = "统一社会信用代码,企业名称,曾用名,企业类型,法定代表人,注册资本,成立日期,行业代码,住所,住所区划代码,登记状态"
    row = "91360111MA35TEST0X,南昌某某有限公司,,有限责任公司,张三,100,2026-02-30,3911,南昌市青山湖区1号,360111,存续"
    file.write_text(f"{headings}\n{row}\n", "utf-8")
    result = hqt("intake", "registration", str(file), "--json")
    batch = _object(result)["batches"][0]
    # One bad row of one is over the error limit: the file is refused whole, and the row named.
    assert result.exit_code == 3
    assert batch["state"] == "refused"
    report = pd.read_excel(batch["row_report"], dtype=str, engine="openpyxl")
    written = report.to_csv()
    assert "2026-02-30" in written
    assert "成立日期" in written


def test_an_unreadable_budget_file_is_refused_whole(hqt: Run, tmp_path: Path) -> None:
    file = tmp_path / "指标.csv"
    file.write_text("甲,乙\n1,2\n", "utf-8")
    result = hqt("budget", "import", str(file))
    assert result.exit_code == 3
    assert "指标.csv" in result.stderr


def test_policies_check_counts_and_finds(hqt: Run, tmp_path: Path) -> None:
    good = hqt("policies", "check", "policies/catalog", "--json")
    found = _object(good)
    assert good.exit_code == 0, [f for f in found["findings"] if f["level"] == "error"]
    assert found["benefits"] >= 40
    assert found["documents"] >= 12
    assert found["cases"] >= 3 * found["benefits"]
    bad = tmp_path / "bad.yaml"
    bad.write_text("format: huiqitong-policy/1\ndocument: {id: x}\ndocument: {id: y}\n", "utf-8")
    result = hqt("policies", "check", str(bad), "--json")
    assert result.exit_code == 1
    finding = _object(result)["findings"][0]
    assert finding["line"] > 0
    assert finding["file"].endswith("bad.yaml")


def test_publishing_the_catalogue_again_changes_nothing(hqt: Run) -> None:
    words = ("policies", "publish", "policies/catalog", "--as", "bianzhi")
    result = hqt(*words, "--reviewed-by", "shenhe", "--json")
    assert _object(result)["new"] == 0
    assert hqt(*words, "--reviewed-by", "bianzhi").exit_code == 3


def test_the_demo_command_reuses_what_is_there(hqt: Run, demo: Demo) -> None:
    result = hqt("demo", "--firms", str(FIRMS), "--seed", "7", "--no-serve", "--json")
    assert result.exit_code == 0, result.output
    assert _object(result) == demo.summary
