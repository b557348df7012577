"""The scene library: which places there are, in words. One TOML file a family in ``prompts/scenes/``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

FOLDER = Path(__file__).parent / "scenes"


class SceneError(Exception):
    """Anything wrong with the scene library."""


class UnknownScene(SceneError):
    """No scene has this id."""

    def __init__(self, id: str, known: Sequence[str]) -> None:
        self.id, self.known = id, tuple(known)
        super().__init__(f"no scene {id!r}; {len(self.known)} here, such as {', '.join(self.known[:6])}")


class InvalidScene(SceneError):
    """A scene file that cannot be used."""

    def __init__(self, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"{file}: {reason}")


class SceneRow(BaseModel):
    """One place. ``plate`` names the rendered backdrop; None means it has to be painted from the words."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: str
    words: str
    family: str
    mood: str
    light_side: Literal["left", "right", "back", "front", "above"]
    surface: str
    camera_class: Literal["eye_level", "three_quarter", "top_down"]
    palette: tuple[str, ...] = ()  # hex colours, the largest area first
    categories: tuple[str, ...] = ()  # product categories it flatters; empty: any
    plate: str | None = None


@cache
def scenes(folder: Path = FOLDER) -> tuple[SceneRow, ...]:
    """Every scene of the library, by id.

    Raises:
        InvalidScene: a file cannot be read, a row has a wrong or unknown key, or two rows share an id.
    """
    rows: dict[str, SceneRow] = {}
    for path in sorted(folder.glob("*.toml")):
        for row in _rows(path):
            if row.id in rows:
                raise InvalidScene(path.name, f"id {row.id!r} stands twice")
            rows[row.id] = row
    return tuple(rows[key] for key in sorted(rows))


def scene(id: str, folder: Path = FOLDER) -> SceneRow:
    """The scene with this id.

    Raises:
        UnknownScene: there is none.
    """
    rows = scenes(folder)
    for row in rows:
        if row.id == id:
            return row
    raise UnknownScene(id, [row.id for row in rows])


def _rows(path: Path) -> Iterable[SceneRow]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidScene(path.name, str(error)) from error
    for number, row in enumerate(table.get("scene", [])):
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        try:
            yield SceneRow.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidScene(path.name, f"scene {number + 1}, {where}: {first['msg']}") from error
