"""Uncertainty, glass and hard grounds, on pictures drawn here whose matte is known."""

from __future__ import annotations

import functools
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models import pixels
from models.matting.glass import least_alpha, see_through
from models.matting.packshot import Packshot
from models.matting.refine import without_speckle
from models.matting.sureness import WORDS, Signs, calibration, judged, signs
from models.types import REVIEW_ABOVE, BytePixels, CutOut, Provenance

SIZE = 260
Plane = NDArray[np.float32]


def disc(radius: float = 0.27, at: tuple[float, float] = (0.0, 0.0)) -> Plane:
    v, u = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    return np.clip((radius - np.hypot(u - at[0], v - at[1])) * SIZE + 0.5, 0.0, 1.0).astype(np.float32)


def shown(light: NDArray[np.floating], seed: int = 1) -> BytePixels:
    """Linear light as a photograph with half a grey level of noise."""
    bytes_ = pixels.to_srgb(np.asarray(light, np.float32)).astype(float)
    return (bytes_ + np.random.default_rng(seed).normal(0, 0.5, bytes_.shape)).clip(0, 255).astype(np.uint8)


def on(ground: NDArray[np.floating], alpha: Plane, colour: tuple[float, float, float]) -> BytePixels:
    a = alpha[..., None]
    return shown(a * np.array(colour) + (1.0 - a) * ground)


def iou(found: Plane, truth: Plane) -> float:
    return float(((found > 0.5) & (truth > 0.5)).sum() / ((found > 0.5) | (truth > 0.5)).sum())


PAPER = np.full((SIZE, SIZE, 3), 0.7)
TEAL = (0.02, 0.16, 0.2)


# --- signs -------------------------------------------------------------------------------------------------------


def test_a_sign_can_only_raise_the_uncertainty_and_none_at_all_is_sure() -> None:
    for family in ("packshot", "network"):
        nothing, _ = judged(Signs(), family)
        assert nothing < 0.2
        for field in fields(Signs):
            assert judged(replace(Signs(), **{field.name: 1.0}), family)[0] >= nothing
        everything, reasons = judged(Signs(**{field.name: 1.0 for field in fields(Signs)}), family)
        assert everything > 0.95
        assert set(reasons) <= set(WORDS.values())
        assert len(reasons) >= 3


def test_every_sign_has_its_words_and_the_figures_say_where_they_come_from() -> None:
    assert set(WORDS) == {field.name for field in fields(Signs)}
    table = calibration()
    assert "calibrate_matting" in table["made_by"]
    for family in table["families"].values():
        assert set(family["weights"]) <= set(WORDS)
        assert min(family["weights"].values()) >= 0.0
        assert family["measured"]["photographs"] > 0


