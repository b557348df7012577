"""From products and wishes to placements: one product or a group, with what is recorded and doubted about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.types import Backdrop, CutOut
from service.domain import Finding, Product
from service.errors import InvalidInput

from .arrangement import Member, arrange
from .compose import Body
from .contact import bounds, find_base
from .placement import Fit, Placement, fits
from .positions import Proposal, Room, Wish, propose, stand
from .sizes import TrueSize, passes_light, true_size

UNSURE_CAMERA = 0.32  # confidence; below it the camera's elevation is a guess, and a finding says so


@dataclass(frozen=True, slots=True)
class Actor:
    """A product and the photograph of it that is used in this scene."""

    product: Product
    cut_out: CutOut

    @property
    def size(self) -> TrueSize | None:
        left, top, right, bottom = bounds(self.cut_out.alpha)
        return true_size(self.product, (bottom - top) / max(right - left, 1))


def stood(
    actors: Sequence[Actor], backdrop: Backdrop, room: Room, wish: Wish, arrangement: str | None
) -> tuple[Placement, ...]:
    """The placements of one picture, in the order of the actors.

    Raises:
        InvalidInput: the scene cannot grant the wish.
    """
    if len(actors) == 1 and arrangement is None:
        return (stand(actors[0].cut_out, backdrop, room, actors[0].size, wish),)
    return tuple(offer.placement for offer in offered(actors, backdrop, room, wish, arrangement))


def offered(
    actors: Sequence[Actor], backdrop: Backdrop, room: Room, wish: Wish, arrangement: str | None
) -> list[Proposal]:
    """For one product the proposals that answer its wish; for a group one proposal for each of its members.

    Raises:
        InvalidInput: nothing valid answers it.
    """
    if len(actors) == 1 and arrangement is None:
        return propose(actors[0].cut_out, backdrop, room, actors[0].size, wish)
    if wish.mode != "automatic":
        raise InvalidInput("placement", "several products find their own places; give an arrangement instead")
    members = [Member(actor.product.id, actor.cut_out, actor.size) for actor in actors]
    placed = arrange(members, backdrop, room, arrangement or "set")
    return [Proposal(where, member.name, _told(where), 1.0) for where, member in zip(placed, members, strict=True)]


def lit(actors: Sequence[Actor], placements: Sequence[Placement]) -> list[tuple[CutOut, Placement, Body]]:
    """What ``compose_set`` takes."""
    return [(a.cut_out, w, Body(passes_light(a.product))) for a, w in zip(actors, placements, strict=True)]


def record(actors: Sequence[Actor], placements: Sequence[Placement], arrangement: str | None) -> Mapping[str, Any]:
    """What the creative keeps of where its products stand, as JSON values."""
    told: dict[str, Any] = {"placement": _plain(placements[0])}
    if len(actors) > 1:
        told["arrangement"] = arrangement or "set"
        told["placements"] = [
            {"product_id": a.product.id, **_plain(w)} for a, w in zip(actors, placements, strict=True)
        ]
    return told


def doubts(actors: Sequence[Actor], backdrop: Backdrop) -> list[Finding]:
    """A word where a photograph's camera and the scene's do not go together, or where nobody can say."""
    found: list[Finding] = []
    angle = backdrop.camera.view_angle_deg
    for actor in actors:
        base = find_base(actor.cut_out.alpha)
        name = f"{actor.product.id}: " if len(actors) > 1 else ""
        if fits(base.view_angle_deg, angle, base.is_round) is Fit.REJECT:
            seen = f"{name}the photograph looks taken from {base.view_angle_deg:.0f} degrees above, the scene from"
            message = f"{seen} {angle:.0f}: the product will seem to tip; choose another scene"
            found.append(Finding("camera.mismatch", message, "warn"))
        elif base.confidence < UNSURE_CAMERA:
            message = f"{name}how high the camera stood cannot be read from this photograph; compare the perspectives"
            found.append(Finding("camera.unsure", message, "note"))
    return found


def _told(where: Placement) -> tuple[str, ...]:
    if where.shown_of_true is None:
        return where.notes
    return (f"{where.shown_of_true:.2f} of its true size ({where.size_from})", *where.notes)


def _plain(where: Placement) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(where))))
