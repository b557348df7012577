"""A text model without weights, network or clock, for tests: it says what the request implies, nothing clever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models.errors import Cancelled, UnsupportedRequest
from models.types import Provenance, TextDraft, TextReply, TextRequest, Watch

MOST_REMEMBERED = 1_000  # requests; a feed of ten thousand products must not fill the memory


class FakeText:
    """Deterministic drafts that obey the JSON schema. ``says`` overrides them, one text a draft, in turn."""

    name = "fake"

    def __init__(self, says: Sequence[str] = (), languages: Sequence[str] = ("en", "zh")) -> None:
        self._says = tuple(says)
        self.languages = tuple(languages)
        self.requests: list[TextRequest] = []  # what it was asked, for a test to look at

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        if not 1 <= request.n <= 64:
            raise UnsupportedRequest(self.name, f"n is {request.n}; it writes 1 to 64 drafts at once")
        watch = watch or Watch()
        if watch.is_cancelled():
            raise Cancelled(self.name)
        self.requests.append(request)
        if len(self.requests) > MOST_REMEMBERED:
            del self.requests[: MOST_REMEMBERED // 2]
        texts = [self._draft(request, i) for i in range(request.n)]
        words = [text.split() for text in texts]
        drafts = tuple(
            TextDraft(
                text=text if request.json_schema is not None else " ".join(said[: request.max_new_tokens]),
                ended_by_itself=len(said) <= request.max_new_tokens,
                mean_log_probability=-1.0,
            )
            for text, said in zip(texts, words, strict=True)
        )
        for number, draft in enumerate(drafts):
            watch.on_draft(number, draft)
        return TextReply(
            drafts=drafts,
            provenance=Provenance(backend="fake", model="fake", revision="0", seed=request.seed),
            prompt_tokens=len(request.system.split()) + len(request.user.split()),
            new_tokens=sum(min(len(said), request.max_new_tokens) for said in words),
            seconds=0.0,
        )

    def _draft(self, request: TextRequest, i: int) -> str:
        if self._says:
            return self._says[i % len(self._says)]
        number = 0 if request.temperature == 0 else i
        key = f"{request.seed}/{number}/{request.system}/{request.user}"
        mark = hashlib.sha256(key.encode()).hexdigest()[:6]
        if request.json_schema is None:
            return f"draft {number} {mark}"
        return json.dumps(_value(request.json_schema, f"draft {number} {mark}", number), ensure_ascii=False)


def _value(schema: Mapping[str, Any], text: str, number: int) -> Any:
    """The plainest value that a schema accepts."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][number % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "object":
        return {key: _value(part, text, number) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_value(schema.get("items", {}), text, number) for _ in range(int(schema.get("minItems", 1)))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    return text.ljust(int(schema.get("minLength", 0)), ".")[: int(schema.get("maxLength", len(text)))]
