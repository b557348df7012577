"""Facts as words: what each fact can be turned into inside a sentence, in English and Chinese.

A phrase is only kept when the ledger finds it supported by itself, so whatever is built from phrases starts out true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from service.domain import Product, Verdict

from . import quantities
from .facts import ORDERS
from .ledger import check
from .lexicon import claim_trie, concepts, plain_stems, table
from .words import has_han, plain, stem, tokens


@dataclass(frozen=True, slots=True)
class Phrase:
    """One fact, or a part of one, ready to be set into a sentence. Any form may be missing."""

    key: str  # of the fact it comes from
    rank: int  # 0 sells best; what headlines are made of first
    tag: str  # stands alone: "24 hours cold"
    noun: str | None = None  # after "with": "a leakproof silicone ring"
    clause: str | None = None  # after "it" or "that": "keeps drinks cold for 24 hours"
    before: str | None = None  # before the product's noun: "stainless steel"
    more: tuple[str, ...] = ()  # further lines that stand alone: "Leakproof. Toss it in."


_RANKS = (
    (re.compile(r"insulat|cold|hot|battery|playtime|run ?time|burn|保温|保冷|续航"), 0),
    (re.compile(r"seal|leak|water|feature|noise|charging|spf|防|function|功能|making|工艺|flavour|flavor|taste|notes|口味"), 1),  # noqa: E501
    (re.compile(r"material|fabric|ingredient|lid|glaze|材质|面料|成分|釉|frame|upper|strap|sole|filling|wick|scent|fragrance"), 2),  # noqa: E501
    (re.compile(r"capacity|volume|content|pieces|count|net|容量|净含量|片数|件数|range|power|功率"), 3),
    (re.compile(r"care|dishwasher|wash|保养|洗"), 4),
    (re.compile(r"warranty|guarantee|质保|保修|certif|认证"), 4),
    (re.compile(r"colou?r|finish|颜色"), 5),
    (re.compile(r"origin|made|packed|产地"), 5),
    (re.compile(r"weight|重量"), 6),
    (re.compile(r"packag|carton|包装"), 7),
    (re.compile(r"height|width|depth|diameter|length|size|dimension|高|宽|深|直径|尺寸|opening"), 8),
)  # fmt: skip
_SKIP = re.compile(
    r"sold separately|not included|^storage|^store |^shelf life|use within|^use$|^water$|^brewing|^dosage|^how to|gtin|sku|ean|^model|batch|^see |charged extra|^n/?a$|^unknown$|^tba$|单独出售|另售|储存|保质期",  # noqa: E501
    re.I,
)
_PARTS = re.compile(r"\s*[;,，；、]\s*(?!\d{3}\b)|\s+/\s+")
_VERB = re.compile(
    r"^(?:keeps?|takes?|holds?|fits?|stays?|folds?|stacks?|charges?|lasts?|runs?|works?|blocks?|sheds?|dries|dims?|rotates?|adjusts?|opens?|closes?|locks?|switches|connects?|lights?|burns?|makes?|serves?|supports?|covers?|washes|stores?|turns?|plays?|weighs|stands|pours)\b",
    re.I,
)
_PARTICIPLE = re.compile(
    r"^(?:(?:wheel|hand|machine|powder|slow|small|double|cold|stone|oven|air|sun|kiln|top|ring)[- ])?(?:made|tested|packed|coated|thrown|dipped|woven|knitted|sewn|stitched|printed|roasted|blended|baked|pressed|picked|grown|finished|glazed|fired|assembled|designed|certified|lined|padded|insulated|brushed|polished|dyed|washed|milled|forged|cast|blown|poured|cut|filled|packaged|ground|scented|tumbled|oiled|waxed|bottled|built|mixed|dried|brewed|engraved|stuffed)\b",  # noqa: E501
    re.I,
)
_ADJECTIVE = re.compile(
    r"(?:-|\b)(?:free|proof|safe|resistant|able|ible|friendly|unscented|vegan|organic|adjustable|foldable|washable|recyclable|compostable|reusable|removable|waterproof|leakproof|wireless|rechargeable|dimmable|cordless)$",
    re.I,
)
_MASS = re.compile(
    r"(?:steel|wood|oak|walnut|beech|cotton|wool|silk|linen|leather|glass|bamboo|silicone|polypropylene|nylon|polyester|ceramic|stoneware|porcelain|aluminum|aluminium|fibre|fiber|oil|tea|coffee|honey|wax|foam|rubber|cork|cardboard|paper|packaging|water|clay|support|storage|protection|insulation|bluetooth|sugar|salt|cocoa|milk|fragrance|perfume|light|charging|control|cancelling|canceling|stitching|padding|lining|construction|fill|filling|down|felt|canvas|mesh|denim|velvet|titanium|brass|copper|iron|concrete|stone|marble|acid|vitamin e|vitamin c)$",  # noqa: E501
    re.I,
)
_RESTRICTS = re.compile(r"\b(?:only|do not|not suitable|keep away|avoid)\b", re.I)  # has to be said, sells nothing
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(?:h|hrs?|hours?)\b", re.I)


def rank_of(key: str, value: str = "") -> int:
    low = key.lower()
    if _RESTRICTS.search(value):
        return 8
    return next((rank for pattern, rank in _RANKS if pattern.search(low)), 4)


@lru_cache(maxsize=128)
def phrases(product: Product, language: str) -> tuple[Phrase, ...]:
    """Every phrase that the product's facts yield in a language, best first; each passes the ledger by itself."""
    found: list[Phrase] = []
    make = _chinese if language.startswith("zh") else _english
    for fact in product.facts:
        value = f"{fact.value} {fact.unit}" if fact.unit and fact.unit not in fact.value else fact.value
        if re.match(r"\s*[-+=@]", value) or _SKIP.search(fact.key) or _SKIP.search(value) or ORDERS.search(value):
            continue
        found.extend(make(fact.key.replace("_", " ").strip(), value.strip()))
    kept: dict[str, Phrase] = {}
    for phrase in sorted(found, key=lambda p: p.rank):
        if not language.startswith("zh"):
            lines = [line for pattern, more in _BENEFITS if pattern.search(phrase.tag) for line in more]
            phrase = replace(phrase, more=tuple(t for t in (*phrase.more, *lines) if _is_true(t, product, language)))
        if phrase.tag.casefold() not in kept and all(_is_true(form, product, language) for form in _forms(phrase)):
            kept[phrase.tag.casefold()] = phrase
    return tuple(kept.values())


