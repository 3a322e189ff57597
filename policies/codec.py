"""Benefit files: reading with findings, writing without loss, the canonical form and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from policies import yaml_tree
from policies.benefits import Benefit, Catalogue, Place, PolicyFile
from policies.errors import PolicyFileError
from policies.findings import Finding
from policies.read_benefits import read_file
from policies.reader import Reader
from policies.vocabulary import Vocabulary, load_vocabulary
from policies.writing import plain_file


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPolicy:
    """What reading gave: the file's content, or None and why; ``lines`` has each benefit's line."""

    file: PolicyFile | None
    findings: tuple[Finding, ...]
    lines: dict[tuple[str, int], int] = field(default_factory=dict)


def read_policy(
    source: Path | str, *, vocabulary: Vocabulary | None = None, name: str = ""
) -> ReadPolicy:
    """Read one benefit file: a Path is opened, a str is the YAML (or JSON) text itself.

    ``name`` is what findings call the file. Mistakes never raise; they are findings with line,
    benefit, key, found and expected.
    """
    shown = name or (str(source) if isinstance(source, Path) else "(文本)")
    reader = Reader(shown, vocabulary or load_vocabulary())
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source
        root = yaml_tree.parse(text)
    except UnicodeDecodeError:
        reader.problem("HQ001", 1, "", "不是 UTF-8 编码的文件", "UTF-8")
        return ReadPolicy(file=None, findings=tuple(reader.findings))
    except yaml_tree.YamlMistake as mistake:
        code = "HQ002" if mistake.key else "HQ001"
        reader.problem(code, mistake.line, mistake.key, mistake.found, mistake.expected)
        return ReadPolicy(file=None, findings=tuple(reader.findings))
    file = read_file(reader, root)
    findings = tuple(sorted(reader.findings, key=Finding.order))
    return ReadPolicy(file=None if findings else file, findings=findings, lines=_lines(root, file))


def _lines(root: yaml_tree.Node, file: PolicyFile) -> dict[tuple[str, int], int]:
    nodes = root.get("benefits") if isinstance(root, yaml_tree.MapNode) else None
    if not isinstance(nodes, yaml_tree.ListNode):
        return {}
    pairs = zip(file.benefits, nodes.items, strict=False)
    return {(benefit.id, benefit.version): node.line for benefit, node in pairs}


def read_correct(source: Path | str, *, name: str = "") -> PolicyFile:
    """Read a file that must be correct. Raises PolicyFileError with every finding."""
    read = read_policy(source, name=name)
    if read.file is None:
        raise PolicyFileError(name or str(source)[:80], tuple(f.message for f in read.findings))
    return read.file


def read_catalogue(
    paths: Iterable[Path], *, vocabulary: Vocabulary | None = None
) -> tuple[Catalogue, tuple[Finding, ...]]:
    """Read files and folders (every ``*.yaml`` below); files with findings are left out."""
    files: list[PolicyFile] = []
    findings: list[Finding] = []
    places: dict[tuple[str, int], Place] = {}
    for path in _yaml_files(paths):
        read = read_policy(path, vocabulary=vocabulary)
        findings += read.findings
        if read.file is not None:
            files.append(read.file)
            for key, line in read.lines.items():
                places.setdefault(key, Place(file=str(path), line=line))
    return Catalogue(tuple(files), places), tuple(sorted(findings, key=Finding.order))


def _yaml_files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    return found


# --- writing -------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    """Indents list items under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, False)


def write_policy(file: PolicyFile) -> str:
    """Write a file's content as YAML; reading it back gives equal values."""
    return yaml.dump(
        plain_file(file), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100
    )


def canonical(benefit: Benefit) -> bytes:
    """Return one benefit version, with its document, as JSON bytes that depend on content alone.

    The bytes are themselves a readable benefit file (JSON is YAML): see ``from_canonical``.
    """
    file = PolicyFile(
        document=benefit.document,
        parameters=benefit.parameters,
        definitions=benefit.definitions,
        benefits=(benefit,),
    )
    text = json.dumps(
        plain_file(file),
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
        default=_json_date,
    )
    return text.encode()


def _json_date(value: Any) -> str:
    assert isinstance(value, date), type(value)
    return value.isoformat()


def from_canonical(content: bytes) -> Benefit:
    """Read a benefit back from its canonical bytes. Raises PolicyFileError."""
    return read_correct(content.decode(), name="(政策库)").benefits[0]


def benefit_hash(benefit: Benefit) -> str:
    """Return the SHA-256 of the canonical form in hexadecimal."""
    return hashlib.sha256(canonical(benefit)).hexdigest()
