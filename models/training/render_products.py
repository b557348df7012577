"""Photographs of the sample products, with their exact alpha and camera. From the repository root:

    python -m models.training.render_products --out service/samples --only kilnholt-mug --samples 96 --threads 1

Needs bpy 5.0 (Blender as a module), numpy and Pillow; nothing of the service runs here. Each shot writes
``<out>/<product>/<shot>.jpg``, ``<out>/<product>/truth/alpha[-<shot>].png`` and ``truth/camera[-<shot>].json``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE_PX = 1440
JPEG_QUALITY = 93
Linear = NDArray[np.float32]  # (H, W, 3) scene-linear, >= 0


@dataclass(frozen=True, slots=True)
class Shot:
    """One photograph: which product, seen how, how large in the frame."""

    product: str
    name: str  # file name without ending
    view_angle_deg: float  # elevation of the camera seen from the contact point
    lens_mm: float = 80.0
    turn_deg: float = 0.0  # of the product about the vertical
    fill: float = 0.74  # of the frame, by the longer side of the product
    lies_down: bool = False
    lifted: float = 0.0  # of the frame: how far the product sits above the middle
    ground_level: float = 0.79  # display-linear brightness of the ground beside the product, .79 is sRGB 229
    has_glass: bool = False
    seed: int = 1


SHOTS = (
    Shot("tarnwell-bottle", "tarnwell-bottle", 14.0, 85.0, turn_deg=-5, fill=0.80),
    Shot("kilnholt-mug", "kilnholt-mug", 16.0, 85.0, turn_deg=-16, fill=0.62),
    Shot("thistlemere-tea", "thistlemere-tea", 15.0, 80.0, turn_deg=28, fill=0.74),
    Shot("ambrune-oil", "ambrune-oil", 14.0, 85.0, turn_deg=0, fill=0.76, has_glass=True),
    Shot("kilnholt-mug", "kilnholt-mug-top", 75.0, 80.0, turn_deg=-38, fill=0.58),
    Shot("thistlemere-tea", "thistlemere-tea-top", 75.0, 80.0, turn_deg=14, fill=0.70, lies_down=True),
)


# --- arithmetic on pixels -------------------------------------------------------------------------------------------


def neutral_tone(linear: Linear) -> Linear:
    """Scene-linear to display-linear: colours stay true up to .76, brighter ones roll off and lose saturation late.

    Args:
        linear: (H, W, 3) float32, >= 0; 1 is a white sheet in full light.

    Returns:
        (H, W, 3) float32, 0 to 1.

    Source: Khronos PBR Neutral tone mapper, specification of 2024.
    """
    start, desaturation, offset_top = 0.8 - 0.04, 0.15, 0.04
    low = linear.min(axis=2, keepdims=True)
    offset = np.where(low < 0.08, low - 6.25 * low * low, offset_top)
    colour = linear - offset
    peak = colour.max(axis=2, keepdims=True)
    span = 1.0 - start
    rolled = 1.0 - span * span / (np.maximum(peak, start) + span - start)
    scaled = colour * (rolled / np.maximum(peak, 1e-6))
    fade = 1.0 - 1.0 / (desaturation * (peak - rolled) + 1.0)
    bright = scaled * (1.0 - fade) + rolled * fade
    return np.clip(np.where(peak < start, colour, bright), 0.0, 1.0).astype(np.float32)


def to_srgb(linear: Linear) -> Linear:
    """IEC 61966-2-1, (..., 3) 0 to 1 both ways."""
    return np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * np.power(np.maximum(linear, 1e-8), 1 / 2.4) - 0.055
    ).astype(np.float32)


def developed(linear: Linear, alpha: NDArray[np.uint8], shot: Shot) -> NDArray[np.uint8]:
    """Exposure so that the ground beside the product is as bright as wanted, tone curve, a breath of sensor noise."""
    ground = linear[(alpha == 0) & _beside(alpha)]
    level = float(np.percentile(ground.mean(axis=1), 60))
    target = shot.ground_level + 0.04  # the tone curve takes .04 off
    display = to_srgb(neutral_tone((linear * (target / level)).astype(np.float32)))
    noise = np.random.default_rng(shot.seed).normal(0.0, 0.55, linear.shape[:2])[..., None]
    return np.clip(display * 255.0 + noise + 0.5, 0, 255).astype(np.uint8)


def _beside(alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(H, W) the rows of the product's lower half: where the eye reads the ground."""
    rows = np.flatnonzero(alpha.any(axis=1))
    inside = np.zeros(alpha.shape, dtype=bool)
    inside[(rows[0] + rows[-1]) // 2 : rows[-1] + 1] = True
    return inside


# --- the studio -----------------------------------------------------------------------------------------------------


def _studio(bpy: Any, shot: Shot, size_m: float) -> list[Any]:
    """White paper sweep and four softboxes scaled to the product; returns what is not the product."""
    geometry = importlib.import_module("models.training.blender.geometry")
    objects = importlib.import_module("models.training.product_objects")
    paper = objects.Shader("paper sweep", (0.80, 0.80, 0.80), 0.75).material
    k = size_m / 0.2
    sweep = geometry.cove(paper, start=0.9 * k, radius=1.1 * k, front=-3.0 * k, width=9.0 * k, height=4.0 * k)
    world = bpy.data.worlds.new("studio")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (1.0, 1.0, 1.0, 1.0)
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.30
    # azimuth 0 is the camera's side, 90 the right: a large key from the left, a fill, a top light, a weak front
    top_down = shot.view_angle_deg > 50
    lights = [
        (-58.0, 40.0, 0.95 * k, (0.85 * k, 0.85 * k), 16.0),
        (72.0, 22.0, 1.10 * k, (0.45 * k, 1.1 * k), 5.5),
        (178.0, 66.0, 1.25 * k, (1.5 * k, 0.7 * k), 9.0),
        (-8.0, 24.0, 1.9 * k, (1.0 * k, 0.7 * k), 0.0 if top_down else 5.0),
    ]
    for azimuth, elevation, distance, extent, watt in lights:
        if watt > 0:
            _softbox(bpy, azimuth, elevation, distance, extent, watt * k * k, (0.0, 0.0, 0.35 * size_m))
    if not top_down:  # one light for the paper alone, or the bend falls into grey
        _softbox(bpy, 0.0, 52.0, 1.5 * k, (2.6 * k, 0.8 * k), 34.0 * k * k, (0.0, 2.0 * k, 0.75 * k), spread_deg=110.0)
    return [sweep]


def _softbox(bpy: Any, azimuth_deg: float, elevation_deg: float, distance: float, size: tuple[float, float],
             watt: float, target: tuple[float, float, float], *, spread_deg: float = 180.0) -> None:  # fmt: skip
    vector = importlib.import_module("mathutils").Vector
    a, e = math.radians(azimuth_deg), math.radians(elevation_deg)
    towards = vector((math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)))
    data = bpy.data.lights.new("softbox", "AREA")
    data.shape, data.size, data.size_y, data.energy = "RECTANGLE", *size, watt
    data.spread = math.radians(spread_deg)
    made = bpy.data.objects.new("softbox", data)
    bpy.context.scene.collection.objects.link(made)
    made.location = vector(target) + towards * distance
    made.rotation_euler = towards.to_track_quat("Z", "Y").to_euler()
    made.visible_camera = False