def test_a_clean_cut_out_shows_no_sign_and_a_wrong_one_does() -> None:
    alpha = disc()
    photo = on(PAPER, alpha, TEAL)
    clean = signs(photo, alpha)
    assert max(asdict(clean).values()) < 0.2
    half = alpha.copy()
    half[:, SIZE // 2 :] = 0.0
    wrong = signs(photo, half)
    assert wrong.left_out > 0.9
    assert judged(wrong, "packshot")[0] > REVIEW_ABOVE > judged(clean, "packshot")[0]
    assert (
        "something beside the product stands out from the background and was left out" in judged(wrong, "packshot")[1]
    )


def test_running_out_of_the_frame_and_two_opinions_are_signs() -> None:
    cut = disc(0.3, at=(0.38, 0.0))
    assert signs(on(PAPER, cut, TEAL), cut).touching > 0.3
    alpha = disc()
    assert signs(on(PAPER, alpha, TEAL), alpha, other=disc(0.2)).apart == 1.0  # the areas differ by nearly half


def test_what_is_unsure_needs_a_look() -> None:
    photo = np.zeros((4, 4, 3), np.uint8)
    sure = CutOut(photo, np.ones((4, 4), np.float32), photo, REVIEW_ABOVE, 1, Provenance("fake", "drawn", "1"))
    assert not sure.needs_review
    assert replace(sure, uncertainty=REVIEW_ABOVE + 0.01).needs_review


# --- glass -------------------------------------------------------------------------------------------------------


@functools.cache
def tumbler() -> tuple[BytePixels, Plane]:
    """A ring of thick dark glass around a pane that lets nine tenths of the light through, with a highlight."""
    outer, inner = disc(0.30), disc(0.285)
    alpha = 0.9 * (outer - inner) + 0.1 * inner
    photo_light = alpha[..., None] * 0.05 + (1.0 - alpha[..., None]) * PAPER
    photo_light[60:120, 95:101] = 0.98
    alpha[60:120, 95:101] = 0.94  # (.98 - .7) / (1 - .7)
    return shown(photo_light), alpha.astype(np.float32)


def test_clear_glass_lets_another_ground_through() -> None:
    photo, truth = tumbler()
    found = see_through(photo, disc(0.30))
    assert found is not None
    inside = disc(0.26) > 0.99
    assert np.abs(found.alpha - truth)[inside].mean() < 0.05  # noise of half a grey level
    again = pixels.to_srgb(pixels.over(pixels.to_linear(found.foreground), found.alpha, PAPER.astype(np.float32)))
    assert np.abs(again.astype(int) - photo)[disc(0.28) > 0.99].mean() < 3.0  # the noise floor that is taken off


def test_white_bodies_and_coloured_ones_are_no_glass() -> None:
    v, u = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    shading = np.clip(1.05 - 1.6 * (u + 0.1) ** 2 - 0.5 * v, 0.3, 1.2)[..., None]
    alpha = disc()
    porcelain = shown(alpha[..., None] * 0.66 * shading + (1.0 - alpha[..., None]) * PAPER)
    assert see_through(porcelain, alpha) is None
    assert see_through(on(PAPER, alpha, (0.6, 0.45, 0.3)), alpha) is None


def test_the_least_alpha_explains_every_pixel() -> None:
    rng = np.random.default_rng(0)
    light, back = rng.random((40, 40, 3), np.float32), rng.uniform(0.1, 0.9, (40, 40, 3)).astype(np.float32)
    a = np.maximum(least_alpha(light, back), 1e-4)[..., None]
    colour = (light - (1.0 - a) * back) / a
    assert float(colour.min()) > -0.01
    assert float(colour.max()) < 1.01


# --- grounds -----------------------------------------------------------------------------------------------------


def test_a_pool_of_coloured_light_is_still_ground() -> None:
    v, u = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    pool = np.exp(-((u + 0.1) ** 2 + (v + 0.1) ** 2) / 0.06)[..., None]
    ground = pool * np.array([0.42, 0.55, 0.5]) + (1.0 - pool) * np.array([0.22, 0.2, 0.5])
    alpha = disc(0.16, at=(0.1, 0.15))
    assert iou(Packshot().cut_out(on(ground, alpha, (0.5, 0.1, 0.05))).alpha, alpha) > 0.98


def test_ground_between_leaves_is_seen() -> None:
    """Blades like a comb: half of what their outline encloses is ground."""
    truth = np.zeros((SIZE, SIZE), np.float32)
    truth[180:210, 60:204] = 1.0
    for left in range(60, 204, 16):
        truth[70:180, left : left + 7] = 1.0
    truth[66:72, 60:204] = 1.0
    found = Packshot().cut_out(on(PAPER, truth, (0.05, 0.2, 0.04))).alpha
    assert iou(found, truth) > 0.9
    assert float(found[80:170, 69:74].max()) < 0.1


@pytest.mark.parametrize("decided", [True, False])
def test_crumbs_of_a_network_go_and_fine_parts_stay(decided: bool) -> None:
    mask = np.zeros((1024, 1024), np.float32)
    mask[300:700, 300:700] = 1.0
    mask[200:300, 500:505] = 1.0  # a stem
    if not decided:
        rng = np.random.default_rng(2)
        mask[750:950, 100:900] = rng.random((200, 800), np.float32) * (rng.random((200, 800)) < 0.6)
    calm = without_speckle(mask)
    assert float(calm[760:940, 110:890].mean()) < 0.01
    assert float(calm[320:680, 320:680].min()) == 1.0
    if decided:
        assert np.array_equal(calm, mask)
