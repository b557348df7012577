"""What a merchant types: a product as title, facts, price and reviews, or as JSON; channels and how it is to sound.

Everything is read at once, so that one look at the form shows all that is wrong; nothing typed is lost.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import prompts
from prompts.rules import market_ids, pack
from service.arena import utc_now
from service.copy.brief import BriefFile, brief_for, merged, parse_brief
from service.copy.composer import LANGUAGES as COMPOSED
from service.copy.generate import wanted_counts
from service.domain import Product
from service.errors import InvalidInput, NotFound
from service.products import parse_product
from service.settings import Settings
from service.storage.drafts import find_products

from .web import Member

FOUND = 8  # products shown at once
DEFAULT_CHANNELS = ("google_rsa", "meta_feed", "email")
MOST_VARIANTS = 30
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Search and shopping", ("google_rsa", "google_pmax", "google_demand_gen", "google_rda", "google_merchant",
                                 "microsoft_rsa")),
    ("Social", ("meta_feed", "meta_story", "meta_reels", "tiktok_infeed", "tiktok_organic_photo",
                    "pinterest_standard", "linkedin_single_image", "x_website_card")),
    ("Marketplaces", ("amazon_listing", "amazon_sponsored_brands")),
    ("China", ("taobao_tmall", "jd", "pinduoduo", "douyin_shop", "xiaohongshu_note", "xiaohongshu_goods")),
    ("Direct", ("email", "push", "sms")),
)  # fmt: skip
NAMES = {"en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish", "ja": "Japanese",
         "it": "Italian", "nl": "Dutch", "pt": "Portuguese", "ko": "Korean"}  # fmt: skip
TONES = ("calm, precise", "warm, friendly", "playful", "bold, confident", "modest, factual", "elegant")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as text, so that a form that was refused comes back as it was."""

    source: str = "new"  # new, json, kept
    title: str = ""
    facts: str = ""
    price: str = ""
    brand_name: str = ""
    category: str = ""
    reviews: str = ""
    json: str = ""
    product: str = ""
    find: str = ""
    channels: tuple[str, ...] = DEFAULT_CHANNELS
    language: str = ""
    market: str = ""
    brand: str = ""
    tone: str = ""
    audience: str = ""
    avoid: str = ""
    keywords: str = ""
    offer: str = ""  # a promotion in words, with the days it runs, both included
    offer_starts: str = ""
    offer_ends: str = ""
    variants: str = "8"

    @classmethod
    def of(cls, who: Member) -> Form:
        texts = {name: _clean(who.form.get(name)) for name in cls.__dataclass_fields__ if name != "channels"}
        return cls(**{k: v for k, v in texts.items() if v is not None}, channels=who.texts("channels"))


def _clean(value: Any) -> str | None:
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else None


@dataclass(slots=True)
class Wish:
    """What the form asks for, and what is wrong with it: field -> reason."""

    product: Product | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read(form: Form, who: Member) -> Wish:
    """Everything in the form, with every problem that it has."""
    wish = Wish()
    if form.source == "kept":
        if not form.product:
            wish.problems["product"] = "choose one of your products, or paste a new one"
        else:
            try:
                wish.product = who.store.products.get(form.product)
            except NotFound:
                wish.problems["product"] = "this product is gone; choose another"
    elif form.source == "json":
        wish.product = _from_json(form.json, wish.problems)
    else:
        wish.product = _from_fields(form, wish.problems)
    known = {id for _, ids in channel_groups() for id, _, _ in ids}
    if not form.channels:
        wish.problems["channels"] = "choose at least one place where the words will run"
    elif unknown := [id for id in form.channels if id not in known]:
        wish.problems["channels"] = f"no channel {unknown[0]!r}"
    language = form.language or (wish.product.language if wish.product else "en")
    here = languages(who.services.settings)
    if language.split("-")[0].lower() not in here:
        named = ", ".join(NAMES.get(tag, tag) for tag in here)
        wish.problems["language"] = f"{language!r} cannot be written here; these can: {named}"
    if form.market and form.market not in market_ids():
        wish.problems["market"] = "choose a market of the list"
    brief = _with_brand(form, who, _brief(form, wish.problems), wish.problems)
    wish.asked = {"variants": _variants(form, wish.problems), "seed": 0, "brand": form.brand or None, "brief": brief}
    if wish.product is not None and not wish.problems:
        try:
            brief_for(wish.product, form.channels[0], parse_brief(brief), today=utc_now().date())
        except InvalidInput as error:
            place = "offer" if form.offer and error.field.startswith("offer") else "brand"
            wish.problems[place] = error.reason if place == "offer" else f"{error.field}: {error.reason}"
    return wish


