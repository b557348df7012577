"""Moves the place towards the product: white balance, grain. The product itself only when that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models import pixels
from models.types import Alpha, BytePixels, FloatPixels

BALANCE_STRENGTH = 0.6  # of the way; the room keeps some of its own mood
MAX_CHROMA = 14.0  # CIELAB: paler than this may be white or grey
OWN_COLOUR = 8.0  # CIELAB chroma from which on a product has a colour of its own
FAR_FROM_DAYLIGHT = 0.012  # u'v' distance beyond which "white" is rather a colour
GRAIN_BLUR = 0.6  # px; sensor noise is never finer after demosaicing and resizing
MAX_GRAIN = 1.8  # of 255; beyond this it is texture, not noise
RELIT_BOUND = 10.0  # CIE76: farther, and it is another product
RELIT_EXPOSURE = (0.6, 1.25)  # how much darker or brighter a product may be made
MAX_GAIN = 1.2  # of one channel; a cream mug is no reason to paint a room yellow
_TILE = 12  # px

# CIE xy of a filament lamp, 3500 K, 4000 K, D50, D55, D65, D75 and 10000 K daylight. Source: CIE 15.
_DAYLIGHT_XY = np.array(
    [
        [0.4476, 0.4074],
        [0.4053, 0.3907],
        [0.3805, 0.3768],
        [0.3457, 0.3585],
        [0.3324, 0.3474],
        [0.3127, 0.3290],
        [0.2990, 0.3149],
        [0.2788, 0.2920],
    ]
)
_RGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@dataclass(frozen=True, slots=True)
class Balance:
    """What was done to the place's colours."""

    gain: tuple[float, float, float]  # multiplies scene-linear colours; mean 1
    product_white: (
        tuple[float, float, float] | None
    )  # linear colour of the product's neutral highlights, None: none found


def neutral_white(product: BytePixels, alpha: Alpha) -> NDArray[np.float64] | None:
    """Mean linear colour of the product's brightest pale pixels, None when it has none or they are no daylight.

    Args:
        product: (H, W, 3) sRGB.
        alpha: (H, W).
    """
    step = max(1, int(np.sqrt(product.shape[0] * product.shape[1] / 90_000)))
    rgb, solid = product[::step, ::step], alpha[::step, ::step] > 0.98
    if solid.sum() < 50:
        return None
    lab = pixels.to_lab(rgb)[solid]
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    bright = (lab[:, 0] >= np.percentile(lab[:, 0], 80)) & (lab[:, 0] < 98.5) & (chroma < MAX_CHROMA)
    if bright.sum() < max(20, 0.004 * len(lab)) or float(lab[bright, 0].mean()) < 60.0:
        return None
    white: NDArray[np.float64] = pixels.to_linear(rgb)[solid][bright].mean(axis=0).astype(np.float64)
    if daylight_distance(white) > FAR_FROM_DAYLIGHT or _is_paint(lab, bright):
        return None
    return white


def _is_paint(lab: NDArray[np.float32], bright: NDArray[np.bool_]) -> bool:
    """True when the "white" is a highlight on the product's own colour: a green mug's gloss is greenish."""
    rest = lab[~bright]
    if len(rest) < 50:
        return False
    a, b = lab[bright, 1:].mean(axis=0), rest[:, 1:].mean(axis=0)
    own = float(np.hypot(*b))
    if own < OWN_COLOUR or float(np.hypot(*a)) < 2.0:
        return False
    return float(a @ b) / (float(np.hypot(*a)) * own) > 0.7  # hues within 45 degrees


def daylight_distance(rgb: NDArray[np.float64]) -> float:
    """How far a linear colour lies from the daylight and filament axis, in u'v'."""
    own = _uv(_xy(rgb))
    line = _uv(_DAYLIGHT_XY)
    a, b = line[:-1], line[1:]
    along = np.clip(((own - a) * (b - a)).sum(-1) / ((b - a) ** 2).sum(-1), 0.0, 1.0)[:, None]
    return float(np.linalg.norm(own - (a + along * (b - a)), axis=-1).min())


def balance(
    product: BytePixels, alpha: Alpha, ball_rgb: tuple[float, float, float], strength: float = BALANCE_STRENGTH
) -> Balance:
    """The gain that moves the place's light towards the light the product was photographed in. Exposure stays."""
    white = neutral_white(product, alpha)
    ball = np.maximum(np.asarray(ball_rgb, dtype=np.float64), 1e-6)
    if white is None:
        return Balance((1.0, 1.0, 1.0), None)
    wanted = (white / white.mean()) / (ball / ball.mean())
    gain = np.clip(wanted**strength, 1.0 / MAX_GAIN, MAX_GAIN)
    gain = gain / float(gain @ pixels.LUMA)  # brightness stays what it was
    return Balance(
        (float(gain[0]), float(gain[1]), float(gain[2])), (float(white[0]), float(white[1]), float(white[2]))
    )


def is_too_dark_for(ball_rgb: tuple[float, float, float], white: tuple[float, float, float] | None) -> bool:
    """True when the place gives under half the light that the product was photographed in."""
    return white is not None and float(np.mean(ball_rgb)) < 0.5 * float(np.mean(white))


