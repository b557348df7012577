"""The designers' page without a browser: what is taken, what it is called, what is planned, who may, what is sent."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.domain import Approval, Creative
from service.pages.pictures_cut import merged
from service.pages.pictures_upload import title_of
from service.storage import tables as t
from service.storage.pictures import Pictures, Wanted
from service.storage.store import to_json
from tests.service.conftest import NOW, SCENES, Shop, creative_of, settings_in
from tests.service.pages.pictures_site import photograph, quick_studio


class Desk:
    """Somebody signed in, with the token that their forms carry."""

    def __init__(self, shop: Shop, key: str | None = None) -> None:
        self.shop, self.client = shop, TestClient(shop.client.app, raise_server_exceptions=False)
        self.client.post("/login", data={"key": key or shop.key, "next": "/words"})
        found = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/words").text + self.client.get("/").text)
        self.token = found[1] if found else ""

    def post(self, path: str, data: dict[str, object] | None = None, **more: object):  # type: ignore[no-untyped-def]
        headers = {"X-CSRF-Token": self.token, "Accept": "application/json"}
        return self.client.post(path, data=data or {}, headers=headers, follow_redirects=False, **more)

    def upload(self, name: str, data: bytes, product: str = "") -> dict[str, object]:
        answer = self.post("/pictures/upload", {"product": product}, files={"photos": (name, data, "image/png")})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()[0])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    app = create_app(settings_in(tmp_path_factory.mktemp("desk")), quick_studio)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Desk(Shop(client, app.state.services, app.state.first_key))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("green_bottle-front.JPG", "Green bottle front"),
        ("IMG_2041.jpeg", "Product 2041"),
        ("照片 马克杯.png", "照片 马克杯"),
        ("C:\\shop\\tea.tin.webp", "Tea tin"),
        ("<img src=x>.png", "<img src=x>"),
        ("...", "New product"),
    ],
)
def test_a_product_is_called_after_its_file(name: str, title: str) -> None:
    assert title_of(name) == title


def test_the_same_photograph_is_taken_once_and_names_that_are_taken_get_numbers(desk: Desk) -> None:
    first = desk.upload("lamp.png", photograph((1, 2, 3)))
    assert (first["product"], first["is_new"]) == ("lamp", True)
    assert desk.upload("other.png", photograph((1, 2, 3)))["product"] == "lamp"
    assert desk.upload("lamp.png", photograph((3, 2, 1)))["product"] == "lamp-2"
    joined = desk.upload("lamp.png", photograph((9, 9, 1)), product="lamp")
    assert (joined["product"], joined["is_new"]) == ("lamp", False)
    assert [photo.name for photo in desk.shop.store.products.get("lamp").photos] == ["lamp.png", "lamp-2.png"]


def test_bad_files_get_a_clear_answer_and_leave_nothing_behind(desk: Desk) -> None:
    before = len(desk.shop.store.products.page(None, 200).items)
    bomb = bytearray(photograph())
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2  # the declared size of a PNG, with its check sum
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    for data, said in (
        (b"", "empty"),
        (bytes(bomb), "The declared size is too large."),
        (photograph()[:200], "damaged or cut short."),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40, "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (photograph(size=(20, 20)), "64"),
    ):
        answer = desk.upload("thing.png", data)
        assert said in str(answer["problem"]), answer
        assert answer["product"] is None
    assert len(desk.shop.store.products.page(None, 200).items) == before


def test_only_what_was_painted_changes_in_the_fine_mask() -> None:
    rng = np.random.default_rng(4)
    full = np.zeros((400, 400), np.uint8)
    full[100:300, 100:300] = 255
    full[98:100, 100:300] = rng.integers(1, 254, (2, 200))  # a fine edge that a small copy cannot hold
    before = full.reshape(200, 2, 200, 2).mean(axis=(1, 3)).astype(np.uint8)
    after = before.copy()
    after[120:140, 160:180] = 255  # added, beside the product
    after[100:110, 100:110] = 0  # a hole
    result = merged(full, before, after)
    assert np.array_equal(result[:150], full[:150])
    assert result[260, 340] == 255
    assert result[210, 210] == 0
    assert np.array_equal(result[290:], full[290:])


def test_a_key_of_another_trade_or_workspace_comes_to_nothing(desk: Desk) -> None:
    desk.upload("vase.png", photograph((7, 7, 90)))
    merchant = desk.shop.call("POST", "/v1/keys", 201, json={"name": "words only", "scopes": ["merchant"]})["key"]
    other = Desk(desk.shop, merchant)
    for path in ("/pictures", "/pictures/all", "/pictures/new?product=vase", "/pictures/products/vase"):
        assert other.client.get(path).status_code == 403
    assert other.post("/pictures/upload", files={"photos": ("a.png", photograph(), "image/png")}).status_code == 403
    stranger = TestClient(desk.shop.client.app)
    answer = stranger.get("/pictures/products/vase", follow_redirects=False)
    assert answer.headers["location"].startswith("/login?next=")
    without_token = desk.client.post("/pictures/decide", data={"ids": "x", "verdict": "approve"})
    assert without_token.status_code == 403


def test_hostile_names_stay_names(desk: Desk) -> None:
    bad = "<script>alert(1)<b title=' onload='x.png"
    made = desk.upload(bad, photograph((90, 7, 7)))
    for path in ("/pictures", f"/pictures/products/{made['product']}", f"/pictures/new?product={made['product']}"):
        text = desk.client.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


def test_the_plan_counts_what_the_job_then_asks_for(desk: Desk) -> None:
    desk.upload("tin.png", photograph((7, 90, 7)))
    scene = quick_studio(desk.shop.services.settings, None).scenes()[0].id  # type: ignore[arg-type]
    wish = {"product": "tin", "scene": scene, "own": "a mossy stone\n\na mossy stone\n a shelf of oak ",
            "format": ["square", "story"], "words": "typed",
            "headline": "  Kept  fresh ", "once": "ab" * 12}  # fmt: skip
    told = desk.post("/pictures/plan", wish).text
    assert "<b>6</b> pictures" in told  # one place of the library, two in words, two sizes
    first, again = desk.post("/pictures/new", wish), desk.post("/pictures/new", wish)
    assert first.headers["location"] == again.headers["location"] == f"/pictures/jobs/pictures-{'ab' * 12}"
    items = desk.shop.store.jobs.items(f"pictures-{'ab' * 12}")
    assert [item.request["scene"] for item in items] == [scene, scene, *["a mossy stone"] * 2, *["a shelf of oak"] * 2]
    assert {item.request["headline"] for item in items} == {"Kept fresh"}
    nothing = desk.post("/pictures/new", {"product": "tin"})
    assert nothing.headers["location"].startswith("/pictures/new?product=tin")


def test_a_thousand_pictures_are_paged_counted_decided_and_sent(desk: Desk) -> None:
    desk.upload("bulk.png", photograph((90, 90, 7)))
    store, objects = desk.shop.store, desk.shop.services.objects("main")
    pictures = Pictures(desk.shop.services.database, "main")
    made: list[str] = []
    rows = []
    for number in range(1_000):
        creative, data = creative_of("bulk", SCENES[number % 2], seed=number)
        if number < 3:
            objects.put(creative.picture_key, data)
        if number == 7:
            creative = replace(creative, receipt=replace(creative.receipt, max_abs_diff=3))
        made.append(creative.id)
        rows.append({"workspace": "main", "id": creative.id, "product_id": "bulk", "format": "square",
                     "approval": "pending", "picture_key": creative.picture_key, "created": NOW,
                     "body": to_json(Creative, replace(creative, created=NOW))})  # fmt: skip
    with store.database.engine.begin() as connection:
        connection.execute(t.creatives.insert(), rows)
    page = desk.client.get("/pictures/all?product=bulk").text
    assert page.count('class="shot ') == 60  # a page, whatever there is
    assert page.count('loading="lazy"') >= 60
    following = re.search(r'hx-get="(/pictures/all[^"]+)"', page)
    assert following
    part = desk.client.get(following[1].replace("&amp;", "&")).text
    assert part.count('class="shot ') == 60
    assert not set(re.findall(r'data-id="([^"]+)"', page)) & set(re.findall(r'data-id="([^"]+)"', part))
    counts = pictures.counts(Wanted(product="bulk"))
    assert (counts[""], counts["waiting"], counts["review"]) == (1_000, 1_000, 1)
    told = desk.post("/pictures/decide", {"verdict": "approve", "all": "yes", "product": "bulk"}).json()
    assert len(told["changed"]) == 999
    assert [one["id"] for one in told["refused"]] == [made[7]]
    assert told["counts"]["approved"] == 999
    assert store.creatives.get(made[0]).approval is Approval.APPROVED
    answer = desk.post("/pictures/take", {"product": "bulk", "state": "approved", "ids": ",".join(made[:3])})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == 4
        assert archive.testzip() is None
