"""A mask that a person drew is kept, given back, and taken for every later picture."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from service.domain import Photo
from service.masks import read_mask, write_mask
from service.studio import Backends, Shelf, Studio, Workshop
from tests.service.conftest import Shop

PATH = "/v1/products/mug/photos/front.png/mask"


def mask(size: tuple[int, int] = (96, 96), box: tuple[int, int, int, int] = (20, 10, 70, 80)) -> np.ndarray:
    plane = np.zeros((size[1], size[0]), np.uint8)
    plane[box[1] : box[3], box[0] : box[2]] = 255
    return plane


def test_a_mask_is_kept_given_back_and_taken_away(shop: Shop) -> None:
    shop.product()
    shop.call("GET", PATH, 404)
    kept = shop.call("PUT", PATH, 200, content=write_mask(mask()))
    assert kept["by_name"] == "admin"
    again = shop.call("GET", PATH, 200)
    assert np.array_equal(read_mask(again.content), mask())
    half = shop.call("PUT", PATH, 200, content=write_mask(mask()[::2, ::2]))  # drawn on a smaller copy
    assert half["sha256"] != kept["sha256"]
    assert read_mask(shop.call("GET", PATH, 200).content).shape == (96, 96)
    shop.call("DELETE", PATH, 204)
    shop.call("DELETE", PATH, 404)
    actions = [entry.action for entry in shop.store.audit(3)]
    assert actions == ["unmask", "mask", "mask"]


def test_masks_that_cannot_be_meant_are_refused_with_the_reason(shop: Shop) -> None:
    shop.product()
    assert "empty" in shop.call("PUT", PATH, 422, content=write_mask(mask() * 0))["detail"]
    assert "96 x 96" in shop.call("PUT", PATH, 422, content=write_mask(mask((96, 50))))["detail"]
    assert "PNG" in shop.call("PUT", PATH, 422, content=b"no picture")["detail"]
    shop.call("PUT", "/v1/products/mug/photos/other.png/mask", 404, content=write_mask(mask()))


def test_a_transparent_png_says_it_by_its_transparency() -> None:
    plane = mask()
    picture = np.dstack([np.full_like(plane, 90)] * 3 + [plane])
    buffer = io.BytesIO()
    Image.fromarray(picture, "RGBA").save(buffer, "PNG")
    assert np.array_equal(read_mask(buffer.getvalue()), plane)


def test_the_studio_cuts_out_by_the_mask() -> None:
    from models.matting.fake import FakeMatting

    drawn: dict[str, bytes] = {}
    picture = Image.new("RGB", (96, 96), (240, 240, 240))
    picture.paste((90, 40, 30), (30, 30, 66, 90))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    photo = Photo("photos/a.png", "a", 96, 96, "front.png")
    shelf = Shelf(read=lambda _: buffer.getvalue(), put=lambda key, data: None, mask=lambda p: drawn.get(p.sha256))
    nothing = lambda *_: None  # noqa: E731
    studio = Studio(Workshop(Backends(text=nothing, matting=FakeMatting, image=nothing)), shelf)  # type: ignore[arg-type]
    before = studio.lift(photo).cut_out
    drawn["a"] = write_mask(mask())
    after = studio.lift(photo).cut_out
    assert after.provenance.backend == "given" != before.provenance.backend
    assert np.array_equal(np.rint(after.alpha * 255).astype(np.uint8), mask())
    del drawn["a"]
    assert studio.lift(photo).cut_out is before  # back to the automatic one
