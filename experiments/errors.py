"""What can go wrong when traffic is split and read."""

from __future__ import annotations

from collections.abc import Iterable


class ExperimentError(Exception):
    """Any failure of this room."""


class InvalidExperiment(ExperimentError):
    """The plan of the experiment contradicts itself."""

    def __init__(self, experiment: str, reason: str) -> None:
        self.experiment, self.reason = experiment, reason
        super().__init__(f"experiment {experiment!r}: {reason}")


class UnknownArm(ExperimentError):
    """No such arm in this experiment or table."""

    def __init__(self, arm: str, known: Iterable[str]) -> None:
        self.arm, self.known = arm, tuple(known)
        shown = ", ".join(self.known[:8]) + (" ..." if len(self.known) > 8 else "")
        super().__init__(f"no arm {arm!r}; {len(self.known)} here: {shown}")


class UnknownSegment(ExperimentError):
    """The weight table has no row for this segment."""

    def __init__(self, segment: str, known: Iterable[str]) -> None:
        self.segment, self.known = segment, tuple(sorted(known))
        super().__init__(f"no segment {segment!r}; known here: {', '.join(self.known)}")


class UnknownVersion(ExperimentError):
    """A decision names a weight table that was not handed in."""

    def __init__(self, version: int, known: Iterable[int]) -> None:
        self.version, self.known = version, tuple(sorted(known))
        super().__init__(f"no weight table of version {version}; known here: {list(self.known)}")


class NothingAvailable(ExperimentError):
    """None of the arms that may be shown to this visitor is in the table."""

    def __init__(self, available: Iterable[str]) -> None:
        self.available = tuple(sorted(available))
        super().__init__(f"none of these arms is active: {list(self.available[:8])}")


class TooLittleEvidence(ExperimentError):
    """The data cannot carry the answer that was asked for."""

    def __init__(self, question: str, found: float, needed: float) -> None:
        self.question, self.found, self.needed = question, found, needed
        super().__init__(f"too little evidence for {question}: {found:.0f} effective observations, {needed:.0f} needed")


class UnequalShapes(ExperimentError):
    """Arrays that must share a shape do not."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        self.shapes = shapes
        super().__init__("shapes differ: " + ", ".join(f"{k} {v}" for k, v in shapes.items()))


class OutOfRange(ExperimentError):
    """A number outside the range that makes sense for it."""

    def __init__(self, name: str, value: float, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name} is {value!r}; allowed: {allowed}")


class UnknownName(ExperimentError):
    """No such scenario, policy or estimator."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(f"no {kind} {name!r}; known here: {', '.join(self.known)}")
