"""Where everything goes on one template, before any colour is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.domain import Brand, Finding

from .blocks import (
    Setting,
    Text,
    fit,
    height_of,
    kind_of,
    leading_of,
    one_line,
    placed,
    rise_em,
    squeezed,
    union,
    wide,
)
from .colours import Box
from .formats import Format, Template, TextStyle
from .offers import Badge, badge_in, find_spot
from .price_tags import OfferTag, PriceTag
from .typefaces import NO_FONTS, ShopFonts, is_right_to_left, missing_glyphs, primary, shaper
from .typesetting import JOINED, Breaks, hyphenated, set_line


@dataclass(frozen=True, slots=True)
class Kit:
    """How the shop looks: its brand with the files read."""

    brand: Brand
    logo: NDArray[np.uint8] | None = None  # (H, W, 4) or (H, W, 3) sRGB; None: the name is set in type
    fonts: ShopFonts = NO_FONTS


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be set."""

    headline: str | None
    body: str | None
    call_to_action: str | None
    price: PriceTag | None
    offer: OfferTag | None
    legal: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Pill:
    box: Box
    text: Text


@dataclass(frozen=True, slots=True)
class Plan:
    template: Template
    texts: tuple[Text, ...]
    pill: Pill | None
    badge: Badge | None
    logo_box: Box | None
    words_box: Box  # around all texts that share the column
    room: Box  # what the words were allowed to take
    headline_fill: float  # headline size over the size wanted, 0 to 1
    findings: tuple[Finding, ...] = ()


# what is left out where a headline or a button does not fit otherwise; small formats may lose the brand's name first
_DROPS = tuple(map(frozenset, ((), ("brand",), ("offer",), ("price",), ("offer", "price"))))
_DROPPED: dict[str, tuple[Literal["note", "warn"], str]] = {
    "brand": ("note", "the brand's name has no room in this picture and was left out"),
    "offer": ("warn", "the offer has no room in this picture and was left out"),
    "price": ("warn", "the price has no room in this picture and was left out"),
}


def plan(words: Words, kit: Kit, template: Template, fmt: Format, keep_out: NDArray[np.bool_]) -> Plan:
    """Sizes and places for one template. An offer becomes a badge beside the product, or a line over the headline.

    Where not all of it fits, the body goes first, then the brand's name, the offer and the price, each with a finding.
    """
    made = _offered(words, kit, _turned(template, words.language, fmt), fmt, keep_out)
    if template.call_to_action == "foot" and any(f.id == "layout.over_product" for f in made.findings):
        with_text = replace(template, call_to_action="with_text")
        other = _offered(words, kit, _turned(with_text, words.language, fmt), fmt, keep_out)
        if not any(f.severity == "block" for f in other.findings):
            return other
    return made


def _offered(words: Words, kit: Kit, template: Template, fmt: Format, keep_out: NDArray[np.bool_]) -> Plan:
    """The plan with the offer where there is room for it."""
    if words.offer and template.badge_px:
        made = _fitted(replace(words, offer=None), kit, template, fmt, keep_out)
        badge = _badge(words.offer, kit, words.language, made, fmt, keep_out)
        if badge is not None:
            return replace(made, badge=badge)
    return _fitted(words, kit, template, fmt, keep_out)


def _fitted(words: Words, kit: Kit, template: Template, fmt: Format, keep_out: NDArray[np.bool_]) -> Plan:
    """The plan with as much of the words as fits."""
    first: Plan | None = None
    for drops in _DROPS:
        gone = drops & {"offer" if words.offer else "", "price" if words.price else "", "brand" if fmt.is_split else ""}
        if drops - gone:
            continue
        gone = gone | {"brand"} if gone and fmt.is_split else gone
        kept = replace(
            words, offer=None if "offer" in gone else words.offer, price=None if "price" in gone else words.price
        )
        bare = replace(template, brand_px=0) if "brand" in gone else template
        planner = _Planner(kept, kit, bare, fmt, keep_out)
        made = planner.made()
        said = tuple(
            Finding(f"layout.{name}_left_out", _DROPPED[name][1], _DROPPED[name][0], name) for name in sorted(gone)
        )
        made = replace(made, findings=made.findings + said)
        first = first or made
        if not planner.is_crowded:
            return made
    assert first is not None
    return first


