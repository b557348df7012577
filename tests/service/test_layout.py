"""What a designer and a lawyer would check on every finished picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain import Brand
from service.errors import InvalidInput
from service.images import typesetting
from service.images.format_files import parse_formats
from service.images.formats import Format, formats
from service.images.layout import CONTRAST_FLOOR, LaidOut, contrast, lay_out
from service.images.typefaces import chain_for, covered

BRAND = Brand(name="Kilnholt")
NAMES = ("square", "portrait", "story", "landscape")
LATIN: dict[str, Any] = {
    "headline": "Thrown by hand, dipped in ink blue",
    "body": "350 ml of speckled stoneware. No two are the same.",
    "call_to_action": "Choose yours",
}
CHINESE: dict[str, Any] = {
    "headline": "慢慢喝咖啡，用一只手工拉坯的马克杯",
    "body": "350 毫升斑点釉粗陶，可用洗碗机。",
    "call_to_action": "立即选购",
    "language": "zh",
}

Scene = tuple[NDArray[np.uint8], NDArray[np.float32], tuple[float, float, float, float]]


def scene(fmt: Format, kind: str = "light", *, fill: float = 1.0) -> Scene:
    """A picture with a blue, soft-edged product at the format's standing point: (pixels, alpha, box)."""
    width, height = fmt.size_px
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind == "busy":
        rng = np.random.default_rng(3)
        small = rng.integers(0, 256, (height // 60 + 1, width // 60 + 1, 3)).astype(np.uint8)
        base = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    else:
        level = {"light": 225.0, "dark": 26.0, "middle": 128.0}[kind]
        base = np.repeat((level + 14 * (y / height - 0.5) + 6 * (x / width - 0.5))[..., None], 3, axis=2)
        base = base * np.array([1.0, 0.97, 0.92], dtype=np.float32)
    w, h = fmt.max_product_px[0] * 0.6 * fill, fmt.max_product_px[1] * fill
    cx, foot = fmt.standing_px
    ellipse = ((x - cx) / (w / 2)) ** 2 + ((y - (foot - h / 2)) / (h / 2)) ** 2
    alpha = np.clip((1.0 - ellipse) * 12 + 0.5, 0, 1).astype(np.float32)
    blue = np.array([24.0, 60.0, 110.0], dtype=np.float32) + 20 * np.sin(y / 9)[..., None]
    pixels = base * (1 - alpha[..., None]) + blue * alpha[..., None]
    return np.clip(pixels, 0, 255).astype(np.uint8), alpha, (cx - w / 2, foot - h, cx + w / 2, foot)


def made(fmt: Format, kind: str = "light", **words: Any) -> tuple[Scene, LaidOut]:
    picture, alpha, box = scene(fmt, kind)
    return (picture, alpha, box), lay_out(picture, box, alpha, fmt, **{"brand": BRAND, **words})


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((before != after).any(axis=2))


@pytest.mark.parametrize("words", [LATIN, CHINESE], ids=["latin", "chinese"])
@pytest.mark.parametrize("kind", ["light", "dark", "busy"])
@pytest.mark.parametrize("name", NAMES)
def test_words_are_legible_safe_and_beside_the_product(name: str, kind: str, words: dict[str, Any]) -> None:
    fmt = formats()[name]
    (picture, alpha, _), laid = made(fmt, kind, **words)
    assert not laid.is_blocked, laid.findings
    assert all(text["contrast"] >= CONTRAST_FLOOR for text in laid.record["texts"])
    assert np.array_equal(laid.pixels[alpha > 0], picture[alpha > 0])
    left, top, right, bottom = fmt.safe_box_px
    for text in laid.record["texts"]:
        x0, y0, x1, y1 = text["box_px"]
        assert left - 5 <= x0 <= x1 <= right + 0.5, text  # 5: round capitals hang out to align by eye
        assert top - 0.5 <= y0 <= y1 <= bottom + 0.5, text
    if laid.record["surface"]["kind"] == "none":  # then every changed pixel is ink
        outside = changed(picture, laid.pixels)
        outside[top:bottom, left:right] = False
        assert not outside.any()


@pytest.mark.parametrize("name", NAMES)
def test_every_template_can_be_asked_for_and_keeps_the_product(name: str) -> None:
    fmt = formats()[name]
    assert len(fmt.templates) >= 2
    picture, alpha, box = scene(fmt, "middle")
    for template in fmt.templates:
        laid = lay_out(picture, box, alpha, fmt, brand=BRAND, template=template.id, price="€28.00", **LATIN)
        assert laid.record["template"] == template.id
        assert np.array_equal(laid.pixels[alpha > 0], picture[alpha > 0])
        assert not laid.is_blocked, (template.id, laid.findings)
        shown = {text["role"]: "".join(text["lines"]) for text in laid.record["texts"]}
        assert "€28.00" in shown.get("price", shown["call_to_action"])  # beside the call, or in its pill
        assert shown["brand"] == "KILNHOLT"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21.0)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)  # the well-known #777 on white


