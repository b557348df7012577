"""The verdict on one named claim: the fact that carries it, the fact that denies it, or neither."""

from __future__ import annotations

import re

from service.copy.facts import FactBook, Line, is_negated
from service.copy.lexicon import Mention, concepts, table
from service.domain import Product, Verdict

from .evidence import denying_line, is_of_a_part, literal_line, names_scope, other_relation, unknown_part, wrong_part
from .reading import NOT_FROM_TITLE, PACKAGING, Reading, missing_reason, stems_of

_OFFER_TYPE = {
    "discount": "discount", "free_shipping": "discount", "fast_shipping": "time", "free_gift": "discount",
    "returns": "warranty", "returns_right": "warranty", "trial_right": "warranty", "satisfaction": "warranty", "scarcity": "quantity", "low_price": "price",  # noqa: E501
    "instalments": "price", "subscription": "price",
}  # fmt: skip


_FEATURE_TYPE = {"proof_any": "compatibility", "instant": "time", "long_lasting": "time", "all_day_hold": "time"}


_EXCLUSIVE = {"material": "material", "colour": "colour", "origin": "origin"}


def _named_before(reading: Reading, mention: Mention) -> Line | None:
    """The fact about certificates that holds the word before "certified"."""
    before = next((w for w in reversed(reading.words) if w.end <= mention.start), None)
    if before is None or mention.start - before.end > 1:
        return None
    lines = (ln for ln in reading.book.facts() if re.search(r"certif|standard|label|认证|zertif", ln.key.lower()))
    return next((ln for ln in lines if before.stem in stems_of(ln) and not ln.negative), None)


GENERIC = frozenset({"certified", "imported"})


def judge_mention(reading: Reading, mention: Mention, known: list[str]) -> None:
    book = reading.book
    kind = concepts()[known[0]].kind
    type = _type_of(known[0], kind)
    span = (mention.start, mention.end)
    says_no_itself = bool(_NEGATOR.match(reading.source.lower[span[0] : span[1]]))
    negated = is_negated(reading.source, mention.start) and not says_no_itself
    single = [c for c in known if not concepts()[c].is_group]  # families prove nothing beyond their very words
    yes = next((book.affirmed[c] for c in single if c in book.affirmed), None) or _counted_by_name(reading, span)
    if yes is None and kind not in NOT_FROM_TITLE:
        yes = next((book.in_title[c] for c in single if c in book.in_title), None)
    no = next((book.denied[c] for c in single if c in book.denied), None)
    if yes is None and len(single) < len(known):
        yes = literal_line(reading, span, kind)
        no = None if yes is not None or not single else no
    if yes is None and no is None:
        no = denying_line(reading, span)
        if says_no_itself:
            yes, no = no, None
    if kind == "origin" and yes is not None and not negated:
        other = other_relation(reading, mention, yes)
        if other is not None:
            return reading.contradicted(*span, type, other)
    if negated:
        if no is not None and yes is None:
            return reading.supported(*span, type, no)
        if yes is not None:
            return reading.contradicted(*span, type, yes)
        absent = next((book.absent[w.stem] for w in reading.words_in(span[0], span[1]) if w.stem in book.absent), None)
        if absent is not None:
            return reading.supported(*span, type, absent)
        if kind == "colour":
            return reading.take(*span)  # "no grey paws"
        return reading.unsupported(*span, type, "no fact says that it is not so")
    if yes is None and known[0] == "satisfaction" and "warranty" in book.kinds and not book.kinds["warranty"].negative and _GUARANTEED.fullmatch(reading.source.lower[span[0] : span[1]]):  # fmt: skip  # noqa: E501
        yes = book.kinds["warranty"]
    if yes is not None and no is not None and not names_scope(reading, mention, yes):
        return reading.unsupported(*span, type, f"true of a part only: {yes.shown}")
    if yes is not None and kind in ("environment", "material") and PACKAGING.search(yes.key.lower()):  # noqa: SIM102
        if not PACKAGING.search(reading.source.lower):
            return reading.unsupported(*span, type, f"true of the packaging only: {yes.shown}")
    if yes is not None and re.search(r"\bonly\b|仅限|仅", yes.value.lower()) and _WHOLE.search(reading.source.lower):
        return reading.unsupported(*span, type, f"true of a part only: {yes.shown}")
    if yes is not None and known[0].endswith("_free") and is_of_a_part(reading, yes):
        return reading.unsupported(*span, type, f"true of a part only: {yes.shown}")
    if yes is not None:
        wrong = wrong_part(reading, mention, known, kind)
        if wrong is not None:
            return reading.contradicted(*span, type, wrong)
        part = unknown_part(reading, mention, kind)
        if part is not None:
            return reading.unsupported(span[0], part.end, type, f"no fact mentions: {part.lower}")
        return reading.supported(*span, type, yes)
    if no is not None:
        return reading.contradicted(*span, type, no)
    if "proof_any" in known:
        following = next(iter(reading.words_from(span[1])), None)
        everyone = next((ln for ln in book.facts() if following is not None and following.stem in stems_of(ln) and _ANY.search(ln.value.lower())), None)  # fmt: skip  # noqa: E501
        if everyone is not None:
            return reading.supported(*span, type, everyone)
    named = _named_before(reading, mention) if GENERIC & set(known) else None
    if named is not None:
        return reading.supported(*span, type, named)
    literal = literal_line(reading, span, kind)
    if literal is not None:
        return reading.supported(*span, type, literal)
    subject = _EXCLUSIVE.get(kind)
    if subject is not None and subject in book.kinds:
        return reading.contradicted(*span, type, book.kinds[subject])
    if _QUIET.match(reading.source.lower[span[0] : span[1]]) and _noise_line(book) is not None:
        return reading.add(*span, "opinion", Verdict.PUFFERY, None, "opinion beside a figure for the noise")
    weaker = next((book.affirmed[b] for c in known for b in concepts()[c].broader if b in book.affirmed), None)
    if weaker is not None:
        return reading.unsupported(*span, type, f"the fact says less: {weaker.shown}")
    if kind == "superlative" and "top_rated" in known and _reviews_love_it(reading.book.product):
        return reading.supported(*span, type, "reviews: at least five, 4.5 stars or more on average")
    if kind == "feature" and reading.language in ("de", "fr", "es", "ja") and " " not in reading.source.text[span[0] : span[1]]:  # fmt: skip  # noqa: E501
        return reading.take(*span)  # single words of a language that is read for figures, certificates and ranks
    return reading.unsupported(*span, type, missing_reason(kind))


