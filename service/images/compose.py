"""Sets a cut-out product into a place: the ground answers to the product, the product stays what it is.

The order matters. The ground is shaded in linear light, goes through the place's own display curve, gets its grain, and
only then are the photograph's pixels laid in; no later step touches them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import pixels
from models.finish import reflection, relight, shadow, volume
from models.types import Alpha, Backdrop, BytePixels, Camera, CutOut, FloatPixels

from .placement import Box, Placement

SOLID = 0.98  # from here on a pixel is the product and nothing else


@dataclass(frozen=True, slots=True)
class Composition:
    """A picture with the product standing in it."""

    pixels: BytePixels  # (H, W, 3) sRGB
    product_box_px: Box  # left, top, right, bottom
    product_alpha: Alpha  # (H, W) 0 to 1
    product_pixels: BytePixels  # (h, w, 3): the resized photograph, of which the solid part was laid in as it is
    stages: dict[str, float] = field(default_factory=dict)  # CPU-seconds
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LaidProduct:
    """The photograph at its final size, before it meets the place."""

    photo: BytePixels  # (h, w, 3) the one resize of the original
    edge: BytePixels  # (h, w, 3) the same without the old ground's colour, for the soft edge only
    alpha: Alpha  # (h, w) snapped: 1 is photograph, 0 is place
    box: Box


@dataclass(frozen=True, slots=True)
class _Frame:
    """The place, re-framed to the finished picture."""

    linear: FloatPixels
    key_share: FloatPixels
    specular: FloatPixels
    camera: Camera


def compose(cut_out: CutOut, backdrop: Backdrop, placement: Placement, *, seed: int) -> Composition:
    """Set a product into a place.

    Where the product's resized alpha is at least .98 the result equals ``pixels.resize_photo`` of the photograph, byte
    for byte. The same arguments give the same bytes.

    Args:
        cut_out: the product.
        backdrop: the place at its own size.
        placement: from ``placement.place`` for this very product and place.
        seed: of the grain.
    """
    clock = _Clock()
    notes = list(placement.notes)
    with clock.stage("reframe"):
        frame = _reframe(backdrop, placement)
    with clock.stage("resize product"):
        product = lay_product(cut_out, placement)
    with clock.stage("white balance"):
        balance = relight.balance(product.photo, product.alpha, backdrop.ball_rgb)
        if relight.is_too_dark_for(backdrop.ball_rgb, balance.product_white):
            notes.append("the place is much darker than the light on the product")
        frame = _balanced(frame, balance.gain)
    alpha = _on_frame(product, placement.size_px)
    with clock.stage("volume"):
        body = volume.from_silhouette(alpha, frame.camera, placement.base_m, height_m=placement.height_m)
    ground = frame.linear
    if body is None:
        notes.append("no ground contact on the picture: no shadow drawn")
    else:
        ground = _ground(frame, backdrop, product, body, clock)
    with clock.stage("display curve"):
        picture = pixels.encode(ground, backdrop.curve)
    with clock.stage("grain"):
        picture = relight.lay_grain(picture, relight.grain_sigma(product.photo, product.alpha), seed)
    with clock.stage("lay product"):
        picture = _lay_in(picture, product)
    return Composition(picture, product.box, alpha, product.photo, clock.seconds, tuple(notes))


def lay_product(cut_out: CutOut, placement: Placement) -> LaidProduct:
    """The photograph and its soft edge at final size. The receipt calls this too."""
    left, top, right, bottom = placement.product_box
    size = (right - left, bottom - top)
    photo = pixels.resize_photo(cut_out.photo, size, placement.photo_box)
    alpha = np.rint(np.clip(cut_out.alpha, 0.0, 1.0) * 255.0).astype(np.uint8)
    cut = _pixel_box(placement.photo_box, alpha.shape)
    layered = Image.fromarray(np.dstack([cut_out.foreground, alpha])[cut[1] : cut[3], cut[0] : cut[2]])
    x0, y0, x1, y1 = placement.photo_box
    box = (x0 - cut[0], y0 - cut[1], x1 - cut[0], y1 - cut[1])
    soft = np.asarray(layered.resize(size, Image.Resampling.LANCZOS, box=box))  # premultiplied inside
    snapped = soft[..., 3].astype(np.float32) / np.float32(255.0)
    snapped[snapped >= SOLID] = 1.0
    snapped[snapped <= 1.0 - SOLID] = 0.0
    return LaidProduct(photo, np.ascontiguousarray(soft[..., :3]), snapped, placement.product_box)


class _Clock:
    """CPU-seconds per stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start


