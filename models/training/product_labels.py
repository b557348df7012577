"""What is printed on the sample products: labels, engravings and stamps, drawn with Pillow.

All sizes here are millimetres on the finished product; ``PX_PER_MM`` turns them into pixels, fine enough that the
smallest print (1.1 mm) stays readable in a photograph. Brands are invented for the samples.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PX_PER_MM = 20
Ink = str | int | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A piece of paper measured in millimetres from its top left corner."""

    picture: Image.Image
    fonts: Path

    @classmethod
    def blank(cls, size_mm: tuple[float, float], paper: Ink, fonts: Path, mode: str = "RGB") -> Sheet:
        return cls(Image.new(mode, (round(size_mm[0] * PX_PER_MM), round(size_mm[1] * PX_PER_MM)), paper), fonts)

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.picture)

    def text(self, at: tuple[float, float], words: str, size_mm: float, ink: Ink, face: str = "Inter-Medium", *,
             tracking: float = 0.0, anchor: str = "m") -> float:  # fmt: skip
        """Set one line on a baseline; ``tracking`` in ems; anchor l, m or r. Returns its width in millimetres."""
        font = ImageFont.truetype(str(self.fonts / f"{face}.ttf"), round(size_mm * PX_PER_MM))
        gap = tracking * size_mm * PX_PER_MM
        widths = [font.getlength(c) for c in words]
        total = font.getlength(words) if tracking == 0 else sum(widths) + gap * (len(words) - 1)
        x = at[0] * PX_PER_MM - {"l": 0.0, "m": total / 2, "r": total}[anchor]
        y = at[1] * PX_PER_MM
        if tracking == 0:
            self.draw.text((x, y), words, font=font, fill=ink, anchor="ls")
        else:
            for letter, width in zip(words, widths, strict=True):
                self.draw.text((x, y), letter, font=font, fill=ink, anchor="ls")
                x += width + gap
        return total / PX_PER_MM

    def lines(self, at: tuple[float, float], lines: Sequence[str], size_mm: float, ink: Ink,
              face: str = "Inter-Regular", *, leading: float = 1.38, anchor: str = "l") -> float:  # fmt: skip
        """Set lines below one another; returns the next baseline in millimetres."""
        y = at[1]
        for line in lines:
            self.text((at[0], y), line, size_mm, ink, face, anchor=anchor)
            y += size_mm * leading
        return y

    def rule(self, x0: float, x1: float, y: float, ink: Ink, weight_mm: float = 0.18) -> None:
        self.draw.rectangle((x0 * PX_PER_MM, y * PX_PER_MM, x1 * PX_PER_MM, (y + weight_mm) * PX_PER_MM), fill=ink)

    def box(self, x0: float, y0: float, x1: float, y1: float, ink: Ink) -> None:
        self.draw.rectangle((x0 * PX_PER_MM, y0 * PX_PER_MM, x1 * PX_PER_MM - 1, y1 * PX_PER_MM - 1), fill=ink)

    def disc(self, x: float, y: float, r: float, ink: Ink) -> None:
        self.draw.ellipse([v * PX_PER_MM for v in (x - r, y - r, x + r, y + r)], fill=ink)

    def ring(self, x: float, y: float, r: float, ink: Ink, weight_mm: float) -> None:
        box = [v * PX_PER_MM for v in (x - r, y - r, x + r, y + r)]
        self.draw.ellipse(box, outline=ink, width=max(1, round(weight_mm * PX_PER_MM)))

    def curve(self, points: Sequence[tuple[float, float]], ink: Ink, weight_mm: float) -> None:
        flat = [(x * PX_PER_MM, y * PX_PER_MM) for x, y in points]
        self.draw.line(flat, fill=ink, width=max(1, round(weight_mm * PX_PER_MM)), joint="curve")

    def barcode(
        self, x0: float, y0: float, digits: str, ink: Ink, paper: Ink, module_mm: float = 0.24, height_mm: float = 9.0
    ) -> None:
        """A drawn EAN-13 (the check digit is worked out), quiet zone included."""
        width = 95 * module_mm
        self.box(x0 - 2, y0 - 1.2, x0 + width + 2, y0 + height_mm + 2.6, paper)
        for i, bit in enumerate(ean13_bits(digits)):
            if bit == "1":
                self.box(x0 + i * module_mm, y0, x0 + (i + 1) * module_mm, y0 + height_mm, ink)
        full = digits + ean13_check(digits)
        self.text((x0 + width / 2, y0 + height_mm + 2.0), full, 1.9, ink, "Inter-Regular", tracking=0.14)


def ean13_check(twelve: str) -> str:
    """The thirteenth digit, GS1 General Specifications 7.9."""
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(twelve))
    return str(-total % 10)


