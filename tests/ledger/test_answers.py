"""Answers of finance: applied once, in any number of files, and nothing odd is lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select

from ledger.answer_files import AnswerKind, AnswerLine, answer_bytes, read_answer
from ledger.answers import AnswerResult, Effect, apply_answers, load_answers
from ledger.applications import get_application
from ledger.errors import FileRefusedError
from ledger.packages import get_package
from ledger.tables import answer_lines, breaks, journal
from tests.ledger.money_flow import AT, DAY
from tests.ledger.push_flow import answer, answers, make_world, push, reserve

K = AnswerKind
NUMBER = "SQ-CITY-00001"
AMOUNT = 1_000_001
FULL = (
    answer(1, K.ACCEPTED, NUMBER),
    answer(2, K.VOUCHER, NUMBER, amount_fen=AMOUNT),
    answer(3, K.PAID, NUMBER, amount_fen=AMOUNT),
)


def sent(connection: Connection, count: int = 1) -> None:
    make_world(connection)
    push(connection, reserve(connection, count))


def opened(connection: Connection) -> list[str]:
    return list(connection.execute(select(breaks.c.id).order_by(breaks.c.id)).scalars())


def effects(result: AnswerResult) -> tuple[int, int, int, int]:
    return (result.applied, result.replayed, result.differences, result.unknown)


def test_answers_bring_an_application_to_its_receipt(engine: Engine) -> None:
    with engine.begin() as connection:
        sent(connection)
        result = apply_answers(connection, answers(*FULL), at=AT)
        found = get_application(connection, NUMBER)
        package = get_package(connection, "HQT20260302-0001")
    assert effects(result) == (3, 0, 0, 0)
    assert (found.state, found.paid_fen, found.voucher_no) == ("receipted", AMOUNT, f"PZ-{NUMBER}")
    assert package.state == "answered"


def test_order_of_the_lines_does_not_matter(engine: Engine) -> None:
    with engine.begin() as connection:
        sent(connection)
        shuffled = [
            AnswerLine(**{name: getattr(line, name) for name in line.__slots__} | {"line": n})
            for n, line in enumerate(reversed(FULL), 1)
        ]
        assert effects(apply_answers(connection, answers(*shuffled), at=AT)) == (3, 0, 0, 0)
        assert get_application(connection, NUMBER).state == "receipted"


def test_same_file_and_same_lines_in_another_file_change_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        sent(connection)
        apply_answers(connection, answers(*FULL), at=AT)
        before = connection.scalar(select(func.count()).select_from(journal))
        same = apply_answers(connection, answers(*FULL), at=AT)
        other = apply_answers(connection, answers(*FULL, name="b.csv"), at=AT)
        after = connection.scalar(select(func.count()).select_from(journal))
    assert (same.is_replay, other.is_replay) == (True, False)
    assert effects(other) == (0, 3, 0, 0)
    assert before == after


def test_return_restores_the_reservation(engine: Engine) -> None:
    with engine.begin() as connection:
        sent(connection)
        back = answer(4, K.RETURNED, NUMBER, amount_fen=AMOUNT, reason="账号户名不符")
        apply_answers(connection, answers(*FULL, back), at=AT)
        found = get_application(connection, NUMBER)
        assert opened(connection) == []
    assert (found.state, found.reserved_fen, found.returned_fen) == ("returned", AMOUNT, AMOUNT)


@pytest.mark.parametrize(
    ("line", "break_id", "effect", "paid"),
    [
        (answer(3, K.PAID, NUMBER, amount_fen=AMOUNT + 1), f"amount:{NUMBER}", "difference", 0),
        (answer(3, K.PAID, NUMBER, amount_fen=0), f"amount:{NUMBER}", "difference", 0),
        (answer(3, K.PAID, NUMBER, amount_fen=7), f"amount:{NUMBER}", "applied", 7),
        (answer(3, K.PAID, "WB-9", amount_fen=7), "missing_order:WB-9", "unknown", 0),
        (
            answer(3, K.PAID, NUMBER, amount_fen=AMOUNT, allotment_no="ZB-CITY-9"),
            f"wrong_allotment:{NUMBER}",
            "applied",
            AMOUNT,
        ),
        (answer(3, K.RETURNED, NUMBER, amount_fen=1), f"returned:{NUMBER}", "difference", 0),
    ],
)
def test_what_does_not_fit_is_kept_and_becomes_a_break(
    engine: Engine, line: AnswerLine, break_id: str, effect: str, paid: int
) -> None:
    with engine.begin() as connection:
        sent(connection)
        result = apply_answers(connection, answers(*FULL[:2], line), at=AT)
        kept = list(
            connection.execute(
                select(answer_lines.c.effect).order_by(answer_lines.c.line)
            ).scalars()
        )
        assert (opened(connection), result.breaks) == ([break_id], (break_id,))
        assert get_application(connection, NUMBER).paid_fen == paid
    assert kept == ["applied", "applied", effect]


def test_payment_of_a_rejected_application_is_a_break_and_the_rest_goes_on(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        sent(connection, 5)
        apply_answers(connection, answers(answer(1, K.REJECTED, NUMBER, reason="x")), at=AT)
        lines = [
            answer(n, K.PAID, f"SQ-CITY-{n:05d}", amount_fen=1_000_000 + n) for n in range(1, 6)
        ]
        result = apply_answers(connection, answers(*lines, name="b.csv"), at=AT)
        assert effects(result) == (4, 0, 1, 0)
        assert opened(connection) == [f"missing_order:{NUMBER}"]
        assert get_application(connection, NUMBER).state == "rejected"


def test_return_of_an_earlier_year_waits_for_a_ruling(engine: Engine) -> None:
    with engine.begin() as connection:
        sent(connection)
        apply_answers(connection, answers(*FULL), at=AT)
        line = answer(1, K.RETURNED, NUMBER, amount_fen=AMOUNT, on=date(2027, 1, 4))
        result = apply_answers(connection, answers(line, name="b.csv"), at=AT)
        assert (effects(result), opened(connection)) == ((0, 0, 1, 0), [f"returned:{NUMBER}"])
        assert get_application(connection, NUMBER).returned_fen == 0


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(K)),
            st.integers(0, 10**12) | st.none(),
            st.text(st.characters(categories=["Lo", "Nd"]), max_size=5),
        ),
        max_size=6,
    )
)
def test_what_is_written_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[AnswerKind, int | None, str]]
) -> None:
    lines = [
        answer(n, kind, f"SQ-{n}", amount_fen=amount, reason=reason)
        for n, (kind, amount, reason) in enumerate(rows, 1)
    ]
    path = tmp_path_factory.mktemp("answers") / "a.csv"
    path.write_bytes(answer_bytes(lines))
    assert read_answer(path) == lines
    assert list(load_answers(path).lines) == lines


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("合计", "", "缺少合计行"),
        ("合计,3", "合计,2", "合计行应为3行"),
        ("已支付", "付了", "应为已接收"),
        ("XPAY_AMT", "AMT", "表头缺少: XPAY_AMT"),
        (f"{DAY}", "昨天", "应为日期"),
    ],
)
def test_a_bad_file_is_refused_whole(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "a.csv"
    text = answer_bytes(FULL).decode()
    assert old in text
    path.write_text(text[: text.index(old)] if not new else text.replace(old, new))
    with pytest.raises(FileRefusedError, match=words):
        load_answers(path)


def test_effects_are_named() -> None:
    assert [effect.value for effect in Effect] == ["applied", "replayed", "difference", "unknown"]
