"""What a product allows to be said: its facts, title and price, read once with the same eyes as the copy is read."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from functools import lru_cache

from service.domain import Product

from . import quantities
from .lexicon import (
    HAN_LANGUAGES,
    SPACED_LANGUAGES,
    attribute_dimensions,
    attribute_han_trie,
    attribute_trie,
    claim_han_trie,
    claim_trie,
    concepts,
    counter_han_trie,
    counter_trie,
    general_counters,
    meaning,
    table,
    topics_of,
)
from .quantities import Quantity
from .words import Plain, Token, plain, stem, tokens, written_language

_NO = re.compile(
    r"^\s*(?:(?:no|not|none|false|never|without|nein|nicht|keine?|non|aucune?|ninguno?|否|无|無|没有|不支持|不可用?|不能|不|n/?a|x|✗|✘|❌|不含|无添加|不添加|零添加|未添加|未认证|未通过|未附|未配|未检测|未取得|不需要?|无需|いいえ|なし|不可|非対応)"
    r"(?:\s+(?:included|needed|required|necessary|supported|compatible|suitable|possible|recommended|tested|available|allowed|permitted|added|used|provided|present|applicable|enthalten|geeignet|nötig|inclus|incluido))?|excluded|unsupported|(?:0(?![.,]\d)|zero|nil)\s?(?:%|g|mg|ml|percent)?)\s*(?:[.!,;(]|$)",
    re.I,
)
_YES = re.compile(
    r"^\s*(?:yes|true|y|ok|✓|✔|✅|ja|oui|sí|si|是|有|支持|included|available|supported|compatible|suitable|safe|certified|可|可以|可用|适用|兼容|含|附|已通过|はい|あり|対応|可能)\s*(?:[.!,;(]|$)",
    re.I,
)
_DENYING_KEY = re.compile(
    r"^(?:not|no|non|without|excludes?|excluded|free (?:of|from)|made without|does not contain|contains no|unsuitable|avoid|不含|不适|不包括|禁止|无|nicht|ohne|sans|sin)\b|^(?:不含|不适|不包括|禁止|未含)",  # noqa: E501
    re.I,
)
_NEGATION = re.compile(r"\bnon[\s-]$|\b(?:not|no|without|never|isn't|doesn't|cannot|nicht|kein|keine|ohne|sans|sin|excludes?|excluding|except|zero|free of|free from)\b[\s-]*(?:[\w'-]+\s+){0,2}$")  # fmt: skip  # noqa: E501
_HAN_NEGATION = re.compile(
    r"(?:不可|不能|不得|不支持|不含|不适用于|不适合|不是|不|无|没有|未|非|勿|禁止|请勿)(?:用于|使用|放入|入)?$"
)
_ABSENCE = re.compile(
    r"\b([a-z][a-z]+(?:-[a-z]+)?)[ -]free\b(?! (?:of|from)\b)|\bfree (?:of|from) (?:any |all )?([a-z]+)|\b(?:without|no|zero|non)[ -](?:any |added )?([a-z]+)"  # noqa: E501
)
ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules?|above|previous)\b|\bsystem prompt\b|忽略.{0,12}(?:指令|提示|以上|规则)",  # noqa: E501
    re.I,
)
_SIZES = ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "4xl", "5xl")
_SIZE_ALIASES = {"2xl": "xxl", "3xl": "xxxl", "2xs": "xxs"}
_SIZE = r"(?:xxs|2xs|xs|s|m|l|xl|xxl|2xl|xxxl|3xl|4xl|5xl)"
SIZE_RANGE = re.compile(rf"(?<![\w'-])({_SIZE})\s*(?:-|–|—|to|bis|à|a|到|至|~|through)\s*({_SIZE})(?![\w'])", re.I)
SIZE_LIST = re.compile(rf"(?<![\w'-])({_SIZE}(?:\s*[,/、]\s*(?:and |or )?{_SIZE})+)(?![\w'])", re.I)

SUBJECTS = {  # what a fact key says about its value, so that a wrong one of the same kind is a contradiction
    "material": "material fabric made lining upper sole shell composition 材质 材料 面料 stoff obermaterial matière material tissu materia 素材 frame filling cover body wick wax",  # noqa: E501
    "colour": "colour color colours colors finish shade 颜色 色 farbe couleur color カラー 色",
    "origin": "origin made country made_in manufactured production 产地 原产地 herkunft origine origen 原産国 grown roasted",  # noqa: E501
    "ingredients": "ingredient ingredients contains recipe 配料 成分 原料 zutaten inhaltsstoffe ingrédients ingredientes 原材料 成分",  # noqa: E501
    "warranty": "warranty guarantee 质保 保修 garantie garantía 保証",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One fact, or the title, the brand, the category: a key, a value and what both say."""

    key: str
    value: str
    negative: bool = False  # the fact says that it is not so

    @property
    def shown(self) -> str:
        return f"{self.key}: {self.value}"


