"""Whatever a network paints, the product in the finished picture is the photograph's, and growth is on record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models import registry
from models.image.fill import GROWN, Filled, FillRequest
from models.image.plain import plain_backdrop
from models.types import ImageRequest, PaintedBackdrop, Provenance
from service.domain import Photo, Product
from service.studio import Backends, Shelf, Studio, Workshop

MUG = Path(__file__).parents[2] / "service/samples/kilnholt-mug/kilnholt-mug.jpg"


class Vandal:
    """Paints over everything; on its first tries it makes the product longer, too."""

    name, tries = "vandal", 3

    def __init__(self, bad: int) -> None:
        self.bad, self.seeds = bad, list[int]()

    def paint(self, request: ImageRequest) -> PaintedBackdrop:
        made = Provenance(self.name, "x", "1", request.seed)
        return PaintedBackdrop(plain_backdrop(request.size_px, request.view_angle_deg or 15.0, made), {}, ())

    def fill(self, requests: Sequence[FillRequest]) -> list[Filled]:
        asked = requests[0]
        self.seeds.append(asked.seed)
        painted = np.full_like(asked.canvas, (168, 190, 150))
        if len(self.seeds) <= self.bad:  # the product's own colours, dragged upwards
            rows = np.flatnonzero((asked.keep > 0.5).any(axis=1))
            lift = (rows[-1] - rows[0]) // 12  # within the ring that is looked at
            painted[:-lift] = np.where(asked.keep[lift:, :, None] > 0.5, asked.canvas[lift:], painted[:-lift])
        return [Filled(painted, Provenance(self.name, "x", "1", asked.seed))]


def studio_with(painter: Vandal) -> Studio:
    backends = Backends(
        text=lambda: registry.text_model("fake"),
        matting=lambda: registry.matting_model("packshot"),
        image=lambda name: painter if name == "vandal" else registry.image_model(name),
        ocr="never",
    )
    return Studio(Workshop(backends), Shelf(read=lambda photo: MUG.read_bytes(), put=lambda key, data: None))


PRODUCT = Product(id="mug", title="Mug", photos=(Photo(key="mug.jpg"),))


def test_the_product_stays_and_a_try_that_grew_it_is_made_again() -> None:
    painter = Vandal(bad=1)

    creative, _ = studio_with(painter).make(PRODUCT, scene="a meadow", backend="vandal", seed=5)

    assert creative.receipt.passed
    assert creative.receipt.max_abs_diff == 0
    grown = creative.image_provenance["settings"]["grown"]
    assert len(grown) == 2
    assert grown[0] > GROWN >= grown[1]
    assert creative.image_provenance["seed"] == painter.seeds[1] != 5


def test_a_product_that_keeps_growing_ends_with_a_finding() -> None:
    painter = Vandal(bad=9)

    creative, _ = studio_with(painter).make(PRODUCT, scene="a meadow", backend="vandal", seed=5)

    assert len(painter.seeds) == 3
    assert creative.receipt.max_abs_diff == 0
    assert any("grow" in finding.message or "beyond" in finding.message for finding in creative.findings)
