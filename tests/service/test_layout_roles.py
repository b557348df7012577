"""Prices, offers, small print, other scripts, panels beside scenes: what shops and readers would check."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain import Brand, Money, Offer, Product
from service.images import typesetting
from service.images.formats import Format, find_format, formats
from service.images.grounds import mounted
from service.images.layout import CONTRAST_FLOOR, LaidOut, lay_out
from service.images.price_tags import OfferTag, PriceTag, money_text, offer_tag, price_tag, until_text
from service.images.typefaces import chain_for
from tests.service.conftest import Shop

BRAND = Brand(name="Kilnholt")
BANNERS = [name for name, item in formats().items() if item.is_split]
BIG = [n for n, item in formats().items() if item.words == "allowed" and not item.is_split and item.size_px[0] < 1300]


def scene(fmt: Format, level: int = 214) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(pixels, alpha) of the format's scene with a blue product where it is to stand, in its frame."""
    width, height = fmt.picture_px
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    base = np.repeat((level + 12 * (y / height - 0.5))[..., None], 3, axis=2) * np.array([1.0, 0.97, 0.91], np.float32)
    (w, h), (cx, foot) = fmt.max_product_px, fmt.standing_px
    alpha = ((np.abs(x - cx) < w * 0.34) & (y < foot) & (y > foot - 0.9 * h)).astype(np.float32)
    pixels = np.where(alpha[..., None] > 0, np.array([24.0, 60.0, 110.0]), base).clip(0, 255).astype(np.uint8)
    return mounted(pixels, alpha, fmt, BRAND)


def made(fmt: Format, level: int = 214, **words: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32], LaidOut]:
    pixels, alpha = scene(fmt, level)
    said = {"headline": "Thrown by hand", "call_to_action": "Shop now", "brand": BRAND, **words}
    return pixels, alpha, lay_out(pixels, (0, 0, 1, 1), alpha, fmt, **said)


def shown(laid: LaidOut) -> dict[str, str]:
    return {text["role"]: " ".join(text["lines"]) for text in laid.record["texts"]}


# --- prices and offers from facts -------------------------------------------------------------------------------


def product(amount: str | None = "28.00", currency: str = "EUR") -> Product:
    return Product(id="mug", title="Mug", price=Money(Decimal(amount), currency) if amount else None)


SALE = Offer("Spring sale", date(2026, 4, 1), date(2026, 4, 12), Money(Decimal("24.00"), "EUR"))


def test_a_price_is_crossed_out_only_while_an_offer_with_a_lower_one_runs() -> None:
    assert price_tag(product(), [SALE], date(2026, 4, 12)) == PriceTag("€24.00", "€28.00")
    assert price_tag(product(), [SALE], date(2026, 4, 13)) == PriceTag("€28.00")  # it ended yesterday
    assert price_tag(product(), [SALE], date(2026, 3, 31)) == PriceTag("€28.00")  # it starts tomorrow
    dearer = replace(SALE, price=Money(Decimal("30.00"), "EUR"))
    assert price_tag(product(), [dearer], date(2026, 4, 5)) == PriceTag("€30.00")
    dollars = replace(SALE, price=Money(Decimal("20.00"), "USD"))
    assert price_tag(product(), [dollars], date(2026, 4, 5)) == PriceTag("€28.00")  # not to be compared
    assert price_tag(product(None), [], date(2026, 4, 5)) is None


def test_an_offer_is_shown_only_while_it_runs_and_with_its_last_day() -> None:
    assert offer_tag([SALE], date(2026, 4, 2), "en") == OfferTag("Spring sale", "until Apr 12")
    assert offer_tag([SALE], date(2026, 5, 1), "en") is None
    assert offer_tag([replace(SALE, ends=None)], date(2026, 5, 1), "en") == OfferTag("Spring sale", None)


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("28.00", "EUR", "en", "€28.00"),
        ("28", "EUR", "de", "28,00 €"),
        ("1234.5", "EUR", "fr", "1 234,50 €"),
        ("3800", "JPY", "ja", "￥3,800"),
        ("198", "CNY", "zh", "¥198.00"),
        ("49.9", "USD", "es-MX", "USD49.90"),
        ("0.125", "USD", "en", "$0.125"),
        ("99", "ILS", "xx", "₪99.00"),  # no such language: written as in English
    ],
)
def test_money_is_written_as_the_language_writes_it(amount: str, currency: str, language: str, text: str) -> None:
    plain = money_text(Money(Decimal(amount), currency), language)
    assert plain.replace("\u00a0", " ").replace("\u202f", " ") == text  # spaces as the CLDR has them


