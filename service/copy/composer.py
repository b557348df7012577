"""Copy built from facts by grammar, without a model: true by construction, within its limit, whole words only.

``compose`` draws candidates from sentence patterns over the product's phrases, keeps what the ledger and the channel
accept, and hands back a varied few. Same product, field and seed: the same lines.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from service.domain import CopyLine, Ledger, Product, Verdict

from .ledger import check
from .lexicon import table
from .phrases import Phrase, head_of, name_of, noun_of, phrases
from .words import plain, stem, tokens

Fits = Callable[[str], bool]

_HEADLINE_FIELDS = ("headline", "title", "card_title", "short_title")
_SENTENCE_FIELDS = ("description", "long_headline", "preheader", "primary_text", "body", "message", "text", "caption", "intro_text", "post_text", "ad_text", "long_description")  # fmt: skip  # noqa: E501
_BUTTON_FIELDS = ("call_to_action", "cta", "button")
_SENTENCE_PROBE = {
    "en": "four words and more " * 2,
    "zh": "一二三四五六七八九十" * 2,
}  # a limit below this has no room for a sentence
_ORPHAN_END = re.compile(
    r"\b(?:and|or|with|for|of|to|in|on|at|by|the|a|an|is|from|that|your|its)[.!]?$|[,:;&+-]$", re.I
)


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
    price: str | None
    setting: str  # the row of moments.toml it belongs to

    @property
    def is_plural(self) -> bool:
        return self.head.endswith("s") and not self.head.endswith(("ss", "us"))


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

    Returns:
        Lines with origin "composer" whose ledgers hold no unsupported claim.
    """
    language = language.split("-")[0].lower()
    if language not in ("en", "zh") or n <= 0:
        return ()
    kit = _kit(product, language)
    rng = random.Random(f"{product.id}/{field}/{seed}")
    avoid = [re.compile(rf"(?<!\w){re.escape(w)}", re.I) for w in words_to_avoid if w.strip()]
    lines: list[CopyLine] = []
    seen = [_fingerprint(t) for t in taken]
    for candidate in _in_turn(_candidates(kit, field, rng, is_short=not fits(_SENTENCE_PROBE[language]))):
        text = _tidy(candidate, language)
        if not text or not fits(text) or _ORPHAN_END.search(text) or any(a.search(text) for a in avoid):
            continue
        print_ = _fingerprint(text)
        if any(_alike(print_, other) for other in seen):
            continue
        ledger = check(text, product, language)
        if not _is_clean(ledger):
            continue
        seen.append(print_)
        lines.append(CopyLine(field=field, text=text, origin="composer", ledger=ledger))
        if len(lines) == n:
            break
    return tuple(lines)


def _is_clean(ledger: Ledger) -> bool:
    return ledger.verdict in (Verdict.SUPPORTED, Verdict.PUFFERY)


def _in_turn(groups: Iterable[Iterator[str]]) -> Iterator[str]:
    """One candidate of each pattern after the other, so that neighbours differ in structure."""
    waiting = [iter(g) for g in groups]
    while waiting:
        alive = []
        for group in waiting:
            candidate = next(group, None)
            if candidate is not None:
                yield candidate
                alive.append(group)
        waiting = alive


def _fingerprint(text: str) -> tuple[str, frozenset[str]]:
    source = plain(text)
    words = [t.stem for t in tokens(source)]
    if not words or (not text.isascii() and len(words) < 3):
        words = [source.lower[i : i + 2] for i in range(len(source.lower) - 1)]
    return source.lower.strip(" .!。！"), frozenset(words)


def _alike(a: tuple[str, frozenset[str]], b: tuple[str, frozenset[str]]) -> bool:
    """Nearly the same words: three quarters shared, or the same text up to its closing mark."""
    shared = len(a[1] & b[1])
    return a[0] == b[0] or shared / max(1, len(a[1] | b[1])) > 0.74


def is_unfinished(text: str) -> bool:
    """Whether a text stops on a word or sign that wants more: "made for", "bottle,"."""
    return bool(_ORPHAN_END.search(text))


def buttons(product: Product, language: str = "en") -> tuple[str, ...]:
    """Calls to act that suit any product, and a few that name this one; none of them claims anything."""
    kit = _kit(product, language)
    lines = _buttons_zh(kit) if language == "zh" else _buttons(kit)
    return tuple(line for line in lines if _is_clean(check(line, product, language)))


