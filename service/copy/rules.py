"""What a market's law and a platform's policy say about a text.

``check`` is the only door; it is deterministic, needs no network and no model, and answers in well under 2 ms. Rules
are data (``prompts/rules``). A text is read twice, with disguises undone (``folding.py``); patterns with Han characters
or kana look at the tight reading, all others at the one with words. Only rules one of whose necessary words occurs are
tried. Every finding is told in code points of the text as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from prompts import channel as read_channel
from prompts.rules import Pack, Rule, Severity, find_channel, find_market, packs_for, shared
from service.domain import Finding, Product

from .folding import Folded, View, fold, fold_pattern, has_han
from .patterns import Patterns, compiled, is_tight, one_pattern
from .rule_checks import CHECKS, Hit, Params, Subject

Verdict = Literal["block", "warn", "pass"]
MOST_REWRITES = 12  # findings of one text that get a rewrite each; the text as a whole is mended in any case
_GRAVITY = {"block": 0, "warn": 1, "pass": 2}


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing about a text that a rule forbids or advises against."""

    rule: str  # "cn.absolute.most"
    title: str
    start: int  # code points into the text as given
    end: int
    text: str  # what stands there
    severity: Severity
    why: str
    source: str
    url: str | None
    evidence: str  # official, secondary or memory: how surely the source is known
    hint: str  # what a person can do about it
    instead: str | None = None  # what to write at [start, end); empty: nothing; None: needs a person
    instead_start: int = 0  # the replaced place, which may hold more than the finding, "the best" for "best"
    instead_end: int = 0
    rewrite: str | None = None  # the whole text with only this one mended; None where that is not safe


@dataclass(frozen=True, slots=True)
class Circumstances:
    """For whom, where and about what a text is written."""

    market: str
    channel: str | None = None
    field: str | None = None
    language: str | None = None
    category: str | None = None
    product: Product | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """All findings on one text, and the text mended."""

    text: str
    verdict: Verdict
    findings: tuple[Breach, ...]  # in text order, the graver first at one place
    rewrite: str | None  # a text that passes, or at least is not blocked; None: nothing to do, or not safely
    packs: tuple[str, ...]  # which packs were applied
    circumstances: Circumstances

    @property
    def is_blocked(self) -> bool:
        return self.verdict == "block"

    def as_findings(self, field: str | None = None) -> tuple[Finding, ...]:
        """The same as findings of a copy line."""
        where = field if field is not None else self.circumstances.field
        return tuple(Finding(b.rule, b.why, b.severity, where, b.start, b.end, b.rewrite) for b in self.findings)


def check(
    text: str,
    *,
    market: str,
    channel: str | None = None,
    field: str | None = None,
    language: str | None = None,
    category: str | None = None,
    product: Product | None = None,
    suggest: bool = True,
) -> Ruling:
    """Hold a text against the law of a market and the policy of a channel.

    Args:
        text: one field's text, as it will be shown.
        market: "cn", "eu", "us", "uk", "de" ...; other names of the same market are known ("gb", "zh-CN").
        channel: "amazon_listing" ...; adds its platform's rules. None: the market's only.
        field: "title", "headline" ...; None: unknown, rules for a field then apply if the text is short enough for it.
        language: BCP 47 tag of the text; None: told by its script, all languages written in Latin letters are tried.
        category: what kind of product, in the merchant's words; None: the product's, else told from the text.
        product: what can bear a claim out: certificates among its facts, its reviews, its registered names.
        suggest: also work out rewrites.

    Raises:
        UnknownMarket, UnknownChannel, UnknownField.

    >>> ruling = check("全网最.佳保温杯", market="cn")
    >>> ruling.verdict, [(b.start, b.end, b.text) for b in ruling.findings]
    ('block', [(0, 5, '全网最.佳')])
    """
    channel_id = find_channel(channel) if channel is not None else None
    if channel_id is not None and field is not None:
        read_channel(channel_id).field(field)
    about = Circumstances(find_market(market), channel_id, field, language, category, product)
    findings = _findings(text, about)
    mended = None
    if suggest and findings:
        mended_alone = (replace(b, rewrite=_alone(text, b, findings, about)) for b in findings[:MOST_REWRITES])
        findings = (*mended_alone, *findings[MOST_REWRITES:])
        mended = _mended(text, findings, about)
    names = tuple(pack.id for pack in packs_for(about.market, about.channel))
    return Ruling(text, _worst(findings), findings, mended, names, about)


