"""Publish policy files: checked, then kept as versions that no later file changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from policies.codec import read_catalogue
from policies.errors import PolicyFileError
from policies.library import publish

CATALOGUE = Path(__file__).resolve().parents[2] / "policies" / "catalog"
"""The catalogue that ships with the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """How many documents and benefit versions a folder holds, and how many were new."""

    documents: int
    benefits: int
    new: int


def publish_folder(
    connection: Connection,
    *,
    by: str,
    reviewed_by: str,
    at: datetime,
    folder: Path = CATALOGUE,
) -> Published:
    """Publish every policy file under a folder; the same files again change nothing.

    Raises PolicyFileError when a file has errors: then nothing is published.
    """
    catalogue, findings = read_catalogue([folder])
    if findings:
        raise PolicyFileError(str(folder), tuple(f.message for f in findings))
    new = 0
    for file in catalogue.files:
        new += len(publish(connection, file, by=by, reviewed_by=reviewed_by, at=at))
    return Published(
        documents=len(catalogue.documents), benefits=len(list(catalogue.benefits())), new=new
    )
