"""Pictures in another size or type that keep their labels: metadata carried over, manifests signed again."""

from __future__ import annotations

import io

from PIL import Image

from . import manifests, metadata
from .labels import MEDIA, Labeller, media_type_of

TYPES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


def export(
    data: bytes,
    labels: Labeller,
    *,
    picture_type: str = "jpg",
    size_px: tuple[int, int] | None = None,
    quality: int = 90,
) -> bytes:
    """Resize or re-encode a finished picture of ours without losing what it says of itself.

    The visible mark keeps its share of the picture. A file with a manifest gets a new one whose parent is the old file;
    if that cannot be signed, nothing is returned.

    Args:
        data: PNG, JPEG or WebP.
        picture_type: "png", "jpg" or "webp".
        size_px: (width, height); None: as it is.
        quality: of JPEG and lossy WebP, 1 to 100; WebP at 100 is lossless.

    Raises:
        SigningImpossible: the file was signed and the new one cannot be.
    """
    with Image.open(io.BytesIO(data)) as image:
        picture = image.convert("RGB")
    actions = []
    if size_px is not None and size_px != picture.size:
        picture = picture.resize(size_px, Image.Resampling.LANCZOS)
        actions.append({"action": "c2pa.resized"})
    buffer = io.BytesIO()
    how: dict[str, object] = {"quality": quality, "subsampling": 0} if picture_type == "jpg" else {}
    if picture_type == "webp":
        how = {"lossless": True} if quality == 100 else {"quality": quality}
    picture.save(buffer, TYPES[picture_type], **how)
    made = buffer.getvalue()
    packet = metadata.extract(data)
    if packet is not None:
        made = metadata.embed(made, packet)
    media_type = media_type_of(data)
    old = manifests.read(data, media_type)
    if old is None:
        return made
    if MEDIA[picture_type] != media_type:
        actions.append({"action": "c2pa.transcoded"})
    said = metadata.read(data)
    story = manifests.Story(
        title=str(old.receipt.get("creative", "picture")),
        source_type=said.source_type or old.source_type or "",
        parent=manifests.Ingredient("before", "before", data, media_type, "", "the picture before it was resized"),
        actions=actions,
        receipt=old.receipt,
        version=labels.version,
    )
    return manifests.seal(made, MEDIA[picture_type], story, labels.signer, labels.timestamp_url)
