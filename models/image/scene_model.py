"""The scene model as an image backend: words in, a backdrop with known camera, ground and light out.

A small diffusion model of our own, trained only on our own renders (``models/weights/SCENE_MODEL_CARD.md``). The camera
is chosen first, from the photograph's view angle; the layout is drawn with that very camera and given to the model, so
that horizon and podium fit the product by construction. For soft studio backdrops; it does not paint free text.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import DiffusionPipeline
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.device import choose_device
from models.errors import MissingWeights, UnsupportedRequest
from models.pixels import to_lab
from models.training.curve import display_knots
from models.training.layout import BACK, FLOOR, SIDE, TOP, Solid, View, cast, draw, looking
from models.training.scene_grammar import LIGHT_KINDS, OWN, PALETTE, SIDE_AZIMUTH_DEG, light_direction
from models.types import (
    Backdrop,
    Camera,
    CameraClass,
    DisplayCurve,
    FloatPixels,
    ImageRequest,
    KeyLight,
    PaintedBackdrop,
    Provenance,
    Side,
)

from .scene_grain import lay_grain
from .scene_nets import Enlarger, SceneUNet
from .scene_sampling import sample, scheduler
from .scene_shadows import contact_shade, leaf_screen, podium_shadow, through, window_screen
from .vocabulary import COLOURED_BACKS, COLOURED_SURFACES, Reading, read, vocabulary

WEIGHTS = Path(__file__).parents[1] / "weights" / "scene-model"
LIGHTS = Path(__file__).with_name("scene_lights.toml")
COLOURS = Path(__file__).with_name("scene_colours.toml")
GRID_CELLS = 1296  # cells the model paints in, 36 x 36 or as many in another shape
MARGIN = 2  # cells painted beyond every edge and cut away: the outermost ones know no neighbours
ENLARGED = 16  # from a cell to finished pixels, each way
EDGE_BLUR_PX = 0.9  # of podium edges, in enlarged pixels
FAR_EDGE_BLUR_PX = 2.4  # of the table's far edge
TRUST_PX = 4.0  # one cell: how near its edge a part is taken as painted
FILL = 0.45  # of the key light's colour, on walls that the key light misses
COLOUR_PULL = 0.85  # 1 meets the measured colour exactly
SWEEP_BLEND = 0.07  # of the height, over which a sweep's floor turns into its back
FAR_M = 8.0  # further places count as this far
MAX_SIDE_PX = 4096
MAX_CANDIDATES = 4
BACK_Y_M = 0.6  # metres from the standing point to the background, the middle of what was trained
BACK_IS_SEEN = 0.03  # the share of the picture from which the renders call a background seen
FOCAL = 1.8  # in lengths of the picture's longer side, the middle of what was trained
SHORT_SIDE_M = 0.74  # what the shorter side spans at the standing point
ROUGHNESS: Mapping[str, float] = {  # the middle of each material's range in the renders
    "light_wood": 0.42,
    "dark_wood": 0.42,
    "white_marble": 0.14,
    "black_marble": 0.14,
    "green_marble": 0.14,
    "painted": 0.6,
    "linen": 0.9,
    "stone": 0.6,
    "concrete": 0.7,
    "sand": 0.95,
    "tile": 0.18,
    "gloss_black": 0.08,
}
SHINE: Mapping[str, float] = {  # part of the floor's light that is a reflection of the room, by eye
    "gloss_black": 0.7,
    "black_marble": 0.45,
    "green_marble": 0.2,
    "tile": 0.12,
    "dark_wood": 0.1,
    "white_marble": 0.06,
}
EVENNESS: Mapping[str, float] = {  # cells over which a part of this material is evened out, by eye
    "painted": 2.2,
    "sweep": 2.2,
    "wall": 2.2,
    "gloss_black": 1.5,
    "plaster": 1.0,
    "concrete": 1.0,
    "sand": 1.0,
    "tile": 1.0,
    "linen": 0.8,
    "light_wood": 1.0,
    "dark_wood": 1.0,
    "stone": 1.0,
    "interior_warm": 0.7,
    "interior_cool": 0.7,
    "window": 0.6,
    "garden": 0.6,
    "sea": 0.6,
    "evening_sky": 0.9,
    "white_marble": 1.3,
    "black_marble": 1.5,
    "green_marble": 1.5,
}
ANGLES_DEG = {"eye_level": 11.0, "three_quarter": 27.0, "top_down": 72.0}
CONTACT_HEIGHT = {"eye_level": 0.77, "three_quarter": 0.69, "top_down": 0.57}  # parts of the picture's height
PATCHY_LIGHTS = ("bars", "dappled")
HARD_LIGHTS = ("hard", "bars", "dappled", "evening")


@dataclass(frozen=True, slots=True)
class Wish:
    """Every attribute decided: what was asked for, and what was chosen where nothing was said."""

    values: Mapping[str, str]
    understood: Mapping[str, str]
    not_understood: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Geometry of a picture before any pixel exists."""

    view: View  # of the whole grid
    solids: tuple[Solid, ...]
    floor_z: float
    grid: tuple[int, int]  # (height, width) in cells

    def layout(self, cell: int, oversample: int) -> NDArray[np.float32]:
        """(4, H, W) at ``cell`` pixels a grid cell."""
        height, width = self.grid
        return draw(self.view, self.solids, self.floor_z, BACK_Y_M, width * cell, height * cell, oversample)


