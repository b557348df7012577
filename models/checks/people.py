"""Does a scene's text ask for people? None are generated unless somebody wants that and answers for it.

Several places demand a label where a person is synthetic, and a generated hand is the commonest flaw of all; so words
that ask for one are found, told, and left out of prompts.
"""

from __future__ import annotations

import re

NEGATIVE = "person, people, man, woman, child, face, hand, fingers, body, skin"  # for backends that take one
EMPTY = "empty scene without people"  # appended to prompts of backends that paint freely

_WORDS = (
    r"(?:young |old |happy |smiling )?(?:wom[ae]n|m[ae]n|girls?|boys?|child(?:ren)?|kids?|bab(?:y|ies)|toddlers?|"
    r"persons?|people|humans|human being|lad(?:y|ies)|gentlem[ae]n|guys?|couples?|famil(?:y|ies)|crowds?|"
    r"models? (?:wearing|holding|posing)|athletes?|dancers?|chefs?|baristas?|influencers?|customers?|"
    r"someone|somebody|faces?|portraits?|selfies?|hands?|fingers?|arms?|legs?|feet)",
    r"frau(?:en)?|mann|männern?|kind(?:ern?)?|mädchen|leuten?|menschen?|person(?:en)?|hände|gesicht(?:er)?|familien?",
    r"femmes?|hommes?|enfants?|filles?|garçons?|personnes?|gens|mains?|visages?|familles?|mujer(?:es)?|hombres?|"
    r"niñ[oa]s?|personas?|gente|manos?|caras?|familias?|donn[ae]|uom(?:o|ini)|bambin[oiae]|persone|man[oi]|volt[oi]",
)
_LATIN = re.compile(rf"(?<![\w-])(?:{'|'.join(_WORDS)})(?![\w-])", re.IGNORECASE)
_HAN = re.compile(
    r"女人|男人|女士|男士|女孩|男孩|孩子|儿童|婴儿|宝宝|模特|人物|人像|人们|行人|一家人"
    r"|情侣|美女|帅哥|双手|手持|脸庞|面孔"
)
_NO_PERSON = re.compile(
    r"(?:\b(?:no|without|free of|kein[e]?|ohne|sans|sin|senza)\s+(?:any\s+)?\w+)|(?:没有|无)(?:人物|人|模特)"
    r"|child(?:ren)?[’']s|kids?[’']s?\s+room|bab(?:y|ies)[’']s|\bmen[’']s|\bwomen[’']s"
    r"|hand-?\s?(?:made|thrown|painted|woven)"
    r"|\bman-?made|clock\s+hands?|face\s+(?:cream|oil|mask|serum|towel)|hand\s+(?:cream|soap|towel|wash)s?",
    re.IGNORECASE,
)


def people_in(words: str) -> tuple[str, ...]:
    """The words that ask for people, in order, each once; "no people" and "hand soap" ask for none."""
    rest = _NO_PERSON.sub(lambda found: " " * len(found[0]), words)
    found = [match[0].strip() for pattern in (_LATIN, _HAN) for match in pattern.finditer(rest)]
    return tuple(dict.fromkeys(found))


def without_people(words: str) -> str:
    """The same text without those words, for a backend that would paint them."""
    for asked in people_in(words):
        pattern = rf"(?:\b(?:an?|the|one|two)\s+|一个|一位|一名)?{re.escape(asked)}"
        words = re.sub(pattern, "", words, flags=re.IGNORECASE)
    return re.sub(r"\s{2,}", " ", re.sub(r"\s+([,.;])", r"\1", words)).strip(" ,;")
