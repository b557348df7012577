"""Bare figures: how many of what."""

from __future__ import annotations

import re
from functools import lru_cache

from service.copy.facts import FactBook, FactQuantity, Line, counters_in
from service.copy.lexicon import counter_han_trie, general_counters, meaning
from service.copy.quantities import Quantity
from service.copy.words import plain, tokens

from .reading import GRAMMAR, Reading, is_foreign, shares_words

_PEOPLE_AND_THINGS = "friend reason hand way moment people person step word thing day night week month year minute hour second mile time world meal sip cup chapter song room story adventure idea look side heart seat generation corner life eye feet season mug glass serv stop morning evening weekend side"  # fmt: skip  # noqa: E501


@lru_cache(maxsize=1)
def _idle_nouns() -> frozenset[str]:
    return frozenset(meaning(word) for word in _PEOPLE_AND_THINGS.split())


_KINDS = frozenset({"kinds", "types", "sorts", "varieties", "different", "styles"})


def nouns_after(reading: Reading, quantity: Quantity, n: int) -> set[str]:
    following = reading.words_from(quantity.end, 8)
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
        if word.stem not in GRAMMAR:
            found.add(meaning(word.stem))
        elif found:
            break
    return found


def nouns_before(reading: Reading, quantity: Quantity, n: int) -> set[str]:
    before = reading.words_before(quantity.start, n)
    return {meaning(w.stem) for w in before if w.is_word and w.stem not in GRAMMAR}


_SINCE = re.compile(
    r"\b(?:since|est\.?|established|founded(?: in)?|from|seit|depuis|desde|in)\s*$|始于$|创立于$|自$|成立于$"
)


_HAN_NOUN = re.compile(
    r"(?:个|种|款|件|片|只|支|层|档|色|枚|包|条|块|位|人|项|级|段|重|道|粒|颗|组|套|张|本|页|瓶|盒|袋|杯|倍|孔|键|寸|挡|路|合一|合|轮|口|节|格|步|罐|根|把|扇|面|代|期)?([^\W\d_]{0,3})"
)


def judge_count(reading: Reading, quantity: Quantity) -> None:
    if reading.language in ("zh", "ja"):
        return _judge_han_count(reading, quantity)
    if quantity.is_article:
        return None
    source, book, span = reading.source, reading.book, (quantity.start, quantity.end)
    before = source.lower[max(0, span[0] - 16) : span[0]]
    nouns = nouns_after(reading, quantity, 3)
    if _SET_OF.search(before) and book.packs:
        line = next((ln for n, ln in book.packs if n == quantity.number), None)
        return (
            reading.supported(*span, "quantity", line)
            if line
            else reading.contradicted(*span, "quantity", book.packs[0][1])
        )
    counted = _counted(reading, quantity)
    if not nouns and _ALL_OF_THEM.search(before):
        line = next((fq.line for fq in book.quantities if not fq.quantity.measures and fq.quantity.number == quantity.number), None)  # fmt: skip  # noqa: E501
        return reading.supported(*span, "quantity", line) if line is not None else reading.take(*span)
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
        nouns = {w.stem for w in reading.words_in(quantity.end, quantity.end + 16) if w.is_word}
    if re.match(r"\s*-?\s*in\s*-?\s*(?:1|one)\b", source.lower[span[1] :]):
        nouns = {"in"}
    context = nouns | (nouns_before(reading, quantity, 3) if re.search(r"\b(?:of|size|sizes|no|number|spf|level|model|type|grade|ages?|aged|x)\W*$", before) or not nouns else set())  # fmt: skip  # noqa: E501
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
    if is_foreign(reading):
        alike = next(
            (fq for fq in book.quantities if not fq.quantity.measures and _same_number(quantity, fq.quantity)), None
        )
        if alike is not None:
            after = next(iter(reading.words_from(span[1])), None)
            end = after.end if after is not None and after.is_word and after.start - span[1] <= 1 else span[1]
            return reading.supported(span[0], end, "quantity", alike.line)
    beside = next((fq for fq in book.quantities if not fq.quantity.measures and _same_number(quantity, fq.quantity) and shares_words(reading, quantity, fq)), None)  # fmt: skip  # noqa: E501
    if beside is not None and quantity.number > 2:
        return reading.supported(*span, "quantity", beside.line)  # "fifteen smoothies from one charge"
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


_ALL_OF_THEM = re.compile(r"\b(?:all|both|these|those)\s+$")


def _several_by_key(reading: Reading, quantity: Quantity) -> Line | None:
    """The fact that counts more than one of what "one" stands before ("one coat", coats: 2)."""
    following = next(iter(reading.words_from(quantity.end)), None)
    if following is None or following.start - quantity.end > 1 or reading.source.lower[quantity.start : quantity.end] != "one":  # fmt: skip  # noqa: E501
        return None
    for fq in reading.book.quantities:
        if re.search(r"\b(?:per|each|pro|par|por)\b", fq.line.key.lower()):
            continue
        key = [t.stem for t in tokens(plain(fq.line.key.replace("_", " ")))]
        if key and key[-1] == following.stem and not fq.quantity.measures and fq.quantity.number > 1 and len(fq.line.value) <= 12:  # fmt: skip  # noqa: E501
            return fq.line if not any(o.line is fq.line and o.quantity.number == 1 for o in reading.book.quantities) else None  # fmt: skip  # noqa: E501
    return None


_SET_OF = re.compile(r"\b(?:set|pack|box|bundle|lot|satz|set|paquet|lot|juego) (?:of|von|de)\s*$")


_PERSONS_BEFORE = re.compile(r"\b(?:(?:room|space|tent|table|sofa|enough|made|dinner) for|sleeps|seats|serves|für|pour|para)\s+(?:up to\s+)?$")  # fmt: skip  # noqa: E501


def _counted(reading: Reading, quantity: Quantity) -> tuple[bool, Line] | None:
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
    nouns = {meaning(w.stem) for w in tokens(plain(rest)) if w.is_word and w.stem not in GRAMMAR}
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


def _judge_han_count(reading: Reading, quantity: Quantity) -> None:
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
    if is_foreign(reading):
        alike = next((fq for fq in book.quantities if not fq.quantity.measures and _same_number(quantity, fq.quantity)), None)  # fmt: skip  # noqa: E501
        if alike is not None:
            return reading.supported(*span, "quantity", alike.line)
    if quantity.in_words and not tail:
        return None
    reading.unsupported(*span, "quantity", "no fact holds this number")
    return None


_HAN_REACH = re.compile(r"\s*[到至~～—-]\s*(?:\d+|[一二两三四五六七八九十]+)")


_HAN_EACH = re.compile(r"(?:一[次口人天步餐顿杯]|每[次人天晚]?)$")


def _judge_named_number(reading: Reading, quantity: Quantity, name: str) -> None:
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