def ean13_bits(twelve: str) -> str:
    """The 95 modules of an EAN-13 symbol, "1" is ink. Source: GS1 General Specifications 5.2."""
    odd = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
    parity = ("OOOOOO", "OOEOEE", "OOEEOE", "OOEEEO", "OEOOEE", "OEEOOE", "OEEEOO", "OEOEOE", "OEOEEO", "OEEOEO")
    right = ["".join("1" if b == "0" else "0" for b in code) for code in odd]
    even = [code[::-1] for code in right]
    digits = [int(d) for d in twelve + ean13_check(twelve)]
    left = "".join(odd[d] if p == "O" else even[d] for d, p in zip(digits[1:7], parity[digits[0]], strict=True))
    return "101" + left + "01010" + "".join(right[d] for d in digits[7:]) + "101"


# --- steel bottle ---------------------------------------------------------------------------------------------------


def bottle_engraving(circumference_mm: float, height_mm: float, fonts: Path) -> Image.Image:
    """(L) 255 where the laser took the powder coat off: tarn mark and name high on the front, data at the foot."""
    sheet = Sheet.blank((circumference_mm, height_mm), 0, fonts, "L")
    x, y = circumference_mm / 2, height_mm * 0.40
    sheet.ring(x, y, 5.6, 255, 0.42)
    ridge = [(x - 4.9, y + 0.6), (x - 2.3, y - 2.5), (x - 0.9, y - 0.8), (x + 1.3, y - 3.6), (x + 4.9, y + 0.6)]
    sheet.curve(ridge, 255, 0.42)
    for i, half in enumerate((3.9, 2.9, 1.6)):
        sheet.rule(x - half, x + half, y + 1.65 + 1.15 * i, 255, 0.42)
    sheet.text((x, y + 13.6), "TARNWELL", 5.4, 255, "Inter-SemiBold", tracking=0.26)
    foot = height_mm - 12
    sheet.text((x, foot), "600 ml  /  20 oz", 2.3, 255, "Inter-Medium", tracking=0.06)
    sheet.text((x, foot + 3.5), "18/8 stainless steel, double wall", 1.75, 255, "Inter-Regular", tracking=0.04)
    return sheet.picture


# --- mug ------------------------------------------------------------------------------------------------------------


def mug_stamp(size_mm: float, fonts: Path) -> Image.Image:
    """(L) 255 where the potter's stamp is pressed in: a kiln mouth in a circle, the name below it."""
    sheet = Sheet.blank((size_mm, size_mm), 0, fonts, "L")
    x, y, r = size_mm / 2, size_mm * 0.36, size_mm * 0.31
    sheet.ring(x, y, r, 255, 0.5)
    half = r * 0.42
    arch = [(x + half * math.cos(math.pi * (1 - k / 24)), y - half * math.sin(math.pi * k / 24)) for k in range(25)]
    sheet.curve([(x - half, y + half), *arch, (x + half, y + half)], 255, 0.5)
    sheet.rule(x - half * 1.5, x + half * 1.5, y + half, 255, 0.5)
    sheet.text((x, size_mm * 0.9), "KILNHOLT", size_mm * 0.15, 255, "Inter-SemiBold", tracking=0.12)
    return sheet.picture


# --- tea carton -----------------------------------------------------------------------------------------------------

CREAM, TEAL, BERGAMOT, CORNFLOWER, RUST, LEAF = "#f3ead8", "#123f45", "#e2b63c", "#5b7fb0", "#c8643c", "#6f8f5f"


def _quarter(
    sheet: Sheet, x: float, y: float, side: float, corner: int, ink: Ink, steps: int = 1, second: Ink = CREAM
) -> None:
    """A quarter disc in a square cell, with ``steps`` alternating rings; corner 0 to 3 clockwise from the top left."""
    cx, cy = x + (side if corner in (1, 2) else 0), y + (side if corner in (2, 3) else 0)
    tile = Sheet.blank((side, side), 0, sheet.fonts, "RGBA")
    for i in range(steps):
        r = side * (1 - i / steps)
        tile.disc(cx - x, cy - y, r, _rgba(ink if i % 2 == 0 else second))
    sheet.picture.paste(tile.picture, (round(x * PX_PER_MM), round(y * PX_PER_MM)), tile.picture)


def _rgba(ink: Ink) -> tuple[int, ...]:
    if isinstance(ink, str):
        return (*(int(ink[i : i + 2], 16) for i in (1, 3, 5)), 255)
    return (ink,) if isinstance(ink, int) else ink