def _forms(phrase: Phrase) -> list[str]:
    return [form for form in (phrase.tag, phrase.noun, phrase.clause) if form]


_BENEFITS = (  # a fact's words, and what else may be said when it is true; the ledger still has the last word
    (re.compile(r"\bleak-?\s?proof", re.I), ("Leakproof. Toss it in your bag", "Leakproof: pack it and go")),
    (re.compile(r"^dishwasher safe", re.I), ("Straight to the dishwasher", "Dishwasher safe. Done.")),
    (re.compile(r"^machine wash", re.I), ("Into the machine. Done.", "Machine washable, easy days")),
    (re.compile(r"\bwaterproof\b", re.I), ("Waterproof. Let it rain.",)),
    (re.compile(r"^unscented", re.I), ("Unscented, simply",)),
    (re.compile(r"\bby hand\b|^hand", re.I), ("Made by hand, meant for use",)),
)  # fmt: skip


def _is_true(text: str, product: Product, language: str) -> bool:
    ledger = check(text, product, language)
    return bool(ledger.claims) and ledger.verdict is Verdict.SUPPORTED


# --- English -----------------------------------------------------------------------------------------------------


def _english(key: str, value: str) -> list[Phrase]:
    low, rank = key.lower(), rank_of(key, value)
    if has_han(value):
        return []
    if re.match(r"^\s*(?:no|not|none|false)\b", value, re.I):
        return []
    if re.fullmatch(r"\s*(?:yes|true|included)\s*", value, re.I):
        return [_boolean(key, rank)]
    placed = _led_by_preposition(low, key, value, rank)
    if placed is not None:
        return placed
    if _UNJOINED.fullmatch(value) and low.endswith("s") and _is_part(low):  # "units: g, kg, oz": little apart
        return [Phrase(key, rank + 2, f"{_upper_first(low)}: {value}")]
    if re.search(r"colou?r|shade", low) and "temperature" not in low:
        return [_colour(value, key, rank)]
    if re.search(r"warranty|guarantee", low):
        return _warranty(value, key, rank)
    if re.search(r"packed in|^origin$|made in|country", low):
        return [_place(low, key, value, rank)]
    if re.search(r"packag|carton|\\bbox\\b|wrapping", low):
        return _packaging(low, key, value, rank)
    if re.search(r"ingredient|contains|composition", low) and not re.search(r"number", low):
        return _ingredients(key, value, rank)
    of_part = re.fullmatch(r"([a-z]+) (?:material|fabric)", low)
    if of_part:
        return _material_of_part(key, of_part.group(1), value, rank)
    if _is_part(low) and _LIST.fullmatch(value):  # "hobs: gas, electric and induction": the items mean little apart
        return [Phrase(key, rank, f"{_upper_first(low)}: {value}")]
    found: list[Phrase] = []
    for index, part in enumerate(_PARTS.split(value)):
        for piece in _split_and(part):
            if piece:
                found.extend(_english_part(low, key, piece, rank, is_first=index == 0))
    return found


_LIST = re.compile(r"[\w-]+(?:, [\w-]+)+,? (?:and|or) [\w-]+")
_UNJOINED = re.compile(r"[\w-]{1,12}(?:, [\w-]{1,12}){2,}")
_APPLIANCE = re.compile(r"^(?:dishwasher|microwave|oven|freezer|fridge|tumble dryer|washing machine)$")
_BOUND = re.compile(r"^(?:up to|from|below|above|over|under|at least|at most|about)\s+\d", re.I)
_PREPOSITION = re.compile(
    r"^(?:to|after|before|on|in|at|by|per|every|inside|outside|below|above|under|over|from|with|via|as|only|all)\b",
    re.I,
)


