"""A shop to test with: a server over a temporary folder, with a studio that needs no network and no weights."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from models.errors import NoProductFound
from service.app import create_app
from service.domain import (
    Approval,
    Copy,
    CopyLine,
    Creative,
    Ledger,
    Product,
    Receipt,
    Scene,
)
from service.images.choice import Look, PhotoLook
from service.images.placement import Placement
from service.images.positions import Proposal
from service.records import AuditEntry
from service.settings import Settings
from service.storage import Store
from service.studio import Shelf
from service.wiring import Services, Workbench

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCENES = [
    Scene(id, words, "kitchen", "calm", "left", "oak", "eye_level")
    for id, words in (("oak", "oak table"), ("linen", "linen cloth"))
]


def png(colour: tuple[int, int, int] = (200, 180, 160), size: tuple[int, int] = (96, 96)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def creative_of(
    product_id: str,
    scene: Scene,
    *,
    headline: str | None = "Pours slowly",
    call_to_action: str | None = "See it",
    format: str = "square",
    seed: int = 0,
) -> tuple[Creative, bytes]:
    """A finished ad whose id, key and bytes follow from what was asked, as the real studio's do."""
    digest = hashlib.sha256(repr((product_id, scene.id, headline, call_to_action, format, seed)).encode()).hexdigest()
    data = png((int(digest[:2], 16), int(digest[2:4], 16), int(digest[4:6], 16)))
    picture = hashlib.sha256(data).hexdigest()
    receipt = Receipt(0, 1_000, False, 1.0, 0.0, "0" * 64, picture, "1" * 64, "fake", "none", seed)
    creative = Creative(
        id=f"cr_{digest[:16]}",
        product_id=product_id,
        format=format,
        width_px=96,
        height_px=96,
        picture_key=f"creatives/{picture}.png",
        scene=scene,
        image_provenance={},
        matting_provenance={},
        copy_id=None,
        headline=headline,
        body=None,
        call_to_action=call_to_action,
        layout={"bare_picture_key": f"pictures/{scene.id}.png"},
        receipt=receipt,
    )
    return creative, data


class FakeStudio:
    """A studio without networks. Scene "nothing" finds no product."""

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self._shelf = shelf
        self.made: list[Mapping[str, Any]] = []

    def write_copy(self, product: Product, channel: str, *args: Any, **more: Any) -> Copy:
        text = f"{product.title} for {channel}"
        line = CopyLine("headline", text, "composer", Ledger(text, ()))
        return Copy(f"cp_{product.id}_{channel}", product.id, channel, product.language, (line,))

    def scenes(self, family: str | None = None, camera_class: str | None = None, category: str | None = None) -> Any:
        return [scene for scene in SCENES if family in (None, scene.family)]

    def propose_scenes(self, product: Product, n: int, seed: int = 0) -> list[Scene]:
        return SCENES[:n]

    def look(self, product: Product, n: int, seed: int = 0) -> Look:
        self._shelf.read(product.photos[0])
        photos = tuple(PhotoLook(photo, None) for photo in product.photos)
        return Look(photos, tuple(SCENES[:n]), len(SCENES))

    def placements(self, product: Product, *, scene: str | None = None, **asked: Any) -> Any:
        where = Placement((100, 100), (0, 0, 9, 9), (0, 0, 9, 9), (20, 30, 70, 90), (0.0, 0.0), 1.0, None)
        offers = [Proposal(where, "as the format wants it", ("because",), 0.9)]
        return SCENES[0], (100, 100), offers * (1 + len(asked["others"]))

    def make(self, product: Product, *, scene: str | None = None, **asked: Any) -> tuple[Creative, bytes]:
        self._shelf.read(product.photos[0])
        self.made.append({"product": product.id, "scene": scene, **asked})
        if scene == "nothing":
            raise NoProductFound("the photograph is one colour")
        place = next((known for known in SCENES if known.id == scene), SCENES[0])
        return creative_of(
            product.id,
            place,
            headline=asked["headline"],
            call_to_action=asked["call_to_action"],
            format=asked["format"],
            seed=asked["seed"],
        )


@dataclass(frozen=True)
class Shop:
    """A running server and its admin key."""

    client: TestClient
    services: Services
    key: str

    @property
    def store(self) -> Store:
        return self.services.store("main")

    def call(self, method: str, path: str, expect: int | None = None, key: str | None = None, **more: Any) -> Any:
        """The answer's JSON (its text when it is none); with ``expect`` the status is asserted."""
        headers = {"X-API-Key": key or self.key, **more.pop("headers", {})}
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **more)
        if expect is not None:
            assert answer.status_code == expect, answer.text
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer

    def product(self, id: str = "mug", photo: bool = True) -> None:
        self.call(
            "PUT",
            f"/v1/products/{id}",
            json={"id": id, "title": id.title(), "landing_page": f"https://shop.example/{id}"},
        )
        if photo:
            self.call("PUT", f"/v1/products/{id}/photos/front.png", 200, content=png())

    def creatives(self, *headlines: str, approve: bool = True, product_id: str = "mug") -> list[str]:
        """One creative a headline and scene, kept as a job would keep it."""
        return seed_creatives(self.store, self.services, headlines, approve, product_id)

    def running_test(self, *headlines: str, **more: Any) -> Any:
        self.product()
        body = {"name": "Which headline", "creatives": self.creatives(*headlines), **more}
        test = self.call("POST", "/v1/experiments", 201, json=body)
        return self.call("POST", f"/v1/experiments/{test['id']}/start", 200)


def seed_creatives(
    store: Store, services: Services, headlines: tuple[str, ...], approve: bool = True, product_id: str = "mug"
) -> list[str]:
    ids = []
    for headline in headlines:
        for scene in SCENES:
            creative, data = creative_of(product_id, scene, headline=headline)
            services.objects(store.workspace).put(creative.picture_key, data)
            services.objects(store.workspace).put(f"pictures/{scene.id}.png", png())
            store.creatives.put(creative, NOW)
            if approve:
                entry = AuditEntry(NOW, "tests", "approve", "creative", creative.id)
                store.creatives.decide_approval(creative.id, Approval.APPROVED, entry)
            ids.append(creative.id)
    return ids


def fake_studio(settings: Settings, shelf: Shelf) -> Workbench:
    return FakeStudio(settings, shelf)


def settings_in(folder: Path, **changes: Any) -> Settings:
    return Settings(
        **{"data_dir": folder, "public_url": "http://testserver", "refresh_s": 0.1, "job_chunk": 3, **changes}
    )


def open_shop(folder: Path, **changes: Any) -> Iterator[Shop]:
    app = create_app(settings_in(folder, **changes), fake_studio)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Shop(client, app.state.services, app.state.first_key)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One server for a whole file; tests in it do not count what others made."""
    yield from open_shop(tmp_path_factory.mktemp("shop"))
