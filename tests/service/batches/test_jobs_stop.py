"""A full disk pauses a job and loses nothing."""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.arena import utc_now
from service.jobs import Jobs, Made
from service.records import JobState
from service.storage import Database, Store
from tests.service.conftest import settings_in


def test_a_full_disk_pauses_a_job_with_its_reason_and_resuming_finishes_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    database = Database(settings.database)
    database.migrate()
    full, made = {"is": True}, list[int]()

    def make(workspace: str, request: Mapping[str, Any]) -> Made:
        if request["n"] == 2 and full["is"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        made.append(request["n"])
        return Made(f"cr_{request['n']}", "look at its edge" if request["n"] == 3 else None)

    jobs = Jobs(settings, database, {"pictures": make}, utc_now)
    jobs.launch()
    kept = Store(database, "main").jobs

    def until(*states: JobState) -> None:
        for _ in range(400):
            if kept.get("j").state in states:
                return
            time.sleep(0.05)
        raise AssertionError(kept.get("j"))

    try:
        jobs.submit("main", "pictures", [{"n": n} for n in range(5)], "j")
        until(JobState.PAUSED)
        assert jobs.rest(10.0)
        assert kept.get("j").reason == "the disk is full; make room and resume"
        assert (kept.get("j").n_done, kept.get("j").n_failed) == (2, 0)
        full["is"] = False
        jobs.resume("main", "j")
        until(JobState.DONE)
        job = kept.get("j")
        assert (job.n_done, job.n_review, job.n_failed, job.reason) == (5, 1, 0, None)
        assert sorted(made) == [0, 1, 2, 3, 4]
        assert [item.status for item in kept.items("j")] == ["done", "done", "done", "review", "done"]
        jobs.redo("main", "j", [1])
        until(JobState.DONE)
        assert sorted(made) == [0, 1, 1, 2, 3, 4]
    finally:
        jobs.close()
        database.close()
