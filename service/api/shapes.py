"""Shapes that several resources share."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from service.storage.store import Page

T = TypeVar("T")

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
After = Annotated[str | None, Query(max_length=128, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]


class Strict(BaseModel):
    """A request body: nothing unknown, nothing converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Listing(BaseModel, Generic[T]):
    """One page of a list, in the order of ids."""

    items: list[T]
    next: str | None = Field(description="pass it as `after` for the next page; null at the end")


def listing(page: Page[Any], shape: Any = None) -> dict[str, Any]:
    return {"items": [shape(item) if shape else item for item in page.items], "next": page.next}


def view(kind: type[Any], **more: Any) -> type[BaseModel]:
    """A response model with the fields of a dataclass and some more."""
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {field.name: (hints[field.name], ...) for field in dataclasses.fields(kind)}
    return create_model(f"{kind.__name__}View", __doc__=kind.__doc__, **fields, **more)


def shallow(value: Any) -> dict[str, Any]:
    """A dataclass as a dictionary of its fields, one level deep."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
