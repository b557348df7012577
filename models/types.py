"""What a network is asked for and what it hands back: requests, pictures, places, and where each came from.

World frame of every place (``Backdrop``): metres, z up, the ground the product stands on is the plane z = 0,
the standing point is the origin, x to the right of the picture, y away from the camera.
Camera frame: x right, y down, z forward (the convention of OpenCV). Pixel (0, 0) is the centre of the top-left pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatPixels = NDArray[np.float32]  # (H, W, 3), the colour space is said where it is used
BytePixels = NDArray[np.uint8]  # (H, W, 3) sRGB, 0 to 255
Alpha = NDArray[np.float32]  # (H, W), straight, 0 is scene, 1 is product
REVIEW_ABOVE = 0.5  # of CutOut.uncertainty; see models/README.md for what it catches
JsonValue = Any


class CameraClass(StrEnum):
    """How far above the ground the camera looks, measured at the standing point."""

    EYE_LEVEL = "eye_level"  # 4 to 16 degrees
    THREE_QUARTER = "three_quarter"  # 17 to 45 degrees
    TOP_DOWN = "top_down"  # 55 to 90 degrees


class Side(StrEnum):
    """Where the key light comes from, as the viewer sees it."""

    LEFT = "left"
    RIGHT = "right"
    BACK = "back"
    FRONT = "front"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which backend made this, with which weights, seed and precision: enough to make it again."""

    backend: str  # "plates", "scene-model", "local", "fake" ...
    model: str  # weight row name, hub id or plate id
    revision: str  # sha256 or revision of the weights or plate files
    seed: int | None = None
    precision: str = "float32"
    settings: Mapping[str, JsonValue] = field(default_factory=dict)


# --- words -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextRequest:
    """One prompt, n drafts.

    ``json_schema`` constrains every draft to that JSON schema; None lets the model write freely.
    """

    system: str
    user: str
    n: int = 1  # drafts wanted, 1 to 64
    max_new_tokens: int = 256
    temperature: float = 0.8  # 0 is greedy
    top_p: float = 0.95
    seed: int = 0
    json_schema: Mapping[str, JsonValue] | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextDraft:
    text: str
    ended_by_itself: bool  # False: cut by the token limit
    mean_log_probability: float | None = None  # nats per token


@dataclass(frozen=True, slots=True)
class TextReply:
    drafts: tuple[TextDraft, ...]
    provenance: Provenance
    prompt_tokens: int
    new_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks on while a request is written; called from whichever thread writes, so both must be quick."""

    on_draft: Callable[[int, TextDraft], None] = lambda number, draft: (
        None
    )  # its number from 0, and the draft when done
    is_cancelled: Callable[[], bool] = lambda: False  # True: nobody wants the rest


class TextModel(Protocol):
    """Writes text. Same request and seed, same reply, on the same machine and weights."""

    name: str  # goes into every Creative's provenance
    languages: tuple[str, ...]  # BCP 47 primary tags that it writes acceptably, such as ("en",)

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        """Write ``request.n`` drafts. Raises Cancelled as soon as the watch says so, a token or an attempt later."""
        ...


# --- places ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera in the world frame of the module docstring."""

    rotation: NDArray[np.float64]  # (3, 3), world to camera
    translation: NDArray[np.float64]  # (3,), metres: camera = rotation @ world + translation
    focal_px: tuple[float, float]  # (fx, fy)
    centre_px: tuple[float, float]  # (cx, cy), the principal point
    size_px: tuple[int, int]  # (width, height)

    @property
    def position(self) -> NDArray[np.float64]:
        """Where the camera is, (3,) metres in the world frame."""
        return -self.rotation.T @ self.translation

    @property
    def view_angle_deg(self) -> float:
        """Elevation of the camera seen from the standing point, degrees, 0 to 90."""
        position = self.position
        return float(np.degrees(np.arcsin(position[2] / np.linalg.norm(position))))

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """World points (..., 3) in metres to pixels (..., 2). Points behind the camera give nan."""
        camera = points @ self.rotation.T + self.translation
        depth = np.where(camera[..., 2:] > 1e-9, camera[..., 2:], np.nan)
        return np.asarray(camera[..., :2] / depth * np.asarray(self.focal_px) + np.asarray(self.centre_px))

    def ground_homography(self) -> NDArray[np.float64]:
        """(3, 3): homogeneous ground (x, y, 1) to homogeneous pixel. Its inverse lays pixels on the ground."""
        k = np.array([[self.focal_px[0], 0, self.centre_px[0]], [0, self.focal_px[1], self.centre_px[1]], [0, 0, 1.0]])
        return k @ np.column_stack([self.rotation[:, 0], self.rotation[:, 1], self.translation])

    def reframed(self, box: tuple[float, float, float, float], size_px: tuple[int, int]) -> Camera:
        """The camera of this picture's ``box`` (left, top, right, bottom in px, edges), resized to ``size_px``."""
        left, top, right, bottom = box
        sx, sy = size_px[0] / (right - left), size_px[1] / (bottom - top)
        return Camera(
            rotation=self.rotation,
            translation=self.translation,
            focal_px=(self.focal_px[0] * sx, self.focal_px[1] * sy),
            centre_px=(
                (self.centre_px[0] + 0.5 - left) * sx - 0.5,
                (self.centre_px[1] + 0.5 - top) * sy - 0.5,
            ),
            size_px=size_px,
        )


