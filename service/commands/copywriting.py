"""Copy for one product: every field of a channel, every claim with its evidence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, ProductPath, fail, plain, read_product, say, show

app = typer.Typer()

BriefPath = Annotated[Path | None, typer.Option("--brief", help="Brief (JSON or TOML).", exists=True, dir_okay=False)]
Tone = Annotated[str | None, typer.Option(help='Words such as "calm, playful", or formal=1,playful=-2,bold=0.')]
Audience = Annotated[str | None, typer.Option(help="Who it is for, plural: home baristas.")]
Avoid = Annotated[list[str] | None, typer.Option("--avoid", help="Word never to use; may be repeated.")]
Keyword = Annotated[list[str] | None, typer.Option("--keyword", help="Search word to work in; may be repeated.")]
Use = Annotated[list[str] | None, typer.Option("--use", help="Word to prefer; may be repeated.")]
OfferText = Annotated[
    list[str] | None,
    typer.Option("--offer", help='Offer, with days if it has some: "20% off; 2026-11-20; 2026-11-30".'),
]
Market = Annotated[str | None, typer.Option(help="Whose law: cn, eu, us, uk ...; default: by language and currency.")]
Language = Annotated[str | None, typer.Option(help="Language; default: the product's.")]
Seed = Annotated[int, typer.Option(help="Same seed, same drafts.")]
Backend = Annotated[str | None, typer.Option(help="Text model backend; default: the settings'.")]


class Eta:
    """How far a step is and how long the rest will take; said at most every other second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._started, self._said = clock, clock(), ("", -10.0)

    def __call__(self, step: str, done: float) -> None:
        now = self._clock()
        if step == self._said[0] or (now - self._said[1] < 2.0 and done < 1.0):
            return
        self._said = (step, now)
        spent = now - self._started
        left = f", about {spent / done - spent:.0f} s left" if 0.05 < done < 1.0 and spent > 2.0 else ""
        say(f"  {step} ({done:.0%}{left})")


def read_brief(
    path: Path | None,
    *,
    tone: str | None = None,
    audience: str | None = None,
    market: str | None = None,
    language: str | None = None,
    avoid: list[str] | None = None,
    use: list[str] | None = None,
    keyword: list[str] | None = None,
    offer: list[str] | None = None,
) -> Any:
    """A brief file with the flags over it.

    Raises:
        InvalidInput: the file or a flag is malformed.
    """
    from service.copy.brief import merged, parse_brief

    file = parse_brief(path.read_bytes(), is_toml=path.suffix.lower() == ".toml") if path else None
    flags: dict[str, Any] = {
        "tone": _tone(tone),
        "audience": audience,
        "market": market,
        "language": language,
        "words_to_avoid": avoid,
        "words_to_use": use,
        "keywords": keyword,
        "offers": [_offer(text) for text in offer or ()],
    }
    return merged(file, parse_brief({key: value for key, value in flags.items() if value}))


def _tone(said: str | None) -> Any:
    """ "formal=1,bold=-2" as sliders, anything else as words."""
    if said is None or "=" not in said:
        return said
    try:
        return {name.strip(): float(value) for name, _, value in (part.partition("=") for part in said.split(","))}
    except ValueError:
        fail(f"--tone: {said!r} is neither words nor formal=N,playful=N,bold=N", 2)


def _offer(said: str) -> dict[str, str]:
    parts = [part.strip() for part in said.split(";")]
    if len(parts) > 3:
        fail(f'--offer: {said!r} is not "text; first day; last day"', 2)
    return {key: value for key, value in zip(("text", "starts", "ends"), parts, strict=False) if value}


def channel_ids(channel: str, channels: str | None) -> list[str]:
    """The channels asked for; ``all`` is every channel with text."""
    import prompts
    from prompts.channels import channels as known

    if channels is None:
        return [channel]
    if channels.strip() == "all":
        return [name for name in known() if prompts.channel(name).text]
    return list(dict.fromkeys(name.strip() for name in channels.split(",") if name.strip()))


