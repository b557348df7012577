"""Events as they come in, and what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, get_args

EventKind = Literal["shown", "clicked", "converted", "bounced", "complained", "returned"]
EVENT_KINDS: tuple[str, ...] = get_args(EventKind)
GUARDRAIL_KINDS = ("bounced", "complained", "returned")

MarkName = Literal["bot", "burst", "prefetch", "head"]
MARKS: tuple[str, ...] = get_args(MarkName)


class Outcome(StrEnum):
    """What became of an event. Each is counted for each test."""

    ACCEPTED = "accepted"
    LATE = "late"  # after the test's window: kept, but it changes no result
    DUPLICATE = "duplicate"  # this id is here already for this decision: kept once, counted once
    UNKNOWN = "unknown"  # no such decision in this workspace or test: not kept
    FUTURE = "future"  # its time lies ahead of our clock by more than the tolerance: not kept
    EARLY = "early"  # before its decision by more than the tolerance: not kept

    @property
    def is_kept(self) -> bool:
        return self in (Outcome.ACCEPTED, Outcome.LATE, Outcome.DUPLICATE)


class IncomingEvent(NamedTuple):
    id: str  # unique for its decision: one order may be reported for decisions of several tests
    decision_id: str
    kind: str  # one of EVENT_KINDS
    value: float
    time: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Report:
    """Events that came in together, from someone who may speak for a workspace, or for one test of it only."""

    workspace: str
    events: tuple[IncomingEvent, ...]
    received: float  # seconds since 1970
    only_test: str | None = None
    mark: str | None = None  # one of MARKS: why these do not look like a person's; None: they do
