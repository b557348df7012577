"""Group commit: many writers wait for one commit.

While a group is being committed the next one gathers, so the number of commits adapts to the load by itself: one
writer waits for one commit, a thousand writers also wait for one or two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from service.errors import Busy

Item = TypeVar("Item")
Answer = TypeVar("Answer")


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
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._n_waiting = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self.groups = self.written = 0  # for the metrics

    @property
    def n_waiting(self) -> int:
        """Rows that wait for the next commit."""
        return self._n_waiting

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def add(self, item: Item) -> Answer:
        """Hand in an item and wait until it is committed.

        Raises:
            Busy: the queue is full; nothing was kept.
        """
        rows = self._rows(item)
        if self._closing or self._n_waiting + rows > self._most_waiting:
            raise Busy("events")
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        self._n_waiting += rows
        self._wake.set()
        return await done

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="group-commit")

    async def close(self) -> None:
        """Commit what waits, take nothing more."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._commit(self._next_group())

    def _next_group(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        rows = taken = 0
        for item, _ in self._waiting:
            if taken and rows + self._rows(item) > self._most_rows:
                break
            rows, taken = rows + self._rows(item), taken + 1
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._n_waiting -= rows
        return group

    async def _commit(self, group: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._thread, self._write, [item for item, _ in group])
        except Exception as error:
            if len(group) > 1:
                for one in group:
                    await self._commit([one])
            elif not group[0][1].done():
                group[0][1].set_exception(error)
            return
        self.groups += 1
        self.written += len(group)
        for (_, done), answer in zip(group, answers, strict=True):
            if not done.done():  # whoever waited may have gone
                done.set_result(answer)
