"""Themes in customers' own words, never altered, with nothing that tells who they are."""

from __future__ import annotations

from service.copy.reviews import is_personal, mood, quote, themes, without_personal_data
from service.domain import Review

REVIEWS = (
    Review("r1", "The handle takes three fingers. Sits well.", 5),
    Review("r2", "Lovely handle. Call me on +44 20 7946 0958.", 5),
    Review("r3", "The glaze is beautiful and so is the handle.", 4),
    Review("r4", "Glaze chipped after a week.", 1),
)


def test_themes_count_reviews_not_words() -> None:
    found = {t.name: t for t in themes(REVIEWS)}
    assert found["handle"].count == 3
    assert (found["glaze"].count, found["glaze"].positive, found["glaze"].negative) == (2, 1, 1)


def test_every_quotation_is_verbatim_and_names_its_review() -> None:
    texts = {r.id: r.text for r in REVIEWS}
    quotes = [q for t in themes(REVIEWS) for q in t.quotes]
    assert quotes
    for q in quotes:
        assert texts[q.review_id][q.start : q.end] == q.text


def test_personal_data_is_never_quoted() -> None:
    assert quote(REVIEWS[1], REVIEWS[1].text.index("Call")) is None
    assert is_personal("write to anna@example.com")
    assert "example.com" not in without_personal_data("write to anna@example.com")


def test_chinese_reviews_are_read_too() -> None:
    reviews = tuple(
        Review(f"z{i}", text) for i, text in enumerate(["手感很好,喜欢", "手感不错", "包装破了,失望", "包装精致"])
    )
    found = {t.name: t for t in themes(reviews, "zh")}
    assert found["手感"].count == 2
    assert found["包装"].negative == 1


def test_mood_follows_the_stars_where_there_are_any() -> None:
    assert [mood(r) for r in REVIEWS] == [1, 1, 1, -1]


def test_a_thousand_reviews_take_seconds_not_minutes() -> None:
    many = [Review(str(i), f"The lid number {i} closes tight and the colour is warm.", 5) for i in range(1_000)]
    assert themes(many)[0].count == 1_000