def _pixel_box(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> Box:
    """Whole pixels around a box, with room for the resampling filter."""
    reach = 4 + int(3 * max(1.0, (box[2] - box[0]) / 64))
    left, top = max(int(box[0]) - reach, 0), max(int(box[1]) - reach, 0)
    return left, top, min(int(box[2]) + reach + 1, shape[1]), min(int(box[3]) + reach + 1, shape[0])


def _reframe(backdrop: Backdrop, placement: Placement) -> _Frame:
    size, crop = placement.size_px, placement.crop
    linear, share, shine = (
        pixels.crop_resize(layer, crop, size) for layer in (backdrop.linear, backdrop.key_share, backdrop.specular)
    )
    return _Frame(linear, np.minimum(share, 1.0), np.minimum(shine, linear), backdrop.camera.reframed(crop, size))


def _balanced(frame: _Frame, gain: tuple[float, float, float]) -> _Frame:
    linear = relight.apply_gain(frame.linear, gain)
    return _Frame(linear, frame.key_share, relight.apply_gain(frame.specular, gain), frame.camera)


def _on_frame(product: LaidProduct, size_px: tuple[int, int]) -> Alpha:
    left, top, right, bottom = product.box
    alpha = np.zeros((size_px[1], size_px[0]), np.float32)
    alpha[top:bottom, left:right] = product.alpha
    return alpha


def _ground(frame: _Frame, backdrop: Backdrop, product: LaidProduct, body: volume.Volume, clock: _Clock) -> FloatPixels:
    """The place with the product's shadow, occlusion, bounce and reflection, without the product."""
    with clock.stage("key visibility"):
        key = shadow.key_visibility(body, backdrop.key, backdrop.support_m)
    with clock.stage("ambient visibility"):
        sky = shadow.ambient_visibility(body, backdrop.support_m)
    with clock.stage("inverse curve"):
        light = backdrop.curve.to_linear(product.photo.astype(np.float32) / np.float32(255.0))
    mirrored = None
    with clock.stage("reflection"):
        offset = (product.box[0], product.box[1])
        mirrored = reflection.mirror(light, product.alpha, offset, frame.camera, body.base_m, backdrop.roughness)
    window = shadow.window_of(sky, frame.camera)
    cast = shadow.window_of(key, frame.camera)
    window = cast.joined(window) if cast is not None else window
    if window is None:
        return frame.linear
    if mirrored is not None:
        window = window.joined(mirrored.window)
    ground = frame.linear.copy()
    here = window.slices
    with clock.stage("warp"):
        key_seen = shadow.to_picture(key, frame.camera, window)
        sky_seen = shadow.to_picture(sky, frame.camera, window)
    with clock.stage("shade"):
        shine = frame.specular[here]
        diffuse = shadow.shade(
            frame.linear[here], frame.key_share[here], shine, key_seen, sky_seen, _mean(light, product)
        )
        ground[here] = diffuse + shine
    if mirrored is not None:
        with clock.stage("reflection"):
            inner = mirrored.window.slices
            support = shadow.support_in_picture(backdrop.support_m, frame.camera, mirrored.window)
            mirrored = reflection.kept_on(mirrored, support)
            share = reflection.fresnel(frame.camera, mirrored.window, backdrop.roughness, backdrop.base_reflectance)
            matte = ground[inner] - frame.specular[inner]
            ground[inner] = reflection.reflect(matte, frame.specular[inner], mirrored, share)
    return ground


def _mean(light: FloatPixels, product: LaidProduct) -> NDArray[np.float32]:
    """(3,) mean colour of the solid product, linear light."""
    step = max(1, min(light.shape[:2]) // 200)
    solid = product.alpha[::step, ::step] >= 1.0
    if not solid.any():
        return np.zeros(3, np.float32)
    return np.asarray(light[::step, ::step][solid].mean(axis=0), dtype=np.float32)


def _lay_in(picture: BytePixels, product: LaidProduct) -> BytePixels:
    """The photograph where it is solid, a blend of light in its soft edge, the place elsewhere."""
    left, top, right, bottom = product.box
    result = picture.copy()
    there = result[top:bottom, left:right]
    soft = (product.alpha > 0.0) & (product.alpha < 1.0)
    mixed = pixels.over(pixels.to_linear(product.edge[soft]), product.alpha[soft], pixels.to_linear(there[soft]))
    there[soft] = pixels.to_srgb(mixed)
    solid = product.alpha >= 1.0
    there[solid] = product.photo[solid]
    return result
