"""A product's image in a shiny ground: mirrored column by column, blurred with height, weighted by Fresnel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.types import Alpha, Camera, FloatPixels

from .shadow import Window

TOO_ROUGH = 0.6  # from here on a reflection cannot be told from the ground's own colour
STILL_SMOOTH = 0.25  # up to here all of the image is seen
MAX_BLUR = 48.0 / 1024.0  # of the picture's longer side
_LEVELS = (0.0, 0.06, 0.18, 0.45, 1.0)  # of the largest blur

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MirrorImage:
    """The reflected product, before the ground's reflectance."""

    colour: FloatPixels  # (h, w, 3) linear light, premultiplied
    cover: Plane  # (h, w) 0 to 1: where it replaces the ground's own shine
    window: Window


def fresnel(camera: Camera, window: Window, roughness: float, base_reflectance: float = 0.04) -> Plane:
    """(h, w) share of light that the ground mirrors towards the camera, from each pixel's own ray.

    Source: Schlick, "An Inexpensive BRDF Model for Physically-based Rendering", 1994, with the roughness limit of
    Fdez-Aguera, 2019.
    """
    u = (np.arange(window.left, window.right, dtype=np.float32) - camera.centre_px[0]) / camera.focal_px[0]
    v = (np.arange(window.top, window.bottom, dtype=np.float32) - camera.centre_px[1]) / camera.focal_px[1]
    up = camera.rotation[:, 2]  # the world's up, seen by the camera
    x, y = u[None, :].astype(np.float32), v[:, None].astype(np.float32)
    towards_up = x * np.float32(up[0]) + y * np.float32(up[1]) + np.float32(up[2])
    cosine = np.clip(-towards_up / np.sqrt(x * x + y * y + np.float32(1.0)), 0.0, 1.0)
    grazing = max(1.0 - roughness, base_reflectance)
    one = 1.0 - cosine
    share = base_reflectance + (grazing - base_reflectance) * one * one * one * one * one
    return np.asarray(share * np.float32(gathered(roughness)), dtype=np.float32)


def gathered(roughness: float) -> float:
    """Share of a mirror image that is still seen as one, 0 to 1: a rough ground spreads the rest over the room."""
    return float(np.clip((TOO_ROUGH - roughness) / (TOO_ROUGH - STILL_SMOOTH), 0.0, 1.0))


def mirror(
    product: FloatPixels,
    alpha: Alpha,
    offset_px: tuple[int, int],
    camera: Camera,
    base_m: tuple[float, float],
    roughness: float,
) -> MirrorImage | None:
    """Turn the product upside down about its own contact with the ground.

    Args:
        product: (h, w, 3) linear light, the product's own rectangle.
        alpha: (h, w) of the same rectangle.
        offset_px: (left, top) of the rectangle in the picture.
        camera: of the picture.
        base_m: centre of the base on the ground, metres.
        roughness: of the ground, 0 to 1.

    Returns:
        The mirror image in the picture, or None when the ground is too rough or nothing of it would be seen.
    """
    solid = alpha > 0.5
    if roughness > TOO_ROUGH or not solid.any():
        return None
    left, top = offset_px
    contact = _contact_rows(solid, top, camera, base_m)
    highest = float(np.flatnonzero(solid.any(axis=1))[0] + top)
    standing = float(camera.project(np.array([*base_m, 0.0]))[1])
    tall = max(standing - highest, 4.0)
    blur = min(0.9 * roughness**2 * tall, MAX_BLUR * max(camera.size_px))
    window = _window(contact, left, tall, blur, camera)
    if window is None:
        return None
    sharp, distance = _flip(product, alpha, (left, top), contact, window, camera, base_m)
    soft = _blur_with_distance(sharp, np.minimum(0.9 * roughness**2 * distance, blur), blur)
    return MirrorImage(np.ascontiguousarray(soft[..., :3]), np.clip(soft[..., 3], 0.0, 1.0), window)


def kept_on(image: MirrorImage, support: Plane | None) -> MirrorImage:
    """The mirror image without what would lie beyond the edge of a podium or table."""
    if support is None:
        return image
    return MirrorImage(image.colour * support[..., None], image.cover * support, image.window)


def reflect(
    diffuse: FloatPixels, specular: FloatPixels, image: MirrorImage, share: Plane, hold: float = 1.0
) -> FloatPixels:
    """Add the ground's shine, with the product's image in its place where it stands.

    Args:
        diffuse: (h, w, 3) scene-linear ground without shine, the mirror image's window.
        specular: (h, w, 3) the ground's own shine.
        image: the mirrored product.
        share: (h, w) from ``fresnel``.
        hold: how much of the ground's own shine the image hides, from ``gathered``.
    """
    shine = specular * (1.0 - hold * image.cover)[..., None] + share[..., None] * image.colour
    return np.asarray(diffuse + shine, dtype=np.float32)


