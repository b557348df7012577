"""Where the time of pictures goes: processor seconds by stage, over all threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock


class Stages:
    """Sums of processor seconds by stage. Every thread adds what it spent itself."""

    def __init__(self) -> None:
        self._lock, self._seconds, self._times = Lock(), dict[str, float](), dict[str, int]()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.thread_time()
        try:
            yield
        finally:
            self.add({name: time.thread_time() - start})

    def add(self, seconds: Mapping[str, float]) -> None:
        with self._lock:
            for name, spent in seconds.items():
                self._seconds[name] = self._seconds.get(name, 0.0) + spent
                self._times[name] = self._times.get(name, 0) + 1

    def read(self) -> dict[str, tuple[float, int]]:
        """Stage -> (processor seconds, how often), the dearest first."""
        with self._lock:
            ordered = sorted(self._seconds.items(), key=lambda item: -item[1])
            return {name: (spent, self._times[name]) for name, spent in ordered}

    def clear(self) -> None:
        with self._lock:
            self._seconds.clear()
            self._times.clear()
