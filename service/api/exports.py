"""``/v1/experiments/{id}/export``: the log of an experiment as CSV, JSON lines or Parquet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import StreamingResponse

from service.exports import MEDIA, stream, write_parquet

from .access import Growth
from .errors import READ

router = APIRouter(prefix="/v1/experiments", tags=["experiments"])
PIECE = 1 << 18


@router.get(
    "/{id}/export",
    responses={**READ, 200: {"content": {media.partition(";")[0]: {} for media in MEDIA.values()}}},
    response_class=StreamingResponse,
)
def export(
    id: Annotated[str, Path(max_length=128)],
    who: Growth,
    table: Annotated[Literal["decisions", "events"], Query()] = "decisions",
    format: Annotated[Literal["csv", "jsonl", "parquet"], Query()] = "csv",
) -> StreamingResponse:
    """Every decision with the exact probability it was drawn with, or every event, in the order they were written."""
    test = who.services.store(who.workspace).tests.get(id)
    headers = {"Content-Disposition": f'attachment; filename="{table}.{format}"', "Cache-Control": "no-store"}
    database = who.services.database
    if format == "parquet":
        pieces = _parquet(who, test.id, table)
    else:
        pieces = stream(database, who.workspace, test.id, table, format)
    return StreamingResponse(pieces, media_type=MEDIA[format], headers=headers)


def _parquet(who: Growth, id: str, table: Literal["decisions", "events"]) -> Iterator[bytes]:
    """Parquet has its index at the end, so it is written to a nameless file first."""
    with tempfile.TemporaryFile() as file:
        write_parquet(who.services.database, who.workspace, id, table, file)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece
