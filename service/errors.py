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


class NotAllowed(ServiceError):
    """The key is good, but not for this."""


class UnknownKey(ServiceError):
    """No key, or none that we know."""


class Busy(ServiceError):
    """More is waiting than we can take; it is worth trying again."""

    def __init__(self, what: str, retry_after_s: int = 1) -> None:
        self.what, self.retry_after_s = what, retry_after_s
        super().__init__(f"{what}: too much is waiting, try again in {retry_after_s} s")


class TooMany(ServiceError):
    """The key has used up what it may ask for in this time."""

    def __init__(self, limit: str, retry_after_s: int) -> None:
        self.limit, self.retry_after_s = limit, retry_after_s
        super().__init__(f"more than {limit}; try again in {retry_after_s} s")


class TooLarge(ServiceError):
    """More bytes than we take."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the body is larger than {limit} bytes")


class NoRoom(ServiceError):
    """The disk has not the room that was asked for."""
