"""Words on a line: which font has which character, how wide a line is, where it may break, and its ink.

Shaping is HarfBuzz's (through Pillow's raqm); widths are measured once at a large size and scaled, which is exact
because our fonts carry no hinting. Lengths named ``_em`` are in font sizes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path

import regex
from PIL import ImageDraw, ImageFont

MEASURE_PX = 200

# first choice first; a character goes to the first file that has it
CHAINS: Mapping[str, tuple[str, ...]] = {
    "serif": ("InstrumentSerif-Regular.ttf", "Inter-SemiBold.ttf", "NotoSansSC-Bold.ttf"),
    "sans": ("Inter-SemiBold.ttf", "NotoSansSC-Bold.ttf"),
    "text": ("Inter-Regular.ttf", "NotoSansSC-Medium.ttf"),
    "label": ("Inter-SemiBold.ttf", "NotoSansSC-Bold.ttf"),
    "brand": ("Inter-Medium.ttf", "NotoSansSC-Medium.ttf"),
}
CHINESE_QUOTES = frozenset("“”‘’…—·")  # full width in Chinese text, narrow elsewhere
NOT_AT_LINE_START = frozenset(
    "，。、；：？！）》」』】〕〉”’…—·～%‰℃°ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:?!)]}"
)
NOT_AT_LINE_END = frozenset("（《「『【〔〈“‘￥$€£#([{")
_SMALL_WORDS = """
a an the of to in on at by for and or but with from as is your our
der die das und mit von le la les de du et un una el y
"""
SMALL_WORDS = frozenset(_SMALL_WORDS.split())  # look left behind at the end of a line
_UNITS = (
    "毫升|升|毫米|厘米|公分|公里|米|毫克|千克|公斤|克|小时|分钟|秒|天|年|个月|月|元|度"
    "|只|个|片|袋|包|层|倍|款|件|支|瓶|杯|次|种|道"
)
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\u3000-\u303f\uff00-\uffef]"
_ATOM = regex.compile(rf"\d+(?:[.,]\d+)?[\s\u00a0]?(?:{_UNITS})|(?:(?!{_CJK})[^\s\u00ad])+|\u00ad|{_CJK}|[^\S\u00a0]+")
_IS_CJK = regex.compile(_CJK)
_CLUSTER = regex.compile(r"\X")
_INNER_BREAK = regex.compile(r"(?<=\p{L}{3}[-/–—])(?=\p{L}{3})|(?<=\p{L}—)(?=\p{L})")


# --- fonts ---------------------------------------------------------------------------------------------------------


def font_path(name: str) -> Path:
    """A font of ours by file name, or the path of a shop's own font."""
    given = Path(name)
    return given if given.is_absolute() else Path(str(resources.files(__package__) / "fonts" / name))


@lru_cache(maxsize=256)
def font(name: str, size_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_path(name)), size_px, layout_engine=ImageFont.Layout.RAQM)


@cache
def covered(name: str) -> frozenset[int]:
    """The code points a font has a glyph for.

    Source: OpenType specification, table "cmap", subtable formats 4 and 12.
    """
    data = font_path(name).read_bytes()
    n_tables = struct.unpack_from(">H", data, 4)[0]
    tables = {data[12 + 16 * i : 16 + 16 * i]: struct.unpack_from(">I", data, 20 + 16 * i)[0] for i in range(n_tables)}
    start = tables[b"cmap"]
    found: set[int] = set()
    for i in range(struct.unpack_from(">H", data, start + 2)[0]):
        at = start + int(struct.unpack_from(">I", data, start + 8 + 8 * i)[0])
        kind = struct.unpack_from(">H", data, at)[0]
        if kind == 12:
            for group in range(struct.unpack_from(">I", data, at + 12)[0]):
                first, last, glyph = struct.unpack_from(">III", data, at + 16 + 12 * group)
                found.update(range(first + (glyph == 0), last + 1))
        elif kind == 4:
            found.update(_format_4(data, at))
    return frozenset(found)