def test_stated_contrast_holds_on_the_finished_pixels() -> None:
    fmt = formats()["square"]
    (picture, _, _), laid = made(fmt, "light", **LATIN)
    headline = next(text for text in laid.record["texts"] if text["role"] == "headline")
    x0, y0, x1, y1 = (round(v) for v in headline["box_px"])
    patch = laid.pixels[y0:y1, x0:x1].reshape(-1, 3)
    darkest = tuple(float(v) for v in patch[patch.sum(axis=1).argmin()])
    ground = tuple(float(v) for v in np.median(picture[y0:y1, x0:x1].reshape(-1, 3), axis=0))
    assert contrast(darkest, ground) >= headline["contrast"] * 0.9  # the median ground is not its worst pixel


def test_a_picture_without_contrast_gets_a_surface() -> None:
    fmt = formats()["square"]
    _, laid = made(fmt, "busy", **LATIN)
    assert laid.record["surface"]["kind"] in ("scrim", "panel")


def test_the_pill_can_be_read_and_stays_off_the_product() -> None:
    for name in NAMES:
        fmt = formats()[name]
        (_, alpha, _), laid = made(fmt, "dark", **LATIN)
        x0, y0, x1, y1 = (round(v) for v in laid.record["call_to_action"]["box_px"])
        assert not (alpha[y0:y1, x0:x1] > 0).any()
        fill = laid.record["call_to_action"]["fill"].lstrip("#")
        rgb = tuple(int(fill[i : i + 2], 16) for i in (0, 2, 4))
        assert contrast(rgb, (26, 25, 24)) > 1.8  # it stands out from the dark ground


def test_a_long_headline_shrinks_to_the_floor_and_then_says_so() -> None:
    fmt = formats()["square"]
    sizes = []
    for n in (1, 3, 30):
        _, laid = made(fmt, headline=" ".join(["handmade stoneware mug"] * n))
        sizes.append(next(t["font_px"] for t in laid.record["texts"] if t["role"] == "headline"))
    assert sizes[0] > sizes[1] > sizes[2]
    assert laid.is_blocked
    assert any(f.id == "layout.headline_too_long" and "floor" in f.message for f in laid.findings)
    shown = " ".join(" ".join(t["lines"]) for t in laid.record["texts"] if t["role"] == "headline")
    assert shown.split() == ["handmade", "stoneware", "mug"] * 30  # nothing was cut away


def test_a_word_wider_than_the_column_is_hyphenated_or_cut_with_a_warning() -> None:
    fmt = formats()["landscape"]
    _, laid = made(fmt, headline="Donaudampfschifffahrtsgesellschaft", language="de")
    assert [f.id for f in laid.findings] == ["layout.hyphenated"]
    lines = next(text["lines"] for text in laid.record["texts"] if text["role"] == "headline")
    assert "".join(lines).replace("-", "") == "Donaudampfschifffahrtsgesellschaft"
    assert lines[0] in ("Donaudampfschifffahrts-", "Donaudampfschiff-", "Donaudampf-")  # where German parts the word
    _, laid = made(fmt, headline="X" * 60, language="de")  # no language parts this
    assert "layout.word_broken" in [f.id for f in laid.findings]
    picture_width = fmt.size_px[0]
    assert all(t["box_px"][2] <= picture_width - fmt.safe_zone_px.right for t in laid.record["texts"])


def test_no_room_for_words_blocks_instead_of_covering_the_product() -> None:
    fmt = formats()["square"]
    picture, _, box = scene(fmt)
    alpha = np.zeros(picture.shape[:2], dtype=np.float32)
    alpha[80:1000, 80:1000] = 1.0
    laid = lay_out(picture, box, alpha, fmt, brand=BRAND, **LATIN)
    assert laid.is_blocked
    assert np.array_equal(laid.pixels[alpha > 0], picture[alpha > 0])


def test_characters_without_a_glyph_block() -> None:
    _, laid = made(formats()["square"], headline="Mug 龘 \U0001f600")
    found = next(f for f in laid.findings if f.id == "layout.glyph_missing")
    assert found.severity == "block"
    assert "龘" in found.message
    assert "\U0001f600" in found.message


