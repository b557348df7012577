"""Sets cut-out products into a place: the ground answers to them, the products stay what they are.

The order matters. The ground is shaded in linear light, goes through the place's own display curve, gets its sharpness
and its grain, and only then are the photographs' pixels laid in; no later step touches them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import pixels
from models.finish import reflection, relight, shadow, sharpness, volume
from models.types import Alpha, Backdrop, BytePixels, Camera, CutOut, FloatPixels

from .placement import Box, Placement

BRIGHTEST = 0.93  # of the display: beyond it a photograph is clipped, and the curve would make a lamp of it
SOLID = 0.98  # from here on a pixel is the product and nothing else


@dataclass(frozen=True, slots=True)
class Body:
    """What a product is made of, as far as its shadow needs to know."""

    passes: float = 0.0  # share of the light that goes through it: 0 is opaque, clear glass some .55


OPAQUE = Body()


@dataclass(frozen=True, slots=True)
class Part:
    """One of the products in a picture, as a receipt has to check it."""

    placement: Placement
    box: Box  # left, top, right, bottom in the picture
    alpha: Alpha  # (h, w) its own, snapped: 1 is photograph, 0 is place
    shows: Alpha  # (h, w) the same, 0 wherever another product stands in front
    photo: BytePixels  # (h, w, 3) the one resize of its photograph; laid in as it is where ``shows`` is 1


@dataclass(frozen=True, slots=True)
class Composition:
    """A picture with one or more products standing in it."""

    pixels: BytePixels  # (H, W, 3) sRGB
    product_box_px: Box  # left, top, right, bottom, around all products
    product_alpha: Alpha  # (H, W) 0 to 1, of all products
    product_pixels: BytePixels  # (h, w, 3): the first product's resized photograph
    stages: dict[str, float] = field(default_factory=dict)  # CPU-seconds
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()  # in the order in which the products were given


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


@dataclass(frozen=True, slots=True)
class _Standing:
    """One product with everything that the ground wants to know of it."""

    product: LaidProduct
    light: FloatPixels  # (h, w, 3) its colours through the place's inverse curve
    body: volume.Volume
    passes: NDArray[np.float32] | None  # (3,) colour of the light behind it, None: opaque


def compose(
    cut_out: CutOut,
    backdrop: Backdrop,
    placement: Placement,
    *,
    seed: int,
    body: Body = OPAQUE,
    match_light: bool = True,
    relights: bool = False,
) -> Composition:
    """Set one product into a place. See ``compose_set``."""
    return compose_set([(cut_out, placement, body)], backdrop, seed=seed, match_light=match_light, relights=relights)


def compose_set(
    products: Sequence[tuple[CutOut, Placement, Body]],
    backdrop: Backdrop,
    *,
    seed: int,
    match_light: bool = True,
    relights: bool = False,
) -> Composition:
    """Set products into one place, those farther away first.

    Where a product's resized alpha is at least .98 and none stands in front of it, the result equals
    ``pixels.resize_photo`` of its photograph, byte for byte. The same arguments give the same bytes.

    Args:
        products: each with its placement, all from the same crop of the same place.
        backdrop: the place at its own size.
        seed: of the grain.
        match_light: move the place's white balance, grain and sharpness towards the first product's.
        relights: give the products the place's light, within a bound. They are no longer as photographed, and the
            receipt must say so.
    """
    clock = _Clock()
    placements = [placement for _, placement, _ in products]
    _check_same_frame(placements)
    notes = list(dict.fromkeys(note for placement in placements for note in placement.notes))
    with clock.stage("reframe"):
        frame = _reframe(backdrop, placements[0])
    with clock.stage("resize product"):
        laid = [lay_product(cut_out, placement) for cut_out, placement, _ in products]
    if match_light:
        with clock.stage("white balance"):
            balance = relight.balance(laid[0].photo, laid[0].alpha, backdrop.ball_rgb)
            frame = _balanced(frame, balance.gain)
            if relight.is_too_dark_for(backdrop.ball_rgb, balance.product_white):
                notes.append("the place is much darker than the light on the product")
    if relights:
        with clock.stage("relight"):
            gain = balance.gain if match_light else (1.0, 1.0, 1.0)
            laid = [_in_light(product, backdrop, gain) for product in laid]
    size = placements[0].size_px
    standing = []
    with clock.stage("volume"):
        shown = np.arange(256, dtype=np.float32) / np.float32(255.0)
        table = backdrop.curve.to_linear(np.minimum(shown, np.float32(BRIGHTEST)))
        for product, (_, placement, made_of) in zip(laid, products, strict=True):
            alpha = _on_frame(product, size)
            body = volume.from_silhouette(alpha, frame.camera, placement.base_m, height_m=placement.height_m)
            if body is None:
                notes.append("no ground contact on the picture: no shadow drawn")
                continue
            light = table[product.photo]
            passes = shadow.light_through(light, product.alpha, made_of.passes) if made_of.passes > 0 else None
            standing.append(_Standing(product, light, body, passes))
    ground = _ground(frame, backdrop, standing, clock) if standing else frame.linear
    with clock.stage("display curve"):
        picture = pixels.encode(ground, backdrop.curve)
    if match_light:
        with clock.stage("sharpness"):
            picture = sharpness.match(picture, _whole_alpha(laid, size), laid[0].photo, laid[0].alpha)
        with clock.stage("grain"):
            picture = relight.lay_grain(picture, relight.grain_sigma(laid[0].photo, laid[0].alpha), seed)
    with clock.stage("lay product"):
        picture = picture.copy()
        for k in depth_order(placements):
            lay_in(picture, laid[k])
        parts = visible_parts(laid, placements)
    return Composition(
        picture, _around(laid), _whole_alpha(laid, size), laid[0].photo, clock.seconds, tuple(notes), parts
    )


def depth_order(placements: Sequence[Placement]) -> list[int]:
    """Indices from the farthest product to the nearest; equally far, the one that ends higher in the picture first."""
    return sorted(range(len(placements)), key=lambda k: (-placements[k].base_m[1], placements[k].product_box[3], k))


def visible_parts(laid: Sequence[LaidProduct], placements: Sequence[Placement]) -> tuple[Part, ...]:
    """What each product still shows beside those in front of it. The receipt can call this with ``lay_product``'s."""
    order = depth_order(placements)
    parts: dict[int, Part] = {}
    for rank, k in enumerate(order):
        product, shows = laid[k], laid[k].alpha.copy()
        for nearer in (laid[j] for j in order[rank + 1 :]):
            left, top = max(product.box[0], nearer.box[0]), max(product.box[1], nearer.box[1])
            right, bottom = min(product.box[2], nearer.box[2]), min(product.box[3], nearer.box[3])
            if left < right and top < bottom:
                theirs = nearer.alpha[
                    top - nearer.box[1] : bottom - nearer.box[1], left - nearer.box[0] : right - nearer.box[0]
                ]
                x, y = product.box[0], product.box[1]
                shows[top - y : bottom - y, left - x : right - x][theirs > 0.0] = 0.0
        parts[k] = Part(placements[k], product.box, product.alpha, shows, product.photo)
    return tuple(parts[k] for k in range(len(laid)))


