"""``adloom batch`` as a process: killed at any moment it goes on, and no finished picture is made again."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
N = 7


def packshot(path: Path, colour: tuple[int, int, int] = (30, 80, 120)) -> None:
    """A jar on a plain ground, drawn: straight sides, a round base seen from a little above."""
    v, u = np.mgrid[0:420, 0:420]
    body = (abs(u - 210) < 80) & (v > 110) & (v < 330 + 16 * np.sqrt(np.clip(1 - ((u - 210) / 80) ** 2, 0, 1)))
    shade = 1.0 - 0.35 * np.clip(abs(u - 190) / 90, 0, 1) ** 2
    picture = np.where(body[..., None], np.array(colour) * shade[..., None], 236.0)
    picture += np.random.default_rng(1).normal(0, 1.0, (420, 420, 1))
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)


def command(photos: Path, out: Path, *more: str) -> list[str]:
    wanted = ["--scenes", "podium-oak-sage", "--formats", "square", "--seeds", ",".join(map(str, range(N)))]
    return [sys.executable, "-m", "service.cli", "batch", str(photos), *wanted, "--out", str(out), "--json", *more]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def done_in(out: Path) -> dict[int, float]:
    """Position -> seconds of the pictures that are settled."""
    state = out / ".adloom" / "adloom.sqlite"
    if not state.exists():
        return {}
    try:
        with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as database:
            query = "select position, seconds from job_items where state = 'done' and job_id not like '%.look'"
            return {int(position): float(seconds) for position, seconds in database.execute(query)}
    except sqlite3.OperationalError:  # the tables are being made
        return {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_or_interrupted_the_same_command_goes_on_and_makes_nothing_twice(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "ads"
    photos.mkdir()
    packshot(photos / "Krug groß 茶.png")
    (photos / "empty.jpg").write_bytes(b"")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    known: dict[int, float] = {}
    for number, (kind, code) in enumerate(((signal.SIGKILL, -9), (signal.SIGINT, 130))):
        process = subprocess.Popen(
            command(photos, out, "--workers", "1"),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a runner in the background ignores it
        )
        while len(done_in(out)) < 1 + 2 * number:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.05)
        process.send_signal(kind)
        _, said = process.communicate(timeout=120)
        assert process.returncode == code, said
        now = done_in(out)
        assert len(now) < N
        assert {position: now[position] for position in known} == known
        known = now
    assert b"the same command goes on from here" in said
    last = run(command(photos, out, "--workers", "1"))
    assert last.returncode == 1, last.stderr  # the empty file is told
    after = done_in(out)
    assert {position: after[position] for position in known} == known
    record = json.loads(last.stdout)
    assert (record["counts"]["done"], record["counts"]["failed"]) == (N, 1)
    assert record["made_now"] == N - len(known)
    pictures = [item for item in record["items"] if item["status"] == "done"]
    assert all((out / item["picture"]).is_file() and item["receipt"]["max_abs_diff"] == 0 for item in pictures)
    assert {Path(item["picture"]).parent.name for item in pictures} == {"Krug groß 茶"}
    refused = next(item for item in record["items"] if item["status"] == "failed")
    assert (refused["photo"], "empty" in refused["reason"]) == ("empty.jpg", True)
    assert not list(out.rglob("*.part"))
    assert Image.open(out / "contact-sheet.jpg").width > 500
    rows = list(csv.DictReader(io.StringIO((out / "results.csv").read_text("utf-8-sig"))))
    assert len(rows) == N + 1
    (out / pictures[0]["picture"]).unlink()
    again = run(command(photos, out, "--workers", "2"))
    assert json.loads(again.stdout)["made_now"] == 1  # what somebody removed, and nothing else
    assert (out / pictures[0]["picture"]).is_file()


@pytest.mark.slow
def test_a_dry_run_tells_the_plan_and_what_cannot_be_used_and_makes_nothing(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "ads"
    photos.mkdir()
    packshot(photos / "jar.png")
    (photos / "empty.jpg").write_bytes(b"")
    answer = run(command(photos, out, "--dry-run"))
    assert answer.returncode == 0, answer.stderr
    assert "cannot use empty.jpg: " in answer.stderr
    assert json.loads(answer.stdout)["plan"]["n_items"] == N
    assert [path.name for path in out.iterdir()] == [".adloom"]
