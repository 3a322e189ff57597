"""What is really so behind the dirty files: each planted mistake, and the city as it is."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from app.demo.firms import Firm


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """One planted mistake: where it stands, what is written, what is true, what should happen.

    ``row`` counts as a spreadsheet shows it: the heading is row 1; None is the whole file.
    ``expected`` is rejected, warned, linked, queued or superseded.
    """

    id: str
    kind: str
    file: str
    row: int | None
    field: str
    written: str
    true_uscc: str = ""
    true_value: str = ""
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CityTruth:
    """The generated city: where its files lie, its firms, the mistakes, and its heroes."""

    folder: Path
    count: int
    seed: int
    as_of: date
    firms: tuple[Firm, ...]
    dirt: tuple[Dirt, ...]
    files: Mapping[str, int]
    """File name to number of rows, in order of intake."""
    parts: Mapping[str, str]
    """Part in the stories to the credit code of the firm that plays it."""

    @property
    def inbox(self) -> Path:
        """The folder with the departments' files."""
        return self.folder / "inbox"

    @property
    def note(self) -> Path:
        """The delivery note that lists the files in order of intake."""
        return self.inbox / "交接单.json"

    def dirt_of(self, kind: str) -> tuple[Dirt, ...]:
        """Return the planted mistakes of one kind."""
        return tuple(entry for entry in self.dirt if entry.kind == kind)


def write_truth(truth: CityTruth) -> None:
    """Write truth/dirt.json, truth/firms.csv and truth/summary.json beside the inbox."""
    folder = truth.folder / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "dirt.json", [asdict(entry) for entry in truth.dirt])
    summary = {
        "firms": truth.count,
        "seed": truth.seed,
        "as_of": truth.as_of.isoformat(),
        "files": dict(truth.files),
        "parts": dict(truth.parts),
        "dirt": dict(sorted(Counter(entry.kind for entry in truth.dirt).items())),
        "status": _counts(truth.firms, "status"),
        "regions": _counts(truth.firms, "region"),
        "sizes": _counts(truth.firms, "size"),
    }
    _write_json(folder / "summary.json", summary)
    with folder.joinpath("firms.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        fields = ("uscc", "name", "former_name", "status", "region", "park", "industry", "size")
        writer.writerow(fields)
        writer.writerows([getattr(firm, name) for name in fields] for firm in truth.firms)


def _counts(firms: Sequence[Firm], name: str) -> dict[str, int]:
    return dict(sorted(Counter(getattr(firm, name) for firm in firms).items()))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