def lay_product(cut_out: CutOut, placement: Placement) -> LaidProduct:
    """The photograph and its soft edge at final size. The receipt calls this too."""
    left, top, right, bottom = placement.product_box
    size = (right - left, bottom - top)
    photo = pixels.resize_photo(cut_out.photo, size, placement.photo_box)
    cut = _pixel_box(placement.photo_box, cut_out.alpha.shape)
    here = np.s_[cut[1] : cut[3], cut[0] : cut[2]]
    layers = np.empty((*cut_out.alpha[here].shape, 4), np.uint8)
    layers[..., :3] = cut_out.foreground[here]
    layers[..., 3] = np.rint(np.clip(cut_out.alpha[here], 0.0, 1.0) * 255.0)
    layered = Image.fromarray(layers)
    x0, y0, x1, y1 = placement.photo_box
    box = (x0 - cut[0], y0 - cut[1], x1 - cut[0], y1 - cut[1])
    soft = np.asarray(layered.resize(size, Image.Resampling.LANCZOS, box=box))  # premultiplied inside
    snapped = soft[..., 3].astype(np.float32) / np.float32(255.0)
    snapped[snapped >= SOLID] = 1.0
    snapped[snapped <= 1.0 - SOLID] = 0.0
    return LaidProduct(photo, np.ascontiguousarray(soft[..., :3]), snapped, placement.product_box)


def _in_light(product: LaidProduct, backdrop: Backdrop, place_gain: tuple[float, float, float]) -> LaidProduct:
    """The product in the place's light."""
    gain = relight.product_gain(product.photo, product.alpha, backdrop.ball_rgb, place_gain).gain
    return replace(product, photo=relight.relit(product.photo, gain), edge=relight.relit(product.edge, gain))


