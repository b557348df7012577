"""A decoded photograph to a cut-out: by the matte that it brought along, else by a matting backend."""

from __future__ import annotations

from dataclasses import replace

from models.matting.given import cut_out_with_mask
from models.types import CutOut, Matting

from .intake import DecodedPhoto


def lift(photo: DecodedPhoto, matting: Matting) -> CutOut:
    """Lift the product off its ground.

    A file with useful transparency was cut out already: its own matte is taken, and the record says so.

    Raises:
        NoProductFound: nothing stands out, or the file is transparent all over.
    """
    if photo.alpha is None:
        return matting.cut_out(photo.pixels)
    given = cut_out_with_mask(photo.pixels, photo.alpha)
    settings = {**given.provenance.settings, "because": "the file brought its own transparency"}
    return replace(given, provenance=replace(given.provenance, settings=settings))
