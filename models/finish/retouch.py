"""What a photo retoucher does before anything else: white balance, exposure, dust, straight lines, a clean ground.

Every operation returns new pixels and says in numbers what it did; none is done unasked. Those that touch the
product say so (``Operation.touches_product``), and ``change_inside`` measures by how much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models import pixels
from models.types import Alpha, BytePixels, FloatPixels, JsonValue

GROUND = 0.02  # alpha up to here is ground
SOLID = 0.98  # alpha from here on is product
GAIN = (0.7, 1.4)  # of a channel, white balance
EXPOSURE = (0.5, 2.0)
WHITE_GROUND = 0.90  # linear luminance of a white sweep that is exposed well: 243 of 255
SWEEP = 0.33  # linear luminance from which a plain ground is taken for a white one; darker ones are grey on purpose
CLIPPED = 0.005  # share of the product's pixels that a correction may newly blow out
NEUTRAL_CHROMA = 22.0  # LAB; a ground with more is coloured on purpose
STRAIGHT_DEG = (0.25, 8.0)  # less is not seen, more is meant
DUST_SHARE = 0.012  # of the shorter side: larger spots are things
BLEMISH_SHARE = 0.006
MOST_BLEMISHES = 12  # more of a kind are a glaze, a weave or a print

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that was done, or found not to be needed."""

    name: str
    done: bool
    says: str  # in words
    touches_product: bool = False
    resampled: bool = False
    numbers: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """How far the product's pixels moved, CIE76 Delta E over its solid part."""

    delta_e_mean: float
    delta_e_p95: float
    delta_e_max: float
    changed_share: float  # of the solid pixels


@dataclass(frozen=True, slots=True)
class Step:
    """Pixels after an operation, and what it was. ``alpha`` moves only when the picture is turned."""

    photo: BytePixels
    alpha: Alpha
    operation: Operation


def change_inside(before: BytePixels, after: BytePixels, alpha: Alpha) -> Change:
    """Compare the product's solid pixels; both pictures have the same size."""
    solid = alpha >= SOLID
    if not solid.any():
        return Change(0.0, 0.0, 0.0, 0.0)
    apart = np.sqrt(np.sum((pixels.to_lab(before) - pixels.to_lab(after)) ** 2, axis=-1))[solid]
    changed = np.any(before != after, axis=-1)[solid]
    return Change(float(apart.mean()), float(np.quantile(apart, 0.95)), float(apart.max()), float(np.mean(changed)))


# --- light -------------------------------------------------------------------------------------------------------


def white_balance(photo: BytePixels, alpha: Alpha) -> Step:
    """Make neutral what should be: the ground if it is nearly grey, else the product's brightest greys.

    Gains lie within .7 and 1.4 and keep the luminance. A coloured ground and a product without greys stay as they are.
    """
    white, where = _neutral(photo, alpha)
    if white is None:
        return _nothing(photo, alpha, "white balance", where)
    gains = np.clip(float(_luminance(white)) / np.maximum(white, 1e-4), *GAIN)
    gains = gains / float(_luminance(white * gains) / _luminance(white))
    numbers = {"gains": [round(float(gain), 4) for gain in gains], "by": where}
    if float(np.abs(gains - 1.0).max()) < 0.01:
        return Step(photo, alpha, Operation("white balance", False, "it was neutral already", numbers=numbers))
    balanced = pixels.to_srgb(np.clip(pixels.to_linear(photo) * gains.astype(np.float32), 0.0, 1.0))
    said = f"set by the {where}: " + ", ".join(f"{n} x{g:.2f}" for n, g in zip("RGB", gains, strict=True))
    return Step(balanced, alpha, Operation("white balance", True, said, touches_product=True, numbers=numbers))


def _neutral(photo: BytePixels, alpha: Alpha) -> tuple[Floats | None, str]:
    """(linear colour of what should be grey, what it is); or (None, why there is none)."""
    lab = pixels.to_lab(photo)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    ground = alpha <= GROUND
    if ground.mean() > 0.05:
        light, colour = float(np.median(lab[..., 0][ground])), float(np.median(chroma[ground]))
        if light > 55.0 and colour < NEUTRAL_CHROMA:
            return np.median(pixels.to_linear(photo)[ground], axis=0).astype(np.float64), "ground"
        if light > 35.0 and colour >= NEUTRAL_CHROMA:
            return None, "the ground is coloured, so nothing tells what is white"
    solid = alpha >= SOLID
    if solid.any():
        bright = solid & (lab[..., 0] > np.quantile(lab[..., 0][solid], 0.8)) & (chroma < 14.0) & (lab[..., 0] < 98.0)
        if bright.sum() > 200:
            return np.median(pixels.to_linear(photo)[bright], axis=0).astype(np.float64), "product's own greys"
    return None, "nothing in it is sure to be grey"


