"""Sign-in sessions: a signed cookie that names a key, never the key itself.

The cookie is worth nothing once it has expired or its key was revoked; every page looks the key up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

LIFETIME_S = 12 * 3_600
MARK_BYTES = 18


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in, by key, and until when."""

    key_id: str
    mark: str  # random, so that no two sessions share a form token
    expires: int  # seconds since 1970

    def is_old(self, now: float) -> bool:
        """True when half of its life is over: time to renew it."""
        return self.expires - now < LIFETIME_S / 2


class Seal:
    """Signs small JSON values for cookies and forms, with a key for each purpose."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, purpose: str, value: Any) -> str:
        """URL-safe text that ``open`` reads back."""
        data = json.dumps(value, separators=(",", ":")).encode()
        return f"{_text(data)}.{_text(self._sign(purpose, data))}"

    def open(self, purpose: str, text: str | None) -> Any:
        """The value, or None for whatever was not signed here for this purpose."""
        try:
            data, signature = (_bytes(part) for part in (text or "").split("."))
        except (ValueError, binascii.Error):
            return None
        return json.loads(data) if hmac.compare_digest(signature, self._sign(purpose, data)) else None

    def start(self, key_id: str, now: float) -> tuple[Session, str]:
        """A new session and its cookie."""
        session = Session(key_id, secrets.token_urlsafe(MARK_BYTES), int(now) + LIFETIME_S)
        return session, self.close("session", [session.key_id, session.mark, session.expires])

    def session(self, cookie: str | None, now: float) -> Session | None:
        """The session of a cookie, unless it has expired."""
        found = self.open("session", cookie)
        session = Session(*found) if isinstance(found, list) and len(found) == 3 else None
        return session if session and session.expires > now else None

    def form_token(self, session: Session) -> str:
        """What every form of this session carries, so that no other site can post in its name."""
        return _text(self._sign("form", f"{session.key_id}\n{session.mark}".encode()))

    def is_form_token(self, session: Session, given: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _sign(self, purpose: str, data: bytes) -> bytes:
        key = hmac.digest(self._secret, f"adloom page {purpose} 1".encode(), hashlib.sha256)
        return hmac.digest(key, data, hashlib.sha256)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
