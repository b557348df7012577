"""A photograph retouched as asked, with a record of every operation and of how far the product's pixels moved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from models.finish import packshot as white
from models.finish import retouch
from models.finish.upscale import Progress, upscaler
from models.pixels import resize_photo
from models.types import BytePixels, Matting
from service.errors import InvalidInput

from .intake import decode

STEPS = {  # in this order: lines before light, light before spots
    "straighten": retouch.straighten,
    "white_balance": retouch.white_balance,
    "exposure": retouch.exposure,
    "dust": retouch.remove_dust,
    "ground": retouch.clean_ground,
    "blemishes": retouch.remove_blemishes,
}
AUTO = ("white_balance", "exposure", "dust", "ground")
MOST_PX = 12_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted; nothing is done unasked."""

    steps: tuple[str, ...] = ()  # of STEPS
    packshot: bool = False  # alone on pure white, by the marketplaces' rule
    size_px: int | None = None  # of the packshot's side, or of the picture's longer side
    fill: float = white.FILL
    upscale: str = "lanczos"


@dataclass(frozen=True, slots=True)
class Retouched:
    """The new picture and its record."""

    pixels: BytePixels
    record: Mapping[str, Any] = field(default_factory=dict)


def retouched(data: bytes, ask: Ask, matting: Matting, progress: Progress | None = None) -> Retouched:
    """Retouch a photograph.

    Args:
        data: the file's bytes.
        ask: what to do.
        matting: finds the product, which the ground's operations leave alone.
        progress: told while an upscaler works, tile by tile.

    Raises:
        InvalidInput: nothing asked for, an unknown step, a size out of range.
        UnreadableImage, NoProductFound, UnknownBackend, ModelError.
    """
    _check(ask)
    photo = decode(data).pixels
    cut_out = matting.cut_out(photo)
    before, now, alpha = photo, photo, cut_out.alpha
    done: list[retouch.Operation] = []
    for name in STEPS:
        if name not in ask.steps:
            continue
        step = STEPS[name](now, alpha)
        if step.operation.resampled:
            before = step.photo  # what comes later is compared with the turned photograph
        now, alpha = step.photo, step.alpha
        done.append(step.operation)
    change = retouch.change_inside(before, now, alpha)
    record: dict[str, Any] = {
        "operations": [asdict(operation) for operation in done],
        "product": {"changed": change.changed_share > 0, **_rounded(asdict(change))},
        "resampled": any(operation.resampled for operation in done),
        "cut_out": {"backend": cut_out.provenance.backend, "uncertainty": round(cut_out.uncertainty, 3)},
        "needs_review": cut_out.needs_review,
        "notes": list(cut_out.reasons),
    }
    if ask.packshot:
        made = white.on_white(
            _recut(matting, cut_out, now, photo),
            ask.size_px or 2_000,
            fill=ask.fill,
            upscaler=upscaler(ask.upscale, progress),
        )
        now = made.pixels
        record |= {"scale": round(made.scale, 4), "resampled": True, "problems": list(white.problems(now))}
        record["notes"] += made.notes
    elif ask.size_px is not None:
        now, scale = _sized(now, ask, progress)
        record |= {"scale": round(scale, 4), "resampled": True}
    record |= {"upscale": ask.upscale if record.get("scale", 1.0) > 1.0 else None, "source_sha256": _digest(data)}
    return Retouched(now, record)


def _check(ask: Ask) -> None:
    unknown = [name for name in ask.steps if name not in STEPS]
    if unknown:
        raise InvalidInput("steps", f"no step {unknown[0]!r}; there are {', '.join(STEPS)}")
    if not (ask.steps or ask.packshot or ask.size_px):
        raise InvalidInput("steps", f"nothing asked for; there are {', '.join(STEPS)}, packshot and size_px")
    if ask.packshot and not white.LEAST_PX <= (ask.size_px or 2_000) <= 10_000:
        raise InvalidInput("size_px", f"a packshot has {white.LEAST_PX} to 10,000 px")
    if ask.size_px is not None and not 64 <= ask.size_px <= MOST_PX:
        raise InvalidInput("size_px", f"64 to {MOST_PX:,} px")
    if not white.LEAST_FILL <= ask.fill <= 1.0:
        raise InvalidInput("fill", f"{white.LEAST_FILL} to 1 of the side")


def _recut(matting: Matting, cut_out: Any, now: BytePixels, photo: BytePixels) -> Any:
    """The cut-out of the retouched photograph; the first one where nothing moved."""
    return cut_out if now is photo else matting.cut_out(now)


def _sized(now: BytePixels, ask: Ask, progress: Progress | None) -> tuple[BytePixels, float]:
    height, width = now.shape[:2]
    scale = (ask.size_px or 0) / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return (upscaler(ask.upscale, progress)(now, size) if scale > 1.0 else resize_photo(now, size)), scale


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in numbers.items()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
