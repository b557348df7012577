"""From a brief to a channel's copy: drafts by the model, the ledger's word on each, the composer for what is missing.

What a customer wrote (title, facts, reviews) reaches the model only as values of a prompt's inputs, and reaches the
copy only through the ledger. Nothing in it can change a prompt, a limit or a verdict.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import prompts
from models.types import TextDraft, TextModel, TextReply, TextRequest
from service.domain import Brief, Copy, CopyLine, Finding, Ledger, PromptMark, Verdict
from service.errors import InvalidInput

from .composer import buttons, compose, is_near_duplicate, is_unfinished, moments_of
from .ledger import check
from .phrases import Phrase, noun_of, phrases

Progress = Callable[[str, float], None]

TASKS = {  # the channel's field -> the prompt that asks for it; other fields are the composer's
    "headline": "headline",
    "description": "description",
    "long_headline": "description",
    "primary_text": "primary_text",
    "subject": "email_subject",
    "preheader": "email_preheader",
    "call_to_action": "call_to_action",
}
BUTTON = "call_to_action"  # every channel's picture needs one
BUTTON_MAX = 20  # display width that fits the button of every layout
ALTERNATIVES = 3  # of a field that a channel shows once: what a test can choose from
MOST_DRAFTS = 32
MOST_PHRASES = 5  # a prompt's grammar grows with the cube of it, and compiling it costs more than writing
COMPOSED_LANGUAGES = ("en", "zh")
_NOT_COPY = ("path", "display_path", "link_description", "search_terms", "keywords", "url", "display_url")


@dataclass(slots=True)
class _Sheet:
    """Copy on its way: what was kept, what was refused, who was asked."""

    lines: list[CopyLine] = field(default_factory=list)
    refused: list[CopyLine] = field(default_factory=list)
    marks: dict[str, PromptMark] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    new_tokens: int = 0


def write_copy(brief: Brief, model: TextModel, seed: int, progress: Progress | None = None) -> Copy:
    """Write everything that a channel needs for a product.

    Args:
        brief: what to say, to whom, where; ``variants`` is how many texts of each repeatable field.
        model: asked in one batch a field, and once more with the finding where too few drafts pass.
        seed: same brief, seed and weights: same copy.
        progress: called with what is being done and how far it is, 0 to 1.

    Returns:
        A copy whose every line is within its limit and holds no unsupported or contradicted claim. Each line says who
        wrote it; drafts that did not pass are kept in ``refused`` with what was wrong.

    Raises:
        InvalidInput: neither the model nor the composer writes the language.
        prompts.UnknownChannel: no such channel.
    """
    started = time.perf_counter()
    language = brief.language.split("-")[0].lower()
    can_model = language in model.languages
    if not can_model and language not in COMPOSED_LANGUAGES:
        known = sorted({*model.languages, *COMPOSED_LANGUAGES})
        raise InvalidInput("language", f"{brief.language!r} cannot be written here; languages: {', '.join(known)}")
    wanted = _wanted(brief)
    sheet = _Sheet()
    for i, (name, n) in enumerate(wanted.items()):
        if progress is not None:
            progress(f"{brief.channel}: {name}", i / len(wanted))
        kept = _by_model(brief, name, n, model, seed + 1_000 * i, sheet) if can_model and name in TASKS else []
        if len(kept) < n:
            kept += compose(
                brief.product,
                name,
                n - len(kept),
                fits=lambda text, name=name: _limit_finding(brief, name, text) is None,  # type: ignore[misc]
                language=language,
                seed=seed,
                taken=[line.text for line in kept],
                words_to_avoid=brief.brand.words_to_avoid,
            )
        sheet.lines.extend(kept)
    if progress is not None:
        progress(f"{brief.channel}: done", 1.0)
    return Copy(
        id=_copy_id(brief, model.name, seed),
        product_id=brief.product.id,
        channel=brief.channel,
        language=brief.language,
        lines=tuple(sheet.lines),
        prompts=tuple(sheet.marks.values()),
        provenance={**sheet.provenance, "requests": sheet.requests, "new_tokens": sheet.new_tokens},
        refused=tuple(sheet.refused),
        seconds=time.perf_counter() - started,
    )


def _copy_id(brief: Brief, model: str, seed: int) -> str:
    said = json.dumps([repr(brief.product), repr(brief), model, seed], ensure_ascii=False)
    return f"copy-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _wanted(brief: Brief) -> dict[str, int]:
    """Field -> how many texts: the channel's own numbers, the brief's variants where it leaves them open."""
    wanted: dict[str, int] = {}
    for name, spec in prompts.channel(brief.channel).text.items():
        if name in _NOT_COPY:
            continue
        n = min(brief.variants, spec.max_items) if spec.max_items else min(brief.variants, ALTERNATIVES)
        wanted[name] = max(n, spec.min_items, 1)
    wanted.setdefault(BUTTON, min(max(brief.variants, 1), ALTERNATIVES))
    return wanted


# --- the model ---------------------------------------------------------------------------------------------------


def _by_model(brief: Brief, name: str, n: int, model: TextModel, seed: int, sheet: _Sheet) -> list[CopyLine]:
    """Up to ``n`` of the model's drafts that pass, the best first; one repair round if too few do."""
    rendered = _render(brief, name)
    if rendered is None:
        return []
    sheet.marks[rendered.ref.task] = PromptMark(rendered.ref.task, rendered.ref.version, rendered.ref.digest)
    request = TextRequest(
        system=rendered.system,
        user=rendered.user,
        n=min(MOST_DRAFTS, max(6, 2 * n)),
        max_new_tokens=rendered.sampling.max_new_tokens,
        temperature=rendered.sampling.temperature,
        top_p=rendered.sampling.top_p,
        seed=seed,
        json_schema=rendered.output if _needs_shapes(model) else rendered.free_output,
    )
    passed, refused = _judged(brief, name, _ask(model, request, sheet), [])
    chosen = _choose(passed, n)
    if len(chosen) < n and refused and name != BUTTON:
        again = replace(request, user=_with_findings(request.user, refused), seed=seed + 500, n=max(4, n - len(chosen)))
        more, still_refused = _judged(brief, name, _ask(model, again, sheet), [d.line.text for d in chosen])
        refused += still_refused
        chosen = _choose([*chosen, *more], n)
    sheet.refused.extend(refused)
    return [draft.line for draft in chosen]


