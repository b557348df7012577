"""How large a product really is: from its facts, from what it holds, or from what its category usually is.

A fact may name one side ("height: 92 mm"), several ("23 x 8 x 8 cm", "H 23 cm, W 8 cm") or the content ("0.9 l"), in
metric or imperial units, in English, German, French, Spanish, Italian or Chinese.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from service.domain import Product

METRES: Mapping[str, float] = {
    "mm": 0.001, "millimetres": 0.001, "millimeters": 0.001, "毫米": 0.001,
    "cm": 0.01, "centimetres": 0.01, "centimeters": 0.01, "厘米": 0.01, "公分": 0.01,
    "m": 1.0, "metres": 1.0, "meters": 1.0, "米": 1.0,
    "in": 0.0254, "inch": 0.0254, "inches": 0.0254, '"': 0.0254, "″": 0.0254, "英寸": 0.0254,
    "ft": 0.3048, "feet": 0.3048, "foot": 0.3048,
}  # fmt: skip
LITRES: Mapping[str, float] = {
    "ml": 0.001, "millilitres": 0.001, "milliliters": 0.001, "毫升": 0.001, "cl": 0.01, "dl": 0.1,
    "l": 1.0, "litre": 1.0, "litres": 1.0, "liter": 1.0, "liters": 1.0, "升": 1.0,
    "fl oz": 0.02957, "fl. oz": 0.02957, "fl. oz.": 0.02957, "oz": 0.02957, "pint": 0.473, "gallon": 3.785,
}  # fmt: skip
SMALLEST_M, LARGEST_M = 0.004, 6.0  # what an advertisement sets on a table or a floor
LONGEST_THING_M = 1.5  # a longer "length" is a cable's or a roll's
WALLS = 1.12  # a vessel's outer over its inner volume, with the room that is left above the content

_NUMBER = r"(\d+(?:[.,]\d+)?|\d+\s+\d/\d|\d/\d)"
_UNITS = "|".join(sorted((re.escape(u) for u in METRES), key=len, reverse=True))
_LENGTH = re.compile(rf"{_NUMBER}\s*({_UNITS})(?![a-z])", re.IGNORECASE)
_TIMES = re.compile(
    rf"{_NUMBER}\s*(?:{_UNITS})?\s*[x×*]\s*{_NUMBER}\s*(?:{_UNITS})?(?:\s*[x×*]\s*{_NUMBER})?\s*({_UNITS})(?![a-z])",
    re.IGNORECASE,
)
_CONTENT_UNITS = "|".join(sorted((re.escape(u) for u in LITRES), key=len, reverse=True))
_CONTENT = re.compile(rf"{_NUMBER}\s*({_CONTENT_UNITS})(?![a-z])", re.IGNORECASE)
_SIDES: Mapping[str, tuple[str, ...]] = {
    "height": ("height", "tall", "höhe", "hoehe", "hauteur", "altura", "alto", "altezza", "高度", "高"),
    "width": (
        "width", "wide", "diameter", "breite", "durchmesser", "largeur", "diamètre", "diametro", "diámetro", "ancho",
        "larghezza", "across", "宽度", "宽", "直径",
    ),
    "depth": ("depth", "deep", "tiefe", "profondeur", "fondo", "profundidad", "profondità", "深度", "厚度"),
    "length": ("length", "long", "länge", "longueur", "largo", "lunghezza", "长度", "长"),
}  # fmt: skip
_ALL_SIDES = ("dimension", "size", "maße", "masse", "abmessung", "größe", "taille", "medidas", "misure", "尺寸", "规格")
_CONTENT_KEYS = ("capacity", "volume", "content", "net volume", "inhalt", "fassung", "contenance", "capacidad", "容量")
_LETTERS: Mapping[str, str] = {"h": "height", "w": "width", "b": "width", "d": "depth", "t": "depth", "l": "length"}
_NOT_THE_PRODUCT = re.compile(r"\b(pack(aging)?|box(ed)?|carton|shipping|cable|cord|handle|strap|opening)\b", re.I)


@dataclass(frozen=True, slots=True)
class TrueSize:
    """The size of one product as its photograph shows it."""

    height_m: float | None
    width_m: float | None
    source: str  # "facts", "capacity" or "category"
    evidence: str  # the fact or the row of the table in words, "height: 92 mm"

    @property
    def is_known(self) -> bool:
        """True: a fact says it; False: it is only plausible."""
        return self.source == "facts"


def true_size(product: Product, height_over_width: float | None = None) -> TrueSize | None:
    """The best that can be said of a product's size; None when nothing can.

    Args:
        product: with its facts, category and title.
        height_over_width: of the silhouette; needed to make a size of a content.
    """
    sides, evidence = _from_facts(product)
    if sides.get("height") or sides.get("width"):
        return TrueSize(sides.get("height"), sides.get("width"), "facts", evidence)
    if height_over_width is not None:
        held = _content(product)
        if held is not None:
            litres, words = held
            wide = (WALLS * litres * 0.001 / (math.pi / 4 * height_over_width)) ** (1 / 3)
            return TrueSize(height_over_width * wide, wide, "capacity", words)
    row = _usual(product)
    return None if row is None else TrueSize(row[0], None, "category", f"category: {row[1]}")


def _from_facts(product: Product) -> tuple[dict[str, float], str]:
    """Sides in metres that the facts name, and the words of the first that did."""
    found: dict[str, float] = {}
    evidence: list[str] = []
    for fact in product.facts:
        key, value = fact.key.lower().strip(), f"{fact.value} {fact.unit or ''}".strip()
        if _NOT_THE_PRODUCT.search(key):
            continue
        side = next((name for name, words in _SIDES.items() if any(key.startswith(w) for w in words)), None)
        told = {side: _first_length(value)} if side else {}
        if side is None and any(word in key for word in _ALL_SIDES):
            told = _several(f"{fact.key} {value}")
        for name, metres in told.items():
            if metres is not None and SMALLEST_M <= metres <= LARGEST_M and name not in found:
                found[name] = metres
                evidence.append(f"{fact.key}: {fact.value}{' ' + fact.unit if fact.unit else ''}")
    if "width" not in found and found.get("length", LONGEST_THING_M) < LONGEST_THING_M:
        found["width"] = found["length"]
    return found, "; ".join(dict.fromkeys(evidence))


def _first_length(value: str) -> float | None:
    hit = _LENGTH.search(value)
    return None if hit is None else _number(hit[1]) * METRES[hit[2].lower()]


def _several(value: str) -> dict[str, float | None]:
    """ "H 23 cm, W 8 cm", "23 x 8 x 8 cm" (the order said, else the longest stands upright)."""
    named = re.findall(rf"\b([hwbdtl])\s*[:=.]?\s*{_NUMBER}\s*({_UNITS})(?![a-z])", value, re.IGNORECASE)
    if named:
        return {_LETTERS[letter.lower()]: _number(n) * METRES[unit.lower()] for letter, n, unit in named}
    hit = _TIMES.search(value)
    if hit is None:
        single = _first_length(value)
        return {"height": single} if single is not None else {}
    unit = METRES[hit[4].lower()]
    numbers = [_number(n) * unit for n in hit.groups()[:3] if n]
    order = re.search(r"\b([hwbdtl])\s*[x×*/]\s*([hwbdtl])(?:\s*[x×*/]\s*([hwbdtl]))?", value, re.IGNORECASE)
    if order and sum(g is not None for g in order.groups()) >= len(numbers):
        letters = [g.lower() for g in order.groups() if g][: len(numbers)]
        return {_LETTERS[letter]: n for letter, n in zip(letters, numbers, strict=True)}
    rest = sorted(numbers, reverse=True)
    return {"height": rest[0], "width": rest[1], **({"depth": rest[2]} if len(rest) > 2 else {})}


def _content(product: Product) -> tuple[float, str] | None:
    """Litres and the words that say so: a capacity, or a content in the title."""
    for fact in product.facts:
        if any(fact.key.lower().startswith(key) for key in _CONTENT_KEYS):
            hit = _CONTENT.search(f"{fact.value} {fact.unit or ''}")
            if hit:
                return _number(hit[1]) * LITRES[hit[2].lower()], f"{fact.key}: {fact.value}"
    hit = _CONTENT.search(product.title)
    return None if hit is None else (_number(hit[1]) * LITRES[hit[2].lower()], f"title: {hit[0]}")


def _usual(product: Product) -> tuple[float, str] | None:
    """(height in metres, the word that decided) from the table."""
    for text in (product.category or "", product.title):
        said = text.lower()
        for height, words in _rows():
            for word in words:
                if re.search(rf"(?<![a-zäöüéè]){re.escape(word)}(?![a-zäöüéè])", said):
                    return height, word
    return None


@cache
def _rows() -> Sequence[tuple[float, tuple[str, ...]]]:
    table = tomllib.loads((resources.files(__package__) / "sizes.toml").read_text("utf-8"))
    return [(float(row["height_m"]), tuple(row["words"])) for row in table["row"]]


def _number(text: str) -> float:
    """ "2,5", "2.5", "1/2" or "3 1/2" as a number."""
    parts = text.replace(",", ".").split()
    return sum(float(p.split("/")[0]) / float(p.split("/")[1]) if "/" in p else float(p) for p in parts)


_CLEAR = ("glass", "glas", "verre", "vidrio", "vetro", "crystal", "acrylic", "transparent", "玻璃", "透明")
_BUT_OPAQUE = ("fibre", "fiber", "fibreglass", "frosted black", "enamel", "matte black", "glassware-safe")
CLEAR_PASSES = 0.35  # of the light; walls, content and label take the rest


def passes_light(product: Product) -> float:
    """Share of the light that goes through the product: ``CLEAR_PASSES`` where its facts say it is glass, else 0."""
    texts = [product.title, *(f.value for f in product.facts if _tells_material(f.key))]
    said = " ".join(texts).lower()
    is_clear = any(re.search(rf"(?<![a-z]){w}(?![a-z])", said) for w in _CLEAR) and not any(
        w in said for w in _BUT_OPAQUE
    )
    return CLEAR_PASSES if is_clear else 0.0


def _tells_material(key: str) -> bool:
    words = ("material", "bottle", "body", "vessel", "container", "jar", "made of", "packaging", "werkstoff", "材质")
    return any(word in key.lower() for word in words)
