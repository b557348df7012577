"""What does not look like a person: crawlers, impossible rates, pages fetched ahead, mere looks at a header.

Such decisions and events are marked, never dropped: they are left out of the analysis, counted beside it, and can be
counted in again. Nothing of this is written down but the mark: addresses and rates live in memory, an address only as
a digest of its network under a key that dies with the process.

User agents: the MIT-licensed list of the package ``crawler-user-agents``. Programs that merely fetch (curl, httpx and
the like) are taken for robots where only a browser has business, at the pixel and the click; a shop's own server may
well ask for decisions and report events with them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Literal

Addresses = Literal["public", "all", "none"]
MOST_KEPT = 50_000
WINDOW_S = 10.0
HOLD_S = 600.0  # who was too fast stays marked for so long
_AHEAD = (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz")


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(crawlers, programs that merely fetch)."""
    import json
    from importlib.resources import files

    entries = json.loads((files("crawleruseragents") / "crawler-user-agents.json").read_text())
    crawlers = [entry["pattern"] for entry in entries if "http-library" not in entry.get("tags", ())]
    fetchers = [entry["pattern"] for entry in entries if "http-library" in entry.get("tags", ())]
    return re.compile("|".join(crawlers)), re.compile("|".join(fetchers))


def agent_kind(user_agent: str) -> Literal["person", "crawler", "fetcher"]:
    """What a user agent says it is; nothing said is a fetcher."""
    crawlers, fetchers = _patterns()
    if not user_agent.strip() or fetchers.search(user_agent):
        return "fetcher"
    return "crawler" if crawlers.search(user_agent) else "person"


class Bursts:
    """Counts by key in windows of ten seconds; more than ``limit`` is more than a person can do.

    Memory is bounded: when too many keys are known all are forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: dict[object, list[float]] = {}  # [start of the window, hits in it, marked until]

    def is_too_many(self, key: object, now: float) -> bool:
        """Count one more; True once the limit is passed, and for ten minutes from then."""
        entry = self._seen.get(key)
        if entry is None:
            if len(self._seen) >= MOST_KEPT:
                self._seen.clear()
            self._seen[key] = [now, 1.0, 0.0]
            return self._limit < 1
        if now - entry[0] >= WINDOW_S:
            entry[0], entry[1] = now, 0.0
        entry[1] += 1.0
        if entry[1] > self._limit:
            entry[2] = now + HOLD_S
        return now < entry[2]


class Filters:
    """Judges requests by their headers, address and rate."""

    def __init__(self, *, visitor_limit: int, address_limit: int, addresses: Addresses = "public") -> None:
        self._visitors, self._networks = Bursts(visitor_limit), Bursts(address_limit)
        self._addresses = addresses
        self._key = secrets.token_bytes(16)
        self._agents: dict[bytes, str] = {}
        self._known_networks: dict[str, bytes | None] = {}

    def of_decision(self, headers: Mapping[bytes, bytes], visitor: str | None, now: float, is_page: bool) -> str | None:
        """The mark of a decision.

        Args:
            headers: by lower-case name.
            visitor: digest, if the visitor consented.
            is_page: it came with a publishable key; whoever holds a secret key is the shop itself.
        """
        if is_page and self._agent(headers.get(b"user-agent", b"")) == "crawler":
            return "bot"
        if visitor is not None and self._visitors.is_too_many(visitor, now):
            return "burst"
        return None

    def of_report(self, headers: Mapping[bytes, bytes], is_page: bool) -> str | None:
        """The mark of a batch of events."""
        return "bot" if is_page and self._agent(headers.get(b"user-agent", b"")) == "crawler" else None

    def of_link(self, headers: Mapping[bytes, bytes], method: str, address: str | None, now: float) -> str | None:
        """The mark of a pixel or a click: what only a visitor's browser calls."""
        if method == "HEAD":
            return "head"
        for name in _AHEAD:
            if name in headers and _is_ahead(headers[name]):
                return "prefetch"
        if self._agent(headers.get(b"user-agent", b"")) != "person":
            return "bot"
        network = self._network(address) if address and self._addresses != "none" else None
        if network is not None and self._networks.is_too_many(network, now):
            return "burst"
        return None

    def _agent(self, user_agent: bytes) -> str:
        kind = self._agents.get(user_agent)
        if kind is None:
            if len(self._agents) >= MOST_KEPT:
                self._agents.clear()
            kind = self._agents[user_agent] = agent_kind(user_agent[:1_000].decode("latin-1"))
        return kind

    def _network(self, address: str) -> bytes | None:
        """A digest of the /24 or /48 an address belongs to; None for addresses that are not judged."""
        if address in self._known_networks:
            return self._known_networks[address]
        if len(self._known_networks) >= MOST_KEPT:
            self._known_networks.clear()
        network = self._digest(address)
        self._known_networks[address] = network
        return network

    def _digest(self, address: str) -> bytes | None:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        if not parsed.is_global and self._addresses == "public":
            return None  # our own proxy, a laptop, a test: all visitors would look like one
        bits = 24 if parsed.version == 4 else 48
        prefix = ipaddress.ip_network((parsed, bits), strict=False).network_address.packed
        return hashlib.blake2b(prefix, key=self._key, digest_size=8).digest()


def _is_ahead(value: bytes) -> bool:
    lowered = value.lower()
    return b"prefetch" in lowered or b"prerender" in lowered or b"preview" in lowered
