"""What the copywriter learns from and is judged by: the service's own prompts, the service's own judge.

    python -m service.copy.training_set requests --products train.jsonl --out requests.jsonl
    python -m service.copy.training_set accept --products train.jsonl --lines lines.jsonl --out accepted.jsonl
    python -m service.copy.training_set examples --products train.jsonl --accepted accepted.jsonl --out examples.jsonl

``accept`` keeps a line only if ledger, limits and rules pass it in some field of its kind. ``examples`` lays accepted
lines into the prompts that the service sends, for several tellings of each product: facts in another order, facts that
no line needs left out. See models/training/README.md for the whole recipe.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import prompts
from models.types import TextReply, TextRequest, Watch
from service.domain import Brand, Brief, CopyLine, Fact, Product, Verdict
from service.products import parse_product

from . import generate
from .generate import cleaned
from .grounding import stray_findings
from .judging import Judge
from .variety import is_near_duplicate

# kind of line -> the fields it is written for, tightest first: (channel, field)
FIELDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "headline": (
        ("meta_feed", "headline"),
        ("google_rsa", "headline"),
        ("amazon_sponsored_brands", "headline"),
        ("x_website_card", "title"),
    ),
    "description": (("google_rsa", "description"), ("pinterest_standard", "description")),
    "primary_text": (("meta_reels", "primary_text"), ("meta_feed", "primary_text"), ("tiktok_infeed", "ad_text")),
    "email_subject": (("email", "subject"),),
    "email_preheader": (("email", "preheader"),),
}
# kind -> where it is mostly asked for, and with how long a limit a shorter line may still be shown as an answer
MAIN: Mapping[str, tuple[str, str]] = {
    "headline": ("google_rsa", "headline"),
    "description": ("google_rsa", "description"),
    "primary_text": ("meta_feed", "primary_text"),
    "email_subject": ("email", "subject"),
    "email_preheader": ("email", "preheader"),
}
OWN_TASK = "copy_line"
ANGLES = ("benefit", "fact", "occasion", "question", "offer")
_TIRED = re.compile(  # true of everything, so it says nothing; a model that learns these writes nothing else
    r"\b(?:perfect (?:for|choice|addition|companion|gift)|high[- ]quality|top[- ]quality|premium|elevate|upgrade your|"
    r"experience the|unleash|must[- ]have|game[- ]chang\w+|ultimate|ideal for|great for (?:any|all)|versatile|"
    r"stylish|durable|sleek|any occasion|every occasion|look no further|order (?:now|today)|buy now|shop now|"
    r"quality (?:you|and|in)|best choice|great choice|of choice|enhance|ensures?|discover the)\b",
    re.I,
)
GROUNDED = 0.5  # below it a line plays with words more than it tells, and is not learnt
_WORD = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]{2,}")
_SMALL_WORDS = frozenset(
    re.split(
        " ",
        "a an and are as at be by do for from has have in into is it its of on one or so that the their them then they "
        "this to up with you your yours just now all every made make makes go goes more no not",
    )
)
_OCCASION = re.compile(
    r"\b(?:morning|evening|night|tonight|day|days|weekend|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"summer|winter|spring|autumn|breakfast|lunch|dinner|supper|tea|party|birthday|gift|guests?|trip|walk|walks|bath|"
    r"bedtime|school|commute|ride|beach|balcony|picnic|holiday)s?\b",
    re.I,
)


@dataclass
class Asked:
    """A stand-in for a model: it writes nothing and is only asked which prompt it wants."""

    name: str = "local:copywriter"
    languages: tuple[str, ...] = ("en",)
    own_task: str | None = OWN_TASK  # None: the prompts of small models
    is_small: bool = True

    def write(self, request: TextRequest, watch: Watch | None = None) -> TextReply:
        raise NotImplementedError("only asked for its prompt")


def read_products(path: Path) -> dict[str, Product]:
    """Product files of a JSONL by id. Raises InvalidInput on a malformed one."""
    rows = [parse_product(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return {product.id: product for product in rows}


def brief_of(product: Product, channel: str) -> Brief:
    """The plainest brief there is for a product."""
    brand = Brand(name=product.brand or "")
    return Brief(product, channel, "en", brand, audience=product.audience, variants=15)


def rendered_for(product: Product, channel: str, field: str, angle: str = "any") -> prompts.RenderedPrompt | None:
    """The prompt that the service sends the copywriter for a field, with an angle of our choice."""
    return generate.render_for(brief_of(product, channel), field, Asked(), angle=angle)


# --- requests: what to ask a model for drafts ------------------------------------------------------------------------


def fact_angles(product: Product, kind: str, rng: random.Random, most: int) -> list[str]:
    """What the service asks the copywriter for: one fact of a product, or two where there is room; some at random."""
    facts = [f"{fact.key}: {fact.value}" for fact in product.facts]
    if kind in ("headline", "email_subject"):
        return rng.sample(facts, min(most if kind == "headline" else 1, len(facts)))
    pairs = ["; ".join(rng.sample(facts, 2)) for _ in range(max(1, most // 3))] if len(facts) > 1 else facts
    return list(dict.fromkeys(pairs))


def requests(
    products: Iterable[Product], angles: Sequence[str] = ("any",), n_facts: int = 0, seed: int = 1
) -> Iterator[dict[str, Any]]:
    """One request a product, kind and angle, as ``models.training.draft_copy --requests`` reads them.

    ``n_facts`` adds requests about so many of the product's facts.
    """
    rng = random.Random(seed)
    for product in products:
        for kind, (channel, field) in MAIN.items():
            told = fact_angles(product, kind, rng, n_facts) if n_facts else []
            for angle in (*angles, *told):
                prompt = rendered_for(product, channel, field, angle)
                if prompt is None:
                    continue
                yield {
                    "request": f"{product.id}/{kind}/{angle}",
                    "product": product.id,
                    "task": kind,
                    "channel": channel,
                    "field": field,
                    "angle": angle,
                    "system": prompt.system,
                    "user": prompt.user,
                    "schema": prompt.free_output,
                    "max_new_tokens": prompt.sampling.max_new_tokens,
                    "temperature": prompt.sampling.temperature,
                    "top_p": prompt.sampling.top_p,
                }


# --- accept: which lines may be learnt from --------------------------------------------------------------------------


def passing_field(product: Product, kind: str, text: str) -> tuple[str, str, CopyLine] | None:
    """The tightest field of a kind that takes a line which ledger and rules pass; None if there is none."""
    for channel, field in FIELDS[kind]:
        judge = Judge(brief_of(product, channel))
        if judge.fits(field, text):
            line = judge.line(field, text)
            return (channel, field, line) if judge.passes(line) else None
    return None


def facts_told(product: Product, line: CopyLine) -> list[str]:
    """The facts that a line's claims rest on, as the prompt writes them, in the line's order."""
    known = [f"{f.key}: {f.value}" for f in product.facts]
    said = dict.fromkeys(c.evidence for c in line.ledger.claims if c.verdict is Verdict.SUPPORTED and c.evidence)
    return [fact for fact in said if fact in known]


def groundedness(text: str, product: Product) -> float:
    """Share of a line's content words and figures that the product's record holds, 0 to 1; 0 without any.

    >>> groundedness("Made in Wales", Product("m", "Mug", (Fact("origin", "made in Wales"),)))
    1.0
    """
    said = [product.title, product.audience or "", *(f"{f.key} {f.value}" for f in product.facts)]
    known = {_stem(word) for word in _WORD.findall(" ".join(said).casefold())}
    words = [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _SMALL_WORDS]
    return sum(word in known for word in words) / len(words) if words else 0.0


def _stem(word: str) -> str:
    return word if word[:1].isdigit() else re.sub(r"(?:ing|ed|es|s|ly)$", "", word)[:6]


def angle_of(product: Product, line: CopyLine) -> str:
    """Which angle a line takes: an offer, a question, an occasion, a fact, else a benefit."""
    supported = [c for c in line.ledger.claims if c.verdict is Verdict.SUPPORTED]
    if any(c.type in ("discount", "price") for c in supported):
        return "offer"
    if "?" in line.text:
        return "question"
    if any(c.evidence and not c.evidence.startswith(("title", "brand")) for c in supported):
        return "fact"
    return "occasion" if _OCCASION.search(line.text) else "benefit"


def accept(
    products: Mapping[str, Product], rows: Iterable[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Lines that may be learnt from, and how many of each source were seen and kept.

    A line must pass the service's judge, say something of its own and differ from the product's other lines. Lines of
    earlier rows win: give those written by hand first.
    """
    kept: list[dict[str, Any]] = []
    said: dict[tuple[str, str], list[str]] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        product = products.get(row["product"])
        text = cleaned(_text_of(row))
        if product is None or not text:
            continue
        source, kind = row["source"], row["task"]
        counts[f"{source} seen"] += 1
        if row.get("ended") is False or (source != "written" and not _is_worth_learning(text, product)):
            counts[f"{source} dull or unfinished"] += 1
            continue
        place = passing_field(product, kind, text)
        if place is None:
            counts[f"{source} refused"] += 1
            continue
        others = said.setdefault((product.id, kind), [])
        if is_near_duplicate(text, others):
            counts[f"{source} twice"] += 1
            continue
        others.append(text)
        counts[f"{source} kept"] += 1
        channel, field, line = place
        kept.append(
            {
                "product": product.id,
                "task": kind,
                "channel": channel,
                "field": field,
                "angle": angle_of(product, line),
                "facts": facts_told(product, line),
                "airy": groundedness(text, product) < GROUNDED,
                "text": text,
                "source": source,
            }
        )
    return kept, counts


