"""``/v1/scenes``: where a product can stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.domain import Scene

from .access import AnyCaller
from .errors import READ

router = APIRouter(prefix="/v1/scenes", tags=["scenes"])
Filter = Annotated[str | None, Query(max_length=64)]


@router.get("", responses=READ)
def list_scenes(
    who: AnyCaller,
    family: Filter = None,
    camera_class: Filter = None,
    category: Filter = None,
) -> list[Scene]:
    """The scene library."""
    return who.services.studio(who.workspace).scenes(family=family, camera_class=camera_class, category=category)
