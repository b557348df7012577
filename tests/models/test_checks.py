"""What is read back from finished pictures: growth beyond the mask, words on labels, words that ask for people."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.checks.expansion import expansion
from models.checks.fidelity import Through, compare_through
from models.checks.ocr import Line
from models.checks.people import people_in, without_people
from models.checks.text_kept import compare_text
from models.pixels import over, to_linear, to_srgb
from models.types import Alpha, BytePixels

Pixels = NDArray[np.uint8]


def still(product: tuple[int, int, int] = (40, 70, 150)) -> tuple[Pixels, NDArray[np.float32], Pixels]:
    """A box of one colour on a sandy ground: picture, matte, empty place."""
    place = np.full((400, 400, 3), (196, 180, 150), np.uint8)
    place[:160] = (150, 160, 150)
    picture, alpha = place.copy(), np.zeros((400, 400), np.float32)
    picture[120:300, 150:250] = product
    alpha[120:300, 150:250] = 1.0
    return picture, alpha, place


def test_an_untouched_product_did_not_grow() -> None:
    picture, alpha, place = still()
    assert expansion(picture, alpha, place).area_px == 0
    assert expansion(picture, alpha).area_px == 0


def test_a_longer_neck_is_growth_of_about_its_own_area() -> None:
    picture, alpha, place = still()
    picture[104:120, 185:215] = picture[130, 200]
    found = expansion(picture, alpha, place)
    assert 0.5 * 480 < found.area_px < 1.2 * 480  # the row of the soft edge is left out
    assert found.share == pytest.approx(found.area_px / 18_000, rel=0.01)


def test_a_shadow_at_the_foot_is_no_growth_of_a_dark_product() -> None:
    picture, alpha, place = still((22, 20, 18))
    picture[290:312, 250:285] = (30, 27, 23)  # a tenth of the ground's light
    assert expansion(picture, alpha, place).area_px == 0


def test_a_white_product_on_a_white_wall_did_not_grow() -> None:
    place = np.full((400, 400, 3), 236, np.uint8)
    picture, alpha = place.copy(), np.zeros((400, 400), np.float32)
    picture[120:300, 150:250] = 240
    alpha[120:300, 150:250] = 1.0
    assert expansion(picture, alpha, place).area_px == 0
    assert expansion(picture, alpha).area_px == 0  # it runs on beyond the ring


def line(text: str, height_px: float = 40.0) -> Line:
    return Line(text, 0.95, (0, 0, 100, 40), height_px)


def test_a_label_is_the_same_although_a_sign_is_misread() -> None:
    kept = compare_text([line("THISTLEMERE"), line("Earl Grey")], [line("EarlGrey"), line("THISTLEMERF")], 0.8)
    assert kept.verdict == "same"
    assert kept.lost == ()


def test_a_lost_line_is_told_and_a_small_one_is_not_held_against_it() -> None:
    before = [line("AMBRUNE"), line("facial oil, unscented", 20.0)]
    kept = compare_text(before, [line("NE")], 0.5)
    assert kept.verdict == "differs"
    assert kept.lost == ("AMBRUNE",)
    assert kept.too_small == ("facial oil, unscented",)
    assert compare_text(before[1:], [], 0.5).verdict == "too small"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("walnut table, a woman holding coffee", ("woman",)),
        ("木桌，一个女孩在窗边", ("女孩",)),
        ("Küchentisch mit zwei Kindern", ("Kindern",)),
        ("kitchen without people, hand-thrown bowls", ()),
        ("bathroom shelf with hand soap and face cream", ()),
        ("oak floor in a children's room", ()),
    ],
)
def test_words_that_ask_for_people_are_found(words: str, asked: tuple[str, ...]) -> None:
    assert people_in(words) == asked
    assert people_in(without_people(words)) == ()


@pytest.mark.weights
def test_printed_words_are_read() -> None:
    from models.checks.ocr import Reader

    page = Image.new("RGB", (640, 240), (240, 236, 228))
    font = ImageFont.load_default(48)
    ImageDraw.Draw(page).text((40, 40), "Earl Grey", (30, 30, 30), font=font)
    ImageDraw.Draw(page).text((40, 130), "20 bags", (30, 30, 30), font=font)
    read = [found.text for found in Reader().read(np.asarray(page))]
    assert [text.replace(" ", "") for text in read] == ["EarlGrey", "20bags"]
    assert Reader().read(np.full((200, 300, 3), 200, np.uint8)) == ()


# --- see-through products ----------------------------------------------------------------------------------------


def glass(seed: int = 0) -> tuple[BytePixels, Alpha, BytePixels]:
    """A picture of half-clear glass over a place of noise, its matte, and its own colours."""
    rng = np.random.default_rng(seed)
    own = rng.integers(40, 220, (40, 30, 3), dtype=np.uint8)
    alpha = rng.uniform(0.2, 0.9, (40, 30)).astype(np.float32)
    place = to_linear(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8))
    return to_srgb(over(to_linear(own), alpha, place)), alpha, own


def test_glass_with_any_place_behind_it_is_proved_by_its_own_light() -> None:
    for seed in range(5):
        picture, alpha, own = glass(seed)
        found = compare_through(picture, own, alpha, alpha)
        assert found == Through(1_200, 0)


def test_glass_that_was_painted_over_is_found() -> None:
    picture, alpha, own = glass()
    solid = np.unravel_index(int(np.argmax(alpha)), alpha.shape)
    picture[solid] = 255 - own[solid]

    assert compare_through(picture, own, alpha, alpha).max_out > 5


def test_what_stands_behind_something_is_not_checked() -> None:
    picture, alpha, own = glass()
    assert compare_through(picture, own, alpha, np.zeros_like(alpha)) == Through(0, 0)
