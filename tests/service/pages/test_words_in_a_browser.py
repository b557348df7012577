"""The merchant's page in a real browser: paste, watch, look at evidence, edit, mend, approve. No model weights."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from models.text.fake import FakeText
from service.app import create_app
from service.settings import Settings
from service.studio import Backends, Shelf, Studio, Workshop
from service.wiring import Workbench
from tests.service.conftest import settings_in
from tests.service.pages.test_in_a_browser import BASICS, BROWSER, CONTRASTS, PATIENCE_MS, PHONE, UNNAMED, WIDE, until

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium, chromium-browser or google-chrome on this machine"
)

FACTS = """Capacity: 600 ml
Material: 18/8 stainless steel
Insulation: keeps drinks cold 24 h and hot 12 h
Seal: leakproof silicone ring
Warranty: 10 years"""
SAID = ("Cold for 24 hours", "Leakproof silicone ring", "Keeps drinks cold 48 hours")
HELD = threading.Event()  # cleared: the model holds its breath
HELD.set()


class Patient(FakeText):
    """Writes what it was told to, once it may."""

    def write(self, request: Any, watch: Any = None) -> Any:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not HELD.wait(0.02) and time.monotonic() < deadline and not (watch and watch.is_cancelled()):
            pass
        return super().write(request, watch)


def composing_studio(settings: Settings, shelf: Shelf) -> Workbench:
    model = Patient(says=[json.dumps({"headline": text}) for text in SAID])
    nothing: Any = None
    return Studio(Workshop(Backends(text=lambda: model, matting=nothing, image=nothing)), shelf)


@dataclass
class Site:
    """A served workspace and everything the browser complained about."""

    app: Any
    address: str
    browser: Any
    key: str
    complaints: list[str] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)

    def open(self, size: dict[str, int] = WIDE, scheme: str = "light") -> Any:
        context = self.browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
        page = context.new_page()
        self.pages.append(page)
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self._mine(asked.url))
        page.goto(f"{self.address}/login")
        page.get_by_label("API key").fill(self.key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("nav")
        return page

    def ask(self, page: Any, title: str = "Steel bottle", facts: str = FACTS, wait: bool = True) -> str:
        """Paste a product for an e-mail; the address of what is written."""
        page.goto(f"{self.address}/words/new")
        page.locator("#title").fill(title)
        page.locator("#facts").fill(facts)
        for channel in ("google_rsa", "meta_feed"):
            page.locator(f"input[value={channel}]").uncheck()
        page.locator("#variants").fill("3")
        page.get_by_role("button", name="Start writing").click()
        page.wait_for_selector("#board")
        if wait:
            until(page, "!document.querySelector('#progress[hx-get]')")
        return str(page.url)

    def _mine(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {url}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(settings_in(tmp_path_factory.mktemp("words")), composing_studio)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off", loop="asyncio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=shutil.which(BROWSER), args=arguments)
        yield Site(app, f"http://127.0.0.1:{port}", browser, app.state.first_key)
        browser.close()
    server.should_exit = True
    thread.join(10.0)


@pytest.fixture(autouse=True)
def nothing_to_complain(site: Site) -> Iterator[None]:
    site.complaints.clear()
    yield
    HELD.set()
    for page in site.pages:
        page.context.close()
    site.pages.clear()
    assert site.complaints == []  # console errors, refused by the policy, requests to elsewhere


def line_with(page: Any, text: str) -> Any:
    return page.locator(".line").filter(has=page.locator(".reading", has_text=text)).first


def test_from_a_pasted_product_to_an_approved_line_and_back(site: Site) -> None:
    page = site.open()
    url = site.ask(page)
    line = line_with(page, "Cold for 24 hours")
    number = line.get_attribute("data-line")

    line.locator(".claim", has_text="24 hours").hover()  # evidence beside the claim, and in the list of facts
    page.wait_for_selector("#evidence:not([hidden])")
    assert "Proved by a fact" in page.locator("#evidence").inner_text()
    assert "keeps drinks cold 24 h" in page.locator("#evidence").inner_text()
    assert "keeps drinks cold" in page.locator(".known-facts .proving").inner_text()

    page.mouse.move(5, 5)
    line.get_by_role("button", name="Edit").click()  # a lie is refused while it is typed
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Cold for 48 hours")
    page.wait_for_selector(".check .claim.contradicted")
    assert "cannot be approved" in page.locator(f"#check-{number}").inner_text()
    page.keyboard.press("Enter")
    line = page.locator(f"#line-{number}.refused")
    line.wait_for()
    assert "“48 hours” is not true" in line.inner_text()
    line.get_by_role("button", name="Approve").click(force=True)  # it says why it does not
    page.wait_for_selector(".flash >> text=Cannot be approved")
    page.keyboard.press("a")
    assert page.locator(f"#line-{number}.approved").count() == 0

    line.get_by_role("button", name="Rewrite").first.click()  # one click mends it
    line = page.locator(f"#line-{number}.ready")
    line.wait_for()
    assert "48" not in line.locator(".reading").inner_text()
    assert "your words" in line.inner_text()

    until(page, f"document.activeElement.id === 'line-{number}'")
    page.keyboard.press("a")  # and the keyboard approves it
    page.wait_for_selector(f"#line-{number}.approved")
    page.goto(url)
    assert "approved by admin" in page.locator(f"#line-{number}").inner_text()
    actions = [entry.action for entry in site.app.state.services.store("main").audit(4)]
    assert actions[:3] == ["approve", "rewrite", "edit"]
    for text in ("Cold for 24 h", "Cold for 48 hours", "Cold for 24 hours"):  # one undo for each change
        page.locator(f"#line-{number} [data-act=undo]").click()
        until(page, f"document.querySelector('#line-{number}').dataset.text === '{text}'")
    assert page.locator(f"#line-{number} [data-act=undo]").count() == 0


def test_a_rule_of_the_market_is_told_with_its_source_and_mended(site: Site) -> None:
    page = site.open()
    site.ask(page)
    line = line_with(page, "Leakproof silicone ring")
    number = line.get_attribute("data-line")
    line.get_by_role("button", name="Edit").click()
    page.locator(f"#edit-{number}").fill("The world's best bottle, 600 ml")
    page.keyboard.press("Enter")
    finding = page.locator(f"#line-{number} .finding", has_text="Directive")
    assert finding.locator("a").get_attribute("rel") == "noopener noreferrer"
    page.locator(f"#line-{number} [data-rewrite]").last.click()
    page.locator(f"#line-{number}.ready").wait_for()
    assert page.locator(f"#line-{number} .finding.block").count() == 0


def test_lines_arrive_while_one_looks_and_stop_stops(site: Site) -> None:
    HELD.clear()
    page = site.open()
    url = site.ask(page, title="Steel bottle to stop", wait=False)
    page.wait_for_selector("#progress[hx-get] >> text=Writing")
    assert page.locator(".line").count() == 0
    page.goto(f"{site.address}/words")  # leave and come back
    assert "Writing" in page.locator(".draft", has_text="to stop").inner_text()
    page.goto(url)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("#progress >> text=Stopped")
    HELD.set()
    page.get_by_role("button", name="Write the rest").click()
    page.wait_for_selector(".line")
    until(page, "!document.querySelector('#progress[hx-get]')")
    assert page.locator(".line").count() >= 3


def test_the_page_is_worked_by_keyboard_alone(site: Site) -> None:
    page = site.open()
    site.ask(page)
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.id")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == first
    page.keyboard.press("Tab")  # to the first claim of the line: its evidence shows
    page.wait_for_selector("#evidence:not([hidden])")
    page.keyboard.press("Escape")
    assert page.locator("#evidence").is_hidden()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("next line that must change").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.keyboard.type(" and more")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == first
    assert "and more" not in page.locator(f"#{first} .reading").inner_text()
    page.get_by_role("button", name="Approve all clean lines").click()
    page.wait_for_selector(".flash >> text=approved")
    assert page.locator(".line.approved").count() == page.locator(".line").count()
    page.locator(".flash").get_by_role("button", name="Undo").click()
    page.wait_for_selector(".flash >> text=as before")
    assert page.locator(".line.approved").count() == 0


def test_hostile_words_stay_words(site: Site) -> None:
    page = site.open()
    bad = "<script>window.hurt=1</script><img src=x onerror=window.hurt=1>"
    site.ask(page, title=f"Mug {bad}", facts=f"Material: stoneware {bad}\nCapacity: 350 ml")
    line = page.locator(".line").first
    number = line.get_attribute("data-line")
    line.get_by_role("button", name="Edit").click()
    page.locator(f"#edit-{number}").fill(f"Mug {bad} '\"}}")
    page.wait_for_selector(f"#check-{number} .reading")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#line-{number}.refused")
    page.goto(f"{site.address}/words")
    assert page.locator(".draft h2", has_text="<script>").count() == 1
    assert page.evaluate("window.hurt") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_by_everybody_and_fit_a_phone(site: Site, scheme: str) -> None:
    page = site.open(PHONE, scheme)
    url = site.ask(page)
    line = page.locator(".line").first
    line.get_by_role("button", name="Edit").click()
    line.locator("textarea").fill("The world's best bottle, cold for 48 hours")
    page.wait_for_selector(".check .finding")
    line.locator("textarea").press("Enter")
    page.wait_for_selector(".line.refused")
    page.locator(".line.refused .claim").first.click()
    page.wait_for_selector("#evidence:not([hidden])")
    for path in ("", "/words", "/words/new"):
        if path:
            page.goto(site.address + path)
        found = page.evaluate(BASICS)
        assert (found["lang"], found["h1"], found["main"]) == ("en", 1, 1), path
        assert (found["ids"], found["alts"]) == ([], 0), path
        assert found["wide"] <= 0, path or url  # nothing to scroll sideways
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate(CONTRASTS) == [], path
