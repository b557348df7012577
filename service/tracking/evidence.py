"""Evidence of one test in memory, kept up to date from the log: what new weights and results are worked out from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments import Cohort, WeightTable, served_probabilities

from .log import Cell, TrackingLog

_Key = tuple[int, str, str | None]


class Evidence:
    """Sums for each weight version, segment and available set; one column for each arm of that version's table."""

    def __init__(self, workspace: str, test: str) -> None:
        self.workspace, self.test = workspace, test
        self.exposures = 0
        self._last, self._epoch = 0, 0
        self._sums: dict[_Key, NDArray[np.float64]] = {}  # (5, K): shown, succeeded, value, square, time

    def read(self, log: TrackingLog, tables: Mapping[int, WeightTable]) -> int:
        """Take in what the log has gained. Returns the new exposures.

        Rows of a version that is not among the tables yet, because another process has just made it, wait for the
        next call.
        """
        cells, last, epoch = log.read_since(self.workspace, self.test, self._last, self._epoch)
        if any(cell.version not in tables for cell in cells):
            return 0
        before = self.exposures
        if epoch != self._epoch:  # recounted, erased or expired: these cells are all there is
            self._sums, self.exposures = {}, 0
        self._last, self._epoch = last, epoch
        self._absorb(cells, tables)
        return max(0, self.exposures - before)

    def _absorb(self, cells: Sequence[Cell], tables: Mapping[int, WeightTable]) -> None:
        for cell in cells:
            table = tables[cell.version]
            sums = self._sums.setdefault((cell.version, cell.segment, cell.available), np.zeros((5, len(table.arms))))
            sums[:, table.index[cell.arm]] += (cell.shown, cell.succeeded, cell.value, cell.square, cell.time_sum)
            self.exposures += int(cell.shown)

    def cohorts(self, tables: Mapping[int, WeightTable]) -> tuple[Cohort, ...]:
        """In the order of their versions."""
        return tuple(
            _cohort(tables[key[0]], key, sums)
            for key, sums in sorted(self._sums.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or ""))
        )


def _cohort(table: WeightTable, key: _Key, sums: NDArray[np.float64]) -> Cohort:
    version, segment, available = key
    shown = float(sums[0].sum())
    return Cohort(
        version=version,
        segment=segment,
        time=float(sums[4].sum()) / shown if shown else table.time,
        arms=table.arms,
        propensity=served_probabilities(table, segment, None if available is None else json.loads(available)),
        shown=sums[0].copy(),
        matured=sums[0].copy(),
        clicked=sums[1].copy(),
        value=sums[2].copy(),
        value_squares=sums[3].copy(),
    )
