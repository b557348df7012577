"""``adloom statistics``: what advertising platforms report of ads that they serve."""

from __future__ import annotations

import csv
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from .base import AsJson, fail, say, show

app = typer.Typer(help="Daily statistics of Google Ads, Meta and TikTok, as evidence apart.", no_args_is_help=True)
Workspace = Annotated[str, typer.Option(help="The shop's workspace.")]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A table by day and ad, exported as CSV.", exists=True, dir_okay=False)],
    platform: Annotated[str | None, typer.Option(help="google_ads, meta or tiktok; default: see columns.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of costs, where the file does not say.")] = None,
    date_order: Annotated[str | None, typer.Option(help="dmy or mdy, where dates can be read in two ways.")] = None,
    creatives: Annotated[
        Path | None, typer.Option(help="CSV with the columns ad,creative: which ad shows which of our creatives.")
    ] = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Keep a platform's daily numbers. The same days again replace what was there.

    Examples: adloom statistics import ads.csv; adloom statistics import meta.csv --date-order dmy --json
    """
    from service.arena import utc_now
    from service.statistics import keep, read_statistics

    if date_order not in (None, "dmy", "mdy"):
        fail(f"--date-order is dmy or mdy, not {date_order!r}", 2)
    links = _links(creatives) if creatives else None
    found = read_statistics(
        file.read_bytes(), platform, currency=currency, date_order=cast(Any, date_order), creatives=links
    )
    database = _database()
    try:
        kept = keep(database, workspace, found.rows, utc_now())
    finally:
        database.close()
    linked = len({row.ad for row in found.rows if row.creative})
    if as_json:
        show({
            "platform": found.platform, "rows": len(found.rows), "new": kept.new, "replaced": kept.replaced,
            "linked": linked, "problems": [asdict(one) for one in found.problems],
        })  # fmt: skip
        return
    for one in found.problems:
        say(f"line {one.line} left out: {one.reason}")
    kinds = f"{kept.new:,} new, {kept.replaced:,} replaced"
    say(f"{found.platform}: {len(found.rows):,} rows kept ({kinds}), {linked} ads linked to our creatives")


@app.command("show")
def show_standings(
    first: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")] = None,
    platform: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    by: Annotated[str, typer.Option(help="ad or creative.")] = "ad",
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Rates with intervals, by ad or by our creative.

    Example: adloom statistics show --by creative --first 2026-03-01
    """
    from service.statistics import CAUTION, rows_between, standings

    if by not in ("ad", "creative"):
        fail(f"--by is ad or creative, not {by!r}", 2)
    database = _database()
    try:
        rows = rows_between(database, workspace, _day(first), _day(last), platform)
    finally:
        database.close()
    found = standings(rows, by_creative=by == "creative")
    if as_json:
        show({"caution": CAUTION, "items": [asdict(one) for one in found]})
        return
    for one in found:
        name = one.creative or one.ad_name or one.ad
        interval = f"[{one.low:.2%}, {one.high:.2%}]"
        typer.echo(f"{one.platform:11} {name[:40]:40} {one.impressions:>11,} {one.rate:7.2%} {interval}")
    say(f"{len(found)} {by}s. {CAUTION}" if found else "nothing imported; see adloom statistics import --help")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _links(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"ad", "creative"} <= set(rows.fieldnames or ()):
            fail(f"{path}: needs the columns ad,creative", 2)
        return {row["ad"]: row["creative"] for row in rows}


def _database() -> Any:
    from service.settings import Settings
    from service.storage import Database

    database = Database(Settings().database)
    database.migrate()
    return database