def _needs_shapes(model: TextModel) -> bool:
    """Small models on this machine are held to the prompt's sentence shapes; able ones get the length only."""
    return model.name.split(":")[0] in ("local", "fake")


def _ask(model: TextModel, request: TextRequest, sheet: _Sheet) -> TextReply:
    reply = model.write(request)
    sheet.requests += 1
    sheet.new_tokens += reply.new_tokens
    if not sheet.provenance:
        sheet.provenance = {k: v for k, v in asdict(reply.provenance).items() if k != "settings"}
        sheet.provenance["settings"] = dict(reply.provenance.settings)
    return reply


def _render(brief: Brief, name: str) -> prompts.RenderedPrompt | None:
    """The field's prompt with the product laid in; None where no shape fits the limit or no prompt asks for it."""
    try:
        prompt = prompts.load(TASKS[name])
    except (prompts.UnknownTask, prompts.UnknownPrompt):
        return None
    language = brief.language.split("-")[0].lower()
    if name == BUTTON:
        inputs: dict[str, object] = {"product": noun_of(brief.product), "choices": _buttons(brief, language)}
        if brief.audience:
            inputs["audience"] = brief.audience
    else:
        inputs = {
            "product": noun_of(brief.product),
            "brand": _clean_name(brief.brand.name if brief.product.brand else ""),
            "phrases": _noun_phrases(phrases(brief.product, language), turn=sorted(TASKS).index(name)),
            "audience": brief.audience or "",
            "moment": moments_of(brief.product, language),
            "max_chars": prompts.channel(brief.channel).field(name).write_to,
        }
        if not inputs["phrases"]:
            return None
    try:
        return prompt.render(**{k: v for k, v in inputs.items() if k in prompt.inputs})
    except prompts.NothingFits:
        return None


