"""Durable jobs: many items worked through in the background, across restarts and ``kill -9``.

dbos keeps the log of what ran; our own tables keep what was asked and what came of it. An item is settled once: its
step may run again after a crash, but it looks first whether its item is settled, and what it makes goes under a key
that follows from the request.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import make_url

from models.errors import MissingWeights, ModelError
from prompts.errors import PromptError

from .errors import Busy, ServiceError
from .records import ItemState, Job, JobItem
from .settings import Settings
from .storage import Database, Store
from .storage.store import Keys

log = logging.getLogger("adloom.jobs")

Handler = Callable[[str, Mapping[str, Any]], str]  # (workspace, request of the item) -> id of what was made
QUEUE = "items"
ORDER_OF_STEPS = "1"  # raise it by hand when the order of steps in a workflow changes

_jobs: Jobs | None = None  # dbos workflows are functions of the process, so there is one of these in it


class Jobs:
    """``handlers`` says for each kind of job how one item is made; expected failures are raised as errors of ours."""

    def __init__(
        self, settings: Settings, database: Database, handlers: Mapping[str, Handler], now: Callable[[], datetime]
    ) -> None:
        self._settings, self._database, self._handlers, self.now = settings, database, dict(handlers), now

    def launch(self) -> None:
        """Start working, first on what an earlier process left unfinished."""
        global _jobs
        url = self._settings.jobs_database
        _prepare(url)
        config: DBOSConfig = {
            "name": "adloom",
            "system_database_url": url,
            "executor_id": self._settings.executor_id,
            "application_version": ORDER_OF_STEPS,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.2,
        }
        DBOS(config=config)
        logging.getLogger("dbos").setLevel(logging.WARNING)
        _jobs = self
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._settings.job_workers,
            polling_interval_sec=0.2,
            on_conflict="always_update",
        )
        for workspace, id, n_items in Keys(self._database).unfinished_jobs():
            self._begin(workspace, id, n_items)

    def close(self) -> None:
        """Stop at once; what is unfinished goes on at the next start."""
        global _jobs
        if _jobs is self:
            _jobs = None
            logging.getLogger("dbos").setLevel(logging.CRITICAL)  # work cut short is no news: it is taken up again
            DBOS.destroy(workflow_completion_timeout_sec=0)

    def submit(self, workspace: str, kind: str, requests: Sequence[Mapping[str, Any]], id: str) -> Job:
        """Keep a job and begin. The same id again is the same job.

        Raises:
            KeyError: no such kind.
            Busy: the service is shutting down.
        """
        if kind not in self._handlers:
            raise KeyError(kind)
        if _jobs is not self:
            raise Busy("jobs")
        jobs = Store(self._database, workspace).jobs
        jobs.add(id, kind, requests, self.now())
        self._begin(workspace, id, len(requests))
        return jobs.get(id)

    def cancel(self, workspace: str, id: str) -> Job:
        """Give up what has not begun; an item being made is finished and dropped.

        Raises:
            NotFound, Conflict: it has ended.
        """
        return Store(self._database, workspace).jobs.cancel(id, self.now())

    def _begin(self, workspace: str, id: str, n_items: int) -> None:
        with SetWorkflowID(f"{workspace}/{id}"):
            DBOS.start_workflow(spread, workspace, id, n_items, self._settings.job_chunk)

    def work(self, workspace: str, id: str, position: int) -> None:
        """Make one item and settle it. What is unexpected is raised, for another try."""
        jobs = Store(self._database, workspace).jobs
        item = jobs.item(id, position)
        if item.state is not ItemState.WAITING:
            return
        jobs.begin(id, self.now())
        started = time.monotonic()
        try:
            made = self._handlers[jobs.kind(id)](workspace, item.request)
        except (ServiceError, ModelError, PromptError) as error:
            jobs.settle(id, _failed(item, str(error), started), self.now())
            if isinstance(error, MissingWeights):
                log.warning("job %s item %s: %s", id, position, error)
            return
        seconds = time.monotonic() - started
        jobs.settle(id, JobItem(position, item.request, ItemState.DONE, made, None, seconds), self.now())

    def give_up(self, workspace: str, id: str, position: int, reason: str) -> None:
        jobs = Store(self._database, workspace).jobs
        jobs.settle(id, _failed(jobs.item(id, position), reason, None), self.now())


def _failed(item: JobItem, reason: str, started: float | None) -> JobItem:
    seconds = None if started is None else time.monotonic() - started
    return JobItem(item.position, item.request, ItemState.FAILED, None, reason, seconds)


def _prepare(url: str) -> None:
    """Give a SQLite job log the write-ahead log, which dbos leaves off; it doubles the steps a second."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(parsed.database) as connection:
            connection.execute("pragma journal_mode=wal")
        connection.close()


def _here() -> Jobs:
    if _jobs is None:
        raise RuntimeError("jobs are not running in this process")
    return _jobs


@DBOS.workflow(name="adloom.spread", max_recovery_attempts=1_000)
def spread(workspace: str, id: str, n_items: int, n_chunk: int) -> None:
    """Queue a job's items in chunks, under ids that follow from the job, so that a replay queues nothing twice."""
    for start in range(0, n_items, n_chunk):
        with SetWorkflowID(f"{workspace}/{id}/{start:07d}"):
            DBOS.enqueue_workflow(QUEUE, work_chunk, workspace, id, start, min(n_items, start + n_chunk))


@DBOS.workflow(name="adloom.chunk", max_recovery_attempts=1_000)
def work_chunk(workspace: str, id: str, start: int, end: int) -> None:
    for position in range(start, end):
        try:
            work_item(workspace, id, position)
        except Exception as error:  # after every try: the item fails, its neighbours go on
            if _jobs is None:
                raise  # stopping; nothing can be recorded any more, so the next start takes it up
            log.exception("job %s item %s", id, position)
            give_up(workspace, id, position, f"unexpected: {_cause(error)}")


@DBOS.step(name="adloom.item", retries_allowed=True, max_attempts=3, interval_seconds=0.5)
def work_item(workspace: str, id: str, position: int) -> None:
    _here().work(workspace, id, position)


@DBOS.step(name="adloom.give_up")
def give_up(workspace: str, id: str, position: int, reason: str) -> None:
    _here().give_up(workspace, id, position, reason)


def _cause(error: Exception) -> str:
    """The last error behind the one that says how often it was tried."""
    tries = getattr(error, "errors", None)
    last = tries[-1] if tries else error
    return f"{type(last).__name__}: {last}"
