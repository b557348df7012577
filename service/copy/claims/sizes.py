"""Sizes in letters and warranties."""

from __future__ import annotations

import re

from service.copy.facts import SIZE_LIST as _SIZE_LIST
from service.copy.facts import SIZE_RANGE as _SIZE_RANGE
from service.copy.facts import is_negated, sizes_in

from .reading import Reading


def read_sizes(reading: Reading) -> None:
    for pattern in (_SIZE_RANGE, _SIZE_LIST):
        for match in pattern.finditer(reading.source.text):
            if not reading.is_free(*match.span()):
                continue
            claimed = sizes_in(match.group())
            known = reading.book.sizes
            if not claimed or (
                len(match.group()) < 5
                and not known
                and not re.search(r"siz|größe|taille|talla|码", reading.source.lower)
            ):
                continue
            if known and claimed <= set(known):
                reading.supported(*match.span(), "size", next(iter(known.values())))
            elif known:
                reading.contradicted(*match.span(), "size", next(iter(known.values())))
            else:
                reading.unsupported(*match.span(), "size", "no fact names sizes")
    for match in re.finditer(
        r"(?<![\w'])(?:sizes?|size range|up to|bis|尺码)\s*(xxs|xs|xl|xxl|2xl|3xl|xxxl|4xl|5xl)(?!\w)",
        reading.source.lower,
    ):
        if reading.is_free(*match.span()):
            size = {"2xl": "xxl", "3xl": "xxxl"}.get(match.group(1), match.group(1))
            known = reading.book.sizes
            if size in known:
                reading.supported(*match.span(), "size", known[size])
            elif known:
                reading.contradicted(*match.span(), "size", next(iter(known.values())))
            else:
                reading.unsupported(*match.span(), "size", "no fact names sizes")


_FOR_LIFE = re.compile(r"\b(?:free|guaranteed|covered|repair\w*|resizing|resize|servic\w+|replac\w+|exchange\w*|sharpen\w*)\b[^.!?]{0,24}\bfor (?:life|ever)\b")  # fmt: skip  # noqa: E501


_WARRANTY = re.compile(
    r"(?:(?P<life>life[- ]?time|life[- ]?long|forever|unlimited|lebenslang\w*|à vie|de por vida|vitalicia|终身|终生|永久|生涯|永年)[\s-]*)?(?P<what>(?:limited |full |extended |extensive |complete |manufacturer's )?(?:warrant(?:y|ies|ied)|guarantee)\b|garantie\b|garantía\b|gewährleistung|质保|保修|三包|联保|包修|保固|维护|保証)(?P<after>\s+(?:à vie|de por vida|for life|vitalicia))?"  # noqa: E501
)


_ONE_SIZE = re.compile(r"(?<![\w.-])(xxs|xs|xl|xxl|2xl|3xl|xxxl|4xl|5xl)(?:码|号)?(?![a-z0-9])")


def read_single_sizes(reading: Reading) -> None:
    """A size in letters that can mean nothing else, of a product whose sizes are known."""
    known = reading.book.sizes
    for match in _ONE_SIZE.finditer(reading.source.lower) if known else ():
        size = {"2xl": "xxl", "3xl": "xxxl"}.get(match.group(1), match.group(1))
        if reading.is_free(*match.span()):
            if size in known:
                reading.supported(*match.span(), "size", known[size])
            else:
                reading.contradicted(*match.span(), "size", next(iter(known.values())))


def read_warranties(reading: Reading) -> None:
    line = reading.book.kinds.get("warranty")
    for match in _FOR_LIFE.finditer(reading.source.lower):
        says = next(
            (ln for ln in reading.book.facts() if re.search(r"for life|lifetime|forever", ln.value.lower())), None
        )
        if says is not None:
            reading.supported(*match.span(), "warranty", says)
        else:
            reading.unsupported(*match.span(), "warranty", "no fact promises this for life")
    for match in _WARRANTY.finditer(reading.source.lower):
        if match["what"].endswith("guarantee") and re.search(
            r"(?:satisfaction|money[- ]back|price|we)[\s-]+$", reading.source.lower[: match.start("what")]
        ):
            continue
        is_lifetime = bool(match["life"] or match["after"])
        if match["what"] == "维护" and not is_lifetime:
            continue
        says_lifetime = line is not None and re.search(
            r"life|forever|lebensl|à vie|por vida|终身|终生|永久|生涯", line.value.lower()
        )
        if line is None or line.negative:
            if is_negated(reading.source, match.start()):
                continue
            reading.unsupported(*match.span(), "warranty", "no fact gives a warranty")
        elif is_lifetime and not says_lifetime:
            reading.contradicted(*match.span(), "warranty", line)
        else:
            reading.supported(*match.span(), "warranty", line)
