"""A plain floor before a plain wall: a place without weights or files, for tests."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from models.types import CameraClass, ImageRequest, PaintedBackdrop, Provenance

from .plain import level_camera, plain_backdrop, srgb_curve

__all__ = ["FakePlace", "level_camera", "srgb_curve"]


class FakePlace:
    """Paints the same floor for the same words and seed; the colour follows from them. Understands no word."""

    name = "fake"

    def paint(self, request: ImageRequest) -> PaintedBackdrop:
        """A place of ``request.size_px`` seen at ``request.view_angle_deg`` (default 15 degrees)."""
        digest = hashlib.sha256(f"{request.words}|{request.plate}|{request.seed}".encode()).digest()
        floor = 0.25 + 0.3 * np.frombuffer(digest[:3], np.uint8).astype(np.float32) / 255.0
        colour = (float(floor[0]), float(floor[1]), float(floor[2]))
        made = Provenance("fake", "floor", "1", request.seed)
        backdrop = plain_backdrop(request.size_px, request.view_angle_deg or 15.0, made, colour)
        backdrop = replace(backdrop, camera_class=CameraClass.EYE_LEVEL)
        return PaintedBackdrop(backdrop, {}, tuple(request.words.split()))
