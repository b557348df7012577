"""From a brief to a channel's copy: drafts by the model, a judge's word on each, the composer for what is missing.

What a customer wrote (title, facts, reviews, brief) reaches the model only as values of a prompt's inputs, made inert,
and reaches the copy only through the judge. Nothing in it can change a prompt, a limit or a verdict.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import prompts
from models.errors import Cancelled
from models.types import TextDraft, TextModel, TextRequest, Watch
from service.domain import Brief, Copy, CopyLine, Finding, Origin, PromptMark, Verdict
from service.errors import InvalidInput

from .brief import evidence_of
from .composer import LANGUAGES as COMPOSED_LANGUAGES
from .composer import Wishes, buttons, compose, moments_of
from .grounding import stray_findings
from .inert import inert
from .judging import BUTTON, Judge, holds, pattern_of, reasons
from .phrases import Phrase, noun_of, phrases
from .reviews import angles
from .variety import is_near_duplicate
from .voice import agreement, describe

Progress = Callable[[str, float], None]
OnLine = Callable[[CopyLine], None]

ALTERNATIVES = 3  # of a field that a channel shows once: what a test can choose from
MOST_DRAFTS = 32
MOST_ANGLES = 7  # requests side by side for one field, each about another fact
MOST_PHRASES = 5  # a prompt's grammar grows with the cube of it, and compiling it costs more than writing
ROUNDS = 3  # of asking for one field: the first, and two that repair or try other facts
MOST_SECONDS = 45.0  # of asking a model for one copy; the composer does the rest
SMALL_LONGEST = 400  # code points; a small model is not asked for more
ABLE_TASK = "ad_lines"
_UNWRITTEN = ("link_description", "keywords", "url", "display_url")
_OPTIONAL = ("path", "display_path", "search_terms")  # the composer's; no test is made of them
_TELLING = ("primary_text", "intro", "post", "caption", "body")  # fields where a customer's own words may stand
_HELPFUL_FACTS = {  # what is asked for when facts are few: a word in keys that covers it, and how we call it
    "material": r"material|fabric|ingredient|材质|面料|成分",
    "size or capacity": r"size|capacity|volume|height|width|length|diameter|dimension|容量|尺寸|净含量",
    "weight": r"weight|重量",
    "care": r"care|wash|保养|洗",
    "origin": r"origin|made|产地",
    "warranty": r"warranty|guarantee|质保|保修",
    "colour": r"colou?r|颜色",
    "what is in the box": r"includ|content|pieces|count|件数|清单",
}


@dataclass(slots=True)
class _Sheet:
    """Copy on its way: what was kept, what was refused, who was asked."""

    lines: list[CopyLine] = field(default_factory=list)
    refused: list[CopyLine] = field(default_factory=list)
    marks: dict[str, PromptMark] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    new_tokens: int = 0
    drafts: int = 0
    passed: int = 0
    repaired: int = 0  # lines kept that came from asking again with the findings
    cut_off: int = 0  # requests ended because the time was up


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everything that one copy is written with."""

    brief: Brief
    judge: Judge
    model: TextModel
    language: str
    wishes: Wishes
    praised: tuple[str, ...]  # what reviews praise, in words
    sheet: _Sheet
    ends_at: float  # by the clock; no model writes after it
    clock: Callable[[], float]
    is_cancelled: Callable[[], bool] = lambda: False  # nobody wants the rest


