"""Chooses who cuts out: packshot where the ground is plain, else the best backend that is installed.

The choice and its reason go into the cut-out's provenance, so that nobody has to guess afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from models import weights
from models.errors import MissingWeights, ModelError, NoProductFound
from models.types import REVIEW_ABOVE, BytePixels, CutOut, Matting

from .packshot import Packshot

CLEARLY_BETTER = 0.1  # of uncertainty: what the second backend must win by where both find a product
Maker = Callable[[], Matting]


class AutoMatting:
    """Packshot first; where it refuses or is unsure the best network that is here is asked, and the surer one kept."""

    name = "auto"

    def __init__(self, networks: Mapping[str, Maker] | None = None, threads: int = 0, model: str | None = None) -> None:
        """Say which networks may be asked, best first; None looks for those that are installed.

        Args:
            networks: name to maker; a maker that raises MissingWeights is passed over.
            threads: of the networks; 0 lets them choose.
            model: hub id or folder of a BiRefNet-like model that was added; asked before IS-Net.
        """
        self._networks = installed(threads, model) if networks is None else networks
        self._made: dict[str, Matting] = {}
        self._packshot = Packshot()

    def cut_out(self, photo: BytePixels) -> CutOut:
        """Lift the product off its background. Raises NoProductFound when nobody finds one."""
        try:
            first = self._packshot.cut_out(photo)
        except NoProductFound as refusal:
            return self._by_network(photo, refusal)
        if first.uncertainty <= REVIEW_ABOVE:
            return chosen(first, "the background is plain")
        second = self._ask(photo)
        if second is None:
            return chosen(first, f"packshot is unsure ({first.uncertainty:.2f}) and no network is installed")
        if second.uncertainty < first.uncertainty - CLEARLY_BETTER:
            why = f"packshot is unsure ({first.uncertainty:.2f}), this is surer ({second.uncertainty:.2f})"
            return chosen(second, why)
        why = f"packshot is unsure ({first.uncertainty:.2f}) and {second.provenance.backend} is no surer"
        return chosen(first, f"{why} ({second.uncertainty:.2f})")

    def _by_network(self, photo: BytePixels, refusal: NoProductFound) -> CutOut:
        if not self._networks:
            raise NoProductFound(
                f"{refusal.reason}; no network that copes with other backgrounds is installed, "
                "run: adloom weights add isnet"
            )
        found = self._ask(photo)
        if found is None:
            raise refusal
        return chosen(found, f"packshot: {refusal.reason}")

    def _ask(self, photo: BytePixels) -> CutOut | None:
        """The best network's answer; None where none is here or none finds anything."""
        for name, make in self._networks.items():
            try:
                if name not in self._made:
                    self._made[name] = make()
                return self._made[name].cut_out(photo)
            except (MissingWeights, NoProductFound):
                continue
        return None


def chosen(cut_out: CutOut, why: str) -> CutOut:
    """The same cut-out, its provenance saying who chose it and why."""
    settings = {**cut_out.provenance.settings, "chosen_by": "auto", "because": why}
    return replace(cut_out, provenance=replace(cut_out.provenance, settings=settings))


def installed(threads: int = 0, model: str | None = None) -> dict[str, Maker]:
    """Networks whose weights are here, best first."""
    from models.registry import matting_model

    found: dict[str, Maker] = {}
    if model:
        found["birefnet"] = lambda: matting_model("birefnet", model=model)
    if is_here("isnet"):
        found["isnet"] = lambda: matting_model("isnet", threads=threads)
    return found


def is_here(row: str) -> bool:
    """Are these weights installed? Reads no weight file."""
    try:
        weights.path(row)
    except ModelError:
        return False
    return True
