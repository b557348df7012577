"""A photograph is retouched as asked, kept beside the original, and the record tells the truth."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from models import registry
from service.cli import app
from service.errors import InvalidInput
from service.images.retouching import Ask, retouched
from tests.service.conftest import open_shop

MUG = Path(__file__).parents[2] / "service/samples/kilnholt-mug/kilnholt-mug.jpg"


@pytest.fixture(scope="module")
def warm() -> bytes:
    """The sample's photograph, small, under a warm lamp and too dark."""
    photo = Image.open(MUG).convert("RGB").resize((480, 480))
    tinted = np.clip(np.asarray(photo, np.float32) * (0.85, 0.78, 0.66), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(tinted).save(out, "PNG")
    return out.getvalue()


def test_a_record_says_whether_the_product_was_touched(warm: bytes) -> None:
    matting = registry.matting_model("packshot")

    ground_only = retouched(warm, Ask(("dust", "ground")), matting).record
    light = retouched(warm, Ask(("white_balance", "exposure")), matting)

    assert ground_only["product"] == {
        "changed": False,
        "delta_e_mean": 0.0,
        "delta_e_p95": 0.0,
        "delta_e_max": 0.0,
        "changed_share": 0.0,
    }
    assert light.record["product"]["changed"]
    assert light.record["product"]["delta_e_mean"] > 3
    corner = np.median(light.pixels[:20, :20].reshape(-1, 3), axis=0)
    assert np.ptp(corner) <= 8  # of 255; the cast was 45, and the sweep itself is not quite grey


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (Ask(), "steps"),
        (Ask(("polish",)), "steps"),
        (Ask(packshot=True, size_px=900), "size_px"),
        (Ask(size_px=9), "size"),
    ],
)
def test_asks_that_make_no_sense_are_refused(warm: bytes, ask: Ask, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        retouched(warm, ask, registry.matting_model("packshot"))


def test_the_original_stays_and_the_new_one_can_be_used(warm: bytes, tmp_path: Path) -> None:
    for shop in open_shop(tmp_path, matting_backend="packshot"):
        shop.product(photo=False)
        shop.call("PUT", "/v1/products/mug/photos/front.png", 200, content=warm)

        made = shop.call("POST", "/v1/products/mug/photos/front.png/retouch", 201, json={"steps": ["white_balance"]})
        shot = shop.call(
            "POST",
            "/v1/products/mug/photos/front.png/retouch",
            201,
            json={"packshot": True, "size_px": 1600, "save_as": "w"},
        )

        assert made["photo"]["name"] == "front-retouched.png"
        assert [photo["name"] for photo in shot["product"]["photos"]] == ["front.png", "front-retouched.png", "w"]
        assert shop.call("GET", "/v1/products/mug/photos/front.png", 200).content == warm
        assert shot["record"]["problems"] == []
        assert (shot["photo"]["width_px"], shot["photo"]["height_px"]) == (1600, 1600)
        kept = json.loads(shop.services.objects("main").get(f"retouch/{made['photo']['sha256']}.json"))
        assert kept["original"] == made["product"]["photos"][0]["key"]
        assert shop.call("GET", "/v1/audit", 200)[0]["action"] == "retouch"
        shop.call("POST", "/v1/products/mug/photos/none.png/retouch", 404)
        shop.call("POST", "/v1/products/mug/photos/front.png/retouch", 422, json={"steps": ["polish"]})


def test_the_command_writes_a_picture_and_checks_one(warm: bytes, tmp_path: Path) -> None:
    source, out = tmp_path / "mug.png", tmp_path / "white.jpg"
    source.write_bytes(warm)
    run = CliRunner()

    def call(*words: Any, code: int = 0) -> Any:
        result = run.invoke(app, ["retouch", *map(str, words)])
        assert result.exit_code == code, result.output
        return result

    told = json.loads(
        call(source, "--packshot", "--size", "1600", "--matting", "packshot", "--out", out, "--json").stdout
    )
    assert Image.open(out).size == (1600, 1600)
    assert told["problems"] == []
    assert "fit to be" in call(out, "--check").stderr
    assert "pure white" in call(source, "--check", code=1).stderr
    assert "--out" in call(source, "--auto", code=2).stderr
    assert "picture type" in call(source, "--auto", "--out", tmp_path / "x.gif", code=2).stderr
