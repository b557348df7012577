"""The claim ledger: which sentences of a text say something about a product, and whether a fact carries them.

``check`` is the only door. It is deterministic, needs no network and no model, and answers in a few milliseconds.
The rule behind every decision: what a fact does not carry is not supported, whoever wrote it. See README.md for the
types of claims and for the order in which a text is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from service.domain import Claim, Ledger, Product, Verdict

from . import quantities
from .claim_frames import Frame, frames_in, opposites, opposites_pattern, says
from .facts import (
    OPPOSED,
    FactBook,
    FactQuantity,
    Line,
    absences_in,
    attribute_mentions,
    counters_in,
    is_negated,
    nearest_attributes,
    open_book,
    segment,
    sizes_in,
)
from .facts import SIZE_LIST as _SIZE_LIST
from .facts import SIZE_RANGE as _SIZE_RANGE
from .lexicon import (
    SPACED_LANGUAGES,
    Mention,
    attribute_dimensions,
    attribute_trie,
    claim_han_trie,
    claim_trie,
    common_stems,
    concepts,
    counter_han_trie,
    general_counters,
    han_words,
    meaning,
    plain_stems,
    puffery_stems,
    table,
    topic_stems,
)
from .money import Amount, amounts_in, discounts_in
from .quantities import Quantity
from .words import Plain, Token, plain, stem, tokens, written_language

_CLAIM_TYPE = {"offer": "discount"}
_OFFER_TYPE = {
    "discount": "discount", "free_shipping": "discount", "fast_shipping": "time", "free_gift": "discount",
    "returns": "warranty", "returns_right": "warranty", "trial_right": "warranty", "satisfaction": "warranty", "scarcity": "quantity", "low_price": "price",  # noqa: E501
    "instalments": "price", "subscription": "price",
}  # fmt: skip
_FEATURE_TYPE = {"proof_any": "compatibility", "instant": "time", "long_lasting": "time", "all_day_hold": "time"}
_NOT_FROM_TITLE = frozenset({"offer", "superlative", "health"})
_EXCLUSIVE = {"material": "material", "colour": "colour", "origin": "origin"}


@dataclass(slots=True)
class _Reading:
    """One text being read: what was found so far and which characters are spoken for."""

    source: Plain
    language: str
    book: FactBook
    words: list[Token]
    figures: list[Quantity] = field(default_factory=list)  # every figure of the text, with and without unit
    claims: list[tuple[int, int, str, Verdict, str | None, str | None]] = field(default_factory=list)
    taken: bytearray = field(default_factory=bytearray)  # one byte a character: 1 where a reader has spoken for it

    def is_free(self, start: int, end: int) -> bool:
        return self.taken.find(1, start, end) < 0

    def is_taken(self, start: int, end: int) -> bool:
        """Whether every character of a stretch is spoken for."""
        return self.taken.find(0, start, end) < 0

    def take(self, start: int, end: int) -> None:
        self.taken[start:end] = b"\x01" * (min(end, len(self.taken)) - start)

    def add(
        self,
        start: int,
        end: int,
        type: str,
        verdict: Verdict,
        line: Line | str | None = None,
        reason: str | None = None,
    ) -> None:
        evidence = line.shown if isinstance(line, Line) else line
        self.claims.append((start, end, type, verdict, evidence, reason))
        self.take(start, end)

    def supported(self, start: int, end: int, type: str, line: Line | str) -> None:
        self.add(start, end, type, Verdict.SUPPORTED, line)

    def contradicted(self, start: int, end: int, type: str, line: Line | str) -> None:
        says = line.shown if isinstance(line, Line) else line
        self.add(start, end, type, Verdict.CONTRADICTED, line, f"the fact says otherwise: {says}")

    def unsupported(self, start: int, end: int, type: str, reason: str) -> None:
        self.add(start, end, type, Verdict.UNSUPPORTED, None, reason)


def check(text: str, product: Product, language: str = "en") -> Ledger:
    """Find every claim of a text and hold it against the product's facts.

    Args:
        text: copy in one language, as it will be shown; any length.
        product: its facts, title, brand, category, price and reviews are the only evidence there is.
        language: BCP 47 tag of the text; the script overrules it ("en" with Chinese characters is read as Chinese).

    Returns:
        A ledger whose claims stand in text order with spans in code points of ``text`` as given.
    """
    source = plain(text)
    spoken = written_language(text, language)
    figures = quantities.find(source, spoken)
    reading = _Reading(source, spoken, open_book(product), tokens(source), figures, taken=bytearray(len(source.text)))
    _read_brand(reading)
    _read_quotations(reading)
    _read_ratings(reading)
    _read_prices(reading)
    _read_sizes(reading)
    _read_single_sizes(reading)
    _read_warranties(reading)
    for match in _AT_MOST.finditer(source.lower):
        reading.take(match.start(), match.start() + 2)
    for match in _ORDINAL.finditer(source.lower):
        reading.take(*match.span())
    for match in _SIMILE.finditer(source.lower):
        reading.take(*match.span())
    _read_opposites(reading)
    mentions = _mentions(reading)
    _read_mentions(reading, mentions)
    _read_codes(reading)
    _read_absences(reading)
    _read_quantities(reading)
    _read_comparisons(reading)
    _read_patterns(reading)
    _read_frames(reading)
    if spoken == "en":
        _read_rest(reading)
    elif spoken == "zh":
        _read_rest_in_chinese(reading)
    return Ledger(text, _finished(reading))


_ORDINAL = re.compile(
    r"第一(?=[段次个口天步眼杯件把支双顶辆套份座课堂站节章页封缕束声句场程餐顿年晚夜班])|第[二三四五六七八九十]+(?=[段次个口天步眼杯件把支双节章页])"
)
_SIMILE = re.compile(r"\b(?:feather|paper|rock|butter|cloud|silk|cotton|velvet|whisper|rose|honey|cloud|featherlight|baby|pillow|marshmallow|diamond|iron)[ -](?:light|thin|solid|soft|smooth|tinted|sweet|bright|clear|like)\b|(?:周|星期|礼拜)[一二三四五六日天]|不怕(?![水摔火压晒脏冻雨])[^\W\d_](?=\W|$)|(?:三五|三两|两三|七八|一二)(?=[^\d]?(?:好友|知己|朋友|个|人|天|杯|口|下|步|位|分钟|成群))")  # fmt: skip  # noqa: E501
_AT_MOST = re.compile(
    r"最[长長高大多低小快久远](?=[\u4e00-\u9fff]{0,4}(?:约|达|为|可达)?(?:\d|[一二两三四五六七八九十百千]+[^\W\d]))"
)


def _finished(reading: _Reading) -> tuple[Claim, ...]:
    claims = []
    for start, end, type, verdict, evidence, reason in sorted(set(reading.claims), key=lambda c: (c[0], c[1])):
        a, b = reading.source.span(start, end)
        claims.append(Claim(a, b, reading.source.raw[a:b], type, verdict, evidence, reason))
    return tuple(claims)


# --- names, quotations, stars ------------------------------------------------------------------------------------


def _read_brand(reading: _Reading) -> None:
    """A brand may be named whatever its words mean ("Best Coffee Co."), but only in full."""
    brand = reading.book.product.brand
    if brand and len(brand) > 1:
        for match in re.finditer(rf"(?<!\w){re.escape(plain(brand).lower)}(?!\w)", reading.source.lower):
            reading.take(*match.span())


_QUOTE = re.compile(r"[\"“„«「『]([^\"“”„«»「」『』]{6,400})[\"”“»」』]")


def _read_quotations(reading: _Reading) -> None:
    """Words in quotation marks are a testimonial: verbatim from a review, or invented."""
    for match in _QUOTE.finditer(reading.source.text):
        said = _squeezed(match.group(1))
        if len(said) < 8:
            continue
        for review in reading.book.product.reviews:
            if said in _squeezed(review.text):
                reading.claims.append((*match.span(), "testimonial", Verdict.SUPPORTED, f"review {review.id}: {review.text}", None))  # fmt: skip  # noqa: E501
                for word in reading.words:  # opinion in a true quotation is the customer's; figures are still ours
                    if match.start() <= word.start < match.end() and not word.lower[0].isdigit():
                        reading.take(word.start, word.end)
                break
        else:
            if len(match.group(1).split()) >= 3 or not match.group(1).isascii():
                line = next((ln for low, ln in reading.book.han if said in _squeezed(low)), None)
                if line is None:
                    reading.claims.append((*match.span(), "testimonial", Verdict.UNSUPPORTED, None, "no review says these words"))  # fmt: skip  # noqa: E501


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", " ", plain(text).lower).strip()


_STARS = re.compile(
    r"(?:rated\s+|rating(?: of)?:?\s*|评分(?:高达)?|好评)?(?<![\d.])(?P<stars>[1-5](?:[.,]\d+)?)\s*(?:out of 5(?: stars?)?|/\s?5(?: stars?)?(?!\d)|von 5(?: sternen)?|sur 5|de 5|[- ]?stars?\b|[- ]?star rating|sterne\b|étoiles|estrellas|颗星|星(?!期|球|空)|分(?=好评|评分|高分)|つ星|★|⭐)"  # noqa: E501
    r"|rated\s+(?P<rated>[1-5](?:[.,]\d+)?)|(?:评分|评价)(?P<score>[1-5]\.\d)"
)
_CROWD = re.compile(
    r"(?P<number>\d[\d.,]*\s*(?:k|m|million|thousand|hundred|万|千|亿)?\+?|thousands|millions|hundreds|tens of thousands|dozens|数万|上万|百万|千万|万千|数百万|tausende|millionen|tausenden|milliers|millions|miles|millones)\s*(?:\+|of|余|多|名|位|个|条|de|von)?\s*(?:five[- ]star|5[- ]star|happy|satisfied|verified|loyal|delighted|real|positive|glowing|zufriedene[nr]?|clients?|家|真实|五星)?\s*"  # noqa: E501
    r"(?P<noun>reviews?|ratings?|customers?|users?|buyers?|owners|parents|mums|moms|people|families|fans|shoppers|households|homes|cooks|chefs|sold|units sold|orders|women|men|followers|athletes|professionals|baristas|kunden|bewertungen|nutzer|avis|utilisateurs|clientes|reseñas|usuarios|用户|顾客|客户|好评|评价|评论|家庭|妈妈|人(?:的|都|选择|好评|信赖)|买家|粉丝|销量|件售出|レビュー|ユーザー|愛用者)"  # noqa: E501
)  # fmt: skip


def _read_ratings(reading: _Reading) -> None:
    product = reading.book.product
    stars = [r.stars for r in product.reviews if r.stars is not None]
    for match in _STARS.finditer(reading.source.lower):
        value = float((match["stars"] or match["rated"] or match["score"]).replace(",", "."))
        stated = _line_with_number(reading.book, value, ("rating", "star", "review", "评分"))
        mean = sum(stars) / len(stars) if stars else None
        shown = f"reviews: {mean:.2f} stars on average of {len(stars)}" if mean is not None else None
        if stated is not None:
            reading.supported(*match.span(), "rating", stated)
        elif mean is not None and abs(mean - value) <= 0.05 + 1e-9:
            reading.supported(*match.span(), "rating", shown or "")
        elif shown is not None:
            reading.contradicted(*match.span(), "rating", shown)
        else:
            reading.unsupported(*match.span(), "rating", "no reviews carry this rating")
    for match in _CROWD.finditer(reading.source.lower):
        digits = re.match(r"\d[\d.,]*", match["number"])
        count = float(re.sub(r"[.,](?=\d{3})", "", digits.group()).rstrip(".,")) if digits else None
        is_reviews = match["noun"].startswith(("review", "rating", "bewert", "avis", "reseñ", "评", "好评", "レビ"))
        stated = _line_with_number(reading.book, count, (match["noun"].rstrip("s"),)) if count is not None else None
        if stated is not None:
            reading.supported(*match.span(), "quantity", stated)
        elif (
            is_reviews
            and count is not None
            and count == len(product.reviews)
            and not re.search("[km万千]", match["number"])
        ):
            reading.supported(*match.span(), "quantity", f"reviews: {len(product.reviews)} of them")
        elif count is not None and count <= 12 and not is_reviews:
            continue  # "for 4 people" is a count like any other
        else:
            reading.unsupported(*match.span(), "quantity", "no fact counts these people or reviews")


def _line_with_number(book: FactBook, value: float | None, words: Sequence[str]) -> Line | None:
    for fq in book.quantities:
        said = f"{fq.line.key} {fq.line.value}".lower()
        if value is not None and abs(fq.quantity.number - value) < 1e-9 and any(w in said for w in words):
            return fq.line
    return None


# --- prices ------------------------------------------------------------------------------------------------------


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
_SEVERAL_FOR = re.compile(
    r"(?:([a-z]+|\d+)\s+(?:for|pour|für|por)|([一二两三四五六七八九十\d]+)[件个只包](?:装|套)?(?:只要|仅|共)?)\s*$"
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


def _read_prices(reading: _Reading) -> None:
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


def _judge_discount(reading: _Reading, prices: _Prices, start: int, end: int, percent: float | None) -> None:
    line = _discount_line(reading.book, percent)
    if line is not None:
        return reading.supported(start, end, "discount", line)
    savings = prices.savings()
    shown = f"price: {reading.book.product.price.amount} {reading.book.product.price.currency}" if reading.book.product.price else ""  # fmt: skip  # noqa: E501
    for saved, of, evidence in savings:
        if percent is not None and abs(100 * saved / of - percent) < 1.0:  # 25.3 % is advertised as 25 %
            return reading.supported(start, end, "discount", f"{evidence}; {shown}")
    if savings and percent is not None:
        return reading.contradicted(start, end, "discount", f"{savings[0][2]}; {shown}")
    reading.unsupported(start, end, "discount", "no fact gives this discount")
    return None


def _discount_line(book: FactBook, percent: float | None) -> Line | None:
    for line in book.facts():
        for _, _, fact_percent in discounts_in(plain(f"{line.key}: {line.value}")):
            if percent is not None and fact_percent == percent:
                return line
        if percent is not None and _OFFER_KEY.search(line.key.lower()):  # noqa: SIM102
            if any(fq.line is line and fq.quantity.number == percent for fq in book.quantities):
                return line
    return None


def _judge_amount(reading: _Reading, prices: _Prices, amount: Amount) -> None:
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


def _judge_price(reading: _Reading, prices: _Prices, amount: Amount) -> None:
    price, span = reading.book.product.price, (amount.start, amount.end)
    if price is None:
        return reading.unsupported(*span, "price", "the product has no price")
    shown, value = f"price: {price.amount} {price.currency}", float(price.amount)
    is_each = _EACH_PRICE.match(reading.source.lower, amount.end) or _EACH_PRICE_BEFORE.search(
        reading.source.lower[max(0, amount.start - 16) : amount.start]
    )
    if is_each:
        for n, line in reading.book.packs:
            if abs(value / n - amount.value) < 0.011:
                return reading.supported(*span, "price", f"{shown}; {line.shown}")
    if amount.is_currency(price.currency) and _price_holds(amount, value):
        return reading.supported(*span, "price", shown)
    return reading.contradicted(*span, "price", shown)


def _price_holds(amount: Amount, value: float) -> bool:
    return {
        "under": value < amount.value,
        "within": value <= amount.value,
        "over": value > amount.value,
        "at_least": value >= amount.value,
        "about": abs(value - amount.value) <= 0.05 * value,
    }.get(amount.hedge, abs(value - amount.value) < 0.005)


# --- sizes and warranties ----------------------------------------------------------------------------------------


def _read_sizes(reading: _Reading) -> None:
    for pattern in (_SIZE_RANGE, _SIZE_LIST):
        for match in pattern.finditer(reading.source.text):
            if not reading.is_free(*match.span()):
                continue
            claimed = sizes_in(match.group())
            known = reading.book.sizes
            if not claimed or (
                len(match.group()) < 5
                and not known
                and not re.search(r"siz|größe|taille|talla|码", reading.source.lower)
            ):
                continue
            if known and claimed <= set(known):
                reading.supported(*match.span(), "size", next(iter(known.values())))
            elif known:
                reading.contradicted(*match.span(), "size", next(iter(known.values())))
            else:
                reading.unsupported(*match.span(), "size", "no fact names sizes")
    for match in re.finditer(
        r"(?<![\w'])(?:sizes?|size range|up to|bis|尺码)\s*(xxs|xs|xl|xxl|2xl|3xl|xxxl|4xl|5xl)(?!\w)",
        reading.source.lower,
    ):
        if reading.is_free(*match.span()):
            size = {"2xl": "xxl", "3xl": "xxxl"}.get(match.group(1), match.group(1))
            known = reading.book.sizes
            if size in known:
                reading.supported(*match.span(), "size", known[size])
            elif known:
                reading.contradicted(*match.span(), "size", next(iter(known.values())))
            else:
                reading.unsupported(*match.span(), "size", "no fact names sizes")


_FOR_LIFE = re.compile(r"\b(?:free|guaranteed|covered|repair\w*|resizing|resize|servic\w+|replac\w+|exchange\w*|sharpen\w*)\b[^.!?]{0,24}\bfor (?:life|ever)\b")  # fmt: skip  # noqa: E501
_WARRANTY = re.compile(
    r"(?:(?P<life>life[- ]?time|life[- ]?long|forever|unlimited|lebenslang\w*|à vie|de por vida|vitalicia|终身|终生|永久|生涯|永年)[\s-]*)?(?P<what>(?:limited |full |extended |extensive |complete |manufacturer's )?(?:warrant(?:y|ies|ied)|guarantee)\b|garantie\b|garantía\b|gewährleistung|质保|保修|三包|联保|包修|保固|维护|保証)(?P<after>\s+(?:à vie|de por vida|for life|vitalicia))?"  # noqa: E501
)


_ONE_SIZE = re.compile(r"(?<![\w.-])(xxs|xs|xl|xxl|2xl|3xl|xxxl|4xl|5xl)(?:码|号)?(?![a-z0-9])")


def _read_single_sizes(reading: _Reading) -> None:
    """A size in letters that can mean nothing else, of a product whose sizes are known."""
    known = reading.book.sizes
    for match in _ONE_SIZE.finditer(reading.source.lower) if known else ():
        size = {"2xl": "xxl", "3xl": "xxxl"}.get(match.group(1), match.group(1))
        if reading.is_free(*match.span()):
            if size in known:
                reading.supported(*match.span(), "size", known[size])
            else:
                reading.contradicted(*match.span(), "size", next(iter(known.values())))


def _read_warranties(reading: _Reading) -> None:
    line = reading.book.kinds.get("warranty")
    for match in _FOR_LIFE.finditer(reading.source.lower):
        says = next(
            (ln for ln in reading.book.facts() if re.search(r"for life|lifetime|forever", ln.value.lower())), None
        )
        if says is not None:
            reading.supported(*match.span(), "warranty", says)
        else:
            reading.unsupported(*match.span(), "warranty", "no fact promises this for life")
    for match in _WARRANTY.finditer(reading.source.lower):
        if match["what"].endswith("guarantee") and re.search(
            r"(?:satisfaction|money[- ]back|price|we)[\s-]+$", reading.source.lower[: match.start("what")]
        ):
            continue
        is_lifetime = bool(match["life"] or match["after"])
        if match["what"] == "维护" and not is_lifetime:
            continue
        says_lifetime = line is not None and re.search(
            r"life|forever|lebensl|à vie|por vida|终身|终生|永久|生涯", line.value.lower()
        )
        if line is None or line.negative:
            if is_negated(reading.source, match.start()):
                continue
            reading.unsupported(*match.span(), "warranty", "no fact gives a warranty")
        elif is_lifetime and not says_lifetime:
            reading.contradicted(*match.span(), "warranty", line)
        else:
            reading.supported(*match.span(), "warranty", line)


# --- things named ------------------------------------------------------------------------------------------------


def _mentions(reading: _Reading) -> list[Mention]:
    found: list[Mention] = []
    if reading.language in SPACED_LANGUAGES:
        found.extend(claim_trie(reading.language).find(reading.words))
    elif reading.language not in ("zh", "ja"):
        found.extend(claim_trie("en").find(reading.words))
    else:
        found.extend(claim_han_trie(reading.language).find(reading.source.lower))
        spoken_for = [(m.start, m.end) for m in found]
        covered = {i for a, b in spoken_for for i in range(a, b)}
        latin = [w for w in reading.words if covered.isdisjoint(range(w.start, w.end))]
        found.extend(claim_trie("en").find(latin))
        found.sort(key=lambda m: m.start)
    return found


def _read_mentions(reading: _Reading, mentions: Iterable[Mention]) -> None:
    for mention in mentions:
        if not reading.is_free(mention.start, mention.end):
            continue
        if mention.concepts == ("plain",):
            if not _is_named_by_facts(reading, mention):
                reading.take(mention.start, mention.end)
            continue
        known = [c for c in mention.concepts if c != "plain"]
        if all(concepts()[c].kind == "thing" for c in known):
            _judge_thing(reading, mention, known)
            continue
        known.sort(key=lambda c: concepts()[c].kind == "thing")
        after = reading.source.lower[mention.end : mention.end + 6]
        if reading.language == "en" and re.match(r"[ -]free\b", after) and not _is_offer(known):
            continue  # "plastic-free" is read as an absence
        if mention.end - mention.start == 1 and _is_inside_a_word(reading, mention, known):
            continue
        if _continues(reading, mention, known):
            continue
        if _is_idle(reading, mention, known) or _frames_an_amount(reading, mention, known):
            reading.take(mention.start, mention.end)
            continue
        _judge_mention(reading, mention, known)


_HAS_BEFORE = re.compile(
    r"\b(?:with|without|includes?|including|included|comes? with|plus|features?|featuring|has|have|built[ -]in|integrated|spare|extra|bonus|free|adds?|equipped with|offers?|boasts?|hidden|contains?|containing|enriched with|infused with|rich in|powered by|supports?|works with|compatible with|fits|for your|for|no|add an?|also)\s+(?:[\w-]+\s+){0,3}$"  # noqa: E501
)
_HAS_AFTER = re.compile(r"^\s*(?:(?:is|are|comes?)\s+)?(?:included|built[ -]in|inside|supplied|in the box|as standard|compatible|ready|support|enriched|infused|at no extra|on board|integrated)\b")  # fmt: skip  # noqa: E501
_HAS_BEFORE_HAN = re.compile(r"(?:带|自带|附赠?|附送|赠送?|送|含|配备?|配有|内置|搭载|设有|有|具备|拥有|支持|采用|兼容|适配|添加|富含|蕴含|不含|无|加入|升级)[^,.;!?、]{0,4}$|(?:和|与|及|、)$")  # fmt: skip  # noqa: E501


def _judge_thing(reading: _Reading, mention: Mention, known: Sequence[str]) -> None:
    """A thing or a part: naming it claims nothing; that it is there, or goes with the product, needs a fact."""
    book, span = reading.book, (mention.start, mention.end)
    before, after = reading.source.lower[max(0, span[0] - 40) : span[0]], reading.source.lower[span[1] : span[1] + 16]
    before = re.split(r"[.;!?\n]", before)[-1]
    type = "compatibility" if known[0] in _SYSTEMS else "feature"
    yes = next((m[c] for c in known for m in (book.affirmed, book.in_title) if c in m), None)
    no = next((book.denied[c] for c in known if c in book.denied), None)
    negated = is_negated(reading.source, mention.start)
    if yes is None and no is None and reading.language in SPACED_LANGUAGES:
        words = [w for w in reading.words if span[0] <= w.start < span[1]]
        yes = _line_with_all(book, [w.stem for w in words])
    if yes is None and no is None and not reading.source.text[span[0] : span[1]].isascii():
        said = reading.source.lower[span[0] : span[1]]
        yes = next((ln for low, ln in book.han if said in low and not ln.negative), None)
        no = next((ln for low, ln in book.han if said in low and ln.negative), None)
    is_framed = bool((_HAS_BEFORE_HAN if reading.language in ("zh", "ja") else _HAS_BEFORE).search(before) or _HAS_AFTER.match(after))  # fmt: skip  # noqa: E501
    if no is not None and yes is None:
        if negated:
            return reading.supported(*span, type, no)
        if is_framed or known[0] in _SYSTEMS:
            return reading.contradicted(*span, type, no)
    if yes is not None and not negated:
        return reading.supported(*span, type, yes)
    if yes is not None and is_framed:
        return reading.contradicted(*span, type, yes)
    claims = any(concepts()[c].claims for c in known) and not _GIVEN.search(before)
    if (is_framed or claims) and not negated:
        return reading.unsupported(*span, type, f"no fact mentions: {reading.source.text[span[0] : span[1]]}")
    if known[0] in _INGREDIENTS and not negated and reading.book.kinds.get("ingredients"):
        return reading.contradicted(*span, "material", reading.book.kinds["ingredients"])
    return None if reading.language == "en" and _is_bare_thing(reading, mention) else reading.take(*span)


_GIVEN = re.compile(
    r"\b(?:the|your|my|his|her|their|our|any|every|each|into|from|on|to|of)\s+(?:[\w-]+\s+)?$|[你我他她的]$"
)
_SYSTEMS = frozenset({"t_ios", "t_ipad", "t_android", "t_windows", "t_harmony", "t_homekit", "t_nespresso", "t_gopro"})
_INGREDIENTS = frozenset(
    [
        "t_niacinamide",
        "t_hyaluronic",
        "t_retinol",
        "t_vitamin_c",
        "t_vitamin_e",
        "t_collagen",
        "t_ceramide",
        "t_peptide",
        "t_aloe",
        "t_zinc",
        "t_salicylic",
        "t_shea",
        "t_argan",
        "t_snail",
        "t_salmon",
        "t_chicken",
        "t_beef",
        "t_lamb",
        "t_tuna",
        "t_duck",
        "t_wheat",
        "t_soy",
        "t_coconut",
        "t_sesame",
        "t_seaweed",
        "t_matcha",
        "t_ginseng",
        "t_omega",
        "t_cbd",
        "t_taurine",
        "t_hazelnut",
    ]
)


def _is_bare_thing(reading: _Reading, mention: Mention) -> bool:
    """Whether the words stay to be read as ordinary ones: they are harmless anyway, or stand without an article."""
    words = [w for w in reading.words if mention.start <= w.start < mention.end]
    return all(w.stem in plain_stems("en") for w in words)


def _line_with_all(book: FactBook, stems: Sequence[str]) -> Line | None:
    """The line that holds all these words or their synonyms."""
    if not stems or any(book.word_line(s) is None for s in stems):
        return None
    return next((ln for ln in book.lines if not ln.negative and set(stems) <= _stems_of(ln)), None)


def _is_named_by_facts(reading: _Reading, mention: Mention) -> bool:
    """Whether a phrase that usually claims nothing is what this product is ("green tea")."""
    words = [w for w in reading.words if mention.start <= w.start < mention.end]
    return bool(words) and all(w.stem in reading.book.words for w in words)


def _is_offer(known: Sequence[str]) -> bool:
    return all(concepts()[c].kind == "offer" for c in known)


_WORKED_ON = re.compile(r"\b(?:for|into|through|against|drills?|drives? (?:screws )?into|cuts?|cuts? through|saws?|cleans?|polishes|protects?|sands?)\s+(?:the |your |any |most |hard |soft |thick |wet )?$")  # fmt: skip  # noqa: E501
_WORKED_ON_HAN = re.compile(r"(?:打|钻|切|锯|用于|适用于|清洁|打磨|擦拭|穿透|对付)(?:各种|硬|厚)?$")
_IDLE_AFTER = {  # a lexicon word that means something else before or after these
    "returns": re.compile(r"^\s*(?:to|home|from|trip|journey)\b"),
    "free_gift": re.compile(r"^\s*(?:time|spirit|up|from|of|your|yourself|to|mind|weekend|hand|rein|range|form)\b"),
    "silver_colour": re.compile(r"^\s*(?:lining|screen)\b"),
    "smart": re.compile(r"^\s*(?:casual|choice|buy|way|pick|move|design|look|storage|layout|idea|solution)\b"),
    "paper": re.compile(r"^\s*(?:trail|chase)\b"),
}
_BEFORE_ONE = re.compile(r"(?:^|[\W\d真纯全实牛羊猪原老大小厚薄黑白红黄蓝绿灰紫粉棕金银橙和与的是用为]|[a-z0-9])$")
_AFTER_ONE = re.compile(r"^(?:$|\W|[质制的色和与款盖柄把底身壳杯壶架桌椅床柜盒框腿板面带芯布线料包袋锅碗盘勺刀])")


def _is_inside_a_word(reading: _Reading, mention: Mention, known: Sequence[str]) -> bool:
    """Whether one Han character is only a syllable of another word (皮 in 皮埃蒙特)."""
    lower = reading.source.lower
    if not _is_han(lower[mention.start]) or any(c in reading.book.affirmed or c in reading.book.denied for c in known):
        return False
    before, after = lower[: mention.start], lower[mention.end :]
    return not (_BEFORE_ONE.search(before[-1:]) and _AFTER_ONE.match(after[:1])) and not _AFTER_ONE.match(after[:1])


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def _named_before(reading: _Reading, mention: Mention) -> Line | None:
    """The fact about certificates that holds the word before "certified"."""
    before = next((w for w in reversed(reading.words) if w.end <= mention.start), None)
    if before is None or mention.start - before.end > 1:
        return None
    lines = (ln for ln in reading.book.facts() if re.search(r"certif|standard|label|认证|zertif", ln.key.lower()))
    return next((ln for ln in lines if before.stem in _stems_of(ln) and not ln.negative), None)


_GENERIC = frozenset({"certified", "imported"})


def _continues(reading: _Reading, mention: Mention, known: Sequence[str]) -> bool:
    """Whether a word like "certified" only goes on with the claim before it ("ASTM F963 certified", 零残忍认证)."""
    if not _GENERIC & set(known) or not reading.claims:
        return False
    last = max(reading.claims, key=lambda c: c[1])
    gap = reading.source.text[last[1] : mention.start]
    if gap.strip(" -") or len(gap) > 1 or last[3] is Verdict.PUFFERY:
        return False
    if last[3] is Verdict.SUPPORTED and last[2] != "certification" and not re.search(r"certif|认证|zertif|認証", last[4] or "", re.I):  # fmt: skip  # noqa: E501
        return False
    reading.claims.remove(last)
    reading.claims.append((last[0], mention.end, *last[2:]))
    reading.take(mention.start, mention.end)
    return True


_PRICE_WORDS = frozenset({"discount", "low_price"})


def _frames_an_amount(reading: _Reading, mention: Mention, known: Sequence[str]) -> bool:
    """Whether words of saving stand at an amount that is judged by itself ("a saving of $12", 原价599元)."""
    if known[0] not in _PRICE_WORDS:
        return False
    near = (c for c in reading.claims if c[2] in ("price", "discount"))
    return any(0 <= c[0] - mention.end <= 5 or 0 <= mention.start - c[1] <= 3 for c in near)


_COLOUR_FRAME = re.compile(r"\b(?:in|colou?rs?|colou?rways?|shades?|finish|finishes|tones?)(?:\s*:)?\s+(?:(?:[\w-]+,?\s+){0,2}(?:or|and|,)?\s*){0,3}$")  # fmt: skip  # noqa: E501
_STAYS = re.compile(r"(?:stays?|keeps?|kept|remains?) (?:hot|cold|warm|cool)")
_FOR_SO_LONG = re.compile(r"\s*(?:for|für|pendant|durante|por)?\s*(?:up to\s+)?(?:\d+|one|two|three|five|ten|fifteen|twenty|twenty[- ]five|a decade|zwei|drei|fünf|deux|trois|cinq|dos|tres|cinco)\b")  # fmt: skip  # noqa: E501
_VERB_BEFORE = re.compile(
    r"\b(?:to|we|i|you|they|can|will|and|just|never|always|please|easily|simply|cannot|could|would)\s+$"
)


def _is_idle(reading: _Reading, mention: Mention, known: Sequence[str]) -> bool:
    after = reading.source.lower[mention.end : mention.end + 24]
    for concept in known:
        pattern = _IDLE_AFTER.get(concept)
        if pattern is not None and pattern.match(after) and concept not in reading.book.affirmed:
            return True
    word = reading.source.lower[mention.start : mention.end]
    if all(concepts()[c].noun for c in known) and reading.language == "en" and not any(c in reading.book.affirmed for c in known):  # fmt: skip  # noqa: E501
        return not _COLOUR_FRAME.search(reading.source.lower[max(0, mention.start - 48) : mention.start])
    if _STAYS.fullmatch(word) and reading.book.attributes & OPPOSED:
        return True  # the figure that follows is judged
    if word.replace("-", " ") == "built in":
        return True  # what is built in is judged by its own name
    if "satisfaction" in known and reading.book.kinds.get("warranty") and _FOR_SO_LONG.match(reading.source.lower, mention.end):  # fmt: skip  # noqa: E501
        return True
    if any(concepts()[c].kind == "material" for c in known) and not any(c in reading.book.affirmed for c in known):
        worked_on = _WORKED_ON_HAN if reading.language == "zh" else _WORKED_ON
        if worked_on.search(reading.source.lower[max(0, mention.start - 24) : mention.start]):
            return True
    if word == "free" and reading.source.lower[: mention.start].endswith("-"):
        return True  # the end of "plastic-free"
    before = reading.source.lower[max(0, mention.start - 16) : mention.start]
    return word in ("iron", "stone", "paper", "oak", "down", "folds", "stacks", "return", "award", "local") and bool(
        _VERB_BEFORE.search(before)
    )


def _judge_mention(reading: _Reading, mention: Mention, known: list[str]) -> None:
    book = reading.book
    kind = concepts()[known[0]].kind
    type = _type_of(known[0], kind)
    span = (mention.start, mention.end)
    says_no_itself = bool(_NEGATOR.match(reading.source.lower[span[0] : span[1]]))
    negated = is_negated(reading.source, mention.start) and not says_no_itself
    single = [c for c in known if not concepts()[c].is_group]  # families prove nothing beyond their very words
    yes = next((book.affirmed[c] for c in single if c in book.affirmed), None) or _counted_by_name(reading, span)
    if yes is None and kind not in _NOT_FROM_TITLE:
        yes = next((book.in_title[c] for c in single if c in book.in_title), None)
    no = next((book.denied[c] for c in single if c in book.denied), None)
    if yes is None and len(single) < len(known):
        yes = _literal_line(reading, span, kind)
        no = None if yes is not None or not single else no
    if yes is None and no is None:
        no = _denying_line(reading, span)
        if says_no_itself:
            yes, no = no, None
    if kind == "origin" and yes is not None and not negated:
        other = _other_relation(reading, mention, yes)
        if other is not None:
            return reading.contradicted(*span, type, other)
    if negated:
        if no is not None and yes is None:
            return reading.supported(*span, type, no)
        if yes is not None:
            return reading.contradicted(*span, type, yes)
        absent = next(
            (book.absent[w.stem] for w in reading.words if span[0] <= w.start < span[1] and w.stem in book.absent), None
        )
        if absent is not None:
            return reading.supported(*span, type, absent)
        if kind == "colour":
            return reading.take(*span)  # "no grey paws"
        return reading.unsupported(*span, type, "no fact says that it is not so")
    if yes is not None and no is not None and not _names_scope(reading, mention, yes):
        return reading.unsupported(*span, type, f"true of a part only: {yes.shown}")
    if yes is not None and kind in ("environment", "material") and _PACKAGING.search(yes.key.lower()):  # noqa: SIM102
        if not _PACKAGING.search(reading.source.lower):
            return reading.unsupported(*span, type, f"true of the packaging only: {yes.shown}")
    if yes is not None and re.search(r"\bonly\b|仅限|仅", yes.value.lower()) and _WHOLE.search(reading.source.lower):
        return reading.unsupported(*span, type, f"true of a part only: {yes.shown}")
    if yes is not None and known[0].endswith("_free") and _is_of_a_part(reading, yes):
        return reading.unsupported(*span, type, f"true of a part only: {yes.shown}")
    if yes is not None:
        wrong = _wrong_part(reading, mention, known, kind)
        if wrong is not None:
            return reading.contradicted(*span, type, wrong)
        part = _unknown_part(reading, mention, kind)
        if part is not None:
            return reading.unsupported(span[0], part.end, type, f"no fact mentions: {part.lower}")
        return reading.supported(*span, type, yes)
    if no is not None:
        return reading.contradicted(*span, type, no)
    if "proof_any" in known:
        following = next((w for w in reading.words if w.start >= span[1]), None)
        everyone = next((ln for ln in book.facts() if following is not None and following.stem in _stems_of(ln) and _ANY.search(ln.value.lower())), None)  # fmt: skip  # noqa: E501
        if everyone is not None:
            return reading.supported(*span, type, everyone)
    named = _named_before(reading, mention) if _GENERIC & set(known) else None
    if named is not None:
        return reading.supported(*span, type, named)
    literal = _literal_line(reading, span, kind)
    if literal is not None:
        return reading.supported(*span, type, literal)
    subject = _EXCLUSIVE.get(kind)
    if subject is not None and subject in book.kinds:
        return reading.contradicted(*span, type, book.kinds[subject])
    if _QUIET.match(reading.source.lower[span[0] : span[1]]) and _noise_line(book) is not None:
        return reading.add(*span, "opinion", Verdict.PUFFERY, None, "opinion beside a figure for the noise")
    weaker = next((book.affirmed[b] for c in known for b in concepts()[c].broader if b in book.affirmed), None)
    if weaker is not None:
        return reading.unsupported(*span, type, f"the fact says less: {weaker.shown}")
    if kind == "superlative" and "top_rated" in known and _reviews_love_it(reading.book.product):
        return reading.supported(*span, type, "reviews: at least five, 4.5 stars or more on average")
    if kind == "feature" and reading.language in ("de", "fr", "es", "ja") and " " not in reading.source.text[span[0] : span[1]]:  # fmt: skip  # noqa: E501
        return reading.take(*span)  # single words of a language that is read for figures, certificates and ranks
    return reading.unsupported(*span, type, _missing_reason(kind))


_QUIET = re.compile(r"(?:whisper|super|ultra|very|extra)?[ -]?quiet|silent|静音|低噪|leise|silencieu|silencios|静か")


def _noise_line(book: FactBook) -> Line | None:
    quiet = (fq.line for fq in book.quantities if fq.quantity.number <= 45 and any(m.unit.lower() in ("db", "dba") for m in fq.quantity.measures))  # fmt: skip  # noqa: E501
    return next(quiet, None)


_SEVERAL = {"dual": 2.0, "twin": 2.0, "double": 2.0, "triple": 3.0, "quad": 4.0}


def _counted_by_name(reading: _Reading, span: tuple[int, int]) -> Line | None:
    """The fact that counts as many of the thing as its name says: "two motors", "dual motor" and motors: 2."""
    words = [w for w in reading.words if span[0] <= w.start < span[1]]
    if len(words) < 2:
        return None
    number = _SEVERAL.get(words[0].lower) or table("numbers")["en"].get(words[0].lower)
    if number is None:
        return None
    return next((fq.line for fq in reading.book.quantities if fq.quantity.number == number and not fq.quantity.measures and words[-1].stem in _stems_of(fq.line)), None)  # fmt: skip  # noqa: E501


def _is_of_a_part(reading: _Reading, line: Line) -> bool:
    """Whether a fact speaks of a part that the text does not name ("lid: BPA-free", "a BPA-free kettle")."""
    key = tokens(plain(line.key.replace("_", " ")))
    if not key or key[-1].stem not in _part_stems():
        return False
    if reading.language in ("zh", "ja"):
        return not re.search(r"盖|柄|把|底|带|链|芯|壳|里|蓋|ふた", reading.source.lower)
    return not any(meaning(w.stem) == meaning(key[-1].stem) for w in reading.words)


_WHOLE = re.compile(r"\b(?:whole|entire|fully|completely|all parts|every part|100 ?%)\b|整个|全部|整体|完全")
_ANY = re.compile(r"\b(?:all|any|every|universal)\b|所有|各种|通用")
_NEGATOR = re.compile(
    r"(?:no|non|not|without|zero|free|never|ohne|kein\w*|sans|sin|libre|不含|不|无|零|未|免|0)(?:[\s-]|(?<=[^\x00-\x7f]))|.*[ -](?:free|frei)$|.*(?:frei|フリー|不使用|無添加|なし)$"  # noqa: E501
)


def _denying_line(reading: _Reading, span: tuple[int, int]) -> Line | None:
    """The fact that says no to all of these words ("artificial colours: none")."""
    stems = {w.stem for w in reading.words if span[0] <= w.start < span[1]} - _NEGATORS
    if not stems or not any(line.negative for line in reading.book.lines):
        return None
    for line in reading.book.lines:
        if line.negative:
            named = {t.stem for t in tokens(plain(line.key.replace("_", " ")))} - _GRAMMAR - _NEGATORS
            if named and (named <= stems or stems <= named):
                return line
    return None


_NEGATORS = frozenset("no non not without zero free never of from any".split())  # noqa: SIM905
_DESIGNED = re.compile(r"(?:design\w*|engineer\w*|develop\w*|invent\w*|imagin\w*|conceiv\w*|inspir\w*|based|headquarter\w*|设计|研发|创意|灵感)\W+(?:\w+\W+){0,2}$")  # fmt: skip  # noqa: E501
_DESIGNED_HAN = re.compile(r"^\s*(?:设计|研发|风格|灵感)")


def _other_relation(reading: _Reading, mention: Mention, line: Line) -> Line | None:
    """The fact, when it names the place for another thing than the text does: designed here, made there."""
    said = reading.source.lower
    value = plain(f"{line.key.replace('_', ' ')} {line.value}")
    places = [m for m in claim_trie("en").find(tokens(value)) if set(m.concepts) & set(mention.concepts)]
    if not places:
        return None
    only_designed = all(_DESIGNED.search(value.lower[: m.start]) for m in places)
    claims_design = _DESIGNED.search(said[: mention.start]) or _DESIGNED_HAN.match(said[mention.end :])
    return line if only_designed and not claims_design else None


_PACKAGING = re.compile(
    r"packag|carton|(?<!in the )\bbox\b|wrap|sleeve|\bbags?\b|pouch|包装|纸盒|盒|袋|verpackung|emballage|envase|箱"
)


def _names_scope(reading: _Reading, mention: Mention, line: Line) -> bool:
    """Whether the text names the part that a fact is about ("top-rack dishwasher safe lid")."""
    others = _stems_of(line) - {w.stem for w in reading.words if mention.start <= w.start < mention.end} - _GRAMMAR
    return any(w.stem in others for w in reading.words) or not reading.source.text.isascii()


def _type_of(concept: str, kind: str) -> str:
    if kind == "offer":
        return _OFFER_TYPE[concept]
    if kind == "feature":
        return _FEATURE_TYPE.get(concept, "feature")
    return kind


def _missing_reason(kind: str) -> str:
    return {
        "offer": "no fact makes this offer",
        "superlative": "no fact proves this rank or superiority",
        "certification": "no fact names this certificate, test or award",
        "health": "no fact states this effect on health or body",
        "environment": "no fact proves this environmental claim",
        "origin": "no fact names this origin",
    }.get(kind, f"no fact says this about the product ({kind})")


def _literal_line(reading: _Reading, span: tuple[int, int], kind: str) -> Line | None:
    """A fact that holds the very words, for surfaces that a lexicon reads as something else."""
    words = [w.stem for w in reading.words if span[0] <= w.start < span[1]]
    if kind == "certification":
        words = [w for w in words if w not in _CERTIFYING] or words
    said = reading.source.lower[span[0] : span[1]]
    if any(_is_han(c) for c in said) or (not words and not said.isascii()):
        lines = [line for low, line in reading.book.han if said in low or said in plain(f"{line.value}{line.key}{line.value}").lower]  # fmt: skip  # noqa: E501
    else:
        lines = [ln for ln in reading.book.lines if words and set(words) <= _stems_of(ln)]
    for line in lines:
        if line.negative or (kind in _NOT_FROM_TITLE and line.key in ("title", "brand", "category")):
            continue
        if len(words) == 1 and not re.search(rf"(?<![\w-]){re.escape(_first_word(reading, span, words[0]))}", f"{line.key} {line.value}".lower()):  # fmt: skip  # noqa: E501
            continue  # "free" is not said by "lead-free"
        if not _denied_inside(line):
            return line
    return None


def _first_word(reading: _Reading, span: tuple[int, int], word_stem: str) -> str:
    word = next(w for w in reading.words if span[0] <= w.start < span[1] and w.stem == word_stem)
    return word.stem if word.lower.startswith(word.stem) and len(word.stem) > 3 else word.lower


_CERTIFYING = frozenset(
    stem(w)
    for w in [
        "certified",
        "certification",
        "certificate",
        "approved",
        "compliant",
        "listed",
        "registered",
        "mark",
        "marked",
        "marking",
        "verified",
        "standard",
        "tested",
        "label",
    ]
)


@lru_cache(maxsize=4_096)
def _stems_of(line: Line) -> frozenset[str]:
    return frozenset(t.stem for t in tokens(plain(f"{line.key.replace('_', ' ')}: {line.value}")))


def _denied_inside(line: Line) -> bool:
    return bool(re.search(r"\b(?:not|no|without|never|non|isn't)\b|不|无|未|非", line.value.lower()))


def _reviews_love_it(product: Product) -> bool:
    stars = [r.stars for r in product.reviews if r.stars is not None]
    return len(stars) >= 5 and sum(stars) / len(stars) >= 4.5


def _wrong_part(reading: _Reading, mention: Mention, known: Sequence[str], kind: str) -> Line | None:
    """The fact about the part a material or colour is claimed for, when it names another one ("bamboo handle")."""
    if kind not in ("material", "colour") or reading.language != "en":
        return None
    following = [w for w in reading.words if w.start >= mention.end][:2]
    for word in following[: 1 if len(following) == 1 else 2]:
        if reading.source.lower[mention.end : word.start].strip(" -") and word is following[0]:
            break
        for line in reading.book.lines:
            if line.key in ("title", "brand", "category", "material") or word.is_word is False:
                continue
            if meaning(word.stem) in {meaning(t.stem) for t in tokens(plain(line.key.replace("_", " ")))}:
                named = _concepts_of_line(reading.book, line, kind)
                if named and not named & set(known):
                    return line
    if re.search(
        r"\bmade (?:entirely |completely |fully )?(?:of|from|out of|in)\s+(?:solid |pure |real |premium |natural )?$",
        reading.source.lower[: mention.start],
    ):
        main = next(
            (
                ln
                for ln in reading.book.lines
                if ln.key.lower() in ("material", "materials", "fabric", "body", "frame", "composition")
            ),
            None,
        )
        if main is not None and kind == "material":
            named = _concepts_of_line(reading.book, main, kind)
            if named and not named & set(known) and not any(c in reading.book.in_title for c in known):
                return main
    return None


_PART_NAMES = frozenset(
    "handle strap lid base sole frame leg sleeve collar lining spout blade hinge buckle zip zipper button knob shelf drawer seat backrest armrest wheel hook loop cap grip cord cable wick lens".split()  # noqa: E501, SIM905
)


@lru_cache(maxsize=1)
def _part_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in _PART_NAMES)


def _unknown_part(reading: _Reading, mention: Mention, kind: str) -> Token | None:
    """The part right after a material that no fact knows: "steel handle" of a bottle without one."""
    if kind != "material" or reading.language != "en":
        return None
    following = next((w for w in reading.words if w.start >= mention.end), None)
    if following is None or reading.source.text[mention.end : following.start].strip(" -"):
        return None
    is_known = reading.book.word_line(following.stem) is not None
    return following if following.stem in _part_stems() and not is_known else None


def _concepts_of_line(book: FactBook, line: Line, kind: str) -> set[str]:
    named: set[str] = set()
    for mention in claim_trie("en").find(tokens(plain(line.value))):
        for concept in mention.concepts:
            if concept != "plain" and concepts()[concept].kind == kind:
                named |= {concept} | concepts()[concept].broader
    return named


_IDLE_ABSENCE = frozenset({"hassl", "worry", "stress", "fuss", "care", "mess", "clutter", "guilt", "doubt", "wonder", "compromis", "effort", "excus", "matter", "limit", "need", "time", "one", "problem", "nonsen", "nonsens", "drama", "risk", "hand", "rush", "frill", "shortcut", "gimmick", "guesswork", "surpris", "longer", "more", "ifs", "way", "better", "other", "slip", "just", "only", "a", "the", "any", "your", "ever", "extra", "delay", "wait", "trouble", "troubl", "detour", "bulk", "noise", "fade", "stop", "question", "second", "regret", "boundary", "boundari", "less", "nois", "breaking", "break", "giv", "leaving", "leav", "los", "sacrific", "having", "hav", "stopp", "thinking", "think", "even", "gluing", "child", "kid", "kids", "guest", "neighbor", "neighbour", "sweat", "tears", "tear", "dull", "jam", "traffic", "alarm", "pressur", "pressure", "strings", "string", "catch", "small", "sorry", "apolog", "going", "turning", "place", "plac", "two", "such", "reason", "room", "idea", "clue", "plan"})  # fmt: skip  # noqa: E501


def _is_idle_doing(reading: _Reading, start: int, end: int, what: str) -> bool:
    """ "no rubbing", "without thinking": spared effort, unless it is one that shops promise to spare."""
    said = reading.source.lower[start:end]
    return said.endswith("ing") and len(said.split()[-1]) > 5 and what not in _WORTH_NOT_NEEDING | _PROMISED_NOT


_PROMISED_NOT = frozenset(stem(w) for w in "shedding fading shrinking pilling leaking dripping slipping fraying cracking peeling staining rusting warping clogging flaking smearing yellowing creasing overheating bleeding animal-testing testing flickering buffering tracking lagging chipping scratching splitting tangling clumping melting molding wrinkling bleaching plumbing mixing measuring cutting sewing pre-washing".split())  # fmt: skip  # noqa: E501, SIM905
_NEEDED = re.compile(r"[\s\w-]{0,16}\b(?:needed|required|necessary)\b")
_WORTH_NOT_NEEDING = frozenset(stem(w) for w in "tools tool assembly drilling battery batteries charging app subscription wifi wi-fi installation maintenance glue screws electricity power cable wires sharpening ironing refrigeration water soaking rinsing prescription oil filter filters sharpener plumbing pump".split())  # fmt: skip  # noqa: E501, SIM905


def _read_absences(reading: _Reading) -> None:
    if reading.language != "en":
        return
    for start, end, what in absences_in(reading.source):
        if not reading.is_free(start, end):
            continue
        line = reading.book.absent.get(what)
        if line is not None and _PACKAGING.search(line.key.lower()) and not _PACKAGING.search(reading.source.lower):
            reading.unsupported(start, end, "environment", f"true of the packaging only: {line.shown}")
        elif line is not None:
            reading.supported(start, end, "feature", line)
        elif (
            what in _IDLE_ABSENCE
            or _is_idle_doing(reading, start, end, what)
            or (_NEEDED.match(reading.source.lower[end:]) and what not in _WORTH_NOT_NEEDING)
        ):
            reading.take(start, end)
        elif what in reading.book.words and not re.match(r"no\s", reading.source.lower[start:end]):
            reading.contradicted(start, end, "feature", reading.book.words[what])
        else:
            reading.unsupported(start, end, "feature", f"no fact says that it is free of {what}")


_CODE = re.compile(
    r"(?<![a-z0-9])(?P<ip>ip[x\d][\dx]k?)(?![a-z0-9])|(?:energy|efficiency|energieeffizienz)[- ]?(?:efficiency )?(?:class|klasse|rating)[: ]*(?P<a>[a-g]\+{0,3})(?!\w)|(?:classe énergétique|classe d'énergie|clase (?:energética|de eficiencia))[: ]*(?P<b>[a-g]\+{0,3})(?!\w)|(?P<c>[一二三四五1-5])级能效|能效(?:等级)?(?P<d>[一二三四五1-5])级|\b(?P<paper>a[3-7])\b(?= (?:size|format|format|pages?|notebook|sheets?|paper)|\s*[-,.]|$)"  # noqa: E501
)


def _read_codes(reading: _Reading) -> None:
    """Grades that are true by their very letter: IP ratings, energy classes, paper formats."""
    for match in _CODE.finditer(reading.source.lower):
        name = next(k for k, v in match.groupdict().items() if v)
        kind = "ip" if name == "ip" else "paper" if name == "paper" else "energy"
        type = "unit" if kind == "paper" else "certification"
        if not reading.is_free(*match.span()):
            if kind != "ip":
                continue
            for claim in [c for c in reading.claims if match.start() <= c[0] and c[1] <= match.end()]:
                reading.claims.remove(claim)
        known = [(m.group(m.lastgroup or 0), ln) for ln in reading.book.facts() for m in _CODE.finditer(f"{ln.key} {ln.value}".lower().replace(":", "")) if _kind_of_code(m) == kind]  # fmt: skip  # noqa: E501
        same = next((ln for value, ln in known if value == match[name]), None)
        if same is not None:
            reading.supported(*match.span(), type, same)
        elif known:
            reading.contradicted(*match.span(), type, known[0][1])
        else:
            reading.unsupported(*match.span(), type, _missing_reason("certification") if type != "unit" else "no fact gives this format")  # fmt: skip  # noqa: E501


def _kind_of_code(match: re.Match[str]) -> str:
    return "ip" if match["ip"] else "paper" if match["paper"] else "energy"


# --- figures -----------------------------------------------------------------------------------------------------

_IDLE_NUMBERS = re.compile(r"\b(?:24/7|9 to 5|50/50|101|360 view)\b")
_PEOPLE_AND_THINGS = "friend reason hand way moment people person step word thing day night week month year minute hour second mile time world meal sip cup chapter song room story adventure idea look side heart seat generation corner life eye feet season mug glass serv stop morning evening weekend side"  # fmt: skip  # noqa: E501


@lru_cache(maxsize=1)
def _idle_nouns() -> frozenset[str]:
    return frozenset(meaning(word) for word in _PEOPLE_AND_THINGS.split())


def _read_quantities(reading: _Reading) -> None:
    for match in _IDLE_NUMBERS.finditer(reading.source.lower):
        if reading.is_free(*match.span()) and not _fact_has(reading.book, match.group()):
            reading.take(*match.span())
    previous: Quantity | None = None
    for quantity in reading.figures:
        if not reading.is_free(quantity.start, quantity.end):
            if not reading.is_taken(quantity.start, quantity.end) and quantity.measures:
                pass  # a figure that reaches over a word already read is still a figure
            else:
                continue
        if not quantity.measures and previous is not None and _attributes(reading, quantity, previous):  # noqa: SIM102
            if _is_bare(reading, quantity):
                quantity = quantities.like(quantity, previous)
        if not quantity.measures and previous is not None and re.match(r"\s*(?:years? )?(?:on|for) the\b", reading.source.lower[quantity.end : quantity.end + 16]) and 0 < quantity.start - previous.end < 40:  # fmt: skip  # noqa: E501
            quantity = quantities.like(quantity, previous)  # "ten years on the frame, five on the motor"
        if quantity.dimensions == {"percent"}:
            _judge_percent(reading, quantity)
        elif quantity.measures:
            _judge_measure(reading, quantity)
            previous = quantity
        else:
            _judge_count(reading, quantity)


def _fact_has(book: FactBook, words: str) -> bool:
    return any(words in low for low, _ in book.han)


def _is_bare(reading: _Reading, quantity: Quantity) -> bool:
    """Nothing countable follows the figure: "... and hot for 12."."""
    rest = reading.source.lower[quantity.end : quantity.end + 16]
    return bool(re.match(r"\s*(?:$|[.,;!?)]|hot|cold|warm|when|if|for|with)", rest))


def _attributes(reading: _Reading, quantity: Quantity, like: Quantity | None = None) -> frozenset[str]:
    """What a figure is about: by the words of its own stretch, else by the one attribute its sentence names freely."""
    dimensions = (like or quantity).dimensions
    relevant = frozenset().union(*(attribute_dimensions().get(d, frozenset()) for d in dimensions))
    near = nearest_attributes(reading.source, quantity, reading.figures, reading.language) & relevant
    if near:
        return near
    left = max(reading.source.text.rfind(c, 0, quantity.start) for c in ".!?\n。") + 1
    ends = [i for c in ".!?\n。" if (i := reading.source.text.find(c, quantity.end)) >= 0]
    right = min(ends, default=len(reading.source.text))
    far: set[str] = set()
    for a, b, names in attribute_mentions(plain(reading.source.text[left:right]), reading.language):
        start, end = segment(reading.source, a + left, b + left)
        has_its_own = any(
            f is not quantity and f.dimensions & dimensions and start <= f.start < end for f in reading.figures
        )
        if not has_its_own:
            far.update(names)
    return frozenset(far) & relevant if len(far & relevant) == 1 else frozenset()


_LASTS = re.compile(r"\b(?:for|up to|over|at least)\s+(?:up to\s+)?$")
_TYPE_OF_DIMENSION = {"time": "time", "length": "size", "area": "size"}
_DURATION_TYPES = {"warranty": "warranty", "returns": "warranty"}


def _is_compound(quantity: Quantity) -> bool:
    """ "an hour and three quarters" is no vague hour."""
    return quantity.end - quantity.start > 14


def _judge_measure(reading: _Reading, quantity: Quantity) -> None:
    book, span = reading.book, (quantity.start, quantity.end)
    attributes = _attributes(reading, quantity)
    if quantity.is_article and any(0 <= quantity.start - f.end <= 1 for f in reading.figures):
        return None  # "52 g a metre"
    if reading.language == "zh" and _MONTH.fullmatch(reading.source.text[span[0] : span[1]]):
        return _judge_month(reading, quantity)
    is_vague = quantity.number == 1.0 and quantity.in_words and not _is_compound(quantity)
    is_exact = is_vague and _is_meant_exactly(reading, quantity)
    is_vague = is_vague and not is_exact
    if is_vague and attributes & {"cold", "hot", "battery"} and _LASTS.search(reading.source.lower[: span[0]]):
        is_vague = False
    if (
        is_vague
        and "time" in quantity.dimensions
        and not attributes - {"cold", "hot", "sleep", "age", "brewing", "cooking"}
    ):
        return None
    if is_vague and "time" in quantity.dimensions and not attributes:
        return None
    if reading.language in ("zh", "ja") and quantity.number == 0.5 and "time" in quantity.dimensions and not attributes:
        return None
    type = _DURATION_TYPES.get(next(iter(attributes)), "unit") if len(attributes) == 1 else "unit"
    candidates = [fq for fq in book.quantities if fq.quantity.dimensions & quantity.dimensions]
    if _is_a_distance_covered(reading, quantity):
        return reading.take(*span)
    if not candidates:
        if "volume" in quantity.dimensions and quantity.is_article:
            return None
        return reading.unsupported(*span, type, "no fact gives a figure of this kind")
    about = [fq for fq in candidates if fq.attributes & attributes]
    for attribute in sorted(attributes):
        own = [fq for fq in about if attribute in fq.attributes]
        if own and not any(quantities.agrees(quantity, fq.quantity) for fq in own):  # noqa: SIM102
            if len(attributes) == 1 or (attributes >= OPPOSED and attribute in OPPOSED):
                return reading.contradicted(*span, type, own[0].line)
    true = _agreeing(reading, quantity, about)
    if true is not None:
        return reading.supported(*span, type, true.line)
    spread = _covered_by_all(reading, quantity) if "area" in quantity.dimensions else None
    if spread is not None:
        return reading.supported(*span, type, spread)
    if about:
        return reading.contradicted(*span, type, about[0].line)
    open_ones = [fq for fq in candidates if not attributes or not fq.attributes or _shares_words(reading, quantity, fq)]
    true = _agreeing(reading, quantity, open_ones)
    if true is not None:
        return reading.supported(*span, type, true.line)
    if attributes & OPPOSED and "insulated" in book.denied:
        return reading.contradicted(*span, type, book.denied["insulated"])
    if open_ones:
        return reading.contradicted(*span, type, _closest(reading, quantity, open_ones).line)
    return reading.unsupported(*span, type, "no fact gives this figure for " + " or ".join(sorted(attributes)))


_MONTH = re.compile(r"(?:1[0-2]|[1-9]|十[一二]|[一二三四五六七八九十])月份?")
_FULL_ONE = re.compile(r"\b(?:full|whole|entire|one|1)[ -]", re.I)
_PROMISED = re.compile(
    r"\b(?:try|return|refund|send|money back|guarantee|warrant|cover|trial|change your mind|swap|exchange)"
)


def _is_meant_exactly(reading: _Reading, quantity: Quantity) -> bool:
    """ "in one second" of what a fact gives in seconds; "try it for a full year"."""
    said = reading.source.lower
    if "time" in quantity.dimensions and _FULL_ONE.search(said[max(0, quantity.start - 1) : quantity.end]):
        left = max(said.rfind(c, 0, quantity.start) for c in ".!?\n") + 1
        if _PROMISED.search(said, left, quantity.end):
            return True
    if quantity.is_article:
        return False
    alike = (fq for fq in reading.book.quantities if fq.quantity.dimensions & quantity.dimensions)
    units = {m.unit for m in quantity.measures}
    return any(units & {m.unit for m in fq.quantity.measures} and _shares_words(reading, quantity, fq) for fq in alike)


def _judge_month(reading: _Reading, quantity: Quantity) -> None:
    """三月 is a date: March must be a fact's month when the facts name months, else it is only the season."""
    months = [(_number_of(m.group(1)), ln) for ln in reading.book.facts() for m in _MONTH_OF_FACT.finditer(ln.value)]
    same = next((ln for n, ln in months if n == quantity.number), None)
    if same is not None:
        return reading.supported(quantity.start, quantity.end, "time", same)
    if months and reading.source.text[quantity.end : quantity.end + 2] in (
        "采摘",
        "采收",
        "收获",
        "上市",
        "生产",
        "到货",
    ):
        return reading.contradicted(quantity.start, quantity.end, "time", months[0][1])
    return reading.take(quantity.start, quantity.end)


