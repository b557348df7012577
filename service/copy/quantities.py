"""Figures with their units, in six languages: "750 ml", "three quarters of a litre", "24小时", "1,5 Liter", "€49"."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from .lexicon import table
from .words import Plain

Hedge = Literal["exact", "up_to", "over", "at_least", "under", "within", "about"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One reading of a figure: dimension and value in the dimension's base unit."""

    dimension: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure in a text."""

    start: int  # of the plain text
    end: int
    number: float  # as written
    measures: tuple[Measure, ...]  # readings; empty for a bare number; two for an ounce
    hedge: Hedge = "exact"
    in_words: bool = False  # "three", not "3"
    is_article: bool = False  # "a litre"
    step: float = 1.0  # value of the last digit written

    @property
    def dimensions(self) -> frozenset[str]:
        return frozenset(m.dimension for m in self.measures)


_VULGAR = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8"}
_DIGITS = r"\d{1,3}(?:[\u00a0 ]\d{3})+(?:,\d+)?(?=\s?(?:€|eur\b|chf\b|ml\b|g\b|kg\b|mah\b|mm\b|w\b|lm\b|h\b))|\d+(?:[.,']\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?|\.\d+"  # noqa: E501
_DIGITS_RE = re.compile(
    rf"(?<![\w.,])(?P<whole>\d+)[ -](?P<frac>\d{1, 2}/\d{1, 2})(?!\d)|(?P<slash>(?<![\w./])[1-9]/[2-9](?![\d/]))|"
    rf"(?P<vulgar>\d*\s?[{''.join(_VULGAR)}])|(?<![A-Za-z\d])(?<!\d[.,])(?P<digits>{_DIGITS})|(?<=[A-Za-z])(?P<glued>\d+(?:\.\d+)?)"
)
_MULTIPLIERS = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "k": 1_000}
_LATER_MULTIPLIER = re.compile(r"\s*(thousand|million|billion|k\b|万|亿|千|百)(?![a-z])", re.I)
_HAN_DIGIT = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_HAN_PLACE = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_HAN_NUMBER = re.compile(r"[一二两三四五六七八九十百千万亿零〇]+|半")
_HAN_PERCENT = re.compile(r"百分(?:之)?(百|[一二两三四五六七八九十零]+)")
_HAN_TENTHS = re.compile(
    r"(?<![\d一二三四五六七八九十])([1-9一二两三四五六七八九])成(?![熟分为长员品都本型人功立就果效套])"
)
_HAN_DECIMAL = re.compile(
    r"([一二两三四五六七八九十]+)(米|斤|公斤|升|块)([一二三四五六七八九])(?![十百千个\d])(?=[^\w]|$|的|长|高|宽|重|大)"
)
_HAN_AND_A_HALF = re.compile(r"([一二两三四五六七八九十百]+)个半(?=小时|钟头|月)")
_HAN_FRACTION = re.compile(r"([一二三四五六七八九十百]+)分之([一二两三四五六七八九十百零]+)")
_GLUE = re.compile(r"[\s-]*(?:(?:of\s+)?(?:an?|one)\s+|d'(?:un\s+)?|de\s+|eine[nrs]?\s+|des\s+|个)?", re.I)
_BETWEEN = re.compile(
    r"\s*(?:°?\s*[-–—~〜x×*](?:\s*(?:幅|奥行き?|高さ|长|宽|高|厚|深|W|D|H|L|B|T))?|to|by|bis|à|a|到|至|och)\s*", re.I
)
_CASE_MATTERS = 2  # names up to this length are compared with their case

_BEFORE: tuple[tuple[Hedge, re.Pattern[str]], ...] = (
    ("up_to", re.compile(r"(?:(?:最长|最高|最多|最大|最久|最远|最快|最低|最小)[^\d\W]{1,4}|up to|as much as|as long as|max(?:imum|\.)?(?: of)?|bis zu|jusqu'à|jusqu'a|hasta|最多|长达|高达|最长|可达|多达|最大|最高|最大で)\s*(?:an?\s+)?(?:full\s+)?$")),  # noqa: E501
    ("under", re.compile(r"(?:under|less than|below|fewer than|weniger als|unter|moins de|menos de|不到|低于|不足|小于|少于)\s*(?:an?\s+)?$")),  # noqa: E501
    ("within", re.compile(r"(?:within|no more than|at most|not more than|maximum|innerhalb von|höchstens|en moins de|dans les|en menos de|dentro de|不超过|以内)\s*(?:just\s+)?(?:an?\s+)?$")),  # noqa: E501
    ("at_least", re.compile(r"(?:at least|a minimum of|minimum|no less than|mindestens|ab|au moins|dès|al menos|至少|不低于|不少于)\s*$")),  # noqa: E501
    ("over", re.compile(r"(?:over|more than|above|beyond|upwards of|in excess of|mehr als|über|plus de|más de|超过|超|逾|大于)\s*(?:an?\s+)?$")),  # noqa: E501
    ("about", re.compile(r"(?:about|around|nearly|almost|approx(?:\.|imately)?|roughly|close to|just under|just over|some|circa|ca\.?|etwa|rund|knapp|environ|près de|unos|unas|casi|aproximadamente|约|大约|近|将近|接近|约为|(?<![\d℃°cf ])[~≈])\s*(?:an?\s+)?(?:full\s+)?$")),  # noqa: E501
)  # fmt: skip
_AFTER_MORE = re.compile(r"\s*(?:\+|plus\b|or more|and up|and over|and older|以上|多|余|oder mehr|ou plus|o más)")


@lru_cache(maxsize=1)
def _units() -> tuple[
    dict[str, tuple[tuple[str, str, float], ...]], dict[str, tuple[tuple[str, str, float], ...]], int
]:
    exact: dict[str, list[tuple[str, str, float]]] = {}
    folded: dict[str, list[tuple[str, str, float]]] = {}
    longest = 0
    for dimension, rows in table("units").items():
        for unit, row in rows.items():
            for name in row["names"]:
                short = len(name) <= _CASE_MATTERS and name.isascii()
                target, key = (exact, name) if short else (folded, name.lower())
                for form in (key,) if short or not key[-1].isalpha() else _inflected(key):
                    owners = target.setdefault(form, [])
                    if (dimension, unit, float(row["factor"])) not in owners:
                        owners.append((dimension, unit, float(row["factor"])))
                    longest = max(longest, len(form))
    return {k: tuple(v) for k, v in exact.items()}, {k: tuple(v) for k, v in folded.items()}, longest


def _inflected(name: str) -> tuple[str, ...]:
    if not name[-1].isascii():
        return (name,)
    if name == "quart":
        return (name, "quarts")
    return (name, name + "s", name + "es", name + "n", name + "en", name + "e", name + "er", name + "ern")


def unit_at(source: Plain, position: int) -> tuple[int, tuple[tuple[str, str, float], ...]] | None:
    """(end, ((dimension, unit, factor), ...)) of the longest unit name that begins at ``position``."""
    exact, folded, longest = _units()
    for n in range(min(longest, len(source.text) - position), 0, -1):
        end = position + n
        word = source.text[position:end]
        owners = folded.get(source.lower[position:end]) or exact.get(word)
        if owners is None or _splits_a_word(source.text, end) or (word == "in" and not _is_inch(source, position, end)):
            continue
        if word in ("a", "A", "an", "C", "F", "K") and source.text[position - 1 : position] == " ":
            continue
        return end, owners
    return None


def _splits_a_word(text: str, end: int) -> bool:
    if end >= len(text) or not text[end - 1].isascii() or not text[end - 1].isalpha():
        return False
    return text[end].isascii() and text[end].isalnum()


def _is_inch(source: Plain, position: int, end: int) -> bool:
    """ "5 in" is five inches unless a word follows that makes "in" a preposition ("24/7 in the office")."""
    rest = source.lower[end : end + 12].lstrip(" .")
    return not rest or not re.match(r"(?:the|a|an|one|your|our|my|this|each|every|any|total|all|[a-wyz]{4,})\b", rest)


def _number(text: str, language: str) -> tuple[float, float]:
    """(value, value of the last digit) of digits with separators as the language writes them."""
    text = text.replace("'", "").replace(" ", "")
    if language in ("de", "fr", "es") and "," in text:
        text = text.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", text) and (language in ("de", "fr", "es") or "," in text):
        text = re.sub("[.,]", "", text)
    elif "," in text and "." in text:
        text = text.replace(",", "")
    elif "," in text:
        text = text.replace(",", ".")
    if text.count(".") > 1:
        text = text.replace(".", "")
    decimals = len(text.split(".")[1]) if "." in text else 0
    return float(text), 10.0**-decimals


def han_number(text: str) -> float:
    """
    >>> han_number("二十四"), han_number("三百"), han_number("十二"), han_number("两万")
    (24.0, 300.0, 12.0, 20000.0)
    """
    if text == "半":
        return 0.5
    if all(c in _HAN_DIGIT for c in text) and len(text) > 1:
        return float("".join(str(_HAN_DIGIT[c]) for c in text))
    total = section = digit = 0
    for character in text:
        if character in _HAN_DIGIT:
            digit = _HAN_DIGIT[character]
            continue
        place = _HAN_PLACE[character]
        if place >= 10_000:
            total, section, digit = (total + (section + digit or 1)) * place, 0, 0
        else:
            section, digit = section + (digit or 1) * place, 0
    return float(total + section + digit)


_DE = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_DE_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_FR = ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf")  # fmt: skip  # noqa: E501
_FR_TENS = (("vingt", 20, 9), ("trente", 30, 9), ("quarante", 40, 9), ("cinquante", 50, 9), ("soixante", 60, 19), ("quatre-vingt", 80, 19))  # fmt: skip  # noqa: E501
_ES = ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve")
_ES_TENS = ("treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")


@lru_cache(maxsize=8)
def _number_words(language: str) -> dict[str, float]:
    """Number words of a language with what it builds from them: "vierundzwanzig", "vingt-quatre", "treinta y dos"."""
    words: dict[str, float] = {}
    if language == "de":
        for i, ten in enumerate(_DE_TENS, 2):
            words |= {ten: 10.0 * i} | {f"{unit}und{ten}": 10.0 * i + n for n, unit in enumerate(_DE, 1)}
        words |= {f"{unit}hundert": 100.0 * n for n, unit in enumerate(_DE, 1)} | {"hundert": 100.0, "tausend": 1000.0}
        words |= {f"{unit}tausend": 1000.0 * n for n, unit in enumerate(_DE, 1)}
    elif language == "fr":
        words |= {unit: float(n) for n, unit in enumerate(_FR, 1)} | {"quatre-vingts": 80.0}
        for ten, value, most in _FR_TENS:
            words |= {ten: float(value)} | {f"{ten}-{_FR[n - 1]}": float(value + n) for n in range(1, most + 1)}
            words |= {f"{ten} et un": value + 1.0}
    elif language == "es":
        for i, ten in enumerate(_ES_TENS, 3):
            words |= {ten: 10.0 * i} | {f"{ten} y {unit}": 10.0 * i + n for n, unit in enumerate(_ES, 1)}
        words |= {f"veinti{unit}": 20.0 + n for n, unit in enumerate(_ES, 1)} | {"veintitrés": 23.0, "veintiséis": 26.0}
    return words | {word: float(value) for word, value in table("numbers").get(language, {}).items()}


@lru_cache(maxsize=8)
def _word_number_re(language: str) -> re.Pattern[str] | None:
    words = _number_words(language)
    if not words:
        return None
    names = "|".join(sorted(words, key=len, reverse=True))
    if language == "en":
        names += "|hundred|thousand|million"
        return re.compile(rf"\b(?:{names})s?(?:(?:[\s-]+and[\s-]+(?:an?[\s-]+)?|[\s-]+(?:an?\s+)?)(?:{names})s?)*\b")
    quarters = "quarts?|cuartos?|viertel"
    return re.compile(rf"\b(?:{names})(?:[\s-]+(?:{quarters}))?(?:\b|(?=-))")


def _word_value(text: str, language: str) -> float:
    words = _number_words(language)
    if text in words:
        return words[text]
    total = current = 0.0
    fraction_of: float | None = None
    for part in re.split(r"[\s-]+", text):
        single = part if part in words or part in _MULTIPLIERS else part.rstrip("s")
        if single in ("quart", "cuarto", "viertel"):
            current = (current or 1.0) * 0.25
        elif single in _MULTIPLIERS:
            current = (current or 1.0) * _MULTIPLIERS[single]
            if _MULTIPLIERS[single] >= 1_000:
                total, current = total + current, 0.0
        elif single in words:
            value = float(words[single])
            if (
                single in ("quarter", "third", "half")
                and current
                and (part != single or current in (2.0, 3.0))
                and " and " not in text.replace("-", " ")
            ):
                current *= value  # "three quarters", "three-quarter"
            elif single in ("quarter", "third") and current == 1.0 and " and " not in text:
                current *= value  # "one quarter"
            elif single == "dozen":
                current = (current or 1.0) * 12
            else:
                current += value
        fraction_of = None
    return total + current if fraction_of is None else fraction_of


@dataclass(frozen=True, slots=True)
class _Spot:
    start: int
    end: int
    number: float
    step: float
    in_words: bool = False
    is_article: bool = False
    is_fraction: bool = False
    is_percent: bool = False
    unit: str = ""  # a unit that stands inside the figure: 两米六


def _spots(source: Plain, language: str) -> list[_Spot]:
    found: list[_Spot] = []
    for match in _DIGITS_RE.finditer(source.text):
        start, end = match.span()
        if match["whole"]:
            number, step = float(int(match["whole"]) + Fraction(match["frac"])), 0.01
        elif match["slash"]:
            number, step = float(Fraction(match["slash"])), 0.01
        elif match["vulgar"]:
            head = match["vulgar"][:-1].strip()
            number, step = (float(head) if head else 0.0) + float(Fraction(_VULGAR[match["vulgar"][-1]])), 0.01
        else:
            digits = (match["digits"] or match["glued"]).rstrip(",")
            number, step = _number(digits, language)
            end = start + len(digits)
        later = _LATER_MULTIPLIER.match(source.text, end)
        if later and not source.text[end:].startswith("万像素"):
            key = later.group(1).lower()
            factor = _MULTIPLIERS.get(key) or _HAN_PLACE.get(key, 1)
            number, step, end = number * factor, step * factor, later.end()
        found.append(_Spot(start, end, number, step))
    pattern = _word_number_re(language if language in table("numbers") else "en")
    if pattern is not None:
        owner = language if language in table("numbers") else "en"
        for match in pattern.finditer(source.lower):
            value = _word_value(match.group(), owner)
            found.append(_Spot(*match.span(), value, 0.01, in_words=True, is_fraction=value < 1))
    for match in _HAN_PERCENT.finditer(source.text):
        share = 100.0 if match.group(1) == "百" and match.group().startswith("百分百") else han_number(match.group(1))
        found.append(_Spot(*match.span(), share, 0.01, in_words=True, is_percent=True))
    for match in _HAN_TENTHS.finditer(source.text):
        tenths = float(match.group(1)) if match.group(1).isdigit() else han_number(match.group(1))
        found.append(_Spot(*match.span(), 10 * tenths, 0.01, in_words=True, is_percent=True))
    for match in _HAN_FRACTION.finditer(source.text):
        below = han_number(match.group(1))
        found.append(_Spot(*match.span(), han_number(match.group(2)) / below, 0.01, in_words=True, is_fraction=True))
    for match in _HAN_DECIMAL.finditer(source.text):
        value = han_number(match.group(1)) + han_number(match.group(3)) / 10
        found.append(_Spot(match.start(), match.end(), value, 0.01, in_words=True, unit=match.group(2)))
    found.extend(
        _Spot(*match.span(), han_number(match.group(1)) + 0.5, 0.01, in_words=True)
        for match in _HAN_AND_A_HALF.finditer(source.text)
    )
    covered = bytearray(len(source.text) + 1)
    for spot in found:
        covered[spot.start : spot.end] = b"\x01" * (spot.end - spot.start)
    for match in _HAN_NUMBER.finditer(source.text):
        if not covered[match.start()]:
            covered[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
            found.append(_Spot(*match.span(), han_number(match.group()), 0.01, in_words=True))
    if language == "en":
        for match in re.finditer(r"\b(?:an?|per|full)\s+(?=(?:full )?[a-z])", source.lower):
            if not covered[match.start()]:
                end = match.start() + len(match.group().split()[0])
                found.append(_Spot(match.start(), end, 1.0, 0.01, in_words=True, is_article=True))
    return sorted(found, key=lambda s: (s.start, -s.end))


def _hedge(source: Plain, start: int, end: int) -> Hedge:
    before = source.lower[max(0, start - 28) : start]
    for hedge, pattern in _BEFORE:
        if pattern.search(before):
            return hedge
    if re.match(r"\s*(?:出头|左右|上下|or so\b)", source.lower[end : end + 8]):
        return "about"
    return "at_least" if _AFTER_MORE.match(source.lower, end) else "exact"


def find(source: Plain, language: str) -> list[Quantity]:
    """Every figure of a text from left to right; figures without a unit have no measures."""
    found: list[Quantity] = []
    last_end = -1
    for spot in _spots(source, language):
        if spot.start < last_end:
            continue
        quantity = _with_unit(source, spot)
        if quantity is None:
            continue
        found.append(quantity)
        last_end = quantity.end
    return _join_compounds(source, _share_units(source, found))


_INSIDE_COMPOUND = re.compile(r"\s*(?:,\s*|and\s+|und\s+|et\s+|y\s+|零|又)?")
_COMPOUNDED = frozenset({"time", "length", "mass"})


def _join_compounds(source: Plain, found: list[Quantity]) -> list[Quantity]:
    """ "1 h 45 min", "5 ft 2 in", "2 lb 3 oz": one figure written in two units, the larger first."""
    joined: list[Quantity] = []
    for quantity in found:
        before = joined[-1] if joined else None
        if before is not None and _is_feet_and(source, before, quantity):
            inches = before.measures[0].value + 2.54 * quantity.number
            joined[-1] = Quantity(before.start, quantity.end, before.number, (Measure("length", inches, "in"),), before.hedge, before.in_words, False, 0.01)  # fmt: skip  # noqa: E501
            continue
        pair = _compound(before, quantity) if before is not None else None
        if before is None or pair is None or not _INSIDE_COMPOUND.fullmatch(source.lower[before.end : quantity.start]):
            joined.append(quantity)
            continue
        joined[-1] = Quantity(before.start, quantity.end, before.number, (pair,), before.hedge, before.in_words, False, 0.01)  # fmt: skip  # noqa: E501
    return joined


def _is_feet_and(source: Plain, first: Quantity, second: Quantity) -> bool:
    """ "five foot seven": inches without their name."""
    feet = any(m.unit == "ft" for m in first.measures)
    return feet and not second.measures and second.number < 12 and source.text[first.end : second.start] == " "


def _compound(first: Quantity, second: Quantity) -> Measure | None:
    for a in first.measures:
        for b in second.measures:
            if a.dimension != b.dimension or a.dimension not in _COMPOUNDED or not second.number or not first.number:
                continue
            larger, smaller = a.value / first.number, b.value / second.number
            fits = (a.unit, b.unit) in (("h", "min"), ("min", "s"), ("ft", "in"), ("lb", "oz"), ("kg", "g"), ("m", "cm"), ("d", "h"), ("y", "mo"), ("cm", "mm"))  # fmt: skip  # noqa: E501
            if fits and second.number * smaller < larger:
                return Measure(a.dimension, a.value + b.value, b.unit)
    return None


_AND_A = {"a hal": 0.5, "a qua": 0.25, "three": 0.75}


def _with_unit(source: Plain, spot: _Spot) -> Quantity | None:
    if spot.is_percent:
        percent = (Measure("percent", spot.number, "pct"),)
        return Quantity(spot.start, spot.end, spot.number, percent, _hedge(source, spot.start, spot.end), True)
    if spot.unit:
        owners = _units()[1].get(spot.unit, ())
        inside = tuple(Measure(d, _base(spot.number, d, u, f), u) for d, u, f in owners)
        return Quantity(spot.start, spot.end, spot.number, inside, _hedge(source, spot.start, spot.end), True)
    glue = _GLUE.match(source.text, spot.end)
    positions = [spot.end]
    if glue and glue.end() > spot.end:
        positions.append(glue.end())
    if source.text[spot.end : spot.end + 1] in (" ", "-"):
        positions.append(spot.end + 1)
    full = re.match(r"[\s-]*(?:full|whole|entire|straight|solid)\s+", source.lower[spot.end :])
    if full:
        positions.append(spot.end + full.end())
    for position in positions:
        unit = unit_at(source, position)
        if unit is None:
            continue
        end, owners = unit
        if owners[0][1] == "bar" and _counts_bars(source, spot, position, end):
            continue  # "$1.99 a bar", "one bar, eighty washes", "12 bars of 45 g"
        if spot.is_article and owners[0][1] == "in":
            continue  # "full in 90 minutes" has no inches
        if spot.is_article and not {o[0] for o in owners} & {"volume", "mass", "time", "length"}:
            return None
        number = spot.number
        if source.text[end : end + 1] == "半":  # 一升半
            number, end = number + 0.5, end + 1
        more = re.match(r" and (a half|a quarter|three[- ]quarters)\b(?!\s+an?\b)", source.lower[end:])
        if more:
            number, end = number + _AND_A[more.group(1)[:5]], end + more.end()
        if {o[0] for o in owners} & {"temperature"} and _BELOW_ZERO.search(
            source.lower[max(0, spot.start - 8) : spot.start]
        ):
            number = -number
        measures = tuple(Measure(d, _base(number, d, u, f), u) for d, u, f in owners)
        hedge = _hedge(source, spot.start, end)
        return Quantity(spot.start, end, number, measures, hedge, spot.in_words, spot.is_article, spot.step)
    if spot.is_article or spot.is_fraction:
        return None
    return Quantity(
        spot.start, spot.end, spot.number, (), _hedge(source, spot.start, spot.end), spot.in_words, False, spot.step
    )


def _counts_bars(source: Plain, spot: _Spot, position: int, end: int) -> bool:
    """Whether "bar" is a thing that is counted (soap, chocolate) and no pressure."""
    if re.match(r"s?\s+(?:of\s+)?(?:pump|pressure)", source.lower[end:]):
        return False
    is_plural = source.lower[position:end].endswith("s") or source.lower[end : end + 1] == "s"
    return spot.in_words or is_plural or position > spot.end + 1


_BELOW_ZERO = re.compile(r"(?:(?<![\w)])-|minus\s|moins\s|menos\s|零下|氷点下|マイナス)\s?$")


def _base(number: float, dimension: str, unit: str, factor: float) -> float:
    if dimension == "temperature" and unit == "F":
        return (number - 32.0) / 1.8
    return number * factor


def _share_units(source: Plain, found: list[Quantity]) -> list[Quantity]:
    """ "20 x 30 cm" and "5 to 7 hours": the first figure has the second one's unit."""
    for i in range(len(found) - 2, -1, -1):
        here, after = found[i], found[i + 1]
        between = source.lower[here.end : after.start]
        if here.measures or not after.measures or not _BETWEEN.fullmatch(between):
            continue
        if between.strip() in ("x", "×", "*") and "length" not in after.dimensions:
            continue  # "2 x 200 ml" are two of 200 ml
        measures, number = [], here.number
        if "temperature" in after.dimensions and _BELOW_ZERO.search(source.lower[max(0, here.start - 8) : here.start]):
            number = -number
        for m in after.measures:
            factor = next(f for d, u, f in _owners(m) if d == m.dimension)
            measures.append(Measure(m.dimension, _base(number, m.dimension, m.unit, factor), m.unit))
        found[i] = Quantity(here.start, here.end, number, tuple(measures), here.hedge, here.in_words, False, here.step)
    return found