def _led_by_preposition(low: str, key: str, value: str, rank: int) -> list[Phrase] | None:
    """Values that only make sense after their key: "auto-off: after 3 minutes". None: it is no such value."""
    if _APPLIANCE.match(low):  # what it stands, not what it has
        return [Phrase(key, rank, f"{_upper_first(low)}: {value}")]
    if (
        _BOUND.match(value)
        and not _PARTS.search(value)
        and not re.search(r"width|height|length|price|temperature", low)
    ):
        return [Phrase(key, rank, _upper_first(_spelled(value)))]
    if not _PREPOSITION.match(value) or re.search(r"colou?r|origin|made|packed|finish|country|packag", low):
        return None
    if _PARTS.search(value) or not _is_part(low.replace("-", "")):
        return [Phrase(key, rank + 1, f"{_upper_first(low)}: {value}")]
    return [Phrase(key, rank, f"{_upper_first(low)} {value}", noun=f"{with_article(low)} {value}")]


_PLACED = re.compile(r"^[\w-]+ (?:into|in|of|with|from|on|onto|at|under|behind) ")


def _split_and(part: str) -> list[str]:
    """ "dishwasher safe and microwave safe" is two things; "lead and cadmium free" is one."""
    halves = re.split(r"\s+and\s+", part)
    if len(halves) == 2 and all(_ADJECTIVE.search(h) for h in halves):
        return halves
    return [part]


def _boolean(key: str, rank: int) -> Phrase:
    name = _lower_first(key)
    if _APPLIANCE.match(name):
        return Phrase(key, min(rank, 2), f"{_upper_first(name)} safe", clause=f"is {name} safe", before=f"{name} safe")
    if _ADJECTIVE.search(key):
        return Phrase(key, min(rank, 2), _upper_first(name), clause=f"is {name}", before=name)
    return Phrase(key, min(rank, 2), _upper_first(name), noun=with_article(name), clause=f"has {with_article(name)}")


def _colour(value: str, key: str, rank: int) -> Phrase:
    first = _PARTS.split(value)[0]
    if re.search(r"\bor\b|\band\b", first) and "with" not in first:
        return Phrase(key, rank, f"In {value}", clause=f"comes in {value}")
    return Phrase(key, rank, f"In {first}", clause=f"comes in {first}", before=first if len(first) < 14 else None)


def _warranty(value: str, key: str, rank: int) -> list[Phrase]:
    match = re.search(r"(\d+)[\s-]*(years?|months?)", value)
    if match is None:
        return [Phrase(key, rank, _upper_first(value))] if "warranty" in value else []
    number, unit = match.group(1), match.group(2).rstrip("s")
    span = f"{number} {unit}{'s' if number != '1' else ''}"
    return [
        Phrase(key, rank, f"{number}-{unit} warranty", noun=f"{_a(number)} {number}-{unit} warranty", clause=f"comes with {_a(number)} {number}-{unit} warranty"),  # noqa: E501
        Phrase(key, rank + 1, f"Warranty: {span}", more=(f"Covered by warranty for {span}",)),
    ]  # fmt: skip


def _place(low: str, key: str, value: str, rank: int) -> Phrase:
    tag = _upper_first(value) if _PARTICIPLE.match(value) else f"{'Packed' if 'packed' in low else 'Made'} in {value}"
    return Phrase(key, rank, tag, clause=f"is {_lower_first(tag)}")


def _packaging(low: str, key: str, value: str, rank: int) -> list[Phrase]:
    """What is true of the wrapping is said of the wrapping only."""
    name = "packaging" if "packag" in low or "wrap" in low else low
    found = []
    for part in _PARTS.split(value):
        if len(part.split()) <= 3 and not part.startswith(("no ", "without ")) and " and " not in part:
            named = part if name in part else f"{part} {name}"
            found.append(Phrase(key, rank, _upper_first(named), noun=named, clause=f"comes in {named}"))
        elif part.startswith("no "):
            found.append(Phrase(key, rank, f"{_upper_first(part)} {name}"))
    return found


def _material_of_part(key: str, part: str, value: str, rank: int) -> list[Phrase]:
    """A part's material is claimed for the part, never for the whole."""
    found = []
    for piece in _PARTS.split(value):
        if _ADJECTIVE.search(piece.split(" ")[0]) and (" to " in piece or " " not in piece):
            found.append(Phrase(key, rank + 1, _upper_first(f"{part} {piece}")))
        else:
            name = f"{piece} {part}"
            found.append(
                Phrase(key, rank, _upper_first(name), noun=with_article(name), clause=f"has {with_article(name)}")
            )
    return found


