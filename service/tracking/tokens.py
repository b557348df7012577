"""Signed links: what a click or a pixel carries, so that nobody can make one up or bend one to another address.

A token names the decision and never an address: where a click goes is looked up among the landing pages that were
registered when the test was opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from service.errors import NotFound

LinkKind = Literal["click", "pixel", "picture"]
KINDS: tuple[LinkKind, ...] = ("click", "pixel", "picture")
VERSION = "1"
SIGNATURE_BYTES = 16


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

    def sign(self, kind: LinkKind, token: Token) -> str:
        """URL-safe text, no padding."""
        return self._sign(kind, (token.workspace, token.experiment, token.arm, token.decision))

    def read(self, kind: LinkKind, text: str) -> Token:
        """Raises NotFound for whatever we did not sign as this kind."""
        return Token(*self._read(kind, text))

    def sign_picture(self, workspace: str, key: str) -> str:
        """A link by which anyone may see one picture; the same for the same picture, so that it can be cached."""
        return self._sign("picture", (workspace, key))

    def read_picture(self, text: str) -> tuple[str, str]:
        """(workspace, storage key). Raises NotFound."""
        workspace, key = self._read("picture", text)
        return workspace, key

    def _sign(self, kind: LinkKind, fields: tuple[str, ...]) -> str:
        payload = VERSION + "\n" + "\n".join(fields)
        if payload.count("\n") != len(fields):
            raise ValueError("a field of a link must not contain a line break")
        data = payload.encode()
        return base64.urlsafe_b64encode(self._signature(kind, data) + data).rstrip(b"=").decode()

    def _read(self, kind: LinkKind, text: str) -> list[str]:
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise NotFound("link", text[:40]) from error
        signature, data = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        spelling = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()  # other spellings of the same bytes are refused
        if spelling != text or not hmac.compare_digest(signature, self._signature(kind, data)):
            raise NotFound("link", text[:40])
        return data.decode().split("\n")[1:]

    def _signature(self, kind: LinkKind, data: bytes) -> bytes:
        return hmac.digest(self._keys[kind], data, hashlib.sha256)[:SIGNATURE_BYTES]
