"""Words on a finished picture: headline, body, call to action, price and brand, set so that all of it can be read and
nothing lies over the product.

Each template of the format is tried with each surface it allows (straight on the scene, a soft scrim, a panel); what
fits best is taken. Contrast is measured against the very pixels behind each letter (WCAG 2.2, relative luminance).
The product's pixels are never written: ``lay_out`` checks that and refuses to return otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from service.domain import Brand, Finding

from .formats import Format, Surface, Template, TextStyle
from .typesetting import (
    CHAINS,
    Breaks,
    Line,
    Type,
    break_lines,
    broken_to_fit,
    cap_height_em,
    draw_line,
    missing_glyphs,
    set_line,
)

BytePixels = NDArray[np.uint8]  # (H, W, 3) sRGB
Alpha = NDArray[np.float32]  # (H, W), 0 scene, 1 product
Mask = NDArray[np.uint8]  # (H, W), 255 full
Box = tuple[float, float, float, float]  # left, top, right, bottom, px, right and bottom just outside
Rgb = tuple[int, int, int]

CONTRAST_FLOOR = 4.5  # WCAG 2.2 success criterion 1.4.3, normal text
WORST_SHARE = 0.02  # of the pixels behind a text may be worse than the contrast we state
HALO_PX = 3  # the ground that the eye compares a letter with reaches this far around it
DESCENT_EM = 0.24  # below the baseline, enough for g, y and full-width commas
BREATH = 0.020  # of the shorter side: how near to the product words may come
SCRIM_STEPS = (0.30, 0.45, 0.60, 0.74, 0.86)


class ProductTouched(AssertionError):
    """A pixel of the product would have changed. Never caught: it is a fault of ours."""


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A finished advertisement."""

    pixels: BytePixels  # (H, W, 3) sRGB
    record: Mapping[str, Any]  # template, surface, boxes, font sizes, colours, contrast: JSON values
    findings: tuple[Finding, ...]

    @property
    def is_blocked(self) -> bool:
        return any(finding.severity == "block" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be set. With ``price_in_pill`` the price is lettered inside the call to action's pill."""

    headline: str | None
    body: str | None
    call_to_action: str | None
    price: str | None
    language: str
    price_in_pill: bool = False


@dataclass(frozen=True, slots=True)
class _Text:
    """One text with its place: lines at baselines, all in px."""

    role: str  # "headline", "body", "call_to_action", "price", "brand"
    kind: Type
    size_px: float
    lines: tuple[tuple[Line, float, float], ...]  # line, x, baseline
    box: Box  # from the capitals' tops to the last descender


@dataclass(frozen=True, slots=True)
class _Pill:
    box: Box
    text: _Text


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything goes, before any colour is chosen."""

    template: Template
    texts: tuple[_Text, ...]
    pill: _Pill | None
    logo_box: Box | None
    words_box: Box  # around all texts
    room: Box  # what the words were allowed to take
    headline_fill: float  # headline size over the size wanted, 0 to 1
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Colours:
    ink: Rgb
    accent: Rgb
    on_accent: Rgb
    price: Rgb  # it may stand on other ground than the rest


@dataclass(frozen=True, slots=True)
class _Ink:
    """Letters as coverage, cut out of the picture's frame."""

    cover: Mask  # (h, w)
    around: NDArray[np.bool_]  # (h, w) the letters and what the eye compares them with
    left: int
    top: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.cover.shape[0]), slice(self.left, self.left + self.cover.shape[1])


