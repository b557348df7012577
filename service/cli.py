"""The ``adloom`` command. Every command imports what it needs when it runs, so that ``--help`` is instant.

Results go to standard output (``--json`` for machines), everything else to standard error; the exit code is 0 only if
all went well.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    name="adloom",
    help="Creative that tells the truth and proves itself: copy with evidence, untouched products, tests that learn.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
weights_app = typer.Typer(help="Model weights on this machine.", no_args_is_help=True)
scenes_app = typer.Typer(help="The scene library.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")
app.add_typer(scenes_app, name="scenes")

AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ProductPath = Annotated[Path, typer.Option("--product", help="Product file (JSON).", exists=True, dir_okay=False)]


def say(text: str) -> None:
    """To standard error: what a person reads while a machine reads the result."""
    typer.echo(text, err=True)


def fail(message: str, code: int = 1) -> NoReturn:
    say(f"adloom: {message}")
    raise typer.Exit(code)


def show(value: Any) -> None:
    """One JSON object to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def plain(value: Any) -> Any:
    """A dataclass as JSON values, nested ones too."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(value)).dump_python(value, mode="json")


def _ledger(ledger: Any) -> dict[str, Any]:
    return {"verdict": ledger.verdict.value, "claims": [plain(claim) for claim in ledger.claims]}


class _Steps:
    """Says every new step, and every tenth of a long one."""

    def __init__(self) -> None:
        self._step, self._tenth = "", -1

    def __call__(self, step: str, done: float) -> None:
        tenth = int(done * 10)
        if (step, tenth) != (self._step, self._tenth):
            self._step, self._tenth = step, tenth
            say(f"  {step}: {done:.0%}")


def main() -> None:
    """Run the command; known failures are one line and exit code 1, Ctrl-C is 130."""
    from models.errors import ModelError
    from prompts.errors import PromptError
    from prompts.scenes import SceneError

    from .errors import ServiceError

    try:
        app()
    except (ServiceError, ModelError, PromptError, SceneError) as error:
        say(f"adloom: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)


def read_product(path: Path) -> Any:
    """The product of a file; its photographs' paths are resolved beside the file."""
    from .products import parse_product

    return parse_product(path.read_bytes())


# --- the main job and the service ----------------------------------------------------------------------------------


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for index.html, summary.json and the pictures.")] = Path(
        "demo-output"
    ),
    visitors: Annotated[int, typer.Option(help="Simulated visitors.", min=100)] = 20_000,
    seed: Annotated[int, typer.Option(help="Everything that is drawn follows from it.")] = 7,
    products: Annotated[
        list[Path] | None, typer.Option("--product", help="Product file instead of the samples; may be repeated.")
    ] = None,
) -> None:
    """The main job, end to end: copy, cut-outs, scenes, finished ads and a test that learns.

    Example: adloom demo --out demo-output
    """
    from .demo import run

    run(out, visitors=visitors, seed=seed, product_files=tuple(products or ()))


