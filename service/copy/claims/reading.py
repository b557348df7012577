"""One text being read: what was found so far, which characters are spoken for, what readers ask of the facts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from service.copy.facts import FactBook, FactQuantity, Line, segment
from service.copy.lexicon import claim_trie, concepts, meaning, table
from service.copy.quantities import Quantity
from service.copy.words import Plain, Token, plain, stem, tokens
from service.domain import Verdict

NOT_FROM_TITLE = frozenset({"offer", "superlative", "health"})


def _begins(word: Token) -> int:
    return word.start


@dataclass(slots=True)
class Reading:
    """One text being read: what was found so far and which characters are spoken for."""

    source: Plain
    language: str
    book: FactBook
    words: list[Token]
    figures: list[Quantity] = field(default_factory=list)  # every figure of the text, with and without unit
    claims: list[tuple[int, int, str, Verdict, str | None, str | None]] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)  # start of a word -> its place
    taken: bytearray = field(default_factory=bytearray)  # one byte a character: 1 where a reader has spoken for it

    def index_of(self, word: Token) -> int:
        """Place of a word among ``words``."""
        if not self._places:
            self._places.update((w.start, i) for i, w in enumerate(self.words))
        return self._places[word.start]

    def words_in(self, start: int, end: int) -> list[Token]:
        """The words that begin in [start, end)."""
        return self.words[bisect_left(self.words, start, key=_begins) : bisect_left(self.words, end, key=_begins)]

    def words_from(self, start: int, most: int = 1) -> list[Token]:
        """The first words at or after a place."""
        first = bisect_left(self.words, start, key=_begins)
        return self.words[first : first + most]

    def words_before(self, end: int, most: int) -> list[Token]:
        """The last words that end at or before a place."""
        last = bisect_left(self.words, end, key=_begins)
        last -= bool(last and self.words[last - 1].end > end)
        return self.words[max(0, last - most) : last]

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


def line_with_number(book: FactBook, value: float | None, words: Sequence[str]) -> Line | None:
    for fq in book.quantities:
        said = f"{fq.line.key} {fq.line.value}".lower()
        if value is not None and abs(fq.quantity.number - value) < 1e-9 and any(w in said for w in words):
            return fq.line
    return None


def line_with_all(book: FactBook, stems: Sequence[str]) -> Line | None:
    """The line that holds all these words or their synonyms."""
    if not stems or any(book.word_line(s) is None for s in stems):
        return None
    return next((ln for ln in book.lines if not ln.negative and set(stems) <= stems_of(ln)), None)


def is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


PACKAGING = re.compile(
    r"packag|carton|(?<!in the )\bbox\b|wrap|\bbags?\b|pouch|包装|纸盒|盒|袋|verpackung|emballage|envase|箱"
)


def missing_reason(kind: str) -> str:
    return {
        "offer": "no fact makes this offer",
        "superlative": "no fact proves this rank or superiority",
        "certification": "no fact names this certificate, test or award",
        "health": "no fact states this effect on health or body",
        "environment": "no fact proves this environmental claim",
        "origin": "no fact names this origin",
    }.get(kind, f"no fact says this about the product ({kind})")


@lru_cache(maxsize=4_096)
def stems_of(line: Line) -> frozenset[str]:
    return frozenset(t.stem for t in tokens(plain(f"{line.key.replace('_', ' ')}: {line.value}")))


_PART_NAMES = frozenset(
    "handle strap lid base sole frame leg sleeve collar lining spout blade hinge buckle zip zipper button knob shelf drawer seat backrest armrest wheel hook loop cap grip cord cable wick lens".split()  # noqa: E501, SIM905
)


@lru_cache(maxsize=1)
def part_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in _PART_NAMES)


def concepts_of_line(book: FactBook, line: Line, kind: str) -> set[str]:
    named: set[str] = set()
    for mention in claim_trie("en").find(tokens(plain(line.value))):
        for concept in mention.concepts:
            if concept != "plain" and concepts()[concept].kind == kind:
                named |= {concept} | concepts()[concept].broader
    return named


def fact_has(book: FactBook, words: str) -> bool:
    return any(words in low for low, _ in book.han)


GRAMMAR = frozenset("a an the of for to in on at by with from and or but per your our its it is are that this these those you we as so up out into each every all any how more most only just not zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand half quarter quarters third minus".split())  # fmt: skip  # noqa: E501, SIM905


def is_foreign(reading: Reading) -> bool:
    """Whether the text is in another language than the facts, so that their nouns cannot meet."""
    return reading.language != reading.book.product.language.split("-")[0]


def fact_line_with(reading: Reading, words: str) -> Line | None:
    figures = table("numbers")["en"]
    wanted = {f"{figures[t.lower]:g}" if t.lower in figures else t.stem for t in tokens(plain(words)) if t.lower in figures or t.stem not in GRAMMAR}  # fmt: skip  # noqa: E501
    for low, line in reading.book.han:
        if line.key in ("title", "brand", "category") or (not wanted and words not in low):
            continue
        if (wanted and wanted <= stems_of(line)) or (not words.isascii() and words in low):
            return line
    return None


SOLD_APART = re.compile(r"sold separately|not included|available separately|without (?:charger|battery|batteries)")


STOP = frozenset("for to and or in on at of that which so when while with from by you your".split())  # noqa: SIM905


def is_claimed(reading: Reading, word: Token) -> bool:
    return any(c[0] <= word.start < c[1] for c in reading.claims)


def shares_words(reading: Reading, quantity: Quantity, fact: FactQuantity) -> bool:
    start, end = segment(reading.source, quantity.start, quantity.end)
    near = {meaning(w.stem) for w in reading.words_in(start, end) if w.is_word}
    if near & fact.nouns:
        return True
    return any(len(key) > 1 and key in reading.source.lower[start:end] for key in [fact.line.key.lower()])
