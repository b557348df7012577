"""Sentence shapes: what they allow, and that every text they allow fits."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from prompts.shapes import pattern

words = st.text(st.sampled_from("abc .+(é杯"), min_size=1, max_size=8).filter(lambda w: w.strip() == w)


def texts(expression: str) -> list[str]:
    """Every text of a pattern that is made of groups and alternatives only."""
    inner = expression.removeprefix("^").removesuffix("$")

    def parse(i: int) -> tuple[list[str], int]:
        found: list[str] = []
        current = [""]
        while i < len(inner) and inner[i] != ")":
            if inner[i] == "|":
                found, current, i = found + current, [""], i + 1
            elif inner[i] == "(":
                group, i = parse(i + 1)
                current = [a + b for a in current for b in group]
            else:
                i += inner[i] == "\\"
                current = [a + inner[i] for a in current]
                i += 1
        return found + current, i + 1

    return parse(0)[0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(words, min_size=1, max_size=4, unique=True), st.lists(words, max_size=4, unique=True), st.integers(4, 24)
)
def test_every_text_of_every_shape_fits_and_matches(first: list[str], second: list[str], longest: int) -> None:
    shapes = ["${a} for ${b}", "${a^}, ${a}", "Meet ${b}", "${a}"]
    expression = pattern(shapes, {"a": first, "b": second}, longest)
    if expression is None:
        assert all(len(word) > longest for word in first)
        return
    found = texts(expression)
    assert found
    for text in found:
        assert len(text) <= longest
        assert re.search(expression, text)


def test_nothing_that_fits_is_lost() -> None:
    expression = pattern(["${a} for ${b}"], {"a": ["tea", "coffee"], "b": ["two", "everybody"]}, 14)
    assert expression is not None
    assert set(texts(expression)) == {"tea for two", "coffee for two"}


def test_no_entry_is_said_twice_in_one_text() -> None:
    expression = pattern(["${a}, ${a} and ${a}"], {"a": ["x", "y", "z"]}, 20)
    assert expression is not None
    assert set(texts(expression)) == {
        f"{a}, {b} and {c}" for a in "xyz" for b in "xyz" for c in "xyz" if len({a, b, c}) == 3
    }


def test_entries_that_json_would_escape_are_left_out() -> None:
    assert pattern(["${a}"], {"a": ['27" screen', "back\\slash", "two\nlines", "fine"]}, 20) == "^(fine)$"


def test_a_shape_whose_list_is_empty_is_left_out() -> None:
    assert pattern(["For ${who}: ${a}", "${a}"], {"a": ["tea"], "who": []}, 20) == "^(tea)$"
    assert pattern(["For ${who}"], {"who": []}, 20) is None
