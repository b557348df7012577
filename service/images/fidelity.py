"""The receipt: reads the finished file back and proves that the products in it are the photographs'.

A picture file that loses nothing (PNG, lossless WebP) is decoded, each product's rectangle is cut out by its placement,
and every pixel inside the eroded mask is compared with the same resize of the original photograph. Where nothing was
resized, that is the photograph itself. Beyond the mask the receipt measures whether the product grew, along the edge
what blending did, and on the label what can be read.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import pixels
from models.checks import fidelity
from models.checks.expansion import RING, WORK_PX, Expansion, expansion
from models.errors import UnreadableImage
from models.finish import relight
from models.types import Alpha, Backdrop, BytePixels, CutOut, Provenance
from service.domain import Finding, LabelText, PartReceipt, Receipt
from service.provenance import prints
from service.provenance.labels import adloom_version

from .compose import Part, lay_product, visible_parts
from .label_text import LabelReader
from .placement import Placement

FORMAT_VERSION = 2
FROM_ABOVE_DEG = 50.0
SEE_THROUGH = 0.5  # a product with less of its area solid is checked by its own light, too
MOST_GROWTH = 0.01  # of the product's area; measured on plates: 0
NOT_READ = LabelText("not read", note="no reader was given")


@dataclass(frozen=True, slots=True)
class Checked:
    """One product as it was laid in."""

    cut_out: CutOut
    placement: Placement
    photo_sha256: str  # of the photograph's file
    product_id: str = ""


def measure(
    picture: bytes,
    *,
    cut_out: CutOut,
    placement: Placement,
    photo_sha256: str,
    provenance: Provenance,
    offset_px: tuple[int, int] = (0, 0),
    product_id: str = "",
    backdrop: Backdrop | None = None,
    reader: LabelReader | None = None,
    relit: bool = False,
) -> Receipt:
    """Write the receipt of a finished picture with one product. See ``measure_set``."""
    return measure_set(
        picture,
        [Checked(cut_out, placement, photo_sha256, product_id)],
        provenance=provenance,
        offset_px=offset_px,
        backdrop=backdrop,
        reader=reader,
        relit=relit,
    )


def measure_set(
    picture: bytes,
    products: Sequence[Checked],
    *,
    provenance: Provenance,
    offset_px: tuple[int, int] = (0, 0),
    backdrop: Backdrop | None = None,
    reader: LabelReader | None = None,
    relit: bool = False,
    match_light: bool = True,
) -> Receipt:
    """Write the receipt of one finished picture.

    Args:
        picture: the encoded file as it will be delivered.
        products: as given to ``compose_set``, in that order.
        provenance: of the place around them.
        offset_px: where the composition's left upper corner lies in the finished picture.
        backdrop: the place, which explains what lies beyond the masks; without it growth is judged by shape alone.
        reader: reads labels; None: nothing is read, and the receipt says so.
        relit: relighting the product was asked for; the receipt then says how far it went and claims nothing else.
        match_light: whether the place was balanced to the first product, as ``compose_set`` does.

    Raises:
        UnreadableImage: the bytes do not decode.
    """
    shown = _decoded(picture)
    digest = hashlib.sha256(picture).hexdigest()
    prints.recent.note(digest, shown)
    laid = visible_parts(
        [lay_product(product.cut_out, product.placement) for product in products],
        [product.placement for product in products],
    )
    place = None
    if backdrop is not None:
        balanced = relight.balance(laid[0].photo, laid[0].alpha, backdrop.ball_rgb).gain
        place = _Place(backdrop, balanced if match_light else (1.0, 1.0, 1.0), offset_px)
    parts = tuple(
        _part(shown, product, part, laid, offset_px, place, reader, digest, relit)
        for product, part in zip(products, laid, strict=True)
    )
    grown = [part.growth_px for part in parts if part.growth_px is not None]
    used = {provenance.backend: provenance.revision}
    used |= {product.cut_out.provenance.backend: product.cut_out.provenance.revision for product in products}
    if reader is not None and any(part.text.verdict != "not read" for part in parts):
        used["ocr"] = reader.weights
    return Receipt(
        max_abs_diff=max(part.max_abs_diff for part in parts),
        checked_px=sum(part.checked_px for part in parts),
        resized=any(part.resized for part in parts),
        scale=parts[0].scale,
        edge_band_mean=max(part.edge_band_mean for part in parts),
        photo_sha256=parts[0].photo_sha256,
        picture_sha256=digest,
        pixels_sha256=_joined_digest([part.pixels_sha256 for part in parts]),
        backend=provenance.backend,
        weights=provenance.revision,
        seed=provenance.seed,
        format_version=FORMAT_VERSION,
        claim="relit" if relit else "unchanged",
        edge_delta_e=max(part.edge_delta_e for part in parts),
        growth_px=sum(grown) if grown else None,
        picture_phash=prints.short(shown),
        backend_weights=used,
        version=adloom_version(),
        parts=parts,
    )


def doubts(receipt: Receipt) -> tuple[Finding, ...]:
    """What a receipt says that a person should look at although no pixel was changed."""
    found = []
    for part in receipt.parts:
        name = f"product {part.product_id!r}" if part.product_id else "the product"
        if part.text.verdict == "differs":
            lost = ", ".join(repr(line) for line in part.text.lost[:4])
            message = f"on {name} these words of the photograph cannot be read any more: {lost}; look at its cut-out"
            found.append(Finding("receipt.text", message, "warn"))
        if part.growth_share is not None and part.growth_share > MOST_GROWTH:
            message = f"{name} seems to go on beyond its mask by {part.growth_share:.1%} of its area"
            found.append(Finding("receipt.growth", message, "warn"))
    return tuple(found)


# --- one product -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """The empty place as the composer showed it: same crop, same white balance, same display curve."""

    backdrop: Backdrop
    gain: tuple[float, float, float]
    offset_px: tuple[int, int]

    def window(self, placement: Placement, box: tuple[int, int, int, int]) -> BytePixels:
        """The part under ``box`` of the finished picture."""
        left, top, right, bottom = (value - self.offset_px[i % 2] for i, value in enumerate(box))
        x0, y0, x1, y1 = placement.crop
        sx, sy = (x1 - x0) / placement.size_px[0], (y1 - y0) / placement.size_px[1]
        there = (x0 + left * sx, y0 + top * sy, x0 + right * sx, y0 + bottom * sy)
        linear = pixels.crop_resize(self.backdrop.linear, there, (right - left, bottom - top))
        return pixels.encode(relight.apply_gain(linear, self.gain), self.backdrop.curve)


def _part(
    shown: BytePixels,
    product: Checked,
    part: Part,
    laid: Sequence[Part],
    offset_px: tuple[int, int],
    place: _Place | None,
    reader: LabelReader | None,
    picture_sha256: str,
    relit: bool,
) -> PartReceipt:
    left, top, right, bottom = (v + offset_px[i % 2] for i, v in enumerate(part.box))
    solid = float((part.alpha >= 1.0).sum())
    hidden = round(1.0 - float((part.shows >= 1.0).sum()) / solid, 4) if solid else 0.0
    resized = _was_resized(product.placement)
    there: BytePixels | None = None
    found, digest = fidelity.Comparison(255, 0, 0, 0.0), ""
    grown: Expansion | None = None
    text = NOT_READ
    if left >= 0 and top >= 0 and bottom <= shown.shape[0] and right <= shown.shape[1]:
        there = np.ascontiguousarray(shown[top:bottom, left:right])
        found = fidelity.compare(there, part.photo, part.shows)
        digest = fidelity.pixels_digest(there, part.shows)
        grown = _growth(shown, product.placement, (left, top, right, bottom), part, laid, offset_px, place)
        if reader is not None:
            text = reader.compare(
                product.cut_out, product.photo_sha256, there, product.placement.scale, picture_sha256, hidden
            )
    through = fidelity.Through(0, 0)
    if there is not None and solid < SEE_THROUGH * float((part.alpha > 0.0).sum()):
        through = fidelity.compare_through(
            there, lay_product(product.cut_out, product.placement).edge, part.alpha, part.shows
        )
    known = _known(product.cut_out)
    return PartReceipt(
        product_id=product.product_id,
        photo_sha256=product.photo_sha256,
        photo_phash=known.phash,
        matte_sha256=known.matte_sha256,
        matting=f"{product.cut_out.provenance.backend} {product.cut_out.provenance.revision}".strip(),
        placement=plain_placement(product.placement),
        reference="same resize of the original" if resized else "original pixels",
        max_abs_diff=found.max_abs_diff,
        checked_px=found.checked_px,
        pixels_sha256=digest,
        resized=resized,
        scale=product.placement.scale,
        edge_band_mean=round(found.edge_band_mean, 3),
        edge_delta_e=round(found.edge_delta_e, 3),
        edge_delta_e_p95=round(found.edge_delta_e_p95, 3),
        hidden_share=hidden,
        growth_px=None if grown is None else grown.area_px,
        growth_share=None if grown is None else grown.share,
        text=text,
        relit_delta_e=round(found.inner_delta_e_p95, 3) if relit else 0.0,
        through_px=through.checked_px,
        through_max_out=through.max_out,
    )


def _growth(
    shown: BytePixels,
    placement: Placement,
    box: tuple[int, int, int, int],
    part: Part,
    laid: Sequence[Part],
    offset_px: tuple[int, int],
    place: _Place | None,
) -> Expansion:
    """Growth of one product in a window around it; what belongs to other products does not count."""
    left, top, right, bottom = box
    more = round(1.6 * RING * max(right - left, bottom - top)) + 10
    window = (
        max(left - more, 0),
        max(top - more, 0),
        min(right + more, shown.shape[1]),
        min(bottom + more, shown.shape[0]),
    )
    step = max(1, int(max(right - left, bottom - top) / WORK_PX))  # the measure works no finer
    alpha = np.zeros((window[3] - window[1], window[2] - window[0]), np.float32)
    alpha[top - window[1] : bottom - window[1], left - window[0] : right - window[0]] = part.alpha
    for other in laid:
        if other is not part:
            _add(alpha, other, window, offset_px)
    here = shown[window[1] : window[3], window[0] : window[2]]
    empty = None if place is None else place.window(placement, window)
    from_above = place is not None and place.backdrop.camera.view_angle_deg >= FROM_ABOVE_DEG
    found = expansion(
        np.ascontiguousarray(here[::step, ::step]),
        np.ascontiguousarray(alpha[::step, ::step]),
        None if empty is None else np.ascontiguousarray(empty[::step, ::step]),
        from_above=from_above,
    )
    own = max(1, int((part.alpha > 0.02).sum()))
    area = found.area_px * step * step
    return Expansion(area, round(area / own, 5), found.ring_px * step * step)


def _add(alpha: Alpha, other: Part, window: tuple[int, int, int, int], offset_px: tuple[int, int]) -> None:
    """Count another product's mask in, where it reaches into the window."""
    left, top, right, bottom = (v + offset_px[i % 2] for i, v in enumerate(other.box))
    x0, y0 = max(left, window[0]), max(top, window[1])
    x1, y1 = min(right, window[2]), min(bottom, window[3])
    if x0 >= x1 or y0 >= y1:
        return
    there = alpha[y0 - window[1] : y1 - window[1], x0 - window[0] : x1 - window[0]]
    np.maximum(there, other.alpha[y0 - top : y1 - top, x0 - left : x1 - left], out=there)


