"""A plain studio and plain products, ray-cast with exact geometry: what the picture tests stand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models import pixels
from models.types import (
    Alpha,
    Backdrop,
    BytePixels,
    Camera,
    CameraClass,
    CutOut,
    DisplayCurve,
    KeyLight,
    Provenance,
    Side,
    unit,
)


def camera(view_deg: float = 14.0, size_px: int = 512, distance_m: float = 1.6, focal: float = 1.4) -> Camera:
    """Looks at a point a little above the standing point, from ``view_deg`` above it."""
    e = np.radians(view_deg)
    position = distance_m * np.array([0.0, -np.cos(e), np.sin(e)])
    forward = unit(np.array([0.0, 0.0, 0.1]) - position)
    right = unit(np.cross(forward, [0.0, 0.0, 1.0]))
    rotation = np.stack([right, np.cross(forward, right), forward])
    centre = (size_px - 1) / 2
    return Camera(rotation, -rotation @ position, (focal * size_px,) * 2, (centre, centre), (size_px, size_px))


def curve() -> DisplayCurve:
    """Plain sRGB, up to linear 1."""
    display = np.linspace(0, 1, 256)
    linear = np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)
    return DisplayCurve(linear.astype(np.float32), display.astype(np.float32))


def ground_points(cam: Camera) -> NDArray[np.float64]:
    """(H, W, 2) ground coordinates of every pixel; nan above the horizon."""
    u, v = np.meshgrid(np.arange(cam.size_px[0]), np.arange(cam.size_px[1]))
    rays = np.stack(
        [(u - cam.centre_px[0]) / cam.focal_px[0], (v - cam.centre_px[1]) / cam.focal_px[1], np.ones(u.shape)], axis=-1
    )
    world = rays @ cam.rotation
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(world[..., 2] < -1e-9, -cam.position[2] / world[..., 2], np.nan)
    return np.asarray((cam.position + t[..., None] * world)[..., :2])


def backdrop(
    view_deg: float = 14.0,
    size_px: int = 512,
    light_from: str = "left",
    roughness: float = 0.8,
    ground: tuple[float, float, float] = (0.45, 0.38, 0.3),
    wall: tuple[float, float, float] = (0.5, 0.5, 0.47),
    kind: str = "area",
) -> Backdrop:
    """A chequered floor, a wall 1.5 m behind, one key light."""
    cam = camera(view_deg, size_px)
    xy = ground_points(cam)
    floor = np.isfinite(xy[..., 0]) & (xy[..., 1] < 1.5)
    tiles = np.where(np.nan_to_num(np.floor(xy[..., 0] / 0.2) + np.floor(xy[..., 1] / 0.2)) % 2 > 0, 1.0, 0.9)
    linear = np.where(floor[..., None], np.array(ground) * tiles[..., None], np.array(wall)).astype(np.float32)
    share = np.where(floor[..., None], 0.65, 0.4).astype(np.float32) * np.ones(3, np.float32)
    shine = np.where(floor[..., None], 0.05 * (1 - roughness), 0.0).astype(np.float32) * np.ones(3, np.float32)
    side = {"left": -1.0, "right": 1.0}[light_from]
    towards = unit([side * 0.8, 0.25, 0.75])
    key = KeyLight(kind, towards, 6.0, towards * 1.6, (0.5, 0.5), Side(light_from))
    zone = np.array([[-0.5, -0.4], [0.5, -0.4], [0.5, 0.5], [-0.5, 0.5]])
    high = CameraClass.THREE_QUARTER if view_deg < 50 else CameraClass.TOP_DOWN
    return Backdrop(
        linear=linear,
        key_share=share,
        specular=np.minimum(shine, linear),
        camera=cam,
        key=key,
        curve=curve(),
        roughness=roughness,
        base_reflectance=0.04,
        ball_rgb=(0.62, 0.6, 0.58),
        zone_m=zone,
        support_m=None,
        camera_class=CameraClass.EYE_LEVEL if view_deg < 17 else high,
        provenance=Provenance("fake", "studio", "1", 0),
    )


def cylinder_alpha(cam: Camera, radius_m: float, height_m: float, handle: bool = False) -> Alpha:
    """(H, W) coverage of an upright cylinder on the standing point, with an ear on its right if asked."""
    import cv2

    fine = cam.reframed((0, 0, *cam.size_px), (cam.size_px[0] * 4, cam.size_px[1] * 4))
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    ring = np.column_stack([radius_m * np.cos(angle), radius_m * np.sin(angle)])
    mask = np.zeros(fine.size_px[::-1], np.uint8)
    both = np.concatenate([np.column_stack([ring, np.full(240, z)]) for z in (0.0, height_m)])
    hull = cv2.convexHull(np.rint(fine.project(both)).astype(np.int32))
    if handle:
        arc = np.linspace(-np.pi / 2, np.pi / 2, 60)
        ear = np.column_stack(
            [radius_m * 0.95 + 0.3 * height_m * np.cos(arc), 0 * arc, height_m / 2 + 0.3 * height_m * np.sin(arc)]
        )
        width = max(int(0.07 * height_m * fine.focal_px[0] / 1.6), 2)
        cv2.polylines(mask, [np.rint(fine.project(ear)).astype(np.int32)], False, 1, thickness=width)
    cv2.fillPoly(mask, [hull], 1)
    size = cam.size_px
    return mask.reshape(size[1], 4, size[0], 4).mean(axis=(1, 3)).astype(np.float32)


def photograph(
    alpha: Alpha, ground: float = 238.0, colour: tuple[float, float, float] = (60, 120, 130), noise: float = 1.0
) -> BytePixels:
    """The silhouette as a shaded, lettered product before a graded studio ground, with noise."""
    height, width = alpha.shape
    rng = np.random.default_rng(5)
    v, u = np.mgrid[:height, :width] / max(height, width)
    columns = np.flatnonzero((alpha > 0.5).any(axis=0))
    across = (np.arange(width) - columns.mean()) / max(len(columns) / 2, 1)
    body = (
        np.array(colour)
        * (1.0 - 0.35 * np.clip(across, -1, 1) ** 2)[None, :, None]
        * (1.0 + 0.08 * np.sin(v * 90)[..., None])
    )
    back = (ground - 14 * (v - 0.5) - 8 * np.abs(u - 0.5))[..., None] * np.array([1.0, 0.995, 0.985])
    a = alpha[..., None]
    mix = 255.0 * (a * (body / 255.0) ** 2.2 + (1 - a) * (back / 255.0) ** 2.2) ** (1 / 2.2)
    return np.asarray(np.clip(mix + noise * rng.standard_normal((height, width, 1)) + 0.5, 0, 255)).astype(np.uint8)


def cut_out(view_deg: float = 14.0, size_px: int = 700, handle: bool = True, **look: float) -> CutOut:
    """A mug with known matte, photographed from ``view_deg``."""
    alpha = cylinder_alpha(camera(view_deg, size_px, 1.0, 1.6), 0.12, 0.26, handle)
    photo = photograph(alpha, **look)  # type: ignore[arg-type]
    clean = np.broadcast_to(np.array([60, 120, 130], np.uint8), photo.shape)
    foreground = np.where(alpha[..., None] >= 0.98, photo, clean).astype(np.uint8)
    return CutOut(photo, alpha, foreground, 0.05, 1, Provenance("fake", "drawn", "1"))


__all__ = ["backdrop", "camera", "curve", "cut_out", "cylinder_alpha", "ground_points", "photograph", "pixels"]
