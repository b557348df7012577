"""Random headlines in many languages over many scenes and sizes: do they fit, can they be read, what does it cost?

    python -m tests.benchmarks.bench_layout --n 120                  # some 2 CPU-minutes with pictures to compose
    python -m tests.benchmarks.bench_layout --n 60 --formats square,story --out sheets --json

Text is read back by OCR (weights row ``ocr``) from the finished picture; without them that column is left out and
the output says so. Accents, spaces, the euro sign and the width of punctuation do not count: the reader knows none.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import tomllib
import unicodedata
from collections import Counter, defaultdict
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.domain import Brand, Product
from service.images.compose import compose
from service.images.formats import Format, find_format
from service.images.grounds import mounted
from service.images.layout import lay_out
from service.images.placement import place
from service.images.price_tags import OfferTag, PriceTag
from service.images.typefaces import is_right_to_left
from service.products import parse_product
from service.studio import Studio
from service.wiring import studio_for_commands

FORMATS = (
    "square", "portrait", "story", "tall", "landscape", "wide", "leaderboard", "billboard", "skyscraper", "half_page",
    "medium_rectangle", "mobile_leaderboard",
)  # fmt: skip
WORDS: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "layout_words.toml").read_text("utf-8"))
SAME = str.maketrans({"：": ":", "！": "!", "‘": "'", "’": "'", "o": "0", "l": "1", "i": "1", "|": "1"})
SAME |= dict.fromkeys(map(ord, "，。·•.,-、€"), "")
READABLE = ("en", "de", "fr", "es", "zh")  # what the OCR model was taught


def plain(text: str) -> str:
    """A text as far as the reader can tell it apart."""
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    kept = "".join(c for c in parts if not unicodedata.combining(c)).casefold()
    return "".join(kept.translate(SAME).split())


class Scenes:
    """Composed pictures, each made once."""

    def __init__(self, studio: Studio, products: list[Product], n_scenes: int, rng: random.Random) -> None:
        self._studio, self._products = studio, products
        plates = [scene for scene in studio.scenes() if scene.plate]
        self._plates = rng.sample(plates, min(n_scenes, len(plates)))
        self._made: dict[Any, tuple[NDArray[np.uint8], NDArray[np.float32], tuple[int, int, int, int]]] = {}

    def one(self, fmt: Format, rng: random.Random) -> tuple[Any, Product]:
        product, scene = rng.choice(self._products), rng.choice(self._plates)
        key = (product.id, scene.id, fmt.name, fmt.stage.id)
        if key not in self._made:
            backdrop = self._studio.paint(scene, backend="plates").backdrop
            cut_out = self._studio.ready(product, backdrop.camera.view_angle_deg).cut_out
            where = place(cut_out, backdrop, size_px=fmt.picture_px, standing_px=fmt.standing_px,
                          max_product_px=fmt.max_product_px)  # fmt: skip
            made = compose(cut_out, backdrop, where, seed=0)
            self._made[key] = (made.pixels, made.product_alpha, made.product_box_px)
        return self._made[key], product


def reader() -> Any:
    """The OCR reader, or None with the reason on standard error."""
    try:
        from models import weights
        from models.checks.ocr import WEIGHTS, Reader

        weights.path(WEIGHTS)
        return Reader()
    except Exception as error:
        print(f"no OCR: {error}", file=sys.stderr)
        return None


def misread_texts(ocr: Any, pixels: NDArray[np.uint8], texts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The texts of a finished picture that OCR does not give back, each with what it read in their place."""
    k = max(1.0, min(4.0, 700 / max(pixels.shape[:2])))  # small banners are enlarged for the reader
    image = Image.fromarray(pixels)
    if k > 1:
        image = image.resize((round(image.width * k), round(image.height * k)), Image.Resampling.LANCZOS)
    lines = ocr.read(np.asarray(image), max(image.size))
    wrong = []
    for text in texts:
        x0, y0, x1, y1 = (v * k for v in text["box_px"])
        pad = 0.3 * text["font_px"] * k
        inside = []
        for line in lines:
            x, y = (line.box[0] + line.box[2]) / 2, (line.box[1] + line.box[3]) / 2
            if x0 - pad <= x <= x1 + pad and y0 - pad <= y <= y1 + pad:
                inside.append((round(y / (0.5 * text["font_px"] * k)), x, line.text))
        read = "".join(part for _, _, part in sorted(inside))
        if plain("".join(text["lines"])) not in plain(read):
            wrong.append((text["role"], f"{' / '.join(text['lines'])} -> {read}"))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--languages", default=",".join(WORDS))
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    studio = studio_for_commands()
    scenes = Scenes(studio, _products(), given.scenes, rng)
    names, languages = given.formats.split(","), given.languages.split(",")
    ocr = reader()
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for i in range(given.n):
        row = one(i, names[i % len(names)], rng.choice(languages), scenes, ocr, rng, given.out)
        found[row["format"]].append(row)
    rows = [row for group in found.values() for row in group]
    summary = {"all": told(rows), **{name: told(group) for name, group in found.items()}}
    if given.json:
        print(json.dumps({"summary": summary, "items": rows}, ensure_ascii=False))
        return
    print(f"{'format':20} {'n':>4} {'fit':>5} {'blocked':>8} {'contrast min':>13} {'OCR equal':>10} {'CPU-s':>7}")
    for name, line in summary.items():
        equal = "-" if line["ocr_rate"] is None else f"{line['ocr_rate']:.0%} of {line['ocr_n']}"
        counts = f"{line['n']:4} {line['fit']:5} {line['blocked']:8}"
        print(f"{name:20} {counts} {line['contrast_min']:13.2f} {equal:>10} {line['cpu_s']:7.3f}")
    reasons = Counter(reason for row in rows for reason in row["reasons"])
    for reason, n in reasons.most_common():
        print(f"  {n:4} x {reason}")
    for row in rows:
        for role, said in row["misread"]:
            print(f"  misread: {row['format']} {row['language']} {role}: {said}")


