"""Measures a receipt again from what is kept: picture, photographs, mattes, plate. Says whether it comes out equal."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from models.types import Backdrop, CutOut, ImageRequest, Provenance
from service.domain import Creative, Receipt
from service.errors import NotFound
from service.storage import Objects, Store

from .release import matte_key

SUFFIXES = ("jpg", "png", "webp")
WHOLE = ("max_abs_diff", "checked_px", "pixels_sha256", "picture_sha256", "picture_phash", "resized", "growth_px")
EACH = (
    "photo_phash",
    "matte_sha256",
    "max_abs_diff",
    "checked_px",
    "pixels_sha256",
    "edge_delta_e",
    "hidden_share",
    "growth_px",
    "through_px",
    "through_max_out",
)
NEARLY = 0.02  # of colour differences: other processors round differently


@dataclass(frozen=True, slots=True)
class Recheck:
    """What measuring again found."""

    creative_id: str
    equal: bool  # everything that could be measured came out the same
    passed: bool  # the receipt measured now
    differences: tuple[str, ...]  # "product 1, checked_px: 187219 then, 187001 now"
    not_measured: tuple[str, ...]  # and why
    receipt: Receipt | None  # as measured now


def recheck(creative: Creative, store: Store, objects: Objects, plates: Callable[[], Any]) -> Recheck:
    """Measure the receipt of a creative again.

    Args:
        plates: makes the plates backend, which explains what lies beyond the masks.

    Raises:
        NotFound: the picture is gone.
    """
    from service.images import fidelity
    from service.images.intake import decode
    from service.images.label_text import LabelReader

    then, missing = creative.receipt, list[str]()
    picture = objects.get(creative.picture_key)
    if not then.parts:
        return _only_file(creative, picture, "it was written before receipts named their mattes and placements")
    if creative.picture_key.endswith((".jpg", ".jpeg")):
        return _only_file(creative, picture, "the picture was delivered as JPEG; the receipt is of the one before it")
    checked = []
    for part in then.parts:
        photo = _photograph(store, objects, part.product_id, part.photo_sha256)
        try:
            matte = objects.get(matte_key(part.matte_sha256))
        except NotFound:
            return _only_file(creative, picture, f"the matte of product {part.product_id!r} is not kept")
        if photo is None:
            return _only_file(creative, picture, f"the photograph of product {part.product_id!r} is gone")
        pixels = decode(photo).pixels
        with Image.open(io.BytesIO(matte)) as image:
            alpha = (np.asarray(image.convert("L"), np.float32) / np.float32(255.0)).astype(np.float32)
        name, _, revision = part.matting.partition(" ")
        cut_out = CutOut(pixels, alpha, pixels, 0.0, 1, Provenance(name, "", revision))
        placement = fidelity.placement_of(part.placement)
        checked.append(fidelity.Checked(cut_out, placement, part.photo_sha256, part.product_id))
    backdrop = _backdrop(creative, plates)
    if backdrop is None and then.growth_px is not None:
        missing.append("growth: its place was painted and is not kept")
    was_read = any(part.text.after for part in then.parts)
    reader = LabelReader("always") if was_read else None
    said = creative.image_provenance
    provenance = Provenance(str(said.get("backend")), str(said.get("model")), then.weights, then.seed)
    for match_light in (True, False):
        now = fidelity.measure_set(
            picture,
            checked,
            provenance=provenance,
            backdrop=backdrop,
            reader=reader,
            match_light=match_light,
            relit=then.claim == "relit",
        )
        if backdrop is None or now.growth_px == then.growth_px:
            break
    differences = _differences(then, now, backdrop is not None)
    if was_read:
        for i, (a, b) in enumerate(zip(then.parts, now.parts, strict=True), 1):
            if a.text.after and a.text.verdict != b.text.verdict:
                differences.append(f"product {i}, label: {a.text.verdict} then, {b.text.verdict} now")
    return Recheck(creative.id, not differences, now.passed, tuple(differences), tuple(missing), now)


def _only_file(creative: Creative, picture: bytes, why: str) -> Recheck:
    import hashlib

    same = hashlib.sha256(picture).hexdigest() == creative.receipt.picture_sha256
    differences = () if same else ("the picture's file is not the one that the receipt names",)
    return Recheck(creative.id, same, creative.receipt.passed and same, differences, (f"its pixels: {why}",), None)


def _differences(then: Receipt, now: Receipt, with_growth: bool) -> list[str]:
    found = []
    pairs: list[tuple[str, Any, Any, tuple[str, ...]]] = [("the picture", then, now, WHOLE)]
    pairs += [(f"product {i}", a, b, EACH) for i, (a, b) in enumerate(zip(then.parts, now.parts, strict=True), 1)]
    for whose, a, b, names in pairs:
        for name in names:
            one, other = getattr(a, name), getattr(b, name)
            if name == "growth_px" and not with_growth:
                continue
            is_same = abs(one - other) <= NEARLY if isinstance(one, float) else one == other
            if not is_same:
                found.append(f"{whose}, {name}: {one} then, {other} now")
    return found


def _photograph(store: Store, objects: Objects, product_id: str, sha256: str) -> bytes | None:
    keys = [f"photos/{sha256}.{suffix}" for suffix in SUFFIXES]
    try:
        named = [photo.key for photo in store.products.get(product_id).photos if photo.sha256 == sha256]
    except NotFound:
        named = []
    for key in dict.fromkeys([*named, *keys]):
        try:
            return objects.get(key)
        except NotFound:
            continue
    return None


def _backdrop(creative: Creative, plates: Callable[[], Any]) -> Backdrop | None:
    if creative.image_provenance.get("backend") != "plates" or creative.scene.plate is None:
        return None
    from service.studio import PLACE_PX

    request = ImageRequest(words=creative.scene.words, size_px=PLACE_PX, plate=creative.scene.plate)
    painted: Backdrop = plates().paint(request).backdrop
    if int(creative.layout.get("take", 0)) % 2:
        from models.image.mirror import mirrored

        painted = mirrored(painted)
    return painted
