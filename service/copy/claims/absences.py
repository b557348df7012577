"""What a product is said to be free of ("X-free", "no X"), and grades true by their very letter (IP67, A++)."""

from __future__ import annotations

import re
from functools import lru_cache

from service.copy.facts import Line, absences_in
from service.copy.lexicon import common_stems, plain_stems
from service.copy.words import stem

from .places import shape
from .reading import PACKAGING, Reading, missing_reason

_IDLE_ABSENCE = frozenset({"hassl", "worry", "stress", "fuss", "care", "mess", "clutter", "guilt", "doubt", "wonder", "compromis", "effort", "excus", "matter", "limit", "need", "time", "one", "problem", "nonsen", "nonsens", "drama", "risk", "hand", "rush", "frill", "shortcut", "gimmick", "guesswork", "surpris", "longer", "more", "ifs", "way", "better", "other", "slip", "just", "only", "screen", "a", "the", "any", "your", "ever", "extra", "delay", "wait", "trouble", "troubl", "detour", "bulk", "noise", "fade", "stop", "question", "second", "regret", "boundary", "boundari", "less", "nois", "breaking", "break", "giv", "leaving", "leav", "los", "sacrific", "having", "hav", "stopp", "thinking", "think", "even", "gluing", "child", "kid", "kids", "guest", "neighbor", "neighbour", "sweat", "tears", "tear", "dull", "jam", "traffic", "alarm", "pressur", "pressure", "strings", "string", "catch", "small", "sorry", "apolog", "going", "turning", "place", "plac", "two", "such", "reason", "room", "idea", "word", "bother", "boredom", "sound", "weigh", "weight", "clue", "plan"})  # fmt: skip  # noqa: E501


def _is_idle_doing(reading: Reading, start: int, end: int, what: str) -> bool:
    """ "no rubbing", "without thinking": spared effort, unless it is one that shops promise to spare."""
    said = reading.source.lower[start:end]
    return said.endswith("ing") and len(said.split()[-1]) > 5 and what not in _WORTH_NOT_NEEDING | _PROMISED_NOT


_PROMISED_NOT = frozenset(stem(w) for w in "shedding fading shrinking pilling leaking dripping slipping fraying cracking peeling staining rusting warping clogging flaking smearing yellowing creasing overheating bleeding animal-testing testing flickering buffering tracking lagging chipping scratching splitting tangling clumping melting molding wrinkling bleaching plumbing mixing measuring cutting sewing pre-washing".split())  # fmt: skip  # noqa: E501, SIM905


_NEEDED = re.compile(r"[\s\w-]{0,16}\b(?:needed|required|necessary)\b")


_WORTH_NOT_NEEDING = frozenset(stem(w) for w in "tools tool assembly drilling battery batteries charging app subscription wifi wi-fi installation maintenance glue screws electricity power cable wires sharpening ironing refrigeration water soaking rinsing prescription oil filter filters sharpener plumbing pump".split())  # fmt: skip  # noqa: E501, SIM905


def _is_idle_absence(reading: Reading, start: int, end: int, what: str) -> bool:
    """ "no fuss", "no bottle", "without thinking": what is spared is no substance, fault or duty that shops deny."""
    said = reading.source.lower[start:end]
    if re.search(r"[ -]free$", said):
        return what in _IDLE_FREE
    if what in _IDLE_ABSENCE or _is_idle_doing(reading, start, end, what):
        return True
    if what in _WORTH_NOT_NEEDING | _PROMISED_NOT | _WORTH_DENYING or what in reading.book.words:
        return False
    if _NEEDED.match(reading.source.lower[end:]):
        return True
    return (
        not said.startswith("non")
        and (what in plain_stems("en") or what in common_stems())
        and what not in _part_stems()
    )


@lru_cache(maxsize=1)
def _part_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in shape("parts"))


_IDLE_FREE = frozenset(stem(w) for w in "hassle worry stress fuss mess guilt clutter care trouble carefree distraction drama effort hands toll duty cost scot".split())  # fmt: skip  # noqa: E501, SIM905
_WORTH_DENYING = frozenset(stem(w) for w in "chemical chemicals residue smell smells odour odor odours odors additive additives preservative preservatives fee fees contract contracts heat calorie calories carb carbs grease fat salt sugar caffeine alcohol lead latex gluten lactose nut nuts dye dyes toxin toxins pesticide pesticides hormone hormones antibiotic antibiotics filler fillers paraben parabens lag latency static rust mould mold hair lint shrinkage leak leaks spill spills drip drips crumbs splinters rattle squeak wobble vibration fume fumes smoke emission emissions waste plastic cable cables wire wires cord cords signal setup subscription account login ads minimum limits interest deposit commission tax side-effects harm pain tears allergens meat dairy egg eggs soy wheat bones grain grains colour colours color colors flavouring flavourings flavoring flavorings perfume fragrance oil oils silicone sulfate sulphate aluminium aluminum bpa pvc phthalates formaldehyde animal palm bleach chlorine fluoride ammonia".split())  # fmt: skip  # noqa: E501, SIM905


