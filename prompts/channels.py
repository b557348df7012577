"""Advertising channels as data: what fits where, how it is counted, who says so and how sure we are.

One file a channel, ``channels/<channel>.toml``. Where sources disagree the file holds the stricter value, which is
what we write to, and the looser one beside it: between the two a text gets a warning, beyond the looser the field's
own level.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import regex
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from .errors import BadFile, UnknownChannel, UnknownField
from .measures import CountRule, count, emojis, measure, urls

FOLDER = Path(__file__).parent / "channels"

Size = tuple[PositiveInt, PositiveInt]  # (width, height) in px
Byte = Annotated[int, Field(ge=0, le=255)]


class Level(StrEnum):
    """What happens beyond a limit, mildest last."""

    REJECT = "reject"  # the platform refuses it
    TRUNCATE = "truncate"  # it is shown cut off
    ADVISE = "advise"  # it works, but worse


class Evidence(StrEnum):
    """How we know, surest first."""

    OFFICIAL = "official"  # the platform's own page or interface description was read
    SECONDARY = "secondary"  # somebody else's guide was read; it may lag
    MEMORY = "memory"  # nobody looked it up: verify before relying on it


class Forbidden(StrEnum):
    """Kinds of content that a field must not hold."""

    EMOJI = "emoji"
    MENTION = "mention"
    HASHTAG = "hashtag"
    LINK = "link"
    PUNCTUATION = "punctuation"
    SPACE = "space"
    BRAND_NAME = "brand_name"  # needs the product: judged by the service
    PROMOTION_WORDS = "promotion_words"  # judged by the rule packs
    ABSOLUTE_TERMS = "absolute_terms"  # judged by the rule packs


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sourced(_Strict):
    """A fact with where it was read."""

    source: str
    url: str | None = None
    evidence: Annotated[Evidence, Field(strict=False)]
    source_date: str | None = None  # the page's own date, where it states one
    source_note: str | None = None
    confidence: Literal["low"] | None = None
    conflict: str | None = None  # what another source says
    note: str | None = None


class TextField(Sourced):
    """One text field of a channel."""

    count: Annotated[CountRule, Field(strict=False)]
    level: Annotated[Level, Field(strict=False)]
    max: PositiveInt | None = None  # the stricter where sources disagree: what we write to
    looser_max: PositiveInt | None = None  # the other one
    min: int = 0
    advise_max: PositiveInt | None = None
    single_segment: PositiveInt | None = None  # short messages: what fits into one,
    per_segment: PositiveInt | None = None  # and into each part of several
    shown: PositiveInt | None = None  # about this much is seen before "more"
    shown_cjk: PositiveInt | None = None  # the same for Chinese, Japanese and Korean
    min_items: int = 0
    max_items: PositiveInt | None = None
    recommended_items: PositiveInt | None = None
    at_least_one_max: PositiveInt | None = None  # one of the items must be this short
    unique: bool = False
    shown_at_once: PositiveInt | None = None
    forbidden_chars: str = ""
    max_word_repeats: PositiveInt | None = None
    forbidden: tuple[Annotated[Forbidden, Field(strict=False)], ...] = Field(default=(), strict=False)
    link_counts: PositiveInt | None = None  # every web address counts this much, whatever its length
    hanzi: PositiveInt | None = None  # the same limit said in Chinese characters, for information
    count_evidence: Annotated[Evidence | None, Field(strict=False)] = None  # of the counting rule, where it is weaker
    items_evidence: Annotated[Evidence | None, Field(strict=False)] = None  # of the item counts, where they differ

    @model_validator(mode="after")
    def _looser_is_looser(self) -> TextField:
        if self.looser_max is not None and (self.max is None or self.looser_max <= self.max):
            raise ValueError("looser_max must be above max")
        if self.max is None and self.single_segment is None:
            raise ValueError("either max or single_segment is needed")
        return self

    @property
    def write_to(self) -> int:
        """The length to stay within when writing: the strictest of what is refused, cut off or advised against."""
        limits = (self.max, self.advise_max, self.single_segment)
        return min(limit for limit in limits if limit is not None)

    def length(self, text: str) -> int | None:
        """The text's length as this field counts it; None: it cannot be sent in this field's alphabet."""
        if self.link_counts is None:
            return count(text, self.count)
        links = urls(text)
        for link in links:
            text = text.replace(link, "", 1)
        length = count(text, self.count)
        return None if length is None else length + self.link_counts * len(links)


class ImageField(Sourced):
    """One picture slot of a channel. Sizes are (width, height) in px."""

    aspect: str | None = None  # "1.91:1"
    recommended_px: Annotated[Size | None, Field(strict=False)] = None
    min_px: Annotated[Size | None, Field(strict=False)] = None
    hi_res_px: Annotated[Size | None, Field(strict=False)] = None
    zoom_min_px: Annotated[Size | None, Field(strict=False)] = None
    max_px: Annotated[Size | None, Field(strict=False)] = None
    max_bytes: PositiveInt | None = None
    formats: tuple[str, ...] = Field(default=(), strict=False)
    min_items: int = 0
    max_items: PositiveInt | None = None
    tolerance: float | None = None  # relative error of the aspect that is still accepted
    background_rgb: Annotated[tuple[Byte, Byte, Byte] | None, Field(strict=False)] = None
    min_product_fill: float | None = None  # share of the picture that the product must cover
    overlay_text: Literal["forbidden", "allowed"] | None = None
    overlay_logo: Literal["forbidden", "allowed"] | None = None
    props: Literal["forbidden", "allowed"] | None = None
    render: Literal["forbidden", "allowed"] | None = None  # a picture that is not a photograph of the product

    @property
    def ratio(self) -> float | None:
        """Width over height; None where any shape is accepted."""
        if self.aspect is None:
            return None
        width, height = self.aspect.split(":")
        return float(width) / float(height)


class AdSize(Sourced):
    """A fixed banner size."""

    size_px: Annotated[Size, Field(strict=False)]
    name: str | None = None


class SafeZone(Sourced):
    """Margins, px at ``at_px``, that the platform's own controls may cover. Nothing that matters goes there."""

    at_px: Annotated[Size, Field(strict=False)]
    top: int
    bottom: int
    left: int
    right: int
    looser: Mapping[Literal["top", "bottom", "left", "right"], int] = Field(
        default_factory=dict
    )  # the disagreeing value

    def box(self, size_px: tuple[int, int]) -> tuple[int, int, int, int]:
        """The safe part of a picture of ``size_px``: (left, top, right, bottom) in px, rounded inwards."""
        sx, sy = size_px[0] / self.at_px[0], size_px[1] / self.at_px[1]
        return (
            -int(-self.left * sx // 1),
            -int(-self.top * sy // 1),
            int((self.at_px[0] - self.right) * sx),
            int((self.at_px[1] - self.bottom) * sy),
        )


class Cards(Sourced):
    """How many cards a carousel has."""

    min: PositiveInt
    max: PositiveInt


class Disclosure(Sourced):
    """How the channel wants machine-made content declared."""

    title_attribute: str | None = None
    description_attribute: str | None = None
    value_prefix: str | None = None
    flag: str | None = None


class Video(Sourced):
    max_bytes: PositiveInt
    seconds: tuple[PositiveInt, PositiveInt] = Field(strict=False)
    recommended_seconds: tuple[PositiveInt, PositiveInt] = Field(strict=False)
    formats: tuple[str, ...] = Field(strict=False)


class Limit(Sourced):
    """Any other figure; its name says the unit."""

    value: PositiveInt


class Channel(_Strict):
    """Where an advertisement or a listing is shown."""

    id: str  # the file's name
    name: str  # in words
    found: str  # the day the sources were read, ISO 8601
    notes: tuple[str, ...] = Field(default=(), strict=False)
    text: Mapping[str, TextField] = Field(default_factory=dict)
    images: Mapping[str, ImageField] = Field(default_factory=dict)
    sizes: tuple[AdSize, ...] = Field(default=(), strict=False)
    safe_zone: SafeZone | None = None
    cards: Cards | None = None
    ai_disclosure: Disclosure | None = None
    video: Video | None = None
    limits: Mapping[str, Limit] = Field(default_factory=dict)
    max_images_combined: PositiveInt | None = None

    def field(self, name: str) -> TextField:
        """One text field. Raises UnknownField."""
        try:
            return self.text[name]
        except KeyError:
            raise UnknownField(self.id, name, self.text) from None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a text that a channel does not take, or takes badly."""

    channel: str
    field: str
    kind: str  # too_long, too_short, shown_cut, not_encodable, forbidden_character, forbidden_content, repeated_word,
    # too_few_items, too_many_items, few_items, duplicate, none_short
    level: Level
    message: str
    length: int | None = None  # as the field counts it
    limit: int | None = None
    rule: CountRule | None = None
    evidence: Evidence | None = None
    source: str | None = None  # address, or the source's name
    item: int | None = None  # which of the field's texts, from 0; whole-channel checks only


def channels() -> tuple[str, ...]:
    """The ids of all channels, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@lru_cache(maxsize=64)
def channel(name: str) -> Channel:
    """Read one channel.

    Raises:
        UnknownChannel: no such file.
        BadFile: the file breaks the form.

    >>> channel("google_rsa").field("headline").max
    30
    """
    known = channels()
    if name not in known:
        raise UnknownChannel(name, known)
    return parse(name, (FOLDER / f"{name}.toml").read_text("utf-8"))


def parse(name: str, toml: str) -> Channel:
    """A channel from its file's text. Raises BadFile."""
    try:
        return Channel.model_validate({"id": name, **tomllib.loads(toml)})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadFile(f"channels/{name}.toml", str(error)) from error


def check_field(channel_name: str, field: str, text: str) -> Finding | None:
    """The worst thing about one text in one field, None if all is well. Raises UnknownChannel, UnknownField.

    >>> check_field("taobao_tmall", "title", "保温杯" * 11).message
    'title is 66 GBK bytes long, at most 60 are accepted'
    """
    return next(iter(field_findings(channel_name, field, text)), None)


def field_findings(channel_name: str, field: str, text: str) -> tuple[Finding, ...]:
    """Everything about one text in one field, worst first. Raises UnknownChannel, UnknownField."""
    spec = channel(channel_name).field(field)
    found = [
        *_length_findings(channel_name, field, spec, text),
        *_content_findings(channel_name, field, spec, text),
    ]
    return _worst_first(found)


def check_channel(channel_name: str, fields: Mapping[str, Sequence[str]]) -> tuple[Finding, ...]:
    """Everything about all texts of one channel, worst first: each text, how many there are, and doubles.

    Args:
        channel_name: which channel.
        fields: the texts of each field, in order. A field left out has no texts.

    Raises:
        UnknownChannel, UnknownField.
    """
    spec = channel(channel_name)
    found: list[Finding] = []
    for field in fields:
        spec.field(field)
    for field, rules in spec.text.items():
        texts = tuple(fields.get(field, ()))
        for i, text in enumerate(texts):
            found += [_at(finding, i) for finding in field_findings(channel_name, field, text)]
        found += _item_findings(channel_name, field, rules, texts)
    return _worst_first(found)


_UNITS = {
    CountRule.CODE_POINTS: "characters",
    CountRule.DISPLAY_WIDTH: "cells wide (Chinese characters count 2),",
    CountRule.GBK_BYTES: "GBK bytes long,",
    CountRule.UTF8_BYTES: "UTF-8 bytes long,",
    CountRule.GSM7_SEPTETS: "SMS septets long,",
    CountRule.UCS2_UNITS: "UTF-16 units long,",
    CountRule.GRAPHEMES: "characters",
}
_SEVERITY = {Level.REJECT: 0, Level.TRUNCATE: 1, Level.ADVISE: 2}
_WORD = regex.compile(r"[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*")
# articles, conjunctions, prepositions: a word count leaves them out
_SMALL_WORDS = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
_CJK = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_CONTENT = {
    Forbidden.MENTION: regex.compile(r"(?<!\w)@\w+"),
    Forbidden.HASHTAG: regex.compile(r"(?<!\w)#\w+|#[^#\s]+#"),
    Forbidden.PUNCTUATION: regex.compile(r"[[\p{P}\p{S}]--\p{Emoji_Presentation}]", regex.VERSION1),
    Forbidden.SPACE: regex.compile(r"\s"),
}


def _worst_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: _SEVERITY[finding.level]))  # stable: ties stay in order


