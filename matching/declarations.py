"""What an enterprise answers itself: each answer a record like any other, with its day."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, insert, select

from ledger.money import FEN_LIMIT
from matching.errors import DeclarationError, UnknownEnterpriseError
from matching.profiles import FactValue, Item, Listing
from matching.record_store import close, digest_of
from matching.sources import DECLARATION
from matching.tables import batches, enterprises, records
from policies.vocabulary import Field, FieldType, PeriodKind, load_vocabulary

OWNER = "企业申报"


def declare(
    connection: Connection,
    *,
    uscc: str,
    field: str,
    period: int | None,
    value: FactValue,
    at: datetime,
    declared_on: date,
) -> int:
    """Record an enterprise's answer and return the id of its record.

    ``value`` is as facts hold it (fen, whole counts, Fraction, date, bool, str, listings, items);
    ``period`` as in ``Fact``. The same answer again changes nothing. An answer replaces the firm's
    earlier one, never a department's figure. Raises DeclarationError, UnknownEnterpriseError.
    """
    if connection.scalar(select(enterprises.c.uscc).where(enterprises.c.uscc == uscc)) is None:
        raise UnknownEnterpriseError(uscc)
    entry = load_vocabulary().get(field)
    if entry is None:
        raise DeclarationError(field, "（未登记的要素）", "要素登记表中的代码")
    _check_period(entry, period)
    content: dict[str, Any] = {"field": field, "value": _plain(entry, value)}
    if period is not None:
        content["period"] = period
    payload = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    key = field if period is None else f"{field}|{period}"
    held = connection.execute(
        select(records.c.id, records.c.digest, records.c.as_of).where(
            records.c.uscc == uscc,
            records.c.source == DECLARATION,
            records.c.record_key == key,
            records.c.superseded_at.is_(None),
        )
    ).one_or_none()
    digest = digest_of(payload)
    if held is not None and held.digest == digest and held.as_of == declared_on:
        return int(held.id)
    mark = f"{uscc}\n{payload}\n{declared_on}\n{at.isoformat()}\n{held.id if held else 0}"
    batch_id = _batch(connection, mark, at=at, declared_on=declared_on)
    if held is not None:
        close(connection, [held.id], at=at, by=batch_id)
    made = connection.execute(
        insert(records).values(
            batch_id=batch_id,
            row_number=1,
            source=DECLARATION,
            list_code="",
            uscc=uscc,
            record_key=key,
            payload=content,
            digest=digest,
            as_of=declared_on,
            received_at=at,
            linked_by="code",
        )
    )
    (record_id,) = made.inserted_primary_key or (None,)
    assert isinstance(record_id, int), "the database counts records"
    return record_id


def _batch(connection: Connection, mark: str, *, at: datetime, declared_on: date) -> int:
    made = connection.execute(
        insert(batches).values(
            source=DECLARATION,
            list_code="",
            owner=OWNER,
            file_name="",
            sha256=hashlib.sha256(mark.encode()).hexdigest(),
            as_of=declared_on,
            received_at=at,
            taken_at=at,
            complete=False,
            unit="元",
            rows_declared=1,
            rows_read=1,
            rows_kept=1,
            rows_rejected=0,
            rows_unchanged=0,
            linked_by_code=1,
            linked_by_name=0,
            queued=0,
            totals={},
            declared={},
            state="accepted",
            reason="",
        )
    )
    (key,) = made.inserted_primary_key or (None,)
    assert isinstance(key, int), "the database counts batches"
    return key


def _check_period(entry: Field, period: int | None) -> None:
    wants = entry.period is not PeriodKind.AS_OF
    if wants != (period is not None):
        expected = "年度或月份" if wants else "不分期间"
        raise DeclarationError(entry.code, f"期间 {period}", expected)


def _plain(entry: Field, value: FactValue) -> Any:
    """Return a value as JSON keeps it, checked against the field's type."""
    kind = entry.type
    if kind is FieldType.BOOL and isinstance(value, bool):
        return value
    if kind in {FieldType.MONEY, FieldType.COUNT} and _is_whole(value):
        return value
    if kind in {FieldType.RATIO, FieldType.NUMBER} and isinstance(value, Fraction | int):
        return str(Fraction(value))
    if kind is FieldType.DATE and isinstance(value, date):
        return value.isoformat()
    if kind in {FieldType.CODE, FieldType.TEXT} and isinstance(value, str) and value.strip():
        if entry.codes and value not in {code.code for code in entry.codes}:
            raise DeclarationError(
                entry.code, repr(value), "、".join(code.code for code in entry.codes)
            )
        return value.strip().replace("\x00", "")
    if isinstance(value, tuple) and kind in {FieldType.LISTING, FieldType.ITEMS}:
        return [_plain_entry(entry, one) for one in value]
    raise DeclarationError(entry.code, repr(value)[:80], f"{entry.label_zh}（{kind.value}）")


def _is_whole(value: FactValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= FEN_LIMIT


def _plain_entry(entry: Field, one: Listing | Item) -> dict[str, Any]:
    if isinstance(one, Listing) and entry.type is FieldType.LISTING:
        days = {"valid_until": one.valid_until, "removed_on": one.removed_on}
        return {
            "listed_on": one.listed_on.isoformat(),
            "level": one.level,
            "certificate_no": one.certificate_no,
            **{name: day.isoformat() for name, day in days.items() if day is not None},
        }
    if isinstance(one, Item) and entry.type is FieldType.ITEMS:
        return {
            "key": one.key,
            "values": {
                code: value.isoformat() if isinstance(value, date) else value
                for code, value in sorted(one.values.items())
            },
        }
    raise DeclarationError(entry.code, type(one).__name__, entry.label_zh)
