"""What is left of an English text: a fact's own words support, opinion is puffery, the unknown is unsupported."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.copy.facts import Line, base_of, is_negated
from service.copy.lexicon import attribute_trie, common_stems, plain_stems, puffery_stems, topic_stems
from service.copy.words import Token, plain, stem, tokens
from service.domain import Verdict

from .comparisons import GRADABLE
from .evidence import CERTIFYING
from .places import is_in_passing
from .reading import GRAMMAR, Reading, stems_of


def read_rest(reading: Reading) -> None:
    """Words no reader has spoken for yet: facts' own words support, opinion is puffery, the unknown is unsupported."""
    claims_nothing, opinion = plain_stems("en"), puffery_stems("en")
    by_clause: dict[int, list[Token]] = {}
    for word in reading.words:
        if word.is_word and reading.is_free(word.start, word.end):
            by_clause.setdefault(word.clause, []).append(word)
    for words in by_clause.values():
        unknown: list[Token] = []
        for word in words:
            line = reading.book.word_line(word.stem) or _line_of_base(reading, word)
            parts_known = word.stem in claims_nothing or len(word.lower) == 1
            if line is not None and not _is_whole_answer(reading, line):
                line = None  # "safe" is not said by "dishwasher safe: yes"
            if line is not None and word.stem not in GRAMMAR:
                if not parts_known or _beside_its_like(reading, words, word, line):
                    _support_word(reading, word, line)
            elif word.stem in reading.book.negative_words and (
                _denied_together(reading, words, word) or not (parts_known or is_in_passing(reading, word))
            ):
                _judge_negative_word(reading, word)
            elif (
                parts_known
                or word.stem in GRAMMAR
                or _names_attribute(reading, word)
                or _ends_a_certificate(reading, word)
            ):
                continue
            elif word.stem in opinion:
                reading.add(word.start, word.end, "opinion", Verdict.PUFFERY, None, "opinion, not a fact")
            elif (
                (word.stem.endswith("ly") and (word.stem[:-2] in opinion or word.stem[:-2] in claims_nothing))
                or (word.stem in common_stems() and not _asserts(reading, word))
                or (_is_in_idle_sentence(reading, word) and not _asserts(reading, word))
                or (
                    _is_graded(word.lower)
                    or (word.stem in topic_stems(reading.book.topics) and not _asserts(reading, word))
                )
            ):
                continue
            elif not (
                _is_verb_with_particle(reading, word)
                or _is_context(reading, word)
                or is_in_passing(reading, word)
                or _is_denied_quality(reading, word)
            ):
                unknown.append(word)
        if unknown:
            start, end = unknown[0].start, unknown[-1].end
            names = ", ".join(dict.fromkeys(w.lower for w in unknown))
            reading.unsupported(start, end, "feature", f"no fact mentions: {names}")


_IDLE_OPENING = re.compile(r"(?:because|when|whenever|after|before|if|until|while|once|imagine|picture|remember|forget|think|say|book|invite|call|text|meet|grab|swap|skip|trade|pass|dear|hey|hello|goodbye|farewell|some|life|sundays?|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|tonight|tomorrow|today|somewhere|someone|who|what|why|where|how|there's|here's|time to|we|you|your|they|let|let's|go|come|stay|spend|give|take|leave|bring|share|listen|look|see|enjoy|celebrate|wake|sleep|sit|stand up|breathe|relax|linger|wander|roam|dream)\b")  # fmt: skip  # noqa: E501


_SAYS_OF_IT = re.compile(r"\b(?:with|includes?|including|features?|made|contains?|it|its|has|comes?|our|built|thanks|prevents?|protects?|reduces?|supports?|cures?|boosts?|improves?|automatically|by|via|from)\b")  # fmt: skip  # noqa: E501


def _is_in_idle_sentence(reading: Reading, word: Token) -> bool:
    """Whether a word stands in a sentence about the reader: a question, a call, a scene, not a claim."""
    if word.lower.endswith(_CLAIMING_ENDINGS) or word.text.isupper():
        return False
    said = reading.source.lower
    left = max(said.rfind(c, 0, word.start) for c in ".!?\n") + 1
    ends = [i for c in ".!?\n" if (i := said.find(c, word.end, word.end + 200)) >= 0]
    right = min(ends, default=min(len(said), word.end + 200))
    sentence = said[max(left, word.start - 200) : right].strip()
    if _SAYS_OF_IT.search(sentence) or any(left <= c[0] < right for c in reading.claims):
        return False
    is_question = said[right : right + 1] == "?" and len(sentence.split()) <= 9
    return is_question or bool(_IDLE_OPENING.match(sentence))


def _line_of_base(reading: Reading, word: Token) -> Line | None:
    base = base_of(word.lower)
    return reading.book.word_line(base) if base is not None else None


