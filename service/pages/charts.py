"""The plots of an experiment as Vega-Lite specifications: one specification for page, PNG, SVG and report.

Colours are Okabe and Ito's, told apart by colour-blind readers; grey is "all others".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

OTHERS = "all others"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GREY = "#c9ccd1"
INK = "#22262b"

Row = Mapping[str, Any]
Plot = alt.Chart | alt.LayerChart | alt.FacetChart


def traffic_share(rows: Sequence[Row], *, best: str | None = None, width: int = 640, height: int = 260) -> Plot:
    """Share of traffic over time, one band an arm.

    Args:
        rows: {"visitors": int, "arm": str, "share": float 0 to 1}, every arm at every step; ``OTHERS`` may be an arm.
        best: the arm that is truly best where that is known; it is drawn at the bottom.
    """
    names = sorted({row["arm"] for row in rows}, key=lambda name: (name == OTHERS, name != best, name))
    palette = dict(zip([name for name in names if name != OTHERS], COLOURS, strict=False))
    palette[OTHERS] = GREY
    table = [{**row, "order": names.index(row["arm"])} for row in rows]
    plot: Plot = (
        alt.Chart(alt.Data(values=table), width=width, height=height)
        .mark_area(interpolate="monotone", opacity=0.92)
        .encode(
            x=alt.X("visitors:Q", title="visitors so far", axis=alt.Axis(grid=False, format=",d", tickCount=6)),
            y=alt.Y(
                "share:Q",
                title="share of traffic",
                stack="zero",
                axis=alt.Axis(format=".0%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "arm:N",
                title=None,
                scale=alt.Scale(domain=names, range=[palette[name] for name in names]),
                legend=alt.Legend(orient="bottom", columns=2, labelLimit=420, symbolType="square"),
            ),
            order=alt.Order("order:Q"),
        )
    )
    return plot


def posterior(rows: Sequence[Row], *, width: int = 640) -> Plot:
    """Click rate of every arm with its interval; a cross marks the truth where it is known.

    Args:
        rows: {"arm": str, "rate": float, "low": float, "high": float, "exposures": int, "truth": float | None},
            rates 0 to 1, the best first.
    """
    order = [row["arm"] for row in rows]
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows]), width=width, height=max(120, 22 * len(order)))
    arm = alt.Y("arm:N", sort=order, title=None, axis=alt.Axis(labelLimit=360, ticks=False, domain=False))
    lines = base.mark_rule(strokeWidth=3, color=COLOURS[4]).encode(
        x=alt.X("low:Q", title="click rate", axis=alt.Axis(format=".1%", tickCount=6), scale=alt.Scale(zero=True)),
        x2="high:Q",
        y=arm,
    )
    points = base.mark_circle(color=COLOURS[0], opacity=1).encode(
        x="rate:Q",
        y=arm,
        size=alt.Size("exposures:Q", title="exposures", legend=None, scale=alt.Scale(range=[30, 260])),
    )
    truth = (
        base.transform_filter("isValid(datum.truth)")
        .mark_point(shape="cross", color=COLOURS[5], size=70, filled=True, angle=45)
        .encode(x="truth:Q", y=arm)
    )
    return alt.layer(lines, points, truth)


def uplift(rows: Sequence[Row], *, truth: float | None = None, width: int = 640, height: int = 240) -> Plot:
    """Relative uplift over uniform traffic as it became known, with its anytime-valid band.

    Args:
        rows: {"visitors": int, "estimate": float, "low": float | None, "high": float | None}, relative (0.2 is
            +20 %); None is an end that is not bounded yet.
        truth: the true uplift at the end where it is known: a dashed line.
    """
    reach = max((abs(row["estimate"]) for row in rows[len(rows) // 3 :]), default=0.5) * 2.2 + 0.1
    table = [
        {
            **row,
            "low": -reach if row["low"] is None else max(row["low"], -reach),
            "high": reach if row["high"] is None else min(row["high"], reach),
        }
        for row in rows
    ]
    base = alt.Chart(alt.Data(values=table), width=width, height=height)
    x = alt.X("visitors:Q", title="visitors so far", axis=alt.Axis(grid=False, format=",d", tickCount=6))
    y_axis = alt.Axis(format="+.0%")
    scale = alt.Scale(domain=[-reach, reach])
    band = base.mark_area(opacity=0.25, color=COLOURS[0], clip=True).encode(
        x=x, y=alt.Y("low:Q", title="clicks compared with uniform traffic", axis=y_axis, scale=scale), y2="high:Q"
    )
    line = base.mark_line(color=COLOURS[0], strokeWidth=2.5, clip=True).encode(x=x, y=alt.Y("estimate:Q", scale=scale))
    zero = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(color="#888").encode(y="y:Q")
    layers: list[alt.Chart] = [band, line, zero]
    if truth is not None:
        layers.append(
            alt.Chart(alt.Data(values=[{"y": truth}]))
            .mark_rule(color=COLOURS[5], strokeDash=[6, 4], strokeWidth=2)
            .encode(y="y:Q")
        )
    return alt.layer(*layers)


def styled(chart: Plot) -> dict[str, Any]:
    """The chart's specification with the house style: quiet axes, system font."""
    font = "Inter, Helvetica, Arial, sans-serif"
    return dict(
        chart.configure(font=font, background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor="#e8eaed",
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
        .configure_legend(labelColor=INK, labelFontSize=12)
        .to_dict()
    )


def svg(chart: Plot) -> str:
    """The chart as an SVG text that opens offline."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(styled(chart)))


def png(chart: Plot, scale: float = 2.0) -> bytes:
    """The chart as a PNG, ``scale`` output pixels per CSS pixel."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(styled(chart), scale=scale))