def _text_of(row: Mapping[str, Any]) -> str:
    if "text" in row:
        return str(row["text"])
    try:
        value = json.loads(row["raw"])
    except json.JSONDecodeError:
        return ""
    return str(value.get("text", "")) if isinstance(value, dict) else ""


def _is_worth_learning(text: str, product: Product) -> bool:
    """Drafts of models: no worn-out phrase, more than the product's name, not all in large letters, a clean end."""
    words = text.split()
    title = product.title.casefold()
    return (
        len(words) >= 2
        and not _TIRED.search(text)
        and text.casefold().strip(" .!") not in (title, (product.brand or "").casefold())
        and not text.isupper()
        and text[0] == text[0].upper()
        and text.isascii() | any(mark in text for mark in "°²é–—’")
        and "!" not in text
    )


# --- examples: prompts with their answers ----------------------------------------------------------------------------


# Names that may stand for each other in a fact, so that the model copies what it is told instead of what it remembers.
_LIKE = tuple(
    tuple(row.split(", "))
    for row in (
        "oak, walnut, beech, ash, birch, maple, cherry wood, pine",
        "linen, cotton, hemp, wool, merino, silk, cashmere",
        "stainless steel, aluminium, brass, copper, cast iron, titanium",
        "Portugal, Italy, Sweden, Austria, Poland, Japan, Denmark, Spain, Scotland, Slovenia",
        "black, white, navy, olive, sand, grey, red, green, blue, cream, rust, sage",
        "lavender, rosemary, cedar, bergamot, orange, mint, vanilla",
        "USB-C, micro-USB",
        "almond, hazelnut, walnut, pecan",
    )
)
_FIGURE = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\d]*[\w]*\d)")
_FIXED = re.compile(r"\b(?:EN|ISO|IP|IPX|G|M|SPF|class|Standard|USB|Bluetooth|Wi-Fi|W|LFGB|level)\W?$")

