"""Pictures and other bytes: a folder, or a bucket that speaks S3."""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.errors import NotFound

KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")


class Objects:
    """Bytes under keys such as ``photos/<sha256>.jpg``, within one workspace."""

    def __init__(self, store: Any, workspace: str) -> None:
        self._store, self.workspace = store, workspace

    def put(self, key: str, data: bytes) -> str:
        """Keep these bytes unless the key is taken; keys are made from contents or inputs, so the first one stands.

        Returns:
            The key.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError):
            obstore.put(self._store, self._path(key), data, mode="create")
        return key

    def replace(self, key: str, data: bytes) -> str:
        """Keep these bytes whatever was there; the change is all or nothing."""
        import obstore

        obstore.put(self._store, self._path(key), data, mode="overwrite")
        return key

    def put_photo(self, data: bytes, suffix: str) -> str:
        """Keep a photograph under the digest of its bytes. ``suffix`` is without a dot, such as "jpg"."""
        return self.put(f"photos/{hashlib.sha256(data).hexdigest()}.{suffix}", data)

    def get(self, key: str) -> bytes:
        """Raises NotFound."""
        import obstore

        try:
            return bytes(obstore.get(self._store, self._path(key)).bytes())
        except FileNotFoundError as error:
            raise NotFound("object", key) from error

    def has(self, key: str) -> bool:
        import obstore

        try:
            obstore.head(self._store, self._path(key))
        except FileNotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        import obstore

        with contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, self._path(key))

    def _path(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise NotFound("object", key)
        return f"{self.workspace}/{key}"


def open_objects(url: str) -> Any:
    """The object store behind ``file:///folder`` or ``s3://bucket/prefix``.

    An S3 endpoint and its credentials come from the usual ``AWS_...`` variables; ``AWS_ENDPOINT_URL`` with http is
    taken to be a server of one's own, addressed by path.
    """
    from obstore.store import LocalStore, S3Store

    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(parts.path)
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(str(folder))
    if parts.scheme == "s3":
        import os

        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        own: dict[str, Any] = {}
        if endpoint:
            own = {"endpoint": endpoint, "virtual_hosted_style_request": False}
            if endpoint.startswith("http://"):
                own["client_options"] = {"allow_http": True}
        return S3Store(parts.netloc, prefix=parts.path.strip("/") or None, **own)
    raise ValueError(f"storage_url must begin with file:// or s3://, not {parts.scheme!r}")
