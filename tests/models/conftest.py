"""A language model small enough to build in a test, and a model server small enough to run in one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from models.text.fake import FakeText
from models.types import TextRequest

TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Any:
    """Bytes as tokens, two control tokens, a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|start|>", eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


@pytest.fixture(scope="session")
def tiny_llama() -> Any:
    """A random Llama with grouped heads; large weights, so that it has opinions and errors show."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = LlamaConfig(
            vocab_size=258,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=3,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=512,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
            bos_token_id=256,
            eos_token_id=257,
            pad_token_id=257,
            initializer_range=0.3,
        )
        return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def tiny_folder(tiny_llama: Any, tiny_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two saved as transformers saves them."""
    folder = tmp_path_factory.mktemp("tiny-model")
    tiny_llama.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


@dataclass
class TextServer:
    """An OpenAI-compatible server on this machine that answers like FakeText, and can be told to misbehave."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str], str]] = field(
        default_factory=list
    )  # status, headers, body; one a request
    ignores_n: bool = False


@pytest.fixture
def text_server() -> Iterator[TextServer]:
    server = TextServer(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(body)
            server.headers.append(dict(self.headers))
            status, headers, text = server.failures.pop(0) if server.failures else (200, {}, answer(body))
            payload = text.encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(payload))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the tests look at what was asked."""

    def answer(body: dict[str, Any]) -> str:
        said = {message["role"]: message["content"] for message in body["messages"]}
        reply = FakeText().write(
            TextRequest(
                system=said.get("system", ""),
                user=said["user"],
                n=1 if server.ignores_n else body["n"],
                max_new_tokens=body["max_tokens"],
                temperature=body["temperature"],
                seed=body["seed"],
                json_schema=body.get("response_format", {}).get("json_schema", {}).get("schema"),
            )
        )
        choices = [
            {
                "message": {"role": "assistant", "content": draft.text},
                "finish_reason": "stop" if draft.ended_by_itself else "length",
                "logprobs": {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]},
            }
            for draft in reply.drafts
        ]
        usage = {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.new_tokens}
        return json.dumps({"model": "served", "choices": choices, "usage": usage})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server.url = f"http://127.0.0.1:{listener.server_address[1]}/v1"
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        yield server
        listener.shutdown()
        thread.join()
