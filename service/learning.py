"""What a running test has learned from: evidence weighted by what has matured, changes noticed, guardrails watched.

Everything here is worked out anew or from what is new since the last refresh; nothing is kept in the database, so a
restarted process comes to the same view from the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select

from experiments import Cohort, Counts, Experiment, Maturity, Memory, count, learn_maturity, matured_cohorts, replayed
from service.storage import tables as t
from service.storage.database import Database

MOST_DELAYS = 20_000  # the newest successes say how late they come
ENOUGH_DELAYS = 20  # below this many successes every exposure counts in full
SECOND = 1_000_000  # in microseconds


@dataclass(slots=True)
class Delays:
    """How long after its decision each success of a test was received; read on from the last one seen."""

    workspace: str
    test: str
    _last: int = 0
    _decided: list[float] = field(default_factory=list)
    _received: list[float] = field(default_factory=list)

    def read(self, database: Database) -> None:
        e, d = t.events.c, t.decisions.c
        query = (
            select(e.seq, d.at, e.received)
            .select_from(t.events.join(t.decisions, d.id == e.decision_id))
            .where(
                e.workspace == self.workspace,
                e.experiment_id == self.test,
                e.seq > self._last,
                e.adds_success == 1,
            )
            .order_by(e.seq.desc())
            .limit(MOST_DELAYS)
        )
        with database.reader.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        self._last = int(rows[0][0])
        self._decided = [*self._decided, *(row[1] / SECOND for row in reversed(rows))][-MOST_DELAYS:]
        self._received = [*self._received, *(row[2] / SECOND for row in reversed(rows))][-MOST_DELAYS:]

    def maturity(self, now: float, window_s: float) -> Maturity:
        """Which part of an exposure's successes has been received at an age, learned from those seen."""
        if len(self._decided) < ENOUGH_DELAYS:
            return Maturity.immediate()
        decided, received = np.array(self._decided), np.array(self._received)
        delay = np.maximum(received - decided, 0.0)
        return learn_maturity(delay, np.maximum(now - decided, delay)).within(window_s)


@dataclass(slots=True)
class Learning:
    """One test's view of its evidence, kept between refreshes."""

    delays: Delays
    maturity: Maturity = field(default_factory=Maturity.immediate)
    memory: Memory | None = None

    def cohorts(self, cohorts: Sequence[Cohort], database: Database, now: float, window_s: float) -> tuple[Cohort, ...]:
        """The cohorts, their exposures counted by what has matured."""
        self.delays.read(database)
        self.maturity = self.delays.maturity(now, window_s)
        return matured_cohorts(cohorts, self.maturity, now)

    def counts(self, plan: Experiment, cohorts: Sequence[Cohort]) -> Counts:
        """What the policy may use: discounted and without what an alarm has outdated, as the plan's policy says."""
        arms = tuple(arm.id for arm in plan.arms)
        policy = plan.policy
        if policy.discount == 1.0 and not policy.change_alarm:
            return count(cohorts, arms, plan.segments)
        if self.memory is None:  # the first look, or the first after a restart
            self.memory = replayed(cohorts, arms, plan.segments, policy)
        else:
            totals = count(cohorts, arms, plan.segments)
            self.memory = self.memory.aligned(arms, plan.segments).after(totals, policy)
        return self.memory.learned


def is_over(plan: Experiment, exposures: float, elapsed_s: float) -> bool:
    """True once the agreed end of a test is reached: its weights then stay as they are."""
    rule = plan.stop
    spent = rule.max_exposures is not None and exposures >= rule.max_exposures
    return spent or (rule.max_seconds is not None and elapsed_s >= rule.max_seconds)
