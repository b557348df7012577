"""A plain ground, predicted behind the product, and how every pixel differs from it. Also the morphology of masks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import pixels
from models.types import BytePixels, FloatPixels

SMALL_PX = 640  # longer side while looking for the product
TINT_NEAR_PRODUCT = 0.35  # a red mug reddens its own contact shadow

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]


# --- the ground --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """What the photograph would be without the product and its shadow."""

    rgb: FloatPixels  # (h, w, 3) linear light
    noise: float  # standard deviation of L* on the border
    inliers: float  # share of the border that follows the fit


def small_copy(photo: BytePixels) -> tuple[BytePixels, float]:
    height, width = photo.shape[:2]
    shrink = max(1.0, max(height, width) / SMALL_PX)
    if shrink == 1.0:
        return photo, 1.0
    size = (max(round(width / shrink), 8), max(round(height / shrink), 8))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), shrink


def fit_ground(small: BytePixels) -> Ground:
    """A smooth surface per channel in the logarithm of light, fitted to the border, then to all that follows it.

    A quadratic does for paper and sweeps. Where much of what the border reaches over no edge departs from it (a pool of
    light, a strong gradient), a quartic is fitted to all of that.
    """
    linear = pixels.to_linear(small)
    log = np.log(np.maximum(linear, 1e-3))
    height, width = log.shape[:2]
    border = _border(height, width)
    lab = pixels.to_lab(small)
    noise = max(_noise(lab[..., 0], border), 0.15)
    predicted = _fitted(log, _terms(height, width, 2), border, border, rounds=4)
    calm = _calm(lab, noise)
    off = largest(np.abs(log - predicted))
    if float(np.mean(off[calm] > 0.06 + 0.02 * noise)) > 0.04:
        freer = _fitted(log, _terms(height, width, 4), calm, border & calm, rounds=7, start=predicted)
        if _follows(log, freer, calm, noise) > _follows(log, predicted, calm, noise) + 0.02:
            predicted = freer
        predicted = predicted + _local_light(log - predicted, calm)
    return Ground(np.exp(predicted).astype(np.float32), noise, _follows(log, predicted, border, noise))


def _local_light(miss: FloatPixels, calm: Mask) -> FloatPixels:
    """What a polynomial cannot follow, averaged over calm neighbours and continued under the product."""
    factor = 4
    size = (max(1, miss.shape[1] // factor), max(1, miss.shape[0] // factor))
    share = cv2.resize(calm.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(miss * calm[..., None], size, interpolation=cv2.INTER_AREA)
    result, known = np.zeros_like(total), np.zeros_like(share)
    for sigma in (0.012, 0.04, 0.12, 0.4):
        wide = sigma * max(size)
        weight = cv2.GaussianBlur(share, (0, 0), wide)
        mean = cv2.GaussianBlur(total, (0, 0), wide) / np.maximum(weight, 1e-4)[..., None]
        trust = np.clip(weight / 0.35, 0.0, 1.0) * (1.0 - known)
        result += trust[..., None] * mean
        known += trust
    return np.asarray(cv2.resize(result, miss.shape[1::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _follows(log: FloatPixels, predicted: FloatPixels, where: Mask, noise: float) -> float:
    """Share of pixels that the surface predicts."""
    off = largest(np.abs(log - predicted)[where])
    return float(np.mean(off < 0.12 + 4.0 * noise / 100.0))


def _noise(lightness: Plane, where: Mask) -> float:
    fine = lightness - cv2.GaussianBlur(lightness, (0, 0), 1.5)
    return 1.4826 * float(np.median(np.abs(fine[where])))


def _calm(lab: FloatPixels, noise: float) -> Mask:
    """What the border reaches without crossing an edge: ground, its gradients and its soft shadows."""
    smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.2), dtype=np.float32)
    line = faint_lines(
        gradient_of(np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.9), dtype=np.float32)), crispness(lab), noise
    )
    passable = (gradient_of(smooth) < max(1.0, 1.6 * noise)) & ~grown(line, 3)
    return shrunk(reached_from_border(shrunk(passable, 5)), 3)


def _terms(height: int, width: int, degree: int) -> Plane:
    """(H, W, N) monomials of place up to ``degree``."""
    v, u = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.stack([u**i * v**j for i, j in powers], axis=-1).astype(np.float32)


def _fitted(
    log: FloatPixels, terms: Plane, start_from: Mask, always: Mask, *, rounds: int, start: FloatPixels | None = None
) -> FloatPixels:
    """The surface that most of ``start_from`` follows, then all pixels near it; ``always`` stays in the fit."""
    n_terms = terms.shape[-1]
    known = start_from.copy()
    predicted = np.zeros_like(log) if start is None else start
    for round_ in range(rounds):
        weights = _robust_weights(log, predicted, known, first=round_ == 0 and start is None)
        rows = np.flatnonzero(known.ravel())
        rows = rows[:: max(1, len(rows) // 6000)]
        if len(rows) < 4 * n_terms:
            break
        a = terms.reshape(-1, n_terms)[rows] * weights.ravel()[rows, None]
        b = log.reshape(-1, 3)[rows] * weights.ravel()[rows, None]
        solution = np.linalg.lstsq(a, b, rcond=None)[0]
        predicted = (terms @ solution).astype(np.float32)
        if round_ >= 1 and start is None:
            known = always | (largest(np.abs(log - predicted)) < 0.03)
    return predicted


def largest(channels: FloatPixels) -> Plane:
    """The largest of three channels; written out, as reducing so short an axis is ten times slower."""
    return np.asarray(np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2]), dtype=np.float32)


def _border(height: int, width: int) -> Mask:
    ring = np.zeros((height, width), dtype=np.bool_)
    edge = max(3, round(0.03 * max(height, width)))
    ring[:edge] = ring[-edge:] = True
    ring[:, :edge] = ring[:, -edge:] = True
    return ring


def _robust_weights(log: FloatPixels, predicted: FloatPixels, known: Mask, *, first: bool) -> Plane:
    """Cauchy weights around the last fit; around the median of the border at first."""
    around = np.median(log[known], axis=0) if first else predicted
    off = largest(np.abs(log - around))
    scale = max(1.4826 * float(np.median(off[known])), 0.004) * (2.5 if first else 1.5)
    return np.asarray(1.0 / (1.0 + (off / scale) ** 2), dtype=np.float32)


# --- what each pixel looks like against it -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """How every pixel differs from the ground, at the small size."""

    flat: BytePixels  # the photograph with the ground divided out
    difference: Plane  # CIELAB distance to the ground
    brightness: Plane  # linear light / ground's linear light
    colour_off: Plane  # how far the channels' ratios lie apart: 0 for any shadow
    gradient: Plane  # CIELAB per px
    crispness: Plane  # gradient / gradient seen through a wider blur: 2 for a product's edge, 1 for a shadow's
    noise: float

    @staticmethod
    def of(small: BytePixels, ground: Ground) -> Look:
        linear = pixels.to_linear(small)
        soft = cv2.GaussianBlur(linear, (0, 0), 0.8) if ground.noise > 1.0 else linear
        ratio = (soft + 0.004) / (ground.rgb + 0.004)
        brightness = ratio @ pixels.LUMA
        colour_off = largest(np.abs(ratio / np.maximum(brightness, 0.02)[..., None] - 1.0))
        lab = pixels.to_lab(small)
        ground_lab = pixels.to_lab(pixels.to_srgb(ground.rgb))
        smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.9), dtype=np.float32)
        difference = np.linalg.norm(smooth - ground_lab, axis=-1)
        flat = pixels.to_srgb(np.clip(linear / np.maximum(ground.rgb, 0.01) * 0.7, 0, 1).astype(np.float32))
        return Look(
            flat=flat,
            difference=difference.astype(np.float32),
            brightness=brightness.astype(np.float32),
            colour_off=colour_off.astype(np.float32),
            gradient=gradient_of(smooth),
            crispness=crispness(lab),
            noise=ground.noise,
        )

    def like_ground(self) -> Mask:
        return self.difference < max(2.2, 3.5 * self.noise)

    def like_shadow(self, tint_allowed: float = 0.1) -> Mask:
        """Darker than the ground, in the ground's own colour; room and product tint deep shadows a little."""
        tint = 0.05 + 0.02 * self.noise + tint_allowed * np.clip(1.0 - self.brightness, 0.0, 1.0)
        return np.asarray((self.brightness > 0.12) & (self.brightness < 1.2) & (self.colour_off < tint))


