"""Font files: which ones set which role in which language, what characters they have, and whether a shop's own will do.

A font is known by a name: a file of ours in ``fonts/``, or what ``keep`` gave for the bytes of a shop's own.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from threading import Lock
from typing import Literal

from PIL import ImageFont, features

from service.errors import InvalidInput

Face = Literal["serif", "sans", "text", "label", "brand"]

MOST_FONT_BYTES = 12_000_000
MOST_POINTS = 300_000  # more code points than Unicode has assigned: a file made to hurt
_OWN_PREFIX = "own-"
_LATIN: Mapping[Face, str] = {
    "serif": "InstrumentSerif-Regular.ttf",
    "sans": "Inter-SemiBold.ttf",
    "text": "Inter-Regular.ttf",
    "label": "Inter-SemiBold.ttf",
    "brand": "Inter-Medium.ttf",
}
_HEAVY = frozenset({"serif", "sans", "label"})
# the light and the heavy file of every other script, in the order in which they are asked for a character
_SCRIPTS: Mapping[str, tuple[str, str]] = {
    "zh": ("NotoSansSC-Medium.ttf", "NotoSansSC-Bold.ttf"),
    "ja": ("NotoSansJP-Medium.ttf", "NotoSansJP-Medium.ttf"),
    "ko": ("NotoSansKR-Medium.ttf", "NotoSansKR-Bold.ttf"),
    "ar": ("NotoSansArabic-Regular.ttf", "NotoSansArabic-SemiBold.ttf"),
    "he": ("NotoSansHebrew-Regular.ttf", "NotoSansHebrew-SemiBold.ttf"),
    "th": ("NotoSansThai-Regular.ttf", "NotoSansThai-SemiBold.ttf"),
    "hi": ("NotoSansDevanagari-Regular.ttf", "NotoSansDevanagari-SemiBold.ttf"),
}
_SAME_SCRIPT = {"fa": "ar", "ur": "ar", "ps": "ar", "yi": "he", "iw": "he", "mr": "hi", "ne": "hi", "yue": "zh"}
RIGHT_TO_LEFT = frozenset({"ar", "he", "fa", "ur", "ps", "yi", "iw"})
# what texts in a language cannot do without, beyond A to Z; enough to say whether a font was made for it
_NEEDS: Mapping[str, str] = {
    "en": "", "de": "äöüÄÖÜß€", "fr": "àâçéèêëîïôùûœÀÉ€", "es": "áéíñóúü¿¡€", "it": "àèéìòù€", "pt": "ãõáâàçéêíóôú€",
    "nl": "éëïóö€", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "tr": "çğıöşüİ₺", "sv": "åäö", "da": "æøå",
    "hu": "áéíóöőúüű", "ro": "ăâîșț", "vi": "ăâđêôơưạảấầẩẫậ₫", "el": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя₽", "zh": "的一是不了在有这个我们为以可用净含量现价",
    "ja": "のにはをがこれ価格限定品質",
    "ko": "가나다라마바사아한정특가", "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", "he": "אבגדהוזחטיכלמנסעפצקרשת",
    "th": "กขคงจชดตทนบปพมยรลวสหอาิีุเแโ",
    "hi": "अआइकखगचजतदनपबमयरलवसह",
}  # fmt: skip


# --- which file ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShopFonts:
    """A shop's own fonts by the names that ``keep`` gave; None: ours."""

    headline: str | None = None
    text: str | None = None  # body, price, call to action, small print, the brand's name


NO_FONTS = ShopFonts()


def chain_for(face: Face, language: str, own: ShopFonts = NO_FONTS) -> tuple[str, ...]:
    """The font files for one role, first choice first; a character goes to the first file that has it."""
    heavy = face in _HEAVY
    code = primary(language)
    first = [name for name in (own.headline if face in ("serif", "sans") else own.text,) if name]
    scripts = [_SCRIPTS[code][heavy]] if code in _SCRIPTS else []
    scripts += [pair[heavy] for other, pair in _SCRIPTS.items() if other != code]
    is_square = code in ("zh", "ja", "ko")  # figures among their characters want the same weight
    latin = (
        ["Inter-SemiBold.ttf"] if is_square and face == "serif" else [_LATIN[face], _LATIN["sans" if heavy else "text"]]
    )
    joined = [*scripts[:1], *latin, *scripts[1:]] if code in RIGHT_TO_LEFT else [*latin, *scripts]
    return tuple(dict.fromkeys([*first, *joined]))


