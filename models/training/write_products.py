"""Our own product records and lines as JSONL: what the copywriter learns from.

``copywriter/*.txt`` hold invented products of invented brands, written by hand. One record::

    @kitchen|Gooseneck kettle 0.9 l|Lumen & Ash|49.00 EUR|home baristas
    =capacity: 0.9 l; hob: gas, electric and induction; warranty: 3 years
    H Slow pours, steady hand / One kettle, every hob
    D Gooseneck spout, beech handle and a thermometer in the lid.

    +lumen-ash
    P Slow down, pour well.

``@`` category, title, brand, price, audience (the last two may be empty); ``=`` facts; then lines of copy: H headlines,
D descriptions, P primary texts, S e-mail subjects, E preheaders, several with `` / `` between. ``!`` after the category
sets the whole category aside for testing, ``!`` before a title that product only. ``+`` and the first letters of a
product's id: further lines for it.

    python -m models.training.write_products --out runs/copy
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "copywriter"
FIELDS = {"H": "headline", "D": "description", "P": "primary_text", "S": "email_subject", "E": "email_preheader"}


@dataclass(frozen=True, slots=True)
class Record:
    """One product and the lines written for it."""

    product: dict[str, Any]  # a product file: id, title, brand, category, price, audience, facts
    split: str  # "train" or "held_out"
    lines: tuple[tuple[str, str], ...] = field(default=())  # (task, text)


def records(folder: Path = FOLDER) -> list[Record]:
    """Every record of every file, in order. Raises ValueError with file and line where one is malformed."""
    found: dict[str, Record] = {}
    more: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []
    for path in sorted(folder.glob("*.txt")):
        for number, lines in _blocks(path):
            where = f"{path.name}:{number}"
            try:
                if lines[0].startswith("+"):
                    more.append((where, lines[0][1:].strip(), tuple(_lines(lines[1:]))))
                    continue
                record = _record(lines)
            except (ValueError, KeyError) as error:
                raise ValueError(f"{where}: {error}") from error
            if record.product["id"] in found:
                raise ValueError(f"{where}: id {record.product['id']} is used twice")
            found[record.product["id"]] = record
    for where, start, further in more:
        ids = [key for key in found if key.startswith(start)]
        if len(ids) != 1:
            raise ValueError(f"{where}: {start!r} begins {len(ids)} ids, not one")
        found[ids[0]] = replace(found[ids[0]], lines=(*found[ids[0]].lines, *further))
    return list(found.values())


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, lines) of every record."""
    block: list[str] = []
    start = 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line[:1] in ("@", "+"):
            if block:
                yield start, block
            start, block = number, [line]
        elif line.strip() and not line.startswith("#"):
            if not block:
                raise ValueError(f"{path.name}:{number}: a line before the first record")
            block.append(line)
    if block:
        yield start, block


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        mark, texts = line.split(" ", 1)
        yield from ((FIELDS[mark], text.strip()) for text in texts.split(" / "))


def _record(lines: list[str]) -> Record:
    category, title, brand, price, audience = lines[0][1:].split("|")
    held_out = category.endswith("!") or title.startswith("!")
    title = title.lstrip("!")
    facts: list[dict[str, str]] = []
    for line in lines[1:]:
        for part in line[1:].split("; ") if line[0] == "=" else ():
            key, value = part.split(": ", 1)
            facts.append({"key": key.strip(), "value": value.strip()})
    product: dict[str, Any] = {
        "id": re.sub(r"[^a-z0-9]+", "-", f"{brand} {title}".lower()).strip("-"),
        "title": title,
        "brand": brand,
        "category": category.rstrip("!"),
        "language": "en",
        "facts": facts,
    }
    if price:
        amount, currency = price.split(" ")
        product["price"] = {"amount": amount, "currency": currency}
    if audience:
        product["audience"] = audience
    return Record(
        product, "held_out" if held_out else "train", tuple(_lines(line for line in lines[1:] if line[0] != "="))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for train.jsonl, held_out.jsonl, lines.jsonl")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    every = records()
    for split in ("train", "held_out"):
        rows = [json.dumps(r.product, ensure_ascii=False) for r in every if r.split == split]
        (args.out / f"{split}.jsonl").write_text("".join(f"{row}\n" for row in rows), "utf-8")
    lines = [
        json.dumps({"product": r.product["id"], "task": task, "text": text, "source": "written"}, ensure_ascii=False)
        for r in every
        for task, text in r.lines
    ]
    (args.out / "lines.jsonl").write_text("".join(f"{row}\n" for row in lines), "utf-8")
    n_held_out = sum(r.split == "held_out" for r in every)
    print(f"{len(every) - n_held_out} products to train on, {n_held_out} held out, {len(lines)} lines written by hand")


if __name__ == "__main__":
    main()
