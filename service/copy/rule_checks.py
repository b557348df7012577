"""The checks that no pattern can express. A rule names one by its function's name; ``CHECKS`` lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from prompts.measures import emojis, urls
from prompts.rules import shared
from service.domain import Product

from .folding import Folded, fold
from .patterns import of_check

Params = Mapping[str, str | int | float | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in the raw text that a check objects to."""

    start: int
    end: int
    instead: str | None = None  # what to write there; None: the rule's own rewrite decides
    is_worse: bool = False  # the product was looked at and bears it out in no way


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check may look at."""

    text: Folded
    product: Product | None

    @property
    def raw(self) -> str:
        return self.text.raw


def _strings(params: Params, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    value = params.get(key, default)
    return value if isinstance(value, tuple) else (str(value),)


# --- how a text is written ---------------------------------------------------------------------------------------

_CAPS_WORD = re.compile(r"(?<![\w'’&./-])[^\W\d_a-z]{2,}(?:['’][^\W\d_a-z]+)?(?![\w&/-])(?!\.\w)")


@lru_cache(maxsize=4)
def _words(name: str) -> frozenset[str]:
    """Whole words under ``[checks]`` of the shared tables."""
    return frozenset(shared().checks[name])


def _may_be_capitals(word: str, product: Product | None) -> bool:
    """Short words are abbreviations; names that the product writes so are names."""
    if word.lower() in _words("loud"):
        return False
    if len(word) <= 3 or word.lower() in _words("acronyms") or not re.search("[AEIOUYÄÖÜÉÈÀ]", word):
        return True
    if product is None:
        return False
    names = " ".join([product.title, product.brand or "", *(fact.value for fact in product.facts)])
    return re.search(rf"\b{re.escape(word)}\b", names) is not None and word in (product.brand or "")


def all_caps(subject: Subject, params: Params) -> Iterator[Hit]:
    """Words shouted in capitals. ``least``: how many such words it takes."""
    found = list(_CAPS_WORD.finditer(subject.raw))
    shouted = [m for m in found if not _may_be_capitals(m.group(), subject.product)]
    if not shouted or len(shouted) < int(str(params.get("least", 1))):
        return
    loud = {m.group() for m in shouted}
    runs: list[tuple[int, int]] = []
    for match in found:  # "FREE BOX" is one shout: short words beside a shouted one are part of it
        near = runs and re.fullmatch(r"[\s,&!-]{1,3}", subject.raw[runs[-1][1] : match.start()])
        if near and (match.group() in loud or match.group().lower() not in _words("acronyms")):
            runs[-1] = (runs[-1][0], match.end())
        elif match.group() in loud:
            runs.append(match.span())
    for start, end in runs:
        yield Hit(start, end, _lowered(subject.raw[start:end], subject.raw[:start]))


def _lowered(words: str, before: str) -> str:
    def one(match: re.Match[str]) -> str:
        word = match.group()
        return word if word.lower() in _words("acronyms") or not word.isupper() else word.capitalize()

    lowered = re.sub(r"[^\W\d_]+(?:['’][^\W\d_]+)?", one, words)
    if before.strip() and not re.search(r"[.!?:]\s*$", before) and not _is_title_case(before):
        lowered = re.sub(r"[^\W\d_]+", lambda m: m[0] if m[0].lower() in _words("acronyms") else m[0].lower(), lowered)
    return lowered


def _is_title_case(text: str) -> bool:
    words = re.findall(r"[^\W\d_]{4,}", text)
    return bool(words) and sum(w[0].isupper() for w in words) * 2 >= len(words)


def emoji(subject: Subject, params: Params) -> Iterator[Hit]:
    """Pictures among the letters; ™, ® and digits are none."""
    if subject.raw.isascii():
        return
    at = 0
    for cluster in emojis(subject.raw):
        start = subject.raw.index(cluster, at)
        at = start + len(cluster)
        yield Hit(start, at, "")
    for match in re.finditer("[★☆✔✅❤♥♡✨⭐☞►▶◆■●♛♕✦✪❥✓☑➤]", subject.raw):
        if not any(h in match.group() for h in emojis(match.group())):
            yield Hit(match.start(), match.end(), "")


_REPEATED = re.compile(
    r"([!?！？])\s?[!?！？](?:\s?[!?！？])*|([,;:，；：$%&*#@~^+=|。])\2+|\.{4,}|(?<!\.)\.\.(?!\.)|…{3,}|-{3,}"
)


def repeated_punctuation(subject: Subject, params: Params) -> Iterator[Hit]:
    """The same sign twice and more, and mixtures of ! and ?."""
    for match in _REPEATED.finditer(subject.raw):
        signs = re.sub(r"\s", "", match.group())
        single = "?" if "?" in signs else "？" if "？" in signs else signs[0]
        yield Hit(match.start(), match.end(), "" if single in "$%&*#@~^+=|" else single)


def exclamation(subject: Subject, params: Params) -> Iterator[Hit]:
    """Exclamation marks beyond ``most``."""
    marks = [m.start() for m in re.finditer("[!！]", subject.raw)]
    for at in marks[int(str(params.get("most", 0))) :]:
        rest = subject.raw[at + 1 :].strip()
        yield Hit(at, at + 1, "." if rest else "")


def characters(subject: Subject, params: Params) -> Iterator[Hit]:
    """Any of the characters in ``set``; those in ``decorative`` only where they touch no letter or digit."""
    forbidden = str(params.get("set", ""))
    decorative = str(params.get("decorative", ""))
    for match in re.finditer(f"[{re.escape(forbidden)}]+", subject.raw) if forbidden else ():
        yield Hit(match.start(), match.end(), " " if "_" in match.group() else "")
    if decorative:
        signs = re.escape(decorative)
        for match in re.finditer(f"[{signs}]{{2,}}|(?:^|(?<=\\s))[{signs}](?=\\s|$)", subject.raw):
            yield Hit(match.start(), match.end(), "")


_SMALL = frozenset(["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"])
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def repeated_word(subject: Subject, params: Params) -> Iterator[Hit]:
    """The same word more than ``most`` times; articles, prepositions, conjunctions and bare figures are not counted."""
    most = int(str(params.get("most", 2)))
    seen: dict[str, int] = {}
    for match in _WORD.finditer(subject.raw):
        word = match.group().casefold()
        if word in _SMALL or word.isdigit() or len(word) < 2:
            continue
        key = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > most:
            yield Hit(match.start(), match.end(), "")


_LETTERS_APART = re.compile(r"(?<![\w.])[^\W\d_](?:[ ._*-][^\W\d_]){3,}(?![\w])\.?")


def spaced_letters(subject: Subject, params: Params) -> Iterator[Hit]:
    """F.L.O.W.E.R.S, f l o w e r s: letters set apart to be seen; U.S.A. and e.g. are shorter."""
    for match in _LETTERS_APART.finditer(subject.raw):
        yield Hit(match.start(), match.end(), re.sub(r"[ ._*-]", "", match.group()).capitalize())


# --- what must not stand in a field ------------------------------------------------------------------------------

_PHONE = re.compile(
    r"(?<![A-Za-z0-9.,-])(?:\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"
    r"|1[- ]8\d\d[- ]\d{3}[- ]\d{4}"
    r"|1[3-9]\d{9}|0\d{2,3}[- ]\d{7,8}|400[- ]?\d{3}[- ]?\d{4}|0\d{3,4} \d{5,7}|1-8\d\d-[A-Z0-9]{4,7})(?![\w-])"
)


def phone_number(subject: Subject, params: Params) -> Iterator[Hit]:
    """Numbers to call."""
    if sum(map(str.isdigit, subject.raw)) < 7:
        return
    for match in _PHONE.finditer(subject.raw):
        yield Hit(match.start(), match.end(), "")


_CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+\.\w{2,}|\b(?:[a-z0-9-]+\.)+(?:com|net|org|shop|store|cn|co\.uk|de|io|eu|info|biz)\b(?:/\S*)?",
    re.I,
)


def link(subject: Subject, params: Params) -> Iterator[Hit]:
    """Web and mail addresses."""
    if "." not in subject.raw:
        return
    for address in urls(subject.raw):
        start = subject.raw.index(address)
        yield Hit(start, start + len(address), "")
    for match in _CONTACT.finditer(subject.raw):
        yield Hit(match.start(), match.end(), "")


_PRICE = re.compile(
    r"(?:[$€£¥￥]|US\$|USD|EUR|GBP|RMB|CNY)\s?\d[\d,.]*"
    r"|\d[\d,.]*\s?(?:€|£|\$|usd|eur|gbp|dollars?|euros?|pounds sterling|元|块钱|円)",
    re.I,
)


def price(subject: Subject, params: Params) -> Iterator[Hit]:
    """Amounts of money."""
    for match in _PRICE.finditer(subject.raw):
        yield Hit(match.start(), match.end(), "")


# --- offers ------------------------------------------------------------------------------------------------------


def _unless(subject: Subject, looked_for: str, excused_by: str) -> Iterator[tuple[int, int]]:
    """Spans of one check's patterns, unless another's are anywhere in the text."""
    spans = [span[:2] for span in of_check(looked_for).spans(subject.text)]
    if spans and not of_check(excused_by).anywhere(subject.text):
        yield from spans


def price_without_end_date(subject: Subject, params: Params) -> Iterator[Hit]:
    """Haste without saying until when."""
    for start, end in _unless(subject, "haste", "date"):
        yield Hit(start, end)


def discount_without_basis(subject: Subject, params: Params) -> Iterator[Hit]:
    """A price cut that does not say against which price."""
    for start, end in _unless(subject, "discount", "basis"):
        yield Hit(start, end)


def percent_without_basis(subject: Subject, params: Params) -> Iterator[Hit]:
    """Shares of people and improvements in per cent without the test behind them."""
    for start, end in _unless(subject, "percent", "study"):
        if not _in_facts(subject.product, subject.raw[start:end]):
            yield Hit(start, end)


def _in_facts(product: Product | None, words: str) -> bool:
    if product is None:
        return False
    number = re.search(r"\d[\d.,]*", words)
    return number is not None and any(
        re.search(rf"(?<![\d.]){re.escape(number.group())}\s?(?:%|percent|星|stars?|分)?(?![\d])", fact.value)
        for fact in product.facts
        if fact.key not in ("capacity", "size")
    )


# --- reviews -----------------------------------------------------------------------------------------------------

_QUOTED = re.compile(r"[\"“”„«「『‘]([^\"“”„«»「」『』‘’]{6,400}|[^\"“”„«»「」『』]{6,400})[\"”“»」』’](?!\w)")
_ATTRIBUTED = re.compile(
    r"^\s*[,.]?\s*(?:[-–—~]{1,2}\s*@?[A-Z\u4e00-\u9fff]|(?:said|says|writes|wrote|raves?|according to)\b"
    r"|[（(]?[A-Z][a-z]+ [A-Z]\.)"
    r"|(?:says?|said|writes|raves|reviewed|told us|testimonial|verified buyer|five stars"
    r"|customers? (?:say|love|rave)|sagt|meint|顾客说|用户说|评价|反馈|买家秀|好评)\s*[:：,]?\s*$",
    re.I,
)
_FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|i've|my|me|we|our|us)\b|\b(?:ich|meine?|wir|je|j'ai|mon|ma)\b"
    r"|我|咱|俺|changed my"
    r"|game[- ]changer|highly recommend|love (?:it|this)|will buy again|回购|推荐",
    re.I,
)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).lower().strip()


def _is_said(product: Product | None, words: str) -> bool:
    return product is not None and any(_squeezed(words) in _squeezed(review.text) for review in product.reviews)


def invented_quote(subject: Subject, params: Params) -> Iterator[Hit]:
    """A customer's words that no review holds: in quotation marks, or announced as what people say."""
    raw = subject.raw
    for match in _QUOTED.finditer(raw):
        said = match.group(1)
        long_enough = len(said.split()) >= 3 or len(re.findall(r"[\u4e00-\u9fff]", said)) >= 5
        before, after = raw[: match.start()], raw[match.end() :]
        is_a_voice = bool(
            _ATTRIBUTED.search(after[:40]) or _ATTRIBUTED.search(before[-40:]) or _FIRST_PERSON.search(said)
        )
        if long_enough and is_a_voice and not _is_said(subject.product, said):
            attribution = re.match(r"\s*[,.]?\s*[-–—~]{1,2}\s*[^.!?\n]{2,40}", after)
            end = match.end() + (attribution.end() if attribution else 0)
            yield Hit(match.start(), end, "", subject.product is not None)
    for start, announced, *_ in of_check("announced").spans(subject.text):
        rest = re.split(r"[.!?。！？\n]", raw[announced:])[0]
        is_quoted = _QUOTED.search(raw[announced:]) is not None
        if rest.strip() and not is_quoted and not _is_said(subject.product, rest.strip(" \"“”'「」")):
            yield Hit(start, announced + len(rest), "", subject.product is not None)


