"""Reviews: what customers say, in their own words."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, read_product, say, show

app = typer.Typer()


@app.command()
def reviews(
    product: Annotated[
        Path | None, typer.Option("--product", help="Product file (JSON) with reviews.", exists=True)
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(help="Reviews, lines {id, text, stars?, date?}; - is standard input.", allow_dash=True),
    ] = None,
    language: Annotated[
        str, typer.Option("--lang", help="Preferred for names of themes; both en and zh are read.")
    ] = "en",
    most: Annotated[int, typer.Option("--most", help="Themes, angles and complaints at the most.", min=1, max=50)] = 8,
    as_json: AsJson = False,
) -> None:
    """What customers say: themes with counts, selling angles, complaints, verbatim quotations with review ids.

    With both options the reviews of the lines are read beside the product's own.

    Example: adloom reviews --product service/samples/kilnholt-mug/product.json --json

    Example: adloom reviews --jsonl reviews.jsonl --lang zh
    """
    from service.copy.reviews import digest
    from service.domain import Product

    if product is None and jsonl is None:
        fail("give --product, --jsonl, or both", 2)
    subject = read_product(product) if product is not None else Product(id="reviews", title="")
    failed = 0
    if jsonl is not None:
        found, failed = _reviews_of_lines(jsonl)
        subject = replace(subject, reviews=(*subject.reviews, *found))
    told = digest(subject, language, most)
    if as_json:
        show(asdict(told))
    else:
        _print(told)
    if failed:
        fail(f"{failed} lines could not be read")


def _reviews_of_lines(path: Path) -> tuple[list[Any], int]:
    from service.domain import Review

    found: list[Review] = []
    failed = 0
    with sys.stdin if str(path) == "-" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                stars = row.get("stars")
                text = row["text"]
                if not isinstance(text, str) or not (stars is None or 1 <= float(stars) <= 5):
                    raise ValueError("text must be a string, stars between 1 and 5")
                found.append(Review(str(row.get("id", number)), text, None if stars is None else float(stars), row.get("date")))  # fmt: skip  # noqa: E501
            except (json.JSONDecodeError, KeyError, AttributeError, TypeError, ValueError) as error:
                failed += 1
                say(f"line {number}: {error or type(error).__name__}")
    return found, failed


def _print(told: Any) -> None:
    stars = f", {told.stars:.2f} stars" if told.stars is not None else ""
    typer.echo(f"{told.read} of {told.given} reviews read ({told.merged} repeats, {told.spam} spam){stars}; {told.positive} in praise, {told.negative} unhappy")  # fmt: skip  # noqa: E501
    for title, rows in (("Selling angles", told.angles), ("Do not promise", told.complaints)):
        typer.echo(f"\n{title}")
        for row in rows:
            is_angle = hasattr(row, "facts")
            typer.echo(
                f"  {row.theme if is_angle else row.name:16} {row.count if is_angle else row.negative:4} reviews"
            )
            for quote in row.quotes if is_angle else row.against:
                typer.echo(f"      “{quote.text}” ({quote.review_id})")
            for fact in row.facts if is_angle else ():
                typer.echo(f"      fact: {fact}")
    typer.echo("\nThemes")
    for theme in told.themes:
        typer.echo(f"  {theme.name:16} {theme.count:4} reviews, {theme.positive} in praise, {theme.negative} unhappy")
