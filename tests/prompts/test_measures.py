"""Counting rules. Values worked by hand unless a source is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts import CountRule, count, emojis, fit, graphemes, measure, urls

FAMILY = "👨\u200d👩\u200d👧\u200d👦"  # four people joined: one picture, seven code points
GERMANY = "\U0001f1e9\U0001f1ea"
cjk = st.text(st.sampled_from("保温杯不锈钢さくらカナ、。「」！"), max_size=20)
latin = st.text(st.sampled_from("abcXYZ 09.,-!?"), max_size=20)
pieces = st.sampled_from(
    ["a", "é", "e\u0301", "杯", "か\u3099", "각", FAMILY, GERMANY, "1\ufe0f\u20e3", "❤\ufe0f", " "]
)
mixed = st.lists(pieces, max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "width", "points", "gbk", "utf8", "units"),
    [
        ("", 0, 0, 0, 0, 0),
        ("Steel mug", 9, 9, 9, 9, 9),
        ("保温杯", 6, 3, 6, 9, 3),
        ("保温杯 750ml", 12, 9, 12, 15, 9),
        ("ＡＢ", 4, 2, 4, 6, 2),  # full-width letters
        ("ｱｲ", 2, 2, 8, 6, 2),  # half-width kana: not in GBK, four bytes each in GB 18030
        ("e\u0301", 1, 2, 5, 3, 2),  # combining acute
        (FAMILY, 2, 7, 28, 25, 11),
        (GERMANY, 2, 2, 8, 8, 4),
        ("❤\ufe0f", 2, 2, 8, 6, 2),
        ("“…”", 3, 3, 6, 9, 3),  # ambiguous width counts 1
        ("\u1112\u1161\u11ab", 2, 3, 12, 9, 3),  # a decomposed Korean syllable
    ],
)
def test_known_lengths(text: str, width: int, points: int, gbk: int, utf8: int, units: int) -> None:
    m = measure(text)
    assert (m.display_width, m.code_points, m.gbk_bytes, m.utf8_bytes, m.ucs2_units) == (
        width,
        points,
        gbk,
        utf8,
        units,
    )


def test_short_message_septets_and_segments() -> None:
    assert measure("a" * 160).gsm7_segments == 1
    assert measure("a" * 161).gsm7_segments == 2  # 153 a part
    assert measure("a" * 306).gsm7_segments == 2
    assert measure("a" * 307).gsm7_segments == 3
    assert measure("€").gsm7_septets == 2  # escape and code
    assert measure("a" * 159 + "€").gsm7_segments == 2  # 161 septets
    assert measure("a" * 152 + "€" + "a" * 152).gsm7_segments == 3  # 306 septets, but the pair cannot straddle 153
    assert measure("杯" * 70).sms_segments == 1
    assert measure("杯" * 71).sms_segments == 2
    assert measure("杯" * 66 + "😀" + "杯" * 66).sms_segments == 3  # the surrogate pair cannot straddle 67
    assert measure("5€ off ✓").gsm7_septets is None
    assert measure("5€ off ✓✓").not_gsm7 == ("✓",)


@given(cjk, latin)
def test_wide_characters_count_two_and_others_one(wide: str, narrow: str) -> None:
    assert count(wide + narrow, "display_width") == 2 * len(wide) + len(narrow)
    assert count(wide, CountRule.GBK_BYTES) == len(wide.encode("gbk"))


@given(mixed, mixed)
def test_lengths_add_up_where_clusters_do_not_join(a: str, b: str) -> None:
    joined = a + "|" + b
    for rule in (CountRule.CODE_POINTS, CountRule.UTF8_BYTES, CountRule.UCS2_UNITS, CountRule.GBK_BYTES):
        assert count(joined, rule) == (count(a, rule) or 0) + 1 + (count(b, rule) or 0)
    assert "".join(graphemes(joined)) == joined


@given(mixed)
def test_a_mark_or_a_joiner_never_makes_a_text_wider(text: str) -> None:
    marked = "".join(cluster + "\u0301" if cluster[-1].isalpha() else cluster for cluster in graphemes(text))
    assert measure(marked).display_width == measure(text).display_width
    assert measure(text).graphemes <= measure(text).code_points
    assert measure(text).display_width <= 2 * measure(text).graphemes


@given(st.text(max_size=40))
def test_every_text_has_a_length_by_every_rule(text: str) -> None:
    m = measure(text)
    assert m.utf8_bytes >= m.code_points >= m.graphemes
    assert m.ucs2_units >= m.code_points
    assert (m.gsm7_septets is None) == bool(m.not_gsm7)


@given(mixed, st.integers(0, 40), st.sampled_from(list(CountRule)))
def test_a_cut_text_fits_and_never_splits_what_a_reader_sees(text: str, limit: int, rule: CountRule) -> None:
    cut = fit(text, rule, limit)
    length = count(cut, rule)
    whole = list(graphemes(text.strip()))
    assert whole[: len(list(graphemes(cut)))] == list(graphemes(cut))
    assert cut == "" or (length is not None and length <= limit)


def test_a_cut_falls_between_words() -> None:
    assert fit("Stainless steel bottle", "code_points", 16) == "Stainless steel"
    assert fit("Stainless steel bottle", "code_points", 15) == "Stainless steel"
    assert fit("Stainless steel bottle", "code_points", 14) == "Stainless"
    assert fit("Incomprehensibly", "code_points", 6) == "Incomp"
    assert fit("不锈钢保温杯", "gbk_bytes", 7) == "不锈钢"


def test_addresses_and_emoji_are_found() -> None:
    assert urls("See https://a.example/x?y=1, or www.b.example.") == ("https://a.example/x?y=1", "www.b.example")
    assert emojis(f"a {FAMILY}{GERMANY} ❤\ufe0f ❤ ™ 5") == (FAMILY, GERMANY, "❤\ufe0f")
