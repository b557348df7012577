"""The backend that shows rendered plates: exact camera, ground and light, ready in a fraction of a second.

A plate is a folder in ``models/plates``; ``models/training/README.md`` tells how they are made. Its picture is stored
as people see it; here it is taken back through its own display curve to scene-linear light, and its small layers are
enlarged along the picture's edges.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import UnknownPlate
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

FOLDER = Path(__file__).resolve().parent.parent / "plates"
Box = tuple[float, float, float, float]  # left, top, right, bottom in px, edges
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # Rec. 709

WORD_POINTS: Mapping[str, float] = {  # what it counts when a wanted word is found in this part of a plate's description
    "family": 4.0, "surface": 3.0, "words": 2.0, "mood": 1.5, "light": 1.5, "camera": 1.5, "categories": 1.0,
}  # fmt: skip
ANGLE_POINTS = 24.0  # taken off for each unit of sine between the camera asked for and the plate's
ANGLE_FREE = 0.05  # difference of sines that costs nothing
SIDE_POINTS = 2.0  # for light from the side asked for; half of it is taken off for the opposite side
CLOSE = 0.25  # plates this near to the best score are equally good: the seed chooses among them

SYNONYMS: Mapping[str, str] = {  # folded on both sides before words are compared
    word: meant
    for meant, words in {
        "above": "flatlay overhead top-down",
        "autumn": "fall autumnal",
        "bathroom": "spa bath washroom",
        "beach": "seaside coast shore",
        "blossom": "flower flowers",
        "cafe": "coffee restaurant bar bistro",
        "clean": "minimal minimalist",
        "concrete": "cement",
        "evening": "night dusk sunset",
        "glossy": "gloss shiny mirror",
        "leaves": "leaf leafy foliage",
        "lemons": "lemon citrus",
        "linen": "fabric cloth textile",
        "loft": "industrial",
        "living": "lounge",
        "lunar": "chinese",
        "luxury": "luxurious",
        "outdoors": "outdoor outside",
        "pastel": "pastels",
        "plant": "plants",
        "podium": "pedestal plinth stage",
        "premium": "elegant",
        "garden": "backyard",
        "sea": "ocean",
        "stone": "rock",
        "sun": "sunlit sunny sunlight sunshine",
        "table": "desk tabletop",
        "tiles": "tile tiled",
        "warm": "cosy cozy",
        "wood": "wooden timber",
        "worktop": "counter countertop",
    }.items()
    for word in words.split()
}
_QUIET = """a an the and or of on in at by with from for to near beside behind next under over into very some its is
light lighting scene place background backdrop surface photo photograph picture product standing seen soft style set"""
QUIET = frozenset(_QUIET.split())  # said often, tell nothing about the place
TOKEN = re.compile(r"[a-z][a-z'\-]*")


@dataclass(frozen=True, slots=True)
class PlateInfo:
    """What a plate is, without its pixels."""

    id: str
    words: str
    family: str
    mood: str
    surface: str
    light_side: Side
    camera_class: CameraClass
    view_angle_deg: float
    palette: tuple[str, ...]
    categories: tuple[str, ...]
    size_px: tuple[int, int]
    standing_px: tuple[float, float]
    ball_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)  # a white ball at the standing point, scene-linear

    def terms(self) -> Mapping[str, frozenset[str]]:
        """Searchable words by the part of the description they stand in."""
        return {
            "family": _terms(self.family.replace("_", " ")),
            "surface": _terms(self.surface),
            "words": _terms(self.words),
            "mood": _terms(self.mood),
            "light": frozenset({self.light_side.value}),
            "camera": _terms(self.camera_class.value.replace("_", " ")),
            "categories": _terms(" ".join(self.categories)),
        }


@dataclass(frozen=True, slots=True)
class Match:
    """How well a plate answers a request."""

    plate: str
    score: float
    understood: Mapping[str, str]
    not_understood: tuple[str, ...]


class Plates:
    """Shows a rendered place; ``plate`` in the request picks it, else the words, the camera and the light do."""

    name = "plates"

    def __init__(self, folder: Path | str | None = None, *, cache: int = 2) -> None:
        """
        Args:
            folder: where the plates lie; default is the library that ships with the package.
            cache: decoded plates kept in memory (about 85 MB each at 1536 px).
        """
        self.folder = Path(folder) if folder is not None else FOLDER
        self._infos: dict[str, PlateInfo] | None = None
        self._load = lru_cache(maxsize=max(1, cache))(self._load_uncached)

    def ids(self) -> tuple[str, ...]:
        """Every plate here, sorted."""
        return tuple(self._known())

    def describe(self, id: str) -> PlateInfo:
        """What is known of one plate. Raises UnknownPlate."""
        known = self._known()
        if id not in known:
            raise UnknownPlate(id, known)
        return known[id]

    def backdrop(self, id: str) -> Backdrop:
        """The whole plate, decoded. Raises UnknownPlate."""
        self.describe(id)
        return self._load(id)

    def choose(self, request: ImageRequest) -> Match:
        """The plate that answers a request best, by a plain sum of points.

        Raises:
            UnknownPlate: the request names a plate that is not here, or there are no plates at all.
        """
        if request.plate is not None:
            return _match(self.describe(request.plate), request)
        known = self._known()
        if not known:
            raise UnknownPlate(f"for {request.words!r}", known)
        matches = sorted((_match(info, request) for info in known.values()), key=lambda m: (-m.score, m.plate))
        best = [m for m in matches if m.score >= matches[0].score - CLOSE]
        return best[request.seed % len(best)]

    def paint(self, request: ImageRequest) -> PaintedBackdrop:
        """The chosen plate, framed to the size asked for.

        A different shape is cut around the standing point, as large as the plate allows. Raises UnknownPlate.
        """
        match = self.choose(request)
        whole = self.backdrop(match.plate)
        painted = reframe(whole, crop_for(whole, request.size_px), request.size_px)
        return PaintedBackdrop(painted, match.understood, match.not_understood)

    def _known(self) -> dict[str, PlateInfo]:
        if self._infos is None:
            found = (read_info(path) for path in sorted(self.folder.glob("*/plate.json")))
            self._infos = {info.id: info for info in found}
        return self._infos

    def _load_uncached(self, id: str) -> Backdrop:
        return load_backdrop(self.folder / id)


def read_info(path: Path) -> PlateInfo:
    """The description of one ``plate.json``."""
    told = json.loads(path.read_text("utf-8"))
    return PlateInfo(
        id=told["id"],
        words=told["words"],
        family=told["family"],
        mood=told["mood"],
        surface=told["surface"],
        light_side=Side(told["light_side"]),
        camera_class=CameraClass(told["camera_class"]),
        view_angle_deg=told["view_angle_deg"],
        palette=tuple(told["palette"]),
        categories=tuple(told["categories"]),
        size_px=(told["size_px"][0], told["size_px"][1]),
        standing_px=(told["standing_px"][0], told["standing_px"][1]),
        ball_rgb=(told["ball_rgb"][0], told["ball_rgb"][1], told["ball_rgb"][2]),
    )


def load_backdrop(folder: Path) -> Backdrop:
    """Decode one plate folder into scene-linear light with its layers, camera and key light."""
    raw = (folder / "plate.json").read_bytes()
    told = json.loads(raw)
    curve = DisplayCurve(np.array(told["curve"]["linear"], np.float32), np.array(told["curve"]["display"], np.float32))
    shown = _pixels(folder / "picture.webp")
    linear = np.interp(np.arange(256) / 255, curve.display, curve.linear).astype(np.float32)[shown]
    key_share = _along_edges(_fractions(folder / "key.webp"), linear)
    fraction = _enlarged(_fractions(folder / "specular.webp"), linear.shape[1], linear.shape[0])
    camera = told["camera"]
    size = (told["size_px"][0], told["size_px"][1])
    picture_bytes = (folder / "picture.webp").read_bytes()
    return Backdrop(
        linear=linear,
        key_share=key_share,
        specular=np.asarray(np.clip(fraction, 0, 1) * linear, dtype=np.float32),
        camera=Camera(
            rotation=np.array(camera["rotation"], np.float64),
            translation=np.array(camera["translation"], np.float64),
            focal_px=(camera["focal_px"][0], camera["focal_px"][1]),
            centre_px=(camera["centre_px"][0], camera["centre_px"][1]),
            size_px=size,
        ),
        key=_key(told["key"]),
        curve=curve,
        roughness=told["roughness"],
        base_reflectance=told["base_reflectance"],
        ball_rgb=(told["ball_rgb"][0], told["ball_rgb"][1], told["ball_rgb"][2]),
        zone_m=np.array(told["zone_m"], np.float64),
        support_m=None if told["support_m"] is None else np.array(told["support_m"], np.float64),
        camera_class=CameraClass(told["camera_class"]),
        provenance=Provenance(
            backend="plates",
            model=told["id"],
            revision=hashlib.sha256(raw + picture_bytes).hexdigest(),
            seed=told["seed"],
            settings={"samples": told["samples"], "script_sha256": told["script_sha256"]},
        ),
    )


def read_depth(folder: Path) -> NDArray[np.float32]:
    """(H/4, W/4) metres along the optical axis; inf where nothing was hit."""
    near = json.loads((folder / "plate.json").read_text("utf-8"))["depth_near_m"]
    steps = np.asarray(Image.open(folder / "depth.png"), dtype=np.float32)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(steps > 0, near * 65520.0 / steps, np.inf), dtype=np.float32)


def crop_for(backdrop: Backdrop, size_px: tuple[int, int]) -> Box:
    """The largest box of the wanted shape, the standing point in its middle and two thirds down (half, from above)."""
    width, height = backdrop.camera.size_px
    aspect = size_px[0] / size_px[1]
    w, h = (float(width), width / aspect) if aspect >= width / height else (height * aspect, float(height))
    x, y = backdrop.camera.project(np.zeros(3)) + 0.5
    down = 0.53 if backdrop.camera_class is CameraClass.TOP_DOWN else 0.70
    left = min(max(0.0, x - w / 2), width - w)
    top = min(max(0.0, y - down * h), height - h)
    return (left, top, left + w, top + h)


def reframe(backdrop: Backdrop, box: Box, size_px: tuple[int, int]) -> Backdrop:
    """The part of a backdrop inside ``box`` as a picture of ``size_px``, camera included.

    Args:
        box: left, top, right, bottom in pixels of the backdrop, edges, inside it.
        size_px: (width, height) of the result.
    """
    width, height = backdrop.camera.size_px
    if size_px == (width, height) and box == (0.0, 0.0, float(width), float(height)):
        return backdrop
    linear = np.maximum(_resampled(backdrop.linear, box, size_px), 0)
    share = np.clip(_resampled(backdrop.key_share, box, size_px), 0, 1)
    shine = np.clip(_resampled(backdrop.specular, box, size_px), 0, linear)
    return replace(
        backdrop, linear=linear, key_share=share, specular=shine, camera=backdrop.camera.reframed(box, size_px)
    )


def _resampled(picture: FloatPixels, box: Box, size_px: tuple[int, int]) -> FloatPixels:
    """Weighted area mean when shrinking, Lanczos when enlarging; (H, W, 3) float32."""
    shrinking = size_px[0] < box[2] - box[0]  # then a narrow window: Lanczos would ring around bright highlights
    method = Image.Resampling.HAMMING if shrinking else Image.Resampling.LANCZOS
    return _by_plane(picture, lambda plane: plane.resize(size_px, method, box=box))


def _by_plane(picture: FloatPixels, change: Callable[[Image.Image], Image.Image]) -> FloatPixels:
    planes = [Image.fromarray(np.ascontiguousarray(picture[..., k])) for k in range(3)]
    return np.stack([np.asarray(change(plane), dtype=np.float32) for plane in planes], axis=-1)


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _fractions(path: Path) -> FloatPixels:
    return np.asarray(_pixels(path) / 255.0, dtype=np.float32)


def _key(told: Mapping[str, Any]) -> KeyLight:
    return KeyLight(
        kind=told["kind"],
        direction=np.array(told["direction"], np.float64),
        angular_diameter_deg=told["angular_diameter_deg"],
        position=None if told["position"] is None else np.array(told["position"], np.float64),
        size_m=None if told["size_m"] is None else (told["size_m"][0], told["size_m"][1]),
        side=Side(told["side"]),
        is_hard=told["is_hard"],
    )


def _enlarged(layer: FloatPixels, width: int, height: int) -> FloatPixels:
    """Bicubic to (height, width, 3)."""
    return _by_plane(layer, lambda plane: plane.resize((width, height), Image.Resampling.BICUBIC))


def _mean(plane: NDArray[Any], radius: int) -> NDArray[np.float32]:
    n = 2 * radius + 1
    padded = np.pad(plane.astype(np.float64), radius + 1, mode="edge")[:-1, :-1]
    sums = padded.cumsum(0).cumsum(1)
    return np.asarray((sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / (n * n), dtype=np.float32)


def _along_edges(layer: FloatPixels, linear: FloatPixels, radius: int = 2, epsilon: float = 4e-4) -> FloatPixels:
    """Enlarge a small 0..1 layer so that its edges fall on the picture's (a shadow's rim stays sharp).

    Local lines are fitted at the small size and their coefficients enlarged. Source: He and Sun, "Fast Guided Filter",
    2015.
    """
    height, width = linear.shape[:2]
    guide = np.sqrt(np.clip(linear @ LUMINANCE, 0, 1)).astype(np.float32)
    small = np.asarray(
        Image.fromarray(guide).resize((layer.shape[1], layer.shape[0]), Image.Resampling.BOX), dtype=np.float32
    )
    mean_g = _mean(small, radius)
    variance = _mean(small * small, radius) - mean_g * mean_g
    slopes, rests = [], []
    for k in range(3):
        mean_p = _mean(layer[..., k], radius)
        slope = (_mean(small * layer[..., k], radius) - mean_g * mean_p) / (variance + epsilon)
        slopes.append(_mean(slope, radius))
        rests.append(_mean(mean_p - slope * mean_g, radius))
    wide = _enlarged(np.stack(slopes, axis=-1), width, height) * guide[..., None] + _enlarged(
        np.stack(rests, axis=-1), width, height
    )
    return np.asarray(np.clip(wide, 0, 1), dtype=np.float32)


def _terms(text: str) -> frozenset[str]:
    return frozenset(_wanted(text))


def _wanted(text: str) -> list[str]:
    """Content words in order, each once, synonyms folded."""
    found: dict[str, None] = {}
    for token in TOKEN.findall(text.lower()):
        if token not in QUIET:
            found[SYNONYMS.get(token, token)] = None
    return list(found)


def _match(info: PlateInfo, request: ImageRequest) -> Match:
    """Points for every wanted word where it counts most, for the camera and for the side of the light."""
    terms = info.terms()
    wanted = _wanted(" ".join((request.words, *(str(v).replace("_", " ") for v in request.attributes.values()))))
    score = 0.0
    understood: dict[str, list[str]] = {}
    lost: list[str] = []
    for word in wanted:
        where = _best_part(word, terms)
        if where is None:
            lost.append(word)
            continue
        score += WORD_POINTS[where]
        understood.setdefault(where, []).append(word)
    if request.view_angle_deg is not None:
        off = abs(math.sin(math.radians(request.view_angle_deg)) - math.sin(math.radians(info.view_angle_deg)))
        score -= ANGLE_POINTS * max(0.0, off - ANGLE_FREE)
    if request.light_from is not None:
        score += SIDE_POINTS if request.light_from is info.light_side else 0.0
        score -= SIDE_POINTS / 2 if {request.light_from, info.light_side} == {Side.LEFT, Side.RIGHT} else 0.0
    return Match(info.id, score, {part: " ".join(words) for part, words in understood.items()}, tuple(lost))


def _best_part(word: str, terms: Mapping[str, Iterable[str]]) -> str | None:
    hits = [part for part, words in terms.items() if word in words]
    return max(hits, key=lambda part: WORD_POINTS[part]) if hits else None


def contact_sheet(plates: Plates, ids: Sequence[str] = (), *, columns: int = 5, cell: int = 320) -> Image.Image:
    """Plates side by side as they look, for people; all of them without ``ids``."""
    names = list(ids or plates.ids())
    sheet = Image.new("RGB", (columns * cell, math.ceil(len(names) / columns) * cell), "white")
    for n, name in enumerate(names):
        with Image.open(plates.folder / name / "picture.webp") as image:
            small = image.convert("RGB").resize((cell - 4, cell - 4))
        sheet.paste(small, ((n % columns) * cell + 2, (n // columns) * cell + 2))
    return sheet