def is_near_duplicate(text: str, others: Iterable[str]) -> bool:
    """Whether a line says nearly the same words as one of the others."""
    mine = _fingerprint(text)
    return any(_alike(mine, _fingerprint(other)) for other in others)


def _tidy(text: str, language: str) -> str:
    text = re.sub(r"\s{2,}", " ", text).strip()
    text = re.sub(r"\s+([,.!?:;])", r"\1", text)
    if language == "zh":
        return re.sub(r"[，,]([。！])", r"\1", text)
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda m: m.group().upper(), text)


def _kit(product: Product, language: str) -> _Kit:
    setting, row = _moment_row(product)
    core = name_of(product)
    if language == "zh":
        moments, openers = row["zh"], row.get("zh_openers", ())
    else:
        moments, openers = row["en"], row["openers"]
    return _Kit(
        product=product,
        language=language,
        facts=_worth_saying(phrases(product, language), setting),
        noun=noun_of(product),
        head=head_of(product),
        name=core if language == "zh" else _lower_words(core, product),
        brand=product.brand or "",
        moments=tuple(moments),
        openers=tuple(openers),
        price=_price(product, language),
        setting=setting,
    )


def _worth_saying(found: Sequence[Phrase], setting: str) -> tuple[Phrase, ...]:
    """Without bare dimensions where there is enough else to say, and carrying only for what is carried."""
    best = [p for p in found if p.rank < 8]
    kept = best if len(best) >= 5 else list(found)
    if setting not in ("drinkware", "bags", "electronics", "outdoor"):
        kept = [replace(p, more=tuple(m for m in p.more if not m.endswith("to carry"))) for p in kept]
    return tuple(kept)


def moments_of(product: Product, language: str = "en") -> list[str]:
    """When and where a product of this category is used: words that claim nothing, such as "slow mornings"."""
    row = _moment_row(product)[1]
    return list(row["zh" if language == "zh" else "en"])


def _moment_row(product: Product) -> tuple[str, dict[str, list[str]]]:
    rows = table("moments")
    for said in (product.category or "", product.title):
        words = {stem(t.lower) for t in tokens(plain(said))}
        for name, row in rows.items():
            if any(stem(w) in words or (not w.isascii() and w in said.lower()) for w in row["words"]):
                return name, dict(row)
    return "any", dict(rows["any"])


def _lower_words(core: str, product: Product) -> str:
    """A title in running text: "Insulated steel bottle" is "insulated steel bottle", "USB-C charger" stays."""
    words = core.split()
    titled = len(words) > 1 and all(w[:1].isupper() or not w[:1].isalpha() for w in words)
    keep = {"earl", "grey", "assam", "darjeeling", "ceylon"}
    return " ".join(
        w if w[1:] != w[1:].lower() or w.lower() in keep or (titled and i == 0 and len(words) == 2 and w.lower() in keep)  # noqa: E501
        else w.lower()
        for i, w in enumerate(words)
    )  # fmt: skip


def _price(product: Product, language: str) -> str | None:
    price = product.price
    if price is None:
        return None
    amount = price.amount
    number = f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"
    if amount == Decimal(0):
        return None
    if language == "zh" and price.currency == "CNY":
        return f"{number}元"
    symbol = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "JPY": "¥"}.get(price.currency)
    return f"{symbol}{number}" if symbol else f"{number} {price.currency}"


# --- patterns ----------------------------------------------------------------------------------------------------


def _candidates(kit: _Kit, field: str, rng: random.Random, is_short: bool) -> list[Iterator[str]]:
    zh = kit.language == "zh"
    if field in _BUTTON_FIELDS:
        return [iter(_buttons_zh(kit) if zh else _buttons(kit))]
    if field in ("business_name", "brand_name", "advertiser_name", "source"):
        return [iter([kit.brand] if kit.brand else [])]
    if field == "subject":
        return _subjects_zh(kit, rng) if zh else _subjects(kit, rng)
    if field == "title" or field.endswith("_title"):
        return [*(_titles_zh(kit) if zh else _titles(kit)), *(_headlines_zh(kit, rng) if zh else _headlines(kit, rng))]
    if field in _SENTENCE_FIELDS or "text" in field or "desc" in field:
        patterns = _sentences_zh(kit, rng, field) if zh else _sentences(kit, rng, field)
        short = _headlines_zh(kit, rng) if zh else _headlines(kit, rng)
        return short if is_short else patterns
    return _headlines_zh(kit, rng) if zh else _headlines(kit, rng)


def _shuffled(items: Sequence[str], rng: random.Random) -> list[str]:
    copy = list(items)
    rng.shuffle(copy)
    return copy


