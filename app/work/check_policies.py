"""`hqt policies check`: findings of reading and lint, and the cases that stand beside the rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matching.cases import run_cases
from policies.benefits import Benefit
from policies.codec import read_catalogue
from policies.criteria import Leaf, Open, walk
from policies.lint import lint
from policies.vocabulary import Vocabulary, load_vocabulary


def check_files(paths: Sequence[Path]) -> dict[str, Any]:
    """Check files and folders and return the stable machine output of DESIGN's interface.

    A benefit is fully checkable when no condition is open or declared by the firm, and askable
    when none is open. A failed case is a finding of its own.
    """
    vocabulary = load_vocabulary()
    catalogue, problems = read_catalogue(list(paths), vocabulary=vocabulary)
    benefits = list(catalogue.benefits())
    findings = [_plain(f) for f in (*problems, *lint(catalogue, vocabulary=vocabulary))]
    results = run_cases(benefits, vocabulary=vocabulary)
    for result in results:
        if not result.passed:
            place = catalogue.places.get((result.benefit_id, result.version))
            findings.append(
                {
                    "code": "HQ900",
                    "level": "error",
                    "file": place.file if place else "",
                    "line": place.line if place else 0,
                    "benefit": result.benefit_id,
                    "message": f"用例“{result.name}”不符: {'; '.join(result.differences)}",
                }
            )
    counts = [_conditions(benefit, vocabulary) for benefit in benefits]
    return {
        "documents": len(catalogue.documents),
        "benefits": len(benefits),
        "criteria": sum(total for total, _, _ in counts),
        "open_criteria": sum(opened for _, opened, _ in counts),
        "fully_checkable": sum(not opened and not declared for _, opened, declared in counts),
        "askable": sum(not opened for _, opened, _ in counts),
        "cases": len(results),
        "failed": sum(not result.passed for result in results),
        "findings": findings,
    }


def _conditions(benefit: Benefit, vocabulary: Vocabulary) -> tuple[int, int, int]:
    """Return the number of conditions, of open ones, and of those only the firm can answer."""
    parts = list(walk(benefit.expanded_criteria()))
    leaves = [part for part in parts if isinstance(part, Leaf)]
    opened = sum(isinstance(part, Open) for part in parts)
    declared = sum(
        leaf.field in vocabulary and vocabulary[leaf.field].is_declared for leaf in leaves
    )
    return len(leaves) + opened, opened, declared


def _plain(finding: Any) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "file": finding.file,
        "line": finding.line,
        "benefit": finding.benefit,
        "message": finding.message,
    }
