"""``adloom verify``: is this picture ours, and does a receipt come out again?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, plain, say, show

app = typer.Typer()


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="Picture: PNG, JPEG or WebP.", exists=True, dir_okay=False)
    ] = None,
    receipt: Annotated[
        str, typer.Option(metavar="CREATIVE", help="Measure this creative's receipt again from what is kept.")
    ] = "",
    among: Annotated[
        Path | None, typer.Option(help="Look among the pictures of this folder, too.", exists=True, file_okay=False)
    ] = None,
    fill_in: Annotated[bool, typer.Option("--fill-in", help="Look at pictures from before there were prints.")] = False,
    workspace: Annotated[str, typer.Option(help="Whose pictures they are.")] = "main",
    as_json: AsJson = False,
) -> None:
    """Say whether a picture is ours: by its manifest, by its bytes, or by how it looks after re-encoding and resizing.

    The exit code is 0 if it is ours (or the receipt comes out equal), else 1.

    Examples: adloom verify found-online.jpg; adloom verify ad.png --among OUT --json; adloom verify --receipt cr_1a2b
    """
    from service.settings import Settings
    from service.storage import Database, Objects, Store
    from service.storage.objects import open_objects

    if (file is None) == (not receipt) and not (fill_in and file is None and not receipt):
        fail("name a picture, or --receipt CREATIVE, or --fill-in", 2)
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    database.migrate()
    try:
        store, objects = Store(database, workspace), Objects(open_objects(settings.storage), workspace)
        if fill_in:
            _fill_in(store, objects)
        if receipt:
            good = _receipt(store, objects, receipt, as_json)
        elif file is not None:
            good = _picture(store, objects, settings, file, among, as_json)
        else:
            good = True
    finally:
        database.close()
    if not good:
        raise typer.Exit(1)


def _picture(store: Any, objects: Any, settings: Any, file: Path, among: Path | None, as_json: bool) -> bool:
    from service.provenance.folders import with_folder
    from service.provenance.verify import of_workspace, verify
    from service.wiring import labeller

    shelves = of_workspace(store, objects)
    if among is not None:
        shelves = with_folder(shelves, among, file, say)
    found = verify(file.read_bytes(), shelves, labeller(settings))
    if as_json:
        show(plain(found))
        return found.verdict == "ours"
    say(f"{file.name}: {found.verdict}")
    say(f"  {found.reason}")
    if found.manifest is not None:
        kind = found.manifest["source_type"] or "no source type"
        say(f"  manifest: {found.manifest['state']}, signed by {found.manifest['signer']}, {kind}")
    if found.labels["aigc"]:
        say(f"  AIGC label: {found.labels['aigc']}")
    for candidate in found.candidates[:5]:
        say(f"  {candidate.creative_id}: {candidate.says} (agrees in {candidate.likeness:.0%})")
    for note in found.notes:
        say(f"  note: {note}")
    return found.verdict == "ours"


def _receipt(store: Any, objects: Any, creative_id: str, as_json: bool) -> bool:
    from models import image_model
    from service.provenance.recheck import recheck

    found = recheck(store.creatives.get(creative_id), store, objects, lambda: image_model("plates"))
    if as_json:
        show({**plain(found), "creative_id": creative_id})
        return found.equal
    say(
        f"{creative_id}: {'equal' if found.equal else 'NOT equal'}; the receipt {'passes' if found.passed else 'FAILS'}"
    )
    for line in found.differences:
        say(f"  {line}")
    for line in found.not_measured:
        say(f"  not measured: {line}")
    return found.equal


def _fill_in(store: Any, objects: Any) -> None:
    import time

    from service.provenance.register import fill_in

    total, begun, done = len(store.prints.missing(10_000_000)), time.monotonic(), 0
    while step := fill_in(store.prints, objects, 200):
        done += step
        left = (time.monotonic() - begun) / done * (total - done)
        say(f"  {done:,} of {total:,} pictures looked at, {left:.0f} s to go")
    say(f"every picture has its print: {store.prints.count():,}")
