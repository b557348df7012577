"""The designers' page in a real browser: photographs in, the brush, choosing, watching, comparing, deciding."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.masks import mask_of, read_mask
from tests.service.pages.pictures_site import GATE, GROUND, Site, photograph, serve
from tests.service.pages.test_in_a_browser import BASICS, BROWSER, CONTRASTS, PHONE, UNNAMED, until

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium, chromium-browser or google-chrome on this machine"
)

DROP = """([selector, name, bytes]) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
  const options = { bubbles: true, cancelable: true, dataTransfer: files };
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.querySelector(selector).dispatchEvent(new DragEvent(kind, options));
  }
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from serve(tmp_path_factory.mktemp("pictures"), playwright)


@pytest.fixture(autouse=True)
def nothing_to_complain(site: Site) -> Iterator[None]:
    site.complaints.clear()
    yield
    GATE.set()
    for page in site.pages:
        page.context.close()
    site.pages.clear()
    assert site.complaints == []  # console errors, refused by the policy, requests to elsewhere


def put(site: Site, product: str, colour: tuple[int, int, int] = (40, 90, 120)) -> None:
    from service.arena import utc_now
    from service.domain import Product
    from service.photos import keep_photo

    site.store.products.put(Product(product, product.capitalize()), utc_now())
    objects = site.app.state.services.objects("main")
    keep_photo(site.store, objects, product, "front.png", photograph(colour), utc_now(), 10**8)


def test_photographs_become_products_join_others_and_bad_files_say_why(site: Site) -> None:
    page = site.open()
    files = [
        {"name": "green_bottle.png", "mimeType": "image/png", "buffer": photograph((30, 120, 60))},
        {"name": "cut.png", "mimeType": "image/png", "buffer": photograph()[:300]},
        {"name": "drawing.png", "mimeType": "image/png", "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>"},
        {"name": "empty.png", "mimeType": "image/png", "buffer": b""},
    ]
    page.locator("#photos").set_input_files(files)
    tile = page.locator("#tile-green-bottle")
    tile.get_by_text("Clean edge").wait_for()  # cut out while one waits, without a reload
    assert "Green bottle" in tile.inner_text()
    bad = {row.split("\n")[0]: row for row in page.locator(".upload.bad").all_inner_texts()}
    assert set(bad) == {"cut.png", "drawing.png", "empty.png"}
    assert "damaged or cut short" in bad["cut.png"]
    assert "SVG" in bad["drawing.png"]
    assert "empty" in bad["empty.png"]
    page.evaluate(DROP, ["#tile-green-bottle .tile-foot", "back.png", list(photograph((30, 121, 60)))])
    tile.get_by_text("2 photographs").wait_for()  # dropped on a product: another view of it
    page.evaluate(DROP, ["main", "again.png", list(photograph((30, 120, 60)))])
    page.get_by_text("is here already").wait_for()
    assert [photo.name for photo in site.store.products.get("green-bottle").photos] == ["green_bottle.png", "back.png"]
    tile.locator("input[name=product]").check()
    page.get_by_role("button", name="Make pictures").click()
    page.wait_for_url("**/pictures/new?product=green-bottle")


