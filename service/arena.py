"""The other half of the trade: open a test, decide, record, refresh the weights, read the result.

The API, the pages and the demo all call these. A decision is a table lookup in memory; the tables are worked out from
the log in the background, one version after another, and every version is kept before it is used.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import random
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import numpy as np

from experiments import (
    EVERYONE,
    Arm,
    Counts,
    Decision,
    Experiment,
    Factor,
    FactorialFit,
    Guardrail,
    InvalidExperiment,
    PolicySpec,
    Result,
    StopRule,
    WeightTable,
    analyse,
    decide,
    veto,
    weigh,
)

from .domain import Creative
from .errors import Conflict, InvalidInput, NotFound
from .learning import Delays, Learning, is_over
from .records import AuditEntry, RunningTest, Showing, TestState
from .storage import Database, Store
from .storage.store import Keys
from .tracking import Evidence, Rules, TrackingLog, segment_for

log = logging.getLogger("adloom.arena")

Metric = Literal["clicked", "converted", "value"]
PARTS = ("headline", "picture", "call_to_action")


@dataclass(frozen=True, slots=True)
class Opening:
    """What the growth team asks for when it opens a test."""

    name: str
    creatives: tuple[str, ...]  # ids, all approved
    combine: bool = False  # False: each creative is an arm; True: every headline with every picture and call to action
    policy: PolicySpec = field(default_factory=PolicySpec)
    metric: Metric = "clicked"
    floor: float = 0.05
    holdout: float = 0.0
    segments: tuple[str, ...] = (EVERYONE,)
    seed: int = 0
    landing_page: str | None = None  # default: the product's own
    window_s: float = 7 * 86_400.0
    refresh_exposures: int = 500
    stop: StopRule = field(default_factory=StopRule)
    guardrails: tuple[Guardrail, ...] = ()
    baseline: str | None = None  # arm that lifts are also measured against
    prior_scores: Mapping[str, float] = field(default_factory=dict)  # creative id -> score, as log-odds
    prior_weight: float = 0.5  # 0 to 1


@dataclass(slots=True)
class _Live:
    """A test in memory."""

    test: RunningTest
    tables: dict[int, WeightTable]
    table: WeightTable
    showings: dict[str, Showing]
    evidence: Evidence
    pending: int = 0  # exposures since the table was made
    fit: FactorialFit | None = None
    refreshed: float = 0.0
    learning: Learning | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)  # one refresh at a time

    def take(self, test: RunningTest) -> None:
        """The test as it is now; its arms may be others. What arms show never changes, so old ones stay known."""
        self.test = test
        self.showings = {**self.showings, **{showing.arm: showing for showing in test.showings}}


class Arena:
    """Tests of all workspaces, those that run kept in memory.

    ``chance`` gives the uniform numbers that decisions are drawn with.
    """

    def __init__(
        self,
        database: Database,
        log: TrackingLog,
        *,
        chance: random.Random | None = None,
        refresh_at_latest_s: float = 30.0,
    ) -> None:
        self._database, self._log = database, log
        self._uniform: Callable[[], float] = (chance or random.Random(secrets.randbits(256))).random
        self._ids = DecisionIds()
        self._at_latest_s = refresh_at_latest_s
        self._live: dict[tuple[str, str], _Live] = {}
        self._loading = threading.Lock()

    # --- the life of a test --------------------------------------------------------------------------------------

    def open(self, workspace: str, opening: Opening, now: datetime, id: str | None = None) -> RunningTest:
        """Keep a new test as a draft.

        Raises:
            NotFound: a creative is not there.
            InvalidInput: a creative nobody approved, no landing page, parts that cannot be combined, a bad plan.
            Conflict: a test with this id is here already.
        """
        store = self._store(workspace)
        test_id = id or f"exp_{secrets.token_hex(8)}"
        arms, showings = make_arms(opening, store)
        try:
            plan = Experiment(
                id=test_id,
                arms=arms,
                factors=factors_of(arms),
                metric=opening.metric,
                policy=opening.policy,
                floor=opening.floor,
                holdout=opening.holdout,
                seed=opening.seed,
                segments=opening.segments,
                stop=opening.stop,
                guardrails=opening.guardrails,
                baseline=opening.baseline,
                prior_scores=_scores_of_arms(opening, showings),
                prior_weight=opening.prior_weight,
            )
        except InvalidExperiment as error:
            raise InvalidInput("experiment", error.reason) from error
        if opening.policy.kind == "factorial" and not plan.factors:
            raise InvalidInput(
                "policy.kind", "factorial needs creatives that differ in headline, picture or call to action"
            )
        test = RunningTest(
            id=test_id,
            name=opening.name,
            state=TestState.DRAFT,
            plan=plan,
            showings=showings,
            publishable_key=f"pk_{secrets.token_urlsafe(18)}",
            created=now,
            window_s=opening.window_s,
            refresh_exposures=opening.refresh_exposures,
        )
        if not store.tests.add(test):
            raise Conflict(f"experiment {test_id!r} exists already")
        return test

    def start(self, workspace: str, id: str, actor: str, now: datetime) -> RunningTest:
        """Begin, or go on after a pause. Arms whose creatives lost their approval stay out.

        Raises:
            NotFound, Conflict: it was stopped, or nothing in it is approved any more.
        """
        store = self._store(workspace)
        if self._with_approvals(store, store.tests.get(id)) is None:
            raise Conflict(f"experiment {id!r}: none of its creatives is approved")
        test = self._change(store, id, TestState.RUNNING, "start", actor, now, (TestState.DRAFT, TestState.PAUSED))
        is_first = store.tests.newest_version(id) == 0
        self._load(workspace, id, now, afresh=True)
        if not is_first:  # arms may have changed while it was paused
            self.refresh(workspace, id, now, force=True)
        return test

    def pause(self, workspace: str, id: str, actor: str, now: datetime) -> RunningTest:
        store = self._store(workspace)
        test = self._change(store, id, TestState.PAUSED, "pause", actor, now, (TestState.RUNNING,))
        self._live.pop((workspace, id), None)
        return test

    def stop(self, workspace: str, id: str, actor: str, now: datetime) -> RunningTest:
        """End for good; events of past decisions still count within the window."""
        store = self._store(workspace)
        allowed = (TestState.DRAFT, TestState.RUNNING, TestState.PAUSED)
        test = self._change(store, id, TestState.STOPPED, "stop", actor, now, allowed)
        self._live.pop((workspace, id), None)
        return test

    def _change(
        self,
        store: Store,
        id: str,
        state: TestState,
        action: str,
        actor: str,
        now: datetime,
        allowed: Sequence[TestState],
    ) -> RunningTest:
        return store.tests.change(id, state, AuditEntry(now, actor, action, "experiment", id), allowed)

    def approval_changed(self, workspace: str, creative_id: str, now: datetime) -> None:
        """Take arms out of, or back into, every test that shows a part of this creative, before returning.

        A test that is left with nothing approved is paused.
        """
        store = self._store(workspace)
        for id in store.tests.showing_creative(creative_id):
            test = store.tests.get(id)
            if test.state is not TestState.RUNNING:
                continue
            if self._with_approvals(store, test) is None:
                self.pause(workspace, id, "nothing approved", now)
                continue
            self._load(workspace, id, now, afresh=True)
            self.refresh(workspace, id, now, force=True)

    def _with_approvals(self, store: Store, test: RunningTest) -> RunningTest | None:
        """The test with each arm active or paused as its creatives' approval says; None if none may be shown."""
        vouchers = {id for showing in test.showings for ids in showing.vouchers.values() for id in ids}
        approved = store.creatives.approved_among(sorted(vouchers))
        free = {showing.arm for showing in test.showings if may_be_shown(showing, approved)} - set(test.held)
        wanted = {showing.arm: "active" if showing.arm in free else "paused" for showing in test.showings}
        states = {arm.id: "retired" if arm.state == "retired" else wanted[arm.id] for arm in test.plan.arms}
        if "active" not in states.values():
            return None
        changed = {arm.id: states[arm.id] for arm in test.plan.arms if arm.state != states[arm.id]}
        if not changed:
            return test
        store.tests.set_arm_states(test.id, changed)
        return store.tests.get(test.id)

    def reload(self, workspace: str, id: str, now: datetime) -> None:
        """Take in that the arms of a test were changed, and put weights in force that know it; others see them too."""
        if self.is_live(workspace, id):
            self._load(workspace, id, now, afresh=True)
        elif self._store(workspace).tests.get(id).state is TestState.RUNNING:
            self._load(workspace, id, now)
        self.refresh(workspace, id, now, force=True)

    # --- deciding ------------------------------------------------------------------------------------------------

    def is_live(self, workspace: str, id: str) -> bool:
        """True if a decision needs no look at the database."""
        return (workspace, id) in self._live

    def decide(
        self,
        workspace: str,
        id: str,
        now: float,
        segment: str | None = None,
        *,
        context: Mapping[str, str] | None = None,
        available: Collection[str] | None = None,
        unavailable: Collection[str] = (),
    ) -> tuple[Decision, Showing]:
        """Choose what to show: a lookup in memory. The caller has the decision logged before it tells anyone.

        Args:
            now: seconds since 1970.
            segment: one of the test's; None asks ``context``, and without that it is the test's first.
            context: what is known about the visitor; see ``segment_for``.
            available: arms that may be shown to this visitor; None is all of them.
            unavailable: arms that may not.

        Raises:
            NotFound: no such test runs here; ``load`` it first.
            InvalidInput: the test has no such segment or arm.
            NothingAvailable: no arm is left.
        """
        live = self._live.get((workspace, id))
        if live is None:
            raise NotFound("running experiment", id)
        table = live.table
        if segment is None:
            segments = live.test.plan.segments
            segment = segment_for(segments, context) if context else segments[0]
        if segment not in table.segments:
            raise InvalidInput("segment", f"no segment {segment!r}; here: {', '.join(table.segments)}")
        if available is not None or unavailable:
            strangers = sorted(arm for arm in (*(available or ()), *unavailable) if arm not in live.showings)
            if strangers:
                field = "available" if available and strangers[0] in available else "unavailable"
                raise InvalidInput(field, f"the test has no arm {strangers[0]!r}")
            out = set(unavailable)
            available = [arm for arm in (table.arms if available is None else available) if arm not in out]
        uniform, id_ = self._uniform(), self._ids.new(now)
        decision = decide(table, uniform, decision_id=id_, now=round(now, 6), segment=segment, available=available)
        return decision, live.showings[decision.arm]

    def repeatable(self, workspace: str, decision: Decision) -> frozenset[str]:
        """Arms that the weights behind a decision allow: what a returning visitor may be shown again."""
        live = self._live[workspace, decision.experiment]
        arms = _with_weight(live.tables.get(decision.weight_version, live.table), decision.segment)
        return arms if decision.available is None else arms & frozenset(decision.available)

    def load(self, workspace: str, id: str, now: datetime) -> None:
        """Bring a running test into memory.

        Raises:
            NotFound, Conflict: it does not run.
        """
        if not self.is_live(workspace, id):
            test = self._store(workspace).tests.get(id)
            if test.state is not TestState.RUNNING:
                raise Conflict(f"experiment {id!r} is {test.state.value}")
            self._load(workspace, id, now)

    def _load(self, workspace: str, id: str, now: datetime, afresh: bool = False) -> None:
        with self._loading:
            old = self._live.get((workspace, id))
            if old is not None and not afresh:
                return
            store = self._store(workspace)
            test = store.tests.get(id)
            if old is not None:
                old.take(test)
                return
            tables = store.tests.tables(id)
            evidence = Evidence(workspace, id)
            evidence.read(self._log, tables)
            learning = Learning(Delays(workspace, id))
            if not tables:
                first = self._weigh(test, evidence, tables, None, 1, now.timestamp(), learning)[0]
                store.tests.add_table(id, first, now)
                tables = store.tests.tables(id)
            self._live[workspace, id] = _Live(
                test=test,
                tables=tables,
                table=tables[max(tables)],
                showings={showing.arm: showing for showing in test.showings},
                evidence=evidence,
                refreshed=now.timestamp(),
                learning=learning,
            )

    # --- learning ------------------------------------------------------------------------------------------------

    def refresh(self, workspace: str, id: str, now: datetime, force: bool = False) -> WeightTable | None:
        """Take in new events and, when that is due, put a new version of the weights in force. None if it was not."""
        live = self._live.get((workspace, id))
        if live is None:
            return None
        store = self._store(workspace)
        with live.lock:
            self._catch_up(store, live)
            live.pending += live.evidence.read(self._log, live.tables)
            age = now.timestamp() - live.refreshed
            due = live.pending >= live.test.refresh_exposures or (live.pending and age >= self._at_latest_s)
            if not (due or force) or (not force and self._is_over(live, now)):
                return None
            version = max(live.tables) + 1
            learning = live.learning or Learning(Delays(workspace, id))
            live.learning = learning
            table, fit = self._weigh(
                live.test, live.evidence, live.tables, live.fit, version, now.timestamp(), learning
            )
            if not store.tests.add_table(id, table, now):
                self._catch_up(store, live)  # another process was faster; its table is as good
                return live.table
            live.tables[version] = table
            live.fit, live.pending, live.refreshed, live.table = fit, 0, now.timestamp(), table
            return table

    def refresh_all(self, now: datetime) -> int:
        """One round over all running tests; notices what other processes started, paused or changed.

        Returns how many tables were made. An error in one test is logged and does not keep the others waiting.
        """
        running = set(Keys(self._database).live_tests())
        for key in set(self._live) - running:
            self._live.pop(key, None)
        made = 0
        for workspace, id in sorted(running):
            try:
                self._load(workspace, id, now)
                made += self.refresh(workspace, id, now) is not None
            except Exception:
                log.exception("weights of %s/%s were not refreshed", workspace, id)
        return made

    def version_age_s(self, now: float) -> dict[str, float]:
        """Seconds since each running test's weights were made, by test id."""
        return {id: now - live.table.time for (_, id), live in list(self._live.items())}

    @staticmethod
    def _catch_up(store: Store, live: _Live) -> None:
        newest = max(live.tables)
        if store.tests.newest_version(live.test.id) > newest:
            live.take(store.tests.get(live.test.id))
            live.tables |= store.tests.tables(live.test.id, newest)
            live.table = live.tables[max(live.tables)]

    @staticmethod
    def _is_over(live: _Live, now: datetime) -> bool:
        started = live.test.started
        elapsed = 0.0 if started is None else (now - started).total_seconds()
        return is_over(live.test.plan, live.evidence.exposures, elapsed)

    def _weigh(
        self,
        test: RunningTest,
        evidence: Evidence,
        tables: Mapping[int, WeightTable],
        fit: FactorialFit | None,
        version: int,
        now: float,
        learning: Learning,
    ) -> tuple[WeightTable, FactorialFit | None]:
        cohorts = learning.cohorts(evidence.cohorts(tables), self._database, now, test.window_s)
        known = learning.counts(test.plan, cohorts)
        vetoed = self._vetoed(test, known, evidence.workspace)
        rng = np.random.default_rng([test.plan.seed, version])
        weighing = weigh(test.plan, known, version=version, now=round(now, 6), rng=rng, previous=fit, vetoed=vetoed)
        return weighing.table, weighing.fit

    def _vetoed(self, test: RunningTest, known: Counts, workspace: str) -> dict[str, str]:
        """Arms that a guardrail keeps out of the next weights, with the reason."""
        if not test.plan.guardrails:
            return {}
        exposures = dict(zip(known.arms, known.exposures.sum(axis=0).tolist(), strict=True))
        return veto(test.plan.guardrails, exposures, self._log.guardrail_counts(workspace, test.id))

    # --- results -------------------------------------------------------------------------------------------------

    def evidence(self, workspace: str, id: str) -> tuple[RunningTest, dict[int, WeightTable], Evidence]:
        """A test with all its weight tables and all that is known, read afresh from the database."""
        store = self._store(workspace)
        test = store.tests.get(id)
        tables = store.tests.tables(id)
        evidence = Evidence(workspace, id)
        evidence.read(self._log, tables)
        return test, tables, evidence

    def result(self, workspace: str, id: str, now: datetime) -> Result:
        """What was learned so far: rates and lifts that stay true although traffic moved, and what to do next.

        Raises:
            NotFound
        """
        test, tables, evidence = self.evidence(workspace, id)
        learning = Learning(Delays(workspace, id))
        cohorts = learning.cohorts(evidence.cohorts(tables), self._database, now.timestamp(), test.window_s)
        unwanted = self._log.guardrail_counts(workspace, id) if test.plan.guardrails else None
        return analyse(test.plan, cohorts, now=now.timestamp(), guardrail_counts=unwanted)

    def showing(self, workspace: str, id: str, arm: str) -> Showing:
        """What an arm shows, whether its test runs or not.

        Raises:
            NotFound
        """
        live = self._live.get((workspace, id))
        showings = live.showings if live else {s.arm: s for s in self._store(workspace).tests.get(id).showings}
        if arm not in showings:
            raise NotFound("arm", arm)
        return showings[arm]

    def _store(self, workspace: str) -> Store:
        return Store(self._database, workspace)