def _best_first(facts: Sequence[Phrase], rng: random.Random) -> list[Phrase]:
    """By rank, the order inside a rank by chance."""
    return sorted(facts, key=lambda p: (p.rank, rng.random()))


def _pairs(facts: Sequence[Phrase], rng: random.Random) -> list[tuple[Phrase, Phrase]]:
    """Two facts that are not about the same thing, the strongest pairs first, every fact in turn."""
    pairs = [(a, b) for a in facts for b in facts if a.key != b.key]
    used: dict[str, int] = {}
    ordered: list[tuple[Phrase, Phrase]] = []
    rest = sorted(pairs, key=lambda p: (p[0].rank + p[1].rank, rng.random()))
    while rest:
        best = min(rest, key=lambda p: (used.get(p[0].tag, 0) + used.get(p[1].tag, 0), p[0].rank + p[1].rank))
        rest.remove(best)
        ordered.append(best)
        for phrase in best:
            used[phrase.tag] = used.get(phrase.tag, 0) + 1
        if len(ordered) >= 60:
            break
    return ordered


def _running(tag: str) -> str:
    """A tag after a comma: its capital goes unless it belongs to a name or sign."""
    head = tag.split(" ")[0]
    return tag if head[1:] != head[1:].lower() or head.isupper() else tag[:1].lower() + tag[1:]


