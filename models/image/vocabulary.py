"""From free words to the attributes the scene model was trained on, and a plain list of what was not understood.

The words and their order live in ``vocabulary.toml``. No network is involved: longest phrase first, colours go to the
part of the picture that is named after them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TOML = Path(__file__).with_name("vocabulary.toml")
COLOUR_OF = {"surface": "surface_colour", "back": "back_colour", "podium": "podium_colour"}
COLOURED_SURFACES = ("painted", "linen", "tile")
COLOURED_BACKS = ("sweep", "wall", "plaster")
OWN = "own"
TOKEN = re.compile(r"[a-z][a-z'\-]*|,|;|\.")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Values of every attribute in the model's order, and the phrases that lead to them."""

    values: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[tuple[str, str], ...]]  # phrase -> (attribute, value) pairs it may mean
    anchors: Mapping[str, str]  # phrase -> surface, back or podium
    families: Mapping[str, Mapping[str, str]]
    quiet: frozenset[str]

    @property
    def longest(self) -> int:
        """Words in the longest phrase."""
        return max(len(p.split()) for p in (*self.phrases, *self.families, *self.anchors))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text asks for."""

    attributes: Mapping[str, str]  # only what the words said or a family implied
    not_understood: tuple[str, ...]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary that ships with the weights."""
    data = tomllib.loads(TOML.read_text(encoding="utf-8"))
    tables = data["attributes"]
    values: dict[str, tuple[str, ...]] = {}
    phrases: dict[str, list[tuple[str, str]]] = {}
    for attribute, table in tables.items():
        base = dict(tables[table["same_as"]]) if "same_as" in table else {}
        merged = base | {k: v for k, v in table.items() if k != "same_as"}
        values[attribute] = tuple(merged)
        for value, synonyms in merged.items():
            for phrase in {value.replace("_", " "), *synonyms} if value not in ("none", OWN) else set(synonyms):
                phrases.setdefault(phrase, []).append((attribute, value))
    anchors = {word: part for part, words in data["anchors"].items() for word in words}
    frozen = {phrase: tuple(meanings) for phrase, meanings in phrases.items()}
    return Vocabulary(values, frozen, anchors, data["families"], frozenset(data["quiet"]["words"]))


def singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def read(text: str, words: Vocabulary | None = None) -> Reading:
    """Attributes that a text asks for.

    >>> read("dark walnut table by a window, warm evening light from the left").attributes["surface"]
    'dark_wood'
    >>> read("sage green wall behind a pink podium").attributes["podium_colour"]
    'pink'
    >>> read("a marble counter with zebras").not_understood
    ('zebras',)
    """
    words = words or vocabulary()
    tokens = TOKEN.findall(text.lower())
    found: dict[str, str] = {}
    implied: dict[str, str] = {}
    waiting: list[tuple[str, str]] = []  # colours or materials that wait for the part they belong to
    unknown: list[str] = []
    i = 0
    while i < len(tokens):
        if tokens[i] in ",;.":
            _settle(waiting, found)
            i += 1
            continue
        n, phrase = _longest_match(tokens, i, words)
        if not n:
            if tokens[i] not in words.quiet:
                unknown.append(tokens[i])
            i += 1
            continue
        i += n
        _take(phrase, words, found, implied, waiting)
    _settle(waiting, found)
    for attribute, value in implied.items():
        found.setdefault(attribute, value)
    return Reading(_tidy(found), tuple(dict.fromkeys(unknown)))


def _longest_match(tokens: list[str], i: int, words: Vocabulary) -> tuple[int, str]:
    for n in range(min(words.longest, len(tokens) - i), 0, -1):
        phrase = " ".join(tokens[i : i + n])
        for candidate in (phrase, singular(phrase)):
            if candidate in words.phrases or candidate in words.families or candidate in words.anchors:
                return n, candidate
    return 0, ""


def _take(
    phrase: str,
    words: Vocabulary,
    found: dict[str, str],
    implied: dict[str, str],
    waiting: list[tuple[str, str]],
) -> None:
    meanings = dict(words.phrases.get(phrase, ()))
    if "surface_colour" in meanings:
        waiting.append(("colour", meanings["surface_colour"]))
        return
    if "podium_colour" in meanings and "surface" in meanings:
        waiting.append(("material", phrase))
    for attribute in ("surface", "back", "podium", "light", "side", "camera", "accent"):
        if attribute in meanings and not (attribute == "surface" and waiting and waiting[-1] == ("material", phrase)):
            found.setdefault(attribute, meanings[attribute])
    for attribute, value in words.families.get(phrase, {}).items():
        implied.setdefault(attribute, value)
    part = words.anchors.get(phrase)
    if part:
        for kind, value in waiting:
            if kind == "colour":
                found.setdefault(COLOUR_OF[part], value)
            else:
                meaning = dict(words.phrases[value])
                target = "podium_colour" if part == "podium" else "surface"
                found.setdefault(target, meaning[target])
        waiting.clear()


def _settle(waiting: list[tuple[str, str]], found: dict[str, str]) -> None:
    """Give colours and materials that no part was named after to the first free part."""
    words = vocabulary()
    for kind, value in waiting:
        if kind == "material":
            found.setdefault("surface", dict(words.phrases[value])["surface"])
            continue
        order = ["surface_colour", "back_colour"]
        if found.get("surface", "painted") not in COLOURED_SURFACES:
            order.reverse()
        free = next((attribute for attribute in order if attribute not in found), None)
        if free:
            found[free] = value
    waiting.clear()


def _tidy(found: dict[str, str]) -> dict[str, str]:
    """Keep to combinations that exist: a colour needs something to paint, a sweep is one piece with its floor."""
    out = dict(found)
    if "surface_colour" in out:
        out.setdefault("surface", "painted")
        if out["surface"] not in COLOURED_SURFACES:
            colour = out.pop("surface_colour")
            out.setdefault("back_colour", colour)
    if "back_colour" in out:
        out.setdefault("back", "wall")
        if out["back"] not in COLOURED_BACKS:
            del out["back_colour"]
    if out.get("back") == "sweep":
        if out.setdefault("surface", "painted") != "painted":
            out["back"] = "wall"
        elif "surface_colour" in out or "back_colour" in out:
            colour = out.get("back_colour") or out["surface_colour"]
            out["surface_colour"] = out["back_colour"] = colour
    if "podium_colour" in out:
        out.setdefault("podium", "round")
    return out