def _buttons(brief: Brief, language: str) -> list[str]:
    return [b for b in buttons(brief.product, language) if _limit_finding(brief, BUTTON, b) is None]


def _clean_name(name: str) -> str:
    return name if len(name) <= 40 else ""


def _noun_phrases(found: Sequence[Phrase], turn: int = 0) -> list[str]:
    """Phrases that read well after "with" and before "for": the three best, and others that change with ``turn``."""
    named = [(p, text) for p in found if p.rank < 8 and (text := _as_noun(p))]
    first_of_key: dict[str, str] = {}
    rest: list[str] = []
    for phrase, text in named:
        if phrase.key in first_of_key:
            rest.append(text)
        else:
            first_of_key[phrase.key] = text
    every = list(dict.fromkeys([*first_of_key.values(), *rest]))
    best, others = every[:3], every[3:]
    start = (turn * (MOST_PHRASES - 3)) % len(others) if others else 0
    return [*best, *others[start:], *others[:start]][:MOST_PHRASES]


def _as_noun(phrase: Phrase) -> str | None:
    if phrase.noun is not None:
        return re.sub(r"^(?:an?|the)\s+|^room for\s+", "", phrase.noun)
    if re.match(r"\d", phrase.tag):
        return phrase.tag
    if phrase.before is not None and phrase.clause is not None and phrase.clause.startswith("is made of"):
        return phrase.before
    return None


def _with_findings(user: str, refused: Sequence[CopyLine]) -> str:
    """The prompt again, with what was wrong in front: claims no fact carries, texts too long."""
    wrong = [
        c.text
        for line in refused
        for c in line.ledger.claims
        if c.verdict in (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)
    ]
    notes = []
    if wrong:
        notes.append(
            "Not true of this product, do not say: " + "; ".join(dict.fromkeys(_one_line(w) for w in wrong[:6])) + "."
        )
    if any(f.id.endswith("too_long") for line in refused for f in line.findings):
        notes.append("Write shorter.")
    return "\n".join([*notes, user])


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- judging drafts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Draft:
    line: CopyLine
    score: float


def _judged(brief: Brief, name: str, reply: TextReply, taken: Sequence[str]) -> tuple[list[_Draft], list[CopyLine]]:
    """Drafts that pass with their scores, and those that do not with their findings."""
    passed: list[_Draft] = []
    refused: list[CopyLine] = []
    for draft in reply.drafts:
        text = cleaned(_said(draft))
        if not text:
            continue
        line = judge(brief, name, text, ended=draft.ended_by_itself)
        if any(f.severity == "block" for f in line.findings) or not line.ledger.is_clean:
            refused.append(line)
        elif text.casefold() not in {*(t.casefold() for t in taken), *(d.line.text.casefold() for d in passed)}:
            passed.append(_Draft(line, _score(line, draft)))
    return passed, refused


def judge(brief: Brief, name: str, text: str, *, ended: bool = True, origin: str = "model") -> CopyLine:
    """One text held against ledger, limits and the brand's words to avoid. ``ended`` False: the length cut it off."""
    ledger = check(text, brief.product, brief.language)
    findings = [f for f in (_limit_finding(brief, name, text),) if f is not None]
    if not ended or is_unfinished(text):
        findings.append(Finding(f"copy.{name}.unfinished", "the sentence does not end", "block", field=name))
    twice = _said_twice(text)
    if twice:
        findings.append(Finding(f"copy.{name}.repeats", f"{twice!r} is said twice", "block", field=name))
    for word in brief.brand.words_to_avoid:
        match = re.search(rf"(?<!\w){re.escape(word)}", text, re.I) if word.strip() else None
        if match is not None:
            findings.append(
                Finding("brand.words_to_avoid", f"the brand avoids {word!r}", "block", name, match.start(), match.end())
            )
    findings.extend(_claim_findings(name, ledger))
    return CopyLine(name, text, "merchant" if origin == "merchant" else "model", ledger, tuple(findings))


