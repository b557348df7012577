"""What is asked of a batch, before anything is looked at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from service.errors import InvalidInput
from service.images.formats import find_format
from service.provenance.labels import POLICIES, LabelPolicy
from service.studio import TAKES, PictureType

PICTURE_TYPES: tuple[PictureType, ...] = ("png", "webp", "jpg")
MOST_ITEMS = 50_000
MOST_SCENES = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """One product and what is wanted of it."""

    product_id: str
    scenes: int | tuple[str, ...]  # so many that suit it, or these: ids of the library, or words to paint from
    formats: tuple[str, ...] = ("square",)
    seeds: tuple[int, ...] = (0,)
    headline: str | None = None
    body: str | None = None
    call_to_action: str | None = None
    copy_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A photograph or row that cannot be used, and why. ``is_left_aside``: it was no fault, only not wanted."""

    photo: str | None
    product: str | None
    reason: str
    is_left_aside: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole batch."""

    lines: tuple[Line, ...]
    name: str = ""
    backend: str | None = None
    takes: int = 1  # pictures of each place: mirrored, product aside; 1 is the place as it is
    picture_type: PictureType = "png"
    label_policy: LabelPolicy | None = None  # none, eu, cn or all; None: as the settings say
    refused: tuple[Refused, ...] = ()
    start: bool = False  # make the pictures as soon as the plan is there
    out: str | None = None  # folder for the pictures, commands only; else they go to storage
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)  # photograph -> what was done to read it
    folders: Mapping[str, str] = field(default_factory=dict)  # product -> its folder's name, where it is not its id

    def folder(self, product_id: str) -> str:
        return self.folders.get(product_id, product_id)


def to_body(ask: Ask) -> dict[str, Any]:
    """As JSON values."""
    return dict(json.loads(json.dumps(asdict(ask))))


def from_body(body: Mapping[str, Any]) -> Ask:
    lines = tuple(_line(line) for line in body["lines"])
    refused = tuple(Refused(**one) for one in body["refused"])
    return Ask(**{**body, "lines": lines, "refused": refused})


def _line(said: Mapping[str, Any]) -> Line:
    scenes = said["scenes"]
    return Line(
        **{
            **said,
            "scenes": scenes if isinstance(scenes, int) else tuple(scenes),
            "formats": tuple(said["formats"]),
            "seeds": tuple(said["seeds"]),
        }
    )


def check(ask: Ask) -> None:
    """Refuse what can be refused before any photograph is read.

    Raises:
        InvalidInput: nothing to do, too much, an unknown format, scene or picture type.
    """
    from prompts.errors import PromptError
    from prompts.scenes import SceneError, scene
    from service.studio import LIBRARY_ID

    if not ask.lines and not ask.refused:
        raise InvalidInput("products", "nothing to make pictures of")
    if not 1 <= ask.takes <= TAKES:
        raise InvalidInput("takes", f"{ask.takes}; 1 to {TAKES}")
    if ask.picture_type not in PICTURE_TYPES:
        raise InvalidInput("picture_type", f"{ask.picture_type!r}; known: {', '.join(PICTURE_TYPES)}")
    if ask.label_policy not in (None, *POLICIES):
        raise InvalidInput("label_policy", f"{ask.label_policy!r}; known: {', '.join(POLICIES)}")
    known: set[str] = set()
    for line in ask.lines:
        for format in set(line.formats) - known:
            find_format(format)
            known.add(format)
        if isinstance(line.scenes, int):
            if not 1 <= line.scenes <= MOST_SCENES:
                raise InvalidInput("scenes", f"{line.scenes}; 1 to {MOST_SCENES}, or ids, or words")
            continue
        for one in set(line.scenes) - known:
            if LIBRARY_ID.match(one):
                try:
                    scene(one)
                except (SceneError, PromptError) as error:
                    raise InvalidInput("scenes", str(error)) from error
            known.add(one)
    count = most_items(ask)
    if count > MOST_ITEMS:
        raise InvalidInput("products", f"{count:,} pictures asked for at once; at most {MOST_ITEMS:,}")


def most_items(ask: Ask) -> int:
    """Pictures if every scene asked for can be found."""
    return sum(_n_scenes(line) * len(line.formats) * len(line.seeds) for line in ask.lines)


def _n_scenes(line: Line) -> int:
    return line.scenes if isinstance(line.scenes, int) else len(line.scenes)


def digest(value: Any) -> str:
    """Of JSON values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
