"""Pages that are one file and open offline: the demo's, and the report of an experiment that can be mailed."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from PIL import Image

from .pages import charts, reading, words
from .pages.reading import Reading
from .tracking.log import Quality

Json = Mapping[str, Any]
TEMPLATES = Path(__file__).parent / "pages" / "templates"
FONTS = Path(__file__).parent / "images" / "fonts"
SHOWN_ARMS = 12
PICTURED_ARMS = 8  # in the report of an experiment
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


def percent(value: float | None, digits: int = 1, signed: bool = True) -> str:
    """0.123 as "+12.3 %", with a real minus sign and a blank that does not break; None as a dash."""
    if value is None:
        return "–"
    text = f"{abs(value) * 100:.{digits}f}\u00a0%"
    if value < 0:
        return f"−{text}"
    return f"+{text}" if signed else text


def marked(line: Json) -> Markup:
    """The line's text with every claim underlined; hovering names the evidence."""
    text, parts, at = line["text"], [], 0
    for claim in sorted(line["claims"], key=lambda claim: (claim["start"], -claim["end"])):
        if claim["start"] < at:
            continue
        parts.append(escape(text[at : claim["start"]]))
        why = claim["evidence"] or claim.get("reason") or claim["verdict"]
        parts.append(
            Markup('<mark class="{}" title="{}: {}">{}</mark>').format(
                claim["verdict"], claim["verdict"], why, text[claim["start"] : claim["end"]]
            )
        )
        at = claim["end"]
    parts.append(escape(text[at:]))
    return Markup("").join(parts)


def data_uri(picture: bytes | Path, width_px: int = 480) -> str:
    """A small WebP of the picture as a data URI, so that the page needs no other file to be looked at."""
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        small = image.convert("RGB")
        small.thumbnail((width_px, width_px * 3), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=82, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def plots(experiment: Json) -> dict[str, Markup]:
    """The three plots of an experiment as SVG. ``experiment`` holds ``share``, ``table``, ``uplift`` and ``truth``."""
    rows = [{**arm, "arm": arm["words"], "rate": arm["believed"]} for arm in experiment["table"][:SHOWN_ARMS]]
    best = next((arm["words"] for arm in experiment["table"] if arm["truly_best"]), None)
    truth = experiment["truth"].get("uplift_vs_uniform")
    return {
        "share": Markup(charts.svg(charts.traffic_share(experiment["share"], best=best, width=1000))),
        "uplift": Markup(charts.svg(charts.uplift(experiment["uplift"], truth=truth, width=440, height=280))),
        "posterior": Markup(charts.svg(charts.posterior(rows, width=300))),
    }


# --- the report of an experiment ----------------------------------------------------------------------------------


def result_png(found: Reading, scale: float = 2.0) -> bytes:
    """The charts of a result under each other as one PNG, the verdict above them."""
    from .pages.growth import verdict

    _use_our_fonts()
    plots: list[tuple[str, charts.Plot]] = []
    if found.share:
        plots.append(("Share of traffic", _shares_with_names(found, 760)))
    if found.uplift:
        plots.append(("What moving the traffic earned", reading.uplift_plot(found, width=760)))
    plots.append((f"{found.metric_words.capitalize()} of each ad", reading.posterior_plot(found, width=460)))
    for factor, levels in reading.factor_levels(found).items():
        title = reading.PARTS.get(factor, factor)
        plots.append((title, charts.effects(reading.effect_rows(levels), width=500)))
    said = verdict(found)
    lines = textwrap.wrap(f"{said['word']}. {said['sentence']}", 108)
    lines.append(f"{words.number(found.result.exposures)} impressions, as of {words.moment(found.at)}")
    return charts.png(charts.together(*plots, title=words.shorten(found.test.name, 80), subtitle=lines), scale)


def _shares_with_names(found: Reading, width: int) -> charts.Plot:
    names = {view.letter: words.shorten(view.label, 66) for view in found.arms if view.letter}
    rows = [{**row, "arm": names.get(row["arm"], row["arm"])} for row in found.share]
    order = [*names.values(), charts.OTHERS]
    return charts.traffic_share(rows, order=order, width=width, unit="impressions")


def result_page(found: Reading, pictures: Mapping[str, bytes], quality: Quality, address: str) -> str:
    """One page with everything in it: pictures and charts inside, no script, good on paper.

    Args:
        pictures: arm -> its picture, for as many arms as are to be shown with one.
        address: where the living page is.
    """
    from .pages.growth import MARKS, OUTCOMES, sentences, verdict

    _use_our_fonts()
    drawn = {}
    if found.share:
        drawn["share"] = _png_uri(reading.share_plot(found, width=620, height=240))
    if found.uplift:
        drawn["uplift"] = _png_uri(reading.uplift_plot(found, width=620, height=240))
    for factor, levels in reading.factor_levels(found).items():
        drawn[factor] = _png_uri(charts.effects(reading.effect_rows(levels), width=400))
    shown = [view for view in found.arms if view.result.state != "retired"][:SHOWN_ARMS]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            found=found,
            test=found.test,
            verdict=verdict(found),
            charts=drawn,
            figures=reading.figures(found) if found.result.exposures else {},
            views=shown,
            pictures={arm: data_uri(data, 160) for arm, data in pictures.items()},
            factors=reading.factor_levels(found),
            parts=reading.PARTS,
            sentences=sentences(found),
            quality=quality,
            outcomes=OUTCOMES,
            marks=MARKS,
            address=address,
        )
    )


def _png_uri(plot: charts.Plot) -> str:
    return "data:image/png;base64," + base64.b64encode(charts.png(plot)).decode("ascii")


@cache
def _use_our_fonts() -> None:
    """Let pictures of charts be set in the fonts of this package."""
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("percent", "lift", "rate", "number", "chance", "moment", "duration")
    environment.filters |= {name: getattr(words, name) for name in names}
    environment.globals.update(percent=percent, marked=marked, count=words.count)
    return environment


def render(context: Json) -> str:
    """The demo's page as HTML text; see ``demo_report.html.j2`` for what the context holds."""
    return _environment().get_template("demo_report.html.j2").render(**context)


def claims_of(lines: Sequence[Json]) -> int:
    """How many claims of the lines a fact carries; opinions are not counted."""
    return sum(claim["verdict"] == "supported" for line in lines for claim in line["claims"])