_MONTH_OF_FACT = re.compile(r"(?<!\d)(1[0-2]|[1-9]|十[一二]|[一二三四五六七八九十])月(?!内)")


def _number_of(digits: str) -> float:
    return float(digits) if digits.isdigit() else quantities.han_number(digits)


_PER_LITRE = re.compile(r"(?:per|/|pro|par|por|每)\s*(?:l\b|lit|升)|每升")


def _covered_by_all(reading: _Reading, quantity: Quantity) -> Line | None:
    """The coverage a litre, when the area claimed is what all the litres cover."""
    volumes = [m.value for fq in reading.book.quantities for m in fq.quantity.measures if m.dimension == "volume" and not _PER_LITRE.search(fq.line.value)]  # fmt: skip  # noqa: E501
    litres = [v / 1000 if v > 100 else v for v in volumes if v != 1.0]
    for fq in reading.book.quantities:
        if "area" not in fq.quantity.dimensions or not _PER_LITRE.search(fq.line.value.lower()):
            continue
        for claimed in quantity.measures:
            for known in fq.quantity.measures:
                if any(abs(claimed.value - known.value * n) <= 0.02 * claimed.value for n in litres):
                    return fq.line
    return None


_COVERED = re.compile(r"(?:\b(?:run|ran|running|walk|walking|hike|hiking|ride|riding|cycle|jog|swim|miles?|after|first|last|another|every)\s+(?:the\s+|a\s+)?|跑完?|走完?|骑行?|徒步|奔跑)$")  # fmt: skip  # noqa: E501


