"""A line of copy as a page shows it: its words with their verdicts, its length, what is wrong and how to mend it.

Every text is judged anew when it is shown, edited or approved; what was stored with it is never trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import prompts
from prompts.rules import find_market, pack
from service.copy import rules
from service.copy.brief import BriefFile, brief_for, parse_brief
from service.copy.judging import BUTTON, Judge
from service.copy.rules import Breach
from service.domain import Brand, Brief, Claim, CopyLine, Finding, Verdict
from service.storage.drafts import Draft, DraftLine

MOST_MENDS = 5  # one after the other, to mend a whole text
REFUSED = (Verdict.CONTRADICTED, Verdict.UNSUPPORTED)
SAYS = {
    Verdict.SUPPORTED: "Proved by a fact",
    Verdict.PUFFERY: "Opinion, claims no fact",
    Verdict.UNSUPPORTED: "No fact says so",
    Verdict.CONTRADICTED: "A fact says otherwise",
}
UNITS = {
    "code_points": "characters",
    "graphemes": "characters",
    "display_width": "cells (Chinese and emoji count 2)",
    "gbk_bytes": "bytes (Chinese counts 2)",
    "utf8_bytes": "bytes (Chinese counts 3)",
    "gsm7_septets": "SMS septets",
    "ucs2_units": "UTF-16 units",
}
ORIGINS = {
    "model": ("written by the model", "note"),
    "composer": ("composed from facts", ""),
    "merchant": ("your words", "good"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a text under one claim, or none; inside it the parts that a rule objects to."""

    claim: int | None  # which of the line's claims
    parts: tuple[tuple[str, str], ...]  # (text, "" or "block" or "warn")


