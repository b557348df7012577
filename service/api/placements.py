"""``/v1/placements``: where a product could stand in a scene, before anything is rendered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.errors import InvalidInput

from .access import Designer
from .copy import Seed
from .errors import WRITE
from .shapes import Id, Line, Strict

router = APIRouter(prefix="/v1/placements", tags=["images"])
Four = Annotated[list[float], Field(min_length=4, max_length=4, description="left, top, right, bottom")]


class PlacementWish(Strict):
    """Where the product is to stand. Each mode takes its own fields and refuses the others'."""

    mode: Annotated[str, Field(description="automatic, anchor, box or padding", examples=["anchor"])] = "automatic"
    choice: Annotated[int | None, Field(description="automatic: which proposal, from 0")] = None
    at: Annotated[str | None, Field(description="anchor: left, centre or right third")] = None
    depth: Annotated[str | None, Field(description="anchor: near, middle or far")] = None
    box: Annotated[Four | None, Field(description="box: px of the picture, or fractions when none is above 1")] = None
    padding: Annotated[Four | float | None, Field(description="padding: fractions of the frame that stay free")] = None

    def told(self) -> dict[str, Any]:
        """The wish as ``parse_wish`` reads it. Raises InvalidInput where it makes no sense."""
        from service.images.positions import parse_wish  # here: starting the server must not load geometry

        said = self.model_dump(exclude_none=True)
        parse_wish(said)
        return said


Arrangement = Literal["set", "size_comparison", "flat_lay"]


def group_of(products: list[Id] | None, arrangement: str | None) -> list[str]:
    """The further products of one picture. Raises InvalidInput when there are none for an arrangement."""
    group = list(products or [])
    if arrangement is not None and len(group) < 2:
        raise InvalidInput("products", f"arrangement {arrangement!r} takes 2 to 5 products")
    if len(set(group)) != len(group):
        raise InvalidInput("products", "each product once")
    return group


class PlacementsRequest(Strict):
    """One product, or the products of an arrangement, in one scene and format."""

    product_id: Id | None = None
    products: Annotated[list[Id] | None, Field(min_length=2, max_length=5, description="several in one picture")] = None
    arrangement: Arrangement | None = None
    scene: Annotated[Line | None, Field(description="scene id or words; none: the one that suits best")] = None
    format: Id = "square"
    backend: Id | None = None
    seed: Seed = 0
    placement: PlacementWish | None = None


class ProposalView(BaseModel):
    """One possibility."""

    label: str
    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom, px of the picture")
    box_fraction: tuple[float, float, float, float]
    reasons: list[str]
    score: float = Field(description="0 to 1, higher is better")
    shown_of_true: float | None = Field(description="size in the scene over the true size; null: no size is known")
    placement: dict[str, Any] | None = Field(description="what to send to POST /v1/images to get it")


class PlacementsView(BaseModel):
    """Where it could stand."""

    scene: str
    format: str
    width_px: int
    height_px: int
    proposals: list[ProposalView]


@router.post("", responses=WRITE)
def propose_placements(body: PlacementsRequest, who: Designer) -> PlacementsView:
    """Proposals with boxes and reasons; nothing is rendered or kept. What cannot stand is refused with the reason."""
    group = group_of(body.products, body.arrangement)
    if (body.product_id is None) == (not group):
        raise InvalidInput("product_id", "either one product_id, or 2 to 5 products")
    store = who.services.store(who.workspace)
    products = [store.products.get(id) for id in (group or [str(body.product_id)])]
    wish = body.placement.told() if body.placement else None
    scene, (width, height), proposals = who.services.studio(who.workspace).placements(
        products[0],
        scene=body.scene,
        backend=body.backend,
        format=body.format,
        seed=body.seed,
        placement=wish,
        others=products[1:],
        arrangement=body.arrangement or ("set" if group else None),
    )
    automatic = wish is None or wish.get("mode") == "automatic"
    views = []
    for number, offer in enumerate(proposals):
        box = offer.placement.product_box
        x0, y0, x1, y1 = box
        send = None if group else {"mode": "automatic", "choice": number} if automatic else wish
        views.append(
            ProposalView(
                label=offer.label,
                box=box,
                box_fraction=(
                    round(x0 / width, 4), round(y0 / height, 4), round(x1 / width, 4), round(y1 / height, 4)
                ),
                reasons=list(offer.reasons),
                score=offer.score,
                shown_of_true=offer.placement.shown_of_true,
                placement=send,
            )
        )  # fmt: skip
    return PlacementsView(scene=scene.id, format=body.format, width_px=width, height_px=height, proposals=views)
