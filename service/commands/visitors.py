"""Visitors who want to be forgotten, and rows that are too old."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, say, show

app = typer.Typer(help="What is known of visitors.", no_args_is_help=True)
retention = typer.Typer()
Workspace = Annotated[str, typer.Option(help="The shop's workspace.")]
DAY_S = 86_400.0


@app.callback()
def _group() -> None:
    """What is known of visitors: a salted digest of the shop's id, if they agreed."""


@app.command()
def erase(
    visitor: Annotated[str, typer.Argument(help="The shop's own id of the visitor; - reads it from standard input.")],
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Remove every decision and event of a visitor. Results stay what they were; the rest cannot be undone.

    Works beside a running server. Examples: adloom visitors erase customer-4711;
    adloom visitors erase - --workspace shop2 < id.txt
    """
    from service.tracking import Visitors, erase_visitor

    text = typer.get_text_stream("stdin").read().strip() if visitor == "-" else visitor
    if not text:
        fail("no visitor id was given")
    settings, database = _open()
    digest = Visitors(settings.secret()).digest(workspace, text)
    gone = erase_visitor(database, workspace, digest, _progress())
    database.close()
    _tell("erased", gone, as_json)


@retention.command()
def retain(
    days: Annotated[float | None, typer.Option(help="Keep this many days; default: ADLOOM_RETAIN_DAYS.")] = None,
    workspace: Annotated[str | None, typer.Option(help="Only this workspace; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove decisions and events older than so many days, once; what they say stays in the results.

    Decisions whose test's window is still open stay. It may be broken off and run again.
    Examples: adloom retain --days 90; adloom retain --days 30 --workspace main --json
    """
    from service.arena import rules_of, utc_now
    from service.tracking import retain as thin_out

    settings, database = _open()
    age = days if days is not None else settings.retain_days
    if age is None or age <= 0:
        fail("say how long: --days 90, or set ADLOOM_RETAIN_DAYS")
    gone = thin_out(database, rules_of(database), timedelta(days=age), utc_now(), workspace, _progress())
    database.close()
    _tell("removed", gone, as_json)


def _open() -> tuple[Any, Any]:
    from service.settings import Settings
    from service.storage import Database

    settings = Settings()
    database = Database(settings.database)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        fail(f"no database at {database.url.database}; set ADLOOM_DATA_DIR or ADLOOM_DATABASE_URL")
    database.migrate()
    return settings, database


def _progress() -> Callable[[int], None]:
    """A line every two seconds."""
    last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= 2.0:
            last = time.monotonic()
            say(f"  {done:,} decisions so far")

    return tell


def _tell(word: str, gone: Any, as_json: bool) -> None:
    if as_json:
        show({"decisions": gone.decisions, "events": gone.events})
    else:
        say(f"{word}: {gone.decisions:,} decisions and {gone.events:,} events; results stay as they were")
