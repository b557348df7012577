"""Trains the scene model's UNet on rendered shards; stop it whenever you like, the same command continues.

    python -m models.training.train_scene_model --data data/scenes --run runs/scene --budget-minutes 60
    python -m models.training.train_scene_model --data data/scenes --run runs/scene --budget-minutes 240   # goes on
    python -m models.training.train_scene_model --data data/scenes --run runs/scene --export models/weights/scene-model

The budget counts computing minutes over the whole life of a run. Shards that appear while it trains are taken in. A
checkpoint written on a CPU continues on a GPU and the other way round. ``samples.png`` and ``loss.png`` in the run's
folder show how it goes.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from models.image.scene_nets import SceneUNet, velocity
from models.image.scene_sampling import sample
from models.image.vocabulary import vocabulary

from .layout import draw
from .scene_data import SHAPES, SceneSet, load
from .scene_grammar import build_podium, looking
from .until import deadline

DROP_ONE, DROP_ALL = (
    0.08,
    0.12,
)  # how often an attribute, or all of them, are left out, so that guidance has something to lean on
SHAPE_SHARES = (0.7, 0.15, 0.15)
EMA_LONGEST = 0.9995
SHEET: tuple[dict[str, str], ...] = tuple(
    dict(
        zip(
            (
                "surface",
                "surface_colour",
                "back",
                "back_colour",
                "podium",
                "podium_colour",
                "light",
                "side",
                "camera",
                "accent",
            ),
            row.split(),
            strict=True,
        )
    )
    for row in (
        "light_wood own wall sage none own soft left eye_level none",
        "dark_wood own forest own none own hard right eye_level none",
        "white_marble own wall pink round white soft right three_quarter none",
        "black_marble own wall charcoal none own hard left eye_level none",
        "painted pink sweep pink round pink softbox left three_quarter none",
        "painted cream sweep cream none own bars right eye_level none",
        "sand own wall terracotta square terracotta evening left three_quarter none",
        "light_wood own sea own none own evening right eye_level none",
        "linen cream plaster cream none own soft left three_quarter none",
        "linen navy none own none own dappled right top_down none",
        "concrete own plaster grey square white hard right eye_level none",
        "tile white wall sky_blue none own softbox left three_quarter none",
        "gloss_black own city_night own none own soft back eye_level none",
        "green_marble own interior_warm own steps yellow hard left three_quarter none",
        "light_wood own garden own none own dappled left eye_level greenery",
        "stone own window own none own evening back three_quarter christmas",
    )
)


@dataclass(slots=True)
class Run:
    """Everything a checkpoint holds."""

    net: SceneUNet
    average: SceneUNet
    optimiser: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0
    pictures: int = 0
    history: list[tuple[float, int, float, float]] | None = None  # minutes, step, training loss, held-out loss

    def save(self, path: Path) -> None:
        part = path.with_suffix(".part")
        torch.save(
            {
                "config": dict(self.net.config),
                "net": self.net.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "pictures": self.pictures,
                "history": self.history,
            },
            part,
        )
        part.rename(path)


def new_net(**sizes: int) -> SceneUNet:
    values = vocabulary().values
    return SceneUNet(tuple(values), tuple(len(v) for v in values.values()), **sizes)


def open_run(path: Path, device: str, learning_rate: float, sizes: dict[str, int]) -> Run:
    """The run in a checkpoint, or a new one."""
    state: dict[str, Any] | None = torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None
    if state:
        keys = ("stem", "middle", "deep", "blocks", "n_condition", "n_part")
        sizes = {key: state["config"][key] for key in keys}
    net = new_net(**sizes).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(net.parameters(), learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    run = Run(net, copy.deepcopy(net).eval(), optimiser, history=[])
    if state:
        net.load_state_dict(state["net"])
        run.average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        run.step, run.seconds, run.pictures = state["step"], state["seconds"], state["pictures"]
        run.history = [tuple(row) for row in state["history"]]
    return run


def begin_with(run: Run, folder: Path) -> None:
    """Give a new run the net of an exported one; its optimiser starts afresh."""
    shipped = SceneUNet.from_pretrained(folder / "unet", torch_dtype=torch.float32)
    run.net.load_state_dict(shipped.state_dict())
    run.average.load_state_dict(shipped.state_dict())


def null_values() -> Tensor:
    return torch.tensor([len(v) for v in vocabulary().values.values()])


def batch(data: SceneSet, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (n, 3, h, w) -1 to 1, values (n, attributes), layouts (n, 4, h, w) 0 to 1; half of them mirrored."""
    side = list(vocabulary().values).index("side")
    names = vocabulary().values["side"]
    left, right = names.index("left"), names.index("right")
    crops = data.crops[int(rng.choice(len(SHAPES), p=SHAPE_SHARES))]
    which = rng.integers(len(data), size=n)
    crop = rng.integers(crops.pictures.shape[1], size=n)
    pictures, layouts = crops.pictures[which, crop], crops.layouts[which, crop]
    values = data.values[which].copy()
    mirrored = rng.random(n) < 0.5
    pictures[mirrored] = pictures[mirrored][..., ::-1]
    layouts[mirrored] = layouts[mirrored][..., ::-1]
    sides = values[mirrored, side]
    values[mirrored, side] = np.where(sides == left, right, np.where(sides == right, left, sides))
    return (
        torch.from_numpy(pictures).float() / 127.5 - 1,
        torch.from_numpy(values),
        torch.from_numpy(layouts).float() / 255,
    )


