"""What a picture's receipt says, in plain words, and how its product lies over the original photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from service.api.creatives import refuse_unfit
from service.domain import Creative, Photo, Product
from service.errors import Conflict

from . import words


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the receipt proves, or does not."""

    said: str
    is_good: bool = True
    note: str = ""


def why_not(creative: Creative) -> str:
    """Why a picture cannot be approved; "" if it can."""
    try:
        refuse_unfit(creative)
    except Conflict as error:
        text = str(error).replace(f"creative {creative.id!r}", "This picture")
        return text[:1].upper() + text[1:]
    return ""


def is_relit(creative: Creative) -> bool:
    return bool(getattr(creative.receipt, "relit", False) or getattr(creative.receipt, "is_relit", False))


def verdict(creative: Creative) -> str:
    """The receipt in one line."""
    receipt = creative.receipt
    if is_relit(creative):
        return "Relit on request: the product's colours were moved, and the receipt says how far."
    if receipt.passed:
        return f"Not one of {words.number(receipt.checked_px)} product pixels was changed."
    if receipt.checked_px == 0:
        return "No product pixel could be checked."
    return "The product was changed: this picture cannot be approved."


def lines(creative: Creative) -> list[Line]:
    """The receipt, point by point."""
    receipt = creative.receipt
    found = [
        Line(
            f"{words.number(receipt.checked_px)} pixels inside the product were compared with your photograph.",
            receipt.checked_px > 0,
        ),
        Line(
            "Every one of them is the same."
            if receipt.max_abs_diff == 0
            else f"The largest difference is {receipt.max_abs_diff} of 255.",
            receipt.max_abs_diff == 0,
        ),
    ]
    if receipt.resized:
        found.append(
            Line(
                f"The photograph was resized to {words.percent(receipt.scale)} to fit; so was what it is compared with."
            )
        )
    else:
        found.append(Line("It was laid in pixel by pixel, without resizing."))
    found.append(
        Line(
            f"Its soft edge blends with the scene (mean difference {receipt.edge_band_mean:.1f} of 255 in that band).",
            note="An edge has to take on some of its surroundings, or it would look cut out.",
        )
    )
    return found + [Line(said, good) for said, good in _newer(receipt)]


def _newer(receipt: Any) -> list[tuple[str, bool]]:
    """What receipts of later makes say beside."""
    found: list[tuple[str, bool]] = []
    told = {field.name: getattr(receipt, field.name) for field in fields(receipt)}
    expansion = told.get("expansion_share", told.get("object_expansion"))
    if isinstance(expansion, (int, float)):
        found.append((f"The product grew by {words.percent(expansion)} outside its outline.", expansion < 0.01))
    before, after = told.get("label_before"), told.get("label_after")
    if isinstance(before, str) and before:
        same = before == after
        found.append((f"Its label reads “{words.shorten(before, 80)}”" + (" before and after." if same else "."), same))
    return found


def origin(creative: Creative) -> list[tuple[str, str]]:
    """(what, value) of how it was made, for whoever has to make it again."""
    receipt, told = creative.receipt, creative.image_provenance
    found = [
        ("Place", creative.scene.words or creative.scene.id),
        ("Painted by", f"{receipt.backend} {told.get('model') or ''}".strip()),
        ("Cut out by", str(creative.matting_provenance.get("backend", ""))),
        ("Weights", receipt.weights),
        ("Seed", "none needed" if receipt.seed is None else str(receipt.seed)),
        ("Photograph (SHA-256)", receipt.photo_sha256),
        ("Picture (SHA-256)", receipt.picture_sha256),
    ]
    return [(name, value) for name, value in found if value]


def photo_of(creative: Creative, product: Product | None) -> Photo | None:
    """The photograph that the picture was made from, if it is still there."""
    for photo in product.photos if product else ():
        if photo.sha256 and photo.sha256 == creative.receipt.photo_sha256:
            return photo
    return None


@dataclass(frozen=True, slots=True)
class Overlay:
    """Where the original photograph lies under the picture so that both products meet, in shares of the picture."""

    left: float
    top: float
    width: float
    height: float
    product: tuple[float, float, float, float]  # left, top, width, height of the product in the picture


def overlay(creative: Creative, photo: Photo | None) -> Overlay | None:
    """None where the record does not say how the product was laid in."""
    told: Any = creative.layout.get("placement")
    if photo is None or not isinstance(told, Mapping) or "photo_box" not in told or "product_box" not in told:
        return None
    try:
        (pl, pt, pr, pb), (bl, bt, br, bb) = map(float, told["photo_box"]), map(float, told["product_box"])
        across, down = (br - bl) / (pr - pl), (bb - bt) / (pb - pt)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    wide, tall = creative.width_px, creative.height_px
    return Overlay(
        left=(bl - pl * across) / wide,
        top=(bt - pt * down) / tall,
        width=photo.width_px * across / wide,
        height=photo.height_px * down / tall,
        product=(bl / wide, bt / tall, (br - bl) / wide, (bb - bt) / tall),
    )