def _owners(measure: Measure) -> tuple[tuple[str, str, float], ...]:
    row = table("units")[measure.dimension][measure.unit]
    return ((measure.dimension, measure.unit, float(row["factor"])),)


def between(found: Sequence[Quantity], start: int, end: int) -> Sequence[Quantity]:
    """The figures of an ordered list that begin in [start, end)."""
    return found[bisect_left(found, start, key=_begins) : bisect_left(found, end, key=_begins)]


def _begins(quantity: Quantity) -> int:
    return quantity.start


def like(quantity: Quantity, other: Quantity) -> Quantity:
    """A bare figure read in the units of another one ("24 hours cold and 12 hot")."""
    measures = []
    for m in other.measures:
        _, _, factor = _owners(m)[0]
        measures.append(Measure(m.dimension, _base(quantity.number, m.dimension, m.unit, factor), m.unit))
    return Quantity(
        quantity.start,
        quantity.end,
        quantity.number,
        tuple(measures),
        quantity.hedge,
        quantity.in_words,
        False,
        quantity.step,
    )


_IMPERIAL = frozenset({"floz", "cup", "pint", "quart", "gallon", "tbsp", "tsp", "oz", "lb", "in", "ft", "yd", "mi", "hp", "F", "psi", "ft2", "mph"})  # fmt: skip  # noqa: E501


