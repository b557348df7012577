"""What the safety settings make of photographs, generated places and the words that ask for them."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from threading import Lock
from typing import Literal

from models.checks.people import people_in
from models.checks.safety import DOUBTFUL, UNSAFE, SafetyNet, is_installed
from models.types import BytePixels
from service.domain import Finding

from .labels import RENDERED

SafetyPolicy = Literal["off", "warn", "block"]
REMEMBERED = 256


class SafetyCheck:
    """One for a process: each photograph is looked at once. Without the weights nothing is said of pictures."""

    def __init__(self, policy: SafetyPolicy = "off") -> None:
        self.policy: SafetyPolicy = policy
        self._lock = Lock()
        self._scores: OrderedDict[str, float] = OrderedDict()

    def of_photo(self, photo: BytePixels, sha256: str) -> tuple[Finding, ...]:
        """Findings of an uploaded photograph."""
        return self._of(photo, sha256, "the photograph")

    def of_picture(self, picture: BytePixels, sha256: str, backend: str) -> tuple[Finding, ...]:
        """Findings of a finished picture whose place was generated; rendered places are known and not looked at."""
        return () if backend in RENDERED else self._of(picture, sha256, "the generated picture")

    def of_words(self, words: str) -> tuple[Finding, ...]:
        """A scene's text that asks for people: they are not generated, and that is said."""
        asked = people_in(words)
        if not asked:
            return ()
        named = ", ".join(repr(word) for word in asked)
        message = f"the scene asks for people ({named}); people are not generated, the rest of the words is used"
        return (Finding("scene.people", message, "warn"),)

    def _of(self, picture: BytePixels, sha256: str, what: str) -> tuple[Finding, ...]:
        if self.policy == "off" or not is_installed():
            return ()
        with self._lock:
            if sha256 not in self._scores:
                self._scores[sha256] = self._net.score(picture)
                while len(self._scores) > REMEMBERED:
                    self._scores.popitem(last=False)
            score = self._scores[sha256]
        if score < DOUBTFUL:
            return ()
        severity: Literal["block", "warn"] = "block" if self.policy == "block" and score >= UNSAFE else "warn"
        return (Finding("safety.nsfw", f"{what} may not be safe for work ({score:.2f} of 1): look at it", severity),)

    @cached_property
    def _net(self) -> SafetyNet:
        return SafetyNet()
