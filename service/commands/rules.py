"""Rules: what a market's law and a platform's policy say about a text."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, read_product, say, show

app = typer.Typer(no_args_is_help=True)

Market = Annotated[str | None, typer.Option(help="Market, such as cn, us, eu, uk, de, fr, jp.")]
Channel = Annotated[str | None, typer.Option(help="Channel, such as amazon_listing or google_rsa; adds its platform")]
FAILED = 3  # exit code of --fail-on
_KEYS = ("id", "market", "channel", "text", "field", "category", "lang", "language", "product")


@app.callback(invoke_without_command=True)
def rules(
    context: typer.Context,
    market: Market = None,
    channel: Channel = None,
    text: Annotated[str | None, typer.Option(help="Text to check.")] = None,
    field: Annotated[str | None, typer.Option(help="Field of the channel, such as title.")] = None,
    category: Annotated[str | None, typer.Option(help="Kind of product: food, cosmetics, 保健品 ...")] = None,
    product: Annotated[
        Path | None, typer.Option("--product", help="Product file (JSON): facts and reviews that may bear claims out.")
    ] = None,
    language: Annotated[str | None, typer.Option("--lang", help="Language; default: told by the script.")] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option(help="Lines {id, market, channel, text, field?, category?, lang?, product?}; - is stdin."),
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option(help=f"Exit with {FAILED} if a text's verdict is this or worse: block or warn.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the rules instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a text against a market's law and a platform's policy; every finding with its source and a rewrite.

    The command ran well (exit 0) whatever the verdict; --fail-on makes a bad verdict an exit code.

    Example: adloom rules --market cn --channel taobao_tmall --text "全网最.佳保温杯"
    """
    if context.invoked_subcommand is not None:
        return
    if fail_on not in (None, "block", "warn"):
        fail(f"--fail-on is block or warn, not {fail_on!r}", 2)
    if listed:
        _list(market, channel, as_json)
        return
    if jsonl is not None:
        worst = _check_lines(jsonl, market, channel)
    elif market is not None and text is not None:
        worst = _check_one(market, channel, text, field, category, product, language, as_json)
    else:
        fail("give --market and --text, or --jsonl; adloom rules list names the rules", 2)
    if fail_on is not None and worst in (("block",) if fail_on == "block" else ("block", "warn")):
        raise typer.Exit(FAILED)


@app.command("list")
def list_rules(market: Market = None, channel: Channel = None, as_json: AsJson = False) -> None:
    """Every rule with its severity and source, for one market and channel or all.

    Example: adloom rules list --market cn
    """
    _list(market, channel, as_json)


def _list(market: str | None, channel: str | None, as_json: bool) -> None:
    from prompts.rules import find_channel, pack, packs, packs_for

    if market is not None:
        here = packs_for(market, channel)
    elif channel is not None:
        id = find_channel(channel)
        us = {p.id for p in packs_for("us", None)}
        here = tuple(p for p in packs_for("us", id) if p.id not in us)
    else:
        here = tuple(pack(name) for name in packs())
    for each in here:
        for rule in each.rule:
            source = each.sources[rule.source[0]]
            if as_json:
                row = {"id": rule.id, "title": rule.title, "severity": rule.severity, "pack": each.id, "why": rule.why}
                scope = {"fields": rule.fields, "categories": rule.categories, "languages": rule.languages}
                proof = {"source": source.title, "url": source.url, "evidence": source.evidence, "read": source.read}
                show({**row, **scope, **proof, "hint": rule.rewrite.hint})
            else:
                typer.echo(f"{rule.id:34} {rule.severity:6} {rule.title}\n{'':41} {source.title}")
    say(f"{sum(len(p.rule) for p in here)} rules in {len(here)} packs: {', '.join(p.id for p in here)}")


def _check_one(
    market: str,
    channel: str | None,
    text: str,
    field: str | None,
    category: str | None,
    product: Path | None,
    language: str | None,
    as_json: bool,
) -> str:
    from service.copy.rules import check

    known = read_product(product) if product is not None else None
    ruling = check(
        text, market=market, channel=channel, field=field, language=language, category=category, product=known
    )
    if as_json:
        show(as_row(ruling))
        return ruling.verdict
    typer.echo(ruling.verdict)
    for breach in ruling.findings:
        typer.echo(f"  {breach.severity:5} {breach.rule:30} {breach.start}-{breach.end} {breach.text!r}")
        typer.echo(f"        {breach.why}")
        typer.echo(f"        source: {breach.source} ({breach.evidence}{', ' + breach.url if breach.url else ''})")
        typer.echo(f"        rewrite: {breach.rewrite or '- ' + breach.hint}")
    if ruling.rewrite is not None:
        typer.echo(f"rewrite: {ruling.rewrite}")
    return ruling.verdict


def as_row(ruling: Any) -> dict[str, Any]:
    """A ruling as JSON values: market, channel, verdict, findings with rule, span, severity and rewrite."""
    shown = ("rule", "title", "start", "end", "text", "severity", "why", "source", "url", "evidence", "rewrite", "hint")
    return {
        "market": ruling.circumstances.market,
        "channel": ruling.circumstances.channel,
        "verdict": ruling.verdict,
        "findings": [{key: getattr(breach, key) for key in shown} for breach in ruling.findings],
        "rewrite": ruling.rewrite,
        "packs": list(ruling.packs),
    }


def _check_lines(path: Path, market: str | None, channel: str | None) -> str:
    """One JSON line out for each line in; a bad one is told and stops nothing. Returns the worst verdict."""
    from prompts.errors import PromptError
    from service.copy.rules import check
    from service.errors import ServiceError

    failed, verdicts = 0, {"pass"}
    for number, line in _lines(path):
        name: Any = number
        try:
            row = json.loads(line)
            name = row.get("id", number)
            unknown = sorted(set(row) - set(_KEYS))
            if unknown:
                raise ValueError(f"unknown key {', '.join(unknown)}; known keys: {', '.join(_KEYS)}")
            ruling = check(
                _text_of(row, "text"),
                market=row.get("market") or market or _missing("market"),
                channel=row.get("channel") or channel,
                field=row.get("field"),
                language=row.get("lang") or row.get("language"),
                category=row.get("category"),
                product=_product_of(row.get("product")),
            )
            verdicts.add(ruling.verdict)
            show({"id": name, **as_row(ruling)})
        except (ServiceError, PromptError, ValueError, TypeError, AttributeError, OSError) as error:
            failed += 1
            show({"id": name, "error": f"line {number}: {error or type(error).__name__}"})
    if failed:
        fail(f"{failed} lines could not be checked")
    return next(verdict for verdict in ("block", "warn", "pass") if verdict in verdicts)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines that say something; after two seconds with a remark on how far it is."""
    if str(path) == "-":
        yield from ((number, line) for number, line in enumerate(sys.stdin, 1) if line.strip())
        return
    if not path.is_file():
        fail(f"{path}: no such file", 2)
    size, done, start = max(path.stat().st_size, 1), 0, time.monotonic()
    told = start
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line
            done += len(line.encode())
            now = time.monotonic()
            if now - told > 2.0:
                told = now
                say(f"  {done / size:.0%}, {number} lines, about {(now - start) * (size / done - 1):.0f} s to go")


def _missing(key: str) -> str:
    raise ValueError(f"no {key!r}")


def _text_of(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a text")
    return value


def _product_of(given: Any) -> Any:
    from service.products import parse_product

    if given is None:
        return None
    return parse_product(given) if isinstance(given, dict) else read_product(Path(given))
