"""What every text backend promises, the fake included."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from models import TEXT_MODELS, TextModel, TextRequest, UnknownBackend, UnsupportedRequest, text_model

SCHEMA = {
    "type": "object",
    "required": ["headline", "tone"],
    "additionalProperties": False,
    "properties": {
        "headline": {"type": "string", "minLength": 3, "maxLength": 12},
        "tone": {"enum": ["calm", "bold"]},
    },
}
REQUEST = TextRequest(system="Be brief.", user="Write.", n=3, max_new_tokens=80, temperature=0.9, seed=5)
MAKERS = ["local", "local, plain", "openai-compatible", "fake"]


@pytest.fixture
def make(request: pytest.FixtureRequest, tiny_folder: Path) -> Callable[[str], TextModel]:
    def maker(name: str) -> TextModel:
        if name.startswith("local"):
            settings = {"device": "cpu", "precision": "float32", "plain": name.endswith("plain")}
            return text_model("local", model=str(tiny_folder), **settings)
        if name == "openai-compatible":
            server = request.getfixturevalue("text_server")
            return text_model(name, base_url=server.url, model="served", attempts=1)
        return text_model(name)

    return maker


@pytest.mark.parametrize("name", MAKERS)
def test_a_text_backend_keeps_its_promises(name: str, make: Callable[[str], TextModel]) -> None:
    model = make(name)
    assert model.name
    assert model.languages

    first = model.write(REQUEST)
    again = model.write(REQUEST)
    assert len(first.drafts) == 3
    assert first.drafts == again.drafts  # same request and seed, same reply
    assert model.write(replace(REQUEST, seed=6)).drafts != first.drafts
    assert first.provenance.seed == 5
    assert first.provenance.revision
    assert first.prompt_tokens > 0
    assert 0 < first.new_tokens <= 3 * 80

    greedy = model.write(replace(REQUEST, temperature=0.0)).drafts
    assert len({draft.text for draft in greedy}) == 1

    cut = model.write(replace(REQUEST, max_new_tokens=2))
    assert not any(draft.ended_by_itself for draft in cut.drafts)
    assert cut.new_tokens <= 6

    shaped = model.write(replace(REQUEST, json_schema=SCHEMA, n=4))
    for draft in shaped.drafts:
        jsonschema.validate(json.loads(draft.text), SCHEMA)

    for n in (0, 65):
        with pytest.raises(UnsupportedRequest, match=str(n)):
            model.write(replace(REQUEST, n=n))


@pytest.mark.parametrize("name", MAKERS)
def test_writing_leaves_the_global_seeds_alone(name: str, make: Callable[[str], TextModel]) -> None:
    import torch

    model = make(name)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  the global one is what must not move
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    model.write(REQUEST)
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    assert before == after


def test_a_backend_is_made_by_name_and_an_unknown_one_says_what_exists() -> None:
    assert text_model("fake").name == "fake"
    with pytest.raises(UnknownBackend, match="openai-compatible"):
        text_model("gpt")
    assert set(TEXT_MODELS) == {"local", "openai-compatible", "none", "fake"}


def test_the_backend_none_speaks_no_language_and_writes_nothing() -> None:
    model = text_model("none")
    assert model.languages == ()
    with pytest.raises(UnsupportedRequest):
        model.write(TextRequest(system="s", user="u"))
