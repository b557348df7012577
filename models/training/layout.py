"""Draws what stands where in a scene: floor, background, podium tops, podium sides, from the camera that sees it.

World frame as in ``models.types``: metres, z up, the standing point is the origin. On a podium the standing point is
the middle of its top, so the floor lies lower, at ``floor_z``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOOR, BACK, TOP, SIDE = range(4)
CHANNELS = ("floor", "back", "podium top", "podium side")
FAR = 1e9


@dataclass(frozen=True, slots=True)
class Solid:
    """An upright block: one podium, or one of its steps."""

    is_round: bool
    centre: tuple[float, float]  # metres
    half: tuple[float, float]  # metres; a round one's radius is half[0]
    bottom: float  # metres
    top: float  # metres
    turn: float = 0.0  # radians, counter-clockwise from above

    def as_json(self) -> list[Any]:
        return [self.is_round, list(self.centre), list(self.half), self.bottom, self.top, self.turn]

    @staticmethod
    def from_json(row: Sequence[Any]) -> Solid:
        return Solid(bool(row[0]), (row[1][0], row[1][1]), (row[2][0], row[2][1]), row[3], row[4], row[5])


@dataclass(frozen=True, slots=True)
class View:
    """A pinhole camera whose picture has any shape; lengths on the picture are in picture widths."""

    rotation: NDArray[np.float64]  # (3, 3) world to camera; camera x right, y down, z forward
    position: NDArray[np.float64]  # (3,) metres
    focal: float  # in picture widths
    centre: tuple[float, float]  # principal point, in picture widths from the left and top edges
    aspect: float = 1.0  # height / width

    def rays(self, width: int, height: int) -> NDArray[np.float64]:
        """(height, width, 3) directions in the world through the pixel centres, not normalised."""
        u = (np.arange(width) + 0.5) / width - self.centre[0]
        v = (np.arange(height) + 0.5) / height * self.aspect - self.centre[1]
        uu, vv = np.meshgrid(u / self.focal, v / self.focal)
        return np.asarray(np.stack([uu, vv, np.ones_like(uu)], axis=-1) @ self.rotation)


def looking(
    elevation_deg: float,
    azimuth_deg: float,
    focal: float,
    view_width_m: float,
    contact: tuple[float, float],
    aspect: float = 1.0,
) -> View:
    """A level camera that sees the standing point at ``contact``.

    Args:
        elevation_deg: of the camera, seen from the standing point, 0 to 89. Met exactly when contact is mid-width.
        azimuth_deg: turn of the camera about the vertical; 0 looks along +y, positive looks towards +x.
        focal: in picture widths.
        view_width_m: what the picture's width spans at the standing point.
        contact: where the standing point appears, as parts of the picture's width and height.
        aspect: height / width.
    """
    du, dv = contact[0] - 0.5, (contact[1] - 0.5) * aspect
    pitch = math.radians(elevation_deg) - math.atan2(dv, focal)
    yaw = math.radians(azimuth_deg)
    forward = np.array([math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), -math.sin(pitch)])
    right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    ray = np.array([du / focal, dv / focal, 1.0]) @ rotation
    position = -ray * view_width_m * focal  # at depth focal * width, the picture's width spans view_width_m
    return View(rotation, position, focal, (0.5, 0.5 * aspect), aspect)


def _hit_round(solid: Solid, origin: NDArray[np.float64], ray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ray parameter where each ray meets the mantle, FAR where it misses."""
    o = origin[:2] - np.asarray(solid.centre)
    a = ray[..., 0] ** 2 + ray[..., 1] ** 2
    b = 2 * (o[0] * ray[..., 0] + o[1] * ray[..., 1])
    c = float(o @ o) - solid.half[0] ** 2
    disc = b * b - 4 * a * c
    t = (-b - np.sqrt(np.maximum(disc, 0))) / (2 * np.maximum(a, 1e-12))
    z = origin[2] + t * ray[..., 2]
    return np.where((disc > 0) & (t > 0) & (z > solid.bottom) & (z < solid.top), t, FAR)


