"""The language model on this machine: any transformers causal model; by default SmolLM2-135M-Instruct.

With an adapter, such as our own copywriter, the two are merged at loading.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from models import weights
from models.device import Device, choose_device, use_threads
from models.errors import Cancelled, MissingWeights, UnsupportedRequest
from models.types import Provenance, TextDraft, TextReply, TextRequest, Watch

from .adapters import Adapter, merge, read_adapter
from .chat import chat_ids, plain_ids
from .decoders import LlamaWeights, PlainDecoder, independent_rows
from .grammar import Constraint, GrammarShop, cut_strings
from .loading import load
from .sampling import log_probabilities, sample
from .together import Together

MAX_DRAFTS = 64
MOST_ROWS = 96  # drafts of all requests written at the same time
_UNWILLING = 0.1  # a string that ends with less than this probability was ended by its length limit, not by the model


@dataclass(slots=True)
class _Draft:
    """A draft while it is being written."""

    tokens: list[int] = field(default_factory=list)
    log_probability: float = 0.0  # sum over tokens, nats, as the model had it before the schema spoke
    is_done: bool = False
    ended_by_itself: bool = False
    was_forced_shut: bool = False  # the schema closed a string that the model wanted to go on with


class _Writing:
    """A request while it is being written: chance, schema, and which rows of the scores are which drafts."""

    def __init__(
        self,
        model: LocalText,
        request: TextRequest,
        watch: Watch,
        prompt: list[int],
        opening: list[int],
        constraint: Constraint | None,
    ) -> None:
        self.prompt, self.opening = prompt, opening
        self.n, self.max_new_tokens = request.n, request.max_new_tokens
        self.drafts = [_Draft() for _ in range(request.n)]
        self._model, self._request, self._watch, self._constraint = model, request, watch, constraint
        self._rng = torch.Generator().manual_seed(request.seed)
        self._rows = list(range(request.n))  # which draft each row of the scores is

    def advance(self, scores: Tensor) -> tuple[Tensor, list[int] | None] | None:
        """The next token of every draft that goes on; finished drafts stop costing. See ``together.Work``."""
        if self._watch.is_cancelled():
            raise Cancelled(self._model.name)
        request, constraint = self._request, self._constraint
        chance = torch.rand(self.n, generator=self._rng, dtype=torch.float64)[self._rows].to(scores.device)
        allowed = scores if constraint is None else constraint.forbid(scores, self._rows)
        tokens = sample(allowed, request.temperature, request.top_p, chance)
        told = log_probabilities(scores, tokens).tolist()
        for number, token, log_probability in zip(self._rows, tokens.tolist(), told, strict=True):
            draft = self.drafts[number]
            self._model._say(draft, number, token, log_probability, constraint, request.stop)
            if draft.is_done:
                self._watch.on_draft(number, self._model._finished(draft, self.opening, request))
        going = [row for row, number in enumerate(self._rows) if not self.drafts[number].is_done]
        if not going:
            return None
        if len(going) == len(self._rows):
            return tokens, None
        self._rows = [self._rows[row] for row in going]
        return tokens[going], going


class LocalText:
    """Writes with a model on this machine. Thread-safe.

    The prompt is read once for all drafts of a request, and on a CPU that computes rows independently of each other
    requests that come at the same time are written side by side; otherwise one after the other. Chance comes from the
    request's seed alone, so the same request gives the same reply on the same machine, whatever else is being written,
    and torch's global seed is left alone.
    """

    def __init__(
        self,
        model: str = "smollm2",
        *,
        adapter: str | None = None,
        languages: Sequence[str] = ("en",),
        device: str | None = None,
        precision: str | None = None,
        threads: int | None = None,
        plain: bool = False,
        device_map: str | None = None,
    ) -> None:
        """Load the weights, about a second for the default.

        Args:
            model: a weight row, a hub id that was added, a folder with safetensors and a tokenizer, or a GGUF file.
            adapter: a weight row or a folder in peft's format, laid over the model; None for the model as it is.
            languages: BCP 47 primary tags that this model writes acceptably; see its card.
            device, precision: see ``models.device.choose_device``.
            threads: torch's threads in this process; None leaves them as they are.
            plain: use transformers' own forward pass even where ours is faster (to compare).
            device_map: for accelerate: "auto" spreads a model that no single device holds; None uses ``device`` alone.

        Raises:
            MissingWeights, UnknownWeights: the model or the adapter is not on this machine.
            UnusableWeights: another kind of model, a damaged file, or more than memory is free.
            UnsupportedRequest: the adapter does not fit the model.
        """
        if threads is not None:
            use_threads(threads)
        laid = _adapter(adapter)
        self._model_name = model if laid is None else f"{model}+{adapter}"
        self.name = f"local:{self._model_name}"
        self.own_task = laid.own_task if laid is not None else None  # the prompt that it was trained on
        self.languages = tuple(languages)
        self.device: Device = choose_device(device, precision)
        loaded = load(model, self.device, device_map)
        self._model, self._tokenizer, self._revision = loaded.network, loaded.tokenizer, loaded.revision
        if laid is not None:
            merge(self._model, laid)
            self._revision = f"{self._revision}+{weights.sha256_of(laid.folder / 'adapter_model.safetensors')}"
        is_ours = self.device.is_cpu and device_map is None and not plain
        self._llama = LlamaWeights.of(self._model) if is_ours and LlamaWeights.understands(self._model.config) else None
        self._vocabulary = int(self._model.config.vocab_size)
        self._ends = _end_tokens(self._model, self._tokenizer)
        self._grammars: GrammarShop | None = None
        self._lock = Lock()  # for the grammars, and where requests are written one after the other
        least = independent_rows(self._llama) if self._llama is not None else None
        alone = self._llama is not None and least is None
        self._together = (
            Together(self._llama, least or 1, 1 if alone else MOST_ROWS) if self._llama is not None else None
        )

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        """Write ``request.n`` drafts.

        Raises:
            UnsupportedRequest: n out of range, a prompt too long for the model, or a JSON schema that it cannot follow.
            Cancelled: the watch said so.
        """
        if not 1 <= request.n <= MAX_DRAFTS:
            raise UnsupportedRequest(self.name, f"n is {request.n}; it writes 1 to {MAX_DRAFTS} drafts at once")
        if request.max_new_tokens < 1:
            raise UnsupportedRequest(self.name, f"max_new_tokens is {request.max_new_tokens}; at least 1")
        started = time.perf_counter()
        with self._lock:  # tokenizer and grammars are not safe to share
            prompt = chat_ids(self._tokenizer, request.system, request.user)
            longest = int(self._model.config.max_position_embeddings)
            if len(prompt) + request.max_new_tokens > longest:
                reason = f"{len(prompt)} prompt tokens and {request.max_new_tokens} new ones exceed its {longest}"
                raise UnsupportedRequest(self.name, reason)
            writing = self._opened(prompt, request, watch or Watch())
        if self._together is not None:
            self._together.write(writing)
        else:
            with self._lock:
                self._write_alone(writing)
        return TextReply(
            drafts=tuple(self._finished(draft, writing.opening, request) for draft in writing.drafts),
            provenance=self._provenance(request),
            prompt_tokens=len(prompt),
            new_tokens=sum(len(draft.tokens) for draft in writing.drafts),
            seconds=time.perf_counter() - started,
        )

    def _opened(self, prompt: list[int], request: TextRequest, watch: Watch) -> _Writing:
        constraint = self._constraint(request)
        opening: list[int] = []
        if constraint is not None:
            text = constraint.opening()
            opening = plain_ids(self._tokenizer, text) if text else []
            if text:
                constraint.begin(text)
        return _Writing(self, request, watch, [*prompt, *opening], opening, constraint)

    def _write_alone(self, writing: _Writing) -> None:
        """One request on transformers' own forward pass."""
        decoder = PlainDecoder(self._model)
        scores = decoder.read(writing.prompt)
        decoder.spread(writing.n)
        scores = scores.expand(writing.n, -1)
        for left in range(writing.max_new_tokens, 0, -1):
            said = writing.advance(scores)
            if said is None or left == 1:
                return
            tokens, going = said
            if going is not None:
                decoder.keep(going)
            scores = decoder.step(tokens)

    def _say(
        self,
        draft: _Draft,
        number: int,
        token: int,
        log_probability: float,
        constraint: Constraint | None,
        stop: tuple[str, ...],
    ) -> None:
        if token in self._ends:
            draft.is_done = draft.ended_by_itself = True
            return
        draft.tokens.append(token)
        draft.log_probability += log_probability
        if constraint is not None:
            constraint.accept(number, token)
            if log_probability < _LOG_UNWILLING and self._closes_a_string(token):
                draft.was_forced_shut = True
            if constraint.is_complete(number):
                draft.is_done = draft.ended_by_itself = True
        elif stop and any(s in self._text(draft.tokens) for s in stop):
            draft.is_done = draft.ended_by_itself = True

    def _finished(self, draft: _Draft, opening: list[int], request: TextRequest) -> TextDraft:
        text = self._text([*opening, *draft.tokens])
        cuts = [text.index(s) for s in request.stop if s in text] if request.json_schema is None else []
        ended = draft.ended_by_itself
        if request.json_schema is not None and draft.was_forced_shut and cut_strings(text, request.json_schema):
            ended = False
        return TextDraft(
            text=text[: min(cuts)] if cuts else text,
            ended_by_itself=ended,
            mean_log_probability=draft.log_probability / len(draft.tokens) if draft.tokens else None,
        )

    def _constraint(self, request: TextRequest) -> Constraint | None:
        if request.json_schema is None:
            return None
        if self._grammars is None:
            self._grammars = GrammarShop(self._tokenizer, self._vocabulary, self.name)
        return self._grammars.constraint(request.json_schema, request.n)

    def _closes_a_string(self, token: int) -> bool:
        return self._text([token]).lstrip().startswith('"')

    def _text(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text

    def _provenance(self, request: TextRequest) -> Provenance:
        settings: Mapping[str, Any] = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_new_tokens": request.max_new_tokens,
            "n": request.n,
        }
        return Provenance(
            backend="local",
            model=self._model_name,
            revision=self._revision,
            seed=request.seed,
            precision=self.device.precision.value,
            settings=settings,
        )


_LOG_UNWILLING = float(torch.log(torch.tensor(_UNWILLING)))


def _adapter(name: str | None) -> Adapter | None:
    """The adapter by row or folder. Raises MissingWeights, UnknownWeights."""
    if name is None:
        return None
    given = Path(name).expanduser()
    if given.is_dir():
        if not (given / "adapter_model.safetensors").is_file():
            raise MissingWeights(name)
        return read_adapter(given)
    return read_adapter(weights.path(name))


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a reply: what the generation settings and the tokenizer say."""
    said = json.loads(json.dumps(model.generation_config.eos_token_id))
    listed = said if isinstance(said, list) else [said]
    return frozenset(int(token) for token in [*listed, tokenizer.eos_token_id] if token is not None)
