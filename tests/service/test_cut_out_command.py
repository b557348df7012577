"""``adloom cut-out``: what is written and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from models.errors import ModelError
from models.matting.fake import FakeMatting
from service.cli import app
from service.images.cut_out_sheet import TILE_PX, sheet
from service.images.intake import decode
from service.images.lifting import lift


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A teal tile on light grey paper."""
    rng = np.random.default_rng(0)
    pixels = np.full((160, 200, 3), 226.0) + rng.normal(0, 0.6, (160, 200, 3))
    pixels[40:120, 60:140] = (20, 110, 120)
    file = tmp_path / "tile.png"
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    return file


def test_the_png_holds_the_photographs_pixels_and_the_json_says_who_and_why(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "cut" / "tile.png"
    done = CliRunner().invoke(app, ["cut-out", str(photo), "--out", str(out), "--preview", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["backend"], said["because"]) == ("packshot", "the background is plain")
    assert said["needs_review"] is False
    assert said["n_products"] == 1
    rgba = np.asarray(Image.open(out))
    solid = rgba[..., 3] == 255
    assert solid[45:115, 65:135].all()
    assert not rgba[:30, :, 3].any()
    assert np.array_equal(rgba[45:115, 65:135, :3], np.asarray(Image.open(photo))[45:115, 65:135])
    assert Image.open(tmp_path / "cut" / "tile-preview.jpg").width == 4 * TILE_PX


def test_a_mask_that_somebody_drew_is_taken(photo: Path, tmp_path: Path) -> None:
    mask = np.zeros((160, 200), np.uint8)
    mask[60:100, 80:120] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "out.png"
    done = CliRunner().invoke(
        app, ["cut-out", str(photo), "--out", str(out), "--mask", str(tmp_path / "mask.png"), "--json"]
    )
    assert json.loads(done.stdout)["backend"] == "given"
    assert np.array_equal(np.asarray(Image.open(out))[..., 3], mask)


def test_a_bad_file_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "logo.jpg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    done = CliRunner().invoke(app, ["cut-out", str(tmp_path / "logo.jpg"), "--out", str(tmp_path / "out.png")])
    assert done.exit_code != 0
    assert isinstance(done.exception, ModelError)
    assert "logo.jpg: this is an SVG drawing" in str(done.exception)
    assert not (tmp_path / "out.png").exists()


def test_transparency_that_a_file_brings_is_its_matte(tmp_path: Path) -> None:
    rgba = np.zeros((60, 60, 4), np.uint8)
    rgba[20:40, 20:40] = (30, 60, 90, 255)
    Image.fromarray(rgba).save(tmp_path / "cut.png")
    found = lift(decode((tmp_path / "cut.png").read_bytes()), FakeMatting())
    assert found.provenance.backend == "given"
    assert np.array_equal(found.alpha > 0.5, rgba[..., 3] > 127)
    assert sheet(found).shape[1] == 4 * TILE_PX
