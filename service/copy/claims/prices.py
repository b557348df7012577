"""Prices, earlier prices, savings and discounts, held against the product's price and what its facts say of money."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.copy.facts import FactBook, FactQuantity, Line
from service.copy.lexicon import meaning
from service.copy.money import Amount, amounts_in, discounts_in
from service.copy.words import plain

from .reading import GRAMMAR, Reading

_LIST_PRICE_KEY = re.compile(
    r"\b(?:was|list|rrp|msrp|compare|original|regular|old|before|previous|uvp|statt|bisher|ancien|barré|antes|anterior)\b|原价|市场价|吊牌价|划线价|定価|通常",
)


_OFFER_KEY = re.compile(
    r"discount|replacement|trade[- ]in|sale|offer|promotion|coupon|折扣|优惠|rabatt|remise|descuento|割引"
)


_EACH_PRICE = re.compile(r"\s*(?:each|apiece|per\s|an?\s|pro\s|je\s|par\s|la\s+pièce|por\s|/|一[个件只包片支]|每)")


_EACH_PRICE_BEFORE = re.compile(r"(?:each|per \w+|每[个件只包片支份]|单[个件只价]|平均)[^\d]{0,8}$")


_FOR_SEVERAL = re.compile(
    r"(?:set|pack|bundle|box) of (\d+)|(\d+)\s*(?:[a-z]+\s+)?(?:for|pour|für|por)\b|(\d+)\s*[件个只包]"
)


@dataclass(frozen=True, slots=True)
class _Prices:
    """What the product's price and facts say about money: now, before, and for several together."""

    now: float | None
    before: tuple[tuple[float, Line], ...]
    several: tuple[tuple[int, float, Line], ...]  # so many, for so much

    def savings(self) -> list[tuple[float, float, str]]:
        """(amount saved, of what, evidence)."""
        if self.now is None:
            return []
        found = [(was - self.now, was, line.shown) for was, line in self.before if was > self.now]
        found += [(n * self.now - total, n * self.now, line.shown) for n, total, line in self.several if n * self.now > total]  # fmt: skip  # noqa: E501
        return found


def _prices(book: FactBook) -> _Prices:
    price = book.product.price
    before, several = [], []
    for line in book.facts():
        key, value = line.key.lower().replace("_", " "), plain(line.value)
        amounts = amounts_in(value, book.product.language)
        if _LIST_PRICE_KEY.search(key):
            before += [(a.value, line) for a in amounts]
            if not amounts and "price" in key:
                before += [(fq.quantity.number, line) for fq in book.quantities if fq.line is line]
        before += [(a.value, line) for a in amounts if a.role == "earlier"]
        for amount in amounts:
            count = _FOR_SEVERAL.search(value.lower)
            if count:
                several.append((int(next(g for g in count.groups() if g)), amount.value, line))
    return _Prices(float(price.amount) if price else None, tuple(before), tuple(several))


def read_prices(reading: Reading) -> None:
    source, book = reading.source, reading.book
    amounts, discounts = amounts_in(source, reading.language), discounts_in(source)
    if not amounts and not discounts:
        return
    prices = _prices(book)
    for start, end, percent in discounts:
        _judge_discount(reading, prices, start, end, percent)
    for amount in amounts:
        if reading.is_free(amount.start, amount.end):
            _judge_amount(reading, prices, amount)


def _judge_discount(reading: Reading, prices: _Prices, start: int, end: int, percent: float | None) -> None:
    line = _discount_line(reading.book, percent)
    if line is not None:
        return reading.supported(start, end, "discount", line)
    savings = prices.savings()
    shown = f"price: {reading.book.product.price.amount} {reading.book.product.price.currency}" if reading.book.product.price else ""  # fmt: skip  # noqa: E501
    for saved, of, evidence in savings:
        if percent is not None and _share_holds(
            reading, start, end, percent, 100 * saved / of
        ):  # 25.3 % is advertised as 25 %
            return reading.supported(start, end, "discount", f"{evidence}; {shown}")
    if savings and percent is not None:
        return reading.contradicted(start, end, "discount", f"{savings[0][2]}; {shown}")
    reading.unsupported(start, end, "discount", "no fact gives this discount")
    return None


_ROUGHLY = re.compile(
    r"(?:nearly|almost|about|around|roughly|close to|just under|just over|over|more than|up to|fast|rund|etwa|knapp|über|bis zu|près de|environ|jusqu'à|casi|hasta|近|约|将近|超|高达)\s*$"  # noqa: E501
)
_LESS = re.compile(r"(?:nearly|almost|up to|just under|fast|knapp|bis zu|près de|jusqu'à|casi|hasta|近|将近|高达)\s*$")


