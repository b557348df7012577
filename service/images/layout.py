"""Words on a finished picture: headline, body, price, offer, call to action, small print and brand, set so that all of
it can be read and nothing lies over the product.

Each template of the format is tried with each surface it allows (straight on the scene, a soft scrim, a panel); what
fits best is taken. Contrast is measured on the finished pixels, right behind and around each letter (WCAG 2.2,
relative luminance). The product's pixels are never written: ``lay_out`` checks that and refuses to return otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain import Brand, Finding

from .colours import (
    CONTRAST_FLOOR,
    WHITE,
    Alpha,
    Box,
    BytePixels,
    Rgb,
    accent_of,
    contrast,
    luminance,
    measured_contrast,
)
from .drawing import Ink, ink, rounded, stamp, stamp_logo
from .dressing import Dressed, dressings
from .formats import Format
from .grounds import Field
from .plans import Kit, Plan, Words, overlaps, plan
from .price_tags import OfferTag, PriceTag
from .records import record_of
from .typefaces import NO_FONTS, ShopFonts

BREATH = 0.020  # of the shorter side: how near to the product words may come
LOGO_FLOOR = 3.0  # WCAG asks it of graphics; logos are exempt, readers are not


class ProductTouched(AssertionError):
    """A pixel of the product would have changed. Never caught: it is a fault of ours."""


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A finished advertisement."""

    pixels: BytePixels  # (H, W, 3) sRGB
    record: Mapping[str, Any]  # template, surface, boxes, font sizes, colours, contrast: JSON values
    findings: tuple[Finding, ...]

    @property
    def is_blocked(self) -> bool:
        return any(finding.severity == "block" for finding in self.findings)


def lay_out(
    picture: BytePixels,
    product_box_px: Box,
    product_alpha: Alpha,
    fmt: Format,
    *,
    headline: str | None,
    body: str | None = None,
    call_to_action: str | None = None,
    brand: Brand,
    logo: NDArray[np.uint8] | None = None,
    language: str = "en",
    price: PriceTag | str | None = None,
    offer: OfferTag | None = None,
    legal: str | None = None,
    fonts: ShopFonts = NO_FONTS,
    template: str | None = None,
) -> LaidOut:
    """Set the words on a composed picture.

    Args:
        picture: (H, W, 3) uint8 sRGB of exactly ``fmt.size_px``; for formats with a panel, what ``mounted`` gave.
        product_box_px: left, top, right, bottom of the product, for the record.
        product_alpha: (H, W) float32, 0 scene to 1 product; where it is above 0 no pixel changes.
        headline, body, call_to_action: set as given, never shortened.
        price, offer: from facts, see ``price_tags``; they are lettered as given.
        legal: small print; it is never left out and never smaller than the template's floor.
        brand: ink, paper, accent and corners as the shop chose; defaults are replaced from the scene and the product.
        logo: (H, W, 4) or (H, W, 3) uint8 sRGB; None sets the brand's name in type.
        fonts: the shop's own, by the names that ``typefaces.keep`` gave.
        language: BCP 47; decides line breaking, shaping and where lines begin.
        template: id of one template; None takes what fits best.

    Returns:
        The picture with words, the record, and findings. A finding of severity "block" says why this must not go out.
        Formats in which the channel forbids words come back unchanged, with a note.

    Raises:
        ValueError: picture, alpha and format differ in size, or no such template.
        ProductTouched: never, unless this code is wrong.
    """
    width, height = fmt.size_px
    if picture.shape != (height, width, 3) or product_alpha.shape != (height, width):
        raise ValueError(f"picture {picture.shape} and alpha {product_alpha.shape} are not {width}x{height}")
    tag = PriceTag(price) if isinstance(price, str) and price.strip() else price
    words = Words(_clean(headline), _clean(body), _clean(call_to_action), tag or None, offer, _clean(legal), language)  # type: ignore[arg-type]
    if fmt.words == "forbidden":
        return _wordless(picture, fmt, words)
    chosen = [t for t in fmt.templates if template in (None, t.id)]
    if not chosen:
        raise ValueError(f"no template {template!r} in {fmt.name}; here: {', '.join(t.id for t in fmt.templates)}")
    kit = Kit(brand, logo, fonts)
    field = Field(picture, product_alpha, BREATH * min(width, height))
    accent = accent_of(brand, picture, product_alpha)
    tried = [
        dressed
        for candidate in chosen
        for dressed in dressings(plan(words, kit, candidate, fmt, field.keep_out), field, fmt, brand, accent)
    ]
    best = _first_legible(sorted(tried, key=lambda d: -d.score), field, fmt, kit)
    pixels, finished = best
    if not np.array_equal(pixels[field.product], picture[field.product]):
        raise ProductTouched("the layout would have changed the product")
    record = record_of(finished.dressed, fmt, product_box_px, finished.contrasts, finished.logo_plate)
    return LaidOut(pixels, record, finished.dressed.findings + finished.findings)