def read_absences(reading: Reading) -> None:
    if reading.language != "en":
        return
    for start, end, what in absences_in(reading.source):
        if not reading.is_free(start, end):
            continue
        line = reading.book.absent.get(what)
        if line is not None and PACKAGING.search(line.key.lower()) and not PACKAGING.search(reading.source.lower):
            reading.unsupported(start, end, "environment", f"true of the packaging only: {line.shown}")
        elif line is not None:
            reading.supported(start, end, "feature", line)
        elif _is_idle_absence(reading, start, end, what):
            reading.take(start, end)
        elif what in reading.book.words and not re.match(r"no\s", reading.source.lower[start:end]):
            reading.contradicted(start, end, "feature", reading.book.words[what])
        else:
            reading.unsupported(start, end, "feature", f"no fact says that it is free of {what}")


_CODE = re.compile(
    r"(?<![a-z0-9])(?P<ip>ip[x\d][\dx]k?)(?![a-z0-9])|(?:energy|efficiency|energieeffizienz)[- ]?(?:efficiency )?(?:class|klasse|rating)[: ]*(?P<a>[a-g]\+{0,3})(?!\w)|(?:classe énergétique|classe d'énergie|clase (?:energética|de eficiencia))[: ]*(?P<b>[a-g]\+{0,3})(?!\w)|(?P<c>[一二三四五1-5])级能效|能效(?:等级)?(?P<d>[一二三四五1-5])级|\b(?P<paper>a[3-7])\b(?= (?:size|format|format|pages?|notebook|sheets?|paper)|\s*[-,.]|$)"  # noqa: E501
)


def read_codes(reading: Reading) -> None:
    """Grades that are true by their very letter: IP ratings, energy classes, paper formats."""
    for match in _CODE.finditer(reading.source.lower):
        name = next(k for k, v in match.groupdict().items() if v)
        kind = "ip" if name == "ip" else "paper" if name == "paper" else "energy"
        type = "unit" if kind == "paper" else "certification"
        if not reading.is_free(*match.span()):
            if kind != "ip":
                continue
            for claim in [c for c in reading.claims if match.start() <= c[0] and c[1] <= match.end()]:
                reading.claims.remove(claim)
        known = [(m.group(m.lastgroup or 0), ln) for ln in reading.book.facts() for m in _CODE.finditer(f"{ln.key} {ln.value}".lower().replace(":", "")) if _kind_of_code(m) == kind]  # fmt: skip  # noqa: E501
        same = next((ln for value, ln in known if value == match[name]), None)
        if same is not None:
            reading.supported(*match.span(), type, same)
        elif known:
            reading.contradicted(*match.span(), type, known[0][1])
        else:
            reading.unsupported(*match.span(), type, missing_reason("certification") if type != "unit" else "no fact gives this format")  # fmt: skip  # noqa: E501


_GRADE = re.compile(r"(?<![一二三四五\d])(?:特级|[一二三]级|优级|特等|[一二三]等|优等品?|精品级|[甲乙丙]级|aa+级?)(?!能效|棒|响应|代理|市场|奖|保护|证)|\bgrade (?:a{1,3}|[bc]|[123])\b|\b(?:first|second|premium|top) grade\b")  # fmt: skip  # noqa: E501
_GRADE_KEY = re.compile(r"等级|级别|\bgrade\b|güteklasse|等級")


def read_grades(reading: Reading) -> None:
    """Grades of quality (特级, grade A) against the one that the facts give."""
    found = [m for m in _GRADE.finditer(reading.source.lower) if reading.is_free(*m.span())]
    if not found:
        return
    known = [(m.group(), ln) for ln in reading.book.facts() for m in _GRADE.finditer(f"{ln.key} {ln.value}".lower())]
    keyed = next((ln for ln in reading.book.facts() if _GRADE_KEY.search(ln.key.lower())), None)
    for match in found:
        same = next((ln for grade, ln in known if grade == match.group() or grade in match.group()), None)
        if same is not None or match.group() in reading.book.product.title.lower():
            reading.supported(*match.span(), "certification", same or Line("title", reading.book.product.title))
        elif known or keyed is not None:
            reading.contradicted(*match.span(), "certification", known[0][1] if known else keyed or "")
        else:
            reading.unsupported(*match.span(), "certification", "no fact gives this grade")


def _kind_of_code(match: re.Match[str]) -> str:
    return "ip" if match["ip"] else "paper" if match["paper"] else "energy"