def _contact_rows(solid: NDArray[np.bool_], top: int, camera: Camera, base_m: tuple[float, float]) -> Plane:
    """(w,) row in the picture about which each column is mirrored: its own lowest pixel, or the standing row."""
    standing = float(camera.project(np.array([*base_m, 0.0]))[1])
    rows = solid.shape[0] - np.argmax(solid[::-1], axis=0) - 0.5 + top
    touches = solid.any(axis=0) & (rows >= standing - 0.015 * solid.shape[0])
    return np.where(touches, rows, standing).astype(np.float32)


def _window(contact: Plane, left: int, tall: float, blur: float, camera: Camera) -> Window | None:
    pad = int(8 + 2 * blur)
    width, height = camera.size_px
    first, last = max(left - pad, 0), min(left + len(contact) + pad, width)
    top, bottom = max(int(contact.min()) - pad, 0), min(int(contact.max() + 1.2 * tall) + pad, height)
    return Window(top, bottom, first, last) if bottom - top > 2 and last - first > 2 else None


def _flip(
    product: FloatPixels,
    alpha: Alpha,
    offset_px: tuple[int, int],
    contact: Plane,
    window: Window,
    camera: Camera,
    base_m: tuple[float, float],
) -> tuple[NDArray[np.float32], Plane]:
    """(h, w, 4) premultiplied mirror image without blur, and (h, w) distance in px below the contact."""
    left, top = offset_px
    columns = np.arange(window.left, window.right)
    inside = np.clip(columns - left, 0, len(contact) - 1)
    base = contact[inside][None, :]
    rows = np.arange(window.top, window.bottom, dtype=np.float32)[:, None]
    below = rows - base
    above = _height_above(below, camera, base_m)
    source_row = (base - above - top).astype(np.float32)
    source_row[below < 0] = -10.0
    source_column = np.broadcast_to((columns - left).astype(np.float32)[None, :], source_row.shape)
    premultiplied = np.dstack([product * alpha[..., None], alpha]).astype(np.float32)
    flipped = cv2.remap(
        premultiplied, np.ascontiguousarray(source_column), source_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(flipped, dtype=np.float32), np.maximum(below, 0.0).astype(np.float32)


def _height_above(below: Plane, camera: Camera, base_m: tuple[float, float]) -> Plane:
    """Rows above the contact of the point whose mirror image lies ``below`` rows under it, by projection."""
    reach = float(np.max(below)) + 2.0
    per_px = float(camera.rotation[2] @ np.array([*base_m, 0.0]) + camera.translation[2]) / camera.focal_px[1]
    z = np.linspace(0.0, 3.0 * reach * per_px, 400)
    points = np.stack([np.full_like(z, base_m[0]), np.full_like(z, base_m[1]), z], axis=-1)
    base_row = camera.project(points[0])[1]
    up = base_row - camera.project(points)[:, 1]
    down = camera.project(points * np.array([1.0, 1.0, -1.0]))[:, 1] - base_row
    good = np.isfinite(up) & np.isfinite(down)
    stop = len(z) if good.all() else max(int(np.argmin(good)), 2)
    table = np.interp(np.arange(int(reach) + 3), down[:stop], up[:stop], right=1e6)
    low = np.clip(np.floor(below), 0, len(table) - 2).astype(np.intp)
    part = np.clip(below - low, 0.0, 1.0)
    return np.asarray(table[low] * (1.0 - part) + table[low + 1] * part, dtype=np.float32)


def _blur_with_distance(image: NDArray[np.float32], sigma: Plane, largest: float) -> NDArray[np.float32]:
    """Each pixel between the two of five blurred copies that enclose its own sigma."""
    if largest < 0.35:
        return image
    sigmas = [largest * level for level in _LEVELS]
    copies = [_gaussian(image, s) for s in sigmas]
    result = copies[0].copy()
    for low, high, a, b in zip(sigmas, sigmas[1:], copies, copies[1:], strict=False):
        here = sigma >= low
        part = np.clip((sigma - low) / (high - low), 0.0, 1.0)[..., None]
        result = np.where(here[..., None], a + part * (b - a), result)
    return np.asarray(result, dtype=np.float32)


def _gaussian(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Large blurs are made small first: nobody sees the difference, and they cost a sixteenth."""
    if sigma < 0.3:
        return image
    shrink = 4 if sigma > 10 else 2 if sigma > 4 else 1
    if shrink == 1:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // shrink, 1), max(height // shrink, 1)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