def _is_a_distance_covered(reading: _Reading, quantity: Quantity) -> bool:
    """ "ten kilometres before breakfast", 跑完十公里: the reader's road, not the product's."""
    return any(m.unit in ("km", "mi") for m in quantity.measures) and bool(
        _COVERED.search(reading.source.lower[max(0, quantity.start - 16) : quantity.start])
    )


def _closest(reading: _Reading, quantity: Quantity, facts: Sequence[FactQuantity]) -> FactQuantity:
    """The fact that speaks of the same thing as the words around a figure, else the first."""
    return next((fq for fq in facts if _shares_words(reading, quantity, fq)), facts[0])


def _agreeing(reading: _Reading, quantity: Quantity, candidates: Sequence[FactQuantity]) -> FactQuantity | None:
    true = [fq for fq in candidates if quantities.agrees(quantity, fq.quantity)]
    return next((fq for fq in true if _shares_words(reading, quantity, fq)), true[0] if true else None)


def _shares_words(reading: _Reading, quantity: Quantity, fact: FactQuantity) -> bool:
    start, end = segment(reading.source, quantity.start, quantity.end)
    near = {meaning(w.stem) for w in reading.words if start <= w.start < end and w.is_word}
    if near & fact.nouns:
        return True
    return any(len(key) > 1 and key in reading.source.lower[start:end] for key in [fact.line.key.lower()])