def _products() -> list[Product]:
    found = []
    for folder in sorted(Path(str(resources.files("service") / "samples")).iterdir()):
        if (folder / "product.json").is_file():
            product = parse_product((folder / "product.json").read_bytes())
            photos = tuple(replace(photo, key=str(folder / photo.key)) for photo in product.photos[:1])
            found.append(replace(product, photos=photos))
    return found


def one(
    i: int, name: str, language: str, scenes: Scenes, ocr: Any, rng: random.Random, out: Path | None
) -> dict[str, Any]:
    """Lay out one advertisement and judge it."""
    said = WORDS[language]
    headline = rng.choice(said["starts"]) + ("" if language in ("zh", "ja") else " ") + rng.choice(said["ends"])
    offer = OfferTag(said["offer"], said.get("until"))
    fmt = find_format(name).suited_to(rng.choice([0.35, 1.0]), right_to_left=is_right_to_left(language))
    (scene, alpha, box), product = scenes.one(fmt, rng)
    brand = Brand(name=product.brand or "")
    pixels, whole = mounted(scene, alpha, fmt, brand)
    started = time.process_time()
    laid = lay_out(
        pixels, box, whole, fmt, headline=headline, body=said["body"] if rng.random() < 0.6 else None,
        call_to_action=said["button"],
        brand=brand, language=language, price=PriceTag(said["price"]) if rng.random() < 0.5 else None,
        offer=offer if rng.random() < 0.4 else None,
    )  # fmt: skip
    cpu = time.process_time() - started
    texts = laid.record["texts"]
    assert np.array_equal(laid.pixels[whole > 0], pixels[whole > 0])
    reads = [t for t in texts if ocr is not None and language in READABLE and t["role"] != "was_price"]
    misread = misread_texts(ocr, laid.pixels, reads) if reads else []
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        Image.fromarray(laid.pixels).save(out / f"{i:03}-{name}-{language}.png")
    blocks = [f.id for f in laid.findings if f.severity == "block"]
    return {
        "format": name,
        "language": language,
        "headline": headline,
        "blocked": bool(blocks),
        "reasons": [f"{f.severity} {f.id}" for f in laid.findings],
        "contrast": min((t["contrast"] for t in texts if t["contrast"] is not None), default=21.0),
        "ocr_n": len(reads),
        "misread": misread,
        "cpu_s": cpu,
    }


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    n_read = sum(row["ocr_n"] for row in rows)
    n_wrong = sum(len(row["misread"]) for row in rows)
    fine = [row["contrast"] for row in rows if not row["blocked"]]
    return {
        "n": len(rows),
        "fit": sum(not row["blocked"] for row in rows),
        "blocked": sum(row["blocked"] for row in rows),
        "contrast_min": min(fine, default=0.0),
        "ocr_n": n_read,
        "ocr_rate": 1 - n_wrong / n_read if n_read else None,
        "cpu_s": sum(row["cpu_s"] for row in rows) / len(rows),
    }


if __name__ == "__main__":
    main()
