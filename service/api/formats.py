"""``/v1/formats``: the sizes we make, their names, and what fits in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from service.errors import InvalidInput, NotFound
from service.images.formats import Format, find_format, formats

from .access import AnyCaller
from .errors import READ

router = APIRouter(prefix="/v1/formats", tags=["images"])
FormatName = Annotated[str, Path(max_length=64, description="name, alias, channel slot or size: ig_square, 728x90")]


class TemplateView(BaseModel):
    """One way to set the words."""

    id: str
    words: str  # where they stand, seen from the product
    surfaces: list[str]
    takes: list[str]  # roles beside headline and call to action
    headline_px: tuple[float, float]  # the floor and the size wanted


class StageView(BaseModel):
    """One way to share the picture between product and words."""

    id: str
    scene_px: tuple[int, int, int, int]  # left, top, right, bottom; a panel takes the rest
    templates: list[TemplateView]


class FormatView(BaseModel):
    """One picture size."""

    name: str
    size_px: tuple[int, int]
    aliases: list[str]
    slots: list[str]  # of the channel table
    used_for: str
    words: str
    shows: str
    safe_box_px: tuple[int, int, int, int]
    min_product_fill: float | None
    background_rgb: tuple[int, int, int] | None
    stages: list[StageView]


def format_view(item: Format) -> FormatView:
    return FormatView(
        name=item.name,
        size_px=item.size_px,
        aliases=list(item.aliases),
        slots=list(item.slots),
        used_for=item.used_for,
        words=item.words,
        shows=item.shows,
        safe_box_px=item.safe_box_px,
        min_product_fill=item.min_product_fill,
        background_rgb=item.background_rgb,
        stages=[
            StageView(
                id=stage.id,
                scene_px=stage.picture,
                templates=[
                    TemplateView(
                        id=template.id,
                        words=template.place,
                        surfaces=list(template.surfaces),
                        takes=[
                            *(["body"] if template.shows_body else []),
                            "price",
                            "offer",
                            "legal",
                            *(["brand or logo"] if template.brand_px else []),
                        ],
                        headline_px=(round(template.headline.floor_px, 1), round(template.headline.max_px, 1)),
                    )
                    for template in stage.templates
                ],
            )
            for stage in item.stages
        ],
    )


@router.get("", responses=READ)
def list_formats(
    who: AnyCaller,
    channel: Annotated[str | None, Query(max_length=64, description="only those a channel asks for: meta_feed")] = None,
) -> list[FormatView]:
    """Every size, by name. Anywhere a format is asked for, its aliases, slots and size will do too."""
    chosen = [
        item
        for item in formats().values()
        if channel is None or any(slot.split(".")[0] == channel for slot in item.slots)
    ]
    return [format_view(item) for item in chosen]


@router.get("/{name}", responses=READ)
def get_format(name: FormatName, who: AnyCaller) -> FormatView:
    """One size."""
    try:
        return format_view(find_format(name))
    except InvalidInput as error:
        raise NotFound("format", name) from error