_NAME = re.compile(
    r"[-–—]{1,2}\s*(?P<name>(?:@\w|[A-Z])[\w'’]+(?:\s(?:[A-Z]\.?|[A-Z][\w'’]+))?(?:,\s?(?:\d{2}|[A-Z][\w ]+))?"
    r"|[\u4e00-\u9fff](?:女士|先生|小姐|妈妈|阿姨|\*{1,2}[\u4e00-\u9fff]?))\s*[.!]?\s*$"
    r"|(?i:verified (?:buyer|purchase)|real customer|actual customer)s?(?: \w+)?"
    r"|(?P<cn>[\u4e00-\u9fff]\*{1,3}[\u4e00-\u9fff\w]?|来自[\u4e00-\u9fff]{2,6}的[\u4e00-\u9fff](?:女士|先生|小姐|妈妈))"
)


def reviewer_name(subject: Subject, params: Params) -> Iterator[Hit]:
    """A person named as somebody who bought it."""
    if subject.product is not None and any(
        _is_said(subject.product, m.group(1)) for m in _QUOTED.finditer(subject.raw)
    ):
        return
    for match in _NAME.finditer(subject.raw):
        if match["name"] and not re.search(r"[\"“”'’」]\s*$", subject.raw[: match.start()]):
            continue
        yield Hit(match.start(), match.end(), "", subject.product is not None)