def test_shop_colours_are_used_as_given() -> None:
    brand = Brand(name="McTarn", ink="#123", paper="#fffaf0", accent="#b00020")
    _, laid = made(formats()["square"], "light", brand=brand, template="quiet", **LATIN)
    texts = {text["role"]: text for text in laid.record["texts"]}
    assert texts["headline"]["colour"] == "#112233"
    assert laid.record["call_to_action"]["fill"] == "#b00020"
    assert texts["brand"]["lines"] == ["McTarn"]  # a name with its own capitals keeps them


def test_a_logo_takes_the_place_of_the_name() -> None:
    fmt = formats()["square"]
    logo = np.zeros((60, 200, 4), dtype=np.uint8)
    logo[..., 0], logo[..., 3] = 200, 255
    _, laid = made(fmt, logo=logo, **LATIN)
    assert "brand" not in [text["role"] for text in laid.record["texts"]]
    x0, y0, x1, y1 = (round(v) for v in laid.record["logo_box_px"])
    assert (x1 - x0) / (y1 - y0) == pytest.approx(200 / 60, rel=0.05)  # whole pixels
    middle = laid.pixels[(y0 + y1) // 2, (x0 + x1) // 2].astype(int)
    assert np.abs(middle - [200, 0, 0]).max() <= 1
    assert "layout.logo_contrast" not in [f.id for f in laid.findings]
    pale = np.full((60, 200, 3), 225, dtype=np.uint8)
    _, laid = made(fmt, logo=pale, **LATIN)
    assert laid.record["logo_plate_px"]  # pale on pale: it gets a dark plate
    x0, y0, _, y1 = (round(v) for v in laid.record["logo_plate_px"])
    under = tuple(float(v) for v in laid.pixels[(y0 + y1) // 2, x0 + 6])
    assert contrast(under, (225, 225, 225)) >= 3


def test_same_words_same_bytes() -> None:
    fmt = formats()["square"]
    (picture, alpha, box), first = made(fmt, "busy", **LATIN)
    again = lay_out(picture, box, alpha, fmt, brand=BRAND, **LATIN)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.record == again.record


def test_sizes_that_do_not_match_are_refused() -> None:
    fmt = formats()["square"]
    picture, alpha, box = scene(fmt)
    with pytest.raises(ValueError, match="1080x1080"):
        lay_out(picture[:-1], box, alpha[:-1], fmt, brand=BRAND, **LATIN)
    with pytest.raises(ValueError, match="quiet"):
        lay_out(picture, box, alpha, fmt, brand=BRAND, template="loud", **LATIN)


# --- line breaking --------------------------------------------------------------------------------------------------

SERIF = typesetting.Type(chain_for("serif", "en"))
HANZI = typesetting.Type(chain_for("sans", "zh"), language="zh")
CHINESE_LINES = [
    "慢慢喝咖啡，用一只手工拉坯的马克杯。",
    "“燕麦色”浸墨蓝釉，1240 °C 烧成！",
    "《陶语》系列（手工）：350 毫升，刚好一杯清晨的时间。",
    "可用洗碗机、可用微波炉；不含铅和镉——安心每一天……",
]


@pytest.mark.parametrize("text", CHINESE_LINES)
@pytest.mark.parametrize("n_lines", [2, 3, 4])
def test_chinese_lines_begin_and_end_as_they_may(text: str, n_lines: int) -> None:
    breaks = typesetting.break_lines(text, HANZI, n_lines)
    assert breaks is not None
    lines = [line.text for line in breaks.lines]
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line[0] in typesetting.NOT_AT_LINE_START for line in lines[1:])
    assert not any(line[-1] in typesetting.NOT_AT_LINE_END for line in lines[:-1])
    assert not any(line.endswith("350") or line.startswith(("毫升", "升")) for line in lines)


def test_breaking_finds_the_place_between_phrases() -> None:
    breaks = typesetting.break_lines("Cold for 24 hours, wherever the trail goes next", SERIF, 2)
    assert breaks is not None
    assert [line.text for line in breaks.lines] == ["Cold for 24 hours,", "wherever the trail goes next"]


def test_no_word_is_left_alone_on_the_last_line() -> None:
    breaks = typesetting.break_lines("A mug for slow mornings at home", SERIF, 2)
    assert breaks is not None
    assert len(breaks.lines[-1].text.split()) >= 2
    assert breaks.lines[0].text.split()[-1].lower() not in typesetting.SMALL_WORDS


def test_lines_are_balanced() -> None:
    breaks = typesetting.break_lines("Thrown by hand and dipped in ink blue glaze every single morning", SERIF, 3)
    assert breaks is not None
    widths = [line.width_em for line in breaks.lines]
    assert max(widths) <= 1.25 * sum(widths) / 3  # a greedy break fills the first lines and leaves a short last one


def test_a_soft_hyphen_shows_only_where_the_line_breaks() -> None:
    broken = typesetting.break_lines("Donaudampf\u00adschifffahrt", SERIF, 2)
    whole = typesetting.break_lines("Donaudampf\u00adschifffahrt", SERIF, 1)
    assert broken is not None
    assert whole is not None
    assert [line.text for line in broken.lines] == ["Donaudampf-", "schifffahrt"]
    assert whole.width_em == pytest.approx(typesetting.set_line("Donaudampfschifffahrt", SERIF).width_em, abs=0.05)


def test_kerning_is_kept_when_letters_are_tracked() -> None:
    tight = typesetting.set_line("AVATAR", SERIF)
    spaced = typesetting.set_line("AVATAR", replace(SERIF, tracking_em=0.1))
    alone = sum(typesetting.set_line(letter, SERIF).width_em for letter in "AVATAR")
    assert tight.width_em < alone - 0.05  # A V and A T overlap
    assert spaced.width_em == pytest.approx(tight.width_em + 5 * 0.1, abs=0.03)  # hinting of single letters


def test_latin_words_among_hanzi_get_air_and_their_own_font() -> None:
    line = typesetting.set_line("用Kilnholt杯", HANZI)
    assert [piece.text for piece in line.pieces] == ["用", "Kilnholt", "杯"]
    assert line.pieces[1].font.startswith("Inter")
    assert line.pieces[0].font.startswith("NotoSansSC")
    parts = sum(typesetting.set_line(part, HANZI).width_em for part in ("用", "Kilnholt", "杯"))
    assert line.width_em == pytest.approx(parts + 0.28, abs=1e-6)


def test_our_chinese_fonts_have_all_of_gb_2312() -> None:
    hanzi = {bytes((high, low)).decode("gb2312", "ignore") for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)}
    hanzi.discard("")
    assert len(hanzi) == 6763
    for name in ("NotoSansSC-Medium.ttf", "NotoSansSC-Bold.ttf"):
        assert {ord(c) for c in hanzi} <= covered(name)


# --- formats --------------------------------------------------------------------------------------------------------


def test_formats_have_the_sizes_that_channels_ask_for() -> None:
    sizes = {name: fmt.size_px for name, fmt in formats().items()}
    asked = {"square": (1080, 1080), "story": (1080, 1920), "landscape": (1200, 628), "portrait": (1080, 1350)}
    assert {name: sizes[name] for name in asked} == asked
    story = formats()["story"].safe_zone_px
    assert min(story.top, story.bottom) >= 250


@pytest.mark.parametrize("name", NAMES)
def test_a_product_of_full_size_stays_inside_the_picture(name: str) -> None:
    fmt = formats()[name]
    x, y = fmt.standing_px
    w, h = fmt.max_product_px
    assert 0 <= x - w / 2 <= x + w / 2 <= fmt.size_px[0]
    assert 0 <= y - h <= y <= fmt.size_px[1]


def test_a_template_that_leaves_the_safe_zone_is_refused() -> None:
    text = """
at_px = [400, 400]
safe_zone_px = { left = 20, top = 20, right = 20, bottom = 20 }
[[stages]]
id = "above"
standing = [0.5, 0.8]
max_product = [0.5, 0.4]
[[stages.templates]]
id = "quiet"
align = "centre"
place = "above"
column = [10, 20, 380, 200]
surfaces = ["none"]
brand_px = 10
headline = { max_px = 40, floor_px = 20, max_lines = 2 }
body = { max_px = 14, floor_px = 12, max_lines = 2 }
call_to_action_px = 12
call_to_action = "foot"
foot_y = 360
legal = { max_px = 9, floor_px = 8, max_lines = 1 }
[[formats]]
name = "tiny"
size_px = [400, 400]
"""
    with pytest.raises(InvalidInput, match="safe zone"):
        parse_formats(text)
    assert parse_formats(text.replace("[10,", "[20,"))[0].name == "tiny"
    with pytest.raises(InvalidInput, match="align"):
        parse_formats(text.replace("[10,", "[20,").replace('"centre"', '"center"'))
