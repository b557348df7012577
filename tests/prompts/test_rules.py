"""Rule packs as data: well formed, sourced, and told helpfully when they are not."""

from __future__ import annotations

import re

import pytest

from prompts import BadFile, Evidence, UnknownChannel
from prompts.errors import UnknownMarket
from prompts.rules import (
    Pack,
    Rule,
    digest,
    find_channel,
    find_market,
    market_ids,
    pack,
    packs,
    packs_for,
    parse,
    parse_shared,
    shared,
)

MINIMAL = """
name = "Nowhere"
kind = "market"

[sources.law]
title = "Law of Nowhere, Art. 1"
evidence = "memory"
read = "2026-11-21"

[[rule]]
id = "nowhere.words.bad"
title = "A bad word"
source = ["law"]
severity = "block"
why = "the law says so"
patterns = ['bad(?:ly)?']
rewrite = { drop = true, hint = "leave it out" }
caught = ["a bad word"]
passes = ["a badge"]
"""


def rules() -> list[tuple[Pack, Rule]]:
    return [(here, rule) for here in map(pack, packs()) for rule in here.rule]


def test_the_packs_that_were_asked_for_are_here() -> None:
    assert {"cn", "eu", "us", "uk", "de", "fr", "jp", "amazon", "google_ads", "meta"} <= set(packs())
    assert market_ids() == ("cn", "de", "eu", "fr", "jp", "uk", "us")


@pytest.mark.parametrize("name", packs())
def test_every_pack_says_what_each_rule_rests_on(name: str) -> None:
    here = pack(name)
    for rule in here.rule:
        for key in rule.source:
            source = here.sources[key]
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", source.read)
            assert source.url is not None or source.evidence is Evidence.MEMORY
        assert rule.why[0].islower() or not rule.why[0].isascii() or rule.why[0].isdigit()
        assert rule.rewrite.hint


def test_no_source_is_named_that_no_rule_rests_on() -> None:
    for here in map(pack, packs()):
        used = {key for rule in here.rule for key in rule.source}
        assert set(here.sources) == used, here.id


def test_every_rule_has_examples_of_both_kinds() -> None:
    for _, rule in rules():
        assert rule.examples("caught"), rule.id
        assert rule.examples("passes"), rule.id
        assert not {e.text for e in rule.examples("caught") if not (e.facts or e.reviews)} & {
            e.text for e in rule.examples("passes") if not (e.facts or e.reviews)
        }


def test_ids_are_unique_over_all_packs() -> None:
    ids = [rule.id for _, rule in rules()]
    assert len(ids) == len(set(ids)) > 120


@pytest.mark.parametrize(
    ("name", "id"),
    [("CN", "cn"), ("zh-CN", "cn"), ("china", "cn"), ("gb", "uk"), ("en_GB", "uk"), ("USA", "us"), ("it", "eu")],
)
def test_a_market_goes_by_several_names(name: str, id: str) -> None:
    assert find_market(name) == id


def test_an_unknown_market_is_told_what_there_is() -> None:
    with pytest.raises(UnknownMarket, match=r"no market 'mars'; markets here: cn, de, eu, fr, jp, uk, us"):
        find_market("mars")
    with pytest.raises(UnknownMarket):
        find_market("amazon")  # a platform is no market


def test_a_platform_name_stands_for_its_first_channel() -> None:
    assert find_channel("amazon") == "amazon_listing"
    assert find_channel("facebook") == "meta_feed"
    with pytest.raises(UnknownChannel, match="channels here: amazon_listing"):
        find_channel("myspace")


def test_a_country_brings_the_union_and_a_channel_its_platform() -> None:
    assert [p.id for p in packs_for("de", "google_rsa")] == ["de", "eu", "google_ads"]
    assert [p.id for p in packs_for("uk", None)] == ["uk"]
    assert [p.id for p in packs_for("cn", "xiaohongshu_note")] == ["cn", "cn_platforms"]


def test_a_minimal_pack_is_read() -> None:
    here = parse("nowhere", MINIMAL)
    assert here.rule[0].patterns == ("bad(?:ly)?",)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("severity = \"block\"", "severity = \"deadly\""), r"rules/nowhere.toml: rule nowhere.words.bad: severity"),
        (("source = [\"law\"]", "source = [\"lore\"]"), r"rule nowhere.words.bad: no source lore under \[sources\]"),
        (("bad(?:ly)?", "bad(?:ly"), r"rule nowhere.words.bad: pattern 'bad\(\?:ly' is no regular expression"),
        (("bad(?:ly)?", "<<rude>>"), r"rule nowhere.words.bad: .*no list 'rude'"),
        (("caught = [\"a bad word\"]", "caught = []"), r"rule nowhere.words.bad: caught"),
        (("passes = [\"a badge\"]", ""), r"rule nowhere.words.bad: passes"),
        (("id = \"nowhere.words.bad\"", "id = \"elsewhere.words.bad\""), r"its id must begin with 'nowhere'"),
        (("patterns = ['bad(?:ly)?']", "check = \"telepathy\""), r"rule nowhere.words.bad: check"),
        (("patterns = ['bad(?:ly)?']", ""), r"either patterns or a check"),
        (("title = \"A bad word\"", "titel = \"A bad word\""), r"titel|title"),
        (("kind = \"market\"", "kind = \"platform\""), r"a platform pack names its channels"),
        (("name = \"Nowhere\"", "name = Nowhere"), r"rules/nowhere.toml: "),
    ],
)  # fmt: skip
def test_a_broken_pack_is_told_with_file_and_rule(change: tuple[str, str], complaint: str) -> None:
    assert change[0] in MINIMAL
    with pytest.raises(BadFile, match=complaint):
        parse("nowhere", MINIMAL.replace(*change), {"polite": ("please",)})


def test_a_broken_shared_table_is_told_by_its_list() -> None:
    with pytest.raises(BadFile, match=r"shared.toml: x: pattern '\[' is no regular expression"):
        parse_shared("[lists]\nx = ['[']\n[checks]\n[categories]\n[fold]\ntraditional = ''\nlookalike = ''")


def test_every_pair_of_the_folding_table_is_two_readings_of_one_character() -> None:
    for pair in (shared().fold.traditional + shared().fold.lookalike).split():
        assert len(pair) >= 2
        assert pair[0] not in pair[1:]


def test_the_digest_is_that_of_what_the_packs_say() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", digest())
    assert digest() == digest()
