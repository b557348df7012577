"""Channels as data. Limits are those of the channel files; the checks are worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prompts import (
    BadFile,
    CountRule,
    Evidence,
    Level,
    UnknownChannel,
    UnknownField,
    channel,
    check_channel,
    check_field,
    field_findings,
)
from prompts.channels import channels, parse


@pytest.mark.parametrize("name", channels())
def test_every_channel_file_is_well_formed_and_says_its_source(name: str) -> None:
    here = channel(name)
    facts = [*here.text.values(), *here.images.values(), *here.sizes, *here.limits.values()]
    facts += [fact for fact in (here.safe_zone, here.cards, here.ai_disclosure, here.video) if fact is not None]
    assert facts
    for fact in facts:
        assert fact.url is not None or fact.evidence is not Evidence.OFFICIAL or fact.source_note
        assert (fact.source == "memory") <= (fact.evidence is Evidence.MEMORY)


def test_all_channels_are_here() -> None:
    assert len(channels()) == 28
    assert {"google_rsa", "meta_feed", "email", "taobao_tmall", "sms", "iab_display"} <= set(channels())


@pytest.mark.parametrize(
    ("name", "field", "longest", "rule", "level"),
    [
        ("google_rsa", "headline", 30, "display_width", "reject"),
        ("google_rsa", "description", 90, "display_width", "reject"),
        ("meta_feed", "primary_text", 125, "code_points", "truncate"),
        ("email", "subject", 60, "display_width", "advise"),
        ("amazon_listing", "search_terms", 249, "utf8_bytes", "reject"),
        ("taobao_tmall", "title", 60, "gbk_bytes", "reject"),
        ("google_demand_gen", "headline", 30, "display_width", "reject"),  # the stricter of 30 and 40
        ("meta_feed", "description", 25, "code_points", "truncate"),  # the strictest of 25, 27 and 30
    ],
)
def test_limits_are_the_published_ones(name: str, field: str, longest: int, rule: str, level: str) -> None:
    spec = channel(name).field(field)
    assert (spec.max, spec.count, spec.level) == (longest, CountRule(rule), Level(level))


def test_a_limit_is_met_exactly_and_broken_by_one() -> None:
    assert check_field("google_rsa", "headline", "x" * 30) is None
    finding = check_field("google_rsa", "headline", "x" * 31)
    assert finding is not None
    assert (finding.kind, finding.level, finding.length, finding.limit) == ("too_long", Level.REJECT, 31, 30)
    assert check_field("google_rsa", "headline", "杯" * 15) is None
    assert check_field("google_rsa", "headline", "杯" * 16) is not None


def test_between_two_sources_a_text_is_warned_and_beyond_both_refused() -> None:
    assert check_field("google_demand_gen", "headline", "x" * 30) is None
    between = check_field("google_demand_gen", "headline", "x" * 31)
    beyond = check_field("google_demand_gen", "headline", "x" * 41)
    assert between is not None
    assert beyond is not None
    assert (between.level, beyond.level) == (Level.ADVISE, Level.REJECT)
    assert beyond.limit == 40


def test_each_level_speaks_its_own_language() -> None:
    cut = check_field("meta_feed", "primary_text", "x" * 126)
    advised = check_field("email", "subject", "x" * 61)
    assert cut is not None
    assert advised is not None
    assert (cut.level, advised.level) == (Level.TRUNCATE, Level.ADVISE)
    assert "cut off after 125" in cut.message


def test_an_empty_text_is_too_short() -> None:
    for text in ("", "   "):
        finding = check_field("google_rsa", "headline", text)
        assert finding is not None
        assert finding.kind == "too_short"
    short = check_field("douyin_shop", "title", "保温杯")  # 6 bytes, 15 needed
    assert short is not None
    assert short.limit == 15


def test_short_messages_count_septets_parts_and_foreign_characters() -> None:
    assert check_field("sms", "body_gsm7", "a" * 160) is None
    two_parts = check_field("sms", "body_gsm7", "a" * 161)
    foreign = check_field("sms", "body_gsm7", "保温杯")
    too_long = check_field("sms", "body_gsm7", "a" * 1601)
    assert two_parts is not None
    assert foreign is not None
    assert too_long is not None
    assert (two_parts.level, foreign.level, too_long.level) == (Level.ADVISE, Level.REJECT, Level.REJECT)
    assert "2 parts" in two_parts.message


def test_forbidden_content_is_found_and_named() -> None:
    kinds = {
        f.message.split(":")[0].rsplit(" ", 1)[-1] for f in field_findings("tiktok_infeed", "ad_text", "@bo 😀 #sale")
    }
    assert kinds == {"emoji", "mention", "hashtag"}
    assert check_field("tiktok_infeed", "ad_text", "Mail us: a@b.example, no. 5") is None
    title = field_findings("amazon_listing", "title", "Mug! Mug for a mug")
    assert [finding.kind for finding in title] == ["forbidden_character", "repeated_word"]
    assert check_field("xiaohongshu_goods", "short_title", "保温杯 好看") is not None
    assert check_field("xiaohongshu_goods", "short_title", "不锈钢保温杯") is None


def test_a_link_counts_as_much_as_the_channel_says() -> None:
    link = "https://shop.example/" + "a" * 200
    spec = channel("x_website_card").field("post")
    assert spec.length("Look " + link) == 5 + 23
    assert check_field("x_website_card", "post", "Look " + link) is None


def test_a_whole_ad_needs_its_texts_and_no_doubles() -> None:
    good = {"headline": ["One", "Two", "Three"], "description": ["First text.", "Second text."]}
    assert check_channel("google_rsa", good) == ()
    few = check_channel("google_rsa", {"headline": ["One"], "description": ["a", "b"]})
    assert [(f.kind, f.field, f.limit) for f in few] == [("too_few_items", "headline", 3)]
    doubled = check_channel("google_rsa", {**good, "headline": ["One", "Two", "ＯＮＥ "]})
    assert [(f.kind, f.item) for f in doubled] == [("duplicate", 2)]
    many = check_channel("google_rsa", {**good, "headline": [f"Line {i}" for i in range(16)]})
    assert [f.kind for f in many] == ["too_many_items"]
    long = check_channel("google_rsa", {**good, "headline": ["One", "Two", "x" * 31]})
    assert [(f.kind, f.item) for f in long] == [("too_long", 2)]


def test_a_performance_max_group_needs_one_short_headline() -> None:
    fields = {
        "headline": [f"A headline number {i}" for i in range(11)],
        "long_headline": ["A long headline"],
        "description": ["Short text.", "b", "c", "d"],
        "business_name": ["Lumo"],
    }
    assert [f.kind for f in check_channel("google_pmax", fields)] == ["none_short"]
    fields["headline"][0] = "Short"
    assert check_channel("google_pmax", fields) == ()


def test_worse_findings_come_first() -> None:
    found = check_channel("google_pmax", {"headline": ["a", "b", "c"]})
    order = [Level.REJECT, Level.TRUNCATE, Level.ADVISE]
    assert [order.index(f.level) for f in found] == sorted(order.index(f.level) for f in found)
    assert found[-1].kind == "few_items"


def test_safe_zones_follow_the_pictures_size() -> None:
    zone = channel("meta_reels").safe_zone
    assert zone is not None
    assert zone.box((1080, 1920)) == (65, 250, 1015, 1248)
    assert zone.box((540, 960)) == (33, 125, 507, 624)  # rounded inwards


def test_unknown_names_say_what_exists() -> None:
    with pytest.raises(UnknownChannel, match="google_rsa"):
        channel("google")
    with pytest.raises(UnknownField, match="headline, description, path"):
        check_field("google_rsa", "title", "x")
    with pytest.raises(UnknownField, match="pictures only"):
        check_field("iab_display", "title", "x")
    with pytest.raises(UnknownField):
        check_channel("google_rsa", {"title": ["x"]})


def test_a_malformed_channel_file_is_refused() -> None:
    good = 'name = "T"\nfound = "2026-11-21"\n[text.t]\nmax = 5\ncount = "code_points"\nlevel = "reject"\n'
    good += 'source = "s"\nevidence = "official"\n'
    assert parse("t", good).text["t"].max == 5
    for old, new in (("max = 5", "max = true"), ("max = 5", "maximum = 5"), ("reject", "hard"), ("max = 5", "min = 1")):
        with pytest.raises(BadFile):
            parse("t", good.replace(old, new))
    with pytest.raises(BadFile, match="looser_max"):
        parse("t", good.replace("max = 5", "max = 5\nlooser_max = 4"))


def test_findings_are_values() -> None:
    finding = check_field("google_rsa", "headline", "x" * 31)
    assert finding is not None
    assert replace(finding, item=3).item == 3
    assert finding.source is not None
    assert finding.source.startswith("https://")
