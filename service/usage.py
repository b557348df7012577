"""What each key has made this month, and the quotas that bound it.

Counted when it is asked for, not when it is done: a quota that lets a batch begin and stops it half way would be a
trap. What could not be begun is given back; an item that fails stays counted, since it cost as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, update

from .errors import TooMany
from .records import ApiKey
from .storage import Database
from .storage.database import insert
from .storage.tables import usage

PICTURES, TEXTS = "pictures", "texts"
KINDS = (PICTURES, TEXTS)


@dataclass(frozen=True, slots=True)
class Used:
    """One line of the account."""

    month: str  # "2026-03", UTC
    key_id: str
    what: str
    n: int


class Usage:
    """The account of every workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(self, key: ApiKey, what: str, n: int, now: datetime) -> None:
        """Count ``n``, all or nothing.

        Raises:
            TooMany: more than the key's quota leaves this month; ``retry_after_s`` reaches to the next one.
        """
        month, quota = month_of(now), key.quotas.get(what)
        with self._database.engine.begin() as connection:
            here = {"workspace": key.workspace, "key_id": key.id, "month": month, "what": what}
            connection.execute(insert(connection, usage).values(**here, n=0).on_conflict_do_nothing())
            row = [usage.c[name] == value for name, value in here.items()]
            allowed = [] if quota is None else [usage.c.n + n <= quota]
            done = connection.execute(update(usage).where(*row, *allowed).values(n=usage.c.n + n))
            if done.rowcount == 0:
                used = connection.execute(select(usage.c.n).where(*row)).scalar_one()
                said = f"{quota:,} {what} a month ({used:,} are used, {n:,} more were asked for)"
                raise TooMany(said, seconds_to_next_month(now))

    def give_back(self, key: ApiKey, what: str, n: int, now: datetime) -> None:
        c = usage.c
        row = (c.workspace == key.workspace, c.key_id == key.id, c.month == month_of(now), c.what == what)
        with self._database.engine.begin() as connection:
            connection.execute(update(usage).where(*row).values(n=c.n - n))

    @contextmanager
    def spending(self, key: ApiKey, what: str, n: int, now: datetime) -> Iterator[None]:
        """Count ``n`` for what happens inside; an error gives it back. Raises TooMany before anything happens."""
        self.spend(key, what, n, now)
        try:
            yield
        except BaseException:
            self.give_back(key, what, n, now)
            raise

    def of(self, workspace: str, month: str) -> tuple[Used, ...]:
        """The account of a workspace in a month."""
        with self._database.reader.connect() as connection:
            rows = connection.execute(
                select(usage)
                .where(usage.c.workspace == workspace, usage.c.month == month, usage.c.n > 0)
                .order_by(usage.c.key_id, usage.c.what)
            ).all()
        return tuple(Used(row.month, row.key_id, row.what, row.n) for row in rows)

    def total(self, workspace: str, month: str) -> Mapping[str, int]:
        """What all keys together had made."""
        with self._database.reader.connect() as connection:
            rows = connection.execute(
                select(usage.c.what, func.sum(usage.c.n))
                .where(usage.c.workspace == workspace, usage.c.month == month)
                .group_by(usage.c.what)
            ).all()
        return {str(what): int(n) for what, n in rows if n}


def month_of(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")


def seconds_to_next_month(now: datetime) -> int:
    now = now.astimezone(UTC)
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return max(1, int((datetime(year, month, 1, tzinfo=UTC) - now).total_seconds()) + 1)
