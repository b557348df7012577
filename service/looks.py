"""How a shop looks: its brand kit, kept in the workspace. Colours and corners are words; logo and fonts are files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from .copy.brief import BriefFile, OfferFile, parse_brief
from .domain import Brand, Money, Offer, Product
from .errors import NotFound
from .images.kits import check_logo
from .images.typefaces import FontFacts, check_font
from .storage import Objects, Store

FontRole = Literal["headline", "text"]


@dataclass(frozen=True, slots=True)
class Look:
    """A brand kit as it is kept. Keys are storage keys."""

    ink: str | None = None  # text colour, "#1b1b1b"; None: from the scene
    paper: str | None = None  # surface colour
    accent: str | None = None  # button and badge colour; None: from the product
    corner: Literal["square", "soft", "pill"] = "pill"
    logo_key: str | None = None
    headline_font_key: str | None = None
    text_font_key: str | None = None
    fonts: Mapping[str, str] | None = None  # role: family and style, for people

    def brand(self, name: str) -> Brand:
        """The brand that layouts take."""
        plain = Brand(name=name)
        return replace(
            plain,
            ink=self.ink or plain.ink,
            paper=self.paper or plain.paper,
            accent=self.accent or plain.accent,
            corner=self.corner,
            logo_key=self.logo_key,
            headline_font_key=self.headline_font_key,
            text_font_key=self.text_font_key,
        )


def look_of(store: Store, brand_id: str) -> Look:
    """The kit that is kept for a brand; the plain one where nobody gave any."""
    try:
        return Look(**store.brands.look(brand_id))
    except NotFound:
        return Look()


def layout_wishes(store: Store, request: Mapping[str, Any], product: Product) -> dict[str, Any]:
    """What a request for pictures says of their words beside the texts: price, offers, small print, stage, brand.

    Raises:
        NotFound: no such brand. InvalidInput: a malformed offer.
    """
    wishes: dict[str, Any] = {key: request[key] for key in ("shows_price", "legal", "layout_stage") if request.get(key)}
    offers = [OfferFile.model_validate(offer, strict=False) for offer in request.get("offers") or ()]
    brand_id = request.get("brand")
    if brand_id:
        kept = _brief_of(store, brand_id)
        wishes["brand"] = look_of(store, brand_id).brand(product.brand or kept.brand or brand_id)
        offers = offers or list(kept.offers)
    if offers:
        wishes["offers"] = [offer_of(offer) for offer in offers]
    return wishes


def _brief_of(store: Store, brand_id: str) -> BriefFile:
    """How the brand speaks; nothing where only its look is kept. Raises NotFound where neither is."""
    try:
        return parse_brief(store.brands.get(brand_id))
    except NotFound:
        store.brands.look(brand_id)
        return BriefFile()


def offer_of(file: OfferFile) -> Offer:
    price = Money(Decimal(file.price.amount), file.price.currency) if file.price else None
    return Offer(file.text, file.starts, file.ends, price, file.code)


def keep_look(store: Store, brand_id: str, look: Look, now: datetime) -> Look:
    store.brands.put_look(brand_id, {key: value for key, value in asdict(look).items() if value is not None}, now)
    return look


def keep_logo(store: Store, objects: Objects, brand_id: str, data: bytes, now: datetime) -> tuple[Look, dict[str, Any]]:
    """Check a logo, keep it, use it from now on.

    Raises:
        InvalidInput: see ``check_logo``.
    """
    png, (width, height), notes = check_logo(data)
    key = objects.put(f"brands/{hashlib.sha256(png).hexdigest()}.png", png)
    look = keep_look(store, brand_id, replace(look_of(store, brand_id), logo_key=key), now)
    return look, {"width_px": width, "height_px": height, "notes": list(notes)}


def keep_font(
    store: Store, objects: Objects, brand_id: str, role: FontRole, data: bytes, now: datetime
) -> tuple[Look, FontFacts]:
    """Check a font, keep it, use it from now on.

    Raises:
        InvalidInput: see ``check_font``.
    """
    facts = check_font(data)
    key = objects.put(f"brands/{facts.sha256}.{facts.suffix}", data)
    old = look_of(store, brand_id)
    fonts = {**(old.fonts or {}), role: f"{facts.family} {facts.style}"}
    named = replace(old, fonts=fonts)
    look = replace(named, headline_font_key=key) if role == "headline" else replace(named, text_font_key=key)
    return keep_look(store, brand_id, look, now), facts


def drop_file(store: Store, brand_id: str, what: Literal["logo", "headline", "text"], now: datetime) -> Look:
    """Back to what is used without the file. The bytes stay: finished creatives name them.

    Raises:
        NotFound: there is none.
    """
    old = look_of(store, brand_id)
    keys = {"logo": old.logo_key, "headline": old.headline_font_key, "text": old.text_font_key}
    if keys[what] is None:
        raise NotFound("logo" if what == "logo" else f"{what} font", brand_id)
    fonts = {role: name for role, name in (old.fonts or {}).items() if role != what}
    if what == "logo":
        new = replace(old, logo_key=None)
    elif what == "headline":
        new = replace(old, headline_font_key=None, fonts=fonts)
    else:
        new = replace(old, text_font_key=None, fonts=fonts)
    return keep_look(store, brand_id, new, now)
