"""Photographs with exactly known alpha, made by laying rendered products over grounds: what cut-outs are judged on.

    python -m models.training.matting_set --out runs/matting --seed 1     # to look at them

Products: the pictures of ``render_cut_outs`` and the sample photographs with their true alpha. Grounds: paper, colour,
gradients, near-white, near-black and the plates. Light is mixed linearly, then noise and JPEG follow as in a camera.
Same seed, same bytes. No Blender needed.
"""

from __future__ import annotations

import argparse
import functools
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import pixels
from models.matting.edges import foreground_colours, local_ground
from models.types import Alpha, BytePixels, FloatPixels, ImageRequest

ROOT = Path(__file__).resolve().parents[2]
CUT_OUTS = Path(__file__).parent / "cut_outs"
SAMPLES = ROOT / "service" / "samples"
CLASSES = ("plain", "gradient", "textured", "glass", "leaves", "hole", "white on white", "dark on dark")
_OF_CLASS: dict[str, tuple[str, ...]] = {
    "plain": ("carton", "bottle", "dropper", "tea-top", "mug-front", "black-jar"),
    "gradient": ("bottle", "carton", "mug-front", "black-box", "oil", "tarnwell"),
    "textured": ("mug-front", "carton", "tarnwell", "bag", "herbs", "white-vase", "oil", "black-box"),
    "glass": ("tumbler", "wineglass", "dropper"),
    "leaves": ("herbs", "eucalyptus", "fern", "brush"),
    "hole": ("mug-front", "mug", "bag", "rack", "tarnwell"),
    "white on white": ("white-vase", "white-box"),
    "dark on dark": ("black-box", "black-jar"),
}
_PLATES = ("oak-linen-window", "garden-brick-terrace", "kitchen-marble-window", "street-concrete-steps",
           "forest-moss-pines", "bath-marble-zellige", "cafe-terrazzo-lobby", "beach-sand-sun")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A product without ground."""

    linear: FloatPixels  # (H, W, 3) straight, linear light
    alpha: Alpha


@dataclass(frozen=True, slots=True)
class Case:
    """One photograph and its truth."""

    name: str
    of_class: str
    product: str
    photo: BytePixels
    alpha: Alpha
    foreground: FloatPixels  # (H, W, 3) linear light, straight: the product's own colour


def pieces() -> tuple[str, ...]:
    """Names of all products that are here."""
    rendered = sorted(file.stem for file in CUT_OUTS.glob("*.webp"))
    return (*rendered, *_SAMPLE_FILES)


_SAMPLE_FILES = {
    "mug-front": ("kilnholt-mug/kilnholt-mug.jpg", "alpha.png"),
    "tarnwell": ("tarnwell-bottle/tarnwell-bottle.jpg", "alpha.png"),
    "oil": ("ambrune-oil/ambrune-oil.jpg", "alpha.png"),
    "tea": ("thistlemere-tea/thistlemere-tea.jpg", "alpha.png"),
    "tea-top": ("thistlemere-tea/thistlemere-tea-top.jpg", "alpha-top.png"),
}
_SAMPLE_PX = 640


@functools.cache
def piece(name: str) -> Piece:
    """One product. Raises KeyError for a name that is not in ``pieces()``."""
    if name not in pieces():
        raise KeyError(name)
    if name not in _SAMPLE_FILES:
        rgba = np.asarray(Image.open(CUT_OUTS / f"{name}.webp").convert("RGBA"))
        return Piece(pixels.to_linear(rgba[..., :3]), rgba[..., 3].astype(np.float32) / np.float32(255))
    file, truth = _SAMPLE_FILES[name]
    photo = np.asarray(Image.open(SAMPLES / file).convert("RGB"))
    mask = Image.open((SAMPLES / file).parent / "truth" / truth).convert("L")
    alpha = np.asarray(mask, dtype=np.float32) / np.float32(255)
    colour = pixels.to_linear(foreground_colours(photo, alpha, local_ground(photo, alpha)))
    return _resized(Piece(colour, alpha), (_SAMPLE_PX, _SAMPLE_PX))


def _resized(one: Piece, size_px: tuple[int, int]) -> Piece:
    """Through premultiplied light, so that no ground creeps in."""
    shrinks = size_px[0] < one.alpha.shape[1]
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    alpha = np.clip(cv2.resize(one.alpha, size_px, interpolation=kind), 0, 1).astype(np.float32)
    colour = cv2.resize(one.linear * one.alpha[..., None], size_px, interpolation=kind)
    return Piece(np.clip(colour / np.maximum(alpha, 1e-3)[..., None], 0, 1).astype(np.float32), alpha)


# --- grounds ---------------------------------------------------------------------------------------------------------


def _grid(size_px: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    width, height = size_px
    v, u = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return u.astype(np.float32), v.astype(np.float32)


def _paper(rng: np.random.Generator, size_px: tuple[int, int], low: float, high: float, tint: float) -> FloatPixels:
    """Even paper with a vignette, brightness between two display levels."""
    u, v = _grid(size_px)
    level = rng.uniform(low, high)
    colour = np.clip(level * (1.0 + tint * rng.uniform(-1, 1, 3)), 0.01, 0.985)
    shade = 1.0 - rng.uniform(0.0, 0.12) * (u * u + v * v) / 2 - rng.uniform(-0.04, 0.06) * v
    return np.asarray((colour**2.2)[None, None] * shade[..., None], dtype=np.float32)


def _gradient(rng: np.random.Generator, size_px: tuple[int, int]) -> FloatPixels:
    """From one colour to another over the frame, or a pool of light on a darker ground."""
    u, v = _grid(size_px)
    one, two = rng.uniform(0.55, 0.95, 3), rng.uniform(0.25, 0.8, 3)
    if rng.random() < 0.5:
        one, two = np.full(3, rng.uniform(0.8, 0.95)), np.full(3, rng.uniform(0.35, 0.6))
    turn = rng.uniform(0, 2 * np.pi)
    along = 0.5 + 0.5 * (u * np.cos(turn) + v * np.sin(turn)) / 1.2
    pool = np.exp(-((u - rng.uniform(-0.4, 0.4)) ** 2 + (v - rng.uniform(-0.3, 0.5)) ** 2) / rng.uniform(0.5, 1.2))
    share = np.clip(pool if rng.random() < 0.5 else along, 0, 1)[..., None]
    return np.asarray(share * one**2.2 + (1 - share) * two**2.2, dtype=np.float32)


@functools.cache
def _plate(name: str) -> FloatPixels:
    from models.registry import image_model

    painted = image_model("plates").paint(ImageRequest(words="", size_px=(1024, 1024), plate=name))
    backdrop = painted.backdrop
    return pixels.to_linear(pixels.encode(backdrop.linear, backdrop.curve))


def _textured(rng: np.random.Generator, size_px: tuple[int, int], index: int) -> FloatPixels:
    place = _plate(_PLATES[index % len(_PLATES)])
    if rng.random() < 0.5:
        place = place[:, ::-1]
    side = int(rng.uniform(0.75, 1.0) * place.shape[0])
    top, left = rng.integers(0, place.shape[0] - side + 1, 2)
    return np.asarray(cv2.resize(place[top : top + side, left : left + side], size_px, interpolation=cv2.INTER_AREA))


# --- photographs -----------------------------------------------------------------------------------------------------


def cases(seed: int, per_class: int = 4, classes: Sequence[str] = CLASSES) -> Iterator[Case]:
    """``per_class`` photographs of every class, products taking turns. Products that are not here are left out."""
    here = set(pieces())
    for of_class in classes:
        names = [name for name in _OF_CLASS[of_class] if name in here]
        for number in range(per_class if names else 0):
            rng = np.random.default_rng([seed, CLASSES.index(of_class), number])
            yield _case(of_class, names[(number + seed) % len(names)], number, seed, rng)


def _case(of_class: str, product: str, number: int, seed: int, rng: np.random.Generator) -> Case:
    size = (720, 720) if rng.random() < 0.5 else (880, 720)
    alpha, colour = _stood(piece(product), size, rng)
    if of_class == "textured":
        ground = _textured(rng, size, number + seed)
    elif of_class == "gradient" or (of_class in ("glass", "leaves", "hole") and rng.random() < 0.35):
        ground = _gradient(rng, size)
    elif of_class == "white on white":
        ground = _paper(rng, size, 0.90, 0.985, 0.01)
    elif of_class == "dark on dark":
        ground = _paper(rng, size, 0.10, 0.24, 0.10)
    else:
        ground = _paper(rng, size, 0.62, 0.95, 0.02 if rng.random() < 0.6 else 0.25)
    ground = ground * (1.0 - _shadow(alpha, rng))[..., None]
    light = pixels.over(colour, alpha, ground.astype(np.float32))
    photo = _photographed(light, rng)
    return Case(f"{of_class}-{number}-{product}", of_class, product, photo, alpha, colour)


def _stood(one: Piece, size_px: tuple[int, int], rng: np.random.Generator) -> tuple[Alpha, FloatPixels]:
    """The product somewhere in the frame, whole."""
    scale = rng.uniform(0.9, 1.3) * 560 / max(one.alpha.shape)
    flip = rng.random() < 0.5
    part = _resized(one, (round(one.alpha.shape[1] * scale), round(one.alpha.shape[0] * scale)))
    rows, columns = np.flatnonzero((part.alpha > 0).any(axis=1)), np.flatnonzero((part.alpha > 0).any(axis=0))
    cut = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    alpha, colour = part.alpha[cut], part.linear[cut]
    if flip:
        alpha, colour = alpha[:, ::-1], colour[:, ::-1]
    width, height = size_px
    if alpha.shape[0] > 0.9 * height or alpha.shape[1] > 0.9 * width:
        shrink = min(0.88 * height / alpha.shape[0], 0.88 * width / alpha.shape[1])
        smaller = _resized(
            Piece(colour.copy(), alpha.copy()), (int(alpha.shape[1] * shrink), int(alpha.shape[0] * shrink))
        )
        alpha, colour = smaller.alpha, smaller.linear
    left = round((width - alpha.shape[1]) * rng.uniform(0.3, 0.7))
    top = round((height - alpha.shape[0]) * rng.uniform(0.45, 0.8))
    here = (slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1]))
    plane, light = np.zeros((height, width), np.float32), np.zeros((height, width, 3), np.float32)
    plane[here], light[here] = alpha, colour
    return plane, light


def _shadow(alpha: Alpha, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) share of light taken away: dark where it touches, wide and faint beyond."""
    rows = np.flatnonzero((alpha > 0.3).any(axis=1))
    foot, height = rows[-1], rows[-1] - rows[0]
    lean, squash = rng.uniform(-0.7, 0.7), rng.uniform(0.10, 0.35)
    matrix = np.array([[1.0, -lean, lean * foot], [0.0, squash, foot * (1.0 - squash) - 0.01 * height]], np.float32)
    laid = cv2.warpAffine(alpha, matrix, alpha.shape[::-1])
    wide = cv2.GaussianBlur(laid, (0, 0), 0.06 * height + 1)
    contact = np.zeros_like(alpha)
    band = max(3, round(0.025 * height))
    contact[foot - band : foot + band] = alpha[foot - 2 * band : foot].max(axis=0)[None]
    contact = cv2.GaussianBlur(contact, (0, 0), 0.018 * height + 1)
    return np.clip(rng.uniform(0.15, 0.5) * wide + rng.uniform(0.3, 0.7) * contact, 0.0, 0.9).astype(np.float32)


