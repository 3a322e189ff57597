"""`hqt`: every verb of the system."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn

from app import migrate as migrations
from app.commands import audit, bank, book, budget, match, pay, policies, reconcile, records
from app.commands.session import FINDINGS, answer, database, err, refuse, settings
from app.demo.run import build_demo, sign_ins
from app.demo.summary import show_summary
from app.errors import AppError
from app.logs import configure
from app.web.site import create_app
from app.work.deliver import deliver_queued

main = typer.Typer(
    name="hqt",
    no_args_is_help=True,
    add_completion=False,
    help="惠企通: policy money to the enterprises it was meant for.",
)
main.add_typer(policies.verbs, name="policies")
main.add_typer(budget.verbs, name="budget")
main.add_typer(pay.verbs, name="pay")
main.add_typer(bank.verbs, name="bank")
main.add_typer(book.verbs, name="book")
main.add_typer(audit.verbs, name="audit")
main.command("intake")(records.intake)
main.command("profile")(records.profile)
main.command("match")(match.match)
main.command("explain")(match.explain)
main.command("reconcile")(reconcile.reconcile)


@main.callback()
def start() -> None:
    """Set up logs before any verb."""
    configure(settings())


@main.command()
def demo(
    *,
    firms: Annotated[int, typer.Option(min=200, help="Enterprises in the demo city.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same city.")] = 7,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Build anew even if one is there.")
    ] = False,
    serve_: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the site afterwards.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Build the demo city, run the whole chain on it, and serve the site."""
    try:
        summary = build_demo(settings(), firms=firms, seed=seed, fresh=fresh, quiet=as_json)
    except AppError as error:
        raise refuse(error) from error
    if as_json:
        answer(summary, as_json=True)
    else:
        show_summary(summary)
    if not serve_:
        good = summary["journal_balanced"] and summary["book_ok"]
        raise typer.Exit(0 if good else FINDINGS)
    _announce()
    serve()


@main.command()
def serve() -> None:
    """Serve the site on the address of HQT_BIND."""
    configuration = settings()
    uvicorn.run(
        create_app(configuration),
        host=configuration.host,
        port=configuration.port,
        log_level=configuration.log_level.lower(),
        server_header=False,
    )


@main.command()
def worker(
    *,
    once: Annotated[bool, typer.Option("--once", help="Send what waits, then end.")] = False,
    every_seconds: Annotated[int, typer.Option(min=1, help="Pause between rounds.")] = 5,
) -> None:
    """Send the notices that wait in the outbox, round after round."""
    deliver_queued(settings(), once=once, every_seconds=every_seconds)


@main.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="Revision to reach; base empties.")] = "head",
    *,
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision.")] = False,
) -> None:
    """Bring the database to a revision."""
    with database() as engine:
        if down:
            migrations.downgrade(engine, revision)
        else:
            migrations.upgrade(engine, revision)


def _announce() -> None:
    """Print where the site is and with whose name one may sign in."""
    configuration = settings()
    err.rule("惠企通")
    err.print(f"http://{configuration.bind}", highlight=False)
    for person in sign_ins(configuration):
        words = [person["role_zh"], person["display_name"], person["where"], person["story"]]
        told = "  ".join(word for word in words if word)
        err.print(f"  {person['username']:<18} {person['password']}  {told}", highlight=False)


if __name__ == "__main__":
    main()