def _said_twice(text: str) -> str | None:
    """A figure or a word of five letters and more that one line holds twice.

    >>> _said_twice("350 ml, 350 ml capacity")
    '350'
    """
    said = re.findall(r"\d+(?:[.,]\d+)?|[^\W\d_]{5,}", text.casefold())
    return next((word for i, word in enumerate(said) if word in said[:i]), None)


def _claim_findings(name: str, ledger: Ledger) -> list[Finding]:
    return [
        Finding(f"ledger.{c.verdict.value}", f"{c.text!r}: {c.reason}", "block", name, c.start, c.end)
        for c in ledger.claims
        if c.verdict in (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)
    ]


def _limit_finding(brief: Brief, name: str, text: str) -> Finding | None:
    """What the channel does not take; anything is a reason to write another line."""
    spec = prompts.channel(brief.channel).text.get(name)
    if spec is None:
        width = prompts.count(text, "display_width") or 0
        return (
            None
            if width <= BUTTON_MAX
            else Finding(f"copy.{name}.too_long", f"{width} wide, at most {BUTTON_MAX}", "block", name)
        )
    found = prompts.check_field(brief.channel, name, text)
    if found is not None:
        return Finding(f"{brief.channel}.{name}.{found.kind}", found.message, "block", name)
    length = spec.length(text)
    if length is not None and length > spec.write_to:
        return Finding(f"{brief.channel}.{name}.too_long", f"{length} long, written to {spec.write_to}", "block", name)
    return None


def _said(draft: TextDraft) -> str:
    """The text inside a draft: the one value of its JSON object, or the draft itself."""
    text = draft.text.strip()
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            return ""
        values = [v for v in value.values() if isinstance(v, str)] if isinstance(value, Mapping) else []
        return values[0] if values else ""
    return text.splitlines()[0] if text else ""


_LABEL = re.compile(
    r"^(?:headline|description|post|subject|preheader|button|title|text|ad|copy)\s*\d*\s*[:：]\s*", re.I
)


def cleaned(text: str) -> str:
    """Without quotation marks around it, labels, list signs, markdown and doubled blanks.

    >>> cleaned('1. Headline: "Cold for  24 hours"')
    'Cold for 24 hours'
    """
    text = " ".join(text.split())
    for _ in range(3):
        before = text
        text = re.sub(r"^(?:[-*•#>]+\s+|\d{1,2}[.)]\s+)", "", text)
        text = _LABEL.sub("", text).strip()
        text = re.sub(r"[*_`]{2,}", "", text)
        if len(text) > 1 and text[0] in "\"'“‘«「『" and text[-1] in "\"'”’»」』":
            text = text[1:-1].strip()
        if text == before:
            break
    return text


def _score(line: CopyLine, draft: TextDraft) -> float:
    """Drafts that end by themselves, carry facts and come easily to the model are better."""
    supported = {c.evidence for c in line.ledger.claims if c.verdict is Verdict.SUPPORTED}
    ease = draft.mean_log_probability if draft.mean_log_probability is not None else -3.0
    return 1.0 * draft.ended_by_itself + 0.6 * min(len(supported), 3) + 0.15 * max(ease, -6.0)


def _choose(drafts: Sequence[_Draft], n: int) -> list[_Draft]:
    """The best ``n``, no two nearly the same, each fact in turn, at most a quarter without any fact."""
    chosen: list[_Draft] = []
    told: dict[str, int] = {}
    waiting = list(drafts)
    while waiting and len(chosen) < n:
        best = max(waiting, key=lambda d: d.score - 0.5 * sum(told.get(e, 0) for e in _evidence(d)))
        waiting.remove(best)
        is_bare = not _evidence(best)
        if is_bare and sum(not _evidence(d) for d in chosen) >= max(1, n // 4):
            continue
        if is_near_duplicate(best.line.text, (d.line.text for d in chosen)):
            continue
        chosen.append(best)
        for evidence in _evidence(best):
            told[evidence] = told.get(evidence, 0) + 1
    return chosen


def _evidence(draft: _Draft) -> set[str]:
    return {c.evidence for c in draft.line.ledger.claims if c.evidence and not c.evidence.startswith("title")}
