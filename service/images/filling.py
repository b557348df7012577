"""A network paints around the product; the product's own pixels are laid back and the result is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.checks.expansion import expansion
from models.image.fill import Filler, FillRequest, best_of
from models.types import BytePixels, CutOut, Provenance

from .compose import Composition, lay_in, lay_product
from .placement import Placement


def filled(
    filler: Filler,
    composed: Composition,
    products: Sequence[tuple[CutOut, Placement]],
    words: str,
    *,
    seed: int,
    tries: int = 4,
    from_above: bool = False,
) -> tuple[Composition, Provenance]:
    """Paint the place around products that stand on a plain ground.

    Args:
        filler: the backend.
        composed: the products on the plain ground, as ``compose_set`` made them.
        products: what was composed, those farther away first.
        words: of the scene.
        seed: of the first try.
        tries: at most, while a product grew.
        from_above: the camera looks down steeply.

    Returns:
        (the composition with the painted place, who painted it). Where a product is solid the pixels are the
        photograph's, whatever the network did.
    """
    laid = [lay_product(cut_out, placement) for cut_out, placement in products]

    def with_products(painted: BytePixels) -> BytePixels:
        picture = painted.copy()
        for product in laid:
            lay_in(picture, product)
        return picture

    def grown(painted: BytePixels) -> float:
        return expansion(with_products(painted), composed.product_alpha, from_above=from_above).share

    asked = FillRequest(words, composed.pixels, composed.product_alpha, seed)
    best, all_tries = best_of(filler, asked, grown, most=tries)
    told = {**best.filled.provenance.settings, "grown": [round(one.grown, 4) for one in all_tries]}
    picture = with_products(best.filled.pixels)
    return replace(composed, pixels=picture), replace(best.filled.provenance, settings=told)
