"""Push packages: one digest, three people, whole files, and nothing that changed in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from ledger.applications import get_application
from ledger.errors import (
    FileRefusedError,
    PackageChangedError,
    PackageRefusedError,
    PackageStateError,
    SamePersonError,
    UnknownPackageError,
)
from ledger.iso20022 import read_pain001
from ledger.package_files import (
    check_manifest,
    content_digest,
    read_manifest,
    read_package_csv,
    write_package,
)
from ledger.packages import (
    cancel_package,
    check_package,
    get_package,
    list_packages,
    make_package,
    mark_package_sent,
    mark_package_unknown,
    release_package,
)
from tests.ledger.money_flow import AT, DAY
from tests.ledger.push_flow import KEY, make_world, push, reserve


def test_package_goes_from_reserved_to_sent(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        make_world(connection)
        numbers = reserve(connection, 3)
        file = push(connection, numbers)
        package = get_package(connection, file.package_no)
        states = {get_application(connection, number).state.value for number in numbers}
    assert (package.state, package.count, package.total_fen) == ("sent", 3, 3_000_006)
    assert (package.sent_on, states) == (DAY, {"sent"})
    folder = tmp_path / "out"
    path = write_package(file, folder)
    rows = read_package_csv(path)
    assert [row.amount_fen for row in rows] == [1_000_001, 1_000_002, 1_000_003]
    assert rows[0].tracking_id == "BJ-SQ-CITY-00001"
    manifest = read_manifest((folder / file.manifest_name).read_bytes(), "m")
    check_manifest(manifest, path.read_bytes(), KEY)
    assert sorted(found.name for found in folder.iterdir()) == [
        "HQT20260302-0001.csv",
        "HQT20260302-0001.manifest.json",
    ]


def test_bank_file_is_a_valid_pain001(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection, ["BANK"])
        file = push(connection, reserve(connection, 2, purse="BANK"), purse="BANK")
    found = read_pain001(file.content)
    assert found.message_id == file.package_no
    assert [item.amount_fen for item in found.transfers] == [1_000_001, 1_000_002]


def test_sm3_digest(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        package = make_package(
            connection, purse="CITY", application_nos=reserve(connection, 1), on=DAY, by="甲",
            at=AT, algorithm="sm3",
        )  # fmt: skip
        check_package(connection, package.package_no, by="乙", at=AT)
        file = release_package(connection, package.package_no, by="丙", at=AT, key=KEY)
    assert package.digest == content_digest(file.content, "sm3")
    check_manifest(read_manifest(file.manifest, "m"), file.content, KEY)


def test_maker_checker_and_releaser_are_three_people(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        number = make_package(
            connection, purse="CITY", application_nos=reserve(connection, 2), on=DAY, by="甲", at=AT
        ).package_no
        with pytest.raises(SamePersonError):
            check_package(connection, number, by="甲", at=AT)
        with pytest.raises(PackageStateError):
            release_package(connection, number, by="丙", at=AT, key=KEY)
        with pytest.raises(PackageChangedError):
            check_package(connection, number, by="乙", at=AT, digest="0" * 64)
        check_package(connection, number, by="乙", at=AT)
        for person in ("甲", "乙"):
            with pytest.raises(SamePersonError):
                release_package(connection, number, by=person, at=AT, key=KEY)
        first = release_package(connection, number, by="丙", at=AT, key=KEY)
        assert release_package(connection, number, by="丙", at=AT, key=KEY) == first


@pytest.mark.parametrize("column", ["checked_by", "released_by"])
def test_the_database_refuses_one_person_in_two_roles(engine: Engine, column: str) -> None:
    with engine.begin() as connection:
        make_world(connection)
        push(connection, reserve(connection, 1))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(f"UPDATE packages SET {column} = made_by"))


def test_content_changed_after_making_is_not_checked_or_released(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        numbers = reserve(connection, 2)
        package = make_package(
            connection, purse="CITY", application_nos=numbers, on=DAY, by="甲", at=AT
        )
        change = text("UPDATE applications SET payee_account_no = :x WHERE application_no = :n")
        connection.execute(change, {"x": "1", "n": numbers[0]})
        with pytest.raises(PackageChangedError, match="内容已变"):
            check_package(connection, package.package_no, by="乙", at=AT)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([], "没有选择"),
        (["SQ-CITY-00001", "SQ-CITY-00001"], "出现两次"),
        (["404"], "不存在"),
        (["SQ-ZONE-00001"], "不属 CITY"),
        (["SQ-CITY-00002"], "应为 reserved"),
    ],
)
def test_what_cannot_be_packed_is_refused(engine: Engine, numbers: list[str], words: str) -> None:
    with engine.begin() as connection:
        make_world(connection, ["CITY", "ZONE"])
        reserve(connection, 2)
        reserve(connection, 1, purse="ZONE")
        push(connection, ["SQ-CITY-00002"])
        with pytest.raises(PackageRefusedError, match=words):
            make_package(connection, purse="CITY", application_nos=numbers, on=DAY, by="甲", at=AT)


def test_cancelled_package_frees_its_applications(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        numbers = reserve(connection, 2)
        first = make_package(
            connection, purse="CITY", application_nos=numbers, on=DAY, by="甲", at=AT
        )
        cancel_package(connection, first.package_no, on=DAY, by="甲", at=AT)
        assert push(connection, numbers).package_no == "HQT20260302-0002"
        assert [package.state for package in list_packages(connection)] == ["sent", "cancelled"]
        with pytest.raises(PackageStateError):
            cancel_package(connection, "HQT20260302-0002", on=DAY, by="甲", at=AT)


def test_unknown_sending_is_cleared_by_a_query(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        file = push(connection, reserve(connection, 1))
        number = file.package_no
        assert mark_package_unknown(connection, number, on=DAY, by="丙", at=AT).state == (
            "sent_unknown"
        )
        assert get_application(connection, "SQ-CITY-00001").state == "sent_unknown"
        assert mark_package_sent(connection, number, on=DAY, by="丙", at=AT).state == "sent"
        with pytest.raises(UnknownPackageError):
            get_package(connection, "404")


@pytest.mark.parametrize("name", ["total_fen", "digest", "released_by", "signature"])
def test_altered_manifest_is_refused(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        make_world(connection)
        file = push(connection, reserve(connection, 1))
    said = json.loads(file.manifest)
    said[name] = 5 if name == "total_fen" else "0" * 64
    manifest = read_manifest(json.dumps(said).encode(), "m")
    with pytest.raises(FileRefusedError):
        check_manifest(manifest, file.content, KEY)
    with pytest.raises(FileRefusedError):
        check_manifest(read_manifest(file.manifest, "m"), file.content + b" ", KEY)
    with pytest.raises(FileRefusedError):
        read_manifest(b"{}", "m")
