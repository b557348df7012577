"""Logo, fonts, colours and corners of a shop: what is taken, what is refused and why, and that all of it shows."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from service.domain import Brand
from service.errors import InvalidInput
from service.images.formats import formats
from service.images.kits import check_logo, kit_of
from service.images.layout import LaidOut, lay_out
from service.images.typefaces import check_font, code_points, keep
from tests.service.conftest import Shop


@cache
def our_font(name: str = "Inter-SemiBold.ttf") -> bytes:
    return (resources.files("service.images") / "fonts" / name).read_bytes()


def changed_font(**fields: int) -> bytes:
    """Inter with other values in its OS/2 table."""
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(our_font()))
    for name, value in fields.items():
        setattr(font["OS/2"], name, value)
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def picture_file(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def logo_file(width: int = 600, height: int = 200, margin: int = 40) -> bytes:
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    pixels[margin : height - margin, margin : width - margin] = (180, 20, 40, 255)
    return picture_file(pixels)


def laid(brand: Brand, **more: Any) -> LaidOut:
    fmt = formats()["square"]
    picture = np.full((1080, 1080, 3), 226, dtype=np.uint8)
    alpha = np.zeros((1080, 1080), dtype=np.float32)
    alpha[480:830, 380:700] = 1.0
    picture[alpha > 0] = (30, 70, 120)
    return lay_out(
        picture, (380, 480, 700, 830), alpha, fmt, headline="Thrown by hand", call_to_action="Choose yours",
        brand=brand, template="bold", **more,
    )  # fmt: skip


# --- fonts -----------------------------------------------------------------------------------------------------------


def test_a_font_says_what_it_is_and_what_it_can_write() -> None:
    facts = check_font(our_font())
    assert (facts.family, facts.suffix) == ("Inter SemiBold", "ttf") or facts.family.startswith("Inter")
    assert {"en", "de", "fr", "pl", "ru", "el"} <= set(facts.languages)
    assert "zh" not in facts.languages
    serif = check_font(our_font("InstrumentSerif-Regular.ttf"))
    assert "ru" not in serif.languages


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a TrueType"),
        (b"GIF89a" + b"0" * 2000, "not a TrueType"),
        (b"wOF2" + b"0" * 2000, "WOFF"),
        (b"ttcf" + b"0" * 2000, "collection"),
        (b"\x00\x01\x00\x00" + b"\xff" * 4000, "damaged"),
        (b"\x00" * 12_000_001, "at most"),
    ],
    ids=["empty", "gif", "woff2", "collection", "noise", "huge"],
)
def test_what_is_no_usable_font_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        check_font(data)


def test_half_a_font_is_refused() -> None:
    with pytest.raises(InvalidInput):
        check_font(our_font()[: len(our_font()) // 2])


def test_a_font_whose_maker_forbids_embedding_is_refused() -> None:
    with pytest.raises(InvalidInput, match="forbids embedding"):
        check_font(changed_font(fsType=0x0002))
    with pytest.raises(InvalidInput, match="bitmaps only"):
        check_font(changed_font(fsType=0x0200))
    assert check_font(changed_font(fsType=0x0008)).languages  # editable embedding allows it


def test_a_character_table_made_to_hurt_is_stopped() -> None:
    groups = 200
    cmap = struct.pack(">HHHHI", 0, 1, 3, 10, 12)
    cmap += struct.pack(">HHIII", 12, 0, 16 + 12 * groups, 0, groups)
    cmap += struct.pack(">III", 0, 0x10FFFF, 1) * groups
    head = struct.pack(">IHHHH", 0x00010000, 1, 16, 0, 0) + b"cmap" + struct.pack(">III", 0, 28, len(cmap))
    with pytest.raises(InvalidInput, match="more characters than there are"):
        code_points(head + cmap)


def test_a_shop_s_font_sets_the_headline_and_ours_fills_its_gaps() -> None:
    own = keep(our_font("InstrumentSerif-Regular.ttf"))
    from service.images.typefaces import ShopFonts

    result = laid(Brand(name="Kilnholt"), fonts=ShopFonts(headline=own))
    head = next(text for text in result.record["texts"] if text["role"] == "headline")
    assert head["font"] == [own]
    fmt = formats()["square"]
    picture, alpha = np.full((1080, 1080, 3), 226, dtype=np.uint8), np.zeros((1080, 1080), dtype=np.float32)
    mixed = lay_out(picture, (0, 0, 1, 1), alpha, fmt, headline="Чашка Kilnholt", brand=Brand(name=""),
                    language="ru", fonts=ShopFonts(headline=own))  # fmt: skip
    assert "layout.font_lacks" in [f.id for f in mixed.findings]
    assert not mixed.is_blocked


# --- logo ------------------------------------------------------------------------------------------------------------


def test_a_logo_is_trimmed_bounded_and_made_plain() -> None:
    png, size, notes = check_logo(logo_file())
    assert size == (520, 120)
    assert notes == ()
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert not image.info  # nothing that came with it
    _, size, notes = check_logo(picture_file(np.full((2100, 2100, 3), 90, dtype=np.uint8)))
    assert size == (2000, 2000)
    assert any("no clear background" in note for note in notes)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\n\n  <svg onload='x()'>", "SVG"),
        (b"nonsense", "not a PNG"),
        (picture_file(np.zeros((90, 90, 4), dtype=np.uint8)), "clear"),
        (picture_file(np.full((20, 20, 3), 9, dtype=np.uint8)), "needs 64"),
        (picture_file(np.full((90, 90, 3), 9, dtype=np.uint8), "JPEG"), "PNG or WebP"),
        (logo_file()[:200], "PNG"),
        (b"\x89PNG" + b"0" * 4_000_001, "at most"),
    ],
    ids=["svg", "bare svg", "text", "clear", "tiny", "jpeg", "truncated", "huge"],
)
def test_what_is_no_usable_logo_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        check_logo(data)


# --- what it changes ----------------------------------------------------------------------------------------


def test_corners_colours_logo_and_fonts_each_change_the_picture() -> None:
    files = {"logo": check_logo(logo_file())[0], "font": our_font("InstrumentSerif-Regular.ttf")}
    plain = Brand(name="Kilnholt")
    brands = {
        "plain": plain,
        "square": replace(plain, corner="square"),
        "soft": replace(plain, corner="soft"),
        "accent": replace(plain, accent="#b00020"),
        "ink": replace(plain, ink="#3a0d5c"),
        "logo": replace(plain, logo_key="logo"),
        "font": replace(plain, headline_font_key="font"),
    }
    seen = {}
    for name, brand in brands.items():
        kit = kit_of(brand, files.__getitem__)
        seen[name] = laid(brand, logo=kit.logo, fonts=kit.fonts)
    different = {result.pixels.tobytes() for result in seen.values()}
    assert len(different) == len(brands)
    x0, y0, _, _ = (round(v) for v in seen["square"].record["call_to_action"]["box_px"])
    fill = seen["square"].pixels[y0 + 2, x0 + 2]
    assert np.array_equal(fill, seen["square"].pixels[y0 + 20, x0 + 8])  # filled to its corner
    assert not np.array_equal(fill, seen["plain"].pixels[y0 + 2, x0 + 2])  # where a pill is round
    assert seen["accent"].record["call_to_action"]["fill"] == "#b00020"


# --- over HTTP ----------------------------------------------------------------------------------------


def test_a_brand_kit_is_kept_read_and_taken_back(shop: Shop) -> None:
    base = "/v1/brands/kilnholt/look"
    shop.call("GET", base, 404)
    set_to = {"accent": "#b00020", "corner": "soft"}
    assert shop.call("PUT", base, 200, json=set_to)["corner"] == "soft"
    told = shop.call("PUT", f"{base}/logo", 200, content=logo_file())
    assert (told["width_px"], told["height_px"], told["has_logo"]) == (520, 120, True)
    font = shop.call("PUT", f"{base}/fonts/headline", 200, content=our_font("InstrumentSerif-Regular.ttf"))
    assert "de" in font["languages"]
    assert "Instrument Serif" in font["fonts"]["headline"]
    kept = shop.call("GET", base, 200)
    assert (kept["accent"], kept["corner"], kept["has_logo"]) == ("#b00020", "soft", True)
    alone = shop.call("GET", f"{base}/logo?format=google_rda.logo_landscape", 200)
    with Image.open(io.BytesIO(alone.content)) as image:
        assert image.size == (1200, 300)
    shop.call("DELETE", f"{base}/logo", 204)
    shop.call("GET", f"{base}/logo", 404)
    shop.call("DELETE", f"{base}/fonts/text", 404)


def test_refusals_of_the_kit_name_the_field(shop: Shop) -> None:
    base = "/v1/brands/kilnholt/look"
    assert "SVG" in str(shop.call("PUT", f"{base}/logo", 422, content=b"<svg/>"))
    assert "font" in str(shop.call("PUT", f"{base}/fonts/headline", 422, content=b"nonsense"))
    shop.call("PUT", base, 422, json={"accent": "red"})
    shop.call("PUT", base, 422, json={"corner": "round"})
    shop.call("PUT", f"{base}/fonts/footer", 422, content=our_font())
    shop.call("PUT", f"{base}/fonts/text", 413, content=b"0" * 80_000_000)


def test_formats_are_listed_and_found_by_every_name(shop: Shop) -> None:
    every = shop.call("GET", "/v1/formats", 200)
    assert {"square", "story", "leaderboard", "amazon_main"} <= {item["name"] for item in every}
    assert [i["name"] for i in shop.call("GET", "/v1/formats?channel=pinterest_standard", 200)] == ["pin"]
    assert shop.call("GET", "/v1/formats/ig_square", 200)["size_px"] == [1080, 1080]
    shop.call("GET", "/v1/formats/nothing", 404)