def _slice_of_bergamot(sheet: Sheet, x: float, y: float, r: float) -> None:
    sheet.disc(x, y, r, BERGAMOT)
    sheet.disc(x, y, r * 0.86, CREAM)
    for k in range(9):
        a0, a1 = math.radians(k * 40 + 4), math.radians(k * 40 + 36)
        rim = [
            (x + r * 0.79 * math.cos(a0 + (a1 - a0) * t / 8), y + r * 0.79 * math.sin(a0 + (a1 - a0) * t / 8))
            for t in range(9)
        ]
        middle = (x + r * 0.13 * math.cos((a0 + a1) / 2), y + r * 0.13 * math.sin((a0 + a1) / 2))
        sheet.draw.polygon([(px * PX_PER_MM, py * PX_PER_MM) for px, py in (middle, *rim)], fill=BERGAMOT)


def _flower(sheet: Sheet, x: float, y: float, r: float) -> None:
    for k in range(8):
        a = math.radians(45 * k)
        sheet.disc(x + r * 0.62 * math.cos(a), y + r * 0.62 * math.sin(a), r * 0.30, CORNFLOWER)
        sheet.curve([(x, y), (x + r * 0.62 * math.cos(a), y + r * 0.62 * math.sin(a))], CORNFLOWER, r * 0.24)
    sheet.disc(x, y, r * 0.22, TEAL)


def _leaf(sheet: Sheet, x: float, y: float, side: float, ink: Ink, rising: bool) -> None:
    """A leaf across the cell: where two quarter discs from opposite corners meet."""
    a = Sheet.blank((side, side), 0, sheet.fonts, "L")
    b = Sheet.blank((side, side), 0, sheet.fonts, "L")
    a.disc(*((0, 0) if rising else (side, 0)), side, 255)
    b.disc(*((side, side) if rising else (0, side)), side, 255)
    mask = Image.composite(a.picture, Image.new("L", a.picture.size, 0), b.picture)
    sheet.picture.paste(Image.new("RGB", mask.size, ink), (round(x * PX_PER_MM), round(y * PX_PER_MM)), mask)


def _pattern(sheet: Sheet, x0: float, y0: float, cell: float, columns: int, rows: int, seed: int) -> None:
    rng = random.Random(seed)
    grounds = (CREAM, "#e9dcc0", "#d9e3df")
    before = ""
    for row in range(rows):
        for column in range(columns):
            x, y = x0 + column * cell, y0 + row * cell
            sheet.box(x, y, x + cell, y + cell, grounds[(row * 2 + column) % 3])
            kind = rng.choice(
                [k for k in ("slice", "flower", "leaf", "quarter", "rings", "leaf") if k != before or k == "leaf"]
            )
            before = kind
            if kind == "slice":
                sheet.box(x, y, x + cell, y + cell, TEAL)
                _slice_of_bergamot(sheet, x + cell / 2, y + cell / 2, cell * 0.41)
            elif kind == "flower":
                _flower(sheet, x + cell / 2, y + cell / 2, cell * 0.42)
            elif kind == "leaf":
                if rng.random() < 0.4:
                    sheet.box(x, y, x + cell, y + cell, BERGAMOT)
                _leaf(sheet, x, y, cell, rng.choice((LEAF, TEAL, RUST)), rng.random() < 0.5)
            elif kind == "quarter":
                _quarter(sheet, x, y, cell, rng.randrange(4), rng.choice((RUST, TEAL, LEAF)))
            else:
                _quarter(sheet, x, y, cell, rng.randrange(4), rng.choice((TEAL, RUST)), 5)


def tea_front(size_mm: tuple[float, float], fonts: Path) -> Image.Image:
    w, h = size_mm
    sheet = Sheet.blank(size_mm, CREAM, fonts)
    cell = w / 5
    _pattern(sheet, 0, 0, cell, 5, 4, 12)
    band = cell * 4
    sheet.box(0, band, w, band + 1.2, TEAL)
    sheet.text((w / 2, band + 10.5), "THISTLEMERE", 5.1, TEAL, "Inter-SemiBold", tracking=0.24)
    sheet.rule(w / 2 - 5, w / 2 + 5, band + 14.4, RUST, 0.35)
    sheet.text((w / 2, band + 27.0), "Earl Grey", 14.5, TEAL, "InstrumentSerif-Regular")
    sheet.text((w / 2, band + 34.6), "Black tea with oil of bergamot", 3.05, TEAL, "Inter-Medium")
    sheet.text((w / 2, band + 39.0), "and blue cornflower petals", 3.05, TEAL, "Inter-Medium")
    sheet.rule(6, w - 6, h - 14.2, TEAL, 0.2)
    sheet.text((6, h - 8.6), "20 pyramid bags", 2.9, TEAL, "Inter-SemiBold", anchor="l")
    sheet.text((6, h - 4.9), "plastic-free, string and tag", 2.1, TEAL, "Inter-Regular", anchor="l")
    sheet.text((w - 6, h - 8.6), "50 g ℮", 2.9, TEAL, "Inter-SemiBold", anchor="r")
    sheet.text((w - 6, h - 4.9), "net 1.76 oz", 2.1, TEAL, "Inter-Regular", anchor="r")
    return sheet.picture