@dataclass(frozen=True, slots=True)
class FactQuantity:
    line: Line
    quantity: Quantity
    attributes: frozenset[str]
    nouns: frozenset[str]  # meanings of the words in key and value
    counts: frozenset[str] = frozenset()  # what a bare figure counts: {"page"}
    own_nouns: frozenset[str] = frozenset()  # stems in key and value, without units, grammar and names of attributes


@dataclass(slots=True)
class FactBook:
    """Everything a product allows, ready to be asked. Built by :func:`open_book`; not changed afterwards."""

    product: Product
    lines: list[Line] = field(default_factory=list)
    affirmed: dict[str, Line] = field(default_factory=dict)  # concept -> the line that says so
    in_title: dict[str, Line] = field(default_factory=dict)  # concept -> named by title, category or brand only
    denied: dict[str, Line] = field(default_factory=dict)
    kinds: dict[str, Line] = field(default_factory=dict)  # subject ("material") -> a line about it
    absent: dict[str, Line] = field(default_factory=dict)  # stem of what the product is free of
    quantities: list[FactQuantity] = field(default_factory=list)
    words: dict[str, Line] = field(default_factory=dict)  # meaning of a word -> first line that holds it
    negative_words: dict[str, Line] = field(default_factory=dict)
    han: list[tuple[str, Line]] = field(default_factory=list)  # lower-case text of each line, for Chinese and Japanese
    han_pairs: dict[str, list[tuple[str, Line]]] = field(default_factory=dict)  # two characters -> lines that hold them
    sizes: dict[str, Line] = field(default_factory=dict)
    numbers: dict[str, Line] = field(default_factory=dict)  # digits as written
    attributes: set[str] = field(default_factory=set)  # what its figures are about

    key_stems: frozenset[str] = frozenset()  # the words that facts are about
    topics: frozenset[str] = frozenset()  # the kinds of goods it belongs to
    title_stems: frozenset[str] = frozenset()  # the words that name the product
    shares: list[FactQuantity] = field(default_factory=list)  # what one piece has of a total: 80 g of 40 bags
    packs: list[tuple[int, Line]] = field(default_factory=list)  # how many come together, by which line

    def facts(self) -> list[Line]:
        """The lines that are facts: neither title nor brand nor category."""
        return [line for line in self.lines if line.key not in ("title", "brand", "category")]

    def word_line(self, word_stem: str) -> Line | None:
        """The line that holds this word or a synonym, own word first."""
        return self.words.get(word_stem) or self.words.get(meaning(word_stem))


