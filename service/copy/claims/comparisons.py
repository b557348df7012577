"""Comparisons and ranks told by grammar: faster, the lightest, plus léger que, 比…更."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .reading import Reading, fact_line_with

GRADABLE = frozenset("calm clean cosy cozy happy kind merry slow sunny breezy bold brave sweet simple easy pretty lovely mellow plush shiny".split())  # fmt: skip  # noqa: E501, SIM905


_ADJECTIVES = "fast strong light thin small big large smart quiet soft warm cool bright safe clean pure fresh rich tough hard sharp slim cheap low high long tall deep wide great fine cozy cosy comfy healthy happy easy simple sleek cute tasty juicy creamy silky smooth sturdy dry hot cold loud pretty lovely dreamy fluffy crisp new late early quick tiny bold kind sweet green close short thick heavy nice true wise rough gentle fair handy lively cuddly airy snug firm flat even neat".split()  # fmt: skip  # noqa: E501, SIM905


_MEASURABLE = "fast strong light thin small big large smart quiet safe clean pure fresh tough hard sharp slim cheap long tall deep wide healthy loud quick dry warm cool bright hot cold thick sturdy high firm low rich".split()  # fmt: skip  # noqa: E501, SIM905


def _graded(words: Sequence[str], ending: str) -> str:
    forms = set()
    for w in words:
        stem = w[:-1] if w.endswith("e") else (w[:-1] + "i" if w.endswith("y") and w[-2] not in "aeo" else w)
        forms.add(stem + ending)
        if re.fullmatch(r"[^aeiou]*[aeiou][bdgmnpt]", w) and w not in ("clean", "green"):
            forms.add(w + w[-1] + ending)
    return "|".join(sorted(forms, key=len, reverse=True))


_LIFE = r"(?:day|night|morning|afternoon|evening|moment|memor|hour|minute|week|weekend|season|winter|summer|life|lives|time|mood|friend|smile|adventure|hike|trip|commute|journey|road|trail|you\b|self|stories|plan|dream|meeting|workday|run|walk|sip|shift|routine|weather|winters|summers|stay|occasion|detail|of days|of mornings|cook|reader|guest|kid|child|thing|fan|escape|climb|trek|ride)"  # noqa: E501


_SUPERLATIVE = re.compile(  # "the longest beach days" are the reader's
    rf"\b(?:the\s+|our\s+|its\s+)?(?:world's\s+|country's\s+|market's\s+|industry's\s+)?(?:{_graded(_ADJECTIVES, 'est')}|finest|(?:most|least)\s+(?!of\b|likely\b|people\b|days\b|mornings\b|nights\b|out\b|importantly\b|days\b)[a-z-]+)\b(?!\s+(?:[a-z]+\s+)?{_LIFE})"  # noqa: E501
)


_COMPARATIVE = re.compile(
    rf"\b(?:\d+(?:\.\d+)?\s?(?:x|×|times)\s+(?:as\s+|more\s+|less\s+)?[a-z]+(?:\s+(?:than|as)\b)?|(?:twice|double|triple|half|three times|ten times|two times|five times)\s+(?:as\s+[a-z]+|the\s+[a-z]+)|(?:{_graded(_ADJECTIVES, 'er')}|better|worse|(?:more|less|fewer)\s+[a-z-]+(?:\s+[a-z-]+)?)\s+than\b(?!\s+(?:ever\s+)?(?:before\s+)?you\b)|(?:longer|stronger|harder|easier|faster)[- ]lasting|(?:outlasts?|outperforms?|outshines?|surpass(?:es)?|exceeds|beats)\b|unlike (?:any )?(?:other|ordinary|regular|most|typical|traditional|conventional|cheap|standard)?[a-z ]{{0,20}}|compared (?:to|with)|versus|\bvs\b|than (?:any|other|most|the competition|ordinary|traditional|regular|leading|conventional)|superior to|unlike the rest|\b(?!your|my|our)\w+(?:'s|s')\s+(?:number one|top|first)?\s*(?:favou?rite|choice|pick)\b)"  # noqa: E501
)


_BARE_COMPARATIVE = re.compile(
    rf"\b(?:{_graded(_MEASURABLE, 'er')})\b(?!\s+(?:than|{_LIFE}))(?![- ]?(?:lasting|bag|box|sleeve|holder))"
)


_NOUN_ER = frozenset({"cooler", "warmer", "lighter", "cleaner", "dryer", "drier", "heater", "cutter", "firmer", "higher", "lower", "quicker", "longer", "later"})  # fmt: skip  # noqa: E501


_OTHER_COMPARISONS = {
    "de": re.compile(r"\b(?:der|die|das|den|dem)\s+(?:\w+\s+)?(?!erste|letzte|nächste|beste|meiste)\w{3,}st(?:e|en|er|es)\b(?!\s+(?:sich|dich))|\bam\s+\w{3,}sten\b|\b\w{3,}er\s+als\b(?!\s+\d)|\b(?:meisten|weltbeste\w*|allerbeste\w*|beste[nrs]?)\b|\b(?:schnellste|leichteste|stärkste|sicherste|günstigste|leiseste|hochwertigste|modernste|zuverlässigste)[nrs]?\b|\bmal so \w+|\bbesser als\b"),  # noqa: E501
    "fr": re.compile(r"\b(?:le|la|les)\s+plus\s+(?!souvent|tard|tôt)\w+|\b(?:plus|moins)\s+\w+\s+que\b|\bmeilleur(?:e|s|es)?\b|\bmieux que\b|\bfois plus\b|\bdeux fois\b"),  # noqa: E501
    "es": re.compile(r"\b(?:el|la|los|las)\s+(?:\w+\s+)?más\s+(?!tarde|pronto)\w+|\b(?:más|menos)\s+\w+\s+que\b|\bmejor(?:es)?\b|\bveces más\b|\bel doble de\b"),  # noqa: E501
    "ja": re.compile(r"最(?!近|後|初|中|適|寄)[^\s、。]{1,2}|一番(?!目)|[^\s]{1,6}より(?:も)?[^\s]{1,4}い|\d+倍|世界No\.?1|比べて"),  # noqa: E501
    "zh": re.compile(r"比[^，。,.!？\s]{1,10}更[^，。,.\s]{1,3}|优于[^，。,.\s]{0,8}|胜过[^，。,.\s]{0,8}|超越[^，。,.\s]{0,8}|秒杀[^，。,.\s]{0,6}|(?:\d+|[两三四五六七八九十百]+)倍[^，。,.\s]{0,4}|超过同类[^，。,.\s]{0,6}|同类(?:产品|中)[^，。,.\s]{0,6}|碾压[^，。,.\s]{0,6}|完胜[^，。,.\s]{0,6}|媲美[^，。,.\s]{0,8}|吊打[^，。,.\s]{0,6}|更(?:轻(?!松|盈|便|柔|巧)|快(?!乐)|强|久|薄|安全|健康|耐用|便宜|省电|保温|保鲜|结实|大|小)"),  # noqa: E501
}  # fmt: skip


_OF_THE_WORLD = re.compile(r"\b(?:out of|in|into|on|onto|through|over|under|across|even|against|your|my|our|their|from|during|survives?|handles?|beats?)\s+$")  # fmt: skip  # noqa: E501
# "crumbs out of the deepest pile", "your tallest books": what the product meets is not what it is


def read_comparisons(reading: Reading) -> None:
    lower = reading.source.lower
    patterns: list[tuple[re.Pattern[str], str]] = []
    if reading.language in _OTHER_COMPARISONS:
        patterns.append(
            (_OTHER_COMPARISONS[reading.language], "comparative" if reading.language == "zh" else "superlative")
        )
    if reading.language not in ("de", "fr", "es"):
        patterns += [(_COMPARATIVE, "comparative"), (_SUPERLATIVE, "superlative"), (_BARE_COMPARATIVE, "comparative")]
    for pattern, type in patterns:
        for match in pattern.finditer(lower):
            if not reading.is_free(*match.span()) and reading.is_taken(*match.span()):
                continue
            if pattern is _SUPERLATIVE and _OF_THE_WORLD.search(lower[max(0, match.start() - 20) : match.start()]):
                continue
            if pattern is _BARE_COMPARATIVE and _is_thing(reading, match):
                continue
            if fact_line_with(reading, match.group()) is not None:
                reading.supported(*match.span(), type, fact_line_with(reading, match.group()) or "")
                continue
            if pattern is _SUPERLATIVE and re.fullmatch(r"(?:our\s+|the\s+)?(?:newest|latest)", match.group()):
                continue
            reading.unsupported(*match.span(), type, "no fact proves this comparison" if type == "comparative" else "no fact proves this rank or superiority")  # fmt: skip  # noqa: E501


def _is_thing(reading: Reading, match: re.Match[str]) -> bool:
    word = match.group()
    if word not in _NOUN_ER:
        return False
    before = reading.source.lower[: match.start()].split()[-1:] or [""]
    return before[0] in (
        "a",
        "the",
        "your",
        "this",
        "no",
        "any",
        "each",
        "every",
        "our",
        "gentle",
        "facial",
        "face",
        "and",
        "or",
    ) or (word in ("longer", "higher", "lower") and before[0] == "no")
