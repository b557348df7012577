"""Any server that speaks the OpenAI chat interface: vLLM, llama.cpp, Ollama, TGI, LM Studio, hosted ones."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from models.errors import BackendUnavailable, Cancelled, UnsupportedRequest
from models.types import Provenance, TextDraft, TextReply, TextRequest, Watch

_WORTH_RETRYING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_S = 30.0


class OpenAICompatibleText:
    """Writes with a model server over HTTP. Thread-safe.

    A server that does not honour ``n`` is asked again, with other seeds, until the drafts are there. Whether the same
    seed gives the same reply is up to the server; the seed is always sent.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        languages: Sequence[str] = ("en", "zh", "de", "fr", "es", "ja"),
        timeout_s: float = 120.0,
        attempts: int = 4,
        first_pause_s: float = 0.5,
        client: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Say where the server is; nothing is sent yet.

        Args:
            base_url: up to and including the version, such as "http://localhost:8000/v1".
            model: the server's name for the model.
            api_key: sent as a bearer token; None sends none.
            languages: BCP 47 primary tags that this model writes acceptably.
            timeout_s: of one attempt.
            attempts: tries a request in all, at least 1.
            first_pause_s: before the second attempt; it doubles each time, with a random part, unless the server says.
            client: an own httpx client, for proxies, certificates or tests.
            sleep: how to wait.
        """
        if attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {attempts}")
        self.name = f"openai-compatible:{model}"
        self.languages = tuple(languages)
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._first_pause_s = first_pause_s
        self._client = client or httpx.Client()
        self._sleep = sleep

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        """Write ``request.n`` drafts; watched, they are streamed, and what nobody wants any more is hung up on.

        Raises:
            UnsupportedRequest: n out of range, or the server refuses the request (its words are in the message).
            BackendUnavailable: no usable answer after all attempts.
            Cancelled: the watch said so.
        """
        if not 1 <= request.n <= 64:
            raise UnsupportedRequest(self.name, f"n is {request.n}; it writes 1 to 64 drafts at once")
        started = time.perf_counter()
        drafts: list[TextDraft] = []
        prompt_tokens = new_tokens = 0
        revision = self._model
        while len(drafts) < request.n:
            body = self._body(request, n=request.n - len(drafts), seed=request.seed + len(drafts))
            answer = self._ask(body, watch)
            for draft in self._drafts(answer)[: request.n - len(drafts)]:
                if watch is not None:
                    watch.on_draft(len(drafts), draft)
                drafts.append(draft)
            usage = answer.get("usage") or {}
            prompt_tokens = max(prompt_tokens, int(usage.get("prompt_tokens") or 0))
            new_tokens += int(usage.get("completion_tokens") or 0)
            revision = str(answer.get("system_fingerprint") or answer.get("model") or revision)
        return TextReply(
            drafts=tuple(drafts),
            provenance=Provenance(
                backend="openai-compatible",
                model=self._model,
                revision=revision,
                seed=request.seed,
                precision="as served",
                settings={
                    "temperature": request.temperature,
                    "top_p": request.top_p,
                    "max_new_tokens": request.max_new_tokens,
                    "n": request.n,
                },
            ),
            prompt_tokens=prompt_tokens,
            new_tokens=new_tokens,
            seconds=time.perf_counter() - started,
        )

    def _body(self, request: TextRequest, n: int, seed: int) -> dict[str, Any]:
        messages = [{"role": "user", "content": request.user}]
        if request.system:
            messages.insert(0, {"role": "system", "content": request.system})
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages,
            "n": n,
            "seed": seed,
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "logprobs": True,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        if request.json_schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": request.json_schema},
            }
        return body

    def _ask(self, body: Mapping[str, Any], watch: Watch | None) -> Mapping[str, Any]:
        reason = "no attempt was made"
        for attempt in range(self._attempts):
            advised_s: float | None = None
            try:
                response, answer = self._post(body) if watch is None else self._stream(body, watch)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if answer is not None:
                    return answer
                reason = f"HTTP {response.status_code}: {_said(response)}"
                if response.status_code not in _WORTH_RETRYING:
                    raise UnsupportedRequest(self.name, reason)
                advised_s = _retry_after_s(response)
            if attempt + 1 < self._attempts:
                self._sleep(min(_LONGEST_PAUSE_S, advised_s if advised_s is not None else self._pause_s(attempt)))
        raise BackendUnavailable(self.name, f"{reason} (after {self._attempts} attempts)")

    def _post(self, body: Mapping[str, Any]) -> tuple[httpx.Response, Mapping[str, Any] | None]:
        timeout = httpx.Timeout(self._timeout_s)
        response = self._client.post(self._url, json=body, headers=self._headers, timeout=timeout)
        return response, self._parsed(response) if response.status_code < 400 else None

    def _stream(self, body: Mapping[str, Any], watch: Watch) -> tuple[httpx.Response, Mapping[str, Any] | None]:
        """The same answer in pieces (server-sent events), put together again; hung up on when cancelled."""
        body = {**body, "stream": True, "stream_options": {"include_usage": True}}
        timeout = httpx.Timeout(self._timeout_s)
        with self._client.stream("POST", self._url, json=body, headers=self._headers, timeout=timeout) as response:
            if response.status_code >= 400:
                response.read()
                return response, None
            if "text/event-stream" not in response.headers.get("Content-Type", ""):  # a server that does not stream
                response.read()
                return response, self._parsed(response)
            whole = _Whole()
            for line in response.iter_lines():
                if watch.is_cancelled():
                    raise Cancelled(self.name)
                if line.startswith("data:") and (data := line[5:].strip()) not in ("", "[DONE]"):
                    whole.add(self._piece(data))
            return response, whole.answer(self.name)

    def _piece(self, data: str) -> Mapping[str, Any]:
        try:
            piece = json.loads(data)
        except json.JSONDecodeError as error:
            raise BackendUnavailable(self.name, f"a piece of the stream is not JSON: {error}") from error
        if not isinstance(piece, dict) or "error" in piece:
            raise BackendUnavailable(self.name, f"the stream broke off: {str(piece)[:200]}")
        return piece

    def _pause_s(self, attempt: int) -> float:
        """Twice as long each time; the random part keeps many workers from knocking together."""
        return self._first_pause_s * 2.0**attempt * random.uniform(0.5, 1.0)

    def _parsed(self, response: httpx.Response) -> Mapping[str, Any]:
        try:
            answer = response.json()
        except json.JSONDecodeError as error:
            raise BackendUnavailable(self.name, f"the answer is not JSON: {error}") from error
        if not isinstance(answer, dict) or not answer.get("choices"):
            raise BackendUnavailable(self.name, "the answer holds no choices")
        return answer

    def _drafts(self, answer: Mapping[str, Any]) -> list[TextDraft]:
        drafts: list[TextDraft] = []
        for choice in answer["choices"]:
            text = (choice.get("message") or {}).get("content")
            if text is None:
                raise BackendUnavailable(self.name, f"a choice without text: {json.dumps(choice)[:200]}")
            drafts.append(
                TextDraft(
                    text=text,
                    ended_by_itself=choice.get("finish_reason") == "stop",
                    mean_log_probability=_mean_log_probability(choice.get("logprobs")),
                )
            )
        return drafts


class _Whole:
    """A streamed answer, put together into the one that is not streamed."""

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {}
        self._told: dict[int, list[Any]] = {}
        self._reasons: dict[int, str] = {}
        self._rest: dict[str, Any] = {}

    def add(self, piece: Mapping[str, Any]) -> None:
        for name in ("model", "system_fingerprint", "usage"):
            if piece.get(name):
                self._rest[name] = piece[name]
        for choice in piece.get("choices") or []:
            number = int(choice.get("index") or 0)
            text = (choice.get("delta") or {}).get("content")
            self._texts.setdefault(number, []).append(text or "")
            self._told.setdefault(number, []).extend((choice.get("logprobs") or {}).get("content") or [])
            if choice.get("finish_reason"):
                self._reasons[number] = choice["finish_reason"]

    def answer(self, backend: str) -> Mapping[str, Any]:
        """Raises BackendUnavailable: the stream ended before its drafts did."""
        if not self._texts or set(self._texts) != set(self._reasons):
            raise BackendUnavailable(backend, "the stream ended in the middle of an answer")
        choices = [
            {
                "message": {"content": "".join(self._texts[number])},
                "finish_reason": self._reasons[number],
                "logprobs": {"content": self._told[number]},
            }
            for number in sorted(self._texts)
        ]
        return {**self._rest, "choices": choices}


def _mean_log_probability(logprobs: Mapping[str, Any] | None) -> float | None:
    """Nats per token, None where the server does not say."""
    tokens = (logprobs or {}).get("content") or []
    values = [float(token["logprob"]) for token in tokens if token.get("logprob") is not None]
    return sum(values) / len(values) if values else None


def _said(response: httpx.Response) -> str:
    """What the server says is wrong, at most 300 characters."""
    try:
        said = response.json()
        error = said.get("error", said) if isinstance(said, dict) else said
        text = error.get("message", error) if isinstance(error, dict) else error
    except json.JSONDecodeError:
        text = response.text
    return " ".join(str(text).split())[:300]


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the server asks for; a date is not understood and left to the usual pause."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