def _judge_percent(reading: _Reading, quantity: Quantity) -> None:
    span = (quantity.start, quantity.end)
    nouns = _nouns_after(reading, quantity, 3) | _nouns_before(reading, quantity, 2)
    facts = [fq for fq in reading.book.quantities if "percent" in fq.quantity.dimensions]
    same_value = [fq for fq in facts if quantities.agrees(quantity, fq.quantity)]
    for fq in same_value:
        start, end = segment(plain(fq.line.value), fq.quantity.start, fq.quantity.end)
        near = {meaning(t.stem) for t in tokens(plain(fq.line.value[start:end])) if t.is_word} | {
            meaning(t.stem) for t in tokens(plain(fq.line.key)) if t.is_word
        }
        if not nouns or nouns & near or reading.language != "en":
            return reading.supported(*span, "number", fq.line)
    for fq in facts:
        if nouns & fq.nouns or not nouns:
            return reading.contradicted(*span, "number", fq.line)
    if quantity.number == 100:  # "100 % vegan" says no more than "vegan"
        follower = next((c for c in reading.claims if 0 <= c[0] - span[1] <= 2 and c[3] is Verdict.SUPPORTED), None)
        if follower is not None and follower[2] in ("environment", "feature", "certification"):
            return reading.add(*span, "number", Verdict.SUPPORTED, follower[4])
        if follower is None and reading.language == "en" and not nouns:
            return reading.add(*span, "opinion", Verdict.PUFFERY, None, "opinion, not a fact")
    return reading.unsupported(*span, "number", "no fact gives this share")


