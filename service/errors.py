"""What can go wrong while a product becomes an ad. Only service/api/errors.py knows which HTTP code each one is."""

from __future__ import annotations


class ServiceError(Exception):
    """Any failure of this room."""


class NotFound(ServiceError):
    """No such thing in this workspace."""

    def __init__(self, kind: str, id: str) -> None:
        self.kind, self.id = kind, id
        super().__init__(f"no {kind} {id!r}")


class Conflict(ServiceError):
    """The thing is in a state that does not allow this."""


class InvalidInput(ServiceError):
    """What was sent cannot be used; ``field`` says where."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")
