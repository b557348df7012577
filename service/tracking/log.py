"""The log of decisions and events: one transaction a group.

One group is written at a time in a process, and on PostgreSQL a transaction lock makes that true of all processes, so
that sequence numbers become visible in their order and ``read_cells`` may go on from the last one it saw.

What was written lately is remembered, so that the events of fresh decisions need no look at the database. The row
``log_state`` names the process that wrote last: whoever finds another name there forgets what it remembers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Float, cast, func, select

from experiments import Decision
from service.storage import tables as t
from service.storage.database import Database

from . import meters
from .events import GUARDRAIL_KINDS, MARKS, IncomingEvent, Outcome, Report
from .filters import Bursts
from .sinks import Row, Sink, sink_for

SECOND = 1_000_000  # in microseconds
MOST_RECENT = 40_000  # decisions remembered, twice
LONGEST_INLINE = 200  # characters of an available set that are written into the decision's own row
OUT_OF_ORDER = "out_of_order"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a test counts: which event is a success, and how long after the decision it may come."""

    success: str
    window_s: float


class LoggedDecision(NamedTuple):
    """A decision to be written.

    With ``sticky`` the visitor's earlier decision stands if its arm is one of these; else this one takes its place.
    """

    workspace: str
    decision: Decision
    visitor: str | None = None  # salted digest
    mark: str | None = None  # one of MARKS
    sticky: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What followed the decisions of one weight version, segment, available set and arm."""

    version: int
    segment: str
    available: str | None  # JSON list
    arm: str
    shown: float
    succeeded: float
    value: float
    square: float
    time_sum: float  # seconds, over the exposures


@dataclass(frozen=True, slots=True)
class Quality:
    """What came in beside the clean traffic of a test."""

    marked_decisions: dict[str, int]  # mark -> number
    marked_events: dict[str, int]
    out_of_order: int
    counted_marks: tuple[str, ...]  # marks that are counted in although they are marks


Entry = LoggedDecision | Report
Answer = Decision | tuple[Outcome, ...]  # the decision in force, or one outcome for each event of a report


class Followed:
    """A decision and what followed it so far."""

    __slots__ = ("at", "exposed", "mark", "newest", "succeeded", "test", "value", "visitor", "workspace")

    def __init__(
        self, workspace: str, test: str, at: int, mark: str | None, visitor: str | None,
        exposed: int = 0, succeeded: int = 0, value: float = 0.0, newest: int = 0,
    ) -> None:  # fmt: skip
        self.workspace, self.test, self.at, self.mark, self.visitor = workspace, test, at, mark, visitor
        self.exposed, self.succeeded, self.value, self.newest = exposed, succeeded, value, newest


class TrackingLog:
    """``rules`` tells how a test of a workspace counts; it is asked once for each test."""

    def __init__(
        self,
        database: Database,
        rules: Callable[[str, str], Rules],
        clock_tolerance_s: float = 300.0,
        visitor_limit: int = 30,
    ) -> None:
        self._database, self._rules = database, rules
        self._tolerance = int(clock_tolerance_s * SECOND)
        self._sink: Sink = sink_for(database)
        self._owner = secrets.token_hex(8)
        self._bursts = Bursts(visitor_limit)
        self._forget()
        among = self._sink.in_any()
        self._find_decisions = (
            "select d.id, d.workspace, d.experiment_id, d.at, d.mark, d.visitor, coalesce(sum(e.adds_exposure), 0),"
            " coalesce(sum(e.adds_success), 0), coalesce(sum(e.adds_value), 0), coalesce(max(e.at), 0)"
            f" from decisions d left join events e on e.decision_id = d.id where d.id {among}"
            " group by d.id, d.workspace, d.experiment_id, d.at, d.mark, d.visitor"
        )
        self._find_events = f"select decision_id, id from events where decision_id {among} and id {among}"
        self._find_sticky = (
            "select a.workspace, a.experiment_id, a.visitor, d.id, d.experiment_id, d.arm, d.propensity, d.version,"
            " d.segment, d.at, d.is_holdout, d.available from assignments a join decisions d on d.id = a.decision_id"
            f" where a.visitor {among}"
        )

    def _forget(self) -> None:
        self._recent: dict[str, Followed] = {}
        self._older: dict[str, Followed] = {}
        self._known_rules: dict[tuple[str, str], tuple[Rules, frozenset[str]]] = {}
        self._known_sets: set[tuple[str, str]] = set()

    def close(self) -> None:
        self._sink.close()

    # --- writing -------------------------------------------------------------------------------------------------

    def write(self, entries: Sequence[Entry]) -> list[Answer]:
        """Commit a group: its decisions, then its events. One answer for each entry, in order."""
        tally = _Tally()
        try:
            with self._sink.transaction():
                self._take_over()
                answers = self._write(entries, tally)
                self._add_counts(tally)
        except BaseException:
            self._forget()  # what was remembered may never have been written
            raise
        if len(self._recent) > MOST_RECENT:
            self._recent, self._older = {}, self._recent
        tally.report()
        return answers

    def _take_over(self) -> None:
        """Forget what is remembered if another process wrote since."""
        found = self._sink.rows("select owner from log_state where id = 1", ())
        if not found or found[0][0] != self._owner:
            self._forget()
            self._sink.run(TAKE_LOG, (self._owner,))

    def _write(self, entries: Sequence[Entry], tally: _Tally) -> list[Answer]:
        standing = self._standing([e for e in entries if isinstance(e, LoggedDecision) and e.sticky is not None])
        answers: list[Answer] = []
        rows: list[Row] = []
        reports: list[tuple[int, Report]] = []
        for entry in entries:
            if isinstance(entry, Report):
                reports.append((len(answers), entry))
                answers.append(())
                continue
            decision = entry.decision
            if entry.sticky is not None and entry.visitor is not None:
                earlier = standing.get((entry.workspace, decision.experiment, entry.visitor))
                if earlier is not None and earlier.arm in entry.sticky:
                    answers.append(earlier)
                    tally.repeated += 1
                    continue
                standing[entry.workspace, decision.experiment, entry.visitor] = decision
                self._sink.run(ASSIGN, (entry.workspace, decision.experiment, entry.visitor, decision.id))
            at = int(decision.time * SECOND + 0.5)
            rows.append(
                (
                    decision.id, entry.workspace, decision.experiment, decision.arm, decision.propensity,
                    decision.weight_version, decision.segment, decision.is_holdout, entry.visitor,
                    None if decision.available is None else self._set_id(entry.workspace, decision.available), at,
                    entry.mark,
                )
            )  # fmt: skip
            self._recent[decision.id] = Followed(entry.workspace, decision.experiment, at, entry.mark, entry.visitor)
            if entry.mark is not None:
                tally.add_marked("decisions", entry.workspace, decision.experiment, entry.mark)
            answers.append(decision)
        if rows:
            self._sink.add_decisions(rows)
            tally.decided = len(rows)
        if reports:
            for (index, _), outcomes in zip(reports, self._write_reports([r for _, r in reports], tally), strict=True):
                answers[index] = outcomes
        return answers

    def _standing(self, entries: Sequence[LoggedDecision]) -> dict[tuple[str, str, str], Decision]:
        """Decisions that were promised to visitors, by (workspace, test, visitor)."""
        visitors = {entry.visitor for entry in entries if entry.visitor is not None}
        if not visitors:
            return {}
        found = self._sink.rows(self._find_sticky, (self._sink.many(sorted(visitors)),))
        return {
            (row[0], row[1], row[2]): Decision(
                row[3],
                row[4],
                row[5],
                row[6],
                row[7],
                row[8],
                row[9] / SECOND,
                bool(row[10]),
                self._set_of(row[0], row[11]),
            )
            for row in found
        }

    def _set_id(self, workspace: str, available: Sequence[str]) -> str:
        """A set of arms as it stands in a decision's row: as JSON, or when that is long by its digest."""
        body = json.dumps(available)
        if len(body) <= LONGEST_INLINE:
            return body
        id = f"set_{hashlib.blake2b(body.encode(), digest_size=16).hexdigest()}"
        if (workspace, id) not in self._known_sets:
            self._sink.run(KEEP_SET, (workspace, id, body))
            self._known_sets.add((workspace, id))
        return id

    def _set_of(self, workspace: str, available: str | None) -> tuple[str, ...] | None:
        if available is None:
            return None
        if available.startswith("set_"):
            available = self._sink.rows(FIND_SET, (workspace, available))[0][0]
        return tuple(json.loads(available))

    def _write_reports(self, reports: Sequence[Report], tally: _Tally) -> list[tuple[Outcome, ...]]:
        followed = self._follow({event.decision_id for report in reports for event in report.events})
        before = [(f, f.exposed, f.succeeded, f.value, f.newest) for f in followed.values()]
        rows: list[Row] = []
        answers = self._judge(reports, followed, set(), rows, tally)
        if rows and not self._sink.add_events(rows):  # some came before: now see which
            for f, exposed, succeeded, value, newest in before:
                f.exposed, f.succeeded, f.value, f.newest = exposed, succeeded, value, newest
            among = [self._sink.many(sorted({row[column] for row in rows})) for column in (3, 1)]
            here = {(row[0], row[1]) for row in self._sink.rows(self._find_events, among)}
            rows = []
            tally.events.clear()
            tally.forget_event_marks()
            answers = self._judge(reports, followed, here, rows, tally)
            if rows and not self._sink.add_events(rows):
                raise RuntimeError("an event is there that was not a moment ago")
        return answers

    def _follow(self, ids: set[str]) -> dict[str, Followed]:
        """What is known of these decisions, those that exist."""
        recent, older = self._recent, self._older
        found = {}
        missing = []
        for id in ids:
            one = recent.get(id)
            if one is None:
                one = older.get(id)
                if one is None:
                    missing.append(id)
                    continue
                recent[id] = one
            found[id] = one
        if missing:
            for row in self._sink.rows(self._find_decisions, (self._sink.many(missing),)):
                found[row[0]] = recent[row[0]] = Followed(
                    row[1], row[2], row[3], row[4], row[5], int(row[6]), int(row[7]), float(row[8]), int(row[9])
                )
        return found

    def _judge(
        self,
        reports: Sequence[Report],
        followed: dict[str, Followed],
        here: set[tuple[str, str]],
        rows: list[Row],
        tally: _Tally,
    ) -> list[tuple[Outcome, ...]]:
        """The outcome of every event, and the rows to write. ``here`` are the (decision, id) that came before."""
        answers = []
        tolerance = self._tolerance
        for report in reports:
            workspace, only, mark = report.workspace, report.only_test, report.mark
            received = int(report.received * SECOND + 0.5)
            latest = received + tolerance
            outcomes = []
            seen: dict[tuple[str, Outcome], int] = {}
            rules, counted, rules_of, window = None, frozenset[str](), "", 0
            for event in report.events:
                id, decision_id, kind, value, time = event
                decision = followed.get(decision_id)
                if decision is None or decision.workspace != workspace or (only is not None and decision.test != only):
                    outcomes.append(UNKNOWN)
                    seen["", UNKNOWN] = seen.get(("", UNKNOWN), 0) + 1
                    continue
                test = decision.test
                at = int(time * SECOND + 0.5)
                outcome = ACCEPTED
                if (decision_id, id) in here:
                    outcome = DUPLICATE
                elif at > latest:
                    outcome = FUTURE
                elif at < decision.at - tolerance:
                    outcome = EARLY
                else:
                    here.add((decision_id, id))
                    if rules is None or test != rules_of:
                        rules, counted = self._rules_of(workspace, test)
                        rules_of, window = test, int(min(rules.window_s, 1e9) * SECOND)
                    if at > decision.at + window:
                        outcome = LATE
                    if at < decision.newest:
                        tally.add(workspace, test, OUT_OF_ORDER)
                    else:
                        decision.newest = at
                    marked = decision.mark or mark
                    if marked is None and kind != "shown" and decision.visitor is not None:
                        marked = self._burst(decision, event)
                    if marked is not None:
                        tally.add_marked("events", workspace, test, marked)
                    if outcome is LATE or (marked is not None and marked not in counted):
                        adds: tuple[int, int, float, float] = NOTHING
                    elif kind == "shown" and decision.exposed and rules.success != "shown":
                        adds = NOTHING  # seen again
                    else:
                        adds = effect(kind, value, rules, decision)
                    rows.append(
                        (
                            workspace, id, test, decision_id, kind, value, at, received, *adds,
                            outcome is LATE, marked,
                        )
                    )  # fmt: skip
                outcomes.append(outcome)
                slot = (test, outcome)
                seen[slot] = seen.get(slot, 0) + 1
            for (test, outcome), n in seen.items():
                tally.add(workspace, test, outcome.value, n)
            answers.append(tuple(outcomes))
        return answers

    def _burst(self, decision: Followed, event: IncomingEvent) -> str | None:
        """Clicks and orders at a rate no person has; views come in numbers when a page shows many ads."""
        if decision.visitor is None or event.kind == "shown":
            return None
        return "burst" if self._bursts.is_too_many((decision.visitor, event.kind), event.time) else None

    def _rules_of(self, workspace: str, test: str) -> tuple[Rules, frozenset[str]]:
        known = self._known_rules.get((workspace, test))
        if known is None:
            found = self._sink.rows(
                "select marks from test_counting where workspace = ? and experiment_id = ?", (workspace, test)
            )
            counted = frozenset(json.loads(found[0][0])) if found else frozenset()
            known = self._known_rules[workspace, test] = (self._rules(workspace, test), counted)
        return known

    def _add_counts(self, tally: _Tally) -> None:
        for (workspace, test, outcome), n in sorted(tally.all_counts().items()):
            self._sink.run(ADD_COUNT, (workspace, test, outcome, n))

    # --- reading -------------------------------------------------------------------------------------------------

    def read_cells(self, workspace: str, test: str, after: int = 0) -> tuple[list[Cell], int]:
        """What events after sequence number ``after`` add, and the number to go on from.

        From the beginning, what is kept of erased and expired decisions is added.
        """
        cells, last, _ = self.read_since(workspace, test, after, None)
        return cells, last

    def read_since(self, workspace: str, test: str, after: int, epoch: int | None) -> tuple[list[Cell], int, int]:
        """As ``read_cells``, from the beginning again if the log was recounted or thinned out after ``epoch``.

        Returns the cells, the number to go on from and the epoch; when that differs from the one that was given,
        the cells are all there is rather than what is new.
        """
        while True:
            before = self.epoch(workspace, test)
            start = after if epoch is None or before == epoch else 0
            cells, last = self._read(workspace, test, start)
            if self.epoch(workspace, test) == before:
                return cells, last, before

    def _read(self, workspace: str, test: str, after: int) -> tuple[list[Cell], int]:
        e, d = t.events, t.decisions
        here = (e.c.workspace == workspace, e.c.experiment_id == test, e.c.seq > after)
        keys = (d.c.version, d.c.segment, d.c.available, d.c.arm)
        found: list[Sequence[Any]] = []
        with self._database.reader.connect() as connection:
            if after == 0:
                k = t.kept_cells.c
                found += connection.execute(
                    select(
                        k.version, k.segment, k.available, k.arm, k.shown, k.succeeded, k.value, k.square, k.time_sum
                    ).where(k.workspace == workspace, k.experiment_id == test)
                ).all()
            last = connection.execute(select(func.max(e.c.seq)).where(*here)).scalar_one()
            if last is not None:
                exposure = e.c.adds_exposure
                seconds = cast(d.c.at, Float(53)) / float(SECOND)  # whole microseconds would overflow
                found += connection.execute(
                    select(
                        *keys,
                        func.sum(exposure),
                        func.sum(e.c.adds_success),
                        func.sum(e.c.adds_value),
                        func.sum(e.c.adds_square),
                        func.sum(seconds * exposure),
                    )
                    .join(d, d.c.id == e.c.decision_id)
                    .where(*here, e.c.seq <= last)
                    .group_by(*keys)
                ).all()
            sets = self._sets(connection, workspace, {row[2] for row in found if row[2] and row[2].startswith("set_")})
        cells = [
            Cell(
                row[0], row[1], sets.get(row[2], row[2]) or None, row[3], float(row[4]), float(row[5]), float(row[6]),
                float(row[7]), float(row[8]),
            )
            for row in found
        ]  # fmt: skip
        return cells, after if last is None else int(last)

    @staticmethod
    def _sets(connection: Any, workspace: str, ids: set[str]) -> dict[str, str]:
        if not ids:
            return {}
        c = t.arm_sets.c
        query = select(c.id, c.arms).where(c.workspace == workspace, c.id.in_(sorted(ids)))
        return {row.id: row.arms for row in connection.execute(query)}

    def epoch(self, workspace: str, test: str) -> int:
        """Grows whenever rows that were read before may have changed or gone."""
        c = t.test_counting.c
        query = select(c.epoch).where(c.workspace == workspace, c.experiment_id == test)
        with self._database.reader.connect() as connection:
            return int(connection.execute(query).scalar() or 0)

    def counts(self, workspace: str, test: str) -> dict[str, int]:
        """How many events of a test had each outcome."""
        found = self._counted(workspace, test)
        return {outcome.value: found.get(outcome.value, 0) for outcome in Outcome}

    def unknown(self, workspace: str) -> int:
        """How many events of a workspace named no decision of it."""
        return self._counted(workspace, "").get(Outcome.UNKNOWN.value, 0)

    def quality(self, workspace: str, test: str) -> Quality:
        """Marked decisions and events, events out of order, and which marks are counted in."""
        found = self._counted(workspace, test)
        c = t.test_counting.c
        with self._database.reader.connect() as connection:
            marks = connection.execute(
                select(c.marks).where(c.workspace == workspace, c.experiment_id == test)
            ).scalar()
        return Quality(
            {mark: found.get(f"decisions:{mark}", 0) for mark in MARKS},
            {mark: found.get(f"events:{mark}", 0) for mark in MARKS},
            found.get(OUT_OF_ORDER, 0),
            tuple(json.loads(marks)) if marks else (),
        )

    def _counted(self, workspace: str, test: str) -> dict[str, int]:
        c = t.event_counts.c
        query = select(c.outcome, c.n).where(c.workspace == workspace, c.experiment_id == test)
        with self._database.reader.connect() as connection:
            return {row.outcome: int(row.n) for row in connection.execute(query)}

    def n_decisions(self, workspace: str, test: str) -> dict[str, int]:
        """Decisions for each arm, those that were erased or expired included."""
        c, k = t.decisions.c, t.kept_cells.c
        live = (
            select(c.arm, func.count().label("n"))
            .where(c.workspace == workspace, c.experiment_id == test)
            .group_by(c.arm)
        )
        kept = (
            select(k.arm, func.sum(k.decisions).label("n"))
            .where(k.workspace == workspace, k.experiment_id == test)
            .group_by(k.arm)
        )
        found: dict[str, int] = {}
        with self._database.reader.connect() as connection:
            for query in (live, kept):
                for row in connection.execute(query):
                    found[row.arm] = found.get(row.arm, 0) + int(row.n)
        return found

    def guardrail_counts(self, workspace: str, test: str) -> dict[str, dict[str, int]]:
        """Guardrail kind -> arm -> decisions that were followed by one; what ``experiments.veto`` wants.

        Late events and marked ones that are not counted in are left out.
        """
        e, d, k = t.events, t.decisions, t.kept_kinds.c
        counted = self.quality(workspace, test).counted_marks
        live = (
            select(e.c.kind, d.c.arm, func.count(func.distinct(e.c.decision_id)).label("n"))
            .join(d, d.c.id == e.c.decision_id)
            .where(
                e.c.workspace == workspace,
                e.c.experiment_id == test,
                e.c.kind.in_(GUARDRAIL_KINDS),
                e.c.is_late.is_(False),
                e.c.mark.is_(None) | e.c.mark.in_(counted),
            )
            .group_by(e.c.kind, d.c.arm)
        )
        kept = select(k.kind, k.arm, k.n).where(k.workspace == workspace, k.experiment_id == test)
        found: dict[str, dict[str, int]] = {kind: {} for kind in GUARDRAIL_KINDS}
        with self._database.reader.connect() as connection:
            for query in (live, kept):
                for row in connection.execute(query):
                    arms = found[row.kind]
                    arms[row.arm] = arms.get(row.arm, 0) + int(row.n)
        return found

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
            rows = connection.execute(query).all()
            sets = self._sets(
                connection, workspace, {r.available for r in rows if r.available and r.available[:4] == "set_"}
            )
        return [(row.seq, _decision(row, sets)) for row in rows]


