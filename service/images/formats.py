"""The sizes we make: where the product stands in each, what must stay free, and the templates that set the words.

Formats are data, one TOML file a shape in ``templates/`` (``format_files.py`` reads them). A format has one or more
*stages*: ways to share the picture between product and words. The first is the usual one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

from service.errors import InvalidInput

Face = Literal["serif", "sans"]
Surface = Literal["none", "scrim", "panel"]
Place = Literal["above", "below", "left", "right"]
Shape = Literal["square", "soft", "pill"]

SLIM = 0.52  # width over height of the product: below, words stand better beside it than above it
_SIZE = re.compile(r"^(\d{2,5})\s*[xX\u00d7]\s*(\d{2,5})$")


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

    max_px: float  # font size wanted
    floor_px: float  # never smaller
    max_lines: int
    leading: float  # baseline to baseline, in font sizes
    tracking: float  # added between letters, in font sizes
    face: Face


@dataclass(frozen=True, slots=True)
class Template:
    """One way to set the words on one stage. Lengths in px of the finished picture."""

    id: str
    align: Literal["centre", "left", "right"]
    place: Place  # of the words, seen from the product
    column: tuple[int, int, int, int]  # left, top, right, bottom: the most that words may take
    surfaces: tuple[Surface, ...]  # what may lie under the words, tried in this order
    brand_px: float  # 0: the brand is not named
    brand: Literal["head", "top"]  # at the head of the column, or of the picture
    headline: TextStyle
    body: TextStyle
    call_to_action_px: float
    call_to_action: Literal["foot", "with_text", "beside"]  # below the product, below the words, right of them
    foot_y: int  # middle of the call to action when it is at the foot
    legal: TextStyle
    badge_px: float  # across an offer's badge; 0: the offer is a line over the headline
    shows_body: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """One way to share the picture between product and words."""

    id: str
    picture: tuple[int, int, int, int]  # left, top, right, bottom of the scene, px; a panel takes the rest
    standing: tuple[float, float]  # where the product stands, fractions of the scene's width and height
    max_product: tuple[float, float]  # (width, height) it may take, fractions of the scene's
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """One picture size and what belongs where in it."""

    name: str
    size_px: tuple[int, int]  # (width, height)
    safe_zone_px: Insets
    stages: tuple[Stage, ...]  # at least one; the first is used
    used_for: str = ""
    aliases: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()  # of the channel table: "meta_feed.square", "iab_display.728x90"
    words: Literal["allowed", "forbidden"] = "allowed"
    shows: Literal["product", "logo"] = "product"
    background_rgb: tuple[int, int, int] | None = None  # what the channel demands behind the product
    min_product_fill: float | None = None  # share of the frame that the product's longer side must reach
    shape: str = ""  # the file it comes from
    scale: float = field(default=1.0, compare=False)  # of the lengths in that file

    @property
    def stage(self) -> Stage:
        return self.stages[0]

    @property
    def templates(self) -> tuple[Template, ...]:
        return self.stage.templates

    @property
    def picture_px(self) -> tuple[int, int]:
        """(width, height) of the scene: what is to be composed; the whole of the format where no panel is cut off."""
        left, top, right, bottom = self.stage.picture
        return right - left, bottom - top

    @property
    def offset_px(self) -> tuple[int, int]:
        """Where the scene's left upper corner lies in the finished picture."""
        return self.stage.picture[:2]

    @property
    def standing_px(self) -> tuple[float, float]:
        """(x, y) of the standing point, from the scene's left upper corner."""
        width, height = self.picture_px
        return self.stage.standing[0] * width, self.stage.standing[1] * height

    @property
    def max_product_px(self) -> tuple[float, float]:
        """(width, height) the product may take."""
        width, height = self.picture_px
        return self.stage.max_product[0] * width, self.stage.max_product[1] * height

    @property
    def safe_box_px(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what is always seen."""
        zone, (width, height) = self.safe_zone_px, self.size_px
        return zone.left, zone.top, width - zone.right, height - zone.bottom

    @property
    def is_split(self) -> bool:
        """A panel takes a part of the frame, the scene the rest."""
        return self.picture_px != self.size_px

    def staged(self, id: str) -> Format:
        """The same with another stage. Raises InvalidInput."""
        for stage in self.stages:
            if stage.id == id:
                return replace(self, stages=(stage, *(other for other in self.stages if other is not stage)))
        known = ", ".join(stage.id for stage in self.stages)
        raise InvalidInput("stage", f"{self.name} has no stage {id!r}; here: {known}")

    def without_words(self) -> Format:
        """The scene takes the whole frame: what pictures without a headline are made as."""
        if not self.is_split:
            return self
        return replace(self, stages=(Stage("bare", (0, 0, *self.size_px), (0.5, 0.90), (0.80, 0.80), self.templates),))

    def suited_to(self, product_aspect: float, *, right_to_left: bool = False) -> Format:
        """The stage that suits a product: slim ones stand beside the words where the format has room for that.

        Args:
            product_aspect: width over height of the product as photographed.
            right_to_left: the words are; then they take the side where reading begins.
        """
        known = {stage.id for stage in self.stages}
        wanted = "right" if right_to_left else "left"
        beside = bool(known & {"left", "right"})
        if wanted in known and (self.stage.id in ("left", "right") or (beside and product_aspect < SLIM)):
            return self.staged(wanted)
        return self


@cache
def formats() -> Mapping[str, Format]:
    """Every format by name, as the TOML files in ``templates/`` have them."""
    from .format_files import read_formats

    return MappingProxyType({item.name: item for item in sorted(read_formats(), key=lambda f: f.name)})


@cache
def _by_alias() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for item in formats().values():
        for name in (*item.aliases, *item.slots):
            found.setdefault(_plain(name), item.name)
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace("/", ".").replace(" ", "_")


def find_format(name: str) -> Format:
    """A format by its name, an alias ("ig_square"), a channel's slot ("meta_feed.square") or a size ("728x90").

    Raises:
        InvalidInput: none has it; the message names those that come near.
    """
    plain = _plain(name)
    if plain in formats():
        return formats()[plain]
    if plain in _by_alias():
        return formats()[_by_alias()[plain]]
    size = _SIZE.match(name.strip())
    if size:
        wanted = (int(size[1]), int(size[2]))
        of_size = [f for f in formats().values() if f.size_px == wanted and f.shows == "product"]
        if of_size:
            return min(of_size, key=lambda f: (f.words == "forbidden", f.name.count("_"), len(f.name)))
    near = difflib.get_close_matches(plain, [*formats(), *_by_alias()], 4, 0.5)
    hint = f"; near: {', '.join(near)}" if near else f"; here: {', '.join(formats())}"
    raise InvalidInput("format", f"no format {name!r}{hint} (all of them: adloom formats list)")