def _ingredients(key: str, value: str, rank: int) -> list[Phrase]:
    found = []
    for part in _PARTS.split(value):
        name = re.sub(r"\s*\(?\d+(?:[.,]\d+)?\s*%\)?", "", part).strip()
        if name:
            found.append(Phrase(key, rank, f"With {name}", noun=name, clause=f"contains {name}"))
    return found


def _a(number: str) -> str:
    return "an" if number.startswith("8") or number in ("11", "18") else "a"


def _english_part(low: str, key: str, part: str, rank: int, is_first: bool) -> list[Phrase]:
    part = part.strip(" .")
    figures = quantities.find(plain(part), "en")
    only_figure = bool(figures) and figures[0].measures and figures[0].start == 0 and figures[-1].end >= len(part) - 1
    times = _temperatures(key, part)
    if times:
        return times
    if low in ("sleeps", "seats", "fits", "serves", "feeds", "holds"):
        return [Phrase(key, rank, f"{_upper_first(low)} {part}", clause=f"{low} {part}")]
    if re.fullmatch(r"\d+(?:\.\d+)+", part):  # a version: "Bluetooth 5.3"
        name = f"{_upper_first(key)} {part}"
        return [Phrase(key, rank, name, noun=name, clause=f"has {name}")]
    if only_figure:
        return _figure(low, key, _spelled(part), rank)
    if _VERB.match(part):
        clause = _lower_first(part)
        return [Phrase(key, rank, _upper_first(part), clause=clause)]
    if _PARTICIPLE.match(part) and _PLACED.match(part) and _is_part(low):  # "thermometer: built into the lid"
        name = f"{low} {_lower_first(part)}"
        return [Phrase(key, rank, _upper_first(name), noun=with_article(name), clause=f"has {with_article(name)}")]
    if _PARTICIPLE.match(part):
        return [Phrase(key, rank, _upper_first(part), clause=f"is {_lower_first(part)}")]
    if re.search(r"origin|country|产地", low) and len(part.split()) <= 3:
        if re.fullmatch(r"(?:country of )?origin|made in|country", low):
            return [Phrase(key, rank, f"Made in {part}", clause=f"is made in {part}")]
        return [Phrase(key, rank, f"{_upper_first(low.replace('origin', '').strip())} from {part}".strip())]
    if re.match(r"^(?:material|fabric|body|frame|composition)s?$", low) and _names_material(part):
        return [
            Phrase(key, rank, _upper_first(part), clause=f"is made of {part}", before=part if len(part) < 24 else None)
        ]
    if low == "care" and _CARE.match(part):
        is_short = len(part.split()) <= 2
        stays = f"is {_lower_first(part)}" if re.search(r"able|safe|proof", part) else None
        return [Phrase(key, rank, _upper_first(part), clause=stays, before=part if is_short and stays else None)]
    if low == "care":
        is_plain = _ADJECTIVE.search(part) and len(part.split()) <= 2
        return [Phrase(key, rank, _upper_first(part), clause=f"is {part}", before=part)] if is_plain else []
    led = re.fullmatch(r"(\d[\d.,]*\s?[a-zA-Z°%]+)\s+((?:on|in|at|with|per|under|behind)\s.+)", part)
    if led and _is_part(low):  # "line: 60 m on a winder"
        name = f"{led.group(1)} {low} {led.group(2)}"
        said = name if low.endswith("s") else f"{_a(name)} {name}"
        return [Phrase(key, rank, name, noun=said, clause=f"has {said}")]
    trailing = re.fullmatch(r"(\d[\d.,]*\s?[a-zA-Z%°]+)\s+[a-z]+", part)
    if trailing and figures and figures[0].measures and re.search(r"weight|height|width|length|depth|diameter", low):
        return _figure(low, key, trailing.group(1), rank)
    if re.match(r"^(?:not|no|without)\b", part):
        return [Phrase(key, rank, _upper_first(part), clause=f"is {part}" if part.startswith("not ") else None)]
    if _ADJECTIVE.search(part) and len(part.split()) <= 3 and (_is_part(low) or _is_named_part(low)):
        name = f"{_lower_first(part)} {low}"  # removable is the cover, not the product
        return [Phrase(key, rank, _upper_first(name), noun=with_article(name), clause=f"has {with_article(name)}")]
    if _ADJECTIVE.search(part) and len(part.split()) <= 3:
        before = part if len(part.split()) <= 2 else None
        return [Phrase(key, rank, _upper_first(part), clause=f"is {part}", before=before)]
    return _thing(low, key, part, rank, is_first)


_CARE = re.compile(r"^(?:machine|hand|dishwasher|microwave|oven|freezer|wipe)\b.{0,30}$", re.I)
# fmt: off
_NO_PARTS = frozenset((
    "care", "seal", "feature", "features", "use", "fit", "scent", "flavour", "flavor", "notes", "making",
    "material", "materials", "ingredients", "contents", "audience", "packaging", "function", "closure", "includes",
    "set", "style", "type", "firing", "water", "description", "note", "certification", "certifications", "origin",
    "size", "capacity", "weight", "colour", "color", "finish", "charging", "connectivity", "power", "battery",
    "surface", "coating", "quality", "testing", "manufacture", "production", "construction", "process", "crafted",
))
# fmt: on


