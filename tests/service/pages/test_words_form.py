"""The words page without a browser: what is typed, what is refused and how, who sees what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models import text_model
from service.arena import utc_now
from service.copy.brief import brief_for, parse_brief
from service.copy.generate import write_copy
from service.domain import Claim, Verdict
from service.errors import InvalidInput
from service.pages.words_form import facts_of, price_of, reviews_of
from service.pages.words_lines import apart, runs_of
from service.records import Scope
from service.storage.drafts import Drafts
from tests.service.conftest import Shop, open_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield from open_shop(tmp_path_factory.mktemp("words"))


class Merchant:
    """Somebody signed in."""

    def __init__(self, shop: Shop, key: str) -> None:
        self.client = TestClient(shop.client.app, raise_server_exceptions=False, follow_redirects=False)
        self.client.post("/login", data={"key": key})

    def post(self, path: str, **form: Any) -> Any:
        token = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/words/new").text)
        return self.client.post(path, data={"csrf": token[1] if token else "", **form})


def test_a_refused_form_says_everything_that_is_wrong_and_loses_nothing(shop: Shop) -> None:
    merchant = Merchant(shop, shop.key)
    answer = merchant.post(
        "/words/new", source="new", title="", facts="Capacity: 350 ml\nblue & <b>bold</b>", price="24", variants="many",
        keywords="a, b", tone="calm"
    )  # fmt: skip
    assert answer.status_code == 422
    for said in ("What is it called?", "line 2", "has no colon", "24.90 EUR", "a whole number", "at least one place"):
        assert said.lower() in answer.text.lower(), said
    for typed in ("blue &amp; &lt;b&gt;bold&lt;/b&gt;", 'value="24"', 'value="a, b"', 'value="calm"'):
        assert typed in answer.text, typed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "JSON"),
        ('[{"id": "a"}]', "one product"),
        ('{"id": "a", "title": "A", "colour": "red"}', "unknown key"),
        ('{"id": "a"}', "title"),
    ],
)
def test_a_product_file_that_cannot_be_read_is_refused_by_its_field(shop: Shop, text: str, reason: str) -> None:
    answer = Merchant(shop, shop.key).post("/words/new", source="json", json=text, channels="email", variants="2")
    assert answer.status_code == 422
    assert reason in answer.text


def test_a_language_that_nobody_here_writes_is_refused_at_once(shop: Shop) -> None:
    form = {"source": "new", "title": "Becher", "language": "fi", "channels": "email", "variants": "2"}
    answer = Merchant(shop, shop.key).post("/words/new", **form)
    assert answer.status_code == 422
    assert "these can: English, Chinese" in answer.text


def test_another_workspace_finds_neither_draft_nor_line(shop: Shop) -> None:
    form = {"source": "new", "title": "Mug", "facts": "Capacity: 350 ml", "channels": "email", "variants": "2"}
    started = Merchant(shop, shop.key).post("/words/new", **form)
    assert started.status_code == 303
    path = started.headers["location"]
    _, key = shop.services.ring.create("other", "somebody else", (Scope.MERCHANT,), utc_now())
    stranger = Merchant(shop, key)
    for address in (path, f"{path}/news", f"{path}/words.csv", f"{path}/words.json"):
        assert stranger.client.get(address).status_code == 404, address
    for action in ("stop", "go-on", "forget", "approve-clean", "lines/1/approve", "lines/1/save", "lines/1/check"):
        assert stranger.post(f"{path}/{action}", version="1", text="x").status_code == 404, action
    assert "Mug" not in stranger.client.get("/words").text
    assert "Mug" not in stranger.client.get("/words/products").text
    _, growth = shop.services.ring.create("main", "growth only", (Scope.GROWTH,), utc_now())
    assert Merchant(shop, growth).client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("24.90 EUR", "24.90", "EUR"),
        ("€24,90", "24.90", "EUR"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("$1,299", "1299", "USD"),
        ("99元", "99", "CNY"),
    ],
)
def test_prices_are_read_as_people_write_them(text: str, amount: str, currency: str) -> None:
    assert price_of(text, "en") == {"amount": amount, "currency": currency}


@pytest.mark.parametrize("text", ["24", "EUR", "24.90 something", "a lot", "€24 EUR"])
def test_a_price_without_one_reading_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="price"):
        price_of(text, "en")


def test_facts_and_reviews_are_read_line_by_line() -> None:
    assert facts_of("• 容量：350ml\n\nMaterial = steel") == [
        {"key": "容量", "value": "350ml"},
        {"key": "material", "value": "steel"},
    ]
    with pytest.raises(InvalidInput, match="material: solid oak wood"):
        facts_of("solid oak wood")
    assert [review.get("stars") for review in reviews_of("★★★★☆ Fine\n5/5 Pours well\nNo stars here")] == [
        4.0,
        5.0,
        None,
    ]


def test_a_text_cut_at_its_claims_is_the_text_again() -> None:
    text = "Cold 48 hours, 全网最佳 👍🏽"
    claims = (
        Claim(5, 13, "48 hours", "time", Verdict.CONTRADICTED),
        Claim(8, 13, "hours", "time", Verdict.SUPPORTED),
        Claim(15, 19, "全网最佳", "superlative", Verdict.UNSUPPORTED),
    )
    kept = apart(claims)
    assert [claim.text for claim in kept] == ["48 hours", "全网最佳"]  # of two that overlap the graver stays
    runs = runs_of(text, kept, ())
    assert "".join(part for run in runs for part, _ in run.parts) == text


def test_an_offer_with_its_days_is_asked_for_and_said_in_the_words(shop: Shop) -> None:
    merchant = Merchant(shop, shop.key)
    today = utc_now().date()
    form = {
        "source": "new", "title": "Stoneware mug", "facts": "Capacity: 350 ml\nMaterial: stoneware", "price": "€24.00",
        "channels": "google_rsa", "offer": "10% off everything", "variants": "15",
    }  # fmt: skip
    over = merchant.post("/words/new", **form, offer_ends=(today - timedelta(days=1)).isoformat())
    assert over.status_code == 422
    assert "offer ended on" in over.text
    assert 'value="10% off everything"' in over.text
    for days, reason in (
        ({"offer_starts": (today + timedelta(days=3)).isoformat()}, "begin"),
        ({"offer_starts": today.isoformat(), "offer_ends": "soon"}, "no day"),
        (
            {"offer_starts": (today + timedelta(days=5)).isoformat(), "offer_ends": today.isoformat()},
            "before it starts",
        ),
    ):
        refused = merchant.post("/words/new", **form, **days)
        assert refused.status_code == 422, days
        assert reason in refused.text, days
    running = merchant.post("/words/new", **form, offer_ends=today.isoformat())
    assert running.status_code in (302, 303), running.text
    draft = Drafts(shop.services.database, "main").get(running.headers["location"].rpartition("/")[2])
    brief = brief_for(draft.product, "google_rsa", parse_brief(draft.asked["brief"]), variants=15, today=today)
    lines = [line for line in write_copy(brief, text_model("none"), 0).lines if "10% off" in line.text]
    assert lines
    assert all(line.ledger.is_clean for line in lines)
