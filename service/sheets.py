"""Contact sheets: many pictures on one, each with its name under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from prompts.scenes import SceneRow

TILE_PX = 320
CAPTION_PX = 30
GAP_PX = 12
MARGIN_PX = 24
HEADING_PX = 48  # above each family of plates
SMALL_CAPTION_PX = 34
SMALL_GAP_PX = 8
CAMERA_ORDER = ("eye_level", "three_quarter", "top_down")
CAMERA_WORDS = {"eye_level": "eye level", "three_quarter": "three quarter", "top_down": "from above"}


def contact_sheet(pictures: Sequence[tuple[str, Image.Image]], columns: int = 6, tile_px: int = TILE_PX) -> Image.Image:
    """The pictures in rows, each scaled into a square tile, its caption below.

    Args:
        pictures: (caption, picture), any sizes.
        columns: tiles in a row, at least 1.
        tile_px: side of a tile.
    """
    columns = max(1, min(columns, len(pictures) or 1))
    rows = -(-len(pictures) // columns) or 1
    width = columns * (tile_px + GAP_PX) + GAP_PX
    height = rows * (tile_px + CAPTION_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, height), "#f6f6f3")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    for number, (caption, picture) in enumerate(pictures):
        left = GAP_PX + (number % columns) * (tile_px + GAP_PX)
        top = GAP_PX + (number // columns) * (tile_px + CAPTION_PX + GAP_PX)
        small = picture.convert("RGB")
        small.thumbnail((tile_px, tile_px), Image.Resampling.LANCZOS)
        sheet.paste(small, (left + (tile_px - small.width) // 2, top + (tile_px - small.height) // 2))
        draw.text((left + 2, top + tile_px + 6), _clipped(caption, draw, font, tile_px - 4), fill="#3a4048", font=font)
    return sheet


def plate_sheet(columns: int = 12, family: str | None = None, tile_px: int = 160) -> Image.Image:
    """Every plate of the scene library as people see it, by family, each with its id, camera and light.

    Args:
        columns: plates in a row, at least 1.
        family: only this one, then larger pictures are worth asking for.
        tile_px: side of a picture.

    Raises:
        ValueError: the library has no plate of that family.
    """
    from prompts.scenes import scenes

    by_family: dict[str, list[SceneRow]] = {}
    for row in scenes():
        if row.plate is not None and family in (None, row.family):
            by_family.setdefault(row.family, []).append(row)
    if not by_family:
        raise ValueError(f"no plates of the family {family!r}")
    return _by_family(by_family, max(1, columns), tile_px)


def _by_family(by_family: Mapping[str, Sequence[SceneRow]], columns: int, tile_px: int) -> Image.Image:
    """A block for each family: name, count, tiles, eye level first. Small families share a band."""
    step, across = tile_px + SMALL_CAPTION_PX + SMALL_GAP_PX, tile_px + SMALL_GAP_PX
    bands: list[list[tuple[int, str]]] = []  # (first column, family) side by side
    free = 0
    for name, plates in sorted(by_family.items()):
        wide = min(len(plates), columns)
        if wide > free:
            bands.append([])
            free = columns
        bands[-1].append((columns - free, name))
        free -= wide
    heights = [HEADING_PX + step * max(-(-len(by_family[name]) // columns) for _, name in band) for band in bands]
    width = columns * across + 2 * MARGIN_PX - SMALL_GAP_PX
    sheet = Image.new("RGB", (width, sum(heights) + 2 * MARGIN_PX), "#f6f6f3")
    draw = ImageDraw.Draw(sheet)
    heading, small = ImageFont.load_default(size=19), ImageFont.load_default(size=12)
    top = MARGIN_PX
    for band, height in zip(bands, heights, strict=True):
        for first, name in band:
            plates = by_family[name]
            x = MARGIN_PX + first * across
            right = x + min(len(plates), columns) * across - SMALL_GAP_PX
            draw.line([(x, top + 8), (right, top + 8)], fill="#b9bab5")
            draw.text((x, top + 14), name.replace("_", " ").capitalize(), fill="#1f2429", font=heading)
            count = str(len(plates))
            draw.text((right - draw.textlength(count, font=small), top + 20), count, fill="#8a8f94", font=small)
            ordered = sorted(plates, key=lambda row: (CAMERA_ORDER.index(row.camera_class), row.id))
            for number, row in enumerate(ordered):
                left, upper = x + (number % columns) * across, top + HEADING_PX + (number // columns) * step
                sheet.paste(_thumbnail(row.plate or "", tile_px), (left, upper))
                caption = _clipped(row.id, draw, small, tile_px)
                draw.text((left, upper + tile_px + 4), caption, fill="#30363c", font=small)
                about = f"{CAMERA_WORDS[row.camera_class]} · light {row.light_side}"
                draw.text((left, upper + tile_px + 19), about, fill="#8a8f94", font=small)
        top += height
    return sheet


def _thumbnail(plate: str, side_px: int) -> Image.Image:
    """A plate's picture alone; its layers are not decoded."""
    from models.image.plates import FOLDER

    with Image.open(FOLDER / plate / "picture.webp") as picture:
        picture.draft("RGB", (2 * side_px, 2 * side_px))
        return picture.convert("RGB").resize((side_px, side_px), Image.Resampling.LANCZOS, reducing_gap=3.0)


def file_sheet(files: Sequence[Path], columns: int = 6) -> Image.Image:
    """Picture files by name."""
    tiles: list[tuple[str, Image.Image]] = []
    for file in files:
        with Image.open(file) as picture:
            picture.thumbnail((2 * TILE_PX, 2 * TILE_PX))
            tiles.append((file.stem, picture.copy()))
    return contact_sheet(tiles, columns)


def _clipped(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width_px: int
) -> str:
    while len(text) > 4 and draw.textlength(text, font=font) > width_px:
        text = text[:-2].rstrip(" ….") + "…"
    return text
