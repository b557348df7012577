"""``adloom cut-out``: a product off its photograph."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, say, show

app = typer.Typer()


class Backend(StrEnum):
    """Who cuts out."""

    AUTO = "auto"
    PACKSHOT = "packshot"
    ISNET = "isnet"
    BIREFNET = "birefnet"


@app.command("cut-out")
def cut_out(
    photo: Annotated[Path, typer.Argument(help="Product photograph.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="PNG with transparency to write.")],
    backend: Annotated[Backend, typer.Option(help="auto: packshot on plain ground, else the best installed.")] = (
        Backend.AUTO
    ),
    model: Annotated[str, typer.Option(help="Hub id, folder or ONNX file for isnet and birefnet.")] = "",
    mask: Annotated[
        Path | None, typer.Option(help="A mask that you drew (PNG, white is product), instead of any backend.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Also OUT-preview.jpg: on white, black, magenta, checks, edges enlarged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lift a product off its background, and say how sure that is.

    The PNG holds the photograph's own pixels wherever the product is solid, and cleaned colours in its soft edge.
    Where somebody has to look, "needs_review" is true and "reasons" say why. Exit code 1: nothing was written, and why.

    Examples:

    adloom cut-out mug.jpg --out mug.png

    adloom cut-out chair.jpg --out chair.png --backend isnet --preview --json

    adloom cut-out glass.jpg --out glass.png --mask glass-mask.png
    """
    from models.errors import UnreadableImage
    from service.images.intake import decode

    started = time.perf_counter()
    try:
        decoded = decode(photo.read_bytes())
    except UnreadableImage as error:
        raise UnreadableImage(f"{photo.name}: {error.reason}") from error
    made = _lifted(decoded, backend, model, mask)
    written = _write(made, out, preview)
    if as_json:
        show(_record(made, photo, written, decoded.notes, time.perf_counter() - started))
    else:
        _tell(made, written, decoded.notes)


def _lifted(decoded: Any, backend: Backend, model: str, mask: Path | None) -> Any:
    import numpy as np
    from PIL import Image

    from models import matting_model
    from models.matting.given import cut_out_with_mask
    from service.images.lifting import lift

    if mask is not None:
        with Image.open(mask) as drawn:
            return cut_out_with_mask(decoded.pixels, np.asarray(drawn.convert("L"), dtype=np.uint8))
    settings: dict[str, Any] = {"model": model} if model and backend is not Backend.PACKSHOT else {}
    matting = matting_model(backend.value, **settings)
    return lift(decoded, matting) if backend is Backend.AUTO else matting.cut_out(decoded.pixels)


def _write(made: Any, out: Path, preview: bool) -> list[Path]:
    import numpy as np
    from PIL import Image

    out.parent.mkdir(parents=True, exist_ok=True)
    alpha = np.rint(made.alpha * 255.0).astype(np.uint8)
    Image.fromarray(np.dstack([made.foreground, alpha])).save(out, "PNG")
    written = [out]
    if preview:
        from service.images.cut_out_sheet import sheet

        beside = out.with_name(f"{out.stem}-preview.jpg")
        Image.fromarray(sheet(made)).save(beside, quality=92)
        written.append(beside)
    return written


def _record(made: Any, photo: Path, written: list[Path], notes: tuple[str, ...], seconds: float) -> dict[str, Any]:
    height, width = made.alpha.shape
    return {
        "photo": str(photo),
        "out": [str(path) for path in written],
        "size_px": [width, height],
        "backend": made.provenance.backend,
        "model": made.provenance.model,
        "revision": made.provenance.revision,
        "because": made.provenance.settings.get("because", "asked for by name"),
        "uncertainty": made.uncertainty,
        "needs_review": made.needs_review,
        "reasons": list(made.reasons),
        "n_products": made.n_products,
        "product_share": round(float(made.alpha.mean()), 4),
        "soft_share": round(float(((made.alpha > 0.02) & (made.alpha < 0.98)).mean()), 4),
        "notes": list(notes),
        "seconds": round(seconds, 2),
    }


def _tell(made: Any, written: list[Path], notes: tuple[str, ...]) -> None:
    say(f"wrote {', '.join(str(path) for path in written)}")
    because = made.provenance.settings.get("because", "asked for by name")
    say(f"cut out by {made.provenance.backend}: {because}")
    for note in notes:
        say(f"photograph: {note}")
    if made.n_products > 1:
        say(f"{made.n_products} separate products; send one photograph for each")
    say(f"uncertainty {made.uncertainty:.2f} of 1" + (": somebody has to look" if made.needs_review else ""))
    for reason in made.reasons:
        say(f"  {reason}")
