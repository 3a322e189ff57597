"""ISO 20022 messages: written against the schema, read back equal, refused when they lie."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import FileRefusedError
from ledger.iso20022 import (
    CreditTransfer,
    Payer,
    cnaps,
    is_cnaps,
    read_camt053,
    read_pain001,
    read_pain002,
    write_pain001,
)

PAYER = Payer(
    name="市经济和信息化局", account_no="33001616783500000001", cnaps=cnaps("10533100000")
)
TRANSFER = CreditTransfer(
    application_no="SQ-1",
    amount_fen=123_456,
    payee_name="杭州某某（集团）有限公司",
    payee_account="6222000000000001",
    payee_cnaps=cnaps("10233100000"),
    payee_bank_name="工商银行杭州分行",
    payee_uscc="91330100MA27XXXX07",
    remark="稳岗补贴",
)


def write(*transfers: CreditTransfer) -> bytes:
    return write_pain001(
        message_id="HQT20260302-0001",
        created_at=datetime(2026, 3, 2, 1, tzinfo=UTC),
        execute_on=date(2026, 3, 2),
        payer=PAYER,
        transfers=transfers,
    )


@pytest.mark.parametrize(
    ("number", "is_right"),
    [
        ("102100099996", True),
        ("102100099995", False),
        ("10210009999", False),
        ("10210009999A", False),
        ("１０２１０００９９９９６", False),
        ("", False),
    ],
)
def test_bank_number_has_twelve_digits_and_a_check_digit(number: str, is_right: bool) -> None:
    assert is_cnaps(number) is is_right


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**13),
            st.text(st.characters(categories=["Lo", "Lu", "Nd"]), min_size=1, max_size=30),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read_back_equal(rows: list[tuple[int, str]]) -> None:
    transfers = tuple(
        replace(TRANSFER, application_no=f"SQ-{n}", amount_fen=amount, payee_name=name)
        for n, (amount, name) in enumerate(rows)
    )
    instruction = read_pain001(write(*transfers))
    assert (instruction.transfers, instruction.payer) == (transfers, PAYER)
    assert instruction.execute_on == date(2026, 3, 2)


def test_the_same_content_is_the_same_bytes() -> None:
    assert write(TRANSFER) == write(TRANSFER)


@pytest.mark.parametrize(
    "change", [{"application_no": "X" * 36}, {"payee_name": "名" * 141}, {"payee_account": ""}]
)
def test_what_does_not_fit_the_schema_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(FileRefusedError, match=r"不符合pain\.001"):
        write(replace(TRANSFER, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"<NbOfTxs>1</NbOfTxs>", b"<NbOfTxs>2</NbOfTxs>", "笔数"),
        (b"1234.56</InstdAmt>", b"1234.57</InstdAmt>", "合计"),
        (b"1234.56</InstdAmt>", b"1234.561</InstdAmt>", "不是整分"),
        (b"</Document>", b"", "不是完整的XML"),
        (b"<Document", b"<!DOCTYPE x><Document", "DOCTYPE"),
    ],
)
def test_a_message_that_lies_is_refused(old: bytes, new: bytes, words: str) -> None:
    content = write(TRANSFER)
    assert old in content
    with pytest.raises(FileRefusedError, match=words):
        read_pain001(content.replace(old, new))


@pytest.mark.parametrize("read", [read_pain002, read_camt053])
def test_another_message_is_refused(read: object) -> None:
    with pytest.raises(FileRefusedError):
        read(write(TRANSFER))  # type: ignore[operator]
