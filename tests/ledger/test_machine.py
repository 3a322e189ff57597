"""Random lives of an allotment: whatever happens, in whatever order, the invariants hold."""

# ruff: noqa: D102 - the name of a rule says what happens

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, func, select

from ledger.applications import get_application, reissue, reserve
from ledger.audit import verify
from ledger.budget import ChangeKind, availability, import_budget, open_purses
from ledger.errors import LedgerError
from ledger.payables import owe
from ledger.steps import (
    Event,
    Mark,
    cancel,
    mark_many,
    mark_paid,
    mark_rejected,
    mark_returned,
    mark_voided,
    mark_voucher,
)
from ledger.tables import accounts, applications
from tests.ledger.money_flow import AT, DAY, USCC, make_change, make_file, make_purse, make_request

AMOUNTS = st.integers(min_value=1, max_value=60)
CUTS = st.integers(min_value=1, max_value=300)
ALLOTMENTS = st.sampled_from(["ZB-1", "ZB-2"])


class Ledger(RuleBasedStateMachine):
    """Every rule is one savepoint: what is refused leaves nothing behind."""

    engine: Engine
    numbers = Bundle("numbers")

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.connection: Connection = self.engine.connect()
        self.transaction = self.connection.begin()
        open_purses(self.connection, [make_purse()])
        for number in ("ZB-1", "ZB-2"):
            self.change(number, 300, ChangeKind.ISSUED)

    def teardown(self) -> None:
        self.transaction.rollback()
        self.connection.close()

    def attempt(self, step: Callable[[], object]) -> bool:
        """Take a step in a savepoint; a refusal is fine, anything else is not."""
        savepoint = self.connection.begin_nested()
        try:
            step()
        except LedgerError:
            savepoint.rollback()
            return False
        savepoint.commit()
        return True

    def fresh(self) -> int:
        self.count += 1
        return self.count

    def change(self, allotment: str, amount: int, kind: ChangeKind) -> None:
        name = f"变动-{self.fresh()}"
        row = make_change(amount, kind, allotment_no=allotment, doc_no=name)
        import_budget(self.connection, make_file(row, name=name), at=AT)

    @rule(allotment=ALLOTMENTS, amount=AMOUNTS)
    def allot(self, allotment: str, amount: int) -> None:
        self.change(allotment, amount, ChangeKind.ADDED)

    @rule(allotment=ALLOTMENTS, amount=CUTS, kind=st.sampled_from(["调减", "收回", "他用"]))
    def cut(self, allotment: str, amount: int, kind: str) -> None:
        self.attempt(lambda: self.change(allotment, amount, ChangeKind(kind)))

    @rule(allotment=ALLOTMENTS)
    def recall_all(self, allotment: str) -> None:
        """Finance takes the whole allotment back, whatever is reserved on it."""
        left = availability(self.connection, allotment, on=DAY).appropriation_fen
        if left:
            self.change(allotment, left, ChangeKind.RECALLED)

    @rule(
        target=numbers,
        allotment=ALLOTMENTS,
        amount=AMOUNTS,
        until=st.sampled_from(["unowed", "reserved", "accepted", "voucher", "paid", "returned"]),
    )
    def reserve(self, allotment: str, amount: int, until: str) -> object:
        """Make an application and bring it some way along at once, so that lives get long."""
        number = f"SQ-{self.fresh()}"
        request = make_request(number, amount, allotment_no=allotment)
        if not self.attempt(lambda: reserve(self.connection, request, at=AT)):
            return multiple()
        if until != "unowed":
            owe(
                self.connection, claim_no=request.claim_no, payee_uscc=USCC, amount_fen=amount,
                booked_on=DAY, at=AT,
            )  # fmt: skip
        if until in {"accepted", "voucher", "paid", "returned"}:
            self._send(number)
        if until in {"voucher", "paid", "returned"}:
            self._voucher(number)
        if until in {"paid", "returned"}:
            self._pay(number, None)
        if until == "returned":
            self._come_back(number, None, prior=False)
        return number

    @rule(number=numbers, events=st.sampled_from([3, 2, 1]))
    def move_on(self, number: str, events: int) -> None:
        self._send(number, events)

    def _send(self, number: str, events: int = 3) -> None:
        for event in (Event.PACKAGED, Event.SENT, Event.ACCEPTED)[:events]:
            mark = Mark(application_no=number, on=DAY, ref="B")
            self.attempt(partial(mark_many, self.connection, event, [mark], at=AT))

    @rule(number=numbers)
    def refuse(self, number: str) -> None:
        self.attempt(
            lambda: mark_rejected(self.connection, [number], ref="T", on=DAY, by="财政", at=AT)
        )

    @rule(number=numbers, voided=st.booleans())
    def give_up(self, number: str, voided: bool) -> None:
        step = mark_voided if voided else cancel
        self.attempt(lambda: step(self.connection, [number], ref="C", on=DAY, by="甲", at=AT))

    @rule(number=numbers)
    def voucher(self, number: str) -> None:
        self._voucher(number)

    def _voucher(self, number: str) -> None:
        self.attempt(lambda: mark_voucher(self.connection, number, voucher_no="P", on=DAY, at=AT))

    @rule(number=numbers, amount=st.none() | AMOUNTS)
    def pay(self, number: str, amount: int | None) -> None:
        self._pay(number, amount)

    def _pay(self, number: str, amount: int | None) -> None:
        whole = get_application(self.connection, number).amount_fen
        ref = f"HD-{self.fresh()}"
        self.attempt(
            lambda: mark_paid(
                self.connection, number, amount_fen=amount or whole, on=DAY, receipt_ref=ref, at=AT
            )
        )

    @rule(number=numbers, amount=st.none() | AMOUNTS, prior=st.booleans())
    def come_back(self, number: str, amount: int | None, prior: bool) -> None:
        self._come_back(number, amount, prior=prior)

    def _come_back(self, number: str, amount: int | None, *, prior: bool) -> None:
        whole = get_application(self.connection, number).amount_fen
        ref = f"TH-{self.fresh()}"
        self.attempt(
            lambda: mark_returned(
                self.connection, number, amount_fen=amount or whole, on=DAY, ref=ref, at=AT,
                prior_year=prior,
            )
        )  # fmt: skip

    @rule(target=numbers, number=numbers)
    def reissue(self, number: str) -> object:
        new = f"SQ-{self.fresh()}"
        done = self.attempt(
            lambda: reissue(
                self.connection, number, application_no=new, payee_account_no="2",
                payee_bank_name="行", payee_cnaps="1", booked_on=DAY, by="甲", at=AT,
            )
        )  # fmt: skip
        return new if done else multiple()

    @invariant()
    def everything_verifies(self) -> None:
        """Balances are sums of transfers, floors hold, stages agree with applications."""
        assert verify(self.connection).findings == ()

    @invariant()
    def no_account_is_below_its_floor(self) -> None:
        query = select(accounts.c.code).where(accounts.c.balance_fen < accounts.c.floor_fen)
        assert list(self.connection.scalars(query)) == []

    @invariant()
    def nothing_is_held_or_paid_beyond_what_was_given(self) -> None:
        table = applications.c
        over = table.paid_fen - table.returned_fen > table.approved_fen
        assert list(self.connection.execute(select(table.application_no).where(over))) == []
        held = select(
            table.allotment_no, func.sum(table.reserved_fen), func.sum(table.in_transit_fen)
        ).group_by(table.allotment_no)
        balances = dict(
            self.connection.execute(select(accounts.c.code, accounts.c.balance_fen)).all()
        )
        for number, reserved, in_transit in self.connection.execute(held):
            assert balances[f"B:{number}:reserved"] == reserved
            assert balances[f"B:{number}:in_transit"] == in_transit
            if balances[f"B:{number}:overdrawn"]:
                assert balances[f"B:{number}:available"] == 0


def run(engine: Engine, examples: int, steps: int) -> None:
    machine = type("Machine", (Ledger,), {"engine": engine})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


def test_any_order_of_events_keeps_the_invariants_on_sqlite(sqlite_engine: Engine) -> None:
    run(sqlite_engine, 40, 30)


def test_any_order_of_events_keeps_the_invariants_on_postgres(postgres_engine: Engine) -> None:
    run(postgres_engine, 6, 20)