def _at(finding: Finding, item: int) -> Finding:
    return replace(finding, item=item)


def _says(field: str, length: int, rule: CountRule) -> str:
    unit = _UNITS[rule]
    return f"{field} is {length} {unit}" if unit.endswith(",") else f"{field} has {length} {unit},"


class _Report:
    """Fills in what all findings on one field share."""

    def __init__(self, channel_name: str, field: str, spec: TextField) -> None:
        self.channel, self.field, self.spec = channel_name, field, spec

    def __call__(
        self, kind: str, level: Level, message: str, length: int | None = None, limit: int | None = None
    ) -> Finding:
        return Finding(
            channel=self.channel,
            field=self.field,
            kind=kind,
            level=level,
            message=message,
            length=length,
            limit=limit,
            rule=self.spec.count,
            evidence=self.spec.evidence,
            source=self.spec.url or self.spec.source,
        )


def _length_findings(channel_name: str, field: str, spec: TextField, text: str) -> list[Finding]:
    report = _Report(channel_name, field, spec)
    length = spec.length(text)
    if length is None:
        outside = " ".join(measure(text).not_gsm7[:8])
        return [report("not_encodable", Level.REJECT, f"{field} has characters outside the SMS alphabet: {outside}")]
    says = _says(field, length, spec.count)
    shortest = max(spec.min, 1)
    if not text.strip() or length < shortest:
        return [report("too_short", Level.REJECT, f"{says} at least {shortest} needed", length, shortest)]
    if spec.max is not None and length > (spec.looser_max or spec.max):
        return [_too_long(report, says, length, spec.looser_max or spec.max)]
    if spec.max is not None and length > spec.max:
        other = f"{says} the stricter source allows {spec.max}, another {spec.looser_max} ({spec.conflict})"
        return [report("too_long", Level.ADVISE, other, length, spec.max)]
    if spec.advise_max is not None and length > spec.advise_max:
        return [report("too_long", Level.ADVISE, f"{says} {spec.advise_max} advised", length, spec.advise_max)]
    if spec.single_segment is not None and length > spec.single_segment:
        parts = measure(text).gsm7_segments if spec.count is CountRule.GSM7_SEPTETS else measure(text).ucs2_segments
        message = f"{says} one message takes {spec.single_segment}: sent in {parts} parts"
        return [report("too_long", Level.ADVISE, message, length, spec.single_segment)]
    shown = spec.shown_cjk if spec.shown_cjk is not None and _CJK.search(text) else spec.shown
    if shown is not None and length > shown:
        return [report("shown_cut", Level.ADVISE, f"{says} about {shown} are seen at once", length, shown)]
    return []


