"""Everyone on the other side of the exchange folder: the finance bureau's system and the bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.demo.bank import Bank
from app.demo.faults import FaultPlan, Planted
from app.demo.finance_system import FinanceSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDay:
    """The files of one day from both, and the packages whose answer never came."""

    answers: tuple[Path, ...]
    statements: tuple[Path, ...]
    executions: tuple[Path, ...]
    lost: tuple[str, ...]
    refused: Mapping[str, str]


class FinanceWorld:
    """Finance system and bank over one exchange folder: ``out`` is ours, ``in`` is theirs."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        faults: FaultPlan,
        key: bytes,
        account_names: Mapping[str, str],
    ) -> None:
        """Open both; ``account_names`` is the true holder of each account number."""
        self.outgoing = folder / "out"
        incoming = folder / "in"
        for path in (self.outgoing, incoming / "finance", incoming / "bank"):
            path.mkdir(parents=True, exist_ok=True)
        names = dict(account_names)
        self._finance = FinanceSystem(
            self.outgoing, incoming / "finance", seed, faults, key=key, account_names=names
        )
        self._bank = Bank(self.outgoing, incoming / "bank", seed, key=key, account_names=names)

    def work(self, *, on: date) -> ExchangeDay:
        """Let both work one day and close it."""
        finance = self._finance.process(None, on)
        bank = self._bank.process(on)
        return ExchangeDay(
            answers=(*finance.answers, *bank.reports),
            statements=(*finance.statements, *bank.statements),
            executions=finance.executions,
            lost=finance.lost,
            refused={**finance.refused, **bank.refused},
        )

    def query(self, package_no: str) -> Path | None:
        """Ask both by our own number; None when nothing ever arrived."""
        return self._finance.query(package_no) or self._bank.query(package_no)

    def planted(self, on: date) -> list[Planted]:
        """Return the faults both planted that can be seen by the end of a day."""
        return sorted([*self._finance.planted(on), *self._bank.planted(on)], key=lambda p: p.id)