def grain_sigma(product: BytePixels, alpha: Alpha) -> float:
    """Standard deviation of the noise inside the product, 0 to ``MAX_GRAIN`` of 255. Robust against texture."""
    inside = cv2.erode((alpha > 0.98).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    if inside.sum() < 400:
        return 0.0
    return min(_calm_deviation(pixels.luma(product), inside), MAX_GRAIN)


def _calm_deviation(grey: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Noise of the calmest tiles: brushed metal and linen are restless, but not everywhere."""
    rest = grey - cv2.GaussianBlur(grey, (0, 0), 2.0)
    height, width = (side // _TILE * _TILE for side in grey.shape)
    tiles = _tiled(rest[:height, :width])
    whole = _tiled(inside[:height, :width]).all(axis=1)
    if whole.sum() < 12:  # too small to tell noise from print
        return 0.0
    spread = np.sort(tiles[whole].std(axis=1))
    calmest, calm = float(spread[: max(3, len(spread) // 20)].mean()), float(np.percentile(spread, 15))
    return calm if calm < 1.6 * calmest else calmest  # noise is everywhere alike; print and fabric are not


def _tiled(plane: NDArray[Any]) -> NDArray[Any]:
    rows, columns = plane.shape[0] // _TILE, plane.shape[1] // _TILE
    return plane.reshape(rows, _TILE, columns, _TILE).swapaxes(1, 2).reshape(rows * columns, _TILE * _TILE)


def _fine_deviation(grey: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Robust standard deviation of what is finer than 2 px."""
    rest = (grey - cv2.GaussianBlur(grey, (0, 0), 2.0))[inside]
    return 1.4826 * float(np.median(np.abs(rest - np.median(rest))))


def lay_grain(picture: BytePixels, sigma: float, seed: int) -> BytePixels:
    """Monochrome film grain over a whole picture, so that ``grain_sigma`` would measure the same there.

    The product is composited afterwards and keeps its own.
    """
    if sigma < 0.35:
        return picture
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.standard_normal(picture.shape[:2], dtype=np.float32), (0, 0), GRAIN_BLUR)
    tile = np.asarray(noise[:160, :160], dtype=np.float32)
    gain = sigma / max(_fine_deviation(tile, np.ones(tile.shape, np.bool_)), 1e-6)
    grained = picture.astype(np.float32) + (noise * np.float32(gain))[..., None]
    return np.asarray(np.clip(grained + 0.5, 0.0, 255.0)).astype(np.uint8)


def apply_gain(linear: FloatPixels, gain: tuple[float, float, float]) -> FloatPixels:
    """Multiply each channel; the same array when the gain changes nothing."""
    if max(abs(g - 1.0) for g in gain) < 1e-3:
        return linear
    return np.asarray(linear * np.asarray(gain, dtype=np.float32), dtype=np.float32)


def _xy(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    xyz = _RGB_TO_XYZ @ np.asarray(rgb, dtype=np.float64)
    return np.asarray(xyz[:2] / max(float(xyz.sum()), 1e-9))


def _uv(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = xy[..., 0], xy[..., 1]
    below = -2.0 * x + 12.0 * y + 3.0
    return np.stack([4.0 * x / below, 9.0 * y / below], axis=-1)


@dataclass(frozen=True, slots=True)
class Relight:
    """What was done to the product's colours, because it was asked for."""

    gain: tuple[float, float, float]  # multiplies the photograph's linear colours
    delta_e_p95: float  # CIE76, over the solid product
    share: float  # of the way to the place's light, 0 to 1; less where the bound came first


def product_gain(
    product: BytePixels,
    alpha: Alpha,
    ball_rgb: tuple[float, float, float],
    place_gain: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    bound: float = RELIT_BOUND,
) -> Relight:
    """The gain that gives the product the place's light, as far as the bound on its colour change lets it go.

    Args:
        product: (H, W, 3) sRGB.
        alpha: (H, W).
        ball_rgb: linear colour of a white ball (albedo .8) in the place.
        place_gain: what the place's own colours were multiplied with before.
        bound: 95th percentile of CIE76 over the solid product.
    """
    step = max(1, int(np.sqrt(product.shape[0] * product.shape[1] / 90_000)))
    solid = product[::step, ::step][alpha[::step, ::step] > 0.98]
    if len(solid) < 50:
        return Relight((1.0, 1.0, 1.0), 0.0, 0.0)
    white = neutral_white(product, alpha)
    white = np.full(3, 0.8) if white is None else white  # a packshot's light is taken for neutral
    ball = np.maximum(np.asarray(ball_rgb, np.float64) * np.asarray(place_gain), 1e-6) / 0.8
    colour = np.clip((ball / ball.mean()) / (white / white.mean()), 1.0 / MAX_GAIN, MAX_GAIN)
    wanted = colour * float(np.clip(ball.mean() / max(white.mean(), 0.5), *RELIT_EXPOSURE))
    before, linear = pixels.to_lab(solid[None]), pixels.to_linear(solid[None])
    for share in (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1):
        gain = wanted**share
        after = pixels.to_srgb(np.clip(linear * gain.astype(np.float32), 0.0, 1.0))
        moved = float(np.quantile(np.linalg.norm(pixels.to_lab(after) - before, axis=-1), 0.95))
        if moved <= bound:
            return Relight((float(gain[0]), float(gain[1]), float(gain[2])), moved, share)
    return Relight((1.0, 1.0, 1.0), 0.0, 0.0)


def relit(picture: BytePixels, gain: tuple[float, float, float]) -> BytePixels:
    """The picture in another light; the same array when the gain changes nothing."""
    if max(abs(g - 1.0) for g in gain) < 1e-3:
        return picture
    return pixels.to_srgb(np.clip(apply_gain(pixels.to_linear(picture), gain), 0.0, 1.0))