def test_an_edge_is_mended_with_the_brush_survives_a_reload_and_goes_back(site: Site) -> None:
    put(site, "kettle")
    page = site.open()
    ready = "document.querySelector('#bench')?.dataset.ready === 'true'"
    page.goto(f"{site.address}/pictures/products/kettle")
    until(page, ready)
    page.locator("[name=ground][value=photo]").check(force=True)
    page.keyboard.press("0")
    box = page.locator("#canvas").bounding_box()
    scale = min(box["width"], box["height"]) / 200 * 0.92
    left, top = box["x"] + box["width"] / 2 - 100 * scale, box["y"] + box["height"] / 2 - 100 * scale

    def stroke(start: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(left + start[0] * scale, top + start[1] * scale)
        page.mouse.down()
        page.mouse.move(left + end[0] * scale, top + end[1] * scale, steps=4)
        page.mouse.up()

    stroke((150, 60), (180, 60))  # beside the product: it grows
    page.keyboard.press("x")
    stroke((70, 100), (130, 100))  # inside: a hole
    for key, past in (("z", "1"), ("z", "0"), ("Shift+Z", "1"), ("Shift+Z", "2")):
        page.keyboard.press(key)
        assert str(page.evaluate("document.querySelector('#undo').disabled")) == str(past == "0")
    size = page.locator("#size").input_value()
    page.keyboard.press("]")
    assert float(page.locator("#size").input_value()) > float(size)
    page.reload()  # nothing was saved, and nothing is lost
    until(page, ready)
    page.get_by_text("Your unsaved strokes are back").wait_for()
    page.keyboard.press("s")
    page.get_by_text("Edge set by hand").wait_for()
    services, photo = site.app.state.services, site.store.products.get("kettle").photos[0]
    kept = mask_of(services.database, services.objects("main"), photo)
    assert kept is not None
    plane = read_mask(kept)
    assert plane.shape == (200, 200)
    assert plane[60, 165] == 255
    assert plane[100, 100] == 0
    with Image.open(io.BytesIO(photograph())) as image:
        before = np.where((np.asarray(image) != np.asarray(GROUND)).any(axis=2), 255, 0)
    assert np.array_equal(plane[130:], before[130:])  # where nobody painted, nothing changed
    page.get_by_role("button", name="Back to the automatic edge").click()
    page.get_by_text("Clean edge").wait_for()
    page.locator(".flash").get_by_role("button", name="Undo").click()
    page.get_by_text("Edge set by hand").wait_for()


def test_places_and_sizes_are_chosen_and_pictures_arrive_while_one_looks(site: Site) -> None:
    put(site, "mug")
    GATE.clear()
    page = site.open()
    page.goto(f"{site.address}/pictures/new?product=mug")
    page.locator("#plan").get_by_text("Still to choose: a place").wait_for()
    shown = page.locator(".place:visible").count()
    page.locator("#find-place").fill("christmas")
    assert 0 < page.locator(".place:visible").count() < shown
    page.locator(".place:visible .place-pick").first.click()
    page.locator("#find-place").fill("")
    page.locator("[name=format][value=story]").check()
    page.locator("#plan").get_by_text("1\u00a0product × 1\u00a0place × 2\u00a0sizes").wait_for()
    page.locator("#plan").get_by_text("About").wait_for()  # how long it will take, before it begins
    page.reload()
    page.locator("#plan").get_by_text("2\u00a0sizes").wait_for()  # the choice outlives a reload
    page.get_by_role("button", name="Make them").dblclick()
    page.wait_for_url("**/pictures/jobs/*")
    assert len(site.app.state.services.store("main").jobs.page(None, 50).items) == 1  # a double click is one batch
    assert page.locator(".shot[data-making]").count() == 2
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused at").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.locator(".progress").get_by_text("Pause").wait_for()
    GATE.set()
    until(page, "document.querySelectorAll('.shot[data-id] img').length === 2")
    page.locator(".progress").get_by_text("made").wait_for()
    assert page.locator("#filters [data-state=waiting] .n-of").inner_text() == "2"


def test_pictures_are_held_against_the_original_and_decided_by_keyboard(site: Site) -> None:
    put(site, "jug")
    id = site.batch("jug", ["oak-table", "unsure-place", "changed-product", "stone-shelf"])
    page = site.open()
    page.goto(f"{site.address}/pictures/jobs/{id}")
    state = "[...document.querySelectorAll('.shot')].map((s) => s.dataset.state).join()"
    assert page.evaluate(state) == "waiting,review,review,waiting"
    page.locator(".shot").first.focus()
    page.keyboard.press("a")  # approves, and goes on
    until(page, f"{state}.startsWith('approved')")
    until(page, "document.activeElement === document.querySelectorAll('.shot')[1]")
    page.keyboard.press("r")
    until(page, f"{state} === 'approved,rejected,review,waiting'")
    page.keyboard.press("a")  # its product was changed
    page.get_by_text("its product may have been changed").first.wait_for()
    assert page.evaluate(state) == "approved,rejected,review,waiting"
    page.keyboard.press("u")
    until(page, f"{state} === 'approved,review,review,waiting'")

    page.keyboard.press("Enter")
    page.locator("#look").wait_for()
    assert "Not one product pixel was changed" in page.locator(".look-proof").inner_text()
    page.keyboard.press("c")  # slider; its two pictures meet where the product is
    page.keyboard.press("z")
    place = """(name) => {
      const style = document.querySelector(`.pane[data-pane=made] ${name}`).style;
      return [parseFloat(style.left), parseFloat(style.width)];
    }"""
    made, original = page.evaluate(place, ".made"), page.evaluate(place, ".original")
    assert original[0] == pytest.approx(made[0] + made[1] * (1080 - 200) / 2 / 1080, abs=0.6)  # px of the screen
    assert original[1] == pytest.approx(made[1] * 200 / 1080, abs=0.6)
    page.keyboard.press(" ")
    assert page.locator("#seam").input_value() == "1000"
    page.keyboard.press("p")
    assert "9,000 pixels inside the product were compared" in page.locator(".proof").inner_text()
    told = json.loads(
        page.request.get(site.address + page.locator("a[href$='receipt.json']").get_attribute("href")).text()
    )
    assert (told["max_abs_diff"], told["checked_px"], told["passed"]) == (0, 9_000, True)
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('#look .look-proof').classList.contains('failed')")
    page.keyboard.press("Enter")

    page.get_by_role("button", name="Choose all").click()
    page.locator("#tray").get_by_role("button", name="Approve").click()
    page.get_by_text("1 cannot be").wait_for()  # three can, and the refused one says why
    until(page, f"{state} === 'approved,approved,review,approved'")
    page.locator(".flash").get_by_role("button", name="Undo").click()
    until(page, f"{state} === 'approved,review,review,waiting'")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download all").click()
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as archive:
        assert len(archive.namelist()) == 5  # four pictures and their receipts
        assert archive.testzip() is None
    page.locator("#filters a", has_text="Approved").click()
    assert page.locator(".shot").count() == 1


def test_failures_are_told_and_tried_again(site: Site) -> None:
    put(site, "pan")
    id = site.batch("pan", ["oak-table", "nothing-here"])
    page = site.open()
    page.goto(f"{site.address}/pictures/jobs/{id}")
    assert "nobody has been there" in page.locator(".shot.failed").inner_text()
    page.get_by_role("button", name="Try 1\u00a0missing picture again").click()
    page.locator(".flash").get_by_text("Trying the missing ones again").wait_for()
    page.locator(".shot.failed").wait_for()
    assert page.locator(".shot[data-id]").count() == 1
    page.locator("#filters a", has_text="Not made").click()
    page.wait_for_url("**state=failed")
    assert page.locator(".shot").count() == page.locator(".shot.failed").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_read_by_everybody_and_fit_a_phone(site: Site, scheme: str) -> None:
    put(site, "cup")
    id = site.batch("cup", ["oak-table", "nothing-here", "unsure-place"])
    page = site.open(PHONE, scheme)
    paths = (
        "",
        "/pictures/products/cup",
        "/pictures/new?product=cup",
        f"/pictures/jobs/{id}",
        "/pictures/jobs",
        "look",
    )
    for path in paths if scheme == "light" else (paths[1], paths[3], paths[5]):
        if path == "look":
            page.goto(f"{site.address}/pictures/all")
            page.locator("[data-look]").first.click()
            page.locator("#look").wait_for()
        elif path:
            page.goto(site.address + path)
        if path.endswith("products/cup"):
            until(page, "document.querySelector('#bench')?.dataset.ready === 'true'")
        if "new" in path:
            page.locator("#plan button").wait_for()
        found: Any = page.evaluate(BASICS)
        assert (found["lang"], found["h1"], found["main"]) == ("en", 1, 1), path
        assert (found["ids"], found["alts"]) == ([], 0), path
        assert found["wide"] <= 0, path  # nothing to scroll sideways
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate(CONTRASTS) == [], path