def _is_part(low: str) -> bool:
    """Whether a key names a part of the product, whose qualities are not the product's: "cover", "lid"."""
    return re.fullmatch(r"[a-z]+", low) is not None and low not in _NO_PARTS


_ONE_WORD = re.compile(r"[a-z]+|[A-Z]{1,4}\d+[A-Z]?")  # "rotary", "E61": reads well before the part that it tells of
_RANGE = re.compile(r"\d[\d.,]* to \d[\d.,]* [A-Za-z]\w*")


def _is_named_part(low: str) -> bool:
    """The same for keys of two words: "water tank", not "skin type"."""
    words = low.split()
    return len(words) == 2 and _is_part(words[1]) and words[1] not in ("contact", "for", "time", "life", "level")


def _thing(low: str, key: str, part: str, rank: int, is_first: bool) -> list[Phrase]:
    words = part.split()
    if "insulation" in low:
        rank += 1  # the hours it keeps cold sell better than the wall that does it
    is_part_of = re.fullmatch(r"[a-z]+(?: [a-z]+)?", low) and low not in ("care", "seal", "feature", "features", "use", "fit", "scent", "flavour", "flavor", "notes", "making", "material", "materials", "ingredients", "contents", "audience", "suitable for", "packaging", "food contact", "animal testing", "function", "closure", "includes", "in the box", "set", "style", "type", "firing", "water", "number of ingredients")  # fmt: skip  # noqa: E501
    if re.fullmatch(r"\d+", part):
        noun = low.removeprefix("number of ")
        return [Phrase(key, rank, f"{part} {noun}", noun=f"{part} {noun}", clause=f"has {part} {noun}")]
    if (
        low in ("dimming", "charging", "closing", "closure", "control", "lighting", "heating", "cooling")
        and len(words) == 1
        and part.islower()
    ):
        name = f"{part} {low}"
        return [Phrase(key, rank, _upper_first(name), noun=name, clause=f"has {name}")]
    if is_part_of and len(words) <= 3 and stem(words[-1].lower()) not in {stem(w) for w in low.split()}:  # noqa: SIM102
        if _is_material_or_adjective(part) or _ONE_WORD.fullmatch(part):
            name = f"{part} {low}"
            return [Phrase(key, rank, _upper_first(name), noun=with_article(name), clause=f"has {with_article(name)}")]
    if len(words) > 7:
        return [Phrase(key, rank + 3, _upper_first(part))]
    if _RANGE.fullmatch(part) and _is_part(low):  # a scale that we do not know: "wind: 2 to 5 Beaufort"
        return [Phrase(key, rank, f"{_upper_first(low)}: {part}")]
    if re.search(r"flavou?r|notes|taste|scent|fragrance", low):
        return [Phrase(key, rank, _upper_first(part), noun=part)]
    if re.search(r"suitable|for$|skin type|fit$|use$|style$", low):
        return [Phrase(key, rank + 2, f"For {part}" if "suitable" in low or low.endswith("for") or low == "skin type" else _upper_first(part))]  # fmt: skip  # noqa: E501
    if not is_first and not any(ch.isdigit() for ch in part) and _MASS.search(part) is None and len(words) == 1:
        return [Phrase(key, rank + 1, _upper_first(part))]
    return [Phrase(key, rank, _upper_first(part), noun=with_article(part), clause=f"has {with_article(part)}")]


def _names_material(part: str) -> bool:
    mentions = list(claim_trie("en").find(tokens(plain(part))))
    return any(concepts()[c].kind == "material" for m in mentions for c in m.concepts if c != "plain")


def _is_material_or_adjective(part: str) -> bool:
    if _ADJECTIVE.search(part) or re.fullmatch(r"[a-z]+(?:ed|led)", part):
        return True
    mentions = list(claim_trie("en").find(tokens(plain(part))))
    return (
        bool(mentions)
        and mentions[-1].end >= len(part) - 1
        and all(
            concepts()[c].kind in ("material", "colour", "feature")
            for m in mentions
            for c in m.concepts
            if c != "plain"
        )
    )


def _temperatures(key: str, part: str) -> list[Phrase]:
    """ "keeps drinks cold 24 h and hot 12 h" as two benefits and one sentence."""
    found: list[Phrase] = []
    for word, name in (("cold", "cold"), ("hot", "hot"), ("warm", "warm")):
        match = re.search(rf"\b{word}\b\D{{0,24}}?(\d+)\s*(?:h\b|hours?)|(\d+)\s*(?:h\b|hours?)\s+{word}\b", part, re.I)
        if (
            match is None
            and re.search(rf"\b{word}\b", key, re.I)
            and not re.search(r"\b(?:cold|hot|warm)\b", part, re.I)
        ):
            match = re.fullmatch(r"\s*(?:up to )?(\d+)\s*(?:h|hours?)\s*", part)
        if match is not None:
            hours = next(g for g in match.groups() if g)
            found.append(Phrase(key, 0, f"{hours} hours {name}", clause=f"keeps drinks {name} for {hours} hours"))
            found.append(Phrase(key, 1, f"{_upper_first(name)} for {hours} hours"))
    return found


