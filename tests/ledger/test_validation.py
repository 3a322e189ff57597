"""数据校验: one row per rule, each finding with its code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, update

from ledger.applications import Application, ApplicationState, get_applications
from ledger.candidates import load_facts
from ledger.tables import applications as table
from ledger.validation import Facts, VerifiedAccount, mask, stops, validate_applications
from tests.ledger.money_flow import DAY
from tests.ledger.push_flow import make_world, reserve


@pytest.fixture
def world(engine: Engine) -> tuple[Application, Facts]:
    """One application that may be pushed, with the facts that say so."""
    with engine.begin() as connection:
        make_world(connection)
        items = get_applications(connection, reserve(connection, 1))
        facts = load_facts(
            connection, items, purse="CITY", accounts={items[0].payee_uscc: [account_of(items[0])]},
            on=DAY,
        )  # fmt: skip
    return items[0], facts


def account_of(item: Application) -> VerifiedAccount:
    return VerifiedAccount(
        uscc=item.payee_uscc,
        account_no=item.payee_account_no,
        account_name=item.payee_name,
        cnaps=item.payee_cnaps,
        verified_on=DAY,
        valid_until=DAY,
    )


def with_account(facts: Facts, item: Application, **change: object) -> Facts:
    account = replace(account_of(item), **change)  # type: ignore[arg-type]
    return replace(facts, accounts={item.payee_uscc: [account]})


def test_what_is_right_has_no_finding(world: tuple[Application, Facts]) -> None:
    item, facts = world
    assert validate_applications([item], facts) == []
    spaced = with_account(facts, item, account_no=f" {item.payee_account_no[:4]}-"
                          f"{item.payee_account_no[4:]}")  # fmt: skip
    assert validate_applications([item], spaced) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": ApplicationState.SENT}, "state"),
        ({"purse": "ZONE"}, "purse"),
        ({"amount_fen": 0, "reserved_fen": 0}, "amount"),
        ({"approved_fen": 5}, "amount"),
        ({"reserved_fen": 5}, "reservation"),
        ({"allotment_no": "404"}, "allotment"),
        ({"exp_func_code": "2060404"}, "function-class"),
        ({"gov_bgt_eco_code": "50702"}, "economic-class"),
        ({"gov_bgt_eco_code": "50205"}, "economic-class-subsidy"),
        ({"dep_bgt_eco_code": "30299"}, "economic-class-department"),
        ({"payee_account_no": "6222999"}, "account"),
        ({"payee_name": "别家有限公司"}, "account-name"),
        ({"payee_cnaps": "102331000000"}, "bank-number"),
        ({"tracking_id": "BJ-9"}, "tracking"),
        ({"use_desc": " "}, "use"),
        ({"application_no": "X" * 36}, "length"),
        ({"payee_name": "=cmd()"}, "text"),
        ({"use_desc": "补贴\n二"}, "text"),
    ],
)
def test_each_rule_of_one_application(
    world: tuple[Application, Facts], change: dict[str, object], code: str
) -> None:
    item, facts = world
    wrong = replace(item, **change)  # type: ignore[arg-type]
    found = validate_applications([wrong], facts)
    assert code in {finding.code for finding in found}
    assert {finding.where for finding in found} == {wrong.application_no}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f, i: replace(f, accounts={}), "account"),
        (lambda f, i: with_account(f, i, verified_on=DAY.replace(day=3)), "account"),
        (lambda f, i: with_account(f, i, valid_until=DAY.replace(day=1)), "account"),
        (lambda f, i: replace(f, on=DAY.replace(year=2027)), "fiscal-year"),
        (lambda f, i: replace(f, paid_before=frozenset({(i.claim_no, 1)})), "paid-before"),
        (lambda f, i: _held(f, i, overdrawn_fen=1), "overdrawn"),
        (lambda f, i: _held(f, i, needs_plan=True, plan_short_fen=1), "plan"),
    ],
)
def test_each_rule_against_the_facts(
    world: tuple[Application, Facts],
    change: Callable[[Facts, Application], Facts],
    code: str,
) -> None:
    item, facts = world
    found = validate_applications([item], change(facts, item))
    assert code in {finding.code for finding in found}


def _held(facts: Facts, item: Application, **change: object) -> Facts:
    held = replace(facts.availability[item.allotment_no], **change)  # type: ignore[arg-type]
    return replace(facts, availability={item.allotment_no: held})


def test_a_claim_part_twice_stops_and_like_amounts_only_advise(
    world: tuple[Application, Facts],
) -> None:
    item, facts = world
    twin = replace(item, application_no="SQ-CITY-00009")
    found = validate_applications([twin, item], facts)
    assert [finding.code for finding in found] == ["duplicate", "same-payee-amount"]
    assert [finding.code for finding in stops(found)] == ["duplicate"]
    assert validate_applications([item, twin], facts) == found


def test_bank_file_needs_a_bank_number(world: tuple[Application, Facts]) -> None:
    item, facts = world
    bare = replace(item, payee_cnaps="")
    assert validate_applications([bare], facts) == []
    (finding,) = validate_applications([bare], replace(facts, needs_cnaps=True))
    assert finding.code == "bank-number"


def test_what_was_paid_before_is_loaded(engine: Engine) -> None:
    with engine.begin() as connection:
        make_world(connection)
        first, second = get_applications(connection, reserve(connection, 2))
        connection.execute(
            update(table)
            .where(table.c.application_no == second.application_no)
            .values(claim_no=first.claim_no, part=2, paid_fen=5, reserved_fen=0)
        )
        facts = load_facts(connection, [first], purse="CITY", accounts={}, on=DAY)
    assert facts.paid_before == {(first.claim_no, 2)}


def test_account_numbers_are_masked() -> None:
    assert (mask("6222000000000001"), mask("12")) == ("************0001", "12")
