"""A camera placed by what the composer cares about: the elevation *at the contact point* and the scale there.

World frame: metres, z up, the standing point is the origin on the plane z = 0, the camera looks towards +y.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from models.types import Camera, CameraClass

SENSOR_MM = 36.0


def place_camera(
    view_angle_deg: float,
    *,
    px_per_metre: float = 2800.0,
    lens_mm: float = 85.0,
    size_px: int = 1536,
    standing: tuple[float, float] = (0.5, 0.66),
    f_stop: float | None = 5.6,
    focus_height_m: float = 0.05,
    blades: int = 0,
) -> Any:
    """Put the camera so that the origin is seen ``view_angle_deg`` from above.

    Args:
        view_angle_deg: elevation of the camera seen from the standing point, 1 to 89.
        px_per_metre: size of an upright metre at the standing point, in a picture ``size_px`` wide.
        standing: where the standing point falls, fractions of width and height from the top left.
        f_stop: aperture for a full-frame camera, None for everything sharp. Focus is on ``focus_height_m`` above the
            standing point, on the near side of a product.
        blades: aperture blades, 0 is a round opening.
    """
    focal_px = lens_mm / SENSOR_MM * size_px
    elevation = math.radians(view_angle_deg)
    right_px = (0.5 - standing[0]) * size_px  # how far the standing point lies left of the axis
    down_px = (standing[1] - 0.5) * size_px
    pitch = elevation - math.atan2(down_px, focal_px)
    depth = focal_px / px_per_metre  # along the optical axis
    forward = Vector((0, math.cos(pitch), -math.sin(pitch)))
    down = Vector((0, -math.sin(pitch), -math.cos(pitch)))
    along = forward * depth + down * (down_px / focal_px * depth) + Vector((-right_px / focal_px * depth, 0, 0))
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.sensor_fit = lens_mm, SENSOR_MM, "HORIZONTAL"
    data.clip_start, data.clip_end = 0.02, 500.0
    made = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(made)
    made.location = -along
    made.rotation_euler = forward.to_track_quat("-Z", "Y").to_euler()
    if f_stop is not None:
        data.dof.use_dof = True
        focus = Vector((0, -0.015, focus_height_m))
        data.dof.focus_distance = (focus - made.location).dot(forward)
        data.dof.aperture_fstop = f_stop
        data.dof.aperture_blades = blades
    bpy.context.scene.camera = made
    bpy.context.view_layer.update()
    return made


def record_camera(camera: Any, size_px: tuple[int, int]) -> Camera:
    """The same camera as numbers, in the frames of ``models.types`` (x right, y down, z forward)."""
    world = np.array(camera.matrix_world, dtype=np.float64)
    flip = np.diag([1.0, -1.0, -1.0])  # Blender looks along -z with y up
    rotation = flip @ world[:3, :3].T
    focal = camera.data.lens / camera.data.sensor_width * size_px[0]
    return Camera(
        rotation=rotation,
        translation=-rotation @ world[:3, 3],
        focal_px=(focal, focal),
        centre_px=(
            size_px[0] / 2 - 0.5 - camera.data.shift_x * size_px[0],
            size_px[1] / 2 - 0.5 + camera.data.shift_y * size_px[0],
        ),
        size_px=size_px,
    )


def camera_class(view_angle_deg: float) -> CameraClass:
    """The class of ``models.types`` that an elevation belongs to; between classes, the nearer one."""
    if view_angle_deg <= 16.5:
        return CameraClass.EYE_LEVEL
    return CameraClass.THREE_QUARTER if view_angle_deg <= 50 else CameraClass.TOP_DOWN
