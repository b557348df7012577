"""Durable jobs: many items worked through in the background, across restarts and ``kill -9``.

dbos keeps the log of what ran; our own tables keep what was asked and what came of it. An item is settled once: its
step may run again after a crash, but it looks first whether its item is settled, and what it makes goes under a key
that follows from the request.

A job that is paused, or whose failures are tried again, is taken up in a new *round*: workflows of an earlier round
find that they are not meant any more and end. A full disk pauses a job by itself.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import make_url

from models.errors import MissingWeights, ModelError
from prompts.errors import PromptError

from .errors import Busy, ServiceError, TooMany
from .records import ItemState, Job, JobItem, JobState
from .settings import Settings
from .storage import Database, Store
from .storage.store import Keys
from .watch import logs, tracing

log = logging.getLogger("adloom.jobs")


@dataclass(frozen=True, slots=True)
class Made:
    """What an item came to when more is to be said than its id."""

    id: str
    review: str | None = None  # why a person should look at it


Handler = Callable[[str, Mapping[str, Any]], str | Made]  # (workspace, request of the item) -> id of what was made
QUEUE = "items"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
LONGEST_WAIT_S = 600  # told to who is to try again later
ORDER_OF_STEPS = "1"  # raise it by hand when the order of steps in a workflow changes

_jobs: Jobs | None = None  # dbos workflows are functions of the process, so there is one of these in it


class Jobs:
    """``handlers`` says for each kind of job how one item is made; expected failures are raised as errors of ours.

    ``after`` says what follows a job of a kind, by workspace and id, once every item was tried. It may be called again.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        handlers: Mapping[str, Handler],
        now: Callable[[], datetime],
        after: Mapping[str, Callable[[str, str], None]] | None = None,
    ) -> None:
        self._settings, self._database, self._handlers, self.now = settings, database, dict(handlers), now
        self._after = dict(after or {})
        self._turn, self._in_hand = Condition(), set[tuple[str, str, int]]()

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
        for workspace, id, n_items, round in Keys(self._database).unfinished_jobs():
            self._begin(workspace, id, n_items, round)
        for kind in self._after:
            for workspace in Keys(self._database).workspaces():
                for id in Store(self._database, workspace).jobs.ended(kind):
                    self._follow(kind, workspace, id)

    def close(self) -> None:
        """Stop at once; what is unfinished goes on at the next start."""
        global _jobs
        if _jobs is self:
            _jobs = None
            logging.getLogger("dbos").setLevel(logging.CRITICAL)  # work cut short is no news: it is taken up again
            DBOS.destroy(workflow_completion_timeout_sec=0)

    def submit(
        self,
        workspace: str,
        kind: str,
        requests: Sequence[Mapping[str, Any]],
        id: str,
        settled: Mapping[int, JobItem] | None = None,
    ) -> Job:
        """Keep a job and begin. The same id again is the same job.

        Args:
            settled: by position, items that need no work any more.

        Raises:
            KeyError: no such kind.
            Busy: the service is shutting down.
            TooMany: as many items wait as the settings allow.
        """
        if kind not in self._handlers:
            raise KeyError(kind)
        if _jobs is not self:
            raise Busy("jobs")
        jobs = Store(self._database, workspace).jobs
        if jobs.find(id) is None:
            self._refuse_too_many(workspace, len(requests) - len(settled or ()))
        jobs.add(id, kind, requests, self.now(), settled)
        job = jobs.get(id)
        if not job.state.is_final:
            self._begin(workspace, id, len(requests), job.round)
        return job

    def _refuse_too_many(self, workspace: str, n_more: int) -> None:
        most, waiting = self._settings.items_waiting, Store(self._database, workspace).jobs.n_waiting()
        if waiting and waiting + n_more > most:
            wait = min(LONGEST_WAIT_S, max(1, math.ceil((waiting + n_more - most) / self._settings.job_workers)))
            raise TooMany(f"{most} items waiting ({waiting} wait, {n_more} more were sent)", wait)

    def cancel(self, workspace: str, id: str) -> Job:
        """Give up what has not begun; an item being made is finished and dropped.

        Raises:
            NotFound, Conflict: it has ended.
        """
        return Store(self._database, workspace).jobs.cancel(id, self.now())

    def pause(self, workspace: str, id: str, reason: str | None = None) -> Job:
        """Begin no more items; those being made are finished.

        Raises:
            NotFound, Conflict: it has ended.
        """
        return Store(self._database, workspace).jobs.pause(id, reason)

    def resume(self, workspace: str, id: str) -> Job:
        """Go on with a job, paused or not, where it stands.

        Raises:
            NotFound, Conflict: nothing is left to do.
        """
        return self._take_up(workspace, id, ())

    def retry(self, workspace: str, id: str) -> Job:
        """Try what failed or was cancelled once more; what is done stays.

        Raises:
            NotFound, Conflict: nothing failed.
        """
        return self._take_up(workspace, id, (ItemState.FAILED, ItemState.CANCELLED))

    def redo(self, workspace: str, id: str, positions: Sequence[int]) -> Job:
        """Make these once more, whatever came of them. Raises NotFound."""
        return self._take_up(workspace, id, tuple(ItemState), positions)

    def _take_up(
        self, workspace: str, id: str, again: Sequence[ItemState], positions: Sequence[int] | None = None
    ) -> Job:
        if _jobs is not self:
            raise Busy("jobs")
        job = Store(self._database, workspace).jobs.take_up(id, again, positions)
        self._begin(workspace, id, job.n_items, job.round)
        return job

    def _begin(self, workspace: str, id: str, n_items: int, round: int) -> None:
        with SetWorkflowID(_name(workspace, id, round)):
            DBOS.start_workflow(spread, workspace, id, n_items, self._settings.job_chunk, round)

    def waiting(self, workspace: str, id: str) -> list[int]:
        return list(Store(self._database, workspace).jobs.waiting(id))

    def work(self, workspace: str, id: str, position: int, round: int = 0) -> None:
        """Make one item and settle it. What is unexpected is raised, for another try."""
        jobs = Store(self._database, workspace).jobs
        with self._held(workspace, id, position):
            item = jobs.item(id, position)
            kind, state, current = jobs.head(id)
            if item.state is not ItemState.WAITING or state is JobState.PAUSED or current != round:
                return
            if (full := self._disk_is_full()) is not None:
                jobs.pause(id, full)
                return
            jobs.begin(id, self.now())
            started = time.monotonic()
            try:
                made = self._handlers[kind](workspace, item.request)
            except (ServiceError, ModelError, PromptError) as error:
                jobs.settle(id, _failed(item, str(error), started), self.now())
                if isinstance(error, MissingWeights):
                    log.warning("job %s item %s: %s", id, position, error)
                return
            except Exception as error:
                if not _is_disk_full(error):
                    raise
                jobs.pause(id, "the disk is full; make room and resume")
                return
            made = made if isinstance(made, Made) else Made(made)
            seconds = time.monotonic() - started
            done = JobItem(position, item.request, ItemState.DONE, made.id, made.review, seconds)
            jobs.settle(id, done, self.now())

    def follow(self, workspace: str, id: str) -> None:
        """What comes after a job, if it has ended by having tried everything."""
        kind, state, _ = Store(self._database, workspace).jobs.head(id)
        if state in (JobState.DONE, JobState.FAILED):
            self._follow(kind, workspace, id)

    def _follow(self, kind: str, workspace: str, id: str) -> None:
        if kind not in self._after:
            return
        try:
            self._after[kind](workspace, id)
        except ServiceError as error:
            log.warning("what follows job %s did not begin: %s", id, error)

    def rest(self, timeout_s: float) -> bool:
        """Wait until nothing is being made. False when the time ran out."""
        with self._turn:
            return self._turn.wait_for(lambda: not self._in_hand, timeout_s)

    @contextlib.contextmanager
    def _held(self, workspace: str, id: str, position: int) -> Iterator[None]:
        """One worker at an item: a new round waits until the old one lets go."""
        item = (workspace, id, position)
        with self._turn:
            self._turn.wait_for(lambda: item not in self._in_hand)
            self._in_hand.add(item)
        try:
            yield
        finally:
            with self._turn:
                self._in_hand.discard(item)
                self._turn.notify_all()

    def _disk_is_full(self) -> str | None:
        """Why nothing more may be written, in words: databases need some room to end well."""
        reserve = self._settings.disk_reserve_mb * 2**20
        free = shutil.disk_usage(self._settings.data_dir).free if self._settings.data_dir.exists() else reserve
        if free >= reserve:
            return None
        return f"the disk is nearly full ({free / 2**20:.0f} MB are left, {reserve / 2**20:.0f} stay free)"

    def give_up(self, workspace: str, id: str, position: int, reason: str) -> None:
        jobs = Store(self._database, workspace).jobs
        jobs.settle(id, _failed(jobs.item(id, position), reason, None), self.now())


