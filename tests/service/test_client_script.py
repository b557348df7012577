"""The script for shops' pages, in a real browser against a real server."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import text

from service.app import create_app
from tests.service.conftest import Shop, fake_studio, settings_in

CLIENTS = Path(__file__).parents[2] / "service" / "clients"
# headless browsers say so in their name, and are counted as robots
VISITOR = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Served:
    """A server on a port, and what is behind it."""

    url: str
    shop: Shop


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = settings_in(tmp_path_factory.mktemp("served"), public_url=url, refresh_s=3600.0, cors_origins=("*",))
    app = create_app(settings, fake_studio)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield Served(url, Shop(httpx.Client(base_url=url), app.state.services, app.state.first_key))  # type: ignore[arg-type]
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser: looked for {', '.join(BROWSERS)}")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def wait_until(met: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def events_of(served: Served) -> list[tuple[str, str]]:
    """(kind, decision) of every event kept."""
    with served.shop.services.database.engine.connect() as connection:
        return [
            tuple(row) for row in connection.execute(text("select kind, decision_id from events where mark is null"))
        ]


def open_page(served: Served, browser: Any, key: str, test: str, consent: str = "") -> tuple[Any, list[str]]:
    window = browser.new_context(viewport={"width": 1100, "height": 800}, user_agent=VISITOR)
    page, wrong = window.new_page(), list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{served.url}/client/shop?experiment={test}&key={key}&consent={consent}")
    return page, wrong


def test_the_script_fits_in_two_kilobytes() -> None:
    assert len((CLIENTS / "adloom.js").read_bytes()) <= 2048


def test_the_small_script_speaks_of_everything_its_source_speaks_of() -> None:
    """A source that was changed and not made small again is found by its names."""
    small = (CLIENTS / "adloom.js").read_text()
    for name in ("data-adloom", "data-text", "hidden", "keepalive", "sticky", "consent", "report"):
        assert name in (CLIENTS / "adloom.source.js").read_text()
        assert name in small


def test_the_script_may_be_loaded_by_any_site_and_is_cached(served: Served) -> None:
    first = served.shop.client.get("/client/adloom.js")
    assert first.status_code == 200
    assert first.headers["access-control-allow-origin"] == "*"
    again = served.shop.client.get("/client/adloom.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert served.shop.client.get("/client/shop.html").status_code == 404  # only what is listed


def test_the_example_shop_escapes_what_its_address_says(served: Served) -> None:
    page = served.shop.client.get(
        "/client/shop", params={"experiment": '"><script>alert(1)</script>', "key": "{{consent}}"}
    )
    assert "<script>alert" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_page_shows_the_chosen_creative_and_reports_it_when_it_was_seen(served: Served, browser: Any) -> None:
    test = served.shop.running_test("Pours slowly", "Keeps its heat")
    page, wrong = open_page(served, browser, test["publishable_key"], test["id"])
    page.wait_for_selector("[data-state=shown]", timeout=15_000)
    words = page.inner_text(".advert strong")
    assert words in ("Pours slowly", "Keeps its heat")
    assert "/i/" in page.get_attribute(".advert img", "src")
    assert "/c/" in page.get_attribute(".advert", "href")
    wait_until(lambda: any(kind == "shown" for kind, _ in events_of(served)), "the pixel was not fetched")
    page.click("#buy")
    page.wait_for_selector("#basket[data-accepted='1']", timeout=15_000)
    kinds = [kind for kind, _ in events_of(served)]
    assert kinds.count("shown") == kinds.count("converted") == 1
    assert page.evaluate("Object.keys(localStorage).length") == 0  # nobody agreed to anything
    assert wrong == []
    page.context.close()


def test_what_is_never_scrolled_into_view_is_never_counted_as_seen(served: Served, browser: Any) -> None:
    test = served.shop.running_test("Far below", "Further below")
    page = browser.new_context(viewport={"width": 1100, "height": 800}, user_agent=VISITOR).new_page()
    page.route(
        "**/client/shop.css",
        lambda route: route.fulfill(body="main{padding-top:3000px}.advert img{width:300px}", content_type="text/css"),
    )
    page.goto(f"{served.url}/client/shop?experiment={test['id']}&key={test['publishable_key']}")
    page.wait_for_selector("[data-state=shown]", timeout=15_000)
    pixels: list[str] = []
    page.on("request", lambda request: pixels.append(request.url) if "/p/" in request.url else None)
    page.wait_for_timeout(1_600)  # the script's second, and a bit
    assert pixels == []
    page.locator(".advert").scroll_into_view_if_needed()
    wait_until(lambda: page.wait_for_timeout(50) or pixels, "it came into view and was not reported")
    page.context.close()


def test_a_visitor_who_agreed_sees_the_same_again_and_is_forgotten_on_request(served: Served, browser: Any) -> None:
    test = served.shop.running_test("One", "Two", "Three", "Four")
    page, _ = open_page(served, browser, test["publishable_key"], test["id"], consent="yes")
    page.wait_for_selector("[data-state=shown]", timeout=15_000)
    first = page.evaluate("JSON.parse(localStorage.adloom)")
    page.reload()
    page.wait_for_selector("[data-state=shown]", timeout=15_000)
    assert page.evaluate("JSON.parse(localStorage.adloom)") == first  # visitor and decision both
    page.click("#no")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    page.context.close()


@pytest.mark.parametrize("fault", ["refused", "broken", "slow", "no-picture"])
def test_without_an_answer_the_page_stays_as_it_is(served: Served, browser: Any, fault: str) -> None:
    test = served.shop.running_test("Never shown", "Nor this")
    page = browser.new_context().new_page()
    if fault == "refused":
        page.route("**/decide", lambda route: route.fulfill(status=503, body="{}"))
    elif fault == "broken":
        page.route("**/decide", lambda route: route.fulfill(status=200, body="<html>"))
    elif fault == "slow":
        page.route("**/decide", lambda route: None)  # never answered: the script's own 2 s end it
    else:
        page.route("**/i/**", lambda route: route.abort())
    page.goto(f"{served.url}/client/shop?experiment={test['id']}&key={test['publishable_key']}")
    page.wait_for_selector("[data-state=default]", timeout=15_000)
    assert page.inner_text(".advert strong") == "The mug of the house"
    assert page.get_attribute(".advert img", "src") == "/client/mug.webp"
    assert page.get_attribute(".advert", "href") == "#mug"
    page.context.close()
