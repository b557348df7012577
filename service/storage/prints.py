"""Prints of finished pictures: what they look like, and which creative each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from . import tables as t
from .database import Database, insert

STEP = 10_000


@dataclass(frozen=True, slots=True)
class KeptPrint:
    seq: int  # grows with every print that is kept
    creative_id: str
    print: bytes


class Prints:
    """The prints of one workspace."""

    def __init__(self, database: Database, workspace: str) -> None:
        self._database, self.workspace = database, workspace

    @property
    def database(self) -> Database:
        return self._database

    def put(self, creative_id: str, sha256: str, print_: bytes) -> None:
        """Keep a print; the same creative again leaves the first."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.picture_prints).values(
                workspace=self.workspace, creative_id=creative_id, sha256=sha256, print=print_
            )
            connection.execute(statement.on_conflict_do_nothing(index_elements=["workspace", "creative_id"]))

    def of_file(self, sha256: str) -> str | None:
        """The creative whose delivered file has this digest."""
        c = t.picture_prints.c
        query = select(c.creative_id).where(c.workspace == self.workspace, c.sha256 == sha256).limit(1)
        with self._database.reader.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def after(self, seq: int) -> list[KeptPrint]:
        """Up to ``STEP`` prints kept after this one, in order."""
        c = t.picture_prints.c
        query = (
            select(c.seq, c.creative_id, c.print)
            .where(c.workspace == self.workspace, c.seq > seq)
            .order_by(c.seq)
            .limit(STEP)
        )
        with self._database.reader.connect() as connection:
            return [KeptPrint(row.seq, row.creative_id, bytes(row.print)) for row in connection.execute(query)]

    def missing(self, limit: int) -> list[tuple[str, str]]:
        """(creative, key of its picture) of older creatives that have no print yet."""
        c, p = t.creatives.c, t.picture_prints.c
        joined = t.creatives.outerjoin(t.picture_prints, (p.workspace == c.workspace) & (p.creative_id == c.id))
        query = (
            select(c.id, c.picture_key)
            .select_from(joined)
            .where(c.workspace == self.workspace, p.seq.is_(None))
            .order_by(c.id)
            .limit(limit)
        )
        with self._database.reader.connect() as connection:
            return [(row.id, row.picture_key) for row in connection.execute(query)]

    def count(self) -> int:
        c = t.picture_prints.c
        query = select(func.count()).select_from(t.picture_prints).where(c.workspace == self.workspace)
        with self._database.reader.connect() as connection:
            return int(connection.execute(query).scalar_one())
