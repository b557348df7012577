"""Measures the scene model against pictures it never saw, and prints one table.

    python -m models.training.evaluate_scene_model --data data/scenes --work runs/judge --out measured.json

Every picture is judged at the size the model paints in (32 pixels). Generated pictures get the attributes and the
layout of held-out renders, so that the columns answer the same questions:

- *renders*: a small classifier, trained on training renders, reads each attribute from held-out renders;
- *generated*: the same classifier on generated pictures; *shuffled*: the same pictures against somebody else's wishes;
- without a judge: how far a part's mean colour is from the render's, and whether the same half is the brighter one;
- Frechet distance in the classifier's features, beside a floor (training renders against held-out ones) and two
  baselines (one blurred mean picture; renders moved by a quarter of the picture);
- distance to the nearest training picture, generated beside held-out: much smaller would mean memorised;
- seconds and memory for a finished picture.

Not measured here: product pairs and how much product grows outside a mask; this model is never shown a product.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import linalg, ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from models.image.scene_model import WEIGHTS, SceneModel, SceneModelPipeline
from models.image.vocabulary import vocabulary
from models.pixels import to_bytes, to_lab
from models.types import ImageRequest

from .layout import BACK, FLOOR, TOP
from .scene_data import SceneSet, load
from .scene_grammar import draw_scene

COLOURS = ("surface_colour", "back_colour", "podium_colour")
READ = ("surface", "back", "podium", "light", "side", "camera", "accent", *COLOURS)
N_FEATURES = 48
TIMED_WORDS = "white marble counter, sage green wall, soft light from the left"


class Judge(nn.Module):
    """Reads attributes from a 32-pixel picture: four convolution stages, one answer an attribute."""

    def __init__(self, n_values: list[int], n: int = 32) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for n_in, n_out in ((5, n), (n, 2 * n), (2 * n, 3 * n), (3 * n, 4 * n)):
            stages += [
                nn.Conv2d(n_in, n_out, 3, stride=1 if n_in == 5 else 2, padding=1),
                nn.BatchNorm2d(n_out),
                nn.ReLU(),
            ]
            stages += [nn.Conv2d(n_out, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU()]
        self.stages = nn.Sequential(*stages)
        self.squeeze = nn.Linear(4 * n * 16, N_FEATURES)
        self.answers = nn.ModuleList([nn.Linear(N_FEATURES, k) for k in n_values])

    def features(self, pictures: Tensor) -> Tensor:
        """(B, 3, 32, 32) -1 to 1, to (B, N_FEATURES)."""
        b, _, h, w = pictures.shape
        down = torch.linspace(-1, 1, h)[None, None, :, None].expand(b, 1, h, w)
        across = torch.linspace(-1, 1, w)[None, None, None].expand(b, 1, h, w)
        out: Tensor = self.squeeze(self.stages(torch.cat([pictures, down, across], 1)).flatten(1))
        return out

    def forward(self, pictures: Tensor) -> list[Tensor]:
        found = F.dropout(F.relu(self.features(pictures)), 0.2, self.training)
        return [answer(found) for answer in self.answers]


def as_pictures(raw: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(raw).float() / 127.5 - 1


def train_judge(data: SceneSet, minutes: float, path: Path, seed: int = 0) -> Judge:
    """A judge trained on training renders only, kept in ``path``."""
    values = vocabulary().values
    judge = Judge([len(values[name]) for name in values])
    if path.exists():
        judge.load_state_dict(torch.load(path, weights_only=True))
        return judge.eval()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=0.05)
    pictures, side = data.crops[0].pictures, list(values).index("side")
    left, right = values["side"].index("left"), values["side"].index("right")
    begun, budget = time.process_time(), minutes * 60
    while (spent := time.process_time() - begun) < budget:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * max(0.02, 1 - spent / budget)
        which, crop = rng.integers(len(data), size=64), rng.integers(pictures.shape[1], size=64)
        x, y = as_pictures(pictures[which, crop]), torch.from_numpy(data.values[which].copy())
        flip = torch.from_numpy(rng.random(64) < 0.5)
        x = torch.where(flip[:, None, None, None], x.flip(-1), x) + 0.03 * torch.randn_like(x)
        sides = y[:, side].clone()
        y[:, side] = torch.where(flip & (sides == left), right, torch.where(flip & (sides == right), left, sides))
        loss = torch.stack([F.cross_entropy(a, y[:, i]) for i, a in enumerate(judge(x))]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    torch.save(judge.state_dict(), path)
    return judge.eval()


@torch.no_grad()
def agreement(judge: Judge, pictures: Tensor, values: NDArray[np.int64]) -> dict[str, float]:
    """Share of pictures in which the judge reads what was asked for; colours only where a colour was asked for."""
    answers = judge(pictures)
    words = vocabulary().values
    asked = torch.from_numpy(values)
    found = {}
    for name in READ:
        i = list(words).index(name)
        counts = (
            asked[:, i] != words[name].index("own") if name in COLOURS else torch.ones(len(asked), dtype=torch.bool)
        )
        found[name] = float((answers[i].argmax(1) == asked[:, i])[counts].float().mean())
    return found


def frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Frechet distance of two clouds of features (N, D).

    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule ...", 2017.
    """
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(linalg.sqrtm(ca @ cb))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * root))


