"""Google Merchant product data as a product of ours.

Source: Google Merchant Center Help, "Product data specification" (support.google.com/merchants/answer/7052112).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

from service.errors import InvalidInput

LONGEST_FACT = 500
_FACTS = {  # attribute -> the key that a fact gets
    "color": "colour",
    "material": "material",
    "pattern": "pattern",
    "size": "size",
    "product_weight": "weight",
    "product_height": "height",
    "product_width": "width",
    "product_length": "length",
    "unit_pricing_measure": "net content",
    "energy_efficiency_class": "energy class",
}
_MARKS = ("product_type", "google_product_category", "availability", "image_link", "gtin", "mpn", "condition", "link")


def looks_like_merchant(columns: Sequence[str]) -> bool:
    """Whether a table's columns are Google's: id and title, and at least two that only Google has."""
    names = {column.removeprefix("g:").replace(" ", "_") for column in columns}
    return {"id", "title"} <= names and sum(mark in names for mark in _MARKS) >= 2


def from_attributes(said: Mapping[str, Sequence[str]], currency: str) -> dict[str, Any]:
    """A product file's object out of Google's attributes, each with all its values.

    Args:
        said: attribute without ``g:`` -> its values.
        currency: of a price without one.

    Raises:
        InvalidInput: no id or title, or a price that is none; ``field`` is the attribute.
    """

    def one(name: str) -> str:
        return next((" ".join(value.split()) for value in said.get(name, ()) if value.strip()), "")

    for name in ("id", "title"):
        if not one(name):
            raise InvalidInput(name, "missing")
    product: dict[str, Any] = {"id": safe_id(one("id")), "title": one("title")}
    for key, name in (("brand", "brand"), ("landing_page", "link")):
        if one(name):
            product[key] = one(name)
    category = one("product_type") or one("google_product_category")
    if category and not category.isdigit():
        product["category"] = re.split(r"\s*>\s*", category)[-1]
    if one("price"):
        product["price"] = money(one("price"), currency)
    photos = [link for name in ("image_link", "additional_image_link") for link in said.get(name, ()) if link.strip()]
    if photos:
        product["photos"] = [link.strip()[:LONGEST_FACT] for link in photos[:50]]
    facts = _facts(said, one)
    if facts:
        product["facts"] = facts
    return product


def _facts(said: Mapping[str, Sequence[str]], one: Any) -> list[dict[str, str]]:
    facts = [{"key": key, "value": one(name)[:LONGEST_FACT]} for name, key in _FACTS.items() if one(name)]
    if one("multipack").isdigit() and int(one("multipack")) > 1:
        facts.append({"key": "pieces", "value": one("multipack")})
    for detail in said.get("product_detail", ()):
        for part in detail.split(",") if detail.count(":") > 2 else [detail]:
            names = [piece.strip() for piece in part.split(":")]
            if len(names) >= 3 and names[-2] and names[-1]:
                facts.append({"key": names[-2][:LONGEST_FACT], "value": names[-1][:LONGEST_FACT]})
    highlights = (" ".join(highlight.split())[:LONGEST_FACT] for highlight in said.get("product_highlight", ()))
    facts += [{"key": "feature", "value": highlight} for highlight in highlights if highlight]
    description = unescape(re.sub(r"<[^>]*>", " ", one("description")))
    if description.strip():
        text = " ".join(description.split())
        cut = text if len(text) <= LONGEST_FACT else text[:LONGEST_FACT].rsplit(" ", 1)[0]
        facts.append({"key": "description", "value": cut})
    return facts[:200]


def safe_id(given: str) -> str:
    """An id of ours for an id of theirs: what we do not take in ids becomes a dash.

    >>> safe_id("SKU 12/3")
    'SKU-12-3'
    """
    return re.sub(r"^[^A-Za-z0-9]+", "", re.sub(r"[^A-Za-z0-9._-]", "-", given))[:128] or given


_MONEY = re.compile(r"^(?:([A-Z]{3})\s*)?(\d{1,3}(?:[ .,]\d{3})*|\d+)(?:[.,](\d{1,2}))?(?:\s*([A-Z]{3}))?$")


def money(said: str, currency: str) -> dict[str, str]:
    """ "1,299.00 USD" as amount and currency.

    Raises:
        InvalidInput: no price.

    >>> money("12,99 EUR", "USD")
    {'amount': '12.99', 'currency': 'EUR'}
    """
    match = _MONEY.match(said.strip())
    if match is None:
        raise InvalidInput("price", f"{said!r} is no price such as 12.99 EUR")
    whole = re.sub(r"[ .,]", "", match.group(2))
    return {
        "amount": f"{whole}.{match.group(3)}" if match.group(3) else whole,
        "currency": match.group(1) or match.group(4) or currency,
    }
