"""``adloom export``: the log of an experiment for other tools."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from .base import AsJson, TimeLeft, fail, say, show

app = typer.Typer()


@app.command()
def export(
    experiment: Annotated[str, typer.Argument(help="Id of the experiment; `adloom results` lists them.")],
    out: Annotated[Path, typer.Option(help="File to write; its ending names the format: .csv, .jsonl or .parquet.")],
    table: Annotated[str, typer.Option(help="decisions (each with its exact probability) or events.")] = "decisions",
    workspace: Annotated[str, typer.Option(help="Whose experiment it is.")] = "main",
    as_json: AsJson = False,
) -> None:
    """Write every decision or event of an experiment to a file. The server may be running.

    Examples: adloom export exp_1a2b --out decisions.parquet; adloom export exp_1a2b --table events --out events.csv
    """
    from service.exports import FORMATS, TABLES, write_file
    from service.settings import Settings
    from service.storage import Database, Store

    format = out.suffix.removeprefix(".").lower()
    if format not in FORMATS:
        fail(f"no format {out.suffix!r}; the file must end in {', '.join('.' + name for name in FORMATS)}", 2)
    if table not in TABLES:
        fail(f"no table {table!r}; there are {', '.join(TABLES)}", 2)
    if not out.parent.is_dir():
        fail(f"there is no folder {out.parent}", 2)
    database = Database(Settings().database)
    database.migrate()
    try:
        test = Store(database, workspace).tests.get(experiment)
        done = write_file(
            database, workspace, test.id, cast(Any, table), cast(Any, format), out, partial(TimeLeft(), "rows")
        )
    finally:
        database.close()
    if as_json:
        show({"experiment": test.id, "table": table, "rows": done, "out": str(out)})
    else:
        say(f"wrote {out}: {done:,} {table}")
