"""When to stop: a time of day, today's or tomorrow's."""

from __future__ import annotations

import datetime as dt


def seconds_until(time_of_day: str, now: dt.datetime) -> float:
    """Seconds from ``now`` to the next ``HH:MM`` on the clock: above 0, at most a day."""
    hour, minute = (int(part) for part in time_of_day.split(":"))
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (then - now).total_seconds() if then > now else (then - now + dt.timedelta(days=1)).total_seconds()


def deadline(time_of_day: str | None, clock_s: float) -> float:
    """The moment on the caller's monotonic clock (seconds) at which to stop; infinite when no time was given."""
    return clock_s + seconds_until(time_of_day, dt.datetime.now()) if time_of_day else float("inf")
