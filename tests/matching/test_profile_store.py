"""Profiles out of records: values with their source, now and as they were known."""

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from matching.errors import DeclarationError, LinkDecisionError, UnknownEnterpriseError
from matching.profile_store import (
    decide_link,
    declare,
    enterprise,
    open_links,
    payouts_elsewhere,
    profile,
    profiles,
    search_enterprises,
    verified_accounts,
)
from matching.profiles import Fact, Item, Listing, Register
from matching.tables import link_queue, records
from tests.matching.deliveries import AS_OF, AT, code, counts, firm, take

A, B, C, D = code(1), code(2), code(3), code(4)
DAY = timedelta(days=1)
FIRMS = [
    firm(1, "南昌市鸿运机械有限公司", former_name="南昌市旧名机械有限公司", park="NCJK"),
    firm(2, "南昌市宏达食品有限公司"),
    firm(3, "江西朗盛系统有限公司"),
    firm(4, "南昌朗盛系统有限公司"),
]


def name_of(uscc: str) -> str:
    """The registered name of one of the firms."""
    return next(row["name"] for row in FIRMS if row["uscc"] == uscc)


def fact(connection: Connection, uscc: str, field: str, period: int | None = None) -> Fact:
    """One fact of a firm as known now."""
    return profile(connection, uscc).facts[field, period]


def test_a_profile_holds_typed_values_with_their_source(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(
            connection, tmp_path, "tax_annual",
            [{"uscc": A, "year": "2025", "revenue": "3000", "staff": "12", "tax_credit": "A"}],
            unit="万元",
        )  # fmt: skip
        take(
            connection, tmp_path, "social_insurance",
            [{"uscc": A, "month": "2026-05", "insured": "9", "premium": "12.30"}],
        )  # fmt: skip
        take(
            connection, tmp_path, "loan",
            [{"uscc": A, "loan_no": "L1", "kind": "设备更新贷款", "principal": "100",
              "started_on": "2025-05-01", "until": "2028-05-01"}],
        )  # fmt: skip
        made = profile(connection, A)
    facts = made.facts
    assert (made.uscc, made.name) == (A, name_of(A))
    assert facts["revenue", 2025].value == 3_000_000_000
    assert facts["staff", 2025].value == 12
    assert facts["insured", 2026 * 12 + 4].value == 9
    assert facts["premium", 2026 * 12 + 4].value == 1_230
    assert facts["established_on", None].value == date(2019, 3, 1)
    assert facts["park", None].value == "NCJK"
    assert facts["revenue", 2025].source == "tax_annual"
    assert facts["revenue", 2025].as_of == AS_OF
    assert ("rd_expense", 2025) not in facts
    assert facts["loans", None].value == (
        Item(
            key="L1",
            values={
                "kind": "设备更新贷款",
                "loan_no": "L1",
                "principal": 10_000,
                "started_on": date(2025, 5, 1),
                "until": date(2028, 5, 1),
            },
        ),
    )


def test_listings_of_a_firm_and_registers_of_everyone(engine: Engine, tmp_path: Path) -> None:
    rows = [
        {"uscc": A, "level": "国家级", "certificate_no": "GR2", "listed_on": "2025-10-28",
         "valid_until": "2028-10-27"},
        {"uscc": A, "level": "国家级", "certificate_no": "GR1", "listed_on": "2022-10-28",
         "valid_until": "2025-10-27"},
    ]  # fmt: skip
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", rows, list_code="hnte", complete=True)
        take(
            connection, tmp_path, "credit",
            [{"uscc": A, "listed_on": "2024-01-01", "removed_on": "2025-01-01"}],
            list_code="abnormal",
        )  # fmt: skip
        on, off = profiles(connection, usccs=[B, A])
    hnte = on.facts["hnte", None].value
    assert hnte == (
        Listing(
            listed_on=date(2022, 10, 28), valid_until=date(2025, 10, 27), level="国家级",
            certificate_no="GR1",
        ),
        Listing(
            listed_on=date(2025, 10, 28), valid_until=date(2028, 10, 27), level="国家级",
            certificate_no="GR2",
        ),
    )  # fmt: skip
    assert on.facts["abnormal", None].value == (
        Listing(listed_on=date(2024, 1, 1), removed_on=date(2025, 1, 1)),
    )
    assert ("hnte", None) not in off.facts
    assert off.registers["hnte"] == Register(code="hnte", complete=True, as_of=AS_OF)
    assert not off.registers["abnormal"].complete
    assert "srdi" not in off.registers


def test_a_later_partial_delivery_leaves_the_register_complete(
    engine: Engine, tmp_path: Path
) -> None:
    row = {"uscc": A, "certificate_no": "GR1", "listed_on": "2025-10-28"}
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [row], list_code="hnte", complete=True)
        take(
            connection, tmp_path, "recognition", [{**row, "uscc": B, "certificate_no": "GR2"}],
            list_code="hnte", as_of=date(2026, 6, 29), at=AT + DAY,
        )  # fmt: skip
        made = profile(connection, B)
    assert made.registers["hnte"] == Register(code="hnte", complete=True, as_of=AS_OF)
    assert ("hnte", None) in made.facts


