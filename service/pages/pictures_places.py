"""Places to choose from: those that fit the photographs' cameras first, and why the others do not."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from PIL import Image

from models import image_model
from models.image.plates import Plates
from service.domain import Scene
from service.errors import NotFound
from service.images.placement import Fit, fits

from .pictures_lifts import Lift

CAMERAS = {"eye_level": "Eye level", "three_quarter": "From above, slanted", "top_down": "From straight above"}
WIDTHS = (320, 640)
ORDER = {Fit.BELIEVABLE: 0, Fit.DOUBTFUL: 1, Fit.REJECT: 2}


@dataclass(frozen=True, slots=True)
class Place:
    """A scene of the library beside the products that are to stand in it."""

    scene: Scene
    group: int  # 0 fits, 1 fits some or nearly, 2 does not fit
    why: str  # in a few words
    full_why: str  # in a sentence
    suits: bool  # made for this kind of product

    @property
    def family(self) -> str:
        return family_name(self.scene.family)

    @property
    def search(self) -> str:
        """Everything that a search may hit."""
        scene = self.scene
        parts = (scene.id, scene.words, scene.family, scene.mood, scene.surface, " ".join(scene.categories))
        return " ".join(parts).replace("_", " ").replace("-", " ").lower()


def family_name(family: str) -> str:
    text = family.replace("_", " ")
    return text[:1].upper() + text[1:]


@cache
def plates() -> Plates:
    """The backend whose rendered places these are."""
    backend = image_model("plates")
    assert isinstance(backend, Plates)
    return backend


def places(scenes: Sequence[Scene], lifts: Sequence[Sequence[Lift]], categories: frozenset[str]) -> list[Place]:
    """Every place with a picture of it, the fitting ones first, families mixed.

    Args:
        lifts: for each product, the cut-outs of its photographs that are ready.
        categories: of the products, for what a place flatters.
    """
    known = [_place(scene, lifts, categories) for scene in scenes if scene.plate is not None]
    found: list[Place] = []
    for group in (0, 1, 2):
        for suits in (True, False):
            found += _mixed([place for place in known if (place.group, place.suits) == (group, suits)])
    return found


def _place(scene: Scene, lifts: Sequence[Sequence[Lift]], categories: frozenset[str]) -> Place:
    angle = plates().describe(scene.plate or "").view_angle_deg
    suits = not scene.categories or not categories or bool(categories & frozenset(scene.categories))
    best = [_best(mine, angle) for mine in lifts if mine]
    if not best:
        return Place(scene, 0, "", f"Seen from {angle:.0f}° above.", suits)
    good = sum(1 for fit, _ in best if fit is Fit.BELIEVABLE)
    usable = sum(1 for fit, _ in best if fit is not Fit.REJECT)
    if good == len(best):
        return Place(scene, 0, "", f"Seen from {angle:.0f}° above, as your photograph is.", suits)
    if len(best) > 1:
        why = f"fits {good} of {len(best)}"
        full = f"Seen from {angle:.0f}° above: {good} of {len(best)} products were photographed like this."
        return Place(scene, 1 if usable else 2, why, full, suits)
    fit, mine = best[0]
    way = "higher" if angle > mine else "lower"
    if fit is Fit.DOUBTFUL:
        full = f"The camera is a little {way} ({angle:.0f}°) than your photograph’s ({mine:.0f}°)."
        return Place(scene, 1, f"camera a little {way}", full, suits)
    full = f"Seen from {angle:.0f}° above, your photograph from {mine:.0f}°: the product would seem to tip over."
    return Place(scene, 2, f"seen from {angle:.0f}°, yours {mine:.0f}°", full, suits)


def _best(lifts: Sequence[Lift], angle: float) -> tuple[Fit, float]:
    """The fit of the photograph that comes nearest, and its elevation in degrees."""
    wanted = math.sin(math.radians(angle))
    lift = min(lifts, key=lambda one: abs(math.sin(math.radians(one.view_angle_deg)) - wanted))
    return fits(lift.view_angle_deg, angle, lift.is_round), lift.view_angle_deg


def _mixed(found: list[Place]) -> list[Place]:
    """One of each family, then the second of each."""
    seen: dict[str, int] = {}
    rank: list[tuple[int, int, Place]] = []
    for number, place in enumerate(found):
        turn = seen.get(place.scene.family, 0)
        seen[place.scene.family] = turn + 1
        rank.append((turn, number, place))
    return [place for *_, place in sorted(rank, key=lambda row: row[:2])]


@lru_cache(maxsize=400)
def picture_of(plate: str, width: int) -> bytes:
    """A plate's picture as WebP. Raises NotFound."""
    if width not in WIDTHS or plate not in plates().ids():
        raise NotFound("place", plate)
    with Image.open(plates().folder / plate / "picture.webp") as image:
        copy = image.convert("RGB").resize((width, width), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    copy.save(buffer, "WEBP", quality=80, method=2)
    return buffer.getvalue()
