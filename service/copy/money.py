"""Amounts of money and discounts in a text: "€49", "49,00 Euro", "49元", "50% off", "8折"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .quantities import _BEFORE, Hedge, _number, han_number
from .words import Plain

_SYMBOLS = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN"), "us$": ("USD",), "c$": ("CAD",), "a$": ("AUD",), "€": ("EUR",), "£": ("GBP",),  # noqa: E501
    "¥": ("CNY", "JPY"), "元": ("CNY", "TWD"), "块钱": ("CNY",), "块": ("CNY",), "人民币": ("CNY",), "rmb": ("CNY",), "円": ("JPY",),  # noqa: E501
    "₩": ("KRW",), "₹": ("INR",), "dollar": ("USD", "CAD", "AUD"), "dollars": ("USD", "CAD", "AUD"), "bucks": ("USD",), "euro": ("EUR",),  # noqa: E501
    "euros": ("EUR",), "pounds sterling": ("GBP",), "quid": ("GBP",), "yuan": ("CNY",), "yen": ("JPY",), "franken": ("CHF",), "美元": ("USD",),  # noqa: E501
    "cent": ("USD", "EUR", "AUD", "CAD"), "cents": ("USD", "EUR", "AUD", "CAD"), "¢": ("USD",), "pence": ("GBP",), "p": ("GBP",), "centimes": ("EUR",), "céntimos": ("EUR",),  # noqa: E501
    "欧元": ("EUR",), "英镑": ("GBP",), "日元": ("JPY",), "dólares": ("USD",), "ドル": ("USD",), "ユーロ": ("EUR",),
}  # fmt: skip
_HUNDREDTHS = frozenset({"cent", "cents", "¢", "pence", "p", "centimes", "céntimos"})
_CODES = "USD EUR GBP CNY JPY CHF CAD AUD SEK NOK DKK PLN KRW INR SGD HKD TWD MXN BRL NZD".split()  # noqa: SIM905
_NUMBER = r"\d{1,3}(?: \d{3})+(?:,\d{1,2})?(?!\d)|\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?"
_FRONT = re.compile(
    rf"(?P<currency>us\$|c\$|a\$|[$€£¥₩₹]|\b(?:{'|'.join(c.lower() for c in _CODES)}|rmb)\b)\s?(?P<number>{_NUMBER})"
)
_BACK = re.compile(
    rf"(?<![\d.,])(?P<number>{_NUMBER})\s?-?(?P<currency>[$€£¥₩₹元円¢]|(?:cents?|pence|(?<=\d)p|centimes|céntimos)\b|块钱|块(?=[^\w]|$|起|包邮|就|而已)|人民币|美元|欧元|英镑|日元|ドル|ユーロ|(?:{'|'.join(c.lower() for c in _CODES)}|rmb|dollars?|bucks|euros?|pounds sterling|quid|yuan|yen|franken|dólares)\b)"  # noqa: E501
)
_BARE = re.compile(rf"(?:原价|现价|售价|到手价?|只要|券后|特价)[:\s]*(?P<number>{_NUMBER})(?![\d\w.%])")
_EARLIER_BEFORE = re.compile(
    r"(?:was|were|worth|instead of|originally|original price|regular price|regularly|rrp|msrp|list price|reduced from|down from|usually|normally|value of|valued at|formerly|retails? (?:for|at)|statt|uvp|früher|bisher|vorher|au lieu de|prix barré|avant|antes|en lugar de|en vez de|precio anterior|原价|市场价|专柜价|日常价|通常|吊牌价|划线价|定価|通常価格)[:\s]*(?:only |nur )?$"  # noqa: E501
)
_SAVING_BEFORE = re.compile(
    r"(?:save|saves|saving|savings? of|discount of|spare|sparen sie|sparen|économisez|remise de|ahorra|ahorre|descuento de|立减|直降|立省|省下|节省|省|减|优惠|券后减|off)[:\s]*(?:up to |nur |only |bis zu |you |jusqu'à |hasta |了)?$"  # noqa: E501
)
_SAVING_AFTER = re.compile(
    r"^\s*(?:off\b|discount|saving|less\b|cheaper|rabatt|de réduction|de descuento|优惠|off|值|value\b|coupon|gift card|voucher|back\b|オフ|引き)"  # noqa: E501
)
_FREE_OVER = re.compile(
    r"(?:orders?|purchases?|baskets?|bestellungen|bestellwert|commandes?|achats?|pedidos?|compras?)\s*(?:over|above|of|from|ab|über|de|dès|à partir de|desde)?\s*$|(?:满|以上)\s*$|free (?:shipping|delivery) (?:over|above|from)\s*$"  # noqa: E501
)
_DISCOUNT = re.compile(
    r"(?:up to |save |get |extra |an extra |take |bis zu |jusqu'à |hasta |最高)?-?\d+(?:[.,]\d+)?\s?%\s?(?:off\b|discount|rabatt|reduziert|günstiger|de réduction|de remise|de descuento|less\b|cheaper|savings?|price|オフ|引き|off|的?优惠|折扣)|(?:save|sale|discount(?: of)?|sparen sie|spare|économisez|ahorra|立减|直降)[:\s]+(?:up to |bis zu |an extra |now )?\d+(?:[.,]\d+)?\s?%|(?<!\w)-\d{1,2}\s?%|(?:[1-9](?:\.\d)?|[1-9]\d|[一二三四五六七八九](?:点?[一二三四五六七八九])?)折(?!叠|扣店|射|痕|页|腰|纸)(?:起)?|满\d+[减送]\d*|save (?:up to )?(?:half|a third|one third|two thirds|a quarter|one quarter)\b|half[- ]off|half price|two for one|2 for 1|3 for 2|百分之[一二三四五六七八九十]+的?(?:折扣|优惠)|第二件半价|买[一二三1-9]送[一二三1-9]|買[一二三]送[一二三]"  # noqa: E501
)


Role = Literal["price", "earlier", "saving", "threshold"]


_SPOKEN_SHARE = {"two thirds": 66.7, "third": 33.3, "half": 50.0, "quarter": 25.0}


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money in a text. ``currencies`` are the ISO codes its sign can stand for."""

    start: int
    end: int
    value: float
    currencies: tuple[str, ...]
    hedge: Hedge
    role: Role  # what the product costs, what it cost before, what is saved, what an order must reach

    def is_currency(self, code: str) -> bool:
        return code.upper() in self.currencies

    def same_currency(self, other: Amount) -> bool:
        return bool(set(self.currencies) & set(other.currencies))