def _format_4(data: bytes, at: int) -> set[int]:
    n = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends = struct.unpack_from(f">{n}H", data, at + 14)
    starts = struct.unpack_from(f">{n}H", data, at + 16 + 2 * n)
    deltas = struct.unpack_from(f">{n}H", data, at + 16 + 4 * n)
    ranges_at = at + 16 + 6 * n
    offsets = struct.unpack_from(f">{n}H", data, ranges_at)
    found: set[int] = set()
    for k, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for point in range(first, min(last, 0xFFFE) + 1):
            if offset == 0:
                glyph = (point + delta) & 0xFFFF
            else:
                glyph = struct.unpack_from(">H", data, ranges_at + 2 * k + offset + 2 * (point - first))[0]
            if glyph:
                found.add(point)
    return found


def missing_glyphs(text: str, chain: Sequence[str]) -> tuple[str, ...]:
    """Characters that no font of the chain has, each once."""
    skipped = {"\u00ad", "\u200b", "\u200d", "\ufe0e", "\ufe0f", "\n", "\t"}
    seen = dict.fromkeys(c for c in text if c not in skipped)
    return tuple(c for c in seen if not any(ord(c) in covered(name) for name in chain))


# --- one line --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Type:
    """How a text is set, all but its size."""

    chain: tuple[str, ...]
    tracking_em: float = 0.0
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Piece:
    """Text set in one font at one place of a line."""

    text: str
    font: str
    x_em: float


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    pieces: tuple[Piece, ...]
    width_em: float
    hang_em: float  # how much of the right end is light punctuation that should not count when centring


@lru_cache(maxsize=4096)
def set_line(text: str, kind: Type) -> Line:
    """Measure one line and say where each piece of it goes."""
    pieces: list[Piece] = []
    x = 0.0
    runs = _runs(text, kind)
    for i, (run, name) in enumerate(runs):
        if i and _needs_air(runs[i - 1][0], run):
            x += 0.14  # between hanzi and Latin, when nobody typed a space
        if kind.tracking_em:
            for cluster, offset in _spread(run, name, kind):
                pieces.append(Piece(cluster, name, x + offset))
        else:
            pieces.append(Piece(run, name, x))
        x += _width_em(run, name, kind)
    width = x - (kind.tracking_em if kind.tracking_em > 0 and text else 0.0)
    return Line(text, tuple(pieces), max(width, 0.0), _hang_em(text))


def _runs(text: str, kind: Type) -> list[tuple[str, str]]:
    """The text cut where the font changes."""
    runs: list[tuple[str, str]] = []
    for cluster in _CLUSTER.findall(text):
        name = _font_for(cluster, kind)
        if cluster.isspace() and runs:
            name = runs[-1][1]
        if runs and runs[-1][1] == name:
            runs[-1] = (runs[-1][0] + cluster, name)
        else:
            runs.append((cluster, name))
    return runs


def _font_for(cluster: str, kind: Type) -> str:
    chain = kind.chain
    if kind.language.startswith("zh") and cluster in CHINESE_QUOTES:
        chain = tuple(reversed(chain))
    return next(
        (name for name in chain if all(ord(c) in covered(name) or c == "\u00ad" for c in cluster)), kind.chain[0]
    )


def _needs_air(before: str, after: str) -> bool:
    a, b = before[-1], after[0]
    if a.isspace() or b.isspace():
        return False
    return (a.isalnum() and b.isalnum()) and bool(_IS_CJK.match(a)) != bool(_IS_CJK.match(b))


def _width_em(run: str, name: str, kind: Type) -> float:
    extra = kind.tracking_em * len(_CLUSTER.findall(run))
    return _length(run, name, kind.language, bool(kind.tracking_em)) / MEASURE_PX + extra


@lru_cache(maxsize=8192)
def _length(text: str, name: str, language: str, tracked: bool) -> float:
    features = ["-liga", "-clig"] if tracked else None
    return font(name, MEASURE_PX).getlength(text.replace("\u00ad", ""), features=features, language=language)


def _spread(run: str, name: str, kind: Type) -> list[tuple[str, float]]:
    """Each cluster with its offset in em: kerning kept, ligatures not, tracking added."""
    clusters = _CLUSTER.findall(run)
    placed, before = [], ""
    for i, cluster in enumerate(clusters):
        start = _length(before + cluster, name, kind.language, True) - _length(cluster, name, kind.language, True)
        placed.append((cluster, (start if before else 0.0) / MEASURE_PX + i * kind.tracking_em))
        before += cluster
    return placed