def _turned(template: Template, language: str, fmt: Format) -> Template:
    """Words that run from the right are set against the right."""
    if not is_right_to_left(language) or template.align == "centre":
        return template
    left, top, right, bottom = template.column
    if template.place in ("above", "below"):
        left, right = fmt.size_px[0] - right, fmt.size_px[0] - left
    return replace(template, align="right", column=(left, top, right, bottom))


def _badge(
    offer: OfferTag, kit: Kit, language: str, made: Plan, fmt: Format, keep_out: NDArray[np.bool_]
) -> Badge | None:
    """A badge in free ground beside the product."""
    width, height = fmt.size_px
    _, top, _, bottom = made.words_box
    if not fmt.is_split:
        across = {
            "above": (0.0, 0.0, float(width), bottom + 0.02 * height),
            "below": (0.0, top - 0.02 * height, float(width), float(height)),
            "left": (0.0, 0.0, made.room[2], float(height)),
            "right": (made.room[0], 0.0, float(width), float(height)),
        }[made.template.place]
    else:
        across = made.words_box
    taken = [across, *(text.box for text in made.texts)] + ([made.pill.box] if made.pill else [])
    taken += [made.logo_box] if made.logo_box else []
    for k in (1.0, 0.86, 0.74):
        size = made.template.badge_px * k
        box = find_spot(size, fmt, keep_out, taken)
        if box is None:
            continue
        badge = badge_in(box, offer, language, kit.fonts, kit.brand.corner)
        if badge is not None:
            return badge
    return None