def _ends_a_certificate(reading: Reading, word: Token) -> bool:
    """ "Oeko-Tex tested": the word only goes on with the certificate before it."""
    if word.stem not in CERTIFYING:
        return False
    return any(c[2] == "certification" and 0 <= word.start - c[1] <= 1 for c in reading.claims)


def _is_denied_quality(reading: Reading, word: Token) -> bool:
    """ "oiled, not lacquered": what it is said not to be claims little."""
    index = reading.index_of(word)
    before = reading.words[index - 1] if index else None
    return before is not None and before.lower == "not" and before.clause == word.clause


def _is_graded(word: str) -> bool:
    """ "calmer" is no more of a claim than "calm"."""
    if not word.endswith("er") or len(word) < 5:
        return False
    bases = {word[:-2], word[:-1], word[:-3] if word[-3] == word[-4] else word[:-2], f"{word[:-3]}y" if word[-3] == "i" else word[:-2]}  # fmt: skip  # noqa: E501
    return any(b in GRADABLE or stem(b) in puffery_stems("en") for b in bases if len(b) > 2)


_YES_ONLY = re.compile(r"\s*(?:yes|true|y|✓|ja|oui|sí|是|有|支持)\s*[.!]?\s*$", re.I)


def _is_whole_answer(reading: Reading, line: Line) -> bool:
    """Whether a fact may speak for a word: one that only says yes must have its whole key in the text."""
    if not _YES_ONLY.match(line.value):
        return True
    key = {t.stem for t in tokens(plain(line.key.replace("_", " ")))} - GRAMMAR
    return key <= {w.stem for w in reading.words}


def _beside_its_like(reading: Reading, words: Sequence[Token], word: Token, line: Line) -> bool:
    """A harmless word is evidence only beside another word of the same fact: "back pocket", not "back"."""
    if line.key in ("title", "brand", "category", "audience", "tone") or word.stem not in reading.book.words:
        return False
    stems = stems_of(line)
    i = next(k for k, w in enumerate(words) if w.start == word.start)
    near = [w for w in (*words[max(0, i - 1) : i], *words[i + 1 : i + 2]) if w.stem not in GRAMMAR]
    return any(w.stem in stems and abs(w.start - word.start) < 24 for w in near)


def _denied_together(reading: Reading, words: Sequence[Token], word: Token) -> bool:
    """Two words in a row of a fact that says no ("winter storms" of what is not suitable for them)."""
    line = reading.book.negative_words[word.stem]
    i = next(k for k, w in enumerate(words) if w.start == word.start)
    near = (*words[max(0, i - 1) : i], *words[i + 1 : i + 2])
    if word.stem in GRAMMAR:
        return False
    return any(w.stem not in GRAMMAR and reading.book.negative_words.get(w.stem) is line for w in near)


_ASSERTING = frozenset(
    stem(w)
    for w in [
        "with",
        "features",
        "feature",
        "featuring",
        "includes",
        "include",
        "including",
        "included",
        "has",
        "have",
        "offers",
        "offer",
        "equipped",
        "contains",
        "contain",
        "containing",
        "boasts",
        "boast",
        "adds",
        "add",
        "uses",
        "use",
        "using",
        "provides",
        "provide",
        "delivers",
        "deliver",
        "supports",
        "support",
        "powered",
        "infused",
        "enriched",
        "plus",
        "comes",
        "integrated",
        "built-in",
        "built",
        "fitted",
        "packed",
        "treated",
        "made",
        "contains",
        "carries",
        "holds",
    ]
)


def _asserts(reading: Reading, word: Token) -> bool:
    """Whether an ordinary word is said of the product: "with a ...", "features ...", "numbered pages"."""
    index = reading.index_of(word)
    before = [w for w in reading.words[max(0, index - 6) : index] if w.clause == word.clause]
    following = reading.words[index + 1] if index + 1 < len(reading.words) else None
    if following is not None and following.clause == word.clause and following.start - word.end == 1 and following.stem in reading.book.key_stems and word.lower.endswith(_ADJECTIVE_ENDINGS):  # fmt: skip  # noqa: E501
        return True  # "regenerative braking" of what has brakes
    if any(w.stem in _ASSERTING and not _is_about_people(before[i + 1 :]) for i, w in enumerate(before)):
        return True
    if word.lower.endswith("s") and not word.lower.endswith("ss") and following is not None:
        says = not before or before[-1].lower in ("that", "which", "it", "automatically")
        if says and following.clause == word.clause and following.lower in _DETERMINERS | {"up", "down", "out"}:
            return True  # "regulates your temperature", "that purifies the air"
    is_participle = word.lower.endswith("ed") and not word.lower.endswith("eed")
    if is_participle and following is not None and following.clause == word.clause and following.is_word:
        owner = before[-1].lower if before else ""
        return following.stem not in GRAMMAR and owner not in _PERSON_BEFORE | _GIVEN_BEFORE | {"the", "is", "are", "was", "be", "get", "got"}  # fmt: skip  # noqa: E501
    return False


