"""Many hands at once, and hands that die: nothing is spent twice and nothing is half written."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select

from app.db import transaction
from ledger.applications import reserve, reserve_many
from ledger.audit import verify
from ledger.budget import ChangeKind, availability, import_budget
from ledger.errors import InsufficientAllotmentError, KeyReusedError, LedgerError
from ledger.journal import Leg, Posting, post
from ledger.steps import cancel
from ledger.tables import applications, journal
from tests.ledger.money_flow import AT, DAY, fund, make_change, make_file, make_request

WORKERS = 4


def together(*jobs: object) -> list[object]:
    """Run jobs at the same moment, one thread each, and return what they gave or raised."""
    gate = threading.Barrier(len(jobs))

    def start(job: object) -> object:
        gate.wait()
        try:
            return job()  # type: ignore[operator]
        except LedgerError as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(start, jobs))


def test_workers_on_one_hot_allotment_never_exceed_it(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000)

    def worker(who: int) -> int:
        done = 0
        for turn in range(20):
            request = make_request(f"SQ-{who}-{turn}", 30)
            try:
                with transaction(engine) as connection:
                    reserve(connection, request, at=AT)
            except InsufficientAllotmentError:
                continue
            done += 1
        return done

    counts = together(*(lambda who=who: worker(who) for who in range(WORKERS)))
    assert sum(int(str(count)) for count in counts) == 33
    with transaction(engine) as connection:
        held = availability(connection, "ZB-1", on=DAY)
        assert (held.reserved_fen, held.available_fen) == (990, 10)
        assert verify(connection).ok


def test_cuts_and_releases_among_reservations_leave_every_sum_right(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000)

    def reserver(who: int) -> None:
        for turn in range(10):
            number = f"SQ-{who}-{turn}"
            try:
                with transaction(engine) as connection:
                    reserve(connection, make_request(number, 40), at=AT)
            except LedgerError:
                continue
            if turn % 2:
                with transaction(engine) as connection:
                    cancel(connection, [number], ref="撤", on=DAY, by="甲", at=AT)

    def cutter() -> None:
        for turn in range(8):
            row = make_change(100, ChangeKind.CUT, doc_no=f"减-{turn}")
            with transaction(engine) as connection:
                import_budget(connection, make_file(row, name=f"减-{turn}"), at=AT)

    outcome = together(*(lambda who=who: reserver(who) for who in range(3)), cutter)
    assert outcome == [None] * 4
    with transaction(engine) as connection:
        assert verify(connection).findings == ()
        assert availability(connection, "ZB-1", on=DAY).appropriation_fen == 200


def test_the_same_posting_from_many_workers_is_posted_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        fund(connection, 1_000)
    legs = (Leg(debit="B:ZB-1:reserved", credit="B:ZB-1:available", amount_fen=10),)

    def batch(narration: str) -> None:
        postings = [
            Posting(key=f"k{i}", kind="test", booked_on=DAY, narration=narration, legs=legs)
            for i in range(30)
        ]
        with transaction(engine) as connection:
            post(connection, postings, at=AT)

    assert together(*(lambda: batch("同一内容") for _ in range(WORKERS))) == [None] * WORKERS
    with transaction(engine) as connection:
        assert availability(connection, "ZB-1", on=DAY).reserved_fen == 300
    other = together(*(lambda i=i: batch(f"另一内容{i}") for i in range(WORKERS)))
    assert all(isinstance(found, KeyReusedError) for found in other)


VICTIM = """
import sys
from app.db import make_engine, transaction
from ledger.applications import reserve_many
from tests.ledger.money_flow import AT, make_request
engine = make_engine(sys.argv[1])
for batch in range(1000):
    with transaction(engine) as connection:
        requests = [make_request(f"SQ-{batch}-{i}", 10) for i in range(50)]
        reserve_many(connection, requests, at=AT)
        if batch == int(sys.argv[2]):
            print("written", flush=True)
            sys.stdin.read()
"""


@pytest.mark.parametrize("batch", [0, 2])
def test_a_killed_process_leaves_whole_batches_only(engine: Engine, batch: int) -> None:
    """The process dies by SIGKILL with a batch written and not committed; a resume is exact."""
    with transaction(engine) as connection:
        fund(connection, 10_000_000)
    url = engine.url.render_as_string(hide_password=False)
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, url, str(batch)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        assert victim.stderr is not None
        assert victim.stdout.readline() == "written\n", victim.stderr.read()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    with transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(applications)) == batch * 50
        assert verify(connection).ok
        for turn in range(batch + 1):
            requests = [make_request(f"SQ-{turn}-{i}", 10) for i in range(50)]
            reserve_many(connection, requests, at=AT)
        entries = select(func.count()).select_from(journal).where(journal.c.kind == "reserved")
        assert connection.scalar(entries) == (batch + 1) * 50
        assert availability(connection, "ZB-1", on=DAY).reserved_fen == (batch + 1) * 500
        assert verify(connection).ok
