"""Receipts of whole pictures: every product proved, measured again from what is kept, found again without a name."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.image.fake import FakePlace
from models.matting.fake import FakeMatting
from models.matting.given import cut_out_with_mask
from models.text.fake import FakeText
from models.types import ImageRequest
from service.arena import utc_now
from service.domain import Creative, Photo, Product, Receipt
from service.images.compose import compose
from service.images.fidelity import doubts, measure
from service.images.positions import Room, parse_wish, stand
from service.provenance import metadata
from service.provenance.labels import Labeller
from service.provenance.recheck import recheck
from service.provenance.register import fill_in
from service.provenance.verify import of_workspace, verify
from service.storage import Database, Objects, Store
from service.storage.objects import open_objects
from service.storage.store import from_json, to_json
from service.studio import Backends, Shelf, Studio, Workshop
from service.wiring import keep_creative


def photograph(colour: tuple[int, int, int]) -> bytes:
    """A can on grey with a pale label, 480 x 640."""
    image = Image.new("RGB", (480, 640), (222, 222, 222))
    draw = ImageDraw.Draw(image)
    draw.rectangle((140, 120, 340, 520), fill=colour)
    draw.ellipse((140, 490, 340, 550), fill=colour)
    draw.rectangle((170, 260, 310, 400), fill=(240, 230, 200))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


PHOTOS = {"blue": photograph((40, 80, 150)), "red": photograph((170, 50, 40))}


def product(id: str) -> Product:
    digest = hashlib.sha256(PHOTOS[id]).hexdigest()
    return Product(id=id, title=f"{id} can", photos=(Photo(f"photos/{digest}.png", digest, 480, 640, f"{id}.png"),))


@dataclasses.dataclass(frozen=True)
class House:
    studio: Studio
    store: Store
    objects: Objects
    labels: Labeller

    def keep(self, creative: Creative, data: bytes) -> Creative:
        return keep_creative(self.store, self.objects, creative, data)

    def make(self, id: str = "blue", scene: str = "grey floor", **asked: object) -> tuple[Creative, bytes]:
        return self.studio.make(product(id), scene=scene, backend="fake", **{"format": "half_page", **asked})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    database = Database(f"sqlite:///{folder / 'db.sqlite'}")
    database.migrate()
    store, objects = Store(database, "main"), Objects(open_objects(f"file://{folder / 'objects'}"), "main")
    for data in PHOTOS.values():
        objects.put_photo(data, "png")
    labels = Labeller(folder=folder / "provenance", version="9.9")
    backends = Backends(
        text=FakeText, matting=FakeMatting, image=lambda name: FakePlace(), default_image="fake", labels=labels
    )
    shelf = Shelf(read=lambda photo: objects.get(photo.key), put=lambda key, data: (objects.put(key, data), None)[1])
    yield House(Studio(Workshop(backends), shelf), store, objects, labels)
    database.close()


def test_a_receipt_names_hashes_matte_placement_and_weights(house: House) -> None:
    creative, data = house.make(seed=3)
    receipt = creative.receipt
    assert receipt.passed
    assert receipt.format_version == 2
    assert receipt.picture_sha256 == hashlib.sha256(data).hexdigest()
    assert receipt.growth_px == 0
    part = receipt.parts[0]
    assert (part.product_id, part.photo_sha256) == ("blue", hashlib.sha256(PHOTOS["blue"]).hexdigest())
    assert part.reference == ("same resize of the original" if part.resized else "original pixels")
    assert house.objects.has(f"mattes/{part.matte_sha256}.png")
    assert set(receipt.backend_weights) == {"fake"}
    assert part.text.verdict == "not read"
    assert not doubts(receipt)


def test_every_product_of_a_picture_is_on_its_receipt(house: House) -> None:
    creative, _ = house.make(others=(product("red"),), arrangement="set")
    first, second = creative.receipt.parts
    assert creative.receipt.passed
    assert (first.product_id, second.product_id) == ("blue", "red")
    assert creative.receipt.checked_px == first.checked_px + second.checked_px
    changed = dataclasses.replace(second, max_abs_diff=1)
    assert not dataclasses.replace(creative.receipt, parts=(first, changed)).passed


def test_a_receipt_of_the_first_format_is_still_read() -> None:
    old = Receipt(0, 1_000, False, 1.0, 0.0, "0" * 64, "1" * 64, "2" * 64, "fake", "none", 3)
    said = {
        key: value
        for key, value in to_json(Receipt, old).items()
        if key in ("max_abs_diff", "checked_px", "resized", "scale", "edge_band_mean", "photo_sha256", "backend")
        or key in ("picture_sha256", "pixels_sha256", "weights", "seed")
    }
    assert len(said) == 11
    assert from_json(Receipt, said) == old
    assert from_json(Receipt, said).passed


def test_labels_leave_the_product_alone_and_name_the_creative(house: House) -> None:
    words = {"headline": "A can of tinplate", "call_to_action": "Shop now", "format": "square"}
    plain, _ = house.make(**words)
    creative, data = house.make(**words, label_policy="all")
    assert creative.receipt.passed
    assert creative.receipt.parts[0].pixels_sha256 == plain.receipt.parts[0].pixels_sha256
    mark = creative.layout["label"]["mark"]
    assert mark["letter_px"] >= 0.05 * 1080
    said = metadata.read(data)
    assert said.aigc is not None
    assert said.aigc["ProduceID"] == creative.id
    manifest = house.labels.read(data, "image/png")
    assert manifest is not None
    assert manifest.receipt["creative"] == creative.id
    assert manifest.ingredients[0] == ("parentOf", "blue.png")
    assert any(finding.id == "label.test_certificate" for finding in creative.findings)


def test_a_signed_picture_that_is_made_again_is_the_same_creative(house: House) -> None:
    once, first = house.make(label_policy="eu")
    again, second = house.make(label_policy="eu")
    assert first != second  # a manifest has a number of its own
    assert once.id == again.id
    assert once.id != house.make(label_policy="none")[0].id


def test_a_receipt_comes_out_equal_and_a_changed_picture_does_not(house: House) -> None:
    creative = house.keep(*house.make(seed=11))
    found = recheck(creative, house.store, house.objects, FakePlace)
    assert found.equal, found.differences
    assert found.passed
    assert found.receipt is not None
    with Image.open(io.BytesIO(house.objects.get(creative.picture_key))) as image:
        pixels = np.asarray(image.convert("RGB")).copy()
    left, top, right, bottom = creative.receipt.parts[0].placement["product_box"]
    middle = pixels[top + (bottom - top) * 4 // 5, (left + right) // 2]
    middle[1] ^= 1
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    house.objects.replace(creative.picture_key, buffer.getvalue())
    changed = recheck(creative, house.store, house.objects, FakePlace)
    assert not changed.equal
    assert not changed.passed, changed.differences
    assert any("max_abs_diff: 0 then, 1 now" in line for line in changed.differences)


def test_a_picture_is_found_by_its_bytes_by_its_look_and_not_mistaken(house: House) -> None:
    creative, data = house.make(scene="warm sand dunes", seed=21)
    house.keep(creative, data)
    shelves = of_workspace(house.store, house.objects)
    exact = verify(data, shelves, house.labels)
    assert (exact.verdict, exact.ground, exact.creative_id) == ("ours", "exact file", creative.id)
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB").resize((160, 320))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=40)
    looked = verify(buffer.getvalue(), shelves, house.labels)
    assert (looked.verdict, looked.ground, looked.creative_id) == ("ours", "look", creative.id)
    _, other = house.make("red", scene="warm sand dunes", seed=21)  # never kept
    met = verify(other, shelves, house.labels)
    assert met.verdict in ("similar, not ours", "unknown")


def test_a_signed_picture_that_was_never_kept_is_ours_by_its_manifest(house: House) -> None:
    creative, data = house.make("red", seed=31, label_policy="eu")
    found = verify(data, of_workspace(house.store, house.objects), house.labels)
    assert (found.verdict, found.ground, found.creative_id) == ("ours", "manifest", creative.id)


def test_older_pictures_get_their_print_later(house: House) -> None:
    creative, data = house.make(seed=41)
    house.objects.replace(creative.picture_key, data)
    house.store.creatives.put(creative, utc_now())  # as an older version did: no print
    assert house.store.prints.of_file(creative.receipt.picture_sha256) is None
    assert fill_in(house.store.prints, house.objects, 100) == 1
    assert house.store.prints.of_file(creative.receipt.picture_sha256) == creative.id


def test_a_scene_that_asks_for_people_is_told_so(house: House) -> None:
    creative, _ = house.make(scene="grey floor, a woman holding flowers")
    assert [finding.severity for finding in creative.findings if finding.id == "scene.people"] == ["warn"]


def test_a_see_through_product_is_proved_by_the_light_it_adds() -> None:
    """Half-clear all over: no solid pixel, yet a receipt that passes, and one that fails when it is painted over."""
    pixels = np.asarray(Image.open(io.BytesIO(PHOTOS["blue"])))
    clear = cut_out_with_mask(pixels, FakeMatting().cut_out(pixels).alpha * np.float32(0.6))
    place = FakePlace().paint(ImageRequest("grey floor", (1024, 1024))).backdrop
    frame = Room.of((640, 640), (320.0, 500.0), (300.0, 400.0))
    placement = stand(clear, place, frame, None, parse_wish(None))
    picture = compose(clear, place, placement, seed=1).pixels

    def receipt_of(shown: np.ndarray) -> Receipt:
        data = io.BytesIO()
        Image.fromarray(shown).save(data, "PNG")
        asked = {"cut_out": clear, "placement": placement, "photo_sha256": "0" * 64, "provenance": place.provenance}
        return measure(data.getvalue(), **asked)  # type: ignore[arg-type]

    left, top, right, bottom = placement.product_box
    painted = picture.copy()
    painted[top + (bottom - top) // 6, (left + right) // 2] = (255, 255, 0)

    good, bad = receipt_of(picture), receipt_of(painted)

    assert good.checked_px == 0
    assert good.parts[0].through_px > 10_000
    assert good.passed
    assert bad.parts[0].through_max_out > 0
    assert not bad.passed


def test_a_relit_product_is_claimed_to_be_relit_and_nothing_else(house: House) -> None:
    plain, _ = house.make("red")
    creative, data = house.make("red", relight=True)

    receipt = creative.receipt
    assert receipt.claim == "relit"
    assert 0 < receipt.parts[0].relit_delta_e <= 12
    assert receipt.max_abs_diff > 0 == plain.receipt.max_abs_diff
    assert receipt.passed
    kept = house.keep(creative, data)
    assert recheck(kept, house.store, house.objects, FakePlace).equal
    too_far = dataclasses.replace(receipt.parts[0], relit_delta_e=20.0)
    assert not dataclasses.replace(receipt, parts=(too_far,)).passed
