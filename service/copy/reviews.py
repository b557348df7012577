"""What customers say: themes with counts, in their own words, with nothing that tells who they are.

A quotation is always a verbatim stretch of one review and carries that review's id; where it would tell who wrote it,
it is left out, never altered. Nothing is summarised into words that no customer used, and no star, count or reviewer
is made up. Reviews are data: orders to a machine inside them are read as spam and change nothing. English and Chinese
are read side by side, whatever the language asked for, and count in the same themes.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain import Product, Review

from .facts import ORDERS
from .lexicon import HanTrie, SpacedTrie, plain_stems, puffery_stems, table
from .words import has_han, plain, stem, tokens

_PERSONAL = (
    re.compile(r"[\w.+-]+\s?@\s?[\w-]+\.[\w.-]+"),  # e-mail
    re.compile(r"(?:https?://|www\.)\S+"),
    re.compile(r"(?<![\w.])@\w{2,}"),  # handles
    re.compile(r"(?<!\w)(?:\+?\d[\d\s().-]{7,}\d)(?!\w)"),  # telephone, order and card numbers
    re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}"),  # bank accounts
    re.compile(
        r"\b(?:order|bestellung|commande|pedido|invoice|tracking|ticket|reference|ref)\b\s*(?:id|no\.?|number|#|nr\.?|num)?\s*[:#]?\s*(?=[A-Z0-9-]*\d)[A-Z0-9-]{5,}",
        re.I,
    ),
    re.compile(
        r"\b(?i:my name is|my name's|i am called|call me|name:|regards,?|best wishes,?|sincerely,?|yours,?|cheers,?|signed,?|thanks,|love,|ich heiße|je m'appelle|me llamo)\s+[A-Z][\w'-]+"  # noqa: E501
    ),
    re.compile(r"\b(?i:i am|i'm)\s+(?!I\b)[A-Z][a-z]+(?:\s+[A-Z][a-z]+|\s+from\b|,)"),
    re.compile(r"(?:^|[.!?\n])\s*[-–—~]\s?[A-Z][a-z]+(?:\s+[A-Z]\.?[a-z]*)?\s*\.?\s*$"),  # "- Anna K."
    re.compile(r"\b(?:mr|mrs|ms|miss|dr|prof)\.?\s+[A-Z][\w'-]+", re.I),
    re.compile(
        r"\b\d{1,5}[a-z]?\s+(?:[A-Z][\w'-]+\s+){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|boulevard|blvd|way|close|place|square)\b",
        re.I,
    ),
    re.compile(r"\b[A-ZÄÖÜ][\wäöüß-]+(?:straße|strasse|weg|gasse|platz|allee)\s+\d+\b"),
    re.compile(
        r"\b(?:whatsapp|telegram|wechat|line|skype|instagram|insta|ig|snapchat)\s*(?:id)?\s*[:：@]?\s*[\w.+-]*\d[\w.-]{3,}",
        re.I,
    ),
    re.compile(r"(?:微信|薇信|威信|vx|wx|v信|qq|企鹅|电话|手机号?|联系方式)(?:号|是|号是)?[:：\s]*[\w-]{5,}", re.I),
    re.compile(r"(?<!\d)1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)"),
    re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),  # identity card
    re.compile(r"(?:订单号?|单号|运单号?|快递单号?|身份证号?|卡号)(?:是|为)?[:：\s]*[A-Za-z0-9-]{5,}"),
    re.compile(
        r"(?:我叫|我是|本人|姓名|收件人|名字是|名字叫)[:：\s]*[\u4e00-\u9fff]{2,4}(?=[，,。.！!\s]|$|的|先生|女士|小姐)"
    ),
    re.compile(
        r"[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文](?:先生|女士|小姐|老师|阿姨|大哥)"
    ),
    re.compile(
        r"[\u4e00-\u9fff]{2,}(?:省|市|区|县|镇)[\u4e00-\u9fff\d]{0,12}(?:路|街|道|巷|弄|小区|村|栋|号楼)[\u4e00-\u9fff\d-]*"
    ),
    re.compile(r"\d+(?:号楼|栋|单元|室)\d*"),
)
_SPAM = re.compile(
    r"https?://|www\.|\b(?:click here|whatsapp|telegram|promo code|discount code|use code|use my code|earn \$|make money|work from home|crypto|bitcoin|forex|casino|viagra|followers for|dm me|check my (?:profile|page|channel)|visit my|subscribe to my|cheap(?:er)? replica)\b|加微信|加v|加我|代购|刷单|返现|返利|兼职|日赚|免费领|点击链接|优惠券群|进群|招代理|货源",  # noqa: E501
    re.I,
)
_NOTHING_SAID = re.compile(
    r"此用户没有填写|系统默认好评|默认好评|评价方未及时|^\W*(?:n/?a|none|test|asdf\w*|\.+|好评|默认)\W*$", re.I
)
_CLAUSE = re.compile(r"[.,;:!?，。；：！？\n…~]+|\s-\s")
_SENTENCE_END = re.compile(r"[.!?。！？\n]+[\"'”’)）]*\s*")


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

    name: str  # in the language asked for
    count: int  # reviews that speak of it
    positive: int
    negative: int
    stars: float | None  # mean of those reviews, 1 to 5
    quotes: tuple[Quote, ...]  # in praise first, each short enough to print
    against: tuple[Quote, ...] = ()  # of those who are unhappy with it


@dataclass(frozen=True, slots=True)
class Angle:
    """Something customers praise, for the brief: what to sell with, and how many stand behind it."""

    theme: str  # its name in the language asked for
    count: int  # reviews that praise it; near-duplicates and spam counted once or not at all
    of: int  # reviews that were read
    quotes: tuple[Quote, ...]  # verbatim, in praise, without personal data
    facts: tuple[str, ...]  # "lid: bamboo, leakproof": the facts that speak of the same thing


@dataclass(frozen=True, slots=True)
class Sorted:
    """Reviews as they are counted."""

    kept: tuple[Review, ...]
    merged: Mapping[str, str]  # id of a near-duplicate -> id of the review it repeats
    spam: tuple[str, ...]  # ids of advertising, orders to a machine, empty reviews


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that reviews tell."""

    given: int
    read: int
    merged: int
    spam: int
    positive: int
    negative: int
    stars: float | None
    themes: tuple[Theme, ...]
    angles: tuple[Angle, ...]
    complaints: tuple[Theme, ...]  # what copy must not promise


