"""How often a model's drafts may leave as they are: the share that ledger, limits and rules pass, before any repair.

Drafts are asked for with the service's own prompts and judged by the service's own judge. What the composer adds, what
ranking drops and what a second round repairs is left out: this measures the writer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from models.types import TextModel, TextRequest
from service.domain import CopyLine, Product

from .generate import _said, cleaned, prompts_for
from .grounding import stray_findings
from .judging import Judge
from .training_set import MAIN, OWN_TASK, Asked, brief_of
from .variety import is_near_duplicate

Progress = Callable[[str, float], None]
SIDE_BY_SIDE = 3  # products asked about at the same time: every weight is read once for all their drafts
DRAFTS: Mapping[str, int] = {
    "headline": 12, "description": 4, "primary_text": 4, "email_subject": 4, "email_preheader": 4,
}  # fmt: skip  # of a product, by kind: as headlines are most of what a search ad needs


@dataclass(frozen=True, slots=True)
class JudgedDraft:
    """One draft with its verdicts."""

    product: str
    kind: str
    text: str
    line: CopyLine | None  # None: the answer held no text
    is_true: bool  # the ledger: every claim carried by a fact
    fits: bool  # the channel's limit, and it ends by itself
    passes: bool  # both, and the rules: what the service would keep
    is_new: bool  # not nearly the same as an earlier passing draft of the product and kind
    is_plain: bool = False  # passes, and holds no word out of nowhere: what the service keeps of a small model's lines


@dataclass(slots=True)
class PassRate:
    """All drafts of one model."""

    model: str
    drafts: list[JudgedDraft] = field(default_factory=list)
    new_tokens: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0  # processor time of this process while the model wrote

    def interval(self, what: str = "passes") -> tuple[float, float]:
        """95 % interval of a share, by Wilson's score.

        >>> low, high = PassRate("m").interval()
        >>> (low, high)
        (0.0, 1.0)
        """
        n, z = len(self.drafts), 1.96
        if n == 0:
            return 0.0, 1.0
        p = self.share(what)
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    def share(self, what: str, kinds: Sequence[str] = tuple(MAIN)) -> float:
        """Share of drafts for which ``is_true``, ``fits`` or ``passes`` holds, 0 to 1; 0 without drafts."""
        of = [d for d in self.drafts if d.kind in kinds]
        return sum(bool(getattr(d, what)) for d in of) / max(1, len(of))

    def distinct(self) -> float:
        """Share of passing drafts that say something of their own, 0 to 1."""
        passing = [d for d in self.drafts if d.passes]
        return sum(d.is_new for d in passing) / max(1, len(passing))


def measure(
    model: TextModel,
    products: Iterable[Product],
    *,
    own_prompt: bool,
    shapes: bool,
    seed: int = 1,
    drafts: Mapping[str, int] = DRAFTS,
    progress: Progress | None = None,
) -> PassRate:
    """Ask a model for drafts of every kind for every product, and judge each.

    Args:
        model: any text model.
        own_prompt: the copywriter's prompt; else the prompts of small models.
        shapes: hold it to the sentence shapes, where the prompt has some.
        seed: of the first request; each request has its own.
        drafts: how many of each kind.
    """
    asking = Asked(model.name, tuple(model.languages), OWN_TASK if own_prompt else None)
    found = PassRate(model.name)
    every = list(products)
    for start in range(0, len(every), SIDE_BY_SIDE):
        part = every[start : start + SIDE_BY_SIDE]
        if progress is not None:
            progress(", ".join(product.id for product in part), start / len(every))
        sheets = [
            sheet
            for i, product in enumerate(part, start)
            for j, (kind, n) in enumerate(drafts.items())
            if (sheet := _sheet(product, kind, n, asking, shapes, seed + 1_000 * i + 100 * j)) is not None
        ]
        requests = [request for sheet in sheets for request in sheet.requests]
        started, cpu_started = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(max(1, len(requests))) as pool:  # side by side, as the service asks
            replies = iter(list(pool.map(model.write, requests)))
        found.seconds += time.perf_counter() - started
        found.cpu_s += time.process_time() - cpu_started
        for sheet in sheets:
            passed: list[str] = []
            for reply in (next(replies) for _ in sheet.requests):
                found.new_tokens += reply.new_tokens
                for draft in reply.drafts:
                    said = _said(draft)
                    text = cleaned(said[0]) if said else ""
                    verdict = _judged(sheet, text, draft.ended_by_itself, passed)
                    if verdict.passes:
                        passed.append(verdict.text)
                    found.drafts.append(verdict)
    return found


def judge_saved(
    name: str, rows: Iterable[Mapping[str, str]], products: Mapping[str, Product], kinds: Sequence[str] = tuple(MAIN)
) -> PassRate:
    """The same figures for drafts that were written elsewhere: rows of ``product`` (an id), ``task``, ``text``."""
    found = PassRate(name)
    passed: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        product, kind = products.get(row["product"]), row["task"]
        if product is None or kind not in kinds:
            continue
        channel, field_name = MAIN[kind]
        sheet = _Sheet(product, kind, field_name, Judge(brief_of(product, channel)), ())
        before = passed.setdefault((product.id, kind), [])
        verdict = _judged(sheet, cleaned(row["text"]), True, before)
        if verdict.passes:
            before.append(verdict.text)
        found.drafts.append(verdict)
    return found


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What is asked about one product for one kind of line, and who judges it."""

    product: Product
    kind: str
    field: str
    judge: Judge
    requests: tuple[TextRequest, ...]


def _sheet(product: Product, kind: str, n: int, asking: Asked, shapes: bool, seed: int) -> _Sheet | None:
    """``n`` drafts spread over the prompts that the service would send; None where it would send none."""
    channel, name = MAIN[kind]
    brief = brief_of(product, channel)
    rendered = prompts_for(brief, name, asking, n)
    requests = tuple(
        TextRequest(
            system=prompt.system,
            user=prompt.user,
            n=n // len(rendered) + (k < n % len(rendered)),
            max_new_tokens=prompt.sampling.max_new_tokens,
            temperature=prompt.sampling.temperature,
            top_p=prompt.sampling.top_p,
            seed=seed + k,
            json_schema=prompt.output if shapes else prompt.free_output,
        )
        for k, prompt in enumerate(rendered[:n])
    )
    return _Sheet(product, kind, name, Judge(brief), requests) if requests else None


def _judged(sheet: _Sheet, text: str, ended: bool, passed: Sequence[str]) -> JudgedDraft:
    product, kind, judge, name = sheet.product, sheet.kind, sheet.judge, sheet.field
    if not text:
        return JudgedDraft(product.id, kind, "", None, False, False, False, False)
    line = judge.line(name, text, ended=ended)
    passes = judge.passes(line)
    return JudgedDraft(
        product=product.id,
        kind=kind,
        text=text,
        line=line,
        is_true=line.ledger.is_clean,
        fits=judge.fits(name, text) and ended,
        passes=passes,
        is_new=passes and not is_near_duplicate(text, passed),
        is_plain=passes and not any(stray_findings(line, judge.evidence, judge.brief)),
    )