def test_replay_shows_what_was_known_then(engine: Engine, tmp_path: Path) -> None:
    tax = {"uscc": A, "year": "2025", "revenue": "100"}
    row = {"uscc": A, "certificate_no": "GR1", "listed_on": "2025-10-28"}
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS[:2])
        take(connection, tmp_path, "tax_annual", [tax])
        take(connection, tmp_path, "recognition", [row], list_code="hnte", complete=True)
        take(connection, tmp_path, "tax_annual", [{**tax, "revenue": "150"}], at=AT + 2 * DAY)
        take(
            connection, tmp_path, "recognition", [], list_code="hnte", complete=True,
            as_of=date(2026, 6, 30), at=AT + 2 * DAY,
        )  # fmt: skip
        renamed = {**FIRMS[0], "name": "南昌市新名机械有限公司"}
        take(connection, tmp_path, "registration", [renamed, *FIRMS[1:3]], at=AT + 2 * DAY)
        before = list(profiles(connection, known_at=AT - DAY))
        then = {made.uscc: made for made in profiles(connection, known_at=AT + DAY)}
        now = {made.uscc: made for made in profiles(connection)}
    assert before == []
    assert (sorted(then), sorted(now)) == (sorted([A, B]), sorted([A, B, C]))
    assert then[A].name == name_of(A)
    assert now[A].name == "南昌市新名机械有限公司"
    assert then[A].facts["revenue", 2025].value == 10_000
    assert now[A].facts["revenue", 2025].value == 15_000
    assert ("hnte", None) in then[A].facts
    assert ("hnte", None) not in now[A].facts
    assert then[A].registers["hnte"].as_of == AS_OF
    assert now[A].registers["hnte"].as_of == date(2026, 6, 30)
    assert then[A].known_at == AT + DAY


def test_a_repeated_row_is_vouched_for_anew(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        changed = [FIRMS[0], {**FIRMS[1], "phone": "0791-1"}, FIRMS[3]]
        take(
            connection, tmp_path, "registration", changed, as_of=date(2026, 7, 28), at=AT + 30 * DAY
        )
        assert fact(connection, A, "region").as_of == date(2026, 7, 28)
        assert fact(connection, B, "region").as_of == date(2026, 7, 28)
        assert fact(connection, C, "region").as_of == AS_OF
        assert fact(connection, D, "region").as_of == date(2026, 7, 28)
        assert profile(connection, A, known_at=AT + DAY).facts["region", None].as_of == AS_OF


def test_conflicting_rows_of_one_file_are_all_kept(engine: Engine, tmp_path: Path) -> None:
    tax = {"uscc": A, "year": "2025", "revenue": "100"}
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "tax_annual", [tax, {**tax, "revenue": "300"}])
        made = fact(connection, A, "revenue", 2025)
    assert made.value == 30_000
    assert [other.value for other in made.others] == [10_000]
    assert made.others[0].others == ()


