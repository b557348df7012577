"""``adloom results``: what an experiment has learned, from the data folder of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .base import AsJson, fail, say, show

app = typer.Typer()
FORMATS = ("json", "csv", "png", "html")


@app.command()
def results(
    experiment: Annotated[str | None, typer.Argument(help="Id of the experiment; without: which there are.")] = None,
    format: Annotated[str, typer.Option(help="json, csv, png or html (one page to mail).")] = "json",
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.", dir_okay=False)] = None,
    workspace: Annotated[str, typer.Option(help="Whose experiment it is.")] = "main",
    as_json: AsJson = False,
) -> None:
    """What an experiment has learned, as JSON, a table, a picture or one page to mail.

    Reads the database that the settings (ADLOOM_...) name; the server may be running.

    Examples: adloom results; adloom results exp_1a2b --format html --out result.html
    """
    from service.api.experiments import results_as_bytes
    from service.settings import Settings
    from service.wiring import wire

    if format not in FORMATS:
        fail(f"no format {format!r}; there are {', '.join(FORMATS)}", 2)
    if format == "png" and out is None and not as_json:
        fail("a picture needs --out FILE", 2)
    services = wire(Settings())
    if experiment is None:
        _list(services, workspace, as_json)
        return
    data = results_as_bytes(services, workspace, experiment, "json" if as_json else format)
    if out is not None:
        out.write_bytes(data)
        say(f"wrote {out}")
        return
    typer.echo(data.decode().rstrip("\n"))


def _list(services: object, workspace: str, as_json: bool) -> None:
    from service.storage.looking import newest_tests
    from service.wiring import Services

    assert isinstance(services, Services)
    page = newest_tests(services.database, workspace, None, 50)
    if as_json:
        show([{"id": test.id, "name": test.name, "state": test.state.value} for test in page.items])
        return
    for test in page.items:
        typer.echo(f"{test.id:26} {test.state.value:8} {test.name}")
    say(f"{len(page.items)} experiments{' (the newest)' if page.next else ''}")
