"""The shapes that claims come in, whatever the words inside: "X included", "X-scented", "also for X", 自带X, 内置X.

A frame is found by its grammar alone; whether the words inside it are borne out is the ledger's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .lexicon import table
from .words import Plain, plain


@dataclass(frozen=True, slots=True)
class Frame:
    """A claim by its shape: what is claimed stands at ``start`` to ``end`` of the plain text."""

    kind: str  # included, made, compound, prefix, fits, often, has
    start: int
    end: int
    type: str = "feature"


_WORDS = r"[a-z'-]+(?:\s[a-z'-]+)"
_REAL = r"(?:(?:an?|the|real|added|extra|fresh|organic|whole|pure|juicy|crunchy|genuine|sweet|ripe|all|natural)\s+)"


def _shape(name: str) -> str:
    return "|".join(sorted(table("shapes")[name].split(), key=len, reverse=True))


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return (
        ("included", "feature", re.compile(rf"\b(?P<object>{_WORDS}{{0,3}})\s+(?:(?:is|are|comes?)\s+)?(?:included|in the box|supplied|thrown in|as standard|on board|at no extra cost)\b")),  # noqa: E501
        ("made", "feature", re.compile(rf"\b(?:tastes?|smells?|scented|flavou?red|infused|enriched|coated|lined|plated|filled|stuffed|topped|sweetened|seasoned|dyed|dipped|reinforced|trimmed|powered|fuelled|brewed|aged|smoked|cured|notes)\s+(?:of|like|with|by|in|over)\s+{_REAL}*(?P<object>{_WORDS}{{0,1}})")),  # noqa: E501
        ("made", "material", re.compile(rf"\b(?:with|contains?|containing|made (?:with|from|of|out of)|packed with|full of|bursting with|loaded with|rich in|(?:good |great |natural )?source of)\s+{_REAL}*(?:real|added|extra|fresh|whole|juicy|crunchy|genuine|ripe|natural)\s+(?P<object>{_WORDS}{{0,1}})")),  # noqa: E501
        ("compound", "feature", re.compile(r"\b(?P<object>[a-z]{3,})-(?:scented|flavou?red|infused|coated|lined|plated|filled|backed|tipped|treated|powered|mounted|controlled|operated|activated|heated|cooled|sealed|welded|stitched|woven|glazed|dyed|fed|aged|smoked|roasted|baked|fired|cured|pressed|brewed|grade|compatible|certified|approved|tested|rated|reinforced|enriched|sweetened|driven|forged|sensing|saving|cancelling|canceling|resistant|repellent|repelling|absorbing|regulating|wicking|blocking|killing|proof|tight|cleaning|emptying|sterilising|sterilizing|locking|sealing|adjusting|inflating|watering|heating|levelling|leveling|drying|charging|folding|closing)\b")),  # noqa: E501
        ("prefix", "feature", re.compile(r"\b(?:all|high|low|ultra|multi|self|anti|non|dual|double|triple|quick|fast|micro|wide|full|extra|pre|nano|infra|bio|thermo|hydro|electro|auto|semi|quad|tri|bi)-(?P<object>[a-z]{3,})")),  # noqa: E501
        ("fits", "compatibility", re.compile(rf"\b(?:also for|also (?:fits|works with|suits)|safe (?:for|on|in|with)|works (?:on|in|with|as)|suitable (?:for|from)|approved for|rated for|doubles as|converts (?:in)?to|turns into|transforms into|attaches to|plugs into|mounts (?:on|to)|clips (?:on)?to|connects to|links to|pairs with|syncs (?:to|with)|hooks up to|runs on|charges (?:from|via|by|over))\s+(?:an?\s+|the\s+|all\s+|any\s+|most\s+|your\s+)*(?P<object>{_WORDS}{{0,2}})")),  # noqa: E501
        ("part", "feature", re.compile(rf"\b(?:{_shape('having')})\s+(?P<object>(?:[a-z-]+\s+){{0,2}}?(?:{_shape('parts')}))\b")),  # noqa: E501
        ("part", "feature", re.compile(rf"(?:^|(?<=[.!?:\n])(?!\d))\s*(?:an?|two|three|four|five|six|\d+|real|proper)\s+(?P<object>(?:[a-z-]+\s+){{0,2}}?(?:{_shape('parts')}))\b")),  # noqa: E501
        ("part", "feature", re.compile(rf"\bwith\s+(?:real|proper|working|hidden|big|small|little|soft|wide|deep|large|tiny|handy|clever|front|rear|side)\s+(?P<object>(?:[a-z-]+\s+){{0,1}}?(?:{_shape('parts')}))\b")),  # noqa: E501
        ("does", "feature", re.compile(rf"(?:^|(?<=[.!?,;:\n])|\b(?:it|that|which|and|also|even|automatically|gently|quickly|instantly))\s*(?P<object>(?:{_shape('effects')})\s+[a-z][^.,;:!?\n]{{1,60}})")),  # noqa: E501
        ("often", "time", re.compile(r"\b(?P<object>(?:just |only )?(?:once|twice|(?:two|three|four|five|six|ten|\d+) times)\s+(?:a|an|per|every)\s+(?:hour|day|night|week|fortnight|month|season|year|decade))\b")),  # noqa: E501
    )  # fmt: skip


_OFTEN_NEEDS = re.compile(r"\b(?:needs?|only|just|clean\w*|charg\w*|recharg\w*|refill\w*|replac\w*|wash\w*|chang\w*|feed\w*|fed|water\w*|empt\w*|descal\w*|servic\w*|apply|applied|take|use|dose|oil\w*|sharpen\w*|top up)\b")  # fmt: skip  # noqa: E501
_IDLE_COMPOUND = frozenset("quality end five key profile care made up off serve service standing confidence esteem taught stop negotiable stick-with day night way day's sized size length time purpose tasking back blind edged take fuss maintenance effort stress pressure calorie".split())  # fmt: skip  # noqa: E501, SIM905
_HAN_HAS = re.compile(
    r"(?:(?P<strong>自带|内置|内含|内藏|配备|配有|标配|搭载|附赠|附送|随机附送|赠送|加赠|另赠|赠(?!品)|采用|兼容|适配|荣获|斩获|添加|富含|蕴含|含有|可连接|可接入|接入|加装|植入|融入|萃取)"
    r"|(?P<soft>支持|具备|具有|拥有|获得|通过|升级|引进|精选自|来自|源自|选用))"
    r"(?:了|着|有|全新|超大|超|大|小|高级|专业|强劲|优质|精选|进口|新款|新|一?[个款套条只支张把份双对]|多种|多个|各种|\d*[个款套条只支张把份双对])*(?P<object>[^\W\d_]{2,10})"
)
_HAN_IDLE = re.compile(r"感$|心情|氛围|光芒|滤镜|魅力|气质|灵魂|诗意|温柔|温度|幸福|快乐|浪漫|的?爱|诚意|心意|祝福|生活|时光|春天|星空|回忆|好梦|勇气|自由|美好|惊喜|岁月|故事|味道|世界|自己|你|我|他|她|自然|大自然|远方|态度|品位|格调|底气|力量|一切|设计$|工艺$|方式$|理念$|服务|国货|心里|指尖|耳边|身边|身旁")  # fmt: skip  # noqa: E501
_HAN_MATERIAL = re.compile(
    r"(?:^|(?<=[\W的是用选]))(?P<object>[\u4e00-\u9fff]{2,6}?)(?:材质|面料|材料|制成|打造|制造|打制)"
)
_HAN_FLAVOUR = re.compile(r"(?:^|(?<=[\W的是]))(?P<object>[\u4e00-\u9fff]{1,3}味)(?![道蕾觉儿精俱十的])")
_HAN_RANK = re.compile(r"非遗[^\W\d_]{0,4}|国宴[^\W\d_]{0,3}|大师[^\W\d_]{0,3}|名家[^\W\d_]{0,2}|传承人|特供|专供|贡品|御用|明星同款|网红同款|军工级?|航天级|医用级|医疗级|零农残|地理标志|老字号|百年[^\W\d_]{0,3}|祖传|秘制配方|国家专利|专利[^\W\d_]{0,4}|独家[^\W\d_]{0,4}|首创|进口[^\W\d_]{0,4}|原装[^\W\d_]{0,3}")  # fmt: skip  # noqa: E501


def frames_in(source: Plain, language: str) -> Iterator[Frame]:
    """Every claim's frame of a text in English or Chinese; other languages have none."""
    if language == "en":
        yield from _english(source)
    elif language == "zh":
        yield from _chinese(source)