# --- declarations ------------------------------------------------------------------------------


def test_a_verified_figure_wins_over_a_declared_one(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        declare(
            connection, uscc=A, field="revenue", period=2025, value=99_900,
            at=AT + DAY, declared_on=date(2026, 6, 30),
        )  # fmt: skip
        alone = fact(connection, A, "revenue", 2025)
        take(
            connection, tmp_path, "tax_annual", [{"uscc": A, "year": "2025", "revenue": "100"}],
            at=AT + 2 * DAY,
        )  # fmt: skip
        both = fact(connection, A, "revenue", 2025)
    assert (alone.value, alone.source) == (99_900, "declaration")
    assert (both.value, both.source) == (10_000, "tax_annual")
    assert [(other.value, other.source) for other in both.others] == [(99_900, "declaration")]


def test_an_answer_replaces_the_earlier_one_and_twice_is_once(
    engine: Engine, tmp_path: Path
) -> None:
    def say(value: int, days: int) -> int:
        return declare(
            connection, uscc=A, field="staff", period=2025, value=value, at=AT + days * DAY,
            declared_on=date(2026, 6, 30),
        )  # fmt: skip

    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        first = say(5, 1)
        before = counts(connection)
        assert say(5, 2) == first
        assert counts(connection) == before
        second, third = say(6, 3), say(5, 3)
        assert len({first, second, third}) == 3
        assert fact(connection, A, "staff", 2025).value == 5
        then = profile(connection, A, known_at=AT + DAY)
        assert then.facts["staff", 2025].record_id == first


@pytest.mark.parametrize(
    ("field", "period", "value"),
    [
        ("entity_type", None, "个体工商户"),
        ("established_on", None, date(2020, 1, 1)),
        ("rd_intensity", 2025, Fraction(3, 100)),
        ("small_low_profit", 2025, True),
        ("hnte", None, (Listing(listed_on=date(2025, 1, 1), certificate_no="G"),)),
        ("hires", None, (Item(key="p", values={"category": "退役军人"}),)),
    ],
)
def test_every_kind_of_answer_comes_back_as_given(
    engine: Engine, tmp_path: Path, field: str, period: int | None, value: object
) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", [firm(2, "乙", entity_type="")])
        declare(
            connection, uscc=B, field=field, period=period, value=value,  # type: ignore[arg-type]
            at=AT, declared_on=AS_OF,
        )  # fmt: skip
        made = fact(connection, B, field, period)
    found = [made, *made.others]
    assert value in [entry.value for entry in found if entry.source == "declaration"]


@pytest.mark.parametrize(
    ("field", "period", "value"),
    [
        ("no_such_field", None, 1),
        ("revenue", None, 1),
        ("region", 2025, "360111"),
        ("revenue", 2025, "1"),
        ("revenue", 2025, True),
        ("revenue", 2025, 10**18),
        ("entity_type", None, "外星公司"),
        ("entity_type", None, " "),
        ("hnte", None, (Item(key="p", values={}),)),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    engine: Engine, tmp_path: Path, field: str, period: int | None, value: object
) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        with pytest.raises(DeclarationError, match=field):
            declare(
                connection, uscc=A, field=field, period=period, value=value,  # type: ignore[arg-type]
                at=AT, declared_on=AS_OF,
            )  # fmt: skip


def test_nobody_declares_for_an_unknown_firm(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(UnknownEnterpriseError):
        declare(connection, uscc=A, field="staff", period=2025, value=1, at=AT, declared_on=AS_OF)


# --- the queue ---------------------------------------------------------------------------------

UNCLEAR = {
    "uscc": "",
    "name": "朗盛系统有限公司",
    "certificate_no": "G1",
    "listed_on": "2026-01-01",
}


def test_a_queued_row_makes_absence_unknown_for_its_candidates_only(
    engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [UNCLEAR], list_code="hnte", complete=True)
        made = {p.uscc: p.registers["hnte"].complete for p in profiles(connection)}
        assert made == {A: True, B: True, C: False, D: False}
        (waiting,) = open_links(connection)
        assert {candidate.uscc for candidate in waiting.candidates} == {C, D}
        assert (waiting.row_number, waiting.file_name) == (2, "recognition.csv")
        assert waiting.payload["name"] == UNCLEAR["name"]
        decide_link(connection, waiting.queue_id, C, by="clerk", at=AT + DAY)
        now = {p.uscc: p for p in profiles(connection)}
        then = {p.uscc: p for p in profiles(connection, known_at=AT)}
    assert all(p.registers["hnte"].complete for p in now.values())
    assert [uscc for uscc, p in now.items() if ("hnte", None) in p.facts] == [C]
    assert [uscc for uscc, p in then.items() if ("hnte", None) in p.facts] == []
    assert not then[C].registers["hnte"].complete


def test_a_rejected_row_makes_absence_unknown_for_its_firm(engine: Engine, tmp_path: Path) -> None:
    bad = {"uscc": A, "certificate_no": "G1", "listed_on": "2026-02-30"}
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [bad], list_code="hnte", complete=True)
        assert not profile(connection, A).registers["hnte"].complete
        assert profile(connection, B).registers["hnte"].complete
        good = {**bad, "listed_on": "2026-02-28"}
        take(
            connection,
            tmp_path,
            "recognition",
            [good],
            list_code="hnte",
            complete=True,
            at=AT + DAY,
        )
        assert profile(connection, A).registers["hnte"].complete


def test_a_rejected_row_of_a_later_partial_delivery_casts_doubt_too(
    engine: Engine, tmp_path: Path
) -> None:
    bad = {"uscc": A, "listed_on": "2026-02-30"}
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "credit", [], list_code="dishonest", complete=True)
        assert profile(connection, A).registers["dishonest"].complete
        take(
            connection, tmp_path, "credit", [bad], list_code="dishonest",
            as_of=date(2026, 6, 29), at=AT + DAY,
        )  # fmt: skip
        assert not profile(connection, A).registers["dishonest"].complete
        assert profile(connection, A, known_at=AT).registers["dishonest"].complete
        assert profile(connection, B).registers["dishonest"].complete


def test_a_decision_is_remembered_when_the_row_comes_again(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [UNCLEAR], list_code="hnte", complete=True)
        (waiting,) = open_links(connection)
        made = decide_link(connection, waiting.queue_id, D, by="clerk", at=AT + DAY)
        again = take(
            connection, tmp_path, "recognition", [UNCLEAR], list_code="hnte", complete=True,
            as_of=date(2026, 7, 28), at=AT + 30 * DAY,
        )  # fmt: skip
        assert (again.queued, again.linked_by_name, again.rows_unchanged) == (0, 1, 1)
        held = connection.scalars(
            select(records.c.id).where(
                records.c.source == "recognition", records.c.superseded_at.is_(None)
            )
        ).all()
    assert held == [made]


def test_a_row_about_nobody_stays_on_record(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [UNCLEAR], list_code="hnte", complete=True)
        (waiting,) = open_links(connection)
        assert decide_link(connection, waiting.queue_id, None, by="clerk", at=AT + DAY) is None
        assert open_links(connection) == []
        assert connection.scalar(select(link_queue.c.state)) == "rejected"
        assert profile(connection, C).registers["hnte"].complete
        with pytest.raises(LinkDecisionError, match="已处理"):
            decide_link(connection, waiting.queue_id, C, by="clerk", at=AT + DAY)
        with pytest.raises(LinkDecisionError, match="不存在"):
            decide_link(connection, 4_711, C, by="clerk", at=AT + DAY)


def test_a_row_goes_to_registered_firms_only(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [UNCLEAR], list_code="hnte")
        (waiting,) = open_links(connection)
        with pytest.raises(UnknownEnterpriseError):
            decide_link(connection, waiting.queue_id, code(77), by="clerk", at=AT + DAY)


def test_a_decision_does_not_undo_a_newer_delivery(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "recognition", [UNCLEAR], list_code="hnte")
        newer = {**UNCLEAR, "uscc": C, "level": "国家级"}
        take(
            connection, tmp_path, "recognition", [newer], list_code="hnte",
            as_of=date(2026, 6, 29), at=AT + DAY,
        )  # fmt: skip
        (waiting,) = open_links(connection)
        decide_link(connection, waiting.queue_id, C, by="clerk", at=AT + 2 * DAY)
        listings = fact(connection, C, "hnte").value
    assert isinstance(listings, tuple)
    assert [entry.level for entry in listings if isinstance(entry, Listing)] == ["国家级"]


# --- lookups -----------------------------------------------------------------------------------


def test_accounts_and_payouts_of_a_firm(engine: Engine, tmp_path: Path) -> None:
    account = {"uscc": A, "account_name": name_of(A), "bank_name": "某行"}
    accounts = [
        {**account, "account_no": "001", "verified_on": "2025-05-01"},
        {**account, "account_no": "002", "verified_on": "2026-05-01", "cnaps": "102421000013"},
    ]
    payout = {"uscc": A, "benefit": "奖补", "year": "2024", "amount": "5,000"}
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)
        take(connection, tmp_path, "bank_account", accounts)
        take(
            connection, tmp_path, "local_payout",
            [payout, {**payout, "year": "2025", "paid_on": "2025-03-02"}],
        )  # fmt: skip
        found = verified_accounts(connection, A)
        assert [entry.account_no for entry in found] == ["002", "001"]
        assert found[1].cnaps == ""
        assert verified_accounts(connection, A, known_at=AT - DAY) == []
        paid = payouts_elsewhere(connection, A)
    assert [(entry.year, entry.amount_fen) for entry in paid] == [(2025, 500_000), (2024, 500_000)]
    assert [entry.paid_on for entry in paid] == [date(2025, 3, 2), None]