def camera_kind(view_angle_deg: float) -> str:
    """The camera class the renders would call this angle."""
    if view_angle_deg <= 16.5:
        return "eye_level"
    return "three_quarter" if view_angle_deg <= 48 else "top_down"


def wish(request: ImageRequest) -> Wish:
    """Words, attributes, light side and view angle of a request as attributes of the model.

    Raises:
        UnsupportedRequest: nothing; what is not understood is listed instead.
    """
    reading = read(request.words)
    understood, unknown = dict(reading.attributes), list(reading.not_understood)
    for name, value in request.attributes.items():
        _add_attribute(name, value, understood, unknown)
    if request.light_from is not None:
        understood["side"] = "front" if request.light_from is Side.ABOVE else str(request.light_from)
    if request.view_angle_deg is not None:
        understood["camera"] = camera_kind(request.view_angle_deg)
    values = _complete(understood, np.random.default_rng([request.seed, 77]))
    return Wish(values, understood, tuple(dict.fromkeys(unknown)))


def _add_attribute(name: str, value: str, understood: dict[str, str], unknown: list[str]) -> None:
    values = vocabulary().values
    key = name.replace("color", "colour")
    wanted = value.strip().lower().replace(" ", "_").replace("-", "_")
    if key in values and wanted in values[key]:
        understood[key] = wanted
        return
    reading: Reading = read(value)
    found = dict(reading.attributes)
    if key in values and key in found:
        found = {key: found[key]}
    elif key in values or key not in ("palette", "family", "mood", "season", "words"):
        found = {}
    if not found:
        unknown.append(f"{name}={value}")
    for part, meaning in found.items():
        understood.setdefault(part, meaning) if key == "family" else understood.__setitem__(part, meaning)


def _complete(understood: Mapping[str, str], rng: np.random.Generator) -> dict[str, str]:
    """Fill what nobody asked for with quiet choices that exist in the renders."""
    calm = ("white", "cream", "beige", "grey", "sage", "sky_blue")
    out = {name: value for name, value in understood.items() if value != OWN and (name, value) != ("back", "none")}
    colour = out.get("surface_colour") or out.get("back_colour") or str(rng.choice(calm))
    out.setdefault(
        "surface", "painted" if out.get("back") in COLOURED_BACKS or "surface_colour" in out else "light_wood"
    )
    if out["surface"] in COLOURED_SURFACES:
        out.setdefault("surface_colour", colour)
    else:
        out["surface_colour"] = OWN
    out.setdefault("back", "sweep" if out["surface"] == "painted" and "back_colour" not in out else "wall")
    if out["back"] == "sweep" and out["surface"] != "painted":
        out["back"] = "wall"
    if out["back"] == "sweep":
        out["back_colour"] = out["surface_colour"]
    elif out["back"] in COLOURED_BACKS:
        out.setdefault("back_colour", str(rng.choice(calm)))
    else:
        out["back_colour"] = OWN
    out.setdefault("podium", "none")
    if out["podium"] == "none":
        out["podium_colour"] = OWN
    else:
        out.setdefault("podium_colour", out["surface_colour"] if out["surface_colour"] != OWN else "white")
    for name, value in (("light", "soft"), ("side", "left"), ("camera", "eye_level"), ("accent", "none")):
        out.setdefault(name, value)
    return {name: out[name] for name in vocabulary().values}