def faint_lines(gradient: Plane, crisp: Plane, noise: float) -> Mask:
    """Lines that an outline draws even where both sides have nearly one colour, without short scratches.

    A step of one byte in a dark gradient reaches .4 and is no outline.
    """
    line = ((crisp > 1.25) & (gradient > max(0.55, 1.1 * noise))).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(line, connectivity=8)
    extent = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = extent >= 14
    keep[0] = False
    return np.asarray(keep[labels])


def crispness(lab: FloatPixels) -> Plane:
    """A product's edge is about a pixel wide and loses half its slope to a wider blur; a shadow's keeps it."""
    fine = gradient_of(np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.9), dtype=np.float32))
    wide = gradient_of(np.asarray(cv2.GaussianBlur(lab, (0, 0), 2.6), dtype=np.float32))
    return np.asarray(fine / np.maximum(wide, 0.1), dtype=np.float32)


def gradient_of(lab: FloatPixels) -> Plane:
    dx = cv2.Sobel(lab, cv2.CV_32F, 1, 0, ksize=3) / 8.0
    dy = cv2.Sobel(lab, cv2.CV_32F, 0, 1, ksize=3) / 8.0
    steep = dx * dx + dy * dy
    return np.asarray(np.sqrt(steep[..., 0] + steep[..., 1] + steep[..., 2]), dtype=np.float32)


# --- masks ------------------------------------------------------------------------------------------------------------


def grown(mask: Mask, size_px: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((size_px, size_px), np.uint8)), dtype=np.bool_)


def shrunk(mask: Mask, size_px: int) -> Mask:
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((size_px, size_px), np.uint8)), dtype=np.bool_)


def flood(passable: Mask, leak_px: int) -> Mask:
    """What the border reaches through openings more than twice ``leak_px`` wide; a gap in an edge is no way in."""
    size = 2 * leak_px + 1
    return grown(reached_from_border(shrunk(passable, size)), size) & passable


def reached_from_border(passable: Mask) -> Mask:
    """Everything that a walk over passable pixels reaches from the frame."""
    padded = np.pad(passable, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray((labels == labels[0, 0])[1:-1, 1:-1])


def clean(mask: Mask) -> Mask:
    """Without specks: they are noise or dust, unless they are as large as a fiftieth of the main thing."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    kept = cv2.dilate(opened, np.ones((3, 3), np.uint8)).astype(np.bool_) & mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros_like(mask)
    area = stats[1:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(area >= max(0.0004 * mask.size, 0.02 * float(area.max()))) + 1
    return np.asarray(np.isin(labels, large))


def fill(mask: Mask) -> Mask:
    return ~reached_from_border(~mask)
