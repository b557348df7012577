"""The end of every cut-out, whichever backend found the product: colours, count, sureness."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from models.errors import NoProductFound
from models.types import Alpha, BytePixels, CutOut, Provenance

from .edges import foreground_colours, local_ground
from .glass import see_through
from .ground import Ground
from .refine import count_products
from .sureness import judged, signs

AS_GLASS = "taken for clear glass: the ground shows through"
SURE_SHARE = 0.05  # of what is more product than not; a network that looks at nothing is half sure of much of it
_AROUND_PX = 40  # ground beside the product that tells its colour


def finished(
    photo: BytePixels,
    alpha: Alpha,
    *,
    provenance: Provenance,
    family: str = "network",
    coarse: Alpha | None = None,
    other: Alpha | None = None,
    n_products: int | None = None,
    ground: Ground | None = None,
) -> CutOut:
    """A cut-out from a matte.

    Args:
        photo: (H, W, 3) sRGB.
        alpha: (H, W) solved at the photograph's size.
        family: whose calibration of uncertainty fits.
        coarse: what a network said before its edge was refined.
        other: a second opinion about the mask, any size.
        n_products: where the backend has counted them.
        ground: where the backend has fitted it, at the small size.

    Raises:
        NoProductFound: nothing is left.
    """
    if float(alpha.max(initial=0.0)) < 0.5:
        raise NoProductFound("nothing stands out from the background")
    if int((alpha >= 0.9).sum()) < SURE_SHARE * int((alpha >= 0.5).sum()):
        raise NoProductFound("nothing in it is surely product: an empty or blurred photograph")
    found = signs(photo, alpha, coarse=coarse, other=other)
    uncertainty, reasons = judged(found, family)
    seen = {name: round(value, 3) for name, value in asdict(found).items() if value}
    provenance = replace(provenance, settings={**provenance.settings, "signs": seen})
    glass = see_through(photo, alpha, ground)
    if glass is not None:
        alpha, reasons = glass.alpha, (AS_GLASS, *reasons)
        provenance = replace(provenance, settings={**provenance.settings, "glass": True})
    return CutOut(
        photo=photo,
        alpha=alpha,
        foreground=clean_colours(photo, alpha) if glass is None else glass.foreground,
        uncertainty=round(uncertainty, 4),
        n_products=n_products or count_products(alpha),
        provenance=provenance,
        reasons=reasons,
    )


def clean_colours(photo: BytePixels, alpha: Alpha) -> BytePixels:
    """The photograph with the old ground taken out of the soft edge; only the product's box is worked on.

    Args:
        photo: (H, W, 3) sRGB.
        alpha: (H, W).
    """
    result = photo.copy()
    rows, columns = np.flatnonzero((alpha > 0.0).any(axis=1)), np.flatnonzero((alpha > 0.0).any(axis=0))
    if len(rows) == 0:
        return result
    cut = (
        slice(max(rows[0] - _AROUND_PX, 0), rows[-1] + _AROUND_PX + 1),
        slice(max(columns[0] - _AROUND_PX, 0), columns[-1] + _AROUND_PX + 1),
    )
    result[cut] = foreground_colours(photo[cut], alpha[cut], local_ground(photo[cut], alpha[cut]))
    return result