@lru_cache(maxsize=256)
def open_book(product: Product) -> FactBook:
    """Read a product's facts."""
    book = FactBook(product)
    for fact in product.facts:
        if ORDERS.search(fact.value) or ORDERS.search(fact.key):
            continue  # words that give orders to a writer are no fact about a product
        value = f"{fact.value} {fact.unit}" if fact.unit and fact.unit not in fact.value else fact.value
        _read(book, Line(fact.key, value, negative=_denies(fact.key, value)), book.affirmed)
    book.title_stems = frozenset(t.stem for t in tokens(plain(product.title)) if t.is_word)
    book.key_stems = frozenset(t.stem for ln in book.lines if ln.key not in ("title", "brand", "category") for t in tokens(plain(ln.key.replace("_", " "))) if t.is_word) | book.title_stems  # fmt: skip  # noqa: E501
    named = " ".join(t for t in (product.title, product.category, product.audience) if t)
    book.topics = topics_of(frozenset(w for t in tokens(plain(named)) for w in (t.lower, t.lower.rstrip("s"))) | frozenset([product.category or ""]))  # fmt: skip  # noqa: E501
    for key, text in (("title", product.title), ("brand", product.brand), ("category", product.category)):
        if text:
            _read(book, Line(key, text), book.in_title)
    book.quantities += _of_all_pieces(book)
    book.shares = _of_one_piece(book)
    for key, text in (("audience", product.audience), ("tone", product.tone)):
        if text:
            line = Line(key, text)
            _read_words(book, line, plain(text))
    for low, line in book.han:
        for pair in {low[i : i + 2] for i in range(len(low) - 1)} if not (line.negative or low.isascii()) else ():
            book.han_pairs.setdefault(pair, []).append((low, line))
    return book


_WARRANTY_VALUE = re.compile(r"质保|保修|三包|联保|\bwarranty\b|\bguarantee\b|garantie|garantía|保証")


def _denies(key: str, value: str) -> bool:
    """Whether a fact says that it is not so: "waterproof: no", "not suitable for: winter storms". Twice no is yes."""
    return bool(_NO.match(value)) != bool(_DENYING_KEY.match(key.strip().replace("_", " ")) and not _YES.match(value))


def _read(book: FactBook, line: Line, concepts_into: dict[str, Line]) -> None:
    book.lines.append(line)
    key = plain(line.key.replace("_", " "))
    value = plain(line.value)
    language = written_language(line.value, book.product.language)
    if line.key not in ("title", "brand", "category"):
        key_words = {t.lower for t in tokens(key)} | {key.lower}
        for subject, names in SUBJECTS.items():
            if subject == "colour" and re.search(r"temperature|coding|code|rendering|色温|farbtemperatur", key.lower):
                continue
            if any(n in key_words or (not n.isascii() and n in key.lower) for n in names.split()):
                book.kinds.setdefault(subject, line)
    if _WARRANTY_VALUE.search(line.value.lower()):
        book.kinds.setdefault("warranty", line)
    both = plain(f"{line.key.replace('_', ' ')}: {line.value}")
    is_answer = bool(_YES.match(line.value) or _NO.match(line.value))
    denies_key = bool(_NO.match(line.value)) or (line.negative and not is_answer)
    named = [(c, n, denies_key) for c, n in concepts_in(key if is_answer else both, language, every=True)]
    if is_answer:
        rest = plain(re.sub(r"^\W*\w+\W*", "", line.value))
        named += [(c, n, False) for c, n in concepts_in(rest, language, every=True)]
    own_concepts = {c for c, negated, answered_no in named if negated == answered_no}
    for concept, negated, answered_no in named:
        target = book.denied if negated != answered_no else concepts_into
        target.setdefault(concept, line)
        if target is not book.denied:
            for other in concepts()[concept].broader:
                target.setdefault(other, line)
            for other in concepts()[concept].excludes - own_concepts:
                book.denied.setdefault(other, line)
    for concept in _implied(key, line):
        concepts_into.setdefault(concept, line)
    for concept in _joined_concepts(key, value, language):
        concepts_into.setdefault(concept, line)
        for other in concepts()[concept].excludes:
            book.denied.setdefault(other, line)
    for name in _absence_list(both.lower):
        book.absent.setdefault(stem(name), line)
        for concept in _absence_concepts(name):
            book.affirmed.setdefault(concept, line)
    for match in _ABSENCE.finditer(both.lower):
        name = next(g for g in match.groups() if g)
        book.absent.setdefault(stem(name), line)
    if line.negative:
        for token in tokens(key):
            book.absent.setdefault(token.stem, line)
        for concept in _absence_concepts(key.text if is_answer else value.text):
            book.affirmed.setdefault(concept, line)
    _read_quantities(book, line, key, value, language)
    _read_words(book, line, both)
    pack = _PACK.search(f"{line.key}: {line.value}".lower())
    if pack:
        number = next(g for g in pack.groups() if g)
        book.packs.append((int(number), line))
    for size in sizes_in(line.value):
        book.sizes.setdefault(size, line)