def exposure(photo: BytePixels, alpha: Alpha) -> Step:
    """Bring a white sweep to 243, or a product on other grounds into the middle of the scale.

    Never so far that more than .5 % of the product's pixels blow out that did not before.
    """
    linear = pixels.to_linear(photo)
    light = _luminance(linear)
    ground, solid = alpha <= GROUND, alpha >= SOLID
    if not solid.any():
        return _nothing(photo, alpha, "exposure", "no product to expose for")
    on_sweep = ground.mean() > 0.05 and float(np.median(light[ground])) > SWEEP
    if on_sweep:
        wanted, why = WHITE_GROUND / max(float(np.median(light[ground])), 1e-3), "the ground becomes white"
    else:
        middle = float(np.median(light[solid]))
        wanted = float(np.clip(0.18 / max(middle, 1e-3), 0.18 / 0.45, 0.18 / 0.06))
        wanted, why = (wanted, "the product moves to the middle") if not 0.06 < middle < 0.45 else (1.0, "")
    gain = float(np.clip(wanted, *EXPOSURE))
    brightest = linear[solid].max(axis=-1)
    allowed = float(np.mean(brightest >= 0.999)) + CLIPPED
    limit = 0.999 / max(float(np.quantile(brightest, max(0.0, 1.0 - allowed))), 1e-3)
    gain = min(gain, max(1.0, limit)) if gain > 1.0 else gain
    numbers = {"gain": round(gain, 4), "stops": round(float(np.log2(gain)), 3)}
    if abs(gain - 1.0) < 0.02:
        return Step(photo, alpha, Operation("exposure", False, "it was exposed well", numbers=numbers))
    exposed = pixels.to_srgb(np.clip(linear * np.float32(gain), 0.0, 1.0))
    said = f"{np.log2(gain):+.2f} stops: {why}"
    return Step(exposed, alpha, Operation("exposure", True, said, touches_product=True, numbers=numbers))


# --- ground ------------------------------------------------------------------------------------------------------


