"""A push package as files: the content in official columns, and a signed manifest beside it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import FileRefusedError
from ledger.grids import Row, columns, csv_bytes, read_grid
from ledger.money import yuan

PACKAGE_COLUMNS = (
    "PAY_APP_NO",
    "TRACKING_ID",
    "BGT_ID",
    "COR_BGT_DOC_NO",
    "PRO_CODE",
    "FISCAL_YEAR",
    "MOF_DIV_CODE",
    "AGENCY_CODE",
    "PAY_ACCT_NAME",
    "PAY_ACCT_NO",
    "PAYEE_ACCT_NAME",
    "PAYEE_ACCT_NO",
    "PAYEE_ACCT_BANK_NAME",
    "EXP_FUNC_CODE",
    "GOV_BGT_ECO_CODE",
    "DEP_BGT_ECO_CODE",
    "FUND_TYPE_CODE",
    "PAY_APP_AMT",
    "USE_DES",
    "IS_TO_PEOP_ENTERP",
    "UNIFSOC_CRED_CODE",
    "CORP_NAME",
    "ADD_WORD",
)
"""Headings of the budget system's payment application, in the order we write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """What is handed over: content and manifest, each with its file name."""

    package_no: str
    purse: str
    channel: str
    file_name: str
    content: bytes
    manifest_name: str
    manifest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the manifest says of its content; the total is in fen."""

    package_no: str
    purse: str
    channel: str
    file_name: str
    count: int
    total_fen: int
    algorithm: str
    digest: str
    made_by: str
    checked_by: str
    released_by: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """One payment application as the budget system reads it."""

    application_no: str
    tracking_id: str
    allotment_no: str
    doc_no: str
    project_code: str
    fiscal_year: str
    division_code: str
    agency_code: str
    payer_name: str
    payer_account: str
    payee_name: str
    payee_account: str
    payee_bank_name: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amount_fen: int
    use_desc: str
    uscc: str
    add_word: str


def package_csv(rows: Sequence[PackageRow]) -> bytes:
    """Write applications in the official columns, the same bytes for the same rows."""
    return csv_bytes([PACKAGE_COLUMNS, *(_cells(row) for row in rows)])


def _cells(row: PackageRow) -> tuple[str, ...]:
    return (
        row.application_no,
        row.tracking_id,
        row.allotment_no,
        row.doc_no,
        row.project_code,
        row.fiscal_year,
        row.division_code,
        row.agency_code,
        row.payer_name,
        row.payer_account,
        row.payee_name,
        row.payee_account,
        row.payee_bank_name,
        row.exp_func_code,
        row.gov_bgt_eco_code,
        row.dep_bgt_eco_code,
        row.fund_type_code,
        yuan(row.amount_fen),
        row.use_desc,
        "1",
        row.uscc,
        row.payee_name,
        row.add_word,
    )


def read_package_csv(path: Path) -> list[PackageRow]:
    """Read a package's content back (the receiving side, and our own check)."""
    grid = read_grid(path)
    places = columns(grid, 0, PACKAGE_COLUMNS)
    return [_row(Row(grid=grid, index=index, columns=places)) for index in range(1, len(grid.rows))]


def _row(row: Row) -> PackageRow:
    return PackageRow(
        application_no=row.required("PAY_APP_NO"),
        tracking_id=row.text("TRACKING_ID"),
        allotment_no=row.required("BGT_ID"),
        doc_no=row.text("COR_BGT_DOC_NO"),
        project_code=row.text("PRO_CODE"),
        fiscal_year=row.text("FISCAL_YEAR"),
        division_code=row.text("MOF_DIV_CODE"),
        agency_code=row.text("AGENCY_CODE"),
        payer_name=row.text("PAY_ACCT_NAME"),
        payer_account=row.text("PAY_ACCT_NO"),
        payee_name=row.required("PAYEE_ACCT_NAME"),
        payee_account=row.required("PAYEE_ACCT_NO"),
        payee_bank_name=row.text("PAYEE_ACCT_BANK_NAME"),
        exp_func_code=row.text("EXP_FUNC_CODE"),
        gov_bgt_eco_code=row.text("GOV_BGT_ECO_CODE"),
        dep_bgt_eco_code=row.text("DEP_BGT_ECO_CODE"),
        fund_type_code=row.text("FUND_TYPE_CODE"),
        amount_fen=row.amount("PAY_APP_AMT"),
        use_desc=row.text("USE_DES"),
        uscc=row.text("UNIFSOC_CRED_CODE"),
        add_word=row.text("ADD_WORD"),
    )


def content_digest(content: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of a package's exact bytes, by sha256 or sm3, as 64 hex digits."""
    return hashlib.new(algorithm, content).hexdigest()


def manifest_bytes(manifest: Manifest, key: bytes) -> bytes:
    """Write a manifest, signed with HMAC-SHA256 over everything else it says."""
    fields = _fields(manifest)
    fields["signature"] = _signature(fields, key)
    return (json.dumps(fields, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def read_manifest(content: bytes, file_name: str) -> Manifest:
    """Read a manifest without judging it.

    Raises:
        FileRefusedError: when it is no manifest.
    """
    try:
        fields = json.loads(content)
        return Manifest(
            package_no=fields["package_no"],
            purse=fields["purse"],
            channel=fields["channel"],
            file_name=fields["file_name"],
            count=int(fields["count"]),
            total_fen=int(fields["total_fen"]),
            algorithm=fields["algorithm"],
            digest=fields["digest"],
            made_by=fields["made_by"],
            checked_by=fields["checked_by"],
            released_by=fields["released_by"],
            signature=fields["signature"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FileRefusedError(file_name, f"清单无法读取({error})") from error


def check_manifest(manifest: Manifest, content: bytes, key: bytes) -> None:
    """Check signature and digest against the content received.

    Raises:
        FileRefusedError: when either differs.
    """
    fields = _fields(manifest)
    del fields["signature"]
    if not hmac.compare_digest(_signature(fields, key), manifest.signature):
        raise FileRefusedError(manifest.file_name, "清单签名不符")
    if manifest.algorithm not in {"sha256", "sm3"}:
        raise FileRefusedError(manifest.file_name, f"摘要算法{manifest.algorithm!r}不可用")
    found = content_digest(content, manifest.algorithm)
    if not hmac.compare_digest(found, manifest.digest):
        raise FileRefusedError(manifest.file_name, "内容摘要与清单不符")


def _fields(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__slots__}


def _signature(fields: dict[str, Any], key: bytes) -> str:
    rest = {name: value for name, value in fields.items() if name != "signature"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def write_package(file: PackageFile, folder: Path) -> Path:
    """Write content, then manifest, each whole or not at all; return the content's path.

    The manifest comes last, so that a package without one is not ready. Writing the same
    package again leaves the same files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file.file_name
    write_whole(path, file.content)
    write_whole(folder / file.manifest_name, file.manifest)
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, flush it to the disk and move it there in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
