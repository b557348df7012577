"""Trains the two enlargers of the scene model: 4x with the layout (edges), then 4x without (details).

    python -m models.training.train_upsamplers --data data/sharp --run runs/enlarge --which edges --budget-minutes 10
    python -m models.training.train_upsamplers --data data/sharp --run runs/enlarge --which details --budget-minutes 10
    python -m models.training.train_upsamplers --run runs/enlarge --export models/weights/scene-model

``--data`` is a folder of cleanly rendered shards, 256 pixels or more (``render_scenes --size 256 --samples 16``). The
first learns from them at half size (32 to 128 px), the second at full size (64 to 256 px).
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from models.image.scene_nets import LAYOUT_CHANNELS, Enlarger

from .layout import Solid, draw
from .scene_data import is_held_out, read_labels, read_pictures, shards, view_of

FACTOR = 4
EDGE_SIZE = 128
SIZES = {"edges": {"n": 48, "n_mid": 32, "n_blocks": 5}, "details": {"n": 24, "n_mid": 16, "n_blocks": 3}}


@dataclass(frozen=True, slots=True)
class Targets:
    """Pictures to enlarge to, and their layouts where the enlarger takes one."""

    pictures: Tensor  # (N, 3, S, S) uint8
    layouts: Tensor | None  # (N, 4, S, S) uint8, 255 is wholly this part

    def __len__(self) -> int:
        return len(self.pictures)


def load(folder: Path, which: str) -> tuple[Targets, Targets]:
    """(to train on, held out)."""
    pictures, layouts, scenes = [], [], []
    for shard in shards(folder):
        found = read_pictures(shard)
        for row, picture in zip(read_labels(shard), found, strict=True):
            scenes.append(row["scene"])
            if which == "details":
                pictures.append(picture.transpose(2, 0, 1))
                continue
            small = Image.fromarray(picture).resize((EDGE_SIZE, EDGE_SIZE), Image.Resampling.BOX)
            pictures.append(np.asarray(small).transpose(2, 0, 1))
            solids = [Solid.from_json(s) for s in row["solids"]]
            drawn = draw(view_of(row), solids, row["floor_z"], row["back_y"], EDGE_SIZE, EDGE_SIZE, 2)
            layouts.append(np.round(drawn * 255).astype(np.uint8))
    aside = torch.from_numpy(is_held_out(np.array(scenes)))
    all_pictures = torch.from_numpy(np.stack(pictures))
    if which == "details":
        return Targets(all_pictures[~aside], None), Targets(all_pictures[aside], None)
    all_layouts = torch.from_numpy(np.stack(layouts))
    return Targets(all_pictures[~aside], all_layouts[~aside]), Targets(all_pictures[aside], all_layouts[aside])


def batch(data: Targets, n: int, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor | None]:
    """(small, large, layout) crops, half of them mirrored. The small ones carry soft noise, as the base model's do."""
    large, layouts = [], []
    whole = data.pictures.shape[-1]
    for _ in range(n):
        i = int(rng.integers(len(data)))
        x, y = (int(v) * 16 for v in rng.integers(0, (whole - size) // 16 + 1, size=2))
        mirror = rng.random() < 0.5
        cut = data.pictures[i, :, y : y + size, x : x + size]
        large.append(cut.flip(-1) if mirror else cut)
        if data.layouts is not None:
            part = data.layouts[i, :, y : y + size, x : x + size]
            layouts.append(part.flip(-1) if mirror else part)
    wanted = torch.stack(large).float() / 127.5 - 1
    small = F.interpolate(wanted, scale_factor=1 / FACTOR, mode="area")
    spread = torch.from_numpy(rng.uniform(0, 0.03, size=(n, 1, 1, 1))).float()
    coarse = torch.from_numpy(rng.normal(size=(n, 3, small.shape[-2] // 2, small.shape[-1] // 2))).float()
    noise = F.interpolate(coarse, scale_factor=2.0, mode="bilinear")
    fine = torch.from_numpy(rng.normal(size=tuple(small.shape))).float()
    small = small + spread * (0.6 * noise + 0.4 * fine)
    return small, wanted, torch.stack(layouts).float() / 255 if layouts else None


def loss_of(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error of pixels and, half as strong, of their differences to the right and below."""
    off = made - wanted
    across, down = (off[..., 1:] - off[..., :-1]).abs().mean(), (off[..., 1:, :] - off[..., :-1, :]).abs().mean()
    return off.abs().mean() + 0.5 * (across + down)


def decibels(made: Tensor, wanted: Tensor) -> float:
    """Mean peak signal-to-noise ratio, dB."""
    error = ((made.clamp(-1, 1) - wanted) / 2).pow(2).mean(dim=(1, 2, 3))
    return float((-10 * torch.log10(error.clamp(min=1e-9))).mean())


@torch.no_grad()
def measure(net: Enlarger, data: Targets, n: int = 24) -> tuple[float, float]:
    """dB of the enlarger and of plain bicubic enlargement, on held-out pictures."""
    wanted = data.pictures[:n].float() / 127.5 - 1
    small = F.interpolate(wanted, scale_factor=1 / FACTOR, mode="area")
    layouts = data.layouts[:n].float() / 255 if data.layouts is not None else None
    made = net(small, layouts).float()
    plain = F.interpolate(small, scale_factor=float(FACTOR), mode="bicubic", align_corners=False)
    return decibels(made, wanted), decibels(plain, wanted)


def open_net(path: Path, which: str) -> tuple[Enlarger, Enlarger, dict[str, float]]:
    net = Enlarger(has_layout=which == "edges", **SIZES[which]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(net).eval()
    record = {"step": 0.0, "seconds": 0.0}
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        record = state["record"]
    return net, average, record


def train(options: argparse.Namespace, which: str) -> None:
    path = options.run / f"{which}.pt"
    net, average, record = open_net(path, which)
    data, held_out = load(options.data, which)
    rng = np.random.default_rng([options.seed, int(record["step"])])
    optimiser = torch.optim.AdamW(net.parameters(), options.learning_rate, betas=(0.9, 0.98))
    budget, size = options.budget_minutes * 60, 128
    batch_size, last_note = options.batch, record["seconds"]
    layouts_used = LAYOUT_CHANNELS if data.layouts is not None else 0
    print(f"{which}: {len(data)} pictures, {len(held_out)} held out, {layouts_used} layout channels", file=sys.stderr)
    while record["seconds"] < budget:
        begun = time.process_time()
        left = 1 - record["seconds"] / budget
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * min(1.0, (record["step"] + 1) / 50, max(left * 2, 0.01))
        small, wanted, layout = batch(data, batch_size, min(size, data.pictures.shape[-1]), rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=not options.float32):
            made = net(small, layout)
        loss = loss_of(made.float(), wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        record["step"] += 1
        decay = min(0.999, (record["step"] + 1) / (record["step"] + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 1 - decay)
        record["seconds"] += time.process_time() - begun
        if record["seconds"] - last_note > 60 or record["seconds"] >= budget:
            last_note = record["seconds"]
            learned, plain = measure(average, held_out)
            record |= {"db": learned, "db_bicubic": plain}
            torch.save({"net": net.state_dict(), "average": average.state_dict(), "record": record}, path)
            print(
                f"{which} {record['seconds'] / 60:.1f} min  step {record['step']:.0f}  loss {float(loss.detach()):.4f}"
                f"  {learned:.2f} dB, bicubic {plain:.2f} dB",
                file=sys.stderr,
                flush=True,
            )


def export(run: Path, folder: Path) -> None:
    """Both averaged enlargers as half-precision safetensors."""
    for which in SIZES:
        _, average, _ = open_net(run / f"{which}.pt", which)
        average.half().save_pretrained(folder / which)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--which", choices=tuple(SIZES), default="edges")
    parser.add_argument("--budget-minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--float32", action="store_true", help="no bfloat16")
    parser.add_argument("--export", type=Path)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)
    if options.export:
        export(options.run, options.export)
        return 0
    train(options, options.which)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