def remove_dust(photo: BytePixels, alpha: Alpha) -> Step:
    """Take specks off the ground. The product, its soft edge and a margin around it are not touched."""
    side = min(photo.shape[:2])
    free = ndimage.binary_erosion(alpha <= GROUND, iterations=max(3, side // 200))
    spots = _spots(photo, free, DUST_SHARE)
    if not spots.any():
        return _nothing(photo, alpha, "dust", "no speck on the ground")
    cleaned = _mended(photo, spots)
    cleaned[~free] = photo[~free]
    _, n = ndimage.label(spots)
    numbers = {"specks": int(n), "px": int(spots.sum())}
    return Step(cleaned, alpha, Operation("dust", True, f"{n} specks taken off the ground", numbers=numbers))


def clean_ground(photo: BytePixels, alpha: Alpha) -> Step:
    """Smooth creases, noise and stains of the ground and keep its light and the product's shadow.

    What is far from the product is replaced by the ground's own slow part, found without the product's pixels; the
    change fades in over a margin, so that the contact shadow stays as photographed.
    """
    ground = alpha <= GROUND
    if ground.mean() < 0.03:
        return _nothing(photo, alpha, "ground", "the product fills the picture")
    height, width = photo.shape[:2]
    side = min(height, width)
    linear = pixels.to_linear(photo)
    slow = _slow(linear, ground, side / 24)
    away = ndimage.distance_transform_edt(ground).astype(np.float32)
    share = np.clip((away - side * 0.02) / (side * 0.08), 0.0, 1.0)[..., None]
    mixed = pixels.to_srgb(linear * (1.0 - share) + slow * share)
    mixed[~ground] = photo[~ground]
    moved = float(np.abs(mixed.astype(np.int16) - photo)[ground].mean())
    if moved < 0.15:
        return _nothing(photo, alpha, "ground", "it was clean")
    said = f"smoothed, by {moved:.1f} of 255 on average"
    return Step(mixed, alpha, Operation("ground", True, said, numbers={"mean_change": round(moved, 3)}))


def remove_blemishes(photo: BytePixels, alpha: Alpha) -> Step:
    """Take small lone spots off the product itself. Asked for by name only, since it changes what was photographed.

    Spots within texture, lettering or near the outline are left, and so are many of a kind: what is not surely dust
    is the product.
    """
    side = min(photo.shape[:2])
    inside = ndimage.binary_erosion(alpha >= SOLID, iterations=max(4, side // 120))
    spots = _spots(photo, inside, BLEMISH_SHARE) & _calm(photo, side)
    spots = ndimage.binary_dilation(spots, iterations=1) & inside
    labels, n = ndimage.label(spots)
    if n == 0:
        return _nothing(photo, alpha, "blemishes", "no lone spot on the product")
    if n > MOST_BLEMISHES:
        return _nothing(photo, alpha, "blemishes", f"{n} spots: that is the product's own pattern, not dust")
    mended = _mended(photo, spots)
    boxes = [
        [int(box[1].start), int(box[0].start), int(box[1].stop), int(box[0].stop)]
        for box in ndimage.find_objects(labels)[:100]
    ]
    numbers = {"spots": int(n), "px": int(spots.sum()), "boxes_px": boxes}
    said = f"{n} spots taken off the product"
    return Step(mended, alpha, Operation("blemishes", True, said, touches_product=True, numbers=numbers))


def _spots(photo: BytePixels, where: Mask, share: float) -> Mask:
    """Small things that differ from the median around them, inside a mask."""
    side = min(photo.shape[:2])
    size = max(3, int(side * share)) | 1
    smooth = cv2.medianBlur(photo, min(size * 2 + 1, 255))
    apart = np.abs(photo.astype(np.int16) - smooth).max(axis=-1).astype(np.float32)
    if not where.any():
        return np.zeros(where.shape, bool)
    noise = 1.48 * float(np.median(apart[where]))
    found = (apart > max(9.0, 5.0 * noise)) & where
    labels, n = ndimage.label(ndimage.binary_dilation(found, iterations=1))
    if n == 0:
        return np.zeros(where.shape, bool)
    kept = np.zeros(n + 1, bool)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        tall, wide = (part.stop - part.start for part in box)
        kept[number] = max(tall, wide) <= size * 1.6 + 2 and max(tall, wide) <= 3 * min(tall, wide)
    spots: Mask = kept[labels] & where
    return spots


def _calm(photo: BytePixels, side: int) -> Mask:
    """Where the surroundings hold nothing but the spot: no print, no texture, no edge."""
    smooth = cv2.medianBlur(photo, min(max(3, int(side * BLEMISH_SHARE)) * 2 + 1 | 1, 255)).astype(np.float32)
    radius = max(3, int(side * BLEMISH_SHARE * 2))
    mean = cv2.blur(smooth, (2 * radius + 1, 2 * radius + 1))
    spread = cv2.blur((smooth - mean) ** 2, (2 * radius + 1, 2 * radius + 1)).max(axis=-1)
    calm: Mask = np.sqrt(spread) < 6.0
    return calm


def _mended(photo: BytePixels, spots: Mask) -> BytePixels:
    """Spots filled from around them, with the grain that is there."""
    mask = ndimage.binary_dilation(spots, iterations=1).astype(np.uint8)
    filled = cv2.inpaint(np.ascontiguousarray(photo), mask, 3, cv2.INPAINT_TELEA)
    grain = photo.astype(np.float32) - cv2.GaussianBlur(photo, (0, 0), 1.5)
    sigma = 1.48 * float(np.median(np.abs(grain)))
    noise = np.random.default_rng(0).normal(0.0, sigma, photo.shape[:2])[..., None]
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)[..., None] * mask[..., None]
    mixed = photo * (1.0 - soft) + (filled + noise) * soft
    result: BytePixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result


def _slow(linear: FloatPixels, ground: Mask, sigma: float) -> FloatPixels:
    """The ground's slow part everywhere: a wide blur that leaves the product out (normalised convolution)."""
    factor = max(1, int(sigma // 6))  # a wide blur needs no fine grid
    size = (max(8, linear.shape[1] // factor), max(8, linear.shape[0] // factor))
    weight = cv2.resize(ground.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(linear * ground[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    spread = sigma / factor
    near = cv2.GaussianBlur(weight, (0, 0), spread)
    value = cv2.GaussianBlur(small, (0, 0), spread)
    far_weight = cv2.GaussianBlur(weight, (0, 0), spread * 6)
    far = cv2.GaussianBlur(small, (0, 0), spread * 6) / np.maximum(far_weight, 1e-6)[..., None]
    share = np.clip(near * 4.0, 0.0, 1.0)[..., None]
    mixed = value / np.maximum(near, 1e-6)[..., None] * share + far * (1.0 - share)
    grown = cv2.resize(mixed, (linear.shape[1], linear.shape[0]), interpolation=cv2.INTER_CUBIC)
    result: FloatPixels = np.clip(grown, 0.0, 1.0).astype(np.float32)
    return result


# --- lines -------------------------------------------------------------------------------------------------------


def tilt_deg(alpha: Alpha) -> tuple[float, float]:
    """(degrees clockwise that an upright product leans, confidence 0 to 1), by the middle line of its silhouette.

    A product that is not alike left and right (a shoe, a mug with a handle) gives a low confidence.
    """
    mask = alpha >= 0.5
    rows = np.flatnonzero(mask.sum(axis=1) > 3)
    if rows.size < 40:
        return 0.0, 0.0
    rows = rows[int(rows.size * 0.08) : int(rows.size * 0.92)]
    left = np.array([np.argmax(mask[row]) for row in rows], np.float64)
    right = np.array([mask.shape[1] - 1 - np.argmax(mask[row, ::-1]) for row in rows], np.float64)
    lines = []
    for edge in ((left + right) / 2, left, right):
        slope, offset = _robust_line(rows.astype(np.float64), edge)
        rest = float(np.median(np.abs(edge - (slope * rows + offset))))
        lines.append((slope, rest))
    width = float(np.median(right - left)) + 1.0
    middle, rest = lines[0]
    confidence = float(np.clip(1.0 - rest / (0.012 * width + 0.5), 0.0, 1.0))
    (left_slope, left_rest), (right_slope, right_rest) = lines[1:]
    straight = 0.012 * width + 1.0
    if abs(left_slope - right_slope) < 0.02 and left_rest < straight and right_rest < straight:
        return float(-np.degrees(np.arctan((left_slope + right_slope) / 2))), max(confidence, 0.8)
    return float(-np.degrees(np.arctan(middle))), confidence


def straighten(photo: BytePixels, alpha: Alpha) -> Step:
    """Turn the picture so that the product stands upright. Every pixel is resampled once."""
    degrees, confidence = tilt_deg(alpha)
    numbers = {"degrees": round(degrees, 3), "confidence": round(confidence, 3)}
    if confidence < 0.5:
        return Step(
            photo, alpha, Operation("straighten", False, "its sides do not tell what is upright", numbers=numbers)
        )
    if abs(degrees) < STRAIGHT_DEG[0]:
        return Step(photo, alpha, Operation("straighten", False, "it stands straight", numbers=numbers))
    if abs(degrees) > STRAIGHT_DEG[1]:
        said = f"it leans by {degrees:.1f} degrees, which seems meant"
        return Step(photo, alpha, Operation("straighten", False, said, numbers=numbers))
    height, width = alpha.shape
    turn = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
    turned = cv2.warpAffine(photo, turn, (width, height), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    moved = cv2.warpAffine(alpha, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    said = f"turned by {-degrees:+.1f} degrees"
    operation = Operation("straighten", True, said, touches_product=True, resampled=True, numbers=numbers)
    return Step(np.asarray(turned, np.uint8), np.clip(moved, 0.0, 1.0).astype(np.float32), operation)


def _robust_line(x: Floats, y: Floats) -> tuple[float, float]:
    """(slope, offset) by the median of the slopes between far-apart points (Theil-Sen, half of the pairs)."""
    half = x.size // 2
    slopes = (y[half : 2 * half] - y[:half]) / (x[half : 2 * half] - x[:half])
    slope = float(np.median(slopes))
    return slope, float(np.median(y - slope * x))


def _luminance(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    """Relative luminance, ITU-R BT.709."""
    return linear @ np.array([0.2126, 0.7152, 0.0722], linear.dtype)


def _nothing(photo: BytePixels, alpha: Alpha, name: str, why: str) -> Step:
    return Step(photo, alpha, Operation(name, False, why))
