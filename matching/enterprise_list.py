"""The enterprises of the register as they stand now: a projection of registration records."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from matching.bulk_rows import fetch_rows, insert_rows, storer
from matching.cells import Value
from matching.errors import UnknownEnterpriseError
from matching.linkage import Enterprise, folded, normalise
from matching.tables import enterprises
from matching.uscc import clean

_NAME_MARKS = re.compile(r"[、,，;；|\n]+")
_TEXTS = (
    "region", "park", "industry", "entity_type", "legal_representative",
    "address", "phone", "email", "status",
)  # fmt: skip
_CHUNK = 900
_FEW = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterpriseEntry:
    """What the register says of one enterprise today; texts are ``""`` where it is silent."""

    uscc: str
    name: str
    former_names: tuple[str, ...]
    region: str
    park: str
    industry: str
    entity_type: str
    legal_representative: str
    address: str
    phone: str
    email: str
    status: str
    established_on: date | None
    as_of: date


class Known(NamedTuple):
    """What intake needs of an enterprise to judge a row."""

    uscc: str
    name: str
    search_text: str
    status: str
    region: str
    address: str
    legal_representative: str

    def names(self) -> list[str]:
        """Return the present and the former names, folded."""
        return self.search_text.split("\n")

    def linkable(self) -> Enterprise:
        """Return the enterprise as linkage wants it."""
        return Enterprise(
            uscc=self.uscc,
            name=self.name,
            former_names=tuple(self.names()[1:]),
            region=self.region,
            address=self.address,
            legal_representative=self.legal_representative,
        )


def present_names(connection: Connection, codes: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the present name and state of enterprises by code: of those codes, or of everyone.

    Beyond a few thousand codes it is quicker to read all.
    """
    table = enterprises.c
    query = select(table.uscc, table.name, table.status)
    if len(codes) <= _FEW:
        ordered = sorted(codes)
        found: dict[str, tuple[str, str]] = {}
        for start in range(0, len(ordered), _CHUNK):
            part = query.where(table.uscc.in_(ordered[start : start + _CHUNK]))
            found.update((row[0], (row[1], row[2])) for row in connection.execute(part).all())
        return found
    return {code: (name, status) for code, name, status in fetch_rows(connection, query)}


def known_enterprises(
    connection: Connection, codes: Collection[str] | None = None
) -> dict[str, Known]:
    """Return registered enterprises by code: those of some codes, or all."""
    table = enterprises.c
    query = select(
        table.uscc, table.name, table.search_text, table.status, table.region, table.address,
        table.legal_representative,
    ).order_by(table.uscc)  # fmt: skip
    if codes is None:
        return {row[0]: Known._make(row) for row in fetch_rows(connection, query)}
    ordered = sorted(codes)
    found: dict[str, Known] = {}
    for start in range(0, len(ordered), _CHUNK):
        part = query.where(table.uscc.in_(ordered[start : start + _CHUNK]))
        found.update((row[0], Known._make(row)) for row in connection.execute(part).all())
    return found


def update_enterprises(
    connection: Connection,
    rows: Sequence[tuple[str, Mapping[str, Value | None]]],
    *,
    as_of: date,
    batch_id: int,
) -> None:
    """Bring the list up to date with registration rows (code and cells), the last one counting.

    A name that changes joins the former ones. Rows older than what stands there add their names
    to the former ones and change nothing else.
    """
    latest = dict(rows)
    held = _held(connection, sorted(latest))
    made = {
        code: _merged(code, cells, held.get(code), as_of, batch_id)
        for code, cells in latest.items()
    }
    _insert(connection, [made[code] for code in sorted(made) if code not in held])
    changed = [made[code] for code in sorted(made) if code in held]
    if changed:
        names = [name for name in changed[0] if name != "uscc"]
        connection.execute(
            update(enterprises)
            .where(enterprises.c.uscc == bindparam("key_uscc"))
            .values({name: bindparam(name) for name in names}),
            [{"key_uscc": row["uscc"], **{name: row[name] for name in names}} for row in changed],
        )


def enterprise(connection: Connection, uscc: str) -> EnterpriseEntry:
    """Return one enterprise. Raises UnknownEnterpriseError."""
    query = select(enterprises).where(enterprises.c.uscc == clean(uscc))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownEnterpriseError(uscc)
    return _entry(row)