def forget(values: Tensor, generator: torch.Generator) -> Tensor:
    """Leave out some attributes of some pictures."""
    one = torch.rand(values.shape, generator=generator) < DROP_ONE
    everything = torch.rand(values.shape[0], 1, generator=generator) < DROP_ALL
    return torch.where(one | everything, null_values(), values)


def flow_loss(
    net: SceneUNet, clean: Tensor, time_: Tensor, noise: Tensor, values: Tensor, layouts: Tensor, fast: bool
) -> Tensor:
    """Mean squared error of the velocity, a number a picture.

    Source: Liu, Gong, Liu, "Flow Straight and Fast", 2022; the network predicts the clean picture, as in Li and He,
    "Back to Basics: Let Denoising Generative Models Denoise", 2025.
    """
    t = time_[:, None, None, None]
    x = (1 - t) * clean + t * noise
    with torch.autocast(clean.device.type, torch.bfloat16, enabled=fast):
        predicted = net(x, time_, values, layouts)
    return ((velocity(predicted.float(), x, time_) - (noise - clean)) ** 2).mean(dim=(1, 2, 3))


@torch.no_grad()
def held_out_loss(net: SceneUNet, data: SceneSet, device: str, fast: bool, n: int = 128) -> float:
    """The same noise and times at every call, so that two calls can be compared."""
    generator = torch.Generator().manual_seed(5)
    crops = data.crops[0]
    which = np.linspace(0, len(data) - 1, min(n, len(data))).astype(int)
    clean = torch.from_numpy(crops.pictures[which, 0]).float() / 127.5 - 1
    layouts = torch.from_numpy(crops.layouts[which, 0]).float() / 255
    values = torch.from_numpy(data.values[which])
    times = torch.linspace(0.05, 0.95, len(which))[torch.randperm(len(which), generator=generator)]
    noise = torch.randn(clean.shape, generator=generator)
    losses = [
        flow_loss(net, *(v[i : i + 32].to(device) for v in (clean, times, noise, values, layouts)), fast=fast)
        for i in range(0, len(which), 32)
    ]
    return float(torch.cat(losses).mean())


def sheet_inputs(device: str) -> tuple[Tensor, Tensor]:
    """Values and layouts of the fixed sheet of sixteen."""
    words = vocabulary().values
    values, layouts = [], []
    for i, row in enumerate(SHEET):
        rng = np.random.default_rng(i)
        floor_z, solids = build_podium(rng, row["podium"])
        elevation, height = {"eye_level": (9.0, 0.76), "three_quarter": (27.0, 0.68), "top_down": (72.0, 0.56)}[
            row["camera"]
        ]
        view = looking(elevation, 0, 1.8, 0.75, (0.5, height))
        layouts.append(draw(view, solids, floor_z, 0.6, 32, 32, 4))
        values.append([words[name].index(row[name]) for name in words])
    return torch.tensor(values, device=device), torch.from_numpy(np.stack(layouts)).to(device)


