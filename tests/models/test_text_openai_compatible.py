"""The backend for model servers, against a small server on this machine."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from models import BackendUnavailable, Cancelled, TextDraft, TextRequest, UnsupportedRequest, Watch
from models.text.openai_compatible import OpenAICompatibleText

REQUEST = TextRequest(system="Be brief.", user="Write.", n=3, max_new_tokens=9, temperature=0.5, top_p=0.9, seed=7)


def backend(server: Any, pauses: list[float] | None = None, **settings: Any) -> OpenAICompatibleText:
    sleep = (lambda seconds: pauses.append(seconds)) if pauses is not None else (lambda seconds: None)
    return OpenAICompatibleText(server.url, "small", sleep=sleep, **settings)


def test_what_is_asked_is_what_the_server_gets(text_server: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    reply = backend(text_server, api_key="secret").write(
        TextRequest("sys", "usr", n=2, max_new_tokens=9, temperature=0.5, top_p=0.9, seed=7, json_schema=schema)
    )
    (asked,) = text_server.asked
    assert [m["content"] for m in asked["messages"]] == ["sys", "usr"]
    assert (asked["model"], asked["n"], asked["seed"], asked["max_tokens"]) == ("small", 2, 7, 9)
    assert (asked["temperature"], asked["top_p"]) == (0.5, 0.9)
    assert asked["response_format"]["json_schema"]["schema"] == schema
    assert text_server.headers[0]["Authorization"] == "Bearer secret"
    assert reply.drafts[0].mean_log_probability == pytest.approx(-1.0)  # mean of -0.5 and -1.5
    assert reply.provenance.revision == "served"


def test_without_system_schema_key_or_stop_none_is_sent(text_server: Any) -> None:
    backend(text_server).write(TextRequest("", "usr"))
    assert [m["role"] for m in text_server.asked[0]["messages"]] == ["user"]
    assert not {"response_format", "stop"} & set(text_server.asked[0])
    assert "Authorization" not in text_server.headers[0]


def test_a_server_that_ignores_n_is_asked_until_the_drafts_are_there(text_server: Any) -> None:
    text_server.ignores_n = True
    reply = backend(text_server).write(REQUEST)
    assert [asked["seed"] for asked in text_server.asked] == [7, 8, 9]
    assert len({draft.text for draft in reply.drafts}) == 3


def test_a_busy_server_is_asked_again_after_a_growing_pause(text_server: Any) -> None:
    text_server.failures = [(503, {}, "busy"), (429, {}, "slow down"), (500, {}, "oops")]
    pauses: list[float] = []
    reply = backend(text_server, pauses, first_pause_s=1.0).write(REQUEST)
    assert len(reply.drafts) == 3
    assert len(text_server.asked) == 4
    assert 0.5 <= pauses[0] <= 1.0 <= pauses[1] <= 2.0 <= pauses[2] <= 4.0


def test_the_pause_a_server_asks_for_is_kept(text_server: Any) -> None:
    text_server.failures = [(429, {"Retry-After": "7"}, ""), (429, {"Retry-After": "9999"}, "")]
    pauses: list[float] = []
    backend(text_server, pauses).write(REQUEST)
    assert pauses == [7.0, 30.0]  # never longer than half a minute


def test_a_server_that_stays_away_is_reported_with_its_words(text_server: Any) -> None:
    text_server.failures = [(503, {}, json.dumps({"error": {"message": "no GPU left"}}))] * 2
    with pytest.raises(BackendUnavailable, match=r"no GPU left.*2 attempts"):
        backend(text_server, attempts=2).write(REQUEST)
    assert len(text_server.asked) == 2


def test_a_request_the_server_refuses_is_not_repeated(text_server: Any) -> None:
    text_server.failures = [(400, {}, json.dumps({"error": {"message": "unknown field n"}}))]
    with pytest.raises(UnsupportedRequest, match="unknown field n"):
        backend(text_server).write(REQUEST)
    assert len(text_server.asked) == 1


@pytest.mark.parametrize("body", ["not json", "{}", '{"choices": []}', '{"choices": [{"message": {}}]}'])
def test_an_answer_that_makes_no_sense_is_an_error(text_server: Any, body: str) -> None:
    text_server.failures = [(200, {}, body)]
    with pytest.raises(BackendUnavailable):
        backend(text_server).write(REQUEST)


def test_no_server_and_slow_servers_are_errors_that_say_so() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    slow = httpx.Client(transport=httpx.MockTransport(refuse))
    model = OpenAICompatibleText("http://nowhere.invalid/v1", "m", client=slow, attempts=2, sleep=lambda seconds: None)
    with pytest.raises(BackendUnavailable, match="ReadTimeout: too slow"):
        model.write(REQUEST)
    with pytest.raises(ValueError, match="attempts"):
        OpenAICompatibleText("http://nowhere.invalid/v1", "m", attempts=0)


# --- streaming -----------------------------------------------------------------------------------------------------


def piece(index: int, text: str, reason: str | None = None) -> str:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": reason}
    return f"data: {json.dumps({'model': 'served', 'choices': [choice]})}\n\n"


def streaming(*pieces: str, kind: str = "text/event-stream") -> OpenAICompatibleText:
    def reply(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content)["stream"] is True
        return httpx.Response(200, headers={"Content-Type": kind}, content="".join(pieces).encode())

    client = httpx.Client(transport=httpx.MockTransport(reply))
    return OpenAICompatibleText("http://here.invalid/v1", "m", client=client, attempts=1)


def test_a_watched_request_is_streamed_and_put_together_again() -> None:
    pieces = [
        piece(0, "Pours "),
        piece(1, "Keeps"),
        ": a comment\n\n",
        piece(0, "slowly", "stop"),
        piece(1, "", "length"),
    ]
    told: dict[int, TextDraft] = {}
    usage = 'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 4}}\n\n'
    model = streaming(*pieces, usage, "data: [DONE]\n\n")
    reply = model.write(TextRequest("s", "u", n=2), Watch(on_draft=told.__setitem__))
    assert [(draft.text, draft.ended_by_itself) for draft in reply.drafts] == [("Pours slowly", True), ("Keeps", False)]
    assert (reply.prompt_tokens, reply.new_tokens) == (5, 4)
    assert list(told.values()) == list(reply.drafts)


def test_a_stream_nobody_wants_is_hung_up_on() -> None:
    with pytest.raises(Cancelled):
        streaming(piece(0, "Pours "), piece(0, "slowly", "stop")).write(
            TextRequest("s", "u"), Watch(is_cancelled=lambda: True)
        )


@pytest.mark.parametrize(
    "pieces", [(piece(0, "Pours "),), ("data: [DONE]\n\n",), ("data: {nonsense\n\n",), ('data: {"error": "gone"}\n\n',)]
)
def test_a_stream_that_breaks_off_is_an_error_and_no_half_line(pieces: tuple[str, ...]) -> None:
    with pytest.raises(BackendUnavailable):
        streaming(*pieces).write(TextRequest("s", "u"), Watch())


def test_a_server_that_does_not_stream_is_read_as_it_answers() -> None:
    body = json.dumps({"choices": [{"message": {"content": "Whole"}, "finish_reason": "stop"}]})
    reply = streaming(body, kind="application/json").write(TextRequest("s", "u"), Watch())
    assert reply.drafts[0].text == "Whole"
