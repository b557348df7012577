"""What a policy would earn: simulated worlds whose truth is known."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .base import AsJson, fail, say, show

if TYPE_CHECKING:
    from experiments import PolicySpec, Scenario, SimulationResult

app = typer.Typer()

POLICIES = ("best", "uniform", "thompson", "top_two", "factorial")


@app.command()
def simulate(
    scenario: Annotated[str | None, typer.Option(help="Name (--list shows them), or a TOML or JSON file.")] = None,
    policy: Annotated[str, typer.Option(help=f"One of {', '.join(POLICIES)}; best is what we recommend.")] = "best",
    seed: Annotated[int, typer.Option(help="Same seed, same world and same chance.", min=0)] = 0,
    seeds: Annotated[int, typer.Option(help="How many seeds, from --seed on.", min=1, max=1000)] = 1,
    impressions: Annotated[int | None, typer.Option(help="Length of the run, in thousands rounded.", min=1000)] = None,
    floor: Annotated[float, typer.Option(help="Least part of the traffic spread evenly.", min=0, max=1)] = 0.05,
    scale: Annotated[float | None, typer.Option(help="Fixed exploration scale; default: falls to the end.")] = None,
    score: Annotated[float | None, typer.Option(help="Content score that correlates so with the truth.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write a picture of the first seed's run.", dir_okay=False)] = None,
    list_: Annotated[bool, typer.Option("--list", help="Scenarios, one line each.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a policy serve a world whose truth is known: regret, uplift and traffic shares.

    Relative regret is 0 for always the best arm and 1 for an equal split.

    Examples:

    adloom simulate --list

    adloom simulate --scenario combos --policy factorial --seed 3 --json --png run.png

    adloom simulate --scenario my-world.toml --seeds 10
    """
    from experiments import SCENARIOS

    if list_:
        _list(as_json)
        return
    if scenario is None:
        fail(f"give --scenario: a file, or one of {', '.join(SCENARIOS)}", 2)
    if policy not in POLICIES:
        fail(f"no policy {policy!r}; here: {', '.join(POLICIES)}", 2)
    chosen = _scenario(scenario, impressions)
    results, trace = [], _Trace(chosen.n_batches, f"{chosen.name}, seed {seed}")
    for number in range(seeds):
        keep = trace if number == 0 else _Trace(chosen.n_batches, f"{chosen.name}, seed {seed + number}")
        results.append(_run(chosen, policy, seed + number, floor, scale, score, keep))
    found = _summary(results, trace, policy, floor)
    if png is not None:
        _write_png(png, trace, results[0])
        found["png"] = str(png)
    if as_json:
        show(found)
        return
    for result in results:
        typer.echo(
            f"{result.scenario:14} {result.policy:10} seed {result.seed:<4} regret {result.relative_regret:.3f}  "
            f"uplift {result.uplift_rel:+.1%} of {result.oracle_uplift_rel:+.1%}  best arm's share at the end "
            f"{result.share_of_best[-1]:.0%}  {result.clicks:,.0f} successes in {result.exposures:,.0f}"
        )
    if seeds > 1:
        typer.echo(f"mean regret {found['relative_regret']:.3f}, standard error {found['standard_error']:.3f}")
    for arm in trace.top_arms():
        typer.echo(
            f"  {arm['arm']:40} true rate {arm['rate']:.3%}  share {arm['share']:.1%}, at the end {arm['last']:.1%}"
        )


def _list(as_json: bool) -> None:
    from experiments import SCENARIOS

    if as_json:
        show(
            [
                {"name": s.name, "summary": s.summary, "impressions": s.n_batches * 1_000, "target": s.target}
                for s in SCENARIOS.values()
            ]
        )
        return
    for s in SCENARIOS.values():
        target = "" if s.target is None else f"  regret to reach: {s.target:.2f}"
        typer.echo(f"{s.name:14} {s.summary} ({s.n_batches},000 impressions){target}")


def _scenario(name: str, impressions: int | None) -> Scenario:
    """A scenario by name or from a file, with another length if one is given."""
    from dataclasses import replace

    from experiments import SCENARIOS, ExperimentError, scenario_from, scenario_named

    path = Path(name)
    try:
        if name not in SCENARIOS and path.suffix in (".toml", ".json"):
            chosen = scenario_from(_read(path), path.stem)
        else:
            chosen = scenario_named(name)
    except ExperimentError as error:
        fail(str(error), 2)
    return chosen if impressions is None else replace(chosen, n_batches=max(round(impressions / 1_000), 1))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        fail(f"{path}: {error.strerror}", 2)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        fail(f"{path}: {error}", 2)
    if not isinstance(found, dict):
        fail(f"{path}: a scenario is a table of names and values", 2)
    return found


