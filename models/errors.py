"""What can go wrong when a network is asked for something."""

from __future__ import annotations

from collections.abc import Iterable


class ModelError(Exception):
    """Any failure of this room."""


class UnknownBackend(ModelError):
    """No such backend in the registry."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(f"no {kind} backend {name!r}; known here: {', '.join(self.known)}")


class MissingWeights(ModelError):
    """The weights are not on this machine."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"weights {name!r} are not installed; run: adloom weights add {name}")


class DamagedWeights(ModelError):
    """The weight file does not have the bytes its row promises."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        self.name, self.expected, self.found = name, expected, found
        super().__init__(
            f"weights {name!r}: sha256 is {found[:12]}..., expected {expected[:12]}...; run: adloom weights add {name}"
        )


class UnusableWeights(ModelError):
    """The weights are here but cannot be used: another kind of model, a damaged file, too little memory."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"model {name!r} cannot be used: {reason}")


class ShapeMismatch(ModelError):
    """Arrays that must share a shape do not."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        self.shapes = shapes
        super().__init__("shapes differ: " + ", ".join(f"{k} {v}" for k, v in shapes.items()))


class NoProductFound(ModelError):
    """Nothing on the photograph stands out from its background."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no product found: {reason}")


class UnreadableImage(ModelError):
    """The bytes are not a picture we accept."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not a usable picture: {reason}")


class UnknownPlate(ModelError):
    """No such plate."""

    def __init__(self, plate: str, known: Iterable[str]) -> None:
        self.plate, self.known = plate, tuple(sorted(known))
        super().__init__(f"no plate {plate!r}; {len(self.known)} here, such as {', '.join(self.known[:6])}")


class UnsupportedRequest(ModelError):
    """The backend cannot do what was asked."""

    def __init__(self, backend: str, reason: str) -> None:
        self.backend, self.reason = backend, reason
        super().__init__(f"backend {backend!r} cannot do this: {reason}")


class UnknownWeights(ModelError):
    """No such row of weights."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"no weights {name!r}; rows here: {', '.join(self.known)} (or a hub id, owner/model)")


class WeightSourceFailed(ModelError):
    """The weights could not be fetched from where they should come from."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"weights {name!r} could not be added: {reason}")


class BackendUnavailable(ModelError):
    """A model server did not answer, or answered with nothing usable. Trying later may help."""

    def __init__(self, backend: str, reason: str) -> None:
        self.backend, self.reason = backend, reason
        super().__init__(f"backend {backend!r} is not available: {reason}")


class Cancelled(ModelError):
    """Whoever asked no longer wants the answer."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        super().__init__(f"{backend}: cancelled")
