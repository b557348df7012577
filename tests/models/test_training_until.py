"""A time of day to stop at: today's, or tomorrow's when it has passed."""

from __future__ import annotations

import datetime as dt

from models.training.until import seconds_until


def test_a_time_later_today_is_today() -> None:
    assert seconds_until("23:40", dt.datetime(2026, 11, 21, 22, 0)) == 100 * 60


def test_a_time_that_has_passed_is_tomorrows() -> None:
    assert seconds_until("02:20", dt.datetime(2026, 11, 21, 23, 59)) == 141 * 60


def test_the_very_minute_is_a_day_away() -> None:
    assert seconds_until("12:00", dt.datetime(2026, 11, 21, 12, 0)) == 24 * 3600