def grid_for(size_px: tuple[int, int]) -> tuple[int, int]:
    """(height, width) in cells with margins, multiples of 4, about GRID_CELLS in all, closest to the wanted shape."""
    wanted = math.log(size_px[1] / size_px[0])

    def cost(grid: tuple[int, int]) -> float:
        shape = math.log((grid[0] - 2 * MARGIN) / (grid[1] - 2 * MARGIN))
        return abs(shape - wanted) + 0.3 * abs(math.log(grid[0] * grid[1] / GRID_CELLS))

    return min(((h, w) for h in range(16, 81, 4) for w in range(16, 81, 4)), key=cost)


def podium_blocks(kind: str) -> tuple[float, tuple[Solid, ...]]:
    """Height of the floor under the podium's top, and its blocks; sizes from the middle of the renders."""
    if kind == "none":
        return 0.0, ()
    height, radius = 0.09, 0.19
    top = Solid(kind != "square", (0.0, 0.0), (radius, radius), -height, 0.0, 0.0)
    if kind != "steps":
        return -height, (top,)
    return -height, (top, Solid(True, (0.0, 0.0), (radius * 1.42, radius * 1.42), -height, -height / 2, 0.0))


def place(values: Mapping[str, str], size_px: tuple[int, int], view_angle_deg: float | None) -> Place:
    """Where the camera stands and what it sees."""
    grid = grid_for(size_px)
    height, width = grid[0] - 2 * MARGIN, grid[1] - 2 * MARGIN  # of the picture that stays
    aspect = height / width
    elevation = ANGLES_DEG[values["camera"]] if view_angle_deg is None else min(max(view_angle_deg, 4.0), 86.0)
    short_side = SHORT_SIDE_M * (1.0 if values["podium"] == "none" else 1.25)
    view = looking(
        elevation_deg=elevation,
        azimuth_deg=0.0,
        focal=FOCAL * max(1.0, aspect) * width / grid[1],
        view_width_m=short_side / min(1.0, aspect) * grid[1] / width,
        contact=(0.5, (MARGIN + CONTACT_HEIGHT[values["camera"]] * height) / grid[0]),
        aspect=grid[0] / grid[1],
    )
    floor_z, solids = podium_blocks(values["podium"])
    return Place(view, solids, floor_z, grid)


def lights_the_wall(values: Mapping[str, str]) -> bool:
    """Whether the key light comes from the camera's side of the wall; from the left and right it grazes past."""
    return bool(key_light(values).direction[1] < -0.1)


def as_camera(view: View, width: int, height: int) -> Camera:
    """The same camera in pixels."""
    return Camera(
        rotation=view.rotation,
        translation=-view.rotation @ view.position,
        focal_px=(view.focal * width, view.focal * width),
        centre_px=(view.centre[0] * width - 0.5, view.centre[1] * width - 0.5),
        size_px=(width, height),
    )


def key_light(values: Mapping[str, str]) -> KeyLight:
    """The key light that the renders have for this kind and side."""
    kind = LIGHT_KINDS[values["light"]]
    toward = np.asarray(light_direction(SIDE_AZIMUTH_DEG[values["side"]], kind.elevation_deg))
    return KeyLight(
        kind="sun" if kind.is_sun else "area",
        direction=toward,
        angular_diameter_deg=kind.size if kind.is_sun else math.degrees(2 * math.atan(kind.size / 2 / kind.distance_m)),
        position=None if kind.is_sun else toward * kind.distance_m,
        size_m=None if kind.is_sun else (kind.size, kind.size),
        side=Side(values["side"]),
        is_hard=values["light"] in HARD_LIGHTS,
    )


@lru_cache(maxsize=1)
def measured_lights() -> Mapping[str, Mapping[str, Mapping[str, list[float]]]]:
    """light -> side -> ``ball`` and ``key_share``, three numbers each, as ``measure_lights.py`` found them."""
    return tomllib.loads(LIGHTS.read_text(encoding="utf-8"))


def key_share_on_ground(values: Mapping[str, str]) -> NDArray[np.float32]:
    """(3,) key / (key + ambient) on level ground in full light, measured on renders."""
    return np.array(measured_lights()[values["light"]][values["side"]]["key_share"], dtype=np.float32)


def white_ball(values: Mapping[str, str]) -> tuple[float, float, float]:
    """Scene-linear colour of a white ball (albedo .8) where it faces the camera, measured on renders, with fill."""
    seen = np.array(measured_lights()[values["light"]][values["side"]]["ball"])
    red, green, blue = (float(v) for v in np.maximum(seen, 0.8 * upright_fill(values)))
    return (red, green, blue)


