"""What customers say: themes with counts, in their own words, with nothing that tells who they are.

A quotation is always a verbatim stretch of one review and carries that review's id. Nothing is summarised into words
that no customer used, and no star, count or reviewer is made up.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain import Product, Review

from .lexicon import plain_stems, puffery_stems, table
from .words import has_han, plain, stem, tokens

_PERSONAL = (
    re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),  # e-mail
    re.compile(r"(?:https?://|www\.)\S+"),
    re.compile(r"(?<![\w.])@\w{2,}"),  # handles
    re.compile(r"(?<!\w)(?:\+?\d[\d\s().-]{7,}\d)(?!\w)"),  # telephone, order and card numbers
    re.compile(r"\b(?:order|bestellung|commande)\s*(?:no\.?|number|#|nr\.?)?\s*[A-Z0-9-]{5,}\b", re.I),
    re.compile(r"\b(?:my name is|i am called|regards,?|cheers,?|signed,?)\s+[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)?", re.I),
    re.compile(r"\b(?:mr|mrs|ms|dr)\.?\s+[A-Z][\w'-]+", re.I),
    re.compile(r"\b\d{1,5}\s+[A-Z][\w'-]+\s+(?:street|st|road|rd|avenue|ave|lane|drive)\b", re.I),
    re.compile(r"(?:微信|wx|qq|电话|手机号?)[号:：\s]*[\w-]{5,}", re.I),
    re.compile(r"1[3-9]\d{9}"),
)
_GOOD = frozenset("love great good perfect excellent amazing happy recommend beautiful lovely nice best fast easy solid well works favourite favorite comfortable sturdy exactly pleased fits keeps".split())  # fmt: skip  # noqa: E501, SIM905
_BAD = frozenset("bad poor broke broken leak leaks leaked disappointed disappointing terrible awful cheap flimsy loud heavy hot scratched scratches return returned refund waste worse slow rough wish unfortunately however but stopped".split())  # fmt: skip  # noqa: E501, SIM905
_GOOD_ZH = "喜欢 满意 好看 漂亮 不错 很好 推荐 舒服 值得 好用 方便 精致 好喝 好吃 柔软 结实".split()  # noqa: SIM905
_BAD_ZH = "失望 差 坏 漏 退货 不好 破 异味 重了 太小 太大 难用 掉色 起球 瑕疵 慢".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Quote:
    """A customer's own words: a verbatim stretch of one review."""

    review_id: str
    text: str
    start: int  # code points into the review's text
    end: int


@dataclass(frozen=True, slots=True)
class Theme:
    """Something that several customers speak of."""

    name: str  # the word most of them use
    count: int  # reviews that speak of it
    positive: int
    negative: int
    stars: float | None  # mean of those reviews, 1 to 5
    quotes: tuple[Quote, ...]  # the best first, each short enough to print


def themes(reviews: Sequence[Review], language: str = "en", most: int = 8) -> tuple[Theme, ...]:
    """What the reviews are about, the most spoken of first.

    Args:
        reviews: as they came; texts are not changed.
        language: "en" or "zh"; a review in Chinese characters is read as Chinese whatever this says.
        most: how many themes at the most.
    """
    speaking: dict[str, list[tuple[Review, int]]] = defaultdict(list)
    forms: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for review in reviews:
        for subject, (word, place) in _subjects(review.text, language).items():
            speaking[subject].append((review, place))
            forms[subject][word] += 1
    wanted = 2 if len(reviews) >= 4 else 1
    ranked = sorted(speaking.items(), key=lambda item: (-len(item[1]), item[0]))
    found: list[Theme] = []
    for subject, told in ranked:
        if len(told) < wanted or len(found) == most:
            break
        name = max(forms[subject].items(), key=lambda f: (f[1], -len(f[0])))[0]
        found.append(_theme(name, told))
    return tuple(found)


def _theme(name: str, told: Sequence[tuple[Review, int]]) -> Theme:
    moods = [mood(review) for review, _ in told]
    stars = [review.stars for review, _ in told if review.stars is not None]
    ordered = sorted(told, key=lambda t: (-mood(t[0]), len(t[0].text)))
    quotes = [q for review, place in ordered if (q := quote(review, place)) is not None]
    return Theme(
        name=name,
        count=len(told),
        positive=sum(m > 0 for m in moods),
        negative=sum(m < 0 for m in moods),
        stars=sum(stars) / len(stars) if stars else None,
        quotes=tuple(quotes[:3]),
    )


@dataclass(frozen=True, slots=True)
class Angle:
    """Something customers praise, for the brief: what to sell with, and how many stand behind it."""

    theme: str  # the word most of them use
    count: int  # reviews that praise it; near-duplicates and spam counted once or not at all
    of: int  # reviews that were read
    quotes: tuple[Quote, ...]  # verbatim, without personal data
    facts: tuple[str, ...]  # "lid: bamboo, leakproof": the facts that speak of the same thing


