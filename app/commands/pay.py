"""`hqt pay`: applications and push packages, step by step, each step by another person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.session import answer, database, instant, refuse, settings, working_day
from app.db import read, transaction
from app.errors import AppError
from app.work import push as pushing
from app.work.fund import fund
from app.work.notify import write
from app.work.receive import receive
from app.work.reissue import pay_again
from ledger.applications import ApplicationState, list_applications
from ledger.errors import LedgerError
from ledger.packages import list_packages, write_package

verbs = typer.Typer(no_args_is_help=True, help="Payment applications and packages to finance.")
User = Annotated[str, typer.Option("--as", help="Who acts (user name).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@verbs.command("list")
def list_(
    *,
    purse: Annotated[str | None, typer.Option(help="Only this purse.")] = None,
    state: Annotated[list[ApplicationState] | None, typer.Option(help="Only this state.")] = None,
    as_json: Json = False,
) -> None:
    """List packages and payment applications."""
    with database() as engine, read(engine) as connection:
        items = list_applications(connection, purse=purse, states=state or ())
        packages = list_packages(connection, purse=purse)
    answer(
        {
            "packages": [
                {
                    "package": p.package_no,
                    "purse": p.purse,
                    "count": p.count,
                    "total_fen": p.total_fen,
                    "state": p.state,
                }
                for p in packages
            ],
            "applications": [
                {
                    "application": a.application_no,
                    "claim": a.claim_no,
                    "purse": a.purse,
                    "amount_fen": a.amount_fen,
                    "state": a.state.value,
                }
                for a in items
            ],
        },
        as_json=as_json,
    )


@verbs.command("fund")
def fund_(*, user: User, as_json: Json = False) -> None:
    """Reserve allotments for approved claims, oldest first; say what the rest wait for."""
    with database() as engine:
        on, at = working_day(engine, None), instant(engine)
        try:
            with transaction(engine) as connection:
                done = fund(connection, on=on, by=user, at=at)
                write(connection, done.drafts, at=at)
        except (AppError, LedgerError) as error:
            raise refuse(error) from error
    answer(
        {"reserved": done.reserved, "reserved_fen": done.reserved_fen, "waiting": done.waiting},
        as_json=as_json,
    )


@verbs.command()
def prepare(
    purse: Annotated[str, typer.Argument(help="Purse code.")], *, user: User, as_json: Json = False
) -> None:
    """Examine and validate what is reserved and bind what passes into a package."""
    with database() as engine:
        on, at = working_day(engine, None), instant(engine)
        try:
            with transaction(engine) as connection:
                done = pushing.prepare(connection, purse=purse, by=user, on=on, at=at)
        except (AppError, LedgerError) as error:
            raise refuse(error) from error
    answer(
        {
            "package": done.package.package_no,
            "count": done.package.count,
            "total_fen": done.package.total_fen,
            "digest": done.package.digest,
            "held": [{"claim": f.claim_no, "code": f.code, "found": f.found} for f in done.held],
            "invalid": [
                {"application": f.where, "code": f.code, "message": f.message} for f in done.invalid
            ],
        },
        as_json=as_json,
    )


@verbs.command()
def check(
    package: Annotated[str, typer.Argument(help="Package number.")],
    *,
    user: User,
    digest: Annotated[str, typer.Option(help="The digest that was shown.")] = "",
    as_json: Json = False,
) -> None:
    """Confirm a package's exact content as a second person."""
    with database() as engine:
        on, at = working_day(engine, None), instant(engine)
        try:
            with transaction(engine) as connection:
                done = pushing.check(connection, package, by=user, on=on, at=at, digest=digest)
        except (AppError, LedgerError) as error:
            raise refuse(error) from error
    answer({"package": done.package_no, "state": done.state}, as_json=as_json)


@verbs.command()
def push(
    package: Annotated[str, typer.Argument(help="Package number.")],
    folder: Annotated[Path, typer.Argument(help="Folder finance reads from.")],
    *,
    user: User,
    as_json: Json = False,
) -> None:
    """Release a checked package as a third person, write it whole, and record the hand-over."""
    key = settings().signing_key().encode()
    with database() as engine:
        on, at = working_day(engine, None), instant(engine)
        try:
            with transaction(engine) as connection:
                file = pushing.release(connection, package, by=user, on=on, at=at, key=key)
            path = write_package(file, folder)
            with transaction(engine) as connection:
                done = pushing.sent(connection, package, by=user, on=on, at=at)
        except (AppError, LedgerError, OSError) as error:
            raise refuse(error) from error
    answer({"package": package, "state": done.state, "file": str(path)}, as_json=as_json)


@verbs.command("answer")
def answer_(
    files: Annotated[list[Path], typer.Argument(help="Answers of finance, or pain.002.")],
    *,
    user: User = "system",
    as_json: Json = False,
) -> None:
    """Apply answers of finance or bank; the same file again changes nothing."""
    taken = []
    with database() as engine:
        at = instant(engine)
        for path in files:
            try:
                with transaction(engine) as connection:
                    done = receive(connection, path, by=user, at=at)
                    write(connection, done.drafts, at=at)
            except (AppError, LedgerError, OSError) as error:
                raise refuse(error) from error
            result = done.result
            taken.append(
                {
                    "file": path.name,
                    "applied": result.applied,
                    "replayed": result.replayed,
                    "differences": result.differences,
                    "unknown": result.unknown,
                    "breaks": list(result.breaks),
                }
            )
    answer({"answers": taken}, as_json=as_json)


@verbs.command()
def again(
    claim_no: Annotated[str, typer.Argument(help="Claim whose payment the bank returned.")],
    *,
    account: Annotated[str, typer.Option(help="Verified account to pay to.")],
    user: User,
    as_json: Json = False,
) -> None:
    """Apply anew for a returned payment; its money is still reserved for the claim."""
    with database() as engine:
        on, at = working_day(engine, None), instant(engine)
        try:
            with transaction(engine) as connection:
                made = pay_again(connection, claim_no, account_no=account, by=user, on=on, at=at)
        except (AppError, LedgerError) as error:
            raise refuse(error) from error
    answer({"applications": [item.application_no for item in made]}, as_json=as_json)