def _figure(low: str, key: str, figure: str, rank: int) -> list[Phrase]:
    if re.search(r"volume|net content|contents?$", low):
        return [Phrase(key, rank, f"Contains {figure}", clause=f"contains {figure}", before=figure)]
    if re.search(r"capacity", low):
        return [
            Phrase(key, rank, f"Holds {figure}", noun=f"room for {figure}", clause=f"holds {figure}", before=figure),
            Phrase(key, rank + 1, f"{figure} capacity"),
        ]
    if "firing" in low:
        return [Phrase(key, rank, f"Fired at {figure}", clause=f"is fired at {figure}")]
    if "weight" in low:
        net = "net" in low
        return [Phrase(key, rank, f"{figure} net" if net else f"Weighs {figure}", clause=None if net else f"weighs {figure}", more=() if net else (f"Only {figure} to carry",))]  # fmt: skip  # noqa: E501
    sized = re.fullmatch(r"([a-z]+) (?:length|width|height|depth|diameter)", low)
    if sized and sized.group(1) not in ("overall", "total", "product", "item", "max", "maximum", "folded", "full"):
        name = f"{figure} {sized.group(1)}"
        return [
            Phrase(
                key, min(rank, 4), _upper_first(name), noun=f"{_a(figure)} {name}", clause=f"has {_a(figure)} {name}"
            )
        ]
    if "height" in low:
        return [Phrase(key, rank, f"{figure} tall", clause=f"stands {figure} tall")]
    if "diameter" in low:
        return [Phrase(key, rank, f"{figure} across", clause=f"measures {figure} across")]
    if "width" in low or "depth" in low or "length" in low:
        word = {"width": "wide", "depth": "deep", "length": "long"}[
            next(w for w in ("width", "depth", "length") if w in low)
        ]
        return [Phrase(key, rank, f"{figure} {word}", clause=f"is {figure} {word}")]
    if re.search(r"battery|playtime|run ?time", low):
        return [Phrase(key, 0, f"{figure} of battery life", noun=f"{figure} of battery life", clause=f"runs {figure} on a charge")]  # fmt: skip  # noqa: E501
    if "burn" in low:
        return [Phrase(key, 0, f"{figure} burn time", noun=f"{figure} of burn time", clause=f"burns for {figure}")]
    if "temperature" in low or "time" in low or "firing" in low:
        return [Phrase(key, rank + 3, f"{_upper_first(low)}: {figure}")]
    name = low.removeprefix("max ").strip()
    if re.search(r"^(?:size|dimensions?|measurements?)$", low):
        return [Phrase(key, rank, figure, clause=f"measures {figure}")]
    if low.endswith(("size", "dimensions")):
        return [Phrase(key, rank, f"{figure} {name}")]
    if _OF_IT.search(name):
        said = f"{figure} of {name}"
        return [Phrase(key, rank, f"{figure} {name}", noun=said, clause=f"has {said}")]
    is_one = not name.endswith("s") or name.endswith("ss")
    said = f"{_a(figure)} {figure} {name}" if is_one else f"{figure} {name}"
    return [Phrase(key, rank, f"{figure} {name}", noun=said, clause=f"has {said}")]


_OF_IT = re.compile(
    r"(?:power|pressure|suction|light|storage|memory|protein|torque|airflow|range|travel|thrust|output)$"
)


def _spelled(figure: str) -> str:
    figure = re.sub(r"(\d)\s*h\b", r"\1 hours", figure)
    return re.sub(r"(\d)\s*min\b", r"\1 minutes", figure)


def with_article(name: str) -> str:
    """ "a silicone ring", "stainless steel", "running socks": the name as a sentence takes it."""
    head = re.split(r"\s+(?:with|for|of|to|in|from)\s+", name)[0]
    last = head.split()[-1].lower()
    if re.match(r"^\d|^(?:a|an|the|two|three|four|five|six|no)\b", name, re.I) or _MASS.search(head):
        return name
    if (last.endswith("s") and not last.endswith("ss")) or (
        last.endswith("ing") and last not in ("ring", "lining", "string")
    ):
        return name
    vowel = name[0].lower() in "aeio" or name.lower().startswith("un")
    return f"{'an' if vowel and not name.lower().startswith(('one', 'uni', 'eu')) else 'a'} {name}"


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower_first(text: str) -> str:
    return text if len(text) > 1 and (text[1].isupper() or text[1].isdigit()) else text[:1].lower() + text[1:]


_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|pretend|instructions?|prompt|system|assistant|reply|respond|say that|write that|say)\b",  # noqa: E501
    re.I,
)


