"""A plain floor before a plain wall: the place of backends that paint around a product, and of tests."""

from __future__ import annotations

import numpy as np

from models.types import Backdrop, Camera, CameraClass, DisplayCurve, KeyLight, Provenance, Side, unit

DISTANCE_M = 1.0
WALL_M = 0.6  # behind the standing point
PX_PER_M = 1.9  # frame widths per metre at the standing point
GREY = (0.46, 0.46, 0.46)  # scene-linear: leaves room for light and shadow
ZONE_M = ((-0.4, -0.3), (0.4, -0.3), (0.4, 0.4), (-0.4, 0.4))


def plain_backdrop(
    size_px: tuple[int, int],
    elevation_deg: float,
    provenance: Provenance,
    floor: tuple[float, float, float] = GREY,
) -> Backdrop:
    """A matte floor of one colour, seen from ``elevation_deg`` and lit softly from the left."""
    camera = level_camera(size_px, elevation_deg)
    colour = np.asarray(floor, np.float32)
    linear = np.where(_is_wall(camera)[..., None], colour * np.float32(0.8), colour).astype(np.float32)
    return Backdrop(
        linear=linear,
        key_share=np.full_like(linear, 0.5),
        specular=np.zeros_like(linear),
        camera=camera,
        key=KeyLight("sun", unit((-0.6, -0.5, 1.0)), 6.0, side=Side.LEFT),
        curve=srgb_curve(),
        roughness=0.8,
        base_reflectance=0.04,
        ball_rgb=(0.6, 0.6, 0.6),
        zone_m=np.array(ZONE_M),
        support_m=None,
        camera_class=class_of(elevation_deg),
        provenance=provenance,
    )


def class_of(elevation_deg: float) -> CameraClass:
    """The camera class whose range is nearest to an elevation."""
    if elevation_deg >= 50.0:
        return CameraClass.TOP_DOWN
    return CameraClass.THREE_QUARTER if elevation_deg >= 16.5 else CameraClass.EYE_LEVEL


def level_camera(size_px: tuple[int, int], elevation_deg: float) -> Camera:
    """A camera that sees the standing point at .5, .68 of the picture, from this elevation, without roll."""
    elevation = np.radians(elevation_deg)
    position = DISTANCE_M * np.array([0.0, -np.cos(elevation), np.sin(elevation)])
    forward = unit(-position)
    right = np.array([1.0, 0.0, 0.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    focal = PX_PER_M * size_px[0] * DISTANCE_M
    centre = (size_px[0] * 0.5 - 0.5, size_px[1] * 0.68 - 0.5)
    return Camera(rotation, -rotation @ position, (focal, focal), centre, size_px)


def srgb_curve() -> DisplayCurve:
    """The sRGB transfer function as a curve.

    Source: IEC 61966-2-1.
    """
    display = np.linspace(0.0, 1.0, 256, dtype=np.float32)
    linear = np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)
    return DisplayCurve(linear.astype(np.float32), display)


def _is_wall(camera: Camera) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """(H, W): pixels whose ray meets the wall, or nothing, before the floor."""
    width, height = camera.size_px
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack(
        [
            (u - camera.centre_px[0]) / camera.focal_px[0],
            (v - camera.centre_px[1]) / camera.focal_px[1],
            np.ones(u.shape),
        ],
        axis=-1,
    )
    rays = rays @ camera.rotation
    position = camera.position
    reach = np.where(rays[..., 2] < -1e-6, -position[2] / np.minimum(rays[..., 2], -1e-6), np.inf)
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = position[1] + reach * rays[..., 1] > WALL_M
    return found