def agrees(claim: Quantity, fact: Quantity) -> bool:
    """Whether the claim is true when the fact is, in any shared reading."""
    return any(
        _measure_agrees(claim, fact, c, f) for c in claim.measures for f in fact.measures if c.dimension == f.dimension
    )


def _measure_agrees(claim: Quantity, fact: Quantity, c: Measure, f: Measure) -> bool:
    tolerance = _tolerance(claim, c, f)
    if claim.hedge == "about":
        return abs(c.value - f.value) <= max(tolerance, 0.1 * abs(f.value))
    equal = abs(c.value - f.value) <= tolerance
    if claim.hedge == "over":
        return f.value > c.value + tolerance or (equal and fact.hedge in ("over", "at_least"))
    if claim.hedge == "at_least":
        return f.value >= c.value - tolerance
    if claim.hedge == "under":
        return f.value < c.value or (equal and fact.hedge == "under")
    if claim.hedge == "within":
        return f.value <= c.value + tolerance
    if fact.hedge == "up_to" and claim.hedge == "exact":
        return equal
    return equal


def _tolerance(claim: Quantity, c: Measure, f: Measure) -> float:
    """Allowed difference in base units: none inside one system, rounding between systems and months and days."""
    size = max(abs(f.value), 1e-9)
    if (c.unit in _IMPERIAL) != (f.unit in _IMPERIAL):
        per_unit = abs(c.value / claim.number) if claim.number else 1.0
        return max(0.02 * size, min(0.5 * claim.step * per_unit, 0.04 * size))
    if c.dimension == "time" and c.unit != f.unit and {c.unit, f.unit} & {"mo", "y"}:
        return 0.02 * size
    if c.unit in _IMPERIAL and c.unit != f.unit:
        return 0.02 * size
    return 1e-6 * size