@dataclass(frozen=True, slots=True)
class Meter:
    """How much of its room a text takes."""

    length: int
    max: int
    min: int
    unit: str  # "cells; Chinese and emoji count 2"

    @property
    def share(self) -> float:
        """Percent of the room, at most 100."""
        return min(100.0, 100.0 * self.length / self.max) if self.max else 0.0

    @property
    def least(self) -> float:
        return min(100.0, 100.0 * self.min / self.max) if self.max else 0.0

    @property
    def state(self) -> str:
        return "over" if self.length > self.max else "under" if self.length < self.min else "fits"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a text that somebody should look at, with a way out where there is a safe one."""

    id: str
    title: str
    why: str
    severity: str  # block, warn, note
    source: str = ""
    url: str | None = None
    hint: str = ""
    rewrite: str | None = None  # the whole text, mended
    at: str = ""  # what stands there


@dataclass(frozen=True, slots=True)
class View:
    """One line, looked at now."""

    text: str
    field: str
    claims: tuple[Claim, ...]
    runs: tuple[Run, ...]
    meter: Meter | None
    problems: tuple[Problem, ...]
    keywords: tuple[str, ...]
    rewrite: str | None  # everything mended at once, where that is safe

    @property
    def verdict(self) -> Verdict:
        order = list(Verdict)
        return min((c.verdict for c in self.claims), key=order.index, default=Verdict.SUPPORTED)

    @property
    def blocks(self) -> tuple[Problem, ...]:
        return tuple(p for p in self.problems if p.severity == "block")

    @property
    def can_be_approved(self) -> bool:
        return bool(self.text.strip()) and not self.blocks and self.verdict not in REFUSED

    @property
    def is_spotless(self) -> bool:
        """Nothing to look at: what "approve all clean lines" takes."""
        return self.can_be_approved and not any(p.severity == "warn" for p in self.problems)

    @property
    def why_not(self) -> str:
        """Why it cannot be approved, in one sentence; empty when it can."""
        if self.can_be_approved:
            return ""
        if not self.text.strip():
            return "There is no text."
        said = [p.title for p in self.blocks]
        return f"Cannot be approved: {'; '.join(dict.fromkeys(said[:3]))}."


@dataclass(frozen=True)
class Desk:
    """What the lines of one channel of a draft are judged with."""

    brief: Brief
    judge: Judge

    def look(self, field: str, text: str, *, is_whole: bool = True) -> View:
        """Judge a text for a field. A few milliseconds; ``is_whole``: also try to mend everything at once."""
        line = self.judge.line(field, text)
        ruling = rules.check(
            text,
            market=self.brief.market,
            channel=self.brief.channel,
            field=field if field in prompts.channel(self.brief.channel).text else None,
            language=self.brief.language,
            category=self.brief.product.category,
            product=self.judge.evidence,
        )
        claims = apart(line.ledger.claims)
        problems = [*self._of_claims(field, text, claims), *self._of_limits(field, text, line, ruling.findings)]
        problems += [_of_rule(breach, self._safe(field, breach.rewrite, text)) for breach in ruling.findings]
        problems.sort(key=lambda p: {"block": 0, "warn": 1}.get(p.severity, 2))
        return View(
            text=text,
            field=field,
            claims=claims,
            runs=runs_of(text, claims, ruling.findings),
            meter=self._meter(line),
            problems=tuple(problems),
            keywords=line.keywords,
            rewrite=self._whole(field, problems, ruling.rewrite) if is_whole and len(problems) > 1 else None,
        )

    def _whole(self, field: str, problems: Sequence[Problem], ruled: str | None) -> str | None:
        """Everything mended, one thing after the other; None if something stays that keeps the text from leaving."""
        mended = next((p.rewrite for p in problems if p.rewrite), None)
        for _ in range(MOST_MENDS):
            if mended is None or self._passes(field, mended):
                break
            mended = next((p.rewrite for p in self.look(field, mended, is_whole=False).problems if p.rewrite), None)
        for found in (mended, ruled):
            if found and self._passes(field, found):
                return found
        return None

    def _safe(self, field: str, mended: str | None, text: str) -> str | None:
        """A rewrite that is no worse elsewhere: it brings in no claim that facts refuse and keeps to the limits."""
        if not mended or mended == text:
            return None
        before, after = self.judge.line(field, text), self.judge.line(field, mended)
        return mended if _weight(after) < _weight(before) else None

    def _passes(self, field: str, text: str) -> bool:
        return self.judge.passes(self.judge.line(field, text))

    def _of_claims(self, field: str, text: str, claims: Sequence[Claim]) -> Iterator[Problem]:
        for claim in claims:
            if claim.verdict not in REFUSED:
                continue
            is_false = claim.verdict is Verdict.CONTRADICTED
            title = f"“{claim.text}” is not true" if is_false else f"no fact says “{claim.text}”"
            why = _sentence(claim.reason or "")
            if is_false and claim.evidence:
                why = f"{why} Your fact: {claim.evidence}." if claim.evidence not in why else why
            hint = "" if is_false else "If it is true, add it to the product's facts; otherwise say it differently."
            yield Problem(
                f"ledger.{claim.verdict.value}", title, why, "block", hint=hint,
                rewrite=self._mended(field, text, claim), at=claim.text,
            )  # fmt: skip

    def _mended(self, field: str, text: str, claim: Claim) -> str | None:
        """The text with the fact's own figure or words in the place of a false claim, else without it; None if neither
        leaves a text that passes whole or at least with one refused claim less."""
        before = _weight(self.judge.line(field, text))
        tries = [text[: claim.start] + value + text[claim.end :] for value in _values(claim)]
        tries += _without(text, claim.start, claim.end)
        for mended in tries:
            if len(mended) >= 2 and mended != text and _weight(self.judge.line(field, mended)) < before:
                return mended
        return None

    def _of_limits(self, field: str, text: str, line: CopyLine, breaches: Sequence[Breach]) -> Iterator[Problem]:
        by_rules = {breach.rule for breach in breaches}
        for found in line.findings:
            if found.id in by_rules or found.id.startswith("ledger."):
                continue
            source, url = self._source(field, found)
            rewrite = self._shortened(field, text, found)
            yield Problem(
                found.id, _sentence(found.message).rstrip("."), "", found.severity, source, url, rewrite=rewrite
            )

    def _source(self, field: str, found: Finding) -> tuple[str, str | None]:
        spec = prompts.channel(self.brief.channel).text.get(field)
        if spec is None or not found.id.startswith(self.brief.channel):
            return "", None
        return f"{prompts.channel(self.brief.channel).name}, {spec.evidence.value}", spec.url

    def _shortened(self, field: str, text: str, found: Finding) -> str | None:
        """A text that is too long without its last sentences or clauses; without the word that the brand avoids."""
        if found.id == "brand.words_to_avoid" and found.start is not None and found.end is not None:
            return next((t for t in _without(text, found.start, found.end) if self._passes(field, t)), None)
        if not found.id.endswith("too_long"):
            return None
        cuts = [m.start() for m in re.finditer(r"(?<=[.!?。！？])\s*(?=\S)|\s*[,;:–—，；：、|]\s*|\s+", text)]
        for cut in sorted({c for c in cuts if c > len(text) * 0.4}, reverse=True):
            shorter = text[:cut].rstrip(" ,;:–—，；：、|&")
            if self._passes(field, shorter):
                return shorter
        return None

    def _meter(self, line: CopyLine) -> Meter | None:
        if line.limit is None:
            return None
        unit = UNITS.get(line.limit.count, line.limit.count)
        return Meter(line.limit.length, line.limit.max, line.limit.min, unit)


def _weight(line: CopyLine) -> tuple[int, int]:
    """How much is wrong: (what blocks, what warns)."""
    found = [f.severity for f in line.findings]
    return found.count("block"), found.count("warn")


def _of_rule(breach: Breach, rewrite: str | None) -> Problem:
    return Problem(
        breach.rule, f"“{breach.text}”: {breach.title}", _sentence(breach.why), breach.severity, breach.source,
        breach.url, _sentence(breach.hint), rewrite, breach.text,
    )  # fmt: skip


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text else text[:1].upper() + text[1:] + ("" if text[-1] in ".!?。" else ".")


# --- mending claims ------------------------------------------------------------------------------------------------

_AMOUNT = re.compile(r"[\d.,]*\d\s*(?:[a-zA-Z%°\u4e00-\u9fff]{1,12})?")


def _values(claim: Claim) -> Iterator[str]:
    """What a fact says instead: its figures first, then all of it where that is short."""
    if claim.verdict is not Verdict.CONTRADICTED or not claim.evidence:
        return
    value = claim.evidence.partition(":")[2].strip()
    if any(c.isdigit() for c in claim.text):
        for match in _AMOUNT.finditer(value):
            yield match.group().strip()
    if 0 < len(value) <= 40:
        yield value


_JOINS = re.compile(
    r"(?:[\s,;:，；：、–—|&+]|\b(?:and|with|in|of|made|from|for|a|an|the|plus|or|by|its|our|is|are)\b)+$", re.I
)


def _without(text: str, start: int, end: int) -> list[str]:
    """The text without a stretch, and with the words that only led to it gone too."""
    before, after = text[:start], text[end:]
    found = []
    for head in (_JOINS.sub("", before), before):
        tail = after
        mended = re.sub(r"\s{2,}", " ", f"{head}{'' if not tail or tail[0] in ' ,.;:!?，。；！？、' else ' '}{tail}")
        mended = re.sub(r"\s+([,.;:!?，。；！？])", r"\1", mended)
        mended = re.sub(r"^[\s,;:，；：、&–—-]+|[\s,;:，；：、&–—-]+$", "", mended)
        mended = re.sub(r"([,;:，；：、])\s*([.!?。！？])", r"\2", mended)
        if len(mended.split()) >= 2 or (not mended.isascii() and len(mended) >= 4):
            found.append(mended[:1].upper() + mended[1:] if text[:1].isupper() else mended)
    return found


# --- spans ---------------------------------------------------------------------------------------------------------


def apart(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Claims in the order of the text; of two that overlap the graver stays."""
    order = list(Verdict)
    kept: list[Claim] = []
    for claim in sorted(claims, key=lambda c: (order.index(c.verdict), c.start)):
        if claim.end > claim.start and all(claim.end <= other.start or claim.start >= other.end for other in kept):
            kept.append(claim)
    return tuple(sorted(kept, key=lambda c: c.start))


