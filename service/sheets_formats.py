"""One advertisement in many sizes on one sheet, so that a person can judge them side by side."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from .images.formats import find_format

ONE_OF_EACH = (
    "square", "portrait", "story", "tall", "landscape", "wide", "billboard", "leaderboard", "mobile_leaderboard",
    "large_mobile_banner", "medium_rectangle", "half_page", "skyscraper",
)  # fmt: skip
WIDTH_PX = 2_400
TALLEST_PX = 640  # larger pictures are shown smaller; banners at their own size
GAP_PX = 28
GROUND = (236, 236, 234)


def format_sheet(
    photo: Path,
    out: Path,
    names: Sequence[str],
    *,
    headline: str,
    body: str | None,
    call_to_action: str | None,
    brand: str,
    language: str,
    scene: str | None,
    tell: Callable[[str], None],
) -> int:
    """Write the sheet; how many sizes are on it.

    Raises:
        InvalidInput: an unknown format. UnreadableImage, NoProductFound: the photograph.
    """
    from .domain import Photo, Product
    from .wiring import studio_for_commands

    wanted = [find_format(name).name for name in names or ONE_OF_EACH]
    studio = studio_for_commands()
    about = Product(
        id=photo.stem,
        title=photo.stem,
        brand=brand or None,
        language=language,
        photos=(Photo(key=str(photo.resolve())),),
    )
    pictures = []
    began = time.monotonic()
    for i, name in enumerate(wanted):
        creative, data = studio.make(
            about, scene=scene, format=name, headline=headline, body=body, call_to_action=call_to_action
        )
        scene = scene or creative.scene.id
        pictures.append(Image.open(io.BytesIO(data)).convert("RGB"))
        left = (time.monotonic() - began) / (i + 1) * (len(wanted) - i - 1)
        told = "; ".join(f.message for f in creative.findings if f.id.startswith("layout.")) or "all set"
        tell(f"  {i + 1}/{len(wanted)} {name}: {told} ({left:.0f} s left)")
    _arranged(pictures).save(out)
    return len(pictures)


def _arranged(pictures: Sequence[Image.Image]) -> Image.Image:
    """Rows of pictures, filled from the left."""
    shown = []
    for picture in pictures:
        scale = min(1.0, TALLEST_PX / picture.height, (WIDTH_PX - 2 * GAP_PX) / picture.width)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        shown.append(picture.resize(size, Image.Resampling.LANCZOS) if scale < 1 else picture)
    places, x, y, row = [], GAP_PX, GAP_PX, 0
    for picture in sorted(shown, key=lambda item: -item.height):
        if x > GAP_PX and x + picture.width + GAP_PX > WIDTH_PX:
            x, y, row = GAP_PX, y + row + GAP_PX, 0
        places.append((picture, x, y))
        x, row = x + picture.width + GAP_PX, max(row, picture.height)
    sheet = Image.new("RGB", (WIDTH_PX, y + row + GAP_PX), GROUND)
    for picture, left, top in places:
        sheet.paste(picture, (left, top))
    return sheet
