"""Whom each good row of a file is about: by its code, else by its name, else by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select

from matching.deliveries import Delivery
from matching.enterprise_list import Known, known_enterprises, present_names
from matching.linkage import Candidate, Link, Linker, folded, same_name
from matching.record_store import NewRecord
from matching.row_findings import RowFinding, finding
from matching.rows import Rows
from matching.sources import Source
from matching.tables import link_queue, records
from policies.findings import Level

_GONE = frozenset({"注销", "迁出"})
_FOR_THE_LIVING = frozenset({"recognition", "bank_account", "hire"})
"""Sources in which a firm that is gone is worth a warning."""


@dataclass(slots=True, kw_only=True)
class Attribution:
    """The rows with their firms.

    ``queued`` maps row numbers to the candidates a person is to choose from. ``protected`` are
    firms that unusable or queued rows may mean. ``findings`` are those of the rows, old and new.
    """

    records: list[NewRecord] = field(default_factory=list)
    findings: list[RowFinding] = field(default_factory=list)
    queued: dict[int, tuple[Candidate, ...]] = field(default_factory=dict)
    protected: frozenset[str] = frozenset()
    by_code: int = 0
    by_name: int = 0


def attribute(
    connection: Connection, delivery: Delivery, source: Source, rows: Rows
) -> Attribution:
    """Say whom each row is about; rejected rows stay out but keep their findings."""
    work = _Work(connection=connection, delivery=delivery, source=source, rows=rows)
    if source.kind != "registration":
        work.learn()
    return work.run(judge=source.kind != "registration")


def candidate_json(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Return candidates as the queue keeps them."""
    return [
        {
            "uscc": candidate.uscc,
            "name": candidate.name,
            "score": candidate.score,
            "parts": dict(sorted(candidate.parts.items())),
        }
        for candidate in candidates
    ]


