"""A site for tests: made on a test's engine, with people of every role, and ways to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app import installation
from app.auth import Grant, add_user, hash_password
from app.clock import SHANGHAI
from app.db import transaction
from app.roles import Role
from app.settings import Settings
from app.web.site import create_app

DAY = date(2026, 6, 30)
NOON = datetime(2026, 6, 30, 12, 0, tzinfo=SHANGHAI)
PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)
DEPARTMENT = "南昌市工业和信息化局"


def make_client(engine: Engine, settings: Settings) -> TestClient:
    """A browser without JavaScript on a site whose day is 2026-06-30; redirects are not followed."""
    with transaction(engine) as connection:
        installation.put(connection, "business_date", DAY.isoformat())
    return TestClient(
        create_app(settings, engine), follow_redirects=False, raise_server_exceptions=True
    )


def add_person(engine: Engine, username: str, grants: Sequence[Grant]) -> None:
    """A person with grants, named after the user name."""
    with transaction(engine) as connection:
        add_user(
            connection,
            username=username,
            display_name=f"人员{username}",
            password_hash=HASH,
            grants_=grants,
            at=NOON,
        )


def add_role(engine: Engine, role: Role) -> str:
    """A person who holds one role in the test department; returns the user name."""
    add_person(engine, role.value, [Grant(role=role, department=DEPARTMENT)])
    return role.value


def sign_in(client: TestClient, username: str) -> None:
    """Sign a person in, replacing who was signed in before."""
    client.cookies.clear()
    answer = client.post("/sign-in", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
