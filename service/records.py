"""What the service keeps beside products, copy and creatives: jobs, running tests, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from experiments import Arm, Experiment

JsonValue = Any


# --- jobs --------------------------------------------------------------------------------------------------------


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"  # by a person, or because the disk is full; nothing begins until it is resumed
    DONE = "done"  # every item was tried; some may have failed
    FAILED = "failed"  # every item was tried and none succeeded
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class ItemState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """Many items of one kind, worked through in the background and across restarts."""

    id: str
    kind: str  # "images", "copy"
    state: JobState
    n_items: int
    n_done: int
    n_failed: int
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    n_review: int = 0  # of those done: a person should look first
    n_waiting: int = 0
    seconds_each: float | None = None  # mean of the items done, on one worker
    round: int = 0  # how often it was taken up again after a pause or for its failures
    reason: str | None = None  # why it is paused

    @property
    def progress(self) -> float:
        """0 to 1."""
        return (self.n_done + self.n_failed) / self.n_items if self.n_items else 1.0

    def eta_s(self, workers: int) -> float | None:
        """Seconds until it ends if it goes on as it went; None before the first item and while it is paused."""
        if self.state.is_final:
            return 0.0
        if self.seconds_each is None or self.state is JobState.PAUSED:
            return None
        return round(self.n_waiting * self.seconds_each / max(1, min(workers, self.n_waiting)), 1)


@dataclass(frozen=True, slots=True)
class JobItem:
    position: int  # 0 to n_items - 1
    request: Mapping[str, JsonValue]
    state: ItemState = ItemState.WAITING
    result_id: str | None = None  # of the creative or copy that was made
    reason: str | None = None  # why it failed, or why a person should look at it, for the reader
    seconds: float | None = None

    @property
    def status(self) -> str:
        """The state, and "review" for what was made but wants a look."""
        return "review" if self.state is ItemState.DONE and self.reason else self.state.value


# --- tests that run ----------------------------------------------------------------------------------------------


class TestState(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  # for good; its results stay

    __test__ = False  # a name for people, not a test class


@dataclass(frozen=True, slots=True)
class Showing:
    """What a visitor sees when an arm is chosen, and which approved creatives answer for every part of it."""

    arm: str
    creative_id: str  # the one whose picture is shown
    product_id: str
    picture_key: str
    width_px: int
    height_px: int
    headline: str | None
    body: str | None
    call_to_action: str | None
    landing_page: str  # where a click goes; registered here, never taken from a request
    is_typeset: bool  # True: the picture already carries headline and call to action; False: the page sets them
    vouchers: Mapping[str, tuple[str, ...]]  # part -> creatives that carry it; one of each must stay approved


@dataclass(frozen=True, slots=True)
class RunningTest:
    """An experiment as the service runs it: the plan, what each arm shows, its state and its public key."""

    id: str
    name: str
    state: TestState
    plan: Experiment
    showings: tuple[Showing, ...]
    publishable_key: str  # "pk_...", may stand in a page: decides and reports events of this test only
    created: datetime
    window_s: float = 7 * 86_400.0  # events later than this after their decision are kept but not counted
    refresh_exposures: int = 500  # new exposures after which the weights are worked out again
    started: datetime | None = None
    stopped: datetime | None = None
    held: tuple[str, ...] = ()  # arms that somebody paused: approval alone does not bring them back

    def arm(self, id: str) -> Arm:
        return next(arm for arm in self.plan.arms if arm.id == id)


# --- keys --------------------------------------------------------------------------------------------------------


class Scope(StrEnum):
    MERCHANT = "merchant"  # products and copy
    DESIGNER = "designer"  # scenes, pictures, approval
    GROWTH = "growth"  # experiments and events
    ADMIN = "admin"  # everything, and keys


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret."""

    id: str
    workspace: str
    name: str
    scopes: tuple[Scope, ...]
    created: datetime
    revoked: datetime | None = None
    expires: datetime | None = None
    rate: str | None = None  # such as "50/second"; None: what the settings say
    quotas: Mapping[str, int] = field(default_factory=dict)  # what it may have made in a month: {"pictures": 1000}

    def is_good(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def allows(self, scope: Scope) -> bool:
        return self.revoked is None and (scope in self.scopes or Scope.ADMIN in self.scopes)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which thing."""

    at: datetime
    actor: str  # key id
    action: str  # "approve", "reject", "start" ...
    kind: str
    thing_id: str
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