@lru_cache(maxsize=256)
def _with_weight(table: WeightTable, segment: str) -> frozenset[str]:
    return frozenset(arm for arm, p in zip(table.arms, table.segments[segment].logged, strict=True) if p > 0.0)


def rules_of(database: Database) -> Callable[[str, str], Rules]:
    """How a test counts, read from the database: what ``TrackingLog`` asks."""

    def rules(workspace: str, id: str) -> Rules:
        test = Store(database, workspace).tests.get(id)
        return Rules("clicked" if test.plan.metric == "clicked" else "converted", test.window_s)

    return rules


class DecisionIds:
    """Ids that nobody can guess, without asking the system for chance each time.

    They sort by time, so that the log's index grows at its end; 80 bits of a keyed digest of a counter tell apart
    what came together.
    """

    def __init__(self) -> None:
        self._key, self._numbers = secrets.token_bytes(32), itertools.count()

    def new(self, now: float) -> str:
        number = next(self._numbers).to_bytes(8, "big")
        return f"d{int(now * 1000):012x}{hashlib.blake2b(number, key=self._key, digest_size=10).hexdigest()}"


def utc_now() -> datetime:
    return datetime.now(UTC)


def _scores_of_arms(opening: Opening, showings: Sequence[Showing]) -> dict[str, float]:
    """The content scores of the creatives as scores of the arms: the mean over the creatives that carry its parts."""
    strangers = sorted(set(opening.prior_scores) - set(opening.creatives))
    if strangers:
        raise InvalidInput("prior_scores", f"{strangers[0]!r} is not one of the creatives")
    found: dict[str, float] = {}
    for showing in showings:
        parts = [
            [opening.prior_scores[id] for id in ids if id in opening.prior_scores] for ids in showing.vouchers.values()
        ]
        means = [sum(part) / len(part) for part in parts if part]
        if means:
            found[showing.arm] = sum(means) / len(means)
    return found


