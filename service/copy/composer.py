"""Copy built from facts by grammar, without a model: true by construction, within its limit, whole words only.

Sentence frames (``lexicons/frames.toml``) are filled with the product's phrases and what the brief gives; the best are
taken one after the other, each fact in turn, none like another, if the ledger and the channel accept them. Same
product, brief, field and seed: the same lines.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache

from service.domain import CopyLine, Offer, Product, Verdict, Voice

from .ledger import check
from .lexicon import table
from .phrases import Phrase, head_of, name_of, noun_of, phrases, with_article
from .variety import is_near_duplicate
from .voice import agreement
from .words import plain, stem, tokens

Fits = Callable[[str], bool]
Judge = Callable[[str], CopyLine | None]  # the finished line, or None where it may not leave

LANGUAGES = ("en", "zh")
_BUTTONS = ("call_to_action", "cta", "button")
_NAMES = ("business_name", "brand_name", "advertiser_name", "source")
_PATHS = ("path", "display_path")
_SENTENCES = re.compile(r"desc|text|body|message|caption|intro|post|long_headline|preheader|bullet|drawer|banner")
_PROBES = {  # a limit with no room for the first has no room for a sentence, and so on
    "en": ("four words and more " * 2, "four words and more " * 6, "four words and more " * 20),
    "zh": ("一二三四五六七八九十" * 2, "一二三四五六七八九十" * 5, "一二三四五六七八九十" * 12),
}
_ORPHAN_END = re.compile(
    r"\b(?:and|or|with|for|of|to|in|on|at|by|the|a|an|is|from|that|your|its)[.!]?$|[,:;&+-]$|[，：、；]$", re.I
)
_SLOT = re.compile(r"\{(\w+?)(\d?)\}")
_FACT_SLOTS = ("tag", "with", "before", "clause", "more", "about")
_LEADS = re.compile(r"(?:In|For|Holds|Weighs|Keeps|Contains|Fired|Packed|Made|Covered|Warranty)\b")
_MOST_OF_A_FRAME = 14  # candidates looked at
_PLURAL_VERBS = {"is": "are", "has": "have", "comes": "come", "does": "do", "was": "were"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a brief asks of the words, beside the facts."""

    voice: Voice = field(default_factory=Voice)
    keywords: tuple[str, ...] = ()
    words_to_use: tuple[str, ...] = ()
    words_to_avoid: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    audience: str | None = None
    praised: tuple[str, ...] = ()  # keys of facts that reviews praise: told first
    quotes: tuple[str, ...] = ()  # customers' own words, verbatim; only for fields that may hold them


