"""Is this picture ours? By its manifest, by its exact bytes, by how it looks; and where unsure, what it is like.

Each answer names the creative it most likely is. "ours" is said on one of three grounds: a whole manifest signed with
this installation's certificate; the very bytes of a file that we delivered; or a picture of ours that lies on it
without a difference that re-encoding, resizing or a mild crop would not make. Anything less is "similar, not ours".
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.domain import Creative
from service.errors import InvalidInput, NotFound
from service.storage import Objects, Store

from . import matching, metadata, prints
from .labels import MEDIA, Labeller, media_type_of
from .register import fill_in, index_of

Verdict = Literal["ours", "similar, not ours", "signed by someone else", "unknown"]
FAR_BITS = 96  # of 256: prints farther apart are strangers (two random pictures differ in 128 +- 8)
LOOK_AT = 6  # candidates that are laid over
MOST_PIXELS = 60_000_000
SMALLEST_PX = 16
FILL_IN_AT_ONCE = 40

BytePixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A creative that the picture may be, or be like."""

    creative_id: str
    product_id: str
    scene: str
    bits: int  # of 256 that its print differs in
    likeness: float  # share of the picture that agrees, 0 to 1
    says: str  # what it is to the picture, in words


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer."""

    verdict: Verdict
    ground: Literal["manifest", "exact file", "look"] | None
    creative_id: str | None  # what it is, or most likely is
    reason: str  # one sentence
    sha256: str
    media_type: str
    size_px: tuple[int, int]
    manifest: dict[str, Any] | None  # state, signer, source type, actions, ingredients, problems
    labels: dict[str, Any]  # what its XMP says
    candidates: tuple[Candidate, ...] = ()
    looked_at: int = 0  # prints searched
    not_looked_at: int = 0  # pictures of ours that have no print yet
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where pictures of ours are found: a workspace of the service, or a folder."""

    nearest: Callable[[NDArray[np.uint64], int], list[tuple[str, prints.Near]]]
    of_file: Callable[[str], str | None]
    picture: Callable[[str], BytePixels | None]
    creative: Callable[[str], Creative | None]
    count: int
    missing: int = 0


def of_workspace(store: Store, objects: Objects) -> Shelves:
    """The register of a workspace; a few older pictures get their print on the way."""
    fill_in(store.prints, objects, FILL_IN_AT_ONCE)
    index = index_of(store.prints)
    count = index.refresh(store.prints)

    def creative(id: str) -> Creative | None:
        try:
            return store.creatives.get(id)
        except NotFound:
            return None

    def picture(id: str) -> BytePixels | None:
        known = creative(id)
        try:
            return None if known is None else open_picture(objects.get(known.picture_key))
        except (NotFound, InvalidInput):
            return None

    missing = len(store.prints.missing(1_000))
    return Shelves(index.nearest, store.prints.of_file, picture, creative, count, missing)


def verify(data: bytes, shelves: Shelves, labels: Labeller) -> Verification:
    """Say whether a picture is ours.

    Raises:
        InvalidInput: not a picture that we read.
    """
    shown = open_picture(data)
    digest, media_type = hashlib.sha256(data).hexdigest(), media_type_of(data)
    manifest = labels.read(data, media_type) if media_type in MEDIA.values() else None
    marks = metadata.read(data)
    exact = shelves.of_file(digest)
    candidates = _candidates(shown, shelves) if exact is None else ()
    verdict, ground, creative_id, reason = _judge(manifest, exact, candidates, shelves)
    notes = []
    if manifest is not None and manifest.state == "invalid":
        notes.append("its manifest does not fit its bytes: the file was changed after it was signed")
    if shelves.missing:
        notes.append(f"{shelves.missing} older pictures have not been looked at yet; run: adloom verify --fill-in")
    return Verification(
        verdict=verdict,
        ground=ground,
        creative_id=creative_id,
        reason=reason,
        sha256=digest,
        media_type=media_type,
        size_px=(shown.shape[1], shown.shape[0]),
        manifest=None
        if manifest is None
        else {
            "state": manifest.state,
            "ours": manifest.is_ours,
            "signer": manifest.signer,
            "source_type": manifest.source_type,
            "actions": list(manifest.actions),
            "ingredients": [{"relationship": r, "title": t} for r, t in manifest.ingredients],
            "manifests": manifest.n_manifests,
            "problems": list(manifest.problems),
        },
        labels={"digital_source_type": marks.source_type, "aigc": marks.aigc, "description": marks.description},
        candidates=tuple(candidate for candidate, _ in candidates),
        looked_at=shelves.count,
        not_looked_at=shelves.missing,
        notes=tuple(notes),
    )


