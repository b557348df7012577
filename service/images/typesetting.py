"""Words on a line: how wide it is, where it may break, and its ink.

Shaping is HarfBuzz's (through Pillow's raqm), which also turns Arabic and Hebrew around; without it letters stand side
by side as they come, and ``layout`` refuses the scripts that need more. Widths are measured once at a large size and
scaled, which is exact because our fonts carry no hinting. Lengths named ``_em`` are in font sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import Any, Literal

import regex
from PIL import ImageDraw

from .typefaces import covered, font, is_right_to_left, primary, shaper

MEASURE_PX = 200
SHORT_EM = 30.0  # a text of this length is read at a glance, line by line

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
JOINED = frozenset({"ar", "he", "hi", "th"})
_TALL = {"zh": "国", "ja": "国", "ko": "국", "ar": "ل", "he": "ה", "th": "ก", "hi": "क"}
_IS_CJK = regex.compile(_CJK)
_CLUSTER = regex.compile(r"\X")
_INNER_BREAK = regex.compile(r"(?<=\p{L}{3}[-/–—])(?=\p{L}{3})|(?<=\p{L}—)(?=\p{L})")


# --- one line --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Type:
    """How a text is set, all but its size."""

    chain: tuple[str, ...]
    tracking_em: float = 0.0  # not for scripts whose letters join, stack or run from the right
    language: str = "en"

    @property
    def tracking(self) -> float:
        return 0.0 if primary(self.language) in JOINED else self.tracking_em


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
    tracking = kind.tracking
    for i, (run, name) in enumerate(runs):
        if i and _needs_air(runs[i - 1][0], run):
            x += 0.14  # between hanzi and Latin, when nobody typed a space
        if tracking:
            for cluster, offset in _spread(run, name, kind):
                pieces.append(Piece(cluster, name, x + offset))
        else:
            pieces.append(Piece(run, name, x))
        x += _width_em(run, name, kind, tracking)
    width = max(x - (tracking if tracking > 0 and text else 0.0), 0.0)
    if is_right_to_left(kind.language):  # the first run stands rightmost
        ends = [piece.x_em for piece in pieces[1:]] + [x]
        pieces = [Piece(p.text, p.font, x - end) for p, end in zip(pieces, ends, strict=True)]
    return Line(text, tuple(pieces), width, 0.0 if is_right_to_left(kind.language) else _hang_em(text))


def _runs(text: str, kind: Type) -> list[tuple[str, str]]:
    """The text cut where the font changes."""
    runs: list[tuple[str, str]] = []
    for cluster in _CLUSTER.findall(text):
        name = _font_for(cluster, kind)
        is_neutral = cluster.isspace() or (is_right_to_left(kind.language) and not cluster.isalpha())
        if is_neutral and runs and all(ord(c) in covered(runs[-1][1]) for c in cluster):
            name = runs[-1][1]  # "350 ml" within Arabic stays one run, and keeps its order
        if runs and runs[-1][1] == name:
            runs[-1] = (runs[-1][0] + cluster, name)
        else:
            runs.append((cluster, name))
    return runs


def _font_for(cluster: str, kind: Type) -> str:
    chain = kind.chain
    if kind.language.startswith("zh") and cluster in CHINESE_QUOTES:
        chain = tuple(sorted(chain, key=lambda name: "SansSC" not in name))
    if is_right_to_left(kind.language) and cluster.isascii() and cluster.isalpha():
        chain = tuple(sorted(chain, key=lambda name: name.startswith("NotoSans")))  # Latin words whole, in one run
    return next(
        (name for name in chain if all(ord(c) in covered(name) or c == "\u00ad" for c in cluster)), kind.chain[0]
    )


def _needs_air(before: str, after: str) -> bool:
    a, b = before[-1], after[0]
    if a.isspace() or b.isspace():
        return False
    return (a.isalnum() and b.isalnum()) and bool(_IS_CJK.match(a)) != bool(_IS_CJK.match(b))


def _width_em(run: str, name: str, kind: Type, tracking: float) -> float:
    extra = tracking * len(_CLUSTER.findall(run)) if tracking else 0.0
    return _length(run, name, kind.language, bool(tracking)) / MEASURE_PX + extra


def _shaping(language: str, tracked: bool) -> dict[str, Any]:
    """What raqm is to be told; the basic engine takes none of it."""
    if shaper() != "raqm":
        return {}
    direction: Literal["rtl"] | None = "rtl" if is_right_to_left(language) else None
    return {"features": ["-liga", "-clig"] if tracked else None, "language": language, "direction": direction}


@lru_cache(maxsize=8192)
def _length(text: str, name: str, language: str, tracked: bool) -> float:
    return font(name, MEASURE_PX).getlength(text.replace("\u00ad", ""), **_shaping(language, tracked))


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
    told = _shaping(kind.language, bool(kind.tracking))
    for piece in line.pieces:
        text = piece.text.replace("\u00ad", "")
        if text.strip():
            where = (x + piece.x_em * size_px, baseline)
            draw.text(where, text, fill=255, font=font(piece.font, size_px), anchor="ls", **told)


@cache
def cap_height_em(chain: tuple[str, ...], language: str) -> float:
    """Height of capitals (or hanzi) over the baseline, for optical alignment of blocks."""
    letter = _TALL.get(primary(language), "H")
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
    ends_phrase: bool = True  # of a script without spaces: a reader pauses here


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
            if primary(language) == "th":
                parts = [phrase for part in parts for phrase in phrases(part, language)]
            raw.extend((part, "", False) for part in parts)
    ends = _phrase_ends(text, language)
    at = 0
    made: list[_Atom] = []
    for (piece, gap, soft), (after, _, _) in pairwise([*raw, ("", "", False)]):
        allowed = bool(after) and after[0] not in NOT_AT_LINE_START and piece[-1] not in NOT_AT_LINE_END
        near_cjk = bool(_IS_CJK.match(piece[-1]) or (after and _IS_CJK.match(after[0])))
        thai = primary(language) == "th" and bool(after) and _is_thai(piece[-1]) and _is_thai(after[0])
        glued = not gap and not soft and not near_cjk and not thai and not _ends_with_inner_break(piece)
        if gap and near_cjk and piece[-1].isdigit() and after and _IS_CJK.match(after[0]):
            allowed = False  # "350 毫升"
        at += len(piece.replace(" ", ""))
        made.append(_Atom(piece, gap, allowed and not glued, soft, ends is None or at in ends))
    return tuple(made)


@lru_cache(maxsize=2048)
def phrases(text: str, language: str) -> tuple[str, ...]:
    """A text of a script without spaces, cut where a reader would pause; other scripts as one piece.

    Source: BudouX, "standalone, small, language-neutral" phrase models for Chinese, Japanese and Thai.
    """
    import budoux

    code = primary(language)
    if code == "ja":
        parser = budoux.load_default_japanese_parser()
    elif code == "th":
        parser = budoux.load_default_thai_parser()
    elif code == "zh" and any(tag in language for tag in ("Hant", "TW", "HK", "MO")):
        parser = budoux.load_default_traditional_chinese_parser()
    elif code == "zh":
        parser = budoux.load_default_simplified_chinese_parser()
    else:
        return (text,)
    return tuple(parser.parse(text))


def _phrase_ends(text: str, language: str) -> frozenset[int] | None:
    """Offsets, spaces not counted, after which a phrase ends; None where the script has spaces."""
    if primary(language) not in ("zh", "ja"):
        return None
    ends, at = set(), 0
    for phrase in phrases(text, language):
        at += len("".join(phrase.split()))
        ends.add(at)
    return frozenset(ends)


def _is_thai(letter: str) -> bool:
    return "\u0e00" <= letter <= "\u0e7f"


def hyphenated(text: str, kind: Type, width_em: float) -> str:
    """Soft hyphens in the words that are wider than a line, where the language's own rules allow them.

    Source: Pyphen, with the hyphenation patterns of LibreOffice.
    """
    import pyphen  # type: ignore[import-untyped]

    known = pyphen.language_fallback(kind.language.replace("-", "_"))
    if known is None:
        return text
    rules = pyphen.Pyphen(lang=known, left=3, right=3)
    words = text.split(" ")
    wide = [set_line(word, kind).width_em > width_em for word in words]
    return " ".join(
        rules.inserted(word, "\u00ad") if is_wide else word for word, is_wide in zip(words, wide, strict=True)
    )


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
    weights = [_pause(part.text) for part in parts] if n_lines > 1 and starts[n] < SHORT_EM else [0.0] * n
    summed = [0.0, *accumulate(weights)]

    def pauses(i: int, j: int) -> float:
        """Sentences and phrases that go on in the middle of a line though the text is cut elsewhere."""
        return summed[max(i, j - 1)] - summed[i]

    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, -1)}]
    for k in range(1, n_lines + 1):
        row: dict[int, tuple[float, int]] = {}
        ends = [n] if k == n_lines else [j for j in range(1, n) if parts[j - 1].may_break]
        for j in ends:
            options = [
                (
                    cost
                    + ((starts[j] - starts[i]) / ideal - 1) ** 2
                    + _price(parts, i, j, k == n_lines)
                    + pauses(i, j),
                    i,
                )
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
    flaw = sum(_price(parts, i, j, k == n_lines - 1) + pauses(i, j) for k, (i, j) in enumerate(spans))
    flaw = flaw if n_lines > 1 else 0.0
    return Breaks(lines, max(item.width_em for item in lines), flaw)


def _pause(word: str) -> float:
    """What it costs to read on over a word's end within a line."""
    if word[-1] in ".!?。！？":
        return 0.6
    return 0.5 if word[-1] in "，；：" else 0.0


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
        if last.text[-1] in ".!?。！？":
            price -= 0.2  # a sentence ends here: the best place
        elif last.text[-1] in ",;:，、；：—–":
            price -= 0.12
        elif is_cjk or not last.ends_phrase:
            price += 0.03 if last.ends_phrase else 0.6
        if is_cjk and j - i == 1:
            price += 0.6  # one character with a line to itself
        if not is_cjk and j - i == 1 and i > 0 and len(last.text) < 5:
            price += 0.5  # a small word with a line to itself
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