class _Clock:
    """CPU-seconds per stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.thread_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.thread_time() - start


def _check_same_frame(placements: Sequence[Placement]) -> None:
    if not placements:
        raise ValueError("nothing to compose")
    if any((p.size_px, p.crop) != (placements[0].size_px, placements[0].crop) for p in placements):
        raise ValueError("products of one picture need placements with one size and one crop")


def _pixel_box(box: tuple[float, float, float, float], shape: tuple[int, ...]) -> Box:
    """Whole pixels around a box, with room for the resampling filter."""
    reach = 4 + int(3 * max(1.0, (box[2] - box[0]) / 64))
    left, top = max(int(box[0]) - reach, 0), max(int(box[1]) - reach, 0)
    return left, top, min(int(box[2]) + reach + 1, shape[1]), min(int(box[3]) + reach + 1, shape[0])


def _around(laid: Sequence[LaidProduct]) -> Box:
    boxes = [product.box for product in laid]
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


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


def _whole_alpha(laid: Sequence[LaidProduct], size_px: tuple[int, int]) -> Alpha:
    alpha = _on_frame(laid[0], size_px)
    for product in laid[1:]:
        left, top, right, bottom = product.box
        here = alpha[top:bottom, left:right]
        np.maximum(here, product.alpha, out=here)
    return alpha


def _ground(frame: _Frame, backdrop: Backdrop, standing: Sequence[_Standing], clock: _Clock) -> FloatPixels:
    """The place with shadows, occlusion, bounce and reflections of what stands in it, without the products."""
    ground = frame.linear.copy()
    window: shadow.Window | None = None
    for item in standing:
        window = _shade_one(ground, frame, backdrop, item, window, clock)
    if window is None:
        return frame.linear
    with clock.stage("reflection"):
        for item in sorted(standing, key=lambda s: -s.body.base_m[1]):
            _mirror_one(ground, frame, backdrop, item)
    return ground


def _shade_one(
    ground: FloatPixels,
    frame: _Frame,
    backdrop: Backdrop,
    item: _Standing,
    before: shadow.Window | None,
    clock: _Clock,
) -> shadow.Window | None:
    """Darken what one product keeps the light from, in place; returns the part of the picture touched so far."""
    with clock.stage("key visibility"):
        key = shadow.key_visibility(item.body, backdrop.key, backdrop.support_m)
    with clock.stage("ambient visibility"):
        sky = shadow.ambient_visibility(item.body, backdrop.support_m)
    window = shadow.window_of(sky, frame.camera)
    cast = shadow.window_of(key, frame.camera)
    window = cast.joined(window) if cast is not None else window
    if window is None:
        return before
    here = window.slices
    with clock.stage("warp"):
        key_seen = shadow.to_picture(key, frame.camera, window)
        sky_seen = shadow.to_picture(sky, frame.camera, window)
    with clock.stage("shade"):
        factor = shadow.shading(
            frame.key_share[here], key_seen, sky_seen, _mean(item.light, item.product), through=item.passes
        )
        shine = frame.specular[here]
        ground[here] = (ground[here] - shine) * factor + shine
    return window.joined(before)


def _mirror_one(ground: FloatPixels, frame: _Frame, backdrop: Backdrop, item: _Standing) -> None:
    """Put one product's image into the ground's shine, in place."""
    product = item.product
    offset = (product.box[0], product.box[1])
    seen = reflection.mirror(item.light, product.alpha, offset, frame.camera, item.body.base_m, backdrop.roughness)
    if seen is None:
        return
    here = seen.window.slices
    seen = reflection.kept_on(seen, shadow.support_in_picture(backdrop.support_m, frame.camera, seen.window))
    share = reflection.fresnel(frame.camera, seen.window, backdrop.roughness, backdrop.base_reflectance)
    shine = frame.specular[here]
    ground[here] = reflection.reflect(ground[here] - shine, shine, seen, share, reflection.gathered(backdrop.roughness))


def _mean(light: FloatPixels, product: LaidProduct) -> NDArray[np.float32]:
    """(3,) mean colour of the solid product, linear light."""
    step = max(1, min(light.shape[:2]) // 200)
    solid = product.alpha[::step, ::step] >= 1.0
    if not solid.any():
        return np.zeros(3, np.float32)
    return np.asarray(light[::step, ::step][solid].mean(axis=0), dtype=np.float32)


def lay_in(picture: BytePixels, product: LaidProduct) -> None:
    """The photograph where it is solid, a blend of light in its soft edge, in place."""
    left, top, right, bottom = product.box
    there = picture[top:bottom, left:right]
    soft = (product.alpha > 0.0) & (product.alpha < 1.0)
    mixed = pixels.over(pixels.to_linear(product.edge[soft]), product.alpha[soft], pixels.to_linear(there[soft]))
    there[soft] = pixels.to_srgb(mixed)
    solid = product.alpha >= 1.0
    there[solid] = product.photo[solid]
