"""Addresses from feeds are fetched, but never into our own network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidInput
from service.fetching import fetch, is_public
from service.wiring import make_picture
from tests.service.conftest import Shop, open_shop, png


class Shelf(BaseHTTPRequestHandler):
    """A shop's server: some of its addresses mean ill."""

    def do_GET(self) -> None:
        answers = {
            "/front.png": (200, {"Content-Type": "image/png"}, png()),
            "/moved": (302, {"Location": "/front.png"}, b""),
            "/round": (302, {"Location": "/round"}, b""),
            "/inside": (302, {"Location": "http://inside.example/secret"}, b""),
            "/metadata": (302, {"Location": "http://169.254.169.254/latest/meta-data"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/page": (200, {"Content-Type": "text/html"}, b"<html>"),
            "/packed": (200, {"Content-Type": "image/png", "Content-Encoding": "gzip"}, b"x"),
            "/large": (200, {"Content-Type": "image/png"}, b"x" * 200_000),
            "/gone": (404, {}, b""),
        }
        status, headers, body = answers.get(self.path, (404, {}, b""))
        if self.path == "/slow":
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    running.handle_error = lambda *args: None  # type: ignore[method-assign]  # clients here hang up on purpose
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running.server_port
    running.shutdown()


def get(port: int, path: str, **more: object) -> bytes:
    asked: dict[str, object] = {"max_bytes": 100_000, "allow_private": True, **more}
    return fetch(f"http://127.0.0.1:{port}{path}", **asked).data  # type: ignore[arg-type]


def test_a_picture_comes_also_by_a_detour(server: int) -> None:
    assert get(server, "/front.png") == get(server, "/moved") == png()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/round", "leads on"),
        ("/file", "only http"),
        ("/page", "text/html"),
        ("/packed", "packed"),
        ("/large", "more than 100,000 bytes"),
        ("/gone", "404"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(server: int, path: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        get(server, path)


def test_a_trickle_ends_at_the_deadline(server: int) -> None:
    with pytest.raises(InvalidInput, match="too long"):
        get(server, "/slow", timeout_s=0.3)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
        "localhost",
        "",
    ],
)
def test_addresses_of_a_network_of_ones_own_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_wrapped(address: object) -> None:
    plain = is_public(str(address))

    assert is_public(f"::ffff:{address}") is plain
    number = int(address)  # type: ignore[call-overload]
    assert is_public(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}") is plain


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://shop.example/a.png",
        "gopher://127.0.0.1:11211/_stats",
        "http://user:secret@shop.example/a.png",
        "http://shop.example:22/a.png",
        "http://[::1/a.png",
        "http:///a.png",
        "//shop.example/a.png",
        "http://shop.example/" + "a" * 3_000,
        "javascript:alert(1)",
    ],
)
def test_odd_addresses_are_refused_before_anything_is_looked_up(url: str) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError("looked up")

    with pytest.raises(InvalidInput, match="url"):
        fetch(url, max_bytes=1_000, resolve=never)


@pytest.mark.parametrize(
    "host",
    ["inside.example", "127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "localhost", "[::ffff:127.0.0.1]"],
)
def test_a_name_that_leads_inside_is_refused(host: str) -> None:
    import socket

    def look_up(name: str, port: int) -> Sequence[str]:
        if name == "inside.example":
            return ["93.184.215.14", "10.0.0.7"]  # one good answer does not excuse the other
        return [str(found[4][0]) for found in socket.getaddrinfo(name, port)]

    with pytest.raises(InvalidInput, match="open internet"):
        fetch(f"http://{host}/a.png", max_bytes=1_000, resolve=look_up)


def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is public, the next would be ours. Only one is ever asked for."""
    asked: list[str] = []
    reached: list[str] = []
    monkeypatch.setattr("service.fetching.is_public", lambda address: address == "203.0.113.9")

    def look_up(name: str, port: int) -> Sequence[str]:
        asked.append(name)
        return ["203.0.113.9"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(self: object, host: str, *args: object, **more: object) -> None:
        reached.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises(InvalidInput, match="reached"):
        fetch("http://rebind.example/front.png", max_bytes=1_000, resolve=look_up)

    assert asked == ["rebind.example"]
    assert reached == ["203.0.113.9"]


@pytest.mark.parametrize("path", ["/inside", "/metadata"])
def test_a_redirect_that_leads_inside_is_refused(server: int, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = is_public
    monkeypatch.setattr("service.fetching.is_public", lambda address: address == "127.0.0.1" or real(address))
    monkeypatch.setattr("service.fetching.PORTS", {"http": server, "https": 443})

    def look_up(name: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if name == "shop.example" else [name if name[0].isdigit() else "10.0.0.7"]

    url = f"http://shop.example:{server}{path}"
    with pytest.raises(InvalidInput, match=r"open internet|not fetched"):
        fetch(url, max_bytes=1_000, resolve=look_up)


def test_a_feed_that_names_addresses_gets_its_pictures(server: int, tmp_path: Path) -> None:
    """At the first picture that needs one; and by the address that a person gives."""
    url = f"http://127.0.0.1:{server}/front.png"
    for shop in open_shop(tmp_path, fetch="all"):
        shop.call("PUT", "/v1/products/mug", 201, json={"id": "mug", "title": "Mug", "photos": [url]})
        shop.call("PUT", "/v1/products/cup", 201, json={"id": "cup", "title": "Cup"})

        creative = make_picture(shop.services, "main", {"product_id": "mug", "format": "square", "seed": 0})
        given = shop.call("POST", "/v1/products/cup/photos", 200, json={"url": url, "name": "front"})

        assert shop.store.creatives.get(creative).product_id == "mug"
        assert shop.store.products.get("mug").photos[0].key == given["photos"][0]["key"]
        assert given["photos"][0]["name"] == "front"


def test_an_installation_fetches_nothing_of_its_own_network_unasked(server: int, shop: Shop) -> None:
    shop.product(photo=False)

    refused = shop.call("POST", "/v1/products/mug/photos", 422, json={"url": f"http://127.0.0.1:{server}/front.png"})

    assert "not fetched" in str(refused)
    with pytest.raises(InvalidInput, match="upload one first"):
        make_picture(shop.services, "main", {"product_id": "mug", "format": "square", "seed": 0})