# --- arms --------------------------------------------------------------------------------------------------------


def make_arms(opening: Opening, store: Store) -> tuple[tuple[Arm, ...], tuple[Showing, ...]]:
    """The arms of a test and what each shows.

    Raises:
        NotFound, InvalidInput: see ``Arena.open``.
    """
    if len(set(opening.creatives)) != len(opening.creatives):
        raise InvalidInput("creatives", "a creative is named twice")
    creatives = store.creatives.get_many(opening.creatives)
    for position, creative in enumerate(creatives):
        if creative.approval != "approved":
            raise InvalidInput(
                f"creatives.{position}", f"creative {creative.id!r} is {creative.approval}, not approved"
            )
    pages = {id: _landing_page(id, opening, store) for id in dict.fromkeys(c.product_id for c in creatives)}
    if opening.combine:
        showings = _combined(creatives, pages)
    else:
        showings = tuple(shown_as_it_is(creative, pages[creative.product_id]) for creative in creatives)
    return _with_levels(showings, {creative.id: creative for creative in creatives}), showings


def _landing_page(product_id: str, opening: Opening, store: Store) -> str:
    page = opening.landing_page or store.products.get(product_id).landing_page
    if not page:
        raise InvalidInput("landing_page", f"product {product_id!r} has none, and none was given")
    return page


