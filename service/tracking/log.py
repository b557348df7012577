"""The log of decisions and events: raw inserts in one transaction a group.

One group is written at a time in a process; on PostgreSQL a transaction lock makes that true of all processes, so
that sequence numbers become visible in their order and ``read_cells`` may go on from the last one it saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from experiments import Decision
from service.storage import tables as t
from service.storage.database import Database, insert

from .events import IncomingEvent, Outcome, Report

SECOND = 1_000_000  # in microseconds
WRITER_LOCK = 4151623043


@dataclass(frozen=True, slots=True)
class Rules:
    """How a test counts: which event is a success, and how long after the decision it may come."""

    success: str
    window_s: float


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    workspace: str
    decision: Decision
    visitor: str | None = None  # salted digest


@dataclass(frozen=True, slots=True)
class Cell:
    """What followed the decisions of one weight version, segment, available set and arm."""

    version: int
    segment: str
    available: str | None
    arm: str
    shown: float
    succeeded: float
    value: float
    square: float
    time_sum: float  # seconds, over the exposures


Entry = LoggedDecision | Report
Answer = tuple[Outcome, ...]  # one for each event of a report; empty for a decision


class TrackingLog:
    """``rules`` tells how a test of a workspace counts; it is asked once for each test."""

    def __init__(
        self, database: Database, rules: Callable[[str, str], Rules], clock_tolerance_s: float = 300.0
    ) -> None:
        self._database, self._rules = database, rules
        self._tolerance = int(clock_tolerance_s * SECOND)
        self._known_rules: dict[tuple[str, str], Rules] = {}
        sqlite = database.is_sqlite
        mark, among = ("?", "in (select value from json_each(?))") if sqlite else ("%s", "= any(%s)")
        self._decision_sql = _insert_sql("decisions", DECISION_COLUMNS, mark)
        self._event_sql = _insert_sql("events", EVENT_COLUMNS, mark)
        self._find_decisions = f"select id, workspace, experiment_id, at from decisions where id {among}"
        self._find_events = f"select id from events where workspace = {mark} and id {among}"
        self._find_earlier = (
            "select decision_id, sum(adds_exposure), sum(adds_success), sum(adds_value)"
            f" from events where decision_id {among} group by decision_id"
        )

    def write(self, entries: Sequence[Entry]) -> list[Answer]:
        """Commit a group: its decisions, then its events. One answer for each entry, in order."""
        with self._database.engine.begin() as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql(f"select pg_advisory_xact_lock({WRITER_LOCK})")
            decisions = [_decision_row(entry) for entry in entries if isinstance(entry, LoggedDecision)]
            if decisions:
                connection.exec_driver_sql(self._decision_sql, decisions)
            reports = [entry for entry in entries if isinstance(entry, Report)]
            outcomes = iter(self._write_reports(connection, reports) if reports else ())
            return [() if isinstance(entry, LoggedDecision) else next(outcomes) for entry in entries]

    def _write_reports(self, connection: Connection, reports: Sequence[Report]) -> list[Answer]:
        known = self._look_up(connection, reports)
        rows: list[tuple[Any, ...]] = []
        tallies: dict[tuple[str, str, str], int] = {}
        answers: list[Answer] = []
        for report in reports:
            outcomes = []
            for event in report.events:
                outcome, test, row = self._judge(event, report, known)
                if row is not None:
                    rows.append(row)
                outcomes.append(outcome)
                slot = (report.workspace, test, outcome.value)
                tallies[slot] = tallies.get(slot, 0) + 1
            answers.append(tuple(outcomes))
        if rows:
            connection.exec_driver_sql(self._event_sql, rows)
        _add_counts(connection, tallies)
        return answers

    def _look_up(self, connection: Connection, reports: Sequence[Report]) -> _Known:
        decision_ids = self._set({event.decision_id for report in reports for event in report.events})
        by_workspace: dict[str, set[str]] = {}
        for report in reports:
            by_workspace.setdefault(report.workspace, set()).update(event.id for event in report.events)

        def run(sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
            cursor = connection.connection.cursor()  # plain tuples, all at once: this is the hot path
            try:
                cursor.execute(sql, values)
                return list(cursor.fetchall())
            finally:
                cursor.close()

        return _Known(
            decisions={row[0]: (row[1], row[2], row[3]) for row in run(self._find_decisions, (decision_ids,))},
            events={
                (workspace, row[0])
                for workspace, ids in by_workspace.items()
                for row in run(self._find_events, (workspace, self._set(ids)))
            },
            earlier={
                row[0]: [int(row[1]), int(row[2]), float(row[3])] for row in run(self._find_earlier, (decision_ids,))
            },
        )

    def _set(self, ids: set[str]) -> str | list[str]:
        return json.dumps(list(ids)) if self._database.is_sqlite else list(ids)

    def _judge(
        self, event: IncomingEvent, report: Report, known: _Known
    ) -> tuple[Outcome, str, tuple[Any, ...] | None]:
        """The outcome, the test it is counted for ("" if none) and the row to write, if any."""
        decision = known.decisions.get(event.decision_id)
        if decision is None or decision[0] != report.workspace or report.only_test not in (None, decision[1]):
            return Outcome.UNKNOWN, "", None
        _, test, decided = decision
        if (report.workspace, event.id) in known.events:
            return Outcome.DUPLICATE, test, None
        at, received = round(event.time * SECOND), round(report.received * SECOND)
        if at > received + self._tolerance:
            return Outcome.FUTURE, test, None
        if at < decided - self._tolerance:
            return Outcome.EARLY, test, None
        known.events.add((report.workspace, event.id))
        rules = self._rules_of(report.workspace, test)
        is_late = at > decided + round(min(rules.window_s, 1e9) * SECOND)
        adds = (0, 0, 0.0, 0.0) if is_late else self._effect(event, rules, known)
        row = (
            report.workspace, event.id, test, event.decision_id, event.kind, event.value, at, received, *adds, is_late,
        )  # fmt: skip
        return (Outcome.LATE if is_late else Outcome.ACCEPTED), test, row

    @staticmethod
    def _effect(event: IncomingEvent, rules: Rules, known: _Known) -> tuple[int, int, float, float]:
        """What the event adds to exposures, successes, value and squared value of its decision.

        A decision is an exposure once and a success once, whatever number of events says so; a success without a
        "shown" is an exposure too, as the pixel may have been blocked.
        """
        is_success = event.kind == rules.success
        if not is_success and event.kind != "shown":
            return 0, 0, 0.0, 0.0
        earlier = known.earlier.setdefault(event.decision_id, [0, 0, 0.0])
        exposure = 0 if earlier[0] else 1
        success = 1 if is_success and not earlier[1] else 0
        value = 0.0
        if is_success and (success or rules.success != "clicked"):
            value = event.value
        square = (earlier[2] + value) ** 2 - earlier[2] ** 2
        earlier[0] += exposure
        earlier[1] += success
        earlier[2] += value
        return exposure, success, value, square

    def _rules_of(self, workspace: str, test: str) -> Rules:
        known = self._known_rules.get((workspace, test))
        if known is None:
            known = self._known_rules[workspace, test] = self._rules(workspace, test)
        return known

    # --- reading -------------------------------------------------------------------------------------------------

    def read_cells(self, workspace: str, test: str, after: int = 0) -> tuple[list[Cell], int]:
        """What events after sequence number ``after`` add, and the number to go on from."""
        e, d = t.events, t.decisions
        here = (e.c.workspace == workspace, e.c.experiment_id == test, e.c.seq > after)
        with self._database.reader.connect() as connection:
            last = connection.execute(select(func.max(e.c.seq)).where(*here)).scalar_one()
            if last is None:
                return [], after
            exposure = e.c.adds_exposure
            rows = connection.execute(
                select(
                    d.c.version,
                    d.c.segment,
                    d.c.available,
                    d.c.arm,
                    func.sum(exposure),
                    func.sum(e.c.adds_success),
                    func.sum(e.c.adds_value),
                    func.sum(e.c.adds_square),
                    func.sum(d.c.at * exposure),
                )
                .join(d, d.c.id == e.c.decision_id)
                .where(*here, e.c.seq <= last)
                .group_by(d.c.version, d.c.segment, d.c.available, d.c.arm)
            ).all()
        return [
            Cell(r[0], r[1], r[2], r[3], float(r[4]), float(r[5]), float(r[6]), float(r[7]), float(r[8]) / SECOND)
            for r in rows
        ], int(last)

    def counts(self, workspace: str, test: str) -> dict[str, int]:
        """How many events of a test had each outcome."""
        return self._outcomes(workspace, test)

    def unknown(self, workspace: str) -> int:
        """How many events of a workspace named no decision of it."""
        return self._outcomes(workspace, "").get(Outcome.UNKNOWN.value, 0)

    def _outcomes(self, workspace: str, test: str) -> dict[str, int]:
        c = t.event_counts.c
        query = select(c.outcome, c.n).where(c.workspace == workspace, c.experiment_id == test)
        with self._database.reader.connect() as connection:
            found = {row.outcome: int(row.n) for row in connection.execute(query)}
        return {outcome.value: found.get(outcome.value, 0) for outcome in Outcome}

    def n_decisions(self, workspace: str, test: str) -> dict[str, int]:
        """Decisions for each arm."""
        c = t.decisions.c
        query = (
            select(c.arm, func.count().label("n"))
            .where(c.workspace == workspace, c.experiment_id == test)
            .group_by(c.arm)
        )
        with self._database.reader.connect() as connection:
            return {row.arm: int(row.n) for row in connection.execute(query)}

    def decisions(self, workspace: str, test: str, after: int = 0, limit: int = 1_000) -> list[tuple[int, Decision]]:
        """A slice of the log in the order of writing, each with its sequence number."""
        c = t.decisions.c
        query = (
            select(t.decisions)
            .where(c.workspace == workspace, c.experiment_id == test, c.seq > after)
            .order_by(c.seq)
            .limit(limit)
        )
        with self._database.reader.connect() as connection:
            return [(row.seq, _decision(row)) for row in connection.execute(query)]


@dataclass(slots=True)
class _Known:
    """What the database knew before the group, updated as the group is worked through."""

    decisions: dict[str, tuple[str, str, int]]  # id -> workspace, test, time in microseconds
    events: set[tuple[str, str]]  # (workspace, id)
    earlier: dict[str, list[Any]]  # decision -> [exposures, successes, value]


DECISION_COLUMNS = (
    "id", "workspace", "experiment_id", "arm", "propensity", "version", "segment", "is_holdout", "visitor",
    "available", "at",
)  # fmt: skip
EVENT_COLUMNS = (
    "workspace", "id", "experiment_id", "decision_id", "kind", "value", "at", "received", "adds_exposure",
    "adds_success", "adds_value", "adds_square", "is_late",
)  # fmt: skip


def _insert_sql(table: str, columns: Sequence[str], mark: str) -> str:
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join([mark] * len(columns))})"


def _decision_row(entry: LoggedDecision) -> tuple[Any, ...]:
    d = entry.decision
    available = None if d.available is None else json.dumps(d.available)
    return (
        d.id, entry.workspace, d.experiment, d.arm, d.propensity, d.weight_version, d.segment, d.is_holdout,
        entry.visitor, available, round(d.time * SECOND),
    )  # fmt: skip


def _decision(row: Any) -> Decision:
    available = None if row.available is None else tuple(json.loads(row.available))
    return Decision(
        row.id, row.experiment_id, row.arm, row.propensity, row.version, row.segment, row.at / SECOND, row.is_holdout,
        available,
    )  # fmt: skip


def _add_counts(connection: Connection, tallies: dict[tuple[str, str, str], int]) -> None:
    if not tallies:
        return
    statement = insert(connection, t.event_counts).values(
        workspace=bindparam("w"), experiment_id=bindparam("x"), outcome=bindparam("o"), n=bindparam("more")
    )
    statement = statement.on_conflict_do_update(
        index_elements=["workspace", "experiment_id", "outcome"], set_={"n": t.event_counts.c.n + bindparam("more")}
    )
    connection.execute(
        statement, [{"w": w, "x": x, "o": o, "more": more} for (w, x, o), more in sorted(tallies.items())]
    )
