"""Which fact says what a text says, and of which part or place: the very words, the other part, the packaging only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.copy.facts import Line
from service.copy.lexicon import Mention, claim_trie, meaning
from service.copy.words import Token, plain, stem, tokens

from .reading import GRAMMAR, NOT_FROM_TITLE, Reading, concepts_of_line, is_han, part_stems, stems_of


def is_of_a_part(reading: Reading, line: Line) -> bool:
    """Whether a fact speaks of a part that the text does not name ("lid: BPA-free", "a BPA-free kettle")."""
    key = tokens(plain(line.key.replace("_", " ")))
    if not key or key[-1].stem not in part_stems():
        return False
    if reading.language in ("zh", "ja"):
        return not re.search(r"盖|柄|把|底|带|链|芯|壳|里|蓋|ふた", reading.source.lower)
    return not any(meaning(w.stem) == meaning(key[-1].stem) for w in reading.words)


def denying_line(reading: Reading, span: tuple[int, int]) -> Line | None:
    """The fact that says no to all of these words ("artificial colours: none")."""
    stems = {w.stem for w in reading.words_in(span[0], span[1])} - _NEGATORS
    if not stems or not any(line.negative for line in reading.book.lines):
        return None
    for line in reading.book.lines:
        if line.negative:
            named = {t.stem for t in tokens(plain(line.key.replace("_", " ")))} - GRAMMAR - _NEGATORS
            if named and (named <= stems or stems <= named):
                return line
    return None


_NEGATORS = frozenset("no non not without zero free never of from any".split())  # noqa: SIM905


_DESIGNED = re.compile(r"(?:design\w*|engineer\w*|develop\w*|invent\w*|imagin\w*|conceiv\w*|inspir\w*|based|headquarter\w*|设计|研发|创意|灵感)\W+(?:\w+\W+){0,2}$")  # fmt: skip  # noqa: E501


_DESIGNED_HAN = re.compile(r"^\s*-?\s*(?:design\w*|engineer\w*|styl\w*|设计|研发|风格|灵感)")


def other_relation(reading: Reading, mention: Mention, line: Line) -> Line | None:
    """The fact, when it names the place for another thing than the text does: designed here, made there."""
    said = reading.source.lower
    value = plain(f"{line.key.replace('_', ' ')} {line.value}")
    places = [m for m in claim_trie("en").find(tokens(value)) if set(m.concepts) & set(mention.concepts)]
    if not places:
        return None
    only_designed = all(_DESIGNED.search(value.lower[: m.start]) for m in places)
    claims_design = _DESIGNED.search(said[: mention.start]) or _DESIGNED_HAN.match(said[mention.end :])
    return line if only_designed and not claims_design else None


def names_scope(reading: Reading, mention: Mention, line: Line) -> bool:
    """Whether the text names the part that a fact is about ("top-rack dishwasher safe lid")."""
    others = stems_of(line) - {w.stem for w in reading.words_in(mention.start, mention.end)} - GRAMMAR
    return any(w.stem in others for w in reading.words) or not reading.source.text.isascii()


def literal_line(reading: Reading, span: tuple[int, int], kind: str) -> Line | None:
    """A fact that holds the very words, for surfaces that a lexicon reads as something else."""
    words = [w.stem for w in reading.words_in(span[0], span[1])]
    if kind == "certification":
        words = [w for w in words if w not in CERTIFYING] or words
    said = reading.source.lower[span[0] : span[1]]
    if any(is_han(c) for c in said) or (not words and not said.isascii()):
        lines = [line for low, line in reading.book.han if said in low or said in plain(f"{line.value}{line.key}{line.value}").lower]  # fmt: skip  # noqa: E501
    else:
        lines = [ln for ln in reading.book.lines if words and set(words) <= stems_of(ln)]
    for line in lines:
        if line.negative or (kind in NOT_FROM_TITLE and line.key in ("title", "brand", "category")):
            continue
        if len(words) == 1 and not re.search(rf"(?<![\w-]){re.escape(_first_word(reading, span, words[0]))}", f"{line.key} {line.value}".lower()):  # fmt: skip  # noqa: E501
            continue  # "free" is not said by "lead-free"
        if not _denied_inside(line):
            return line
    return None


def _first_word(reading: Reading, span: tuple[int, int], word_stem: str) -> str:
    word = next(w for w in reading.words_in(span[0], span[1]) if w.stem == word_stem)
    return word.stem if word.lower.startswith(word.stem) and len(word.stem) > 3 else word.lower


CERTIFYING = frozenset(
    stem(w)
    for w in [
        "certified",
        "certification",
        "certificate",
        "approved",
        "compliant",
        "listed",
        "registered",
        "mark",
        "marked",
        "marking",
        "verified",
        "standard",
        "tested",
        "label",
    ]
)


def _denied_inside(line: Line) -> bool:
    return bool(re.search(r"\b(?:not|no|without|never|non|isn't)\b|不|无|未|非", line.value.lower()))


def wrong_part(reading: Reading, mention: Mention, known: Sequence[str], kind: str) -> Line | None:
    """The fact about the part a material or colour is claimed for, when it names another one ("bamboo handle")."""
    if kind not in ("material", "colour") or reading.language != "en":
        return None
    following = reading.words_from(mention.end, 2)
    for word in following[: 1 if len(following) == 1 else 2]:
        if reading.source.lower[mention.end : word.start].strip(" -") and word is following[0]:
            break
        for line in reading.book.lines:
            if line.key in ("title", "brand", "category", "material") or word.is_word is False:
                continue
            if meaning(word.stem) in {meaning(t.stem) for t in tokens(plain(line.key.replace("_", " ")))}:
                named = concepts_of_line(reading.book, line, kind)
                if named and not named & set(known):
                    return line
    if re.search(
        r"\bmade (?:entirely |completely |fully )?(?:of|from|out of|in)\s+(?:solid |pure |real |premium |natural )?$",
        reading.source.lower[: mention.start],
    ):
        main = next(
            (
                ln
                for ln in reading.book.lines
                if ln.key.lower() in ("material", "materials", "fabric", "body", "frame", "composition")
            ),
            None,
        )
        if main is not None and kind == "material":
            named = concepts_of_line(reading.book, main, kind)
            if named and not named & set(known) and not any(c in reading.book.in_title for c in known):
                return main
    return None


def unknown_part(reading: Reading, mention: Mention, kind: str) -> Token | None:
    """The part right after a material that no fact knows: "steel handle" of a bottle without one."""
    if kind != "material" or reading.language != "en":
        return None
    following = next(iter(reading.words_from(mention.end)), None)
    if following is None or reading.source.text[mention.end : following.start].strip(" -"):
        return None
    is_known = reading.book.word_line(following.stem) is not None
    return following if following.stem in part_stems() and not is_known else None
