"""People, their passwords and what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, insert, select

from app.errors import AppError, NotAllowedError
from app.roles import ADMINISTRATOR_EXCLUDES, LABELS_ZH, Role
from app.tables import grants, users


class MixedDutiesError(AppError):
    """An administrator was to be given a role that decides on money."""

    def __init__(self, username: str) -> None:
        super().__init__(f"{username}: 管理员不得兼任审批或支付岗位")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role, where it holds, and until when (inclusive; None has no end)."""

    role: Role
    uscc: str = ""
    department: str = ""
    purse: str = ""
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who signed in, with every grant."""

    username: str
    display_name: str
    email: str
    grants: tuple[Grant, ...]

    def has(
        self,
        role: Role,
        *,
        uscc: str | None = None,
        department: str | None = None,
        purse: str | None = None,
        on: date | None = None,
    ) -> bool:
        """Say whether the person holds the role for that enterprise, department and purse."""
        return any(
            grant.role is role
            and (uscc is None or grant.uscc == uscc)
            and (department is None or grant.department in ("", department))
            and (purse is None or grant.purse in ("", purse))
            and (on is None or grant.valid_until is None or on <= grant.valid_until)
            for grant in self.grants
        )

    def roles(self) -> frozenset[Role]:
        """Return the roles the person holds anywhere."""
        return frozenset(grant.role for grant in self.grants)

    def firms(self) -> tuple[str, ...]:
        """Return the enterprises the person may act for, sorted."""
        return tuple(sorted({g.uscc for g in self.grants if g.role is Role.AGENT}))


def hash_password(password: str) -> str:
    """Return an Argon2id hash with a salt of its own."""
    return PasswordHasher().hash(password)


def add_user(
    connection: Connection,
    *,
    username: str,
    display_name: str,
    password_hash: str,
    grants_: Sequence[Grant],
    at: datetime,
    email: str = "",
) -> None:
    """Add a person with grants; raises MixedDutiesError for an administrator who would decide."""
    roles = {grant.role for grant in grants_}
    if Role.ADMINISTRATOR in roles and roles & ADMINISTRATOR_EXCLUDES:
        raise MixedDutiesError(username)
    connection.execute(
        insert(users).values(
            username=username,
            display_name=display_name,
            password_hash=password_hash,
            email=email,
            active=True,
            created_at=at,
        )
    )
    for grant in grants_:
        connection.execute(
            insert(grants).values(
                username=username,
                role=grant.role.value,
                uscc=grant.uscc,
                department=grant.department,
                purse=grant.purse,
                valid_until=grant.valid_until,
            )
        )


def user(connection: Connection, username: str) -> User | None:
    """Return an active person with all grants, or None."""
    row = connection.execute(
        select(users).where(users.c.username == username, users.c.active)
    ).one_or_none()
    if row is None:
        return None
    held = connection.execute(
        select(grants).where(grants.c.username == username).order_by(grants.c.id)
    )
    return User(
        username=row.username,
        display_name=row.display_name,
        email=row.email,
        grants=tuple(
            Grant(
                role=Role(g.role),
                uscc=g.uscc,
                department=g.department,
                purse=g.purse,
                valid_until=g.valid_until,
            )
            for g in held
        ),
    )


def verify(connection: Connection, username: str, password: str) -> User | None:
    """Return the person when the password is right, else None; takes as long for unknown names."""
    stored = connection.execute(
        select(users.c.password_hash).where(users.c.username == username, users.c.active)
    ).scalar_one_or_none()
    hasher = PasswordHasher()
    if stored is None:
        hasher.hash(password)
        return None
    try:
        hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return None
    return user(connection, username)


def require(
    connection: Connection,
    username: str,
    role: Role,
    *,
    department: str | None = None,
    purse: str | None = None,
    on: date | None = None,
) -> User:
    """Return the person if the role is held there; raises NotAllowedError."""
    person = user(connection, username)
    if person is None or not person.has(role, department=department, purse=purse, on=on):
        raise NotAllowedError(username, LABELS_ZH[role])
    return person