def _implied(key: Plain, line: Line) -> list[str]:
    """What a fact says by its key alone: "app: iOS and Android" is control by app."""
    if line.negative or line.key in ("title", "brand", "category"):
        return []
    rows = table("implied").values()
    return [c for row in rows if re.fullmatch(row["key"], key.lower.strip()) for c in row["concepts"]]


_PACK = re.compile(
    r"(?:set|pack|bundle|box|lot) of (\d+)|(\d+)[ -]?(?:pack|packs|pieces|piece|count|pcs|stück|pièces|piezas|er[ -](?:pack|set))\b|(?:pieces|quantity|count|pack size|units)\s*:\s*(\d+)\b|(\d+)\s*(?:件|个|只|包|片|支|袋|罐|瓶)(?:装|套)?"  # noqa: E501
)


_LISTED_ABSENCE = re.compile(r"(?:free (?:of|from)|without|contains no|made without|\bno)\s+((?:[a-z-]+(?:\s[a-z-]+)?)(?:\s*(?:,|\bor\b|\band\b|/)\s*(?:[a-z-]+(?:\s[a-z-]+)?))+)|(?:不含|未添加|无)([^,.;]+(?:[、和及与][^,.;、]+)+)")  # fmt: skip  # noqa: E501


def _absence_list(text: str) -> list[str]:
    """Everything that "free of BPA, PVC and lead" names."""
    found: list[str] = []
    for match in _LISTED_ABSENCE.finditer(text):
        listed = next(g for g in match.groups() if g)
        found += [part.strip() for part in re.split(r",|\bor\b|\band\b|/|[、和及与]", listed) if part.strip()]
    return found


def _joined_concepts(key: Plain, value: Plain, language: str) -> set[str]:
    """What a key makes with an item of its value: "closure: magnetic" is a magnetic closure."""
    found: set[str] = set()
    if not key.text.isascii():
        for item in re.split(r"[,;、/(]", value.lower)[:6]:
            for phrase in (item.strip() + key.lower, key.lower + item.strip()):
                edge = len(item.strip()) if phrase.startswith(item.strip()) else len(key.lower)
                for mention in claim_han_trie("zh").find(phrase):
                    if mention.start < edge < mention.end:
                        found.update(c for c in mention.concepts if c != "plain")
        return found
    words = tokens(key)
    for item in re.split(r"[,;/(]", value.text)[:6]:
        item_words = tokens(plain(item))
        if not words or not 0 < len(item_words) <= 3 or _NO.match(item):
            continue
        ended = [f"{item.strip()}{ending} {key.text}" for ending in ("e", "er", "es", "en")] if language == "de" else []
        for phrase in (f"{item.strip()} {key.text}", f"{key.text} {item.strip()}", *ended):
            edge = (
                phrase.index(" ", len(item.strip()) - 1)
                if phrase.startswith(item.strip()) and " " in phrase[len(item.strip()) - 1 :]
                else len(key.text)
            )
            for name in dict.fromkeys(("en", language if language in SPACED_LANGUAGES else "en")):
                for mention in claim_trie(name).find(tokens(plain(phrase))):
                    if mention.start < edge < mention.end:
                        found.update(c for c in mention.concepts if c != "plain")
    return found