@dataclass(frozen=True, slots=True)
class _Kit:
    """What sentences about one product are made of."""

    product: Product
    language: str
    facts: tuple[Phrase, ...]
    noun: str  # "steel bottle"
    head: str  # "bottle"
    name: str  # "insulated steel bottle"
    brand: str
    moments: tuple[str, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    price: str | None
    setting: str  # the row of moments.toml it belongs to
    audience: tuple[str, ...]
    wishes: Wishes

    @property
    def is_plural(self) -> bool:
        return self.head.endswith("s") and not self.head.endswith(("ss", "us", "is"))


@dataclass(frozen=True, slots=True)
class _Frame:
    say: str
    order: int
    most: int
    tone: Voice
    needs_singular: bool


@dataclass(slots=True)
class _Candidate:
    """A line that could be taken; most are never looked at, so a frame is filled only when its text is asked for."""

    written: str | None
    frame: _Frame
    keys: tuple[str, ...]  # of the facts it tells
    score: float
    words: Mapping[str, str] = field(default_factory=dict)  # for the frame's slots
    kit: _Kit | None = None
    opening: str | None = None

    @property
    def first(self) -> str:
        """The first word of its text; two characters of Chinese."""
        if self.opening is None:
            self.opening = _first(self.text)
        return self.opening

    @property
    def text(self) -> str:
        if self.written is None:
            self.written = _said(self.frame.say, self.words, self.kit) if self.kit is not None else ""
        return self.written


def compose(
    product: Product,
    field: str,
    n: int,
    *,
    fits: Fits,
    language: str = "en",
    seed: int = 0,
    taken: Sequence[str] = (),
    words_to_avoid: Sequence[str] = (),
    wishes: Wishes | None = None,
    judge: Judge | None = None,
) -> tuple[CopyLine, ...]:
    """Write up to ``n`` distinct lines for a field out of the product's facts.

    Args:
        product: what may be said of it.
        field: the channel's name of the field, "headline", "description", "subject" ...
        n: lines wanted; fewer come back when the facts do not carry more.
        fits: whether the channel takes a text in this field.
        language: "en" and its regions, "zh" and its regions. Others give nothing.
        seed: same seed, same lines.
        taken: lines already there; nothing like them is written again.
        words_to_avoid: never used, in any form.
        wishes: voice, keywords, wanted words and offers of a brief.
        judge: has the last word on a line; by default the ledger alone.

    Returns:
        Lines with origin "composer" whose ledgers hold no unsupported claim.
    """
    language = language.split("-")[0].lower()
    if language not in LANGUAGES or n <= 0:
        return ()
    wishes = wishes or Wishes()
    kit = _kit(product, language, wishes)
    rng = random.Random(f"{product.id}/{field}/{seed}")
    avoid = _avoided((*words_to_avoid, *wishes.words_to_avoid))
    judge = judge or (lambda text: _by_ledger(text, field, product, language))
    candidates = _candidates(kit, field, rng, fits)
    lines: list[CopyLine] = []
    told: dict[str, int] = {}
    used: dict[str, int] = {}
    begun: dict[str, int] = {}
    waiting = [(-_worth(c, told, used, begun), number) for number, c in enumerate(candidates)]
    heapq.heapify(waiting)
    while waiting and len(lines) < n:
        worth, number = heapq.heappop(waiting)
        best = candidates[number]
        if used.get(best.frame.say, 0) >= best.frame.most:
            continue
        now = -_worth(best, told, used, begun)
        if now > worth:  # worth only falls as lines are taken: whoever still leads after looking again is the best
            heapq.heappush(waiting, (now, number))
            continue
        if not fits(best.text) or is_unfinished(best.text) or any(a.search(best.text) for a in avoid):
            continue
        if is_near_duplicate(best.text, itertools.chain(taken, (line.text for line in lines))):
            continue
        line = judge(best.text)
        if line is None:
            continue
        lines.append(line)
        used[best.frame.say] = used.get(best.frame.say, 0) + 1
        begun[best.first] = begun.get(best.first, 0) + 1
        for key in best.keys:
            told[key] = told.get(key, 0) + 1
    return tuple(lines)


def _worth(c: _Candidate, told: Mapping[str, int], used: Mapping[str, int], begun: Mapping[str, int]) -> float:
    """A candidate's score less what was said already: the same fact, the same frame, the same first word."""
    repeated = sum(told.get(key, 0) for key in c.keys) / max(1, len(c.keys))
    opened = begun.get(c.first, 0) if begun else 0
    return c.score - 0.55 * repeated - 0.45 * used.get(c.frame.say, 0) - 0.15 * opened


def _first(text: str) -> str:
    return text[:2] if not text[:1].isascii() else text.split(" ")[0].casefold()


def _by_ledger(text: str, field: str, product: Product, language: str) -> CopyLine | None:
    ledger = check(text, product, language)
    is_clean = ledger.verdict in (Verdict.SUPPORTED, Verdict.PUFFERY)
    return CopyLine(field=field, text=text, origin="composer", ledger=ledger) if is_clean else None


def _avoided(words: Sequence[str]) -> list[re.Pattern[str]]:
    """A word in any of its forms: "cheap" also in "cheaper", not in "archeap"; Chinese anywhere."""
    return [re.compile(rf"(?<!\w){re.escape(w)}" if w.isascii() else re.escape(w), re.I) for w in words if w.strip()]


def is_unfinished(text: str) -> bool:
    """Whether a text stops on a word or sign that wants more: "made for", "bottle,"."""
    return bool(_ORPHAN_END.search(text))


def buttons(product: Product, language: str = "en") -> tuple[str, ...]:
    """Calls to act that suit any product, and a few that name this one; none of them claims anything."""
    if language not in LANGUAGES:
        return ()
    lines = compose(product, "call_to_action", 8, fits=lambda text: True, language=language)
    return tuple(line.text for line in lines)


# --- what there is to say ------------------------------------------------------------------------------------------


def _kit(product: Product, language: str, wishes: Wishes) -> _Kit:
    setting, row = _moment_row(product)
    core = name_of(product)
    zh = language == "zh"
    return _Kit(
        product=product,
        language=language,
        facts=_praised_first(_worth_saying(phrases(product, language), setting), wishes.praised),
        noun=noun_of(product),
        head=head_of(product),
        name=core if zh else _lower_words(core),
        brand=_brand(product),
        moments=tuple(row["zh"] if zh else row["en"]),
        openers=tuple(row.get("zh_openers", ()) if zh else row["openers"]),
        closers=tuple(table("frames")["zh" if zh else "en"]["closers"]),
        price=_price(product, language),
        setting=setting,
        audience=_audience(wishes.audience or product.audience, zh),
        wishes=wishes,
    )


def _brand(product: Product) -> str:
    brand = product.brand or ""
    return brand if len(brand) <= 40 and check(brand, product, product.language).is_clean else ""


def _audience(said: str | None, zh: bool) -> tuple[str, ...]:
    if not said or len(said) > 60:
        return ()
    if zh:
        return (said,) if not said.isascii() else ()
    first = re.split(r"\s+(?:who|that|with)\s+|,", said)[0].strip()
    return tuple(dict.fromkeys([said, first])) if first != "people" else (said,)


def _worth_saying(found: Sequence[Phrase], setting: str) -> tuple[Phrase, ...]:
    """Without bare dimensions where there is enough else to say, and carrying only for what is carried."""
    best = [p for p in found if p.rank < 8]
    kept = best if len(best) >= 5 else list(found)
    if setting not in ("drinkware", "bags", "electronics", "outdoor"):
        kept = [replace(p, more=tuple(m for m in p.more if not m.endswith("to carry"))) for p in kept]
    return tuple(kept)


def _praised_first(found: Sequence[Phrase], praised: Sequence[str]) -> tuple[Phrase, ...]:
    """What customers praise sells first; nothing else about a fact changes."""
    return tuple(
        sorted((replace(p, rank=max(0, p.rank - 2)) if p.key in praised else p for p in found), key=lambda p: p.rank)
    )


def moments_of(product: Product, language: str = "en") -> list[str]:
    """When and where a product of this category is used: words that claim nothing, such as "slow mornings"."""
    row = _moment_row(product)[1]
    return list(row["zh" if language == "zh" else "en"])


def _moment_row(product: Product) -> tuple[str, dict[str, list[str]]]:
    rows = table("moments")
    named = {stem(t.lower) for t in tokens(plain(product.title))}
    for name, row in rows.items():  # things whose name says more than their shelf: a kite among toys
        if any(stem(w) in named or (not w.isascii() and w in product.title) for w in row.get("titles", ())):
            return name, dict(row)
    for said in (product.category or "", product.title):
        words = {stem(t.lower) for t in tokens(plain(said))}
        for name, row in rows.items():
            if any(stem(w) in words or (not w.isascii() and w in said.lower()) for w in row["words"]):
                return name, dict(row)
    return "any", dict(rows["any"])


def _lower_words(core: str) -> str:
    """A title in running text: "Insulated steel bottle" is "insulated steel bottle", "USB-C charger" stays."""
    words = core.split()
    titled = len(words) > 1 and all(w[:1].isupper() or not w[:1].isalpha() for w in words)
    keep = {"earl", "grey", "assam", "darjeeling", "ceylon"}
    return " ".join(
        w if w[1:] != w[1:].lower() or any(map(str.isdigit, w)) or w.lower() in keep or (titled and i == 0 and len(words) == 2 and w.lower() in keep)  # noqa: E501
        else w.lower()
        for i, w in enumerate(words)
    )  # fmt: skip


def _price(product: Product, language: str) -> str | None:
    price = product.price
    if price is None or price.amount == Decimal(0):
        return None
    amount = price.amount
    number = f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"
    if language == "zh" and price.currency == "CNY":
        return f"{number}元"
    symbol = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "JPY": "¥"}.get(price.currency)
    return f"{symbol}{number}" if symbol else f"{number} {price.currency}"


