"""What the rules find, and what they leave alone. Examples come from the packs themselves: a rule brings its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from prompts import UnknownChannel, UnknownField
from prompts.errors import UnknownMarket
from prompts.rules import Example, Pack, Rule, pack, packs
from service.cli import app
from service.copy.folding import fold
from service.copy.rules import Ruling, check, rewrite
from service.domain import Fact, Product, Review
from tests.service.conftest import Shop

TEXTS = Path(__file__).parents[2] / "data" / "rules"
HELDOUT = TEXTS / "heldout.jsonl"


def product(facts: dict[str, str] | None = None, *, reviews: tuple[str, ...] = (), brand: str | None = None) -> Product:
    known = tuple(Fact(key, value) for key, value in (facts or {}).items())
    given = tuple(Review(f"r{i}", text, 5.0) for i, text in enumerate(reviews))
    return Product("p", "Thing", known, brand=brand, reviews=given)


def rule_ids(ruling: Ruling) -> list[str]:
    return [breach.rule for breach in ruling.findings]


# --- every rule's own examples -----------------------------------------------------------------------------------


RULES = [pytest.param(here, rule, id=rule.id) for here in map(pack, packs()) for rule in here.rule]


def ruling_on(here: Pack, rule: Rule, example: Example) -> Ruling:
    channel = example.channel or here.example_channel
    return check(
        example.text,
        market=example.market or (here.id if here.kind == "market" else "us"),
        channel=channel,
        field=example.field or (rule.fields[0] if rule.fields and channel else None),
        category=example.category,
        language=example.language,
        product=product(dict(example.facts), reviews=example.reviews) if example.facts or example.reviews else None,
    )


@pytest.mark.parametrize(("here", "rule"), RULES)
def test_what_a_rule_says_it_catches_is_caught(here: Pack, rule: Rule) -> None:
    for example in rule.examples("caught"):
        ruling = ruling_on(here, rule, example)
        assert rule.id in rule_ids(ruling), example.text
        for breach in ruling.findings:
            assert example.text[breach.start : breach.end] == breach.text != ""


@pytest.mark.parametrize(("here", "rule"), RULES)
def test_what_a_rule_says_it_lets_pass_is_not_caught_by_it(here: Pack, rule: Rule) -> None:
    for example in rule.examples("passes"):
        assert rule.id not in rule_ids(ruling_on(here, rule, example)), example.text


# --- disguises ---------------------------------------------------------------------------------------------------

ABSOLUTE = [
    "最佳",
    "最先进",
    "第一品牌",
    "国家级",
    "顶级",
    "唯一",
    "极致体验",
    "首选品牌",
    "独一无二",
    "销量冠军",
    "史无前例",
    "全网最低价",
]
ENGLISH = ["best", "ultimate", "supreme", "unbeatable"]
WEAK = " \u3000\u00a0.·・-_*/|~+=^'\"()[]【】<>《》❤🔥✨\u200b\u200d\u2060\ufeff\u00ad"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\u0336"


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@settings(max_examples=60, deadline=None)
@given(word=st.sampled_from(ABSOLUTE), data=st.data())
def test_nothing_put_between_chinese_characters_hides_an_absolute_term(word: str, data: st.DataObject) -> None:
    gaps = [data.draw(st.text(st.sampled_from(WEAK), max_size=3)) for _ in word[1:]] + [""]
    said = "".join(character + gap for character, gap in zip(word, gaps, strict=True))
    text = f"这款{said}保温杯"
    ruling = check(text, market="cn", suggest=False)
    assert ruling.verdict == "block"
    found = next(breach for breach in ruling.findings if breach.severity == "block")
    assert found.start <= 2 + len(said) - 1
    assert found.end > 2
    assert text[found.start : found.end] == found.text


@settings(max_examples=50, deadline=None)
@given(word=st.sampled_from(ENGLISH), data=st.data())
def test_nothing_invisible_hides_an_english_term_and_nor_does_full_width(word: str, data: st.DataObject) -> None:
    gaps = [data.draw(st.text(st.sampled_from(INVISIBLE), max_size=2)) for _ in word]
    style = data.draw(st.sampled_from([str, str.upper, str.title, wide]))
    said = "".join(character + gap for character, gap in zip(style(word), gaps, strict=True))
    text = f"The {said} kettle"
    ruling = check(text, market="cn", suggest=False)
    assert ruling.verdict == "block"
    found = ruling.findings[0]
    assert text[found.start : found.end] == found.text
    assert found.start <= 4
    assert found.end >= 4 + len(said.rstrip(INVISIBLE))


@settings(max_examples=20, deadline=None)
@given(word=st.sampled_from(ENGLISH), sign=st.sampled_from(". *_-·|"))
def test_letters_set_apart_are_read_together(word: str, sign: str) -> None:
    assert check(f"the {sign.join(word)} kettle", market="cn", suggest=False).verdict == "block"


@pytest.mark.parametrize(
    "text",
    [
        "最，佳",
        "第、一品牌",
        "国家。级",
        "頂級",
        "極緻享受",
        "銷量第壹",
        "Ｎｏ．１",
        "N0.1品牌",
        "第①名",
        "第Ⅰ品牌",
        "TOP⒈",
        "全网1️⃣第1️⃣",
        "zui佳",
        "醉好喝",
        "蕞低价",
        "the ѕupreme mug",
        "𝐛𝐞𝐬𝐭 mug",
        "ⓑⓔⓢⓣ mug",
        "🅱🅴🆂🆃 mug",
        "bést mug",
    ],
)
def test_known_disguises_are_seen_through(text: str) -> None:
    assert check(text, market="cn").verdict == "block"


FACTS = [
    "容量500ml",
    "316不锈钢内胆",
    "最大承重150kg",
    "最长续航30小时",
    "一级能效",
    "第一步打开盖子",
    "最近到货",
    "双层真空",
    "可机洗",
    "净重1.2千克",
    "尺寸30x20厘米",
    "保质期12个月",
    "最佳赏味期30天",
    "产地浙江",
    "适合4人使用",
    "蓝色",
    "含棉95%",
]
PLAIN = [
    "350 ml",
    "dishwasher safe",
    "stainless steel",
    "fits most cup holders",
    "keeps cold for 24 hours",
    "oak legs",
    "gluten-free",
    "two-year warranty",
    "sage green",
    "set of 4",
    "first-aid kit",
    "free-standing",
    "USB-C",
    "30 x 20 cm",
    "machine washable",
    "made in Portugal",
]


@settings(max_examples=60, deadline=None)
@given(facts=st.lists(st.sampled_from(FACTS), min_size=1, max_size=4, unique=True), join=st.sampled_from("，。；、 "))
def test_plain_chinese_facts_pass_in_any_order(facts: list[str], join: str) -> None:
    assert check(join.join(facts), market="cn", suggest=False).verdict == "pass"


@settings(max_examples=60, deadline=None)
@given(
    facts=st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4, unique=True),
    market=st.sampled_from(["us", "eu", "uk", "cn", "jp"]),
)
def test_plain_english_facts_pass_in_every_market(facts: list[str], market: str) -> None:
    assert check(", ".join(facts), market=market, suggest=False).verdict == "pass"


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), market=st.sampled_from(["cn", "us", "eu", "jp"]))
def test_any_text_is_judged_and_every_span_is_a_place_in_it(text: str, market: str) -> None:
    for breach in check(text, market=market, channel="amazon_listing").findings:
        assert 0 <= breach.start < breach.end <= len(text)
        assert text[breach.start : breach.end] == breach.text


def test_marks_that_belong_to_the_last_character_are_inside_the_span() -> None:
    text = "第1️⃣品牌"
    found = check(text, market="cn").findings[0]
    assert text[found.start : found.end].startswith("第1️⃣")
    assert fold(text).tight.text == "第1品牌"


# --- markets, languages, channels, fields --------------------------------------------------------------------------


def test_a_chinese_text_for_the_united_states_gets_american_rules() -> None:
    assert rule_ids(check("根治糖尿病", market="us")) == ["us.health.disease"]
    assert check("最佳赏味期30天，容量500ml", market="us").verdict == "pass"


def test_the_law_of_china_holds_for_english_words() -> None:
    assert check("The best kettle, No.1", market="cn").verdict == "block"
    assert check("The best part of your morning", market="us").verdict == "warn"


def test_a_country_answers_with_its_own_and_the_unions_rules() -> None:
    assert {"eu.green.generic"} <= set(rule_ids(check("Umweltfreundliche Tasse", market="de", language="de")))


def test_title_rules_hold_for_titles() -> None:
    shout = "STEEL BOTTLE 750 ml"
    assert "amazon.title.caps" in rule_ids(check(shout, market="us", channel="amazon_listing", field="title"))
    assert "amazon.title.caps" not in rule_ids(check(shout, market="us", channel="amazon_listing", field="bullet"))


def test_without_a_field_a_text_that_would_fit_a_title_is_held_against_title_rules() -> None:
    assert check("Mug Free Shipping", market="us", channel="amazon_listing").verdict == "block"
    long = "Holds half a litre and fits under most machines. " * 6
    assert check(long + "Repeat, repeat, repeat", market="us", channel="amazon_listing").verdict == "pass"


def test_what_does_not_exist_is_told() -> None:
    with pytest.raises(UnknownMarket):
        check("a", market="mars")
    with pytest.raises(UnknownChannel):
        check("a", market="us", channel="myspace")
    with pytest.raises(UnknownField):
        check("a", market="us", channel="amazon_listing", field="headline")


def test_a_category_is_told_from_the_text_unless_it_is_given() -> None:
    assert "cn.cosmetics.effects" in rule_ids(check("面霜 抗菌消炎", market="cn"))
    assert "cn.cosmetics.effects" not in rule_ids(check("抗菌砧板", market="cn", category="kitchen"))
    assert check("Supports up to 120 kg", market="eu").verdict == "pass"


# --- the product as evidence ---------------------------------------------------------------------------------------


def test_a_certificate_bears_a_claim_out() -> None:
    certified = product({"label": "EU Ecolabel licence DE/020/123"})
    assert check("Eco-friendly detergent", market="eu").verdict == "block"
    assert check("Eco-friendly detergent", market="eu", product=certified).verdict == "pass"


def test_a_quotation_is_lawful_word_for_word_only() -> None:
    known = product(reviews=("It pours exactly where I want.",))
    assert check("“It pours exactly where I want”", market="us", product=known).verdict == "pass"
    assert check("“I pour exactly what I want”, says Ann", market="us", product=known).verdict == "block"


def test_a_star_value_is_the_mean_of_the_reviews_or_nothing() -> None:
    known = product(reviews=("good", "fine"))
    assert check("Rated 5 stars", market="us", product=known).verdict == "pass"
    wrong = check("Rated 4.9 out of 5 by our customers", market="us", product=known)
    assert wrong.verdict == "block"
    assert check("Rated 4.9 stars", market="us").verdict == "block"


def test_a_registered_name_may_be_called_by_its_name() -> None:
    assert check("极致牌保温杯", market="cn").verdict == "block"
    assert check("极致牌保温杯", market="cn", product=product(brand="极致")).verdict == "pass"
    assert check("极致牌保温杯，全网第一", market="cn", product=product(brand="极致")).verdict == "block"


def test_a_dated_and_sourced_rank_is_a_warning() -> None:
    assert check("2024年保温杯类目销量第一，数据来源：生意参谋", market="cn").verdict == "warn"
    assert check("2024年最好的保温杯", market="cn").verdict == "block"


# --- rewriting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "text", "mended"),
    [
        ("cn", "全网最佳保温杯，容量500ml", "保温杯，容量500ml"),
        ("cn", "最柔软的毛巾，纯棉", "柔软的毛巾，纯棉"),
        ("cn", "第一品牌 保温杯 500ml", "保温杯 500ml"),
        ("eu", "Eco-friendly bottle, 750 ml", "Bottle, 750 ml"),
        ("us", "The #1 kettle with a gooseneck spout", "Kettle with a gooseneck spout"),
    ],
)
def test_a_text_is_mended_where_that_is_safe(market: str, text: str, mended: str) -> None:
    ruling = check(text, market=market)
    assert ruling.rewrite == mended
    assert rewrite(text, ruling) == mended
    assert check(mended, market=market).verdict != "block"


def test_a_fact_takes_the_place_of_a_generic_claim() -> None:
    known = product({"material": "recycled cotton"})
    ruling = check("Eco-friendly tote bag", market="eu", product=known)
    assert ruling.rewrite == "Recycled cotton tote bag"


@pytest.mark.parametrize(("market", "text"), [("cn", "最佳"), ("us", "Cures cancer"), ("eu", "Infant formula, 800 g")])
def test_what_cannot_be_mended_safely_is_left_to_a_person(market: str, text: str) -> None:
    ruling = check(text, market=market)
    assert ruling.verdict == "block"
    assert ruling.rewrite is None
    assert rewrite(text, ruling) == text
    assert all(breach.hint for breach in ruling.findings)


def test_a_rewrite_takes_another_draft_in_the_same_circumstances() -> None:
    ruling = check("全网最佳保温杯，容量500ml", market="cn")
    assert rewrite("顶级保温杯，容量500ml", ruling) == "精选保温杯，容量500ml"


@settings(max_examples=40, deadline=None)
@given(row=st.sampled_from([json.loads(line) for line in HELDOUT.read_text("utf-8").splitlines()]))
def test_no_rewrite_is_blocked(row: dict[str, str]) -> None:
    ruling = check(row["text"], market=row["market"], channel=row.get("channel"), field=row.get("field"))
    if ruling.rewrite is not None:
        again = check(ruling.rewrite, market=row["market"], channel=row.get("channel"), field=row.get("field"))
        assert again.verdict != "block"


def test_findings_come_as_findings_of_a_copy_line() -> None:
    finding = check("最佳保温杯", market="cn").as_findings("headline")[0]
    assert (finding.id, finding.severity, finding.field, finding.start) == ("cn.absolute.most", "block", "headline", 0)


# --- the held-out set ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["heldout", "blind", "blind2"])
def test_held_out_texts_are_told_apart(name: str) -> None:
    """0.95 is the aim; each set was labelled before its first run, whose figures are in this room's README."""
    rows = [json.loads(line) for line in (TEXTS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    judged = []
    for row in rows:
        known = None
        if "product" in row:
            given = row["product"]
            stars = tuple(Review(r["id"], r["text"], r["stars"]) for r in given.get("reviews", ()))
            facts = tuple(Fact(f["key"], f["value"]) for f in given["facts"])
            known = Product("p", given["title"], facts, brand=given.get("brand"), reviews=stars)
        ruling = check(
            row["text"],
            market=row["market"],
            channel=row.get("channel"),
            field=row.get("field"),
            language=row.get("lang"),
            category=row.get("category"),
            product=known,
            suggest=False,
        )
        judged.append((row["verdict"], ruling.verdict))
    for bad in (("block", "warn"), ("block",)):
        both = sum(should in bad and was in bad for should, was in judged)
        assert both / sum(was in bad for _, was in judged) >= 0.95
        assert both / sum(should in bad for should, _ in judged) >= 0.95


# --- command and resource ------------------------------------------------------------------------------------------


def test_the_command_tells_rule_span_severity_and_rewrite() -> None:
    answer = CliRunner().invoke(app, ["rules", "--market", "cn", "--text", "全网最.佳保温杯", "--json"])
    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert told["verdict"] == "block"
    finding = told["findings"][0]
    assert (finding["rule"], finding["start"], finding["end"]) == ("cn.absolute.most", 0, 5)
    assert finding["rewrite"] == told["rewrite"] == "保温杯"


def test_the_command_can_fail_a_build() -> None:
    arguments = ["rules", "--market", "us", "--text", "The best kettle"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--fail-on", "block"]).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--fail-on", "warn"]).exit_code == 3


def test_lines_are_judged_one_by_one_and_a_bad_one_stops_nothing(tmp_path: Path) -> None:
    lines = [
        {"id": "a", "market": "us", "channel": "amazon_listing", "text": "Mug Free Shipping"},
        {"id": "b", "market": "mars", "channel": None, "text": "x"},
        {"id": "c", "market": "cn", "text": "最佳赏味期30天"},
        {"id": "d", "market": "cn", "text": 5},
        {"id": "e", "market": "us", "text": "x", "colour": "red"},
    ]
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join([*map(json.dumps, lines), "no json"]), "utf-8")
    answer = CliRunner().invoke(app, ["rules", "--jsonl", str(file)])
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [row.get("verdict") for row in told] == ["block", None, "pass", None, None, None]
    assert "markets here" in told[1]["error"]
    assert "line 6" in told[5]["error"]
    assert answer.exit_code == 1