def digest(product: Product, language: str = "en", n: int = 8) -> Digest:
    """Read a product's reviews once: counts, themes, selling angles, complaints.

    Args:
        product: its reviews are read, its facts are put beside the angles.
        language: "en" or "zh": what is preferred for the names of themes; reviews in both are read.
        n: how many themes, angles and complaints at the most.
    """
    sorted_ = sort_out(product.reviews)
    found = _themes(sorted_.kept, language)
    moods = [mood(review) for review in sorted_.kept]
    stars = [r.stars for r in sorted_.kept if r.stars is not None]
    return Digest(
        given=len(product.reviews),
        read=len(sorted_.kept),
        merged=len(sorted_.merged),
        spam=len(sorted_.spam),
        positive=sum(m > 0 for m in moods),
        negative=sum(m < 0 for m in moods),
        stars=sum(stars) / len(stars) if stars else None,
        themes=found[:n],
        angles=_angles(product, found, len(sorted_.kept), n),
        complaints=_complaints(found, n),
    )


def angles(product: Product, language: str = "en", n: int = 5) -> tuple[Angle, ...]:
    """What customers praise about a product, the most praised first; () without reviews.

    Args:
        product: its reviews are read, its facts are put beside what they say.
        language: "en" or "zh": what is preferred for names; reviews in both are read.
        n: how many angles at the most.
    """
    kept = sort_out(product.reviews).kept
    return _angles(product, _themes(kept, language), len(kept), n)


def complaints(product: Product, language: str = "en", n: int = 5) -> tuple[Theme, ...]:
    """What customers are unhappy with, the most spoken of first: what copy must not promise."""
    return _complaints(_themes(sort_out(product.reviews).kept, language), n)


def themes(reviews: Sequence[Review], language: str = "en", most: int = 8) -> tuple[Theme, ...]:
    """What the reviews are about, the most spoken of first.

    Args:
        reviews: as they came; texts are not changed. Near-duplicates count once, spam not at all.
        language: "en" or "zh": what is preferred for names; reviews in both are read.
        most: how many themes at the most.
    """
    return _themes(sort_out(reviews).kept, language)[:most]


def _angles(product: Product, found: Sequence[Theme], read: int, n: int) -> tuple[Angle, ...]:
    praised = [t for t in found if t.positive > t.negative]
    praised.sort(key=lambda t: (-t.positive, t.negative, t.name))
    return tuple(Angle(t.name, t.positive, read, t.quotes, _facts_about(product, t.name)) for t in praised[:n])


