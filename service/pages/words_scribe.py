"""Writes drafts in the background, line by line; whoever comes back finds what was written meanwhile.

A process writes a few drafts at once and takes the others in turn. What it is at stands in the database, so every
process can show it and ask it to stop; a draft whose writer died can be taken up again.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from models import Cancelled
from models.errors import ModelError
from prompts.errors import PromptError
from service.arena import utc_now
from service.domain import CopyLine
from service.errors import NotFound, ServiceError
from service.storage.drafts import Draft, Drafts, DraftState
from service.wiring import Services

from .words_lines import file_of

log = logging.getLogger("adloom.words")

AT_ONCE = 2
LOOK_S = 1.0  # how often the database is asked whether a draft is still wanted
BEAT_S = 5.0  # how often a writer says that it lives
LOST_AFTER = timedelta(seconds=45)  # without a beat a writer of another process is taken for dead


class Scribe:
    """The writers of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mark = secrets.token_hex(8)
        self._queue: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at: dict[tuple[str, str], threading.Event] = {}  # waiting or being written, in order
        self._threads: list[threading.Thread] = []

    def start(self, workspace: str, id: str) -> None:
        """Put a draft in the queue; one that is there already stays where it is."""
        with self._lock:
            if (workspace, id) in self._at:
                return
            self._at[workspace, id] = threading.Event()
            Drafts(self._services.database, workspace).change(
                id, state=DraftState.WAITING, owner=self._mark, is_unwanted=False, beat=utc_now(), share=0.0, doing=""
            )
            self._queue.put((workspace, id))
            if len(self._threads) < AT_ONCE:
                thread = threading.Thread(target=self._work, name=f"words-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self, workspace: str, id: str) -> None:
        """Ask for a stop, wherever the draft is written. What was written stays."""
        drafts = Drafts(self._services.database, workspace)
        draft = drafts.get(id)
        if draft.state.is_final:
            return
        drafts.change(id, is_unwanted=True)
        with self._lock:
            event = self._at.get((workspace, id))
        if event is not None:
            event.set()
        if draft.state is DraftState.WAITING or (event is None and self.is_lost(draft, utc_now())):
            drafts.change(id, state=DraftState.STOPPED, doing="")

    def is_lost(self, draft: Draft, now: datetime) -> bool:
        """Whether nobody writes a draft that is not finished: its process ended."""
        if draft.state.is_final:
            return False
        if draft.owner == self._mark:
            return not any(id == draft.id for _, id in list(self._at))
        return now - draft.beat > LOST_AFTER

    def ahead_of(self, workspace: str, id: str) -> int:
        """How many drafts come before one that waits, in this process."""
        with self._lock:
            order = list(self._at)
        place = order.index((workspace, id)) if (workspace, id) in order else 0
        return max(0, place - AT_ONCE + 1)

    def _work(self) -> None:
        while True:
            workspace, id = self._queue.get()
            event = self._at[workspace, id]
            try:
                self._write(workspace, id, event)
            except Exception:
                log.exception("draft %s could not be written", id)
            finally:
                with self._lock:
                    self._at.pop((workspace, id), None)

    def _write(self, workspace: str, id: str, event: threading.Event) -> None:
        services = self._services
        drafts, store = Drafts(services.database, workspace), services.store(workspace)
        try:
            draft = drafts.get(id)
        except NotFound:
            return
        if event.is_set() or draft.is_unwanted:
            drafts.change(id, state=DraftState.STOPPED, doing="", owner="")
            return
        drafts.change(id, state=DraftState.WRITING, began=utc_now(), beat=utc_now(), owner=self._mark)
        file = file_of(draft)
        channels = [channel for channel in draft.channels if channel not in draft.copies]
        is_cancelled = _watch(drafts, id, event)
        failed = 0
        for number, channel in enumerate(channels):

            def progress(doing: str, share: float, number: int = number) -> None:
                if is_cancelled():
                    raise Cancelled("words")
                drafts.change(id, doing=doing, share=(number + share) / len(channels), beat=utc_now())

            def on_line(line: CopyLine, channel: str = channel) -> None:
                drafts.add_line(id, channel, line)
                if is_cancelled():
                    raise Cancelled("words")

            try:
                copy = services.studio(workspace).write_copy(
                    draft.product,
                    channel,
                    None,
                    int(draft.asked.get("variants", 8)),
                    int(draft.asked.get("seed", 0)),
                    progress=progress,
                    file=file,
                    on_line=on_line,
                    is_cancelled=is_cancelled,
                )
            except Cancelled:
                drafts.change(id, state=DraftState.STOPPED, doing="", owner="")
                return
            except (ServiceError, ModelError, PromptError) as error:
                failed += 1
                drafts.finish_channel(id, channel, problem=str(error))
                continue
            except Exception:
                log.exception("draft %s, channel %s", id, channel)
                failed += 1
                drafts.finish_channel(
                    id, channel, problem="something went wrong here; the server's log has the details"
                )
                continue
            for line in copy.lines:  # what a writer without on_line did not tell
                drafts.add_line(id, channel, line)
            store.copies.put(copy, utc_now())
            drafts.finish_channel(id, channel, copy=copy.id)
        state = DraftState.FAILED if failed and failed == len(draft.channels) else DraftState.DONE
        drafts.change(id, state=state, doing="", share=1.0, owner="", beat=utc_now())


def _watch(drafts: Drafts, id: str, event: threading.Event) -> Callable[[], bool]:
    """Whether a draft is no longer wanted; asked between tokens, so the database is asked once a second."""
    last = {"look": time.monotonic(), "beat": time.monotonic()}

    def is_cancelled() -> bool:
        if event.is_set():
            return True
        now = time.monotonic()
        if now - last["look"] < LOOK_S:
            return False
        last["look"] = now
        if drafts.is_unwanted(id):
            event.set()
            return True
        if now - last["beat"] >= BEAT_S:
            last["beat"] = now
            drafts.change(id, beat=utc_now())
        return False

    return is_cancelled
