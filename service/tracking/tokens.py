"""Signed links: what a click or a pixel carries, so that nobody can make one up or bend one to another address.

A token names the decision and never an address: where a click goes is looked up among the landing pages that were
registered when the test was opened. It reads ``<workspace, test and arm>.<decision>.<seal>``; the seal is a keyed
BLAKE2b over all before it, whose state after the first part is kept for each arm, so that a link costs one short hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from service.errors import NotFound

LinkKind = Literal["click", "pixel", "picture"]
KINDS: tuple[LinkKind, ...] = ("click", "pixel", "picture")
VERSION = "2"
SIGNATURE_BYTES = 16
MOST_KEPT = 20_000  # arms whose opened links are remembered


@dataclass(frozen=True, slots=True)
class Token:
    """What a click or pixel link carries."""

    workspace: str
    experiment: str
    arm: str
    decision: str


class Signer:
    """Signs and reads links with keys derived from one secret, one key for each kind of link."""

    def __init__(self, secret: bytes) -> None:
        self._keys = {
            kind: hmac.digest(secret, f"adloom {kind} link {VERSION}".encode(), hashlib.sha256) for kind in KINDS
        }
        self._opened: dict[tuple[LinkKind, str], tuple[tuple[str, str, str], Any]] = {}

    def sealer(self, kind: LinkKind, workspace: str, experiment: str, arm: str) -> tuple[str, Callable[[str], str]]:
        """The part of a link that is the same for all decisions of an arm, and what seals a decision id."""
        fields = (workspace, experiment, arm)
        if any("\n" in field for field in fields):
            raise ValueError("a field of a link must not contain a line break")
        head = base64.urlsafe_b64encode("\n".join(fields).encode()).rstrip(b"=").decode() + "."
        begun = self._begun(kind, head)

        def seal(decision: str) -> str:
            state = begun.copy()
            state.update(decision.encode())
            return state.hexdigest()  # type: ignore[no-any-return]

        return head, seal

    def sign(self, kind: LinkKind, token: Token) -> str:
        """URL-safe text."""
        if "." in token.decision:
            raise ValueError("a decision id must not contain a full stop")
        head, seal = self.sealer(kind, token.workspace, token.experiment, token.arm)
        return f"{head}{token.decision}.{seal(token.decision)}"

    def read(self, kind: LinkKind, text: str) -> Token:
        """Raises NotFound for whatever we did not sign as this kind."""
        rest, _, seal = text.rpartition(".")
        head, dot, decision = rest.partition(".")
        known = self._opened.get((kind, head))
        state = known[1].copy() if known else self._begun(kind, head + dot)
        state.update(decision.encode())
        if not hmac.compare_digest(state.hexdigest().encode(), seal.encode()):
            raise NotFound("link", text[:40])
        if known is None:  # only what we signed comes here
            padded = head + "=" * (-len(head) % 4)
            workspace, experiment, arm = base64.urlsafe_b64decode(padded).decode().split("\n")
            if len(self._opened) >= MOST_KEPT:
                self._opened.clear()
            known = self._opened[kind, head] = ((workspace, experiment, arm), self._begun(kind, head + dot))
        return Token(*known[0], decision)

    def _begun(self, kind: LinkKind, head: str) -> Any:
        return hashlib.blake2b(head.encode(), key=self._keys[kind], digest_size=SIGNATURE_BYTES)

    # --- pictures ------------------------------------------------------------------------------------------------

    def sign_picture(self, workspace: str, key: str) -> str:
        """A link by which anyone may see one picture; the same for the same picture, so that it can be cached."""
        payload = f"{VERSION}\n{workspace}\n{key}"
        if payload.count("\n") != 2:
            raise ValueError("a field of a link must not contain a line break")
        data = payload.encode()
        return base64.urlsafe_b64encode(self._signature(data) + data).rstrip(b"=").decode()

    def read_picture(self, text: str) -> tuple[str, str]:
        """(workspace, storage key). Raises NotFound."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise NotFound("link", text[:40]) from error
        signature, data = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        spelling = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()  # other spellings of the same bytes are refused
        if spelling != text or not hmac.compare_digest(signature, self._signature(data)):
            raise NotFound("link", text[:40])
        _, workspace, key = data.decode().split("\n")
        return workspace, key

    def _signature(self, data: bytes) -> bytes:
        return hmac.digest(self._keys["picture"], data, hashlib.sha256)[:SIGNATURE_BYTES]
