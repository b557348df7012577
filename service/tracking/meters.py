"""What tracking counts for ``/metrics``, once for each committed group."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from prometheus_client import Counter

DECISIONS = Counter("adloom_decisions_total", "Decisions committed")
REPEATED = Counter("adloom_decisions_repeated_total", "Sticky decisions given again to the same visitor")
EVENTS = Counter("adloom_events_total", "Events by outcome", ["outcome"])
OUT_OF_ORDER = Counter("adloom_events_out_of_order_total", "Kept events older than one that came before")
MARKED = Counter("adloom_marked_total", "Decisions and events that do not look like a person's", ["what", "mark"])
UNRECORDED = Counter("adloom_clicks_unrecorded_total", "Clicks let through while the log was full")
ERASED = Counter("adloom_erased_total", "Rows removed by erasure or retention", ["what"])


@cache
def _events(outcome: str) -> Counter:
    return EVENTS.labels(outcome)


def count_decisions(new: int, repeated: int, marked: Mapping[str, int]) -> None:
    if new:
        DECISIONS.inc(new)
    if repeated:
        REPEATED.inc(repeated)
    for mark, n in marked.items():
        MARKED.labels("decisions", mark).inc(n)


def count_events(outcomes: Mapping[str, int], out_of_order: int, marked: Mapping[str, int]) -> None:
    for outcome, n in outcomes.items():
        _events(outcome).inc(n)
    if out_of_order:
        OUT_OF_ORDER.inc(out_of_order)
    for mark, n in marked.items():
        MARKED.labels("events", mark).inc(n)
