"""Claims by their shape, whatever the words inside: "certified by", "made in", "comes with", opposites."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.copy.claim_frames import Frame, frames_in, opposites, opposites_pattern, says
from service.copy.facts import is_negated
from service.copy.lexicon import plain_stems, puffery_stems
from service.copy.words import Token, plain, stem, tokens
from service.domain import Verdict

from .chinese import judge_han_frame, read_denied_keys
from .places import shape
from .reading import GRAMMAR, SOLD_APART, STOP, Reading, fact_line_with, is_claimed, missing_reason, stems_of

_APPROVED = re.compile(
    r"\b(?:[a-z0-9][\w&.-]*[\s-]){1,2}(?:certified|approved|accredited|tested|endorsed|recommended|verified|compliant)\b|\b(?:certified|approved|endorsed|recommended|trusted|tested) by (?:the\s+)?[a-z][\w -]{2,30}|\bcertified [a-z]+\b|\bpatented [a-z]+\b"  # noqa: E501
)


_WORKS_WITH = re.compile(
    r"\b(?:compatible with|works with|pairs with|connects (?:to|with)|syncs with|for use with|designed to fit|fits (?:all|any|every|most|standard|into|in|on|under|inside)?|made to fit|sized for|suitable for (?:all|any|every))\s*(?P<object>(?:[\w'-]+\s?){1,6})"  # noqa: E501
)


_COMES_WITH = re.compile(
    r"\b(?:comes? with|includes|including|supplied with|ships with|delivered with|complete with|plus)\s+(?:an?|the|two|three|four|five|six|\d+|its own|your)?\s*(?P<all>(?:[a-z][a-z'-]*\s?){1,4})"  # noqa: E501
    r"|\bwith (?:an?|two|three|four|\d+)\s+(?:[a-z-]+\s+){0,2}?(?P<part>pockets?|drawers?|camera|screen|mirror|lamp|speakers?|case|pouch|sleeve|straps?|stand|shelf|shelves|pillow|cushion|hood|belt|zip|zipper|bag|handle|lid|timer|cover|tray|brush|filter|spout|wheels?|lock|light|battery|display|button|buttons|window|hook|clip|drawer|magnet)\b"  # noqa: E501
)


_MADE_IN = re.compile(
    r"\b(?:made|manufactured|produced|crafted|built|assembled|designed|engineered|woven|sewn|grown|roasted|brewed|bottled|sourced|hand(?:made|crafted)|baked|blended|distilled|harvested|farmed|forged|born) in (?!minutes|seconds|small|a\b|an\b|mind|every|your|just|house|one|the (?:kitchen|oven|office|morning|evening|wild|heart of (?!eu))|two|three)(?P<place>(?:the )?[a-z][\w .-]{1,24})"  # noqa: E501
)


def read_patterns(reading: Reading) -> None:
    lower = reading.source.lower
    if reading.language != "en":
        return
    for match in _APPROVED.finditer(lower):
        if reading.is_free(*match.span()):
            line = fact_line_with(reading, match.group())
            if line is not None:
                reading.supported(*match.span(), "certification", line)
            elif not re.match(r"(?:well|kid|taste|mom|mum|field|been|time|life|we|you|is|and)[\s-]", match.group()):
                reading.unsupported(*match.span(), "certification", missing_reason("certification"))
    for match in _MADE_IN.finditer(lower):
        if reading.is_free(*match.span("place")):
            line = fact_line_with(reading, match["place"].split()[0].strip(".-"))
            place = re.escape(match["place"].split()[0].strip(".-"))
            only_designed = line is not None and re.search(rf"(?:design|engineer|develop|invent|inspir|based)\w*\W+(?:\w+\W+)?{place}", line.value.lower())  # fmt: skip  # noqa: E501
            if line is not None and only_designed and not re.match("design|engineer", match.group()):
                reading.contradicted(*match.span(), "origin", line)
            elif line is not None:
                reading.supported(*match.span(), "origin", line)
            elif "origin" in reading.book.kinds:
                reading.contradicted(*match.span(), "origin", reading.book.kinds["origin"])
            else:
                reading.unsupported(*match.span(), "origin", missing_reason("origin"))
    for match in _COMES_WITH.finditer(lower):
        _judge_included(reading, match)
    for match in _WORKS_WITH.finditer(lower):
        if not reading.is_free(*match.span("object")):
            continue
        words = reading.words_in(match.start("object"), match.end("object"))
        unknown = [
            w
            for w in words
            if w.is_word
            and reading.book.word_line(w.stem) is None
            and w.stem not in plain_stems("en")
            and w.stem not in puffery_stems("en")
        ]
        is_any = re.search(r"\b(?:all|any|every|most|standard)\b", match.group())
        if unknown or (
            is_any
            and not re.search(
                r"\b(?:life|lifestyle|mood|occasion|style|day|taste|outfit|home|room|decor)", match["object"]
            )
        ):
            line = fact_line_with(reading, match.group())
            if line is not None:
                reading.supported(*match.span(), "compatibility", line)
            else:
                end = unknown[-1].end if unknown else match.end("object")
                reading.unsupported(match.start(), end, "compatibility", "no fact says what it works with")


def _judge_included(reading: Reading, match: re.Match[str]) -> None:
    """What comes in the box, or is part of the thing, must be in a fact, however ordinary the word for it."""
    name = "part" if match["part"] else "all"
    start, end = match.span(name)
    words = [w for w in reading.words_in(start, end) if w.is_word]
    stop = next((i for i, w in enumerate(words) if i and w.lower in STOP), len(words))
    words = [w for w in words[:stop] if w.stem not in GRAMMAR]
    words = [w for w in words if reading.is_free(w.start, w.end)]
    if not words:
        return
    stems = {w.stem for w in words}
    apart = next(
        (ln for ln in reading.book.lines if SOLD_APART.search(ln.value.lower()) and stems <= stems_of(ln)), None
    )
    if apart is not None and not stems & {"spar", "spare", "extra"}:
        known = reading.book.word_line(words[-1].stem)
        apart = apart if known is None or known is apart else None
    if apart is not None:
        reading.contradicted(words[0].start, words[-1].end, "feature", apart)
        return
    unknown = [w for w in words if reading.book.word_line(w.stem) is None and w.stem not in puffery_stems("en")]
    if name == "all" and (not unknown or unknown[-1] is not words[-1] or unknown[-1].stem in _ABSTRACT):
        return
    if unknown:
        reading.unsupported(words[0].start, words[-1].end, "feature", f"no fact mentions: {unknown[-1].lower}")


_ABSTRACT = frozenset(
    "lov joy car eas you everything all mor styl comfort pleasur tast confidenc smil memory moment".split()  # noqa: SIM905
)


def read_opposites(reading: Reading) -> None:
    """Words of a side that no fact says while a fact says the other ("glossy" of a matt paint)."""
    pattern = opposites_pattern(reading.language)
    if pattern is None:
        return
    lines = [(low, ln) for low, ln in reading.book.han if not ln.negative]
    for match in pattern.finditer(reading.source.lower):
        if not reading.is_free(*match.span()) or is_negated(reading.source, match.start()):
            continue
        for phrase, own, others in opposites(reading.language):
            if phrase != match.group():
                continue
            if any(says(low, p) for low, _ in lines for p in own):
                break
            other = next((ln for low, ln in lines if any(says(low, p) for p in others)), None)
            if other is not None:
                reading.contradicted(*match.span(), "feature", other)
                break


def read_frames(reading: Reading) -> None:
    """What stands in a claim's frame needs a fact, however ordinary its words."""
    for frame in frames_in(reading.source, reading.language):
        if is_negated(reading.source, frame.start):
            continue
        flagged = any(c[0] < frame.end and frame.start < c[1] and c[3] not in (Verdict.SUPPORTED, Verdict.PUFFERY) for c in reading.claims)  # fmt: skip  # noqa: E501
        if flagged:
            continue
        if reading.language == "zh":
            judge_han_frame(reading, frame)
        else:
            _judge_frame(reading, frame)
    if reading.language in ("zh", "ja"):
        read_denied_keys(reading)


