"""A matting backend for tests: the corner's colour is background, everything else is product."""

from __future__ import annotations

import numpy as np

from models.errors import NoProductFound
from models.types import BytePixels, CutOut, Provenance


class FakeMatting:
    """Hard matte of whatever differs from the top-left pixel by more than ``tolerance``."""

    name = "fake"

    def __init__(self, tolerance: int = 24) -> None:
        self._tolerance = tolerance

    def cut_out(self, photo: BytePixels) -> CutOut:
        """Raises NoProductFound when the whole photograph has the corner's colour."""
        away = np.abs(photo.astype(np.int16) - photo[0, 0].astype(np.int16)).max(axis=-1)
        alpha = (away > self._tolerance).astype(np.float32)
        if not alpha.any():
            raise NoProductFound("everything has the colour of the corner")
        return CutOut(photo, alpha, photo, 0.0, 1, Provenance("fake", "corner colour", "1"))