def _clean(text: str | None) -> str | None:
    text = " ".join(text.split()) if text else ""
    return text or None


def _wordless(picture: BytePixels, fmt: Format, words: Words) -> LaidOut:
    asked = [name for name in ("headline", "body", "call_to_action", "price", "offer", "legal") if getattr(words, name)]
    found: tuple[Finding, ...] = ()
    if asked:
        message = f"{fmt.name} takes no words: {', '.join(a.replace('_', ' ') for a in asked)} left out"
        found = (Finding("layout.no_words", message, "note"),)
    return LaidOut(picture, {"format": fmt.name, "stage": fmt.stage.id, "template": None, "texts": []}, found)


# --- ink -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Finished:
    """What became of a dressed plan when it met the pixels."""

    dressed: Dressed
    contrasts: Mapping[str, float]
    findings: tuple[Finding, ...]
    logo_plate: Box | None


def _first_legible(
    ranked: list[Dressed], field: Field, fmt: Format, kit: Kit
) -> tuple[BytePixels, _Finished]:  # fmt: skip
    """The best that holds its contrast on the finished pixels; where none does, the best, with its findings."""
    first: tuple[BytePixels, _Finished] | None = None
    for dressed in ranked[:6]:
        made = _inked(dressed, field, fmt, kit)
        first = first or made
        if not any(finding.severity == "block" for finding in made[1].findings):
            return made
        if any(finding.severity == "block" for finding in dressed.findings):
            break  # those behind it are no better
    assert first is not None
    return first


def _inked(dressed: Dressed, field: Field, fmt: Format, kit: Kit) -> tuple[BytePixels, _Finished]:
    """All layers, bottom to top: surface, plates, button, badge, logo; then contrast is measured, then the letters.

    Pixels under no layer keep their bytes.
    """
    made, shape = dressed.plan, field.picture.shape
    corner = kit.brand.corner
    inks = {text.role: ink(text, shape) for text in made.texts}
    found = list(_misplaced(made, inks, field.keep_out, fmt))
    left_out = {f.field for f in (*found, *made.findings) if f.id == "layout.over_product"}
    pixels = dressed.ground.laid()
    for plate in dressed.plates:
        if plate.roles.isdisjoint(left_out):
            stamp(pixels, rounded(plate.box, corner if corner != "pill" else "soft", shape), plate.colour)
    letters = {role: (cover, dressed.ink_of(role)) for role, cover in inks.items() if role not in left_out}
    if made.pill and "call_to_action" not in left_out:
        stamp(pixels, rounded(made.pill.box, corner, shape), dressed.colours.button)
        letters["call_to_action"] = (ink(made.pill.text, shape), dressed.colours.on_button)
    if made.badge:
        stamp(pixels, rounded(made.badge.box, made.badge.shape, shape), dressed.colours.badge)
        letters |= {text.role: (ink(text, shape), dressed.colours.on_badge) for text in made.badge.texts}
    logo_plate = None
    if kit.logo is not None and made.logo_box is not None and "logo" not in left_out:
        logo_plate, late = _set_logo(pixels, kit, made.logo_box, field, dressed.colours.ink)
        found += late
    contrasts = {
        role: measured_contrast(colour, pixels[cover.window].astype(np.float32), cover.around)
        for role, (cover, colour) in letters.items()
    }
    found += [
        Finding("layout.contrast", f"contrast of {role} is {value:.1f}, {CONTRAST_FLOOR} is needed", "block", role)
        for role, value in contrasts.items()
        if value < CONTRAST_FLOOR
    ]
    for cover, colour in letters.values():
        stamp(pixels, cover, colour)
    return pixels, _Finished(dressed, contrasts, tuple(found), logo_plate)