@dataclass(frozen=True, slots=True)
class _Ground:
    """The picture with a surface laid on it, worked out only where it is asked for."""

    picture: BytePixels
    kind: Surface
    colour: Rgb | None = None
    veil: NDArray[np.float32] | None = None  # (H, W) 0 to 1: a scrim's coverage, or a panel's
    box: Box | None = None

    def crop(self, window: tuple[slice, slice]) -> NDArray[np.float32]:
        base = self.picture[window].astype(np.float32)
        if self.veil is None or self.colour is None:
            return base
        veil = self.veil[window][..., None]
        return np.asarray(base + (np.asarray(self.colour, dtype=np.float32) - base) * veil, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Dressed:
    """A plan with its surface and colours."""

    plan: _Plan
    ground: _Ground
    opacity: float
    colours: _Colours
    contrasts: Mapping[str, float]
    busyness: float  # 0 calm to 1
    inks: Mapping[str, _Ink]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def score(self) -> float:
        """More is better. Legible and large beats calm, calm beats covered; a block never wins over none."""
        blocks = sum(f.severity == "block" for f in self.findings)
        warnings = sum(f.severity == "warn" for f in self.findings)
        cover = {"none": 0.0, "scrim": 0.06 + 0.16 * self.opacity, "panel": 0.30}[self.ground.kind]
        comfort = 0.15 * min(1.0, min(self.contrasts.values(), default=21.0) / 9.0)
        unrest = 0.0 if self.ground.kind == "panel" else 0.6 * self.busyness
        return self.plan.headline_fill + comfort - unrest - cover - 0.4 * warnings - 10.0 * blocks


def lay_out(
    picture: BytePixels,
    product_box_px: Box,
    product_alpha: Alpha,
    fmt: Format,
    *,
    headline: str | None,
    body: str | None = None,
    call_to_action: str | None = None,
    brand: Brand,
    logo: NDArray[np.uint8] | None = None,
    language: str = "en",
    price: str | None = None,
    template: str | None = None,
) -> LaidOut:
    """Set the words on a composed picture.

    Args:
        picture: (H, W, 3) uint8 sRGB of exactly ``fmt.size_px``.
        product_box_px: left, top, right, bottom of the product, for the record.
        product_alpha: (H, W) float32, 0 scene to 1 product; where it is above 0 no pixel changes.
        headline, body, call_to_action, price: set as given, never shortened; price goes beside the call.
        brand: ink, paper and accent as the shop chose; where they are defaults, scene and product give the colours.
        logo: (H, W, 4) or (H, W, 3) uint8 sRGB; None sets the brand's name in type.
        language: BCP 47; decides line breaking and shaping.
        template: id of one template; None takes what fits best.

    Returns:
        The picture with words, the record, and findings. A finding of severity "block" says why this must not go out.

    Raises:
        ValueError: picture, alpha and format differ in size, or no such template.
        ProductTouched: never, unless this code is wrong.
    """
    width, height = fmt.size_px
    if picture.shape != (height, width, 3) or product_alpha.shape != (height, width):
        raise ValueError(f"picture {picture.shape} and alpha {product_alpha.shape} are not {width}x{height}")
    chosen = [t for t in fmt.templates if template in (None, t.id)]
    if not chosen:
        raise ValueError(f"no template {template!r} in {fmt.name}; here: {', '.join(t.id for t in fmt.templates)}")
    words = Words(_clean(headline), _clean(body), _clean(call_to_action), _clean(price), language)
    accent = _accent(brand, picture, product_alpha)
    away = cv2.distanceTransform((product_alpha <= 0).astype(np.uint8), cv2.DIST_L2, 3).astype(np.float32)
    keep_out = away <= BREATH * min(width, height)
    dressed = []
    for candidate in chosen:
        plan = _plan(words, brand, logo, candidate, fmt, keep_out)
        found = _dressings(plan, picture, away, keep_out, fmt, brand, accent)
        if words.price and words.call_to_action and all(d.contrasts.get("price", 21.0) < CONTRAST_FLOOR for d in found):
            plan = _plan(replace(words, price_in_pill=True), brand, logo, candidate, fmt, keep_out)
            found = _dressings(plan, picture, away, keep_out, fmt, brand, accent)
        dressed += found
    best = max(dressed, key=lambda d: d.score)
    pixels = _inked(best, logo)
    if not np.array_equal(pixels[product_alpha > 0], picture[product_alpha > 0]):
        raise ProductTouched("the layout would have changed the product")
    return LaidOut(pixels, _record(best, fmt, product_box_px), best.findings + _logo_findings(best, logo))


def _clean(text: str | None) -> str | None:
    text = " ".join(text.split()) if text else ""
    return text or None


# --- geometry ------------------------------------------------------------------------------------------------------


def _room(template: Template, keep_out: NDArray[np.bool_], fmt: Format) -> Box:
    """The template's column, cut back to where the product begins."""
    left, top, right, bottom = template.column
    if template.place == "above":
        rows = np.flatnonzero(keep_out[:, left:right].any(axis=1))
        if rows.size:
            bottom = min(bottom, int(rows[0]) - round(0.014 * fmt.size_px[1]))
    else:
        columns = np.flatnonzero(keep_out[top:bottom].any(axis=0))
        if columns.size:
            right = min(right, int(columns[0]) - round(0.012 * fmt.size_px[0]))
    return float(left), float(top), float(max(right, left + 1)), float(max(bottom, top + 1))


def _type(role: str, style: TextStyle | None, language: str) -> Type:
    if role == "headline" and style is not None:
        tracking = 0.02 if _is_cjk(language) else style.tracking
        return Type(CHAINS[style.face], tracking, language)
    if role == "brand":
        return Type(CHAINS["brand"], 0.16, language)
    if role in ("call_to_action", "price"):
        return Type(CHAINS["label"], 0.02 if _is_cjk(language) else 0.005, language)
    return Type(CHAINS["text"], 0.01 if _is_cjk(language) else 0.0, language)


def _is_cjk(language: str) -> bool:
    return language.split("-")[0] in ("zh", "ja")


def _leading(style: TextStyle, language: str) -> float:
    return max(style.leading, 1.24 if style.leading < 1.2 else 1.55) if _is_cjk(language) else style.leading


def _height(n_lines: int, size: float, leading: float, kind: Type) -> float:
    """From the top of the capitals to the last descender."""
    return cap_height_em(kind.chain, kind.language) * size + (n_lines - 1) * leading * size + DESCENT_EM * size


@dataclass(frozen=True, slots=True)
class _Setting:
    """A text broken and sized."""

    breaks: Breaks
    size_px: float
    height: float


def _fit(text: str, kind: Type, style: TextStyle, leading: float, width: float, height: float) -> _Setting | None:
    """The best of 1 to ``max_lines`` lines at the largest size that fits; None below the floor."""
    found: list[tuple[float, _Setting]] = []
    if set_line(text, kind).width_em * style.floor_px > 1.05 * width * style.max_lines:
        return None
    for n in range(1, style.max_lines + 1):
        breaks = break_lines(text, kind, n)
        if breaks is None:
            break
        per_px = _height(n, 1.0, leading, kind)
        size = float(np.floor(min(style.max_px, width / breaks.width_em, height / per_px)))
        if size >= style.floor_px:
            worth = size * (1.0 - 0.05 * (n - 1)) - style.max_px * 0.35 * max(0.0, breaks.flaw)
            found.append((worth, _Setting(breaks, size, per_px * size)))
    return max(found, key=lambda item: item[0])[1] if found else None


def _squeezed(
    text: str, kind: Type, style: TextStyle, leading: float, width: float, height: float
) -> tuple[_Setting, bool]:
    """What must be shown but does not fit: more lines, then words cut, then below the floor; True if below."""
    size = float(style.floor_px)
    while size >= 6:
        breaks = broken_to_fit(text, kind, width / size)
        tall = _height(len(breaks.lines), size, leading, kind)
        if tall <= height:
            return _Setting(breaks, size, tall), size < style.floor_px
        size = float(int(size * 0.94))
    breaks = broken_to_fit(text, kind, width / 6)
    return _Setting(breaks, 6.0, _height(len(breaks.lines), 6.0, leading, kind)), True


def _plan(words: Words, brand: Brand, logo: NDArray[np.uint8] | None, template: Template, fmt: Format,
          keep_out: NDArray[np.bool_]) -> _Plan:  # fmt: skip
    """Sizes and places for one template."""
    room = _room(template, keep_out, fmt)
    left, _, right, bottom = room
    if "panel" in template.surfaces:
        bottom -= 0.028 * fmt.size_px[1] if template.place == "above" else 0.0
        right -= 0.030 * fmt.size_px[0] if template.place == "left" else 0.0
    findings: list[Finding] = []
    brand_text, logo_box, under_brand = _brand_line(brand, logo, template, words.language, room)
    at_foot = template.call_to_action == "foot"
    pill_height = _pill_height(template)
    tail = 0.0 if at_foot or not words.call_to_action else pill_height + 1.15 * template.call_to_action_px
    space = bottom - under_brand - tail
    width = right - left
    texts: list[_Text] = [brand_text] if brand_text else []
    headline, fill = None, 1.0
    headline_kind = _type("headline", template.headline, words.language)
    headline_leading = _leading(template.headline, words.language)
    body_kind, body_leading = _type("body", None, words.language), _leading(template.body, words.language)
    body = None
    if words.headline:
        for style in _body_styles(template.body) if words.body else [None]:
            used = 0.0
            if style is not None and words.body:
                body = _fit(words.body, body_kind, style, body_leading, min(width, 30 * style.max_px), space * 0.5)
                used = body.height + _gap_to_body(template) if body else 0.0
            if words.body and body is None and style is not None:
                continue
            headline = _fit(words.headline, headline_kind, template.headline, headline_leading, width, space - used)
            if headline and (
                headline.size_px >= 0.6 * template.headline.max_px
                or style is None
                or style.max_px == template.body.floor_px
            ):
                break
        if headline is None and words.body:
            body = None
            headline = _fit(words.headline, headline_kind, template.headline, headline_leading, width, space)
            if headline:
                findings.append(
                    Finding(
                        "layout.body_left_out",
                        "the body text does not fit this picture and was left out",
                        "warn",
                        "body",
                    )
                )
        if words.body and headline and body is None and not findings:
            findings.append(
                Finding(
                    "layout.body_left_out", "the body text does not fit this picture and was left out", "warn", "body"
                )
            )
        if headline is None:
            body = None
            headline, below = _squeezed(
                words.headline, headline_kind, template.headline, headline_leading, width, space
            )
            findings += _squeeze_findings(headline, below, template.headline)
        fill = headline.size_px / template.headline.max_px
    elif words.body:
        body = _fit(words.body, body_kind, template.body, body_leading, width, space)
    stack = (headline.height if headline else 0.0) + (body.height if body else 0.0)
    stack += _gap_to_body(template) if headline and body else 0.0
    free = max(0.0, space - stack)
    y = under_brand + free * (0.44 if template.place == "above" else 0.46)
    if headline:
        texts.append(_placed("headline", headline, headline_kind, headline_leading, template, left, right, y))
        y += headline.height
    if body:
        y += _gap_to_body(template) if headline else 0.0
        texts.append(_placed("body", body, body_kind, body_leading, template, left, right, y))
        y += body.height
    pill, price, late = _call(words, template, fmt, room, keep_out, y)
    findings += late
    texts += [price] if price else []
    findings += _glyph_findings(words, brand, logo, template)
    boxes = [t.box for t in texts] + ([logo_box] if logo_box else [])
    inside = boxes + ([pill.box] if pill and not at_foot else [])
    return _Plan(
        template=template,
        texts=tuple(texts),
        pill=pill,
        logo_box=logo_box,
        words_box=_union([b for b in inside if not at_foot or b[3] <= bottom + 1] or [room]),
        room=room,
        headline_fill=min(1.0, fill),
        findings=tuple(findings),
    )


def _body_styles(style: TextStyle) -> list[TextStyle | None]:
    """The size wanted, then the smallest allowed."""
    return [replace(style, floor_px=style.max_px), replace(style, max_px=style.floor_px)]


def _gap_to_body(template: Template) -> float:
    return 0.72 * template.body.max_px


def _squeeze_findings(setting: _Setting, below: bool, style: TextStyle) -> list[Finding]:
    found = []
    if below:
        message = (
            f"the headline needs {setting.size_px:.0f} px to fit, below the floor of {style.floor_px} px: shorten it"
        )
        found.append(Finding("layout.headline_too_long", message, "block", "headline"))
    elif len(setting.breaks.lines) > style.max_lines:
        message = f"the headline takes {len(setting.breaks.lines)} lines, {style.max_lines} are wanted: shorten it"
        found.append(Finding("layout.headline_lines", message, "warn", "headline"))
    if setting.breaks.broke_a_word:
        found.append(Finding("layout.word_broken", "a word is wider than the column and was cut", "warn", "headline"))
    return found


def _glyph_findings(words: Words, brand: Brand, logo: NDArray[np.uint8] | None, template: Template) -> list[Finding]:
    texts = {
        "headline": (words.headline, CHAINS[template.headline.face]),
        "body": (words.body, CHAINS["text"]),
        "call_to_action": (words.call_to_action, CHAINS["label"]),
        "price": (words.price, CHAINS["label"]),
        "brand": (brand.name if logo is None else None, CHAINS["brand"]),
    }
    found = []
    for name, (text, chain) in texts.items():
        missing = missing_glyphs(text or "", chain)
        if missing:
            found.append(Finding("layout.glyph_missing", f"no font has {' '.join(missing)}", "block", name))
    return found


def _placed(
    role: str, setting: _Setting, kind: Type, leading: float, template: Template, left: float, right: float, top: float
) -> _Text:
    """Lines on baselines; centred lines do not count light punctuation at their end."""
    size = setting.size_px
    baseline = top + cap_height_em(kind.chain, kind.language) * size
    lines = []
    for i, line in enumerate(setting.breaks.lines):
        if template.align == "centre":
            x = (left + right) / 2 - (line.width_em - line.hang_em / 2) * size / 2
            x = min(max(x, left), max(left, right - line.width_em * size))
        else:
            x = left - (0.045 * size if role == "headline" else 0.0)  # round capitals carry side bearing
            x = max(x, left - 4)
        lines.append((line, x, baseline + i * leading * size))
    box = (
        min(x for _, x, _ in lines),
        top,
        max(x + line.width_em * size for line, x, _ in lines),
        lines[-1][2] + DESCENT_EM * size,
    )
    return _Text(role, kind, size, tuple(lines), box)


def _brand_line(brand: Brand, logo: NDArray[np.uint8] | None, template: Template, language: str,
                room: Box) -> tuple[_Text | None, Box | None, float]:  # fmt: skip
    """The logo or the brand's name at the head of the column; returns where the words below may begin."""
    left, top, right, _ = room
    air = 1.7 * template.brand_px
    if logo is not None:
        tall = 2.1 * template.brand_px
        scale = min(tall / logo.shape[0], 0.42 * (right - left) / logo.shape[1])
        w, h = logo.shape[1] * scale, logo.shape[0] * scale
        x = (left + right) / 2 - w / 2 if template.align == "centre" else left
        return None, (x, top, x + w, top + h), top + h + air
    if not brand.name.strip():
        return None, None, top
    kind = _type("brand", None, language)
    line = set_line(_capitals(brand.name.strip()), kind)
    size = min(float(template.brand_px), (right - left) / max(line.width_em, 0.1))
    setting = _Setting(Breaks((line,), line.width_em, 0.0), size, _height(1, size, 1.0, kind))
    text = _placed("brand", setting, kind, 1.0, template, left, right, top)
    return text, None, top + cap_height_em(kind.chain, language) * size + air


def _capitals(name: str) -> str:
    """Capitals, unless the name has its own inner ones ("iPhone", "McVitie")."""
    own = any(c.isupper() for word in name.split() for c in word[1:]) and not name.isupper()
    return name if own else name.upper()


def _pill_height(template: Template) -> float:
    return round(2.28 * template.call_to_action_px)


def _call(words: Words, template: Template, fmt: Format, room: Box, keep_out: NDArray[np.bool_],
          under_words: float) -> tuple[_Pill | None, _Text | None, list[Finding]]:  # fmt: skip
    """The call to action as a pill, the price on its left."""
    if not words.call_to_action and not words.price:
        return None, None, []
    size = float(template.call_to_action_px)
    kind = _type("call_to_action", None, words.language)
    safe_left, _, safe_right, safe_bottom = fmt.safe_box_px
    widest = min(room[2] - room[0], safe_right - safe_left)
    inside = words.price_in_pill and words.price and words.call_to_action
    lettering = f"{words.price}  {words.call_to_action}" if inside else words.call_to_action
    call = set_line(lettering, kind) if lettering else None
    price = set_line(words.price, kind) if words.price and not inside else None
    price_size = 1.16 * size
    gap = 1.0 * size if call and price else 0.0
    findings = []
    total = (call.width_em * size + 2.3 * size if call else 0.0) + gap + (price.width_em * price_size if price else 0.0)
    if total > widest:
        size, price_size, gap = size * widest / total, price_size * widest / total, gap * widest / total
        total = widest
        if size < 0.7 * template.call_to_action_px:
            findings.append(
                Finding(
                    "layout.call_to_action_too_long",
                    "the call to action does not fit: shorten it",
                    "block",
                    "call_to_action",
                )
            )
    tall = round(2.28 * size)
    if template.call_to_action == "foot":
        middle = float(template.foot_y)
        x = (room[0] + room[2]) / 2 - total / 2 if template.align == "centre" else room[0]
        box = (int(x), int(middle - tall / 2), int(x + total) + 1, int(middle + tall / 2) + 1)
        while box[3] < safe_bottom and _overlaps(box, keep_out):
            middle += 2
            box = (box[0], box[1] + 2, box[2], box[3] + 2)
        if _overlaps(box, keep_out):
            findings.append(
                Finding(
                    "layout.over_product",
                    "the product leaves no room below it: the call to action was left out",
                    "block",
                    "call_to_action",
                )
            )
    else:
        x = (room[0] + room[2]) / 2 - total / 2 if template.align == "centre" else room[0]
        middle = under_words + 1.15 * size + tall / 2
    price_text = None
    if price:
        baseline = middle + cap_height_em(kind.chain, words.language) * price_size / 2
        top = baseline - cap_height_em(kind.chain, words.language) * price_size
        box_of = (x, top, x + price.width_em * price_size, baseline + DESCENT_EM * price_size)
        price_text = _Text("price", kind, price_size, ((price, x, baseline),), box_of)
        x += price.width_em * price_size + gap
    if call is None:
        return None, price_text, findings
    baseline = middle + cap_height_em(kind.chain, words.language) * size / 2
    pill_box = (x, middle - tall / 2, x + call.width_em * size + 2.3 * size, middle + tall / 2)
    inner = (x + 1.15 * size, baseline - cap_height_em(kind.chain, words.language) * size)
    text = _Text(
        "call_to_action",
        kind,
        size,
        ((call, inner[0], baseline),),
        (*inner, inner[0] + call.width_em * size, baseline + DESCENT_EM * size),
    )
    return _Pill(pill_box, text), price_text, findings


def _overlaps(box: Sequence[float], keep_out: NDArray[np.bool_]) -> bool:
    left, top, right, bottom = (max(0, int(v)) for v in box)
    return bool(keep_out[top:bottom, left:right].any())


def _union(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


# --- surfaces ------------------------------------------------------------------------------------------------------


def _dressings(
    plan: _Plan,
    picture: BytePixels,
    away: NDArray[np.float32],
    keep_out: NDArray[np.bool_],
    fmt: Format,
    brand: Brand,
    accent: Rgb,
) -> list[_Dressed]:
    """The plan on every surface its template allows, each with its best ink.

    ``away`` (H, W): distance to the product, px.
    """
    tone = _tone(picture, plan.words_box)
    busy = _busyness(picture, plan.words_box)
    inks = {text.role: _ink(text, picture.shape[:2]) for text in plan.texts}
    misplaced = plan.findings + _misplaced(plan, inks, keep_out, fmt)
    in_the_dark = float(_luminance(_mean(picture))) <= 0.10
    made: list[_Dressed] = []
    for surface in plan.template.surfaces:
        for opacity in SCRIM_STEPS if surface == "scrim" else (1.0 if surface == "panel" else 0.0,):
            tries = []
            for is_dark, ink in zip((True, False), _inks(brand, tone), strict=True):
                if surface == "panel" and not is_dark and not in_the_dark:
                    continue  # dark panels in dark scenes only
                paper = _paper(brand, tone, is_dark=not is_dark)
                ground = _ground(surface, plan, picture, away, paper, opacity)
                contrasts = {role: measured_contrast(ink, ground.crop(i.window), i.around) for role, i in inks.items()}
                price_ink = ink
                if "price" in inks:
                    where = inks["price"]
                    behind = ground.crop(where.window)
                    offered = (ink, *_inks(brand, tone), (0, 0, 0), (255, 255, 255))
                    rated = [(measured_contrast(colour, behind, where.around), colour) for colour in offered]
                    enough = [item for item in rated if item[0] >= CONTRAST_FLOOR]
                    contrasts["price"], price_ink = enough[0] if enough else max(rated)
                fill, on_fill = accent, (255, 255, 255)
                if plan.pill:
                    fill, on_fill = _pill_colours(accent, ink, ground, plan.pill.box)
                    contrasts["call_to_action"] = contrast(on_fill, fill)
                weak = tuple(
                    Finding(
                        "layout.contrast",
                        f"contrast of {role} is {value:.1f}, {CONTRAST_FLOOR} is needed",
                        "block",
                        role,
                    )
                    for role, value in contrasts.items()
                    if value < CONTRAST_FLOOR
                )
                colours = _Colours(ink, fill, on_fill, price_ink)
                tries.append(_Dressed(plan, ground, opacity, colours, contrasts, busy, inks, misplaced + weak))
            best = max(tries, key=lambda d: d.score)
            made.append(best)
            if min(best.contrasts.values(), default=21.0) >= CONTRAST_FLOOR:
                break
    return made


def _ground(
    kind: Surface, plan: _Plan, picture: BytePixels, away: NDArray[np.float32], paper: Rgb, opacity: float
) -> _Ground:
    if kind == "none":
        return _Ground(picture, kind)
    if kind == "scrim":
        return _Ground(picture, kind, paper, _veil(plan, away) * np.float32(opacity))
    box = _panel_box(plan, (picture.shape[1], picture.shape[0]))
    cover = np.zeros(picture.shape[:2], dtype=np.float32)
    cover[: round(box[3]), : round(box[2])] = 1.0
    cover[away <= 0] = 0.0
    return _Ground(picture, kind, paper, cover, box)


def _veil(plan: _Plan, away: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) 0 to 1: full behind the words, fading out past them, never on the product."""
    height, width = away.shape
    _, _, right, bottom = plan.words_box
    if plan.template.place == "above":
        ramp = _fade(np.arange(height, dtype=np.float32), bottom - 0.01 * height, 0.13 * height)[:, None]
    else:
        ramp = _fade(np.arange(width, dtype=np.float32), right - 0.02 * width, 0.22 * width)[None, :]
    return np.asarray(ramp * (away > 0), dtype=np.float32)


def _panel_box(plan: _Plan, size_px: tuple[int, int]) -> Box:
    """A plain sheet from the edge to a little below (or right of) the words."""
    width, height = size_px
    if plan.template.place == "above":
        limit = plan.room[3]
        return 0.0, 0.0, float(width), min(limit, max(plan.words_box[3] + 0.040 * height, 0.86 * limit))
    return 0.0, 0.0, min(plan.room[2], plan.template.column[2] + 0.02 * width), float(height)


def _fade(at: NDArray[np.float32], full_until: float, over: float) -> NDArray[np.float32]:
    t = np.clip((at - full_until) / over, 0.0, 1.0)
    return np.asarray(1.0 - t * t * (3 - 2 * t), dtype=np.float32)


# --- colour --------------------------------------------------------------------------------------------------------


def _luminance(colour: Sequence[float] | NDArray[np.float32]) -> Any:
    """WCAG relative luminance of sRGB 0 to 255; the last axis is the colour."""
    value = np.asarray(colour, dtype=np.float64) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """WCAG 2.2 contrast ratio of two sRGB colours, 1 to 21."""
    a, b = float(_luminance(one)), float(_luminance(other))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def measured_contrast(ink: Rgb, ground: NDArray[np.float32], around: NDArray[np.bool_]) -> float:
    """Contrast of an ink with the pixels behind and right around its letters; 2 % of them may be worse.

    Args:
        ground: (h, w, 3) sRGB 0 to 255, without the letters.
        around: (h, w) the letters and ``HALO_PX`` around them.
    """
    if not around.any():
        return 21.0
    behind = _luminance(ground[around])
    own = float(_luminance(ink))
    ratios = (np.maximum(behind, own) + 0.05) / (np.minimum(behind, own) + 0.05)
    return float(np.quantile(ratios, WORST_SHARE))


def _lab(colour: Sequence[float]) -> tuple[float, float, float]:
    pixel = np.asarray([[[v / 255.0 for v in colour]]], dtype=np.float32)
    light, a, b = cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0]
    return float(light), float(a), float(b)


def _from_lab(light: float, a: float, b: float) -> Rgb:
    rgb = cv2.cvtColor(np.asarray([[[light, a, b]]], dtype=np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    red, green, blue = (int(np.clip(v * 255.0 + 0.5, 0, 255)) for v in rgb)
    return red, green, blue


def _toned(tone: tuple[float, float, float], light: float, chroma: float) -> Rgb:
    """The scene's hue at a lightness, no more colourful than ``chroma``."""
    _, a, b = tone
    own = float(np.hypot(a, b))
    k = min(1.0, chroma / own) if own > 1e-6 else 0.0
    return _from_lab(light, a * k, b * k)


def _hex(text: str) -> Rgb:
    bare = text.lstrip("#")
    bare = "".join(c * 2 for c in bare) if len(bare) == 3 else bare
    return int(bare[0:2], 16), int(bare[2:4], 16), int(bare[4:6], 16)


def _mean(picture: BytePixels) -> tuple[float, float, float]:
    r, g, b = (float(v) for v in picture[::8, ::8].reshape(-1, 3).mean(axis=0))
    return r, g, b


def _tone(picture: BytePixels, box: Box) -> tuple[float, float, float]:
    """Lab of the scene behind the words."""
    left, top, right, bottom = (max(0, round(v)) for v in box)
    patch = picture[top : bottom + 1 : 4, left : right + 1 : 4].reshape(-1, 3)
    return _lab(tuple(float(v) for v in (patch if patch.size else picture.reshape(-1, 3)).mean(axis=0)))


_DEFAULT = Brand(name="")


def _inks(brand: Brand, tone: tuple[float, float, float]) -> tuple[Rgb, Rgb]:
    """Dark and light ink: the shop's own, or near-black and near-white with a breath of the scene's hue."""
    deep = 12.0 if tone[0] > 68 else 3.0  # a middle grey leaves room for black alone
    dark = _toned(tone, deep, 7.0) if brand.ink == _DEFAULT.ink else _hex(brand.ink)
    light = _toned(tone, 98.0, 2.5) if brand.paper == _DEFAULT.paper else _hex(brand.paper)
    return (dark, light) if _luminance(dark) <= _luminance(light) else (light, dark)


def _paper(brand: Brand, tone: tuple[float, float, float], *, is_dark: bool) -> Rgb:
    """What lies under the words: pale or deep, in the scene's hue, or the shop's paper."""
    if is_dark:
        return _toned(tone, min(16.0, max(7.0, tone[0] * 0.5)), 9.0)
    return _toned(tone, 95.5, 6.0) if brand.paper == _DEFAULT.paper else _hex(brand.paper)


def _accent(brand: Brand, picture: BytePixels, alpha: Alpha) -> Rgb:
    """The shop's accent; where it is the default, the product's most common strong colour, deepened."""
    if brand.accent != _DEFAULT.accent:
        return _hex(brand.accent)
    product = picture[alpha > 0.98][::7]
    if product.size:
        lab = cv2.cvtColor(product[None].astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[0]
        chroma = np.hypot(lab[:, 1], lab[:, 2])
        strong = (chroma > 9.0) & (lab[:, 0] > 8.0) & (lab[:, 0] < 58.0)  # pale colours turn to mud when darkened
        if strong.mean() > 0.05:
            hue = np.arctan2(lab[strong, 2], lab[strong, 1])
            bins = ((hue + np.pi) / (2 * np.pi) * 24).astype(int) % 24
            peak = int(np.bincount(bins, weights=chroma[strong], minlength=24).argmax())
            light, a, b = (float(v) for v in lab[strong][bins == peak].mean(axis=0))
            deep = min(max(light, 20.0), 36.0)
            keep = min(1.0, 44.0 / max(1e-6, float(np.hypot(a, b))))
            return _from_lab(deep, a * keep, b * keep)
    return _hex("#1d1d1f")


def _pill_colours(accent: Rgb, ink: Rgb, on: _Ground, box: Box) -> tuple[Rgb, Rgb]:
    """Fill and lettering: the accent where it stands out from the ground, else the ink turned inside out."""
    left, top, right, bottom = (max(0, round(v)) for v in box)
    ground = on.crop((slice(top, bottom), slice(left, right))).reshape(-1, 3)
    behind = tuple(float(v) for v in ground.mean(axis=0)) if ground.size else (255.0, 255.0, 255.0)
    fills = [accent, (248, 246, 242), (24, 24, 26)]
    fill = next((f for f in fills if contrast(f, behind) >= 1.9), ink)
    white, black = (255, 255, 255), (20, 20, 22)
    on_fill = white if contrast(white, fill) >= CONTRAST_FLOOR else black
    return fill, on_fill


def _busyness(picture: BytePixels, box: Box) -> float:
    """How restless the scene is behind the words, 0 to 1: spread and local change of lightness."""
    left, top, right, bottom = (max(0, round(v)) for v in box)
    patch = picture[top:bottom, left:right]
    if min(patch.shape[:2]) < 12:
        return 0.0
    small = (
        cv2.resize(patch, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) if min(patch.shape[:2]) > 16 else patch
    )
    light = cv2.cvtColor(small.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)[..., 0]
    spread = float(light.std()) / 22.0
    change = float(np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean()) / 5.0
    return float(min(1.0, 0.5 * spread + 0.5 * change))


# --- ink and record --------------------------------------------------------------------------------------------------


def _ink(text: _Text, shape: tuple[int, ...]) -> _Ink:
    """The letters of a text, with ``HALO_PX`` and a little more around them."""
    air = HALO_PX + round(0.4 * text.size_px)
    left, top = max(0, int(text.box[0]) - air), max(0, int(text.box[1]) - air)
    right, bottom = min(shape[1], int(text.box[2]) + air + 1), min(shape[0], int(text.box[3]) + air + 1)
    sheet = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
    pen = ImageDraw.Draw(sheet)
    for line, x, baseline in text.lines:
        draw_line(pen, line, text.kind, text.size_px, x - left, baseline - top)
    cover = np.asarray(sheet)
    halo = cv2.dilate(cover, np.ones((2 * HALO_PX + 1, 2 * HALO_PX + 1), dtype=np.uint8))
    return _Ink(cover, np.asarray(halo) > 0, left, top)


def _capsule(box: Box, shape: tuple[int, ...]) -> _Ink:
    """Coverage of a pill, exact to a fraction of a pixel."""
    left, top, right, bottom = box
    x0, y0 = max(0, int(left) - 1), max(0, int(top) - 1)
    x1, y1 = min(shape[1], int(right) + 2), min(shape[0], int(bottom) + 2)
    radius = (bottom - top) / 2
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    dx = np.maximum(np.maximum(left + radius - (x + 0.5), (x + 0.5) - (right - radius)), 0.0)
    distance = np.hypot(dx, (y + 0.5) - (top + radius))
    cover = np.clip(radius - distance + 0.5, 0.0, 1.0) * 255.0 + 0.5
    return _Ink(cover.astype(np.uint8), cover > 0.5, x0, y0)


def _inked(dressed: _Dressed, logo: NDArray[np.uint8] | None) -> BytePixels:
    """All layers, bottom to top. Pixels under no layer keep their bytes."""
    plan, colours, ground = dressed.plan, dressed.colours, dressed.ground
    pixels = ground.picture.copy()
    if ground.veil is not None:
        rows, columns = np.flatnonzero(ground.veil.any(axis=1)), np.flatnonzero(ground.veil.any(axis=0))
        if rows.size:
            window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
            made = ground.crop(window)
            covered = ground.veil[window] > 0
            if ground.kind == "scrim":  # or 8 bits show bands
                made += np.random.default_rng(0).uniform(-0.5, 0.5, covered.shape).astype(np.float32)[..., None]
            laid = np.clip(made + 0.5, 0, 255).astype(np.uint8)
            pixels[window] = np.where(covered[..., None], laid, pixels[window])
    left_out = {f.field for f in dressed.findings if f.id == "layout.over_product"}
    if plan.pill and "call_to_action" not in left_out:
        _stamp(pixels, _capsule(plan.pill.box, pixels.shape), colours.accent)
        _stamp(pixels, _ink(plan.pill.text, pixels.shape), colours.on_accent)
    for text in plan.texts:
        if text.role in left_out:
            continue
        _stamp(pixels, dressed.inks[text.role], colours.price if text.role == "price" else colours.ink)
    if logo is not None and plan.logo_box is not None and "logo" not in left_out:
        _stamp_logo(pixels, logo, plan.logo_box)
    return pixels


def _stamp(pixels: BytePixels, ink: _Ink, colour: Rgb) -> None:
    """Lay a colour through a cover, into the array given."""
    cover = ink.cover.astype(np.float32)[..., None] / 255.0
    under = pixels[ink.window].astype(np.float32)
    pixels[ink.window] = np.clip(under + (np.asarray(colour, dtype=np.float32) - under) * cover + 0.5, 0, 255).astype(
        np.uint8
    )


def _stamp_logo(pixels: BytePixels, logo: NDArray[np.uint8], box: Box) -> None:
    left, top, right, bottom = (round(v) for v in box)
    image = Image.fromarray(logo).convert("RGBA").resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    shown = np.asarray(image, dtype=np.float32)
    under = pixels[top:bottom, left:right].astype(np.float32)
    mixed = under + (shown[..., :3] - under) * (shown[..., 3:] / 255.0)
    pixels[top:bottom, left:right] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _misplaced(plan: _Plan, inks: Mapping[str, _Ink], keep_out: NDArray[np.bool_], fmt: Format) -> tuple[Finding, ...]:
    """What leaves the safe zone or lies over the product: measured on ink, not on boxes."""
    found = []
    left, top, right, bottom = fmt.safe_box_px
    for role, ink in inks.items():
        rows, columns = np.flatnonzero(ink.cover.any(axis=1)), np.flatnonzero(ink.cover.any(axis=0))
        if not rows.size:
            continue
        across = ink.left + columns[0] >= left and ink.left + columns[-1] < right
        if not (across and ink.top + rows[0] >= top and ink.top + rows[-1] < bottom):
            found.append(Finding("layout.outside_safe_zone", f"{role} leaves the safe zone", "block", role))
        if (keep_out[ink.window] & (ink.cover > 0)).any():
            found.append(
                Finding("layout.over_product", f"{role} has no room beside the product and was left out", "block", role)
            )
    boxes = [("call_to_action", plan.pill.box)] if plan.pill else []
    boxes += [("logo", plan.logo_box)] if plan.logo_box else []
    for role, (x0, y0, x1, y1) in boxes:
        if x0 < left - 0.5 or y0 < top - 0.5 or x1 > right + 0.5 or y1 > bottom + 0.5:
            found.append(Finding("layout.outside_safe_zone", f"the {role} leaves the safe zone", "block", role))
        if _overlaps((x0, y0, x1, y1), keep_out) and not any(f.id == "layout.over_product" for f in plan.findings):
            found.append(
                Finding(
                    "layout.over_product", f"the {role} has no room beside the product and was left out", "block", role
                )
            )
    return tuple(found)


def _logo_findings(dressed: _Dressed, logo: NDArray[np.uint8] | None) -> tuple[Finding, ...]:
    """A warning where the logo sinks into its ground. WCAG asks 3:1 of graphics, though it exempts logos."""
    box = dressed.plan.logo_box
    if logo is None or box is None:
        return ()
    left, top, right, bottom = (round(v) for v in box)
    opaque = logo[..., :3][logo[..., 3] > 128] if logo.shape[2] == 4 else logo.reshape(-1, 3)
    ground = dressed.ground.crop((slice(top, bottom), slice(left, right))).reshape(-1, 3)
    if not opaque.size or not ground.size:
        return ()
    own, behind = np.median(_luminance(opaque.astype(np.float32))), np.median(_luminance(ground))
    ratio = float((max(own, behind) + 0.05) / (min(own, behind) + 0.05))
    if ratio >= 3.0:
        return ()
    return (
        Finding(
            "layout.logo_contrast", f"contrast of the logo with its ground is {ratio:.1f}, 3 is good", "warn", "logo"
        ),
    )


def _record(dressed: _Dressed, fmt: Format, product_box: Box) -> dict[str, Any]:
    plan, colours = dressed.plan, dressed.colours
    texts = [*plan.texts, *([plan.pill.text] if plan.pill else [])]
    return {
        "format": fmt.name,
        "template": plan.template.id,
        "surface": {
            "kind": dressed.ground.kind,
            "opacity": round(dressed.opacity, 2),
            "colour": _as_hex(dressed.ground.colour) if dressed.ground.colour else None,
            "box_px": _rounded(dressed.ground.box) if dressed.ground.box else None,
        },
        "texts": [
            {
                "role": text.role,
                "lines": [line.text for line, _, _ in text.lines],
                "box_px": _rounded(text.box),
                "font": sorted({piece.font for line, _, _ in text.lines for piece in line.pieces}),
                "font_px": round(text.size_px, 1),
                "tracking_em": text.kind.tracking_em,
                "colour": _as_hex(
                    {"call_to_action": colours.on_accent, "price": colours.price}.get(text.role, colours.ink)
                ),
                "contrast": round(dressed.contrasts.get(text.role, 21.0), 2),
            }
            for text in texts
        ],
        "call_to_action": {"box_px": _rounded(plan.pill.box), "fill": _as_hex(colours.accent)} if plan.pill else None,
        "logo_box_px": _rounded(plan.logo_box) if plan.logo_box else None,
        "safe_box_px": list(fmt.safe_box_px),
        "product_box_px": _rounded(product_box),
        "busyness": round(dressed.busyness, 3),
        "score": round(dressed.score, 3),
    }


def _as_hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _rounded(box: Sequence[float]) -> list[float]:
    return [round(float(v), 1) for v in box]