# --- frames --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _frames(language: str, kind: str) -> tuple[_Frame, ...]:
    return tuple(
        _Frame(row["say"], order, int(row.get("most", 1)), Voice(**row.get("tone", {})), row.get("needs") == "singular")
        for order, row in enumerate(table("frames")[language][kind])
    )


def _candidates(kit: _Kit, field: str, rng: random.Random, fits: Fits) -> list[_Candidate]:
    """Everything that could be said in a field, with how good it is before anything is chosen."""
    if field in _NAMES:
        return [_plainly(kit.brand, 0)] if kit.brand else []
    if field in _PATHS:
        return [_plainly(text, i) for i, text in enumerate(_paths(kit))]
    if field == "search_terms":
        return [_plainly(text, i) for i, text in enumerate(_search_terms(kit, fits))]
    found = [
        _plainly(_tidy(f"“{quote}” {kit.closers[i % len(kit.closers)]}", kit), i, 1.6)
        for i, quote in enumerate(kit.wishes.quotes[:3])
    ]
    for rank, kind in enumerate(_kinds(kit, field, fits)):
        if kind == "paragraph":
            found += [_plainly(text, i, 9.0) for i, text in enumerate(_paragraphs(kit, rng))]
        elif kind == "bullet":
            found += [replace(_plainly(text, i, 6.0), keys=(key,)) for i, (text, key) in enumerate(_bullets(kit, rng))]
        else:
            for frame in _frames(kit.language, kind):
                found += _filled(kit, frame, rng, bonus=2.0 if rank == 0 else 0.0)
    return found


