"""Any server that speaks the OpenAI chat interface: vLLM, llama.cpp, Ollama, TGI, LM Studio, hosted ones."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from models.errors import BackendUnavailable, UnsupportedRequest
from models.types import Provenance, TextDraft, TextReply, TextRequest

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

    def write(self, request: TextRequest) -> TextReply:
        """Write ``request.n`` drafts.

        Raises:
            UnsupportedRequest: n out of range, or the server refuses the request (its words are in the message).
            BackendUnavailable: no usable answer after all attempts.
        """
        if not 1 <= request.n <= 64:
            raise UnsupportedRequest(self.name, f"n is {request.n}; it writes 1 to 64 drafts at once")
        started = time.perf_counter()
        drafts: list[TextDraft] = []
        prompt_tokens = new_tokens = 0
        revision = self._model
        while len(drafts) < request.n:
            answer = self._ask(self._body(request, n=request.n - len(drafts), seed=request.seed + len(drafts)))
            drafts += self._drafts(answer)
            usage = answer.get("usage") or {}
            prompt_tokens = max(prompt_tokens, int(usage.get("prompt_tokens") or 0))
            new_tokens += int(usage.get("completion_tokens") or 0)
            revision = str(answer.get("system_fingerprint") or answer.get("model") or revision)
        return TextReply(
            drafts=tuple(drafts[: request.n]),
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

    def _ask(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        reason = "no attempt was made"
        for attempt in range(self._attempts):
            advised_s: float | None = None
            try:
                response = self._client.post(
                    self._url, json=body, headers=self._headers, timeout=httpx.Timeout(self._timeout_s)
                )
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if response.status_code < 400:
                    return self._parsed(response)
                reason = f"HTTP {response.status_code}: {_said(response)}"
                if response.status_code not in _WORTH_RETRYING:
                    raise UnsupportedRequest(self.name, reason)
                advised_s = _retry_after_s(response)
            if attempt + 1 < self._attempts:
                self._sleep(min(_LONGEST_PAUSE_S, advised_s if advised_s is not None else self._pause_s(attempt)))
        raise BackendUnavailable(self.name, f"{reason} (after {self._attempts} attempts)")

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