def _headlines(kit: _Kit, rng: random.Random) -> list[Iterator[str]]:
    facts = _best_first(kit.facts, rng)
    moments = _shuffled(kit.moments, rng)
    pairs = _pairs(facts, rng)
    befores = [p for p in facts if p.before and not _repeats(p.before, kit.noun)]
    nouns = [p for p in facts if p.noun and not _repeats(p.noun, kit.noun)]
    for_moments = [f"for {m}" for m in moments]
    extra = [line for p in facts for line in p.more]
    return [
        (p.tag for p in facts),
        (f"{p.tag}, {_running(q.tag)}" for p, q in pairs),
        (p.tag for p in facts[len(facts) // 2 :]),
        (f"{kit.noun} with {p.noun}" for p in nouns),
        iter(extra),
        (f"{p.before} {kit.head} {m}" for p, m in zip(befores, itertools.cycle(for_moments or [""]), strict=False)),
        iter([f"Yours for {kit.price}"] if kit.price else []),
        (f"{p.tag}. {q.tag}." for p, q in pairs[3:]),
        (f"{kit.noun} {m}" for m in for_moments[:1]),
        (f"{p.tag}. {q.tag}." for p, q in pairs[1::2]),
        (f"Made for {m}" for m in moments[:1]),
        iter([f"Meet the {kit.brand} {kit.head}"] if kit.brand and not kit.is_plural else []),
        iter(_audience_lines(kit)),
        (f"{p.before} {kit.noun}" for p in befores),
        (f"{kit.brand}: {_running(p.tag)}" for p in facts if kit.brand),
        (f"{p.tag}, {kit.price}" for p in facts[:4] if kit.price),
        iter([f"{kit.brand} {kit.name}"] if kit.brand else []),
        (
            f"{_article(kit.head)} that {p.clause}"
            for p in facts
            if p.clause and not kit.is_plural and not _repeats(p.clause, kit.head)
        ),
        itertools.chain(
            (f"Your {kit.head} {m}" for m in for_moments if not m.startswith("for your")),
            (f"The {kit.name}" for _ in range(1)),
            (f"Made for {m}" for m in moments[1:]),
            (f"{kit.noun} {m}" for m in for_moments[1:]),
        ),
    ]


def _repeats(words: str, name: str) -> bool:
    """ "stoneware" before or after "stoneware mug" says it twice."""
    return bool({stem(w) for w in words.lower().split()} & {stem(w) for w in name.lower().split()})


def _article(noun: str) -> str:
    return f"{'An' if noun[0].lower() in 'aeiou' else 'A'} {noun}"


def _audience_lines(kit: _Kit) -> list[str]:
    audience = kit.product.audience
    if not audience:
        return []
    first = re.split(r"\s+(?:who|that|with)\s+|,", audience)[0].strip()
    return (
        [f"For {audience}", f"{kit.noun} for {audience}", f"For {first}"] if first != "people" else [f"For {audience}"]
    )


def _sentence_about(kit: _Kit, phrases_: Sequence[Phrase]) -> str:
    """ "holds 600 ml, is made in Slovenia and keeps drinks cold for 24 hours"."""
    clauses: list[str] = []
    for phrase in phrases_:
        clause = phrase.clause or ""
        verb = clause.split(" ")[0]
        if clauses and verb in ("has", "contains", "is", "measures") and clauses[-1].split(" ")[0] == verb:
            if " and " in clauses[-1] or " and " in clause:
                clauses.append(clause)
                continue
            joined = f"{clauses.pop()} and {clause[len(verb) + 1 :]}"
            clauses.append(joined)
        else:
            clauses.append(clause)
    if len(clauses) == 1:
        return clauses[0]
    comma = "," if any(" and " in c for c in clauses) else ""
    return f"{', '.join(clauses[:-1])}{comma} and {clauses[-1]}"


def _triples(pool: Sequence[Phrase], rng: random.Random, n: int = 40) -> list[tuple[Phrase, Phrase, Phrase]]:
    found: list[tuple[Phrase, Phrase, Phrase]] = []
    used = dict.fromkeys((p.tag for p in pool), 0)
    combos = [c for c in itertools.combinations(pool[:12], 3) if len({p.key for p in c}) == 3]
    rng.shuffle(combos)
    while combos and len(found) < n:
        best = min(combos, key=lambda c: (sum(used[p.tag] for p in c), sum(p.rank for p in c)))
        combos.remove(best)
        found.append(best)
        for p in best:
            used[p.tag] += 1
    return found


def _sentences(kit: _Kit, rng: random.Random, field: str) -> list[Iterator[str]]:
    facts = _best_first(kit.facts, rng)
    clauses = [p for p in facts if p.clause and not _repeats(p.clause, kit.head)] if not kit.is_plural else []
    nouns = [p for p in facts if p.noun and not _repeats(p.noun, kit.name)]
    openers = _shuffled(kit.openers, rng) or [""]
    pairs, clause_pairs = _pairs(facts, rng), _pairs(clauses, rng)
    noun_pairs, triples = _pairs(nouns, rng), _triples(facts, rng)
    the = f"the {kit.brand} {kit.head}" if kit.brand else f"the {kit.noun}"
    closers = [f"Yours for {kit.price}."] if kit.price else []
    closers += [f"Made for {m}." for m in kit.moments[:2]] + ["Take a closer look.", "See the details."]
    shop = f"Shop {kit.brand} today." if kit.brand else "Shop today."
    cycle_openers, cycle_closers = itertools.cycle(openers), itertools.cycle([*closers, shop])
    short: list[Iterator[str]] = [
        (f"The {kit.noun} that {_sentence_about(kit, pair)}." for pair in clause_pairs),
        (f"{a.tag}, {_running(b.tag)}, {_running(c.tag)}. {next(cycle_closers)}" for a, b, c in triples),
        (f"{kit.name} with {a.noun} and {b.noun}." for a, b in noun_pairs),
        (
            f"{next(cycle_openers)} {a.tag}{', ' if ' and ' in a.tag + b.tag else ' and '}{_running(b.tag)}."
            for a, b in pairs
        ),
        (f"{the} {_sentence_about(kit, pair)}. {next(cycle_closers)}" for pair in clause_pairs[1:]),
        (f"{a.tag}. {b.tag}. {c.tag}." for a, b, c in triples[2:]),
        (f"{line}: {_running(a.tag)} and {_running(b.tag)}." for line in _audience_lines(kit)[:1] for a, b in pairs),
    ]
    if field not in ("primary_text", "body", "message", "caption", "intro_text", "post_text", "long_description"):
        return short
    long = [
        (f"{next(cycle_openers)} {the} {_sentence_about(kit, pair)}. {c.tag}." for pair, c in zip(clause_pairs, itertools.cycle(facts[::-1]), strict=False) if c not in pair),  # noqa: E501
        (f"{next(cycle_openers)} {a.tag}, {_running(b.tag)} and {_running(c.tag)}. {next(cycle_closers)}" for a, b, c in triples),  # noqa: E501
        (f"{next(cycle_openers)} {the} {_sentence_about(kit, (a,))}, and it {b.clause}. {next(cycle_closers)}" for a, b in clause_pairs),  # noqa: E501
    ]  # fmt: skip
    return [*long, *short]


def _subjects(kit: _Kit, rng: random.Random) -> list[Iterator[str]]:
    facts = _best_first(kit.facts, rng)
    pairs = _pairs(facts, rng)
    named = f"{kit.brand} {kit.head}" if kit.brand else kit.name
    return [
        (f"{kit.name}: {_running(a.tag)}, {_running(b.tag)}" for a, b in pairs),
        (f"{a.tag}, {_running(b.tag)}: meet the {named}" for a, b in pairs),
        (f"The {kit.noun} that {p.clause}" for p in facts if p.clause),
        (f"For {m}: {_running(p.tag)}" for m, p in zip(_shuffled(kit.moments, rng), facts, strict=False)),
        (f"{p.tag}, and yours for {kit.price}" for p in facts if kit.price),
    ]


def _titles(kit: _Kit) -> list[Iterator[str]]:
    tags = [p.tag for p in kit.facts if p.rank <= 6]
    start = f"{kit.brand} {name_of(kit.product)}".strip()
    return [iter([", ".join([start, *tags[:n]]) for n in (4, 3, 2, 1)]), iter([start, name_of(kit.product)])]


def _buttons(kit: _Kit) -> list[str]:
    lines = ["Shop now", f"See the {kit.head}", "Take a look", f"Shop {kit.brand}" if kit.brand else "", "Get yours", "See details", f"Meet the {kit.head}", "Order yours"]  # fmt: skip  # noqa: E501
    return [line for line in lines if line]


# --- Chinese -----------------------------------------------------------------------------------------------------


def _headlines_zh(kit: _Kit, rng: random.Random) -> list[Iterator[str]]:
    facts = _best_first(kit.facts, rng)
    moments = _shuffled(kit.moments, rng)
    pairs = _pairs(facts, rng)
    nouns = [p for p in facts if p.noun]
    return [
        (p.tag for p in facts),
        (f"{p.tag}，{q.tag}" for p, q in pairs),
        (f"{m}，{p.tag}" for m, p in zip(itertools.cycle(moments), facts, strict=False)),
        (f"{p.noun}的{kit.name}" for p in nouns if p.noun and not p.noun[0].isdigit() and len(p.noun) <= 6),
        iter([f"{kit.brand} {kit.name}", kit.name]),
        (f"{kit.name}，{p.tag}" for p in facts),
        (f"属于{m}的{kit.name}" for m in moments),
        (f"{p.tag}，陪伴{m}" for p, m in zip(facts[1:], itertools.cycle(moments), strict=False)),
        iter([f"{kit.price}带回家"] if kit.price else []),
    ]


def _sentences_zh(kit: _Kit, rng: random.Random, field: str) -> list[Iterator[str]]:
    facts = _best_first(kit.facts, rng)
    openers = itertools.cycle(_shuffled(kit.openers, rng) or [""])
    triples, pairs = _triples(facts, rng), _pairs(facts, rng)
    closers = itertools.cycle([*([f"{kit.price}带回家。"] if kit.price else []), "点击了解更多。", "现在选购。"])
    named = f"{kit.brand} {kit.name}".strip()
    patterns: list[Iterator[str]] = [
        (f"{next(openers)}{a.tag}，{b.tag}，{c.tag}。" for a, b, c in triples),
        (f"{named}，{a.tag}，{b.tag}。{next(closers)}" for a, b in pairs),
        (f"{a.tag}，{b.tag}。{next(openers)}" for a, b in pairs[1:]),
        (f"{a.tag}，{b.tag}，{c.tag}。{next(closers)}" for a, b, c in triples[1:]),
    ]
    if field in ("primary_text", "body", "message", "long_description"):
        long = [(f"{next(openers)}{named}，{a.tag}，{b.tag}，{c.tag}。{next(closers)}" for a, b, c in triples)]
        return [*long, *patterns]
    return patterns


def _subjects_zh(kit: _Kit, rng: random.Random) -> list[Iterator[str]]:
    facts = _best_first(kit.facts, rng)
    return [
        (f"{kit.name}：{a.tag}，{b.tag}" for a, b in _pairs(facts, rng)),
        (f"{m}，来一份{kit.name}" for m in _shuffled(kit.moments, rng)),
        (f"{a.tag}，{b.tag}的{kit.name}" for a, b in _pairs(facts, rng)),
    ]


def _titles_zh(kit: _Kit) -> list[Iterator[str]]:
    tags = [p.tag for p in kit.facts if p.rank <= 6]
    start = f"{kit.brand} {kit.name}".strip()
    return [iter([" ".join([start, *tags[:n]]) for n in (4, 3, 2, 1)]), iter([start, kit.name])]


def _buttons_zh(kit: _Kit) -> list[str]:
    return ["立即选购", "了解更多", "查看详情", "带回家", "现在选购"]