def tea_side(size_mm: tuple[float, float], fonts: Path) -> Image.Image:
    w, h = size_mm
    sheet = Sheet.blank(size_mm, TEAL, fonts)
    sheet.text((w / 2, 13), "THISTLEMERE", 3.3, CREAM, "Inter-SemiBold", tracking=0.22)
    sheet.rule(6, w - 6, 18, BERGAMOT, 0.25)
    sheet.text((6, 28), "A slow four minutes", 5.4, CREAM, "InstrumentSerif-Regular", anchor="l")
    for i, (value, what) in enumerate(
        (("95 °C", "fresh water"), ("200 ml", "per bag"), ("4 min", "then lift the bag"))
    ):
        y = 37.5 + 8.2 * i
        sheet.ring(9, y - 1.1, 3.0, BERGAMOT, 0.3)
        sheet.text((9, y - 0.15), str(i + 1), 2.7, BERGAMOT, "Inter-SemiBold")
        sheet.text((14.5, y), value, 3.1, CREAM, "Inter-SemiBold", anchor="l")
        sheet.text((w - 6, y), what, 2.5, CREAM, "Inter-Regular", anchor="r")
    sheet.rule(6, w - 6, 62.5, BERGAMOT, 0.25)
    y = sheet.lines(
        (6, 68),
        ["Ingredients: black tea (Sri Lanka, 94 %),", "natural bergamot oil (4 %), cornflower", "petals (2 %)."],
        1.95,
        CREAM,
    )
    y = sheet.lines(
        (6, y + 1.6),
        [
            "Store dry, cool and closed, away from",
            "strong smells. Best before: see base.",
            "Bags: plant fibre, EN 13432.",
            "Carton: 80 % recycled board.",
        ],
        1.95,
        CREAM,
    )
    sheet.lines((6, y + 1.6), ["Blended and packed in Graz, Austria,", "for Thistlemere Tea Rooms."], 1.95, CREAM)
    sheet.barcode((w - 95 * 0.24) / 2, h - 16.5, "900000120452", "#111111", "#fbf8f0")
    return sheet.picture


def tea_top(size_mm: tuple[float, float], fonts: Path) -> Image.Image:
    w, h = size_mm
    sheet = Sheet.blank(size_mm, TEAL, fonts)
    sheet.text((w / 2, h / 2 + 1.2), "THISTLEMERE", 4.6, CREAM, "Inter-SemiBold", tracking=0.24)
    sheet.text((w / 2, h / 2 + 8.0), "Earl Grey", 6.0, BERGAMOT, "InstrumentSerif-Regular")
    sheet.text((w / 2, h - 4.5), "lift here", 1.9, CREAM, "Inter-Regular", tracking=0.05)
    return sheet.picture


# --- dropper bottle -------------------------------------------------------------------------------------------------


def oil_label(size_mm: tuple[float, float], fonts: Path) -> Image.Image:
    """Wrap-around paper label, front in the middle."""
    w, h = size_mm
    ink, soft = "#2b2420", "#8a5a33"
    sheet = Sheet.blank(size_mm, "#f4efe6", fonts)
    x = w / 2
    sheet.box(0, 0, w, 1.1, soft)
    sheet.box(0, h - 1.1, w, h, soft)
    sheet.text((x, 9.2), "AMBRUNE", 3.9, ink, "Inter-SemiBold", tracking=0.22)
    sheet.rule(x - 2.5, x + 2.5, 11.9, soft, 0.25)
    sheet.text((x, 18.4), "Rosehip &", 5.2, ink, "InstrumentSerif-Regular")
    sheet.text((x, 23.4), "Squalane", 5.2, ink, "InstrumentSerif-Regular")
    sheet.text((x, 28.0), "facial oil, unscented", 1.75, ink, "Inter-Medium", tracking=0.02)
    sheet.text((x, h - 4.0), "30 ml ℮ 1.0 fl oz", 1.75, ink, "Inter-Medium", tracking=0.02)
    left = [
        "2 to 4 drops on damp skin,",
        "evening. Shake before use.",
        "Keep away from light.",
        "Use within 6 months of",
        "opening. For external use.",
    ]
    sheet.lines((x - 34.5, 8), left, 1.35, ink, leading=1.5)
    right = [
        "Squalane (olive), Rosa canina",
        "seed oil, tocopherol (vit. E),",
        "Helianthus annuus seed oil.",
        "No perfume. Not tested on",
        "animals. Made in Portugal.",
    ]
    sheet.lines((x + 16.5, 8), right, 1.35, ink, leading=1.5)
    return sheet.picture