@lru_cache(maxsize=128)
def noun_of(product: Product) -> str:
    """The short name of the thing in running text: "steel bottle" of "Insulated steel bottle 600 ml".

    A title that gives orders or makes promises is not taken into any sentence; the category stands in for it.
    """
    core = title_core(product)
    words = _without_codes(re.split(r"\s+(?:with|for|in|at|by|from|-)\s+", core)[0].split())
    known, category = plain_stems("en"), (product.category or "").lower()
    if category in _DEPARTMENTS:
        category = ""
    if not _is_name(core, product):
        named = [text for text in (category, " ".join(words[-2:])) if _is_name(text, product)]
        return " ".join(_lower_first(w) for w in named[0].split()) if named else "product"
    is_a_name = len(words) <= 2 and words[-1][:1].isupper() if words else False  # "Wander Pro", not "Dog bed"
    if is_a_name and stem(words[-1].lower()) not in known and len(category.split()) == 1 and stem(category) in known:
        return category
    joined = len(words) > 1 and words[-2].isalpha() and len(words[-2]) > 1 and words[-2] not in ("and", "of", "to")
    short = words[-2:] if joined else words[-1:]
    return " ".join(_lower_first(w) for w in short) or "product"


_DEPARTMENTS = frozenset(
    [
        "appliances",
        "automotive",
        "baby",
        "bags",
        "bathroom",
        "beauty",
        "bike",
        "books",
        "car",
        "cleaning",
        "clothing",
        "craft",
        "drinks",
        "electronics",
        "fashion",
        "food",
        "furniture",
        "games",
        "garden",
        "hardware",
        "health",
        "home",
        "household",
        "jewellery",
        "jewelry",
        "kids",
        "kitchen",
        "lighting",
        "music",
        "office",
        "optics",
        "outdoor",
        "outdoors",
        "party",
        "pet",
        "pets",
        "photo",
        "services",
        "shoes",
        "sleep",
        "software",
        "sport",
        "sports",
        "stationery",
        "storage",
        "tableware",
        "technology",
        "tools",
        "toys",
        "travel",
        "wellness",
        "workwear",
    ]
)  # shelves of a shop: they name no product
_CODE = re.compile(r"(?=.*\d)[\w.,%+/-]+$|^(?:[A-Z]{1,3}|USB-C|rechargeable|to|and|of|x)$")
_COUNT = re.compile(r"^(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twelve)$", re.I)


def _without_codes(words: list[str]) -> list[str]:
    """A title's words without what stands behind the name: sizes, standards, counted parts ("A5", "6 cups").

    >>> _without_codes(["Dotted", "notebook", "A5"]), _without_codes(["Moka", "pot", "6", "cups"])
    (['Dotted', 'notebook'], ['Moka', 'pot'])
    """
    kept = list(words)
    while len(kept) > 1:
        if _CODE.search(kept[-1]):
            kept.pop()
        elif len(kept) > 2 and kept[-1].endswith("s") and _COUNT.match(kept[-2]):
            del kept[-2:]
        else:
            break
    return kept


@lru_cache(maxsize=128)
def name_of(product: Product) -> str:
    """The title without brand and figures, or the short name where the title is no name."""
    core = title_core(product)
    return core if _is_name(core, product) else noun_of(product)


def _is_name(text: str, product: Product) -> bool:
    if not text or len(text.split()) > 8 or len(text) > 70 or _ORDERS.search(text):
        return False
    return check(text, product, product.language).is_clean


def head_of(product: Product) -> str:
    """The last word of the thing's name: "bottle"; both where the last alone is another thing: "key ring"."""
    noun = noun_of(product)
    last = noun.split()[-1]
    return noun if last.removesuffix("s") in _NEED_THE_FIRST else last


_NEED_THE_FIRST = frozenset(["ring", "board", "pad", "mat", "rack", "set", "kit", "pack", "stand", "holder", "case", "cover", "box", "machine", "oil", "bar", "cream", "butter", "brush", "paper", "band", "chain", "roll", "tape", "cap", "stick", "maker", "opener", "cleaner", "organiser", "organizer", "protector", "strap", "filter", "hook", "tree", "pin", "wash", "bank"])  # fmt: skip  # noqa: E501


def title_core(product: Product) -> str:
    """The title without brand, figures and what comes after a comma."""
    title = re.split(r"\s*[,|(–]\s*", product.title)[0]
    title = re.sub(
        r"\s*\b\d+(?:[.,]\d+)?\s*(?:[a-z]{1,4}\s*)?(?:[x×]\s*\d+(?:[.,]\d+)?\s*)+(?:cm|mm|m|in|inch(?:es)?)?\b",
        "",
        title,
    )
    if product.brand:
        title = re.sub(rf"(?i)\b{re.escape(product.brand)}\b['’]?s?\s*", "", title)
    source = plain(title)
    for quantity in reversed(quantities.find(source, "en")):
        if quantity.measures and not quantity.is_article:
            start, end = source.span(quantity.start, quantity.end)
            title = f"{title[:start]}{title[end:]}"
    return re.sub(r"\s{2,}", " ", title).strip(" -–,") or product.title


