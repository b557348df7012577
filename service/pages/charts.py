"""The plots of an experiment as Vega-Lite specifications: one specification for page, PNG, SVG and report.

Colours are Okabe and Ito's, told apart by colour-blind readers; grey is "all others". Where a legend would make the eye
travel, a letter stands in the drawing itself. Text takes its colour from the configuration, so that a page can put in
its own for dark surroundings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
from altair.utils.schemapi import debug_mode

from .web_data import data

OTHERS = "all others"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
ON_COLOUR = ("#ffffff", "#1b1f23", "#1b1f23", "#1b1f23", "#1b1f23", "#1b1f23")  # letters on them; at least 4.5 : 1
GREY = "#c9ccd1"
INK = "#22262b"
SOFT = "#59616a"
ZERO = "datum.value === 0 ? '0%' : datum.label"  # zero has no sign

Row = Mapping[str, Any]
Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart
Width = int | Literal["container"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart and the tables it names: kept apart, because building a chart copies whatever is in it many times."""

    chart: Chart
    tables: Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart on a page: drawn wide or narrow by the room there is, with a summary and its numbers in words."""

    id: str
    title: str
    summary: str
    wide: str  # JSON, safe inside a page
    narrow: str
    note: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def figure(
    id: str,
    title: str,
    summary: str,
    make: Callable[[bool], Plot],
    *,
    note: str = "",
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
) -> Figure:
    """A figure of a plot.

    Args:
        make: called with True for the narrow drawing, False for the wide one.
    """
    with debug_mode(False):  # our own charts need no second proof by the schema
        wide, narrow = data(styled(make(False))), data(styled(make(True)))
    return Figure(id, title, summary, wide, narrow, note, tuple(columns), tuple(tuple(row) for row in rows))


def palette_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each arm in the order given; grey for ``OTHERS`` and whatever comes after the colours."""
    own = [name for name in names if name != OTHERS]
    return {**dict.fromkeys(own, GREY), **dict(zip(own, COLOURS, strict=False)), OTHERS: GREY}


def traffic_share(
    rows: Sequence[Row],
    *,
    best: str | None = None,
    order: Sequence[str] = (),
    width: Width = 640,
    height: int = 260,
    letters: bool = False,
    narrow: bool = False,
    unit: str = "visitors",
) -> Plot:
    """Share of traffic over time, one band an arm.

    Args:
        rows: {"visitors": int, "arm": str, "share": float 0 to 1}, every arm at every step; ``OTHERS`` may be an arm.
        best: the arm that is truly best where that is known; it is drawn at the bottom.
        order: the arms from the bottom up where that is settled already; colours follow it.
        letters: name the bands by their arm's first letter in the drawing, instead of a legend.
        unit: what ``visitors`` counts.
    """
    found = {row["arm"] for row in rows}
    names = [name for name in order if name in found] or sorted(
        found, key=lambda name: (name == OTHERS, name != best, name)
    )
    palette = palette_of(names)
    table = [{**row, "order": names.index(row["arm"])} for row in rows]
    colour = alt.Color(
        "arm:N",
        title=None,
        scale=alt.Scale(domain=names, range=[palette[name] for name in names]),
        legend=None
        if letters
        else alt.Legend(orient="bottom", columns=1 if narrow else 2, labelLimit=420, symbolType="square"),
    )
    bands = (
        alt.Chart(alt.Data(name="share"), width=width, height=height)
        .mark_area(interpolate="monotone", opacity=0.94, style="ground", strokeWidth=1)
        .encode(
            x=alt.X(
                "visitors:Q",
                title=f"{unit} so far",
                axis=alt.Axis(grid=False, format="~s" if narrow else ",d", tickCount=4 if narrow else 6),
                scale=alt.Scale(nice=False),
            ),
            y=alt.Y(
                "share:Q",
                title="share of traffic",
                stack="zero",
                axis=alt.Axis(format=".0%", tickCount=5),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=colour,
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("arm:N", title="ad"),
                alt.Tooltip("share:Q", format=".1%"),
                alt.Tooltip("visitors:Q", title=f"{unit} so far", format=",d"),
            ],
        )
    )
    marks = _letters(table, names) if letters else []
    if not marks:
        return Plot(bands, {"share": table})
    named = (
        alt.Chart(alt.Data(name="letters"), width=width, height=height)
        .mark_text(fontSize=15, fontWeight=600, dx=-16)
        .encode(x="visitors:Q", y="middle:Q", text="letter:N", color=alt.Color("ink:N", scale=None))
    )
    return Plot(alt.layer(bands, named), {"share": table, "letters": marks})