def rewrite(text: str, ruling: Ruling) -> str:
    """The text with everything mended that can be mended safely; the same text where nothing can.

    ``text`` may differ from the ruling's (a model's next draft): it is then looked at anew in the same circumstances.
    """
    if text != ruling.text:
        about = ruling.circumstances
        return _mended(text, _findings(text, about), about) or text
    return ruling.rewrite or text


def _worst(findings: Iterable[Breach]) -> Verdict:
    return min((b.severity for b in findings), key=_GRAVITY.__getitem__, default="pass")


# --- rules made ready --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ready:
    rule: Rule
    pack: Pack
    finds: Patterns
    exceptions: Patterns
    in_clause: Patterns
    soften: Patterns
    instead: tuple[tuple[re.Pattern[str], str, bool], ...]  # pattern, text, is for the tight reading
    family: str


@dataclass(frozen=True, slots=True)
class _Book:
    """All rules that apply somewhere, with the index that says which are worth trying."""

    rules: tuple[_Ready, ...]
    always: tuple[int, ...]
    by_word: tuple[tuple[str, tuple[int, ...]], ...]
    by_han: tuple[tuple[str, tuple[int, ...]], ...]

    def worth_trying(self, text: Folded) -> list[_Ready]:
        chosen = set(self.always)
        words, tight = text.words.text, text.tight.text
        for needed, owners in self.by_word:
            if needed in words:
                chosen.update(owners)
        if tight is not words:
            for needed, owners in self.by_han:
                if needed in tight:
                    chosen.update(owners)
        return [self.rules[i] for i in sorted(chosen)]


@lru_cache(maxsize=256)
def _book(market: str, channel: str | None) -> _Book:
    rules: list[_Ready] = []
    for pack in packs_for(market, channel):
        for rule in pack.rule:
            pairs = tuple((one_pattern(pattern), text, is_tight(pattern)) for pattern, text in rule.rewrite.replace)
            rules.append(
                _Ready(
                    rule,
                    pack,
                    compiled(rule.patterns),
                    compiled(rule.exceptions),
                    compiled(rule.clause_exceptions),
                    compiled(rule.soften),
                    pairs,
                    rule.family or ".".join(rule.id.split(".")[:2]),
                )
            )
    always: list[int] = []
    by_word: dict[str, list[int]] = {}
    by_han: dict[str, list[int]] = {}
    for i, ready in enumerate(rules):
        if ready.rule.check is not None or ready.finds.needed_words is None or ready.finds.needed_tight is None:
            always.append(i)
            continue
        for needed in ready.finds.needed_words:
            by_word.setdefault(needed, []).append(i)
        for needed in ready.finds.needed_tight:
            by_han.setdefault(needed, []).append(i)
    return _Book(tuple(rules), tuple(always), _frozen(by_word), _frozen(by_han))


def _frozen(table: dict[str, list[int]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((word, tuple(owners)) for word, owners in table.items())


# --- which rules apply -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _category_words() -> tuple[tuple[str, Patterns], ...]:
    return tuple((id, compiled(row.words)) for id, row in shared().categories.items() if row.words)


@lru_cache(maxsize=1024)
def _categories_named(category: str) -> frozenset[str]:
    said = fold(category.lower().replace("_", " ")).words.text
    return frozenset(
        id
        for id, row in shared().categories.items()
        if said == id.replace("_", " ") or any(re.search(rf"(?<![a-z]){re.escape(n)}", said) for n in row.names)
    )


def _categories(text: Folded, about: Circumstances) -> frozenset[str]:
    """Which kinds of product the text is about: by what was given, else by its words."""
    given = about.category or (about.product.category if about.product else None)
    if given:
        return _categories_named(given)
    found = {id for id, words in _category_words() if words.anywhere(text)}
    return frozenset(found)


_KANA = re.compile("[\u3041-\u30fa]")
_LATIN = re.compile("[a-z]{2}")
_LATIN_LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "nl", "pt"})


def _languages(text: Folded, given: str | None) -> frozenset[str]:
    tag = given.lower().replace("_", "-").split("-")[0] if given else None
    found: set[str] = set()
    if has_han(text.tight.text):
        found.add("ja" if tag == "ja" or _KANA.search(text.tight.text) else "zh")
    if _LATIN.search(text.words.text):
        found |= {tag, "en"} if tag in _LATIN_LANGUAGES else {"en"} if found else _LATIN_LANGUAGES
    return frozenset(found or _LATIN_LANGUAGES)


def _applies(
    rule: Rule, text: str, about: Circumstances, languages: frozenset[str], categories: frozenset[str]
) -> bool:
    if rule.languages and not languages.intersection(rule.languages):
        return False
    if rule.categories and not categories.intersection(rule.categories):
        return False
    if categories.intersection(rule.not_categories):
        return False
    return not rule.fields or _is_for_field(rule, text, about)