def _settings(bpy: Any, samples: int, threads: int, shot: Shot, size_px: int) -> None:
    scene, cycles = bpy.context.scene, bpy.context.scene.cycles
    scene.render.engine = "CYCLES"
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, shot.seed
    cycles.use_adaptive_sampling, cycles.adaptive_threshold, cycles.adaptive_min_samples = True, 0.02, min(samples, 12)
    cycles.use_denoising, cycles.denoiser, cycles.denoising_prefilter = True, "OPENIMAGEDENOISE", "FAST"
    glass = 12 if shot.has_glass else 0  # a ray that enters the oil bottle crosses up to twelve walls
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = max(4, glass), 3, 3
    cycles.transmission_bounces = cycles.transparent_max_bounces = glass
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 8.0
    scene.render.resolution_x = scene.render.resolution_y = size_px
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.film_transparent = False
    scene.view_settings.view_transform = "Raw"
    scene.render.use_persistent_data = False


def _corners(bpy: Any, objects: Sequence[Any]) -> NDArray[np.float64]:
    """Every vertex of the product after modifiers, (N, 3) metres."""
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    parts = []
    for made in objects:
        seen = made.evaluated_get(graph)
        data = seen.to_mesh()
        flat = np.empty(len(data.vertices) * 3)
        data.vertices.foreach_get("co", flat)
        world = np.array(made.matrix_world)
        parts.append(flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
        seen.to_mesh_clear()
    return np.concatenate(parts)


def _framed(shot: Shot, points: NDArray[np.float64], size_px: int) -> Any:
    """The camera that shows the product centred and as large as the shot says. Returns (Blender camera, record)."""
    blocks = importlib.import_module("models.training.blender.camera")
    bpy: Any = importlib.import_module("bpy")
    standing, scale = (0.5, 0.7), 3000.0
    for _ in range(5):
        camera = blocks.place_camera(
            shot.view_angle_deg,
            px_per_metre=scale,
            lens_mm=shot.lens_mm,
            size_px=size_px,
            standing=standing,
            f_stop=None,
        )
        record = blocks.record_camera(camera, (size_px, size_px))
        seen = record.project(points)
        low, high = seen.min(axis=0), seen.max(axis=0)
        shift = (0.5 * size_px - (low + high) / 2) / size_px
        standing = (standing[0] + shift[0], standing[1] + shift[1] - shot.lifted)
        scale *= shot.fill * size_px / float((high - low).max())
        if np.abs(shift).max() < 0.002 and abs(float((high - low).max()) / size_px - shot.fill) < 0.004:
            break
        bpy.data.objects.remove(camera)
    else:
        camera = blocks.place_camera(
            shot.view_angle_deg,
            px_per_metre=scale,
            lens_mm=shot.lens_mm,
            size_px=size_px,
            standing=standing,
            f_stop=None,
        )
        record = blocks.record_camera(camera, (size_px, size_px))
    return camera, record


def _render_linear(bpy: Any, frame: tuple[float, ...], folder: Path) -> Linear:
    """The picture, scene-linear: the product's part at full size, the bare paper around it from a quarter-size render.

    Paper and soft shadow have no detail, so the small render enlarged is the same picture at a fifth of the time; the
    two are blended over a margin around the product.
    """
    scene = bpy.context.scene
    image = scene.render.image_settings
    image.media_type, image.file_format, image.color_depth, image.color_mode = "IMAGE", "OPEN_EXR", "32", "RGB"
    scene.render.filepath = str(folder / "linear.exr")
    scene.render.use_border, scene.render.resolution_percentage = False, 25
    bpy.ops.render.render(write_still=True)
    small = _pixels(bpy, folder / "linear.exr")[..., :3]
    scene.render.resolution_percentage = 100
    scene.render.use_border, scene.render.use_crop_to_border = True, False
    scene.render.border_min_x, scene.render.border_min_y, scene.render.border_max_x, scene.render.border_max_y = frame
    bpy.ops.render.render(write_still=True)
    large = _pixels(bpy, folder / "linear.exr")[..., :3]
    scene.render.use_border = False
    height, width = large.shape[:2]
    planes = [Image.fromarray(small[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(3)]
    around = np.stack([np.asarray(plane, dtype=np.float32) for plane in planes], axis=-1)
    x, y = (np.arange(width) + 0.5) / width, 1.0 - (np.arange(height) + 0.5) / height
    inside = np.minimum(
        np.minimum(x - frame[0], frame[2] - x)[None, :] + 0.0 * y[:, None],
        np.minimum(y - frame[1], frame[3] - y)[:, None],
    )
    t = np.clip((inside - 0.002) / 0.016, 0.0, 1.0)[..., None].astype(np.float32)
    weight = t * t * (3 - 2 * t)
    return (around * (1 - weight) + large * weight).astype(np.float32)


def _render_alpha(
    bpy: Any, hidden: Sequence[Any], frame: tuple[float, float, float, float], folder: Path
) -> NDArray[np.uint8]:
    """Coverage of the product alone: same camera and pixel filter, everything opaque, nothing denoised.

    ``frame``: left, bottom, right, top as fractions of the picture; outside it nothing is rendered and alpha is 0.
    """
    scene = bpy.context.scene
    render = scene.render
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x, render.border_min_y, render.border_max_x, render.border_max_y = frame
    white = bpy.data.materials.new("flat")
    white.use_nodes = True
    nodes, links = white.node_tree.nodes, white.node_tree.links
    links.new(nodes.new("ShaderNodeEmission").outputs[0], nodes["Material Output"].inputs["Surface"])
    for made in hidden:
        made.hide_render = True
    bpy.context.view_layer.material_override = white
    scene.render.film_transparent = True
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.cycles.samples, scene.cycles.max_bounces = 48, 0
    image = scene.render.image_settings
    image.media_type, image.file_format, image.color_depth, image.color_mode = "IMAGE", "OPEN_EXR", "32", "RGBA"
    scene.render.filepath = str(folder / "alpha.exr")
    bpy.ops.render.render(write_still=True)
    return np.clip(_pixels(bpy, folder / "alpha.exr")[..., 3] * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _pixels(bpy: Any, path: Path) -> Linear:
    image = bpy.data.images.load(str(path))
    width, height = image.size
    flat = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return flat.reshape(height, width, -1)[::-1].copy()


def photograph(shot: Shot, out: Path, fonts: Path, *, samples: int, threads: int, size_px: int) -> dict[str, Any]:
    """Render one shot and its truth; returns what was written to camera.json."""
    bpy: Any = importlib.import_module("bpy")
    geometry = importlib.import_module("models.training.blender.geometry")
    objects = importlib.import_module("models.training.product_objects")
    started = time.process_time()
    geometry.clear_scene()
    product = objects.BUILDERS[shot.product](fonts)
    if shot.lies_down:
        objects.lying_on_its_back(product, objects.CARTON[1] * objects.MM)
    _turn(bpy, product, shot.turn_deg)
    points = _corners(bpy, product)
    extent = points.max(axis=0) - points.min(axis=0)
    _settings(bpy, samples, threads, shot, size_px)
    _, record = _framed(shot, points, size_px)
    seen = record.project(points) / size_px
    frame = (
        *_clamped(seen[:, 0].min() - 0.025, 0.975 - seen[:, 1].max()),
        *_clamped(seen[:, 0].max() + 0.025, 1.025 - seen[:, 1].min()),
    )
    rest = _studio(bpy, shot, float(extent.max()))
    with tempfile.TemporaryDirectory() as scratch:
        linear = _render_linear(bpy, frame, Path(scratch))
        alpha = _render_alpha(bpy, rest, frame, Path(scratch))
        bpy.context.scene.render.use_border = False
    bpy.context.view_layer.material_override = None
    photo = developed(linear, alpha, shot)
    home, truth = out / shot.product, out / shot.product / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    ending = "" if shot.name == shot.product else shot.name.removeprefix(shot.product)
    Image.fromarray(photo).save(home / f"{shot.name}.jpg", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    Image.fromarray(alpha).save(truth / f"alpha{ending}.png", optimize=True)
    facts = {
        "photo": f"{shot.name}.jpg",
        "size_px": [size_px, size_px],
        "view_angle_deg": round(record.view_angle_deg, 3),
        "shot": asdict(shot),
        "size_m": [round(float(v), 4) for v in extent],
        "camera": {
            "rotation": record.rotation.round(8).tolist(),
            "translation": record.translation.round(8).tolist(),
            "focal_px": [round(v, 4) for v in record.focal_px],
            "centre_px": list(record.centre_px),
        },
        "contact_px": [round(float(v), 2) for v in record.project(np.zeros(3))],
        "px_per_metre": round(record.focal_px[0] / float(record.translation[2]), 2),
        "samples": samples,
        "cpu_s": round(time.process_time() - started, 1),
    }
    (truth / f"camera{ending}.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    return facts


def _clamped(*fractions: float) -> tuple[float, ...]:
    return tuple(float(np.clip(f, 0.0, 1.0)) for f in fractions)


def _turn(bpy: Any, objects: Sequence[Any], turn_deg: float) -> None:
    matrix = importlib.import_module("mathutils").Matrix.Rotation(math.radians(turn_deg), 4, "Z")
    bpy.context.view_layer.update()
    for made in objects:
        made.matrix_world = matrix @ made.matrix_world
    bpy.context.view_layer.update()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("service/samples"))
    parser.add_argument("--only", nargs="*", help="shot names; default all")
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, default=SIZE_PX, help="pixels, both sides")
    parser.add_argument(
        "--fonts", type=Path, default=Path("service/images/fonts"), help="folder with the TTF files the labels use"
    )
    options = parser.parse_args()
    unknown = set(options.only or ()) - {shot.name for shot in SHOTS}
    if unknown:
        parser.error(f"no shot {', '.join(sorted(unknown))}; there are {', '.join(shot.name for shot in SHOTS)}")
    for shot in SHOTS:
        if not options.only or shot.name in options.only:
            facts = photograph(
                shot, options.out, options.fonts, samples=options.samples, threads=options.threads, size_px=options.size
            )
            print(f"{shot.name}: {facts['view_angle_deg']} degrees, {facts['cpu_s']} CPU-s", flush=True)


if __name__ == "__main__":
    main()