_KINDS = frozenset({"kinds", "types", "sorts", "varieties", "different", "styles"})


def _nouns_after(reading: _Reading, quantity: Quantity, n: int) -> set[str]:
    following = [w for w in reading.words if w.start >= quantity.end]
    if not following:
        return set()
    clause = following[0].clause
    inside = reading.source.text[quantity.end : following[0].start]
    if re.search(r"[.,;!?\n]", inside):
        return set()
    found: set[str] = set()
    if len(following) > 2 and following[0].lower in _KINDS and following[1].lower == "of":
        following = following[2:]  # "three kinds of tea"
    for word in following[:n]:
        if word.clause != clause or not word.is_word:
            break
        if word.stem not in _GRAMMAR:
            found.add(meaning(word.stem))
        elif found:
            break
    return found


def _nouns_before(reading: _Reading, quantity: Quantity, n: int) -> set[str]:
    before = [w for w in reading.words if w.end <= quantity.start][-n:]
    return {meaning(w.stem) for w in before if w.is_word and w.stem not in _GRAMMAR}


_GRAMMAR = frozenset("a an the of for to in on at by with from and or but per your our its it is are that this these those you we as so up out into each every all any how more most only just not zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand half quarter quarters third minus".split())  # fmt: skip  # noqa: E501, SIM905
_SINCE = re.compile(
    r"\b(?:since|est\.?|established|founded(?: in)?|from|seit|depuis|desde|in)\s*$|始于$|创立于$|自$|成立于$"
)
_HAN_NOUN = re.compile(
    r"(?:个|种|款|件|片|只|支|层|档|色|枚|包|条|块|位|人|项|级|段|重|道|粒|颗|组|套|张|本|页|瓶|盒|袋|杯|倍|孔|键|寸|挡|路|合一|合|轮|口|节|格|步|罐|根|把|扇|面|代|期)?([^\W\d_]{0,3})"
)


def _judge_count(reading: _Reading, quantity: Quantity) -> None:
    if reading.language in ("zh", "ja"):
        return _judge_han_count(reading, quantity)
    if quantity.is_article:
        return None
    source, book, span = reading.source, reading.book, (quantity.start, quantity.end)
    before = source.lower[max(0, span[0] - 16) : span[0]]
    nouns = _nouns_after(reading, quantity, 3)
    if _SET_OF.search(before) and book.packs:
        line = next((ln for n, ln in book.packs if n == quantity.number), None)
        return (
            reading.supported(*span, "quantity", line)
            if line
            else reading.contradicted(*span, "quantity", book.packs[0][1])
        )
    counted = _counted(reading, quantity)
    if counted is not None and (quantity.number != 1 or not quantity.in_words):
        true, line = counted
        own = next((fq for fq in book.quantities if not fq.quantity.measures and nouns & fq.nouns and fq.quantity.number == quantity.number), None)  # fmt: skip  # noqa: E501
        if not true and own is not None:
            true, line = True, own.line
        return reading.supported(*span, "quantity", line) if true else reading.contradicted(*span, "quantity", line)
    if quantity.number == 1 and quantity.in_words:
        several = _several_by_key(reading, quantity)
        if several is not None:
            return reading.contradicted(*span, "quantity", several)
    if quantity.in_words and (quantity.number == 1 or not nouns):
        return reading.take(*span) if reading.language == "en" else None
    if reading.language != "en" and not nouns:
        nouns = {w.stem for w in reading.words if quantity.end <= w.start < quantity.end + 16 and w.is_word}
    if re.match(r"\s*-?\s*in\s*-?\s*(?:1|one)\b", source.lower[span[1] :]):
        nouns = {"in"}
    context = nouns | (_nouns_before(reading, quantity, 3) if re.search(r"\b(?:of|size|sizes|no|number|spf|level|model|type|grade|ages?|aged|x)\W*$", before) or not nouns else set())  # fmt: skip  # noqa: E501
    same, others = [], []
    for fq in book.quantities:
        shares = bool(context & fq.nouns) or (not context)
        if (
            shares
            and _same_number(quantity, fq.quantity)
            and (quantity.number == fq.quantity.number or not _is_age(fq))
        ):
            same.append(fq)
        elif shares and (not fq.quantity.measures or _is_age(fq)):
            others.append(fq)
    if same:
        return reading.supported(*span, "quantity", same[0].line)
    digits = source.lower[span[0] : span[1]]
    if digits in book.numbers and not others:
        return reading.supported(*span, "number", book.numbers[digits])
    if others:
        return reading.contradicted(*span, "quantity", others[0].line)
    if _is_foreign(reading):
        alike = next(
            (fq for fq in book.quantities if not fq.quantity.measures and _same_number(quantity, fq.quantity)), None
        )
        if alike is not None:
            return reading.supported(*span, "quantity", alike.line)
    is_held = re.search(
        r"\b(?:holds|serves|makes|fits|seats|brews|pours|carries|takes|stores|for up to)\s+(?:up to\s+)?$", before
    )
    if (
        not is_held
        and nouns & _idle_nouns()
        and (quantity.in_words or quantity.number <= 3)
        and not nouns & set(book.words)
    ):
        return reading.take(*span)
    if 1800 <= quantity.number <= 2100 and not _SINCE.search(before) and not nouns:
        return reading.unsupported(*span, "number", "no fact holds this number")
    reading.unsupported(*span, "quantity" if nouns else "number", "no fact holds this number")
    return None


def _several_by_key(reading: _Reading, quantity: Quantity) -> Line | None:
    """The fact that counts more than one of what "one" stands before ("one coat", coats: 2)."""
    following = next((w for w in reading.words if w.start >= quantity.end), None)
    if following is None or following.start - quantity.end > 1 or reading.source.lower[quantity.start : quantity.end] != "one":  # fmt: skip  # noqa: E501
        return None
    for fq in reading.book.quantities:
        key = [t.stem for t in tokens(plain(fq.line.key.replace("_", " ")))]
        if key and key[-1] == following.stem and not fq.quantity.measures and fq.quantity.number > 1 and len(fq.line.value) <= 12:  # fmt: skip  # noqa: E501
            return fq.line if not any(o.line is fq.line and o.quantity.number == 1 for o in reading.book.quantities) else None  # fmt: skip  # noqa: E501
    return None


_SET_OF = re.compile(r"\b(?:set|pack|box|bundle|lot|satz|set|paquet|lot|juego) (?:of|von|de)\s*$")
_PERSONS_BEFORE = re.compile(r"\b(?:(?:room|space|tent|table|sofa|enough|made|dinner) for|sleeps|seats|serves|für|pour|para)\s+(?:up to\s+)?$")  # fmt: skip  # noqa: E501


