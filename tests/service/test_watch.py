"""What an operator sees is true, complete, and gives no secret away."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from service.keys import new_key_text
from service.watch import logs, make_dashboard, tracing
from service.wiring import make_copy
from tests.service.conftest import Shop

WATCH = Path(make_dashboard.__file__).parent


def families(shop: Shop) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(shop.client.get("/metrics").text)}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged while a test runs, as JSON lines."""
    root, stream = logging.getLogger(), io.StringIO()
    kept, level = root.handlers[:], root.level
    logs.configure("debug", "json", stream)
    yield stream
    root.handlers[:] = kept
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# --- logs --------------------------------------------------------------------------------------------------------


def test_a_line_carries_the_ids_of_what_it_belongs_to(written: io.StringIO) -> None:
    with logs.bound(job="j1", item=3):
        logging.getLogger("adloom.test").warning("made %s", "it", extra={"path": "/x"})
    logging.getLogger("somebody.else").info("theirs")

    mine, theirs = lines(written)
    told = {"event": "made it", "job": "j1", "item": 3, "path": "/x", "level": "warning"}
    assert told.items() <= mine.items()
    assert theirs["logger"] == "somebody.else"
    assert "job" not in theirs


def test_no_secret_is_logged_whoever_writes_it(written: io.StringIO) -> None:
    key = new_key_text()
    secret = key.split("_", 2)[2]
    log = logging.getLogger("adloom.test")
    log.info("X-API-Key: %s", key)
    log.info("headers", extra={"sent": {"authorization": f"Bearer {secret}", "cookie": f"session={secret}"}})
    log.info("postgresql://me:%s@db.example/adloom", secret)
    try:
        raise ValueError(f"api_key={secret}")
    except ValueError:
        log.exception("broken")

    assert secret not in written.getvalue()
    assert "[secret]" in written.getvalue()
    assert "db.example" in written.getvalue()


@given(st.text(max_size=60))
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    if not re.search(r"(?i)key|auth|cookie|passw|secret|adl_|demo_|://", text):
        assert logs.without_secrets(text) == text


def test_a_request_that_fails_leaves_its_id_and_no_key(shop: Shop, written: io.StringIO, monkeypatch: Any) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk burns")

    monkeypatch.setattr("service.api.products.listing", broken)
    answer = shop.client.get("/v1/products", headers={"X-API-Key": shop.key, "X-Request-Id": "find-me-1"})

    assert answer.status_code == 500
    found = [line for line in lines(written) if line.get("request") == "find-me-1"]
    assert {"adloom.http", "adloom.api"} <= {line["logger"] for line in found}
    assert shop.key not in written.getvalue()


# --- figures -----------------------------------------------------------------------------------------------------


def test_copy_receipts_and_queues_are_counted(shop: Shop) -> None:
    shop.product("cup", photo=False)
    before = families(shop)

    make_copy(shop.services, "main", {"product_id": "cup", "channel": "email"})
    shop.store.jobs.add("waiting", "copy", [{"n": 1}, {"n": 2}], shop.services.jobs.now())
    after = families(shop)

    def lines_built(found: dict[str, Any]) -> float:
        samples = found["adloom_copy_lines"].samples
        return float(sum(s.value for s in samples if s.name.endswith("_total") and s.labels["outcome"] == "composer"))

    assert lines_built(after) - lines_built(before) == 1
    assert {"adloom_queue_items", "adloom_queue_age_seconds", "adloom_database_connections"} <= set(after)


def test_dashboard_and_alarms_ask_only_for_what_is_told(shop: Shop) -> None:
    """Every name and every label in a query exists; the dashboard's file is the one that its rows make."""
    shop.call("GET", "/v1/products", 200)
    told: dict[str, set[str]] = {"up": {"job", "instance"}}
    told |= {name: {"kind"} for name in families(shop)}
    from prometheus_client import REGISTRY

    for collector in list(REGISTRY._collector_to_names):  # labels of those without a sample yet
        names = REGISTRY._collector_to_names[collector]
        for name in names:
            told[name] = set(getattr(collector, "_labelnames", ())) | {"le", "kind"}
    alarms = yaml.safe_load((WATCH / "alerts.yml").read_text())["groups"][0]["rules"]
    panels = [panel for panel in make_dashboard.dashboard()["panels"] if panel["type"] != "row"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]] + [rule["expr"] for rule in alarms]

    assert len(queries) > 20
    for query in queries:
        for name, matchers in re.findall(r"\b(adloom_[a-z_]+|up)\b(?:\{([^}]*\}?[^}]*)\})?", query):
            assert name in told, (name, query)
            for label in re.findall(r"([a-z_]+)(?:=|!=|=~)", matchers or ""):
                assert label in told[name] | {"status", "route"}, (label, query)
    assert make_dashboard.FILE.read_text() == make_dashboard.text()
    assert all(rule["annotations"].keys() >= {"summary", "action"} for rule in alarms)
    assert all(panel["description"] for panel in panels)


# --- traces ------------------------------------------------------------------------------------------------------


def test_requests_database_calls_and_items_are_traced(tmp_path: Path) -> None:
    memory = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter", reason="the extra otel is not installed"
    )
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from sqlalchemy import text

    from service.storage import Database

    database = Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    app = FastAPI()

    @app.get("/v1/things")
    def things() -> int:
        with tracing.span("job item", job="j1"), database.reader.connect() as connection:
            return int(connection.execute(text("select 1")).scalar_one())

    @app.get("/v1/experiments/{id}/decide")
    def decide(id: str) -> str:
        return id

    spans = memory.InMemorySpanExporter()
    provider = tracing.install(app, database.engine, spans)
    try:
        with TestClient(app) as client:
            client.get("/v1/things")
            client.get("/v1/experiments/x/decide")
        provider.force_flush()
        names = [span.name for span in spans.get_finished_spans()]
        items = [dict(span.attributes) for span in spans.get_finished_spans() if span.name == "job item"]
    finally:
        tracing.remove(app, database.engine)
        provider.shutdown()
        database.close()

    assert items == [{"adloom.job": "j1"}]
    assert any(name.startswith("GET /v1/things") for name in names)
    assert any(name.lower().startswith("select") for name in names)
    assert not any("decide" in name for name in names)