def _run(
    chosen: Scenario, policy: str, seed: int, floor: float, scale: float | None, score: float | None, trace: _Trace
) -> SimulationResult:
    from dataclasses import replace

    from experiments import ExperimentError, best_policy, make_world, run

    try:
        world = make_world(chosen, seed)
        spec: PolicySpec = best_policy(world)
        if policy != "best":
            spec = replace(spec, kind=policy)  # type: ignore[arg-type]
        trace.arms = [arm.id for arm in world.experiment.arms]
        trace.segment_shares = world.segment_shares
        spec = replace(spec, scale=scale)
        return run(chosen, spec, seed, floor, score_correlation=score, watch=trace)
    except ExperimentError as error:
        fail(str(error), 2)


class _Trace:
    """What happened in a run, batch by batch; says how far it is every two seconds."""

    def __init__(self, n_batches: int, name: str) -> None:
        self.n_batches, self.name = n_batches, name
        self.arms: list[str] = []
        self.segment_shares: Any = None
        self.shares: list[Any] = []  # (K,) per batch
        self.earned: list[tuple[float, float, float]] = []  # served, equal split, best
        self.rates: Any = None  # (K,), at the end
        self._started = self._said = time.monotonic()

    def __call__(self, batch: int, served: Any, rates: Any, clicked: Any) -> None:
        import numpy as np

        weight = self.segment_shares
        self.shares.append(weight @ served)
        known = np.nan_to_num(rates)
        got = float(weight @ (served * known).sum(axis=1))
        even, best = float(weight @ np.nanmean(rates, axis=1)), float(weight @ np.nanmax(rates, axis=1))
        self.earned.append((got, even, best))
        self.rates = weight @ known
        now = time.monotonic()
        if now - self._said > 2.0:
            self._said = now
            done = (batch + 1) / self.n_batches
            left = (now - self._started) * (1.0 - done) / done
            say(f"  {self.name}: {done:.0%}, about {left:.0f} s left")

    def top_arms(self, n: int = 5) -> list[dict[str, Any]]:
        """The arms with most traffic in the last tenth, and the truly best one."""
        import numpy as np

        shares = np.array(self.shares)
        last = shares[-max(len(shares) // 10, 1) :].mean(axis=0)
        best = int(self.rates.argmax())
        order = [int(k) for k in np.argsort(-last, kind="stable")[:n]]
        if best not in order:
            order.append(best)
        return [
            {
                "arm": self.arms[k],
                "rate": float(self.rates[k]),
                "share": float(shares[:, k].mean()),
                "last": float(last[k]),
                "is_best": k == best,
            }
            for k in order
        ]


def _summary(results: list[SimulationResult], trace: _Trace, policy: str, floor: float) -> dict[str, Any]:
    from dataclasses import asdict
    from statistics import fmean, stdev

    regrets = [result.relative_regret for result in results]
    error = stdev(regrets) / len(regrets) ** 0.5 if len(regrets) > 1 else None
    return {
        "scenario": results[0].scenario,
        "policy": results[0].policy,
        "asked": policy,
        "floor": floor,
        "relative_regret": fmean(regrets),
        "standard_error": error,
        "uplift_rel": fmean(result.uplift_rel for result in results),
        "oracle_uplift_rel": fmean(result.oracle_uplift_rel for result in results),
        "arms": trace.top_arms(10),
        "runs": [asdict(result) for result in results],
    }


def _write_png(path: Path, trace: _Trace, result: SimulationResult) -> None:
    from service.pages.simulated import run_png

    top = trace.top_arms()
    at = {arm: k for k, arm in enumerate(trace.arms)}
    rows = [(arm["arm"], [float(share[at[arm["arm"]]]) for share in trace.shares]) for arm in top]
    best = next(arm["arm"] for arm in top if arm["is_best"])
    try:
        path.write_bytes(run_png(rows, trace.earned, best=best, title=_title(result)))
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def _title(result: SimulationResult) -> str:
    return (
        f"{result.scenario}, {result.policy}, seed {result.seed}: {result.uplift_rel:+.0%} over an equal split "
        f"(the best possible: {result.oracle_uplift_rel:+.0%}), regret {result.relative_regret:.2f}"
    )