def runs_of(text: str, claims: Sequence[Claim], breaches: Sequence[Breach]) -> tuple[Run, ...]:
    """The text cut at claims and at what rules object to; joined, the parts are the text again."""
    marks = [""] * len(text)
    for breach in sorted(breaches, key=lambda b: b.severity == "block"):  # the graver over the milder
        for i in range(max(0, breach.start), min(breach.end, len(text))):
            marks[i] = breach.severity
    owner: list[int | None] = [None] * len(text)
    for number, claim in enumerate(claims):
        for i in range(max(0, claim.start), min(claim.end, len(text))):
            owner[i] = number
    runs: list[Run] = []
    start = 0
    for i in range(1, len(text) + 1):
        if i < len(text) and owner[i] == owner[start]:
            continue
        parts: list[tuple[str, str]] = []
        at = start
        for j in range(start + 1, i + 1):
            if j == i or marks[j] != marks[at]:
                parts.append((text[at:j], marks[at]))
                at = j
        runs.append(Run(owner[start], tuple(parts)))
        start = i
    return tuple(runs) if text else ()


# --- desks ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def desk_for(brief: Brief) -> Desk:
    """What texts of a brief are judged with; the last ones used stay ready."""
    return Desk(brief, Judge(brief))


def file_of(draft: Draft) -> BriefFile:
    """What was asked, over the brand that was chosen, as it was that day."""
    return parse_brief(dict(draft.asked.get("brief") or {}))


def brief_of(draft: Draft, channel: str) -> Brief:
    """The brief by which a draft's lines are judged: its own product, the day it was asked for."""
    return brief_for(
        draft.product,
        channel,
        file_of(draft),
        variants=int(draft.asked.get("variants", 8)),
        today=draft.created.date(),
        brand=Brand(name=draft.product.brand or ""),
    )


def market_name(market: str) -> str:
    return pack(find_market(market)).name


def label(line: DraftLine) -> str:
    """For the audit log and readers of screens: "headline 7"."""
    name = "button" if line.line.field == BUTTON else line.line.field.replace("_", " ")
    return f"{name} {line.number}"