def test_rules_can_be_listed() -> None:
    answer = CliRunner().invoke(app, ["rules", "list", "--market", "us", "--channel", "amazon_listing", "--json"])
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {row["pack"] for row in told} == {"us", "amazon"}
    assert all(row["source"] and row["severity"] in ("block", "warn") for row in told)
    flag = CliRunner().invoke(app, ["rules", "--list", "--market", "us", "--channel", "amazon_listing", "--json"])
    assert flag.stdout == answer.stdout


def test_the_resource_judges_one_text_or_many(shop: Shop) -> None:
    body = {"market": "cn", "channel": "taobao_tmall", "texts": ["全网最佳保温杯", "大容量保温杯"]}
    told = shop.call("POST", "/v1/rules/check", 200, json=body)
    assert [ruling["verdict"] for ruling in told["rulings"]] == ["block", "pass"]
    assert told["packs"] == ["cn", "cn_platforms"]
    single = shop.call("POST", "/v1/rules/check", 200, json={"market": "cn", "text": "全网最佳保温杯"})
    assert single["rulings"][0]["findings"][0]["rule"] == "cn.absolute.most"
    assert len(shop.call("GET", "/v1/rules?market=cn", 200)["rules"]) == len(pack("cn").rule)


@pytest.mark.parametrize(
    "body", [{"market": "mars", "text": "a"}, {"market": "cn"}, {"market": "cn", "text": "a", "channel": "none"}]
)
def test_the_resource_refuses_with_a_problem_document(shop: Shop, body: dict[str, str]) -> None:
    problem = shop.call("POST", "/v1/rules/check", 422, json=body)
    assert problem["status"] == 422