# --- Chinese -----------------------------------------------------------------------------------------------------

_HAN_UNITS = {
    "ml": "毫升", "l": "升", "g": "克", "kg": "公斤", "cm": "厘米", "mm": "毫米", "m": "米", "h": "小时", "min": "分钟", "d": "天", "wk": "周",  # noqa: E501
    "mo": "个月", "y": "年", "W": "瓦", "mAh": "毫安时", "in": "英寸", "oz": "盎司", "lb": "磅", "C": "℃", "pct": "%", "V": "伏", "dB": "分贝", "lm": "流明",  # noqa: E501
}  # fmt: skip


def _chinese(key: str, value: str) -> list[Phrase]:
    rank = rank_of(key)
    if not has_han(value + key):
        return _chinese_from_latin(key, value, rank)
    if re.match(r"^\s*(?:否|无|没有|不支持|不含)\s*$", value):
        return []
    if re.match(r"^\s*(?:是|有|支持)\s*$", value):
        return [Phrase(key, min(rank, 2), key, clause=key)]
    found: list[Phrase] = []
    for part in re.split(r"[，,；;、]", value):
        part = re.sub(r"(\d)\s+(?=[\u4e00-\u9fff])", r"\1", part.strip())
        if part:
            found.append(_chinese_part(key, part, rank))
    return found


def _chinese_part(key: str, part: str, rank: int) -> Phrase:
    figures = quantities.find(plain(part), "zh")
    if figures and figures[0].measures and figures[-1].end >= len(part) - 1 and figures[0].start == 0:
        if "质保" in key or "保修" in key:
            return Phrase(key, rank, f"{key}{part}", clause=f"{key}{part}")
        if re.search(r"容量|续航|保温|保冷", key):
            return Phrase(key, rank, f"{part}{key}", noun=f"{part}{key}", clause=f"{key}{part}")
        return Phrase(key, rank, f"{key}{part}", noun=f"{part}{key}", clause=f"{key}{part}")
    if re.search(r"材质|面料|材料", key):
        return Phrase(
            key, rank, f"{part}材质" if not part.endswith("质") else part, noun=f"{part}材质", clause=f"{key}为{part}"
        )
    if re.search(r"产地", key):
        made = part if re.search(r"制|造|产", part) else f"产自{part}"
        return Phrase(key, rank, made, clause=made)
    if re.search(r"颜色", key):
        return Phrase(key, rank, part, noun=part, clause=f"{key}{part}")
    if len(part) <= 2:
        return Phrase(key, rank, f"{key}{part}", clause=f"{key}{part}")
    if part.isascii() and has_han(key) and len(key) <= 4:  # 充电: USB-C
        return Phrase(key, rank, f"{part}{key}", noun=f"{part}{key}", clause=f"{part}{key}")
    return Phrase(key, rank, part, noun=part, clause=part)


def _chinese_from_latin(key: str, value: str, rank: int) -> list[Phrase]:
    """A fact in another language, told in Chinese as far as its figures and known things go."""
    found: list[Phrase] = []
    source = plain(value)
    for quantity in quantities.find(source, "en"):
        if not quantity.measures:
            continue
        unit = _HAN_UNITS.get(quantity.measures[0].unit)
        if unit is None or quantity.hedge != "exact":
            continue
        figure = f"{quantity.number:g}{unit}"
        near = plain(value[max(0, quantity.start - 16) : quantity.end + 8]).lower + " " + key.lower()
        name = next((zh for en, zh in _HAN_NAMES if re.search(en, near)), None)
        if name is not None:
            tag = f"{figure}{name}" if name in ("保冷", "保温", "容量", "续航") else f"{name}{figure}"
            found.append(Phrase(key, rank, tag, noun=tag, clause=tag))
    for mention in claim_trie("en").find(tokens(source)):
        for concept in mention.concepts:
            if concept == "plain" or concepts()[concept].kind not in (
                "material",
                "feature",
                "certification",
                "colour",
                "origin",
            ):
                continue
            surface = _han_surface(concept)
            if surface is not None:
                tag = surface + {"material": "材质", "colour": "", "origin": "制造"}.get(concepts()[concept].kind, "")
                found.append(Phrase(key, rank, tag, noun=tag, clause=tag))
    return found


_HAN_NAMES = (("cold", "保冷"), ("hot|warm", "保温"), ("capacity|volume", "容量"), ("battery|playtime", "续航"), ("warranty", "质保"), ("height", "高"), ("weight", "重"), ("diameter", "直径"))  # fmt: skip  # noqa: E501


def _han_surface(concept: str) -> str | None:
    for name in ("materials", "features", "certifications", "colours", "origins"):
        row = table(name).get(concept)
        if row is not None and row.get("zh"):
            return str(row["zh"][0])
    return None
