"""From a product to a finished ad, with plain backends in place of networks."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.image.fake import FakePlace
from models.matting.fake import FakeMatting
from models.text.fake import FakeText
from models.types import BytePixels, CutOut
from service.domain import Fact, Photo, Product
from service.errors import InvalidInput
from service.studio import Backends, Shelf, Studio, Workshop, height_of

PRODUCT = Product(
    id="can-01",
    title="Tea caddy",
    brand="Lumo",
    facts=(Fact("height", "14 cm"), Fact("material", "tinplate")),
    photos=(Photo(key="can.png"),),
)


def photograph() -> bytes:
    """A blue can on grey, 480 x 640."""
    image = Image.new("RGB", (480, 640), (222, 222, 222))
    draw = ImageDraw.Draw(image)
    draw.rectangle((140, 120, 340, 520), fill=(40, 80, 150))
    draw.ellipse((140, 490, 340, 550), fill=(40, 80, 150))
    draw.rectangle((170, 260, 310, 400), fill=(240, 230, 200))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def studio(kept: dict[str, bytes]) -> Studio:
    backends = Backends(text=FakeText, matting=FakeMatting, image=lambda name: FakePlace(), default_image="fake")
    return Studio(Workshop(backends), Shelf(read=lambda photo: photograph(), put=kept.__setitem__))


def test_an_ad_is_finished_and_its_receipt_is_zero() -> None:
    kept: dict[str, bytes] = {}
    creative, data = studio(kept).make(
        PRODUCT, scene="grey floor", backend="fake", headline="A caddy of tinplate", call_to_action="Shop now"
    )
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (creative.width_px, creative.height_px) == (1080, 1080)
    assert creative.receipt.passed
    assert creative.receipt.max_abs_diff == 0
    assert creative.receipt.checked_px > 10_000
    assert not [finding for finding in creative.findings if finding.severity == "block"]


def test_the_picture_without_words_is_kept_beside_the_ad() -> None:
    kept: dict[str, bytes] = {}
    creative, data = studio(kept).make(PRODUCT, scene="grey floor", backend="fake", headline="A caddy of tinplate")
    bare = kept[creative.layout["bare_picture_key"]]
    with_words, without = (np.asarray(Image.open(io.BytesIO(d)), dtype=np.int16) for d in (data, bare))
    assert with_words.shape == without.shape
    assert (with_words != without).any()


@pytest.mark.parametrize("format", ["square", "portrait", "story", "landscape"])
def test_every_format_has_its_size_and_an_unchanged_product(format: str) -> None:
    creative, data = studio({}).make(PRODUCT, scene="grey floor", backend="fake", format=format)
    assert Image.open(io.BytesIO(data)).size == (creative.width_px, creative.height_px)
    assert creative.receipt.passed


def test_the_same_request_gives_the_same_ad() -> None:
    first, data = studio({}).make(PRODUCT, scene="grey floor", backend="fake", headline="A caddy", seed=3)
    again, same = studio({}).make(PRODUCT, scene="grey floor", backend="fake", headline="A caddy", seed=3)
    assert first == again
    assert data == same


def test_another_seed_is_another_creative() -> None:
    first, _ = studio({}).make(PRODUCT, scene="grey floor", backend="fake", seed=3)
    other, _ = studio({}).make(PRODUCT, scene="grey floor", backend="fake", seed=4)
    assert first.id != other.id


def test_words_that_a_painter_did_not_understand_are_told() -> None:
    creative, _ = studio({}).make(PRODUCT, scene="zero gravity", backend="fake")
    assert any("gravity" in finding.message for finding in creative.findings)


def test_several_products_on_one_photograph_cannot_be_approved() -> None:
    class Two(FakeMatting):
        def cut_out(self, photo: BytePixels) -> CutOut:
            return replace(super().cut_out(photo), n_products=2)

    backends = Backends(text=FakeText, matting=Two, image=lambda name: FakePlace(), default_image="fake")
    shop = Studio(Workshop(backends), Shelf(read=lambda photo: photograph(), put=lambda key, data: None))
    creative, _ = shop.make(PRODUCT, scene="grey floor", backend="fake")
    assert [finding.severity for finding in creative.findings if "2 separate" in finding.message] == ["block"]


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="no format 'poster'"):
        studio({}).make(PRODUCT, scene="grey floor", backend="fake", format="poster")


def test_a_product_without_a_photograph_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has no photograph"):
        studio({}).make(replace(PRODUCT, photos=()), scene="grey floor", backend="fake")


@pytest.mark.parametrize(
    ("value", "metres"),
    [("14 cm", 0.14), ("140 mm", 0.14), ("0.14 m", 0.14), ("5.5 inches", 0.1397), ("5,5 cm", 0.055), ("tall", None)],
)
def test_a_height_is_read_with_its_unit(value: str, metres: float | None) -> None:
    found = height_of(replace(PRODUCT, facts=(Fact("height", value),)))
    assert found == (pytest.approx(metres) if metres else None)