def write_copy(
    brief: Brief,
    model: TextModel,
    seed: int,
    progress: Progress | None = None,
    *,
    on_line: OnLine | None = None,
    most_seconds: float = MOST_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
    is_cancelled: Callable[[], bool] | None = None,
) -> Copy:
    """Write everything that a channel needs for a product.

    Args:
        brief: what to say, to whom, where; ``variants`` is how many texts of each repeatable field.
        model: asked in one batch a field, and again with the findings where too few drafts pass.
        seed: same brief, seed and weights: same copy, unless time ran out.
        progress: called with what is being done and how far it is, 0 to 1.
        on_line: called with each line as soon as it is sure to stay.
        most_seconds: the model's time, shared out among the fields. A request that still runs then is ended, its
            finished drafts are used, and what is missing is the composer's.
        is_cancelled: asked between tokens; once it says so, nothing more is written.

    Returns:
        A copy whose every line is within its limit and holds no unsupported or contradicted claim and nothing that a
        rule blocks. Each line says who wrote it; drafts that did not pass are kept in ``refused`` with what was wrong,
        ``notes`` say what is missing.

    Raises:
        InvalidInput: neither the model nor the composer writes the language.
        prompts.UnknownChannel, prompts.UnknownMarket: no such channel, no such market.
        models.Cancelled: ``is_cancelled`` said so.
    """
    started = clock()
    language = brief.language.split("-")[0].lower()
    check_language(brief.language, model)
    desk = _desk(brief, model, language, started + most_seconds, clock)
    desk = replace(desk, is_cancelled=is_cancelled) if is_cancelled is not None else desk
    sheet, wanted = desk.sheet, wanted_of(brief)
    for i, (name, n) in enumerate(wanted.items()):
        if desk.is_cancelled():
            raise Cancelled(model.name)
        if progress is not None:
            progress(f"{brief.channel}: {name}", i / len(wanted))
        until = _share_of_time(desk, list(wanted.items())[i:])
        kept = _by_model(desk, name, n, seed + 1_000 * i, until) if language in model.languages else []
        if len(kept) < n:
            kept = [*kept, *_by_composer(desk, name, n - len(kept), seed, kept)]
        sheet.lines.extend(kept)
        for line in kept if on_line is not None else ():
            on_line(line)  # type: ignore[misc]
    if progress is not None:
        progress(f"{brief.channel}: done", 1.0)
    counts = {"drafts": sheet.drafts, "passed": sheet.passed, "repaired": sheet.repaired, "cut_off": sheet.cut_off}
    return Copy(
        id=_copy_id(brief, model.name, seed),
        product_id=brief.product.id,
        channel=brief.channel,
        language=brief.language,
        lines=tuple(sheet.lines),
        prompts=tuple(sheet.marks.values()),
        provenance={**sheet.provenance, "requests": sheet.requests, "new_tokens": sheet.new_tokens, **counts},
        refused=tuple(sheet.refused),
        seconds=clock() - started,
        market=brief.market,
        notes=tuple(_notes(brief, wanted, sheet, phrases(desk.judge.evidence, language))),
    )


def _share_of_time(desk: _Desk, fields: Sequence[tuple[str, int]]) -> float:
    """When the model has to be done with the first of these fields, by the clock: what is left, by texts wanted."""
    weights = [0 if name in _OPTIONAL else n + 3 for name, n in fields]
    now = desk.clock()
    return now + (desk.ends_at - now) * (weights[0] / max(1, sum(weights)))


def check_language(language: str, model: TextModel) -> None:
    """Raises InvalidInput, naming what would do, if neither the model nor the composer writes a language."""
    tag = language.split("-")[0].lower()
    if tag in model.languages or tag in COMPOSED_LANGUAGES:
        return
    here = f"{model.name} writes {', '.join(model.languages)}; the composer writes {', '.join(COMPOSED_LANGUAGES)}"
    raise InvalidInput(
        "language",
        f"{language!r} cannot be written here: {here}. A multilingual model would do: ADLOOM_TEXT_BACKEND="
        "openai-compatible with ADLOOM_TEXT_URL (de, en, es, fr, ja, zh), or ADLOOM_TEXT_MODEL with a hub id "
        f"such as Qwen/Qwen2.5-1.5B-Instruct and ADLOOM_TEXT_LANGUAGES={tag}",
    )


def _desk(brief: Brief, model: TextModel, language: str, ends_at: float, clock: Callable[[], float]) -> _Desk:
    judge = Judge(brief)
    found = angles(brief.product, language, 5) if brief.product.reviews else ()
    wishes = Wishes(
        voice=brief.voice,
        keywords=brief.keywords,
        words_to_use=brief.brand.words_to_use,
        words_to_avoid=brief.brand.words_to_avoid,
        offers=tuple(o for o in brief.offers if brief.day is None or o.runs_on(brief.day)),
        audience=brief.audience,
        praised=tuple(key.partition(":")[0] for angle in found for key in angle.facts),
        quotes=tuple(quote.text for angle in found for quote in angle.quotes),
    )
    praised = tuple(f"{angle.theme} ({angle.count} of {angle.of})" for angle in found)
    return _Desk(brief, judge, model, language, wishes, praised, _Sheet(), ends_at, clock)


