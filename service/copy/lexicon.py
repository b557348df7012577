"""What the data files in ``lexicons/`` know: concepts and their surfaces in each language, compiled once, on first use."""  # noqa: E501

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from .words import Token, plain, stem, tokens

CONCEPT_FILES = {
    "materials": "material",
    "colours": "colour",
    "certifications": "certification",
    "offers": "offer",
    "superlatives": "superlative",
    "health": "health",
    "environment": "environment",
    "features": "feature",
    "abilities": "feature",
    "things": "thing",
    "origins": "origin",
}
SPACED_LANGUAGES = ("en", "de", "fr", "es")
HAN_LANGUAGES = ("zh", "ja")


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that can be claimed, whatever the language."""

    id: str
    kind: str
    broader: frozenset[str] = frozenset()  # what it carries with it: steel for stainless steel
    excludes: frozenset[str] = frozenset()  # what cannot be true beside it
    claims: bool = False  # of things: to name it says that it is there
    noun: bool = False  # of colours: a thing of the world too, a colour only in a colour's frame
    is_group: bool = False  # its surfaces share a kind, not a meaning: one of them proves no other


@dataclass(frozen=True, slots=True)
class Mention:
    """Concepts named at a place of the plain text. More than one: the surface is ambiguous, any may be meant."""

    start: int
    end: int
    concepts: tuple[str, ...]  # ("plain",) for a phrase that claims nothing


@lru_cache(maxsize=32)
def table(name: str) -> dict[str, Any]:
    """One data file, parsed."""
    return tomllib.loads(files(__package__).joinpath("lexicons", f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def concepts() -> dict[str, Concept]:
    """Every concept by id, with all that follows from it."""
    raw = {id: (kind, row) for name, kind in CONCEPT_FILES.items() for id, row in table(name).items()}

    def ancestors(id: str) -> frozenset[str]:
        direct = raw[id][1].get("is", [])
        return frozenset(direct).union(*(ancestors(d) for d in direct)) if direct else frozenset()

    return {
        id: Concept(
            id,
            kind,
            ancestors(id),
            frozenset(row.get("excludes", ())),
            bool(row.get("claims")),
            bool(row.get("noun")),
            bool(row.get("group")),
        )
        for id, (kind, row) in raw.items()
    }


@lru_cache(maxsize=1)
def attribute_dimensions() -> dict[str, frozenset[str]]:
    """Dimension to the attributes a figure of it can be about."""
    return {dimension: frozenset(names) for dimension, names in table("attributes")["_of"].items()}


class SpacedTrie:
    """Longest match of phrases over stems, for languages written with spaces."""

    def __init__(self) -> None:
        self._by_first: dict[str, dict[tuple[str, ...], list[str]]] = {}
        self.surfaces: set[str] = set()  # every phrase as it is written, in lower case
        self._exact: dict[str, list[str]] = {}  # "lasting": its stem is the harmless "last", so the form itself counts

    def add(self, surface: str, concept: str, exact: bool = False) -> None:
        """Add a phrase; ``exact`` keeps "slimming" from meeting "slim"."""
        words = tokens(plain(surface))
        stems = tuple(t.stem for t in words)
        if not stems:
            return
        self.surfaces.add(plain(surface).lower)
        if len(words) == 1 and exact and words[0].lower.endswith(("ing", "ed")):
            self._exact.setdefault(words[0].lower, []).append(concept)
            return
        if len(words) == 1 and words[0].lower != stems[0] and stems[0] in plain_stems("en") | puffery_stems("en"):
            self._exact.setdefault(words[0].lower, []).append(concept)
            return
        self._put(stems, concept)
        if len(stems) == 2 and all(s.isalpha() for s in stems):  # "leak proof" is also written "leakproof"
            joined = stem("".join(t.lower for t in tokens(plain(surface))))
            self._put((joined,), concept)

    def add_form(self, surface: str, concept: str) -> None:
        """Add a phrase by its stems only, whatever else they mean."""
        stems = tuple(t.stem for t in tokens(plain(surface)))
        if stems:
            self._put(stems, concept)

    def _put(self, stems: tuple[str, ...], concept: str) -> None:
        owners = self._by_first.setdefault(stems[0], {}).setdefault(stems, [])
        if concept not in owners:
            owners.append(concept)

    @property
    def first_stems(self) -> dict[str, dict[tuple[str, ...], list[str]]]:
        """Stem to the phrases that begin with it."""
        return self._by_first

    def find(self, words: list[Token]) -> Iterator[Mention]:
        """Non-overlapping mentions from left to right; a phrase never crosses a punctuation mark."""
        i = 0
        while i < len(words):
            best: tuple[int, list[str]] | None = None
            for stems, owners in self._by_first.get(words[i].stem, {}).items():
                n = len(stems)
                if (best is None or n > best[0]) and _starts_with(words, i, stems):
                    best = (n, owners)
            if best is None and words[i].lower in self._exact:
                best = (1, self._exact[words[i].lower])
            if best is None:
                i += 1
                continue
            yield Mention(words[i].start, words[i + best[0] - 1].end, tuple(best[1]))
            i += best[0]


def _starts_with(words: list[Token], i: int, stems: tuple[str, ...]) -> bool:
    if i + len(stems) > len(words) or words[i].clause != words[i + len(stems) - 1].clause:
        return False
    return all(words[i + k].stem == s for k, s in enumerate(stems))


class HanTrie:
    """Longest match of strings over characters, for Chinese and Japanese; Latin edges must be word edges."""

    def __init__(self) -> None:
        self._surfaces: dict[str, list[str]] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}

    def add(self, surface: str, concept: str) -> None:
        key = plain(surface).lower
        owners = self._surfaces.setdefault(key, [])
        if concept not in owners:
            owners.append(concept)
        lengths = set(self._lengths.get(key[0], ())) | {len(key)}
        self._lengths[key[0]] = tuple(sorted(lengths, reverse=True))

    def find(self, lower: str) -> Iterator[Mention]:
        i = 0
        while i < len(lower):
            for n in self._lengths.get(lower[i], ()):
                surface = lower[i : i + n]
                if len(surface) == n and surface in self._surfaces and _at_word_edges(lower, i, i + n):
                    yield Mention(i, i + n, tuple(self._surfaces[surface]))
                    i += n - 1
                    break
            i += 1

    def cover(self, lower: str, start: int, end: int) -> list[tuple[int, int]]:
        """Spans inside [start, end) that the surfaces cover, longest first from the left."""
        return [(m.start + start, m.end + start) for m in self.find(lower[start:end])]


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _at_word_edges(lower: str, start: int, end: int) -> bool:
    before = start == 0 or not (_is_latin(lower[start]) and _is_latin(lower[start - 1]))
    after = end >= len(lower) or not (_is_latin(lower[end - 1]) and _is_latin(lower[end]))
    return before and after


@lru_cache(maxsize=8)
def claim_trie(language: str) -> SpacedTrie:
    """Every concept's surfaces in one language written with spaces, with certificates in English too."""
    trie = SpacedTrie()
    for name in CONCEPT_FILES:
        for id, row in table(name).items():
            surfaces = list(row.get(language, ()))
            if language != "en" and name in ("certifications", "origins"):
                surfaces += row.get("en", ())
            for surface in surfaces:
                trie.add(surface, id, exact=name == "health")
    for phrase in table("plain").get(f"{language}_phrases", ()):
        trie.add(phrase, "plain")
    return trie


