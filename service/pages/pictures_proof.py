"""What a picture's receipt says, in plain words, and how its product lies over the original photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.api.creatives import refuse_unfit
from service.domain import Creative, PartReceipt, Photo, Product
from service.errors import Conflict
from service.images.formats import formats

from . import words

NOTICEABLE_GROWTH = 0.01  # of the product's area
SEEN_GROWTH = 0.001  # below, it is noise
SHORTEST_LINE = 4  # letters of a label's line that are worth repeating


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


def verdict(creative: Creative) -> str:
    """The receipt in one line."""
    receipt = creative.receipt
    if receipt.checked_px == 0 and not any(part.is_proved for part in receipt.parts):
        return "No product pixel could be checked."
    if not receipt.passed:
        return "The product was changed: this picture cannot be approved."
    if receipt.claim == "relit":
        return "Relit, as was asked for: its colours were moved, and the receipt says how far."
    if receipt.checked_px == 0:
        return "It is see-through: the light that it adds itself was not changed."
    whose = "product pixel" if len(receipt.parts) < 2 else f"pixel of {len(receipt.parts)} products"
    return f"Not one {whose} was changed."


def lines(creative: Creative, titles: Mapping[str, str]) -> list[Line]:
    """The receipt, point by point; ``titles`` names products by their ids."""
    receipt = creative.receipt
    if receipt.parts:
        several = len(receipt.parts) > 1
        return [line for part in receipt.parts for line in _part(part, titles.get(part.product_id, ""), several)]
    found = [_compared(receipt.checked_px, receipt.max_abs_diff, ""), _size(receipt.resized, receipt.scale)]
    return [*found, _edge(None, receipt.edge_band_mean)]


def _part(part: PartReceipt, title: str, several: bool) -> list[Line]:
    found = []
    if part.relit_delta_e > 0:
        found.append(Line(f"{title or 'The product'} was relit by {part.relit_delta_e:.1f} (CIE76) at most.", True))
    else:
        whose = f"{title}: " if several and title else ""
        if part.checked_px or not part.through_px:
            found.append(_compared(part.checked_px, part.max_abs_diff, whose))
        if part.through_px:
            said = f"{whose}{part.through_px:,} see-through pixels checked: the product’s own light is all there."
            changed = f"{whose}see-through pixels were changed, by {part.through_max_out} of 255 at most."
            found.append(Line(changed if part.through_max_out else said, part.through_max_out == 0))
    found.append(_size(part.resized, part.scale))
    if part.hidden_share > 0:
        found.append(Line(f"{words.percent(part.hidden_share, 0)} of it stands behind other products."))
    if part.growth_px is not None:
        share = part.growth_share or 0.0
        said = "Nothing grew out of it: its outline is the photograph’s."
        if share >= SEEN_GROWTH:
            said = f"Something like it lies beyond its outline: {words.percent(share)} of its area."
        found.append(Line(said, share < NOTICEABLE_GROWTH))
    label = _label(part)
    return [*found, *([label] if label else []), _edge(part.edge_delta_e, part.edge_band_mean)]


def _compared(n: int, difference: int, whose: str) -> Line:
    said = f"{whose}{words.number(n)} pixels inside the product were compared with your photograph"
    if n == 0:
        return Line(f"{whose}No pixel inside the product could be compared.", False)
    if difference == 0:
        return Line(f"{said}: every one is the same.")
    return Line(f"{said}: the largest difference is {difference} of 255.", False)


def _size(resized: bool, scale: float) -> Line:
    if not resized:
        return Line("It was laid in pixel by pixel, without resizing.")
    return Line(f"It was resized to {words.percent(scale, 0)}; so was the photograph that it is compared with.")


def _label(part: PartReceipt) -> Line | None:
    """What its words read like, before and after."""
    text = part.text
    seen = words.shorten(" · ".join(line for line in text.before if len(line) >= SHORTEST_LINE), 80)
    if text.verdict == "same":
        return Line(f"Its label reads the same before and after: “{seen}”.")
    if text.verdict == "differs":
        return Line(f"Its label reads differently: “{words.shorten(' · '.join(text.lost), 90)}” was not found.", False)
    if text.verdict == "too small":
        return Line("The words on it are too small to be read again at this size.")
    return None


def _edge(delta_e: float | None, band: float) -> Line:
    measured = f"mean colour difference {delta_e:.1f}" if delta_e is not None else f"mean difference {band:.1f} of 255"
    return Line(
        f"Only its soft edge blends with the place ({measured}).",
        note="An edge has to take on some of its surroundings, or it would look cut out.",
    )


def origin(creative: Creative) -> list[tuple[str, str]]:
    """(what, value) of how it was made, for whoever has to make it again."""
    receipt, told = creative.receipt, creative.image_provenance
    cut = ", ".join(dict.fromkeys(part.matting for part in receipt.parts))
    found = [
        ("Place", creative.scene.words or creative.scene.id),
        ("Made by", f"{receipt.backend} {told.get('model') or ''}".strip()),
        ("Cut out by", cut or str(creative.matting_provenance.get("backend", ""))),
        ("Weights", receipt.weights),
        ("Seed", "none needed" if receipt.seed is None else str(receipt.seed)),
        ("Photograph, SHA-256", receipt.photo_sha256),
        ("Picture, SHA-256", receipt.picture_sha256),
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
    parts = creative.receipt.parts
    told: Any = parts[0].placement if parts else creative.layout.get("placement")
    if photo is None or not isinstance(told, Mapping) or "photo_box" not in told or "product_box" not in told:
        return None
    try:
        (pl, pt, pr, pb), (bl, bt, br, bb) = map(float, told["photo_box"]), map(float, told["product_box"])
        across, down = (br - bl) / (pr - pl), (bb - bt) / (pb - pt)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    wide, tall = creative.width_px, creative.height_px
    off_x, off_y = _offset(creative, told)
    left, top = bl + off_x, bt + off_y
    return Overlay(
        left=(left - pl * across) / wide,
        top=(top - pt * down) / tall,
        width=photo.width_px * across / wide,
        height=photo.height_px * down / tall,
        product=(left / wide, top / tall, (br - bl) / wide, (bb - bt) / tall),
    )


def _offset(creative: Creative, placement: Mapping[str, Any]) -> tuple[int, int]:
    """Where the scene lies in a format that keeps a panel beside it, px."""
    if tuple(placement.get("size_px", ())) == (creative.width_px, creative.height_px):
        return 0, 0
    format = formats().get(creative.format)
    return format.offset_px if format else (0, 0)