def _plainly(text: str, order: int, score: float = 1.0) -> _Candidate:
    return _Candidate(text, _Frame(text, order, 1, Voice(), False), (), score - 0.01 * order)


def _kinds(kit: _Kit, field: str, fits: Fits) -> list[str]:
    """Which frames suit a field, the most suitable first."""
    probes = _PROBES[kit.language]
    if field in _BUTTONS:
        return ["button"]
    if field == "subject":
        return ["subject"]
    if field == "bullet":
        return ["bullet", "sentence"]
    if field == "title":
        return ["title", "headline"] if fits(probes[0]) else ["headline", "title"]
    if not _SENTENCES.search(field) or not fits(probes[0]):
        return ["headline"]
    if fits(probes[2]):
        return ["paragraph", "long", "sentence"]
    if fits(probes[1]) or (field in ("primary_text", "body", "message", "ad_text", "post") and fits(probes[1][:100])):
        return ["long", "sentence"]
    return ["sentence"]


def _filled(kit: _Kit, frame: _Frame, rng: random.Random, bonus: float) -> Iterator[_Candidate]:
    """One frame with its slots filled, the best facts first."""
    if frame.needs_singular and kit.is_plural:
        return
    slots = _SLOT.findall(frame.say)
    words: dict[str, Iterator[str]] = {}
    ordered: dict[str, list[str]] = {}
    base = bonus - 0.03 * frame.order + 0.5 * rng.random() + 0.8 * _matches(frame.tone, kit.wishes.voice)
    n_least = _MOST_OF_A_FRAME
    is_wishing = bool(kit.wishes.words_to_use or kit.wishes.keywords or kit.wishes.voice != Voice())
    for name, number in slots:
        if name in _FACT_SLOTS:
            continue
        entries = ordered.setdefault(name, _entries(kit, name, rng))
        if not entries or (number == "2" and len(entries) < 2):
            return
        base += _WORTH.get(name, 0.0)
        if name in ("moment", "season", "opener", "audience", "keyword", "offer"):
            n_least = min(n_least, len(entries))
        start = 1 if number == "2" else 0
        words[name + number] = itertools.cycle([*entries[start:], *entries[:start]])
    for chosen in (
        itertools.islice(_fact_choices(kit, slots, rng), _MOST_OF_A_FRAME) if _needs_facts(slots) else [()] * n_least
    ):
        forms = _forms_of(kit, slots, chosen)
        if forms is None or not _reads(frame.say, forms):
            continue
        filled = {**forms, **{slot: next(values) for slot, values in words.items()}}
        told = tuple(dict.fromkeys(p.key for p in chosen))
        score = base + 0.9 * min(len(told), 2) - 0.06 * sum(p.rank for p in chosen)
        candidate = _Candidate(None, frame, told, score, filled, kit)
        if is_wishing:
            candidate.score += _wished(candidate.text, kit.wishes)
        yield candidate


