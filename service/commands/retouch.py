"""``adloom retouch``: what a photo retoucher does first."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, TimeLeft, fail, say, show

app = typer.Typer()
ENDINGS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
}


@app.command()
def retouch(
    photo: Annotated[Path, typer.Argument(help="Photograph.", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="PNG, JPEG or WebP to write.")] = None,
    auto: Annotated[bool, typer.Option(help="White balance, exposure, dust and ground.")] = False,
    white_balance: Annotated[bool, typer.Option(help="Make neutral what should be.")] = False,
    exposure: Annotated[bool, typer.Option(help="Bring a white ground to white.")] = False,
    straighten: Annotated[bool, typer.Option(help="Turn a leaning product upright.")] = False,
    dust: Annotated[bool, typer.Option(help="Take specks off the ground.")] = False,
    ground: Annotated[bool, typer.Option(help="Smooth creases and stains of the ground.")] = False,
    blemishes: Annotated[bool, typer.Option(help="Take lone spots off the product itself.")] = False,
    packshot: Annotated[bool, typer.Option(help="The product alone on pure white, 90 % of the frame.")] = False,
    size: Annotated[int | None, typer.Option(help="Longer side, px; a packshot's default is 2000.")] = None,
    upscale: Annotated[str, typer.Option(help="lanczos, realesrgan or realesrgan-fast.")] = "lanczos",
    check: Annotated[bool, typer.Option(help="Only say what keeps the picture from being a main picture.")] = False,
    matting: Annotated[str, typer.Option(help="auto, packshot, isnet or birefnet.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Retouch a photograph, only as asked, with a record of what was done and how far the product's pixels moved.

    Examples:

    adloom retouch mug.jpg --auto --out mug-clean.png

    adloom retouch mug.jpg --packshot --size 2000 --out main.jpg

    adloom retouch main.jpg --check
    """
    from PIL import Image

    from models import registry
    from service.images import intake
    from service.images.retouching import AUTO, STEPS, Ask, retouched

    data = photo.read_bytes()
    if check:
        from models.finish.packshot import problems

        found = problems(intake.decode(data).pixels)
        show({"problems": list(found)}) if as_json else say("\n".join(found) or "fit to be a main picture")
        raise typer.Exit(1 if found else 0)
    if out is None:
        fail("say where to: --out mug-clean.png", 2)
    if out.suffix.lower() not in ENDINGS:
        fail(f"no picture type {out.suffix!r}; there are {', '.join(ENDINGS)}", 2)
    given = {
        "white_balance": white_balance,
        "exposure": exposure,
        "straighten": straighten,
        "dust": dust,
        "ground": ground,
        "blemishes": blemishes,
    }
    steps = tuple(name for name in STEPS if given[name] or (auto and name in AUTO))
    ask = Ask(steps, packshot=packshot, size_px=size, upscale=upscale)
    made = retouched(data, ask, registry.matting_model(matting), partial(TimeLeft(), "enlarging, tiles"))
    draft = out.with_name(f".{out.name}.part")
    kind, settings = ENDINGS[out.suffix.lower()]
    Image.fromarray(made.pixels).save(draft, kind, **settings)
    draft.replace(out)
    if as_json:
        show({"out": str(out), "width_px": made.pixels.shape[1], "height_px": made.pixels.shape[0], **made.record})
        return
    for operation in made.record["operations"]:
        say(f"  {'done' if operation['done'] else 'left'}  {operation['name']}: {operation['says']}")
    for line in (*made.record["notes"], *made.record.get("problems", ())):
        say(f"  note  {line}")
    moved = made.record["product"]
    if moved["changed"]:
        mean, most = moved["delta_e_mean"], moved["delta_e_max"]
        say(f"the product's pixels moved by Delta E {mean:.2f} on average, {most:.1f} at most")
    say(f"wrote {out}")