def _is_disk_full(error: Exception) -> bool:
    """The store of pictures says it in words, everything else by number."""
    return getattr(error, "errno", None) in DISK_FULL or f"os error {errno.ENOSPC}" in str(error)


def _name(workspace: str, id: str, round: int) -> str:
    """The workflow's id: it follows from the job, so that a replay begins nothing twice."""
    return f"{workspace}/{id}" + (f"/round-{round}" if round else "")


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
def spread(workspace: str, id: str, n_items: int, n_chunk: int, round: int = 0) -> None:
    """Queue a job's items in chunks, under ids that follow from the job, so that a replay queues nothing twice."""
    if round == 0:
        chunks = [list(range(start, min(n_items, start + n_chunk))) for start in range(0, n_items, n_chunk)]
    else:
        left = waiting(workspace, id)
        chunks = [left[start : start + n_chunk] for start in range(0, len(left), n_chunk)]
    for chunk in chunks:
        with SetWorkflowID(f"{_name(workspace, id, round)}/{chunk[0]:07d}"):
            if round == 0:
                DBOS.enqueue_workflow(QUEUE, work_chunk, workspace, id, chunk[0], chunk[-1] + 1)
            else:
                DBOS.enqueue_workflow(QUEUE, work_chunk, workspace, id, chunk[0], chunk[-1] + 1, round, chunk)


