"""The composer against rendered truth: how far from the real thing the ground beside the product is.

A pair (``models.training.render_pairs``) is one place rendered with and without a product, and the product photographed
on white. The product is laid where it really stood, so that only the ground is judged. "ours" leaves the place's white
balance alone, as the truth has it; "matched" moves it, and is compared with the truth moved by the same gain.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models import pixels
from models.finish import relight
from models.image.plates import load_backdrop
from models.matting.given import cut_out_with_mask
from models.types import Backdrop, CutOut
from service.images.compose import Body, Composition, compose, lay_product
from service.images.contact import bounds, find_base
from service.images.placement import Placement, landing, true_scale, whole_pixels
from service.images.sizes import CLEAR_PASSES

NEAR = 60 / 1024  # of the picture's width, from the product's edge
Picture = NDArray[np.uint8]
WAYS = ("paste", "ellipse", "ours", "matched")


@dataclass(frozen=True)
class Pair:
    name: str
    told: dict[str, Any]
    backdrop: Backdrop
    empty: Picture
    truth: Picture
    again: Picture
    mask: NDArray[np.float32]
    cut_out: CutOut


def read(folder: Path) -> Pair:
    told = json.loads((folder / "pair.json").read_text("utf-8"))
    photo = np.asarray(Image.open(folder / "photo.png").convert("RGB"))
    matte = np.asarray(Image.open(folder / "photo-mask.png").convert("L"))
    shown = [np.asarray(Image.open(folder / name).convert("RGB")) for name in ("truth.png", "again.png")]
    backdrop = load_backdrop(folder / "plate")
    mask = np.asarray(Image.open(folder / "mask.png").convert("L"), dtype=np.float32) / 255
    empty = pixels.encode(backdrop.linear, backdrop.curve)
    cut_out = cut_out_with_mask(photo, matte.astype(np.float32) / 255)
    return Pair(folder.name, told, backdrop, empty, shown[0], shown[1], mask, cut_out)


def where_it_stood(pair: Pair) -> Placement:
    """The placement that lays the photograph over the rendered product."""
    outer, there = bounds(pair.cut_out.alpha), bounds(pair.mask)
    scale = float(
        np.sqrt((there[2] - there[0]) / (outer[2] - outer[0]) * (there[3] - there[1]) / (outer[3] - outer[1]))
    )
    wide, tall = scale * (outer[2] - outer[0]), scale * (outer[3] - outer[1])
    middle = (there[0] + there[2]) / 2
    box = (middle - wide / 2, there[3] - tall, middle + wide / 2, float(there[3]))
    size = pair.backdrop.camera.size_px
    photo_box, product_box = whole_pixels(pair.cut_out.alpha.shape, outer, box, scale, size)
    height = pair.told["size_m"][2] if find_base(pair.cut_out.alpha).is_from_above else None
    return Placement(size, (0, 0, size[0], size[1]), photo_box, product_box, (0.0, 0.0), scale, height)


def composed(pair: Pair, where: Placement, *, match_light: bool = True) -> Composition:
    body = Body(CLEAR_PASSES if pair.told["kind"] == "glass" else 0.0)
    return compose(pair.cut_out, pair.backdrop, where, seed=1, body=body, match_light=match_light)


def pasted(pair: Pair, where: Placement, ground: Picture | None = None) -> Picture:
    laid = lay_product(pair.cut_out, where)
    picture = (pair.empty if ground is None else ground).copy()
    left, top, right, bottom = laid.box
    there = picture[top:bottom, left:right]
    a = laid.alpha[..., None]
    picture[top:bottom, left:right] = np.rint(laid.edge * a + there * (1 - a)).astype(np.uint8)
    return picture


def with_ellipse(pair: Pair, where: Placement) -> Picture:
    """What a hurried hand does: a dark blurred ellipse under the product."""
    left, _, right, bottom = where.product_box
    cover = np.zeros(pair.mask.shape, np.float32)
    half = (right - left) / 2
    cv2.ellipse(
        cover, (int((left + right) / 2), int(bottom - 0.1 * half)), (int(half), int(0.3 * half)), 0, 0, 360, 1, -1
    )
    cover = cv2.GaussianBlur(cover, (0, 0), 0.18 * half)[..., None]
    return pasted(pair, where, np.rint(pair.empty * (1 - 0.5 * cover)).astype(np.uint8))


def near_error(picture: Picture, pair: Pair, covered: NDArray[np.float32], truth: Picture | None = None) -> float:
    """Mean LAB distance beside the product; its own pixels and one beside them are left out."""
    reach = round(NEAR * picture.shape[1])
    product = cv2.dilate(((covered > 0) | (pair.mask > 0)).astype(np.uint8), np.ones((3, 3), np.uint8))
    around = cv2.dilate(product, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    ring = (around > 0) & (product == 0)
    off = pixels.to_lab(picture) - pixels.to_lab(pair.truth if truth is None else truth)
    return float(np.linalg.norm(off, axis=-1)[ring].mean())


def judge(pair: Pair) -> tuple[dict[str, float], list[Picture]]:
    where = where_it_stood(pair)
    begun = time.process_time()
    matched = composed(pair, where)
    spent = time.process_time() - begun
    ours = composed(pair, where, match_light=False)
    shown = {"paste": pasted(pair, where), "ellipse": with_ellipse(pair, where), "ours": ours.pixels}
    figures = {way: near_error(picture, pair, ours.product_alpha) for way, picture in shown.items()}
    figures["matched"] = near_error(matched.pixels, pair, ours.product_alpha, moved(pair, where))
    figures["noise"] = near_error(pair.again, pair, ours.product_alpha)
    figures["CPU-s"] = spent
    return figures | stance(pair, where), [shown["paste"], ours.pixels, pair.truth]


def moved(pair: Pair, where: Placement) -> Picture:
    """The truth with the white balance that the composer would give the place."""
    laid = lay_product(pair.cut_out, where)
    gain = relight.balance(laid.photo, laid.alpha, pair.backdrop.ball_rgb).gain
    linear = pair.backdrop.curve.to_linear(pair.truth.astype(np.float32) / np.float32(255))
    return pixels.encode(relight.apply_gain(linear, gain), pair.backdrop.curve)


def stance(pair: Pair, where: Placement) -> dict[str, float]:
    """How far the product would land from where it really stood, were it placed by its own photograph."""
    base, outer = find_base(pair.cut_out.alpha), bounds(pair.cut_out.alpha)
    landed = landing(base, outer, pair.backdrop.camera, (0.0, 0.0), where.scale)
    there = bounds(pair.mask)
    size = pair.told["size_m"]
    true = true_scale(base, outer, pair.backdrop.camera, (0.0, 0.0), size[2], max(size[:2]))
    return {
        "foot px": landed[3] - there[3],
        "middle px": (landed[0] + landed[2] - there[0] - there[2]) / 2,
        "size": (true or np.nan) / where.scale,
        "elevation": base.view_angle_deg - pair.told["photo_deg"],
        "sure": base.confidence,
    }


def report(folder: Path, sheet: Path | None, only: list[str]) -> None:
    found = sorted(path.parent for path in folder.glob("*/pair.json"))
    rows, strips = [], []
    for path in found:
        if only and path.name not in only:
            continue
        pair = read(path)
        figures, pictures = judge(pair)
        rows.append((pair, figures))
        strips.append((pair.name, pictures, figures))
        named = "  ".join(f"{key} {value:.2f}" for key, value in figures.items())
        print(f"{pair.name:36} {pair.told['camera_class']:13} {named}")
    if not rows:
        print(f"no pairs in {folder}")
        return
    table(rows, "camera class", lambda pair: pair.told["camera_class"])
    table(rows, "kind", lambda pair: pair.told["kind"])
    table(rows, "all", lambda pair: "all")
    if sheet:
        save(strips, sheet)


def table(rows: list[tuple[Pair, dict[str, float]]], title: str, by: Callable[[Pair], str]) -> None:
    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    for pair, figures in rows:
        groups[by(pair)].append(figures)
    columns = [*WAYS, "noise", "CPU-s"]
    print(f"\n{title:16}{'n':>3}" + "".join(f"{c:>17}" for c in columns))
    for name, all_figures in sorted(groups.items()):
        means = [float(np.mean([f[c] for f in all_figures])) for c in columns]
        print(f"{name:16}{len(all_figures):3}" + "".join(f"{m:17.2f}" for m in means))


def save(strips: list[tuple[str, list[Picture], dict[str, float]]], path: Path, cell: int = 300) -> None:
    """Each pair as paste, ours and truth, cut to the product's surroundings."""
    columns = 2
    rows = -(-len(strips) // columns)
    sheet = Image.new("RGB", (columns * (3 * cell + 12), rows * (cell + 20)), "white")
    pen = ImageDraw.Draw(sheet)
    for n, (name, pictures, figures) in enumerate(strips):
        x, y = (n % columns) * (3 * cell + 12), (n // columns) * (cell + 20)
        pen.text((x + 2, y + 3), f"{name}  paste {figures['paste']:.2f}  ours {figures['ours']:.2f}", fill="black")
        for k, picture in enumerate(pictures):
            h, w = picture.shape[:2]
            cut = Image.fromarray(picture).crop((round(0.16 * w), round(0.3 * h), round(0.84 * w), round(0.98 * h)))
            sheet.paste(cut.resize((cell - 2, cell - 2), Image.Resampling.LANCZOS), (x + k * cell, y + 20))
    sheet.save(path)
