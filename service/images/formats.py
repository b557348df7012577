"""The sizes we make: where the product stands in each, what must stay free, and the templates that set the words.

Formats are data: one TOML file each in ``templates/``. Lengths there are pixels of the finished picture unless the name
says otherwise; ``standing`` and ``max_product`` are fractions of width and height.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.errors import InvalidInput

Face = Literal["serif", "sans"]
Surface = Literal["none", "scrim", "panel"]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Pixels = Annotated[int, Field(ge=0, le=8_000)]


@dataclass(frozen=True, slots=True)
class Insets:
    """How far from each edge nothing may be set, px: apps draw their own controls there, printers trim."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class TextStyle:
    """One role of text in one template."""

    max_px: int  # font size wanted
    floor_px: int  # never smaller
    max_lines: int
    leading: float  # baseline to baseline, in font sizes
    tracking: float  # added between letters, in font sizes
    face: Face


@dataclass(frozen=True, slots=True)
class Template:
    """One way to set the words in one format."""

    id: str
    align: Literal["centre", "left"]
    place: Literal["above", "left"]  # of the product
    column: tuple[int, int, int, int]  # left, top, right, bottom: the most that words may take
    surfaces: tuple[Surface, ...]  # what may lie under the words, tried in this order
    brand_px: int
    headline: TextStyle
    body: TextStyle
    call_to_action_px: int
    call_to_action: Literal["foot", "with_text"]  # below the product, or below the words
    foot_y: int  # middle of the call to action when it is at the foot


@dataclass(frozen=True, slots=True)
class Format:
    """One picture size and what belongs where in it."""

    name: str
    size_px: tuple[int, int]  # (width, height)
    standing: tuple[float, float]  # where the product stands, fractions of width and height
    max_product: tuple[float, float]  # (width, height) it may take, fractions
    safe_zone_px: Insets
    templates: tuple[Template, ...]
    used_for: str = ""

    @property
    def standing_px(self) -> tuple[float, float]:
        """(x, y) of the standing point."""
        return self.standing[0] * self.size_px[0], self.standing[1] * self.size_px[1]

    @property
    def max_product_px(self) -> tuple[float, float]:
        """(width, height) the product may take."""
        return self.max_product[0] * self.size_px[0], self.max_product[1] * self.size_px[1]

    @property
    def safe_box_px(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what is always seen."""
        zone, (width, height) = self.safe_zone_px, self.size_px
        return zone.left, zone.top, width - zone.right, height - zone.bottom


@cache
def formats() -> Mapping[str, Format]:
    """Every format by name, as the TOML files in ``templates/`` have them."""
    folder = resources.files(__package__) / "templates"
    found = [parse_format(item.read_text("utf-8")) for item in folder.iterdir() if item.name.endswith(".toml")]
    return MappingProxyType({item.name: item for item in sorted(found, key=lambda f: f.name)})


def parse_format(text: str) -> Format:
    """One format from the text of its TOML file.

    Raises:
        InvalidInput: not TOML, an unknown or missing key, a column outside the safe zone; ``field`` is its path.
    """
    try:
        return _FormatFile.model_validate(tomllib.loads(text)).built()
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("format", str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(".".join(str(part) for part in first["loc"]) or "format", str(first["msg"])) from error


# --- the files ---------------------------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _TextFile(_Strict):
    max_px: Annotated[int, Field(ge=8, le=600)]
    floor_px: Annotated[int, Field(ge=8, le=600)]
    max_lines: Annotated[int, Field(ge=1, le=12)]
    leading: Annotated[float, Field(ge=0.8, le=2)] = 1.3
    tracking: Annotated[float, Field(ge=-0.1, le=0.5)] = 0.0
    face: Face = "sans"

    @model_validator(mode="after")
    def _floor_below_max(self) -> _TextFile:
        if self.floor_px > self.max_px:
            raise ValueError("floor_px is above max_px")
        return self

    def built(self) -> TextStyle:
        return TextStyle(self.max_px, self.floor_px, self.max_lines, self.leading, self.tracking, self.face)


class _TemplateFile(_Strict):
    id: str
    align: Literal["centre", "left"]
    place: Literal["above", "left"]
    column: tuple[Pixels, Pixels, Pixels, Pixels]
    surfaces: Annotated[tuple[Surface, ...], Field(min_length=1)]
    brand_px: Annotated[int, Field(ge=8, le=200)]
    headline: _TextFile
    body: _TextFile
    call_to_action_px: Annotated[int, Field(ge=8, le=200)]
    call_to_action: Literal["foot", "with_text"]
    foot_y: Pixels = 0

    def built(self) -> Template:
        return Template(
            id=self.id,
            align=self.align,
            place=self.place,
            column=self.column,
            surfaces=self.surfaces,
            brand_px=self.brand_px,
            headline=self.headline.built(),
            body=self.body.built(),
            call_to_action_px=self.call_to_action_px,
            call_to_action=self.call_to_action,
            foot_y=self.foot_y,
        )


class _InsetsFile(_Strict):
    left: Pixels
    top: Pixels
    right: Pixels
    bottom: Pixels


class _FormatFile(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    used_for: str = ""
    size_px: tuple[Annotated[int, Field(ge=64, le=8_000)], Annotated[int, Field(ge=64, le=8_000)]]
    standing: tuple[Fraction, Fraction]
    max_product: tuple[Fraction, Fraction]
    safe_zone_px: _InsetsFile
    templates: Annotated[tuple[_TemplateFile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _columns_are_safe(self) -> _FormatFile:
        zone, (width, height) = self.safe_zone_px, self.size_px
        for template in self.templates:
            left, top, right, bottom = template.column
            inside = (
                zone.left <= left < right <= width - zone.right and zone.top <= top < bottom <= height - zone.bottom
            )
            if not inside:
                raise ValueError(f"the column of template {template.id!r} leaves the safe zone")
        return self

    def built(self) -> Format:
        zone = self.safe_zone_px
        return Format(
            name=self.name,
            size_px=self.size_px,
            standing=self.standing,
            max_product=self.max_product,
            safe_zone_px=Insets(zone.left, zone.top, zone.right, zone.bottom),
            templates=tuple(template.built() for template in self.templates),
            used_for=self.used_for,
        )