def _too_long(report: _Report, says: str, length: int, limit: int) -> Finding:
    verb = {
        Level.REJECT: f"at most {limit} are accepted",
        Level.TRUNCATE: f"cut off after {limit}",
        Level.ADVISE: f"{limit} advised",
    }[report.spec.level]
    return report("too_long", report.spec.level, f"{says} {verb}", length, limit)


def _content_findings(channel_name: str, field: str, spec: TextField, text: str) -> list[Finding]:
    report = _Report(channel_name, field, spec)
    found: list[Finding] = []
    hits = [character for character in spec.forbidden_chars if character in text]
    if hits:
        found.append(report("forbidden_character", spec.level, f"{field} must not contain {' '.join(hits)}"))
    for kind in spec.forbidden:
        seen = _content(kind, text)
        if seen:
            message = f"{field} must not contain {kind.value.replace('_', ' ')}: {' '.join(seen)!r}"
            found.append(report("forbidden_content", spec.level, message))
    if spec.max_word_repeats is not None:
        for word, times in _repeats(text).items():
            if times > spec.max_word_repeats:
                message = f"{field} says {word!r} {times} times, at most {spec.max_word_repeats} are accepted"
                found.append(report("repeated_word", spec.level, message, times, spec.max_word_repeats))
    return found