_GUARANTEED = re.compile(r"guaranteed|garantiert|garanti|garantizado|保証付き")


_QUIET = re.compile(r"(?:whisper|super|ultra|very|extra)?[ -]?quiet|silent|静音|低噪|leise|silencieu|silencios|静か")


def _noise_line(book: FactBook) -> Line | None:
    quiet = (fq.line for fq in book.quantities if fq.quantity.number <= 45 and any(m.unit.lower() in ("db", "dba") for m in fq.quantity.measures))  # fmt: skip  # noqa: E501
    return next(quiet, None)


_SEVERAL = {"dual": 2.0, "twin": 2.0, "double": 2.0, "triple": 3.0, "quad": 4.0}


def _counted_by_name(reading: Reading, span: tuple[int, int]) -> Line | None:
    """The fact that counts as many of the thing as its name says: "two motors", "dual motor" and motors: 2."""
    words = reading.words_in(span[0], span[1])
    if len(words) < 2:
        return None
    number = _SEVERAL.get(words[0].lower) or table("numbers")["en"].get(words[0].lower)
    if number is None:
        return None
    return next((fq.line for fq in reading.book.quantities if fq.quantity.number == number and not fq.quantity.measures and words[-1].stem in stems_of(fq.line)), None)  # fmt: skip  # noqa: E501


_WHOLE = re.compile(r"\b(?:whole|entire|fully|completely|all parts|every part|100 ?%)\b|整个|全部|整体|完全")


_ANY = re.compile(r"\b(?:all|any|every|universal)\b|所有|各种|通用")


_NEGATOR = re.compile(
    r"(?:no|non|not|without|zero|free|never|ohne|kein\w*|sans|sin|libre|不含|不|无|零|未|免|0)(?:[\s-]|(?<=[^\x00-\x7f]))|.*[ -](?:free|frei)$|.*(?:frei|フリー|不使用|無添加|なし)$"  # noqa: E501
)


def _type_of(concept: str, kind: str) -> str:
    if kind == "offer":
        return _OFFER_TYPE[concept]
    if kind == "feature":
        return _FEATURE_TYPE.get(concept, "feature")
    return kind


def _reviews_love_it(product: Product) -> bool:
    stars = [r.stars for r in product.reviews if r.stars is not None]
    return len(stars) >= 5 and sum(stars) / len(stars) >= 4.5