def _judge_frame(reading: Reading, frame: Frame) -> None:
    book = reading.book
    words = [w for w in reading.words_in(frame.start, frame.end) if w.is_word]
    stop = next((i for i, w in enumerate(words) if i and (w.lower in STOP or w.clause != words[0].clause)), len(words))
    words = [w for w in words[:stop] if w.stem not in GRAMMAR] if frame.kind != "included" else [w for w in words if w.stem not in GRAMMAR]  # fmt: skip  # noqa: E501
    if frame.kind == "often":
        line = fact_line_with(reading, reading.source.lower[frame.start : frame.end])
        if line is not None:
            return reading.supported(frame.start, frame.end, "time", line)
        return reading.unsupported(frame.start, frame.end, "time", "no fact says how often")
    if not words:
        return None
    span = (words[0].start, words[-1].end)
    stems = {w.stem for w in words}
    if frame.kind == "fits" and any(w.stem in book.negative_words for w in words):
        return None  # judged by the fact that denies it
    if frame.kind == "included":
        apart = next((ln for ln in book.facts() if (ln.negative or SOLD_APART.search(ln.value.lower())) and (keys := {t.stem for t in tokens(plain(ln.key.replace("_", " ")))} - GRAMMAR) and keys <= stems), None)  # fmt: skip  # noqa: E501
        if apart is not None:
            return reading.contradicted(*span, "feature", apart)
        words = words[-1:]
    idle = plain_stems("en") | puffery_stems("en") if frame.kind == "fits" else puffery_stems("en") | _FLAVOURLESS  # fmt: skip  # noqa: E501
    unknown = [w for w in words if book.word_line(w.stem) is None and w.stem not in idle and not is_claimed(reading, w)]
    if frame.kind in ("prefix", "compound"):
        joined = "".join(w.lower for w in words)
        if all(book.word_line(w.stem) is not None or is_claimed(reading, w) for w in words) or book.word_line(stem(joined)) is not None:  # fmt: skip  # noqa: E501
            return None
        if all(w.stem in puffery_stems("en") or is_claimed(reading, w) for w in words):
            return None
        return reading.unsupported(*span, frame.type, f"no fact mentions: {reading.source.text[span[0] : span[1]]}")
    if frame.kind == "part":
        known = book.word_line(words[-1].stem) is not None or is_claimed(reading, words[-1])
        return None if known else reading.unsupported(*span, "feature", f"no fact mentions: {words[-1].lower}")
    if frame.kind == "does":
        return _judge_effect(reading, words)
    if frame.kind == "made":
        unknown = unknown[:1] if unknown and unknown[0] is words[0] else []
    if unknown:
        reading.unsupported(unknown[0].start, unknown[-1].end, frame.type, f"no fact mentions: {unknown[0].lower}")
    return None


