"""``adloom db``: upgrade, back up, restore and check what is kept."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .base import AsJson, TimeLeft, fail, say, show

app = typer.Typer(no_args_is_help=True, help="Upgrade, back up, restore and check what is kept.")


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the tables to the version that this adloom needs. Every start of the server does it too.

    Example: adloom db upgrade
    """
    from service.settings import Settings
    from service.storage import Database

    database = Database(Settings().database)
    try:
        before = database.version()
        if before is not None and before not in database.known():
            fail(f"the tables are at {before}, newer than this adloom knows ({database.newest()}): upgrade adloom")
        database.migrate()
        after = database.version()
    finally:
        database.close()
    if as_json:
        show({"before": before, "after": after})
    else:
        say(f"tables: {after}" if before == after else f"tables: {before or 'none'} -> {after}")


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(help="File to write, such as adloom-2026-03-01.tar.", dir_okay=False)],
    pictures: Annotated[
        bool, typer.Option(help="Photographs and pictures too; without them, back storage up by itself.")
    ] = True,
    force: Annotated[bool, typer.Option(help="Replace a file of this name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write everything into one file while the server runs. Keep it safe: it holds the secret that signs links.

    The file belongs to no database: `adloom db restore` takes it into SQLite or PostgreSQL, whichever is set.

    Example: adloom db backup adloom-$(date +%F).tar
    """
    from service.settings import Settings
    from service.upkeep.backup import back_up

    if out.exists() and not force:
        fail(f"{out} is there already; --force replaces it", 2)
    if not out.absolute().parent.is_dir():
        fail(f"there is no folder {out.absolute().parent}", 2)
    try:
        manifest = back_up(Settings(), out, with_objects=pictures, progress=TimeLeft())
    except OSError as error:
        fail(f"not written, nothing is left of it: {error}")
    rows = sum(part.rows for part in manifest.tables.values())
    size = out.stat().st_size
    if as_json:
        show({"out": str(out), "bytes": size, "rows": rows, "objects": manifest.n_objects, "schema": manifest.schema})
    else:
        say(f"wrote {out}: {rows:,} rows, {manifest.n_objects:,} pictures, {size / 1e6:.1f} MB")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file of `adloom db backup`.", exists=True, dir_okay=False)],
    replace: Annotated[bool, typer.Option(help="Take the place of what is there; that is backed up first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back, after the server was stopped. A damaged file changes nothing.

    With ADLOOM_DATABASE_URL and ADLOOM_STORAGE_URL set to PostgreSQL and S3 this is also how to move there.

    Example: adloom db restore adloom-2026-03-01.tar
    """
    from service.settings import Settings
    from service.upkeep.backup import restore as bring_back

    settings = Settings()
    if replace and not yes:
        typer.confirm(f"Replace everything in {_where(settings.database)}?", abort=True, err=True)
    done = bring_back(settings, file, replace_all=replace, progress=TimeLeft())
    if as_json:
        aside = None if done.kept_aside is None else str(done.kept_aside)
        show({"rows": done.rows, "objects": done.objects, "schema": done.schema, "kept_aside": aside})
        return
    say(f"restored {done.rows:,} rows and {done.objects:,} pictures of {done.manifest.made}; tables at {done.schema}")
    if done.kept_aside is not None:
        say(f"what was there before is in {done.kept_aside}")


@app.command()
def check(
    pictures: Annotated[bool, typer.Option(help="Read every photograph and compare it with its digest.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look whether all that is kept is whole. Exit code 1 if not.

    Example: adloom db check --pictures
    """
    from service.settings import Settings
    from service.upkeep.check import check_all

    checks = check_all(Settings(), read_pictures=pictures, progress=TimeLeft())
    whole = all(one.ok for one in checks)
    if as_json:
        show({"ok": whole, "checks": [asdict(one) for one in checks]})
    else:
        for one in checks:
            say(f"{'ok   ' if one.ok else 'WRONG'} {one.name}: {one.says}")
    if not whole:
        raise typer.Exit(1)


def _where(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
