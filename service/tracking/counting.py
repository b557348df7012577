"""Which marks a test counts in, and the recount when that changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, select, text, update

from service.errors import InvalidInput
from service.storage import tables as t
from service.storage.database import Database

from .erasure import bump
from .events import MARKS
from .log import Followed, Rules, effect
from .sinks import WRITER_LOCK


def count_in(
    database: Database, rules: Callable[[str, str], Rules], workspace: str, test: str, marks: Sequence[str]
) -> int:
    """Count marked traffic of these kinds like any other, and no other kinds. Returns how many events changed.

    All events of the test are worked through again in the order they came, in one transaction. Sums of erased and
    expired rows stay as they were counted.

    Raises:
        InvalidInput: no such mark.
    """
    unknown = sorted(set(marks) - set(MARKS))
    if unknown:
        raise InvalidInput("marks", f"no mark {unknown[0]!r}; there are {', '.join(MARKS)}")
    counted, how = frozenset(marks), rules(workspace, test)
    e, d = t.events.c, t.decisions.c
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"select pg_advisory_xact_lock({WRITER_LOCK})"))
        followed: dict[str, Followed] = {}
        changes = []
        rows = connection.execute(
            select(t.events, d.at.label("decided"))
            .join(t.decisions, d.id == e.decision_id)
            .where(e.workspace == workspace, e.experiment_id == test)
            .order_by(e.seq)
        )
        for row in rows:
            state = followed.setdefault(row.decision_id, Followed(workspace, test, row.decided, None, None))
            if row.is_late or (row.mark is not None and row.mark not in counted):
                adds: tuple[int, int, float, float] = (0, 0, 0.0, 0.0)
            else:
                adds = effect(row.kind, row.value, how, state)
            if adds != (row.adds_exposure, row.adds_success, row.adds_value, row.adds_square):
                changes.append(dict(zip(("seq_", "x", "s", "v", "q"), (row.seq, *adds), strict=True)))
        if changes:
            connection.execute(
                update(t.events)
                .where(e.seq == bindparam("seq_"))
                .values(
                    adds_exposure=bindparam("x"),
                    adds_success=bindparam("s"),
                    adds_value=bindparam("v"),
                    adds_square=bindparam("q"),
                ),
                changes,
            )
        bump(connection, workspace, test, json.dumps(sorted(counted)))
    return len(changes)