def _hit_box(solid: Solid, origin: NDArray[np.float64], ray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ray parameter where each ray meets one of the four sides from outside, FAR where it misses."""
    cos, sin = math.cos(-solid.turn), math.sin(-solid.turn)
    turn = np.array([[cos, -sin], [sin, cos]])
    o = turn @ (origin[:2] - np.asarray(solid.centre))
    d = ray[..., :2] @ turn.T
    best = np.full(ray.shape[:2], FAR)
    for axis in (0, 1):
        for sign in (-1.0, 1.0):
            speed = np.where(np.abs(d[..., axis]) < 1e-9, 1e-9, d[..., axis])
            t = (sign * solid.half[axis] - o[axis]) / speed
            across = o[1 - axis] + t * d[..., 1 - axis]
            z = origin[2] + t * ray[..., 2]
            inside = (np.abs(across) < solid.half[1 - axis]) & (z > solid.bottom) & (z < solid.top)
            best = np.where(inside & (t > 0) & (t < best), t, best)
    return best


def _hit_top(solid: Solid, origin: NDArray[np.float64], ray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ray parameter where each ray meets the top face, FAR where it misses."""
    t = np.where(ray[..., 2] < -1e-9, (solid.top - origin[2]) / np.minimum(ray[..., 2], -1e-9), FAR)
    x = origin[0] + t * ray[..., 0] - solid.centre[0]
    y = origin[1] + t * ray[..., 1] - solid.centre[1]
    if solid.is_round:
        inside = x * x + y * y < solid.half[0] ** 2
    else:
        cos, sin = math.cos(-solid.turn), math.sin(-solid.turn)
        inside = (np.abs(cos * x - sin * y) < solid.half[0]) & (np.abs(sin * x + cos * y) < solid.half[1])
    return np.where(inside & (t > 0) & (t < FAR), t, FAR)


def cast(
    view: View, solids: Sequence[Solid], floor_z: float, back_y: float, width: int, height: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What each pixel shows, (height, width), and where that is in the world, (height, width, 3) metres."""
    ray = view.rays(width, height)
    origin = view.position
    ground = np.where(ray[..., 2] < -1e-9, (floor_z - origin[2]) / np.minimum(ray[..., 2], -1e-9), FAR)
    is_floor = (ground < FAR) & (origin[1] + ground * ray[..., 1] < back_y)
    label = np.where(is_floor, FLOOR, BACK)
    nearest = np.where(is_floor, ground, FAR)
    for solid in solids:
        mantle = (_hit_round if solid.is_round else _hit_box)(solid, origin, ray)
        for kind, t in ((SIDE, mantle), (TOP, _hit_top(solid, origin, ray))):
            label = np.where(t < nearest, kind, label)
            nearest = np.minimum(nearest, t)
    wall = (back_y - origin[1]) / np.maximum(ray[..., 1], 1e-6)
    reach = np.where(label == BACK, np.minimum(wall, 1e3), nearest)
    return label, origin + reach[..., None] * ray


def draw(
    view: View, solids: Sequence[Solid], floor_z: float, back_y: float, width: int, height: int, oversample: int = 1
) -> NDArray[np.float32]:
    """The layout map of a scene.

    Args:
        view: the camera.
        solids: podium blocks.
        floor_z: height of the floor, metres, 0 or below.
        back_y: where the floor ends and the background begins, metres beyond the standing point.
        width, height: of the map, px.
        oversample: rays a pixel in each direction, averaged.

    Returns:
        (4, height, width) float32, parts of each pixel that are floor, back, podium top, podium side; they sum to 1.
    """
    label, _ = cast(view, solids, floor_z, back_y, width * oversample, height * oversample)
    parts = np.stack([(label == kind).astype(np.float32) for kind in range(4)])
    return np.asarray(parts.reshape(4, height, oversample, width, oversample).mean(axis=(2, 4)), dtype=np.float32)
