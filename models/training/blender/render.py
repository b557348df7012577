"""Cycles on the CPU: engine settings, light groups, layered EXR written and read, a white ball measured.

One process, one scene at a time; persistent data keeps what does not change. Nothing is tone-mapped here: what comes
back is scene-linear.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenEXR
from numpy.typing import NDArray

from . import geometry
from .materials import plain

LIGHT_GROUPS = ("key", "ambient")
Layers = dict[str, NDArray[np.float32]]


def set_up(
    size_px: tuple[int, int],
    samples: int,
    *,
    threads: int = 1,
    seed: int = 1,
    layers: bool = True,
    denoise: bool = True,
    high_quality: bool = True,
) -> Any:
    """Prepare the current scene for rendering; call after lights and objects exist or before, either works."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples, cycles.seed = samples, seed
    cycles.use_adaptive_sampling, cycles.adaptive_threshold, cycles.adaptive_min_samples = True, 0.04, min(samples, 4)
    cycles.use_denoising, cycles.denoiser = denoise, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    # Few samples through an open lens leave the guides noisy too: unless they are cleaned first, wood grain is lost.
    cycles.denoising_prefilter = "ACCURATE" if high_quality else "FAST"
    cycles.denoising_quality = "HIGH" if high_quality else "BALANCED"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 5, 2, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 7, 8
    cycles.use_light_tree = False  # a handful of lights: choosing among them costs more than it saves
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.blur_glossy, cycles.sample_clamp_indirect, cycles.sample_clamp_direct = 0.8, 4.0, 0.0
    render = scene.render
    render.use_persistent_data = True
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size_px, 100
    render.threads_mode, render.threads = "FIXED", threads
    render.film_transparent = False
    settings = render.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "16", "ZIP"
    view = scene.view_layers[0]
    view.use_pass_z = True
    for name in ("glossy_direct", "glossy_indirect", "glossy_color"):
        setattr(view, f"use_pass_{name}", layers)
    known = {group.name for group in view.lightgroups}
    for name in LIGHT_GROUPS:
        if layers and name not in known:
            view.lightgroups.add(name=name)
    return scene


def render_layers(*, quiet: bool = True) -> tuple[Layers, float]:
    """Render the current scene.

    Returns:
        Layers by pass name, each (H, W, 3) or (H, W) float32, scene-linear: "Combined", "Depth" (metres along the
        axis), "Glossy Direct", "Glossy Indirect", "Glossy Color", "Combined_key",
        "Combined_ambient"; and CPU-seconds spent.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "render.exr"
        bpy.context.scene.render.filepath = str(path)
        started = time.process_time()
        with _silenced(quiet):
            bpy.ops.render.render(write_still=True)
        spent = time.process_time() - started
        return read_layers(path), spent


def read_layers(path: Path) -> Layers:
    """A multilayer EXR as arrays by pass name."""
    channels: dict[str, dict[str, NDArray[np.float32]]] = {}
    with OpenEXR.File(str(path), separate_channels=True) as file:
        for part in file.parts:
            for name, channel in part.channels.items():
                group, _, component = name.rpartition(".")
                channels.setdefault(group.split(".")[-1], {})[component] = np.asarray(channel.pixels, dtype=np.float32)
    layers: Layers = {}
    for name, parts in channels.items():
        if {"R", "G", "B"} <= set(parts):
            layers[name] = np.stack([parts[c] for c in "RGB"], axis=-1)
        else:
            layers[name] = next(iter(parts.values()))
    return layers


def measure_white_ball(
    camera: Any, *, radius: float = 0.03, albedo: float = 0.8, samples: int = 20, size_px: int = 384
) -> tuple[float, float, float]:
    """Scene-linear colour at the middle of a white ball standing at the origin: the light an upright product gets."""
    ball = geometry.sphere(radius, plain((albedo, albedo, albedo), 1.0), (0, 0, 0))
    ball.active_material.node_tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.0
    scene = bpy.context.scene
    kept = (scene.render.resolution_x, scene.render.resolution_y, scene.cycles.samples)
    from .camera import record_camera  # here: camera.py and render.py know each other

    middle = record_camera(camera, (size_px, size_px)).project(np.array([0.0, 0.0, radius]))
    scene.render.resolution_x = scene.render.resolution_y = size_px
    scene.cycles.samples = samples
    reach = 40 / size_px
    x, y = middle[0] / size_px, 1 - middle[1] / size_px
    scene.render.use_border, scene.render.use_crop_to_border = True, True
    scene.render.border_min_x, scene.render.border_max_x = x - reach, x + reach
    scene.render.border_min_y, scene.render.border_max_y = y - reach, y + reach
    layers, _ = render_layers()
    scene.render.use_border = scene.render.use_crop_to_border = False
    scene.render.resolution_x, scene.render.resolution_y, scene.cycles.samples = kept
    bpy.data.objects.remove(ball)
    picture = layers["Combined"]
    h, w = picture.shape[:2]
    patch = picture[h // 2 - 6 : h // 2 + 6, w // 2 - 6 : w // 2 + 6].reshape(-1, 3)
    r, g, b = (float(v) for v in patch.mean(axis=0))
    return r, g, b


def object_names() -> Sequence[str]:
    """What is in the scene, for messages."""
    return [item.name for item in bpy.data.objects]


class _silenced:
    """Blender prints a line for every tile and file; progress is ours to print."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet

    def __enter__(self) -> None:
        if self.quiet:
            self.kept, self.hole = os.dup(1), os.open(os.devnull, os.O_WRONLY)
            os.dup2(self.hole, 1)

    def __exit__(self, *_: object) -> None:
        if self.quiet:
            os.dup2(self.kept, 1)
            os.close(self.kept)
            os.close(self.hole)