def _letters(table: Sequence[Row], names: Sequence[str]) -> list[dict[str, Any]]:
    """Where each band's letter stands: at the right end, in the middle of a band that has room for it."""
    last = max((row["visitors"] for row in table), default=0)
    shares = {row["arm"]: row["share"] for row in table if row["visitors"] == last}
    inks, below, marks = dict(zip([n for n in names if n != OTHERS], ON_COLOUR, strict=False)), 0.0, []
    for name in names:
        share = shares.get(name, 0.0)
        if share >= 0.07 and name in inks:
            marks.append({"visitors": last, "middle": below + share / 2, "letter": name[:1], "ink": inks[name]})
        below += share
    return marks


def posterior(rows: Sequence[Row], *, width: Width = 640, narrow: bool = False, metric: str = "click rate") -> Plot:
    """What every arm earns, with its intervals; a cross marks the truth where it is known.

    Args:
        rows: {"arm": str, "rate": float, "low": float, "high": float, "exposures": int, "truth": float | None},
            the best first; and for the interval that holds at every look ``sequence_low``, ``sequence_high``; for a
            colour of its own ``colour``.
        metric: the words for what is on the axis; amounts of money are not shown as percentages.
    """
    order = [row["arm"] for row in rows]
    form = (
        ",.3~g" if metric.startswith("value") else ".2%" if max((r["high"] for r in rows), default=1) < 0.1 else ".1%"
    )
    table = [{"colour": COLOURS[0], **row} for row in rows]
    tops = [min(row.get("sequence_high") or row["high"], 3 * row["high"]) for row in table]
    ceiling = max([*tops, *(row.get("truth") or 0 for row in table)], default=1.0) * (1.28 if narrow else 1.12) or 1.0
    for row in table:
        row["sequence_high"] = min(row.get("sequence_high") or row["high"], ceiling)
        row["sequence_low"] = row.get("sequence_low", row["low"])
        row["end"] = max(row["high"], row["sequence_high"])
    height = max(90, (30 if narrow else 26) * len(order))
    base = alt.Chart(alt.Data(name="arms"), width=width, height=height)
    arm = alt.Y(
        "arm:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=112 if narrow else 320, ticks=False, domain=False, labelPadding=8),
    )
    x = alt.X(
        "low:Q",
        title=metric,
        axis=alt.Axis(format=form.replace("%", "~%"), tickCount=3 if narrow else 5),
        scale=alt.Scale(domain=[min(0.0, *(row["low"] for row in table)) if table else 0.0, ceiling], nice=False),
    )
    colour = alt.Color("colour:N", scale=None)
    tooltip = [
        alt.Tooltip("arm:N", title="ad"),
        alt.Tooltip("rate:Q", title="believed", format=form),
        alt.Tooltip("low:Q", title="95 % from", format=form),
        alt.Tooltip("high:Q", title="to", format=form),
        alt.Tooltip("exposures:Q", format=",d"),
    ]
    thin = base.mark_rule(strokeWidth=1.2, clip=True).encode(
        x=alt.X("sequence_low:Q", title=metric), x2="sequence_high:Q", y=arm, color=colour, tooltip=tooltip
    )
    thick = base.mark_rule(strokeWidth=6, opacity=0.42, strokeCap="round").encode(
        x=x, x2="high:Q", y=arm, color=colour, tooltip=tooltip
    )
    points = base.mark_circle(opacity=1, size=64).encode(x="rate:Q", y=arm, color=colour, tooltip=tooltip)
    values = base.mark_text(align="left", dx=7, fontSize=12).encode(
        x="end:Q", y=arm, text=alt.Text("rate:Q", format=form)
    )
    truth = (
        base.transform_filter("isValid(datum.truth)")
        .mark_point(shape="cross", color=COLOURS[5], size=70, filled=True, angle=45)
        .encode(x="truth:Q", y=arm)
    )
    layers = [thick, thin, points, values]
    if any(row.get("truth") is not None for row in table):
        layers.append(truth)
    return Plot(alt.layer(*layers), {"arms": table})


