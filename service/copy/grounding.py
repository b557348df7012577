"""How far a small model's line stays with what it was given: the product's words, and the plain words of our frames.

The ledger knows claims; it has nothing against words that claim nothing and mean nothing ("680 g of me"). A model of
135 M parameters writes such lines, so its drafts keep to known words; one word of praise may stand beside a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from service.domain import Brief, CopyLine, Finding, Product

from .judging import SHORT
from .lexicon import puffery_stems, table
from .phrases import head_of, phrases
from .words import stem

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@lru_cache(maxsize=1)
def _of_frames() -> frozenset[str]:
    """Stems of every word that our own sentence frames, openings and moments use, and of the smallest words."""
    rows: list[str] = [row["say"] for kind in table("frames")["en"].values() for row in kind if isinstance(row, dict)]
    rows += [text for text in table("frames")["en"]["closers"] if isinstance(text, str)]
    rows += [text for row in table("moments").values() for key in ("en", "openers") for text in row.get(key, ())]
    rows += table("grounding").values()
    return frozenset(stem(word.casefold()) for row in rows for word in _WORD.findall(re.sub(r"\{\w+\}", " ", row)))


@lru_cache(maxsize=64)
def _of_product(product: Product, more: tuple[str, ...]) -> frozenset[str]:
    said = [product.title, product.brand or "", product.category or "", product.audience or "", *more]
    said += [f"{fact.key} {fact.value} {fact.unit or ''}" for fact in product.facts]
    for phrase in phrases(product, "en"):
        said += [phrase.tag, phrase.noun or "", phrase.clause or "", *phrase.more]
    return frozenset(stem(word.casefold()) for text in said for word in _WORD.findall(text))


def strange_words(text: str, product: Product, brief: Brief) -> tuple[str, ...]:
    """Words that neither the product's record nor the brief nor our frames hold, in the text's order. English only.

    >>> from service.domain import Brand
    >>> mug = Product("m", "Stoneware mug")
    >>> strange_words("A stoneware mug that sings", mug, Brief(mug, "email", "en", Brand("")))
    ('sings',)
    """
    offers = tuple(offer.text for offer in brief.offers)
    more = (brief.brand.name, brief.audience or "", *brief.keywords, *brief.brand.words_to_use, *offers)
    known = _of_product(product, more) | _of_frames()
    return tuple(word for word in _WORD.findall(text) if stem(word.casefold()) not in known)


_BREAKS = re.compile(r"(?<!\d)[.,]|[.,](?!\d)|[:;!?&()–—]|\b(?:and|or|with|for|plus)\b", re.I)
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")


@lru_cache(maxsize=64)
def _facts_of(product: Product) -> dict[str, frozenset[int]]:
    """Stem or figure -> numbers of the facts that hold it; plain words belong to none."""
    plain = _of_frames()
    found: dict[str, set[int]] = {}
    for number, fact in enumerate(product.facts):
        for word in _TOKEN.findall(f"{fact.key} {fact.value}"):
            key = stem(word.casefold())
            if (len(word) > 2 or word[0].isdigit()) and key not in plain:
                found.setdefault(key, set()).add(number)
    return {key: frozenset(numbers) for key, numbers in found.items()}


def mixed_up(text: str, product: Product) -> str | None:
    """A part of a line that makes one thing of two facts, or None; "a walnut spout" where the handle is of walnut.

    Where the product itself is named, both may be said of it: "a 350 ml stoneware mug".

    >>> from service.domain import Fact
    >>> mug = Product("m", "Tea mug", facts=(Fact("handle", "walnut"), Fact("lid", "cork")))
    >>> mixed_up("Walnut lid for tea", mug), mixed_up("Walnut handle, cork lid", mug)
    ('Walnut lid', None)
    """
    known, head = _facts_of(product), {stem(word) for word in head_of(product).split()}
    for part in _BREAKS.split(text):
        words = [stem(word.casefold()) for word in _TOKEN.findall(part)]
        if head <= set(words):
            continue
        of = [known[word] for word in words if word in known]
        if of and not frozenset.intersection(*of):
            return part.strip()
    return None


def is_grounded(text: str, product: Product, brief: Brief, *, tells_a_fact: bool) -> bool:
    """Whether a line keeps to the known words; one word of praise is allowed beside a fact."""
    strange = strange_words(text, product, brief)
    if not strange:
        return True
    return tells_a_fact and len(strange) == 1 and stem(strange[0].casefold()) in puffery_stems("en")


_JOINTS = frozenset({"for", "the", "and", "with", "your", "you", "our", "its"})


def stray_findings(line: CopyLine, product: Product, brief: Brief) -> Iterator[Finding]:
    """What a small model gets wrong that is no claim: words out of nowhere, facts crossed, a word over and over.

    ``product`` is the evidence: the product with the offers that run.
    """
    text = line.text
    tells_a_fact = any(c.evidence and not c.evidence.startswith(("title", "brand")) for c in line.ledger.claims)
    if not is_grounded(text, product, brief, tells_a_fact=tells_a_fact):
        words = ", ".join(strange_words(text, product, brief))
        yield Finding(f"copy.{line.field}.strange", f"words that nothing here speaks of: {words}", "block", line.field)
    crossed = mixed_up(text, product)
    if crossed is not None:
        yield Finding(f"copy.{line.field}.crossed", f"{crossed!r} makes one of two facts", "block", line.field)
    said = [word for word in re.findall(r"[^\W\d_]{3,}", text.casefold()) if word not in _JOINTS]
    if len(text) <= SHORT and len(said) != len(set(said)):
        yield Finding(f"copy.{line.field}.repeats", "a word is said twice", "block", line.field)