def _counted(reading: _Reading, quantity: Quantity) -> tuple[bool, Line] | None:
    """(true, by which line) when facts count the same things as the words after a figure; None if they do not."""
    source, book = reading.source, reading.book
    rest = re.split(
        r"[.,;:!?\n(]|\s(?:of|in|with|for|and|und|et|y|de|mit)\s", source.text[quantity.end : quantity.end + 32]
    )[0]
    claimed = counters_in(plain(rest), reading.language)
    if reading.language in ("zh", "ja"):
        first = next(iter(counter_han_trie(reading.language).find(source.lower[quantity.end : quantity.end + 4])), None)
        claimed = frozenset(first.concepts) if first is not None and first.start == 0 else frozenset()
    if not claimed and _PERSONS_BEFORE.search(source.lower[max(0, quantity.start - 16) : quantity.start]):
        claimed = frozenset({"person"})
    nouns = {meaning(w.stem) for w in tokens(plain(rest)) if w.is_word and w.stem not in _GRAMMAR}
    own_name = bool(nouns & {meaning(s) for s in book.title_stems})
    same = [fq for fq in book.quantities if not fq.quantity.measures and fq.counts & claimed and fq.line.key != "title"]
    general = [fq for fq in book.quantities if not fq.quantity.measures and fq.counts & general_counters() and fq.line.key not in ("title", "brand", "category")]  # fmt: skip  # noqa: E501
    if (claimed <= general_counters() and claimed) or own_name:
        same += [fq for fq in general if fq not in same]
    if not same:
        return None
    true = next((fq for fq in same if _same_number(quantity, fq.quantity)), None)
    if true is not None:
        return True, true.line
    return (False, same[0].line) if not own_name or claimed or quantity.number > 2 else None


def _is_foreign(reading: _Reading) -> bool:
    """Whether the text is in another language than the facts, so that their nouns cannot meet."""
    return reading.language != reading.book.product.language.split("-")[0]


def _is_age(fact: FactQuantity) -> bool:
    return "age" in fact.attributes or bool(re.search(r"\bages?\b|年龄|岁|alter\b", fact.line.key.lower()))


def _same_number(claim: Quantity, fact: Quantity) -> bool:
    a, b = claim.number, fact.number
    if claim.hedge in ("over",):
        return b > a or (a == b and fact.hedge in ("over", "at_least"))
    if claim.hedge == "at_least":
        return b >= a
    if claim.hedge == "under":
        return b < a
    if claim.hedge == "about":
        return abs(a - b) <= 0.1 * abs(b)
    return abs(a - b) < 1e-9


def _judge_han_count(reading: _Reading, quantity: Quantity) -> None:
    source, book, span = reading.source, reading.book, (quantity.start, quantity.end)
    if _CLOCK.match(source.text, span[1]):
        return reading.take(*span)
    named = re.search(r"[a-z]{2,}$", source.lower[max(0, span[0] - 24) : span[0]])
    if named is not None:
        return _judge_named_number(reading, quantity, named.group())
    counted = _counted(reading, quantity)
    if counted is not None and (quantity.number != 1 or not quantity.in_words):
        true, line = counted
        return reading.supported(*span, "quantity", line) if true else reading.contradicted(*span, "quantity", line)
    reach = _HAN_REACH.match(source.text, span[1])
    match = _HAN_NOUN.match(source.text, reach.end() if reach else span[1])
    if quantity.number == 1 and quantity.in_words and _HAN_EACH.search(source.text[: span[0]], max(0, span[0] - 4)):
        return reading.take(*span)
    tail = match.group() if match else ""
    if (
        quantity.in_words
        and quantity.number in (0, 1, 2, 3, 0.5, 10, 100, 1000, 10_000)
        and not _counted_in_facts(book, tail)
    ):
        return None
    if quantity.in_words and not tail:
        return None
    for fq in book.quantities:
        if _same_number(quantity, fq.quantity) and (
            not tail
            or tail[0] in f"{fq.line.key}{fq.line.value}"
            or (len(tail) > 1 and tail[1:] in f"{fq.line.key}{fq.line.value}")
        ):
            return reading.supported(*span, "quantity", fq.line)
    digits = source.lower[span[0] : span[1]]
    others = [
        fq
        for fq in book.quantities
        if not fq.quantity.measures and tail and tail[-2:] in f"{fq.line.key}{fq.line.value}"
    ]
    if digits in book.numbers and not others:
        return reading.supported(*span, "number", book.numbers[digits])
    if others:
        return reading.contradicted(*span, "quantity", others[0].line)
    if quantity.in_words and not tail:
        return None
    reading.unsupported(*span, "quantity", "no fact holds this number")
    return None


_HAN_REACH = re.compile(r"\s*[到至~～—-]\s*(?:\d+|[一二两三四五六七八九十]+)")
_HAN_EACH = re.compile(r"(?:一[次口人天步餐顿杯]|每[次人天晚]?)$")


def _judge_named_number(reading: _Reading, quantity: Quantity, name: str) -> None:
    """A number glued to a name ("SPF50"): true when a fact gives the name this number."""
    about = [ln for ln in reading.book.facts() if name in f"{ln.key} {ln.value}".lower()]
    same = next(
        (fq for fq in reading.book.quantities if fq.line in about and fq.quantity.number == quantity.number), None
    )
    span = (quantity.start, quantity.end)
    if same is not None:
        return reading.supported(*span, "number", same.line)
    if about:
        return reading.contradicted(*span, "number", about[0])
    return reading.unsupported(*span, "number", "no fact holds this number")


_CLOCK = re.compile(r"点(?:半|钟|整|的|,|,|$)|[月号日](?:的|,|$)")


def _counted_in_facts(book: FactBook, tail: str) -> bool:
    return bool(tail) and any(tail[:1] in fq.line.value for fq in book.quantities if not fq.quantity.measures)


# --- comparison and rank -----------------------------------------------------------------------------------------

_GRADABLE = frozenset("calm clean cosy cozy happy kind merry slow sunny breezy bold brave sweet simple easy pretty lovely mellow plush shiny".split())  # fmt: skip  # noqa: E501, SIM905
_ADJECTIVES = "fast strong light thin small big large smart quiet soft warm cool bright safe clean pure fresh rich tough hard sharp slim cheap low high long tall deep wide great fine cozy cosy comfy healthy happy easy simple sleek cute tasty juicy creamy silky smooth sturdy dry hot cold loud pretty lovely dreamy fluffy crisp new late early quick tiny bold kind sweet green close short thick heavy nice true wise rough gentle fair handy lively cuddly airy snug firm flat even neat".split()  # fmt: skip  # noqa: E501, SIM905
_MEASURABLE = "fast strong light thin small big large smart quiet safe clean pure fresh tough hard sharp slim cheap long tall deep wide healthy loud quick dry warm cool bright hot cold thick sturdy high firm low rich".split()  # fmt: skip  # noqa: E501, SIM905


def _graded(words: Sequence[str], ending: str) -> str:
    forms = set()
    for w in words:
        stem = w[:-1] if w.endswith("e") else (w[:-1] + "i" if w.endswith("y") and w[-2] not in "aeo" else w)
        forms.add(stem + ending)
        if re.fullmatch(r"[^aeiou]*[aeiou][bdgmnpt]", w) and w not in ("clean", "green"):
            forms.add(w + w[-1] + ending)
    return "|".join(sorted(forms, key=len, reverse=True))


_LIFE = r"(?:day|night|morning|afternoon|evening|moment|memor|hour|minute|week|weekend|season|winter|summer|life|lives|time|mood|friend|smile|adventure|hike|trip|commute|journey|road|trail|you\b|self|stories|plan|dream|meeting|workday|run|walk|sip|shift|routine|weather|winters|summers|stay|occasion|detail|of days|of mornings|cook|reader|guest|kid|child|thing|fan|escape|climb|trek|ride)"  # noqa: E501
_SUPERLATIVE = re.compile(  # "the longest beach days" are the reader's
    rf"\b(?:the\s+|our\s+|its\s+)?(?:world's\s+|country's\s+|market's\s+|industry's\s+)?(?:{_graded(_ADJECTIVES, 'est')}|finest|(?:most|least)\s+(?!of\b|likely\b|people\b|days\b|mornings\b|nights\b|out\b|importantly\b|days\b)[a-z-]+)\b(?!\s+(?:[a-z]+\s+)?{_LIFE})"  # noqa: E501
)
_COMPARATIVE = re.compile(
    rf"\b(?:\d+(?:\.\d+)?\s?(?:x|×|times)\s+(?:as\s+|more\s+|less\s+)?[a-z]+(?:\s+(?:than|as)\b)?|(?:twice|double|triple|half|three times|ten times|two times|five times)\s+(?:as\s+[a-z]+|the\s+[a-z]+)|(?:{_graded(_ADJECTIVES, 'er')}|better|worse|(?:more|less|fewer)\s+[a-z-]+(?:\s+[a-z-]+)?)\s+than\b(?!\s+(?:ever\s+)?(?:before\s+)?you\b)|(?:longer|stronger|harder|easier|faster)[- ]lasting|(?:outlasts?|outperforms?|outshines?|surpass(?:es)?|exceeds|beats)\b|unlike (?:any )?(?:other|ordinary|regular|most|typical|traditional|conventional|cheap|standard)?[a-z ]{{0,20}}|compared (?:to|with)|versus|\bvs\b|than (?:any|other|most|the competition|ordinary|traditional|regular|leading|conventional)|superior to|unlike the rest|\b(?!your|my|our)\w+(?:'s|s')\s+(?:number one|top|first)?\s*(?:favou?rite|choice|pick)\b)"  # noqa: E501
)
_BARE_COMPARATIVE = re.compile(
    rf"\b(?:{_graded(_MEASURABLE, 'er')})\b(?!\s+(?:than|{_LIFE}))(?![- ]?(?:lasting|bag|box|sleeve|holder))"
)
_NOUN_ER = frozenset({"cooler", "warmer", "lighter", "cleaner", "dryer", "drier", "heater", "cutter", "firmer", "higher", "lower", "quicker", "longer", "later"})  # fmt: skip  # noqa: E501
_OTHER_COMPARISONS = {
    "de": re.compile(r"\b(?:der|die|das|den|dem)\s+(?:\w+\s+)?(?!erste|letzte|nächste|beste|meiste)\w{3,}st(?:e|en|er|es)\b(?!\s+(?:sich|dich))|\bam\s+\w{3,}sten\b|\b\w{3,}er\s+als\b(?!\s+\d)|\b(?:meisten|weltbeste\w*|allerbeste\w*|beste[nrs]?)\b|\b(?:schnellste|leichteste|stärkste|sicherste|günstigste|leiseste|hochwertigste|modernste|zuverlässigste)[nrs]?\b|\bmal so \w+|\bbesser als\b"),  # noqa: E501
    "fr": re.compile(r"\b(?:le|la|les)\s+plus\s+(?!souvent|tard|tôt)\w+|\b(?:plus|moins)\s+\w+\s+que\b|\bmeilleur(?:e|s|es)?\b|\bmieux que\b|\bfois plus\b|\bdeux fois\b"),  # noqa: E501
    "es": re.compile(r"\b(?:el|la|los|las)\s+(?:\w+\s+)?más\s+(?!tarde|pronto)\w+|\b(?:más|menos)\s+\w+\s+que\b|\bmejor(?:es)?\b|\bveces más\b|\bel doble de\b"),  # noqa: E501
    "ja": re.compile(r"最(?!近|後|初|中|適|寄)[^\s、。]{1,2}|一番(?!目)|[^\s]{1,6}より(?:も)?[^\s]{1,4}い|\d+倍|世界No\.?1|比べて"),  # noqa: E501
    "zh": re.compile(r"比[^，。,.!？\s]{1,10}更[^，。,.\s]{1,3}|优于[^，。,.\s]{0,8}|胜过[^，。,.\s]{0,8}|超越[^，。,.\s]{0,8}|秒杀[^，。,.\s]{0,6}|(?:\d+|[两三四五六七八九十百]+)倍[^，。,.\s]{0,4}|超过同类[^，。,.\s]{0,6}|同类(?:产品|中)[^，。,.\s]{0,6}|碾压[^，。,.\s]{0,6}|完胜[^，。,.\s]{0,6}|媲美[^，。,.\s]{0,8}|吊打[^，。,.\s]{0,6}|更(?:轻|快|强|久|薄|安全|健康|耐用|便宜|省电|保温|保鲜|结实|大|小)"),  # noqa: E501
}  # fmt: skip


def _read_comparisons(reading: _Reading) -> None:
    lower = reading.source.lower
    patterns: list[tuple[re.Pattern[str], str]] = []
    if reading.language in _OTHER_COMPARISONS:
        patterns.append(
            (_OTHER_COMPARISONS[reading.language], "comparative" if reading.language == "zh" else "superlative")
        )
    if reading.language not in ("de", "fr", "es"):
        patterns += [(_COMPARATIVE, "comparative"), (_SUPERLATIVE, "superlative"), (_BARE_COMPARATIVE, "comparative")]
    for pattern, type in patterns:
        for match in pattern.finditer(lower):
            if not reading.is_free(*match.span()) and reading.is_taken(*match.span()):
                continue
            if pattern is _BARE_COMPARATIVE and _is_thing(reading, match):
                continue
            if _fact_line_with(reading, match.group()) is not None:
                reading.supported(*match.span(), type, _fact_line_with(reading, match.group()) or "")
                continue
            if pattern is _SUPERLATIVE and re.fullmatch(r"(?:our\s+|the\s+)?(?:newest|latest)", match.group()):
                continue
            reading.unsupported(*match.span(), type, "no fact proves this comparison" if type == "comparative" else "no fact proves this rank or superiority")  # fmt: skip  # noqa: E501


def _is_thing(reading: _Reading, match: re.Match[str]) -> bool:
    word = match.group()
    if word not in _NOUN_ER:
        return False
    before = reading.source.lower[: match.start()].split()[-1:] or [""]
    return before[0] in (
        "a",
        "the",
        "your",
        "this",
        "no",
        "any",
        "each",
        "every",
        "our",
        "gentle",
        "facial",
        "face",
        "and",
        "or",
    ) or (word in ("longer", "higher", "lower") and before[0] == "no")


def _fact_line_with(reading: _Reading, words: str) -> Line | None:
    figures = table("numbers")["en"]
    wanted = {f"{figures[t.lower]:g}" if t.lower in figures else t.stem for t in tokens(plain(words)) if t.lower in figures or t.stem not in _GRAMMAR}  # fmt: skip  # noqa: E501
    for low, line in reading.book.han:
        if line.key in ("title", "brand", "category") or (not wanted and words not in low):
            continue
        if (wanted and wanted <= _stems_of(line)) or (not words.isascii() and words in low):
            return line
    return None


# --- patterns around unknown names -------------------------------------------------------------------------------

