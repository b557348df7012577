"""A matte that a person drew or corrected, in place of any backend."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import NoProductFound, ShapeMismatch, UnsupportedRequest
from models.types import Alpha, BytePixels, CutOut, Provenance

from .cutting import clean_colours

REVISION = "given-1"


def cut_out_with_mask(photo: BytePixels, alpha: Alpha | NDArray[np.uint8]) -> CutOut:
    """The product as somebody outlined it: their alpha stays as it is, the old ground leaves the soft edge.

    Args:
        photo: (H, W, 3) sRGB, upright.
        alpha: (H, W) float, 0 to 1, or bytes, 0 to 255; a mask of another size with the same shape of frame is resized.

    Returns:
        A cut-out of backend "given", uncertainty 0: a person has looked. ``n_products`` is 1 for the same reason.
        Its revision names the mask's bytes, so that another mask is another cut-out.

    Raises:
        ShapeMismatch: the mask does not have the photograph's shape of frame.
        UnsupportedRequest: not a plane of numbers from 0 to 1 (or bytes).
        NoProductFound: the mask is empty.
    """
    plane = _plane(alpha)
    height, width = photo.shape[:2]
    if plane.shape != (height, width):
        if abs(plane.shape[1] * height - plane.shape[0] * width) > max(plane.shape[0] * width, 1) * 0.01:
            raise ShapeMismatch(photo=photo.shape, mask=plane.shape)
        kind = cv2.INTER_AREA if plane.shape[0] > height else cv2.INTER_LINEAR
        plane = np.clip(cv2.resize(plane, (width, height), interpolation=kind), 0.0, 1.0).astype(np.float32)
    if float(plane.max()) < 0.5:
        raise NoProductFound("the mask that was given is empty")
    digest = hashlib.sha256(np.rint(plane * 255.0).astype(np.uint8).tobytes()).hexdigest()
    return CutOut(
        photo=photo,
        alpha=plane,
        foreground=clean_colours(photo, plane),
        uncertainty=0.0,
        n_products=1,
        provenance=Provenance("given", "mask", f"{REVISION}-{digest[:16]}"),
    )


def _plane(alpha: Alpha | NDArray[np.uint8]) -> Alpha:
    values = np.asarray(alpha)
    if values.ndim != 2 or values.size == 0:
        raise UnsupportedRequest("given", f"a mask is one plane (H, W), this has the shape {values.shape}")
    if values.dtype == np.uint8:
        return values.astype(np.float32) / np.float32(255.0)
    plane = values.astype(np.float32)
    if not np.isfinite(plane).all() or float(plane.min()) < 0.0 or float(plane.max()) > 1.0:
        raise UnsupportedRequest("given", "a mask's numbers lie between 0 and 1")
    return plane