def _copy_id(brief: Brief, model: str, seed: int) -> str:
    said = json.dumps([repr(brief.product), repr(brief), model, seed], ensure_ascii=False)
    return f"copy-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def wanted_of(brief: Brief) -> dict[str, int]:
    """Field -> how many texts: the channel's own numbers, the brief's variants where it leaves them open."""
    return wanted_counts(brief.channel, brief.variants, brief.language)


def wanted_counts(channel: str, variants: int, language: str = "en") -> dict[str, int]:
    """The same for a channel, a number of variants and a language. Raises prompts.UnknownChannel."""
    wanted: dict[str, int] = {}
    is_latin = language.split("-")[0].lower() not in ("zh", "ja")
    for name, spec in prompts.channel(channel).text.items():
        if name in _UNWRITTEN or ((spec.count == "gsm7_septets") != is_latin and name.startswith("body_")):
            continue
        if name in _OPTIONAL:
            wanted[name] = spec.max_items or 1
            continue
        n = min(variants, spec.max_items) if spec.max_items else min(variants, ALTERNATIVES)
        wanted[name] = max(n, spec.min_items, 1)
    wanted.setdefault(BUTTON, min(max(variants, 1), ALTERNATIVES))
    return wanted


def _notes(brief: Brief, wanted: Mapping[str, int], sheet: _Sheet, found: Sequence[Phrase]) -> list[Finding]:
    """What is missing from the whole, and which facts would help."""
    notes: list[Finding] = []
    spec = prompts.channel(brief.channel).text
    for name, n in wanted.items():
        n_here = sum(line.field == name for line in sheet.lines)
        least = spec[name].min_items if name in spec else 1
        if n_here < n and name not in _OPTIONAL:
            message = f"{n_here} of {n} texts" + (f"; the channel needs {least}" if n_here < least else "")
            notes.append(Finding(f"copy.{name}.few", message, "block" if n_here < least else "note", name))
    n_facts = len({p.key for p in found})
    if n_facts < 4:
        keys = " ".join(fact.key.lower() for fact in brief.product.facts)
        missing = [name for name, pattern in _HELPFUL_FACTS.items() if not re.search(pattern, keys)]
        n_bare = sum(not any(c.evidence and not c.evidence.startswith(("title", "brand")) for c in line.ledger.claims) for line in sheet.lines)  # fmt: skip  # noqa: E501
        message = (
            f"{n_facts} usable facts, so {n_bare} of {len(sheet.lines)} lines say nothing of the product but its name; "
            f"these facts would help: {', '.join(missing[:5])}"
        )
        notes.append(Finding("copy.few_facts", message, "note"))
    missed = [k for k in brief.keywords if not any(k in line.keywords for line in sheet.lines)]
    if missed:
        message = f"no line holds {', '.join(repr(k) for k in missed)}: no fact, title or category carries it"
        notes.append(Finding("copy.keywords_missed", message, "note"))
    return notes


# --- the composer --------------------------------------------------------------------------------------------------


def _by_composer(desk: _Desk, name: str, n: int, seed: int, kept: Sequence[CopyLine]) -> list[CopyLine]:
    said = {line.text.casefold() for line in desk.sheet.lines}  # in other fields

    def judged(text: str) -> CopyLine | None:
        if text.casefold() in said:
            return None
        line = desk.judge.line(name, text, origin="composer")
        return line if desk.judge.passes(line) else None

    wishes = desk.wishes if name in _TELLING else replace(desk.wishes, quotes=())
    return list(
        compose(
            desk.judge.evidence,
            name,
            n,
            fits=lambda text: desk.judge.fits(name, text),
            language=desk.language,
            seed=seed,
            taken=[line.text for line in kept],
            wishes=wishes,
            judge=judged,
        )
    )


# --- the model -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Draft:
    line: CopyLine
    score: float
    is_repair: bool = False


