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

TokenKind = Literal["click", "pixel"]
VERSION = "1"
SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Token:
    workspace: str
    experiment: str
    arm: str
    decision: str


class Signer:
    """Signs and reads tokens with keys derived from one secret, one key for each kind of link."""

    def __init__(self, secret: bytes) -> None:
        self._keys = {
            kind: hmac.digest(secret, f"adloom {kind} token {VERSION}".encode(), hashlib.sha256)
            for kind in ("click", "pixel")
        }

    def sign(self, kind: TokenKind, token: Token) -> str:
        """URL-safe text, no padding."""
        fields = (token.workspace, token.experiment, token.arm, token.decision)
        payload = VERSION + "\n" + "\n".join(fields)
        if payload.count("\n") != len(fields):
            raise ValueError("a field of a token must not contain a line break")
        data = payload.encode()
        return base64.urlsafe_b64encode(self._signature(kind, data) + data).rstrip(b"=").decode()

    def read(self, kind: TokenKind, text: str) -> Token:
        """Raises NotFound for whatever we did not sign as this kind."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise NotFound("link", text[:40]) from error
        signature, data = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(kind, data)):
            raise NotFound("link", text[:40])
        canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        if canonical != text:  # other spellings of the same bytes
            raise NotFound("link", text[:40])
        _, workspace, experiment, arm, decision = data.decode().split("\n")
        return Token(workspace, experiment, arm, decision)

    def _signature(self, kind: TokenKind, data: bytes) -> bytes:
        return hmac.digest(self._keys[kind], data, hashlib.sha256)[:SIGNATURE_BYTES]