def enterprises_of(connection: Connection, codes: Sequence[str]) -> dict[str, EnterpriseEntry]:
    """Return the register's entries of some enterprises; unregistered codes are left out."""
    found: dict[str, EnterpriseEntry] = {}
    for start in range(0, len(codes), 2_000):
        part = list(codes[start : start + 2_000])
        for row in connection.execute(select(enterprises).where(enterprises.c.uscc.in_(part))):
            found[row.uscc] = _entry(row)
    return found


def mail_addresses(connection: Connection, codes: Sequence[str]) -> dict[str, str]:
    """Return the registered mail addresses of some enterprises that have one."""
    return {
        code: entry.email
        for code, entry in enterprises_of(connection, codes).items()
        if entry.email
    }


def search_enterprises(connection: Connection, text: str, limit: int = 20) -> list[EnterpriseEntry]:
    """Return enterprises whose code begins with, or whose present or former name has, a text.

    Those whose name begins with the text come first; an empty text finds nobody.
    """
    plain, code = folded(text), clean(text)
    if not plain and not code:
        return []
    tests = [enterprises.c.uscc.startswith(code, autoescape=True)] if code else []
    if plain:
        tests.append(enterprises.c.search_text.contains(plain, autoescape=True))
        core = normalise(text)
        if len(core) >= 2 and core != plain:
            tests.append(enterprises.c.core_name.contains(core, autoescape=True))
    query = (
        select(enterprises)
        .where(or_(*tests))
        .order_by(
            enterprises.c.search_text.startswith(plain, autoescape=True).desc(),
            enterprises.c.name,
            enterprises.c.uscc,
        )
        .limit(limit)
    )
    return [_entry(row) for row in connection.execute(query)]


def names_in(text: str) -> tuple[str, ...]:
    """Return the names a cell of former names holds."""
    return tuple(name.strip() for name in _NAME_MARKS.split(text) if name.strip())


def _entry(row: Row[Any]) -> EnterpriseEntry:
    return EnterpriseEntry(
        uscc=row.uscc,
        name=row.name,
        former_names=tuple(row.former_names),
        established_on=row.established_on,
        as_of=row.as_of,
        **{name: getattr(row, name) for name in _TEXTS},
    )


def _held(connection: Connection, codes: Sequence[str]) -> dict[str, dict[str, Any]]:
    held: dict[str, dict[str, Any]] = {}
    for start in range(0, len(codes), _CHUNK):
        query = select(enterprises).where(enterprises.c.uscc.in_(codes[start : start + _CHUNK]))
        held.update((row.uscc, dict(row._mapping)) for row in connection.execute(query))  # noqa: SLF001 - SQLAlchemy's public name
    return held


def _merged(
    code: str,
    cells: Mapping[str, Value | None],
    held: Mapping[str, Any] | None,
    as_of: date,
    batch_id: int,
) -> dict[str, Any]:
    name = str(cells["name"])
    formers = names_in(str(cells.get("former_name") or ""))
    if held is not None and held["as_of"] > as_of:
        names = _unique((*held["former_names"], *formers, name), held["name"])
        return {**held, "former_names": names, "search_text": _search_text(held["name"], names)}
    if held is not None:
        formers = (*held["former_names"], held["name"], *formers)
    names = _unique(formers, name)
    established = cells.get("established_on")
    return {
        "uscc": code,
        "name": name,
        "core_name": normalise(name),
        "former_names": names,
        "search_text": _search_text(name, names),
        **{column: str(cells.get(column) or "") for column in _TEXTS},
        "established_on": date.fromisoformat(str(established)) if established else None,
        "as_of": as_of,
        "updated_batch": batch_id,
    }


def _unique(names: Iterable[str], current: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if folded(name) != folded(current)]


def _search_text(name: str, former_names: Sequence[str]) -> str:
    return "\n".join(dict.fromkeys(folded(text) for text in (name, *former_names)))


def _insert(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    columns = tuple(rows[0])
    convert = storer(connection, enterprises, columns)
    insert_rows(
        connection,
        enterprises,
        columns,
        [convert([row[name] for name in columns]) for row in rows],
    )