def _is_borne_out(reading: Reading, word: Token) -> bool:
    return reading.book.word_line(word.stem) is not None or is_claimed(reading, word)


def _gap_has_preposition(reading: Reading, before: Token, after: Token) -> bool:
    between = reading.words[reading.index_of(before) + 1 : reading.index_of(after)]
    return any(w.lower in shape("passing") for w in between)


def _judge_effect(reading: Reading, words: Sequence[Token]) -> None:
    """ "Stops pulling": what it is said to do to something needs a fact about the one or the other."""
    verb, objects = words[0], words[1:4]
    if not objects or any(w.lower in shape("figurative") for w in objects[:2]):
        return
    until = next(
        (i for i, w in enumerate(objects) if i and _gap_has_preposition(reading, objects[i - 1], w)), len(objects)
    )
    objects = objects[:until]
    if _is_borne_out(reading, verb) or all(_is_borne_out(reading, w) for w in objects):
        return
    if all(w.stem in puffery_stems("en") for w in objects):
        return
    reading.unsupported(verb.start, objects[-1].end, "feature", f"no fact says that it {verb.lower} {objects[0].lower}")


_FLAVOURLESS = frozenset(stem(w) for w in "care love joy life summer home holiday holidays childhood heaven yesterday memory memories nothing everything something success adventure passion pride patience you us them ideas possibilities character charm goodness flavour flavor taste style comfort energy confidence purpose light life fun heart soul autumn spring winter sunshine".split())  # fmt: skip  # noqa: E501, SIM905
