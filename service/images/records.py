"""A layout as JSON values: by it the picture can be explained, checked and made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .blocks import Text
from .colours import Box, as_hex
from .dressing import Dressed
from .formats import Format
from .typefaces import shaper


def record_of(
    dressed: Dressed, fmt: Format, product_box: Box, contrasts: Mapping[str, float], logo_plate: Box | None
) -> dict[str, Any]:
    """Template, surface, boxes, font sizes, colours and contrast of one finished layout."""
    plan, colours, ground = dressed.plan, dressed.colours, dressed.ground
    badge = plan.badge
    texts = [*plan.texts, *([plan.pill.text] if plan.pill else []), *(badge.texts if badge else [])]
    on_badge = {text.role for text in badge.texts} if badge else set()

    def colour_of(role: str) -> str:
        if role in on_badge:
            return as_hex(colours.on_badge)
        return as_hex(colours.on_button if role == "call_to_action" else dressed.ink_of(role))

    return {
        "format": fmt.name,
        "stage": fmt.stage.id,
        "template": plan.template.id,
        "shaping": shaper(),
        "surface": {
            "kind": ground.kind,
            "opacity": round(ground.opacity, 2),
            "colour": as_hex(ground.colour) if ground.colour else None,
            "box_px": rounded(ground.box) if ground.box else None,
        },
        "texts": [_text(text, colour_of(text.role), contrasts.get(text.role)) for text in texts],
        "call_to_action": {"box_px": rounded(plan.pill.box), "fill": as_hex(colours.button)} if plan.pill else None,
        "badge": {"box_px": rounded(badge.box), "fill": as_hex(colours.badge), "shape": badge.shape} if badge else None,
        "plates": [
            {"box_px": rounded(plate.box), "colour": as_hex(plate.colour), "under": sorted(plate.roles)}
            for plate in dressed.plates
        ],
        "logo_box_px": rounded(plan.logo_box) if plan.logo_box else None,
        "logo_plate_px": rounded(logo_plate) if logo_plate else None,
        "safe_box_px": list(fmt.safe_box_px),
        "product_box_px": rounded(product_box),
        "busyness": round(dressed.busyness, 3),
        "score": round(dressed.score, 3),
    }


def _text(text: Text, colour: str, contrast: float | None) -> dict[str, Any]:
    return {
        "role": text.role,
        "lines": [item.line.text for item in text.lines],
        "box_px": rounded(text.box),
        "font": sorted({piece.font for item in text.lines for piece in item.line.pieces}),
        "font_px": round(text.size_px, 1),
        "tracking_em": text.kind.tracking,
        "colour": colour,
        "contrast": round(contrast, 2) if contrast is not None else None,
    }


def rounded(box: Sequence[float]) -> list[float]:
    return [round(float(v), 1) for v in box]