def shown_as_it_is(creative: Creative, page: str) -> Showing:
    """A creative as an arm of its own; clicks go to ``page``."""
    return Showing(
        arm=creative.id,
        creative_id=creative.id,
        product_id=creative.product_id,
        picture_key=creative.picture_key,
        width_px=creative.width_px,
        height_px=creative.height_px,
        headline=creative.headline,
        body=creative.body,
        call_to_action=creative.call_to_action,
        landing_page=page,
        is_typeset=True,
        vouchers={"creative": (creative.id,)},
    )


def _combined(creatives: Sequence[Creative], pages: Mapping[str, str]) -> tuple[Showing, ...]:
    """Every headline with every picture and every call to action; the page sets the words beside a bare picture."""
    if len({creative.product_id for creative in creatives}) > 1:
        raise InvalidInput("combine", "only creatives of one product can be combined")
    headlines, pictures, calls = _parts(creatives)
    showings = []
    for h, (headline, headline_by) in enumerate(headlines.items()):
        for p, (key, picture_by) in enumerate(pictures.items()):
            for c, (call, call_by) in enumerate(calls.items()):
                creative = picture_by[0]
                showings.append(
                    Showing(
                        arm=f"h{h}-p{p}-c{c}",
                        creative_id=creative.id,
                        product_id=creative.product_id,
                        picture_key=key,
                        width_px=creative.width_px,
                        height_px=creative.height_px,
                        headline=headline or None,
                        body=None,
                        call_to_action=call or None,
                        landing_page=pages[creative.product_id],
                        is_typeset=False,
                        vouchers={
                            part: tuple(voucher.id for voucher in by)
                            for part, by in zip(PARTS, (headline_by, picture_by, call_by), strict=True)
                        },
                    )
                )
    return tuple(showings)