def _photographed(light: FloatPixels, rng: np.random.Generator) -> BytePixels:
    """Lens softness, noise and JPEG."""
    soft = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 0.6))
    shown = pixels.to_srgb(soft).astype(np.float32)
    noise = rng.normal(0, rng.uniform(0.3, 2.2), (*light.shape[:2], 1)) + rng.normal(0, 0.4, light.shape)
    picture = np.clip(shown + noise + 0.5, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=int(rng.integers(82, 96)))
    return np.asarray(Image.open(buffer).convert("RGB"))


# --- measures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Errors:
    """How far a cut-out is from the truth."""

    sad_k: float  # sum of absolute differences of alpha, thousands of pixels
    mse: float  # mean squared difference over the frame
    iou: float  # of the masks at one half
    edge: float  # mean absolute difference in a band of 3 px around the true outline and where it is soft
    halo: float  # CIELAB distance in that band when laid on black, white and a strong colour, compared with the truth
    fault: float  # 1 and more: a person sees it, as a blob of 1.5 % of the product or as 4 % of its area in all


def errors(case: Case, alpha: Alpha, foreground: BytePixels) -> Errors:
    """Measure one cut-out against the truth."""
    off = np.abs(alpha - case.alpha)
    found, there = alpha > 0.5, case.alpha > 0.5
    kernel = np.ones((7, 7), np.uint8)
    outline = cv2.dilate(there.astype(np.uint8), kernel) - cv2.erode(there.astype(np.uint8), kernel) > 0
    band = outline | ((case.alpha > 0.02) & (case.alpha < 0.98))
    shades = []
    for ground in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.6, 0.02, 0.35)):
        back = np.broadcast_to(np.asarray(ground, np.float32), case.foreground.shape)
        mine = pixels.to_lab(pixels.to_srgb(pixels.over(pixels.to_linear(foreground), alpha, back)))
        true = pixels.to_lab(pixels.to_srgb(pixels.over(case.foreground, case.alpha, back)))
        shades.append(np.linalg.norm(mine - true, axis=-1))
    seen = np.mean(shades, axis=0)  # CIELAB, over the three grounds
    area = float((case.alpha > 0.02).sum())
    wrong = cv2.morphologyEx((seen > 20.0).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(wrong, connectivity=8)
    blob = float(stats[1:, cv2.CC_STAT_AREA].max()) if len(stats) > 1 else 0.0
    return Errors(
        sad_k=float(off.sum()) / 1000,
        mse=float((off**2).mean()),
        iou=float((found & there).sum() / max(int((found | there).sum()), 1)),
        edge=float(off[band].mean()),
        halo=float(seen[band].mean()),
        fault=max(float(np.maximum(seen - 5.0, 0.0).sum()) / area / 2.0, blob / area / 0.015),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-class", type=int, default=4)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for case in cases(options.seed, options.per_class):
        name = case.name.replace(" ", "-")
        Image.fromarray(case.photo).save(options.out / f"{name}.png")
        Image.fromarray(np.rint(case.alpha * 255).astype(np.uint8)).save(options.out / f"{name}-alpha.png")
        print(name)


if __name__ == "__main__":
    main()