def star_value(subject: Subject, params: Params) -> Iterator[Hit]:
    """A star value that the product's reviews do not give."""
    for start, end, *_ in of_check("stars").spans(subject.text):
        words = fold(subject.raw[start:end]).words.text
        number = re.search(r"[1-5][.,]\d{1,2}|[1-5](?=\D|$)", words)
        value = float(number.group().replace(",", ".")) if number else 5.0
        stars = [r.stars for r in subject.product.reviews if r.stars is not None] if subject.product else []
        mean = sum(stars) / len(stars) if stars else None
        if mean is not None and abs(mean - value) <= 0.05 + 1e-9:
            continue
        if _in_facts(subject.product, words):
            continue
        instead = f"{mean:.1f}/5" if mean is not None and "%" not in words else ""
        yield Hit(start, end, instead, subject.product is not None)


_COUNT = re.compile(r"(?P<number>\d[\d.,]*)\s?(?P<large>(?:k|w|m|million|thousand|bn|百|千|万|亿)+)?(?![a-z])")
_IS_REVIEW = re.compile("review|rating|testimon|bewert|avis|resena|好评|评价|评论|点评")


def count_of_reviews(subject: Subject, params: Params) -> Iterator[Hit]:
    """So many reviews, buyers or followers that no fact counts. Up to a dozen people are a family, not a claim."""
    reviews = subject.product.reviews if subject.product else ()
    for start, end, *_ in of_check("crowd").spans(subject.text):
        words = fold(subject.raw[start:end]).words.text
        count = _COUNT.search(words)
        number = re.sub(r"[.,](?=\d{3}\b)", "", count["number"]).rstrip(".,") if count else "0"
        is_large = count is not None and count["large"] is not None
        is_review = _IS_REVIEW.search(words) is not None
        value = float(number.replace(",", "."))
        if not is_large and (value == len(reviews) if is_review else value <= 12):
            continue
        if not _in_facts(subject.product, words):
            yield Hit(start, end, "", subject.product is not None)


CHECKS: dict[str, Callable[[Subject, Params], Iterator[Hit]]] = {
    f.__name__: f
    for f in (
        all_caps, characters, count_of_reviews, discount_without_basis, emoji, exclamation, invented_quote, link,
        percent_without_basis, phone_number, price, price_without_end_date, repeated_punctuation, repeated_word,
        reviewer_name, spaced_letters, star_value,
    )
}  # fmt: skip
