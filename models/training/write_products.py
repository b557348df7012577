"""Our own product records and lines as JSONL: what the copywriter learns from.

``copywriter/*.txt`` hold invented products of invented brands, written by hand. One record::

    @kitchen|Gooseneck kettle 0.9 l|Lumen & Ash|49.00 EUR|home baristas
    =capacity: 0.9 l; hob: gas, electric and induction; warranty: 3 years
    H Slow pours, steady hand / One kettle, every hob
    D Gooseneck spout, beech handle and a thermometer in the lid.

``@`` category, title, brand, price, audience (the last two may be empty); ``=`` facts; then lines of copy: H headlines,
D descriptions, P primary texts, S e-mail subjects, E preheaders, several with `` / `` between. ``!`` after the category
sets the whole category aside for testing, ``!`` before a title that product only.

    python -m models.training.write_products --out runs/copy
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    found: list[Record] = []
    for path in sorted(folder.glob("*.txt")):
        found.extend(_read(path))
    ids = [record.product["id"] for record in found]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise ValueError(f"ids used twice: {', '.join(twice)}")
    return found


def _read(path: Path) -> Iterator[Record]:
    blocks: list[tuple[int, list[str]]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("@"):
            blocks.append((number, [line]))
        elif line.strip() and not line.startswith("#"):
            if not blocks:
                raise ValueError(f"{path.name}:{number}: a line before the first record")
            blocks[-1][1].append(line)
    for number, lines in blocks:
        try:
            yield _record(lines)
        except (ValueError, KeyError) as error:
            raise ValueError(f"{path.name}:{number}: {error}") from error


def _record(lines: list[str]) -> Record:
    category, title, brand, price, audience = lines[0][1:].split("|")
    held_out = category.endswith("!") or title.startswith("!")
    title = title.lstrip("!")
    facts: list[dict[str, str]] = []
    written: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[0] == "=":
            for part in line[1:].split("; "):
                key, value = part.split(": ", 1)
                facts.append({"key": key.strip(), "value": value.strip()})
        else:
            mark, texts = line.split(" ", 1)
            written.extend((FIELDS[mark], text.strip()) for text in texts.split(" / "))
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
    return Record(product, "held_out" if held_out else "train", tuple(written))


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
