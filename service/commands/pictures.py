"""Pictures: a product in a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .base import AsJson, fail, read_product, say, show

app = typer.Typer()


@app.command()
def image(
    photo: Annotated[Path, typer.Option(help="Product photograph.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="PNG to write.")],
    scene: Annotated[str, typer.Option(help="Scene id, or words such as 'walnut table, evening light'.")] = "",
    backend: Annotated[str, typer.Option(help="plates or scene-model.")] = "plates",
    format: Annotated[str, typer.Option(help="square, portrait, story or landscape.")] = "square",
    seed: Annotated[int, typer.Option()] = 0,
    product: Annotated[Path | None, typer.Option("--product", help="Product file, for its real size.")] = None,
    placement: Annotated[
        str,
        typer.Option(
            help="automatic[:N], anchor:left|centre|right[:near|middle|far], box:L,T,R,B (px or fractions), "
            "padding:L,T,R,B (fractions kept free)."
        ),
    ] = "automatic",
    beside: Annotated[
        list[Path] | None, typer.Option(help="Photograph or product file of a further product; may be repeated.")
    ] = None,
    arrangement: Annotated[str, typer.Option(help="With --beside: set, size_comparison or flat_lay.")] = "set",
    match_light: Annotated[
        bool, typer.Option(help="Move the scene's white balance, grain and sharpness to the product's.")
    ] = True,
    relight: Annotated[
        bool, typer.Option("--relight", help='Give the product the scene\'s light; its receipt then says "relit".')
    ] = False,
    labels: Annotated[
        str | None, typer.Option(help="none, eu (C2PA), cn (GB 45438) or all. Default: ADLOOM_LABEL_POLICY, none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set a product into a scene. The product's pixels stay as photographed; the receipt says so.

    Examples:

    adloom image --photo mug.jpg --scene "oak table in window light" --out mug-on-oak.png

    adloom image --photo mug.jpg --scene oak-linen-window --placement anchor:left:far --out left.png

    adloom image --photo mug.jpg --beside bottle.jpg --scene sage-podium --out set.png
    """
    from dataclasses import asdict, replace

    from service.domain import Photo, Product
    from service.images.positions import wish_from_text
    from service.provenance.labels import POLICIES
    from service.wiring import studio_for_commands

    policy = next((known for known in POLICIES if known == labels), None)
    if labels is not None and policy is None:
        fail(f"no label policy {labels!r}; there are {', '.join(POLICIES)}", 2)
    studio = studio_for_commands()
    about = read_product(product) if product else Product(id=photo.stem, title=photo.stem)
    about = replace(about, photos=(Photo(key=str(photo.resolve())),))
    creative, data = studio.make(
        about,
        scene=scene or None,
        backend=backend,
        format=format,
        seed=seed,
        label_policy=policy,
        placement=wish_from_text(placement),
        others=[_further(path) for path in beside or ()],
        arrangement=arrangement if beside else None,
        match_light=match_light,
        relight=relight,
    )
    out.write_bytes(data)
    if as_json:
        show(
            {
                "out": str(out),
                "scene": asdict(creative.scene),
                "image": dict(creative.image_provenance),
                "receipt": {**asdict(creative.receipt), "passed": creative.receipt.passed},
                "placements": creative.layout.get("placements", [creative.layout["placement"]]),
                "labels": creative.layout.get("label"),
                "findings": [asdict(finding) for finding in creative.findings],
            }
        )
        return
    receipt = creative.receipt
    say(f"wrote {out}: {creative.scene.words}")
    if receipt.claim == "relit":
        moved = max(part.relit_delta_e for part in receipt.parts)
        say(f"receipt: relit, 95 % of the product's pixels by Delta E {moved:.1f} or less; nothing else is claimed")
    else:
        say(f"receipt: largest difference {receipt.max_abs_diff} over {receipt.checked_px:,} product pixels")
    for part in receipt.parts:
        words = ", ".join(part.text.after or part.text.before)
        say(f"  label: {part.text.verdict}" + (f" ({words})" if words else ""))
    if "label" in creative.layout:
        say(f"labels: {creative.layout['label']['policy']}, {creative.layout['label']['digital_source_type']}")
    for finding in creative.findings:
        say(f"{finding.severity}: {finding.message}")


def _further(path: Path) -> Any:
    """A product for beside: a product file with its photographs, or a photograph alone."""
    from dataclasses import replace

    from service.domain import Photo, Product

    if path.suffix.lower() == ".json":
        about = read_product(path)
        return replace(about, photos=tuple(replace(p, key=str((path.parent / p.key).resolve())) for p in about.photos))
    return Product(id=path.stem, title=path.stem, photos=(Photo(key=str(path.resolve())),))