@lru_cache(maxsize=4)
def claim_han_trie(language: str) -> HanTrie:
    trie = HanTrie()
    for name in CONCEPT_FILES:
        for id, row in table(name).items():
            for surface in row.get(language, ()):
                trie.add(surface, id)
    for id, row in table("attributes").items():  # to name what a figure is about claims nothing
        for surface in () if id == "_of" else row.get(language, ()):
            if len(surface) > 1:
                trie.add(surface, "plain")
    for phrase in table("plain").get(f"{language}_phrases", ()):
        trie.add(phrase, "plain")
    return trie


@lru_cache(maxsize=8)
def attribute_trie(language: str) -> SpacedTrie:
    trie = SpacedTrie()
    for id, row in table("attributes").items():
        for surface in () if id == "_of" else row.get(language, ()):
            trie.add(surface, id)
    return trie


@lru_cache(maxsize=4)
def attribute_han_trie(language: str) -> HanTrie:
    trie = HanTrie()
    for id, row in table("attributes").items():
        for surface in () if id == "_of" else row.get(language, ()):
            trie.add(surface, id)
    return trie


@lru_cache(maxsize=8)
def counter_trie(language: str) -> SpacedTrie:
    """What numbers count, in a language written with spaces; English beside it, for facts."""
    trie = SpacedTrie()
    for id, row in table("counters").items():
        for surface in (*row.get(language, ()), *(row.get("en", ()) if language != "en" else ())):
            trie.add_form(surface, id)
    return trie