def open_picture(data: bytes) -> BytePixels:
    """(H, W, 3) of a PNG, JPEG or WebP file, transparent parts over white.

    Raises:
        InvalidInput: something else, damaged, or larger than we look at.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
            if image.width * image.height > MOST_PIXELS or min(image.size) < SMALLEST_PX:
                size = f"{image.width} x {image.height} px"
                raise InvalidInput("picture", f"{size}; from {SMALLEST_PX} px a side to {MOST_PIXELS:,} pixels")
            if image.mode not in ("RGBA", "LA", "P", "PA"):
                return np.asarray(image.convert("RGB"), dtype=np.uint8)
            clear = image.convert("RGBA")
            white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
            return np.asarray(Image.alpha_composite(white, clear).convert("RGB"), dtype=np.uint8)
    except InvalidInput:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput("picture", "not a PNG, JPEG or WebP picture, or a damaged one") from error


def _judge(
    manifest: Any, exact: str | None, candidates: tuple[tuple[Candidate, matching.Match], ...], shelves: Shelves
) -> tuple[Verdict, Literal["manifest", "exact file", "look"] | None, str | None, str]:
    if exact is not None:
        return "ours", "exact file", exact, f"the very file that was delivered as creative {exact}"
    if manifest is not None and manifest.is_ours:
        named = str(manifest.receipt.get("creative", "")) or None
        return "ours", "manifest", named, f"it carries a whole manifest signed by this installation for {named}"
    if candidates:
        first, match = candidates[0]
        if match.is_same:
            part = match.shown
            cropped = max(part[0], part[1], 1 - part[2], 1 - part[3]) > 0.01
            how = "a part of it" if cropped else "all of it"
            return (
                "ours",
                "look",
                first.creative_id,
                f"creative {first.creative_id} lies on it without a difference, {how}",
            )
        return "similar, not ours", None, first.creative_id, f"most like creative {first.creative_id}: {first.says}"
    if manifest is not None and manifest.state != "invalid":
        return "signed by someone else", None, None, f"it is not in the register; its manifest is {manifest.signer}'s"
    return "unknown", None, None, f"none of {shelves.count:,} pictures looks like it"


def _candidates(shown: BytePixels, shelves: Shelves) -> tuple[tuple[Candidate, matching.Match], ...]:
    """Creatives that are alike, the likeliest first."""
    wanted: dict[str, tuple[prints.Near, BytePixels]] = {}
    for window in matching.windows_in(shown):
        for id, near in shelves.nearest(prints.hash_of(window), LOOK_AT):
            if near.bits <= FAR_BITS and (id not in wanted or near.bits < wanted[id][0].bits):
                wanted[id] = (near, window)
    found = []
    for id, (near, window) in sorted(wanted.items(), key=lambda item: item[1][0].bits)[:LOOK_AT]:
        ours = shelves.picture(id)
        if ours is None:
            continue
        creative = shelves.creative(id)
        match = matching.lay_over(window, ours, prints.WINDOWS[near.window], _product_box(creative))
        if not match.is_alike and not match.is_same:
            continue
        candidate = Candidate(
            creative_id=id,
            product_id=creative.product_id if creative else "",
            scene=creative.scene.id if creative else "",
            bits=near.bits,
            likeness=round(match.covered * (1.0 - match.off), 4),
            says=_says(match),
        )
        found.append((candidate, match))
        if match.is_same and match.off == 0.0:
            break
    return tuple(sorted(found, key=lambda pair: (not pair[1].is_same, pair[1].off, pair[0].bits)))


def _says(match: matching.Match) -> str:
    if match.is_same:
        return "the same picture"
    if match.off_in_product > 3 * match.off_outside and match.off_outside < 0.1:
        return "the same place, with another product or other words"
    if match.off_in_product < 0.1 and match.off_outside > 0.2:
        return "the same product, in another place"
    return f"alike, but {match.off:.0%} of it differs"


def _product_box(creative: Creative | None) -> matching.Box | None:
    """Around all products, fractions of the picture."""
    if creative is None:
        return None
    boxes = [part.placement.get("product_box") for part in creative.receipt.parts]
    known = [box for box in boxes if box]
    if not known:
        said = creative.layout.get("placement") or {}
        known = [said["product_box"]] if isinstance(said, dict) and said.get("product_box") else []
    if not known:
        return None
    wide, tall = creative.width_px, creative.height_px
    return (
        min(box[0] for box in known) / wide,
        min(box[1] for box in known) / tall,
        max(box[2] for box in known) / wide,
        max(box[3] for box in known) / tall,
    )
