"""Fetches a file that somebody else's address names, without becoming their way into our own network.

An address in a feed is written by a stranger. So: only http and https, on their own ports; the name is looked up once,
every answer must be a public address, and the connection goes to exactly that answer, so that a name that changes its
mind between the check and the connection (DNS rebinding) gains nothing. Each redirect is checked the same way. Bytes
and time are bounded.

Source of the special ranges: IANA's registries for IPv4 and IPv6 as Python's ``ipaddress`` knows them, and RFC 6052,
RFC 3056 and RFC 4380 for IPv6 addresses that carry an IPv4 one.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from .errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
PORTS = {"http": 80, "https": 443}
MOST_REDIRECTS = 4
LONGEST_URL = 2_000
CHUNK_S = 10.0  # a server may be silent so long
REDIRECTS = {301, 302, 303, 307, 308}
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered."""

    data: bytes
    media_type: str
    url: str  # after redirects


def is_public(address: str) -> bool:
    """True if the address is one of the open internet, and so is the one that it carries inside, if any."""
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    carried = list(_inside(parsed))
    if isinstance(parsed, ipaddress.IPv6Address) and (parsed in NAT64 or parsed.ipv4_mapped is not None):
        return all(map(_is_open, carried))  # nothing but another spelling
    return all(map(_is_open, (parsed, *carried)))


def _is_open(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: Address) -> Iterable[Address]:
    """IPv4 addresses that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    carried: list[Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    if address.teredo is not None:
        carried += address.teredo
    if address in NAT64:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return carried


def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout_s: float = 20.0,
    media: str = "image/",
    allow_private: bool = False,
    resolve: Resolve | None = None,
) -> Fetched:
    """Get the bytes behind an address.

    Args:
        url: http or https.
        max_bytes: more is refused while it comes.
        timeout_s: for all of it, redirects included.
        media: what the answer's media type must begin with; some servers send pictures as application/octet-stream,
            which passes too, since whoever reads the bytes looks at them anyway.
        allow_private: also addresses of one's own network and other ports, for a shop behind the same wall.
        resolve: looks a name up; for tests.

    Raises:
        InvalidInput: with the reason, in words that tell nothing of our network.
    """
    deadline = time.monotonic() + timeout_s
    backend = _Checked(allow_private, resolve or _look_up, deadline)
    with httpcore.ConnectionPool(network_backend=backend, max_connections=1, http2=False) as pool:
        for _ in range(MOST_REDIRECTS + 1):
            _check_form(url, allow_private)
            answer = _get(pool, url, max_bytes, media, deadline)
            if isinstance(answer, Fetched):
                return answer
            url = urljoin(url, answer)
    raise InvalidInput("url", f"it leads on more than {MOST_REDIRECTS} times")


def _check_form(url: str, allow_private: bool) -> None:
    if len(url) > LONGEST_URL:
        raise InvalidInput("url", f"longer than {LONGEST_URL} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("url", "not an address") from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise InvalidInput("url", "only http:// and https:// addresses are fetched")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("url", "an address with a name or password in it is not fetched")
    if port not in (None, PORTS[parts.scheme]) and not allow_private:
        raise InvalidInput("url", f"port {port} is not fetched, only {PORTS[parts.scheme]}")


def _get(pool: httpcore.ConnectionPool, url: str, max_bytes: int, media: str, deadline: float) -> Fetched | str:
    """The file, or where it has moved to."""
    left = max(0.1, deadline - time.monotonic())
    waits = {"connect": min(5.0, left), "read": min(CHUNK_S, left), "write": 5.0, "pool": 5.0}
    headers: dict[bytes | str, bytes | str] = {
        "Host": urlsplit(url).netloc,
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "User-Agent": "adloom",
    }
    try:
        with pool.stream("GET", url, headers=headers, extensions={"timeout": waits}) as answer:
            told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            if answer.status in REDIRECTS and told.get("location"):
                return told["location"]
            if answer.status != 200:
                raise InvalidInput("url", f"it answers {answer.status}")
            kind = told.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
            if not (kind.startswith(media) or kind == "application/octet-stream"):
                raise InvalidInput("url", f"it is {kind or 'nothing that we know'}, not a picture")
            if told.get("content-encoding", "identity") != "identity":
                raise InvalidInput("url", "it comes packed although that was not asked for")
            return Fetched(_body(answer, max_bytes, deadline), kind, url)
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise InvalidInput("url", "it takes too long") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError, ValueError) as error:
        raise InvalidInput("url", "it cannot be reached") from error


def _body(answer: httpcore.Response, max_bytes: int, deadline: float) -> bytes:
    data = bytearray()
    for chunk in answer.iter_stream():
        data += chunk
        if len(data) > max_bytes:
            raise InvalidInput("url", f"more than {max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(data)


def _look_up(host: str, port: int) -> Sequence[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Checked(httpcore.NetworkBackend):
    """Connects to what it has checked, and to nothing else."""

    def __init__(self, allow_private: bool, resolve: Resolve, deadline: float) -> None:
        self._all, self._resolve, self._deadline = allow_private, resolve, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if time.monotonic() > self._deadline:
            raise httpcore.ConnectTimeout
        try:
            found = self._resolve(host, port)
        except OSError as error:
            raise InvalidInput("url", f"there is no {host}") from error
        if not found or (not self._all and not all(is_public(one) for one in found)):
            raise InvalidInput("url", f"{host} is not on the open internet")
        return self._inner.connect_tcp(found[0], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, *args: Any, **more: Any) -> httpcore.NetworkStream:
        raise InvalidInput("url", "only http:// and https:// addresses are fetched")
