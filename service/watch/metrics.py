"""Figures of the trade: what is made, how long it takes, what it costs, what was refused, and what waits.

Latency, traffic and errors of requests are counted in ``service/api/middleware.py``, decisions and events in
``service/tracking/meters.py``; saturation is here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from service.domain import Copy, Receipt
from service.records import ItemState, JobState
from service.storage import Database
from service.storage.tables import EPOCH, job_items, jobs

ITEMS = Counter("adloom_items_total", "Items of background jobs that ended", ["kind", "outcome"])
ITEM_SECONDS = Histogram(
    "adloom_item_seconds",
    "Time to make one item: a picture, a channel's copy, a row of a feed",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320),
)
ITEM_CPU = Counter("adloom_item_cpu_seconds_total", "Processor time of the thread that made items", ["kind"])
CLAIMS = Counter("adloom_claims_total", "Claims in shipped copy and in refused drafts, by verdict", ["verdict"])
LINES = Counter("adloom_copy_lines_total", "Lines of copy", ["outcome"])  # model, composer, refused
RECEIPTS = Counter("adloom_receipts_total", "Fidelity receipts of finished pictures", ["outcome"])
LOOK_AGAIN_S = 5.0  # the database is asked at most so often, however many scrape

Handler = Callable[[str, Mapping[str, Any]], Any]


def metered(kind: str, handler: Handler) -> Handler:
    """The handler of a kind of job, timed and counted."""

    def run(workspace: str, request: Mapping[str, Any]) -> Any:
        with _timed(kind):
            return handler(workspace, request)

    return run


@contextmanager
def _timed(kind: str) -> Iterator[None]:
    began, cpu = time.perf_counter(), time.thread_time()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        ITEMS.labels(kind, outcome).inc()
        ITEM_CPU.labels(kind).inc(time.thread_time() - cpu)
        if outcome == "done":
            ITEM_SECONDS.labels(kind).observe(time.perf_counter() - began)


def count_copy(copy: Copy) -> None:
    """What the ledger said of a channel's copy, refused drafts included."""
    for line in copy.lines:
        LINES.labels(line.origin).inc()
    LINES.labels("refused").inc(len(copy.refused))
    for line in (*copy.lines, *copy.refused):
        for claim in line.ledger.claims:
            CLAIMS.labels(str(claim.verdict)).inc()


def count_receipt(receipt: Receipt) -> None:
    RECEIPTS.labels("passed" if receipt.passed else "failed").inc()


class Waiting(Collector):
    """Depth and age of the queues and the use of the connection pool, looked up when somebody asks."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock
        self._looked, self._found = float("-inf"), list[tuple[str, int, float]]()

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # nothing is looked up when it is registered

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily("adloom_queue_items", "Items of background jobs that wait", labels=["kind"])
        age = GaugeMetricFamily(
            "adloom_queue_age_seconds", "How long the oldest unfinished job has been there", labels=["kind"]
        )
        for kind, n, oldest in self._look():
            depth.add_metric([kind], n)
            age.add_metric([kind], max(0.0, self._clock() - oldest))
        yield depth
        yield age
        in_use = GaugeMetricFamily("adloom_database_connections", "Connections of this process in use")
        in_use.add_metric([], getattr(self._database.engine.pool, "checkedout", lambda: 0)())
        yield in_use

    def _look(self) -> list[tuple[str, int, float]]:
        """(kind, items that wait, when its oldest job was asked for, seconds since 1970)."""
        if time.monotonic() - self._looked >= LOOK_AGAIN_S:
            same = (jobs.c.workspace == job_items.c.workspace) & (jobs.c.id == job_items.c.job_id)
            query = (
                select(jobs.c.kind, func.count(), func.min(jobs.c.created))
                .join(job_items, same)
                .where(
                    jobs.c.state.in_([JobState.QUEUED.value, JobState.RUNNING.value]),
                    job_items.c.state == ItemState.WAITING.value,
                )
                .group_by(jobs.c.kind)
            )
            with self._database.reader.connect() as connection:
                rows = connection.execute(query).all()
            self._found = [(kind, n, (oldest - EPOCH).total_seconds()) for kind, n, oldest in rows]
            self._looked = time.monotonic()
        return self._found


def everything(waiting: CollectorRegistry) -> bytes:
    """What a scrape gets: the figures of this process and those of one server's queues."""
    return generate_latest(REGISTRY) + generate_latest(waiting)


def waiting_of(database: Database) -> CollectorRegistry:
    """The queues of a database; apart from the process's figures, since a process may hold several servers."""
    registry = CollectorRegistry()
    registry.register(Waiting(database))
    return registry
