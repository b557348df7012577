"""What a page is told about a decision: one template for each arm, in which only the decision is filled in."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from experiments import Decision
from service.records import Showing

from .tokens import Signer

MOST_KEPT = 20_000
Template = tuple[Showing, bytes, bytes, bytes, Callable[[str], str], bytes, Callable[[str], str]]


class Answers:
    """Ready JSON documents; ``address`` is how visitors reach this server."""

    def __init__(self, signer: Signer, address: str) -> None:
        self._signer, self._address = signer, address
        self._templates: dict[tuple[str, str, str], Template] = {}

    def render(self, workspace: str, decision: Decision, showing: Showing, is_repeated: bool = False) -> bytes:
        """The answer to a decide request; the shape is ``DecisionAnswer`` in the API's description."""
        key = (workspace, decision.experiment, decision.arm)
        template = self._templates.get(key)
        if template is None or template[0] is not showing:
            template = self._template(workspace, decision.experiment, showing)
            if len(self._templates) >= MOST_KEPT:
                self._templates.clear()
            self._templates[key] = template
        _, before, creative, pixel, seal_pixel, click, seal_click = template
        id = decision.id
        return b'{"decision":"%b"%b%b,"weight_version":%d,"segment":%b%b%b%b.%b.gif"%b%b.%b","repeated":%b}' % (
            id.encode(), before, repr(decision.propensity).encode(), decision.weight_version,
            orjson.dumps(decision.segment), creative, pixel, id.encode(), seal_pixel(id).encode(), click, id.encode(),
            seal_click(id).encode(), b"true" if is_repeated else b"false",
        )  # fmt: skip

    def _template(self, workspace: str, test: str, showing: Showing) -> Template:
        pixel, seal_pixel = self._signer.sealer("pixel", workspace, test, showing.arm)
        click, seal_click = self._signer.sealer("click", workspace, test, showing.arm)
        picture = f"{self._address}/i/{self._signer.sign_picture(workspace, showing.picture_key)}"
        creative = {
            "creative_id": showing.creative_id,
            "product_id": showing.product_id,
            "picture": picture,
            "width_px": showing.width_px,
            "height_px": showing.height_px,
            "headline": showing.headline,
            "body": showing.body,
            "call_to_action": showing.call_to_action,
            "is_typeset": showing.is_typeset,
        }
        return (
            showing,
            b',"experiment":%b,"arm":%b,"propensity":' % (orjson.dumps(test), orjson.dumps(showing.arm)),
            b',"creative":%b' % orjson.dumps(creative),
            b',"pixel":%b' % orjson.dumps(f"{self._address}/p/{pixel}")[:-1],
            seal_pixel,
            b',"click":%b' % orjson.dumps(f"{self._address}/c/{click}")[:-1],
            seal_click,
        )
