"""Patterns over folded texts, each with the strings without which it cannot match, so that few have to be tried."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from prompts.rules import shared

from .folding import Folded, View, fold_pattern, has_han


@dataclass(frozen=True, slots=True)
class Patterns:
    """Several patterns as one expression for each reading."""

    words: re.Pattern[str] | None
    tight: re.Pattern[str] | None
    needed_words: frozenset[str] | None  # one of these is in every text that matches; None: not known
    needed_tight: frozenset[str] | None

    def may_match(self, text: Folded) -> bool:
        """False: none of the necessary strings is there."""
        return _is_there(self.needed_words, text.words) or _is_there(self.needed_tight, text.tight)

    def spans(self, text: Folded) -> Iterator[tuple[int, int, View, int, int]]:
        """(start, end) in the raw text, then the reading and (start, end) in it."""
        both = ((self.words, self.needed_words, text.words), (self.tight, self.needed_tight, text.tight))
        for expression, necessary, view in both:
            if expression is not None and _is_there(necessary, view):
                for match in expression.finditer(view.text):
                    if match.end() > match.start():
                        yield *text.span(view, *match.span()), view, match.start(), match.end()

    def anywhere(self, text: Folded) -> bool:
        return any(True for _ in self.spans(text))


def _is_there(necessary: frozenset[str] | None, view: View) -> bool:
    return necessary is None or any(string in view.text for string in necessary)


@lru_cache(maxsize=64)
def of_check(name: str) -> Patterns:
    """The patterns under ``[checks]`` of the shared tables."""
    return compiled(shared().checks[name])


def is_tight(pattern: str) -> bool:
    """Is it for the reading without blanks between Han characters?"""
    return has_han(pattern)


def compiled(patterns: Sequence[str]) -> Patterns:
    """Patterns in one; those for words have to begin and end at a word's edge."""
    folded = [fold_pattern(p) for p in patterns]
    tight = [p for p in folded if is_tight(p)]
    words = [p for p in folded if not is_tight(p)]
    in_words = "(?<![a-z0-9])(?:" + "|".join(f"(?:{p})" for p in words) + ")(?![a-z0-9])"
    in_tight = "|".join(f"(?:{p})" for p in tight)
    return Patterns(
        re.compile(in_words) if words else None,
        re.compile(in_tight) if tight else None,
        needed(in_words) if words else frozenset(),
        needed(in_tight) if tight else frozenset(),
    )


def one_pattern(pattern: str) -> re.Pattern[str]:
    """One pattern of a rewrite."""
    folded = fold_pattern(pattern)
    return re.compile(folded if is_tight(folded) else f"(?<![a-z0-9])(?:{folded})(?![a-z0-9])")


def needed(pattern: str) -> frozenset[str] | None:
    """Strings one of which every match contains; None where that cannot be told.

    >>> sorted(needed("(?:cures?|heals?) (?:all|any)"))
    ['cure', 'heal']
    """
    import re._parser as parser  # type: ignore[import-not-found]  # the standard library's own, Python 3.11

    return _needed_of(parser.parse(pattern), parser)


def _needed_of(items: Any, sre: Any) -> frozenset[str] | None:
    choices: list[frozenset[str]] = []
    run = ""
    for kind, value in items:
        if kind is sre.LITERAL:
            run += chr(value)
            continue
        if run:
            choices.append(frozenset([run]))
            run = ""
        found = _needed_of_one(kind, value, sre)
        if found:
            choices.append(found)
    if run:
        choices.append(frozenset([run]))
    return max(choices, key=lambda c: (min(map(len, c)), -len(c)), default=None)


def _needed_of_one(kind: Any, value: Any, sre: Any) -> frozenset[str] | None:
    if kind is sre.SUBPATTERN:
        return _needed_of(value[3], sre)
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[0] >= 1:
        return _needed_of(value[2], sre)
    if kind is sre.IN and all(k is sre.LITERAL for k, _ in value):
        return frozenset(chr(v) for _, v in value)
    if kind is sre.BRANCH:
        branches = [_needed_of(branch, sre) for branch in value[1]]
        if all(branches):
            return frozenset().union(*(b for b in branches if b))
    return None
