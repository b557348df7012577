"""The brief as merchants write it: a JSON or TOML file, a request's body, or a brand that was kept.

Strict as the product file: unknown keys are refused with their name. Where a request and a kept brand both say
something, the request wins, key by key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from prompts.rules import find_market
from service.domain import Brand, Brief, Fact, Money, Offer, Product, Voice
from service.errors import InvalidInput
from service.products import MoneyFile

from .inert import is_tampered
from .voice import voice_of

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slider = Annotated[float, Field(ge=-2, le=2, strict=False)]
Day = Annotated[date, Field(strict=False)]
Market = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=40)]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class VoiceFile(_Strict):
    """Three sliders from -2 to 2, and words of one's own."""

    formal: Slider = 0.0
    playful: Slider = 0.0
    bold: Slider = 0.0
    words: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class OfferFile(_Strict):
    """A promotion. Days are ISO 8601, both included."""

    text: Words
    starts: Day | None = None
    ends: Day | None = None
    price: MoneyFile | None = None
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{2,32}$")] | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> OfferFile:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError(f"ends on {self.ends}, before it starts on {self.starts}")
        return self


class BriefFile(_Strict):
    """What copy is to say, to whom, how. Every key may be absent."""

    brand: Words | None = None  # the name to use; else the product's
    tone: VoiceFile | Words | None = None  # sliders, or words such as "calm, precise"
    words_to_use: Annotated[list[Words], Field(max_length=50)] = []
    words_to_avoid: Annotated[list[Words], Field(max_length=200)] = []
    examples: Annotated[list[Words], Field(max_length=20)] = []
    audience: Words | None = None
    persona: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] | None = None
    keywords: Annotated[list[Words], Field(max_length=50)] = []
    offers: Annotated[list[OfferFile], Field(max_length=10)] = []
    market: Market | None = None  # a rule pack: cn, eu, us, uk ...; else by language and currency
    language: LanguageTag | None = None
    runs_on: Day | None = None  # the day the copy is to run; else today


NO_BRIEF = BriefFile()


