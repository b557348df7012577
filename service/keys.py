"""API keys: ``adl_<id>_<secret>``. Only the digest of the secret is kept; the key itself is shown once.

An operator may also bring a key of any spelling in the settings; its id is then the beginning of its digest.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .errors import Conflict, InvalidInput, UnknownKey
from .records import ApiKey, Scope
from .settings import Settings, keep_secret
from .storage.store import Keys
from .usage import KINDS

KEY = re.compile(r"^adl_([0-9a-f]{12})_([A-Za-z0-9_-]{20,64})$")
DEFAULT_WORKSPACE = "main"
FROM_SETTINGS = "admin (settings)"
SHORTEST = 16
CACHE_S = 2.0  # how long a revoked key may still work in another process


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def new_key_text() -> str:
    return f"adl_{secrets.token_hex(6)}_{secrets.token_urlsafe(24)}"


def _parts(text: str) -> tuple[str, str]:
    """(id, secret) of a key's text."""
    match = KEY.fullmatch(text)
    return (match[1], match[2]) if match else (digest(text)[:12], text)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may do beyond its scopes; the default is no bound but the settings'."""

    expires: datetime | None = None
    rate: str | None = None  # "50/second"
    quotas: Mapping[str, int] = field(default_factory=dict)  # {"pictures": 1000} a month

    def checked(self, now: datetime) -> Limits:
        """Itself, if it makes sense.

        Raises:
            InvalidInput: a rate that cannot be read, a quota of an unknown thing, an end in the past.
        """
        from limits import parse

        if self.rate is not None:
            try:
                parse(self.rate)
            except ValueError as error:
                raise InvalidInput("rate", f'{self.rate!r} is not like "50/second" or "1000/day"') from error
        for what, n in self.quotas.items():
            if what not in KINDS or n < 0:
                raise InvalidInput("quotas", f"{what!r}: {n} cannot be a quota; there are {', '.join(KINDS)}")
        if self.expires is not None and self.expires <= now:
            raise InvalidInput("expires", "it lies in the past")
        return self


NO_LIMITS = Limits()


class KeyRing:
    """Makes keys and recognises them; what was recognised is remembered for ``CACHE_S``."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._seen: dict[str, tuple[float, ApiKey]] = {}
        self._publishable: dict[str, tuple[str, str]] = {}

    def create(
        self,
        workspace: str,
        name: str,
        scopes: Sequence[Scope],
        now: datetime,
        text: str | None = None,
        limits: Limits = NO_LIMITS,
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody can show again.

        Raises:
            InvalidInput: no scope, limits that make no sense, or a given text that is too short.
        """
        limits = limits.checked(now)
        if not scopes:
            raise InvalidInput("scopes", "a key needs at least one scope")
        text = text or new_key_text()
        if not (SHORTEST <= len(text) <= 200 and text.isascii() and text.isprintable() and " " not in text):
            raise InvalidInput("key", f"a key has {SHORTEST} to 200 printable characters and no space")
        id, secret = _parts(text)
        key = ApiKey(
            id,
            workspace,
            name,
            tuple(dict.fromkeys(scopes)),
            now,
            expires=limits.expires,
            rate=limits.rate,
            quotas=limits.quotas,
        )
        self._keys.add_workspace(workspace, workspace, now)
        self._keys.add(key, digest(secret))
        return key, text

    def rotate(self, workspace: str, id: str, now: datetime, grace: timedelta = timedelta(0)) -> tuple[ApiKey, str]:
        """A key that may do what the old one may; the old one works for as long as ``grace``, then never again.

        Raises:
            NotFound, Conflict: it is revoked or expired already.
        """
        old = self._keys.get(workspace, id)
        if not old.is_good(now):
            raise Conflict(f"key {id!r} works no more; make a new one")
        limits = Limits(old.expires, old.rate, old.quotas)
        key, text = self.create(workspace, old.name, old.scopes, now, limits=limits)
        if grace > timedelta(0):
            self._keys.expire(workspace, id, now + grace)
        else:
            self._keys.revoke(workspace, id, now)
        self.forget()
        return key, text

    def remembered(self, text: str) -> ApiKey | None:
        """The key if it was recognised a moment ago; looks at nothing but memory."""
        entry = self._seen.get(text)
        if entry is None or time.monotonic() - entry[0] >= CACHE_S:
            return None
        return entry[1] if entry[1].expires is None or datetime.now(UTC) < entry[1].expires else None

    def recognise(self, text: str) -> ApiKey:
        """The key behind a text.

        Raises:
            UnknownKey: never made, wrong secret, expired or revoked.
        """
        known = self.remembered(text)
        if known is not None:
            return known
        id, secret = _parts(text)
        found = self._keys.find(id)
        if found is None or not secrets.compare_digest(found[1], digest(secret)):
            raise UnknownKey("this key is not known here")
        key = found[0]
        if key.revoked is not None:
            raise UnknownKey("this key was revoked")
        if not key.is_good(datetime.now(UTC)):
            raise UnknownKey("this key has expired")
        if len(self._seen) > 10_000:
            self._seen.clear()
        self._seen[text] = (time.monotonic(), key)
        return key

    def forget(self) -> None:
        self._seen.clear()

    def remembered_test(self, publishable_key: str) -> tuple[str, str] | None:
        return self._publishable.get(publishable_key)

    def test_of(self, publishable_key: str) -> tuple[str, str]:
        """(workspace, experiment) of a publishable key. Raises UnknownKey."""
        known = self._publishable.get(publishable_key) or self._keys.test_of_publishable(publishable_key)
        if known is None:
            raise UnknownKey("this publishable key is not known here")
        self._publishable[publishable_key] = known
        return known


def first_key(settings: Settings, ring: KeyRing, keys: Keys, now: datetime) -> str | None:
    """The admin key of this installation: the one in the settings, else made at the first start.

    A made one is left in ``admin.key`` in the data folder, readable to its owner only, so that whoever runs the server
    can find it; delete the file once the key is kept elsewhere. None when keys exist and neither is at hand.
    """
    if settings.admin_key is not None:
        text = settings.admin_key.get_secret_value()
        key, _ = ring.create(DEFAULT_WORKSPACE, FROM_SETTINGS, [Scope.ADMIN], now, text)
        keys.only_one_named(DEFAULT_WORKSPACE, FROM_SETTINGS, key.id, now)  # another key in the settings replaces it
        return text
    path = settings.data_dir / "admin.key"
    if not path.exists() and keys.any():
        return None
    text = keep_secret(path, new_key_text())
    ring.create(DEFAULT_WORKSPACE, "admin", [Scope.ADMIN], now, text)  # the same key again changes nothing
    return text
