"""Every size that a channel asks for, and every name that people give it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from prompts.channels import channel, channels
from service.errors import InvalidInput
from service.images.formats import find_format, formats


def sizes_asked() -> list[tuple[str, tuple[int, int]]]:
    """(slot, size) of the whole channel table."""
    found: list[tuple[str, tuple[int, int]]] = []
    for name in channels():
        spec = channel(name)
        for slot, image in spec.images.items():
            size = image.recommended_px or image.min_px or image.max_px
            if size:
                found.append((f"{name}.{slot}", size))
            if image.hi_res_px:
                found.append((f"{name}.{slot}.hi_res", image.hi_res_px))
        found += [(f"{name}.{size.size_px[0]}x{size.size_px[1]}", size.size_px) for size in spec.sizes]
    return found


@pytest.mark.parametrize(("slot", "size"), sizes_asked())
def test_every_size_of_the_channel_table_has_a_format_under_its_slot(slot: str, size: tuple[int, int]) -> None:
    assert find_format(slot).size_px == size


@pytest.mark.parametrize("name", [name for name in channels() if channel(name).safe_zone])
def test_words_stay_where_the_channel_leaves_them_uncovered(name: str) -> None:
    spec = channel(name)
    assert spec.safe_zone
    for item in formats().values():
        if any(slot.startswith(f"{name}.") for slot in item.slots) and item.size_px[0] / item.size_px[1] < 0.6:
            left, top, right, bottom = spec.safe_zone.box(item.size_px)
            a, b, c, d = item.safe_box_px
            assert left <= a, item.name
            assert top <= b, item.name
            assert c <= right, item.name
            assert d <= bottom, item.name


def test_words_are_forbidden_where_the_channel_forbids_them() -> None:
    for name in channels():
        for slot, image in channel(name).images.items():
            if image.overlay_text == "forbidden":
                assert find_format(f"{name}.{slot}").words == "forbidden"
            if image.background_rgb:
                assert find_format(f"{name}.{slot}").background_rgb == image.background_rgb
    main = find_format("amazon_main")
    assert main.min_product_fill == float(Decimal("0.85"))
    assert max(main.max_product_px[0] / 2000, main.max_product_px[1] / 2000) >= 0.85


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ig_square", "square"),
        ("IG-Square", "square"),
        ("story", "story"),
        ("landscape", "landscape"),
        ("728x90", "leaderboard"),
        ("160 × 600", "skyscraper"),
        ("1080x1920", "story"),
        ("1200x628", "landscape"),
        ("meta_feed.portrait", "portrait"),
        ("iab_display/300x250", "medium_rectangle"),
    ],
)
def test_people_and_channels_find_a_format_by_their_own_names(said: str, name: str) -> None:
    assert find_format(said).name == name


def test_an_unknown_name_is_answered_with_names_that_come_near() -> None:
    with pytest.raises(InvalidInput, match="ig_square"):
        find_format("ig_sqare")


def test_no_two_formats_share_a_name() -> None:
    said = [name for item in formats().values() for name in (item.name, *item.aliases, *item.slots)]
    assert len(said) == len(set(said))


def test_slim_products_stand_beside_the_words_and_arabic_ones_on_the_other_side() -> None:
    square = formats()["square"]
    assert square.suited_to(1.0).stage.id == "above"
    assert square.suited_to(0.3).stage.id == "left"
    assert square.suited_to(0.3, right_to_left=True).stage.id == "right"
    mirrored = square.staged("right")
    assert mirrored.standing_px[0] == pytest.approx(1080 - square.staged("left").standing_px[0])
    with pytest.raises(InvalidInput, match="above"):
        square.staged("upside_down")


def test_a_banner_without_words_is_all_scene() -> None:
    banner = formats()["leaderboard"]
    assert banner.is_split
    assert banner.picture_px != banner.size_px
    assert banner.without_words().picture_px == banner.size_px
