"""The picture of a simulated run: who got the traffic, and what it earned."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from .charts import COLOURS, OTHERS, Plot, png, together, traffic_share

POINTS = 60  # on the time axis
LINES = ("what was served", "an equal split", "always the best arm")


def run_png(
    shares: Sequence[tuple[str, Sequence[float]]],
    earned: Sequence[tuple[float, float, float]],
    *,
    best: str,
    title: str,
    batch: int = 1_000,
) -> bytes:
    """Traffic shares above, rate per impression below, as a PNG.

    Args:
        shares: arm and its share of each batch, 0 to 1; what is missing to 1 is "all others".
        earned: per batch: true rate of what was served, of an equal split, of the best arm.
        best: the truly best arm.
        title: what was run and what came out, one line.
    """
    parts = np.array_split(np.arange(len(earned)), min(len(earned), POINTS))
    rows: list[dict[str, object]] = []
    for part in parts:
        at, rest = int(part[-1] + 1) * batch, 1.0
        for arm, path in shares:
            share = float(np.mean([path[i] for i in part]))
            rest -= share
            rows.append({"visitors": at, "arm": arm, "share": share})
        rows.append({"visitors": at, "arm": OTHERS, "share": max(rest, 0.0)})
    named = [arm for arm, _ in shares if arm != best]
    above = traffic_share(rows, order=(best, *named, OTHERS), width=720, height=250, unit="impressions")
    return png(
        together((title, above), (f"What an impression earned; truly best: {best}", _earned(parts, earned, batch)))
    )


def _earned(parts: Sequence[NDArray[np.int64]], earned: Sequence[tuple[float, float, float]], batch: int) -> Plot:
    rows = [
        {"visitors": int(part[-1] + 1) * batch, "what": name, "rate": float(np.mean([earned[i][k] for i in part]))}
        for part in parts
        for k, name in enumerate(LINES)
    ]
    lines = (
        alt.Chart(alt.Data(name="earned"), width=720, height=200)
        .mark_line(strokeWidth=2.5, interpolate="monotone")
        .encode(
            x=alt.X(
                "visitors:Q",
                title="impressions so far",
                axis=alt.Axis(grid=False, format=",d", tickCount=6),
                scale=alt.Scale(nice=False),
            ),
            y=alt.Y("rate:Q", title="true rate", axis=alt.Axis(format=".1%", tickCount=5), scale=alt.Scale(zero=False)),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=list(LINES), range=[COLOURS[0], "#59616a", COLOURS[5]]),
                legend=alt.Legend(orient="bottom", symbolType="stroke", symbolStrokeWidth=3),
            ),
            strokeDash=alt.StrokeDash(
                "what:N", scale=alt.Scale(domain=list(LINES), range=[[1, 0], [3, 3], [9, 4]]), legend=None
            ),
        )
    )
    return Plot(lines, {"earned": rows})
