"""The log of an experiment as files that other tools read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from service.errors import NotFound
from service.exports import COLUMNS, write_file
from tests.service.conftest import Shop


@pytest.fixture(scope="module")
def logged(shop: Shop) -> tuple[Shop, str, dict[str, float]]:
    """A shop, a test, and the propensity of each of its decisions."""
    test = shop.running_test("Exported one", "Exported two")
    key, id = test["publishable_key"], test["id"]
    answers = [shop.call("POST", f"/v1/experiments/{id}/decide", 200, key=key, json={}) for _ in range(12)]
    events = [{"id": f"=e{n}", "decision": answer["decision"], "kind": "clicked"} for n, answer in enumerate(answers)]
    shop.call("POST", "/v1/events", 200, key=key, json={"events": events[:5]})
    return shop, id, {answer["decision"]: answer["propensity"] for answer in answers}


def test_decisions_carry_the_probability_that_was_answered(logged: tuple[Shop, str, dict[str, float]]) -> None:
    shop, id, told = logged
    reply = shop.call("GET", f"/v1/experiments/{id}/export", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert {row["id"]: float(row["propensity"]) for row in rows} == told
    assert list(rows[0]) == list(COLUMNS["decisions"])
    assert "visitor" not in rows[0]


def test_a_cell_that_looks_like_a_formula_is_text_in_a_spreadsheet(logged: tuple[Shop, str, dict[str, float]]) -> None:
    shop, id, _ = logged
    reply = shop.call("GET", f"/v1/experiments/{id}/export", params={"format": "csv", "table": "events"})
    assert [row["id"] for row in csv.DictReader(io.StringIO(reply.text))] == [f"'=e{n}" for n in range(5)]


def test_parquet_and_json_lines_say_the_same(logged: tuple[Shop, str, dict[str, float]], tmp_path: Path) -> None:
    shop, id, told = logged
    path = f"/v1/experiments/{id}/export"
    lines = shop.client.get(path, headers={"X-API-Key": shop.key}, params={"format": "jsonl"}).text.splitlines()
    file = io.BytesIO(shop.call("GET", path, params={"format": "parquet"}).content)
    table = pq.read_table(file).to_pylist()
    assert [json.loads(line)["id"] for line in lines] == [row["id"] for row in table]
    assert {row["id"]: row["propensity"] for row in table} == told
    assert all(row["at"].utcoffset().total_seconds() == 0 for row in table)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_file_is_written_whole_or_not_at_all(
    logged: tuple[Shop, str, dict[str, float]], tmp_path: Path, format: str
) -> None:
    shop, id, told = logged
    out = tmp_path / f"log.{format}"
    out.write_text("the old one")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    database = shop.services.database
    with pytest.raises(KeyboardInterrupt):
        write_file(database, "main", id, "decisions", format, out, stop)  # type: ignore[arg-type]
    assert out.read_text() == "the old one"
    assert write_file(database, "main", id, "decisions", format, out) == len(told)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_another_workspace_finds_nothing(logged: tuple[Shop, str, dict[str, float]], tmp_path: Path) -> None:
    shop, id, _ = logged
    with pytest.raises(NotFound):
        shop.services.store("elsewhere").tests.get(id)
    assert write_file(shop.services.database, "elsewhere", id, "decisions", "csv", tmp_path / "none.csv") == 0