def test_search_finds_names_old_names_and_codes(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", FIRMS)

        def found(text: str, limit: int = 9) -> list[str]:
            return [entry.uscc for entry in search_enterprises(connection, text, limit)]

        assert found("鴻運") == [A]
        assert found("旧名机械") == [A]
        assert found("南昌市鸿运机械有限责任公司") == [A]
        assert found("朗盛") == [D, C] or found("朗盛") == [C, D]
        assert found("朗盛", 1) == found("朗盛")[:1]
        assert found(B.lower()) == [B]
        assert len(found("91360111")) == 4
        assert found("%") == found("_") == found("") == found("' OR 1=1 --") == []
        entry = enterprise(connection, A)
        assert (entry.park, entry.former_names) == ("NCJK", ("南昌市旧名机械有限公司",))
        with pytest.raises(UnknownEnterpriseError):
            enterprise(connection, code(88))


def test_profiles_come_in_the_order_of_codes(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        take(connection, tmp_path, "registration", list(reversed(FIRMS)))
        stranger = {"uscc": code(99), "year": "2025", "revenue": "1"}
        take(connection, tmp_path, "tax_annual", [stranger])
        assert [made.uscc for made in profiles(connection)] == sorted([A, B, C, D])
        assert [made.uscc for made in profiles(connection, usccs=[D, A, D])] == sorted([A, D])
        alone = profile(connection, code(99))
    assert alone.name == ""
    assert alone.facts["revenue", 2025].value == 100
