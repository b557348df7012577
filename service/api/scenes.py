"""``/v1/scenes``: where a product can stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.domain import Scene

from .access import AnyCaller
from .errors import READ

router = APIRouter(prefix="/v1", tags=["scenes"])
Filter = Annotated[str | None, Query(max_length=64)]


@router.get("/scenes", responses=READ)
def list_scenes(
    who: AnyCaller,
    family: Filter = None,
    camera_class: Filter = None,
    category: Filter = None,
) -> list[Scene]:
    """The scene library."""
    return who.services.studio(who.workspace).scenes(family=family, camera_class=camera_class, category=category)


@router.get("/products/{id}/scenes", responses=READ)
def propose_scenes(
    id: Annotated[str, Path(max_length=128)],
    who: AnyCaller,
    n: Annotated[int, Query(ge=1, le=100, description="how many at most")] = 6,
) -> list[Scene]:
    """The library's scenes that suit this product's photograph best: its camera first, then its category."""
    product = who.services.store(who.workspace).products.get(id)
    return who.services.studio(who.workspace).propose_scenes(product, n)