Change = Callable[[str], str]


def _unchanged(text: str) -> str:
    return text


def changed_names(rng: random.Random, texts: Iterable[str]) -> Change:
    """A change of figures and names, the same in every text: 20 l becomes 24 l, oak becomes ash wherever they stand."""
    said = " \n ".join(texts)
    swaps: dict[str, str] = {}
    for row in _LIKE:
        here = [name for name in row if re.search(rf"\b{name}\b", said, re.I)]
        others = [name for name in row if name not in here]
        for name, other in zip(here, rng.sample(others, min(len(here), len(others))), strict=False):
            swaps[name.casefold()] = other
    for match in _FIGURE.finditer(said):
        figure = match.group(1)
        if figure in swaps or "," in figure or _FIXED.search(said[: match.start()]):
            continue
        swaps[figure] = _other_figure(figure, rng)
    if not swaps:
        return _unchanged
    words = "|".join(re.escape(name) for name in sorted(swaps, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w.,])(?:{words})(?![\w]*\d|\.\d|[a-z]{{2}})", re.I)

    def swapped(match: re.Match[str]) -> str:
        new = swaps[match.group().casefold()]
        return new[0].upper() + new[1:] if match.group()[0].isupper() else new

    return lambda text: pattern.sub(swapped, text)


def _other_figure(figure: str, rng: random.Random) -> str:
    """Another figure of the same look: as many digits, the same step where it was round."""
    whole, _, part = figure.partition(".")
    if int(whole) <= 3 and not part:
        return figure  # two sides, three ways: such small counts are told in words too
    step = 100 if whole.endswith("00") else 10 if whole.endswith("0") else 5 if whole.endswith("5") else 1
    new = max(step, round(int(whole) * rng.uniform(0.6, 1.5) / step) * step)
    return f"{new}.{rng.randint(1, 9)}" if part else str(new)


def tellings(product: Product, rng: random.Random, n: int) -> Iterator[tuple[Product, Change]]:
    """The product as it is, then with facts shuffled, some left out, figures and names changed: it must read them.

    Each comes with the change that its lines need.
    """
    yield product, _unchanged
    for _ in range(n - 1):
        facts = list(product.facts)
        rng.shuffle(facts)
        keep = max(3, len(facts) - rng.choice((0, 0, 1, 2, 3)))
        audience = product.audience if rng.random() < 0.6 else None
        change = (
            changed_names(rng, [product.title, *(fact.value for fact in facts)]) if rng.random() < 0.7 else _unchanged
        )
        told = tuple(replace(fact, value=change(fact.value)) for fact in facts[:keep])
        yield replace(product, title=change(product.title), facts=told, audience=audience), change


