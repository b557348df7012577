"""Packshot matting on photographs whose matte is known because they were drawn or composed here."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import NoProductFound
from models.matting.edges import closed_form_alpha, foreground_colours, local_ground
from models.matting.packshot import Packshot
from models.types import CutOut

SIZE = 300
WHITE = (236.0, 235.0, 233.0)


def disc_with_eye(size: int = SIZE) -> NDArray[np.float32]:
    """(size, size) coverage of a disc with an off-centre round hole, like a thick ring seen from the front."""
    v, u = np.mgrid[:size, :size] / size - 0.5
    outer = 0.28 - np.hypot(u, v)
    hole = np.hypot(u - 0.17, v) - 0.06
    return np.clip(np.minimum(outer, hole) * size + 0.5, 0.0, 1.0).astype(np.float32)


def photograph(
    alpha: NDArray[np.float32],
    colour: tuple[float, float, float],
    ground: tuple[float, float, float] = WHITE,
    seed: int = 1,
) -> NDArray[np.uint8]:
    """Product over a vignetted ground with a soft shadow below it, one grey level of noise."""
    size = alpha.shape[0]
    v, u = np.mgrid[:size, :size] / size - 0.5
    shade = 1.0 - 0.12 * (u**2 + v**2) - 0.35 * np.exp(-((u / 0.35) ** 2) - ((v - 0.3) / 0.06) ** 2)
    back = np.array(ground) * shade[..., None]
    body = np.array(colour) * (1.0 - 0.5 * u**2 + 0.05 * np.sin(40 * v))[..., None]
    noise = np.random.default_rng(seed).standard_normal((size, size, 1))
    return np.clip(mixed_light(body, alpha, back) + noise + 0.5, 0, 255).astype(np.uint8)


def mixed_light(
    product: NDArray[np.float64], alpha: NDArray[np.float32], ground: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Encoded colours 0 to 255, mixed as a lens does: in linear light. Transfer function of IEC 61966-2-1."""
    a = alpha[..., None]
    linear = [np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4) for v in (product / 255, ground / 255)]
    mixed = a * linear[0] + (1.0 - a) * linear[1]
    return np.asarray(255.0 * np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055))


