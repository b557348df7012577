"""Copy for whole feeds."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, say, show
from .copywriting import (
    Audience,
    Avoid,
    Backend,
    BriefPath,
    Keyword,
    Market,
    OfferText,
    Seed,
    Tone,
    Use,
    read_brief,
)

app = typer.Typer()
LOOK_S = 0.3
LOOK_LONG_S = 2.0  # of a long job: looking costs time that the rows need
SAY_S = 3.0


@app.command("copy-feed")
def copy_feed(
    feed: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON, JSONL, Google Merchant XML or TSV, Shopify CSV.", exists=True, dir_okay=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="File for the same rows with copy, or the bulk file.")],
    channel: Annotated[
        str, typer.Option(help="Channel, such as google_rsa, meta_feed, google_merchant.")
    ] = "google_rsa",
    format: Annotated[str, typer.Option(help="same, google-ads-editor or meta.")] = "same",
    variants: Annotated[int, typer.Option(help="Texts wanted of each repeatable field.", min=1, max=64)] = 8,
    brief: BriefPath = None,
    tone: Tone = None,
    audience: Audience = None,
    avoid: Avoid = None,
    use: Use = None,
    keyword: Keyword = None,
    offer: OfferText = None,
    market: Market = None,
    language: Annotated[str | None, typer.Option(help="Language of products that name none.")] = None,
    currency: Annotated[str, typer.Option(help="Currency of prices that name none.")] = "EUR",
    feed_format: Annotated[str | None, typer.Option(help="What the feed is; found out when left away.")] = None,
    campaign: Annotated[str, typer.Option(help="Campaign name in bulk files.")] = "adloom",
    seed: Seed = 0,
    backend: Backend = None,
    workers: Annotated[int, typer.Option(help="Rows worked on at the same time.", min=1, max=64)] = 1,
    state: Annotated[Path | None, typer.Option(help="Folder that remembers finished rows; default: OUT.state")] = None,
    resume: Annotated[bool, typer.Option(help="Go on where an earlier run stopped; --no-resume starts again.")] = True,
    as_json: AsJson = False,
) -> None:
    """Write copy for every product of a feed; stop and start it as you like.

    The same rows come back with all their columns, the copy in new ones. After Ctrl-C, a crash or kill -9 the same
    command goes on; finished rows are not written again. A row that cannot be used is told with its number, column and
    reason and stops nothing; the exit code is 1 then.

    Examples:

        adloom copy-feed products.csv --channel google_rsa --out products-with-copy.csv

        adloom copy-feed merchant.xml --channel google_rsa --format google-ads-editor --out ads.csv

        adloom copy-feed shopify.csv --channel meta_feed --format meta --campaign Spring --out meta.csv
    """
    from service.feeds.reading import FORMATS
    from service.feeds.work import FeedSettings
    from service.feeds.writing import OUT_FORMATS, check_format

    if format not in OUT_FORMATS:
        fail(f"--format: {format!r}; known: {', '.join(OUT_FORMATS)}", 2)
    if feed_format is not None and feed_format not in FORMATS:
        fail(f"--feed-format: {feed_format!r}; known: {', '.join(FORMATS)}", 2)
    check_format(format, channel)
    asked = read_brief(
        brief, tone=tone, audience=audience, market=market, avoid=avoid, use=use, keyword=keyword, offer=offer
    )
    said = asked.model_dump(mode="json", exclude_unset=True)
    settings = FeedSettings(channel, variants, language, seed, currency, feed_format, None, said or None)
    folder = state or out.with_name(f"{out.name}.state")
    if not resume:
        _forget(folder)
    _run(feed.read_bytes(), settings, out, format, campaign, folder, backend, workers, as_json)


def _run(
    data: bytes,
    settings: Any,
    out: Path,
    format: Any,
    campaign: str,
    folder: Path,
    backend: str | None,
    workers: int,
    as_json: bool,
) -> None:
    from service.feeds.work import summary, take_in, write_result
    from service.settings import Settings
    from service.wiring import wire

    changes: dict[str, Any] = {"data_dir": folder, "job_workers": workers, "job_chunk": 4, "database_url": None}
    changes |= {"jobs_database_url": None, "storage_url": None, **({"text_backend": backend} if backend else {})}
    logging.getLogger("dbos").addFilter(lambda record: False)  # a row that fails is told in our words
    services = wire(Settings(**changes))
    services.jobs.launch()
    try:
        kept = take_in(services, "main", data, settings)
        for problem in kept.problems[:10]:
            say(f"  row {problem.row}, {problem.field}: {problem.reason}")
        if len(kept.problems) > 10:
            say(f"  and {len(kept.problems) - 10} more rows that cannot be used")
        if kept.ignored:
            say(f"  columns kept but not read: {', '.join(kept.ignored[:10])}; facts go into columns named fact:<key>")
        _wait(services, kept.id)
        draft = out.with_name(f".{out.name}.part")
        with draft.open("w", encoding="utf-8", newline="") as file:
            written = write_result(services, "main", kept.id, format, file, campaign)
        draft.replace(out)
        found = summary(services, "main", kept.id)
        if as_json:
            show({"feed": kept.id, "out": str(out), **_plain(found), "cells_made_text": written.made_text})
        _tell(found, out, written)
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        raise typer.Exit(130) from None
    finally:
        services.jobs.close()
        services.database.close()
    if found.failed or written.left_out:
        raise typer.Exit(1)


def _wait(services: Any, id: str) -> None:
    """Until the job has ended, saying how far it is and how long the rest will take."""
    jobs, started, said = services.store("main").jobs, time.monotonic(), 0.0
    first = jobs.get(id)
    if first.state.is_final:
        return
    begun = first.n_done + first.n_failed
    if begun:
        say(f"  going on: {begun} of {first.n_items} products are done already")
    while not (job := jobs.get(id)).state.is_final:
        now = time.monotonic()
        done = job.n_done + job.n_failed
        if now - said >= SAY_S and done > begun:
            said, rate = now, (done - begun) / (now - started)
            left = (job.n_items - done) / rate
            say(f"  {done} of {job.n_items} products, {rate:.1f} a second, about {_span(left)} left")
        time.sleep(LOOK_S if job.n_items < 100 else LOOK_LONG_S)


def _span(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7_200
        else f"{seconds / 3_600:.1f} h"
    )


def _plain(found: Any) -> Mapping[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def _tell(found: Any, out: Path, written: Any) -> None:
    lines = ", ".join(f"{n} by the {origin}" for origin, n in sorted(found.lines.items()))
    pace = f"; {found.seconds_per_row:.2f} s a row" if found.seconds_per_row is not None else ""
    say(f"wrote {out}: {found.done} rows with copy, {found.failed} without; lines: {lines or 'none'}{pace}")
    for reason in found.reasons[:10]:
        say(f"  row {reason.row} ({reason.id or 'no id'}), {reason.field}: {reason.reason}")
    for row, reason in (written.left_out or ())[:10]:
        say(f"  row {row} is not in the file: {reason}")
    if written.made_text:
        say(f"  {written.made_text} cells that a spreadsheet would run were made text")


def _forget(folder: Path) -> None:
    """Remove what an earlier run remembered: only files of ours."""
    import shutil

    if folder.is_dir() and (folder / "adloom.sqlite").exists():
        shutil.rmtree(folder)
