"""Numbers, times and shares as people write them; what templates call as filters."""

from __future__ import annotations

import math
from datetime import UTC, datetime

BLANK = "\u00a0"  # one that does not break
MINUS = "−"
NOTHING = "–"


def percent(value: float | None, digits: int = 1, signed: bool = False) -> str:
    """0.123 as "12.3 %"; None and what is not finite as a dash."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value) * 100:.{digits}f}"
    if value < 0 and float(text) != 0.0:
        return f"{MINUS}{text}{BLANK}%"
    return f"{'+' if signed else ''}{text}{BLANK}%"


def lift(value: float | None) -> str:
    """A relative change with its sign, as coarse as it deserves."""
    return percent(value, 0 if value is not None and abs(value) >= 0.1 else 1, signed=True)


def rate(value: float | None) -> str:
    """A rate with three figures that mean something."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return percent(value, 2 if abs(value) < 0.1 else 1)


def number(value: float | None) -> str:
    """12345 as "12,345"."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.0f}"


def amount(value: float | None) -> str:
    """A number that may be small: 0.4321 as "0.432", 12345.6 as "12,346"."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def chance(value: float) -> str:
    """A probability: never 0 or 100 %, because it is neither."""
    if value > 0.995:
        return f">{BLANK}99{BLANK}%"
    return f"<{BLANK}1{BLANK}%" if value < 0.005 else percent(value, 0)


def count(n: float, one: str, many: str | None = None) -> str:
    """1 as "1 ad", 3 as "3 ads"."""
    return f"{number(n)}{BLANK}{one if n == 1 else many or one + 's'}"


def moment(value: datetime | float | None) -> str:
    """21 Nov 2026, 23:48 UTC."""
    if value is None:
        return NOTHING
    at = datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) else value.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC".replace(" ", BLANK)


def duration(seconds: float) -> str:
    """In the unit one would say it in: "40 seconds", "3 hours", "12 days"."""
    for size, name in ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute")):
        if seconds >= 1.5 * size:
            return count(round(seconds / size), name)
    return count(round(max(seconds, 0.0)), "second")


def shorten(text: str, most: int) -> str:
    """At most so many characters, cut at a word where one ends nearby."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    at = kept.rfind(" ")
    return f"{kept[:at] if at > most * 0.6 else kept}…"


def listed(parts: list[str], last: str = "and") -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""
