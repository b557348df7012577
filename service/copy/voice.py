"""How a text sounds: three sliders measured on lines, and read from a merchant's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from service.domain import Voice

from .lexicon import table

SLIDERS = ("formal", "playful", "bold")


def voice_of(words: str) -> Voice:
    """A voice from free words; words that no slider knows are kept and change the prompt only.

    >>> voice_of("calm, playful").playful
    1.0
    """
    said = re.findall(r"[a-z]+|[\u4e00-\u9fff]+", words.casefold())
    sums = dict.fromkeys(SLIDERS, 0.0)
    for word, pushes in _adjectives().items():
        if word in said or (not word.isascii() and word in words):
            for slider, push in pushes.items():
                sums[slider] += push
    return Voice(**{slider: max(-2.0, min(2.0, value)) for slider, value in sums.items()}, words=words)


def describe(voice: Voice) -> str:
    """The voice in plain words, for a prompt; "" where nothing is asked.

    >>> describe(Voice(playful=2, formal=-1))
    'rather casual, very playful'
    """
    named = {"formal": ("casual", "formal"), "playful": ("serious", "playful"), "bold": ("modest", "bold")}
    parts = []
    for slider, (low, high) in named.items():
        value = getattr(voice, slider)
        if abs(value) >= 0.5:
            parts.append(f"{'very' if abs(value) >= 1.5 else 'rather'} {high if value > 0 else low}")
    return ", ".join([*parts, *([voice.words] if voice.words else [])])


def agreement(text: str, voice: Voice) -> float:
    """How well a line suits a voice: about -2 to 2, 0 where the voice asks for nothing.

    Each slider's wish times how far the line lies on that side.
    """
    if not (voice.formal or voice.playful or voice.bold):
        return 0.0
    sound = sound_of(text)
    return sum(float(getattr(voice, slider)) * sound[slider] for slider in SLIDERS) / 2.0


@lru_cache(maxsize=8_192)
def _sound(text: str) -> tuple[float, float, float]:
    low = text.casefold()
    sums = dict.fromkeys(SLIDERS, 0.0)
    for sign in _signs():
        if sign[0].search(low):
            for slider, push in sign[1].items():
                sums[slider] += push
    words = low.split()
    if text.isascii() and len(words) <= 4:
        sums["bold"] += 0.15
    if text.isascii() and len(words) >= 12:
        sums["formal"] += 0.15
    clipped = [max(-1.0, min(1.0, sums[slider])) for slider in SLIDERS]
    return clipped[0], clipped[1], clipped[2]


def sound_of(text: str) -> Mapping[str, float]:
    """Where a line lies on each slider, -1 to 1, by its signs and words (``lexicons/tones.toml``)."""
    return dict(zip(SLIDERS, _sound(text), strict=True))


@lru_cache(maxsize=1)
def _signs() -> tuple[tuple[re.Pattern[str], Mapping[str, float]], ...]:
    return tuple(
        (re.compile(row["pattern"]), {s: float(row[s]) for s in SLIDERS if s in row}) for row in table("tones")["sign"]
    )


@lru_cache(maxsize=1)
def _adjectives() -> Mapping[str, Mapping[str, float]]:
    return {
        word: {s: float(row[s]) for s in SLIDERS if s in row}
        for row in table("tones")["adjective"]
        for word in row["words"]
    }