def _hang_em(text: str) -> float:
    if not text:
        return 0.0
    if text[-1] in "，。、；：！？）》」』】〉":
        return 0.5
    return {".": 0.20, ",": 0.20, ";": 0.2, ":": 0.2, "!": 0.12, "-": 0.2, "”": 0.3, "’": 0.15}.get(text[-1], 0.0)


def draw_line(draw: ImageDraw.ImageDraw, line: Line, kind: Type, size_px: float, x: float, baseline: float) -> None:
    """Put the line's ink on an "L" picture, its left end at x."""
    features = ["-liga", "-clig"] if kind.tracking_em else None
    for piece in line.pieces:
        text = piece.text.replace("\u00ad", "")
        if text.strip():
            draw.text(
                (x + piece.x_em * size_px, baseline),
                text,
                fill=255,
                font=font(piece.font, size_px),
                anchor="ls",
                features=features,
                language=kind.language,
            )


@cache
def cap_height_em(chain: tuple[str, ...], language: str) -> float:
    """Height of capitals (or hanzi) over the baseline, for optical alignment of blocks."""
    letter = "国" if language.startswith(("zh", "ja")) else "H"
    kind = Type(chain, language=language)
    box = font(_font_for(letter, kind), MEASURE_PX).getbbox(letter, anchor="ls")
    return -box[1] / MEASURE_PX


# --- lines of a text -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Breaks:
    """A text cut into lines, balanced, for a given number of lines."""

    lines: tuple[Line, ...]
    width_em: float  # of the widest
    flaw: float  # 0 is faultless; 1 and more: an orphan, a small word left hanging
    broke_a_word: bool = False


@dataclass(frozen=True, slots=True)
class _Atom:
    text: str
    gap: str  # what stands between this atom and the next: "" or " "
    may_break: bool  # after this atom
    soft: bool = False  # a soft hyphen shows when broken here


def atoms(text: str, language: str) -> tuple[_Atom, ...]:
    """The smallest pieces that stay whole, and where lines may end between them.

    Chinese and Japanese may break between any two characters save where kinsoku forbids it; a number stays with its
    unit. Other scripts break at spaces, after inner hyphens, dashes and slashes, and at soft hyphens.
    Source of the forbidden sets: JIS X 4051, and CLREQ (W3C) for Chinese.
    """
    raw: list[tuple[str, str, bool]] = []  # text, gap after, soft break after
    for found in _ATOM.findall(" ".join(text.split(" "))):
        if found == "\u00ad":
            if raw:
                raw[-1] = (raw[-1][0], "", True)
        elif found.isspace():
            if raw:
                raw[-1] = (raw[-1][0], " ", raw[-1][2])
        else:
            parts = [found] if _IS_CJK.search(found) else [p for p in _INNER_BREAK.split(found) if p]
            raw.extend((part, "", False) for part in parts)
    made: list[_Atom] = []
    for (piece, gap, soft), (after, _, _) in pairwise([*raw, ("", "", False)]):
        allowed = bool(after) and after[0] not in NOT_AT_LINE_START and piece[-1] not in NOT_AT_LINE_END
        near_cjk = bool(_IS_CJK.match(piece[-1]) or (after and _IS_CJK.match(after[0])))
        glued = not gap and not soft and not near_cjk and not _ends_with_inner_break(piece)
        if gap and near_cjk and piece[-1].isdigit() and after and _IS_CJK.match(after[0]):
            allowed = False  # "350 毫升"
        made.append(_Atom(piece, gap, allowed and not glued, soft))
    return tuple(made)


def _ends_with_inner_break(piece: str) -> bool:
    return len(piece) > 1 and piece[-1] in "-/–—"


