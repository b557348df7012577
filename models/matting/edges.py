"""The soft edge of a cut-out: how much of each pixel is product, and in which colour. No weights, any segmentation.

A lens mixes light, not encoded values, so everything here is computed in linear light: alpha is the share of the pixel
that the product covers.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from models import pixels
from models.types import Alpha, BytePixels, FloatPixels

SOLID = 0.98  # from here on the photograph's own pixel is kept
EDGE_LEVELS = (0.015, 0.94)  # a product's pale rim solves to just under 1; measured on rendered photographs
_EPSILON = 1e-5  # of squared linear light; about the noise of a good photograph
_TOLERANCE = 1e-4

Plane = NDArray[np.float32]


def closed_form_alpha(photo: BytePixels, trimap: Plane, *, prior: Plane | None = None, hold: float = 0.0) -> Alpha:
    """Alpha of the unknown pixels such that each 3 x 3 patch is a linear function of colour.

    Only windows that hold an unknown pixel are built, so the cost follows the outline and not the area.

    Args:
        photo: (H, W, 3) sRGB.
        trimap: (H, W) 1 product, 0 ground, anything between is solved for.
        prior: (H, W) what a network believes; the solution is drawn to it with the weight ``hold``.

    Returns:
        (H, W) alpha, 0 to 1.

    Source: Levin, Lischinski, Weiss, "A Closed-Form Solution to Natural Image Matting", 2008.
    """
    unknown = (trimap > 0.0) & (trimap < 1.0)
    alpha = np.where(trimap >= 1.0, np.float32(1.0), np.float32(0.0))
    if not unknown.any() or min(photo.shape[:2]) < 3:
        return alpha
    light = pixels.to_linear(photo)
    pixels_of, entries = _windows(light, unknown)
    size = trimap.size
    index = np.full(size, -1, np.int64)
    wanted = np.flatnonzero(unknown.ravel())
    index[wanted] = np.arange(len(wanted))
    row = np.broadcast_to(pixels_of[:, :, None], entries.shape).ravel()
    column = np.broadcast_to(pixels_of[:, None, :], entries.shape).ravel()
    value = entries.ravel()
    mine = index[row] >= 0
    row, column, value = index[row[mine]], column[mine], value[mine]
    inner = index[column] >= 0
    shape = (len(wanted), len(wanted))
    system = sparse.csr_matrix((value[inner], (row[inner], index[column[inner]])), shape=shape)
    known = alpha.ravel().astype(np.float64)
    pull = value[~inner] * known[column[~inner]]
    right = -np.bincount(row[~inner], pull, minlength=len(wanted)).astype(np.float64)
    start = _guess(light, trimap, unknown) if prior is None else prior[unknown].astype(np.float64)
    if prior is not None and hold > 0.0:
        system = system + sparse.diags(np.full(len(wanted), hold))
        right = right + hold * prior[unknown].astype(np.float64)
    solved = _solve(system, right, start)
    alpha[unknown] = np.clip(solved, 0.0, 1.0)
    return alpha


def local_ground(photo: BytePixels, alpha: Alpha) -> FloatPixels:
    """(H, W, 3) linear light: the old ground's colour around and under the edge, from pixels that are all ground."""
    return _spread(pixels.to_linear(photo), (alpha <= 0.02).astype(np.float32), alpha)


