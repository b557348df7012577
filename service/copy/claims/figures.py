"""Figures with units and shares in per cent, each held against the attribute that its words name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.copy import quantities
from service.copy.facts import FARTHEST, OPPOSED, FactQuantity, Line, attribute_mentions, nearest_attributes, segment
from service.copy.lexicon import attribute_dimensions, meaning
from service.copy.quantities import Quantity
from service.copy.words import plain, tokens
from service.domain import Verdict

from .counts import judge_count, nouns_after, nouns_before
from .reading import Reading, fact_has, shares_words

_IDLE_NUMBERS = re.compile(
    r"\b(?:24/7|9 to 5|50/50|101|360 view)\b|\b(?:\d{1,2}(?:[:.]\d\d)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:\s?(?:am|pm|a\.m\.|p\.m\.)(?!\w)|\s?-?o'clock\b)"  # noqa: E501
)  # hours of the day are the reader's


def read_quantities(reading: Reading) -> None:
    for match in _IDLE_NUMBERS.finditer(reading.source.lower):
        if reading.is_free(*match.span()) and not fact_has(reading.book, match.group()):
            reading.take(*match.span())
    previous: Quantity | None = None
    for quantity in reading.figures:
        if not reading.is_free(quantity.start, quantity.end):
            if not reading.is_taken(quantity.start, quantity.end) and quantity.measures:
                pass  # a figure that reaches over a word already read is still a figure
            else:
                continue
        if (  # noqa: SIM102
            not quantity.measures
            and previous is not None
            and not _ALL_OF_THEM.search(reading.source.lower[max(0, quantity.start - 10) : quantity.start])
            and _attributes(reading, quantity, previous)
        ):
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
            judge_count(reading, quantity)


_ALL_OF_THEM = re.compile(r"\b(?:all|both|these|those|other|of the|you|them)\s+$")


def _is_bare(reading: Reading, quantity: Quantity) -> bool:
    """Nothing countable follows the figure: "... and hot for 12."."""
    rest = reading.source.lower[quantity.end : quantity.end + 16]
    return bool(re.match(r"\s*(?:$|[.,;!?)]|hot|cold|warm|when|if|for|with)", rest))


def _attributes(reading: Reading, quantity: Quantity, like: Quantity | None = None) -> frozenset[str]:
    """What a figure is about: by the words of its own stretch, else by the one attribute its sentence names freely."""
    dimensions = (like or quantity).dimensions
    relevant = frozenset().union(*(attribute_dimensions().get(d, frozenset()) for d in dimensions))
    near = nearest_attributes(reading.source, quantity, reading.figures, reading.language) & relevant
    if near:
        return near
    first, last = max(0, quantity.start - FARTHEST), min(len(reading.source.text), quantity.end + FARTHEST)
    left = max(max(reading.source.text.rfind(c, first, quantity.start) for c in ".!?\n。") + 1, first)
    ends = [i for c in ".!?\n。" if (i := reading.source.text.find(c, quantity.end, last)) >= 0]
    right = min(ends, default=last)
    far: set[str] = set()
    for a, b, names in attribute_mentions(plain(reading.source.text[left:right]), reading.language):
        start, end = segment(reading.source, a + left, b + left)
        has_its_own = any(
            f is not quantity and f.dimensions & dimensions for f in quantities.between(reading.figures, start, end)
        )
        if not has_its_own:
            far.update(names)
    return frozenset(far) & relevant if len(far & relevant) == 1 else frozenset()


_LASTS = re.compile(r"\b(?:for|up to|over|at least)\s+(?:up to\s+)?$")


_DURATION_TYPES = {"warranty": "warranty", "returns": "warranty"}


def _is_compound(quantity: Quantity) -> bool:
    """ "an hour and three quarters" is no vague hour."""
    return quantity.end - quantity.start > 14


def _judge_measure(reading: Reading, quantity: Quantity) -> None:
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
    named = next((fq for fq in candidates if quantities.agrees(quantity, fq.quantity) and _names_its_subject(reading, quantity, fq)), None)  # fmt: skip  # noqa: E501
    if named is not None:
        return reading.supported(*span, type, named.line)
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
    share = _of_each(reading, quantity)
    if share is not None:
        return reading.supported(*span, type, share)
    if about:
        return reading.contradicted(*span, type, about[0].line)
    open_ones = [fq for fq in candidates if not attributes or not fq.attributes or shares_words(reading, quantity, fq)]
    true = _agreeing(reading, quantity, open_ones)
    if true is not None:
        return reading.supported(*span, type, true.line)
    if attributes & OPPOSED and "insulated" in book.denied:
        return reading.contradicted(*span, type, book.denied["insulated"])
    if open_ones:
        return reading.contradicted(*span, type, _closest(reading, quantity, open_ones).line)
    return reading.unsupported(*span, type, "no fact gives this figure for " + " or ".join(sorted(attributes)))


_EACH_ONE = re.compile(r"\b(?:each|every|per|apiece|jede[rs]?|chaque|cada)\b|每|一[袋包片粒支]")


def _of_each(reading: Reading, quantity: Quantity) -> Line | None:
    """The total and the count that give what each piece has: "each bag holds two grams" of 80 g in 40 bags."""
    start, end = segment(reading.source, quantity.start, quantity.end)
    if not reading.book.shares or not _EACH_ONE.search(reading.source.lower[start:end]):
        return None
    return next((fq.line for fq in reading.book.shares if quantities.agrees(quantity, fq.quantity)), None)


_MONTH = re.compile(r"(?:1[0-2]|[1-9]|十[一二]|[一二三四五六七八九十])月份?")


_FULL_ONE = re.compile(r"\b(?:full|whole|entire|one|1)[ -]", re.I)


_PROMISED = re.compile(
    r"\b(?:try|return|refund|send|money back|guarantee|warrant|cover|trial|change your mind|swap|exchange)"
)


def _is_meant_exactly(reading: Reading, quantity: Quantity) -> bool:
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
    return any(units & {m.unit for m in fq.quantity.measures} and shares_words(reading, quantity, fq) for fq in alike)


def _judge_month(reading: Reading, quantity: Quantity) -> None:
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


def _covered_by_all(reading: Reading, quantity: Quantity) -> Line | None:
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


def _is_a_distance_covered(reading: Reading, quantity: Quantity) -> bool:
    """ "ten kilometres before breakfast", 跑完十公里: the reader's road, not the product's."""
    return any(m.unit in ("km", "mi") for m in quantity.measures) and bool(
        _COVERED.search(reading.source.lower[max(0, quantity.start - 16) : quantity.start])
    )


def _closest(reading: Reading, quantity: Quantity, facts: Sequence[FactQuantity]) -> FactQuantity:
    """The fact that speaks of the same thing as the words around a figure, else the first."""
    return next((fq for fq in facts if shares_words(reading, quantity, fq)), facts[0])


def _agreeing(reading: Reading, quantity: Quantity, candidates: Sequence[FactQuantity]) -> FactQuantity | None:
    true = [fq for fq in candidates if quantities.agrees(quantity, fq.quantity)]
    return next((fq for fq in true if shares_words(reading, quantity, fq)), true[0] if true else None)


def _names_its_subject(reading: Reading, quantity: Quantity, fact: FactQuantity) -> bool:
    """Whether words of the fact itself stand beside a figure: more than its unit and what every such figure is about."""  # noqa: E501
    if fact.line.key in ("title", "brand", "category") or fact.attributes & OPPOSED:
        return False
    start, end = segment(reading.source, quantity.start, quantity.end)
    near = {w.stem for w in reading.words_in(start, end) if w.is_word and not quantity.start <= w.start < quantity.end}  # fmt: skip  # noqa: E501
    return any(s in near for s in fact.own_nouns)


def _item(value: str, start: int, end: int) -> tuple[int, int]:
    """The item of a list that a figure stands in, with its brackets: "dark chocolate (70 % cocoa)"."""
    depth, left = 0, 0
    for i, character in enumerate(value):
        depth += (character in "(（") - (character in ")）")
        if depth == 0 and character in ",;、，；":
            if i >= end:
                return left, i
            left = i + 1 if i < start else left
    return left, len(value)


def _judge_percent(reading: Reading, quantity: Quantity) -> None:
    span = (quantity.start, quantity.end)
    nouns = nouns_after(reading, quantity, 3) | nouns_before(reading, quantity, 2)
    facts = [fq for fq in reading.book.quantities if "percent" in fq.quantity.dimensions]
    same_value = [fq for fq in facts if quantities.agrees(quantity, fq.quantity)]
    for fq in same_value:
        start, end = _item(fq.line.value, fq.quantity.start, fq.quantity.end)
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
