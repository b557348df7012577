"""What advertising platforms say happened where we do not serve: daily statistics, kept apart and marked as such."""

from .evidence import CAUTION, Standing, standings
from .keeping import Kept, keep, rows_between
from .reading import PLATFORMS, DailyRow, Problem, Statistics, read_statistics

__all__ = [
    "CAUTION",
    "PLATFORMS",
    "DailyRow",
    "Kept",
    "Problem",
    "Standing",
    "Statistics",
    "keep",
    "read_statistics",
    "rows_between",
    "standings",
]
