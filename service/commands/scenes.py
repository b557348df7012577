"""The scene library: ``adloom scenes ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .base import AsJson, say, show

app = typer.Typer(help="The scene library.", no_args_is_help=True)


@app.command("list")
def scenes_list(
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    camera_class: Annotated[str | None, typer.Option(help="eye_level, three_quarter or top_down.")] = None,
    as_json: AsJson = False,
) -> None:
    """The scenes there are."""
    from prompts.scenes import scenes as rows

    chosen = [
        row for row in rows() if family in (None, row.family) and camera_class in (None, row.camera_class)
    ]  # fmt: skip
    if as_json:
        show([row.model_dump() for row in chosen])
        return
    for row in chosen:
        typer.echo(f"{row.id:26} {row.camera_class:14} light {row.light_side:6} {row.words}")
    say(f"{len(chosen)} scenes")


@app.command("show")
def scenes_show(id: str, as_json: AsJson = False) -> None:
    """One scene with everything known of it."""
    from prompts.scenes import scene as row

    if as_json:
        show(row(id).model_dump())
        return
    for name, value in row(id).model_dump().items():
        typer.echo(f"{name:14} {', '.join(value) if isinstance(value, tuple) else value}")


@app.command("sheet")
def scenes_sheet(
    out: Annotated[Path, typer.Option(help="PNG or JPEG to write.")] = Path("scenes.jpg"),
    columns: Annotated[int, typer.Option(min=1, max=20)] = 12,
    family: Annotated[str | None, typer.Option(help="Only this family, with larger pictures.")] = None,
    tile: Annotated[int | None, typer.Option(min=64, max=640, help="Side of a picture, px.")] = None,
) -> None:
    """A contact sheet of all plates, by family."""
    from service.sheets import plate_sheet

    try:
        sheet = plate_sheet(columns, family, tile or (160 if family is None else 360))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    sheet.save(out, quality=90)
    say(f"wrote {out}")