class _Planner:
    """One pass over one template; what it cannot place it says in ``findings``."""

    def __init__(
        self, words: Words, kit: Kit, template: Template, fmt: Format, keep_out: NDArray[np.bool_]
    ) -> None:  # fmt: skip
        self.words, self.kit, self.template, self.fmt, self.keep_out = words, kit, template, fmt, keep_out
        self.is_crowded = False
        self.findings: list[Finding] = []
        self.texts: list[Text] = []
        self.room = _room(template, keep_out, fmt)

    # --- the whole ---------------------------------------------------------------------------------------------------

    def made(self) -> Plan:
        template = self.template
        left, top, right, bottom = self._padded()
        call = self._call(right - left)
        at_foot, beside = template.call_to_action == "foot", template.call_to_action == "beside"
        if call and beside:
            gap = 1.4 * template.call_to_action_px
            left, right = (left + call.width + gap, right) if self._is_rtl else (left, right - call.width - gap)
        bottom = self._set_legal(left, right, bottom)
        tail = call.height + 1.15 * template.call_to_action_px if call and not (beside or at_foot) else 0.0
        brand_text, logo_box, used = self._brand((left, top, right, bottom))
        head = top + used if template.brand == "head" else top
        stack = self._stack(right - left, bottom - head - tail)
        free = max(0.0, bottom - head - tail - stack.height)
        if beside:  # brand and words together in the middle
            y = head + free / 2
            lift = free / 2
            brand_text = brand_text.moved(0, lift) if brand_text else None
            logo_box = _shifted(logo_box, 0, lift)
        else:
            y = head + free * {"above": 0.44, "below": 0.30}.get(template.place, 0.46)
        self.texts += [brand_text] if brand_text else []
        under = self._place(stack, left, right, y)
        pill = self._place_call(call, left, right, under) if call else None
        self._check_glyphs()
        boxes = [t.box for t in self.texts if t.role != "legal"] + ([logo_box] if logo_box else [])
        inside = boxes + ([pill.box] if pill and not at_foot else [])
        inside = [b for b in inside if not at_foot or b[3] <= bottom + 1] or [self.room]
        if template.place == "below" and template.brand == "top":
            inside = [b for b in inside if b[1] >= top - 1] or inside
        return Plan(
            template=template,
            texts=tuple(self.texts),
            pill=pill,
            badge=None,
            logo_box=logo_box,
            words_box=union(inside),
            room=self.room,
            headline_fill=min(1.0, stack.fill),
            findings=tuple(self.findings),
        )

    @property
    def _is_rtl(self) -> bool:
        return is_right_to_left(self.words.language)

    def _padded(self) -> Box:
        """The room, less what a panel wants between its edge and the words."""
        left, top, right, bottom = self.room
        if "panel" in self.template.surfaces:
            width, height = self.fmt.size_px
            place = self.template.place
            bottom -= 0.028 * height if place == "above" else 0.0
            top += 0.036 * height if place == "below" else 0.0
            right -= 0.030 * width if place == "left" else 0.0
            left += 0.030 * width if place == "right" else 0.0
        return left, top, right, bottom

    # --- brand, legal ------------------------------------------------------------------------------------------------

    def _brand(self, room: Box) -> tuple[Text | None, Box | None, float]:
        """The logo or the brand's name; how much of the column's head it takes."""
        left, top, right, _ = room
        template, logo = self.template, self.kit.logo
        if template.brand_px <= 0:
            return None, None, 0.0
        if template.brand == "top":
            top = self.fmt.safe_box_px[1] + 0.3 * template.brand_px
        air = (0.8 if template.call_to_action == "beside" else 1.7) * template.brand_px
        if logo is not None:
            tall = (1.5 if template.call_to_action == "beside" else 2.3) * template.brand_px
            tall = min(tall, 0.34 * (room[3] - room[1]))
            scale = min(tall / logo.shape[0], 0.46 * (right - left) / logo.shape[1])
            w, h = logo.shape[1] * scale, logo.shape[0] * scale
            x = {"centre": (left + right) / 2 - w / 2, "left": left, "right": right - w}[template.align]
            return None, (x, top, x + w, top + h), h + air
        name = self.kit.brand.name.strip()
        if not name:
            return None, None, 0.0
        kind = kind_of("brand", None, self.words.language, self.kit.fonts)
        line = set_line(_capitals(name), kind)
        size = min(float(template.brand_px), (right - left) / max(line.width_em, 0.1))
        setting = Setting(Breaks((line,), line.width_em, 0.0), size, height_of(1, size, 1.0, kind))
        text = placed("brand", setting, kind, 1.0, template.align, left, right, top)
        return text, None, rise_em(kind) * size + air

    def _set_legal(self, left: float, right: float, bottom: float) -> float:
        """The small print at the foot; returns where the words above it must end."""
        said, style = self.words.legal, self.template.legal
        if not said:
            return bottom
        kind = kind_of("legal", None, self.words.language, self.kit.fonts)
        leading = leading_of(style, self.words.language)
        at_foot, beside = (self.template.call_to_action == how for how in ("foot", "beside"))
        foot = float(self.fmt.safe_box_px[3]) if at_foot else bottom
        setting = fit(said, kind, style, leading, right - left, 0.3 * (self.room[3] - self.room[1]))
        if setting is None:
            setting, _ = squeezed(said, kind, style, leading, right - left, 0.3 * (self.room[3] - self.room[1]))
            if setting.size_px < style.floor_px or len(setting.breaks.lines) > style.max_lines:
                message = (
                    f"the small print does not fit in {style.max_lines} lines of at least {style.floor_px:.0f} px: "
                    "shorten it or choose a larger format"
                )
                self.findings.append(Finding("layout.legal_too_long", message, "block", "legal"))
        text = placed("legal", setting, kind, leading, self.template.align, left, right, foot - setting.height)
        self.texts.append(text)
        return (
            bottom if at_foot else foot - setting.height - (0.45 if beside else 0.9) * self.template.call_to_action_px
        )

    # --- headline, body ----------------------------------------------------------------------------------------------

    def _stack(self, width: float, space: float) -> _Stack:
        """Offer line, headline and body at the sizes that the room allows."""
        words, template = self.words, self.template
        offer = self._offer_line(width)
        gap_offer = 0.85 * template.call_to_action_px if offer else 0.0
        room = space - (offer.height + gap_offer if offer else 0.0)
        style, language = template.headline, words.language
        kind, leading = (
            kind_of("headline", style, language, self.kit.fonts, self.words.headline),
            leading_of(style, language),
        )
        headline: Setting | None = None
        body: Setting | None = None
        fill = 1.0
        wanted = words.body if template.shows_body else None
        if words.headline:
            for body_style in _body_styles(template.body) if wanted else [None]:
                body = self._fit_body(wanted, body_style, width, room * 0.5) if body_style and wanted else None
                if body_style is not None and body is None:
                    continue
                used = body.height + self._gap_to_body if body else 0.0
                headline = fit(words.headline, kind, style, leading, width, room - used)
                if headline and (headline.size_px >= 0.6 * style.max_px or body_style is None):
                    break
            if headline is None:
                body = None
                headline = fit(words.headline, kind, style, leading, width, room)
            if headline is None:
                headline = self._hyphenated(words.headline, width, room)
            if headline is None:
                self.is_crowded = True
                headline, below = squeezed(words.headline, kind, style, leading, width, room)
                self.findings += _squeeze_findings(headline, below, style)
            fill = headline.size_px / style.max_px
        elif wanted:
            body = self._fit_body(wanted, template.body, width, room)
        if words.body and body is None:
            by_design: Literal["note", "warn"] = "note" if self.fmt.is_split else "warn"
            message = "the body text does not fit this picture and was left out"
            self.findings.append(Finding("layout.body_left_out", message, by_design, "body"))
        return _Stack(offer, headline, body, fill, gap_offer, self._gap_to_body if body and headline else 0)

    def _fit_body(self, text: str, style: TextStyle, width: float, height: float) -> Setting | None:
        kind = kind_of("body", None, self.words.language, self.kit.fonts)
        most = (22 if wide(self.words.language) else 30) * style.max_px  # longer lines are hard to follow
        return fit(text, kind, style, leading_of(style, self.words.language), min(width, most), height)

    @property
    def _gap_to_body(self) -> float:
        return 0.72 * self.template.body.max_px

    def _hyphenated(self, text: str, width: float, height: float) -> Setting | None:
        """The headline with hyphens in the words that are wider than the column, if that is what it needs."""
        style, language = self.template.headline, self.words.language
        kind = kind_of("headline", style, language, self.kit.fonts, self.words.headline)
        softened = hyphenated(text, kind, width / style.floor_px)
        if softened == text:
            return None
        setting = fit(softened, kind, style, leading_of(style, language), width, height)
        if setting:
            message = "a word is wider than the column and was hyphenated"
            self.findings.append(Finding("layout.hyphenated", message, "note", "headline"))
        return setting

    def _offer_line(self, width: float) -> Setting | None:
        """The offer and its last day in one line, or one under the other."""
        offer = self.words.offer
        if offer is None:
            return None
        size = self.template.call_to_action_px
        floor = max(0.74 * size, 8.0)
        kind = kind_of("offer", None, self.words.language, self.kit.fonts)
        said = (f"{offer.text} · {offer.until}",) if offer.until else (offer.text,)
        for texts in (said, (offer.text, offer.until) if offer.until else said):
            lines = tuple(set_line(text, kind) for text in texts if text)
            widest = max(line.width_em for line in lines)
            px = min(size, width / max(widest, 1e-6))
            if px >= floor:
                return Setting(Breaks(lines, widest, 0.0), px, height_of(len(lines), px, 1.3, kind))
        style = TextStyle(size, floor, 3, 1.3, 0.0, "sans")
        setting = fit(" ".join(filter(None, (offer.text, offer.until))), kind, style, 1.3, width, 5 * size)
        if setting is None:
            self.is_crowded = True
            self.findings.append(Finding("layout.offer_left_out", _DROPPED["offer"][1], "warn", "offer"))
        return setting

    def _place(self, stack: _Stack, left: float, right: float, y: float) -> float:
        """Puts the stack down; returns its lower end."""
        language, align = self.words.language, self.template.align
        if stack.offer:
            kind = kind_of("offer", None, language, self.kit.fonts)
            self.texts.append(placed("offer", stack.offer, kind, 1.3, align, left, right, y))
            y += stack.offer.height + stack.gap_offer
        if stack.headline:
            style = self.template.headline
            kind, leading = (
                kind_of("headline", style, language, self.kit.fonts, self.words.headline),
                leading_of(style, language),
            )
            self.texts.append(placed("headline", stack.headline, kind, leading, align, left, right, y))
            y += stack.headline.height
        if stack.body:
            y += stack.gap_body
            kind, leading = kind_of("body", None, language, self.kit.fonts), leading_of(self.template.body, language)
            self.texts.append(placed("body", stack.body, kind, leading, align, left, right, y))
            y += stack.body.height
        return y

    # --- price and call to action ------------------------------------------------------------------------------------

    def _call(self, width: float) -> _Call | None:
        """Price and button as one block at the origin."""
        words, template = self.words, self.template
        if not words.call_to_action and not words.price:
            return None
        safe_left, _, safe_right, _ = self.fmt.safe_box_px
        beside = template.call_to_action == "beside"
        widest = 0.5 * width if beside else min(width, safe_right - safe_left)
        size = float(template.call_to_action_px)
        rows = (False, True) if not beside else (True, False)
        tall = self.room[3] - self.room[1]
        for shrink in (1.0, 0.92, 0.85, 0.78, 0.70):
            for stacked in rows:
                call = self._call_at(size * shrink, stacked=stacked)
                fits = call.width <= widest and call.height <= (tall if beside else 0.5 * tall)
                if fits and (shrink == 1.0 or call.pill is None or call.pill.text.size_px >= 8.0):
                    return call
        self.is_crowded = True
        call = self._call_at(size * 0.7, stacked=True)
        what = "call to action" if words.call_to_action else "price"
        message = f"the {what} does not fit: shorten it"
        self.findings.append(Finding("layout.call_to_action_too_long", message, "block", "call_to_action"))
        return call

    def _call_at(self, size: float, *, stacked: bool) -> _Call:
        words, fonts = self.words, self.kit.fonts
        price = words.price
        texts: list[Text] = []
        kind = kind_of("price", None, words.language, fonts)
        x, tall = 0.0, 0.0
        if price:
            big = (1.62 if stacked or not words.call_to_action else 1.42) * size
            now = one_line("price", price.now, kind, big, 0.0, 0.0)
            texts.append(now)
            x = now.box[2]
            if price.was:
                thin = kind_of("was_price", None, words.language, fonts)
                was = replace(one_line("was_price", price.was, thin, 0.66 * big, x + 0.42 * big, 0.0), is_struck=True)
                texts.append(was)
                x = was.box[2]
            tall = rise_em(kind) * big
        if not words.call_to_action:
            moved = tuple(text.moved(0, tall) for text in texts)
            return _Call(self._mirrored(moved, None, x)[0], None, x, tall)
        label = kind_of("call_to_action", None, words.language, fonts)
        line = set_line(words.call_to_action, label)
        high = round(2.28 * size)
        long = line.width_em * size + 2.3 * size
        if texts and stacked:
            gap = 0.74 * size
            width = max(x, long)
            offset = {"centre": 0.5, "left": 0.0, "right": 1.0}[self.template.align]
            if self.template.call_to_action == "beside":
                offset = 0.5
            flip = 1.0 - offset if self._is_rtl else offset
            texts = [text.moved((width - x) * flip, tall) for text in texts]
            at = ((width - long) * flip, tall + gap)
            height = tall + gap + high
        else:
            gap = (0.9 if self.template.align != "centre" else 1.0) * size if texts else 0.0
            texts = [text.moved(0, high / 2 + tall / 2) for text in texts]
            at, width, height = (x + gap, 0.0), x + gap + long, float(high)
        baseline = at[1] + high / 2 + rise_em(label) * size / 2
        inner = one_line("call_to_action", words.call_to_action, label, size, at[0] + 1.15 * size, baseline)
        pill = Pill((at[0], at[1], at[0] + long, at[1] + high), inner)
        moved, turned = self._mirrored(tuple(texts), pill, width)
        return _Call(moved, turned, width, height)

    def _mirrored(
        self, texts: tuple[Text, ...], pill: Pill | None, width: float
    ) -> tuple[tuple[Text, ...], Pill | None]:
        """Read from the right, the price comes first there."""
        if not self._is_rtl:
            return texts, pill
        turned = tuple(text.moved(width - text.box[0] - text.box[2], 0) for text in texts)
        if pill is None:
            return turned, None
        shift = width - pill.box[0] - pill.box[2]
        return turned, Pill(_moved(pill.box, shift, 0), pill.text.moved(shift, 0))

    def _place_call(self, call: _Call, left: float, right: float, under: float) -> Pill | None:
        template = self.template
        if template.call_to_action == "beside":
            x = (left - call.width - 1.4 * template.call_to_action_px) if self._is_rtl else (
                right + 1.4 * template.call_to_action_px
            )  # fmt: skip
            y = (self.room[1] + self.room[3]) / 2 - call.height / 2
            legal = next((t for t in self.texts if t.role == "legal"), None)
            if legal:
                y = min(y, legal.box[1] - call.height - 2) if legal.box[2] > x else y
        else:
            x = {"centre": (left + right) / 2 - call.width / 2, "left": left, "right": right - call.width}[
                template.align
            ]
            y = under + 1.15 * template.call_to_action_px
        if template.call_to_action == "foot":
            y = self._foot(call, x)
        self.texts += [text.moved(x, y) for text in call.texts]
        if call.pill is None:
            return None
        return Pill(_moved(call.pill.box, x, y), call.pill.text.moved(x, y))

    def _foot(self, call: _Call, x: float) -> float:
        """The top of a block below the product: at its wanted height, or as near to it as the product allows."""
        template = self.template
        bottom = float(self.fmt.safe_box_px[3])
        legal = next((t for t in self.texts if t.role == "legal"), None)
        if legal:
            bottom = legal.box[1] - 0.3 * template.call_to_action_px
        y = min(template.foot_y - call.height / 2, bottom - call.height)
        start = y
        while y + call.height < bottom and overlaps((x, y, x + call.width, y + call.height), self.keep_out):
            y += 2
        if overlaps((x, y, x + call.width, y + call.height), self.keep_out):
            message = "the product leaves no room below it: the call to action was left out"
            self.findings.append(Finding("layout.over_product", message, "block", "call_to_action"))
            return start
        return y

    # --- letters -----------------------------------------------------------------------------------------------------

    def _check_glyphs(self) -> None:
        words, kit = self.words, self.kit
        said: dict[str, str | None] = {
            "headline": words.headline,
            "body": words.body,
            "call_to_action": words.call_to_action,
            "price": " ".join(filter(None, (words.price.now, words.price.was))) if words.price else None,
            "offer": " ".join(filter(None, (words.offer.text, words.offer.until))) if words.offer else None,
            "legal": words.legal,
            "brand": kit.brand.name if kit.logo is None else None,
        }
        for name, text in said.items():
            chain = kind_of(name, self.template.headline, words.language, kit.fonts).chain
            missing = missing_glyphs(text or "", chain)
            if missing:
                message = f"no font has {' '.join(missing)}"
                self.findings.append(Finding("layout.glyph_missing", message, "block", name))
            own = kit.fonts.headline if name == "headline" else kit.fonts.text
            lent = missing_glyphs((text or "").replace(" ", ""), (own,)) if own else ()
            if lent and not missing:
                message = f"the brand's font has no {' '.join(lent[:12])}: ours is used for it"
                self.findings.append(Finding("layout.font_lacks", message, "note", name))
        if primary(words.language) in JOINED and shaper() == "basic":
            message = "this Pillow has no raqm, so letters of this script cannot be joined: install Pillow with raqm"
            self.findings.append(Finding("layout.needs_raqm", message, "block", "headline"))