def _is_for_field(rule: Rule, text: str, about: Circumstances) -> bool:
    """A rule for some fields; where the field is not known, it applies if the text would fit into one of them."""
    if about.field is not None:
        return about.field in rule.fields
    if about.channel is None:
        return False
    spec = read_channel(about.channel).text
    for name in rule.fields:
        if name in spec:
            length = spec[name].length(text)
            limit = spec[name].looser_max or spec[name].max
            if length is not None and limit is not None and length <= limit:
                return True
    return False


# --- findings ----------------------------------------------------------------------------------------------------


def _findings(text: str, about: Circumstances) -> tuple[Breach, ...]:
    folded = fold(text)
    book = _book(about.market, about.channel)
    candidates = book.worth_trying(folded)
    if not candidates:
        return ()
    languages = _languages(folded, about.language)
    categories: frozenset[str] | None = None
    names = _own_names(about.product)
    found: list[tuple[Breach, str]] = []
    for ready in candidates:
        rule = ready.rule
        if (rule.categories or rule.not_categories) and categories is None:
            categories = _categories(folded, about)
        if not _applies(rule, text, about, languages, categories or frozenset()):
            continue
        found += [(breach, ready.family) for breach in _breaches(ready, folded, about, names)]
    return _without_doubles(found)


def _breaches(ready: _Ready, text: Folded, about: Circumstances, names: re.Pattern[str] | None) -> list[Breach]:
    rule = ready.rule
    found: list[Breach] = []
    exceptions: list[tuple[int, int]] | None = None
    for start, end, hit, place in _places(ready, text, about):
        if exceptions is None:
            exceptions = [span[:2] for span in ready.exceptions.spans(text)]
            if names is not None:
                exceptions += [text.span(text.words, *m.span()) for m in names.finditer(text.words.text)]
        if any(a <= start < b for a, b in exceptions) or text.raw[end : end + 1] == "®":
            continue
        if _in_clause(ready.in_clause, text, start, end):
            continue
        matched = text.raw[start:end]
        if _is_borne_out(rule, about.product, matched):
            continue
        severity = rule.severity
        if severity == "block" and _in_clause(ready.soften, text, start, end):
            severity = "warn"
        elif about.product is not None and rule.with_product is not None and (hit is None or hit.is_worse):
            severity = rule.with_product
        instead, a, b = _instead(ready, text, about.product, start, end, hit, place)
        if severity != rule.severity and severity == "warn":
            instead = None  # a sourced statement is for a person to check, not to be cut
        source = ready.pack.sources[rule.source[0]]
        titles = "; ".join(ready.pack.sources[name].title for name in rule.source)
        found.append(
            Breach(
                rule=rule.id,
                title=rule.title,
                start=start,
                end=end,
                text=matched,
                severity=severity,
                why=rule.why,
                source=titles,
                url=source.url,
                evidence=source.evidence.value,
                hint=rule.rewrite.hint,
                instead=instead,
                instead_start=a,
                instead_end=b,
            )
        )
    return found


Place = tuple[View, int, int]


def _places(ready: _Ready, text: Folded, about: Circumstances) -> Iterator[tuple[int, int, Hit | None, Place | None]]:
    if ready.rule.check is not None:
        params: Params = ready.rule.params
        for hit in CHECKS[ready.rule.check](Subject(text, about.product), params):
            yield hit.start, hit.end, hit, None
        return
    for start, end, view, a, b in ready.finds.spans(text):
        yield start, end, None, (view, a, b)


_STRONG = frozenset(",，!！?？;；:：。\n…|、")


def _in_clause(patterns: Patterns, text: Folded, start: int, end: int) -> bool:
    """Does one of the patterns touch the clause that holds [start, end) of the raw text?"""
    if patterns.words is None and patterns.tight is None:
        return False
    a, b = _clause(text.raw, start, end)
    return any(s < b and e > a for s, e, *_ in patterns.spans(text))


def _clause(raw: str, start: int, end: int) -> tuple[int, int]:
    """The stretch between two clause ends that holds [start, end)."""
    while start > 0 and not _ends_clause(raw, start - 1):
        start -= 1
    while end < len(raw) and not _ends_clause(raw, end):
        end += 1
    return start, end


def _ends_clause(raw: str, i: int) -> bool:
    if raw[i] in ".,":
        return i + 1 == len(raw) or not raw[i + 1].isalnum()
    return raw[i] in _STRONG