def uplift(
    rows: Sequence[Row],
    *,
    truth: float | None = None,
    width: Width = 640,
    height: int = 240,
    narrow: bool = False,
    unit: str = "visitors",
    title: str = "clicks compared with uniform traffic",
) -> Plot:
    """Relative uplift over uniform traffic as it became known, with its anytime-valid band.

    Args:
        rows: {"visitors": int, "estimate": float, "low": float | None, "high": float | None}, relative (0.2 is
            +20 %); None is an end that is not bounded yet: the band then runs off the drawing.
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
    base = alt.Chart(alt.Data(name="looks"), width=width, height=height)
    axis = alt.Axis(grid=False, format="~s" if narrow else ",d", tickCount=4 if narrow else 6)
    x = alt.X("visitors:Q", title=f"{unit} so far", axis=axis, scale=alt.Scale(nice=False))
    y_axis = alt.Axis(format="+.0%", tickCount=5, labelExpr=ZERO)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    tooltip = [
        alt.Tooltip("visitors:Q", title=f"{unit} so far", format=",d"),
        alt.Tooltip("estimate:Q", title="uplift", format="+.1%"),
        alt.Tooltip("low:Q", title="at least", format="+.1%"),
        alt.Tooltip("high:Q", title="at most", format="+.1%"),
    ]
    band = base.mark_area(opacity=0.22, color=COLOURS[0], clip=True).encode(
        x=x, y=alt.Y("low:Q", title=title, axis=y_axis, scale=scale), y2="high:Q", tooltip=tooltip
    )
    line = base.mark_line(color=COLOURS[0], strokeWidth=2.5, clip=True).encode(
        x=x, y=alt.Y("estimate:Q", scale=scale), tooltip=tooltip
    )
    zero = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(style="zero", strokeDash=[2, 3]).encode(y="y:Q")
    layers: list[alt.Chart] = [band, zero, line]
    if table:
        layers.append(
            alt.Chart(alt.Data(name="last"), width=width, height=height)
            .mark_circle(size=70, opacity=1, color=COLOURS[0])
            .encode(x="visitors:Q", y=alt.Y("estimate:Q", scale=scale), tooltip=tooltip)
        )
    if truth is not None:
        layers.append(
            alt.Chart(alt.Data(values=[{"y": truth}]))
            .mark_rule(color=COLOURS[5], strokeDash=[6, 4], strokeWidth=2)
            .encode(y="y:Q")
        )
    return Plot(alt.layer(*layers), {"looks": table, "last": table[-1:]})


def effects(rows: Sequence[Row], *, width: Width = 640, narrow: bool = False, reach: float | None = None) -> Plot:
    """What each level of one factor adds or costs, against the average level. Hollow: not clear yet.

    Args:
        rows: {"level": str, "effect": float, "low": float, "high": float}, relative, the best first.
        reach: the largest effect on the axis, so that several factors share one scale.
    """
    order = [row["level"] for row in rows]
    table = [
        {
            **row,
            "clear": row["low"] > 0 or row["high"] < 0,
            "colour": COLOURS[0] if row["low"] > 0 else COLOURS[5] if row["high"] < 0 else "#8b9097",
            "fill": COLOURS[0] if row["low"] > 0 else COLOURS[5] if row["high"] < 0 else "transparent",
        }
        for row in rows
    ]
    reach = reach or reach_of(rows)
    base = alt.Chart(alt.Data(name="levels"), width=width, height=max(70, (34 if narrow else 30) * len(order)))
    level = alt.Y(
        "level:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=128 if narrow else 200, ticks=False, domain=False, labelPadding=8),
    )
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    x = alt.X(
        "low:Q",
        title="against the average",
        axis=alt.Axis(format="+.0%", tickCount=3 if narrow else 5, labelExpr=ZERO),
        scale=scale,
    )
    tooltip = [
        alt.Tooltip("level:N"),
        alt.Tooltip("effect:Q", format="+.1%"),
        alt.Tooltip("low:Q", title="95 % from", format="+.1%"),
        alt.Tooltip("high:Q", title="to", format="+.1%"),
    ]
    zero = alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(style="zero", strokeDash=[2, 3]).encode(x="x:Q")
    lines = base.mark_rule(strokeWidth=2.5, clip=True).encode(
        x=x, x2="high:Q", y=level, color=alt.Color("colour:N", scale=None), tooltip=tooltip
    )
    points = base.mark_point(size=80, strokeWidth=2, opacity=1, clip=True).encode(
        x=alt.X("effect:Q", scale=scale),
        y=level,
        color=alt.Color("colour:N", scale=None),
        fill=alt.Fill("fill:N", scale=None),
        tooltip=tooltip,
    )
    return Plot(alt.layer(zero, lines, points), {"levels": table})


def reach_of(rows: Sequence[Row]) -> float:
    """Half the width of an axis that holds these effects: 10 %, 25 %, 50 % or more."""
    widest = max((max(abs(row["low"]), abs(min(row["high"], 5.0))) for row in rows), default=0.1)
    return next((step for step in (0.1, 0.15, 0.25, 0.4, 0.6, 1.0) if widest <= step), math.ceil(widest))


def together(*plots: tuple[str, Plot], title: str = "", subtitle: Sequence[str] = ()) -> Plot:
    """Several plots under each other, each with its title; ``title`` and ``subtitle`` stand above them all."""
    named: list[Any] = []
    tables: dict[str, Sequence[Row]] = {}
    for place, (name, plot) in enumerate(plots):
        heading = alt.TitleParams(name, anchor="start", fontSize=15, color=INK, offset=14)
        named.append(_renamed(plot.chart, place).properties(title=heading))
        tables |= {f"{place}-{table}": rows for table, rows in plot.tables.items()}
    stacked = alt.vconcat(*named, spacing=38).resolve_scale(color="independent", fill="independent")
    if title:
        serif = "Instrument Serif, Georgia, serif"
        head = alt.TitleParams(
            title, subtitle=list(subtitle), anchor="start", font=serif, fontSize=28, fontWeight="normal", color=INK,
            subtitleFontSize=14, subtitleColor=SOFT, subtitleLineHeight=20, subtitlePadding=8, offset=26,
        )  # fmt: skip
        stacked = stacked.properties(title=head)
    return Plot(stacked, tables)


def _renamed(chart: Any, place: int) -> Any:
    """The chart with its tables under names of their own."""
    copy = chart.copy(deep=True)
    for part in [copy, *getattr(copy, "layer", [])]:
        name = getattr(getattr(part, "data", None), "name", alt.Undefined)
        if isinstance(name, str):
            part.data = alt.Data(name=f"{place}-{name}")
    return copy


def styled(plot: Plot) -> dict[str, Any]:
    """The plot's specification with the house style: quiet axes, system font."""
    font = "Inter, Helvetica, Arial, Noto Sans SC, sans-serif"
    spec: dict[str, Any] = (
        plot.chart.configure(font=font, background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT,
            titleColor=SOFT,
            gridColor="#e8e6e0",
            domainColor="#e8e6e0",
            tickColor="#e8e6e0",
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=10,
        )
        .configure_legend(labelColor=INK, labelFontSize=12)
        .configure_text(color=INK)
        .to_dict(validate=False)
    )
    spec["config"]["style"] = {"ground": {"stroke": "#ffffff"}, "zero": {"stroke": SOFT}}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"} if _fills(spec) else {"type": "pad"}
    spec["datasets"] = {**spec.get("datasets", {}), **{name: list(rows) for name, rows in plot.tables.items()}}
    return spec


def _fills(spec: Mapping[str, Any]) -> bool:
    """True for a chart that is as wide as the place it stands in."""
    return spec.get("width") == "container" or any(_fills(layer) for layer in spec.get("layer", ()))


def svg(plot: Plot) -> str:
    """The chart as an SVG text that opens offline."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(styled(plot)))


def png(plot: Plot, scale: float = 2.0) -> bytes:
    """The chart as a PNG on white, ``scale`` output pixels per CSS pixel."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png({**styled(plot), "background": "#ffffff", "padding": 24}, scale=scale))