@dataclass(frozen=True, slots=True)
class _Stack:
    offer: Setting | None
    headline: Setting | None
    body: Setting | None
    fill: float
    gap_offer: float
    gap_body: float

    @property
    def height(self) -> float:
        parts = [self.offer, self.headline, self.body]
        return sum(part.height for part in parts if part) + (self.gap_offer if self.offer else 0.0) + self.gap_body


@dataclass(frozen=True, slots=True)
class _Call:
    """Price and button, their left upper corner at 0, 0."""

    texts: tuple[Text, ...]
    pill: Pill | None
    width: float
    height: float


def _room(template: Template, keep_out: NDArray[np.bool_], fmt: Format) -> Box:
    """The template's column, cut back to where the product begins."""
    left, top, right, bottom = template.column
    if template.place in ("above", "below"):
        rows = np.flatnonzero(keep_out[:, left:right].any(axis=1))
        air = round(0.014 * fmt.size_px[1])
        if rows.size and template.place == "above":
            bottom = min(bottom, int(rows[0]) - air)
        elif rows.size:
            top = max(top, int(rows[-1]) + air)
    else:
        columns = np.flatnonzero(keep_out[top:bottom].any(axis=0))
        air = round(0.012 * fmt.size_px[0])
        if columns.size and template.place == "left":
            right = min(right, int(columns[0]) - air)
        elif columns.size:
            left = max(left, int(columns[-1]) + air)
    if template.place == "right":
        return float(min(left, right - 1)), float(top), float(right), float(max(bottom, top + 1))
    top = min(top, bottom - 1) if template.place == "below" else top
    return float(left), float(top), float(max(right, left + 1)), float(max(bottom, top + 1))