class _Tally:
    """What a group adds to the counts."""

    def __init__(self) -> None:
        self.decided = self.repeated = 0
        self.events: dict[tuple[str, str, str], int] = {}
        self.marked: dict[tuple[str, str, str, str], int] = {}  # (what, workspace, test, mark)

    def add(self, workspace: str, test: str, outcome: str, n: int = 1) -> None:
        slot = (workspace, test, outcome)
        self.events[slot] = self.events.get(slot, 0) + n

    def add_marked(self, what: str, workspace: str, test: str, mark: str) -> None:
        slot = (what, workspace, test, mark)
        self.marked[slot] = self.marked.get(slot, 0) + 1

    def forget_event_marks(self) -> None:
        self.marked = {slot: n for slot, n in self.marked.items() if slot[0] != "events"}

    def all_counts(self) -> dict[tuple[str, str, str], int]:
        marks = {(workspace, test, f"{what}:{mark}"): n for (what, workspace, test, mark), n in self.marked.items()}
        return self.events | marks

    def report(self) -> None:
        """Tell the metrics, after the commit."""
        by_outcome: dict[str, int] = {}
        for (_, _, outcome), n in self.events.items():
            by_outcome[outcome] = by_outcome.get(outcome, 0) + n
        by_mark: dict[str, dict[str, int]] = {"decisions": {}, "events": {}}
        for (what, _, _, mark), n in self.marked.items():
            by_mark[what][mark] = by_mark[what].get(mark, 0) + n
        meters.count_decisions(self.decided, self.repeated, by_mark["decisions"])
        if by_outcome:
            meters.count_events(by_outcome, by_outcome.pop(OUT_OF_ORDER, 0), by_mark["events"])