def _by_model(desk: _Desk, name: str, n: int, seed: int, until: float) -> list[CopyLine]:
    """Up to ``n`` of the model's drafts that pass, the best first; asked again while too few do and time is left."""
    passed: list[_Draft] = []
    refused: list[CopyLine] = []
    chosen: list[_Draft] = []
    for turn in range(ROUNDS if name != BUTTON else 1):
        if desk.clock() >= until:
            break
        findings = refused[-8:]
        wanted = _angles(desk, name, n - len(chosen), turn)
        asked = [_render(desk, name, n - len(chosen), turn, findings, angle) for angle in wanted]
        rendered = [prompt for prompt in asked if prompt is not None]
        if not rendered:
            break
        requests = [
            _request(desk, prompt, n - len(chosen), seed + 500 * turn + i, findings, share=len(rendered))
            for i, prompt in enumerate(rendered)
        ]
        for prompt, drafts in zip(rendered, _ask(desk, requests, until), strict=True):
            mark = PromptMark(prompt.ref.task, prompt.ref.version, prompt.ref.digest)
            desk.sheet.marks[prompt.ref.task] = mark
            new = _judged(desk, name, drafts, [d.line.text for d in passed], mark, refused)
            passed += [replace(draft, is_repair=bool(findings)) for draft in new]
        before, chosen = len(chosen), _choose(passed, n, desk.brief)
        if len(chosen) >= n or (turn and len(chosen) == before):
            break
    desk.sheet.refused.extend(refused)
    desk.sheet.repaired += sum(d.is_repair for d in chosen)
    return [draft.line for draft in chosen]


