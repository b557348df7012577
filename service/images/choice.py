"""Which places of the scene library suit a product: its camera first, then what it is, then as unlike as can be.

The photograph's camera decides whether a place is believable at all (``placement.fits``). Among the believable ones
those of the product's trade come first, feasts and nurseries last, and every next place is the one that differs most
from those chosen already: another family, another side of the light, other colours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models import pixels
from service.domain import Photo, Product, Scene

from .placement import Fit

SEASONAL = frozenset({"autumn", "christmas", "lunar_new_year", "summer", "valentine"})
ONLY_FOR: Mapping[str, frozenset[str]] = {  # nothing else belongs there
    "nursery": frozenset({"baby", "toys"}),
    "bathroom": frozenset({"baby", "beauty", "fashion", "health", "home", "jewellery"}),
}
NEUTRAL = frozenset({"studio", "podium", "geometric"})  # suit any product

TRADES: Mapping[str, str] = {  # category of the scene library -> words of categories and titles that mean it
    "baby": "baby babies infant toddler pram stroller nappy pacifier 母婴 婴儿",
    "beauty": "beauty skincare skin cosmetic cosmetics perfume fragrance serum cream lotion soap shampoo hair makeup "
    "lipstick facial bath candle diffuser balm 美妆 护肤 香水 化妆品",
    "books": "book books novel diary notebook stationery journal 图书 文具",
    "drinks": "drink drinks beverage tea coffee juice wine beer water bottle mug cup glass tumbler carafe kettle "
    "teapot thermos flask tableware 饮料 茶 咖啡 杯 马克杯 水壶",
    "electronics": "electronics audio speaker headphones earbuds phone camera laptop tablet charger watch smartwatch "
    "keyboard lamp projector cable 电子 耳机 音箱 手机",
    "fashion": "fashion clothing apparel shoe shoes sneaker boots bag handbag wallet scarf hat belt sunglasses wallet "
    "backpack 服装 鞋 包",
    "food": "food grocery snack chocolate honey jam spread sauce oil vinegar pasta spice tea coffee biscuit cereal "
    "tableware plate bowl pan pot 食品 零食 茶",
    "garden": "garden outdoor plant planter pot succulent fern cactus flower soil seed watering 园艺 植物",
    "gifts": "gift gifts present box set jewellery candle 礼物 礼品",
    "health": "health vitamin vitamins supplement wellness medicine pharmacy protein 健康 保健",
    "home": "home decor furniture bedding lamp candle vase cushion blanket rug frame planter plant mug bowl 家居",
    "jewellery": "jewellery jewelry ring necklace earring earrings bracelet watch 首饰 珠宝",
    "kitchen": "kitchen cookware tableware kettle pan pot knife mug cup bowl plate teapot toaster blender 厨房 餐具",
    "office": "office desk stationery pen pencil notebook organiser keyboard 办公",
    "sports": "sport sports fitness outdoor cycling running yoga climbing hiking flask bottle dumbbell ball 运动 户外",
    "toys": "toy toys game puzzle doll lego plush blocks 玩具",
}
_WORD = re.compile(r"[a-z]+|[\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place of the library and how the product's photograph fits into it."""

    scene: Scene
    fit: Fit
    is_too_dark: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The places chosen, best first, and how many there were to choose from."""

    scenes: tuple[Scene, ...]
    n_believable: int


@dataclass(frozen=True, slots=True)
class PhotoLook:
    """What one photograph is like."""

    photo: Photo
    problem: str | None  # why it cannot be used
    view_angle_deg: float = 0.0
    uncertainty: float = 0.0
    needs_review: bool = False
    n_products: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What a product's photographs are like, and the places that suit them."""

    photos: tuple[PhotoLook, ...]
    scenes: tuple[Scene, ...]
    n_believable: int  # places to choose from


def trades_of(product: Product) -> frozenset[str]:
    """Categories of the scene library that a product belongs to: by its own category, else by its title."""
    own = _trades(product.category or "")
    return own or _trades(product.title)


def choose(product: Product, candidates: Sequence[Candidate], n: int, seed: int = 0) -> Choice:
    """The n places that suit best and differ most.

    Doubtful cameras come in only where there is no believable one at all: better few places than wrong ones.

    Args:
        candidates: of the library, in any order.
        seed: decides between equals.
    """
    trades = trades_of(product)
    believable = [one for one in candidates if one.fit is Fit.BELIEVABLE]
    open_to = believable or [one for one in candidates if one.fit is Fit.DOUBTFUL]
    fitting = [one for one in open_to if _belongs(one.scene, trades)]
    rng = np.random.default_rng([seed, *product.id.encode()[:16]])
    waiting = [(one, _merit(one, trades) + 0.2 * float(rng.random())) for one in sorted(fitting, key=_id)]
    chosen: list[Scene] = []
    while waiting and len(chosen) < n:
        scores = [merit - _likeness(one.scene, chosen) for one, merit in waiting]
        chosen.append(waiting.pop(int(np.argmax(scores)))[0].scene)
    return Choice(tuple(chosen), len(fitting))


def _id(one: Candidate) -> str:
    return one.scene.id


def _belongs(scene: Scene, trades: frozenset[str]) -> bool:
    allowed = ONLY_FOR.get(scene.family)
    return allowed is None or bool(allowed & trades)


def _merit(one: Candidate, trades: frozenset[str]) -> float:
    """Higher suits better; differences of 1 outweigh any variety."""
    scene, merit = one.scene, 0.0
    if trades and not trades & set(scene.categories) and scene.family not in NEUTRAL:
        merit -= 3.0
    if scene.family in SEASONAL:
        merit -= 6.0
    if one.is_too_dark:
        merit -= 9.0
    return merit


def _likeness(scene: Scene, chosen: Sequence[Scene]) -> float:
    """How much a place repeats those chosen, 0 not at all."""
    if not chosen:
        return 0.0
    n_family = sum(other.family == scene.family for other in chosen)
    n_surface = sum(other.surface == scene.surface for other in chosen)
    n_side = sum(other.light_side == scene.light_side for other in chosen)
    nearest = min(_apart(scene.palette, other.palette) for other in chosen)
    return 0.9 * n_family + 0.35 * n_surface + 0.6 * n_side / len(chosen) + 0.8 * float(np.exp(-nearest / 12.0))


def _apart(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    """Mean CIELAB distance of two palettes, each colour to its nearest."""
    if not a or not b:
        return 100.0
    distances = np.linalg.norm(_lab(a)[:, None] - _lab(b)[None], axis=-1)
    return float((distances.min(axis=1).mean() + distances.min(axis=0).mean()) / 2)


@cache
def _lab(palette: tuple[str, ...]) -> NDArray[np.float32]:
    rgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in palette], np.uint8)
    return np.asarray(pixels.to_lab(rgb[None])[0], dtype=np.float32)


def _trades(text: str) -> frozenset[str]:
    words = set(_WORD.findall(text.lower()))
    words |= {word[:-1] for word in words if word.endswith("s")}
    joined = text.lower()
    found = set()
    for trade, meant in TRADES.items():
        known = meant.split()
        if words & {trade, *known} or any(not word.isascii() and word in joined for word in known):
            found.add(trade)
    return frozenset(found)
