"""The main job and the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()


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
    from service.demo import run

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
    from service.app import serve as run
    from service.settings import Settings

    changes: dict[str, Any] = {}
    if host is not None:
        changes["host"] = host
    if port is not None:
        changes["port"] = port
    run(Settings(**changes), load_samples=samples)
