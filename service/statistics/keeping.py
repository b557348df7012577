"""Daily statistics in the database. A day that is imported again replaces what was there: platforms restate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, delete, func, or_, select

from service.storage import Database
from service.storage.tables import channel_days as t

from .reading import DailyRow

ROWS_A_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """What an import changed."""

    new: int
    replaced: int


def keep(database: Database, workspace: str, rows: Sequence[DailyRow], now: datetime) -> Kept:
    """Keep the rows, all or none of them."""
    replaced = 0
    with database.engine.begin() as connection:
        for begin in range(0, len(rows), ROWS_A_STATEMENT):
            part = rows[begin : begin + ROWS_A_STATEMENT]
            same = or_(
                *(and_(t.c.platform == row.platform, t.c.ad == row.ad, t.c.day == row.day.isoformat()) for row in part)
            )
            replaced += connection.execute(delete(t).where(t.c.workspace == workspace, same)).rowcount
            connection.execute(t.insert(), [_cells(workspace, row, now) for row in part])
    return Kept(len(rows) - replaced, replaced)


def rows_between(
    database: Database, workspace: str, first: date | None = None, last: date | None = None, platform: str | None = None
) -> list[DailyRow]:
    """What is kept of these days, both included."""
    query = select(t).where(t.c.workspace == workspace).order_by(t.c.platform, t.c.ad, t.c.day)
    if first is not None:
        query = query.where(t.c.day >= first.isoformat())
    if last is not None:
        query = query.where(t.c.day <= last.isoformat())
    if platform is not None:
        query = query.where(t.c.platform == platform)
    with database.reader.connect() as connection:
        return [_row(found) for found in connection.execute(query).mappings()]


def forget(database: Database, workspace: str, platform: str, first: date, last: date) -> int:
    """Take an import back: remove these days of a platform. Returns how many rows went."""
    days = t.c.day.between(first.isoformat(), last.isoformat())
    with database.engine.begin() as connection:
        return connection.execute(delete(t).where(t.c.workspace == workspace, t.c.platform == platform, days)).rowcount


def n_rows(database: Database, workspace: str) -> int:
    with database.reader.connect() as connection:
        return int(connection.execute(select(func.count()).where(t.c.workspace == workspace)).scalar_one())


def _cells(workspace: str, row: DailyRow, now: datetime) -> dict[str, object]:
    return {
        "workspace": workspace,
        "platform": row.platform,
        "ad": row.ad,
        "day": row.day.isoformat(),
        "ad_name": row.ad_name,
        "campaign": row.campaign,
        "creative_id": row.creative,
        "impressions": row.impressions,
        "clicks": row.clicks,
        "cost": row.cost,
        "currency": row.currency,
        "conversions": row.conversions,
        "value": row.value,
        "imported": now,
    }


def _row(found: object) -> DailyRow:
    cells = dict(found)  # type: ignore[call-overload]
    return DailyRow(
        cells["platform"],
        date.fromisoformat(cells["day"]),
        cells["ad"],
        cells["ad_name"],
        cells["campaign"],
        cells["impressions"],
        cells["clicks"],
        cells["cost"],
        cells["currency"],
        cells["conversions"],
        cells["value"],
        cells["creative_id"],
    )