Part = dict[str, list[Creative]]  # value -> the creatives that carry it


def _parts(creatives: Sequence[Creative]) -> tuple[Part, Part, Part]:
    headlines: Part = {}
    pictures: Part = {}
    calls: Part = {}
    for creative in creatives:
        bare = creative.layout.get("bare_picture_key")
        if not bare:
            reason = f"creative {creative.id!r} keeps no picture without words, so others cannot be set beside it"
            raise InvalidInput("combine", reason)
        headlines.setdefault(creative.headline or "", []).append(creative)
        pictures.setdefault(str(bare), []).append(creative)
        calls.setdefault(creative.call_to_action or "", []).append(creative)
    return headlines, pictures, calls


def may_be_shown(showing: Showing, approved: frozenset[str]) -> bool:
    """Every part of it is carried by at least one creative that is approved now."""
    return all(any(id in approved for id in ids) for ids in showing.vouchers.values())


def _with_levels(showings: Sequence[Showing], creatives: Mapping[str, Creative]) -> tuple[Arm, ...]:
    """Arms with their factor levels; without, when two arms would be the same combination."""
    levels = [levels_of(showing, creatives[showing.creative_id]) for showing in showings]
    distinct = {tuple(sorted(level.items())) for level in levels}
    if len(distinct) < len(levels):
        return tuple(Arm(showing.arm) for showing in showings)
    return tuple(Arm(showing.arm, level) for showing, level in zip(showings, levels, strict=True))


def levels_of(showing: Showing, creative: Creative) -> dict[str, str]:
    """The factor levels of what an arm shows; ``creative`` is the one whose picture it is."""
    picture = f"{creative.product_id} in {creative.scene.id} ({creative.format})"
    return dict(zip(PARTS, (showing.headline or "(none)", picture, showing.call_to_action or "(none)"), strict=True))


def factors_of(arms: Sequence[Arm]) -> tuple[Factor, ...]:
    """The factors that the arms' levels span; none when the arms have no levels."""
    if any(arm.levels is None for arm in arms):
        return ()
    return tuple(Factor(part, tuple(dict.fromkeys((arm.levels or {})[part] for arm in arms))) for part in PARTS)
