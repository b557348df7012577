"""Writes ``grafana.json``: ``python -m service.watch.make_dashboard``. The rows below are the dashboard's contents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUESTS = "adloom_http_requests_total"
CPU = "adloom_item_cpu_seconds_total"
ITEMS = 'adloom_items_total{outcome="done"}'
SUPPORTED = 'adloom_claims_total{verdict="supported"}'
CLAIMS = 'adloom_claims_total{verdict!="puffery"}'
FILE = Path(__file__).with_name("grafana.json")
WIDTH, HEIGHT = 24, 8  # of Grafana's grid; a panel is eight high
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: a title, what it says, and its queries with their legends."""

    title: str
    says: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"  # Grafana's names: s, reqps, percentunit ...


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Golden signals",
        (
            Panel(
                "Latency",
                "95 % of requests are answered within",
                (
                    (
                        "histogram_quantile(0.95, sum by (le, route) (rate(adloom_http_request_seconds_bucket[5m])))",
                        "{{route}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Traffic",
                "requests a second by route",
                (("sum by (route) (rate(adloom_http_requests_total[5m]))", "{{route}}"),),
                "reqps",
            ),
            Panel(
                "Errors",
                "share of requests that failed here (5xx), and that were refused (4xx)",
                (
                    (
                        f'sum(rate({REQUESTS}{{status=~"5.."}}[5m])) / sum(rate({REQUESTS}[5m]))',
                        "failed",
                    ),
                    (
                        f'sum(rate({REQUESTS}{{status=~"4.."}}[5m])) / sum(rate({REQUESTS}[5m]))',
                        "refused",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Saturation",
                "rows that wait for a commit, connections in use",
                (("sum(adloom_events_waiting)", "events waiting"), ("sum(adloom_database_connections)", "connections")),
            ),
        ),
    ),
    (
        "Background work",
        (
            Panel("Queue depth", "items that wait, by kind", (("max by (kind) (adloom_queue_items)", "{{kind}}"),)),
            Panel(
                "Queue age",
                "how long the oldest unfinished job has been there",
                (("max by (kind) (adloom_queue_age_seconds)", "{{kind}}"),),
                "s",
            ),
            Panel(
                "Seconds an item",
                "half of the items are made within",
                (("histogram_quantile(0.5, sum by (le, kind) (rate(adloom_item_seconds_bucket[15m])))", "{{kind}}"),),
                "s",
            ),
            Panel(
                "Processor seconds an item",
                "times the price of a processor second is what a picture or a text costs",
                (
                    (
                        f"sum by (kind) (rate({CPU}[15m])) / sum by (kind) (rate({ITEMS}[15m]))",
                        "{{kind}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Items",
                "made and failed",
                (("sum by (kind, outcome) (rate(adloom_items_total[5m]))", "{{kind}} {{outcome}}"),),
                "ops",
            ),
        ),
    ),
    (
        "Truth",
        (
            Panel(
                "Claims that the ledger supports",
                "of all claims in drafts, refused ones included; puffery aside",
                (
                    (
                        f"sum(rate({SUPPORTED}[1h])) / sum(rate({CLAIMS}[1h]))",
                        "supported",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Lines by origin",
                "written by the model, built by the composer, refused",
                (("sum by (outcome) (rate(adloom_copy_lines_total[1h]))", "{{outcome}}"),),
                "ops",
            ),
            Panel(
                "Receipts failed",
                "must be zero: a product was changed",
                (('sum(increase(adloom_receipts_total{outcome="failed"}[1h]))', "failed"),),
            ),
        ),
    ),
    (
        "Tests",
        (
            Panel(
                "Decisions and events",
                "a second",
                (
                    ("sum(rate(adloom_decisions_total[5m]))", "decisions"),
                    ("sum by (outcome) (rate(adloom_events_total[5m]))", "events {{outcome}}"),
                ),
                "ops",
            ),
            Panel(
                "Late or strange events",
                "late, out of order, unknown decision",
                (
                    ('sum by (outcome) (rate(adloom_events_total{outcome!="kept"}[15m]))', "{{outcome}}"),
                    ("sum(rate(adloom_events_out_of_order_total[15m]))", "out of order"),
                ),
                "ops",
            ),
            Panel(
                "Age of the weights",
                "since the oldest weights in use were worked out",
                (("max(adloom_weight_version_age_seconds)", "oldest"),),
                "s",
            ),
            Panel(
                "Not a person",
                "decisions and events marked as robots, bursts, pages fetched ahead",
                (("sum by (mark) (rate(adloom_marked_total[15m]))", "{{mark}}"),),
                "ops",
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The whole dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row, contents in ROWS:
        panels.append(
            {"type": "row", "title": row, "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}, "id": len(panels) + 1}
        )
        top += 1
        width = WIDTH // min(len(contents), 4)
        for number, panel in enumerate(contents):
            left, down = number % 4 * width, number // 4 * HEIGHT
            at = {"x": left, "y": top + down, "w": width, "h": HEIGHT}
            panels.append(_panel(panel, at, len(panels) + 1))
        top += -(-len(contents) // 4) * HEIGHT
    return {
        "title": "adloom",
        "uid": "adloom",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": panels,
    }


def _panel(panel: Panel, at: dict[str, int], id: int) -> dict[str, Any]:
    return {
        "id": id,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.says,
        "gridPos": at,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "expr": query, "legendFormat": legend, "datasource": SOURCE}
            for number, (query, legend) in enumerate(panel.queries)
        ],
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