def _complaints(found: Sequence[Theme], n: int) -> tuple[Theme, ...]:
    return tuple(sorted((t for t in found if t.negative), key=lambda t: (-t.negative, t.positive, t.name))[:n])


def _facts_about(product: Product, name: str) -> tuple[str, ...]:
    row = next(
        (r for r in table("aspects").values() if name in r["en"] or name in r["zh"]), {"en": [name], "zh": [name]}
    )
    wanted = {t.stem for word in row["en"] for t in tokens(plain(word))} | {t.stem for t in tokens(plain(name))}
    han = [word for word in row["zh"] if len(word) > 1]
    said = [(f"{f.key}: {f.value}", {t.stem for t in tokens(plain(f"{f.key} {f.value}"))}) for f in product.facts]
    return tuple(shown for shown, stems in said if wanted & stems or any(word in shown for word in han))


# --- what is counted ---------------------------------------------------------------------------------------------


def sort_out(reviews: Sequence[Review]) -> Sorted:
    """Set aside advertising, orders to a machine and empty reviews; merge near-duplicates."""
    spam = [r for r in reviews if is_spam(r.text)]
    rest = [r for r in reviews if not is_spam(r.text)]
    merged = _repeats(rest)
    kept = tuple(r for i, r in enumerate(rest) if i not in merged)
    return Sorted(kept, {rest[i].id: rest[j].id for i, j in merged.items()}, tuple(r.id for r in spam))


def is_spam(text: str) -> bool:
    """Whether a review is an advertisement, gives orders to whoever reads it, or says nothing."""
    if _SPAM.search(text) or ORDERS.search(text) or _NOTHING_SAID.search(text.strip()):
        return True
    letters = [c for c in text if c.isalnum()]
    if not letters:
        return True
    words = text.lower().split()
    is_shouted_over = len(words) >= 8 and len(set(words)) <= len(words) // 4
    return is_shouted_over or (len(letters) >= 12 and len(set(letters)) <= 2)


_SHINGLE, _BANDS, _ROWS = 3, 6, 2


def _shingles(text: str) -> frozenset[int]:
    source = plain(text)
    units = [t.lower for t in tokens(source)]
    if has_han(text):
        units += [c for c in source.lower if "\u3400" <= c <= "\u9fff"]
    n = _SHINGLE
    return frozenset(
        zlib.crc32(" ".join(units[i : i + n]).encode("utf-8", "replace")) for i in range(len(units) - n + 1)
    )


def _repeats(reviews: Sequence[Review]) -> dict[int, int]:
    """Index of a near-duplicate -> index of the earlier review; short reviews may well be alike by chance."""
    shingles = [_shingles(r.text) for r in reviews]
    buckets: dict[tuple[int, ...], list[int]] = defaultdict(list)
    repeats: dict[int, int] = {}
    for i, own in enumerate(shingles):
        if len(own) < 4:
            continue
        sketch = [min((h * (2 * k + 1) + 0x9E3779B9 * k) & 0xFFFFFFFF for h in own) for k in range(_BANDS * _ROWS)]
        keys = [(b, *sketch[b * _ROWS : (b + 1) * _ROWS]) for b in range(_BANDS)]
        seen = dict.fromkeys(j for key in keys for j in buckets[key])
        twin = next((j for j in seen if len(own & shingles[j]) >= 0.7 * len(own | shingles[j])), None)
        if twin is not None:
            repeats[i] = twin
            continue
        for key in keys:
            if len(buckets[key]) < 20:
                buckets[key].append(i)
    return repeats


# --- themes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A review that speaks of a theme: where, with which word, and how."""

    review: Review
    word: str
    place: int
    mood: int  # 2 or -2: its own words say so; 1 or -1: the stars of a short review do