def _with_brand(form: Form, who: Member, said: dict[str, Any], problems: dict[str, str]) -> dict[str, Any]:
    """What was asked over the brief of the brand that was chosen, as it is today."""
    if not form.brand:
        return said
    try:
        kept = parse_brief(who.store.brands.get(form.brand))
    except NotFound:
        problems["brand"] = "this brand is gone; choose another"
        return said
    return merged(kept, parse_brief(said)).model_dump(mode="json", exclude_unset=True)


def _variants(form: Form, problems: dict[str, str]) -> int:
    if re.fullmatch(r"\d{1,3}", form.variants) and 1 <= int(form.variants) <= MOST_VARIANTS:
        return int(form.variants)
    problems["variants"] = f"a whole number from 1 to {MOST_VARIANTS}"
    return 8


_PLACES = {"words_to_avoid": "avoid", "words_to_use": "avoid", "offers": "offer"}


def _brief(form: Form, problems: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "language": form.language,
        "market": form.market,
        "tone": form.tone,
        "audience": form.audience,
        "words_to_avoid": words_of(form.avoid),
        "keywords": words_of(form.keywords),
        "offers": _offers(form, problems),
    }
    said = {key: value for key, value in said.items() if value}
    try:
        parse_brief(said)
    except InvalidInput as error:
        head = error.field.split(".")[0]
        problems[_PLACES.get(head, head)] = error.reason
        return {}
    return BriefFile.model_validate(said).model_dump(mode="json", exclude_unset=True)


def _offers(form: Form, problems: dict[str, str]) -> list[dict[str, str]]:
    """The form's one offer, with its days; empty where none is typed."""
    days = {"starts": form.offer_starts, "ends": form.offer_ends}
    if not form.offer:
        if any(days.values()):
            problems["offer"] = "say what the offer is: “10% off everything”"
        return []
    for name, day in days.items():
        if day and not _is_day(day):
            problems["offer"] = f"“{day[:20]}” is no day; write it as 2026-11-30"
            return []
        if name == "ends" and day and date.fromisoformat(day) < utc_now().date():
            problems["offer"] = f"this offer ended on {day}; nothing is written for an offer that is over"
            return []
    starts, ends = days["starts"], days["ends"]
    if starts and ends and ends < starts:
        problems["offer"] = f"the offer ends on {ends}, before it starts on {starts}"
        return []
    if starts and date.fromisoformat(starts) > utc_now().date():
        problems["offer"] = f"this offer begins on {starts}; ask for its words on that day"
        return []
    return [{"text": form.offer, **{name: day for name, day in days.items() if day}}]


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def words_of(text: str) -> list[str]:
    """Words between commas, semicolons or on lines of their own, each once.

    >>> words_of("cheap, best seller；便宜")
    ['cheap', 'best seller', '便宜']
    """
    return list(dict.fromkeys(word.strip() for word in re.split(r"[,;，；、\n]", text) if word.strip()))


# --- the product ---------------------------------------------------------------------------------------------------


def _from_json(text: str, problems: dict[str, str]) -> Product | None:
    if not text:
        problems["json"] = 'paste a product file, at least {"id": "mug", "title": "Stoneware mug"}'
        return None
    if text.lstrip().startswith("["):
        problems["json"] = "this is a list; paste one product here, and send many with `adloom copy-feed` or /v1/feeds"
        return None
    try:
        return parse_product(text)
    except InvalidInput as error:
        problems["json"] = error.reason if error.field == "product" else f"{error.field}: {error.reason}"
        return None


