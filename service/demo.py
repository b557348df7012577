"""The main job, end to end, through the real HTTP API of a server that it starts: what ``make demo`` runs.

Products go in with one photograph each; copy, pictures, a running test and a report come out. Everything is drawn from
one seed; only the times differ from run to run.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from . import report
from .errors import InvalidInput, ServiceError
from .pages.charts import OTHERS
from .products import parse_product
from .sample_products import product_files as sample_files
from .visitors import Truth, Walk, draw_truth, shares, walk_through

Json = dict[str, Any]

CHANNELS = ("google_rsa", "meta_feed", "email")
FORMATS = ("square", "story", "landscape")
TESTED_FORMAT = "square"
PAINTED = (  # words for the scene model: one place a product
    "pale oak table, warm evening light from the left, plain cream wall",
    "sage green seamless studio sweep, soft light from the right",
    "white marble surface, soft window light from the left, grey plaster wall",
    "terracotta podium, warm sun from the right, peach wall",
)
PLATES_EACH = 4
VARIANTS = 8
HEADLINES, CALLS = 3, 2  # that are tested
HOLDOUT = 0.15  # of the visitors see every combination equally often: the yardstick of the uplift
START_S = 90.0
JOB_S = 1_800.0
KEPT = ("ADLOOM_WEIGHTS",)  # settings of the caller that the demo's server shares
LOOKS = 20  # looks at the result while the visitors walk


class DemoFailed(ServiceError):
    """The main job did not come through; the message says where."""


@dataclass(slots=True)
class Seconds:
    """Wall-clock seconds per step."""

    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.steps[step] = round(self.steps.get(step, 0.0) + time.monotonic() - started, 2)


@dataclass(frozen=True, slots=True)
class Item:
    """A product on its way through."""

    id: str
    file: Json
    photos: Mapping[str, bytes]  # file name -> bytes, the first is the one shown


def run(out: Path, *, visitors: int = 20_000, seed: int = 7, product_files: Sequence[Path] = ()) -> Path:
    """Run the main job and write ``index.html``, ``summary.json`` and ``pictures/`` into ``out``.

    Args:
        out: made if missing; what an earlier run wrote there is replaced, other files stay.
        visitors: simulated visitors of the test.
        seed: of texts, pictures, the visitors' truth and what they do.
        product_files: product files to use instead of the samples, photographs beside them.

    Returns:
        The path of ``summary.json``.

    Raises:
        DemoFailed, InvalidInput: a step that failed, in words.
    """
    console = Console(stderr=True)
    seconds = Seconds()
    items = _read(product_files or sample_files())
    _clear(out)
    with Server(out / "service") as server, Memory(server.pid) as memory, _bars(console) as bars:
        with seconds.of("start_server"):
            server.wait()
        with httpx.Client(base_url=server.address, headers={"X-API-Key": server.key}, timeout=300.0) as api:
            story = Story(api, out, seed, bars, seconds, _PlainLines(console))
            for item in items:
                story.import_product(item)
            story.make_everything(items)
            test = story.open_test(items)
            walk, truth, looks = story.let_visitors_walk(server.address, test, visitors)
            with seconds.of("report"):
                summary, context = story.sum_up(items, test, walk, truth, looks)
                context["plots"] = report.plots(context["experiment"])
    summary["seconds"] = seconds.steps
    summary["peak_rss_mb"] = round(memory.peak_mb, 1)
    summary["versions"] = _versions()
    context |= {
        "seconds": seconds.steps,
        "total_seconds": int(sum(seconds.steps.values())),
        "peak_rss_mb": memory.peak_mb,
        "versions": summary["versions"],
    }
    path = out / "summary.json"
    _write(path, json.dumps(summary, ensure_ascii=False, indent=1))
    _write(out / "index.html", report.render(context))
    console.print(f"[bold]done[/] in {sum(seconds.steps.values()):.0f} s: open {out / 'index.html'}")
    return path


# --- the story -----------------------------------------------------------------------------------------------------


class Story:
    """The steps, each a few requests. What it learns on the way it keeps for the report."""

    def __init__(
        self, api: httpx.Client, out: Path, seed: int, bars: Progress, seconds: Seconds, lines: _PlainLines
    ) -> None:
        self.api, self.out, self.seed, self.bars, self.seconds = api, out, seed, bars, seconds
        self.lines = lines
        self.copies: dict[str, dict[str, Json]] = {}  # product -> channel -> copy
        self.creatives: dict[str, list[Json]] = {}  # product -> creatives

    def import_product(self, item: Item) -> None:
        with self.seconds.of("import"):
            self._call("POST", "/v1/products", json={**item.file, "photos": []})
            for name, photo in item.photos.items():
                self._call("PUT", f"/v1/products/{item.id}/photos/{name}", content=photo)

    def make_everything(self, items: Sequence[Item]) -> None:
        """Copy for every channel, then every product in plates and a painted place, in every format.

        The words of one product are written while the pictures of the one before are made.
        """
        pictures = len(items) * (PLATES_EACH + 1) * len(FORMATS)
        copy_bar = self.bars.add_task("writing copy", total=len(items) * len(CHANNELS))
        picture_bar = self.bars.add_task("making pictures", total=pictures)
        with self.seconds.of("copy_and_pictures"):
            image_jobs: list[str] = []
            copy_job = self._ask_copy(items[0])
            for number, item in enumerate(items):
                self._wait([copy_job], (copy_bar, number * len(CHANNELS)), (picture_bar, image_jobs))
                self.copies[item.id] = self._copies(copy_job)
                if number + 1 < len(items):
                    copy_job = self._ask_copy(items[number + 1])
                image_jobs += self._ask_pictures(item, number)
            self._wait(image_jobs, (picture_bar, 0), (picture_bar, image_jobs))
        for item in items:
            self.creatives[item.id] = self._approve(item.id)

    def _ask_copy(self, item: Item) -> str:
        asked = {"product_ids": [item.id], "channels": list(CHANNELS), "variants": VARIANTS, "seed": self.seed}
        return str(self._call("POST", "/v1/copy/jobs", json=asked)["id"])

    def _copies(self, job: str) -> dict[str, Json]:
        """The copy of a finished job by channel."""
        done = [item["result_id"] for item in self._call("GET", f"/v1/jobs/{job}/items")["items"]]
        copies = [self._call("GET", f"/v1/copy/{id}") for id in done]
        return {copy["channel"]: copy for copy in copies}

    def _ask_pictures(self, item: Item, number: int) -> list[str]:
        """One job a place, each place with a headline and a call to action of its own."""
        plates = self._call("GET", f"/v1/products/{item.id}/scenes", params={"n": PLATES_EACH})
        if len(plates) < PLATES_EACH:
            raise DemoFailed(f"only {len(plates)} scenes suit the photograph of {item.id}")
        places: list[tuple[str, str | None]] = [(scene["id"], None) for scene in plates]
        places.append((PAINTED[number % len(PAINTED)], "scene-model"))
        lines = self._lines(item.id)
        jobs: list[str] = []
        for place, (scene, backend) in enumerate(places):
            asked = {
                "product_ids": [item.id],
                "scenes": [scene],
                "formats": list(FORMATS),
                "seeds": [self.seed],
                "backend": backend,
                "copy_id": self.copies[item.id]["google_rsa"]["id"],
                "headline": lines["headline"][place % len(lines["headline"])],
                "call_to_action": lines["call_to_action"][place % len(lines["call_to_action"])],
            }
            jobs.append(str(self._call("POST", "/v1/images", json=asked)["id"]))
        return jobs

    def _lines(self, product: str) -> dict[str, list[str]]:
        """What is set on the pictures: the headlines, and the first calls to action of the feed copy."""
        found: dict[str, list[str]] = {"headline": [], "call_to_action": []}
        for copy in self.copies[product].values():
            for line in copy["lines"]:
                if line["field"] in found and line["text"] not in found[line["field"]]:
                    found[line["field"]].append(line["text"])
        if not found["headline"]:
            raise DemoFailed(f"no headline for {product}")
        found["headline"] = found["headline"][:HEADLINES]
        found["call_to_action"] = found["call_to_action"][:CALLS] or ["Shop now"]
        return found

    def _wait(self, jobs: Sequence[str], bar: tuple[TaskID, int], other: tuple[TaskID, Sequence[str]]) -> None:
        """Until jobs are done, with two bars; an item that failed ends the demo with its reason.

        Args:
            bar: what the jobs count on, and what was counted before them.
            other: jobs that go on meanwhile, and their bar.
        """
        deadline = time.monotonic() + JOB_S
        while True:
            states = [self._call("GET", f"/v1/jobs/{job}") for job in jobs]
            others = states if other[1] is jobs else [self._call("GET", f"/v1/jobs/{job}") for job in other[1]]
            self.bars.update(bar[0], completed=bar[1] + sum(state["n_done"] for state in states))
            self.bars.update(other[0], completed=sum(state["n_done"] for state in others))
            self.lines.say(self.bars)
            if any(state["n_failed"] for state in [*states, *others]):
                raise DemoFailed("; ".join(self._reasons([*jobs, *other[1]])))
            if all(state["n_done"] == state["n_items"] for state in states):
                return
            if time.monotonic() > deadline:
                raise DemoFailed(f"jobs were not ready after {JOB_S:.0f} s")
            time.sleep(0.4)

    def _reasons(self, jobs: Sequence[str]) -> list[str]:
        items = [item for job in jobs for item in self._call("GET", f"/v1/jobs/{job}/items")["items"]]
        return sorted({str(item["reason"]) for item in items if item["state"] == "failed"})

    def _approve(self, product: str) -> list[Json]:
        """Approve what passed, keep the pictures beside the report."""
        with self.seconds.of("approve"):
            page = self._call("GET", "/v1/creatives", params={"product_id": product, "limit": 200})
            kept: list[Json] = []
            for creative in page["items"]:
                if not self._call("GET", f"/v1/creatives/{creative['id']}/receipt")["passed"]:
                    raise DemoFailed(f"receipt of {creative['id']} failed: the product was changed")
                approved = self._call("POST", f"/v1/creatives/{creative['id']}/approve")
                name = f"pictures/{product}-{creative['scene']['id']}-{creative['format']}.png"
                data = self.api.get(f"/v1/creatives/{creative['id']}/picture").raise_for_status().content
                _write(self.out / name, data)
                kept.append({**approved, "file": name})
            return sorted(kept, key=lambda creative: (creative["scene"]["id"], FORMATS.index(creative["format"])))

    def open_test(self, items: Sequence[Item]) -> Json:
        """A test over one product: every headline with every picture and every call to action."""
        with self.seconds.of("open_test"):
            product = items[self.seed % len(items)].id
            chosen = [creative["id"] for creative in self.creatives[product] if creative["format"] == TESTED_FORMAT]
            test = self._call(
                "POST",
                "/v1/experiments",
                json={
                    "name": f"{product}: headline x picture x call to action",
                    "creatives": chosen,
                    "combine": True,
                    "policy": {"kind": "factorial"},
                    "holdout": HOLDOUT,
                    "seed": self.seed,
                },
            )
            return cast(Json, self._call("POST", f"/v1/experiments/{test['id']}/start"))

    def let_visitors_walk(self, address: str, test: Json, n: int) -> tuple[Walk, Truth, list[Json]]:
        rng = np.random.default_rng([self.seed, 20_000])
        truth = draw_truth({arm["id"]: arm["levels"] for arm in test["arms"]}, rng)
        looks: list[Json] = []
        bar = self.bars.add_task("visitors", total=n)

        async def look(visitors: int) -> None:
            self.bars.update(bar, completed=visitors)
            self.lines.say(self.bars)
            if visitors % every == 0:
                found = await asyncio.to_thread(self._result, test["id"])
                looks.append({"visitors": visitors, "lift": found["policy_lift"]})

        every = max(100, n // LOOKS)
        with self.seconds.of("visitors"):
            step = max(1, min(100, every))
            every -= every % step
            walk = asyncio.run(
                walk_through(address, test["id"], test["publishable_key"], truth, n, rng, look=look, look_every=step)
            )
            self.bars.update(bar, completed=n)
        return walk, truth, looks

    def _result(self, test: str) -> Json:
        return cast(Json, self._call("GET", f"/v1/experiments/{test}/results")["result"])

    # --- what came of it ---------------------------------------------------------------------------------------------

    def sum_up(
        self, items: Sequence[Item], test: Json, walk: Walk, truth: Truth, looks: list[Json]
    ) -> tuple[Json, Json]:
        """The summary for machines and the context of the page for people."""
        answer = self._call("GET", f"/v1/experiments/{test['id']}/results")
        result, traffic = answer["result"], answer["traffic"]
        if traffic["decisions"] < len(walk.arms):
            raise DemoFailed(f"{len(walk.arms)} decisions were acknowledged, {traffic['decisions']} are in the log")
        looks.append({"visitors": len(walk.arms), "lift": result["policy_lift"]})
        painted = {
            creative["scene"]["id"]: creative["scene"]["words"]
            for made in self.creatives.values()
            for creative in made
            if creative["scene"]["plate"] is None
        }
        words = {arm["id"]: _words(arm, test, painted) for arm in test["arms"]}
        experiment = _experiment(test, result, traffic, walk, truth)
        summary: Json = {
            "products": [self._product(item) for item in items],
            "experiment": {**experiment, "words": words},
        }
        context: Json = {
            "products": [self._page_product(item) for item in items],
            "n_creatives": sum(len(made) for made in self.creatives.values()),
            "n_claims": sum(
                report.claims_of([{"claims": line["ledger"]["claims"]} for line in copy["lines"]])
                for copies in self.copies.values()
                for copy in copies.values()
            ),
            "n_refused": sum(len(copy["refused"]) for copies in self.copies.values() for copy in copies.values()),
            "experiment": _page_experiment(experiment, result, walk, truth, looks, words),
        }
        return summary, context

    def _product(self, item: Item) -> Json:
        return {
            "id": item.id,
            "copy": [_copy(copy) for copy in self.copies[item.id].values()],
            "creatives": [self._creative(item.id, creative) for creative in self.creatives[item.id]],
        }

    def _creative(self, product: str, creative: Json) -> Json:
        receipt = creative["receipt"]
        return {
            "id": creative["id"],
            "picture": creative["file"],
            "width_px": creative["width_px"],
            "height_px": creative["height_px"],
            "format": creative["format"],
            "scene": creative["scene"]["id"],
            "scene_words": creative["scene"]["words"],
            "image_backend": creative["image_provenance"]["backend"],
            "headline": creative["headline"],
            "call_to_action": creative["call_to_action"],
            "fidelity": {
                "max_abs_diff": receipt["max_abs_diff"],
                "checked_px": receipt["checked_px"],
                "resized": receipt["resized"],
            },
            "copy": _copy(self.copies[product]["google_rsa"]),
        }

    def _page_product(self, item: Item) -> Json:
        lines = [_page_line(channel, line) for channel, copy in self.copies[item.id].items() for line in copy["lines"]]
        refused = [
            {**_page_line(channel, line), "why": _why(line)}
            for channel, copy in self.copies[item.id].items()
            for line in copy["refused"][:6]
        ]
        return {
            "id": item.id,
            "title": item.file["title"],
            "facts": item.file["facts"],
            "photo": report.data_uri(next(iter(item.photos.values())), 560),
            "lines": lines,
            "refused": refused,
            "creatives": [
                {**self._creative(item.id, creative), "thumbnail": report.data_uri(self.out / creative["file"])}
                for creative in self.creatives[item.id]
            ],
        }

    def _call(self, method: str, path: str, **more: Any) -> Any:
        """One request; a problem becomes ``DemoFailed`` with its own words."""
        answer = self.api.request(method, path, **more)
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise DemoFailed(f"{method} {path}: {problem.get('detail') or answer.text[:300]} ({answer.status_code})")
        return answer.json() if answer.content else None


# --- shapes of the summary ----------------------------------------------------------------------------------------


def _copy(copy: Json) -> Json:
    fields: dict[str, list[str]] = {}
    for line in copy["lines"]:
        fields.setdefault(line["field"], []).append(line["text"])
    claims = [
        {"text": claim["text"], "type": claim["type"], "verdict": claim["verdict"], "evidence": claim["evidence"]}
        for line in copy["lines"]
        for claim in line["ledger"]["claims"]
    ]
    origins = {line["origin"] for line in copy["lines"]}
    return {
        "channel": copy["channel"],
        "fields": fields,
        "origin": "model" if origins == {"model"} else "composer",
        "origins": [line["origin"] for line in copy["lines"]],
        "claims": claims,
    }


def _experiment(test: Json, result: Json, traffic: Json, walk: Walk, truth: Truth) -> Json:
    lift = result["policy_lift"]
    return {
        "id": test["id"],
        "arms": [arm["id"] for arm in test["arms"]],
        "decisions": traffic["decisions"],
        "clicks": int(result["clicks"]),
        "uplift_vs_uniform": lift["lift_rel"],
        "uplift_interval": [lift["interval"]["low"], lift["interval"]["high"]],
        "uplift_sequence": [lift["sequence"]["low"], lift["sequence"]["high"]],
        "share_of_truly_best_arm_last_tenth": walk.share_of(truth.best_arm),
        "share_of_truly_best_arm_first_tenth": walk.share_of(truth.best_arm, 0.0)
        if len(walk.arms) < 10
        else walk.arms[: len(walk.arms) // 10].count(truth.best_arm) / (len(walk.arms) // 10),
        "truth": {
            "best_arm": truth.best_arm,
            "rates": dict(truth.rates),
            "uplift_vs_uniform": walk.uplift(truth),
        },
    }


def _in_words(sentence: str, words: Mapping[str, str]) -> str:
    """A sentence with arms called by what they show."""
    for arm, said in words.items():
        sentence = re.sub(rf"\b{re.escape(arm)}\b", f"“{said}”", sentence)
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith(".") else ".")


def _words(arm: Json, test: Json, scenes: Mapping[str, str]) -> str:
    """An arm in the words of its levels that vary; ``scenes`` names painted places, which have no id one would know."""
    levels = arm["levels"] or {}
    shown = []
    for factor, value in levels.items():
        if len(test["factors"].get(factor, ())) < 2:
            continue
        if factor == "picture":
            value = value.split(" in ", 1)[-1].rsplit(" (", 1)[0]
            value = scenes.get(value, value).split(",")[0]
        shown.append(value)
    return " · ".join(shown) or arm["id"]


def _page_experiment(
    experiment: Json, result: Json, walk: Walk, truth: Truth, looks: Sequence[Json], words: Mapping[str, str]
) -> Json:
    arms = sorted(result["arms"], key=lambda arm: -arm["exposures"])
    table = [
        {
            "arm": arm["arm"],
            "words": words[arm["arm"]],
            "exposures": int(arm["exposures"]),
            "clicks": int(arm["clicks"]),
            "rate": arm["sample_rate"],
            "believed": (arm["credible"]["low"] + arm["credible"]["high"]) / 2,
            "low": arm["credible"]["low"],
            "high": arm["credible"]["high"],
            "p_best": arm["probability_best"],
            "truth": truth.rates[arm["arm"]],
            "truly_best": arm["arm"] == truth.best_arm,
        }
        for arm in arms
    ]
    named = list(dict.fromkeys([truth.best_arm, *(arm["arm"] for arm in arms[:5])]))
    share = [{**row, "arm": words.get(row["arm"], row["arm"])} for row in shares(walk.arms, named, OTHERS)]
    uplift = [
        {
            "visitors": look["visitors"],
            "estimate": look["lift"]["lift_rel"],
            "low": look["lift"]["sequence"]["low"],
            "high": look["lift"]["sequence"]["high"],
        }
        for look in looks
        if look["lift"] and look["lift"]["lift_rel"] is not None
    ]
    return {
        **experiment,
        "table": table[:24],
        "shown_arms": min(report.SHOWN_ARMS, len(table)),
        "share": share,
        "uplift": uplift,
        "sentence": _in_words(result["verdict"]["reason"], words),
        "method": (
            "Thompson sampling on a factorised logistic model; every decision is drawn from the exact probability it "
            "logs. The uplift is the doubly robust estimate on those logged probabilities against an equal split over "
            "all arms; its band is a confidence sequence. What is believed of an arm is its 95 % posterior interval, "
            "which borrows from arms that share its headline, picture or call to action: with few clicks of its own an "
            "arm is believed nearer to them than its clicks alone would say."
        ),
    }


def _page_line(channel: str, line: Json) -> Json:
    from prompts.channels import channel as channel_facts
    from prompts.errors import PromptError

    limit = length = None
    try:
        field_facts = channel_facts(channel).field(line["field"])
        limit, length = field_facts.write_to, field_facts.length(line["text"])
    except PromptError:
        pass
    claims = line["ledger"]["claims"]
    evidence = list(dict.fromkeys(claim["evidence"] for claim in claims if claim["evidence"]))
    return {
        "channel": channel,
        "field": line["field"],
        "text": line["text"],
        "origin": line["origin"],
        "claims": claims,
        "evidence": "; ".join(evidence),
        "limit": limit,
        "length": len(line["text"]) if length is None else length,
    }


def _why(line: Json) -> str:
    bad = [f"“{c['text']}”: {c['reason'] or c['verdict']}" for c in line["ledger"]["claims"] if c["evidence"] is None]
    return "; ".join([*bad, *(finding["message"] for finding in line["findings"])]) or "a better line was kept"


# --- the server and the machine -----------------------------------------------------------------------------------


class Server:
    """``adloom serve`` as a child process on a free port, its data in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.key = f"demo_{secrets.token_urlsafe(24)}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "server.log"
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith("ADLOOM_") or key == "ADLOOM_WEIGHTS"
            },
            "ADLOOM_DATA_DIR": str(folder),
            "ADLOOM_PORT": str(port),
            "ADLOOM_ADMIN_KEY": self.key,
            "ADLOOM_JOB_WORKERS": "2",  # words on one core, pictures on the other
            "ADLOOM_THREADS": "1",
        }
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "service.cli", "serve"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.pid = self._process.pid

    def wait(self) -> None:
        """Until it is ready.

        Raises:
            DemoFailed: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise DemoFailed(f"the server ended: {self._log.read_text()[-2_000:]}")
            try:
                if httpx.get(f"{self.address}/readyz", timeout=5.0).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise DemoFailed(f"the server was not ready after {START_S:.0f} s; its log is {self._log}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Memory:
    """The largest resident memory of this process and the server's tree together, looked at four times a second."""

    def __init__(self, pid: int) -> None:
        self._pids, self._over = (os.getpid(), pid), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            self.peak_mb = max(self.peak_mb, self._now() / 2**20)

    def _now(self) -> int:
        total = 0
        for pid in self._pids:
            try:
                process = psutil.Process(pid)
                total += process.memory_info().rss
                if pid != os.getpid():
                    total += sum(child.memory_info().rss for child in process.children(recursive=True))
            except psutil.Error:
                continue
        return total

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class _PlainLines:
    """Progress for logs and pipes, where bars that redraw themselves stay silent to the end."""

    def __init__(self, console: Console, every_s: float = 10.0) -> None:
        self._console, self._every, self._said = console, every_s, time.monotonic()

    def say(self, bars: Progress) -> None:
        """One line of all that is under way, at most every ten seconds; nothing on a terminal."""
        if self._console.is_terminal or time.monotonic() - self._said < self._every:
            return
        self._said = time.monotonic()
        parts = (f"{task.description} {task.completed:.0f}/{task.total:.0f}" for task in bars.tasks)
        self._console.print("  ".join(parts), markup=False, highlight=False)


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _read(files: Sequence[Path]) -> list[Item]:
    items: list[Item] = []
    for path in files:
        data = path.read_bytes()
        product = parse_product(data)
        if not product.photos:
            raise InvalidInput("photos", f"{path.name} names no photograph")
        photos: dict[str, bytes] = {}
        for number, named in enumerate(product.photos):
            photo = path.parent / named.key
            if not photo.is_file():
                raise InvalidInput(f"photos.{number}", f"{path.name} names {named.key}, which is not beside it")
            photos[photo.name] = photo.read_bytes()
        items.append(Item(product.id, json.loads(data), photos))
    return items


def _clear(out: Path) -> None:
    """Take away what an earlier run wrote, nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("service", "pictures"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in ("index.html", "summary.json"):
        (out / name).unlink(missing_ok=True)


def _write(path: Path, data: str | bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    draft.replace(path)


def _versions() -> dict[str, str]:
    names = ("adloom", "torch", "transformers", "diffusers", "fastapi", "numpy", "pillow")
    return {name: metadata.version(name) for name in names} | {"python": sys.version.split()[0]}