_APPROVED = re.compile(
    r"\b(?:[a-z0-9][\w&.-]*[\s-]){1,2}(?:certified|approved|accredited|tested|endorsed|recommended|verified|compliant)\b|\b(?:certified|approved|endorsed|recommended|trusted|tested) by (?:the\s+)?[a-z][\w -]{2,30}|\bcertified [a-z]+\b|\bpatented [a-z]+\b"  # noqa: E501
)
_WORKS_WITH = re.compile(
    r"\b(?:compatible with|works with|pairs with|connects (?:to|with)|syncs with|for use with|designed to fit|fits (?:all|any|every|most|standard|into|in|on|under|inside)?|made to fit|sized for|suitable for (?:all|any|every))\s*(?P<object>(?:[\w'-]+\s?){1,6})"  # noqa: E501
)
_COMES_WITH = re.compile(
    r"\b(?:comes? with|includes|including|supplied with|ships with|delivered with|complete with|plus)\s+(?:an?|the|two|three|four|five|six|\d+|its own|your)?\s*(?P<all>(?:[a-z][a-z'-]*\s?){1,4})"  # noqa: E501
    r"|\bwith (?:an?|two|three|four|\d+)\s+(?:[a-z-]+\s+){0,2}?(?P<part>pockets?|drawers?|camera|screen|mirror|lamp|speakers?|case|pouch|sleeve|straps?|stand|shelf|shelves|pillow|cushion|hood|belt|zip|zipper|bag|handle|lid|timer|cover|tray|brush|filter|spout|wheels?|lock|light|battery|display|button|buttons|window|hook|clip|drawer|magnet)\b"  # noqa: E501
)
_MADE_IN = re.compile(
    r"\b(?:made|manufactured|produced|crafted|built|assembled|designed|engineered|woven|sewn|grown|roasted|brewed|bottled|sourced|hand(?:made|crafted)|baked|blended|distilled|harvested|farmed|forged|born) in (?!minutes|seconds|small|a\b|an\b|mind|every|your|just|house|one|the (?:kitchen|oven|office|morning|evening|wild|heart of (?!eu))|two|three)(?P<place>(?:the )?[a-z][\w .-]{1,24})"  # noqa: E501
)


def _read_patterns(reading: _Reading) -> None:
    lower = reading.source.lower
    if reading.language != "en":
        return
    for match in _APPROVED.finditer(lower):
        if reading.is_free(*match.span()):
            line = _fact_line_with(reading, match.group())
            if line is not None:
                reading.supported(*match.span(), "certification", line)
            elif not re.match(r"(?:well|kid|taste|mom|mum|field|been|time|life|we|you|is|and)[\s-]", match.group()):
                reading.unsupported(*match.span(), "certification", _missing_reason("certification"))
    for match in _MADE_IN.finditer(lower):
        if reading.is_free(*match.span("place")):
            line = _fact_line_with(reading, match["place"].split()[0].strip(".-"))
            place = re.escape(match["place"].split()[0].strip(".-"))
            only_designed = line is not None and re.search(rf"(?:design|engineer|develop|invent|inspir|based)\w*\W+(?:\w+\W+)?{place}", line.value.lower())  # fmt: skip  # noqa: E501
            if line is not None and only_designed and not re.match("design|engineer", match.group()):
                reading.contradicted(*match.span(), "origin", line)
            elif line is not None:
                reading.supported(*match.span(), "origin", line)
            elif "origin" in reading.book.kinds:
                reading.contradicted(*match.span(), "origin", reading.book.kinds["origin"])
            else:
                reading.unsupported(*match.span(), "origin", _missing_reason("origin"))
    for match in _COMES_WITH.finditer(lower):
        _judge_included(reading, match)
    for match in _WORKS_WITH.finditer(lower):
        if not reading.is_free(*match.span("object")):
            continue
        words = [w for w in reading.words if match.start("object") <= w.start < match.end("object")]
        unknown = [
            w
            for w in words
            if w.is_word
            and reading.book.word_line(w.stem) is None
            and w.stem not in plain_stems("en")
            and w.stem not in puffery_stems("en")
        ]
        is_any = re.search(r"\b(?:all|any|every|most|standard)\b", match.group())
        if unknown or (
            is_any
            and not re.search(
                r"\b(?:life|lifestyle|mood|occasion|style|day|taste|outfit|home|room|decor)", match["object"]
            )
        ):
            line = _fact_line_with(reading, match.group())
            if line is not None:
                reading.supported(*match.span(), "compatibility", line)
            else:
                end = unknown[-1].end if unknown else match.end("object")
                reading.unsupported(match.start(), end, "compatibility", "no fact says what it works with")


def _judge_included(reading: _Reading, match: re.Match[str]) -> None:
    """What comes in the box, or is part of the thing, must be in a fact, however ordinary the word for it."""
    name = "part" if match["part"] else "all"
    start, end = match.span(name)
    words = [w for w in reading.words if start <= w.start < end and w.is_word]
    stop = next((i for i, w in enumerate(words) if i and w.lower in _STOP), len(words))
    words = [w for w in words[:stop] if w.stem not in _GRAMMAR]
    words = [w for w in words if reading.is_free(w.start, w.end)]
    if not words:
        return
    stems = {w.stem for w in words}
    apart = next(
        (ln for ln in reading.book.lines if _SOLD_APART.search(ln.value.lower()) and stems <= _stems_of(ln)), None
    )
    if apart is not None and not stems & {"spar", "spare", "extra"}:
        known = reading.book.word_line(words[-1].stem)
        apart = apart if known is None or known is apart else None
    if apart is not None:
        reading.contradicted(words[0].start, words[-1].end, "feature", apart)
        return
    unknown = [w for w in words if reading.book.word_line(w.stem) is None and w.stem not in puffery_stems("en")]
    if name == "all" and (not unknown or unknown[-1] is not words[-1] or unknown[-1].stem in _ABSTRACT):
        return
    if unknown:
        reading.unsupported(words[0].start, words[-1].end, "feature", f"no fact mentions: {unknown[-1].lower}")


_SOLD_APART = re.compile(r"sold separately|not included|available separately|without (?:charger|battery|batteries)")
_STOP = frozenset("for to and or in on at of that which so when while with from by you your".split())  # noqa: SIM905
_ABSTRACT = frozenset(
    "lov joy car eas you everything all mor styl comfort pleasur tast confidenc smil memory moment".split()  # noqa: SIM905
)


# --- opposites and frames ----------------------------------------------------------------------------------------


def _read_opposites(reading: _Reading) -> None:
    """Words of a side that no fact says while a fact says the other ("glossy" of a matt paint)."""
    pattern = opposites_pattern(reading.language)
    if pattern is None:
        return
    lines = [(low, ln) for low, ln in reading.book.han if not ln.negative]
    for match in pattern.finditer(reading.source.lower):
        if not reading.is_free(*match.span()) or is_negated(reading.source, match.start()):
            continue
        for phrase, own, others in opposites(reading.language):
            if phrase != match.group():
                continue
            if any(says(low, p) for low, _ in lines for p in own):
                break
            other = next((ln for low, ln in lines if any(says(low, p) for p in others)), None)
            if other is not None:
                reading.contradicted(*match.span(), "feature", other)
                break


def _read_frames(reading: _Reading) -> None:
    """What stands in a claim's frame needs a fact, however ordinary its words."""
    for frame in frames_in(reading.source, reading.language):
        if is_negated(reading.source, frame.start):
            continue
        flagged = any(c[0] < frame.end and frame.start < c[1] and c[3] not in (Verdict.SUPPORTED, Verdict.PUFFERY) for c in reading.claims)  # fmt: skip  # noqa: E501
        if flagged:
            continue
        if reading.language == "zh":
            _judge_han_frame(reading, frame)
        else:
            _judge_frame(reading, frame)
    if reading.language in ("zh", "ja"):
        _read_denied_keys(reading)


def _judge_frame(reading: _Reading, frame: Frame) -> None:
    book = reading.book
    words = [w for w in reading.words if frame.start <= w.start < frame.end and w.is_word]
    stop = next((i for i, w in enumerate(words) if i and (w.lower in _STOP or w.clause != words[0].clause)), len(words))
    words = [w for w in words[:stop] if w.stem not in _GRAMMAR] if frame.kind != "included" else [w for w in words if w.stem not in _GRAMMAR]  # fmt: skip  # noqa: E501
    if frame.kind == "often":
        line = _fact_line_with(reading, reading.source.lower[frame.start : frame.end])
        if line is not None:
            return reading.supported(frame.start, frame.end, "time", line)
        return reading.unsupported(frame.start, frame.end, "time", "no fact says how often")
    if not words:
        return None
    span = (words[0].start, words[-1].end)
    stems = {w.stem for w in words}
    if frame.kind == "fits" and any(w.stem in book.negative_words for w in words):
        return None  # judged by the fact that denies it
    if frame.kind == "included":
        apart = next((ln for ln in book.facts() if (ln.negative or _SOLD_APART.search(ln.value.lower())) and (keys := {t.stem for t in tokens(plain(ln.key.replace("_", " ")))} - _GRAMMAR) and keys <= stems), None)  # fmt: skip  # noqa: E501
        if apart is not None:
            return reading.contradicted(*span, "feature", apart)
        words = words[-1:]
    idle = plain_stems("en") | puffery_stems("en") if frame.kind in ("fits", "included") else puffery_stems("en") | _FLAVOURLESS  # fmt: skip  # noqa: E501
    unknown = [
        w for w in words if book.word_line(w.stem) is None and w.stem not in idle and not _is_claimed(reading, w)
    ]
    if frame.kind in ("prefix", "compound"):
        joined = "".join(w.lower for w in words)
        if all(book.word_line(w.stem) is not None or _is_claimed(reading, w) for w in words) or book.word_line(stem(joined)) is not None:  # fmt: skip  # noqa: E501
            return None
        if all(w.stem in puffery_stems("en") or _is_claimed(reading, w) for w in words):
            return None
        return reading.unsupported(*span, frame.type, f"no fact mentions: {reading.source.text[span[0] : span[1]]}")
    if frame.kind == "made":
        unknown = unknown[:1] if unknown and unknown[0] is words[0] else []
    if unknown:
        reading.unsupported(unknown[0].start, unknown[-1].end, frame.type, f"no fact mentions: {unknown[0].lower}")
    return None


_FLAVOURLESS = frozenset(stem(w) for w in "care love joy life summer home holiday holidays childhood heaven yesterday memory memories nothing everything something success adventure passion pride patience you us them ideas possibilities character charm goodness flavour flavor taste style comfort energy confidence purpose light life fun heart soul autumn spring winter sunshine".split())  # fmt: skip  # noqa: E501, SIM905


def _is_claimed(reading: _Reading, word: Token) -> bool:
    return any(c[0] <= word.start < c[1] for c in reading.claims)


def _judge_han_frame(reading: _Reading, frame: Frame) -> None:
    said = reading.source.lower[frame.start : frame.end]
    lines = [(low, ln) for low, ln in reading.book.han if not ln.negative]
    if frame.kind == "rank":
        if not any(said[:4] in low for low, _ in lines) and not any(said[:2] in low for low, _ in lines):
            reading.unsupported(frame.start, frame.end, "feature", f"no fact mentions: {said}")
        return
    if any(said[i : i + 2] in low for i in range(len(said) - 1) for low, _ in lines):
        return
    if any(c[0] < frame.end and frame.start < c[1] for c in reading.claims):
        return
    if frame.kind == "may_have":
        covered = sum(m.end - m.start for m in han_words("zh").find(said))
        if covered >= len(said) - 1:
            return
    reading.unsupported(frame.start, frame.end, "feature", f"no fact mentions: {said}")


_NOT_SO = re.compile(r"(?:无需|不需要?|不用|无须|免|无|不|没有|未|非|告别|别)[^\W\d_]{0,2}$")


def _read_denied_keys(reading: _Reading) -> None:
    """The name of what a fact says no to, said as if it were so (3D: 不支持, "支持3D")."""
    for line in reading.book.facts():
        key = plain(line.key).lower
        if not line.negative or len(key) < 2:
            continue
        for match in re.finditer(re.escape(key), reading.source.lower):
            covered = any(c[0] <= match.start() < c[1] and c[3] is not Verdict.SUPPORTED for c in reading.claims)
            denial = _NOT_SO.search(reading.source.lower[: match.start()], max(0, match.start() - 8))
            if denial and any(c[0] < match.end() and match.start() < c[1] for c in reading.claims):
                continue
            if denial:
                reading.supported(denial.start(), match.end(), "feature", line)
                continue
            if is_negated(reading.source, match.start()):
                continue
            if not covered:
                reading.contradicted(*match.span(), "feature", line)


# --- what is left ------------------------------------------------------------------------------------------------

_CLAIM_START = re.compile(
    r"^(?:with|features?|includes?|has|have|offers?|comes|built|made|equipped|contains?|provides?|protects?|prevents?|keeps?|supports?|designed|ensures?|resists?|reduces?|lets|helps|boasts|uses|thanks|plus)$"
)


def _read_rest(reading: _Reading) -> None:
    """Words no reader has spoken for yet: facts' own words support, opinion is puffery, the unknown is unsupported."""
    claims_nothing, opinion = plain_stems("en"), puffery_stems("en")
    by_clause: dict[int, list[Token]] = {}
    for word in reading.words:
        if word.is_word and reading.is_free(word.start, word.end):
            by_clause.setdefault(word.clause, []).append(word)
    for words in by_clause.values():
        unknown: list[Token] = []
        for word in words:
            line = reading.book.word_line(word.stem)
            parts_known = word.stem in claims_nothing or len(word.lower) == 1
            if line is not None and not _is_whole_answer(reading, line):
                line = None  # "safe" is not said by "dishwasher safe: yes"
            if line is not None and word.stem not in _GRAMMAR:
                if not parts_known or _beside_its_like(reading, words, word, line):
                    _support_word(reading, word, line)
            elif word.stem in reading.book.negative_words and (
                not parts_known or _denied_together(reading, words, word)
            ):
                _judge_negative_word(reading, word)
            elif parts_known or word.stem in _GRAMMAR or _names_attribute(reading, word):
                continue
            elif word.stem in opinion:
                reading.add(word.start, word.end, "opinion", Verdict.PUFFERY, None, "opinion, not a fact")
            elif (
                (word.stem.endswith("ly") and (word.stem[:-2] in opinion or word.stem[:-2] in claims_nothing))
                or (word.stem in common_stems() and not _asserts(reading, word))
                or (_is_in_idle_sentence(reading, word) and not _asserts(reading, word))
                or (
                    _is_graded(word.lower)
                    or (word.stem in topic_stems(reading.book.topics) and not _asserts(reading, word))
                )
            ):
                continue
            elif not _is_verb_with_particle(reading, word) and not _is_context(reading, word):
                unknown.append(word)
        if unknown:
            start, end = unknown[0].start, unknown[-1].end
            names = ", ".join(dict.fromkeys(w.lower for w in unknown))
            reading.unsupported(start, end, "feature", f"no fact mentions: {names}")


_IDLE_OPENING = re.compile(r"(?:because|when|whenever|after|before|if|until|while|once|imagine|picture|remember|forget|think|say|book|invite|call|text|meet|grab|swap|skip|trade|pass|dear|hey|hello|goodbye|farewell|some|life|sundays?|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|tonight|tomorrow|today|somewhere|someone|who|what|why|where|how|there's|here's|time to|we|you|your|they|let|let's|go|come|stay|spend|give|take|leave|bring|share|listen|look|see|enjoy|celebrate|wake|sleep|sit|stand up|breathe|relax|linger|wander|roam|dream)\b")  # fmt: skip  # noqa: E501
_SAYS_OF_IT = re.compile(r"\b(?:with|includes?|including|features?|made|contains?|it|its|has|comes?|our|built|thanks|prevents?|protects?|reduces?|supports?|cures?|boosts?|improves?|automatically|by|via|from)\b")  # fmt: skip  # noqa: E501


