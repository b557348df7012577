"""Words: claims, lengths, limits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, plain, read_product, show

app = typer.Typer()


def _ledger(ledger: Any) -> dict[str, Any]:
    return {"verdict": ledger.verdict.value, "claims": [plain(claim) for claim in ledger.claims]}


@app.command()
def claims(
    product: Annotated[Path | None, typer.Option("--product", help="Product file (JSON).", exists=True)] = None,
    text: Annotated[str | None, typer.Option(help="Text to check.")] = None,
    language: Annotated[str, typer.Option("--lang", help="Language of the text.")] = "en",
    jsonl: Annotated[
        Path | None, typer.Option(help="Lines {id, product, text, lang}; - is standard input.", allow_dash=True)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every claim of a text against a product's facts.

    Example: adloom claims --product service/samples/tarnwell-bottle/product.json --text "Keeps cold 24 hours"
    """
    from service.copy.ledger import check

    if jsonl is not None:
        _claims_of_lines(jsonl)
        return
    if product is None or text is None:
        fail("give --product and --text, or --jsonl", 2)
    ledger = check(text, read_product(product), language)
    if as_json:
        show(_ledger(ledger))
        return
    typer.echo(ledger.verdict.value)
    for claim in ledger.claims:
        typer.echo(f"  {claim.verdict.value:13} {claim.type:14} {claim.text!r}  {claim.evidence or claim.reason or ''}")


def _claims_of_lines(path: Path) -> None:
    from service.copy.ledger import check
    from service.errors import InvalidInput
    from service.products import parse_product

    failed = 0
    with sys.stdin if str(path) == "-" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            name: Any = number
            try:
                row = json.loads(line)
                name = row.get("id", number)
                given = row["product"]
                parsed = parse_product(given) if isinstance(given, dict) else read_product(Path(given))
                show({"id": name, **_ledger(check(row["text"], parsed, row.get("lang") or parsed.language))})
            except (InvalidInput, json.JSONDecodeError, KeyError, OSError, AttributeError, TypeError) as error:
                failed += 1
                show({"id": name, "error": f"line {number}: {error or type(error).__name__}"})
    if failed:
        fail(f"{failed} lines could not be read")


@app.command()
def measure(text: Annotated[str, typer.Option(help="Text to measure.")], as_json: AsJson = False) -> None:
    """How long a text is under every counting rule that a channel uses.

    Example: adloom measure --text "保温24小时" --json
    """
    from dataclasses import asdict

    from prompts.measures import measure as measures

    figures = asdict(measures(text))
    if as_json:
        show(figures)
        return
    for name, value in figures.items():
        typer.echo(f"{name:20} {value}")


@app.command()
def lint(
    channel: Annotated[str, typer.Option(help="Channel, such as google_rsa.")],
    field: Annotated[str, typer.Option(help="Field, such as headline.")],
    text: Annotated[str, typer.Option(help="Text to check.")],
    as_json: AsJson = False,
) -> None:
    """Check a text against a field's limits, with the source of each limit.

    Example: adloom lint --channel google_rsa --field headline --text "Stays hot for hours"
    """
    from prompts.channels import field_findings

    findings = field_findings(channel, field, text)
    if as_json:
        show({"channel": channel, "field": field, "text": text, "findings": [plain(found) for found in findings]})
        return
    for finding in findings:
        typer.echo(finding.message)
    if not findings:
        typer.echo("fits")
