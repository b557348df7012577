"""From what is known about a visitor to a segment of the test: ``{"device": "phone"}`` to ``"device=phone"``.

A segment whose name is a list of conditions (``device=phone`` or ``country=DE,device=phone``) is meant for visitors
who meet all of them; the one with the most conditions wins, then the first. A segment named otherwise can only be
asked for by its name. Nothing of the context is kept but the segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

Conditions = frozenset[tuple[str, str]]


@lru_cache(maxsize=1_000)
def _conditions(segments: tuple[str, ...]) -> tuple[tuple[str, Conditions], ...]:
    """Segments with conditions, the most demanding first."""
    found = []
    for segment in segments:
        parts = [part.partition("=") for part in segment.split(",")]
        if all(name.strip() and is_there for name, is_there, _ in parts):
            found.append((segment, frozenset((name.strip(), value.strip()) for name, _, value in parts)))
    return tuple(sorted(found, key=lambda entry: -len(entry[1])))


def segment_for(segments: Sequence[str], context: Mapping[str, str]) -> str:
    """The segment of a visitor; the test's first segment when no condition is met.

    >>> segment_for(("all", "device=phone", "country=DE,device=phone"), {"device": "phone", "country": "FR"})
    'device=phone'
    """
    known = set(context.items())
    for segment, conditions in _conditions(tuple(segments)):
        if conditions <= known:
            return segment
    plain = [segment for segment in segments if "=" not in segment]
    return plain[0] if plain else segments[0]
