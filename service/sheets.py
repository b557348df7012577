"""Contact sheets: many pictures on one, each with its name under it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

TILE_PX = 320
CAPTION_PX = 30
GAP_PX = 12


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


def plate_sheet(columns: int = 6) -> Image.Image:
    """Every plate of the scene library, with its id and camera class."""
    from models.registry import image_model
    from models.types import ImageRequest
    from prompts.scenes import scenes

    painter = image_model("plates")
    tiles: list[tuple[str, Image.Image]] = []
    for row in scenes():
        if row.plate is None:
            continue
        backdrop = painter.paint(ImageRequest(words=row.words, size_px=(640, 640), plate=row.plate)).backdrop
        shown = (backdrop.curve.to_display(backdrop.linear) * 255.0 + 0.5).clip(0, 255).astype(np.uint8)
        tiles.append((f"{row.id} · {row.camera_class.replace('_', ' ')}", Image.fromarray(shown)))
    return contact_sheet(tiles, columns)


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