_ADJECTIVE_ENDINGS = (
    "ive",
    "ic",
    "al",
    "ous",
    "ary",
    "ant",
    "ent",
    "ed",
    "ible",
    "able",
    "ular",
    "oid",
    "ine",
    "ese",
    "ian",
)


def _is_about_people(words: Sequence[Token]) -> bool:
    return any(w.lower in _GIVEN_BEFORE | {"you", "us", "them", "the"} for w in words)


_PERSON_BEFORE = frozenset("he she they we you i who nobody everyone everybody somebody someone to let's let can't can will would could should might must don't won't".split())  # fmt: skip  # noqa: E501, SIM905


_GIVEN_BEFORE = frozenset("your my his her their our every any each this that another".split())  # noqa: SIM905


_LIKE_BEFORE = re.compile(r"\b(?:like|as|than|beyond|without|before|after|until|until|while|when|where|if|because)\s+(?:an?\s+|the\s+)?$")  # fmt: skip  # noqa: E501


def _is_context(reading: Reading, word: Token) -> bool:
    """A word about the reader's life: what a person does, what is theirs, what something is like."""
    if word.lower.endswith(_CLAIMING_ENDINGS) or word.text.isupper():
        return False
    index = reading.index_of(word)
    before = [w for w in reading.words[max(0, index - 2) : index] if w.clause == word.clause]
    following = reading.words[index + 1] if index + 1 < len(reading.words) else None
    follows = following is not None and following.clause == word.clause
    if before and before[-1].lower in _PERSON_BEFORE | _GIVEN_BEFORE:
        return True  # what the reader does or has
    if (
        len(before) == 2
        and before[0].lower in _GIVEN_BEFORE
        and before[1].stem in plain_stems("en") | puffery_stems("en")
    ):
        return True
    if before and before[-1].lower == "the" and len(before) == 2:
        return True
    if not before and follows and following is not None and following.lower in _DETERMINERS | _PARTICLES | {"me", "us"}:
        return not word.lower.endswith(("s", "ed", "ing", "ly", "al", "ic"))  # a command: "Clench the bar"
    return bool(_LIKE_BEFORE.search(reading.source.lower[max(0, word.start - 16) : word.start]))


_CLAIMING_ENDINGS = ("proof", "resistant", "tion", "able", "ible", "less", "free", "tech", "grade", "ology", "scope", "meter", "ator")  # fmt: skip  # noqa: E501


_PARTICLES = frozenset(
    "in up off from to with for into away on over out through by down along across around back under".split()  # noqa: SIM905
)


def _is_verb_with_particle(reading: Reading, word: Token) -> bool:
    """ "shrugs off a shower": a verb that only leads to what is claimed. What is claimed is judged by itself."""
    index = reading.index_of(word)
    following = reading.words[index + 1] if index + 1 < len(reading.words) else None
    if following is None or following.clause != word.clause or following.lower not in _PARTICLES:
        return False
    before = reading.words[index - 1] if index and reading.words[index - 1].clause == word.clause else None
    if before is not None and (before.lower in _DETERMINERS or before.stem not in GRAMMAR | plain_stems("en")):
        return before.end in {c[1] for c in reading.claims if c[3] is Verdict.SUPPORTED}
    return not word.lower.endswith(_NOUN_ENDINGS)


_DETERMINERS = frozenset("a an the with your our its this that these those no some any each every and or of by".split())  # noqa: SIM905


_NOUN_ENDINGS = (
    "tion",
    "ment",
    "ness",
    "ity",
    "ance",
    "ence",
    "er",
    "or",
    "ology",
    "ism",
    "proof",
    "able",
    "ible",
    "port",
    "lock",
)


def _names_attribute(reading: Reading, word: Token) -> bool:
    """ "weighs" claims nothing by itself when a figure for the weight is known."""
    return any(reading.book.attributes & set(m.concepts) for m in attribute_trie("en").find([word]))


def _support_word(reading: Reading, word: Token, line: Line) -> None:
    type = next((subject for subject, known in reading.book.kinds.items() if known is line), "feature")
    last = reading.claims[-1] if reading.claims else None
    if (
        last
        and last[3] is Verdict.SUPPORTED
        and last[4] == line.shown
        and last[1] <= word.start
        and reading.source.text[last[1] : word.start].strip(" -") == ""
    ):
        reading.claims[-1] = (last[0], word.end, last[2], last[3], last[4], None)
        return
    reading.supported(word.start, word.end, type, line)


def _judge_negative_word(reading: Reading, word: Token) -> None:
    line = reading.book.negative_words[word.stem]
    if is_negated(reading.source, word.start):
        reading.supported(word.start, word.end, "feature", line)
    else:
        reading.contradicted(word.start, word.end, "feature", line)