@lru_cache(maxsize=256)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    folded = [fold(name).words.text.strip() for name in names]
    kept = sorted({f for f in folded if len(f) >= 2}, key=len, reverse=True)
    return re.compile(r"(?<![a-z0-9])(?:" + "|".join(map(re.escape, kept)) + ")(?![a-z0-9])") if kept else None


_NAME_KEY = re.compile(r"trade ?mark|registered|brand|品牌|商标|注册|系列名", re.I)


def _own_names(product: Product | None) -> re.Pattern[str] | None:
    """Names that may be called by their name whatever they say: the brand and registered trade marks."""
    if product is None:
        return None
    named = [fact.value for fact in product.facts if _NAME_KEY.search(fact.key)]
    return _names_pattern(tuple(filter(None, [product.brand, *named])))


@lru_cache(maxsize=2048)
def _fact_pattern(pattern: str, matched: str) -> re.Pattern[str]:
    return re.compile(fold_pattern(pattern.replace("{match}", re.escape(fold(matched).words.text))))


def _is_borne_out(rule: Rule, product: Product | None, matched: str) -> bool:
    if product is None or not rule.substantiated_by:
        return False
    lines = [fold(f"{fact.key}: {fact.value} {fact.unit or ''}").words.text for fact in product.facts]
    return any(_fact_pattern(p, matched).search(line) for p in rule.substantiated_by for line in lines)


def _without_doubles(found: list[tuple[Breach, str]]) -> tuple[Breach, ...]:
    """In text order; of finds of one family that overlap, the graver, then the longer one."""
    kept: list[tuple[Breach, str]] = []
    for breach, family in sorted(found, key=lambda f: (_GRAVITY[f[0].severity], f[0].start - f[0].end)):
        if not any(family == other and b.start < breach.end and breach.start < b.end for b, other in kept):
            kept.append((breach, family))
    return tuple(sorted((b for b, _ in kept), key=lambda b: (b.start, _GRAVITY[b.severity], -b.end, b.rule)))


# --- rewriting ---------------------------------------------------------------------------------------------------


def _instead(
    ready: _Ready, text: Folded, product: Product | None, start: int, end: int, hit: Hit | None, place: Place | None
) -> tuple[str | None, int, int]:
    """What to write, and where: (words or None, start, end)."""
    advice = ready.rule.rewrite
    if hit is not None and hit.instead is not None and (hit.instead or advice.drop != "clause"):
        return hit.instead, start, end
    value = _first_fact(advice.fact, product)
    if value is not None:
        return value, start, end
    if place is not None:
        view, a, b = place
        for pattern, words, is_tight in ready.instead:
            if is_tight and view is not text.tight:
                continue
            for match in pattern.finditer(view.text):
                if match.start() <= a and match.end() >= b:
                    return match.expand(words), *text.span(view, *match.span())
    if advice.drop == "clause":
        return "", *_clause(text.raw, start, end)
    if advice.drop and (degree := _DEGREE.search(text.raw[:start])) is not None:
        start = degree.start()
    return ("" if advice.drop else None), start, end


_DEGREE = re.compile(r"\b(?:most|more|very|so|truly|really|totally)\s+$", re.I)  # goes with the word it belongs to


def _first_fact(patterns: Sequence[str], product: Product | None) -> str | None:
    for pattern in patterns if product is not None else ():
        for fact in product.facts if product is not None else ():
            if (
                _fact_pattern(pattern, "").search(fold(f"{fact.key}: {fact.value}").words.text)
                and len(fact.value) <= 40
            ):
                return fact.value
    return None


def _apply(text: str, breaches: Sequence[Breach]) -> str | None:
    """The text with these mended; None where one of them needs a person."""
    places: list[tuple[int, int, str]] = []
    for breach in sorted(breaches, key=lambda b: (b.instead_start, -b.instead_end)):
        if breach.instead is None:
            return None
        if places and breach.instead_start < places[-1][1]:
            continue  # inside a place that is rewritten already
        places.append((breach.instead_start, breach.instead_end, breach.instead))
    mended = text
    for start, end, words in reversed(places):
        if words and text[start:end][:1].isupper() and words[0].islower():
            words = words[0].upper() + words[1:]
        mended = mended[:start] + words + mended[end:]
    mended = _tidy(mended)
    return mended[:1].upper() + mended[1:] if text.lstrip()[:1].isupper() else mended