def angles(product: Product, language: str = "en", n: int = 5) -> tuple[Angle, ...]:
    """What customers praise about a product, the most praised first; () without reviews.

    Args:
        product: its reviews are read, its facts are put beside what they say.
        language: "en" or "zh": what is preferred for names; reviews in both are read.
        n: how many angles at the most.
    """
    praised = [t for t in themes(product.reviews, language, most=4 * n) if t.positive > t.negative]
    praised.sort(key=lambda t: (-t.positive, t.name))
    return tuple(
        Angle(t.name, t.positive, len(product.reviews), t.quotes, _facts_about(product, t.name)) for t in praised[:n]
    )


def complaints(product: Product, language: str = "en", n: int = 5) -> tuple[Theme, ...]:
    """What customers are unhappy with, the most spoken of first: what copy must not promise."""
    blamed = [t for t in themes(product.reviews, language, most=4 * n) if t.negative]
    return tuple(sorted(blamed, key=lambda t: (-t.negative, t.name))[:n])


def _facts_about(product: Product, name: str) -> tuple[str, ...]:
    wanted = {t.stem for t in tokens(plain(name))}
    said = [(f"{f.key}: {f.value}", {t.stem for t in tokens(plain(f"{f.key} {f.value}"))}) for f in product.facts]
    return tuple(shown for shown, stems in said if wanted & stems or (has_han(name) and name in shown))


def mood(review: Review) -> int:
    """1, 0 or -1: by the stars where there are any, else by the words."""
    if review.stars is not None:
        return 1 if review.stars >= 4 else -1 if review.stars <= 2 else 0
    if has_han(review.text):
        score = sum(w in review.text for w in _GOOD_ZH) - sum(w in review.text for w in _BAD_ZH)
    else:
        words = {t.lower for t in tokens(plain(review.text))}
        score = len(words & _GOOD) - len(words & _BAD)
    return (score > 0) - (score < 0)


def quote(review: Review, place: int, longest: int = 140) -> Quote | None:
    """The whole sentence of a review around a place, verbatim; None if it is too long or tells who wrote it."""
    ends = [0, *(m.end() for m in re.finditer(r"[.!?。！？\n]+\s*", review.text)), len(review.text)]
    start = max(e for e in ends if e <= place)
    end = min(e for e in ends if e > place)
    text = review.text[start:end]
    start, end = start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))
    said = review.text[start:end]
    if not said or len(said) > longest or is_personal(said):
        return None
    return Quote(review.id, said, start, end)


def is_personal(text: str) -> bool:
    """Whether a text holds an address, a telephone or order number, a handle or a name."""
    return any(pattern.search(text) for pattern in _PERSONAL)


def without_personal_data(text: str) -> str:
    """A review fit to be shown inside: what tells who wrote it is replaced. Never to be printed as a quotation."""
    for pattern in _PERSONAL:
        text = pattern.sub("[…]", text)
    return text


def _subjects(text: str, language: str) -> dict[str, tuple[str, int]]:
    """What a review speaks of: subject -> (word used, place)."""
    if has_han(text):
        return _subjects_zh(text)
    found: dict[str, tuple[str, int]] = {}
    for token in tokens(plain(text)):
        if not token.is_word or len(token.lower) < 3 or token.stem in _silent():
            continue
        subject = stem(token.lower)
        found.setdefault(subject, (token.lower, token.start))
    return found


@lru_cache(maxsize=1)
def _silent() -> frozenset[str]:
    """Words that are no subject: grammar, opinion, days, people. Things and their parts stay."""
    things = {stem(w) for w in _THINGS.split()}
    return (
        plain_stems("en") | puffery_stems("en") | {stem(w) for w in _BAD | _GOOD} | {stem(w) for w in _IDLE.split()}
    ) - things


_THINGS = "coffee tea water taste flavor flavour smell scent colour color size fit fabric material surface handle lid price weight sound battery box packaging delivery skin hair face box price bag pocket design glaze aroma comfort shape texture"  # noqa: E501
_IDLE = "bought buy got thing year month week day time bit lot one two three took use"
_SUBJECTS_ZH = "质量 味道 口感 颜色 尺寸 大小 手感 保温 包装 物流 快递 客服 价格 面料 做工 气味 外观 音质 续航 容量 杯盖 把手 材质 重量 茶香 香味 舒适度 版型 安装".split()  # noqa: E501, SIM905


def _subjects_zh(text: str) -> dict[str, tuple[str, int]]:
    found = {word: (word, text.index(word)) for word in _SUBJECTS_ZH if word in text}
    for name in ("materials", "features"):
        for id, row in table(name).items():
            for surface in row.get("zh", ()):
                if len(surface) > 1 and surface in text:
                    found.setdefault(id, (surface, text.index(surface)))
    return found