@dataclass(frozen=True, slots=True)
class KeyLight:
    """The one light that casts the readable shadow."""

    kind: str  # "sun" or "area"
    direction: NDArray[np.float64]  # (3,) unit, from the standing point to the light
    angular_diameter_deg: float  # a sun's disc; for an area light seen from the standing point, for information
    position: NDArray[np.float64] | None = None  # (3,) metres, area lights only
    size_m: tuple[float, float] | None = None  # (width, height), area lights only; it faces the standing point
    side: Side = Side.LEFT
    is_hard: bool = False  # True: modelled, sharp light that a frontally lit packshot may not fit


@dataclass(frozen=True, slots=True)
class DisplayCurve:
    """Scene-linear to display, one monotone curve for all three channels, as data.

    ``linear`` (N,) rises strictly from 0; ``display`` (N,) rises strictly from 0 to 1 (sRGB-encoded value / 255).
    Between the knots both directions interpolate linearly; outside they clamp.
    """

    linear: NDArray[np.float32]
    display: NDArray[np.float32]

    def to_display(self, linear: FloatPixels) -> FloatPixels:
        return np.interp(linear, self.linear, self.display).astype(np.float32)

    def to_linear(self, display: FloatPixels) -> FloatPixels:
        return np.interp(display, self.display, self.linear).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A place with no product in it, and all that is needed to stand one there. See ``docs`` in models/image/README.md.

    Every array shares H and W with ``camera.size_px``.
    """

    linear: FloatPixels  # (H, W, 3) scene-linear, >= 0; display = curve.to_display(linear)
    key_share: FloatPixels  # (H, W, 3) 0 to 1: key / (key + ambient)
    specular: FloatPixels  # (H, W, 3) scene-linear, <= linear: the shiny part that a reflection replaces
    camera: Camera
    key: KeyLight
    curve: DisplayCurve
    roughness: float  # of the ground, 0 mirror to 1 matte
    base_reflectance: float  # F0 of the ground, usually .04
    ball_rgb: tuple[
        float, float, float
    ]  # scene-linear colour of a white ball (albedo .8) facing the camera at the standing point
    zone_m: NDArray[np.float64]  # (N, 2) polygon on the ground, metres: a footprint and its contact must stay inside
    support_m: (
        NDArray[np.float64] | None
    )  # (N, 2) polygon where the ground plane really is (podium, table); None: everywhere
    camera_class: CameraClass
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A place to paint."""

    words: str  # "walnut table by a window, warm evening light"
    size_px: tuple[int, int]  # (width, height)
    seed: int = 0
    plate: str | None = None  # plate id: the plates backend shows it, others may start from it
    attributes: Mapping[str, str] = field(
        default_factory=dict
    )  # surface, back, palette, light, side, podium, family ...
    view_angle_deg: float | None = None  # the photograph's camera elevation
    light_from: Side | None = None
    steps: int = 8
    guidance: float = 2.5
    candidates: int = 1


@dataclass(frozen=True, slots=True)
class PaintedBackdrop:
    backdrop: Backdrop
    understood: Mapping[str, str]  # attribute -> value taken from the words
    not_understood: tuple[str, ...]  # words that changed nothing; reported, never dropped in silence


class ImageModel(Protocol):
    """Paints a place for a product. Same request and seed, same bytes, on the same machine and weights."""

    name: str

    def paint(self, request: ImageRequest) -> PaintedBackdrop: ...


# --- cut-outs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CutOut:
    """A product lifted off its photograph.

    ``photo`` keeps the original bytes' pixels untouched; ``foreground`` has the old background's colour taken out of
    the soft edge only, and equals ``photo`` exactly where alpha is at least .98.
    """

    photo: BytePixels  # (H, W, 3) sRGB as decoded, upright
    alpha: Alpha  # (H, W)
    foreground: BytePixels  # (H, W, 3) sRGB
    uncertainty: float  # 0 sure to 1 lost: the calibrated probability that a person would see a fault
    n_products: int  # separate objects found
    provenance: Provenance
    reasons: tuple[str, ...] = ()  # why it is unsure, in words, the gravest first; () where nothing is

    @property
    def needs_review(self) -> bool:
        """True: a person has to look before anything made from it may go out by itself."""
        return self.uncertainty > REVIEW_ABOVE


class Matting(Protocol):
    """Separates product from background."""

    name: str

    def cut_out(self, photo: BytePixels) -> CutOut:
        """Raises NoProductFound when nothing stands out."""
        ...


def unit(vector: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector with length 1."""
    v = np.asarray(vector, dtype=np.float64)
    return np.asarray(v / np.linalg.norm(v))