def upright_fill(values: Mapping[str, str]) -> NDArray[np.float64]:
    """(3,) the least light on what faces the camera: a room has other walls than the one in the picture."""
    return FILL * np.asarray(LIGHT_KINDS[values["light"]].key_rgb)


@lru_cache(maxsize=1)
def display_curve() -> DisplayCurve:
    linear, display = display_knots()
    return DisplayCurve(linear=linear, display=display)


class SceneModelPipeline(DiffusionPipeline):
    """Layout and attributes to pictures: UNet at grid size, then two learned enlargements of four times each."""

    unet: SceneUNet
    edges: Enlarger
    details: Enlarger

    def __init__(
        self, unet: SceneUNet, edges: Enlarger, details: Enlarger, scheduler: FlowMatchEulerDiscreteScheduler
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.register_modules(  # type: ignore[attr-defined]
            unet=unet, edges=edges, details=details, scheduler=scheduler
        )

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> SceneModelPipeline:
        """From a folder of safetensors. Raises MissingWeights."""
        if not (folder / "unet" / "config.json").exists():
            raise MissingWeights("scene-model")
        nets = (
            SceneUNet.from_pretrained(folder / "unet", torch_dtype=torch.float32),
            Enlarger.from_pretrained(folder / "edges", torch_dtype=torch.float32),
            Enlarger.from_pretrained(folder / "details", torch_dtype=torch.float32),
        )
        ready = [net.to(device, memory_format=torch.channels_last).eval() for net in nets]
        return cls(ready[0], ready[1], ready[2], scheduler())

    @torch.no_grad()
    def __call__(
        self,
        values: Tensor,
        layouts: Tensor,
        nothing: Tensor,
        num_inference_steps: int = 8,
        guidance_scale: float = 2.5,
        seed: int = 0,
        fast: bool = True,
    ) -> Tensor:
        """(B, 3, H, W) small pictures, about -1 to 1; see ``scene_sampling.sample`` for the arguments."""
        return sample(self.unet, values, layouts, nothing, num_inference_steps, guidance_scale, seed, fast)

    @torch.no_grad()
    def enlarge(self, small: Tensor, layout: Tensor, fast: bool = True) -> tuple[Tensor, Tensor]:
        """(1, 3, H, W) to (1, 3, 4 H, 4 W) and (1, 3, 16 H, 16 W); ``layout`` is (1, 4, 4 H, 4 W)."""
        with torch.autocast(small.device.type, torch.bfloat16, enabled=fast):
            larger = self.edges(small.clamp(-1, 1), layout).float().clamp(-1, 1)
            return larger, self.details(larger).float().clamp(-1, 1)


class SceneModel:
    """Paints soft studio backdrops from words. Same request and seed, same bytes, on one machine."""

    name = "scene-model"

    def __init__(self, folder: Path = WEIGHTS, device: str | None = None) -> None:
        chosen = choose_device(device)
        self._device, self._fast = chosen.name, str(chosen.precision) == "bfloat16"
        self.pipeline = SceneModelPipeline.load(Path(folder), self._device)
        self._revision = revision(Path(folder))
        words = vocabulary().values
        self._nothing = torch.tensor([len(v) for v in words.values()], device=self._device)

    def paint(self, request: ImageRequest) -> PaintedBackdrop:
        """A backdrop for a request.

        Raises:
            UnsupportedRequest: a size, a number of steps or of candidates that this model does not do.
        """
        check(request)
        asked = wish(request)
        where = place(asked.values, request.size_px, request.view_angle_deg)
        values = as_seen(asked.values, where)
        even = dict(values) | (
            {"light": "hard"} if values["light"] in PATCHY_LIGHTS else {}
        )  # patterns are drawn later
        layout = where.layout(1, 4)
        small, score = self._best(request, even, layout)
        small = calm(small, even, layout)
        display = self._enlarge(small, where, values["back"] == "sweep")
        settings = {
            "attributes": dict(values),
            "steps": request.steps,
            "guidance": request.guidance,
            "candidates": request.candidates,
            "score": round(score, 3),
        }
        provenance = Provenance(
            backend=self.name,
            model="scene-model",
            revision=self._revision,
            seed=request.seed,
            precision="bfloat16" if self._fast else "float32",
            settings=settings,
        )
        backdrop = finish(display, values, where, request.size_px, provenance)
        return PaintedBackdrop(backdrop, dict(asked.understood), asked.not_understood)

    def _best(
        self, request: ImageRequest, values: Mapping[str, str], layout: NDArray[np.float32]
    ) -> tuple[Tensor, float]:
        """The candidate that the checks like best, (1, 3, h, w), and its score."""
        words = vocabulary().values
        row = torch.tensor([[words[name].index(values[name]) for name in words]], device=self._device)
        n = request.candidates
        layouts = torch.from_numpy(layout)[None].to(self._device)
        pictures = self.pipeline(
            row.expand(n, -1),
            layouts.expand(n, -1, -1, -1),
            self._nothing,
            request.steps,
            request.guidance,
            request.seed,
            self._fast,
        )
        scores = [score_of(to_display(picture), values, layout) for picture in pictures]
        best = int(np.argmax(scores))
        return pictures[best : best + 1], scores[best]

    def _enlarge(self, small: Tensor, where: Place, is_sweep: bool) -> FloatPixels:
        """(16 h, 16 w, 3) display: both learned enlargements, with every part's edge redrawn from the layout."""
        drawn = where.layout(4, 2)
        larger, finest = self.pipeline.enlarge(small, torch.from_numpy(drawn)[None].to(self._device), self._fast)
        return redraw_edges(to_display(larger[0]), to_display(finest[0]), drawn, where.layout(ENLARGED, 1), is_sweep)


def check(request: ImageRequest) -> None:
    """Refuse what cannot be painted."""
    if not all(64 <= side <= MAX_SIDE_PX for side in request.size_px):
        raise UnsupportedRequest("scene-model", f"sizes from 64 to {MAX_SIDE_PX} px a side, not {request.size_px}")
    if not 0.25 <= request.size_px[0] / request.size_px[1] <= 4:
        raise UnsupportedRequest("scene-model", "pictures at most four times as wide as high, or as high as wide")
    if not 1 <= request.steps <= 100:
        raise UnsupportedRequest("scene-model", f"1 to 100 steps, not {request.steps}")
    if not 1 <= request.candidates <= MAX_CANDIDATES:
        raise UnsupportedRequest("scene-model", f"1 to {MAX_CANDIDATES} candidates, not {request.candidates}")


def as_seen(values: Mapping[str, str], where: Place) -> dict[str, str]:
    """The renders say "no background" where less than 3 % of the picture is background."""
    out = dict(values)
    bare = draw(where.view, (), where.floor_z, BACK_Y_M, where.grid[1], where.grid[0])
    if float(bare[BACK].mean()) <= BACK_IS_SEEN:
        out["back"], out["back_colour"] = "none", OWN
    return out


def calm(small: Tensor, values: Mapping[str, str], layout: NDArray[np.float32]) -> Tensor:
    """Even out, within each part of the layout, what its material cannot have: blotches on paint, mottle on paper.

    Args:
        small: (1, 3, h, w).
        values: decides how much: a painted wall is even, wood and stone are not.
        layout: (4, h, w).
    """
    accent = 0.5 if values["accent"] != "none" else 1.0  # props are not in the layout: spare them
    floor, back = layout[FLOOR], layout[BACK]
    if values["back"] == "sweep":  # one piece of paper: no seam between floor and back
        floor, back = floor + back, np.zeros_like(back)
    parts = (
        (floor, EVENNESS.get(values["surface"], 0.0)),
        (back, EVENNESS.get(values["back"], 0.0)),
        (layout[TOP], EVENNESS.get(values["podium_colour"], 1.2)),
    )
    picture = small[0].float().permute(1, 2, 0).cpu().numpy().astype(np.float32)
    out = picture.copy()
    for part, width in parts:
        if width <= 0:
            continue
        mask = (part > 0.95).astype(np.float32)[..., None]
        sigma = width * accent
        weight = cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[..., None]
        even = cv2.GaussianBlur(picture * mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) / np.maximum(
            weight, 1e-4
        )
        out = np.where(mask > 0, even, out)
    return torch.from_numpy(out.transpose(2, 0, 1)[None].astype(np.float32)).to(small.device)


def to_display(picture: Tensor) -> FloatPixels:
    """(3, H, W) about -1 to 1, to (H, W, 3) display 0 to 1."""
    return ((picture.float().clamp(-1, 1) + 1) / 2).permute(1, 2, 0).cpu().numpy()


def score_of(display: FloatPixels, values: Mapping[str, str], layout: NDArray[np.float32]) -> float:
    """How fit a candidate is, 0 best: clipped pixels, hue nobody asked for, unrest where the product stands.

    Args:
        display: (h, w, 3) 0 to 1.
        values: what was asked for.
        layout: (4, h, w).
    """
    clipped = float(((display < 0.004) | (display > 0.996)).any(axis=-1).mean())
    lab = to_lab(np.round(display * 255).astype(np.uint8))
    wrong_hue = 0.0
    for part, name in ((FLOOR, "surface_colour"), (BACK, "back_colour"), (TOP, "podium_colour")):
        mask = layout[part] > 0.9
        if values[name] in PALETTE and mask.sum() >= 12:
            wrong_hue += _hue_error(lab[mask].mean(axis=0), values[name], values["light"])
    h, w = display.shape[:2]
    top = int(CONTACT_HEIGHT[values["camera"]] * h)
    zone = lab[max(0, top - h // 8) : min(h, top + h // 8), w // 2 - w // 6 : w // 2 + w // 6, 0]
    unrest = float(np.abs(np.diff(zone, axis=1)).mean()) if zone.size else 0.0
    return -(1.0 * clipped + wrong_hue / 40 + unrest / 20)


def _hue_error(lab: NDArray[np.floating[Any]], colour: str, light: str) -> float:
    """Distance in a and b between a mean colour and the paint under that light, CIELAB units."""
    kind = LIGHT_KINDS[light]
    white = 0.9 * (0.7 * np.asarray(kind.key_rgb) + 0.3 * np.asarray(kind.ambient_rgb))
    linear = (np.asarray(PALETTE[colour]) * white).astype(np.float32)
    shown = display_curve().to_display(linear)
    target = to_lab(np.round(shown * 255).astype(np.uint8)[None, None])[0, 0]
    return float(np.hypot(lab[1] - target[1], lab[2] - target[2]))


def finish(
    display: FloatPixels,
    values: Mapping[str, str],
    where: Place,
    size_px: tuple[int, int],
    provenance: Provenance,
) -> Backdrop:
    """Crop to the wanted shape, back to linear light, and everything the composer needs beside the picture."""
    height, width = display.shape[:2]
    box = crop_box(width, height, size_px)
    camera = as_camera(where.view, width, height).reframed(box, size_px)
    curve = display_curve()
    layout = np.stack([resize(part[..., None], box, size_px)[..., 0] for part in where.layout(ENLARGED, 1)])
    linear = to_asked_colours(curve.to_linear(resize(display, box, size_px)), layout, values)
    lit, shade = shadows(where, values, provenance.seed or 0)
    lit, shade = (resize(part[..., None], box, size_px) for part in (lit, shade))
    share = key_share_on_ground(values)
    linear = np.asarray(linear * (share * lit + (1 - share) * shade), dtype=np.float32)
    ground = np.clip(layout[FLOOR], 0, 1)
    linear = lay_grain(linear, camera, ground, values["surface"], where.floor_z, provenance.seed or 0)
    stands_on = values["surface"] if values["podium"] == "none" else values["podium_colour"]
    support, zone = standing(values["podium"], where)
    return Backdrop(
        linear=linear,
        key_share=np.asarray(share * lit / np.maximum(share * lit + (1 - share) * shade, 1e-4), dtype=np.float32),
        specular=np.asarray(linear * ground[..., None] * SHINE.get(values["surface"], 0.0), dtype=np.float32),
        camera=camera,
        key=key_light(values),
        curve=curve,
        roughness=ROUGHNESS.get(stands_on, 0.6),
        base_reflectance=0.04,
        ball_rgb=white_ball(values),
        zone_m=zone,
        support_m=support,
        camera_class=CameraClass(camera_kind(camera.view_angle_deg)),
        provenance=provenance,
    )


def crop_box(width: int, height: int, size_px: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest box of the wanted shape inside the margins: mid-width, keeping the ground when the top is cut."""
    aspect, margin = size_px[0] / size_px[1], MARGIN * ENLARGED
    inner_w, inner_h = width - 2 * margin, height - 2 * margin
    w, h = min(inner_w, inner_h * aspect), min(inner_h, inner_w / aspect)
    left, top = margin + (inner_w - w) / 2, margin + (inner_h - h) * 0.6
    return (left, top, left + w, top + h)


def redraw_edges(
    larger: FloatPixels,
    finest: FloatPixels,
    drawn: NDArray[np.float32],
    drawn_fine: NDArray[np.float32],
    is_sweep: bool,
) -> FloatPixels:
    """Keep the inside of every part as painted, carry it out to the part's edge, and cut the edge along the layout.

    Args:
        larger: (4 h, 4 w, 3) display, after the first enlargement.
        finest: (16 h, 16 w, 3) display, after the second.
        drawn, drawn_fine: (4, ...) layouts of the same sizes.
        is_sweep: floor and background are one piece, without an edge between them.

    Returns:
        (16 h, 16 w, 3) display.
    """
    coarse, fine = list(drawn), [np.ascontiguousarray(part) for part in drawn_fine]
    soft = [cv2.GaussianBlur(part, (0, 0), EDGE_BLUR_PX) for part in fine]
    if is_sweep:
        coarse, soft = [coarse[FLOOR] + coarse[BACK], *coarse[TOP:]], [soft[FLOOR] + soft[BACK], *soft[TOP:]]
    else:  # the table's far edge lies out of focus
        together = soft[FLOOR] + soft[BACK]
        far = [cv2.GaussianBlur(fine[part], (0, 0), FAR_EDGE_BLUR_PX) + 1e-6 for part in (FLOOR, BACK)]
        soft[FLOOR], soft[BACK] = (together * part / (far[0] + far[1]) for part in far)
    size = (finest.shape[1], finest.shape[0])
    out = np.zeros_like(finest)
    total = np.zeros((*finest.shape[:2], 1), np.float32)
    for part, alpha in zip(coarse, soft, strict=True):
        if part.max() < 0.5:
            continue
        filled, trust = carry_out(larger, part)
        shown = cv2.resize(trust, size, interpolation=cv2.INTER_LINEAR)[..., None]
        inside = shown * finest + (1 - shown) * cv2.resize(filled, size, interpolation=cv2.INTER_CUBIC)
        out += alpha[..., None] * inside
        total += alpha[..., None]
    return np.asarray(np.clip(out / np.maximum(total, 1e-4), 0, 1), dtype=np.float32)


def carry_out(picture: FloatPixels, part: NDArray[np.float32]) -> tuple[FloatPixels, NDArray[np.float32]]:
    """A part's inside continued over the whole picture, and how far each pixel (0 to 1) is from the part's edge."""
    depth = cv2.distanceTransform((part > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    trust = np.clip(depth / max(min(TRUST_PX, float(depth.max())), 1.0), 0, 1).astype(np.float32) ** 2
    filled = picture.copy()
    known = trust[..., None]
    for sigma in (40.0, 12.0, 4.0):  # from far to near: the nearest painted inside wins where there is one
        weight = cv2.GaussianBlur(trust, (0, 0), sigma)[..., None]
        spread = cv2.GaussianBlur(picture * known, (0, 0), sigma) / np.maximum(weight, 1e-5)
        sure = np.clip(weight / 0.05, 0, 1)
        filled = sure * spread + (1 - sure) * filled
    return np.asarray(known * picture + (1 - known) * filled, dtype=np.float32), trust


def to_asked_colours(linear: FloatPixels, layout: NDArray[np.float32], values: Mapping[str, str]) -> FloatPixels:
    """Bring every part's mean colour to what its paint or material shows under this light in the renders.

    Args:
        linear: (H, W, 3).
        layout: (4, H, W).
        values: the attributes; a background without a colour of its own (a garden, a city) stays as painted.
    """
    width = SWEEP_BLEND * linear.shape[0] if values["back"] == "sweep" else 0.8
    factor = np.ones_like(linear)
    for name, masks in (("floor", (FLOOR,)), ("back", (BACK,)), ("podium", (TOP, SIDE))):
        target = asked_colour(name, values)
        inside = layout[masks[0]] > 0.9
        if target is None or inside.sum() < 0.002 * inside.size:
            continue
        gain = np.clip((target / np.maximum(linear[inside].mean(axis=0), 1e-4)) ** COLOUR_PULL, 0.4, 2.5)
        mask = cv2.GaussianBlur(sum(layout[m] for m in masks).astype(np.float32), (0, 0), width)[..., None]
        factor += mask * (gain.astype(np.float32) - 1)
    return np.asarray(linear * np.maximum(factor, 0.1), dtype=np.float32)


def asked_colour(part: str, values: Mapping[str, str]) -> NDArray[np.float64] | None:
    """(3,) scene-linear mean of a part in the renders under this light; None where nothing in particular was asked."""
    colour = values[{"floor": "surface_colour", "back": "back_colour", "podium": "podium_colour"}[part]]
    measured = measured_colours()
    albedo: Sequence[float] | None = PALETTE.get(colour) or measured["albedo"].get(colour)
    if albedo is None and part == "floor":
        albedo = measured["albedo"].get(values["surface"])
    if albedo is None:
        return None
    light = values["light"]
    if light in PATCHY_LIGHTS and (part != "back" or lights_the_wall(values)):
        light = "hard"  # the pattern is drawn after the colours
    falls = np.asarray(measured["light"][part][light][values["side"]], dtype=np.float64)
    if part == "back":
        falls = np.maximum(falls, upright_fill(values))
    seen: NDArray[np.float64] = np.asarray(albedo) * falls
    return seen


@lru_cache(maxsize=1)
def measured_colours() -> Mapping[str, Any]:
    """``light`` by part, kind and side, and ``albedo`` by surface, as ``measure_colours.py`` found them."""
    return tomllib.loads(COLOURS.read_text(encoding="utf-8"))


def resize(
    picture: NDArray[np.float32], box: tuple[float, float, float, float], size_px: tuple[int, int]
) -> FloatPixels:
    """A box of a float picture (H, W, C) at a size, bicubic, clipped to 0..1."""
    channels = [Image.fromarray(np.ascontiguousarray(picture[..., c])) for c in range(picture.shape[-1])]
    planes = [np.asarray(plane.resize(size_px, Image.Resampling.BICUBIC, box=box)) for plane in channels]
    out: FloatPixels = np.clip(np.stack(planes, axis=-1), 0, 1).astype(np.float32)
    return out


def shadows(where: Place, values: Mapping[str, str], seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W) parts of the key light and of the ambient light that reach each place, at enlarged size, 0 to 1."""
    height, width = where.grid[0] * ENLARGED, where.grid[1] * ENLARGED
    kind, toward = LIGHT_KINDS[values["light"]], key_light(values).direction
    label, points = cast(where.view, where.solids, where.floor_z, BACK_Y_M, width, height)
    points = np.clip(points, -FAR_M, FAR_M)
    lit: NDArray[np.float32] = np.ones((height, width), np.float32)
    half_shadow = math.radians(kind.size) if kind.is_sun else kind.size / kind.distance_m
    if values["light"] in PATCHY_LIGHTS:
        rng = np.random.default_rng([seed, 23])
        make, distance = (window_screen, 1.4) if values["light"] == "bars" else (leaf_screen, 2.3)
        lit = through(make(rng, distance * half_shadow * 0.5), points, toward)
    if where.solids:
        outlines = [_outline(solid) for solid in where.solids]
        rise = -where.floor_z / max(float(toward[2]), 0.15)
        cast_by_podium = podium_shadow(where.solids, outlines, points, toward, rise * half_shadow)
        lit = np.where(label == FLOOR, lit * cast_by_podium, lit).astype(np.float32)
    if values["back"] not in COLOURED_BACKS or not lights_the_wall(values):  # a far view has its own light
        lit = np.where(label == BACK, 1.0, lit).astype(np.float32)
    return cv2.GaussianBlur(lit, (0, 0), EDGE_BLUR_PX).astype(np.float32), contact_shade(label, 0.02 * height, 0.4)


def standing(podium: str, where: Place) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Where the ground plane is (None: everywhere) and where a footprint may stand, polygons in metres."""
    if podium == "none":
        half = 0.30
        return None, np.array([[-half, -0.16], [half, -0.16], [half, BACK_Y_M - 0.25], [-half, BACK_Y_M - 0.25]])
    top = where.solids[0]
    ring = _outline(top)
    return ring, ring * 0.93


def _outline(solid: Solid) -> NDArray[np.float64]:
    if solid.is_round:
        angle = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        return np.column_stack([np.cos(angle), np.sin(angle)]) * solid.half[0]
    x, y = solid.half
    return np.array([[-x, -y], [x, -y], [x, y], [-x, y]])


def revision(folder: Path) -> str:
    """sha256 over the weight files, in the order of their names."""
    digest = hashlib.sha256()
    files: Sequence[Path] = sorted(folder.rglob("*.safetensors"))
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