def _absence_concepts(name: str) -> set[str]:
    """Concepts that say that something is absent: "parabens" is "paraben-free", 双酚A is 不含双酚A."""
    found: set[str] = set()
    for part in re.split(r"[,;、/]|\band\b", name):
        part = part.strip()
        phrases = (f"不含{part}", f"无{part}", f"非{part}") if not part.isascii() else (f"no {part}", f"{part} free", f"without {part}")  # fmt: skip  # noqa: E501
        for phrase in phrases if part else ():
            trie = claim_han_trie("zh").find(plain(phrase).lower) if not part.isascii() else claim_trie("en").find(tokens(plain(phrase)))  # fmt: skip  # noqa: E501
            for mention in trie:
                if mention.start == 0 and mention.end == len(phrase):
                    found.update(c for c in mention.concepts if c != "plain")
    return found


def base_of(word: str) -> str | None:
    """Stem of the verb in "dimmable", "flushable", "washable"; None for other words."""
    match = re.fullmatch(r"([a-z]{3,})(?:able|ible)", word)
    if match is None:
        return None
    base = match.group(1)
    base = base[:-1] if base[-1] == base[-2] and base[-1] not in "sl" else base
    return stem(base)


def _read_words(book: FactBook, line: Line, both: Plain) -> None:
    words = tokens(both)
    for token in words:
        target = book.words
        if line.negative or _NEGATION.search(both.lower[max(0, token.start - 40) : token.start]):
            target = book.negative_words
        target.setdefault(token.stem, line)
        target.setdefault(meaning(token.stem), line)
        if (base := base_of(token.lower)) is not None:
            target.setdefault(base, line)
        if token.lower[0].isdigit():
            book.numbers.setdefault(token.lower, line)
    for first, second in itertools.pairwise(words):  # "cup holder" also as "cupholder"
        if first.clause == second.clause and first.is_word and second.is_word:
            book.words.setdefault(stem(first.lower + second.lower), line)
    book.han.append((both.lower, line))


def _read_quantities(book: FactBook, line: Line, key: Plain, value: Plain, language: str) -> None:
    key_attributes = frozenset(attributes_in(key, written_language(key.text, language)))
    nouns = frozenset(meaning(t.stem) for t in (*tokens(key), *tokens(value)) if t.is_word)
    found = quantities.find(value, language)
    own = _own_nouns(key, value, found, language)
    previous: Quantity | None = None
    for quantity in [*found, *_totals(value, found)]:
        near = nearest_attributes(value, quantity, found, language)
        attributes = near if not key_attributes or near & OPPOSED else near | key_attributes
        if not quantity.measures and previous is not None and previous.measures and attributes - key_attributes:
            quantity = quantities.like(quantity, previous)
        counts = frozenset[str]()
        if not quantity.measures:
            start, end = segment(value, quantity.start, quantity.end)
            counts = (
                counters_in(plain(value.text[quantity.end : end]), language)
                or counters_in(plain(value.text[start : quantity.start]), language)
                or counters_in(key, written_language(key.text, language))
            )
        book.quantities.append(FactQuantity(line, quantity, attributes, nouns, counts, own))
        if quantity.measures:
            book.attributes |= attributes & _relevant(quantity)
            if "time" in quantity.dimensions and attributes & {"cold", "hot"}:
                book.affirmed.setdefault("insulated", line)
        previous = quantity
    _count_items(
        book,
        line,
        key,
        value,
        language,
        nouns,
        has_figure=any(not q.measures for q in found if not _in_brackets(value.text, q.start)),
    )


def _own_nouns(key: Plain, value: Plain, found: list[Quantity], language: str) -> frozenset[str]:
    named = {(a, b) for a, b, _ in attribute_mentions(value, language)}
    stems = {t.stem for t in tokens(value) if t.is_word and len(t.stem) > 3 and not any(q.start <= t.start < q.end for q in found) and not any(a <= t.start < b for a, b in named)}  # fmt: skip  # noqa: E501
    return frozenset(stems - _EVERYWHERE)