def foreground_colours(photo: BytePixels, alpha: Alpha, ground: FloatPixels) -> BytePixels:
    """The product's own colour in the soft edge, with the old ground taken out.

    Where alpha is at least ``SOLID`` the photograph's pixel comes back untouched. Outside, where nothing of the product
    is left, the colours of the nearest edge are continued, so that resizing pulls no old ground in.

    Args:
        photo: (H, W, 3) sRGB.
        alpha: (H, W).
        ground: (H, W, 3) linear light, from ``local_ground``.
    """
    result = photo.copy()
    soft = (alpha > 0.02) & (alpha < SOLID)
    a = alpha[soft][:, None]
    light = pixels.to_linear(photo)
    taken_out = (light[soft] - (1.0 - a) * ground[soft]) / np.maximum(a, 0.08)
    inner = _spread(light, (alpha >= SOLID).astype(np.float32), alpha)
    trust = np.clip((a - 0.2) / 0.6, 0.0, 1.0)  # a thin trace of product is mostly noise once divided by its alpha
    mixed = trust * np.clip(taken_out, 0.0, 1.0) + (1.0 - trust) * inner[soft]
    result[soft] = pixels.to_srgb(mixed.astype(np.float32))
    outside = (alpha <= 0.02) & (cv2.dilate(alpha, np.ones((9, 9), np.uint8)) > 0.02)
    result[outside] = pixels.to_srgb(inner[outside])
    return result


def _windows(light: FloatPixels, unknown: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(K, 9) pixel numbers and (K, 9, 9) Laplacian entries of every window that touches an unknown pixel."""
    width = unknown.shape[1]
    touched = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    touched[[0, -1]] = False
    touched[:, [0, -1]] = False
    centre = np.flatnonzero(touched.ravel())
    offsets = np.array([dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    pixels_of = centre[:, None] + offsets[None, :]
    colours = light.reshape(-1, 3)[pixels_of].astype(np.float64)
    off = colours - colours.mean(axis=1, keepdims=True)
    covariance = np.einsum("kni,knj->kij", off, off, optimize=True) / 9.0
    inverse = np.linalg.inv(covariance + (_EPSILON / 9.0) * np.eye(3))
    affinity = (1.0 + np.einsum("kni,kij,kmj->knm", off, inverse, off, optimize=True)) / 9.0
    return pixels_of, np.eye(9)[None] - affinity


def _solve(system: sparse.csr_matrix, right: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    diagonal = system.diagonal()
    system = system + sparse.diags(np.full(len(diagonal), 1e-7))
    scale = sparse.diags(1.0 / np.maximum(diagonal, 1e-9))
    solved, _ = linalg.cg(system, right, x0=start, rtol=_TOLERANCE, maxiter=600, M=scale)
    return np.asarray(solved)


def _guess(light: FloatPixels, trimap: Plane, unknown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Where to start: each colour's place on the line between the nearest ground and the nearest product."""
    soft = np.where(unknown, np.float32(0.5), trimap)
    back = _spread(light, (trimap <= 0.0).astype(np.float32), soft)[unknown]
    front = _spread(light, (trimap >= 1.0).astype(np.float32), soft)[unknown]
    line = front - back
    along = ((light[unknown] - back) * line).sum(axis=-1)
    share = along / np.maximum((line * line).sum(axis=-1), 4e-4)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float64)


def _spread(light: FloatPixels, weight: Plane, alpha: Plane) -> FloatPixels:
    """Colours of weighted pixels, continued into the rest by ever wider averages; (H, W, 3) linear light."""
    filled = light.copy()
    rows, columns = np.flatnonzero((alpha > 0.0).any(axis=1)), np.flatnonzero((alpha > 0.0).any(axis=0))
    if len(rows) == 0 or not weight.any():
        return filled
    pad = 24
    cut = (
        slice(max(rows[0] - pad, 0), rows[-1] + pad + 1),
        slice(max(columns[0] - pad, 0), columns[-1] + pad + 1),
    )
    part, known = filled[cut], weight[cut]
    missing = known <= 0.0
    result = part.copy()
    total = part * known[..., None]
    for size in (5, 11, 25, 61, 151):
        if not missing.any():
            break
        share = cv2.blur(known, (size, size))
        colour = cv2.blur(total, (size, size)) / np.maximum(share, 1e-6)[..., None]
        reached = missing & (share > 1e-4)
        result[reached] = colour[reached]
        missing &= ~reached
    filled[cut] = result
    return filled