def examples(
    products: Mapping[str, Product], accepted: Sequence[Mapping[str, Any]], n_tellings: int, seed: int
) -> Iterator[dict[str, Any]]:
    """(prompt, answer) for every telling and every line that is still true of it.

    The angle asked for is mostly the facts that the line tells, so that the service can ask for a fact. The limit asked
    for is that of a field which takes the line without much room to spare, so the model learns what a limit means.
    Lines that play with words are left out; those that the service would keep back from a small model weigh less.
    """
    rng = random.Random(seed)
    by_product: dict[str, list[Mapping[str, Any]]] = {}
    for row in accepted:
        by_product.setdefault(row["product"], []).append(row)
    for key, lines in by_product.items():
        for number, (product, change) in enumerate(tellings(products[key], rng, n_tellings)):
            for row in lines:
                if row["airy"]:
                    continue
                text, facts = change(row["text"]), [change(fact) for fact in row["facts"]]
                channel, field = _asked_field(row["task"], text, rng)
                brief = brief_of(product, channel)
                judge = Judge(brief)
                line = judge.line(field, text)
                if number and not judge.passes(line):
                    continue
                prompt = rendered_for(product, channel, field, _asked_angle({**row, "facts": facts}, rng))
                if prompt is None:
                    continue
                yield {
                    "group": f"{key}#{number}",
                    "system": prompt.system,
                    "user": prompt.user,
                    "answer": text,
                    "task": row["task"],
                    "source": row["source"],
                    "airy": any(stray_findings(line, product, brief)),
                    "prompt_digest": prompt.ref.digest,
                }


def _asked_angle(row: Mapping[str, Any], rng: random.Random) -> str:
    """Mostly the one or two facts that the line tells, sometimes the angle in a word, sometimes none."""
    chance = rng.random()
    if row["facts"] and chance < 0.85:
        return "; ".join(row["facts"][:2])
    return str(row["angle"]) if chance > 0.93 else "any"


def _asked_field(kind: str, text: str, rng: random.Random) -> tuple[str, str]:
    """A field of the kind that takes the text; the service's most usual one where it can."""
    fitting = [place for place in FIELDS[kind] if Judge(_plain_brief(place[0])).fits(place[1], text)]
    if MAIN[kind] in fitting and (len(fitting) == 1 or rng.random() < 0.75):
        return MAIN[kind]
    return fitting[0] if fitting else FIELDS[kind][-1]


def _plain_brief(channel: str) -> Brief:
    return brief_of(Product(id="any", title="any", facts=(Fact("size", "1"),)), channel)


# --- command line ----------------------------------------------------------------------------------------------------


def _rows(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    n = 0
    with path.open("w", encoding="utf-8") as file:
        for n, row in enumerate(rows, 1):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if n % 500 == 0:
                print(f"{n} rows", file=sys.stderr)
    return n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("requests", help="render the prompts that drafts are asked with")
    asked.add_argument("--angles", nargs="*", default=["any"], choices=["any", *ANGLES])
    asked.add_argument("--facts", type=int, default=0, help="requests about so many facts of a product, too")
    asked.add_argument("--seed", type=int, default=1)
    kept = commands.add_parser("accept", help="judge lines, keep what passes")
    kept.add_argument("--lines", type=Path, nargs="+", required=True, help="JSONL, those written by hand first")
    shown = commands.add_parser("examples", help="prompts with answers, to train on")
    shown.add_argument("--accepted", type=Path, required=True)
    shown.add_argument("--tellings", type=int, default=3)
    shown.add_argument("--seed", type=int, default=1)
    for command in (asked, kept, shown):
        command.add_argument("--products", type=Path, required=True, help="product files, JSONL")
        command.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    products = read_products(args.products)
    if args.command == "requests":
        print(f"{_write(args.out, requests(products.values(), args.angles, args.facts, args.seed))} requests")
    elif args.command == "accept":
        rows, counts = accept(products, _rows(args.lines))
        _write(args.out, rows)
        print("\n".join(f"{name}: {n}" for name, n in sorted(counts.items())))
        print(Counter(row["task"] for row in rows), Counter(row["angle"] for row in rows))
    else:
        accepted = list(_rows([args.accepted]))
        print(f"{_write(args.out, examples(products, accepted, args.tellings, args.seed))} examples")


if __name__ == "__main__":
    main()