@app.command()
def serve(
    samples: Annotated[bool, typer.Option(help="Load the sample products first.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Start the service: API, jobs and tracking in one process.

    Settings come from the environment (ADLOOM_...). Example: ADLOOM_PORT=9000 adloom serve --samples
    """
    from .app import serve as run
    from .settings import Settings

    changes: dict[str, Any] = {}
    if host is not None:
        changes["host"] = host
    if port is not None:
        changes["port"] = port
    run(Settings(**changes), load_samples=samples)


# --- words ---------------------------------------------------------------------------------------------------------


@app.command()
def copy(
    product: ProductPath,
    channel: Annotated[str, typer.Option(help="Channel, such as google_rsa, meta_feed, email.")] = "google_rsa",
    variants: Annotated[int, typer.Option(help="Texts wanted of each repeatable field.", min=1, max=64)] = 8,
    language: Annotated[str | None, typer.Option(help="Language; default: the product's.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same drafts.")] = 0,
    backend: Annotated[str, typer.Option(help="Text model backend.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Write a channel's copy for a product; every claim comes with its evidence.

    Example: adloom copy --product service/samples/kilnholt-mug/product.json --channel email
    """
    from .wiring import studio_for_commands

    studio = studio_for_commands(text_backend=backend)
    written = studio.write_copy(read_product(product), channel, language, variants, seed)
    if as_json:
        show({**plain(written), "origin": written.origin})
        return
    for line in written.lines:
        typer.echo(f"{line.field:14} {line.origin:9} {line.text}")
        for claim in line.ledger.claims:
            typer.echo(f"{'':24} {claim.verdict.value}: {claim.text}  <- {claim.evidence or claim.reason or ''}")
    say(f"{len(written.lines)} lines, {len(written.refused)} drafts refused, {written.seconds:.1f} s")


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
    from .copy.ledger import check

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
    from .copy.ledger import check
    from .errors import InvalidInput
    from .products import parse_product

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


# --- pictures ------------------------------------------------------------------------------------------------------


@scenes_app.command("list")
def scenes_list(
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    camera_class: Annotated[str | None, typer.Option(help="eye_level, three_quarter or top_down.")] = None,
    as_json: AsJson = False,
) -> None:
    """The scenes there are."""
    from prompts.scenes import scenes as rows

    chosen = [
        row for row in rows() if family in (None, row.family) and camera_class in (None, row.camera_class)
    ]  # fmt: skip
    if as_json:
        show([row.model_dump() for row in chosen])
        return
    for row in chosen:
        typer.echo(f"{row.id:26} {row.camera_class:14} light {row.light_side:6} {row.words}")
    say(f"{len(chosen)} scenes")


@scenes_app.command("show")
def scenes_show(id: str, as_json: AsJson = False) -> None:
    """One scene with everything known of it."""
    from prompts.scenes import scene as row

    if as_json:
        show(row(id).model_dump())
        return
    for name, value in row(id).model_dump().items():
        typer.echo(f"{name:14} {', '.join(value) if isinstance(value, tuple) else value}")


@scenes_app.command("sheet")
def scenes_sheet(
    out: Annotated[Path, typer.Option(help="PNG or JPEG to write.")] = Path("scenes.jpg"),
    columns: Annotated[int, typer.Option(min=1, max=12)] = 6,
) -> None:
    """A contact sheet of all plates."""
    from .sheets import plate_sheet

    plate_sheet(columns).save(out, quality=90)
    say(f"wrote {out}")


@app.command()
def image(
    photo: Annotated[Path, typer.Option(help="Product photograph.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="PNG to write.")],
    scene: Annotated[str, typer.Option(help="Scene id, or words such as 'walnut table, evening light'.")] = "",
    backend: Annotated[str, typer.Option(help="plates or scene-model.")] = "plates",
    format: Annotated[str, typer.Option(help="square, portrait, story or landscape.")] = "square",
    seed: Annotated[int, typer.Option()] = 0,
    product: Annotated[Path | None, typer.Option("--product", help="Product file, for its real size.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set a product into a scene. The product's pixels stay as photographed; the receipt says so.

    Example: adloom image --photo mug.jpg --scene "oak table in window light" --out mug-on-oak.png
    """
    from dataclasses import asdict, replace

    from .domain import Photo, Product
    from .wiring import studio_for_commands

    studio = studio_for_commands()
    about = read_product(product) if product else Product(id=photo.stem, title=photo.stem)
    about = replace(about, photos=(Photo(key=str(photo.resolve())),))
    creative, data = studio.make(about, scene=scene or None, backend=backend, format=format, seed=seed)
    out.write_bytes(data)
    if as_json:
        show(
            {
                "out": str(out),
                "scene": asdict(creative.scene),
                "image": dict(creative.image_provenance),
                "receipt": {**asdict(creative.receipt), "passed": creative.receipt.passed},
                "findings": [asdict(finding) for finding in creative.findings],
            }
        )
        return
    receipt = creative.receipt
    say(f"wrote {out}: {creative.scene.words}")
    say(f"receipt: largest difference {receipt.max_abs_diff} over {receipt.checked_px:,} product pixels")
    for finding in creative.findings:
        say(f"{finding.severity}: {finding.message}")


# --- weights and keys ----------------------------------------------------------------------------------------------


@weights_app.command("list")
def weights_list(as_json: AsJson = False) -> None:
    """Every weight file adloom knows: purpose, licence, size, whether it is here."""
    from models import weights

    rows = weights.listing()
    states = {row.name: weights.check(row.name) for row in rows}
    if as_json:
        show([{**plain(row), "state": states[row.name].state.value} for row in rows])
        return
    for row in rows:
        typer.echo(f"{row.name:14} {states[row.name].state.value:10} {row.licence:14} {row.purpose}")


@weights_app.command("add")
def weights_add(
    name: Annotated[str, typer.Argument(help="Row of `adloom weights list`.")],
    source: Annotated[
        str | None, typer.Option("--from", help="File, folder or hub id instead of the usual place.")
    ] = None,
) -> None:
    """Fetch weights once; afterwards everything works offline."""
    from models import weights

    say(f"adding {name}")
    place = weights.add(name, source, progress=_Steps())
    say(f"{name}: ready in {place}")


@weights_app.command("check")
def weights_check() -> None:
    """Compare every installed weight file with the digest its row promises."""
    from models import weights

    states = {row.name: weights.check(row.name) for row in weights.listing()}
    for name, status in states.items():
        typer.echo(f"{name:14} {status.state.value:10} {status.detail}".rstrip())
    if any(status.state is weights.State.DAMAGED for status in states.values()):
        fail("damaged weights; run: adloom weights add NAME")


if __name__ == "__main__":
    main()
