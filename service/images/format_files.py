"""Reads the files in ``templates/``: one shape a file, its stages and templates, and the formats that have this shape.

Lengths are px at the file's ``at_px``; a format of another size gets them scaled, columns by each side, type by the
smaller of the two ratios. Unknown keys are refused.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.errors import InvalidInput

from .formats import Face, Format, Insets, Place, Stage, Surface, Template, TextStyle

Fraction = Annotated[float, Field(gt=0, lt=1)]
Pixels = Annotated[int, Field(ge=0, le=8_000)]
Side = Annotated[int, Field(ge=40, le=8_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Box = tuple[Pixels, Pixels, Pixels, Pixels]
LEGAL_FLOOR = 8.0  # px: below, nobody reads it


def read_formats() -> list[Format]:
    """The formats of every file in ``templates/``."""
    folder = resources.files(__package__) / "templates"
    found = [
        item
        for file in folder.iterdir()
        if file.name.endswith(".toml")
        for item in parse_formats(file.read_text("utf-8"), file.name.removesuffix(".toml"))
    ]
    names = [item.name for item in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidInput("format", f"two files have a format {', '.join(sorted(twice))}")
    return found


def parse_formats(text: str, shape: str = "") -> list[Format]:
    """The formats of one file's text.

    Raises:
        InvalidInput: not TOML, an unknown or missing key, a column outside the safe zone; ``field`` is its path.
    """
    try:
        return _ShapeFile.model_validate(tomllib.loads(text)).built(shape)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput("format", str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(".".join(str(part) for part in first["loc"]) or "format", str(first["msg"])) from error


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _TextFile(_Strict):
    max_px: Annotated[float, Field(ge=6, le=600)]
    floor_px: Annotated[float, Field(ge=6, le=600)]
    max_lines: Annotated[int, Field(ge=1, le=12)]
    leading: Annotated[float, Field(ge=0.8, le=2)] = 1.3
    tracking: Annotated[float, Field(ge=-0.1, le=0.5)] = 0.0
    face: Face = "sans"

    @model_validator(mode="after")
    def _floor_below_max(self) -> _TextFile:
        if self.floor_px > self.max_px:
            raise ValueError("floor_px is above max_px")
        return self

    def built(self, k: float, lowest: float = 6.0) -> TextStyle:
        most = max(self.max_px * k, lowest)
        floor = max(self.floor_px * k, lowest)
        return TextStyle(most, floor, self.max_lines, self.leading, self.tracking, self.face)


class _TemplateFile(_Strict):
    id: str
    align: Literal["centre", "left", "right"]
    place: Place
    column: Box
    surfaces: Annotated[tuple[Surface, ...], Field(min_length=1)]
    brand_px: Annotated[float, Field(ge=0, le=200)]
    brand: Literal["head", "top"] = "head"
    headline: _TextFile
    body: _TextFile | None = None  # None: this template has no room for it
    call_to_action_px: Annotated[float, Field(ge=6, le=200)]
    call_to_action: Literal["foot", "with_text", "beside"]
    foot_y: Pixels = 0
    legal: _TextFile
    badge_px: Annotated[float, Field(ge=0, le=800)] = 0

    def built(self, kx: float, ky: float, k: float) -> Template:
        left, top, right, bottom = self.column
        body = self.body or _TextFile(max_px=8, floor_px=8, max_lines=1)
        return Template(
            id=self.id,
            align=self.align,
            place=self.place,
            column=(math.ceil(left * kx), math.ceil(top * ky), math.floor(right * kx), math.floor(bottom * ky)),
            surfaces=self.surfaces,
            brand_px=self.brand_px * k,
            brand=self.brand,
            headline=self.headline.built(k),
            body=body.built(k),
            call_to_action_px=self.call_to_action_px * k,
            call_to_action=self.call_to_action,
            foot_y=round(self.foot_y * ky),
            legal=self.legal.built(k, LEGAL_FLOOR),
            badge_px=self.badge_px * k,
            shows_body=self.body is not None,
        )


class _StageFile(_Strict):
    id: Literal["above", "below", "left", "right", "bare"]
    standing: tuple[Fraction, Fraction]
    max_product: tuple[Fraction, Fraction]
    picture: Box | None = None
    templates: tuple[_TemplateFile, ...] = ()
    mirrored: bool = False  # a stage "left" that gives the stage "right" too

    @model_validator(mode="after")
    def _only_left_is_mirrored(self) -> _StageFile:
        if self.mirrored and self.id != "left":
            raise ValueError("only the stage 'left' can be mirrored")
        return self

    def built(self, size: tuple[int, int], kx: float, ky: float, k: float) -> Stage:
        left, top, right, bottom = self.picture or (0, 0, 0, 0)
        picture = (round(left * kx), round(top * ky), round(right * kx), round(bottom * ky))
        return Stage(
            id=self.id,
            picture=picture if self.picture else (0, 0, *size),
            standing=self.standing,
            max_product=self.max_product,
            templates=tuple(template.built(kx, ky, k) for template in self.templates),
        )


class _InsetsFile(_Strict):
    left: Pixels
    top: Pixels
    right: Pixels
    bottom: Pixels


class _FormatFile(_Strict):
    name: Name
    size_px: tuple[Side, Side]
    used_for: str = ""
    aliases: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    safe_zone_px: _InsetsFile | None = None  # in this format's own px
    words: Literal["allowed", "forbidden"] = "allowed"
    shows: Literal["product", "logo"] = "product"
    background_rgb: tuple[int, int, int] | None = None
    min_product_fill: Fraction | None = None
    stages: tuple[_StageFile, ...] | None = None  # where the shape's own do not do


class _ShapeFile(_Strict):
    at_px: tuple[Side, Side]
    safe_zone_px: _InsetsFile
    stages: Annotated[tuple[_StageFile, ...], Field(min_length=1)]
    formats: Annotated[tuple[_FormatFile, ...], Field(min_length=1)]

    def built(self, shape: str) -> list[Format]:
        return [self._format(item, shape) for item in self.formats]

    def _format(self, item: _FormatFile, shape: str) -> Format:
        kx, ky = item.size_px[0] / self.at_px[0], item.size_px[1] / self.at_px[1]
        k = min(kx, ky)
        zone = item.safe_zone_px or self._scaled_zone(kx, ky)
        built = Format(
            name=item.name,
            size_px=item.size_px,
            safe_zone_px=Insets(zone.left, zone.top, zone.right, zone.bottom),
            stages=tuple(
                one
                for stage in item.stages or self.stages
                for one in _with_mirror(stage, stage.built(item.size_px, kx, ky, k), item.size_px[0])
            ),
            used_for=item.used_for,
            aliases=item.aliases,
            slots=item.slots,
            words=item.words,
            shows=item.shows,
            background_rgb=item.background_rgb,
            min_product_fill=item.min_product_fill,
            shape=shape,
            scale=k,
        )
        _check(built)
        return built

    def _scaled_zone(self, kx: float, ky: float) -> _InsetsFile:
        zone = self.safe_zone_px
        return _InsetsFile(
            left=int(zone.left * kx), top=int(zone.top * ky), right=int(zone.right * kx), bottom=int(zone.bottom * ky)
        )


def _with_mirror(file: _StageFile, stage: Stage, width: int) -> tuple[Stage, ...]:
    """The stage, and where the file asks for it the same with words and product changed over."""
    if not file.mirrored:
        return (stage,)
    left, top, right, bottom = stage.picture
    turned = tuple(
        replace(t, place="right", column=(width - t.column[2], t.column[1], width - t.column[0], t.column[3]))
        for t in stage.templates
    )
    standing = (1.0 - stage.standing[0], stage.standing[1])
    return stage, replace(
        stage, id="right", picture=(width - right, top, width - left, bottom), standing=standing, templates=turned
    )


def _check(item: Format) -> None:
    left, top, right, bottom = item.safe_box_px
    for stage in item.stages:
        x0, y0, x1, y1 = stage.picture
        if not (0 <= x0 < x1 <= item.size_px[0] and 0 <= y0 < y1 <= item.size_px[1]):
            raise InvalidInput("picture", f"the scene of {item.name}, stage {stage.id!r}, leaves the frame")
        if item.words == "allowed" and not stage.templates:
            raise InvalidInput("templates", f"stage {stage.id!r} of {item.name} has none")
        for template in stage.templates:
            a, b, c, d = template.column
            if not (left <= a < c <= right and top <= b < d <= bottom):
                where = f"the column of template {template.id!r} of {item.name}"
                raise InvalidInput("column", f"{where} leaves the safe zone {item.safe_box_px}")
