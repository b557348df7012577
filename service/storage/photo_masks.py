"""Masks that people drew: one for a photograph, whatever product names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from . import tables as t
from .database import Database, insert


@dataclass(frozen=True, slots=True)
class KeptMask:
    """Where a photograph's mask lies, and whose it is."""

    photo_sha256: str
    key: str  # storage key of the PNG
    sha256: str  # of its bytes
    by_key: str
    by_name: str
    updated: datetime


class PhotoMasks:
    """The masks of one workspace. A photograph that is replaced has other bytes, and so no mask."""

    def __init__(self, database: Database, workspace: str) -> None:
        self._database, self._workspace = database, workspace

    def put(self, mask: KeptMask) -> None:
        values = {
            "mask_key": mask.key,
            "sha256": mask.sha256,
            "by_key": mask.by_key,
            "by_name": mask.by_name,
            "updated": mask.updated,
        }
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.photo_masks).values(
                workspace=self._workspace, id=mask.photo_sha256, **values
            )
            connection.execute(statement.on_conflict_do_update(index_elements=["workspace", "id"], set_=values))

    def get(self, photo_sha256: str) -> KeptMask | None:
        c = t.photo_masks.c
        query = select(t.photo_masks).where(c.workspace == self._workspace, c.id == photo_sha256)
        with self._database.reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return KeptMask(row.id, row.mask_key, row.sha256, row.by_key, row.by_name, row.updated)

    def delete(self, photo_sha256: str) -> bool:
        """True if there was one."""
        c = t.photo_masks.c
        with self._database.engine.begin() as connection:
            done = connection.execute(delete(t.photo_masks).where(c.workspace == self._workspace, c.id == photo_sha256))
        return done.rowcount > 0
