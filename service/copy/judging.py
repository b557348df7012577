"""May this text leave? Ledger, limits, rules and the brand's words, each with its finding.

``block`` keeps a line back; ``warn`` and ``note`` travel with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import prompts
from prompts import Forbidden, TextField
from service.domain import Brief, CopyLine, Finding, Ledger, Length, Origin, Product, PromptMark, Verdict

from . import rules
from .brief import evidence_of
from .composer import is_unfinished
from .inert import inert
from .ledger import check

BUTTON = "call_to_action"  # every channel's picture needs one
BUTTON_MAX = 20  # display width that fits the button of every layout
SHORT = 140  # code points; a longer text may use a word again
_LEANS = re.compile(r"^(?:and|but|or|so|also|plus|then|it|its|they|this|that)\b", re.I)  # needs a line before it


@dataclass(frozen=True)
class Judge:
    """Holds one brief's texts against everything that can be wrong with them."""

    brief: Brief

    @cached_property
    def evidence(self) -> Product:
        """The product with the offers that run."""
        return evidence_of(self.brief)

    @cached_property
    def _avoided(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple((w, pattern_of(w)) for w in self.brief.brand.words_to_avoid if w.strip())

    def line(
        self, field: str, text: str, *, ended: bool = True, origin: Origin = "model", prompt: PromptMark | None = None
    ) -> CopyLine:
        """A text with its claims, its length and all findings. ``ended`` False: the token limit cut it off."""
        ledger = check(text, self.evidence, self.brief.language)
        findings = [
            *self.limit_findings(field, text),
            *self._shape_findings(field, text, ended),
            *self._brand_findings(field, text),
            *_claim_findings(field, ledger),
            *self._rule_findings(field, text),
        ]
        return CopyLine(
            field=field,
            text=text,
            origin=origin,
            ledger=ledger,
            findings=tuple(findings),
            limit=length_of(self.brief.channel, field, text),
            prompt=prompt,
            keywords=tuple(k for k in self.brief.keywords if holds(text, k)),
        )

    def passes(self, line: CopyLine) -> bool:
        return line.ledger.is_clean and not any(f.severity == "block" for f in line.findings)

    def fits(self, field: str, text: str) -> bool:
        """Whether the channel takes a text in this field, whatever it says."""
        return not any(f.severity == "block" for f in self.limit_findings(field, text))

    def limit_findings(self, field: str, text: str) -> list[Finding]:
        """What the channel does not take; anything is a reason to write another line."""
        channel = self.brief.channel
        spec = prompts.channel(channel).text.get(field)
        if spec is None:
            width = prompts.count(text, "display_width") or 0
            message = f"{width} wide, at most {BUTTON_MAX}"
            return [] if width <= BUTTON_MAX else [Finding(f"copy.{field}.too_long", message, "block", field)]
        found = [
            Finding(f"{channel}.{field}.{f.kind}", f.message, "block", field)
            for f in prompts.field_findings(channel, field, text)
        ]
        length = spec.length(text)
        if not found and length is not None and length > spec.write_to:
            message = f"{length} long, written to {spec.write_to}"
            found.append(Finding(f"{channel}.{field}.too_long", message, "block", field))
        brand = self.brief.brand.name or self.brief.product.brand or ""
        if Forbidden.BRAND_NAME in spec.forbidden and brand and brand.casefold() in text.casefold():
            found.append(Finding(f"{channel}.{field}.brand_name", "the field takes no brand name", "block", field))
        return found

    def _shape_findings(self, field: str, text: str, ended: bool) -> Iterable[Finding]:
        if not ended or is_unfinished(text):
            yield Finding(f"copy.{field}.unfinished", "the sentence does not end", "block", field)
        if inert(text, 10_000) != " ".join(text.split()):
            yield Finding(f"copy.{field}.not_copy", "holds signs that belong to no advertisement", "block", field)
        twice = said_twice(text) if len(text) <= SHORT else None
        if twice:
            yield Finding(f"copy.{field}.repeats", f"{twice!r} is said twice", "block", field)
        spec = prompts.channel(self.brief.channel).text.get(field)
        if spec is not None and spec.shown_at_once and _LEANS.match(text):
            yield Finding(f"copy.{field}.leans", "reads on from another line; the order is not ours", "block", field)

    def _brand_findings(self, field: str, text: str) -> Iterable[Finding]:
        for word, pattern in self._avoided:
            match = pattern.search(text)
            if match is not None:
                message = f"the brand avoids {word!r}"
                yield Finding("brand.words_to_avoid", message, "block", field, match.start(), match.end())

    def _rule_findings(self, field: str, text: str) -> Iterable[Finding]:
        brief = self.brief
        ruling = rules.check(
            text,
            market=brief.market,
            channel=brief.channel,
            field=field if field in prompts.channel(brief.channel).text else None,
            language=brief.language,
            category=brief.product.category,
            product=self.evidence,
            suggest=False,
        )
        for found in ruling.findings:
            message = f"{found.text!r}: {found.why} ({found.source})"
            yield Finding(found.rule, message, found.severity, field, found.start, found.end, found.instead)


_SMALL = (
    "the and for you your our with from that this its are not all any can get day one more less than into onto over "
    "und der die das den dem ein mit für von auf aus les des une est pour avec dans los las una por con para"
)
SMALL_WORDS = frozenset(_SMALL.split())  # of three and four letters; a line may hold one twice


def pattern_of(word: str) -> re.Pattern[str]:
    """A word in any of its forms: "cheap" finds "cheaper", never "archeap"; Chinese is found anywhere."""
    return re.compile(rf"(?<!\w){re.escape(word.strip())}" if word.isascii() else re.escape(word.strip()), re.I)


def holds(text: str, words: str) -> bool:
    """Whether a text holds a keyword: all its words, in any form and order.

    >>> holds("Desk lamps for students", "desk lamp"), holds("Lamp", "desk lamp")
    (True, False)
    """
    return all(pattern_of(word).search(text) for word in words.split())


def said_twice(text: str) -> str | None:
    """A figure or a word that means something and that one line holds twice.

    >>> said_twice("350 ml, 350 ml capacity"), said_twice("Tea with black tea"), said_twice("For you and for me")
    ('350', 'tea', None)
    """
    said = re.findall(r"\d+(?:[.,]\d+)?|[^\W\d_]{3,}", text.casefold())
    return next((word for i, word in enumerate(said) if word in said[:i] and word not in SMALL_WORDS), None)


def length_of(channel: str, field: str, text: str) -> Length:
    """How long a text is as its field counts it, and how long it may be."""
    spec: TextField | None = prompts.channel(channel).text.get(field)
    if spec is None:
        return Length(prompts.count(text, "display_width") or 0, BUTTON_MAX, "display_width")
    return Length(spec.length(text) or 0, spec.write_to, spec.count.value, spec.min)


def _claim_findings(field: str, ledger: Ledger) -> list[Finding]:
    return [
        Finding(f"ledger.{c.verdict.value}", f"{c.text!r}: {c.reason}", "block", field, c.start, c.end)
        for c in ledger.claims
        if c.verdict in (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)
    ]


def reasons(line: CopyLine) -> str:
    """Why a line may not leave, in one sentence for a model or a person."""
    said: Mapping[str, None] = dict.fromkeys(f.message for f in line.findings if f.severity == "block")
    return "; ".join(said)
