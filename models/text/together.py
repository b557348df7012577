"""Several requests written side by side on one model: each new token of all of them costs one pass over the weights.

A request joins between two tokens and leaves when its last draft is done (continuous batching, as in Yu et al., "Orca",
2022). Which others it met changes nothing about its drafts: products are filled up to a number of rows from which a row
does not depend on its neighbours (``decoders.independent_rows``), so the same request and seed give the same reply.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from torch import Tensor

from .decoders import LlamaWeights, ReadPrompt, SharedPromptLlama, read_prompt, step_together

PROMPTS_REMEMBERED = 8  # a prompt of 400 tokens takes 9 MB with the default model
IDLE_S = 5.0  # the thread ends after so long without work


class Work(Protocol):
    """One request, as this file needs to know it."""

    @property
    def prompt(self) -> Sequence[int]: ...
    @property
    def n(self) -> int: ...
    @property
    def max_new_tokens(self) -> int: ...

    def advance(self, scores: Tensor) -> tuple[Tensor, list[int] | None] | None:
        """Say the next token of every draft that goes on.

        Returns:
            The (rows,) tokens, and the rows of ``scores`` that go on if some are done; None when all are.
        """
        ...


class Prompts:
    """The prompts read last, so that a second round of drafts does not read its prompt again."""

    def __init__(self, weights: LlamaWeights, most: int = PROMPTS_REMEMBERED) -> None:
        self._weights, self._most = weights, most
        self._read: OrderedDict[tuple[int, ...], ReadPrompt] = OrderedDict()

    def get(self, prompt: Sequence[int]) -> ReadPrompt:
        key = tuple(prompt)
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = read_prompt(self._weights, prompt)
            if len(self._read) > self._most:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return found


class _Running:
    """A request that is being written."""

    def __init__(self, work: Work, done: Future[None], decoder: SharedPromptLlama, scores: Tensor) -> None:
        self.work, self.done, self.decoder = work, done, decoder
        self.scores, self.left = scores, work.max_new_tokens
        self.tokens: Tensor | None = None

    def advance(self) -> bool:
        """Take the scores, say the next tokens; False when nothing is left to say."""
        if self.left == 0:
            return False
        self.left -= 1
        said = self.work.advance(self.scores)
        if said is None or self.left == 0:
            return False
        self.tokens, going = said
        if going is not None:
            self.decoder.keep(going)
        return True


class Together:
    """Writes what it is handed; any number of threads may hand in. Its own thread lives while there is work."""

    def __init__(self, weights: LlamaWeights, least_rows: int, most_rows: int) -> None:
        """``most_rows``: drafts written at the same time; further requests wait their turn."""
        self._weights, self._least, self._most = weights, least_rows, most_rows
        self._prompts = Prompts(weights)
        self._changed = threading.Condition()
        self._waiting: list[tuple[Work, Future[None]]] = []
        self._thread: threading.Thread | None = None

    def write(self, work: Work) -> None:
        """Write a request to its end. Raises whatever its ``advance`` raised."""
        done: Future[None] = Future()
        with self._changed:
            self._waiting.append((work, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="adloom-text", daemon=True)
                self._thread.start()
            self._changed.notify()
        done.result()

    def _run(self) -> None:
        running: list[_Running] = []
        while True:
            for work, done in self._take(running):
                try:
                    running.append(self._begun(work, done))
                except BaseException as error:
                    done.set_exception(error)
            if not running:
                if self._is_idle():
                    return
                continue
            running = [one for one in running if self._goes_on(one)]
            if running:
                self._step(running)

    def _step(self, running: list[_Running]) -> None:
        tokens = [one.tokens for one in running if one.tokens is not None]
        try:
            scores = step_together([one.decoder for one in running], tokens, self._least)
        except BaseException as error:  # out of memory, say: those at work fail, the next may fit
            for one in running:
                one.done.set_exception(error)
            running.clear()
            return
        for one, own in zip(running, scores, strict=True):
            one.scores = own

    def _take(self, running: Sequence[_Running]) -> list[tuple[Work, Future[None]]]:
        """Requests that fit beside those that are being written, first come first served."""
        rows, taken = sum(len(one.scores) for one in running), []
        with self._changed:
            while self._waiting and (rows == 0 or rows + self._waiting[0][0].n <= self._most):
                taken.append(self._waiting.pop(0))
                rows += taken[-1][0].n
        return taken

    def _begun(self, work: Work, done: Future[None]) -> _Running:
        decoder = SharedPromptLlama(self._weights, work.max_new_tokens, self._least)
        scores = decoder.recall(self._prompts.get(work.prompt))
        decoder.spread(work.n)
        return _Running(work, done, decoder, scores.expand(work.n, -1))

    def _goes_on(self, one: _Running) -> bool:
        try:
            goes_on = one.advance()
        except BaseException as error:
            one.done.set_exception(error)
            return False
        if not goes_on:
            one.done.set_result(None)
        return goes_on

    def _is_idle(self) -> bool:
        """Wait for work; True when none came and this thread ends."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(IDLE_S)
            if self._waiting:
                return False
            self._thread = None
            return True
