"""Sign-in and grants: what each person may do, and where."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine

from app import auth
from app.auth import Grant, MixedDutiesError
from app.errors import NotAllowedError
from app.roles import Role
from tests.app.build import AT, HASH


def test_only_the_right_password_signs_in(engine: Engine) -> None:
    with engine.begin() as connection:
        auth.add_user(
            connection,
            username="wang",
            display_name="王工",
            password_hash=HASH,
            grants_=[],
            at=AT,
        )
        assert auth.verify(connection, "wang", "correct horse") is not None
        assert auth.verify(connection, "wang", "wrong") is None
        assert auth.verify(connection, "nobody", "correct horse") is None


def test_a_grant_holds_only_for_its_department_and_until_its_day(engine: Engine) -> None:
    with engine.begin() as connection:
        grant = Grant(role=Role.HEAD, department="甲局", valid_until=date(2026, 6, 30))
        auth.add_user(
            connection,
            username="head",
            display_name="负责人",
            password_hash=HASH,
            grants_=[grant],
            at=AT,
        )
        auth.require(connection, "head", Role.HEAD, department="甲局", on=date(2026, 6, 30))
        for department, on, role in [
            ("乙局", date(2026, 6, 30), Role.HEAD),
            ("甲局", date(2026, 7, 1), Role.HEAD),
            ("甲局", date(2026, 6, 30), Role.HANDLER),
        ]:
            with pytest.raises(NotAllowedError):
                auth.require(connection, "head", role, department=department, on=on)


def test_an_administrator_never_approves_or_pays(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(MixedDutiesError):
        auth.add_user(
            connection,
            username="root",
            display_name="管理员",
            password_hash=HASH,
            grants_=[Grant(role=Role.ADMINISTRATOR), Grant(role=Role.FINANCE_RELEASER)],
            at=AT,
        )
