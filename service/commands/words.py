"""Words: claims, lengths, limits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, plain, read_product, say, show

app = typer.Typer()


READ_WELL = ("en", "zh")
READ_IN_PART = ("de", "fr", "es", "ja")  # figures, prices, certificates, materials, ranks, listed features


def given_text(text: str | None) -> str:
    """A text of the command line; "-", or none with something piped in, is standard input without its last line end."""
    if text is not None and text != "-":
        return text
    if text is None and sys.stdin.isatty():
        fail("give --text, or pipe a text in", 2)
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _language_note(language: str) -> dict[str, str]:
    """What is read of a language that the ledger does not read fully; empty for English and Chinese."""
    tag = language.lower().replace("_", "-").split("-")[0]
    if tag in READ_WELL:
        return {}
    if tag in READ_IN_PART:
        return {"note": f"{tag}: read for figures, units, prices, certificates, ranks and what the lexicons list"}
    return {
        "note": f"{language or 'no language'}: not known here; read for figures, and as English where it is English"
    }


def _ledger(ledger: Any) -> dict[str, Any]:
    return {"verdict": ledger.verdict.value, "claims": [plain(claim) for claim in ledger.claims]}


@app.command()
def claims(
    product: Annotated[Path | None, typer.Option("--product", help="Product file (JSON).", exists=True)] = None,
    text: Annotated[
        str | None, typer.Option(help="Text to check; - is standard input. HTML tags are not read.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--lang", help="Language of the text; default: the product's.")
    ] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Lines {id, product, text, lang}; - is standard input.", allow_dash=True)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every claim of a text against a product's facts.

    Each claim has start and end in code points of the text, a type, a verdict and its evidence. The overall verdict is
    the worst of the claims: contradicted, unsupported, puffery, supported. A text without claims (empty, only a call
    to act) is supported. Exit code 0 whatever the verdict; 1 when a line of --jsonl could not be read.

    Examples:

        adloom claims --product service/samples/tarnwell-bottle/product.json --text "Keeps cold 24 hours"

        adloom claims --jsonl texts.jsonl > verdicts.jsonl

    Lines in: {"id": 1, "product": "bottle.json" or the product itself, "text": "...", "lang": "en"}; lines out:
    {"id": 1, "verdict": "supported", "claims": [{"start", "end", "text", "type", "verdict", "evidence", "reason"}]}.
    """
    from service.copy.ledger import check

    if jsonl is not None:
        _claims_of_lines(jsonl)
        return
    if product is None:
        fail("give --product and --text, or --jsonl", 2)
    known = read_product(product)
    tag = language or known.language
    ledger = check(given_text(text), known, tag)
    if as_json:
        show({**_ledger(ledger), **_language_note(tag)})
        return
    for note in _language_note(tag).values():
        say(f"  {note}")
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
                parsed = parse_product(given) if isinstance(given, dict) else _product_at(path, given)
                tag = row.get("lang") or parsed.language
                if not isinstance(row["text"], str) or not isinstance(tag, str):
                    raise TypeError("text and lang are strings")
                show({"id": name, **_ledger(check(row["text"], parsed, tag)), **_language_note(tag)})
            except (InvalidInput, json.JSONDecodeError, KeyError, OSError, AttributeError, TypeError) as error:
                failed += 1
                show({"id": name, "error": f"line {number}: {_said(error)}"})
    if failed:
        fail(f"{failed} lines could not be read")


_PRODUCTS: dict[Path, Any] = {}  # files named by line after line are read once


def _product_at(jsonl: Path, given: str) -> Any:
    """The product of a file, named from here or from the folder of the JSONL file."""
    path = Path(given)
    if not path.exists() and str(jsonl) != "-" and (jsonl.parent / given).exists():
        path = jsonl.parent / given
    if path not in _PRODUCTS:
        _PRODUCTS[path] = read_product(path)
    return _PRODUCTS[path]


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no {error.args[0]!r}; a line is {{id, product, text, lang}}"
    return str(error) or type(error).__name__


@app.command()
def measure(
    text: Annotated[str | None, typer.Option(help="Text to measure; - or nothing is standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """How long a text is under every counting rule that a channel uses.

    Examples:

        adloom measure --text "保温24小时" --json

        pbpaste | adloom measure
    """
    from dataclasses import asdict

    from prompts.measures import measure as measures

    figures = asdict(measures(given_text(text)))
    if as_json:
        show(figures)
        return
    for name, value in figures.items():
        typer.echo(f"{name:20} {value}")


@app.command()
def lint(
    channel: Annotated[str, typer.Option(help="Channel, such as google_rsa.")],
    field: Annotated[str, typer.Option(help="Field, such as headline.")],
    text: Annotated[str | None, typer.Option(help="Text to check; - or nothing is standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a text against a field's limits, with the source of each limit.

    Exit code 0 whether it fits or not: the findings say so; 2 for a channel or field that there is not.

    Examples:

        adloom lint --channel google_rsa --field headline --text "Stays hot for hours"

        cat headline.txt | adloom lint --channel meta_feed --field headline --json
    """
    from prompts import PromptError
    from prompts.channels import field_findings

    text = given_text(text)
    try:
        findings = field_findings(channel, field, text)
    except PromptError as error:
        fail(str(error), 2)
    if as_json:
        show({"channel": channel, "field": field, "text": text, "findings": [plain(found) for found in findings]})
        return
    for finding in findings:
        typer.echo(finding.message)
    if not findings:
        typer.echo("fits")