def break_lines(text: str, kind: Type, n_lines: int) -> Breaks | None:
    """The text in exactly ``n_lines`` lines of nearly the same width; None where it cannot be cut so often.

    Least squares over line widths, with a price for orphans, hanging small words and breaks that split a phrase.
    """
    parts = atoms(text, kind.language)
    if not parts:
        return None
    n = len(parts)
    starts = [0.0]  # where each atom begins if all stood on one line; kerning between atoms does not matter here
    for part in parts:
        starts.append(starts[-1] + set_line(part.text + part.gap, kind).width_em)
    ideal = max(starts[n] / n_lines, 1e-6)
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, -1)}]
    for k in range(1, n_lines + 1):
        row: dict[int, tuple[float, int]] = {}
        ends = [n] if k == n_lines else [j for j in range(1, n) if parts[j - 1].may_break]
        for j in ends:
            options = [
                (cost + ((starts[j] - starts[i]) / ideal - 1) ** 2 + _price(parts, i, j, k == n_lines), i)
                for i, (cost, _) in best[-1].items()
                if i < j
            ]
            if options:
                row[j] = min(options)
        best.append(row)
    if n not in best[-1]:
        return None
    cuts = [n]
    for k in range(n_lines, 0, -1):
        cuts.append(best[k][cuts[-1]][1])
    spans = list(pairwise(reversed(cuts)))
    lines = tuple(set_line(_joined(parts, i, j), kind) for i, j in spans)
    flaw = sum(_price(parts, i, j, k == n_lines - 1) for k, (i, j) in enumerate(spans)) if n_lines > 1 else 0.0
    return Breaks(lines, max(item.width_em for item in lines), flaw)


def _joined(parts: Sequence[_Atom], i: int, j: int) -> str:
    text = "".join(part.text + part.gap for part in parts[i:j]).rstrip()
    return text + "-" if j < len(parts) and parts[j - 1].soft and not parts[j - 1].gap else text


def _price(parts: Sequence[_Atom], i: int, j: int, is_last: bool) -> float:
    """What is ugly about a line of atoms i to j."""
    last = parts[j - 1]
    is_cjk = bool(_IS_CJK.search(last.text))
    price = 0.0
    if is_last and i > 0:
        if is_cjk and j - i < 3:
            price += 0.8
        elif not is_cjk and j - i == 1 and len(parts) > 3:
            price += 0.6
    if not is_last:
        bare = last.text.lower().strip("\"'“”‘’(")
        if bare in SMALL_WORDS:
            price += 0.25
        if bare[-1:].isdigit() and not is_cjk:
            price += 0.5  # "24 | hours"
        if last.text[-1] in ",.;:!?，。、；：！？—–":
            price -= 0.12  # a phrase ends here: a good place
        elif is_cjk:
            price += 0.10 if last.text not in "的了和与，。" else 0.02
        if last.soft:
            price += 0.4
    return price


def broken_to_fit(text: str, kind: Type, width_em: float) -> Breaks:
    """Lines no wider than ``width_em``, cutting inside words where there is no other way. The last resort.

    Lines are filled from the top and not balanced; widths of pieces are added up, so a line may end a hair early.
    """
    pieces: list[tuple[str, float, bool]] = []  # text with its gap, width, may the line end after it
    cut = False
    for part in atoms(text, kind.language):
        if set_line(part.text, kind).width_em <= width_em:
            pieces.append((part.text + part.gap, set_line(part.text + part.gap, kind).width_em, part.may_break))
            continue
        cut = True
        clusters = _CLUSTER.findall(part.text)
        clusters[-1] += part.gap
        pieces += [(cluster, set_line(cluster, kind).width_em, True) for cluster in clusters]
    units: list[tuple[str, float]] = []  # pieces that stay together
    is_open = False
    for piece, width, may_break in pieces:
        if is_open and units[-1][1] + width <= width_em:
            units[-1] = (units[-1][0] + piece, units[-1][1] + width)
        else:
            units.append((piece, width))
        is_open = not may_break
    lines: list[Line] = []
    current, used = "", 0.0
    for unit, width in units:
        if current and used + width > width_em:
            lines.append(set_line(current.rstrip(), kind))
            current, used = "", 0.0
        current, used = current + unit, used + width
    if current.strip():
        lines.append(set_line(current.rstrip(), kind))
    return Breaks(tuple(lines), max((item.width_em for item in lines), default=0.0), 2.0, cut)