_WORTH = {"keyword": 1.3, "offer": 1.6, "brand": 0.3, "audience": 0.5, "price": 0.5, "moment": 0.1, "opener": -0.1}


def _matches(tone: Voice, wish: Voice) -> float:
    return (tone.formal * wish.formal + tone.playful * wish.playful + tone.bold * wish.bold) / 1.5


def _wished(text: str, wishes: Wishes) -> float:
    """What a line gains by the voice it has and the words it holds that the brief asks for."""
    low = text.casefold()
    return (
        0.7 * agreement(text, wishes.voice)
        + 0.7 * min(2, sum(w.casefold() in low for w in wishes.words_to_use))
        + 0.5 * any(k.casefold() in low for k in wishes.keywords)
    )


def _needs_facts(slots: Sequence[tuple[str, str]]) -> bool:
    return any(name in _FACT_SLOTS for name, _ in slots)


def _n_facts(slots: Sequence[tuple[str, str]]) -> int:
    return max(int(number or 1) for name, number in slots if name in _FACT_SLOTS)


def _fact_choices(kit: _Kit, slots: Sequence[tuple[str, str]], rng: random.Random) -> Iterator[tuple[Phrase, ...]]:
    n = _n_facts(slots)
    facts = sorted(kit.facts, key=lambda p: (p.rank, rng.random()))
    if n == 1:
        return ((p,) for p in facts)
    return iter(_pairs(facts, rng)) if n == 2 else iter(_triples(facts, rng))


def _forms_of(kit: _Kit, slots: Sequence[tuple[str, str]], chosen: Sequence[Phrase]) -> dict[str, str] | None:
    """Each fact slot's words; None where a fact has no such form, or says again what the thing is called."""
    said: dict[str, str] = {}
    n_tags = sum(name == "tag" for name, _ in slots)
    names_it = {name for name, _ in slots} & {"noun", "head", "name", "the_noun", "the_head", "a_head", "start"}
    for name, number in slots:
        if name not in _FACT_SLOTS:
            continue
        if name == "about":
            both = [p for p in chosen[: int(number)] if p.clause]
            if len(both) < int(number):
                return None
            form: str | None = _sentence_about(both, kit)
        else:
            phrase = chosen[int(number or 1) - 1]
            form = _form(phrase, name, kit)
        if name == "tag" and n_tags > 1 and number in ("2", "3") and _LEADS.match(form or ""):
            return None  # "aluminium and weighs 640 g"
        if not form or (names_it and name != "tag" and _repeats(form, kit.name)):
            return None
        if names_it and name == "tag" and kit.language == "en" and _repeats(form, kit.head):
            return None
        said[name + number] = form
    return said


