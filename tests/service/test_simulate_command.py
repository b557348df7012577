"""``adloom simulate``: names, files, JSON, picture, and mistakes that are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app

RUN = CliRunner()


def test_the_list_has_a_line_for_each_scenario_with_what_is_to_be_reached() -> None:
    lines = RUN.invoke(app, ["simulate", "--list"]).stdout.splitlines()
    assert any(line.startswith("k10 ") and "0.12" in line for line in lines)
    assert len(lines) >= 12
    assert json.loads(RUN.invoke(app, ["simulate", "--list", "--json"]).stdout)[0]["impressions"] == 200_000


def test_a_run_says_regret_uplift_and_shares_as_json_and_draws_them(tmp_path: Path) -> None:
    png = tmp_path / "run.png"
    asked = ["simulate", "--scenario", "two", "--impressions", "8000", "--policy", "thompson", "--seeds", "2", "--json"]
    first = json.loads(RUN.invoke(app, [*asked, "--png", str(png)]).stdout)
    assert {"relative_regret", "standard_error", "uplift_rel", "oracle_uplift_rel", "arms", "runs"} <= set(first)
    assert first["runs"][0]["exposures"] == 8_000
    assert sum(arm["share"] for arm in first["arms"]) == pytest.approx(1.0)
    assert sum(arm["is_best"] for arm in first["arms"]) == 1
    assert png.read_bytes()[:4] == b"\x89PNG"
    again = json.loads(RUN.invoke(app, asked).stdout)
    assert again["relative_regret"] == first["relative_regret"]


def test_a_scenario_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("impressions = 4000\narms = {calm = 0.02, bold = 0.08}\n", encoding="utf-8")
    told = RUN.invoke(app, ["simulate", "--scenario", str(file)])
    assert told.exit_code == 0
    assert told.stdout.startswith("mine ")
    as_json = tmp_path / "mine.json"
    as_json.write_text(json.dumps({"arms": {"calm": 0.02, "bold": 0.08}, "impressions": 4000}), encoding="utf-8")
    assert RUN.invoke(app, ["simulate", "--scenario", str(as_json)]).stdout == told.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --scenario"),
        (["--scenario", "k11"], "k10"),
        (["--scenario", "k10", "--policy", "magic"], "thompson"),
        (["--scenario", "missing.toml"], "No such file"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments: list[str], message: str) -> None:
    told = RUN.invoke(app, ["simulate", *arguments])
    assert told.exit_code == 2
    assert message in told.stderr


def test_what_a_file_gets_wrong_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("armz = 3", encoding="utf-8")
    told = RUN.invoke(app, ["simulate", "--scenario", str(file)])
    assert told.exit_code == 2
    assert "unknown key 'armz'" in told.stderr
    file.write_text("arms = ", encoding="utf-8")
    assert "bad.toml" in RUN.invoke(app, ["simulate", "--scenario", str(file)]).stderr
