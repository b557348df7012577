"""Model weights: ``adloom weights ...``."""

from __future__ import annotations

from typing import Annotated

import typer

from .base import AsJson, Steps, fail, plain, say, show

app = typer.Typer(help="Model weights on this machine.", no_args_is_help=True)


@app.command("list")
def weights_list(as_json: AsJson = False) -> None:
    """Every weight file adloom knows: purpose, licence, size, whether it is here."""
    from models import weights

    rows = weights.listing()
    states = {row.name: weights.check(row.name) for row in rows}
    if as_json:
        show([{**plain(row), "state": states[row.name].state.value} for row in rows])
        return
    for row in rows:
        typer.echo(f"{row.name:14} {states[row.name].state.value:10} {row.licence:14} {row.purpose}")


@app.command("add")
def weights_add(
    name: Annotated[str, typer.Argument(help="Row of `adloom weights list`.")],
    source: Annotated[
        str | None, typer.Option("--from", help="File, folder or hub id instead of the usual place.")
    ] = None,
) -> None:
    """Fetch weights once; afterwards everything works offline."""
    from models import weights

    say(f"adding {name}")
    place = weights.add(name, source, progress=Steps())
    say(f"{name}: ready in {place}")


@app.command("check")
def weights_check() -> None:
    """Compare every installed weight file with the digest its row promises."""
    from models import weights

    states = {row.name: weights.check(row.name) for row in weights.listing()}
    for name, status in states.items():
        typer.echo(f"{name:14} {status.state.value:10} {status.detail}".rstrip())
    if any(status.state is weights.State.DAMAGED for status in states.values()):
        fail("damaged weights; run: adloom weights add NAME")
