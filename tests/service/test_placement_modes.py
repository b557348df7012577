"""Wishes for placement, true sizes and several products in one picture, on a drawn mug in a drawn studio."""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

import numpy as np
import pytest

from models import pixels
from models.types import Backdrop, CameraClass, CutOut
from service.domain import Fact, Product
from service.errors import InvalidInput
from service.images.arrangement import Member, arrange
from service.images.compose import Body, compose, compose_set, visible_parts
from service.images.positions import Room, Wish, parse_wish, propose, stand, wish_from_text
from service.images.sizes import TrueSize, passes_light, true_size

sys.path.insert(0, str(Path(__file__).parent))
import studio_set as studio  # a neighbour of this file; the tests are no package

ROOM = Room((360, 360), (0.5, 0.75), (0.6, 0.55))
SIZE = TrueSize(0.26, None, "facts", "height: 26 cm")


@functools.cache
def mug() -> CutOut:
    return studio.cut_out(14.0, 500)


@functools.cache
def room() -> Backdrop:
    return studio.backdrop(14.0, 400, "left", 0.8)


def product(*facts: tuple[str, str], title: str = "thing", category: str | None = None) -> Product:
    return Product(id="p", title=title, category=category, facts=tuple(Fact(k, v) for k, v in facts))


# --- wishes ------------------------------------------------------------------------------------------------------


def test_proposals_differ_and_the_first_is_what_the_format_wants() -> None:
    offers = propose(mug(), room(), ROOM, SIZE, Wish())
    assert 1 <= len(offers) <= 3
    assert offers[0].placement == stand(mug(), room(), ROOM, SIZE, Wish())
    boxes = [offer.placement.product_box for offer in offers]
    assert len(set(boxes)) == len(boxes)
    for left, top, right, bottom in boxes:
        assert left > 0
        assert top > 0
        assert right < 360
        assert bottom < 360
    assert all(any("true size" in reason for reason in offer.reasons) for offer in offers)


def test_an_exact_box_holds_the_product_to_the_pixel() -> None:
    where = stand(mug(), room(), ROOM, SIZE, parse_wish({"mode": "box", "box": [0.3, 0.35, 0.7, 0.8]}))
    result = compose(mug(), room(), where, seed=1)
    rows, columns = np.nonzero(result.product_alpha > 0.02)
    assert rows.max() + 1 == pytest.approx(0.8 * 360, abs=2)  # the box's lower edge, whole pixels
    assert (columns.min() + columns.max()) / 2 == pytest.approx(180, abs=2)
    assert rows.min() >= 0.35 * 360 - 2
    assert where.mode == "box"


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({"mode": "box", "box": [0.1, 0.1, 0.15, 0.15]}, "placement.box", "48 px"),
        ({"mode": "box", "box": [10, 10, 900, 350]}, "placement.box", "leaves the frame"),
        ({"mode": "box", "box": [0.6, 0.1, 0.5, 0.9]}, "placement.box", "left < right"),
        ({"mode": "box"}, "placement.box", "four numbers"),
        ({"mode": "padding", "padding": [0.6, 0.1, 0.5, 0.1]}, "placement.padding", "fractions"),
        ({"mode": "anchor", "at": "upper"}, "placement.at", "left, centre, right"),
        ({"mode": "anchor", "box": [0, 0, 1, 1]}, "placement.box", "takes at, depth"),
        ({"mode": "floating"}, "placement.mode", "automatic, anchor, box, padding"),
        ({"mode": "automatic", "choice": 9}, "placement.choice", "proposals"),
    ],
)
def test_what_cannot_be_granted_is_refused_with_the_reason(wish: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        stand(mug(), room(), ROOM, SIZE, parse_wish(wish))
    assert refused.value.field == field
    assert words in refused.value.reason


def test_a_box_beyond_the_podium_is_refused_with_what_is_possible() -> None:
    podium = 0.05 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    small = dataclasses.replace(room(), support_m=podium)
    with pytest.raises(InvalidInput, match="the foot may be between"):
        stand(mug(), small, ROOM, SIZE, parse_wish({"mode": "box", "box": [0.12, 0.15, 0.88, 0.9]}))


def test_padding_stays_free() -> None:
    where = stand(mug(), room(), ROOM, SIZE, parse_wish({"mode": "padding", "padding": [0.35, 0.2, 0.1, 0.2]}))
    result = compose(mug(), room(), where, seed=1)
    rows, columns = np.nonzero(result.product_alpha > 0.5)
    assert columns.min() >= 0.35 * 360 - 1
    assert columns.max() <= 0.9 * 360 + 1
    assert rows.min() >= 0.2 * 360 - 1
    assert rows.max() <= 0.8 * 360 + 1


def test_near_is_larger_and_lower_than_far() -> None:
    near = stand(mug(), room(), ROOM, None, Wish("anchor", depth="near")).product_box
    far = stand(mug(), room(), ROOM, None, Wish("anchor", depth="far")).product_box
    assert near[3] > far[3]
    assert near[3] - near[1] > 1.2 * (far[3] - far[1])


def test_wishes_are_read_from_a_command_line() -> None:
    assert parse_wish(wish_from_text("anchor:left:far")) == Wish("anchor", at="left", depth="far")
    assert parse_wish(wish_from_text("padding:.2")).padding == (0.2, 0.2, 0.2, 0.2)
    assert parse_wish(wish_from_text("automatic:2")).choice == 2
    with pytest.raises(InvalidInput, match="numbers"):
        wish_from_text("box:a,b,c,d")


# --- sizes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "height", "width"),
    [
        ([("height", "92 mm")], 0.092, None),
        ([("Höhe", "12,5 cm"), ("Durchmesser", "8 cm")], 0.125, 0.08),
        ([("Dimensions", "23 x 8 x 6 cm")], 0.23, 0.08),
        ([("dimensions (W x D x H)", "20 x 10 x 5 in")], 0.127, 0.508),
        ([("size", "3 1/2 in")], 0.0889, None),
        ([("直径", "8 厘米")], None, 0.08),
    ],
)
def test_true_sizes_are_read_from_facts(
    facts: list[tuple[str, str]], height: float | None, width: float | None
) -> None:
    size = true_size(product(*facts))
    assert size is not None
    assert size.is_known
    assert size.height_m == (None if height is None else pytest.approx(height))
    assert size.width_m == (None if width is None else pytest.approx(width))


