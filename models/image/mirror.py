"""A place seen in a mirror: the light comes from the other side, everything else stays true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.types import Backdrop, Camera, KeyLight, Side

_FLIP = np.diag([-1.0, 1.0, 1.0])
_OTHER = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}


def mirrored(backdrop: Backdrop) -> Backdrop:
    """Left and right exchanged in pixels, camera, light and ground. Writing in the picture would be seen reversed."""
    camera = backdrop.camera
    return replace(
        backdrop,
        linear=np.ascontiguousarray(backdrop.linear[:, ::-1]),
        key_share=np.ascontiguousarray(backdrop.key_share[:, ::-1]),
        specular=np.ascontiguousarray(backdrop.specular[:, ::-1]),
        camera=Camera(
            rotation=_FLIP @ camera.rotation @ _FLIP,
            translation=_FLIP @ camera.translation,
            focal_px=camera.focal_px,
            centre_px=(camera.size_px[0] - 1 - camera.centre_px[0], camera.centre_px[1]),
            size_px=camera.size_px,
        ),
        key=_key(backdrop.key),
        zone_m=_polygon(backdrop.zone_m),
        support_m=None if backdrop.support_m is None else _polygon(backdrop.support_m),
    )


def _key(key: KeyLight) -> KeyLight:
    flip = np.array([-1.0, 1.0, 1.0])
    position = None if key.position is None else key.position * flip
    return replace(key, direction=key.direction * flip, position=position, side=_OTHER.get(key.side, key.side))


def _polygon(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walked the other way round, so that its inside stays on the same hand."""
    if points.size == 0:
        return points
    return np.ascontiguousarray((points * np.array([-1.0, 1.0]))[::-1])
