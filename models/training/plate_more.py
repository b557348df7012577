"""Further rows drawn from the parts of the written ones, for the way from 160 plates to 500.

A drawn row takes a written row's family and kind, and from the other rows of that family its surface, back, light,
palette and things, so that it stays a place of that family; its words are put together from the same choices.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .plate_looks import LOOKS, Look
from .plate_parts import PALETTES, SURFACES

BACK_WORDS: Mapping[str, str] = {
    "plaster": "plaster wall",
    "plaster_light": "pale plaster wall",
    "plaster_dark": "dark wall",
    "limewash": "limewashed wall",
    "subway": "white metro tiles",
    "subway_tint": "glazed metro tiles",
    "zellige": "hand-made white tiles",
    "zellige_tint": "hand-made coloured tiles",
    "stacked_tint": "stacked glazed tiles",
    "white_brick": "white brick wall",
    "brick": "brick wall",
    "concrete": "concrete wall",
    "panelled": "panelled wall",
    "slats": "wooden slats",
    "curtain": "linen curtain",
    "beadboard": "painted boards",
    "shelf": "blurred bookshelf",
    "ridges": "hazy mountain ridges",
}
LIGHT_WORDS: Mapping[str, str] = {
    "window": "soft window light",
    "evening": "warm evening light",
    "moody": "low moody light",
    "overcast": "grey daylight",
    "back": "light from behind",
    "high": "studio light",
    "sun": "clear sun",
    "dusk": "dusk",
    "bars": "window shadow",
    "leaves": "leaf shadows",
    "palm": "palm shadow",
    "olive": "olive leaf shadow",
    "top": "even light from above",
}
EXTRA_PALETTES: Mapping[str, tuple[str, ...]] = {  # families whose colours are half of what they mean
    "christmas": ("pine", "red", "white"),
    "lunar_new_year": ("red",),
    "valentine": ("blush", "wine"),
    "autumn": ("mustard", "terracotta", "wine"),
}


def light_words(light: str) -> str:
    """What people call a light."""
    name = light.removeprefix("top_") if light != "top_big" else "top"
    return next((words for part, words in LIGHT_WORDS.items() if name.startswith(part)), "soft light")


def back_words(back: str) -> str:
    """What people call what is behind."""
    return BACK_WORDS.get(back, f"blurred {back.replace('_view', '').replace('_', ' ')}")


def words_of(look: Look) -> str:
    """A row's words from its parts."""
    things = [name.replace("_", " ") for names in look.things.values() for name in names.split("+")]
    behind = f", {back_words(look.back)}" if look.back else " from above" if look.kind == "top" else ""
    place = look.family.replace("_", " ")
    parts = (f"{look.palette} {place}", SURFACES[look.surface][0] + behind, " and ".join(things[:2]))
    return ", ".join((*filter(None, parts), light_words(look.light)))


def drawn(count: int, seed: int = 1, written: Sequence[Look] = ()) -> list[Look]:
    """``count`` further rows, families in turn; the same seed gives the same rows.

    Args:
        written: rows to draw from, default all written ones.
    """
    rng = random.Random(seed)
    rows = list(written or LOOKS.values())
    families = sorted({look.family for look in rows})
    made: list[Look] = []
    seen = {(look.family, look.surface, look.back, look.light, look.palette) for look in rows}
    while len(made) < count:
        family = families[len(made) % len(families)]
        kin = [look for look in rows if look.family == family]
        base = rng.choice(kin)
        same = [look for look in rows if look.kind == base.kind and (look.family == family or len(kin) < 3)]
        other, lit = rng.choice(same), rng.choice([look for look in rows if look.kind == base.kind])
        palettes = EXTRA_PALETTES.get(family) or tuple(sorted(set(PALETTES) - {"red", "pine", "wine"}))
        palette = rng.choice(palettes)
        pick = (family, other.surface, base.back, lit.light, palette)
        if pick in seen and rng.random() < 0.9:
            continue
        seen.add(pick)
        look = replace(
            base,
            id=f"{family.replace('_', '-')}-{len(made) + 1:03d}-{seed}",
            surface=other.surface,
            brightness=0.0,
            light=lit.light,
            side=rng.choice((-1, 1)),
            palette=palette,
            things={**base.things, **{s: n for s, n in other.things.items() if rng.random() < 0.5}},
            seed=rng.randrange(1, 9999),
        )
        made.append(replace(look, words=words_of(look)))
    return made