_EVERYWHERE = frozenset(stem(w) for w in "with from about each every over under that this when than into more most less only also type size total maximum minimum approx approximately including included without".split())  # fmt: skip  # noqa: E501, SIM905
_ITEM_BREAK = re.compile(r"\s*(?:[,;、/+|]|\band\b|\bund\b|\bet\b|\by\b|[和与及])\s*")


def _in_brackets(text: str, place: int) -> bool:
    return text.rfind("(", 0, place) > text.rfind(")", 0, place)


def _count_items(book: FactBook, line: Line, key: Plain, value: Plain, language: str, nouns: frozenset[str], has_figure: bool) -> None:  # fmt: skip  # noqa: E501
    """ "colours: sage, rust, sand" also says that there are three."""
    if line.key in ("title", "brand", "category") or has_figure:
        return
    items = [item for item in _ITEM_BREAK.split(re.sub(r"\([^)]*\)", "", value.text)) if item.strip()]
    if len(items) < 2 or any(len(item) > 24 for item in items):
        return
    counts = counters_in(key, written_language(key.text, language))
    whole = Quantity(0, len(value.text), float(len(items)), ())
    book.quantities.append(FactQuantity(line, whole, frozenset(), nouns, counts))


def counters_in(source: Plain, language: str) -> frozenset[str]:
    """What is counted, by the words of a stretch of text."""
    found: set[str] = set()
    if language in SPACED_LANGUAGES or source.text.isascii():
        for mention in counter_trie(language if language in SPACED_LANGUAGES else "en").find(tokens(source)):
            found.update(mention.concepts)
    else:
        for name in HAN_LANGUAGES:
            for mention in counter_han_trie(name).find(source.lower):
                found.update(mention.concepts)
    return frozenset(found)


OPPOSED = frozenset({"cold", "hot"})
_EACH = re.compile(r"\s*(?:[\w-]+\s+){0,2}?[^\W\d]{0,3}\s*(?:[x×*]|of|je|de|à)\s*", re.I)
_EACH_AFTER = re.compile(r"\s*[x×*]\s*")


def _totals(value: Plain, found: list[Quantity]) -> list[Quantity]:
    """What several of the same make together: "12 packs x 5 g" are 60 g."""
    totals: list[Quantity] = []
    for first, second in itertools.pairwise(found):
        between = value.lower[first.end : second.start]
        count, each = (first, second) if not first.measures else (second, first)
        pattern = _EACH if count is first else _EACH_AFTER
        between = "x" if count is first and between.isspace() else between  # "two 250 ml bottles"
        is_pair = bool(each.measures) and not count.measures and count.number == int(count.number) > 1
        if is_pair and each.dimensions & _SUMMED and pattern.fullmatch(between):
            measures = tuple(quantities.Measure(m.dimension, count.number * m.value, m.unit) for m in each.measures)
            totals.append(Quantity(first.start, second.end, count.number * each.number, measures, step=each.step))
    return totals


_A_PIECE = re.compile(
    r"\b(?:each|apiece|per (?:\w+)|a piece|je|pro \w+|par \w+|por \w+|cada uno|chacune?)\b|每[^\W\d_]|/\s?[a-z]+|单[个支片只]"  # noqa: E501
)