def primary(language: str) -> str:
    """The script table's key for a BCP 47 tag: "zh-CN" is "zh", "fa" is set with Arabic letters.

    >>> primary("fa-IR"), primary("de-AT")
    ('ar', 'de')
    """
    code = language.replace("_", "-").split("-")[0].lower()
    return _SAME_SCRIPT.get(code, code)


def is_right_to_left(language: str) -> bool:
    return primary(language) in RIGHT_TO_LEFT


def shaper() -> str:
    """What places the glyphs: "raqm" (HarfBuzz and FriBiDi) or "basic", which neither joins letters nor turns lines.

    Decided once for the process by what Pillow was built with.
    """
    return "raqm" if features.check("raqm") else "basic"


# --- files -----------------------------------------------------------------------------------------------------------

_own: dict[str, bytes] = {}
_lock = Lock()


def keep(data: bytes) -> str:
    """Make a shop's font known to this process; the name is the digest of its bytes, so it may be called often.

    Raises:
        InvalidInput: see ``check_font``.
    """
    name = _OWN_PREFIX + hashlib.sha256(data).hexdigest()[:24]
    with _lock:
        if name not in _own:
            check_font(data)
            _own[name] = data
    return name


def _bytes_of(name: str) -> bytes:
    if name.startswith(_OWN_PREFIX):
        return _own[name]
    return (resources.files(__package__) / "fonts" / name).read_bytes()


@lru_cache(maxsize=512)
def font(name: str, size_px: float) -> ImageFont.FreeTypeFont:
    engine = ImageFont.Layout.RAQM if shaper() == "raqm" else ImageFont.Layout.BASIC
    if name.startswith(_OWN_PREFIX):
        return ImageFont.truetype(io.BytesIO(_own[name]), size_px, layout_engine=engine)
    return ImageFont.truetype(str(resources.files(__package__) / "fonts" / name), size_px, layout_engine=engine)


@cache
def covered(name: str) -> frozenset[int]:
    """The code points a font has a glyph for."""
    return code_points(_bytes_of(name))


def missing_glyphs(text: str, chain: Sequence[str]) -> tuple[str, ...]:
    """Characters that no font of the chain has, each once."""
    skipped = {"\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\ufe0e", "\ufe0f", "\n", "\t"}
    seen = dict.fromkeys(c for c in text if c not in skipped)
    return tuple(c for c in seen if not any(ord(c) in covered(name) for name in chain))


# --- code points -----------------------------------------------------------------------------------------------


def code_points(data: bytes) -> frozenset[int]:
    """The code points of a font file.

    Raises:
        InvalidInput: the character table lies outside the file or claims more than Unicode holds.

    Source: OpenType specification, table "cmap", subtable formats 4 and 12.
    """
    try:
        return frozenset(_read_cmap(data))
    except (struct.error, KeyError, IndexError) as error:
        raise InvalidInput("font", "its character table (cmap) is damaged") from error


def _read_cmap(data: bytes) -> set[int]:
    n_tables = struct.unpack_from(">H", data, 4)[0]
    tables = {data[12 + 16 * i : 16 + 16 * i]: struct.unpack_from(">I", data, 20 + 16 * i)[0] for i in range(n_tables)}
    start = tables[b"cmap"]
    found: set[int] = set()
    claimed = 0
    for i in range(struct.unpack_from(">H", data, start + 2)[0]):
        at = start + int(struct.unpack_from(">I", data, start + 8 + 8 * i)[0])
        kind = struct.unpack_from(">H", data, at)[0]
        if kind == 12:
            for group in range(struct.unpack_from(">I", data, at + 12)[0]):
                first, last, glyph = struct.unpack_from(">III", data, at + 16 + 12 * group)
                claimed += max(0, last - first) + 1
                _bound(claimed)
                found.update(range(first + (glyph == 0), last + 1))
        elif kind == 4:
            more = _format_4(data, at)
            claimed += len(more)
            _bound(claimed)
            found |= more
    return found


def _bound(claimed: int) -> None:
    if claimed > MOST_POINTS:
        raise InvalidInput("font", "its character table claims more characters than there are")