def nearest(pictures: Tensor, training: Tensor) -> NDArray[np.float64]:
    """Root mean squared distance of each picture to its nearest training picture, display units 0 to 1."""
    a, b = pictures.flatten(1) / 2, training.flatten(1) / 2
    return torch.cdist(a, b).min(dim=1).values.numpy().astype(np.float64) / np.sqrt(a.shape[1])


def generate(folder: Path, held_out: SceneSet, seed: int, steps: int, guidance: float) -> Tensor:
    """One picture for every held-out row, from its attributes and layout."""
    pipeline = SceneModelPipeline.load(folder)
    nothing = torch.tensor([len(v) for v in vocabulary().values.values()])
    values = torch.from_numpy(held_out.values)
    layouts = torch.from_numpy(held_out.crops[0].layouts[:, 0]).float() / 255
    parts = [
        pipeline(values[i : i + 32], layouts[i : i + 32], nothing, steps, guidance, seed + i)
        for i in range(0, len(values), 32)
    ]
    return torch.cat(parts).clamp(-1, 1)


def seconds_and_memory(folder: Path) -> dict[str, float]:
    """Wall and computing seconds of a 512-pixel picture (median of three), and the process's peak memory."""
    model = SceneModel(folder, "cpu")
    model.paint(ImageRequest(TIMED_WORDS, (512, 512), seed=0, candidates=4))
    wall, cpu = [], []
    for seed in range(3):
        begun, computing = time.monotonic(), time.process_time()
        model.paint(ImageRequest(TIMED_WORDS, (512, 512), seed=seed, candidates=4))
        wall.append(time.monotonic() - begun)
        cpu.append(time.process_time() - computing)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall_s": float(np.median(wall)), "cpu_s": float(np.median(cpu)), "peak_mb": peak}