def _of_all_pieces(book: FactBook) -> list[FactQuantity]:
    """What all pieces make together: 25 kg per shelf and shelves: 5 are 125 kg; 12 lumens each, set of 8, 96 lumens."""
    found: list[FactQuantity] = []
    for fq in book.quantities:
        said = f"{fq.line.key} {fq.line.value}".lower()
        if not fq.quantity.measures or not fq.quantity.dimensions & _GATHERED or not _A_PIECE.search(said):
            continue
        piece = _A_PIECE.search(said)
        name = stem(piece.group().split()[-1]) if piece and " " in piece.group() else ""
        numbers = {n: line for n, line in book.packs}  # noqa: C416
        numbers |= {int(other.quantity.number): other.line for other in book.quantities if name and not other.quantity.measures and meaning(name) in other.nouns and 1 < other.quantity.number < 1000}  # fmt: skip  # noqa: E501
        for n, line in numbers.items():
            total = Quantity(fq.quantity.start, fq.quantity.end, n * fq.quantity.number, tuple(quantities.Measure(m.dimension, n * m.value, m.unit) for m in fq.quantity.measures), step=fq.quantity.step)  # fmt: skip  # noqa: E501
            both = Line(fq.line.key, f"{fq.line.value}; {line.shown}")
            found.append(FactQuantity(both, total, fq.attributes, fq.nouns))
    return found


def _of_one_piece(book: FactBook) -> list[FactQuantity]:
    counts = {n: line for n, line in book.packs if n > 1}
    counts |= {int(fq.quantity.number): fq.line for fq in book.quantities if not fq.quantity.measures and fq.counts & general_counters() and 1 < fq.quantity.number < 1000}  # fmt: skip  # noqa: E501
    found: list[FactQuantity] = []
    for fq in book.quantities:
        said = f"{fq.line.key} {fq.line.value}".lower()
        if not fq.quantity.dimensions & frozenset({"mass", "volume"}) or _A_PIECE.search(said):
            continue
        for n, line in counts.items():
            measures = tuple(quantities.Measure(m.dimension, m.value / n, m.unit) for m in fq.quantity.measures)
            one = Quantity(fq.quantity.start, fq.quantity.end, fq.quantity.number / n, measures, step=0.1)
            found.append(
                FactQuantity(Line(fq.line.key, f"{fq.line.value}; {line.shown}"), one, fq.attributes, fq.nouns)
            )
    return found


_GATHERED = frozenset({"mass", "volume", "charge", "power", "energy", "luminous", "light", "length"})
_SUMMED = frozenset({"mass", "volume", "charge", "power"})


def nearest_attributes(source: Plain, quantity: Quantity, found: list[Quantity], language: str) -> frozenset[str]:
    """What the words of its own stretch say that a figure is about; of two figures of a kind the nearer has it."""
    start, end = segment(source, quantity.start, quantity.end)
    rivals = [
        q
        for q in quantities.between(found, start, end)
        if (q.end <= quantity.start or quantity.end <= q.start) and q.dimensions & quantity.dimensions
    ]
    around = (
        source.text[start : quantity.start] + " " * (quantity.end - quantity.start) + source.text[quantity.end : end]
    )
    nearest: set[str] = set()
    for a, b, names in attribute_mentions(plain(around), language):
        place, stop = a + start, b + start
        own = min(abs(place - quantity.end), abs(quantity.start - stop))
        if all(own <= min(abs(place - r.end), abs(r.start - stop)) for r in rivals):
            nearest.update(names)
    return frozenset(nearest)


def _relevant(quantity: Quantity) -> frozenset[str]:
    return frozenset().union(*(attribute_dimensions().get(d, frozenset()) for d in quantity.dimensions))


def segment(source: Plain, start: int, end: int) -> tuple[int, int]:
    """The stretch between commas, full stops and "and" around a span."""
    left = max(0, start - FARTHEST)
    for match in _SPLIT.finditer(source.lower, max(0, start - FARTHEST), start):
        left = match.end()
    right = _SPLIT.search(source.lower, end, end + FARTHEST)
    return left, right.start() if right else min(len(source.text), end + FARTHEST)


FARTHEST = 240  # code points a clause may reach from its figure
_SPLIT = re.compile(
    r"[,;!?\n(){}、|•/](?!\d)|\.(?!\d)|\s(?:and|und|et|y|while|but|plus|with|yet)\s|[和与及且]|并且|(?<=[^\d\s])\s-\s"
)