@lru_cache(maxsize=4)
def counter_han_trie(language: str) -> HanTrie:
    """What numbers count in Chinese or Japanese."""
    trie = HanTrie()
    for id, row in table("counters").items():
        for surface in row.get(language, ()):
            trie.add(surface, id)
    return trie


@lru_cache(maxsize=1)
def general_counters() -> frozenset[str]:
    """Counters of the product's own pieces."""
    return frozenset(id for id, row in table("counters").items() if row.get("general"))


@lru_cache(maxsize=8)
def plain_stems(language: str) -> frozenset[str]:
    """Stems of words that claim nothing."""
    return frozenset(_stems(table("plain").get(language, "").split()))


@lru_cache(maxsize=1)
def common_stems() -> frozenset[str]:
    """Stems of ordinary English words, which claim nothing outside a claim's frame."""
    return frozenset(stem(word) for word in table("common")["en"].split())


@lru_cache(maxsize=256)
def topics_of(words: frozenset[str]) -> frozenset[str]:
    """The kinds of goods that words of a title, category or audience name."""
    return frozenset(id for id, row in table("topics").items() if words & set(row["of"].split()))


@lru_cache(maxsize=64)
def topic_stems(topics: frozenset[str]) -> frozenset[str]:
    """Stems of the everyday words of some kinds of goods."""
    return frozenset(stem(word) for id in topics for word in table("topics")[id]["en"].split())


@lru_cache(maxsize=8)
def puffery_stems(language: str) -> frozenset[str]:
    """Stems of words that are opinion."""
    return frozenset(_stems(table("puffery").get(language, "").split()))


def _stems(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        parts = [t.stem for t in tokens(plain(word))]
        yield stem(word)
        if "'" not in word and len(parts) == 1:
            yield parts[0]


@lru_cache(maxsize=2)
def han_words(language: str) -> HanTrie:
    """Words that claim nothing and opinion words, as one cover for Chinese or Japanese text."""
    trie = HanTrie()
    for word in table("plain").get(language, "").split():
        trie.add(word, "plain")
    for word in table("idioms").get(language, "").split():
        trie.add(word, "plain")
    for word in table("puffery").get(language, "").split():
        trie.add(word, "puffery")
    return trie


@lru_cache(maxsize=1)
def ordinary_han_words() -> HanTrie:
    """Everyday Chinese words, which claim nothing outside a claim's frame."""
    trie = HanTrie()
    for word in table("ordinary")["zh"].split():
        trie.add(word, "plain")
    return trie


@lru_cache(maxsize=1)
def synonym_groups() -> dict[str, str]:
    """Stem to the first stem of its row in the synonym table (the first row that holds it)."""
    groups: dict[str, str] = {}
    for row in table("synonyms")["en"]:
        head = stem(row[0])
        for word in row:
            groups.setdefault(stem(word), head)
    return groups


def meaning(word_stem: str) -> str:
    """The stem that stands for this one and its synonyms."""
    return synonym_groups().get(word_stem, word_stem)