_TIDY: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"[\"“„「『]\s*[\"”“」』]|\(\s*\)|（\s*）|【\s*】|《\s*》|\[\s*\]", ""),
        (r"[ \t]{2,}", " "),
        (r"(?<=\S) +([,.!?;:，。！？；：])", r"\1"),
        (r"([,;:，；：、])(?:\s*[,;:，；：、])+", r"\1"),
        (r"[,;:，；：、&|–—-]\s*([.!?。！？])", r"\1"),
        (r"([.!?。！？])\s*[,;，；、]", r"\1"),
        (r"([.。！？])\s?(?=[.。])", ""),
        (r"\b([Aa]nd|[Oo]r|&)\s+(?=[,.!?]|$)", ""),
        (r"^\s*(?:[,.;:，。；：、!！?？|&·–—-]|的|(?:and|or|but)\b)+\s*", ""),
        (r"\s*(?:[,;:，；：、|&·–—-])\s*$", ""),
        (r"(?<=[，。！？；、])的", ""),
        (r"\b([Aa])n (?=[bcdfgjklmnpqrstvwxyz])", r"\1 "),
        (r"\b([Aa]) (?=[aeiou](?!ne\b|ni))", r"\1n "),
    )
)


def _tidy(text: str) -> str:
    for pattern, words in _TIDY:
        text = pattern.sub(words, text)
    return text.strip()


_SMALL_ENDS = (
    "the|an?|with|and|or|of|for|is|are|our|by|to|in|from|at|as|than|your|its|this|that|be|join|over|on|without"
)
_BROKEN = (
    re.compile(rf"\b(?:{_SMALL_ENDS}|you are|says?)\s*[:.!?]*$", re.I),
    re.compile(r"\b(?:the|an?|our|your)\s+(?:of|for|with|and|is|are|in|to|from|by|at)\b", re.I),
    re.compile(r"^(?:in|on|at|of|while|with|for|to|by|than|and|or|from|is|are|das|der|die|de|du|en|in|la|le)\b", re.I),
    re.compile(
        r"(?:的|是|和|与|被|让|把|在|比|更|可|能|会|将|为|有|给|上|中|里|期间|本品|堪称|号称|作为|成为|打造|属于|达|超过?|经|用)[，。！？]?$"
    ),
    re.compile(r"(?:^|[，。！？])(?:级|格|者|们|度|牌|性|之|得|了|の|は|が|を|に|で|と|①)"),
    re.compile(r"[\u4e00-\u9fff][-_~*|/·.@▪°]+[\u4e00-\u9fff]|^[-_~*|/·.@]"),
    re.compile(r",\s[a-z]+$|^(?:le|la) (?=[aeiouh])", re.I),
)
"""What a text must not look like after words were taken away, if it did not before."""


def _says_enough(text: str, mended: str) -> bool:
    """Is it still a text: not cut to the bone, nothing left hanging?"""
    if mended == text or len(mended) < 2 or len(mended) * 4 < len(text) or not any(c.isalpha() for c in mended):
        return False
    if mended.isascii() and len(mended.split()) < 2 < len(text.split()):
        return False
    if not mended.isascii() and sum(c.isalpha() for c in mended) < 3 < sum(c.isalpha() for c in text):
        return False
    if _open_quotes(mended) and not _open_quotes(text):
        return False
    return not any(_broke(pattern, text, mended) for pattern in _BROKEN)


def _open_quotes(text: str) -> bool:
    pairs = (("“", "”"), ("「", "」"), ("『", "』"), ("（", "）"), ("(", ")"), ("【", "】"), ("《", "》"))
    return text.count('"') % 2 == 1 or text[:1] == "'" or any(text.count(a) != text.count(b) for a, b in pairs)


def _broke(pattern: re.Pattern[str], text: str, mended: str) -> bool:
    found, before = pattern.search(mended), pattern.search(text)
    return found is not None and (before is None or before.group() != found.group())


def _alone(text: str, breach: Breach, findings: Sequence[Breach], about: Circumstances) -> str | None:
    """The text with one finding mended, if that is safe and the same rule then finds less."""
    mended = _apply(text, [breach])
    if mended is None or not _says_enough(text, mended):
        return None
    ready = next(r for r in _book(about.market, about.channel).rules if r.rule.id == breach.rule)
    left = len(_breaches(ready, fold(mended), about, _own_names(about.product)))
    return mended if left < sum(b.rule == breach.rule for b in findings) else None


def _mended(text: str, findings: Sequence[Breach], about: Circumstances) -> str | None:
    """Everything mended, in at most three rounds; None if a block is left, or nothing changed."""
    current, left = text, list(findings)
    for _ in range(3):
        able = [b for b in left if b.instead is not None]
        mended = _apply(current, able) if able else None
        if mended is None or mended == current:
            break
        current = mended
        left = list(_findings(current, about))
    if _worst(left) == "block" or not _says_enough(text, current):
        return None
    return current
