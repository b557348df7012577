"""What follows from a fact's figures, what stands in passing, and texts that are hardly texts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.commands.words import app
from service.copy.ledger import MOST_CHARACTERS, check
from service.domain import Fact, Money, Product, Verdict
from service.errors import InvalidInput

SHELF = Product(
    id="shelf",
    title="Halden shelf lights, set of 8",
    brand="Halden",
    price=Money(Decimal("40.00"), "USD"),
    facts=(
        Fact("brightness", "12 lumens each"),
        Fact("shelves", "5, oak"),
        Fact("maximum load", "25 kg per shelf"),
        Fact("lasts", "80 evenings"),
        Fact("replaces", "two 250 ml candles"),
        Fact("list price", "50.00 USD"),
        Fact("dimming", "dimmable"),
        Fact("climbs", "20 mm thresholds"),
        Fact("height", "9.5 cm"),
        Fact("phosphates", "none"),
        Fact("designed in", "Denmark"),
        Fact("made in", "Wales"),
        Fact("ingredients", "almonds, dates, dark chocolate (70 % cocoa), salt"),
        Fact("battery", "not included"),
    ),
)


@pytest.mark.parametrize(
    "text",
    [
        "96 lumens in all", "Holds 125 kg when you load all five", "Half a litre of candle in one box", "$5 a light",
        "50 cents an evening", "Nearly 20 % off", "Crosses thresholds 2 cm high", "Dim it tonight", "Phosphate-free",
        "Danish design, made in Wales", "70 % dark chocolate", "Four ingredients", "A set of eight for small engineers",
        "Bright enough for paperbacks, plants and the odd trophy", "Light as a feather", "Ready by 4 pm",
        "Shines into the deepest cupboard", "No bottle, no mess", "Instead of plastic, oak",
    ],
)  # fmt: skip
def test_what_follows_from_facts_or_stands_in_passing_is_not_flagged(text: str) -> None:
    ledger = check(text, SHELF)
    assert ledger.is_clean, [(c.text, c.type, c.reason) for c in ledger.claims]


@pytest.mark.parametrize(
    "text",
    [
        "120 lumens in all", "Holds 250 kg in total", "$4 a light", "Nearly 40 % off", "Made in England", "Made in Denmark",  # noqa: E501
        "Five ingredients", "Stops pulling", "A date window at three", "With real bells and a remote", "Escape-proof",
        "Built-in camera", "Free returns", "Sweat-free", "Grade A oak", "Fried in coconut oil", "A wrist rest is included",  # noqa: E501
    ],
)  # fmt: skip
def test_what_no_fact_carries_is_flagged_wherever_it_stands(text: str) -> None:
    assert not check(text, SHELF).is_clean, text


@pytest.mark.parametrize("text", ["", "  \n", "🔥🔥", "Shop now", "<br>", "((((", "&nbsp;"])
def test_a_text_without_claims_is_supported(text: str) -> None:
    assert check(text, SHELF).verdict is Verdict.SUPPORTED


def test_markup_is_not_read_and_spans_stay_those_of_the_text_as_given() -> None:
    text = "<p>Holds <b>125&nbsp;kg</b> in all</p><script>let best = 1</script>"
    ledger = check(text, SHELF)
    assert ledger.is_clean, [(c.text, c.reason) for c in ledger.claims]
    assert [c.text for c in ledger.claims if c.type == "unit"] == ["125&nbsp;kg"]
    assert all(text[c.start : c.end] == c.text for c in ledger.claims)


def test_the_same_text_has_the_same_claims_in_every_order_of_reading() -> None:
    text = "降噪耳机 96 lumens, 25 kg per shelf, made in Wales, the best shelf"
    assert check(text, SHELF) == check(text, SHELF)
    starts = [(c.start, c.end, c.type, c.verdict) for c in check(text, SHELF).claims]
    assert starts == sorted(starts, key=lambda c: c[:3])


def test_a_text_that_is_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidInput, match="100,001 characters"):
        check("a" * (MOST_CHARACTERS + 1), SHELF)


def test_an_unknown_language_is_read_with_the_strictest_eyes() -> None:
    assert not check("With real bells and a remote", SHELF, "xx").is_clean


def test_lines_of_a_file_are_answered_one_by_one_and_a_bad_one_stops_nothing(tmp_path: Path) -> None:
    product = {"id": "mug", "title": "Mug", "facts": [{"key": "capacity", "value": "350 ml"}]}
    (tmp_path / "mug.json").write_text(json.dumps(product), "utf-8")
    rows = [
        {"id": "true", "product": product, "text": "Holds 0.35 litres"},
        {"id": "false", "product": "mug.json", "text": "Holds 1 litre", "lang": "en"},
        {"id": "no product", "text": "Holds 1 litre"},
        {"id": "null", "product": product, "text": None},
        {"id": "foreign", "product": product, "text": "Contiene 350 ml", "lang": "it"},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(json.dumps(r) for r in rows) + "\nno json\n", "utf-8")
    done = CliRunner().invoke(app, ["claims", "--jsonl", str(file)])
    said = {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert said["true"]["verdict"] == "supported"
    assert said["false"]["verdict"] == "contradicted"
    assert set(said["false"]["claims"][0]) >= {"start", "end", "type", "verdict", "evidence"}
    assert "product" in said["no product"]["error"]
    assert "string" in said["null"]["error"]
    assert "it" in said["foreign"]["note"]
    assert 6 in said


def test_measure_and_lint_read_standard_input_and_suggest_a_name() -> None:
    measured = CliRunner().invoke(app, ["measure", "--json"], input="保温24小时\n")
    assert json.loads(measured.stdout)["display_width"] == 10
    linted = CliRunner().invoke(app, ["lint", "--channel", "google_rsa", "--field", "headline", "--text", "-"], input="x" * 31)  # fmt: skip  # noqa: E501
    assert "30" in linted.stdout
    missed = CliRunner().invoke(app, ["lint", "--channel", "google rsa", "--field", "headline", "--text", "x"])
    assert missed.exit_code == 2
    assert "did you mean google_rsa" in missed.output
