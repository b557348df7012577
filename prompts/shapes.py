"""Sentence shapes: what a small model may say, as data.

A shape is a text with places, ``${name}`` or ``${name^}`` (first letter large), and each place takes one entry of a
list. Together the shapes of a field become one regular expression for the answer's JSON schema: the model chooses shape
and words, and cannot leave them. Every choice fits the length limit by construction, and no entry is said twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

_PLACE = re.compile(r"\$\{([a-z_][a-z0-9_]*)(\^)?\}")
_SPECIAL = re.compile(r"[.^$*+?()\[\]{}|\\/]")
_MOST_ENTRIES_REPEATED = 8  # of a list with several places in one shape: 8 in 3 places are 336 choices

Part = str | tuple[str, ...]  # words as they are, or a choice


def places(shape: str) -> set[str]:
    """Names of the lists that a shape takes from."""
    return {name for name, _ in _PLACE.findall(shape)}


def pattern(shapes: Iterable[str], lists: Mapping[str, Sequence[str]], longest: int) -> str | None:
    """One regular expression for all shapes, or None if no shape can be filled within the limit.

    Args:
        shapes: the texts with places.
        lists: the entries for each place. An empty list drops the shapes that need it.
        longest: the limit, in code points, of a finished text.

    >>> pattern(["Meet the ${thing}", "${fact^} for you"], {"thing": ["mug"], "fact": ["350 ml"]}, 14)
    '^(Meet the mug|350 ml for you)$'
    """
    usable = {name: tuple(dict.fromkeys(filter(_is_plain, entries))) for name, entries in lists.items()}
    choices = [choice for shape in shapes for choice in _expand(shape, usable, longest)]
    if not choices:
        return None
    return "^(" + "|".join(_joined(choices)) + ")$"


def _is_plain(entry: str) -> bool:
    """Entries that would need escaping inside a JSON string are left out."""
    return bool(entry) and '"' not in entry and "\\" not in entry and entry.isprintable()


def _expand(shape: str, lists: Mapping[str, Sequence[str]], longest: int) -> list[tuple[Part, ...]]:
    """The shape with repeated lists spelt out, each choice cut to what fits."""
    names = [name for name, _ in _PLACE.findall(shape)]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    found: list[tuple[Part, ...]] = []
    for chosen in _picks(repeated, names, lists):
        takes = {name: iter(entries) for name, entries in chosen.items()}
        parts: list[Part] = []
        end = 0
        for match in _PLACE.finditer(shape):
            name, large = match.group(1), bool(match.group(2))
            parts.append(shape[end : match.start()])
            entries = (next(takes[name]),) if name in takes else tuple(lists[name])
            entries = tuple(_large(entry) for entry in entries) if large else entries
            parts.append(entries[0] if len(entries) == 1 else entries)
            end = match.end()
        parts.append(shape[end:])
        fitting = _fitting(_merged(parts), longest)
        if fitting is not None:
            found.append(fitting)
    return found


def _picks(
    repeated: Sequence[str], names: Sequence[str], lists: Mapping[str, Sequence[str]]
) -> Iterable[dict[str, tuple[str, ...]]]:
    """Every way to fill the places of the repeated lists without saying an entry twice."""
    if not repeated:
        yield {}
        return
    first, rest = repeated[0], repeated[1:]
    for entries in permutations(lists[first][:_MOST_ENTRIES_REPEATED], names.count(first)):
        for others in _picks(rest, names, lists):
            yield {first: entries, **others}


def _large(entry: str) -> str:
    return entry[0].upper() + entry[1:]


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Neighbouring fixed words as one part; empty ones gone."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] = merged[-1] + part
        elif part != "":
            merged.append(part)
    return merged


def _fitting(parts: Sequence[Part], longest: int) -> tuple[Part, ...] | None:
    """The parts with their longest entries dropped until every choice fits; None if nothing is left."""
    cut: list[Part] = [part if isinstance(part, str) else tuple(sorted(part, key=len)) for part in parts]
    while sum(_longest(part) for part in cut) > longest:
        groups = [i for i, part in enumerate(cut) if not isinstance(part, str) and part]
        if not groups:
            return None
        widest = max(groups, key=lambda i: _longest(cut[i]))
        cut[widest] = cut[widest][:-1]
    if any(part == () for part in cut):
        return None
    return tuple(
        part if isinstance(part, str) else tuple(entry for entry in part if entry in cut[i])
        for i, part in enumerate(parts)
    )


def _longest(part: Part) -> int:
    return len(part) if isinstance(part, str) else max((len(entry) for entry in part), default=0)


def _joined(choices: Sequence[tuple[Part, ...]]) -> list[str]:
    """Choices as expressions; those that differ in their first words only share the rest."""
    openings: dict[tuple[Part, ...], list[Part]] = {}
    for choice in choices:
        openings.setdefault(choice[1:], []).append(choice[0])
    joined: list[str] = []
    for rest, firsts in openings.items():
        words = [word for first in firsts for word in ((first,) if isinstance(first, str) else first)]
        joined.append("".join(map(_expression, (tuple(dict.fromkeys(words)), *rest))) if rest else _bare(words))
    return joined


def _bare(words: Sequence[str]) -> str:
    return "|".join(_escape(word) for word in dict.fromkeys(words))


def _expression(part: Part) -> str:
    if isinstance(part, str):
        return _escape(part)
    return _escape(part[0]) if len(part) == 1 else "(" + "|".join(_escape(entry) for entry in part) + ")"


def _escape(words: str) -> str:
    return _SPECIAL.sub(lambda match: "\\" + match.group(), words)