def _reads(say: str, forms: Mapping[str, str]) -> bool:
    """Whether tags sit well where a frame puts them: never "holds 0.9 l and brushed steel", "and hobs: gas"."""
    for slot, form in forms.items():
        if slot.startswith("tag"):
            if _LEADS.match(form) and f"{{{slot}}} and {{tag" in say:
                return False
            if ": " in form and not re.search(rf"(?:^|[.!?] )\{{{slot}\}}(?:[.!?]|$)", say):
                return False
    return True


def _form(phrase: Phrase, name: str, kit: _Kit) -> str | None:
    if name == "tag":
        return phrase.tag
    if name == "with":
        if kit.language == "zh":
            return phrase.noun if phrase.noun and not phrase.noun[0].isdigit() and len(phrase.noun) <= 8 else None
        return phrase.noun
    if name == "before":
        return phrase.before
    if name == "clause":
        return _verb_form(phrase.clause, kit) if phrase.clause else None
    return next(iter(phrase.more), None)


def _verb_form(clause: str, kit: _Kit) -> str:
    if not kit.is_plural or kit.language != "en":
        return clause
    verb, _, rest = clause.partition(" ")
    plural = _PLURAL_VERBS.get(verb) or (f"{verb[:-3]}y" if verb.endswith("ies") else verb.removesuffix("s"))
    return f"{plural} {rest}"


def _entries(kit: _Kit, name: str, rng: random.Random) -> list[str]:
    """What a slot that takes no fact can hold."""
    the_head = f"the {kit.brand} {kit.head}" if kit.brand else f"the {kit.head}"
    one: dict[str, str | None] = {
        "noun": kit.noun,
        "head": kit.head,
        "name": kit.name,
        "brand": kit.brand,
        "price": kit.price,
        "the_head": the_head,
        "the_noun": the_head if kit.brand else f"the {kit.noun}",
        "a_noun": with_article(kit.noun),
        "a_head": with_article(kit.head),
        "start": f"{kit.brand} {name_of(kit.product)}".strip(),
    }
    if name in one:
        said = one[name]
        return [said] if said else []
    if name == "keyword":
        return list(kit.wishes.keywords)
    if name == "offer":
        return [offer.text for offer in kit.wishes.offers]
    if name == "audience":
        return list(kit.audience)
    if name == "season":
        return [m for m in _shuffled(kit.moments, rng) if "的" not in m]
    if name == "crowd":
        return [m for m in _shuffled(kit.moments, rng) if not m.startswith(("every ", "your ", "the "))]
    many = {"moment": kit.moments, "opener": kit.openers, "closer": kit.closers}[name]
    return _shuffled(many, rng)


def _said(frame: str, words: Mapping[str, str], kit: _Kit) -> str:
    """The frame with its slots filled; a fact inside a sentence begins small."""
    parts: list[str] = []
    end = 0
    for match in _SLOT.finditer(frame):
        before = frame[end : match.start()]
        parts.append(before)
        word = words[match.group(1) + match.group(2)]
        starts = not "".join(parts).strip() or "".join(parts).rstrip().endswith((".", "!", "?"))
        is_inside = match.group(1) in ("tag", "opener", "offer", "keyword") and not starts
        parts.append(_running(word) if is_inside and kit.language == "en" else word)
        end = match.end()
    return _tidy("".join([*parts, frame[end:]]), kit)


def _tidy(text: str, kit: _Kit) -> str:
    text = re.sub(r"\s{2,}", " ", text).strip()
    text = re.sub(r"\s+([,.!?:;])", r"\1", text)
    text = re.sub(r"([.!?])\.(?=\s|$)", r"\1", text)
    if kit.language == "zh":
        text = re.sub(r"[，,]([。！])", r"\1", text)
        text = re.sub(r"。([，。])", r"。", text)
        return re.sub(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z]{3,})|(?<=[A-Za-z]{3})(?=[\u4e00-\u9fff])", " ", text)
    if kit.is_plural:
        text = re.sub(r"(?<=, and )it (?=\w+)", "they ", text)
    if kit.brand and kit.brand[:1].islower() and text.startswith(kit.brand):
        return text
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda m: m.group().upper(), text)