def write_samples(run: Run, folder: Path, device: str) -> None:
    values, layouts = sheet_inputs(device)
    pictures = sample(run.average, values, layouts, null_values().to(device), steps=8, guidance=2.5, seed=1)
    tiles = ((pictures.clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).cpu().numpy()
    sheet = Image.new("RGB", (8 * 130, 2 * 130))
    for i, tile in enumerate(tiles):
        image = Image.fromarray(tile).resize((128, 128), Image.Resampling.BICUBIC)
        sheet.paste(image, (i % 8 * 130, i // 8 * 130))
    sheet.save(folder / "samples.png")
    sheet.save(folder / f"samples-{run.seconds / 60:05.1f}.png")


def write_curve(history: list[tuple[float, int, float, float]], path: Path) -> None:
    """Training (grey) and held-out (black) loss against minutes."""
    if len(history) < 2:
        return
    image = Image.new("RGB", (640, 360), "white")
    pen = ImageDraw.Draw(image)
    minutes = np.array([row[0] for row in history])
    losses = np.array([row[2:4] for row in history])
    low, high = float(losses.min()), float(np.quantile(losses, 0.98))
    xs = 40 + (minutes - minutes[0]) / max(float(np.ptp(minutes)), 1e-6) * 580
    for column, colour in ((0, "#999999"), (1, "#000000")):
        ys = 330 - np.clip((losses[:, column] - low) / max(high - low, 1e-6), 0, 1) * 300
        pen.line([(float(x), float(y)) for x, y in zip(xs, ys, strict=True)], fill=colour, width=2)
    pen.text(
        (40, 340),
        f"{minutes[0]:.1f} to {minutes[-1]:.1f} computing minutes; loss {low:.3f} to {high:.3f}",
        fill="black",
    )
    image.save(path)


def train(run: Run, options: argparse.Namespace) -> None:
    """Until the budget is spent."""
    device, fast = options.device, not options.float32
    values = vocabulary().values
    data, held_out = load(options.data, values)
    rng = np.random.default_rng([options.seed, run.step])
    generator = torch.Generator().manual_seed(options.seed * 1_000_003 + run.step)
    clock = time.process_time if device == "cpu" else time.monotonic
    budget, cooldown = options.budget_minutes * 60, options.cooldown_minutes * 60
    smooth = run.history[-1][2] if run.history else None
    last_note = last_load = run.seconds
    wall = time.monotonic()
    stop_at = deadline(options.until, wall)
    history = run.history if run.history is not None else []
    print(
        f"{len(data)} pictures to train on, {len(held_out)} held out, from step {run.step}", file=sys.stderr, flush=True
    )
    while run.seconds < budget and time.monotonic() < stop_at:
        begun = clock()
        rate = options.learning_rate * min(1.0, (run.step + 1) / 100)
        if cooldown:
            rate *= float(np.clip((budget - run.seconds) / cooldown, 0.02, 1.0))
        for group in run.optimiser.param_groups:
            group["lr"] = rate
        clean, wanted, layouts = batch(data, options.batch, rng)
        wanted = forget(wanted, generator)
        times = torch.sigmoid(torch.randn(len(clean), generator=generator) + 0.2)
        noise = torch.randn(clean.shape, generator=generator)
        losses = flow_loss(run.net, *(v.to(device) for v in (clean, times, noise, wanted, layouts)), fast=fast)
        loss = losses.mean()
        run.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(run.net.parameters(), 1.0)
        run.optimiser.step()
        run.step += 1
        run.pictures += len(clean)
        decay = min(EMA_LONGEST, (run.step + 1) / (run.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(run.average.parameters()), list(run.net.parameters()), 1 - decay)
        now = float(loss.detach())
        smooth = now if smooth is None else 0.98 * smooth + 0.02 * now
        run.seconds += clock() - begun
        if run.seconds - last_note > options.note_minutes * 60 or run.seconds >= budget:
            last_note = run.seconds
            history.append((run.seconds / 60, run.step, smooth, held_out_loss(run.average, held_out, device, fast)))
            run.save(options.run / "last.pt")
            write_samples(run, options.run, device)
            write_curve(history, options.run / "loss.png")
            print(
                f"{run.seconds / 60:6.1f} min (wall {(time.monotonic() - wall) / 60:.1f})  step {run.step}"
                f"  loss {smooth:.4f}  held out {history[-1][3]:.4f}  {run.pictures / run.seconds:.0f} pictures/s",
                file=sys.stderr,
                flush=True,
            )
        if run.seconds - last_load > options.reload_minutes * 60:
            last_load = run.seconds
            data, held_out = load(options.data, values)
            print(f"{len(data)} pictures now", file=sys.stderr, flush=True)
    run.save(options.run / "last.pt")


def export(run: Run, folder: Path) -> None:
    """The averaged net as half-precision safetensors, in diffusers' layout."""
    copy.deepcopy(run.average).half().save_pretrained(folder / "unet")
    record = {
        "steps": run.step,
        "computing_minutes": round(run.seconds / 60, 1),
        "pictures_seen": run.pictures,
        "history": [[round(float(v), 4) for v in row] for row in (run.history or [])[-3:]],
    }
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--budget-minutes", type=float, default=60)
    parser.add_argument(
        "--cooldown-minutes", type=float, default=0, help="let the learning rate fall over the last minutes"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=8e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true", help="no bfloat16")
    parser.add_argument("--note-minutes", type=float, default=2)
    parser.add_argument("--reload-minutes", type=float, default=6, help="take in new shards this often")
    parser.add_argument("--until", help="stop at this time of day, HH:MM")
    parser.add_argument(
        "--start-from", type=Path, help="exported weights a new run starts from, such as the ones shipped"
    )
    parser.add_argument("--export", type=Path, help="only write the weights of the run to this folder")
    for name, size in (
        ("stem", 32),
        ("middle", 64),
        ("deep", 128),
        ("blocks", 1),
        ("n-condition", 192),
        ("n-part", 24),
    ):
        parser.add_argument(f"--{name}", type=int, default=size)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)
    sizes = {name: getattr(options, name) for name in ("stem", "middle", "deep", "blocks", "n_condition", "n_part")}
    run = open_run(options.run / "last.pt", options.device, options.learning_rate, sizes)
    if options.start_from and not run.step:
        begin_with(run, options.start_from)
    if options.export:
        export(run, options.export)
        return 0
    train(run, options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
