"""Things and parts by name: naming one claims nothing, saying that it is there needs a fact."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.copy.facts import is_negated
from service.copy.lexicon import SPACED_LANGUAGES, Mention, concepts, plain_stems

from .reading import Reading, line_with_all

_HAS_BEFORE = re.compile(
    r"\b(?:with|without|includes?|including|included|comes? with|plus|features?|featuring|has|have|built[ -]in|integrated|spare|extra|bonus|free|adds?|equipped with|offers?|boasts?|hidden|contains?|containing|enriched with|infused with|rich in|powered by|supports?|works with|compatible with|fits|for your|for|no|add an?|also)\s+(?:[\w-]+\s+){0,3}$"  # noqa: E501
)


_HAS_AFTER = re.compile(r"^\s*(?:(?:is|are|comes?)\s+)?(?:included|built[ -]in|inside|supplied|in the box|as standard|compatible|ready|support|enriched|infused|at no extra|on board|integrated)\b")  # fmt: skip  # noqa: E501


_HAS_AFTER_HAN = re.compile(r"^(?:包装|装(?!饰|修)|套装|款|版|一[个只件条份]|已含|在内|标配)")


_HAS_BEFORE_HAN = re.compile(r"(?:带|自带|附赠?|附送|赠送?|送|含|配备?|配有|内置|搭载|设有|有|具备|拥有|支持|采用|兼容|适配|添加|富含|蕴含|不含|无|加入|升级)[^,.;!?、]{0,4}$|(?:和|与|及|、)$")  # fmt: skip  # noqa: E501


def judge_thing(reading: Reading, mention: Mention, known: Sequence[str]) -> None:
    """A thing or a part: naming it claims nothing; that it is there, or goes with the product, needs a fact."""
    book, span = reading.book, (mention.start, mention.end)
    before, after = reading.source.lower[max(0, span[0] - 40) : span[0]], reading.source.lower[span[1] : span[1] + 16]
    before = re.split(r"[.;!?\n]", before)[-1]
    type = "compatibility" if known[0] in _SYSTEMS else "feature"
    yes = next((m[c] for c in known for m in (book.affirmed, book.in_title) if c in m), None)
    no = next((book.denied[c] for c in known if c in book.denied), None)
    negated = is_negated(reading.source, mention.start)
    if yes is None and no is None and reading.language in SPACED_LANGUAGES:
        words = reading.words_in(span[0], span[1])
        yes = line_with_all(book, [w.stem for w in words])
    if yes is None and no is None and not reading.source.text[span[0] : span[1]].isascii():
        said = reading.source.lower[span[0] : span[1]]
        yes = next((ln for low, ln in book.han if said in low and not ln.negative), None)
        no = next((ln for low, ln in book.han if said in low and ln.negative), None)
    is_framed = bool((_HAS_BEFORE_HAN if reading.language in ("zh", "ja") else _HAS_BEFORE).search(before) or (_HAS_AFTER_HAN if reading.language in ("zh", "ja") else _HAS_AFTER).match(after))  # fmt: skip  # noqa: E501
    if no is not None and yes is None:
        if negated:
            return reading.supported(*span, type, no)
        if is_framed or known[0] in _SYSTEMS:
            return reading.contradicted(*span, type, no)
    if yes is not None and not negated:
        return reading.supported(*span, type, yes)
    if yes is not None and is_framed:
        return reading.contradicted(*span, type, yes)
    claims = any(concepts()[c].claims for c in known) and not _GIVEN.search(before)
    if (is_framed or claims) and not negated:
        return reading.unsupported(*span, type, f"no fact mentions: {reading.source.text[span[0] : span[1]]}")
    if known[0] in _INGREDIENTS and not negated and reading.book.kinds.get("ingredients"):
        return reading.contradicted(*span, "material", reading.book.kinds["ingredients"])
    return None if reading.language == "en" and _is_bare_thing(reading, mention) else reading.take(*span)


_GIVEN = re.compile(
    r"\b(?:the|your|my|his|her|their|our|any|every|each|into|from|on|to|of)\s+(?:[\w-]+\s+)?$|[你我他她的]$"
)


_SYSTEMS = frozenset({"t_ios", "t_ipad", "t_android", "t_windows", "t_harmony", "t_homekit", "t_nespresso", "t_gopro"})


_INGREDIENTS = frozenset(
    [
        "t_niacinamide",
        "t_hyaluronic",
        "t_retinol",
        "t_vitamin_c",
        "t_vitamin_e",
        "t_collagen",
        "t_ceramide",
        "t_peptide",
        "t_aloe",
        "t_zinc",
        "t_salicylic",
        "t_shea",
        "t_argan",
        "t_snail",
        "t_salmon",
        "t_chicken",
        "t_beef",
        "t_lamb",
        "t_tuna",
        "t_duck",
        "t_wheat",
        "t_soy",
        "t_coconut",
        "t_sesame",
        "t_seaweed",
        "t_matcha",
        "t_ginseng",
        "t_omega",
        "t_cbd",
        "t_taurine",
        "t_hazelnut",
    ]
)


def _is_bare_thing(reading: Reading, mention: Mention) -> bool:
    """Whether the words stay to be read as ordinary ones: they are harmless anyway, or stand without an article."""
    words = reading.words_in(mention.start, mention.end)
    return all(w.stem in plain_stems("en") for w in words)