def _share_holds(reading: Reading, start: int, end: int, claimed: float, true: float) -> bool:
    """Whether a share saved is what it is said to be: 25.3 % is 25 %, 18.9 % is nearly 20 %."""
    if abs(true - claimed) < 1.0:
        return True
    said = reading.source.lower
    before = said[max(0, start - 12) : start] + re.split(r"\d", said[start:end])[0]
    if not _ROUGHLY.search(before.strip()):
        return False
    return abs(true - claimed) <= 2.5 if _LESS.search(before.strip()) else -0.5 <= true - claimed <= 2.5


def _discount_line(book: FactBook, percent: float | None) -> Line | None:
    for line in book.facts():
        for _, _, fact_percent in discounts_in(plain(f"{line.key}: {line.value}")):
            if percent is not None and fact_percent == percent:
                return line
        if percent is not None and _OFFER_KEY.search(line.key.lower()):  # noqa: SIM102
            if any(fq.line is line and fq.quantity.number == percent for fq in book.quantities):
                return line
    return None


def _judge_amount(reading: Reading, prices: _Prices, amount: Amount) -> None:
    price, span = reading.book.product.price, (amount.start, amount.end)
    type = "price" if amount.role in ("price", "threshold") else "discount"
    for line in reading.book.facts():
        for known in amounts_in(plain(line.value), reading.book.product.language):
            was = bool(_LIST_PRICE_KEY.search(line.key.lower().replace("_", " "))) or known.role == "earlier"
            if known.value == amount.value and known.same_currency(amount) and was == (amount.role == "earlier"):
                return reading.supported(*span, type, line)
            if known.value == amount.value and amount.role == "saving" and known.role == "saving":
                return reading.supported(*span, type, line)
    if amount.role == "earlier":
        if prices.before:
            return reading.contradicted(*span, type, prices.before[0][1])
        return reading.unsupported(*span, type, "no fact gives this earlier price")
    if amount.role == "threshold":
        return reading.unsupported(*span, type, "no fact names this order value")
    if amount.role == "saving":
        for saved, _, evidence in prices.savings():
            if abs(saved - amount.value) < 0.51 and (price is None or amount.is_currency(price.currency)):
                return reading.supported(*span, type, evidence)
        if prices.savings():
            return reading.contradicted(*span, type, prices.savings()[0][2])
        return reading.unsupported(*span, type, "no fact gives this saving")
    return _judge_price(reading, prices, amount)


def _judge_price(reading: Reading, prices: _Prices, amount: Amount) -> None:
    price, span = reading.book.product.price, (amount.start, amount.end)
    if price is None:
        return reading.unsupported(*span, "price", "the product has no price")
    shown, value = f"price: {price.amount} {price.currency}", float(price.amount)
    is_each = _EACH_PRICE.match(reading.source.lower, amount.end) or _EACH_PRICE_BEFORE.search(
        reading.source.lower[max(0, amount.start - 16) : amount.start]
    )
    if is_each:
        for n, line in reading.book.packs:
            if _price_holds(amount, value / n, each=True):
                return reading.supported(*span, "price", f"{shown}; {line.shown}")
        counted = _counted_after(reading, amount)
        for fq in counted:
            if _price_holds(amount, value / fq.quantity.number, each=True):
                return reading.supported(*span, "price", f"{shown}; {fq.line.shown}")
    if amount.is_currency(price.currency) and _price_holds(amount, value):
        return reading.supported(*span, "price", shown)
    return reading.contradicted(*span, "price", shown)


def _counted_after(reading: Reading, amount: Amount) -> list[FactQuantity]:
    """The facts that count what a price is for: "12p a wash" and lasts: 80 washes."""
    words = [w for w in reading.words_in(amount.end, amount.end + 24) if w.is_word and w.stem not in GRAMMAR]
    nouns = {meaning(w.stem) for w in words[:2]}
    is_known = any(fq.nouns & nouns for fq in reading.book.quantities)
    return [fq for fq in reading.book.quantities if fq.quantity.number > 1 and (fq.nouns & nouns or not is_known) and (not fq.quantity.measures or "pressure" in fq.quantity.dimensions)]  # fmt: skip  # noqa: E501


def _price_holds(amount: Amount, value: float, each: bool = False) -> bool:
    return {
        "under": value < amount.value,
        "within": value <= amount.value,
        "over": value > amount.value,
        "at_least": value >= amount.value,
        "about": abs(value - amount.value) <= (0.1 if each else 0.05) * value,
    }.get(amount.hedge, abs(value - amount.value) < (0.011 if each else 0.005))