def _body_styles(style: TextStyle) -> list[TextStyle | None]:
    """The size wanted, then the smallest allowed."""
    return [replace(style, floor_px=style.max_px), replace(style, max_px=style.floor_px)]


def _squeeze_findings(setting: Setting, below: bool, style: TextStyle) -> list[Finding]:
    found = []
    if below:
        needs, floor = round(setting.size_px), round(style.floor_px)
        message = f"the headline needs {needs} px to fit, below the floor of {floor} px: shorten it"
        found.append(Finding("layout.headline_too_long", message, "block", "headline"))
    elif len(setting.breaks.lines) > style.max_lines:
        message = f"the headline takes {len(setting.breaks.lines)} lines, {style.max_lines} are wanted: shorten it"
        found.append(Finding("layout.headline_lines", message, "warn", "headline"))
    if setting.breaks.broke_a_word:
        found.append(Finding("layout.word_broken", "a word is wider than the column and was cut", "warn", "headline"))
    return found


def _capitals(name: str) -> str:
    """Capitals, unless the name has its own inner ones ("iPhone", "McVitie")."""
    own = any(c.isupper() for word in name.split() for c in word[1:]) and not name.isupper()
    return name if own else name.upper()


def overlaps(box: Sequence[float], keep_out: NDArray[np.bool_]) -> bool:
    """Whether any pixel of a box is set."""
    left, top, right, bottom = (max(0, int(v)) for v in box)
    return bool(keep_out[top : bottom + 1, left : right + 1].any())


def _moved(box: Box, dx: float, dy: float) -> Box:
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy


def _shifted(box: Box | None, dx: float, dy: float) -> Box | None:
    return _moved(box, dx, dy) if box else None
