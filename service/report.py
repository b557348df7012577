"""The demo's page: what was made, what was claimed on which evidence, what was learned. One file that opens offline."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from PIL import Image

from .pages import charts

Json = Mapping[str, Any]
TEMPLATES = Path(__file__).parent / "pages" / "templates"
SHOWN_ARMS = 12


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


def render(context: Json) -> str:
    """The page as HTML text; see ``demo_report.html.j2`` for what the context holds."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(percent=percent, marked=marked)
    return environment.get_template("demo_report.html.j2").render(**context)


def claims_of(lines: Sequence[Json]) -> int:
    """How many claims of the lines a fact carries; opinions are not counted."""
    return sum(claim["verdict"] == "supported" for line in lines for claim in line["claims"])