def test_a_last_day_is_written_as_the_language_writes_it() -> None:
    day = date(2026, 11, 30)
    said = [until_text(day, language) for language in ("en", "en-GB", "de", "zh", "ja")]
    assert said == ["until Nov 30", "until 30 Nov", "bis 30. Nov.", "截至11月30日", "11月30日まで"]


@pytest.mark.parametrize("name", BIG)
def test_price_offer_and_small_print_are_legible_and_off_the_product(name: str) -> None:
    fmt = find_format(name)
    pixels, alpha, laid = made(
        fmt, price=PriceTag("€24.00", "€28.00"), offer=OfferTag("15% off", "until 12 Apr"), legal="While stocks last."
    )
    assert not laid.is_blocked, laid.findings
    said = shown(laid)
    assert (said["price"], said["was_price"], said["legal"]) == ("€24.00", "€28.00", "While stocks last.")
    assert said["offer"].replace("\u00a0", " ").startswith("15% off")
    assert min(text["contrast"] for text in laid.record["texts"]) >= CONTRAST_FLOOR
    assert np.array_equal(laid.pixels[alpha > 0], pixels[alpha > 0])
    legal = next(text for text in laid.record["texts"] if text["role"] == "legal")
    assert legal["font_px"] >= fmt.templates[0].legal.floor_px


def test_nothing_is_said_that_was_not_given() -> None:
    _, _, laid = made(formats()["square"])
    assert set(shown(laid)) == {"headline", "call_to_action", "brand"}
    assert laid.record["badge"] is None


def test_small_print_that_cannot_be_read_blocks() -> None:
    _, _, laid = made(formats()["mobile_leaderboard"], legal="Offer valid while stocks last, not with others. " * 6)
    assert "layout.legal_too_long" in [f.id for f in laid.findings if f.severity == "block"]


def test_the_badge_stands_free_of_product_and_words() -> None:
    _, alpha, laid = made(formats()["square"], offer=OfferTag("20% off", "until 12 Apr"))
    x0, y0, x1, y1 = (round(v) for v in laid.record["badge"]["box_px"])
    assert not (alpha[y0:y1, x0:x1] > 0).any()
    badge_roles = {"offer", "offer_until"}
    for text in laid.record["texts"]:
        a, b, c, d = text["box_px"]
        apart = c <= x0 or a >= x1 or d <= y0 or b >= y1
        assert apart or text["role"] in badge_roles, text


# --- panels beside scenes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BANNERS)
@pytest.mark.parametrize("level", [214, 30], ids=["light", "dark"])
def test_banners_keep_their_scene_and_carry_the_words_on_a_panel_of_its_colours(name: str, level: int) -> None:
    fmt = find_format(name)
    pixels, _, laid = made(fmt, level, headline="Made for slow days")
    assert not laid.is_blocked, laid.findings
    left, top, right, bottom = fmt.stage.picture
    assert np.array_equal(laid.pixels[top:bottom, left:right], pixels[top:bottom, left:right])
    panel = pixels[0, 0 if left > 0 else -1] if left > 0 or right < fmt.size_px[0] else pixels[0, 0]
    assert (panel.mean() > 128) == (level > 128)
    assert min(text["contrast"] for text in laid.record["texts"]) >= CONTRAST_FLOOR
    assert shown(laid)["headline"] == "Made for slow days"


def test_formats_without_words_come_back_untouched_with_a_note() -> None:
    fmt = replace(formats()["amazon_brands"])
    pixels, _, laid = made(fmt)
    assert laid.pixels is pixels
    assert [f.id for f in laid.findings] == ["layout.no_words"]


# --- scripts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "headline"),
    [("ar", "صنع باليد لصباحات هادئة"), ("he", "נוצר ביד לבקרים שקטים"), ("fa", "ساخته‌شده برای صبح‌های آرام")],
)
def test_words_that_run_from_the_right_begin_there(language: str, headline: str) -> None:
    fmt = formats()["landscape"].suited_to(1.0, right_to_left=True)
    _, _, laid = made(fmt, headline=headline, call_to_action=None, language=language, template="quiet")
    assert not laid.is_blocked, laid.findings
    text = next(text for text in laid.record["texts"] if text["role"] == "headline")
    assert text["box_px"][2] == pytest.approx(fmt.templates[0].column[2], abs=1)


