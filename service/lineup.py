"""Who plays in a test that runs already: arms come in, rest, leave for good, or one of them is shipped.

What somebody pauses stays paused whatever happens to approvals; what was retired never comes back, and no id is given
twice. Every change makes new weights before it returns.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime

from experiments import Arm

from .arena import PARTS, Arena, factors_of, levels_of, shown_as_it_is
from .domain import Creative
from .errors import Conflict, InvalidInput, NotFound
from .records import AuditEntry, RunningTest, Showing, TestState
from .storage import Store

MOST_ARMS = 2_000


def set_arms(
    arena: Arena, store: Store, id: str, states: Mapping[str, str], actor: str, now: datetime, action: str = ""
) -> RunningTest:
    """Pause, let in again or retire arms.

    Args:
        states: arm -> "active", "paused" or "retired".
        action: what the audit calls it; default: the state that was asked for.

    Raises:
        NotFound: no such test or arm.
        InvalidInput: no such state.
        Conflict: the test was stopped, an arm was retired before, or none would be left.
    """
    test = _changeable(store, id)
    known = {arm.id: arm.state for arm in test.plan.arms}
    for arm, state in states.items():
        if arm not in known:
            raise NotFound("arm", arm)
        if state not in ("active", "paused", "retired"):
            raise InvalidInput("state", f"{state!r} is none of active, paused, retired")
        if known[arm] == "retired" and state != "retired":
            raise Conflict(f"arm {arm!r} was retired; add its creative's parts as a challenger instead")
    held = (set(test.held) | {a for a, s in states.items() if s == "paused"}) - {
        a for a, s in states.items() if s != "paused"
    }
    if "active" not in {**known, **states}.values():
        raise Conflict("no arm would be left; stop the test instead")
    words = action or next(iter(states.values()), "change")
    entry = AuditEntry(now, actor, words, "experiment", id, {"arms": sorted(states)})
    store.tests.rearrange(id, entry, states=states, held=sorted(held))
    return _in_force(arena, store, id, now)


def ship(arena: Arena, store: Store, id: str, arm: str, actor: str, now: datetime) -> RunningTest:
    """Show one arm to everybody from now on; the others are paused and can be let in again.

    Raises:
        NotFound, Conflict: see ``set_arms``; also when the arm itself is not in play.
    """
    test = _changeable(store, id)
    states = {other.id: other.state for other in test.plan.arms}
    if arm not in states:
        raise NotFound("arm", arm)
    if states[arm] != "active":
        raise Conflict(f"arm {arm!r} is {states[arm]}; it cannot be shipped")
    others = {other: "paused" for other, state in states.items() if state == "active" and other != arm}
    return set_arms(arena, store, id, others, actor, now, "ship") if others else test


def take_back(arena: Arena, store: Store, id: str, actor: str, now: datetime) -> RunningTest:
    """Let every arm in again that somebody paused. Raises NotFound, Conflict."""
    test = _changeable(store, id)
    back = {arm.id: "active" for arm in test.plan.arms if arm.id in test.held and arm.state == "paused"}
    return set_arms(arena, store, id, back, actor, now, "take back") if back else test


def challenge(arena: Arena, store: Store, id: str, creatives: Sequence[str], actor: str, now: datetime) -> RunningTest:
    """Add approved creatives: as arms of their own, or, in a combined test, their parts with all parts there are.

    Raises:
        NotFound: no such test or creative.
        InvalidInput: a creative nobody approved, one that is in the test already, or one that adds nothing.
        Conflict: the test was stopped.
    """
    test = _changeable(store, id)
    found = store.creatives.get_many(tuple(dict.fromkeys(creatives)))
    if not found:
        raise InvalidInput("creatives", "choose at least one")
    for position, creative in enumerate(found):
        if creative.approval != "approved":
            raise InvalidInput(
                f"creatives.{position}", f"creative {creative.id!r} is {creative.approval}, not approved"
            )
    is_combined = any(set(showing.vouchers) >= set(PARTS) for showing in test.showings)
    showings = _new_combinations(test, found) if is_combined else _new_singles(test, store, found)
    if not showings:
        raise InvalidInput("creatives", "they add no headline, picture or call to action that is not there already")
    if len(test.plan.arms) + len(showings) > MOST_ARMS:
        raise InvalidInput(
            "creatives", f"that would be {len(test.plan.arms) + len(showings)} arms; {MOST_ARMS} at most"
        )
    arms = _arms(test, store, showings, {creative.id: creative for creative in found})
    factors = factors_of([*test.plan.arms, *arms])
    entry = AuditEntry(
        now, actor, "challenge", "experiment", id, {"creatives": [c.id for c in found], "arms": len(arms)}
    )
    store.tests.rearrange(id, entry, added=tuple(zip(arms, showings, strict=True)), factors=factors)
    return _in_force(arena, store, id, now)


def _changeable(store: Store, id: str) -> RunningTest:
    test = store.tests.get(id)
    if test.state is TestState.STOPPED:
        raise Conflict(f"experiment {id!r} was stopped for good")
    return test


def _in_force(arena: Arena, store: Store, id: str, now: datetime) -> RunningTest:
    arena.reload(store.workspace, id, now)
    return store.tests.get(id)


def _page_of(test: RunningTest, store: Store, product_id: str) -> str:
    """Where clicks on a product go in this test already, else its own page."""
    known = next((showing.landing_page for showing in test.showings if showing.product_id == product_id), None)
    page = known or store.products.get(product_id).landing_page
    if not page:
        raise InvalidInput("landing_page", f"product {product_id!r} has none")
    return page


def _new_singles(test: RunningTest, store: Store, creatives: Sequence[Creative]) -> list[Showing]:
    taken = {arm.id for arm in test.plan.arms}
    for position, creative in enumerate(creatives):
        if creative.id in taken:
            raise InvalidInput(f"creatives.{position}", f"creative {creative.id!r} is in this test already")
    return [shown_as_it_is(creative, _page_of(test, store, creative.product_id)) for creative in creatives]


def _new_combinations(test: RunningTest, creatives: Sequence[Creative]) -> list[Showing]:
    """Every combination that the new parts make possible; ids go on where the old ones end."""
    pattern = test.showings[0]
    parts: tuple[dict[str, list[str]], ...] = ({}, {}, {})
    pictures: dict[str, Showing | Creative] = {}
    for showing in test.showings:
        values = (showing.headline or "", showing.picture_key, showing.call_to_action or "")
        pictures.setdefault(showing.picture_key, showing)
        for part, value, name in zip(parts, values, PARTS, strict=True):
            part.setdefault(value, list(showing.vouchers.get(name, ())))
    for position, creative in enumerate(creatives):
        bare = creative.layout.get("bare_picture_key")
        if creative.product_id != pattern.product_id:
            raise InvalidInput(f"creatives.{position}", "only creatives of the test's product can be combined with it")
        if not bare:
            raise InvalidInput(f"creatives.{position}", f"creative {creative.id!r} keeps no picture without words")
        pictures.setdefault(str(bare), creative)
        for part, value in zip(parts, (creative.headline or "", str(bare), creative.call_to_action or ""), strict=True):
            vouchers = part.setdefault(value, [])
            if creative.id not in vouchers:
                vouchers.append(creative.id)
    there = {(s.headline or "", s.picture_key, s.call_to_action or "") for s in test.showings}
    made = []
    for (h, headline), (p, key), (c, call) in itertools.product(*(enumerate(part) for part in parts)):
        if (headline, key, call) in there:
            continue
        picture = pictures[key]
        made.append(
            Showing(
                arm=f"h{h}-p{p}-c{c}",
                creative_id=picture.creative_id if isinstance(picture, Showing) else picture.id,
                product_id=pattern.product_id,
                picture_key=key,
                width_px=picture.width_px,
                height_px=picture.height_px,
                headline=headline or None,
                body=None,
                call_to_action=call or None,
                landing_page=pattern.landing_page,
                is_typeset=False,
                vouchers={
                    name: tuple(part[value])
                    for name, part, value in zip(PARTS, parts, (headline, key, call), strict=True)
                },
            )
        )
    return made


def _arms(
    test: RunningTest, store: Store, showings: Sequence[Showing], known: Mapping[str, Creative]
) -> tuple[Arm, ...]:
    """With levels where the test has factors, else without."""
    if not test.plan.factors:
        return tuple(Arm(showing.arm) for showing in showings)
    missing = sorted({showing.creative_id for showing in showings} - set(known))
    creatives = {**known, **{creative.id: creative for creative in store.creatives.get_many(missing)}}
    return tuple(Arm(showing.arm, levels_of(showing, creatives[showing.creative_id])) for showing in showings)