@app.command()
def copy(
    product: ProductPath,
    channel: Annotated[str, typer.Option(help="Channel, such as google_rsa, meta_feed, email.")] = "google_rsa",
    channels: Annotated[str | None, typer.Option(help="Several, with commas between; or all.")] = None,
    variants: Annotated[int, typer.Option(help="Texts wanted of each repeatable field.", min=1, max=64)] = 8,
    brief: BriefPath = None,
    tone: Tone = None,
    audience: Audience = None,
    avoid: Avoid = None,
    use: Use = None,
    keyword: Keyword = None,
    offer: OfferText = None,
    market: Market = None,
    language: Language = None,
    seed: Seed = 0,
    backend: Backend = None,
    out: Annotated[Path | None, typer.Option(help="File for the result; else standard output.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a channel's copy for a product; every claim comes with its evidence.

    Nothing that the facts do not say, no limit broken, no rule of the market broken: a draft that fails is shown as
    refused, never as copy. Exit code 1 if a field that the channel needs stayed empty.

    Examples:

        adloom copy --product service/samples/kilnholt-mug/product.json --channel email

        adloom copy --product mug.json --channels google_rsa,meta_feed --variants 15 --tone "calm, playful" --json

        adloom copy --product mug.json --keyword "stoneware mug" --avoid cheap --offer "10% off; 2026-11-20; 2026-11-30"
    """
    from service.wiring import studio_for_commands

    asked = read_brief(
        brief, tone=tone, audience=audience, market=market, language=language, avoid=avoid, use=use, keyword=keyword,
        offer=offer,
    )  # fmt: skip
    about, wanted = read_product(product), channel_ids(channel, channels)
    studio = studio_for_commands(**({"text_backend": backend} if backend else {}))
    for name in wanted:
        studio.brief(about, name, variants=variants, file=asked)  # a bad offer is told before a model is loaded
    eta = Eta()
    written = []
    for i, name in enumerate(wanted):
        told = _share(eta, i, len(wanted))
        written.append(studio.write_copy(about, name, variants=variants, seed=seed, progress=told, file=asked))
    result = [as_mapping(one) for one in written]
    if out is not None:
        _put(out, result if len(result) > 1 else result[0], written, as_json or out.suffix == ".json")
    elif as_json:
        show({"product_id": about.id, "copies": result} if len(result) > 1 else result[0])
    else:
        for one in written:
            typer.echo("\n".join(told_lines(one, with_channel=len(written) > 1)))
    for one in written:
        _sum_up(one)
    if any(note.severity == "block" for one in written for note in one.notes):
        fail("a field that the channel needs is not filled; see the notes")


def _share(eta: Eta, number: int, of: int) -> Callable[[str, float], None]:
    return lambda step, done: eta(step, (number + done) / of)


def as_mapping(written: Any) -> Mapping[str, Any]:
    """A copy as JSON values, as documented in service/copy/README.md."""
    return {**plain(written), "origin": written.origin}


def told_lines(written: Any, with_channel: bool = False) -> list[str]:
    """A copy for people: each line with its length, each claim with its evidence."""
    lines = [f"# {written.channel}"] if with_channel else []
    for line in written.lines:
        size = f"{line.limit.length}/{line.limit.max}" if line.limit else ""
        lines.append(f"{line.field:14} {line.origin:9} {size:>9}  {line.text}")
        lines += [f"{'':36}{c.verdict.value}: {c.text}  <- {c.evidence or c.reason or ''}" for c in line.ledger.claims]
        lines += [f"{'':36}{f.severity}: {f.message}" for f in line.findings]
    return lines


def _put(out: Path, result: Any, written: list[Any], as_json: bool) -> None:
    text = json.dumps(result, ensure_ascii=False, indent=1, default=str) if as_json else "\n".join(
        line for one in written for line in told_lines(one, with_channel=True)
    )  # fmt: skip
    draft = out.with_name(f".{out.name}.part")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(out)
    say(f"wrote {out}")


def _sum_up(one: Any) -> None:
    by_model = sum(line.origin == "model" for line in one.lines)
    said = one.provenance
    say(
        f"{one.channel}: {len(one.lines)} lines, {by_model} by the model; {len(one.refused)} drafts refused, "
        f"{said.get('repaired', 0)} lines saved by repair; {one.seconds:.1f} s"
    )
    for note in one.notes:
        say(f"  {note.severity}: {note.message}")
