"""Keeps drafts inside a JSON schema while they are written, token by token, with xgrammar."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import torch
import xgrammar
from torch import Tensor

from models.errors import UnsupportedRequest

_SCHEMAS_KEPT = 64  # compiled schemas; each is a few hundred kB


class GrammarShop:
    """Compiles JSON schemas for one tokenizer and remembers them. Safe to use from several threads."""

    def __init__(self, tokenizer: Any, vocabulary: int, backend: str) -> None:
        """``vocabulary`` is the width of the model's scores, which may exceed the tokenizer's."""
        info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=vocabulary)
        self._controls = _control_tokens(info.decoded_vocab)
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        self._compiled: dict[str, Any] = {}
        self._lock = Lock()
        self._vocabulary = vocabulary
        self._backend = backend

    def constraint(self, schema: Mapping[str, Any], n: int) -> Constraint:
        """A fresh constraint for ``n`` drafts. Raises UnsupportedRequest when the schema cannot be compiled."""
        key = json.dumps(schema)  # order of properties is the order they are written in
        with self._lock:
            compiled = self._compiled.pop(key, None) or self._compile(key)
            self._compiled[key] = compiled  # newest last
            if len(self._compiled) > _SCHEMAS_KEPT:
                self._compiled.pop(next(iter(self._compiled)))
        return Constraint(compiled, n, self._vocabulary, self._controls)

    def _compile(self, schema: str) -> Any:
        try:
            return self._compiler.compile_json_schema(schema, any_whitespace=False)
        except (RuntimeError, ValueError) as error:
            raise UnsupportedRequest(self._backend, f"JSON schema not understood: {error}") from error


class Constraint:
    """What each of n drafts may say next."""

    def __init__(self, compiled: Any, n: int, vocabulary: int, never: Tensor) -> None:
        """``never``: (k,) int64, tokens that no draft may use."""
        self._never = never
        self._matchers = [xgrammar.GrammarMatcher(compiled) for _ in range(n)]
        self._mask = xgrammar.allocate_token_bitmask(n, vocabulary)

    def opening(self) -> str:
        """What every draft must begin with, such as ``{"headline": "``; it can be read in with the prompt."""
        opening: str = self._matchers[0].find_jump_forward_string()
        return opening

    def begin(self, opening: str) -> None:
        """Take the opening as written by every draft."""
        for matcher in self._matchers:
            if not matcher.accept_string(opening):
                raise ValueError(f"the schema does not begin with {opening!r}")

    def forbid(self, scores: Tensor, drafts: Sequence[int]) -> Tensor:
        """(rows, vocabulary) float32 scores with -inf where a row's draft must not go; row i is ``drafts[i]``."""
        mask = self._mask[: len(drafts)]
        for row, draft in enumerate(drafts):
            self._matchers[draft].fill_next_token_bitmask(mask, row)
        allowed = scores.clone()
        xgrammar.apply_token_bitmask_inplace(allowed, mask.to(allowed.device))
        return allowed.index_fill_(-1, self._never.to(allowed.device), -torch.inf)

    def accept(self, draft: int, token: int) -> None:
        """The draft has said ``token``."""
        if not self._matchers[draft].accept_token(token):
            raise RuntimeError(f"token {token} was sampled against the grammar")

    def is_complete(self, draft: int) -> bool:
        """Whether the draft may stop here. With an object or a list nothing can follow."""
        complete: bool = self._matchers[draft].is_completed()
        return complete


def cut_strings(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether some string of a JSON text is as long as its schema lets it be: it may have been cut off."""
    try:
        value = json.loads(text)
    except ValueError:
        return True
    return _touches_limit(value, schema)


def _touches_limit(value: Any, schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    if isinstance(value, str):
        return "maxLength" in schema and len(value) >= int(schema["maxLength"])
    if isinstance(value, list):
        return any(_touches_limit(item, schema.get("items")) for item in value)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return any(_touches_limit(item, properties.get(key)) for key, item in value.items())
    return False


def _control_tokens(vocabulary: Sequence[bytes]) -> Tensor:
    """Tokens that hold a control character: xgrammar 0.2.8 lets them into strings, where JSON forbids them bare."""
    return torch.tensor([i for i, token in enumerate(vocabulary) if any(b < 0x20 for b in token)], dtype=torch.int64)