@dataclass(slots=True, kw_only=True)
class _Work:
    connection: Connection
    delivery: Delivery
    source: Source
    rows: Rows
    known: Mapping[str, Known] = field(default_factory=dict)
    fine: Mapping[str, str] = field(default_factory=dict)
    """Present names of the firms that need no second look."""
    registered: frozenset[str] = frozenset()
    made: Attribution = field(default_factory=Attribution)
    linker: Linker | None = None
    decided: Mapping[tuple[str, str], str] | None = None

    def learn(self) -> None:
        """Find out which firms the rows name, and load those that need a second look."""
        codes = {code for code in self.rows.usccs if code is not None}
        names = present_names(self.connection, codes)
        careful = self.source.kind in _FOR_THE_LIVING
        self.fine = {
            code: name
            for code, (name, status) in names.items()
            if not (careful and status in _GONE)
        }
        odd = {
            code
            for code, name in zip(self.rows.usccs, self.rows.names, strict=True)
            if code in names and name not in {"", self.fine.get(code)}
        }
        accounts = self.rows.values.get("account_name")
        if accounts is not None:
            odd |= {
                code
                for code, name in zip(self.rows.usccs, accounts, strict=True)
                if code in names and name != names[code][0]
            }
        self.registered = frozenset(names)
        self.known = known_enterprises(self.connection, odd | (names.keys() - self.fine.keys()))

    def run(self, *, judge: bool) -> Attribution:
        """Go through the rows in their order."""
        rows, made, rejected = self.rows, self.made, self.rows.rejected
        agreed: dict[tuple[str, str], bool] = {}
        whole = zip(rows.numbers, rows.usccs, rows.names, rows.keys, rows.payloads, strict=True)
        for place, (number, code, name, key, payload) in enumerate(whole):
            if place in rejected:
                continue
            linked_by: str | None = "code"
            if code is None:
                code, linked_by = self._by_name(place)  # noqa: PLW2901 - found instead
            else:
                made.by_code += 1
                if judge and name != self.fine.get(code) and not agreed.get((code, name)):
                    agreed[code, name] = self._agrees(place, code, name)
            made.records.append(
                NewRecord(
                    row_number=number, uscc=code, name=name, key=key, payload=payload,
                    linked_by=linked_by,
                )
            )  # fmt: skip
        if judge:
            self._accounts()
        self._protect()
        return made

    def _by_name(self, place: int) -> tuple[str | None, str | None]:
        """Return the firm of a row without a valid code and how it was found."""
        rows, number, name = self.rows, self.rows.numbers[place], self.rows.names[place]
        decided = self._decisions().get((rows.keys[place], folded(name)))
        if decided is not None:
            self.made.by_name += 1
            return decided, "clerk"
        link = self._link(place)
        if link.uscc is None:
            self.made.queued[number] = link.candidates
            self._find(
                place, "link.queued", Level.WARNING, name,
                f"能唯一确定的企业（候选 {len(link.candidates)} 家, 待人工认领）",
            )  # fmt: skip
            return None, None
        self.made.by_name += 1
        firm = self.known[link.uscc]
        self._find(
            place, f"link.{link.how}", Level.NOTE, name,
            f"统一社会信用代码（已按名称关联到 {link.uscc} {firm.name}, {link.score} 分）",
            uscc=link.uscc,
        )  # fmt: skip
        self._status(place, link.uscc, firm)
        return link.uscc, "name"

    def _link(self, place: int) -> Link:
        if self.linker is None:
            self.known = known_enterprises(self.connection)
            self.linker = Linker(firm.linkable() for firm in self.known.values())
        rows = self.rows
        return self.linker.link(
            rows.names[place],
            region=self._text("region", place) or self._text("tax_region", place),
            address=self._text("address", place),
            legal_representative=self._text("legal_representative", place),
            written_code=rows.written[place],
        )

    def _text(self, code: str, place: int) -> str:
        column = self.rows.values.get(code)
        return "" if column is None else str(column[place] or "")

    def _agrees(self, place: int, code: str, name: str) -> bool:
        """Whether name and state of the firm agree with the row; the code counts either way."""
        if code not in self.registered:
            self._find(
                place, "uscc.unregistered", Level.WARNING, code, "登记数据中已有的企业", uscc=code
            )
            return False
        firm = self.known.get(code)
        if firm is None:
            return True
        fine = self._status(place, code, firm)
        if name not in {"", firm.name} and not any(same_name(name, n) for n in firm.names()):
            expected = f"与代码 {code} 相符的企业名称 {firm.name}（已按代码采用）"
            self._find(place, "name.mismatch", Level.WARNING, name, expected, uscc=code)
            return False
        return fine

    def _status(self, place: int, code: str, firm: Known) -> bool:
        if firm.status in _GONE and self.source.kind in _FOR_THE_LIVING:
            found = f"{firm.name}（登记状态 {firm.status}）"
            self._find(place, "firm.gone", Level.WARNING, found, "存续的企业", uscc=code)
            return False
        return True

    def _accounts(self) -> None:
        """Warn of accounts in another name than the firm's own."""
        names = self.rows.values.get("account_name")
        if names is None:
            return
        places = {number: place for place, number in enumerate(self.rows.numbers)}
        for row in self.made.records:
            firm = self.known.get(row.uscc or "")
            place = places[row.row_number]
            name = str(names[place])
            if firm is None or same_name(name, firm.name):
                continue
            old = any(same_name(name, former) for former in firm.names()[1:])
            self._find(
                place,
                "account.old_name" if old else "account.name",
                Level.WARNING,
                f"{name}（曾用名）" if old else name,
                f"与企业现名一致的户名 {firm.name}",
                field="户名",
                uscc=row.uscc,
            )

    def _protect(self) -> None:
        """Name the firms of unusable rows, so that nobody counts as absent by a slip."""
        firms = {
            candidate.uscc for candidates in self.made.queued.values() for candidate in candidates
        }
        if self.source.lists:
            firms |= self._of_rejected()
        firms |= {entry.uscc for entry in self.rows.findings if entry.uscc and _rejects(entry)}
        self.made.protected = frozenset(firms)
        self.made.findings = [*self.rows.findings, *self.made.findings]

    def _of_rejected(self) -> set[str]:
        """Find the firms of rejected rows without a valid code, and write them to the findings."""
        firms: dict[int, str] = {}
        for place in sorted(self.rows.rejected):
            if self.rows.usccs[place] is None and self.rows.names[place]:
                link = self._link(place)
                best = link.uscc or next((c.uscc for c in link.candidates), None)
                if best is not None:
                    firms[self.rows.numbers[place]] = best
        self.rows.findings[:] = [
            replace(entry, uscc=firms[entry.row_number])
            if entry.row_number in firms and entry.uscc is None
            else entry
            for entry in self.rows.findings
        ]
        return set(firms.values())

    def _decisions(self) -> Mapping[tuple[str, str], str]:
        """Return what people decided about the same entries before, by key and folded name."""
        if self.decided is None:
            query = (
                select(records.c.record_key, records.c.payload, link_queue.c.uscc)
                .join(records, records.c.id == link_queue.c.record_id)
                .where(
                    link_queue.c.state == "linked",
                    records.c.source == self.delivery.source,
                    records.c.list_code == self.delivery.list_code,
                )
                .order_by(link_queue.c.decided_at, link_queue.c.id)
            )
            self.decided = {
                (key, folded(str(payload.get("name", "")))): uscc
                for key, payload, uscc in self.connection.execute(query)
            }
        return self.decided

    def _find(
        self,
        place: int,
        code: str,
        level: Level,
        found: str,
        expected: str,
        *,
        field: str = "",
        uscc: str | None = None,
    ) -> None:
        self.made.findings.append(
            finding(
                self.delivery.file,
                self.rows.numbers[place],
                field=field or self.source.column("name").heading,
                found=found,
                expected=expected,
                code=code,
                level=level,
                uscc=uscc,
            )
        )


def _rejects(entry: RowFinding) -> bool:
    return entry.level is Level.ERROR