def _angles(desk: _Desk, name: str, n: int, turn: int) -> list[str | None]:
    """What each request of a turn is to be about: our copywriter is asked for a fact or two at a time, others for all.

    The facts that sell best come first; the next turn asks for the next ones. One request leaves the choice to it.
    """
    if name == BUTTON or getattr(desk.model, "own_task", None) is None:
        return [None]
    product = desk.judge.evidence
    values = {f.key: inert(f"{f.key}: {f.value} {f.unit or ''}", 300) for f in product.facts}
    facts = [values[key] for key in dict.fromkeys(p.key for p in phrases(product, desk.language)) if key in values]
    if not facts:
        return ["any"]
    k = min(len(facts), MOST_ANGLES, max(2, n // 2))
    turned = [facts[(turn * k + i) % len(facts)] for i in range(len(facts))]
    if prompts.channel(desk.brief.channel).field(name).write_to > 60:  # room for two
        return [*(f"{turned[i]}; {turned[(i + 1) % len(turned)]}" for i in range(k)), "any"]
    return [*turned[:k], "any"]


def needs_shapes(model: TextModel) -> bool:
    """Whether a model is held to the prompt files made for small ones. Able models get the whole brief instead."""
    said = getattr(model, "is_small", None)
    return bool(said) if said is not None else model.name == "fake" or model.name.startswith("local:smollm2")


def _request(
    desk: _Desk, rendered: prompts.RenderedPrompt, n: int, seed: int, findings: Sequence[CopyLine], share: int = 1
) -> TextRequest:
    """One of ``share`` requests that together ask for enough drafts of ``n`` lines."""
    is_small = needs_shapes(desk.model)
    notes = _notes_for_small(findings) if is_small and findings and "findings" not in rendered.system else ""
    return TextRequest(
        system=rendered.system,
        user=f"{notes}\n{rendered.user}" if notes else rendered.user,
        n=max(2, -(-min(MOST_DRAFTS, max(6, 2 * n)) // share)) if is_small else (2 if n > 4 else 1),
        max_new_tokens=rendered.sampling.max_new_tokens,
        temperature=rendered.sampling.temperature,
        top_p=rendered.sampling.top_p,
        seed=seed,
        json_schema=rendered.output if is_small else rendered.free_output,
    )


def _ask(desk: _Desk, requests: Sequence[TextRequest], until: float) -> list[Sequence[TextDraft]]:
    """The drafts of each request, in order; several requests are written side by side."""
    if len(requests) == 1:
        return [_drafts(desk, requests[0], until)]
    with ThreadPoolExecutor(len(requests), "adloom-copy") as pool:
        return list(pool.map(lambda request: _drafts(desk, request, until), requests))


def _drafts(desk: _Desk, request: TextRequest, until: float) -> Sequence[TextDraft]:
    """All drafts of a request, or those that were finished when the time was up.

    Raises:
        models.Cancelled: nobody wants the copy any more.
    """
    heard: dict[int, TextDraft] = {}
    watch = Watch(on_draft=heard.__setitem__, is_cancelled=lambda: desk.is_cancelled() or desk.clock() >= until)
    sheet = desk.sheet
    sheet.requests += 1
    try:
        reply = desk.model.write(request, watch)
    except Cancelled:
        if desk.is_cancelled():
            raise
        sheet.cut_off += 1
        return [heard[number] for number in sorted(heard)]
    sheet.new_tokens += reply.new_tokens
    if not sheet.provenance:
        said = {k: v for k, v in asdict(reply.provenance).items() if k != "settings"}
        sheet.provenance = {**said, "settings": dict(reply.provenance.settings)}
    return reply.drafts


def _render(
    desk: _Desk, name: str, n: int, turn: int, findings: Sequence[CopyLine], angle: str | None = None
) -> prompts.RenderedPrompt | None:
    """The field's prompt with the product laid in; None where no prompt asks for it or no shape fits the limit."""
    if name in _OPTIONAL:
        return None
    is_small = needs_shapes(desk.model)
    task = small_task(desk.brief.channel, name) if is_small or name == BUTTON else ABLE_TASK
    if task is None:
        return None
    own = getattr(desk.model, "own_task", None) if name != BUTTON else None  # trained on a prompt of its own
    try:
        prompt = prompts.load(own or task)
    except (prompts.UnknownTask, prompts.UnknownPrompt):
        return None
    inputs = _button_inputs(desk) if name == BUTTON else _inputs(desk, name, task, n, turn, findings)
    if is_small and name != BUTTON and not inputs["facts" if own else "phrases"]:
        return None
    if angle is not None:
        inputs["angle"] = angle
    try:
        return prompt.render(**{k: v for k, v in inputs.items() if k in prompt.inputs})
    except prompts.NothingFits:
        return None


def render_for(brief: Brief, name: str, model: TextModel, *, angle: str | None = None) -> prompts.RenderedPrompt | None:
    """The first prompt that ``write_copy`` would send a model for a field; None where it would send none.

    ``angle`` replaces the one that the service would ask for, where the prompt has one.
    """
    desk = _desk(brief, model, brief.language.split("-")[0].lower(), 0.0, time.perf_counter)
    return _render(desk, name, brief.variants, 0, (), angle)


def prompts_for(brief: Brief, name: str, model: TextModel, n: int) -> list[prompts.RenderedPrompt]:
    """All prompts that ``write_copy`` sends a model side by side in its first turn for ``n`` texts of a field."""
    desk = _desk(brief, model, brief.language.split("-")[0].lower(), 0.0, time.perf_counter)
    asked = [_render(desk, name, n, 0, (), angle) for angle in _angles(desk, name, n, 0)]
    return [prompt for prompt in asked if prompt is not None]


def small_task(channel: str, name: str) -> str | None:
    """The prompt made for a small model that suits a field; None: too long for one, or no text of ours."""
    if name == BUTTON:
        return BUTTON
    longest = prompts.channel(channel).field(name).write_to
    if name == "subject":
        return "email_subject"
    if name == "preheader":
        return "email_preheader"
    if name.endswith("_name") or longest > SMALL_LONGEST:
        return None
    if name == "title" and longest > 70:
        return None
    if longest <= 45 or name in ("headline", "title", "short_title"):
        return "headline"
    is_post = name in ("primary_text", "ad_text", "post", "intro", "caption") or "body" in name
    return "primary_text" if is_post or longest > 130 else "description"


def _button_inputs(desk: _Desk) -> dict[str, object]:
    product = desk.judge.evidence
    choices = [b for b in buttons(product, desk.language) if desk.judge.passes(desk.judge.line(BUTTON, b))]
    inputs: dict[str, object] = {"product": inert(noun_of(product)), "choices": choices or ["Shop now"]}
    return {**inputs, "audience": inert(desk.brief.audience)} if desk.brief.audience else inputs


def _inputs(desk: _Desk, name: str, task: str, n: int, turn: int, findings: Sequence[CopyLine]) -> dict[str, object]:
    """What any prompt may take of a brief; every text of a customer is made inert."""
    brief, product = desk.brief, desk.judge.evidence
    spec = prompts.channel(brief.channel).field(name)
    nouns = [noun_of(product), *(k for k in brief.keywords if _names_it(k, desk))]
    return {
        "field": name.replace("_", " "),
        "kind": "post" if task == "primary_text" else task.replace("_", " "),
        "channel": prompts.channel(brief.channel).name,
        "language": brief.language,
        "market": brief.market,
        "n": min(20, n + 3),
        "product": inert(nouns[turn % len(nouns)] if needs_shapes(desk.model) else product.title, 120),
        "brand": inert(brief.brand.name if product.brand and len(brief.brand.name) <= 40 else ""),
        "facts": [inert(f"{f.key}: {f.value} {f.unit or ''}", 300) for f in product.facts[:40] if f.key != "offer"],
        "phrases": _noun_phrases(desk, turn=sorted(_SMALL_TASKS).index(task) + turn if task in _SMALL_TASKS else 0),
        "audience": inert(brief.audience or ""),
        "persona": inert(brief.persona or ""),
        "moment": moments_of(product, desk.language),
        "voice": inert(describe(brief.voice)),
        "examples": [inert(line) for line in brief.examples],
        "words": [inert(word) for word in brief.brand.words_to_use],
        "keywords": [inert(word) for word in brief.keywords],
        "avoid": [inert(word) for word in brief.brand.words_to_avoid],
        "offers": [inert(offer.text) for offer in desk.wishes.offers],
        "angles": [inert(angle) for angle in desk.praised],
        "findings": _finding_lines(findings),
        "max_chars": spec.write_to,
        "min_chars": max(1, spec.min),
        "counting": spec.count.value.replace("_", " "),
    }


_SMALL_TASKS = ("call_to_action", "description", "email_preheader", "email_subject", "headline", "primary_text")


def _names_it(keyword: str, desk: _Desk) -> bool:
    """Whether a keyword is a true name of the product: "LED desk lamp" of a desk lamp whose facts say LED."""
    line = desk.judge.line(BUTTON, keyword)
    return (
        line.ledger.is_clean and len(keyword.split()) <= 3 and holds(keyword, noun_of(desk.judge.evidence).split()[-1])
    )


def _noun_phrases(desk: _Desk, turn: int = 0) -> list[str]:
    """Phrases that read well after "with" and before "for": the three best, and others that change with ``turn``."""
    found = phrases(desk.judge.evidence, desk.language)
    avoided = [pattern_of(word) for word in desk.brief.brand.words_to_avoid if word.strip()]
    named = [
        (p, text)
        for p in sorted(found, key=lambda p: p.rank - 2 * (p.key in desk.wishes.praised))
        if p.rank < 8 and (text := _as_noun(p)) and not any(a.search(text) for a in avoided)
    ]
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
    return [inert(text) for text in [*best, *others[start:], *others[:start]][:MOST_PHRASES]]


def _as_noun(phrase: Phrase) -> str | None:
    if phrase.noun is not None:
        return re.sub(r"^(?:an?|the)\s+|^room for\s+", "", phrase.noun)
    if re.match(r"\d", phrase.tag):
        return phrase.tag
    if phrase.before is not None and phrase.clause is not None and phrase.clause.startswith(("is made of", "are made")):
        return phrase.before
    return None


# --- repair ----------------------------------------------------------------------------------------------------------


def _finding_lines(refused: Sequence[CopyLine]) -> list[str]:
    """Refused drafts with what was wrong, for a model that can use it."""
    if not refused:
        return []
    said = dict.fromkeys(f"⟦{inert(line.text, 200)}⟧ was refused: {inert(reasons(line), 300)}" for line in refused)
    return ["Write again, without these faults:", *said]


def _notes_for_small(refused: Sequence[CopyLine]) -> str:
    """The same in few words: claims no fact carries, texts too long."""
    wrong = [
        c.text
        for line in refused
        for c in line.ledger.claims
        if c.verdict in (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)
    ]
    notes = []
    if wrong:
        said = "; ".join(dict.fromkeys(inert(w) for w in wrong[:6]))
        notes.append(f"Not true of this product, do not say: {said}.")
    if any(f.id.endswith("too_long") for line in refused for f in line.findings):
        notes.append("Write shorter.")
    return "\n".join(notes)


# --- judging drafts --------------------------------------------------------------------------------------------------


def _judged(
    desk: _Desk, name: str, drafts: Sequence[TextDraft], taken: Sequence[str], mark: PromptMark, refused: list[CopyLine]
) -> list[_Draft]:
    """Drafts that pass, with their scores; those that do not are put with the refused."""
    passed: list[_Draft] = []
    is_wild = name != BUTTON and desk.language == "en" and getattr(desk.model, "own_task", None) is not None
    seen = {text.casefold() for text in taken} | {line.text.casefold() for line in refused}
    for draft in drafts:
        for said in _said(draft):
            text = cleaned(said)
            if not text or text.casefold() in seen:
                continue
            seen.add(text.casefold())
            desk.sheet.drafts += 1
            line = desk.judge.line(name, text, ended=draft.ended_by_itself, prompt=mark)
            if is_wild:
                line = replace(line, findings=(*line.findings, *stray_findings(line, desk.judge.evidence, desk.brief)))
            if not desk.judge.passes(line):
                refused.append(line)
                continue
            desk.sheet.passed += 1
            passed.append(_Draft(line, _score(line, draft, desk.brief)))
    return passed


def judge(brief: Brief, name: str, text: str, *, ended: bool = True, origin: Origin = "model") -> CopyLine:
    """One text held against ledger, limits, rules and the brand's words. ``ended`` False: the length cut it off."""
    return Judge(brief).line(name, text, ended=ended, origin=origin)


def _said(draft: TextDraft) -> list[str]:
    """The texts inside a draft: the values of its JSON object, or the draft's first line."""
    text = draft.text.strip()
    if not text.startswith("{"):
        return [text.splitlines()[0]] if text else []
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return []
    values = list(value.values()) if isinstance(value, Mapping) else []
    if values and isinstance(values[0], list):
        return [text for text in values[0] if isinstance(text, str)]
    return [v for v in values if isinstance(v, str)][:1]


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


# --- ranking and variety ---------------------------------------------------------------------------------------------


def _score(line: CopyLine, draft: TextDraft, brief: Brief) -> float:
    """Drafts that end by themselves, carry facts, come easily to the model and sound as asked are better."""
    supported = {c.evidence for c in line.ledger.claims if c.verdict is Verdict.SUPPORTED}
    ease = draft.mean_log_probability if draft.mean_log_probability is not None else -3.0
    wished = sum(holds(line.text, word) for word in brief.brand.words_to_use)
    warned = sum(f.severity == "warn" for f in line.findings)
    return (
        1.0 * draft.ended_by_itself
        + 0.6 * min(len(supported), 3)
        + 0.15 * max(ease, -6.0)
        + 1.0 * agreement(line.text, brief.voice)
        + 0.8 * min(wished, 2)
        - 0.5 * warned
    )


def _choose(drafts: Sequence[_Draft], n: int, brief: Brief) -> list[_Draft]:
    """The best ``n``: no two alike, each fact in turn, every keyword once, at most a quarter without facts."""
    chosen: list[_Draft] = []
    told: dict[str, int] = {}
    begun: dict[str, int] = {}
    found: set[str] = set()
    waiting = list(drafts)

    def worth(draft: _Draft) -> float:
        new = sum(k not in found for k in draft.line.keywords)
        repeated = sum(told.get(e, 0) for e in _evidence(draft))
        return draft.score - 0.5 * repeated - 0.4 * begun.get(_opening(draft), 0) + 1.2 * min(new, 1)

    while waiting and len(chosen) < n:
        best = max(waiting, key=worth)
        waiting.remove(best)
        is_bare = not _evidence(best) and not best.line.keywords
        if is_bare and sum(not _evidence(d) for d in chosen) >= max(1, n // 4):
            continue
        if begun.get(_opening(best), 0) >= max(2, n // 5):
            continue
        if is_near_duplicate(best.line.text, (d.line.text for d in chosen)):
            continue
        chosen.append(best)
        found.update(best.line.keywords)
        begun[_opening(best)] = begun.get(_opening(best), 0) + 1
        for evidence in _evidence(best):
            told[evidence] = told.get(evidence, 0) + 1
    return chosen


def _opening(draft: _Draft) -> str:
    """The frame a line begins with: its first two words, or three Chinese characters."""
    text = draft.line.text.casefold()
    return " ".join(text.split()[:2]) if text[:1].isascii() else text[:3]


def _evidence(draft: _Draft) -> set[str]:
    return {c.evidence for c in draft.line.ledger.claims if c.evidence and not c.evidence.startswith("title")}


__all__ = ["Judge", "cleaned", "evidence_of", "judge", "wanted_of", "write_copy"]