# --- longer texts, lists and names ---------------------------------------------------------------------------------


def _paragraphs(kit: _Kit, rng: random.Random) -> Iterator[str]:
    """A description of several sentences that tells every fact once."""
    openers, closers = _shuffled(kit.openers, rng) or [""], _shuffled(kit.closers, rng)
    for i in range(min(3, max(1, len(openers)))):
        facts = sorted(kit.facts, key=lambda p: (p.rank, rng.random()))
        one_of_each = list({p.key: p for p in reversed(facts)}.values())[::-1]
        for most in (12, 6, 4, 2):
            told = one_of_each[:most]
            text = _paragraph(kit, told, openers[i % len(openers)], closers[i % len(closers)])
            if text:
                yield text


def _paragraph(kit: _Kit, facts: Sequence[Phrase], opener: str, closer: str) -> str:
    if not facts:
        return ""
    if kit.language == "zh":
        step = 4 if len(facts) % 3 == 1 else 3  # no fact stands alone at the end
        groups = ["，".join(p.tag for p in facts[i : i + step]) for i in range(0, len(facts), step)]
        return _tidy(f"{opener}{kit.brand}{kit.name}，" + "。".join(groups) + f"。{closer}", kit)
    spoken = [p for p in facts if p.clause and not _repeats(p.clause, kit.head)]
    rest = [p for p in facts if p not in spoken]
    the = f"the {kit.brand} {kit.head}" if kit.brand else f"the {kit.noun}"
    they = "they" if kit.is_plural else "it"
    sentences = [opener] if opener else []
    sentences += [
        f"{the if i == 0 else they} {_sentence_about(spoken[i : i + 2], kit)}." for i in range(0, len(spoken), 2)
    ]
    if not spoken:
        sentences.append(f"Meet {the}.")
    listed, alone = [p for p in rest if ": " not in p.tag], [p for p in rest if ": " in p.tag]
    sentences += [
        ", ".join([listed[i].tag, *(_running(p.tag) for p in listed[i + 1 : i + 3])]) + "."
        for i in range(0, len(listed), 3)
    ]
    sentences += [f"{p.tag}." for p in alone]
    if kit.audience:
        sentences.append(f"For {kit.audience[0]}.")
    return _tidy(" ".join([*sentences, closer]), kit)


def _bullets(kit: _Kit, rng: random.Random) -> Iterator[tuple[str, str]]:
    """One fact a bullet, as listings have them: what it is about first."""
    for p in sorted(kit.facts, key=lambda p: (p.rank, rng.random())):
        key = p.key.replace("_", " ").strip()
        if kit.language == "zh":
            yield (f"【{key}】{p.tag}" if key not in p.tag else p.tag), p.key
        elif ":" not in p.tag:
            has_key = {stem(w) for w in key.lower().split()} & {stem(w) for w in p.tag.lower().split()}
            yield _tidy(p.tag if has_key else f"{key}: {_running(p.tag)}", kit), p.key


def _paths(kit: _Kit) -> list[str]:
    """Words for the end of a shown address: "desk-lamp"."""
    said = [*kit.wishes.keywords, kit.name, kit.noun, kit.head, kit.brand]
    return list(dict.fromkeys(re.sub(r"[^\w]+", "-", text.lower()).strip("-") for text in said if text))


def _search_terms(kit: _Kit, fits: Fits) -> list[str]:
    """Words people may look for that the title does not hold already, as many as fit."""
    title = {stem(w.lower()) for w in re.findall(r"[^\W_]+", kit.product.title)}
    words: list[str] = []
    said = [*kit.wishes.keywords, kit.product.category or "", *(p.tag for p in kit.facts), *kit.audience]
    for word in re.findall(r"[\u4e00-\u9fff]+|[A-Za-z][A-Za-z-]+", " ".join(said)):
        low = word.lower()
        if len(low) > 2 and stem(low) not in title and low not in words and fits(" ".join([*words, low])):
            words.append(low)
    return [" ".join(words)] if words else []


