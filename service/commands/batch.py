"""Whole folders of photographs: every product in many scenes and every size."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .base import AsJson, fail, say, show

if TYPE_CHECKING:
    from service.batches.asks import Ask
    from service.batches.folder import Gathered
    from service.batches.planning import Batch, Plan
    from service.wiring import Services

app = typer.Typer()
WORKSPACE = "main"
LOOK_S = 0.2
SAY_S = 5.0  # between lines where there is no terminal
WRITE_S = 20.0  # between versions of batch.json while pictures are made
STATE = ".adloom"
STOPPED, PAUSED = 130, 1


@app.command()
def batch(
    folder: Annotated[Path, typer.Argument(help="Folder of photographs and product files, or a CSV.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for the pictures; the same folder again goes on.")],
    scenes: Annotated[
        str, typer.Option(help="How many for each product, or ids by comma, or words for a place; several apart by |.")
    ] = "6",
    formats: Annotated[str, typer.Option(help="Sizes by comma, such as ig_square,story,landscape.")] = "square",
    seeds: Annotated[str, typer.Option(help="Seeds by comma: another grain, another painted place.")] = "0",
    takes: Annotated[
        int, typer.Option(help="Pictures of each place: 2 mirrored too, 6 with the product aside.", min=1, max=6)
    ] = 1,
    headline: Annotated[str | None, typer.Option(help="Set into every picture.")] = None,
    body: Annotated[str | None, typer.Option(help="Set under the headline.")] = None,
    call_to_action: Annotated[str | None, typer.Option("--call-to-action", help="On the button.")] = None,
    copy: Annotated[
        Path | None,
        typer.Option(help="What adloom copy --json wrote, one object a line: each product's own words.", exists=True),
    ] = None,
    backend: Annotated[str | None, typer.Option(help="plates, or one that paints places; default: plates.")] = None,
    picture_type: Annotated[
        str, typer.Option(help="png or webp: nothing is lost; jpg: smaller, the receipt is of the picture before.")
    ] = "png",
    label_policy: Annotated[
        str | None, typer.Option(help="Labels of made pictures: none, eu (C2PA), cn (GB 45438) or all.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Pictures made at the same time; 0: one for each core.", min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before starting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set every product of a folder into many scenes and sizes, overnight if need be.

    Photographs without a product file become products called after their files; facts such as the true height come
    from product files (product.json, .jsonl) beside them. OUT gets a folder for each product, contact-sheet.jpg,
    results.csv and batch.json with an answer for every picture and every file that could not be used.

    After Ctrl-C, a crash or kill -9 the same command goes on; what is finished is not made again. A bad file stops
    nothing. The exit code is 0 if every photograph could be used and every picture was made.

    Examples:

        adloom batch photos --scenes 24 --formats ig_square,story,landscape --out ads

        adloom batch photos --scenes "kitchen-oak-bread,studio-sage-sweep" --formats square --out ads --dry-run

        adloom batch list.csv --formats square --headline "Made by hand" --call-to-action "See it" --out ads --yes
    """
    from dataclasses import replace

    from service.batches.asks import check
    from service.batches.lists import scenes_of, words_of
    from service.errors import NoRoom

    wanted, sizes = scenes_of(scenes), words_of(formats)
    out.mkdir(parents=True, exist_ok=True)
    with _alone_in(out), _services(out, workers) as services:
        gathered = _gather(folder, out, wanted, sizes)
        if not gathered.found:
            _tell_refused(gathered.refused)
            _write_nothing(out, gathered, as_json)
            fail("no photograph that can be used")
        texts = {"headline": headline, "body": body, "call_to_action": call_to_action}
        ask = _ask(gathered, wanted, sizes, words_of(seeds), texts, copy, takes, backend, picture_type, out)
        ask = replace(ask, label_policy=label_policy)  # type: ignore[arg-type]  # checked in the next line
        check(ask)
        _keep(services, gathered)
        stopped: str | None = None
        batch = _begin(services, ask)
        try:
            with _stops_politely():
                batch = _look(services, batch)
                plan = _show_plan(services, batch)
                if dry_run:
                    _finish_dry(batch, plan, as_json)
                    return
                _confirm(plan, yes or as_json)
                started = time.monotonic()
                batch = _start(services, batch)
                batch = _make(services, batch, out)
                stopped = batch.pictures.reason if batch.pictures and batch.state == "paused" else None
        except KeyboardInterrupt:
            _pause(services, batch)
            _write(services, batch, out)
            say("stopped; the same command goes on from here")
            raise typer.Exit(STOPPED) from None
        except NoRoom as error:
            fail(f"{error}; nothing was made")
        record = _write(services, batch, out, seconds=time.monotonic() - started, with_sheet=True)
        if stopped is not None:
            say(f"adloom: {stopped}; what is finished stays, the same command goes on")
            raise typer.Exit(PAUSED)
        _tell(record, out)
        if as_json:
            show(record)
    if record["counts"].get("failed"):
        raise typer.Exit(1)


