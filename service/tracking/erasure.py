"""Rows that must go: those of a visitor who asks for it, and those that are too old.

What they add to the results is first added to sums that name nobody (``kept_cells``, ``kept_kinds``), in the same
transaction, so that every number of every report stays what it was. A few thousand decisions a transaction, so that
whoever decides and reports meanwhile waits for a moment only; it may be broken off and begun again at any time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, cast, delete, func, select, text

from service.storage import tables as t
from service.storage.database import Database, insert

from . import meters
from .log import SECOND, Rules
from .sinks import WRITER_LOCK

BATCH = 2_000  # decisions a transaction
Progress = Callable[[int], None]  # decisions gone so far


@dataclass(frozen=True, slots=True)
class Gone:
    """How many rows went."""

    decisions: int
    events: int

    def __add__(self, other: Gone) -> Gone:
        return Gone(self.decisions + other.decisions, self.events + other.events)


def erase_visitor(database: Database, workspace: str, digest: str, progress: Progress | None = None) -> Gone:
    """Remove every decision and event of a visitor, and what sticky tests promised them.

    Events that still come for these decisions are answered as unknown and not kept.
    """
    d = t.decisions.c
    gone = _remove(database, (d.workspace == workspace, d.visitor == digest), progress)
    with database.engine.begin() as connection:
        c = t.assignments.c
        connection.execute(delete(t.assignments).where(c.workspace == workspace, c.visitor == digest))
    _tidy(database)
    return gone


def retain(
    database: Database,
    rules: Callable[[str, str], Rules],
    older_than: timedelta,
    now: datetime,
    workspace: str | None = None,
    progress: Progress | None = None,
) -> Gone:
    """Remove decisions older than this with their events, in one workspace or in all.

    A decision stays while its test's window is open: events that count may still come.
    """
    e = t.experiments.c
    query = select(e.workspace, e.id).order_by(e.workspace, e.id)
    with database.reader.connect() as connection:
        tests = connection.execute(query if workspace is None else query.where(e.workspace == workspace)).all()
    gone = Gone(0, 0)
    for test in tests:
        age_s = max(older_than.total_seconds(), min(rules(test.workspace, test.id).window_s, 1e9))
        before = int((now.timestamp() - age_s) * SECOND)
        d = t.decisions.c
        here = (d.workspace == test.workspace, d.experiment_id == test.id, d.at < before)
        done = gone.decisions
        gone += _remove(database, here, None if progress is None else lambda n, done=done: progress(done + n))  # type: ignore[misc]
    _tidy(database)
    return gone


def _remove(database: Database, where: Sequence[ColumnElement[bool]], progress: Progress | None) -> Gone:
    """Look for rows without a lock, from the first to the last, and remove a few thousand at a time with it.

    The log has no index by visitor: one costs every decision more than all erasures together.
    """
    d, gone, last = t.decisions.c, Gone(0, 0), 0
    while True:
        query = select(d.seq, d.id).where(d.seq > last, *where).order_by(d.seq).limit(BATCH)
        with database.reader.connect() as connection:
            found = connection.execute(query).all()
        if not found:
            break
        last = found[-1].seq
        with database.engine.begin() as connection:
            if database.is_sqlite:
                connection.exec_driver_sql("pragma secure_delete=on")  # what is deleted is overwritten
            else:
                connection.execute(text(f"select pg_advisory_xact_lock({WRITER_LOCK})"))
            gone += _fold_and_delete(connection, [row.id for row in found])
        if progress is not None:
            progress(gone.decisions)
    if gone.decisions:
        meters.ERASED.labels("decisions").inc(gone.decisions)
        meters.ERASED.labels("events").inc(gone.events)
    return gone


def _fold_and_delete(connection: Connection, ids: Sequence[str]) -> Gone:
    d, e = t.decisions.c, t.events.c
    ids = list(connection.execute(select(d.id).where(d.id.in_(ids))).scalars())  # another may have been faster
    _keep_cells(connection, ids)
    _keep_kinds(connection, ids)
    tests = connection.execute(select(d.workspace, d.experiment_id).where(d.id.in_(ids)).distinct()).all()
    for test in tests:
        bump(connection, test.workspace, test.experiment_id)
    connection.execute(delete(t.assignments).where(t.assignments.c.decision_id.in_(ids)))
    events = connection.execute(delete(t.events).where(e.decision_id.in_(ids))).rowcount
    connection.execute(delete(t.decisions).where(d.id.in_(ids)))
    return Gone(len(ids), int(events))


def _keep_cells(connection: Connection, ids: Sequence[str]) -> None:
    d, e, k = t.decisions.c, t.events.c, t.kept_cells
    followed = (
        select(
            e.decision_id,
            func.sum(e.adds_exposure).label("shown"),
            func.sum(e.adds_success).label("succeeded"),
            func.sum(e.adds_value).label("value"),
            func.sum(e.adds_square).label("square"),
        )
        .where(e.decision_id.in_(ids))
        .group_by(e.decision_id)
        .subquery()
    )
    keys = (
        d.workspace,
        d.experiment_id,
        d.version,
        d.segment,
        func.coalesce(d.available, "").label("available"),
        d.arm,
    )
    f = followed.c
    seconds = cast(d.at, Float(53)) / float(SECOND)
    sums = connection.execute(
        select(
            *keys,
            func.count().label("decisions"),
            *(func.coalesce(func.sum(f[name]), 0).label(name) for name in ("shown", "succeeded", "value", "square")),
            func.coalesce(func.sum(seconds * f.shown), 0).label("time_sum"),
        )
        .select_from(t.decisions.outerjoin(followed, f.decision_id == d.id))
        .where(d.id.in_(ids))
        .group_by(*keys)
    ).all()
    names = ("decisions", "shown", "succeeded", "value", "square", "time_sum")
    for row in sums:
        values = {**row._mapping, **{name: float(getattr(row, name)) for name in names[1:]}}
        statement = insert(connection, k).values(values)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[column.name for column in k.primary_key.columns],
                set_={name: k.c[name] + statement.excluded[name] for name in names},
            )
        )


def _keep_kinds(connection: Connection, ids: Sequence[str]) -> None:
    from .events import GUARDRAIL_KINDS

    d, e, k = t.decisions.c, t.events.c, t.kept_kinds
    keys = (d.workspace, d.experiment_id, e.kind, d.arm)
    rows = connection.execute(
        select(*keys, func.count(func.distinct(e.decision_id)).label("n"))
        .join(t.decisions, d.id == e.decision_id)
        .where(e.decision_id.in_(ids), e.kind.in_(GUARDRAIL_KINDS), e.is_late.is_(False), e.mark.is_(None))
        .group_by(*keys)
    ).all()
    for row in rows:
        statement = insert(connection, k).values(dict(row._mapping))
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace", "experiment_id", "kind", "arm"],
                set_={"n": k.c.n + statement.excluded.n},
            )
        )


def bump(connection: Connection, workspace: str, test: str, marks: str | None = None) -> None:
    """Tell all processes that rows of a test changed or went: what they remember of it holds no longer."""
    c = t.test_counting
    statement = insert(connection, c).values(workspace=workspace, experiment_id=test, marks=marks or "[]", epoch=1)
    changes: dict[str, Any] = {"epoch": c.c.epoch + 1} | ({} if marks is None else {"marks": marks})
    connection.execute(statement.on_conflict_do_update(index_elements=["workspace", "experiment_id"], set_=changes))
    state = insert(connection, t.log_state).values(id=1, owner=secrets.token_hex(8))
    connection.execute(state.on_conflict_do_update(index_elements=["id"], set_={"owner": state.excluded.owner}))


def _tidy(database: Database) -> None:
    """On SQLite the write-ahead log still holds what was deleted: bring it home and cut it."""
    if database.is_sqlite:
        raw = database.engine.raw_connection()
        try:
            raw.cursor().execute("pragma wal_checkpoint(truncate)")  # does what it can while others read
        finally:
            raw.close()
