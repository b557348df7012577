"""The sample products: complete, consistent with their photographs, and honest about being samples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.products import parse_product

SAMPLES = Path(__file__).resolve().parents[2] / "service" / "samples"
FOLDERS = sorted(path.parent.name for path in SAMPLES.glob("*/product.json"))
FILES = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/product*.json"))
SHOTS = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/truth/camera*.json"))


def test_there_are_enough_to_show_the_trade() -> None:
    assert len(FOLDERS) >= 4
    languages = {parse_product((SAMPLES / name).read_bytes()).language for name in FILES}
    assert {"en", "zh"} <= languages


@pytest.mark.parametrize("name", FILES)
def test_a_product_file_has_all_that_a_brief_needs(name: str) -> None:
    product = parse_product((SAMPLES / name).read_bytes())
    assert len(product.facts) >= 10
    assert sum(any(c.isdigit() for c in fact.value) for fact in product.facts) >= 5
    assert len(product.reviews) >= 8
    assert len({review.id for review in product.reviews}) == len(product.reviews)
    assert len({review.stars for review in product.reviews}) >= 3  # not all five stars
    assert product.price is not None
    assert product.audience
    assert product.tone
    assert product.landing_page is not None
    assert ".example/" in product.landing_page
    assert product.photos
    assert all((SAMPLES / name).parent.joinpath(photo.key).is_file() for photo in product.photos)


@pytest.mark.parametrize("name", SHOTS)
def test_a_photograph_has_its_exact_alpha(name: str) -> None:
    path = SAMPLES / name
    facts = json.loads(path.read_text("utf-8"))
    with Image.open(path.parent.parent / facts["photo"]) as photo:
        assert photo.format == "JPEG"
        assert photo.mode == "RGB"
        assert list(photo.size) == facts["size_px"]
        assert min(photo.size) >= 1400
        pixels = np.asarray(photo).astype(int)
    alpha = np.asarray(Image.open(path.parent / path.name.replace("camera", "alpha").replace(".json", ".png")))
    assert alpha.shape == pixels.shape[:2]
    assert 0.05 < (alpha > 127).mean() < 0.5
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    assert not border.any()  # the product is whole
    ground = pixels[alpha == 0]
    assert (ground.max(axis=1) - ground.min(axis=1)).mean() < 8  # paper, not coloured; the product lends it a little
    rim = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    assert min(float(np.median(edge)) for edge in rim) > 195  # plain and light, as catalogues want it


@pytest.mark.parametrize("name", SHOTS)
def test_the_recorded_camera_sees_the_product_where_it_is(name: str) -> None:
    path = SAMPLES / name
    facts = json.loads(path.read_text("utf-8"))
    rotation, translation = np.array(facts["camera"]["rotation"]), np.array(facts["camera"]["translation"])
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)  # eight digits are written
    position = -rotation.T @ translation
    elevation = np.degrees(np.arcsin(position[2] / np.linalg.norm(position)))
    assert elevation == pytest.approx(facts["view_angle_deg"], abs=0.01)
    x, y = facts["contact_px"]
    alpha = np.asarray(Image.open(path.parent / path.name.replace("camera", "alpha").replace(".json", ".png")))
    assert alpha[round(y), round(x)] == 255  # the contact point lies under the product
    rows = np.flatnonzero(alpha.any(axis=1))
    tall_px = float(rows[-1] - rows[0])
    slant = np.radians(facts["view_angle_deg"])
    depth_m, height_m = facts["size_m"][1], facts["size_m"][2]
    expected = (height_m * np.cos(slant) + depth_m * np.sin(slant)) * facts["px_per_metre"]
    assert tall_px == pytest.approx(expected, rel=0.12)  # perspective: the near side is larger


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_height_in_the_facts_is_the_height_in_the_photograph(folder: str) -> None:
    product = parse_product((SAMPLES / folder / "product.json").read_bytes())
    camera = json.loads((SAMPLES / folder / "truth" / "camera.json").read_text("utf-8"))
    stated = re.match(r"(\d+) mm", product.fact("height") or "")
    assert stated is not None
    assert int(stated[1]) / 1000 == pytest.approx(camera["size_m"][2], abs=0.002)  # rounded to whole millimetres


def test_the_readme_says_that_reviews_and_brands_are_made_up() -> None:
    text = (SAMPLES / "README.md").read_text("utf-8")
    assert "reviews were written for these samples" in text
    assert all(f"`{folder}/`" in text for folder in FOLDERS)
