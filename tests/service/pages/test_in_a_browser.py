"""Pages in a real browser against a real server: what people see, do, and reach by keyboard."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.service.pages.conftest import Grown

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium, chromium-browser or google-chrome on this machine"
)

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE_MS = 60_000  # a busy machine is slow, not wrong

CONTRASTS = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map((v) => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
      if (a > .85) return [r, g, b];
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg, script, dialog:not([open]), [hidden]")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const one = light(parse(style.color)), two = light(ground(element));
    const ratio = (Math.max(one, two) + .05) / (Math.min(one, two) + .05);
    const big = parseFloat(style.fontSize) >= 24;
    if (ratio < (big ? 3 : 4.5) - .02) poor.push([walker.currentNode.data.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return poor;
}"""
UNNAMED = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")]
  .filter((e) => !e.closest("dialog:not([open])"))
  .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || (e.labels && e.labels.length) || e.title))
  .map((e) => e.outerHTML.slice(0, 80))"""
BASICS = """() => ({
  lang: document.documentElement.lang, title: document.title, h1: document.querySelectorAll("h1").length,
  main: document.querySelectorAll("main").length,
  ids: [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i),
  alts: [...document.querySelectorAll("img:not([alt])")].length,
  wide: document.documentElement.scrollWidth - innerWidth,
})"""


@dataclass
class Site:
    """A served workspace and everything the browser complained about."""

    grown: Grown
    address: str
    browser: Any
    complaints: list[str] = field(default_factory=list)

    def open(self, size: dict[str, int] = WIDE, scheme: str = "light", sign_in: bool = True) -> Any:
        context = self.browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self._mine(asked.url))
        if sign_in:
            page.goto(f"{self.address}/login?next=/tests")
            page.get_by_label("API key").fill(self.grown.shop.key)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{self.address}/tests")
        return page

    def _mine(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {url}")


@pytest.fixture(scope="module")
def site(grown: Grown) -> Iterator[Site]:
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = grown.shop.client.app
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off", loop="asyncio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=BROWSER, args=arguments)
        yield Site(grown, f"http://127.0.0.1:{port}", browser)
        browser.close()
    server.should_exit = True
    thread.join(10.0)


@pytest.fixture(autouse=True)
def nothing_to_complain(site: Site) -> Iterator[None]:
    site.complaints.clear()
    yield
    assert site.complaints == []  # console errors, refused by the policy, requests to elsewhere


def until(page: Any, script: str) -> None:
    """Wait for a script to be true. (Playwright's own way evaluates text in the page, which the policy forbids.)"""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(script):
        assert time.monotonic() < deadline, script
        page.wait_for_timeout(50)


def drawn(page: Any, chart: str) -> int:
    """Marks with some extent in a chart, once it is drawn."""
    page.wait_for_selector(f"#chart-{chart}[data-done]", state="attached")
    script = """(id) => [...document.querySelectorAll(`#chart-${id} .plot svg .mark-group path, #chart-${id} .plot svg
      .mark-rule line, #chart-${id} .plot svg .mark-symbol path, #chart-${id} .plot svg .mark-area path`)]
      .filter((mark) => { const box = mark.getBBox(); return box.width + box.height > 1; }).length"""
    return int(page.evaluate(script, chart))


def test_the_list_says_a_verdict_for_every_test_and_leads_to_it(site: Site) -> None:
    page = site.open()
    until(page, "document.querySelectorAll('.test-verdict').length === 2")
    assert all(len(text) > 20 for text in page.locator(".test-verdict").all_inner_texts())
    page.get_by_role("link", name="Which words for the mug").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Which words for the mug"


def test_the_charts_of_a_result_are_drawn_and_stand_in_tables_too(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.test.id}")
    for chart in ("share", "uplift", "posterior", "factor-headline", "factor-picture"):
        assert drawn(page, chart) > 0, chart
        assert page.locator(f"#chart-{chart}-table tbody tr").count() > 0, chart


def test_a_refresh_keeps_what_was_drawn_and_what_was_opened(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.test.id}")
    drawn(page, "share")
    page.locator("#chart-share-table summary").click()
    page.evaluate("document.querySelector('#chart-share svg').dataset.seen = 'yes'")
    page.evaluate(
        f"htmx.ajax('GET', '/tests/{site.grown.test.id}/live?seen=old', {{target: '#live', swap: 'outerHTML'}})"
    )
    until(page, "document.querySelector('#chart-share-table[open]') !== null")
    assert page.locator("#chart-share svg[data-seen=yes]").count() == 1  # the same numbers: the same drawing


def test_the_log_answers_what_if_and_refuses_when_it_cannot(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.test.id}")
    page.locator("#what-if").get_by_label("“Pours slowly”", exact=True).check()
    page.get_by_role("button", name="Ask the log").click()
    page.wait_for_selector("#what-if-answer .callout")
    assert "95 % confidence" in page.locator("#what-if-answer").inner_text().replace("\u00a0", " ")


def test_a_decision_is_explained(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.test.id}")
    page.locator("#recent summary").click()
    page.locator("#recent").get_by_role("button", name="Explain").first.click()
    page.wait_for_selector("#why-answer .why")
    assert "had a chance of" in page.locator("#why-answer").inner_text()
    page.get_by_label("Decision", exact=True).fill("d-nobody")
    page.get_by_label("Decision", exact=True).press("Enter")
    page.wait_for_selector("#why-answer .callout")
    assert "No decision of this test" in page.locator("#why-answer").inner_text()


def test_pausing_asks_first_and_can_be_undone(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.plain.id}")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert site.grown.shop.store.tests.get(site.grown.plain.id).state == "running"
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    page.wait_for_selector(".flash")
    assert site.grown.shop.store.tests.get(site.grown.plain.id).state == "paused"
    page.locator(".flash").get_by_role("button", name="Undo").click()
    page.wait_for_selector(".flash >> text=It runs")
    assert site.grown.shop.store.tests.get(site.grown.plain.id).state == "running"


def test_an_ad_is_paused_from_the_list(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.plain.id}")
    page.get_by_role("button", name="Change").last.click()
    page.get_by_role("dialog").get_by_role("button", name="Pause it").click()
    page.wait_for_selector(".flash")
    assert [arm.state for arm in site.grown.shop.store.tests.get(site.grown.plain.id).plan.arms].count("paused") == 1
    page.locator(".flash").get_by_role("button", name="Undo").click()
    page.wait_for_selector(".flash >> text=as it was")


def test_a_test_is_opened_by_keyboard_alone(site: Site) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/new")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.locator("#name").focus()
    page.keyboard.type("By keyboard")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Tab") if page.evaluate("document.activeElement.type") != "checkbox" else None
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_selector("#plan .answer")  # how long it will take is said before it starts
    page.locator("button[type=submit]", has_text="Open as a draft").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1 >> text=By keyboard")
    page.get_by_role("button", name="Discard").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"  # the safe one first
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_by_everybody_and_fit_a_phone(site: Site, scheme: str) -> None:
    page = site.open(PHONE, scheme, sign_in=scheme == "light")
    id = site.grown.test.id
    if scheme == "dark":
        page.goto(f"{site.address}/login?next=/tests")
        assert page.evaluate(CONTRASTS) == []
        page.get_by_label("API key").fill(site.grown.shop.key)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.address}/tests")
    for path in ("/tests", "/tests/new", f"/tests/{id}", f"/tests/{id}/challengers"):
        page.goto(site.address + path)
        if path == f"/tests/{id}":
            drawn(page, "posterior")
        if path == "/tests":
            until(page, "!document.body.textContent.includes('Reading the log')")
        found = page.evaluate(BASICS)
        assert (found["lang"], found["h1"], found["main"]) == ("en", 1, 1), path
        assert (found["ids"], found["alts"]) == ([], 0), path
        assert found["wide"] <= 0, path  # nothing to scroll sideways
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate(CONTRASTS) == [], path


def test_the_report_to_mail_opens_by_itself(site: Site, tmp_path: Any) -> None:
    page = site.open()
    page.goto(f"{site.address}/tests/{site.grown.test.id}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Report to mail").click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    alone = site.browser.new_context(java_script_enabled=False, offline=True, viewport=PHONE).new_page()
    alone.goto(file.as_uri())
    broken = alone.locator("img").evaluate_all("all => all.filter((i) => !i.naturalWidth).length")
    assert broken == 0
    assert alone.locator("img").count() > 4
