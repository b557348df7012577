"""Visitors are known by a salted digest of the id the shop gives them; the id itself and addresses are never kept."""

from __future__ import annotations

import hashlib
import hmac


class Visitors:
    def __init__(self, secret: bytes) -> None:
        self._salt = hmac.digest(secret, b"adloom visitor salt 1", hashlib.sha256)

    def digest(self, workspace: str, visitor: str) -> str:
        """32 hex digits; the same visitor in another workspace has another digest."""
        return hashlib.blake2b(f"{workspace}\n{visitor}".encode(), key=self._salt, digest_size=16).hexdigest()
