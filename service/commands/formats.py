"""The sizes we make: ``adloom formats ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .base import AsJson, say, show

app = typer.Typer(help="The sizes we make and the names they go by.", no_args_is_help=True)


@app.command("list")
def formats_list(
    channel: Annotated[str | None, typer.Option(help="Only those a channel asks for, such as meta_feed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every size with its names.

    Example: adloom formats list --channel iab_display
    """
    from service.api.formats import format_view
    from service.images.formats import formats

    chosen = [
        item
        for item in formats().values()
        if channel is None or any(slot.split(".")[0] == channel for slot in item.slots)
    ]
    if as_json:
        show([format_view(item).model_dump() for item in chosen])
        return
    for item in sorted(chosen, key=lambda item: (item.shape, -item.size_px[0])):
        size = f"{item.size_px[0]}x{item.size_px[1]}"
        typer.echo(f"{item.name:20} {size:10} {item.used_for}")
        if item.aliases:
            typer.echo(f"{'':31} also: {', '.join(item.aliases)}")
    say(f"{len(chosen)} formats; a channel's slot (meta_feed.square) and a size (728x90) are names too")


@app.command("show")
def formats_show(
    name: Annotated[str, typer.Argument(help="Name, alias, channel slot or size.")], as_json: AsJson = False
) -> None:
    """One size: what stays free, how words and product share it, how large letters can be.

    Example: adloom formats show ig_square
    """
    from service.api.formats import format_view
    from service.images.formats import find_format

    item = find_format(name)
    if as_json:
        show(format_view(item).model_dump())
        return
    typer.echo(f"{item.name}: {item.size_px[0]} x {item.size_px[1]} px, for {item.used_for}")
    typer.echo(f"  also named     {', '.join(item.aliases) or '-'}")
    typer.echo(f"  channel slots  {', '.join(item.slots) or '-'}")
    typer.echo(f"  always seen    {item.safe_box_px} px (left, top, right, bottom)")
    if item.words == "forbidden":
        typer.echo("  words          the channel forbids them")
    for stage in item.stages:
        for template in stage.templates:
            style = template.headline
            typer.echo(
                f"  words {stage.id:6} {template.id:6} headline {style.floor_px:.0f} to {style.max_px:.0f} px, "
                f"{style.max_lines} lines, on {' or '.join(template.surfaces)}"
            )


@app.command("sheet")
def formats_sheet(
    photo: Annotated[Path, typer.Option(help="Product photograph.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="PNG or JPEG to write.")] = Path("formats.png"),
    headline: Annotated[str, typer.Option(help="What every picture says.")] = "Made for slow mornings",
    body: Annotated[str, typer.Option()] = "",
    call_to_action: Annotated[str, typer.Option("--call-to-action")] = "Shop now",
    brand: Annotated[str, typer.Option(help="The brand's name.")] = "",
    language: Annotated[str, typer.Option(help="BCP 47.")] = "en",
    scene: Annotated[str, typer.Option(help="Scene id; else what suits the photograph best.")] = "",
    formats: Annotated[str, typer.Option(help="Names apart by commas; else one of each shape.")] = "",
) -> None:
    """One advertisement in many sizes on one sheet, to see how it holds.

    Example: adloom formats sheet --photo mug.jpg --headline "Thrown by hand" --formats square,story,728x90
    """
    from service.sheets_formats import format_sheet

    names = [name.strip() for name in formats.split(",") if name.strip()]
    n = format_sheet(
        photo,
        out,
        names,
        headline=headline,
        body=body or None,
        call_to_action=call_to_action or None,
        brand=brand,
        language=language,
        scene=scene or None,
        tell=say,
    )
    say(f"wrote {out}: {n} sizes")