@DBOS.step(name="adloom.waiting")
def waiting(workspace: str, id: str) -> list[int]:
    return _here().waiting(workspace, id)


@DBOS.workflow(name="adloom.chunk", max_recovery_attempts=1_000)
def work_chunk(
    workspace: str, id: str, start: int, end: int, round: int = 0, positions: list[int] | None = None
) -> None:
    for position in positions or range(start, end):
        try:
            work_item(workspace, id, position, round)
        except Exception as error:  # after every try: the item fails, its neighbours go on
            if _jobs is None:
                raise  # stopping; nothing can be recorded any more, so the next start takes it up
            log.exception("job %s item %s", id, position)
            give_up(workspace, id, position, f"unexpected: {_cause(error)}")
    follow(workspace, id)


@DBOS.step(name="adloom.follow")
def follow(workspace: str, id: str) -> None:
    thread = Thread(target=_here().follow, args=(workspace, id))  # a job may begin there, which no step can do
    thread.start()
    thread.join()


@DBOS.step(name="adloom.item", retries_allowed=True, max_attempts=3, interval_seconds=0.5)
def work_item(workspace: str, id: str, position: int, round: int = 0) -> None:
    with logs.bound(workspace=workspace, job=id, item=position), tracing.span("job item", job=id, item=position):
        _here().work(workspace, id, position, round)


@DBOS.step(name="adloom.give_up")
def give_up(workspace: str, id: str, position: int, reason: str) -> None:
    _here().give_up(workspace, id, position, reason)


def _cause(error: Exception) -> str:
    """The last error behind the one that says how often it was tried."""
    tries = getattr(error, "errors", None)
    last = tries[-1] if tries else error
    return f"{type(last).__name__}: {last}"