def _is_in_idle_sentence(reading: _Reading, word: Token) -> bool:
    """Whether a word stands in a sentence about the reader: a question, a call, a scene, not a claim."""
    if word.lower.endswith(_CLAIMING_ENDINGS) or word.text.isupper():
        return False
    said = reading.source.lower
    left = max(said.rfind(c, 0, word.start) for c in ".!?\n") + 1
    ends = [i for c in ".!?\n" if (i := said.find(c, word.end, word.end + 200)) >= 0]
    right = min(ends, default=min(len(said), word.end + 200))
    sentence = said[max(left, word.start - 200) : right].strip()
    if _SAYS_OF_IT.search(sentence) or any(left <= c[0] < right for c in reading.claims):
        return False
    is_question = said[right : right + 1] == "?" and len(sentence.split()) <= 9
    return is_question or bool(_IDLE_OPENING.match(sentence))


def _is_graded(word: str) -> bool:
    """ "calmer" is no more of a claim than "calm"."""
    if not word.endswith("er") or len(word) < 5:
        return False
    bases = {word[:-2], word[:-1], word[:-3] if word[-3] == word[-4] else word[:-2], f"{word[:-3]}y" if word[-3] == "i" else word[:-2]}  # fmt: skip  # noqa: E501
    return any(b in _GRADABLE or stem(b) in puffery_stems("en") for b in bases if len(b) > 2)


_YES_ONLY = re.compile(r"\s*(?:yes|true|y|✓|ja|oui|sí|是|有|支持)\s*[.!]?\s*$", re.I)


def _is_whole_answer(reading: _Reading, line: Line) -> bool:
    """Whether a fact may speak for a word: one that only says yes must have its whole key in the text."""
    if not _YES_ONLY.match(line.value):
        return True
    key = {t.stem for t in tokens(plain(line.key.replace("_", " ")))} - _GRAMMAR
    return key <= {w.stem for w in reading.words}


def _beside_its_like(reading: _Reading, words: Sequence[Token], word: Token, line: Line) -> bool:
    """A harmless word is evidence only beside another word of the same fact: "back pocket", not "back"."""
    if line.key in ("title", "brand", "category", "audience", "tone") or word.stem not in reading.book.words:
        return False
    stems = _stems_of(line)
    i = next(k for k, w in enumerate(words) if w.start == word.start)
    near = [w for w in (*words[max(0, i - 1) : i], *words[i + 1 : i + 2]) if w.stem not in _GRAMMAR]
    return any(w.stem in stems and abs(w.start - word.start) < 24 for w in near)


def _denied_together(reading: _Reading, words: Sequence[Token], word: Token) -> bool:
    """Two words in a row of a fact that says no ("winter storms" of what is not suitable for them)."""
    line = reading.book.negative_words[word.stem]
    i = next(k for k, w in enumerate(words) if w.start == word.start)
    near = (*words[max(0, i - 1) : i], *words[i + 1 : i + 2])
    if word.stem in _GRAMMAR:
        return False
    return any(w.stem not in _GRAMMAR and reading.book.negative_words.get(w.stem) is line for w in near)


_ASSERTING = frozenset(
    stem(w)
    for w in [
        "with",
        "features",
        "feature",
        "featuring",
        "includes",
        "include",
        "including",
        "included",
        "has",
        "have",
        "offers",
        "offer",
        "equipped",
        "contains",
        "contain",
        "containing",
        "boasts",
        "boast",
        "adds",
        "add",
        "uses",
        "use",
        "using",
        "provides",
        "provide",
        "delivers",
        "deliver",
        "supports",
        "support",
        "powered",
        "infused",
        "enriched",
        "plus",
        "comes",
        "integrated",
        "built-in",
        "built",
        "fitted",
        "packed",
        "treated",
        "made",
        "contains",
        "carries",
        "holds",
    ]
)


def _asserts(reading: _Reading, word: Token) -> bool:
    """Whether an ordinary word is said of the product: "with a ...", "features ...", "numbered pages"."""
    index = next(i for i, w in enumerate(reading.words) if w.start == word.start)
    before = [w for w in reading.words[max(0, index - 6) : index] if w.clause == word.clause]
    following = reading.words[index + 1] if index + 1 < len(reading.words) else None
    if following is not None and following.clause == word.clause and following.start - word.end == 1 and following.stem in reading.book.key_stems and word.lower.endswith(_ADJECTIVE_ENDINGS):  # fmt: skip  # noqa: E501
        return True  # "regenerative braking" of what has brakes
    if any(w.stem in _ASSERTING and not _is_about_people(before[i + 1 :]) for i, w in enumerate(before)):
        return True
    if word.lower.endswith("s") and not word.lower.endswith("ss") and following is not None:
        says = not before or before[-1].lower in ("that", "which", "it", "automatically")
        if says and following.clause == word.clause and following.lower in _DETERMINERS | {"up", "down", "out"}:
            return True  # "regulates your temperature", "that purifies the air"
    is_participle = word.lower.endswith("ed") and not word.lower.endswith("eed")
    if is_participle and following is not None and following.clause == word.clause and following.is_word:
        owner = before[-1].lower if before else ""
        return following.stem not in _GRAMMAR and owner not in _PERSON_BEFORE | _GIVEN_BEFORE | {"the", "is", "are", "was", "be", "get", "got"}  # fmt: skip  # noqa: E501
    return False


_ADJECTIVE_ENDINGS = (
    "ive",
    "ic",
    "al",
    "ous",
    "ary",
    "ant",
    "ent",
    "ed",
    "ible",
    "able",
    "ular",
    "oid",
    "ine",
    "ese",
    "ian",
)


def _is_about_people(words: Sequence[Token]) -> bool:
    return any(w.lower in _GIVEN_BEFORE | {"you", "us", "them", "the"} for w in words)


_PERSON_BEFORE = frozenset("he she they we you i who nobody everyone everybody somebody someone to let's let can't can will would could should might must don't won't".split())  # fmt: skip  # noqa: E501, SIM905
_GIVEN_BEFORE = frozenset("your my his her their our every any each this that another".split())  # noqa: SIM905
_LIKE_BEFORE = re.compile(r"\b(?:like|as|than|beyond|without|before|after|until|until|while|when|where|if|because)\s+(?:an?\s+|the\s+)?$")  # fmt: skip  # noqa: E501


def _is_context(reading: _Reading, word: Token) -> bool:
    """A word about the reader's life: what a person does, what is theirs, what something is like."""
    if word.lower.endswith(_CLAIMING_ENDINGS) or word.text.isupper():
        return False
    index = next(i for i, w in enumerate(reading.words) if w.start == word.start)
    before = [w for w in reading.words[max(0, index - 2) : index] if w.clause == word.clause]
    following = reading.words[index + 1] if index + 1 < len(reading.words) else None
    follows = following is not None and following.clause == word.clause
    if before and before[-1].lower in _PERSON_BEFORE | _GIVEN_BEFORE:
        return True  # what the reader does or has
    if (
        len(before) == 2
        and before[0].lower in _GIVEN_BEFORE
        and before[1].stem in plain_stems("en") | puffery_stems("en")
    ):
        return True
    if before and before[-1].lower == "the" and len(before) == 2:
        return True
    if not before and follows and following is not None and following.lower in _DETERMINERS | _PARTICLES | {"me", "us"}:
        return not word.lower.endswith(("s", "ed", "ing", "ly", "al", "ic"))  # a command: "Clench the bar"
    return bool(_LIKE_BEFORE.search(reading.source.lower[max(0, word.start - 16) : word.start]))


_CLAIMING_ENDINGS = ("proof", "resistant", "tion", "able", "ible", "less", "free", "tech", "grade", "ology", "scope", "meter", "ator")  # fmt: skip  # noqa: E501
_PARTICLES = frozenset(
    "in up off from to with for into away on over out through by down along across around back under".split()  # noqa: SIM905
)


def _is_verb_with_particle(reading: _Reading, word: Token) -> bool:
    """ "shrugs off a shower": a verb that only leads to what is claimed. What is claimed is judged by itself."""
    index = next(i for i, w in enumerate(reading.words) if w.start == word.start)
    following = reading.words[index + 1] if index + 1 < len(reading.words) else None
    if following is None or following.clause != word.clause or following.lower not in _PARTICLES:
        return False
    before = reading.words[index - 1] if index and reading.words[index - 1].clause == word.clause else None
    if before is not None and (before.lower in _DETERMINERS or before.stem not in _GRAMMAR | plain_stems("en")):
        return before.end in {c[1] for c in reading.claims if c[3] is Verdict.SUPPORTED}
    return not word.lower.endswith(_NOUN_ENDINGS)


_DETERMINERS = frozenset("a an the with your our its this that these those no some any each every and or of by".split())  # noqa: SIM905
_NOUN_ENDINGS = (
    "tion",
    "ment",
    "ness",
    "ity",
    "ance",
    "ence",
    "er",
    "or",
    "ology",
    "ism",
    "proof",
    "able",
    "ible",
    "port",
    "lock",
)


def _names_attribute(reading: _Reading, word: Token) -> bool:
    """ "weighs" claims nothing by itself when a figure for the weight is known."""
    return any(reading.book.attributes & set(m.concepts) for m in attribute_trie("en").find([word]))


def _support_word(reading: _Reading, word: Token, line: Line) -> None:
    type = next((subject for subject, known in reading.book.kinds.items() if known is line), "feature")
    last = reading.claims[-1] if reading.claims else None
    if (
        last
        and last[3] is Verdict.SUPPORTED
        and last[4] == line.shown
        and last[1] <= word.start
        and reading.source.text[last[1] : word.start].strip(" -") == ""
    ):
        reading.claims[-1] = (last[0], word.end, last[2], last[3], last[4], None)
        return
    reading.supported(word.start, word.end, type, line)


def _judge_negative_word(reading: _Reading, word: Token) -> None:
    line = reading.book.negative_words[word.stem]
    if is_negated(reading.source, word.start):
        reading.supported(word.start, word.end, "feature", line)
    else:
        reading.contradicted(word.start, word.end, "feature", line)


_HAN_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々〇]+")


def _read_rest_in_chinese(reading: _Reading) -> None:
    """Characters no reader has spoken for: covered by facts' own strings, by harmless words, or unknown."""
    cover = han_words("zh")
    lines = [(low, line) for low, line in reading.book.han]
    for run in _HAN_RUN.finditer(reading.source.lower):
        known = [not reading.is_free(i, i + 1) for i in range(*run.span())]
        text = run.group()
        i = 0
        while i < len(text):
            if known[i]:
                i += 1
                continue
            n, line = _longest_fact(text, i, known, lines)
            if line is not None:
                for k in range(i, i + n):
                    known[k] = True
                reading.supported(run.start() + i, run.start() + i + n, "feature", line)
                i += n
            else:
                i += 1
        for a, b, kind in ((m.start, m.end, m.concepts[0]) for m in cover.find(text)):
            if not all(known[a:b]):
                if kind == "puffery" and b - a > 1 and not any(known[a:b]):
                    reading.add(
                        run.start() + a, run.start() + b, "opinion", Verdict.PUFFERY, None, "opinion, not a fact"
                    )
                for k in range(a, b):
                    known[k] = True
        _unknown_runs(reading, run.start(), known)


def _longest_fact(text: str, i: int, known: list[bool], lines: list[tuple[str, Line]]) -> tuple[int, Line | None]:
    limit = i
    while limit < len(text) and not known[limit]:
        limit += 1
    for n in range(min(12, limit - i), 1, -1):
        for low, line in lines:
            if text[i : i + n] in low and not line.negative:
                return n, line
    return 0, None


_HAN_FRAME_BEFORE = re.compile(r"(?:支持|采用|搭载|内置|自带|具备|具有|拥有|配备|配有|添加|富含|蕴含|含有?|升级|引进|源自|源于|来自|通过|获|荣获|经|由|带有?|附赠?|送|赠|可|能|会|防|抗|耐|免|无|零|超|不|比|专利|独家|首创|全球|全国|行业|国际|国家|进口|原装|正宗|纯|真|特级|古法|非遗|传统|手工|百年|皇家|宫廷|军|医|航天|德国|日本|韩国|意大利|法国|美国|瑞士)$")  # fmt: skip  # noqa: E501
_HAN_CLAIMING = re.compile(r"[防抗耐免零隔]|巡航|解锁|减震|避震|监测|识别|提醒|调节|净化|过滤|降温|加热|制冷|按摩|快充|闪充|联网|定位|追踪|录音|功能|技术|系统|科技|芯片|材质|级别?|专利|认证|指数|成分|因子|精华|工厂|直供|直营|同款|大师|名家|传人|非遗|专家|医生|医院|明星|博士|院士|部队|宇航|纳米|负离子|远红外|量子|石墨|磁疗|基因|分子|酵素|干细胞|智能|自动|感应|遥控|定制|刻字|设计师|联名|正品|保真|首创|独家|唯一|冠军|第一|加密|传输|模式|涂层|镀层|夹层|内胆|芯|仓|屏|灯$|扣$|袋$|垫$|罩$|架$|轮$|锁$|套$|盒$|刷$|布$|绒$|棉$|纱$|木$|石$|钢$|铝$|玉$|漆$|胶$|膜$|油$|酸$|素$|肽$|菌$|粉$|率|值|压|度$|力$")  # fmt: skip  # noqa: E501


def _claims_in_chinese(lower: str, start: int, end: int) -> bool:
    """Whether unknown characters are said of the product: in a claim's frame, or made of what claims are made of."""
    before, run = lower[max(0, start - 4) : start], lower[start:end]
    return end - start >= 4 or bool(_HAN_FRAME_BEFORE.search(before) or _HAN_CLAIMING.search(run) or _HAN_FRAME_BEFORE.search(run[:2]))  # fmt: skip  # noqa: E501


def _unknown_runs(reading: _Reading, offset: int, known: list[bool]) -> None:
    text = reading.source.text
    start = None
    for i, is_known in enumerate([*known, True]):
        if not is_known and start is None:
            start = i
        elif is_known and start is not None:
            words = reading.source.text[offset + start : offset + i]
            before_key = i - start >= 2 and any(c[0] == offset + i and c[3] is Verdict.SUPPORTED and c[4] and c[4].split(":")[0].endswith(text[c[0] : c[1]]) for c in reversed(reading.claims))  # fmt: skip  # noqa: E501
            if (i - start >= 2 and before_key) or (
                i - start >= 2 and _claims_in_chinese(reading.source.lower, offset + start, offset + i)
            ):
                reading.unsupported(offset + start, offset + i, "feature", f"no fact mentions: {words}")
            start = None