def test_arabic_letters_are_joined_and_stand_in_their_order() -> None:
    kind = typesetting.Type(chain_for("sans", "ar"), 0.1, "ar")
    alone = sum(typesetting.set_line(letter, kind).width_em for letter in "سلام")
    assert typesetting.set_line("سلام", kind).width_em < 0.9 * alone  # tracking, which would tear them, is not applied
    line = typesetting.set_line("مع Kilnholt 350 ml", kind)
    first, second = line.pieces
    assert first.x_em > second.x_em  # what is read first stands rightmost
    assert second.text.strip() == "Kilnholt 350 ml"


@pytest.mark.parametrize(
    ("language", "headline"),
    [
        ("ja", "朝のひとときのためのマグ"),
        ("ko", "느긋한 아침을 위한 머그컵"),
        ("th", "แก้วทำมือสำหรับเช้าวันสบายๆ"),
        ("hi", "धीमी सुबहों के लिए बना मग"),
        ("el", "Για ήσυχα πρωινά"),
        ("ru", "Для тихого утра"),
        ("vi", "Cho buổi sáng chậm rãi"),
    ],
)
def test_other_scripts_are_set_whole(language: str, headline: str) -> None:
    _, _, laid = made(formats()["square"], headline=headline, language=language)
    assert not laid.is_blocked, laid.findings
    assert shown(laid)["headline"].replace(" ", "") == headline.replace(" ", "")


def test_a_headline_is_not_set_half_in_one_face() -> None:
    _, _, laid = made(formats()["square"], headline="Mug для утра", language="ru", template="quiet")
    head = next(text for text in laid.record["texts"] if text["role"] == "headline")
    assert head["font"] == ["Inter-SemiBold.ttf"]  # the serif has no Cyrillic, so it does not set the Latin word either


def test_a_script_that_no_font_has_is_a_clear_finding() -> None:
    _, _, laid = made(formats()["square"], headline="ምርጥ ቡና", language="am")
    finding = next(f for f in laid.findings if f.id == "layout.glyph_missing")
    assert finding.severity == "block"
    assert "ም" in finding.message


def test_chinese_lines_end_where_a_reader_pauses() -> None:
    kind = typesetting.Type(chain_for("sans", "zh"), 0.02, "zh")
    breaks = typesetting.break_lines("给慢早晨的杯子", kind, 2)
    assert breaks is not None
    assert [line.text for line in breaks.lines] == ["给慢早晨", "的杯子"] or breaks.lines[0].text == "给慢早晨的"


# --- read back ---------------------------------------------------------------------------------------------------


@pytest.mark.weights
def test_what_ocr_reads_is_what_was_said() -> None:
    from models import weights
    from models.checks.ocr import WEIGHTS, Reader
    from models.errors import MissingWeights

    try:
        weights.path(WEIGHTS)
    except MissingWeights as error:
        pytest.skip(str(error))
    reader = Reader()
    for name, said, language in (("square", "Made for slow mornings", "en"), ("portrait", "一杯好咖啡", "zh")):
        _, _, laid = made(find_format(name), headline=said, language=language)
        read = "".join(line.text for line in reader.read(laid.pixels)).replace(" ", "")
        assert said.replace(" ", "") in read


# --- over HTTP ---------------------------------------------------------------------------------------------------


def test_images_take_price_offers_small_print_and_brand_and_refuse_early(shop: Shop) -> None:
    shop.product()
    shop.call("PUT", "/v1/brands/kilnholt/look", 200, json={"accent": "#b00020"})
    ask = {"product_ids": ["mug"], "scenes": ["oak-window-light"], "headline": "Hello"}
    more = {
        "brand": "kilnholt",
        "shows_price": True,
        "offers": [{"text": "Spring sale"}],
        "legal": "While stocks last.",
    }
    job = shop.call("POST", "/v1/images", 202, json={**ask, **more})
    for _ in range(200):
        if shop.call("GET", f"/v1/jobs/{job['id']}", 200)["finished"]:
            break
        time.sleep(0.05)
    asked = shop.services.studio("main").made[-1]  # type: ignore[attr-defined]
    assert asked["shows_price"] is True
    assert asked["legal"] == "While stocks last."
    assert asked["brand"].accent == "#b00020"
    assert [offer.text for offer in asked["offers"]] == ["Spring sale"]
    shop.call("POST", "/v1/images", 422, json={**ask, "formats": ["ig_sqare"]})
    shop.call("POST", "/v1/images", 422, json={**ask, "layout_stage": "above", "formats": ["leaderboard"]})
    shop.call("POST", "/v1/images", 422, json={**ask, "offers": [{"text": "Old", "ends": "2020-01-01"}]})
    shop.call("POST", "/v1/images", 404, json={**ask, "brand": "nobody"})
