"""The claim ledger: which sentences of a text say something about a product, and whether a fact carries them.

``check`` is the only door. It is deterministic, needs no network and no model, and answers in a few milliseconds.
The rule behind every decision: what a fact does not carry is not supported, whoever wrote it. See README.md for the
types of claims and for the order in which a text is read.
"""

from __future__ import annotations

import re

from service.domain import Claim, Ledger, Product, Verdict
from service.errors import InvalidInput

from . import quantities
from .claims.absences import read_absences, read_codes, read_grades
from .claims.chinese import read_rest_in_chinese
from .claims.comparisons import read_comparisons
from .claims.english import read_rest
from .claims.figures import read_quantities
from .claims.frames import read_frames, read_opposites, read_patterns
from .claims.mentions import mentions_in, read_mentions
from .claims.people import read_brand, read_quotations, read_ratings
from .claims.prices import read_prices
from .claims.reading import Reading
from .claims.sizes import read_single_sizes, read_sizes, read_warranties
from .facts import open_book
from .words import plain, tokens, written_language

MOST_CHARACTERS = 100_000


def check(text: str, product: Product, language: str = "en") -> Ledger:
    """Find every claim of a text and hold it against the product's facts.

    Args:
        text: copy, as it will be shown, at most 100,000 code points; HTML tags and entities are not read.
        product: its facts, title, brand, category, price and reviews are the only evidence there is.
        language: BCP 47 tag of the text; the script overrules it ("en" with Chinese characters is read as Chinese).

    Raises:
        InvalidInput: a longer text.

    Returns:
        A ledger whose claims stand in text order with spans in code points of ``text`` as given.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput("text", f"{len(text):,} characters; at most {MOST_CHARACTERS:,} are read at once")
    source = plain(text)
    spoken = written_language(text, language)
    figures = quantities.find(source, spoken)
    reading = Reading(source, spoken, open_book(product), tokens(source), figures, taken=bytearray(len(source.text)))
    read_brand(reading)
    read_quotations(reading)
    read_ratings(reading)
    read_prices(reading)
    read_sizes(reading)
    read_single_sizes(reading)
    read_warranties(reading)
    for match in _AT_MOST.finditer(source.lower):
        reading.take(match.start(), match.start() + 2)
    for match in _ORDINAL.finditer(source.lower):
        reading.take(*match.span())
    for match in _SIMILE.finditer(source.lower):
        reading.take(*match.span())
    for match in _LIKE_A.finditer(source.lower):
        reading.take(*match.span("like"))
    read_grades(reading)
    read_opposites(reading)
    mentions = mentions_in(reading)
    read_mentions(reading, mentions)
    read_codes(reading)
    read_absences(reading)
    read_quantities(reading)
    read_comparisons(reading)
    read_patterns(reading)
    read_frames(reading)
    if spoken == "en":
        read_rest(reading)
    elif spoken == "zh":
        read_rest_in_chinese(reading)
    return Ledger(text, _finished(reading))


_ORDINAL = re.compile(
    r"第一(?=[段次个口天步眼杯件把支双顶辆套份座课堂站节章页封缕束声句场程餐顿年晚夜班])|第[二三四五六七八九十]+(?=[段次个口天步眼杯件把支双节章页])"
)


_SIMILE = re.compile(r"\b(?:feather|paper|rock|butter|cloud|silk|cotton|velvet|whisper|rose|honey|cloud|featherlight|baby|pillow|marshmallow|diamond|iron)[ -](?:light|thin|solid|soft|smooth|tinted|sweet|bright|clear|like)\b|(?:周|星期|礼拜)[一二三四五六日天]|不怕(?![水摔火压晒脏冻雨])[^\W\d_](?=\W|$)|(?:三五|三两|两三|七八|一二)(?=[^\d]?(?:好友|知己|朋友|个|人|天|杯|口|下|步|位|分钟|成群))")  # fmt: skip  # noqa: E501


_LIKE_A = re.compile(
    r"\b(?:light|soft|sharp|smooth|tough|strong|quiet|cool|warm|clear|bright|easy|sweet|fresh|thin|solid|free|snug|cosy|cozy|comfy|dry|cold|steady|pretty|happy|simple|bold|gentle|calm|silent|sturdy|reliable|good|fast|quick|hard|flat|neat|clean|safe|sure|fit|busy|proud|regular|right) as (?:an? |the )?(?P<like>[a-z]+)"  # noqa: E501
)  # "light as a feather" says light


_AT_MOST = re.compile(
    r"最[长長高大多低小快久远](?=[\u4e00-\u9fff]{0,4}(?:约|达|为|可达)?(?:\d|[一二两三四五六七八九十百千]+[^\W\d]))"
)


def _place(claim: tuple[int, int, str, Verdict, str | None, str | None]) -> tuple[int, int, str, str, str]:
    return claim[0], claim[1], claim[2], claim[3].value, claim[4] or ""


def _finished(reading: Reading) -> tuple[Claim, ...]:
    claims = []
    for start, end, type, verdict, evidence, reason in sorted(set(reading.claims), key=_place):
        a, b = reading.source.span(start, end)
        claims.append(Claim(a, b, reading.source.raw[a:b], type, verdict, evidence, reason))
    return tuple(claims)
