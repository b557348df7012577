"""Looking things up for people: newest first, by an id that somebody pasted. Reads only, one workspace at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from experiments import Decision
from service.errors import NotFound
from service.records import RunningTest

from . import tables as t
from .database import Database
from .store import Page, Store

SECOND = 1_000_000  # in microseconds, as the log keeps times


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """What followed a decision."""

    kind: str
    time: float  # seconds since 1970
    value: float
    is_late: bool
    mark: str | None  # why it does not look like a person's


def newest_tests(database: Database, workspace: str, after: str | None, limit: int) -> Page[RunningTest]:
    """Experiments, the newest first. Raises NotFound when ``after`` is none of them."""
    c = t.experiments.c
    query = select(c.id).where(c.workspace == workspace).order_by(c.created.desc(), c.id.desc())
    with database.reader.connect() as connection:
        if after is not None:
            last = connection.execute(select(c.created).where(c.workspace == workspace, c.id == after)).one_or_none()
            if last is None:
                raise NotFound("experiment", after)
            query = query.where(or_(c.created < last.created, and_(c.created == last.created, c.id < after)))
        ids = [row.id for row in connection.execute(query.limit(limit + 1))]
    store = Store(database, workspace)
    return Page(tuple(store.tests.get(id) for id in ids[:limit]), ids[limit - 1] if len(ids) > limit else None)


def find_decision(database: Database, workspace: str, test: str, id: str) -> tuple[Decision, str | None]:
    """One line of the log, and the mark it carries if it does not look like a person's.

    Raises:
        NotFound: also for a decision of another experiment.
    """
    c = t.decisions.c
    query = select(t.decisions).where(c.id == id, c.workspace == workspace, c.experiment_id == test)
    with database.reader.connect() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound("decision of this experiment", id)
        return _decision(connection, row), row.mark


def last_decisions(database: Database, workspace: str, test: str, limit: int) -> tuple[Decision, ...]:
    """The newest lines of the log, the newest first."""
    c = t.decisions.c
    query = (
        select(t.decisions).where(c.workspace == workspace, c.experiment_id == test).order_by(c.seq.desc()).limit(limit)
    )
    with database.reader.connect() as connection:
        return tuple(_decision(connection, row) for row in connection.execute(query).all())


def events_after(database: Database, workspace: str, decision: str) -> tuple[LoggedEvent, ...]:
    """What followed a decision, in the order it happened."""
    c = t.events.c
    query = select(t.events).where(c.decision_id == decision, c.workspace == workspace).order_by(c.at, c.seq)
    with database.reader.connect() as connection:
        return tuple(
            LoggedEvent(row.kind, row.at / SECOND, row.value, bool(row.is_late), row.mark)
            for row in connection.execute(query)
        )


def _decision(connection: Connection, row: Row[Any]) -> Decision:
    """``available`` is a JSON list, or the id of one in ``arm_sets``."""
    text = row.available
    if text is not None and not text.startswith("["):
        text = connection.execute(select(t.arm_sets.c.arms).where(t.arm_sets.c.id == text)).scalar_one_or_none()
    available = None if text is None else tuple(json.loads(text))
    return Decision(
        row.id, row.experiment_id, row.arm, row.propensity, row.version, row.segment, row.at / SECOND,
        bool(row.is_holdout), available,
    )  # fmt: skip
