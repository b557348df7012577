"""Brand names, quotations, stars and crowds: what somebody else is said to have said."""

from __future__ import annotations

import re

from service.copy.words import plain
from service.domain import Verdict

from .reading import Reading, line_with_number


def read_brand(reading: Reading) -> None:
    """A brand may be named whatever its words mean ("Best Coffee Co."), but only in full."""
    brand = reading.book.product.brand
    if brand and len(brand) > 1:
        for match in re.finditer(rf"(?<!\w){re.escape(plain(brand).lower)}(?!\w)", reading.source.lower):
            reading.take(*match.span())


_QUOTE = re.compile(r"[\"“„«「『]([^\"“”„«»「」『』]{6,400})[\"”“»」』]")


_SPOKEN_TO = re.compile(
    r"(?:alexa|siri|(?:hey|ok|okay) (?:siri|google|alexa))\b"
)  # what is said to a machine is no testimonial


def read_quotations(reading: Reading) -> None:
    """Words in quotation marks are a testimonial: verbatim from a review, or invented."""
    for match in _QUOTE.finditer(reading.source.text):
        said = _squeezed(match.group(1))
        if len(said) < 8 or _SPOKEN_TO.match(said):
            continue
        for review in reading.book.product.reviews:
            if said in _squeezed(review.text):
                reading.claims.append((*match.span(), "testimonial", Verdict.SUPPORTED, f"review {review.id}: {review.text}", None))  # fmt: skip  # noqa: E501
                for word in reading.words:  # opinion in a true quotation is the customer's; figures are still ours
                    if match.start() <= word.start < match.end() and not word.lower[0].isdigit():
                        reading.take(word.start, word.end)
                break
        else:
            if len(match.group(1).split()) >= 3 or not match.group(1).isascii():
                line = next((ln for low, ln in reading.book.han if said in _squeezed(low)), None)
                if line is None:
                    reading.claims.append((*match.span(), "testimonial", Verdict.UNSUPPORTED, None, "no review says these words"))  # fmt: skip  # noqa: E501


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", " ", plain(text).lower).strip()


_STARS = re.compile(
    r"(?:rated\s+|rating(?: of)?:?\s*|评分(?:高达)?|好评)?(?<![\d.])(?P<stars>[1-5](?:[.,]\d+)?)\s*(?:out of 5(?: stars?)?|/\s?5(?: stars?)?(?!\d)|von 5(?: sternen)?|sur 5|de 5|[- ]?stars?\b|[- ]?star rating|sterne\b|étoiles|estrellas|颗星|星(?!期|球|空)|分(?=好评|评分|高分)|つ星|★|⭐)"  # noqa: E501
    r"|rated\s+(?P<rated>[1-5](?:[.,]\d+)?)|(?:评分|评价)(?P<score>[1-5]\.\d)"
)


_CROWD = re.compile(
    r"(?P<number>\d[\d.,]*\s*(?:k|m|million|thousand|hundred|万|千|亿)?\+?|thousands|millions|hundreds|tens of thousands|dozens|数万|上万|百万|千万|万千|数百万|tausende|millionen|tausenden|milliers|millions|miles|millones)\s*(?:\+|of|余|多|名|位|个|条|de|von)?\s*(?:five[- ]star|5[- ]star|happy|satisfied|verified|loyal|delighted|real|positive|glowing|zufriedene[nr]?|clients?|家|真实|五星)?\s*"  # noqa: E501
    r"(?P<noun>reviews?|ratings?|customers?|users?|buyers?|owners|parents|mums|moms|people|families|fans|shoppers|households|homes|cooks|chefs|sold|units sold|orders|women|men|followers|athletes|professionals|baristas|kunden|bewertungen|nutzer|avis|utilisateurs|clientes|reseñas|usuarios|用户|顾客|客户|好评|评价|评论|家庭|妈妈|人(?:的|都|选择|好评|信赖)|买家|粉丝|销量|件售出|レビュー|ユーザー|愛用者)"  # noqa: E501
)  # fmt: skip


def read_ratings(reading: Reading) -> None:
    product = reading.book.product
    stars = [r.stars for r in product.reviews if r.stars is not None]
    for match in _STARS.finditer(reading.source.lower):
        value = float((match["stars"] or match["rated"] or match["score"]).replace(",", "."))
        stated = line_with_number(reading.book, value, ("rating", "star", "review", "评分"))
        mean = sum(stars) / len(stars) if stars else None
        shown = f"reviews: {mean:.2f} stars on average of {len(stars)}" if mean is not None else None
        if stated is not None:
            reading.supported(*match.span(), "rating", stated)
        elif mean is not None and abs(mean - value) <= 0.05 + 1e-9:
            reading.supported(*match.span(), "rating", shown or "")
        elif shown is not None:
            reading.contradicted(*match.span(), "rating", shown)
        else:
            reading.unsupported(*match.span(), "rating", "no reviews carry this rating")
    for match in _CROWD.finditer(reading.source.lower):
        digits = re.match(r"\d[\d.,]*", match["number"])
        count = float(re.sub(r"[.,](?=\d{3})", "", digits.group()).rstrip(".,")) if digits else None
        is_reviews = match["noun"].startswith(("review", "rating", "bewert", "avis", "reseñ", "评", "好评", "レビ"))
        stated = line_with_number(reading.book, count, (match["noun"].rstrip("s"),)) if count is not None else None
        if stated is not None:
            reading.supported(*match.span(), "quantity", stated)
        elif (
            is_reviews
            and count is not None
            and count == len(product.reviews)
            and not re.search("[km万千]", match["number"])
        ):
            reading.supported(*match.span(), "quantity", f"reviews: {len(product.reviews)} of them")
        elif count is not None and count <= 12 and not is_reviews:
            continue  # "for 4 people" is a count like any other
        else:
            reading.unsupported(*match.span(), "quantity", "no fact counts these people or reviews")