def _misplaced(made: Plan, inks: Mapping[str, Ink], keep_out: NDArray[np.bool_], fmt: Format) -> list[Finding]:
    """What leaves the safe zone or lies over the product: measured on ink, not on boxes."""
    found: list[Finding] = []
    left, top, right, bottom = fmt.safe_box_px
    for role, cover in inks.items():
        box = cover.box
        if box is None:
            continue
        if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom:
            found.append(Finding("layout.outside_safe_zone", f"{role} leaves the safe zone", "block", role))
        if (keep_out[cover.window] & (cover.cover > 0)).any():
            found.append(_over(role))
    boxes = [("call_to_action", made.pill.box)] if made.pill else []
    boxes += [("logo", made.logo_box)] if made.logo_box else []
    boxes += [("offer", made.badge.box)] if made.badge else []
    for role, (x0, y0, x1, y1) in boxes:
        if x0 < left - 0.5 or y0 < top - 0.5 or x1 > right + 0.5 or y1 > bottom + 0.5:
            found.append(Finding("layout.outside_safe_zone", f"the {role} leaves the safe zone", "block", role))
        if overlaps((x0, y0, x1, y1), keep_out) and not any(f.id == "layout.over_product" for f in made.findings):
            found.append(_over(f"the {role}", role))
    return found


def _over(said: str, role: str | None = None) -> Finding:
    message = f"{said} has no room beside the product and was left out"
    return Finding("layout.over_product", message, "block", role or said)


def _set_logo(pixels: BytePixels, kit: Kit, box: Box, field: Field, dark: Rgb) -> tuple[Box | None, list[Finding]]:
    """The logo, on a plate of its own where it would sink into the ground."""
    logo = kit.logo
    assert logo is not None
    left, top, right, bottom = (round(v) for v in box)
    opaque = logo[..., :3][logo[..., 3] > 128] if logo.shape[2] == 4 else logo.reshape(-1, 3)
    behind = pixels[top:bottom, left:right].reshape(-1, 3)
    plate: Box | None = None
    found: list[Finding] = []
    if opaque.size and behind.size:
        own = float(np.median(luminance(opaque.astype(np.float32))))
        ratio = _ratio(own, float(np.median(luminance(behind.astype(np.float32)))))
        if ratio < LOGO_FLOOR:
            pad = 0.22 * (bottom - top)
            wide = (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad)
            colour = max((WHITE, dark), key=lambda c: _ratio(own, float(luminance(c))))
            better = _ratio(own, float(luminance(colour)))
            if better >= LOGO_FLOOR and not overlaps(wide, field.keep_out) and min(wide[:2]) >= 0:
                corner = kit.brand.corner if kit.brand.corner != "pill" else "soft"
                stamp(pixels, rounded(wide, corner, pixels.shape), colour)
                plate = wide
            else:
                message = f"contrast of the logo with its ground is {ratio:.1f}, {LOGO_FLOOR:.0f} is good"
                found.append(Finding("layout.logo_contrast", message, "warn", "logo"))
    stamp_logo(pixels, logo, box)
    return plate, found


def _ratio(a: float, b: float) -> float:
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


__all__ = ["CONTRAST_FLOOR", "LaidOut", "ProductTouched", "contrast", "lay_out"]
