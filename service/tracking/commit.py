"""Group commit: many writers wait for one commit.

While a group is being committed the next one gathers, so the number of commits adapts to the load by itself: one
writer waits for one commit, a thousand writers also wait for one or two. All who wait for a group wait for one future.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from service.errors import Busy

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Group(asyncio.Future):  # type: ignore[type-arg]  # its result: one answer or exception for each item
    """What is committed together. Cancelling one who waits must not cancel the commit of the others."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.items: list[Any] = []
        self.rows = 0

    def cancel(self, msg: Any = None) -> bool:
        return False


class Waiting(Generic[Answer]):
    """A place in a group: ``await waiting.answer()`` returns after the commit."""

    __slots__ = ("_group", "_index")

    def __init__(self, group: _Group, index: int) -> None:
        self._group, self._index = group, index

    async def answer(self) -> Answer:
        answer = (await self._group)[self._index]
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]


class GroupCommit(Generic[Item, Answer]):
    """Acknowledges an item after the transaction that holds it is on disk.

    ``write`` takes the items of a group and returns one answer for each; it runs in a thread of its own, one group at
    a time, and commits before it returns. When a group fails its items are tried one by one, so that a bad item does
    not take its neighbours with it.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        most_waiting: int = 10_000,
        rows: Callable[[Item], int] = lambda item: 1,
        most_rows: int = 5_000,
    ) -> None:
        self._write, self._rows = write, rows
        self._most_waiting, self._most_rows = most_waiting, most_rows
        self._groups: deque[_Group] = deque()  # the last one still gathers
        self._writing: _Group | None = None
        self._n_waiting = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = self._is_called = False
        self._to_write: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="group-commit", daemon=True)
        self.groups = self.written = self.refused = 0  # for the metrics

    @property
    def n_waiting(self) -> int:
        """Rows that wait for the next commit."""
        return self._n_waiting

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive() and not self._closing

    def has_room(self, rows: int) -> bool:
        """True if so many rows can be handed in now."""
        return not self._closing and self._n_waiting + rows <= self._most_waiting

    def hand_in(self, item: Item) -> Waiting[Answer]:
        """Give an item to the group that gathers.

        Raises:
            Busy: the queue is full; nothing was kept.
        """
        rows = self._rows(item)
        if self._closing or self._n_waiting + rows > self._most_waiting:
            self.refused += 1
            raise Busy("events")
        if not self._groups or self._groups[-1].rows + rows > self._most_rows:
            self._groups.append(_Group())
        group = self._groups[-1]
        group.items.append(item)
        group.rows += rows
        self._n_waiting += rows
        if self._writing is None and not self._is_called and self._loop is not None:
            self._is_called = True
            self._loop.call_soon(self._next)  # whoever comes in the same turn of the loop joins
        return Waiting(group, len(group.items) - 1)

    async def add(self, item: Item) -> Answer:
        """Hand in an item and wait until it is committed.

        Raises:
            Busy: the queue is full; nothing was kept.
        """
        return await self.hand_in(item).answer()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        if self._groups:
            self._next()

    async def close(self) -> None:
        """Commit what waits, take nothing more."""
        self._closing = True
        while self._loop is not None and (self._writing is not None or self._groups):
            await asyncio.wait([self._writing or self._groups[0]])
        self._to_write.put(None)
        if self._thread.is_alive():
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _next(self) -> None:
        self._is_called = False
        if self._writing is None and self._groups:
            self._writing = self._groups.popleft()
            self._n_waiting -= self._writing.rows
            self._to_write.put(self._writing)

    def _work(self) -> None:
        """The writer's thread."""
        while (group := self._to_write.get()) is not None:
            answers = self._try(group.items)
            assert self._loop is not None
            try:
                self._loop.call_soon_threadsafe(self._done, group, answers)
            except RuntimeError:  # the loop was closed: nobody waits any more
                return

    def _try(self, items: Sequence[Item]) -> Sequence[Answer | BaseException]:
        try:
            return self._write(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
        return [self._try([item])[0] for item in items]

    def _done(self, group: _Group, answers: Sequence[Answer | BaseException]) -> None:
        self._writing = None
        self._next()  # the disk first, then those who wait
        self.groups += 1
        self.written += len(group.items)
        group.set_result(answers)