# --- before --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """One command in a folder at a time."""
    import fcntl

    state = out / STATE
    state.mkdir(exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fail(f"another batch is at work in {out}")
        yield


@contextlib.contextmanager
def _services(out: Path, workers: int) -> Iterator[Services]:
    """The service over the state in OUT, with its jobs running."""
    import cv2

    from service.settings import Settings
    from service.wiring import wire

    cv2.setNumThreads(1)  # pictures side by side use the cores better than threads inside of one
    n_workers = workers or min(8, len(os.sched_getaffinity(0)))
    changes: dict[str, Any] = {"data_dir": out / STATE, "job_workers": n_workers, "job_chunk": 6}
    changes |= {"database_url": None, "jobs_database_url": None, "storage_url": None}
    logging.getLogger("dbos").addFilter(lambda record: False)  # a picture that fails is told in our words
    services = wire(Settings(**changes))
    services.jobs.launch()
    try:
        yield services
    finally:
        services.jobs.close()
        services.database.close()


def _gather(folder: Path, out: Path, scenes: int | tuple[str, ...], formats: tuple[str, ...]) -> Gathered:
    from service.batches.folder import gather, gather_list

    if folder.is_file():
        return gather_list(folder, scenes=scenes, formats=formats)
    said = time.monotonic()

    def tell(name: str, share: float) -> None:
        nonlocal said
        if time.monotonic() - said > SAY_S:
            said = time.monotonic()
            say(f"  reading photographs, {share:.0%}: {name}")

    return gather(folder, skip=out, say=tell)


def _ask(
    gathered: Gathered,
    scenes: int | tuple[str, ...],
    formats: tuple[str, ...],
    seeds: tuple[str, ...],
    texts: dict[str, str | None],
    copy: Path | None,
    takes: int,
    backend: str | None,
    picture_type: str,
    out: Path,
) -> Ask:
    from dataclasses import replace

    from service.batches.asks import Ask, Line

    if not all(seed.isascii() and seed.isdigit() for seed in seeds):
        fail(f"--seeds: {', '.join(seeds)} are no whole numbers", 2)
    numbers = tuple(int(seed) for seed in seeds)
    lines = gathered.lines or [Line(one.product.id, scenes, formats, numbers) for one in gathered.found]
    given = _words_of(copy) if copy else {}
    worded = []
    for line in lines:
        own = given.get(line.product_id, {})
        worded.append(
            replace(
                line,
                headline=line.headline or own.get("headline") or texts["headline"],
                body=line.body or own.get("body") or texts["body"],
                call_to_action=line.call_to_action or own.get("call_to_action") or texts["call_to_action"],
            )
        )
    return Ask(
        lines=tuple(worded),
        name=out.name,
        backend=backend,
        takes=takes,
        picture_type=picture_type,  # type: ignore[arg-type]
        refused=tuple(gathered.refused),
        out=str(out.resolve()),
        notes={photo.name: photo.notes for one in gathered.found for photo in one.photos if photo.notes},
        folders={one.product.id: one.folder for one in gathered.found if one.folder != one.product.id},
    )


def _words_of(file: Path) -> dict[str, dict[str, str]]:
    """Product -> headline, body and call to action: the first of each in a copy file."""
    fields = {
        "headline": ("headline", "title", "long_headline"),
        "body": ("description", "primary_text", "body", "text"),
        "call_to_action": ("call_to_action", "cta"),
    }
    found: dict[str, dict[str, str]] = {}
    for line in file.read_text("utf-8").splitlines():
        if not line.strip():
            continue
        try:
            said = json.loads(line)
            texts = [(str(one["field"]), str(one["text"])) for one in said["lines"]]
            product = str(said["product_id"])
        except (ValueError, KeyError, TypeError):
            fail(f"--copy: {file} is not what adloom copy --json writes, one object a line", 2)
        first = {name: next((t for key in known for f, t in texts if f == key), "") for name, known in fields.items()}
        found[product] = {name: text for name, text in first.items() if text}
    return found


def _keep(services: Services, gathered: Gathered) -> None:
    """Products and photographs go into the state, so that a later change of the folder changes nothing half-way."""
    from dataclasses import replace

    from service.arena import utc_now

    objects, products = services.objects(WORKSPACE), services.store(WORKSPACE).products
    for one in gathered.found:
        photos = []
        for photo in one.photos:
            key = f"photos/{photo.sha256}.{photo.suffix}"
            if not objects.has(key):
                objects.replace(key, photo.path.read_bytes())
            photos.append(photo.kept_under(key))
        products.put(replace(one.product, photos=tuple(photos)), utc_now())


def _begin(services: Services, ask: Ask) -> Batch:
    """The batch of this ask: a new one, or the one that was begun in this folder before."""
    from service.batches import asks, planning

    products = services.store(WORKSPACE).products
    shas = [
        [photo.sha256 for photo in products.get(id).photos] for id in dict.fromkeys(x.product_id for x in ask.lines)
    ]
    said = [asks.to_body(ask), shas, services.settings.matting_backend]
    id = f"batch_{asks.digest(said)[:20]}"
    known = services.store(WORKSPACE).jobs.find(planning.look_id(id))
    batch = planning.create(services, WORKSPACE, ask, id)
    if known is not None and not known.state.is_final:
        services.jobs.resume(WORKSPACE, known.id)
    return batch


# --- plan ----------------------------------------------------------------------------------------------------------


def _look(services: Services, batch: Batch) -> Batch:
    """Until every photograph was looked at."""
    from service.batches.planning import batch_of, look_id

    _wait(services, look_id(batch.id), "products looked at")
    return batch_of(services, WORKSPACE, batch.id)


def _show_plan(services: Services, batch: Batch) -> Plan:
    from service.batches.planning import looks_of, plan_of, refused_of

    plan = plan_of(services, WORKSPACE, batch)
    refused = refused_of(services, WORKSPACE, batch, looks_of(services, WORKSPACE, batch))
    _tell_refused(refused)
    say(
        f"plan: {_of(plan.n_products, 'product')} x {_of(plan.n_scenes, 'scene')} x {_of(plan.n_formats, 'format')}: "
        f"{_of(plan.n_items, 'picture')}"
    )
    for note in plan.notes:
        say(f"  {note}")
    how = f"measured on {plan.measured} pictures here" if plan.measured else "not measured here yet"
    say(f"  about {span(plan.seconds)} on {_of(services.settings.job_workers, 'worker')} ({how})")
    free = "" if plan.bytes_free is None else f", {size(plan.bytes_free)} may be used"
    say(f"  about {size(plan.bytes_needed)} of disk{free}")
    return plan


def _tell_refused(refused: Any) -> None:
    bad = [one for one in refused if not one.is_left_aside]
    aside = [one for one in refused if one.is_left_aside]
    for one in bad[:20]:
        say(f"  cannot use {one.photo or one.product}: {one.reason}")
    if len(bad) > 20:
        say(f"  and {len(bad) - 20} more that cannot be used; batch.json has them all")
    if aside:
        say(f"  left aside: {_of(len(aside), 'file')}; batch.json says why")


def _finish_dry(batch: Batch, plan: Plan, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        show({"batch": batch.id, "plan": {**asdict(plan), "fits_on_disk": plan.fits_on_disk}})
    say("nothing was made (--dry-run)")
    if not plan.fits_on_disk:
        raise typer.Exit(1)


def _confirm(plan: Plan, yes: bool) -> None:
    if plan.n_items == 0:
        fail("no photograph that can be used")
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(f"make {plan.n_items} pictures?", default=True, err=True):
        raise typer.Exit(0)


# --- making --------------------------------------------------------------------------------------------------------


def _start(services: Services, batch: Batch) -> Batch:
    """Begin, or go on: what waits, what failed, and pictures that somebody removed."""
    from service.batches.planning import batch_of, start
    from service.records import ItemState

    jobs, known = services.store(WORKSPACE).jobs, batch.pictures
    if known is None:
        batch = start(services, WORKSPACE, batch.id)
        again = batch.pictures.n_done if batch.pictures else 0
        if again:
            say(f"  going on: {_of(again, 'picture')} made before from the same stay as they are")
        return batch
    folder = Path(batch.ask.out or "")
    gone = [
        item.position
        for item in jobs.each_item(batch.id)
        if (item.state is ItemState.DONE and not (folder / item.request["picture"]).is_file())
        or item.state in (ItemState.FAILED, ItemState.CANCELLED)
    ]
    if gone:
        services.jobs.redo(WORKSPACE, batch.id, gone)
    elif not known.state.is_final:
        services.jobs.resume(WORKSPACE, batch.id)
    done = jobs.get(batch.id).n_done
    if done:
        say(f"  going on: {done} of {known.n_items} pictures are done already")
    return batch_of(services, WORKSPACE, batch.id)


def _make(services: Services, batch: Batch, out: Path) -> Batch:
    from service.batches.planning import batch_of

    written = time.monotonic()

    def keep_writing() -> None:
        nonlocal written
        if time.monotonic() - written > WRITE_S:
            _write(services, batch_of(services, WORKSPACE, batch.id), out)
            written = time.monotonic()

    _wait(services, batch.id, "pictures", keep_writing)
    return batch_of(services, WORKSPACE, batch.id)


def _wait(services: Services, id: str, what: str, meanwhile: Any = lambda: None) -> None:
    """Until a job has ended or paused, saying how far it is and how long the rest will take."""
    jobs, workers = services.store(WORKSPACE).jobs, services.settings.job_workers
    is_terminal, said, begun = sys.stderr.isatty(), time.monotonic(), jobs.get(id)
    started, first = time.monotonic(), begun.n_done + begun.n_failed
    while True:
        job = jobs.get(id)
        if job.state.is_final or job.state.value == "paused":
            break
        now, done = time.monotonic(), job.n_done + job.n_failed
        left = job.eta_s(workers)
        if done - first >= 2 * workers:  # how it really goes, other work on the machine included
            left = job.n_waiting * (now - started) / (done - first)
        if is_terminal or now - said >= SAY_S:
            said = now
            line = f"  {_bar(job.progress)} {done} of {job.n_items} {what}"
            line += f", {job.n_review} to look at" if job.n_review else ""
            line += f", {job.n_failed} failed" if job.n_failed else ""
            line += f", about {span(left)} left" if left is not None else ""
            typer.echo(f"\r\033[K{line}" if is_terminal else line, err=True, nl=not is_terminal)
        meanwhile()
        time.sleep(LOOK_S)
    if is_terminal:
        typer.echo("\r\033[K", err=True, nl=False)


@contextlib.contextmanager
def _stops_politely() -> Iterator[None]:
    """A request to end is treated like Ctrl-C."""

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _pause(services: Services, batch: Batch) -> None:
    """Nothing more begins; pictures being made are finished."""
    from service.batches.planning import batch_of, look_id
    from service.errors import ServiceError

    for id in (look_id(batch.id), batch.id):
        with contextlib.suppress(ServiceError):
            services.jobs.pause(WORKSPACE, id)
    services.jobs.rest(60.0)
    with contextlib.suppress(ServiceError):
        batch_of(services, WORKSPACE, batch.id)


# --- after ---------------------------------------------------------------------------------------------------------


def _write(
    services: Services, batch: Batch, out: Path, seconds: float | None = None, with_sheet: bool = False
) -> dict[str, Any]:
    """batch.json and results.csv as things stand, and at the end the contact sheet."""
    import io

    from service.batches import delivery
    from service.batches.work import write_whole

    record = delivery.record_of(services, WORKSPACE, batch, seconds)
    write_whole(out / "batch.json", json.dumps(record, ensure_ascii=False, indent=1, default=str).encode())
    text = io.StringIO(newline="")
    delivery.write_results_csv(services, WORKSPACE, batch, text)
    write_whole(out / "results.csv", text.getvalue().encode("utf-8-sig"))
    if with_sheet:
        sheet = io.BytesIO()
        delivery.write_contact_sheet(services, WORKSPACE, batch, sheet)
        write_whole(out / "contact-sheet.jpg", sheet.getvalue())
    return record


def _write_nothing(out: Path, gathered: Gathered, as_json: bool) -> None:
    from service.batches import delivery
    from service.batches.work import write_whole

    record = {"batch": None, "state": "failed", "items": delivery.plain_refusals(gathered.refused)}
    write_whole(out / "batch.json", json.dumps(record, ensure_ascii=False, indent=1).encode())
    if as_json:
        show(record)


def _tell(record: dict[str, Any], out: Path) -> None:
    counts, stages, made = record["counts"], record["stages"], record["made_now"]
    told = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    say(f"{out}: {told or 'nothing'}")
    if made and stages:
        say(f"  {'stage':22}{'CPU-s a picture':>17}{'CPU-s':>10}")
        for name, spent in stages.items():
            say(f"  {name:22}{spent / made:17.3f}{spent:10.1f}")
        total = sum(stages.values())
        now = f"   ({_of(made, 'picture')} made now in {span(record['seconds'])})"
        say(f"  {'all':22}{total / made:17.3f}{total:10.1f}{now}")
    for reason, n in record["reasons"].items():
        say(f"  {n} x {reason}")
    say(f"  {out / 'contact-sheet.jpg'}, {out / 'results.csv'}, {out / 'batch.json'}")


def _bar(share: float, width: int = 24) -> str:
    full = round(share * width)
    return "[" + "#" * full + "-" * (width - full) + "]"


def _of(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def span(seconds: float) -> str:
    """A time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def size(n_bytes: float) -> str:
    """Bytes for people."""
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes < 2e9 else f"{n_bytes / 1e9:,.1f} GB"