def _format_4(data: bytes, at: int) -> set[int]:
    n = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends = struct.unpack_from(f">{n}H", data, at + 14)
    starts = struct.unpack_from(f">{n}H", data, at + 16 + 2 * n)
    deltas = struct.unpack_from(f">{n}H", data, at + 16 + 4 * n)
    ranges_at = at + 16 + 6 * n
    offsets = struct.unpack_from(f">{n}H", data, ranges_at)
    found: set[int] = set()
    spent = 0
    for k, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        spent += max(0, last - first) + 1
        _bound(spent)
        for point in range(first, min(last, 0xFFFE) + 1):
            if offset == 0:
                glyph = (point + delta) & 0xFFFF
            else:
                glyph = struct.unpack_from(">H", data, ranges_at + 2 * k + offset + 2 * (point - first))[0]
            if glyph:
                found.add(point)
    return found


# --- a shop's own -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FontFacts:
    """What a font file says of itself."""

    family: str
    style: str
    suffix: Literal["ttf", "otf"]
    sha256: str
    n_characters: int
    languages: tuple[str, ...]  # BCP 47, those of ours for which it has every letter
    lacks: Mapping[str, str] = field(default_factory=dict)  # language: letters missing, where only some are
    notes: tuple[str, ...] = ()


def check_font(data: bytes) -> FontFacts:
    """Read a font file as far as needed to know that it may and can be used.

    Raises:
        InvalidInput: too large, no TrueType or OpenType font, damaged, its maker forbids embedding, no Latin letters
            and no script of ours.
    """
    from fontTools.ttLib import TTFont, TTLibError

    if len(data) > MOST_FONT_BYTES:
        raise InvalidInput("font", f"{len(data):,} bytes; at most {MOST_FONT_BYTES:,}")
    suffix = _kind(data)
    points = code_points(data)
    try:
        with TTFont(io.BytesIO(data), lazy=True, fontNumber=0) as opened:
            needed = {"head", "hhea", "hmtx", "maxp", "cmap"} - set(opened.keys())
            if needed:
                raise InvalidInput("font", f"tables are missing: {', '.join(sorted(needed))}")
            rights = int(opened["OS/2"].fsType) if "OS/2" in opened else 0
            names = opened.get("name")
            family, style = (str(names.getDebugName(i) or "") if names else "" for i in (1, 2))
            is_variable = "fvar" in opened
        ImageFont.truetype(io.BytesIO(data), 40).getmask("Aa")
    except InvalidInput:
        raise
    except (TTLibError, OSError, ValueError, KeyError, IndexError, AttributeError, struct.error, AssertionError,
            OverflowError, TypeError, UnicodeDecodeError, MemoryError) as error:  # fmt: skip
        raise InvalidInput("font", f"damaged: {error or type(error).__name__}") from error
    if rights & 0x000F == 0x0002:
        raise InvalidInput("font", "its maker forbids embedding (OS/2 fsType 2): ask for a licence that allows it")
    if rights & 0x0200:
        raise InvalidInput("font", "its maker allows bitmaps only (OS/2 fsType 512)")
    return _facts(data, suffix, points, family, style, is_variable)


def _kind(data: bytes) -> Literal["ttf", "otf"]:
    head = data[:4]
    if head in (b"wOFF", b"wOF2"):
        raise InvalidInput("font", "a web font (WOFF); send the TTF or OTF file it was made from")
    if head == b"ttcf":
        raise InvalidInput("font", "a collection of several fonts (TTC); send one font as TTF or OTF")
    if head not in (b"\x00\x01\x00\x00", b"true", b"OTTO") or len(data) < 1000:
        raise InvalidInput("font", "not a TrueType (.ttf) or OpenType (.otf) font")
    return "otf" if head == b"OTTO" else "ttf"


def _facts(
    data: bytes, suffix: Literal["ttf", "otf"], points: frozenset[int], family: str, style: str, is_variable: bool
) -> FontFacts:
    has_latin = all(ord(c) in points for c in "ABCXYZabcxyz0123456789")
    lacks = {code: "".join(c for c in needs if ord(c) not in points) for code, needs in _NEEDS.items()}
    own_script = frozenset(_SCRIPTS) | {"ru", "el"}
    good = tuple(code for code, gone in lacks.items() if not gone and (has_latin or code in own_script))
    some = {
        code: gone for code, gone in lacks.items() if gone and len(gone) < len(_NEEDS[code]) and code not in own_script
    }
    if not good:
        raise InvalidInput("font", "it has neither the Latin letters and figures nor all letters of another script")
    notes = ["a variable font: its default weight is used"] if is_variable else []
    digest = hashlib.sha256(data).hexdigest()
    return FontFacts(family or "unnamed", style or "Regular", suffix, digest, len(points), good, some, tuple(notes))
