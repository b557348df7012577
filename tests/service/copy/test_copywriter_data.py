"""What the copywriter learns from, and how it is measured: the service's own prompts and judge."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from models import weights
from models.text.fake import FakeText
from models.text.local import LocalText
from service.copy.generate import write_copy
from service.copy.pass_rate import measure
from service.copy.training_set import (
    MAIN,
    OWN_TASK,
    accept,
    angle_of,
    brief_of,
    changed_names,
    examples,
    passing_field,
    rendered_for,
    requests,
    tellings,
)
from service.domain import Fact, Product

MUG = Product(
    id="mug",
    title="Stoneware mug 350 ml",
    brand="Kilnholt",
    category="drinkware",
    audience="tea drinkers",
    facts=(
        Fact("capacity", "350 ml"),
        Fact("material", "stoneware"),
        Fact("care", "dishwasher safe"),
        Fact("origin", "made in Portugal"),
    ),
)


def row(text: str, kind: str = "headline", source: str = "written", **more: object) -> dict[str, object]:
    return {"product": "mug", "task": kind, "text": text, "source": source, **more}


class Recording(FakeText):
    """A model with a prompt of its own."""

    own_task = OWN_TASK
    is_small = True


@pytest.mark.parametrize("kind", list(MAIN))
def test_the_copywriter_learns_the_very_prompt_that_the_service_sends(kind: str) -> None:
    channel, field = MAIN[kind]
    model = Recording()
    write_copy(brief_of(MUG, channel), model, seed=1)
    prompt = rendered_for(MUG, channel, field)
    assert prompt is not None
    assert (prompt.system, prompt.user) in {(r.system, r.user) for r in model.requests}
    assert "capacity: 350 ml" in prompt.user


def test_the_copywriter_is_asked_for_one_fact_after_the_other() -> None:
    model = Recording()
    write_copy(brief_of(MUG, "google_rsa"), model, seed=1)
    asked = [r.user.partition("Angle: ")[2] for r in model.requests if "one headline" in r.user]
    assert {"capacity: 350 ml.", "material: stoneware.", "origin: made in Portugal.", "any."} <= set(asked)
    assert all(
        "; " in r.user.partition("Angle: ")[2]
        for r in model.requests
        if "Angle: c" in r.user and "description" in r.user
    )
    other = FakeText()
    write_copy(brief_of(MUG, "google_rsa"), other, seed=1)
    assert not any("Angle:" in r.user for r in other.requests)


def test_only_lines_that_may_leave_are_learnt_and_none_twice() -> None:
    rows: list[dict[str, Any]] = [
        row("Made in Portugal"),
        row("Made in Portugal."),
        row("Made in Italy"),
        row("Holds 500 ml"),
        row("Tea hour, stoneware time, and one more cup for everybody here", "headline"),
        row("Dishwasher safe stoneware", source="model"),
        row("Perfect for any occasion", source="model"),
        row("350 ml of calm", source="model", ended=False),
        {"product": "mug", "task": "headline", "raw": '{"text": "350 ml of tea"}', "ended": True, "source": "model"},
        {"product": "gone", "task": "headline", "text": "Made in Portugal", "source": "written"},
    ]
    kept, counts = accept({"mug": MUG}, rows)
    assert [r["text"] for r in kept[:1]] == ["Made in Portugal"]
    assert {r["text"] for r in kept} >= {"Dishwasher safe stoneware", "350 ml of tea"}
    assert not {r["text"] for r in kept} & {
        "Made in Italy",
        "Holds 500 ml",
        "Perfect for any occasion",
        "350 ml of calm",
    }
    assert counts["written refused"] == 2
    assert counts["written twice"] == 1
    assert counts["model dull or unfinished"] == 2


def test_a_line_gets_the_angle_that_it_takes() -> None:
    said = {
        "Made in Portugal": "fact",
        "Time for tea?": "question",
        "Ready for slow mornings": "occasion",
        "Simply lovely": "benefit",
    }
    for text, angle in said.items():
        place = passing_field(MUG, "headline", text)
        assert place is not None, text
        assert angle_of(MUG, place[2]) == angle


def test_an_example_is_still_true_of_the_telling_it_is_shown_with() -> None:
    kept, _ = accept({"mug": MUG}, [row("Made in Portugal"), row("Dishwasher safe stoneware"), row("350 ml of tea")])
    found = list(examples({"mug": MUG}, kept, 6, seed=2))
    assert {e["group"] for e in found} >= {"mug#0", "mug#3"}
    for example in found:
        if example["answer"].startswith("Made in"):
            assert f"origin: {example['answer'][0].lower()}{example['answer'][1:]}" in example["user"]
    assert found == list(examples({"mug": MUG}, kept, 6, seed=2))
    assert any("Angle: any." in e["user"] for e in found)
    assert any("Angle: origin: made in " in e["user"] for e in found)


def test_tellings_shuffle_facts_and_change_each_as_its_lines_will_be() -> None:
    every = list(tellings(MUG, random.Random(1), 12))
    assert every[0][0] == MUG
    known = {fact.key: fact.value for fact in MUG.facts}
    for told, change in every:
        assert len(told.facts) >= 2
        assert all(fact.value == change(known[fact.key]) for fact in told.facts)
    assert len({told.facts for told, _ in every}) > 4
    assert any(fact.value != known[fact.key] for told, _ in every for fact in told.facts)


def test_a_change_of_names_is_the_same_in_every_text() -> None:
    change = changed_names(random.Random(3), ["Oak shelf 60 x 20 cm", "made in Italy", "EN 1078, 20 kg, IPX7, 3 hooks"])
    wood = change("Oak shelf").split()[0]
    assert wood != "Oak"
    assert wood[0].isupper()
    assert change("a shelf of oak") == f"a shelf of {wood.lower()}"
    assert change("20 kg on 60 cm").split()[0] == change("20 cm").split()[0] != "20"
    assert change("EN 1078, IPX7") == "EN 1078, IPX7"  # standards are names
    assert change("120 cm, 1.20 m") == "120 cm, 1.20 m"  # parts of other figures stay


def test_requests_carry_what_drafting_needs() -> None:
    found = list(requests([MUG], ["any", "fact"]))
    assert len(found) == 2 * len(MAIN)
    about_facts = [r["angle"] for r in requests([MUG], [], n_facts=3) if r["task"] == "headline"]
    assert len(about_facts) == 3
    assert all(angle.split(": ")[0] in {f.key for f in MUG.facts} for angle in about_facts)
    assert len({r["request"] for r in found}) == len(found)
    assert all(json.dumps(r["schema"]) and r["user"] and r["max_new_tokens"] > 0 for r in found)


def test_the_pass_rate_counts_lies_overlong_and_empty_drafts_apart() -> None:
    says = [
        '{"text": "Made in Portugal"}',
        '{"text": "Made in Italy"}',
        '{"text": "A mug made in Portugal for your table and mornings"}',
        '{"text": ""}',
    ]
    mug = replace(MUG, facts=MUG.facts[3:])  # one fact: one request about it and one about any, four drafts each
    found = measure(FakeText(says), [mug], own_prompt=True, shapes=False, drafts={"headline": 8})
    assert len(found.drafts) == 8
    assert found.share("passes") == pytest.approx(2 / 8)
    assert found.share("is_true") == pytest.approx(4 / 8)  # the long one is true
    assert found.share("fits") == pytest.approx(4 / 8)  # the lie is short enough
    assert found.distinct() == pytest.approx(1 / 2)  # the same line twice
    assert measure(FakeText(says), [], own_prompt=True, shapes=False).share("passes") == 0.0


def test_the_pass_rate_asks_small_models_with_their_shapes() -> None:
    model = FakeText()
    measure(model, [MUG], own_prompt=False, shapes=True, drafts={"headline": 2})
    assert "pattern" in json.dumps(model.requests[0].json_schema)
    measure(model, [replace(MUG, facts=MUG.facts[:2])], own_prompt=True, shapes=False, drafts={"headline": 2})
    assert "Write one headline of at most 30 characters." in model.requests[-1].user


@pytest.mark.weights
def test_the_copywriter_keeps_to_facts_and_limits_where_its_base_does_not() -> None:
    if weights.check("smollm2").state is not weights.State.OK:
        pytest.skip("needs: adloom weights add smollm2")
    stand = Product(
        id="stand",
        title="Laptop stand",
        brand="Risehaus",
        category="office",
        facts=(
            Fact("material", "aluminium"),
            Fact("fits", "10 to 17 inch laptops"),
            Fact("height", "adjustable, 6 levels"),
            Fact("weight", "780 g"),
        ),
    )

    def share(adapter: str | None) -> float:
        model = LocalText("smollm2", adapter=adapter)
        found = measure(model, [stand], own_prompt=True, shapes=False, seed=5, drafts={"headline": 16})
        return found.share("passes")

    # held out with its whole category; 16 drafts of one seed: the base passes a few, the copywriter most
    assert share("copywriter") >= share(None) + 0.25