def _content(kind: Forbidden, text: str) -> tuple[str, ...]:
    if kind is Forbidden.EMOJI:
        return emojis(text)
    if kind is Forbidden.LINK:
        return urls(text)
    pattern = _CONTENT.get(kind)
    return tuple(dict.fromkeys(pattern.findall(text))) if pattern is not None else ()


def _repeats(text: str) -> dict[str, int]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {word: words.count(word) for word in dict.fromkeys(words) if word not in _SMALL_WORDS}


def _item_findings(channel_name: str, field: str, spec: TextField, texts: Sequence[str]) -> list[Finding]:
    report = _Report(channel_name, field, spec)
    n = len(texts)
    found: list[Finding] = []
    if n < spec.min_items:
        message = f"{n} {field} given, {spec.min_items} needed"
        found.append(report("too_few_items", Level.REJECT, message, n, spec.min_items))
    elif spec.recommended_items is not None and n < spec.recommended_items:
        message = f"{n} {field} given, {spec.recommended_items} advised"
        found.append(report("few_items", Level.ADVISE, message, n, spec.recommended_items))
    if spec.max_items is not None and n > spec.max_items:
        message = f"{n} {field} given, at most {spec.max_items} are accepted"
        found.append(report("too_many_items", Level.REJECT, message, n, spec.max_items))
    found += _doubles(report, texts)
    if texts and spec.at_least_one_max is not None:
        lengths = [length for length in map(spec.length, texts) if length is not None]
        if not lengths or min(lengths) > spec.at_least_one_max:
            message = f"one {field} must be at most {spec.at_least_one_max} long"
            found.append(report("none_short", spec.level, message, min(lengths, default=None), spec.at_least_one_max))
    return found


def _doubles(report: _Report, texts: Sequence[str]) -> list[Finding]:
    """Texts that say the same as an earlier one, apart from case, spaces and full-width forms."""
    level = Level.REJECT if report.spec.unique else Level.ADVISE
    first: dict[str, int] = {}
    found: list[Finding] = []
    for i, text in enumerate(texts):
        same = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        if same in first:
            message = f"{report.field} {i + 1} repeats {report.field} {first[same] + 1}: {text!r}"
            found.append(_at(report("duplicate", level, message), i))
        first.setdefault(same, i)
    return found
