"""The demo city: the same bytes every time, files that departments would send, truth beside dirt."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine

from app.demo.budget import CUT_ALLOTMENT, PURSES, Moment, budget_files
from app.demo.city import generate, tomorrow
from app.demo.mixes import mix
from app.demo.names import other_suffix, without_place
from app.demo.people import DEPARTMENTS, officers, pick_agents
from app.demo.returns import MONTHS
from app.demo.truth import CityTruth
from app.roles import ADMINISTRATOR_EXCLUDES, Role
from ledger import budget
from matching.linkage import Enterprise, Linker
from matching.read_files import read_table
from matching.rows import Rows, check_rows, heading_reader, plain_heading
from matching.sources import SOURCES
from matching.uscc import check, is_valid
from policies.code_trees import divisions, industries

SEED = 7
AT = datetime(2026, 6, 29, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityTruth:
    """A city of 600 firms."""
    return generate(tmp_path_factory.mktemp("city"), firms=600, seed=SEED)


@pytest.fixture(scope="module")
def entries(city: CityTruth) -> list[dict[str, Any]]:
    """What the delivery note says, in order of intake."""
    note: dict[str, list[dict[str, Any]]] = json.loads(city.note.read_text("utf-8"))
    return note["deliveries"]


@pytest.fixture(scope="module")
def rows(city: CityTruth, entries: list[dict[str, Any]]) -> dict[str, Rows]:
    """Every file as intake reads it."""
    return {entry["file"]: _read(city.inbox, entry) for entry in entries}


def _read(folder: Path, entry: dict[str, Any]) -> Rows:
    source = SOURCES[entry["source"]]
    known = heading_reader(source)
    content = folder.joinpath(entry["file"]).read_bytes()
    table = read_table(entry["file"], content, lambda text: plain_heading(text)[0] in known)
    as_of = date.fromisoformat(entry["as_of"])
    return check_rows(entry["file"], table, source, as_of=as_of, unit=entry["unit"])


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = generate(tmp_path / "a", firms=150, seed=3)
    second = generate(tmp_path / "b", firms=150, seed=3)
    other = generate(tmp_path / "c", firms=150, seed=4)
    assert _digest(first.folder) == _digest(second.folder)
    assert _digest(other.folder) != _digest(first.folder)


@pytest.mark.parametrize(("firms", "as_of"), [(99, date(2026, 6, 30)), (500, date(2026, 7, 1))])
def test_a_city_too_small_or_of_another_time_is_refused(
    tmp_path: Path, firms: int, as_of: date
) -> None:
    with pytest.raises(ValueError, match="演示"):
        generate(tmp_path, firms=firms, seed=1, as_of=as_of)


def test_every_firm_has_a_valid_code_and_a_name_of_its_own(city: CityTruth) -> None:
    assert len({firm.uscc for firm in city.firms}) == city.count
    assert len({firm.name for firm in city.firms}) == city.count
    assert not [firm.uscc for firm in city.firms if check(firm.uscc)]


def test_places_and_industries_are_those_of_the_standards(city: CityTruth) -> None:
    regions = mix("regions")
    for firm in city.firms:
        assert divisions().names[firm.region] == regions["regions"][firm.region]["name"]
        assert firm.industry in industries().names
        if firm.park:
            assert firm.region in regions["zones"][firm.park]["in"]
    assert len({firm.region for firm in city.firms}) == 9


def test_shares_of_industries_stay_near_the_census(tmp_path: Path) -> None:
    firms = generate(tmp_path, firms=4000, seed=11).firms
    trade = sum(1 for firm in firms if firm.industry[:2] in {"51", "52"}) / len(firms)
    making = sum(1 for firm in firms if 13 <= int(firm.industry[:2]) <= 43) / len(firms)
    services = sum(1 for firm in firms if firm.industry[:2] in {"71", "72"}) / len(firms)
    assert abs(trade - 0.298) < 0.03
    assert abs(making - 0.150) < 0.03
    assert abs(services - 0.117) < 0.03
    companies = [firm for firm in firms if firm.live and not firm.household]
    sizes = Counter(firm.size for firm in companies)
    assert sizes["micro"] + sizes["small"] > 0.95 * len(companies)


def test_the_note_describes_every_file(city: CityTruth, entries: list[dict[str, Any]]) -> None:
    assert {entry["file"] for entry in entries} | {city.note.name} == {
        path.name for path in city.inbox.iterdir()
    }
    for entry in entries:
        content = city.inbox.joinpath(entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    times = [entry["received_at"] for entry in entries]
    assert times == sorted(times)
    first = [entry["source"] for entry in entries[:2]]
    assert first == ["registration", "registration"], "names can be linked from the start"


def test_rows_and_totals_agree_with_the_note(
    entries: list[dict[str, Any]], rows: dict[str, Rows]
) -> None:
    for entry in entries:
        read = rows[entry["file"]]
        assert len(read.numbers) == entry["rows"], entry["file"]
        for code, total in entry["totals"].items():
            assert read.totals[code] == Fraction(total), (entry["file"], code)


def test_exactly_the_planted_rows_are_rejected(
    city: CityTruth, entries: list[dict[str, Any]], rows: dict[str, Rows]
) -> None:
    whole = {entry.file for entry in city.dirt if entry.row is None}
    for entry in entries:
        name = entry["file"]
        planted = {
            dirt.row for dirt in city.dirt if dirt.file == name and dirt.expected == "rejected"
        }
        found = {rows[name].numbers[place] for place in rows[name].rejected}
        if name not in whole:
            assert found == planted, name


def test_the_broken_export_is_over_its_limit_and_no_other_file(
    entries: list[dict[str, Any]], rows: dict[str, Rows]
) -> None:
    over = [
        entry["file"] for entry in entries if len(rows[entry["file"]].rejected) * 20 > entry["rows"]
    ]
    assert over == ["人社_参保缴费_202603_导出异常.csv"]


def test_dirt_stands_where_the_truth_says(city: CityTruth, entries: list[dict[str, Any]]) -> None:
    cells = {}
    for entry in entries:
        content = city.inbox.joinpath(entry["file"]).read_bytes()
        cells[entry["file"]] = _grid(entry["file"], content)
    headings = {
        entry["file"]: {
            known: column.code for known, column in heading_reader(SOURCES[entry["source"]]).items()
        }
        for entry in entries
    }
    for dirt in city.dirt:
        if dirt.row is None or not dirt.field:
            continue
        grid = cells[dirt.file]
        codes = [headings[dirt.file].get(plain_heading(text)[0]) for text in grid[0]]
        assert grid[dirt.row - 1][codes.index(dirt.field)] == dirt.written, dirt


def _grid(name: str, content: bytes) -> list[list[str]]:
    if name.endswith(".xlsx"):
        sheet = load_workbook(io.BytesIO(content), read_only=True).active
        assert sheet is not None
        return [
            ["" if cell is None else str(cell) for cell in row]
            for row in sheet.iter_rows(values_only=True)
        ]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    return list(csv.reader(io.StringIO(text)))


def test_every_kind_of_dirt_is_there(city: CityTruth) -> None:
    kinds = {dirt.kind for dirt in city.dirt}
    assert kinds >= {
        "account_in_old_name", "bad_check_digit", "blank_in_name", "brand_new", "broken_count",
        "broken_export", "cancelled_in_list", "corrected_later", "duplicate_conflict",
        "duplicate_exact", "formula", "full_width_code", "future_date", "future_month",
        "impossible_date", "impossible_month", "impossible_year", "missing_code",
        "negative_count", "old_name", "sent_twice", "shared_representative",
        "shared_trade_name", "stale_name", "suffix_variant", "traditional", "unknown_firm",
        "without_place", "wrong_name",
    }  # fmt: skip
    assert {dirt.expected for dirt in city.dirt} == {
        "rejected", "warned", "linked", "queued", "superseded",
    }  # fmt: skip


def test_names_written_differently_lead_to_the_true_firm(city: CityTruth) -> None:
    linker = Linker(
        Enterprise(
            uscc=firm.uscc,
            name=firm.name,
            former_names=(firm.former_name,) if firm.former_name else (),
            region=firm.region,
        )
        for firm in city.firms
    )
    for dirt in city.dirt:
        if dirt.field == "name" and dirt.expected in {"linked", "queued"}:
            found = linker.link(dirt.written).uscc
            assert found == (dirt.true_uscc if dirt.expected == "linked" else None), dirt


def test_files_come_in_both_encodings_and_one_in_ten_thousands(
    city: CityTruth, entries: list[dict[str, Any]]
) -> None:
    starts = Counter(
        "xlsx" if entry["file"].endswith(".xlsx") else _encoding(city.inbox / entry["file"])
        for entry in entries
    )
    assert set(starts) == {"xlsx", "utf-8 with mark", "gb18030"}
    assert [entry["file"] for entry in entries if entry["unit"] == "万元"] == [
        "税务_企业年度申报_2024.xlsx"
    ]


def _encoding(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8 with mark"
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    return "gb18030"


def test_social_insurance_covers_last_year_and_this_half(entries: list[dict[str, Any]]) -> None:
    files = [entry["file"] for entry in entries if entry["source"] == "social_insurance"]
    good = [name for name in files if "异常" not in name]
    assert sorted(good) == [f"人社_参保缴费_{year}{month:02d}.csv" for year, month in MONTHS]
    assert len(good) == 18


def test_the_second_sending_is_the_same_bytes_and_a_correction_overtakes(
    city: CityTruth, entries: list[dict[str, Any]]
) -> None:
    digests = Counter(entry["sha256"] for entry in entries)
    assert sorted(digests.values())[-2:] == [1, 2]
    for dirt in city.dirt_of("corrected_later"):
        grid = _grid(
            "更正.csv", city.inbox.joinpath("税务_企业年度申报_2025_更正.csv").read_bytes()
        )
        later = [row for row in grid if row[0] == dirt.true_uscc]
        assert [row[3] for row in later] == [dirt.true_value]


def test_heroes_are_what_their_stories_need(city: CityTruth) -> None:
    firms = {firm.part: firm for firm in city.firms if firm.part}
    assert firms["zone_star"].park == "NCJK"
    assert firms["gone_but_listed"].status == "注销"
    assert firms["old_account"].former_name
    assert firms["just_born"].established_on >= date(2026, 6, 1)
    assert without_place(firms["twin_a"].name) == without_place(firms["twin_b"].name)


def test_a_firm_added_tomorrow_is_new_and_valid(city: CityTruth, tmp_path: Path) -> None:
    note = json.loads(tomorrow(tmp_path, city).read_text("utf-8"))["deliveries"]
    assert [entry["source"] for entry in note] == [
        "registration", "social_insurance", "recognition", "bank_account",
    ]  # fmt: skip
    codes = {code for entry in note for code in _read(tmp_path, entry).usccs}
    assert len(codes) == 1
    (code,) = codes
    assert code is not None
    assert is_valid(code)
    assert code not in {firm.uscc for firm in city.firms}
    assert not any(_read(tmp_path, entry).findings for entry in note)
    assert {entry["as_of"] for entry in note} == {"2026-07-01"}


def test_suffix_variants_go_both_ways() -> None:
    name = "南昌澄川源软件有限责任公司"
    assert other_suffix(name) == "南昌澄川源软件有限公司"
    assert other_suffix(other_suffix(name)) == name


# --- budget ------------------------------------------------------------------------------------


def test_budget_files_are_read_without_a_finding(tmp_path: Path) -> None:
    for file in budget_files(tmp_path, firms=2000):
        read, findings = budget.read_budget_file(file.path)
        assert not findings
        assert read.changes or read.plans


def test_budget_grows_with_the_city(tmp_path: Path) -> None:
    small = budget.read_budget_file(budget_files(tmp_path / "a", firms=1000)[0].path)[0]
    large = budget.read_budget_file(budget_files(tmp_path / "b", firms=20_000)[0].path)[0]
    assert small.total_fen < large.total_fen // 8


def test_a_cut_after_reservations_takes_more_than_is_left(engine: Engine, tmp_path: Path) -> None:
    files = budget_files(tmp_path, firms=2000)
    with engine.begin() as connection:
        budget.open_purses(connection, PURSES)
        for file in files:
            if file.moment is Moment.OPENING:
                read, _ = budget.read_budget_file(file.path)
                budget.import_budget(connection, read, at=file.received_at)
        held = budget.availability(connection, CUT_ALLOTMENT, on=date(2026, 6, 30))
        read, _ = budget.read_budget_file(files[-1].path)
        result = budget.import_budget(connection, read, at=AT)
        after = budget.availability(connection, CUT_ALLOTMENT, on=date(2026, 6, 30))
    assert not result.over, "nothing was reserved yet"
    assert held.available_fen - after.available_fen == read.total_fen
    assert read.total_fen * 10 > held.available_fen * 3


# --- people ------------------------------------------------------------------------------------


def test_no_officer_holds_two_duties() -> None:
    people = officers()
    assert len({person.username for person in people}) == len(people)
    assert len({person.display_name for person in people}) == len(people)
    for person in people:
        assert len({grant.role for grant in person.grants}) == 1
    roles = {grant.role for person in people for grant in person.grants}
    assert roles == set(Role) - {Role.AGENT}
    assert not {Role.ADMINISTRATOR} & ADMINISTRATOR_EXCLUDES
    heads = {
        grant.department for person in people for grant in person.grants if grant.role is Role.HEAD
    }
    assert heads == set(DEPARTMENTS.values())


def test_agents_are_picked_for_firms_worth_a_look(city: CityTruth) -> None:
    codes = [firm.uscc for firm in city.firms if firm.live][20:60]
    offers = dict.fromkeys(codes, ("a",)) | {codes[3]: ("a", "b", "c")}
    found = {"question": codes[5:9], "waiting": codes[9:12], "bounced": []}
    people = pick_agents(city, offers=offers, found=found, limit=6)
    assert people == pick_agents(city, offers=offers, found=found, limit=6)
    assert people[0].grants[0].uscc == codes[3]
    assert len({person.grants[0].uscc for person in people}) == len(people) <= 6
    assert all(person.story for person in people)