def attributes_in(source: Plain, language: str) -> set[str]:
    """What figures near these words are about: {"cold"}, {"warranty"} ..."""
    return {name for _, _, names in attribute_mentions(source, language) for name in names}


def attribute_mentions(source: Plain, language: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """(start, end, attributes) of every word that names what a figure is about."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    words = tokens(source)
    for name in {language, "en"} & set(SPACED_LANGUAGES):
        found.extend((m.start, m.end, m.concepts) for m in attribute_trie(name).find(words))
    for name in HAN_LANGUAGES if language not in SPACED_LANGUAGES else ():
        found.extend((m.start, m.end, m.concepts) for m in attribute_han_trie(name).find(source.lower))
    return found


def concepts_in(source: Plain, language: str, every: bool = False) -> list[tuple[str, bool]]:
    """(concept, negated) for all that a text names; ``every`` reads English beside the text's own language."""
    found: list[tuple[str, bool]] = []
    words = tokens(source)
    for name in SPACED_LANGUAGES if every else {language} & set(SPACED_LANGUAGES):
        if every and name not in ("en", language) and source.text.isascii() and not _has_word_of(name, words):
            continue
        for mention in claim_trie(name).find(words):
            is_foreign = every and name not in ("en", language)
            if is_foreign and source.lower[mention.start : mention.end] not in claim_trie(name).surfaces:
                continue  # "lining" is no "lin"
            if ends_an_absence(source.lower, mention.start, mention.end):
                continue  # "free" of "plastic-free"
            negated = is_negated(source, mention.start) or _FREE_AFTER.match(source.lower, mention.end) is not None
            found.extend((c, negated) for c in mention.concepts if c != "plain")
    for name in HAN_LANGUAGES if language not in SPACED_LANGUAGES else ():
        for mention in claim_han_trie(name).find(source.lower):
            negated = is_negated(source, mention.start)
            found.extend((c, negated) for c in mention.concepts if c != "plain")
    return found


def ends_an_absence(lower: str, start: int, end: int) -> bool:
    """Whether "free" at a place is that of "plastic-free" or "free of plastic"."""
    return lower[start:end] == "free" and (lower[start - 1 : start] == "-" or bool(_FREE_OF.match(lower, start)))


_FREE_OF = re.compile(r"free (?:of|from)\b")
_FREE_AFTER = re.compile(r"-free\b")


def _has_word_of(language: str, words: list[Token]) -> bool:
    """Whether a fact holds a material, certificate or feature by its German, French or Spanish name."""
    return any(len(w.lower) > 4 and w.stem in claim_trie(language).first_stems for w in words)


def is_negated(source: Plain, start: int) -> bool:
    """Whether the words before a place deny what follows."""
    before = source.lower[max(0, start - 40) : start]
    clause = re.split(r"[.,;!?\n:]", before)[-1]
    return bool(_NEGATION.search(clause) or _HAN_NEGATION.search(clause))


def absences_in(source: Plain) -> list[tuple[int, int, str]]:
    """(start, end, stem) of every "X-free", "no X", "without X", "free of X" of an English text."""
    return [(*m.span(), stem(next(g for g in m.groups() if g))) for m in _ABSENCE.finditer(source.lower)]


def sizes_in(text: str) -> set[str]:
    """Letter sizes that a range or list names: "S-XL" is {"s", "m", "l", "xl"}."""
    found: set[str] = set()
    for match in SIZE_RANGE.finditer(text):
        low, high = (_SIZES.index(_SIZE_ALIASES.get(g.lower(), g.lower())) for g in match.groups())
        found.update(_SIZES[low : high + 1])
    for match in SIZE_LIST.finditer(text):
        found.update(
            _SIZE_ALIASES.get(s.lower(), s.lower()) for s in re.split(r"\s*[,/、]\s*(?:and |or )?", match.group(1)) if s
        )
    return found