# --- what is the same for every picture of a photograph ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    alpha: Alpha  # held, so that its id stays its own
    matte_sha256: str
    phash: str


_known_lock = Lock()
_known_cut_outs: dict[int, _Known] = {}
_KNOWN = 12


def matte_plane(alpha: Alpha) -> NDArray[np.uint8]:
    """(H, W) the matte as it is used: one byte a pixel."""
    return np.asarray(np.rint(np.clip(alpha, 0.0, 1.0) * 255.0), dtype=np.uint8)


def _known(cut_out: CutOut) -> _Known:
    with _known_lock:
        known = _known_cut_outs.get(id(cut_out.alpha))
    if known is None:
        plane = matte_plane(cut_out.alpha)
        shape = np.array(plane.shape, dtype=">i4").tobytes()
        digest = hashlib.sha256(shape + plane.tobytes()).hexdigest()
        known = _Known(cut_out.alpha, digest, prints.short(cut_out.photo))
        with _known_lock:
            _known_cut_outs[id(cut_out.alpha)] = known
            while len(_known_cut_outs) > _KNOWN:
                _known_cut_outs.pop(next(iter(_known_cut_outs)))
    return known


def plain_placement(placement: Placement) -> dict[str, Any]:
    """A placement as JSON values."""
    said = asdict(placement)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


def placement_of(said: Any) -> Placement:
    """The placement that a receipt or a creative names."""
    from pydantic import TypeAdapter

    return TypeAdapter(Placement).validate_python(said)


def _joined_digest(digests: Sequence[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _was_resized(placement: Placement) -> bool:
    left, top, right, bottom = placement.photo_box
    x0, y0, x1, y1 = placement.product_box
    whole = all(v == round(v) for v in placement.photo_box)
    return not (whole and (right - left, bottom - top) == (x1 - x0, y1 - y0))


def _decoded(picture: bytes) -> BytePixels:
    try:
        with Image.open(io.BytesIO(picture)) as image:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableImage(f"the finished picture does not decode ({error})") from error
