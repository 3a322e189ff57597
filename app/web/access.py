"""Who may enter which face: one table of face and role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.auth import User
from app.roles import Role


class Face(StrEnum):
    """A part of the site with a navigation of its own."""

    PORTAL = "portal"
    POLICIES = "policies"
    DESK = "desk"
    FINANCE = "finance"
    SUPERVISION = "supervision"


ACCESS: dict[Face, frozenset[Role]] = {
    Face.PORTAL: frozenset({Role.AGENT}),
    Face.POLICIES: frozenset({Role.AUTHOR, Role.POLICY_REVIEWER, Role.SUPERVISOR, Role.AUDITOR}),
    Face.DESK: frozenset({Role.WINDOW_CLERK, Role.HANDLER, Role.REVIEWER, Role.HEAD}),
    Face.FINANCE: frozenset(
        {
            Role.FINANCE_MAKER,
            Role.FINANCE_CHECKER,
            Role.FINANCE_RELEASER,
            Role.RECONCILER,
            Role.RECONCILE_SIGNER,
            Role.AUDITOR,
        }
    ),
    Face.SUPERVISION: frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMINISTRATOR}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceLink:
    """How a face is called and where it begins."""

    face: Face
    label: str
    href: str


FACES = (
    FaceLink(face=Face.PORTAL, label="企业端", href="/firm"),
    FaceLink(face=Face.DESK, label="部门审批", href="/desk"),
    FaceLink(face=Face.FINANCE, label="财政资金", href="/finance"),
    FaceLink(face=Face.SUPERVISION, label="一网监管", href="/supervision"),
    FaceLink(face=Face.POLICIES, label="政策编制", href="/policies"),
)


def may_enter(user: User, face: Face, on: date) -> bool:
    """Say whether any role the person holds on that day opens the face."""
    return any(user.has(role, on=on) for role in ACCESS[face])


def faces_of(user: User, on: date) -> list[FaceLink]:
    """Return the faces that are open to the person, in the order of the navigation."""
    return [link for link in FACES if may_enter(user, link.face, on)]