def _english(source: Plain) -> Iterator[Frame]:
    for kind, type, pattern in _shapes():
        for match in pattern.finditer(source.lower):
            if kind == "often" and not _OFTEN_NEEDS.search(source.lower, max(0, match.start() - 60), match.end()):
                continue
            if kind in ("prefix", "compound") and match["object"] in _IDLE_COMPOUND:
                continue
            whole = kind in ("prefix", "compound")
            yield Frame(kind, *(match.span() if whole else match.span("object")), type)


def _chinese(source: Plain) -> Iterator[Frame]:
    for match in _HAN_HAS.finditer(source.lower):
        start, end = match.span("object")
        of = source.lower.find("的", start, end)
        end = of if of > start + 1 else end
        if not _HAN_IDLE.search(source.lower[start:end]):
            yield Frame("has" if match["strong"] else "may_have", start, end)
    for kind, pattern in (("material", _HAN_MATERIAL), ("flavour", _HAN_FLAVOUR)):
        for match in pattern.finditer(source.lower):
            yield Frame(kind, *match.span("object"), "material" if kind == "material" else "feature")
    for match in _HAN_RANK.finditer(source.lower):
        yield Frame("rank", *match.span())


@lru_cache(maxsize=4)
def opposites(language: str) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(phrase, its side, every phrase of the other sides) of every row, longest phrase first."""
    found: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
    for row in table("opposites").get(language, ()):
        for i, side in enumerate(row):
            others = tuple(plain(p).lower for k, other in enumerate(row) for p in other if k != i)
            own = tuple(plain(p).lower for p in side)
            found.extend((phrase, own, others) for phrase in own)
    return tuple(sorted(found, key=lambda f: -len(f[0])))


@lru_cache(maxsize=4)
def opposites_pattern(language: str) -> re.Pattern[str] | None:
    """All phrases that stand in a row of opposites, longest first, at word edges."""
    phrases = list(dict.fromkeys(re.escape(phrase) for phrase, _, _ in opposites(language)))
    if not phrases:
        return None
    return re.compile("|".join(phrases) if language == "zh" else rf"(?<![\w-])(?:{'|'.join(phrases)})(?![\w-])")


def says(said: str, phrase: str) -> bool:
    """Whether a fact's text holds a phrase at word edges (Chinese: anywhere)."""
    if not phrase.isascii():
        return phrase in said
    return re.search(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", said) is not None