def write_sheet(folder: Path, path: Path, guidance: float, seed: int = 2024, tile_px: int = 192) -> None:
    """Sixteen pictures of random wishes, none chosen."""
    model = SceneModel(folder, "cpu")
    sheet = Image.new("RGB", (8 * tile_px, 2 * tile_px))
    for i in range(16):
        attributes = draw_scene(seed, i).shots[0].attributes
        request = ImageRequest("", (512, 512), seed=i, attributes=attributes, candidates=4, guidance=guidance)
        backdrop = model.paint(request).backdrop
        picture = Image.fromarray(to_bytes(backdrop.curve.to_display(backdrop.linear)))
        sheet.paste(picture.resize((tile_px, tile_px), Image.Resampling.LANCZOS), (i % 8 * tile_px, i // 8 * tile_px))
    sheet.save(path, optimize=True)


def colour_distance(pictures: Tensor, real: Tensor, layouts: NDArray[np.uint8]) -> dict[str, float]:
    """Median CIELAB distance of a part's mean colour to the render with the same wish."""
    found = {}
    for name, part in (("floor", FLOOR), ("background", BACK), ("podium", TOP)):
        whole = torch.from_numpy(layouts[:, part] > 242)[:, None]
        enough = whole.sum(dim=(1, 2, 3)) >= 10
        labs = []
        for batch in (pictures, real):
            mean = (batch * whole).sum(dim=(2, 3)) / whole.sum(dim=(2, 3)).clamp(min=1)
            shown = ((mean[enough].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()
            labs.append(to_lab(shown[:, None])[:, 0])
        found[name] = float(np.median(np.linalg.norm(labs[0] - labs[1], axis=-1)))
    return found


def sides_agree(pictures: Tensor, real: Tensor, values: NDArray[np.int64]) -> float:
    """Share of pictures lit from left or right whose brighter half is the brighter half of the render; chance is .5."""
    side = values[:, list(vocabulary().values).index("side")]
    names = vocabulary().values["side"]
    counts = np.isin(side, [names.index("left"), names.index("right")])
    slopes = [
        (b[..., :16].mean(dim=(1, 2, 3)) - b[..., 16:].mean(dim=(1, 2, 3))).numpy()[counts] for b in (pictures, real)
    ]
    return float((np.sign(slopes[0]) == np.sign(slopes[1])).mean())


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    cost = seconds_and_memory(options.weights)  # first, before the data takes memory
    training, held_out = load(options.data, vocabulary().values)
    options.work.mkdir(parents=True, exist_ok=True)
    judge = train_judge(training, options.judge_minutes, options.work / "judge.pt")
    real = as_pictures(held_out.crops[0].pictures[:, 0])
    made = generate(options.weights, held_out, options.seed, options.steps, options.guidance)
    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(held_out))
    shuffled = held_out.values[order]
    some = rng.permutation(len(training))[: len(real)]
    seen = as_pictures(training.crops[0].pictures[some, 0])
    mean = torch.from_numpy(ndimage.gaussian_filter(real.mean(0).numpy(), (0, 2, 2)))[None].expand_as(real)
    with torch.no_grad():
        features = {
            name: judge.features(pictures).numpy().astype(np.float64)
            for name, pictures in {
                "held_out": real,
                "floor": seen,
                "generated": made,
                "blurred_mean": mean + 1e-3 * torch.randn(mean.shape, generator=torch.Generator().manual_seed(0)),
                "moved": real.roll(8, dims=-2),
            }.items()
        }
    everything = as_pictures(training.crops[0].pictures[:, 0])
    return {
        "pictures": {"training": len(training), "held_out": len(held_out)},
        "agreement": {
            "renders": agreement(judge, real, held_out.values),
            "generated": agreement(judge, made, held_out.values),
            "shuffled": agreement(judge, made, shuffled),
        },
        "frechet": {
            name: frechet(cloud, features["held_out"]) for name, cloud in features.items() if name != "held_out"
        },
        "colour_distance": {
            "generated": colour_distance(made, real, held_out.crops[0].layouts[:, 0]),
            "shuffled": colour_distance(made[torch.from_numpy(order)], real, held_out.crops[0].layouts[:, 0]),
        },
        "brighter_half_agrees": sides_agree(made, real, held_out.values),
        "judge_minutes": options.judge_minutes,
        "nearest_training_rms": {
            "held_out": float(np.median(nearest(real, everything))),
            "generated": float(np.median(nearest(made, everything))),
        },
        "picture_512": cost,
    }


def table(found: dict[str, Any]) -> str:
    rows = found["agreement"]
    lines = [
        f"{found['pictures']['held_out']} held-out pictures, {found['pictures']['training']} training pictures",
        "",
        "| attribute read by the judge | held-out renders | generated | shuffled | generated / renders |",
        "|---|---|---|---|---|",
    ]
    for name in READ:
        a, b, c = (rows[column][name] for column in ("renders", "generated", "shuffled"))
        lines.append(f"| {name} | {a:.2f} | {b:.2f} | {c:.2f} | {b / max(a, 1e-6):.2f} |")
    close, far = found["colour_distance"]["generated"], found["colour_distance"]["shuffled"]
    lines += [
        "",
        "Mean colour of a part, CIELAB distance to the render with the same wish (shuffled): "
        + ", ".join(f"{part} {close[part]:.1f} ({far[part]:.1f})" for part in close),
        f"Brighter half as in the render, light from left or right: {found['brighter_half_agrees']:.2f} (chance 0.50)",
    ]
    f, d, s = found["frechet"], found["nearest_training_rms"], found["picture_512"]
    lines += [
        "",
        f"Frechet distance: generated {f['generated']:.1f}; floor {f['floor']:.1f}; "
        f"renders moved down {f['moved']:.1f}; blurred mean {f['blurred_mean']:.1f}",
        f"Nearest training picture (median RMS): generated {d['generated']:.3f}, held-out renders {d['held_out']:.3f}",
        f"512 x 512, four candidates: {s['wall_s']:.2f} s ({s['cpu_s']:.2f} CPU-s), peak memory {s['peak_mb']:.0f} MB",
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--work", type=Path, required=True, help="where the judge is kept")
    parser.add_argument("--out", type=Path, help="write the numbers as JSON too")
    parser.add_argument("--sheet", type=Path, help="write sixteen random samples as PNG")
    parser.add_argument("--judge-minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    found = evaluate(options)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    if options.sheet:
        write_sheet(options.weights, options.sheet, options.guidance)
    print(table(found))
    print(f"written to {options.out}" if options.out else "", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
