"""Backends that paint *around* a product: what they are asked, what they answer, and which try is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from models.types import Alpha, BytePixels, Provenance

GROWN = 0.01  # of the product's area; a try with more is made again
SEED_STEP = 7_919  # from one try to the next, so that seeds side by side stay apart


@dataclass(frozen=True, slots=True)
class FillRequest:
    """A canvas with the product in its place, and what is to be around it."""

    words: str  # "walnut table by a window, warm evening light"
    canvas: BytePixels  # (H, W, 3) sRGB, the product on a plain ground
    keep: Alpha  # (H, W) 1 is product: never painted, 0 is to be painted
    seed: int = 0
    steps: int | None = None  # None: as the family wants
    guidance: float | None = None
    negative: str = ""  # what is not to be there, beyond the backend's own list


@dataclass(frozen=True, slots=True)
class Filled:
    """One try."""

    pixels: BytePixels  # (H, W, 3) as the network painted it; the caller lays the product's own pixels back
    provenance: Provenance


@runtime_checkable
class Filler(Protocol):
    """Paints around products. Same request, same bytes, on the same machine and weights."""

    name: str
    tries: int  # how often to ask again while the product grows

    def fill(self, requests: Sequence[FillRequest]) -> list[Filled]:
        """A picture for each request; requests of one size share a batch."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """A try and how much product it grew."""

    filled: Filled
    grown: float  # share of the product's area


def best_of(
    filler: Filler, request: FillRequest, grown: Callable[[BytePixels], float], *, most: int = 4, bound: float = GROWN
) -> tuple[Tried, tuple[Tried, ...]]:
    """Paint, measure, and paint again with another seed while the product grew, at most ``most`` times.

    Args:
        filler: the backend.
        request: its seed is the first one tried.
        grown: measures a try, product laid back: share of the product's area that looks like product beyond its mask.
        most: tries.
        bound: a try at or below it is taken at once.

    Returns:
        (the try with the least growth, all tries in order).
    """
    tries: list[Tried] = []
    for number in range(max(1, most)):
        asked = request if number == 0 else _again(request, number)
        filled = filler.fill([asked])[0]
        tries.append(Tried(filled, grown(filled.pixels)))
        if tries[-1].grown <= bound:
            break
    return min(tries, key=lambda one: one.grown), tuple(tries)


def _again(request: FillRequest, number: int) -> FillRequest:
    from dataclasses import replace

    return replace(request, seed=(request.seed + number * SEED_STEP) % 2**31)