def _themes(reviews: Sequence[Review], language: str) -> tuple[Theme, ...]:
    speaking: dict[str, list[_Spoken]] = defaultdict(list)
    for review in reviews:
        for subject, spoken in _subjects(review).items():
            speaking[subject].append(spoken)
    wanted = 2 if len(reviews) >= 4 else 1
    free = max(wanted, len(reviews) // 50)  # a word outside the list of aspects must be heard more often in a large set
    ranked = sorted(speaking.items(), key=lambda item: (-len(item[1]), item[0]))
    known = table("aspects")
    told = [(s, heard) for s, heard in ranked if len(heard) >= (wanted if s in known else free)]
    return tuple(_theme(_name(subject, heard, language), heard, language) for subject, heard in told)


def _name(subject: str, told: Sequence[_Spoken], language: str) -> str:
    """The theme's name in the language asked for: the word that most use, for English the noun of its row."""
    row = table("aspects").get(subject)
    if row is not None and language != "zh":
        return str(row["en"][0])
    counts = Counter(s.word for s in told)
    pool = {w: c for w, c in counts.items() if has_han(w)} if language == "zh" else {}
    if row is not None and not pool:
        return str(row["zh"][0])
    return max((pool or counts).items(), key=lambda item: (item[1], -len(item[0]), item[0]))[0]


def _theme(name: str, told: Sequence[_Spoken], language: str) -> Theme:
    stars = [s.review.stars for s in told if s.review.stars is not None]
    return Theme(
        name=name,
        count=len(told),
        positive=sum(s.mood > 0 for s in told),
        negative=sum(s.mood < 0 for s in told),
        stars=sum(stars) / len(stars) if stars else None,
        quotes=_quotes([s for s in told if s.mood >= 0], language),
        against=_quotes([s for s in told if s.mood == -2], language),
    )


def _quotes(told: Iterable[_Spoken], language: str, most: int = 3) -> tuple[Quote, ...]:
    """The clearest first, in the language asked for before the other one."""
    found: dict[str, Quote] = {}
    is_zh = language == "zh"
    for spoken in sorted(told, key=lambda s: (has_han(s.review.text) != is_zh, -abs(s.mood), len(s.review.text), s.review.id)):  # fmt: skip  # noqa: E501
        said = quote(spoken.review, spoken.place)
        if said is not None and len(said.text) > (5 if has_han(said.text) else 12):
            found.setdefault(said.text.lower(), said)
        if len(found) == most:
            break
    return tuple(found.values())


@lru_cache(maxsize=1)
def _aspects() -> tuple[SpacedTrie, HanTrie]:
    spaced, han = SpacedTrie(), HanTrie()
    for id, row in table("aspects").items():
        for surface in row["en"]:
            spaced.add_form(surface, id)
        for surface in row["zh"]:
            han.add(surface, id)
    return spaced, han


def _subjects(review: Review) -> dict[str, _Spoken]:
    """What a review speaks of: theme -> word used, place in the review's text, and how it speaks of it."""
    source = plain(review.text)
    spaced, han = _aspects()
    words = tokens(source)
    found: dict[str, _Spoken] = {}
    taken: list[tuple[int, int]] = []
    for mention in (*spaced.find(words), *han.find(source.lower)):
        place, _ = source.span(mention.start, mention.end)
        taken.append((mention.start, mention.end))
        for subject in mention.concepts[:1]:
            heard = mood_at(review, place)
            before = found.get(subject)
            if before is None or (before.mood == 0 and heard):
                found[subject] = _Spoken(review, source.lower[mention.start : mention.end], place, heard)
    for token in words:
        is_new = token.is_word and len(token.lower) >= 3 and token.stem not in _silent() and token.stem not in found
        if is_new and all(token.end <= a or b <= token.start for a, b in taken):
            place, _ = source.span(token.start, token.end)
            heard = mood_at(review, place)  # a word that is no known aspect is judged by its own words only
            found[token.stem] = _Spoken(review, token.lower, place, heard if abs(heard) == 2 else 0)
    return found


@lru_cache(maxsize=1)
def _silent() -> frozenset[str]:
    """Words that are no subject: grammar, opinion, feelings, days, people."""
    feelings = {stem(w) for key, row in table("sentiment")["en"].items() for w in row.split()}
    return plain_stems("en") | puffery_stems("en") | feelings | {stem(w) for w in _IDLE.split()}


_IDLE = "bought buy got thing year month week day time bit lot one two three took use using used product item amazon ebay etsy taobao purchase ordered order seller review stars star far since ago again after first second really quite people everyone husband wife friend daughter-in-law"  # noqa: E501


# --- how they speak ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _weights() -> tuple[dict[str, int], HanTrie, frozenset[str], frozenset[str], frozenset[str]]:
    english: dict[str, int] = {}
    chinese = HanTrie()
    scale = {"p3": 3, "p2": 2, "p1": 1, "n1": -1, "n2": -2, "n3": -3}
    rows = table("sentiment")
    for key, weight in scale.items():
        for word in rows["en"][key].split():
            english.setdefault(word, weight)
        for word in rows["zh"][key].split():
            chinese.add(word, key)
    sets = (frozenset(rows["en"][key].split()) for key in ("negators", "boosters", "turns"))
    return english, chinese, *sets  # type: ignore[return-value]


def _score(clause: str) -> float:
    return _score_zh(clause) if has_han(clause) else _score_en(clause)


def _score_en(clause: str) -> float:
    english, _, negators, boosters, turns = _weights()
    words = [t.lower for t in tokens(plain(clause))]
    total, sign, boost = 0.0, 1, 1.0
    since_no = 99
    for word in words:
        if word in turns:
            total, since_no, boost = 0.5 * total, 99, 1.0  # what comes after "but" weighs more
        elif word in negators or word.endswith("n't"):
            since_no = 0
        elif word in boosters:
            boost = 1.5
        else:
            weight = english.get(word, english.get(word.rstrip("s"), 0))
            if weight:
                sign = -1 if since_no <= 3 else 1
                total += sign * boost * weight * (0.7 if sign < 0 else 1.0)
                boost = 1.0
        since_no += 1
    return total


_NOT_ZH = re.compile(r"(?:不|没有?|未|无|别|不是|不太|不怎么|从不|毫无|不够|不会|没那么)$")


def _score_zh(clause: str) -> float:
    _, chinese, *_ = _weights()
    scale = {"p3": 3, "p2": 2, "p1": 1, "n1": -1, "n2": -2, "n3": -3}
    lower = plain(clause).lower
    turn = max((m.end() for m in re.finditer(r"但是?|不过|可是|然而|可惜|就是", lower)), default=0)
    total = 0.0
    for mention in chinese.find(lower):
        weight = float(scale[mention.concepts[0]])
        if _NOT_ZH.search(lower[max(0, mention.start - 3) : mention.start]):
            weight *= -0.7
        total += weight * (0.5 if mention.start < turn else 1.0)
    return total


def mood(review: Review) -> int:
    """1, 0 or -1: by the stars where there are any, else by the words."""
    if review.stars is not None:
        return 1 if review.stars >= 4 else -1 if review.stars <= 2 else 0
    score = sum(_score(clause) for clause in _CLAUSE.split(review.text) if clause)
    return (score > 0) - (score < 0)


def mood_at(review: Review, place: int) -> int:
    """How a review speaks of what stands at a place, -2 to 2.

    Its clause or its sentence decides (2 or -2); where these say nothing, a review of one or two sentences is taken by
    its stars or words as a whole (1 or -1), a longer one not at all.
    """
    text = review.text
    for pattern in (_CLAUSE, _SENTENCE_END):
        ends = [0, *(m.end() for m in pattern.finditer(text)), len(text)]
        start = max(e for e in ends if e <= place)
        end = min((e for e in ends if e > place), default=len(text))
        score = _score(text[start:end])
        if abs(score) >= 1:
            return 2 if score > 0 else -2
    return mood(review) if len([s for s in _SENTENCE_END.split(text) if s.strip()]) <= 2 else 0


# --- quotations and persons --------------------------------------------------------------------------------------


def quote(review: Review, place: int, longest: int = 140) -> Quote | None:
    """The whole sentence of a review around a place, verbatim; None if it is too long or tells who wrote it."""
    ends = [0, *(m.end() for m in _SENTENCE_END.finditer(review.text)), len(review.text)]
    start = max(e for e in ends if e <= place)
    end = min((e for e in ends if e > place), default=len(review.text))
    text = review.text[start:end]
    start, end = start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))
    said = review.text[start:end]
    if not said or len(said) > longest or is_personal(said) or _touches_a_person(review.text, start, end):
        return None
    return Quote(review.id, said, start, end)


def _touches_a_person(text: str, start: int, end: int) -> bool:
    """Whether what tells who somebody is reaches into a stretch of text from outside it."""
    return any(m.start() < end and start < m.end() for pattern in _PERSONAL for m in pattern.finditer(text))


def is_personal(text: str) -> bool:
    """Whether a text holds an address, a telephone or order number, a handle or a name."""
    return any(pattern.search(text) for pattern in _PERSONAL)


def without_personal_data(text: str) -> str:
    """A review fit to be shown inside: what tells who wrote it is replaced. Never to be printed as a quotation."""
    for pattern in _PERSONAL:
        text = pattern.sub("[…]", text)
    return text