def test_a_size_follows_from_the_content_or_else_from_the_category() -> None:
    litre = true_size(product(("capacity", "1 l")), 3.0)
    assert litre is not None
    assert litre.height_m == pytest.approx(0.24, abs=0.03)  # a cylinder three times as high as wide
    usual = true_size(product(category="skincare"))
    assert usual is not None
    assert (usual.source, usual.height_m) == ("category", 0.11)
    assert true_size(product(("handle length", "4 cm"))) is None


def test_glass_lets_light_through_and_its_shadow_is_paler() -> None:
    assert passes_light(product(("bottle", "amber glass"))) > 0
    assert passes_light(product(("material", "stoneware"))) == 0
    where = stand(mug(), room(), ROOM, SIZE, Wish())
    opaque = compose(mug(), room(), where, seed=1, match_light=False)
    clear = compose(mug(), room(), where, seed=1, match_light=False, body=Body(0.5))
    beside = opaque.product_alpha == 0
    assert clear.pixels[beside].mean() > opaque.pixels[beside].mean()
    assert np.array_equal(clear.pixels[opaque.product_alpha == 1], opaque.pixels[opaque.product_alpha == 1])


# --- several products --------------------------------------------------------------------------------------------


def members(n: int = 3, **first: object) -> list[Member]:
    sizes = [TrueSize(h, None, "facts", f"height: {h} m") for h in (0.26, 0.13, 0.2, 0.1, 0.15)[:n]]
    return [Member(f"p{k}", mug(), size) for k, size in enumerate(sizes)]


def test_every_product_of_a_set_keeps_its_pixels_except_where_another_stands_in_front() -> None:
    placed = arrange(members(), room(), ROOM, "set")
    result = compose_set([(mug(), where, Body()) for where in placed], room(), seed=2)
    hidden = 0
    for part in result.parts:
        left, top, right, bottom = part.box
        there = result.pixels[top:bottom, left:right]
        solid = part.shows >= 1.0
        assert solid.sum() > 500
        assert np.array_equal(there[solid], part.photo[solid])
        hidden += int(((part.alpha >= 1.0) & ~solid).sum())
    assert hidden > 0  # they do overlap
    again = visible_parts([_laid(where) for where in placed], placed)
    assert all(np.array_equal(a.shows, b.shows) for a, b in zip(again, result.parts, strict=True))


def _laid(where):  # type: ignore[no-untyped-def]
    from service.images.compose import lay_product

    return lay_product(mug(), where)


def test_sizes_are_compared_truly_and_only_when_they_are_known() -> None:
    tall, short, _ = arrange(members(), room(), ROOM, "size_comparison")
    assert tall.scale / short.scale == pytest.approx(2.0, rel=0.05)  # same photograph, twice the height
    assert tall.product_box[2] <= short.product_box[0] + 2  # side by side
    unknown = [*members(1), Member("mystery", mug(), TrueSize(0.1, None, "category", "category: tea"))]
    with pytest.raises(InvalidInput, match="mystery"):
        arrange(unknown, room(), ROOM, "size_comparison")


def test_arrangements_refuse_the_wrong_camera_and_the_wrong_number() -> None:
    above = dataclasses.replace(room(), camera_class=CameraClass.TOP_DOWN)
    with pytest.raises(InvalidInput, match="seen from above"):
        arrange(members(), room(), ROOM, "flat_lay")
    with pytest.raises(InvalidInput, match="straight above"):
        arrange(members(), above, ROOM, "flat_lay")
    with pytest.raises(InvalidInput, match="2 to 5"):
        arrange(members(1), room(), ROOM, "set")
    with pytest.raises(InvalidInput, match="none of"):
        arrange(members(), room(), ROOM, "pyramid")


def test_a_flat_lay_leaves_air_between_what_lies() -> None:
    high = studio.cut_out(70.0, 500)
    above = studio.backdrop(70.0, 400, "left", 0.8)
    above = dataclasses.replace(above, camera_class=CameraClass.TOP_DOWN)
    placed = arrange([Member(f"p{k}", high, None) for k in range(3)], above, ROOM, "flat_lay")
    boxes = [where.product_box for where in placed]
    for k, a in enumerate(boxes):
        for b in boxes[k + 1 :]:
            assert a[2] - 8 <= b[0] or b[2] - 8 <= a[0] or a[3] - 8 <= b[1] or b[3] - 8 <= a[1]  # 4 px of margin each
    assert all("not known" in where.notes[0] for where in placed)


def test_a_soft_place_is_sharpened_beside_a_crisp_product_and_never_the_product() -> None:
    where = stand(mug(), room(), ROOM, SIZE, Wish())
    plain = compose(mug(), room(), where, seed=1, match_light=False)
    matched = compose(mug(), room(), where, seed=1)
    solid = plain.product_alpha == 1
    assert np.array_equal(plain.pixels[solid], matched.pixels[solid])
    reference = pixels.resize_photo(mug().photo, matched.parts[0].photo.shape[1::-1], where.photo_box)
    assert np.array_equal(matched.parts[0].photo, reference)
