"""One text in one room: how it breaks, how large it can be, where its lines stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import regex

from .colours import Box
from .formats import TextStyle
from .typefaces import NO_FONTS, Face, ShopFonts, chain_for, covered, primary
from .typesetting import Breaks, Line, Type, break_lines, broken_to_fit, cap_height_em, set_line

DESCENT_EM = 0.24  # below the baseline, enough for g, y and full-width commas
_EUROPEAN = regex.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}]")


def _is_european(name: str) -> bool:
    return not name.startswith("NotoSans")


_DEEP = {"th": 0.34, "hi": 0.40, "ar": 0.38}
_HIGH = {"th": 0.42, "hi": 0.22, "ar": 0.10}  # marks over the letters


@dataclass(frozen=True, slots=True)
class Placed:
    """One line at its place, px."""

    line: Line
    x: float
    baseline: float
    size_px: float


@dataclass(frozen=True, slots=True)
class Text:
    """One text with its place."""

    role: str  # headline, body, call_to_action, price, was_price, offer, offer_until, legal, brand
    kind: Type
    size_px: float  # of its largest line
    lines: tuple[Placed, ...]
    box: Box  # from the capitals' tops to the last descender
    is_struck: bool = False

    def moved(self, dx: float, dy: float) -> Text:
        lines = tuple(replace(item, x=item.x + dx, baseline=item.baseline + dy) for item in self.lines)
        left, top, right, bottom = self.box
        return replace(self, lines=lines, box=(left + dx, top + dy, right + dx, bottom + dy))


@dataclass(frozen=True, slots=True)
class Setting:
    """A text broken and sized."""

    breaks: Breaks
    size_px: float
    height: float


def kind_of(
    role: str, style: TextStyle | None, language: str, own: ShopFonts = NO_FONTS, text: str | None = None
) -> Type:
    """Font, tracking and language of a role. A headline's face has all of its European letters, or another is taken.

    Args:
        text: of the headline. A word half in one face and half in another looks like an accident.
    """
    is_asian = wide(language)
    if role == "headline" and style is not None:
        chain = chain_for(style.face, language, own)
        letters = {ord(c) for c in _EUROPEAN.findall(text or "")}
        whole = tuple(name for name in chain if not letters or not _is_european(name) or letters <= covered(name))
        is_own = own.headline is not None
        tracking = 0.02 if is_asian else (0.0 if is_own else style.tracking)
        return Type(whole or chain, tracking, language)
    if role == "brand":
        return Type(chain_for("brand", language, own), 0.16, language)
    face: Face = "label" if role in ("call_to_action", "price", "offer") else "text"
    spread = {"label": 0.02, "text": 0.01}[face] if is_asian else 0.0
    return Type(chain_for(face, language, own), spread, language)


def wide(language: str) -> bool:
    """Chinese and Japanese are set on a grid of squares."""
    return primary(language) in ("zh", "ja")


def leading_of(style: TextStyle, language: str) -> float:
    """Baseline to baseline in font sizes: scripts that fill their square or stack marks want more."""
    code = primary(language)
    if code in ("th", "hi"):
        return max(style.leading, 1.42 if style.leading < 1.2 else 1.6)
    if code == "ar":
        return max(style.leading, 1.3 if style.leading < 1.2 else 1.6)
    if code in ("zh", "ja", "ko"):
        return max(style.leading, 1.24 if style.leading < 1.2 else 1.55)
    return style.leading


def descent_em(kind: Type) -> float:
    return _DEEP.get(primary(kind.language), DESCENT_EM)


def rise_em(kind: Type) -> float:
    """From the baseline to the top of what is set."""
    return cap_height_em(kind.chain, kind.language) + _HIGH.get(primary(kind.language), 0.0)


def height_of(n_lines: int, size: float, leading: float, kind: Type) -> float:
    """From the top of the capitals to the last descender."""
    return rise_em(kind) * size + (n_lines - 1) * leading * size + descent_em(kind) * size


def fit(text: str, kind: Type, style: TextStyle, leading: float, width: float, height: float) -> Setting | None:
    """The best of 1 to ``max_lines`` lines at the largest size that fits; None below the floor."""
    found: list[tuple[float, Setting]] = []
    if width <= 0 or set_line(text, kind).width_em * style.floor_px > 1.05 * width * style.max_lines:
        return None
    step = 1.0 if style.max_px >= 24 else 0.5
    for n in range(1, style.max_lines + 1):
        breaks = break_lines(text, kind, n)
        if breaks is None:
            break
        per_px = height_of(n, 1.0, leading, kind)
        size = min(style.max_px, width / max(breaks.width_em, 1e-6), height / per_px)
        size = float(np.floor(size / step) * step) if size < style.max_px else style.max_px
        if size >= style.floor_px:
            worth = size * (1.0 - 0.05 * (n - 1)) - style.max_px * 0.35 * max(0.0, breaks.flaw)
            found.append((worth, Setting(breaks, size, per_px * size)))
    return max(found, key=lambda item: item[0])[1] if found else None


def squeezed(
    text: str, kind: Type, style: TextStyle, leading: float, width: float, height: float
) -> tuple[Setting, bool]:
    """What must be shown but does not fit: more lines, then words cut, then below the floor; True if below."""
    size = float(style.floor_px)
    while size >= 6:
        breaks = broken_to_fit(text, kind, width / size)
        tall = height_of(len(breaks.lines), size, leading, kind)
        if tall <= height:
            return Setting(breaks, size, tall), size < style.floor_px
        size = float(int(size * 0.94))
    breaks = broken_to_fit(text, kind, width / 6)
    return Setting(breaks, 6.0, height_of(len(breaks.lines), 6.0, leading, kind)), True


def placed(
    role: str, setting: Setting, kind: Type, leading: float, align: str, left: float, right: float, top: float
) -> Text:
    """Lines on baselines; centred lines do not count light punctuation at their end."""
    size = setting.size_px
    baseline = top + rise_em(kind) * size
    lines = []
    for i, line in enumerate(setting.breaks.lines):
        if align == "centre":
            x = (left + right) / 2 - (line.width_em - line.hang_em / 2) * size / 2
            x = min(max(x, left), max(left, right - line.width_em * size))
        elif align == "right":
            x = right - line.width_em * size
        else:
            x = left - (0.045 * size if role == "headline" else 0.0)  # round capitals carry side bearing
            x = max(x, left - 4)
        lines.append(Placed(line, x, baseline + i * leading * size, size))
    return Text(role, kind, size, tuple(lines), _box(lines, top, kind))


def one_line(role: str, text: str, kind: Type, size: float, x: float, baseline: float) -> Text:
    """A single line whose left end and baseline are known."""
    line = set_line(text, kind)
    item = Placed(line, x, baseline, size)
    return Text(role, kind, size, (item,), _box([item], baseline - rise_em(kind) * size, kind))


def _box(lines: Sequence[Placed], top: float, kind: Type) -> Box:
    last = lines[-1]
    return (
        min(item.x for item in lines),
        top,
        max(item.x + item.line.width_em * item.size_px for item in lines),
        last.baseline + descent_em(kind) * last.size_px,
    )


def union(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