def amounts_in(source: Plain, language: str) -> list[Amount]:
    """Every amount of money, from left to right."""
    found: list[Amount] = []
    for pattern in (_FRONT, _BACK, _BARE):
        for match in pattern.finditer(source.lower):
            if any(a.start < match.end() and match.start() < a.end for a in found):
                continue
            value, _ = _money_number(match["number"], language)
            name = match["currency"] if pattern is not _BARE else "元"
            if name == "p" and value >= 100:
                continue  # 1080p is no price
            value = value / 100 if name in _HUNDREDTHS else value
            currencies = _SYMBOLS.get(name) or (name.upper(),)
            start = match.start("number") if pattern is _BARE else match.start()
            before = source.lower[max(0, start - 28) : start]
            after = source.lower[match.end() : match.end() + 16]
            role = _role(before, after)
            hedge: Hedge = next((h for h, p in _BEFORE if p.search(before)), "exact")
            found.append(Amount(start, match.end(), value, currencies, hedge, role))
    return sorted(found, key=lambda a: a.start)


def _role(before: str, after: str) -> Role:
    if _FREE_OVER.search(before):
        return "threshold"
    if _EARLIER_BEFORE.search(before):
        return "earlier"
    if before.endswith("off: "):
        return "price"  # "a fifth off: £68"
    return "saving" if _SAVING_BEFORE.search(before) or _SAVING_AFTER.match(after) else "price"


def _money_number(text: str, language: str) -> tuple[float, float]:
    if language == "en" and re.fullmatch(r"\d+,\d{1,2}", text):
        text = text.replace(",", ".")
    return _number(text, language)


def discounts_in(source: Plain) -> list[tuple[int, int, float | None]]:
    """(start, end, per cent off where it is said) of every discount."""
    found: list[tuple[int, int, float | None]] = []
    for match in _DISCOUNT.finditer(source.lower):
        number = re.search(r"\d+(?:[.,]\d+)?", match.group())
        spoken = next((v for k, v in _SPOKEN_SHARE.items() if k in match.group()), None)
        percent = float(number.group().replace(",", ".")) if number else spoken
        if "折" in match.group():
            digits = match.group().split("折")[0]
            share = float(digits) if digits[0].isdigit() else han_number(digits[0])
            percent = 100 - share * (10 if share < 10 else 1)
        found.append((match.start(), match.end(), percent))
    return found