# --- parts of sentences --------------------------------------------------------------------------------------------


def _shuffled(items: Sequence[str], rng: random.Random) -> list[str]:
    copy = list(items)
    rng.shuffle(copy)
    return copy


def _pairs(facts: Sequence[Phrase], rng: random.Random) -> list[tuple[Phrase, Phrase]]:
    """Two facts that are not about the same thing, the strongest pairs first, every fact in turn."""
    rest = [(p.rank + q.rank, rng.random(), p, q) for p in facts[:12] for q in facts[:12] if p.key != q.key]
    rest.sort(key=lambda row: row[:2])
    used: dict[str, int] = {}
    ordered: list[tuple[Phrase, Phrase]] = []
    waiting = [(0, row[0], number) for number, row in enumerate(rest)]  # times told, rank, place: the least is next
    heapq.heapify(waiting)
    while waiting and len(ordered) < _MOST_OF_A_FRAME:
        times, rank, number = heapq.heappop(waiting)
        first, second = rest[number][2:]
        now = used.get(first.tag, 0) + used.get(second.tag, 0)
        if now > times:
            heapq.heappush(waiting, (now, rank, number))
            continue
        ordered.append((first, second))
        for phrase in (first, second):
            used[phrase.tag] = used.get(phrase.tag, 0) + 1
    return ordered


def _triples(pool: Sequence[Phrase], rng: random.Random, n: int = 20) -> list[tuple[Phrase, Phrase, Phrase]]:
    found: list[tuple[Phrase, Phrase, Phrase]] = []
    used = dict.fromkeys((p.tag for p in pool), 0)
    combos = [c for c in itertools.combinations(pool[:10], 3) if len({p.key for p in c}) == 3]
    rng.shuffle(combos)
    waiting = [(0, sum(p.rank for p in c), number) for number, c in enumerate(combos)]
    heapq.heapify(waiting)
    while waiting and len(found) < n:
        times, rank, number = heapq.heappop(waiting)
        now = sum(used[p.tag] for p in combos[number])
        if now > times:
            heapq.heappush(waiting, (now, rank, number))
            continue
        found.append(combos[number])
        for p in combos[number]:
            used[p.tag] += 1
    return found


def _running(tag: str) -> str:
    """A tag inside a sentence: its capital goes unless it belongs to a name or sign."""
    head = tag.split(" ")[0]
    return tag if head[1:] != head[1:].lower() or head.isupper() else tag[:1].lower() + tag[1:]


def _repeats(words: str, name: str) -> bool:
    """ "stoneware" before or after "stoneware mug" says it twice."""
    if not words.isascii():
        return len(words) > 1 and words in name
    return bool({stem(w) for w in words.lower().split()} & {stem(w) for w in name.lower().split()})


def _sentence_about(phrases_: Sequence[Phrase], kit: _Kit) -> str:
    """ "holds 600 ml, is made in Slovenia and keeps drinks cold for 24 hours"."""
    clauses: list[str] = []
    for phrase in phrases_:
        clause = _verb_form(phrase.clause or "", kit)
        verb = clause.split(" ")[0]
        same_verb = clauses and verb in _MERGED and clauses[-1].split(" ")[0] == verb
        if same_verb and " and " not in clauses[-1] + clause:
            clauses.append(f"{clauses.pop()} and {clause[len(verb) + 1 :]}")
        else:
            clauses.append(clause)
    if len(clauses) == 1:
        return clauses[0]
    comma = "," if any(" and " in c for c in clauses) else ""
    return f"{', '.join(clauses[:-1])}{comma} and {clauses[-1]}"


_MERGED = ("has", "have", "contains", "contain", "is", "are", "measures", "measure")