def parse_brief(data: bytes | str | Mapping[str, Any], *, is_toml: bool = False) -> BriefFile:
    """A brief from a file's text or a parsed object.

    Raises:
        InvalidInput: not JSON or TOML, or a missing, unknown or malformed field; ``field`` is its path.
    """
    try:
        if isinstance(data, Mapping):
            return BriefFile.model_validate(dict(data))
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        parsed = tomllib.loads(text) if is_toml else json.loads(text)
        if not isinstance(parsed, dict):
            raise InvalidInput("brief", "not an object")
        return BriefFile.model_validate(parsed)
    except UnicodeDecodeError as error:
        raise InvalidInput("brief", f"not UTF-8 at byte {error.start}") from error
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput("brief", f"not {'TOML' if is_toml else 'JSON'}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("VoiceFile", "constrained-str"))
        known = ", ".join(BriefFile.model_fields)
        reason = f"unknown key; known keys: {known}" if first["type"] == "extra_forbidden" else str(first["msg"])
        raise InvalidInput(where or "brief", reason) from error


def merged(*briefs: BriefFile | None) -> BriefFile:
    """Several briefs as one; a key that a later one sets wins. Words to avoid add up: nobody may allow them again."""
    said: dict[str, Any] = {}
    avoided: list[str] = []
    for brief in briefs:
        if brief is not None:
            avoided += brief.words_to_avoid
            said |= {key: getattr(brief, key) for key in brief.model_fields_set}
    if avoided:
        said["words_to_avoid"] = list(dict.fromkeys(avoided))
    return BriefFile.model_construct(_fields_set=set(said), **{**NO_BRIEF.__dict__, **said})


def brief_for(
    product: Product,
    channel: str,
    file: BriefFile = NO_BRIEF,
    *,
    variants: int = 8,
    today: date,
    brand: Brand | None = None,
) -> Brief:
    """The brief of one product on one channel.

    Args:
        today: the day the copy runs, unless the brief names one.
        brand: how the brand looks, where that matters.

    Raises:
        InvalidInput: an offer is over or has not begun on that day.
        prompts.UnknownMarket: no such market; it names those that exist.
    """
    day = file.runs_on or today
    offers = tuple(_offer(offer) for offer in file.offers)
    for number, offer in enumerate(offers):
        _check_runs(number, offer, day)
    language = file.language or product.language
    said = file.tone if file.tone is not None else product.tone
    voice = Voice(**said.model_dump()) if isinstance(said, VoiceFile) else voice_of(said or "")
    look = brand or Brand(name="")
    return Brief(
        product=product,
        channel=channel,
        language=language,
        brand=replace(
            look,
            name=file.brand or product.brand or look.name,
            words_to_avoid=(*look.words_to_avoid, *file.words_to_avoid),
            words_to_use=(*look.words_to_use, *file.words_to_use),
        ),
        audience=file.audience or product.audience,
        tone=voice.words or None,
        market=find_market(file.market or market_of(language, product.price.currency if product.price else None)),
        variants=variants,
        voice=voice,
        persona=file.persona,
        keywords=tuple(dict.fromkeys(file.keywords)),
        offers=offers,
        examples=tuple(file.examples),
        day=day,
    )


def _offer(file: OfferFile) -> Offer:
    price = Money(Decimal(file.price.amount), file.price.currency) if file.price else None
    return Offer(file.text, file.starts, file.ends, price, file.code)


def _check_runs(number: int, offer: Offer, day: date) -> None:
    if offer.ends is not None and day > offer.ends:
        raise InvalidInput(
            f"offers.{number}", f"{offer.text!r} ended on {offer.ends}, the copy runs on {day}; drop it or give runs_on"
        )
    if offer.starts is not None and day < offer.starts:
        raise InvalidInput(
            f"offers.{number}", f"{offer.text!r} starts on {offer.starts}, the copy runs on {day}; give runs_on"
        )


def evidence_of(brief: Brief) -> Product:
    """The product with what the brief's running offers allow to be said: what the ledger checks against.

    An offer without a matching day is left out, whoever built the brief, and so is a fact with signs in it that only
    somebody who means to steer a model puts there: it proves nothing.
    """
    product = brief.product
    honest = tuple(fact for fact in product.facts if not is_tampered(fact.value) and not is_tampered(fact.key))
    if len(honest) < len(product.facts):
        product = replace(product, facts=honest)
    if brief.brand.name and not product.brand:
        product = replace(product, brand=brief.brand.name)
    if brief.audience and brief.audience != product.audience:
        product = replace(product, audience=brief.audience)
    for offer in brief.offers:
        if (offer.starts or offer.ends) and (brief.day is None or not offer.runs_on(brief.day)):
            continue
        facts = [Fact("offer", offer.text)]
        if offer.code:
            facts.append(Fact("offer code", offer.code))
        if offer.price is not None:
            before = product.price
            if before is not None and before != offer.price:
                facts.append(Fact("regular price", f"{before.amount} {before.currency}"))
            product = replace(product, price=offer.price)
        product = replace(product, facts=(*product.facts, *facts))
    return product


_BY_CURRENCY = {"CNY": "cn", "GBP": "uk", "USD": "us", "EUR": "eu", "JPY": "jp"}
_BY_LANGUAGE = {"zh": "cn", "de": "de", "fr": "fr", "ja": "jp"}
_BY_REGION = {
    "GB": "uk",
    "US": "us",
    "CN": "cn",
    "DE": "de",
    "FR": "fr",
    "JP": "jp",
    "AT": "eu",
    "ES": "eu",
    "IT": "eu",
}


def market_of(language: str, currency: str | None) -> str:
    """Whose rules most likely hold: by the language's region, its currency, the language; else "eu", the strictest.

    >>> market_of("en", "USD"), market_of("zh", None), market_of("en-GB", "EUR")
    ('us', 'cn', 'uk')
    """
    tag, _, region = language.partition("-")
    by_language = _BY_LANGUAGE.get(tag.lower())
    if region.upper() in _BY_REGION:
        return _BY_REGION[region.upper()]
    if by_language and (tag == "zh" or currency in (None, "EUR", "JPY")):
        return by_language
    return _BY_CURRENCY.get(currency or "") or by_language or "eu"
