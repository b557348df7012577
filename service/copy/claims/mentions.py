"""What the lexicons know by name: materials, colours, certificates, features, offers, ranks, effects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from service.copy.facts import OPPOSED, ends_an_absence
from service.copy.lexicon import SPACED_LANGUAGES, Mention, claim_han_trie, claim_trie, concepts
from service.domain import Verdict

from .reading import Reading, is_han
from .things import judge_thing
from .verdicts import GENERIC, judge_mention


def mentions_in(reading: Reading) -> list[Mention]:
    found: list[Mention] = []
    if reading.language in SPACED_LANGUAGES:
        found.extend(claim_trie(reading.language).find(reading.words))
    elif reading.language not in ("zh", "ja"):
        found.extend(claim_trie("en").find(reading.words))
    else:
        found.extend(claim_han_trie(reading.language).find(reading.source.lower))
        spoken_for = [(m.start, m.end) for m in found]
        covered = {i for a, b in spoken_for for i in range(a, b)}
        latin = [w for w in reading.words if covered.isdisjoint(range(w.start, w.end))]
        found.extend(claim_trie("en").find(latin))
        found.sort(key=lambda m: m.start)
    return found


def read_mentions(reading: Reading, mentions: Iterable[Mention]) -> None:
    for mention in mentions:
        if not reading.is_free(mention.start, mention.end):
            continue
        if mention.concepts == ("plain",):
            if not _is_named_by_facts(reading, mention):
                reading.take(mention.start, mention.end)
            continue
        known = [c for c in mention.concepts if c != "plain"]
        if all(concepts()[c].kind == "thing" for c in known):
            judge_thing(reading, mention, known)
            continue
        known.sort(key=lambda c: concepts()[c].kind == "thing")
        after = reading.source.lower[mention.end : mention.end + 6]
        if reading.language == "en" and re.match(r"[ -]free\b", after) and not _is_offer(known):
            continue  # "plastic-free" is read as an absence
        if reading.language == "en" and ends_an_absence(reading.source.lower, mention.start, mention.end):
            continue
        if _instead(reading, mention.start):
            reading.take(mention.start, mention.end)
            continue
        if known[0] in _CAPITALS and not reading.source.text[mention.start : mention.end].isupper():
            continue
        if mention.end - mention.start == 1 and _is_inside_a_word(reading, mention, known):
            continue
        if _continues(reading, mention, known):
            continue
        if _is_idle(reading, mention, known) or _frames_an_amount(reading, mention, known):
            reading.take(mention.start, mention.end)
            continue
        judge_mention(reading, mention, known)


def _is_named_by_facts(reading: Reading, mention: Mention) -> bool:
    """Whether a phrase that usually claims nothing is what this product is ("green tea")."""
    words = reading.words_in(mention.start, mention.end)
    return bool(words) and all(w.stem in reading.book.words for w in words)


def _is_offer(known: Sequence[str]) -> bool:
    return all(concepts()[c].kind == "offer" for c in known)


_WORKED_ON = re.compile(r"\b(?:for|into|through|against|drills?|drives? (?:screws )?into|cuts?|cuts? through|saws?|cleans?|polishes|protects?|sands?)\s+(?:the |your |any |most |hard |soft |thick |wet )?$")  # fmt: skip  # noqa: E501


_WORKED_ON_HAN = re.compile(r"(?:打|钻|切|锯|用于|适用于|清洁|打磨|擦拭|穿透|对付)(?:各种|硬|厚)?$")


_IDLE_AFTER = {  # a lexicon word that means something else before or after these
    "returns": re.compile(r"^\s*(?:to|home|from|trip|journey)\b"),
    "free_gift": re.compile(r"^\s*(?:time|spirit|up|from|of|your|yourself|to|mind|weekend|hand|rein|range|form)\b"),
    "silver_colour": re.compile(r"^\s*(?:lining|screen)\b"),
    "smart": re.compile(r"^\s*(?:casual|choice|buy|way|pick|move|design|look|storage|layout|idea|solution)\b"),
    "paper": re.compile(r"^\s*(?:trail|chase)\b"),
}


_BEFORE_ONE = re.compile(r"(?:^|[\W\d真纯全实牛羊猪原老大小厚薄黑白红黄蓝绿灰紫粉棕金银橙和与的是用为]|[a-z0-9])$")


_AFTER_ONE = re.compile(r"^(?:$|\W|[内外质制的色和与款盖柄把底身壳杯壶架桌椅床柜盒框腿板面带芯布线料包袋锅碗盘勺刀])")


_INSTEAD = re.compile(r"(?:\b(?:instead of|rather than|not|no more|goodbye to|unlike|swap|ditch|statt|anstatt|anstelle von|au lieu de|plutôt que|en lugar de|en vez de)\s+(?:the |your |any |more |of |de |le |la |du |des )?|代替|而不是|而非|告别|取代|ではなく|代わりに)$")  # fmt: skip  # noqa: E501
_CAPITALS = frozenset({"peek"})


def _instead(reading: Reading, start: int) -> bool:
    """What stands after "instead of" is what the product is not."""
    return bool(_INSTEAD.search(reading.source.lower[max(0, start - 24) : start]))


def _is_inside_a_word(reading: Reading, mention: Mention, known: Sequence[str]) -> bool:
    """Whether one Han character is only a syllable of another word (皮 in 皮埃蒙特)."""
    lower = reading.source.lower
    if not is_han(lower[mention.start]) or any(c in reading.book.affirmed or c in reading.book.denied for c in known):
        return False
    before, after = lower[: mention.start], lower[mention.end :]
    if not _AFTER_ONE.match(after[:1]):
        return True
    return bool(re.match(r"$|\W", after[:1])) and not _BEFORE_ONE.search(before[-1:])


def _continues(reading: Reading, mention: Mention, known: Sequence[str]) -> bool:
    """Whether a word like "certified" only goes on with the claim before it ("ASTM F963 certified", 零残忍认证)."""
    if not GENERIC & set(known) or not reading.claims:
        return False
    last = max(reading.claims, key=lambda c: c[1])
    gap = reading.source.text[last[1] : mention.start]
    if gap.strip(" -") or len(gap) > 1 or last[3] is Verdict.PUFFERY:
        return False
    if last[3] is Verdict.SUPPORTED and last[2] != "certification" and not re.search(r"certif|认证|zertif|認証", last[4] or "", re.I):  # fmt: skip  # noqa: E501
        return False
    reading.claims.remove(last)
    reading.claims.append((last[0], mention.end, *last[2:]))
    reading.take(mention.start, mention.end)
    return True


_PRICE_WORDS = frozenset({"discount", "low_price"})


def _frames_an_amount(reading: Reading, mention: Mention, known: Sequence[str]) -> bool:
    """Whether words of saving stand at an amount that is judged by itself ("a saving of $12", 原价599元)."""
    if known[0] not in _PRICE_WORDS:
        return False
    near = (c for c in reading.claims if c[2] in ("price", "discount"))
    return any(0 <= c[0] - mention.end <= 5 or 0 <= mention.start - c[1] <= 3 for c in near)


_COLOUR_FRAME = re.compile(r"\b(?:in|colou?rs?|colou?rways?|shades?|finish|finishes|tones?)(?:\s*:)?\s+(?:(?:[\w-]+,?\s+){0,2}(?:or|and|,)?\s*){0,3}$")  # fmt: skip  # noqa: E501


_STAYS = re.compile(r"(?:stays?|keeps?|kept|remains?) (?:hot|cold|warm|cool)")


_FOR_SO_LONG = re.compile(r"\s*(?:for|für|pendant|durante|por)?\s*(?:up to\s+)?(?:\d+|one|two|three|five|ten|fifteen|twenty|twenty[- ]five|a decade|zwei|drei|fünf|deux|trois|cinq|dos|tres|cinco)\b")  # fmt: skip  # noqa: E501


_VERB_BEFORE = re.compile(
    r"\b(?:to|we|i|you|they|can|will|and|just|never|always|please|easily|simply|cannot|could|would)\s+$"
)


def _is_idle(reading: Reading, mention: Mention, known: Sequence[str]) -> bool:
    after = reading.source.lower[mention.end : mention.end + 24]
    for concept in known:
        pattern = _IDLE_AFTER.get(concept)
        if pattern is not None and pattern.match(after) and concept not in reading.book.affirmed:
            return True
    word = reading.source.lower[mention.start : mention.end]
    if all(concepts()[c].noun for c in known) and reading.language == "en" and not any(c in reading.book.affirmed for c in known):  # fmt: skip  # noqa: E501
        return not _COLOUR_FRAME.search(reading.source.lower[max(0, mention.start - 48) : mention.start])
    if _STAYS.fullmatch(word) and reading.book.attributes & OPPOSED:
        return True  # the figure that follows is judged
    if word.replace("-", " ") == "built in":
        return True  # what is built in is judged by its own name
    if "satisfaction" in known and reading.book.kinds.get("warranty") and _FOR_SO_LONG.match(reading.source.lower, mention.end):  # fmt: skip  # noqa: E501
        return True
    if any(concepts()[c].kind == "material" for c in known) and not any(c in reading.book.affirmed for c in known):
        worked_on = _WORKED_ON_HAN if reading.language == "zh" else _WORKED_ON
        if worked_on.search(reading.source.lower[max(0, mention.start - 24) : mention.start]):
            return True
    if word == "free" and reading.source.lower[: mention.start].endswith("-"):
        return True  # the end of "plastic-free"
    before = reading.source.lower[max(0, mention.start - 16) : mention.start]
    return word in ("iron", "stone", "paper", "oak", "down", "folds", "stacks", "return", "award", "local") and bool(
        _VERB_BEFORE.search(before)
    )
