"""A plan in colours: which surface under it, which ink for each text, and how good the whole is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.domain import Brand, Finding

from .blocks import Text, union
from .colours import (
    BLACK,
    CONTRAST_FLOOR,
    WHITE,
    WORST_SHARE,
    Box,
    Rgb,
    busyness,
    contrast,
    inks_for,
    luminance,
    paper_for,
    tone_behind,
)
from .formats import Format
from .grounds import Field, Ground, bare, panel, scrim
from .plans import Plan

SCRIM_STEPS = (0.30, 0.45, 0.60, 0.74, 0.86)
SPOTS = 420  # pixels looked at behind each text before anything is drawn
LEEWAY = 1.04  # contrast wanted of those, over the floor: the finished letters are measured again
_FREE = ("price", "was_price", "legal", "offer")  # these may stand on other ground than the headline
_GROUPS = (("price", "was_price"), ("legal",), ("offer",))


@dataclass(frozen=True, slots=True)
class Colours:
    ink: Rgb
    button: Rgb
    on_button: Rgb
    badge: Rgb
    on_badge: Rgb


@dataclass(frozen=True, slots=True)
class Plate:
    """A small sheet under texts that would not be read otherwise."""

    box: Box
    colour: Rgb
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Dressed:
    """A plan with its surface and colours."""

    plan: Plan
    ground: Ground
    colours: Colours
    inks: Mapping[str, Rgb]  # of texts whose ink differs from the headline's
    plates: tuple[Plate, ...]
    expected: Mapping[str, float]  # contrast by role, from samples
    busyness: float  # 0 calm to 1
    findings: tuple[Finding, ...]

    def ink_of(self, role: str) -> Rgb:
        return self.inks.get(role, self.colours.ink)

    @property
    def score(self) -> float:
        """More is better. Legible and large beats calm, calm beats covered; a block never wins over none."""
        weak = sum(value < CONTRAST_FLOOR for value in self.expected.values())
        blocks = weak + sum(f.severity == "block" for f in self.findings)
        warnings = sum(f.severity == "warn" for f in self.findings)
        notes = sum(f.id.endswith(("left_out", "hyphenated")) for f in self.findings)
        cover = {"none": 0.0, "scrim": 0.06 + 0.16 * self.ground.opacity, "panel": 0.30}[self.ground.kind]
        comfort = 0.15 * min(1.0, min(self.expected.values(), default=21.0) / 9.0)
        unrest = 0.0 if self.ground.kind == "panel" else 0.6 * self.busyness
        plates = 0.30 * len(self.plates)
        return (
            self.plan.headline_fill + comfort - unrest - cover - plates - 0.15 * notes - 0.4 * warnings - 10.0 * blocks
        )


def dressings(plan: Plan, field: Field, fmt: Format, brand: Brand, accent: Rgb) -> list[Dressed]:
    """The plan on every surface its template allows, each with its best ink."""
    tone = tone_behind(field.picture, plan.words_box)
    busy = busyness(field.picture, plan.words_box) if not fmt.is_split else 0.0
    spots = {text.role: _spots(text, field.picture.shape) for text in plan.texts}
    dark, light = inks_for(brand, tone)
    has_paper = brand.paper != Brand("").paper
    made: list[Dressed] = []
    for surface in plan.template.surfaces:
        for opacity in SCRIM_STEPS if surface == "scrim" else (1.0 if surface == "panel" else 0.0,):
            tries = []
            for ink in (dark, light):
                if surface == "panel":
                    paper = paper_for(brand, tone, is_dark=field.is_dark and not has_paper)
                    if contrast(ink, paper) < max(contrast(dark, paper), contrast(light, paper)):
                        continue
                    ground = panel(field, plan, paper)
                elif surface == "scrim":
                    ground = scrim(field, plan, _scrim_colour(brand, tone, ink, dark), opacity)
                else:
                    ground = bare(field)
                tries.append(_dressed(plan, ground, ink, (dark, light), spots, accent, brand, busy))
            best = max(tries, key=lambda d: d.score)
            made.append(best)
            main = [v for role, v in best.expected.items() if role not in _FREE]
            if min(main, default=21.0) >= CONTRAST_FLOOR * LEEWAY:
                break
    return made


def _scrim_colour(brand: Brand, tone: tuple[float, float, float], ink: Rgb, dark: Rgb) -> Rgb:
    """What lifts the ink off the ground: pale under dark letters, deep under pale ones."""
    paper = paper_for(brand, tone, is_dark=ink != dark)
    if contrast(paper, ink) < 7.0:  # a shop's own paper that does not go with this ink
        paper = paper_for(Brand(""), tone, is_dark=ink != dark)
    return paper


def _dressed(
    plan: Plan, ground: Ground, ink: Rgb, pair: tuple[Rgb, Rgb], spots: Mapping[str, tuple[NDArray[np.int64], ...]],
    accent: Rgb, brand: Brand, busy: float,
) -> Dressed:  # fmt: skip
    behind = {role: luminance(ground.at(*where)) for role, where in spots.items()}
    expected = {role: _sampled(ink, behind[role]) for role in behind}
    inks: dict[str, Rgb] = {}
    plates: list[Plate] = []
    for group in _GROUPS:
        here = [role for role in group if role in behind]
        if not here:
            continue
        offered = [accent, ink] if group == ("offer",) else [ink]
        offered += [*pair, BLACK, WHITE]
        rated = [(min(_sampled(colour, behind[role]) for role in here), colour) for colour in offered]
        enough = next((item for item in rated if item[0] >= CONTRAST_FLOOR * LEEWAY), None)
        if enough is None:
            plate = _plate([t for t in plan.texts if t.role in here], ground, brand, pair)
            enough = (contrast(plate[1], plate[0].colour), plate[1])
            plates.append(plate[0])
        for role in here:
            inks[role], expected[role] = enough[1], enough[0]
    badge, on_badge = _badge_colours(accent)
    button, on_button = accent, WHITE
    if plan.pill:
        button, on_button = _button_colours(accent, ink, ground, plan.pill.box)
        expected["call_to_action"] = contrast(on_button, button)
    colours = Colours(ink, button, on_button, badge, on_badge)
    return Dressed(plan, ground, colours, inks, tuple(plates), expected, busy, plan.findings)


def _spots(text: Text, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], ...]:
    """(rows, columns) of pixels on a grid behind the lines of a text."""
    height, width = shape[:2]
    rows: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    for item in text.lines:
        tall, broad = 0.95 * item.size_px, max(1.0, item.line.width_em * item.size_px)
        n = SPOTS / len(text.lines)
        step = max(1.0, float(np.sqrt(tall * broad / n)))
        y, x = np.mgrid[item.baseline - 0.74 * item.size_px : item.baseline + 0.21 * item.size_px : step,
                        item.x : item.x + broad : step]  # fmt: skip
        rows.append(np.clip(y.ravel(), 0, height - 1).astype(np.int64))
        columns.append(np.clip(x.ravel(), 0, width - 1).astype(np.int64))
    return np.concatenate(rows), np.concatenate(columns)


def _sampled(ink: Rgb, behind: NDArray[np.float64]) -> float:
    own = float(luminance(ink))
    ratios = np.sort((np.maximum(behind, own) + 0.05) / (np.minimum(behind, own) + 0.05))
    return float(ratios[int(WORST_SHARE * (len(ratios) - 1))])


def _plate(texts: Sequence[Text], ground: Ground, brand: Brand, pair: tuple[Rgb, Rgb]) -> tuple[Plate, Rgb]:
    """A sheet around texts, in the paper of the scene, and the ink for it."""
    box = union([text.box for text in texts])
    tone = tone_behind(ground.field.picture, box)
    paper = paper_for(brand, tone, is_dark=tone[0] < 45 and brand.paper == Brand("").paper)
    pad = 0.42 * max(text.size_px for text in texts)
    wide = (box[0] - pad, box[1] - 0.6 * pad, box[2] + pad, box[3] + 0.3 * pad)
    ink = max((*pair, BLACK, WHITE), key=lambda colour: contrast(colour, paper))
    return Plate(wide, paper, frozenset(text.role for text in texts)), ink


def _button_colours(accent: Rgb, ink: Rgb, ground: Ground, box: Box) -> tuple[Rgb, Rgb]:
    """Fill and lettering: the accent where it stands out from the ground, else pale or dark, else the ink."""
    height, width = ground.field.picture.shape[:2]
    y, x = np.mgrid[max(0, box[1]) : min(height - 1, box[3]) : 3, max(0, box[0]) : min(width - 1, box[2]) : 3]
    behind = ground.at(y.ravel().astype(np.int64), x.ravel().astype(np.int64))
    mean = tuple(float(v) for v in behind.mean(axis=0)) if behind.size else (255.0, 255.0, 255.0)
    fill = next((f for f in (accent, (248, 246, 242), (24, 24, 26)) if contrast(f, mean) >= 1.9), ink)
    return fill, _on(fill)


def _badge_colours(accent: Rgb) -> tuple[Rgb, Rgb]:
    return accent, _on(accent)


def _on(fill: Rgb) -> Rgb:
    """Lettering on a fill: white where it can be read, else near-black."""
    return (
        WHITE
        if contrast(WHITE, fill) >= CONTRAST_FLOOR
        else max(((20, 20, 22), WHITE), key=lambda c: contrast(c, fill))
    )


def with_findings(dressed: Dressed, more: Sequence[Finding]) -> Dressed:
    return replace(dressed, findings=(*dressed.findings, *more))