def overlap(found: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    a, b = found > 0.5, truth > 0.5
    return float((a & b).sum() / (a | b).sum())


@functools.cache
def ring_in(colour: tuple[float, float, float]) -> CutOut:
    return Packshot().cut_out(photograph(disc_with_eye(), colour))


TEAL = (40.0, 110.0, 120.0)
GREY = (190.0, 188.0, 186.0)


@pytest.mark.parametrize("colour", [TEAL, (30.0, 30.0, 32.0), (200.0, 60.0, 40.0)])
def test_a_product_on_white_is_cut_out_to_within_a_hundredth(colour: tuple[float, float, float]) -> None:
    truth = disc_with_eye()
    result = ring_in(colour)
    assert overlap(result.alpha, truth) > 0.985  # one pixel all around would cost .04
    assert np.abs(result.alpha - truth).mean() < 0.004


def test_a_grey_product_in_a_shadow_of_its_own_grey_is_still_found() -> None:
    """Its lower outline fades for a hand's breadth; what lies there cannot be known, the rest can."""
    assert overlap(ring_in(GREY).alpha, disc_with_eye()) > 0.94


def test_the_hole_of_a_handle_stays_open() -> None:
    result = ring_in(TEAL)
    eye = np.hypot(*(np.mgrid[:SIZE, :SIZE] / SIZE - 0.5 - np.array([0.0, 0.17])[:, None, None])) < 0.045
    assert result.alpha[eye].max() < 0.02


def test_a_white_label_inside_the_product_is_no_hole() -> None:
    truth = np.zeros((SIZE, SIZE), np.float32)
    truth[80:220, 100:200] = 1.0
    photo = photograph(truth, (50, 80, 130))
    photo[120:180, 115:185] = 226  # the label
    photo[135:165:6, 125:175] = 60  # its lettering
    result = Packshot().cut_out(photo)
    assert result.alpha[123:177, 118:182].min() > 0.98


def test_the_soft_shadow_is_not_the_product() -> None:
    result = ring_in(TEAL)
    below = slice(round(SIZE * 0.79) + 4, None)
    assert result.alpha[below].max() == 0.0


def test_solid_pixels_of_the_foreground_are_the_photographs() -> None:
    result = ring_in(TEAL)
    photo = result.photo
    solid = result.alpha >= 0.98
    assert solid.sum() > 8_000
    assert np.array_equal(result.foreground[solid], photo[solid])


def test_no_halo_of_the_old_ground_remains_in_the_soft_edge() -> None:
    """On black, a cleaned edge is as dark as the product; a white rim would shine."""
    colour = TEAL
    result = ring_in(colour)
    soft = (result.alpha > 0.3) & (result.alpha < 0.9)
    off = np.abs(result.foreground[soft].astype(float) - np.array(colour)).mean()
    raw = np.abs(result.photo[soft].astype(float) - np.array(colour)).mean()
    assert off < 0.35 * raw


def test_two_things_are_counted_as_two() -> None:
    truth = np.zeros((SIZE, SIZE), np.float32)
    truth[90:210, 45:115] = 1.0
    truth[90:210, 180:250] = 1.0
    assert Packshot().cut_out(photograph(truth, (40, 110, 120))).n_products == 2


def test_the_same_photograph_gives_the_same_matte() -> None:
    first = ring_in(GREY)
    second = Packshot().cut_out(first.photo)
    assert np.array_equal(first.alpha, second.alpha)
    assert first.uncertainty == second.uncertainty


def _landscape() -> NDArray[np.uint8]:
    v = np.linspace(0, 1, 300)[:, None, None] * np.ones((1, 400, 1))
    sky = np.array([120.0, 170.0, 230.0]) * (0.7 + 0.5 * v)
    field = np.array([60.0, 120.0, 40.0]) * (0.6 + 0.5 * v)
    grass = 12 * np.random.default_rng(3).standard_normal((300, 400, 1))
    return np.clip(np.where(v > 0.55, field + grass, sky), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("white", np.full((300, 300, 3), 255, np.uint8)),
        ("black", np.zeros((300, 300, 3), np.uint8)),
        ("noise", np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)),
        ("fine noise", (200 + 6 * np.random.default_rng(1).standard_normal((300, 300, 3))).astype(np.uint8)),
        ("gradient", np.broadcast_to(np.linspace(60, 220, 300)[:, None, None], (300, 300, 3)).astype(np.uint8)),
        ("landscape", _landscape()),
    ],
)
def test_no_product_is_an_answer(name: str, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(NoProductFound):
        Packshot().cut_out(photo)


def test_a_restless_ground_raises_the_uncertainty() -> None:
    calm = ring_in(TEAL)
    pale = ring_in((205.0, 204.0, 202.0))
    assert calm.uncertainty < 0.3  # .18 is the least that the calibration gives
    assert pale.uncertainty > calm.uncertainty


def test_closed_form_alpha_recovers_a_known_ramp() -> None:
    """Two flat colours mixed by a ramp: each window is exactly linear in colour, so the solution is exact."""
    ramp = np.clip((np.arange(60) - 20) / 20.0, 0, 1).astype(np.float32)
    alpha = np.broadcast_to(ramp, (40, 60))
    photo = np.rint(mixed_light(np.array([200.0, 40.0, 60.0]), alpha, np.array([20.0, 90.0, 230.0])))
    trimap = np.where(alpha >= 1.0, 1.0, np.where(alpha <= 0.0, 0.0, 0.5)).astype(np.float32)
    trimap[:, 16:44] = 0.5
    solved = closed_form_alpha(photo.astype(np.uint8), trimap)
    assert np.abs(solved - alpha).max() < 0.02  # colours are rounded to bytes


def test_taking_out_the_ground_inverts_the_mix() -> None:
    alpha = disc_with_eye(120)
    product, ground = np.array([30.0, 60.0, 90.0]), np.array([240.0, 240.0, 240.0])
    photo = np.rint(mixed_light(product, alpha, ground)).astype(np.uint8)
    clean = foreground_colours(photo, alpha, local_ground(photo, alpha))
    soft = (alpha > 0.3) & (alpha < 0.98)
    off = np.abs(clean[soft].astype(float) - product)
    assert off.mean() < 1.5
    assert off.max() <= 12.0  # half a byte of the bright ground is six of this dark product