def _from_fields(form: Form, problems: dict[str, str]) -> Product | None:
    language = form.language or ("zh" if re.search(r"[\u4e00-\u9fff]", form.title) else "en")
    said: dict[str, Any] = {"title": form.title, "language": language}
    if not form.title:
        problems["title"] = "what is it called? “Stoneware mug 350 ml”"
    elif len(form.title) > 500:
        problems["title"] = f"{len(form.title)} characters; at most 500"
    said |= {name: value for name, value in (("brand", form.brand_name), ("category", form.category)) if value}
    for name, reader in (("facts", facts_of), ("reviews", reviews_of)):
        try:
            said[name] = reader(getattr(form, name))
        except InvalidInput as error:
            problems[name] = error.reason
    if form.price:
        try:
            said["price"] = price_of(form.price, language)
        except InvalidInput as error:
            problems["price"] = error.reason
    if problems.keys() & {"title", "facts", "reviews", "price"}:
        return None
    try:
        return parse_product({"id": id_of(form.title, said), **said})
    except InvalidInput as error:
        head = error.field.split(".")[0]
        problems[{"brand": "brand_name"}.get(head, head)] = error.reason
        return None


def id_of(title: str, said: Mapping[str, Any]) -> str:
    """An id of its own for what was typed: readable, and the same for the same product."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "product"
    digest = hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()[:8]
    return f"{slug}-{digest}"


_BULLET = re.compile(r"^[-*•·–—]\s+")
_FACT = re.compile(r"([^:：=\t]{1,200})\s*(?::|：|=|\t)\s*(.+)")


def facts_of(text: str) -> list[dict[str, str]]:
    """Facts, one a line, "key: value".

    Raises:
        InvalidInput: a line without a key; it is named with its number and what to write instead.

    >>> facts_of("Capacity: 350 ml")
    [{'key': 'capacity', 'value': '350 ml'}]
    """
    found: list[dict[str, str]] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = _BULLET.sub("", raw.strip())
        if not line:
            continue
        match = _FACT.fullmatch(line)
        if match is None:
            said = line if len(line) <= 40 else f"{line[:39]}…"
            raise InvalidInput("facts", f"line {number}, “{said}”, has no colon; write “{_key_for(line)}: {said}”")
        key, value = match[1].strip(), match[2].strip()
        if not key or not value:
            raise InvalidInput("facts", f"line {number} has a colon and nothing {'after' if key else 'before'} it")
        found.append({"key": key.lower() if key.isascii() else key, "value": value})
    if len(found) > 200:
        raise InvalidInput("facts", f"{len(found)} facts; at most 200")
    return found


_GUESSES = (
    (r"\d\s*(?:ml|l|oz|cl)\b", "capacity"),
    (r"\d\s*(?:g|kg|lb)\b", "weight"),
    (r"\d\s*(?:mm|cm|m|in)\b", "size"),
    (r"\d\s*(?:h|hours?|years?|months?)\b", "warranty"),
    (r"cotton|steel|wood|leather|wool|glass|ceramic|stoneware|plastic|linen|silk", "material"),
    (r"made in", "origin"),
    (r"certifi|ISO|OEKO|GOTS|FSC|\bCE\b", "certification"),
)


def _key_for(line: str) -> str:
    return next((key for pattern, key in _GUESSES if re.search(pattern, line, re.I)), "feature")


_STARS = re.compile(r"^(?:(★{1,5})☆{0,4}|([1-5](?:[.,]\d)?)\s*(?:/\s*5|stars?|★|星|\|))\s*[:|，,–-]?\s*(.+)$", re.I)


def reviews_of(text: str) -> list[dict[str, Any]]:
    """Reviews, one a line, with stars before it where they are known.

    >>> reviews_of("5 stars: Pours well")
    [{'id': 'r1', 'text': 'Pours well', 'stars': 5.0}]
    """
    found: list[dict[str, Any]] = []
    for number, raw in enumerate((line for line in text.split("\n") if line.strip()), 1):
        line = _BULLET.sub("", raw.strip())
        if len(line) > 5_000:
            raise InvalidInput("reviews", f"review {number} has {len(line)} characters; at most 5,000")
        match = _STARS.match(line)
        if match is None:
            found.append({"id": f"r{number}", "text": line})
        else:
            stars = float(len(match[1])) if match[1] else float(match[2].replace(",", "."))
            found.append({"id": f"r{number}", "text": match[3].strip(), "stars": stars})
    return found


_SIGNS = {"€": "EUR", "$": "USD", "us$": "USD", "£": "GBP", "元": "CNY", "円": "JPY", "rmb": "CNY", "chf": "CHF"}
_PRICE = re.compile(r"([^\d\s.,]{0,4})\s*([\d.,' ]*\d)\s*([^\d\s.,]{0,4})")


def price_of(text: str, language: str) -> dict[str, str]:
    """An amount with its currency.

    Raises:
        InvalidInput: no amount, no currency, or more than one reading.

    >>> price_of("€24,90", "en"), price_of("1,299.00 USD", "en")
    ({'amount': '24.90', 'currency': 'EUR'}, {'amount': '1299.00', 'currency': 'USD'})
    """
    match = _PRICE.fullmatch(text.strip())
    if match is None or bool(match[1]) == bool(match[3]):
        raise InvalidInput("price", f"“{text[:40]}”: write the amount and its currency, such as 24.90 EUR or $24.90")
    sign = (match[1] or match[3]).strip()
    currency = _SIGNS.get(sign.lower(), sign.upper())
    if sign in ("¥", "￥"):
        currency = "JPY" if language.startswith("ja") else "CNY"
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise InvalidInput("price", f"“{sign}” is no currency we know; write its three letters, such as 24.90 EUR")
    amount = re.sub(r"[ ']", "", match[2])
    last = max(amount.rfind("."), amount.rfind(","))
    if last >= 0 and len(amount) - last - 1 <= 2:
        amount = re.sub(r"[.,]", "", amount[:last]) + "." + amount[last + 1 :]
    else:
        amount = re.sub(r"[.,]", "", amount)
    if len(amount.partition(".")[0]) > 9:
        raise InvalidInput("price", "at most 9 digits before the point")
    return {"amount": amount, "currency": currency}


# --- what can be chosen --------------------------------------------------------------------------------------------


def channel_groups() -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    """Channels with text by kind: (kind, ((id, name, what they hold), ...)). New channel files come last."""
    with_text = {id for id in prompts.channels.channels() if prompts.channel(id).text}
    grouped = {id for _, ids in GROUPS for id in ids}
    others = tuple(sorted(with_text - grouped))
    found = [*GROUPS, *((("Others", others),) if others else ())]
    return tuple(
        (name, tuple((id, prompts.channel(id).name, holds(id)) for id in ids if id in with_text)) for name, ids in found
    )


_PLURALS = {"call_to_action": "buttons", "body": "texts"}


def field_name(name: str, n: int = 1) -> str:
    """A field as people say it.

    >>> field_name("primary_text"), field_name("headline", 3)
    ('primary text', 'headlines')
    """
    words = "button" if name == "call_to_action" else name.replace("_", " ")
    for code, shown in (("ios", "iOS"), ("oppo", "OPPO"), ("vivo", "vivo"), ("gsm7", "(Latin)"), ("ucs2", "(Chinese)")):
        words = re.sub(rf"\b{code}\b", shown, words)
    return words if n == 1 else words[:-1] + "ies" if words.endswith("y") else words + "s"


def holds(channel: str) -> str:
    """What a channel takes, in a few words: "15 headlines of 30, 4 descriptions of 90"."""
    fields = [(n, f) for n, f in prompts.channel(channel).text.items() if n not in ("path", "display_path")]
    parts = []
    for name, spec in fields[:3]:
        n = spec.max_items or 1
        parts.append(
            f"{n} {field_name(name, n)} of {spec.write_to}" if n > 1 else f"{field_name(name)} of {spec.write_to}"
        )
    more = len(fields) - 3
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")


def languages(settings: Settings) -> tuple[str, ...]:
    """Languages that can be written here, as far as that can be told without loading a model."""
    said = tuple(tag.strip().split("-")[0] for tag in (settings.text_languages or "").split(",") if tag.strip())
    able = ("de", "es", "fr", "ja") if settings.text_backend == "openai-compatible" and not said else ()
    return tuple(dict.fromkeys((*COMPOSED, *said, *able)))


def choices(who: Member, form: Form) -> dict[str, Any]:
    """Everything the form's page offers."""
    here = who.services.settings
    brands = who.store.brands.page(None, 100).items
    return {
        "groups": channel_groups(),
        "languages": [(tag, NAMES.get(tag, tag)) for tag in languages(here)],
        "markets": [(id, pack(id).name) for id in market_ids()],
        "brands": [id for id, _ in brands],
        "tones": TONES,
        "found": find_products(who.services.database, who.workspace, form.find, FOUND),
        "most_variants": MOST_VARIANTS,
    }


def wanted(channel: str, asked: Mapping[str, Any], language: str) -> dict[str, int]:
    """Field -> how many texts will be written for a channel."""
    return wanted_counts(channel, int(asked.get("variants", 8)), language)