NOTHING = (0, 0, 0.0, 0.0)
# as globals: looked up for each event
ACCEPTED, LATE, DUPLICATE = Outcome.ACCEPTED, Outcome.LATE, Outcome.DUPLICATE
UNKNOWN, FUTURE, EARLY = Outcome.UNKNOWN, Outcome.FUTURE, Outcome.EARLY
TAKE_LOG = "insert into log_state (id, owner) values (1, ?) on conflict (id) do update set owner = excluded.owner"
KEEP_SET = "insert into arm_sets (workspace, id, arms) values (?, ?, ?) on conflict (workspace, id) do nothing"
FIND_SET = "select arms from arm_sets where workspace = ? and id = ?"
ADD_COUNT = (
    "insert into event_counts (workspace, experiment_id, outcome, n) values (?, ?, ?, ?)"
    " on conflict (workspace, experiment_id, outcome) do update set n = event_counts.n + excluded.n"
)
ASSIGN = (
    "insert into assignments (workspace, experiment_id, visitor, decision_id) values (?, ?, ?, ?)"
    " on conflict (workspace, experiment_id, visitor) do update set decision_id = excluded.decision_id"
)


def effect(kind: str, value: float, rules: Rules, earlier: Followed) -> tuple[int, int, float, float]:
    """What an event adds to exposures, successes, value and squared value of its decision.

    A decision is an exposure once and a success once, whatever number of events says so; a success without a "shown"
    is an exposure too, as the pixel may have been blocked.
    """
    is_success = kind == rules.success
    if not is_success and kind != "shown":
        return NOTHING
    exposure = 0 if earlier.exposed else 1
    earlier.exposed = 1
    if not is_success:
        return exposure, 0, 0.0, 0.0
    success = 0 if earlier.succeeded else 1
    earlier.succeeded = 1
    worth = value if success or rules.success != "clicked" else 0.0
    square = (earlier.value + worth) ** 2 - earlier.value**2
    earlier.value += worth
    return exposure, success, worth, square


def _decision(row: Any, sets: dict[str, str]) -> Decision:
    available = sets.get(row.available, row.available)
    return Decision(
        row.id, row.experiment_id, row.arm, row.propensity, row.version, row.segment, row.at / SECOND,
        bool(row.is_holdout), None if available is None else tuple(json.loads(available)),
    )  # fmt: skip
