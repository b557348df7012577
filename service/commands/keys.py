"""``adloom keys`` and ``adloom workspaces``: who may use this installation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from .base import AsJson, fail, say, show

app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke API keys.")
workspaces = typer.Typer(no_args_is_help=True, help="Workspaces: each sees nothing of the others.")

Workspace = Annotated[str, typer.Option(help="Whose keys they are.")]
SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
OPERATOR = "command line"


@contextmanager
def _ring() -> Iterator[tuple[Any, Any]]:
    """(key ring, keys) over the database of the settings."""
    from service.keys import KeyRing
    from service.settings import Settings
    from service.storage import Database
    from service.storage.store import Keys

    database = Database(Settings().database)
    database.migrate()
    keys = Keys(database)
    try:
        yield KeyRing(keys), keys
    finally:
        database.close()


def _span(text: str) -> timedelta:
    match = SPAN.fullmatch(text.strip())
    if match is None:
        fail(f"{text!r} is no time; write 90d, 24h, 30m", 2)
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def _quotas(given: list[str] | None) -> dict[str, int]:
    quotas: dict[str, int] = {}
    for one in given or ():
        what, _, n = one.partition("=")
        if not n.isdigit():
            fail(f"{one!r} is no quota; write pictures=1000 or texts=5000", 2)
        quotas[what] = int(n)
    return quotas


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as 'shop frontend'.")],
    scope: Annotated[list[str], typer.Option(help="merchant, designer, growth or admin; may be repeated.")],
    workspace: Workspace = "main",
    expires: Annotated[str | None, typer.Option(help="After how long it stops working: 90d, 24h.")] = None,
    rate: Annotated[str | None, typer.Option(help='Requests it may make: "50/second", "1000/day".')] = None,
    quota: Annotated[list[str] | None, typer.Option(help="A month: pictures=1000; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once. Only its digest is kept.

    Example: adloom keys create "night batches" --scope designer --quota pictures=20000 --expires 365d
    """
    from service.keys import Limits
    from service.records import Scope

    unknown = [one for one in scope if one not in list(Scope)]
    if unknown:
        fail(f"no scope {unknown[0]!r}; there are {', '.join(Scope)}", 2)
    now = datetime.now(UTC)
    ends = now + _span(expires) if expires else None
    with _ring() as (ring, keys):
        if workspace not in {id for id, *_ in keys.all_workspaces()}:
            fail(f"no workspace {workspace!r}; `adloom workspaces create {workspace}` makes it", 2)
        limits = Limits(ends, rate, _quotas(quota))
        key, text = ring.create(workspace, name, [Scope(one) for one in scope], now, limits=limits)
    _tell(key, text, as_json)


@app.command("list")
def list_keys(workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """List the keys of a workspace, without their secrets.

    Example: adloom keys list --json
    """
    with _ring() as (_, keys):
        found = keys.of(workspace)
    if as_json:
        show([_plain(key) for key in found])
        return
    for key in found:
        limits = [f"{what} {n:,} a month" for what, n in key.quotas.items()] + ([key.rate] if key.rate else [])
        state = "works" if key.is_good(datetime.now(UTC)) else ("revoked" if key.revoked else "expired")
        until = f" until {key.expires:%Y-%m-%d %H:%M}" if key.expires and state == "works" else ""
        typer.echo(f"{key.id}  {state}{until}  {','.join(key.scopes)}  {key.name}  {'; '.join(limits)}".rstrip())


@app.command()
def rotate(
    id: Annotated[str, typer.Argument(help="Id of the key, from `adloom keys list`.")],
    grace: Annotated[str, typer.Option(help="How long the old one goes on working: 24h; 0s: not at all.")] = "0s",
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Replace a key by one with the same rights and limits, and show it, once.

    Example: adloom keys rotate 3f2a9c01b7de --grace 24h
    """
    with _ring() as (ring, _):
        key, text = ring.rotate(workspace, id, datetime.now(UTC), _span(grace))
    _tell(key, text, as_json)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="Id of the key, from `adloom keys list`.")],
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """End a key for good; running servers notice within two seconds.

    Example: adloom keys revoke 3f2a9c01b7de
    """
    with _ring() as (_, keys):
        keys.revoke(workspace, id, datetime.now(UTC))
    if as_json:
        show({"revoked": id})
    else:
        say(f"key {id} works no more")


@workspaces.command("create")
def create_workspace(
    id: Annotated[str, typer.Argument(help="Lower case letters, digits and dashes.")],
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a workspace. Its first key comes from `adloom keys create NAME --scope admin --workspace ID`.

    Example: adloom workspaces create client-a --name "Client A"
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", id):
        fail(f"{id!r} cannot be an id: lower case letters, digits and dashes, at most 63", 2)
    with _ring() as (_, keys):
        keys.add_workspace(id, name or id, datetime.now(UTC))
    if as_json:
        show({"id": id, "name": name or id})
    else:
        say(
            f"workspace {id} is there; make its first key with: adloom keys create admin --scope admin --workspace {id}"
        )


@workspaces.command("list")
def list_workspaces(as_json: AsJson = False) -> None:
    """List the workspaces of this installation."""
    with _ring() as (_, keys):
        found = keys.all_workspaces()
    if as_json:
        show([{"id": id, "name": name, "created": created} for id, name, created in found])
        return
    for id, name, created in found:
        typer.echo(f"{id}  {name}  since {created:%Y-%m-%d}")


def _plain(key: Any) -> dict[str, Any]:
    return {**asdict(key), "scopes": list(key.scopes), "works": key.is_good(datetime.now(UTC))}


def _tell(key: Any, text: str, as_json: bool) -> None:
    if as_json:
        show({**_plain(key), "key": text})
        return
    say(f"key {key.id} of workspace {key.workspace}; this is the only time that it is shown:")
    typer.echo(text)
