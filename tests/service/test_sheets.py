"""Contact sheets: every plate of a family once, legible, and cheap to make."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from prompts.scenes import scenes
from service import sheets


def test_a_familys_sheet_shows_each_of_its_plates() -> None:
    count = sum(1 for row in scenes() if row.family == "kitchen" and row.plate)
    sheet = sheets.plate_sheet(columns=4, family="kitchen", tile_px=96)
    rows = -(-count // 4)
    step = 96 + sheets.SMALL_CAPTION_PX + sheets.SMALL_GAP_PX
    assert sheet.height == 2 * sheets.MARGIN_PX + sheets.HEADING_PX + rows * step
    shown = np.asarray(sheet, dtype=np.int16)
    for number in range(count):
        left = sheets.MARGIN_PX + (number % 4) * (96 + sheets.SMALL_GAP_PX)
        top = sheets.MARGIN_PX + sheets.HEADING_PX + (number // 4) * step
        assert shown[top : top + 96, left : left + 96].std() > 2  # a picture, not paper


def test_an_unknown_family_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="spaceship"):
        sheets.plate_sheet(family="spaceship")


def test_a_long_caption_is_cut_to_its_tile() -> None:
    sheet = sheets.contact_sheet([("a caption that is far longer than its tile", Image.new("RGB", (64, 64)))], 1, 64)
    assert sheet.width == 64 + 2 * sheets.GAP_PX
