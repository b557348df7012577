"""Prices and offers as an advertisement shows them, made from facts and from nothing else.

A price that was crossed out is shown only where an offer that runs today carries its own price and the product's price
is the higher one. Money and dates are written as the Unicode CLDR says for the language (through Babel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service.domain import Money, Offer, Product

# "until" with its date; languages not listed show the bare date after a dash
_UNTIL = {
    "en": "until {0}", "de": "bis {0}", "fr": "jusqu’au {0}", "es": "hasta el {0}", "it": "fino al {0}",
    "pt": "até {0}", "nl": "t/m {0}", "pl": "do {0}", "cs": "do {0}", "sv": "t.o.m. {0}", "da": "til {0}",
    "nb": "til {0}", "fi": "{0} asti", "tr": "son gün {0}", "ro": "până la {0}", "hu": "{0}-ig", "el": "έως {0}",
    "ru": "до {0}", "uk": "до {0}", "zh": "截至{0}", "ja": "{0}まで", "ko": "{0}까지", "ar": "حتى {0}", "he": "עד {0}",
    "vi": "đến {0}", "id": "s.d. {0}", "th": "ถึง {0}", "hi": "{0} तक",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriceTag:
    """What it costs, as it is to be lettered."""

    now: str  # "€28.00"
    was: str | None = None  # "€35.00", crossed out


@dataclass(frozen=True, slots=True)
class OfferTag:
    """An offer, as it is to be lettered."""

    text: str  # "20% off"
    until: str | None = None  # "until 30 Nov"


def price_tag(product: Product, offers: Sequence[Offer], day: date, language: str | None = None) -> PriceTag | None:
    """The product's price on a day; None where no fact gives one.

    Args:
        offers: those that do not run on the day are passed over.
        language: BCP 47, how money is written; else the product's.
    """
    said = language or product.language
    usual = product.price
    running = [offer.price for offer in offers if offer.runs_on(day) and offer.price is not None]
    lower = [price for price in running if usual is None or price.currency == usual.currency]
    now = min(lower, key=lambda price: price.amount) if lower else usual
    if now is None:
        return None
    is_reduced = usual is not None and now.amount < usual.amount
    return PriceTag(money_text(now, said), money_text(usual, said) if is_reduced and usual else None)


def offer_tag(offers: Sequence[Offer], day: date, language: str) -> OfferTag | None:
    """The first offer that runs on the day, with its last day; None where none does."""
    running = next((offer for offer in offers if offer.runs_on(day)), None)
    if running is None:
        return None
    return OfferTag(running.text.strip(), until_text(running.ends, language) if running.ends else None)


def money_text(money: Money, language: str) -> str:
    """An amount as people who read the language write it; its own decimals are kept, never rounded away.

    >>> from decimal import Decimal
    >>> euros, dollars = Money(Decimal("28.00"), "EUR"), Money(Decimal(5), "USD")
    >>> money_text(euros, "de").replace(chr(160), " "), money_text(dollars, "en")
    ('28,00 €', '$5.00')
    """
    from babel.numbers import format_currency, get_currency_precision

    usual = get_currency_precision(money.currency)
    exponent = money.amount.normalize().as_tuple().exponent
    shows_more = isinstance(exponent, int) and -exponent > usual
    amount = money.amount if shows_more else money.amount.quantize(Decimal(1).scaleb(-usual))
    return str(format_currency(amount, money.currency, locale=_locale(language), currency_digits=not shows_more,
                               decimal_quantization=not shows_more))  # fmt: skip


def until_text(day: date, language: str) -> str:
    """A last day: "until 30 Nov"."""
    from babel.dates import format_skeleton

    locale = _locale(language)
    shown = str(format_skeleton("MMMd", day, locale=locale))
    return _UNTIL.get(locale.split("_")[0], "– {0}").format(shown)


def _locale(language: str) -> str:
    """The CLDR locale for a BCP 47 tag, or English where there is none."""
    from babel import Locale, UnknownLocaleError

    for tag in (language.replace("-", "_"), language.replace("_", "-").split("-")[0]):
        try:
            return str(Locale.parse(tag))
        except (UnknownLocaleError, ValueError):
            continue
    return "en"
