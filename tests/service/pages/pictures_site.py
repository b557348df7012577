"""A served workspace for the designers' page: a studio that is quick and needs neither weights nor plates."""

from __future__ import annotations

import hashlib
import io
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from models.matting.fake import FakeMatting
from models.matting.given import cut_out_with_mask
from models.types import CutOut
from service.app import create_app
from service.domain import Creative, Finding, Photo, Product, Receipt, Scene
from service.images.formats import formats
from service.images.intake import decode
from service.masks import read_mask
from service.settings import Settings
from service.studio import Shelf
from service.wiring import Workbench
from tests.service.conftest import FakeStudio, settings_in
from tests.service.pages.test_in_a_browser import BROWSER, PATIENCE_MS, WIDE

GATE = threading.Event()  # cleared: the studio waits before each picture
GATE.set()
PRODUCT_BOX = (60, 30, 140, 180)  # of the photograph below, px
GROUND = (238, 236, 232)


def photograph(colour: tuple[int, int, int] = (40, 90, 120), size: tuple[int, int] = (200, 200)) -> bytes:
    """A product on a plain ground, as JPEG-like noise-free PNG."""
    image = Image.new("RGB", size, GROUND)
    ImageDraw.Draw(image).rounded_rectangle(PRODUCT_BOX, 8, fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class Lifted:
    cut_out: CutOut
    view_angle_deg: float = 12.0
    is_round: bool = True


class QuickStudio(FakeStudio):
    """Cuts out by colour, lays the cut-out on one colour a scene; scene "nothing-here" cannot be made."""

    def lift(self, photo: Photo) -> Lifted:
        pixels = decode(self._shelf.read(photo)).pixels
        mask = self._shelf.mask(photo)
        if mask is not None:
            return Lifted(cut_out_with_mask(pixels, read_mask(mask)))
        return Lifted(FakeMatting().cut_out(pixels))

    def scenes(self, family: str | None = None, camera_class: str | None = None, category: str | None = None) -> Any:
        from service.studio import scene_rows

        return [Scene(**row.model_dump()) for row in scene_rows()][:60]

    def make(self, product: Product, *, scene: str | None = None, **asked: Any) -> tuple[Creative, bytes]:
        GATE.wait(PATIENCE_MS / 1000)
        if scene == "nothing-here":
            from service.errors import InvalidInput

            raise InvalidInput("scene", "nobody has been there")
        cut_out = self.lift(product.photos[0]).cut_out
        wide, tall = formats()[asked["format"]].size_px
        shade = int(hashlib.sha256((scene or "").encode()).hexdigest()[:2], 16)
        left, top = (wide - 200) // 2, (tall - 200) // 2
        picture = np.full((tall, wide, 3), (shade, 120, 255 - shade), np.uint8)
        part, alpha = picture[top : top + 200, left : left + 200], cut_out.alpha[..., None]
        part[:] = np.rint(cut_out.photo * alpha + part * (1 - alpha)).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        photo = hashlib.sha256(self._shelf.read(product.photos[0])).hexdigest()
        is_changed = scene == "changed-product"
        receipt = Receipt(7 if is_changed else 0, 9_000, False, 1.0, 3.0, photo, digest, "1" * 64, "fake", "none", 0)
        placement = {"size_px": [wide, tall], "photo_box": [0, 0, 200, 200],
                     "product_box": [left, top, left + 200, top + 200]}  # fmt: skip
        findings = (Finding("cut_out.unsure", "the cut-out is unsure", "warn"),) if scene == "unsure-place" else ()
        return Creative(
            id=f"cr_{digest[:16]}", product_id=product.id, format=asked["format"], width_px=wide, height_px=tall,
            picture_key=f"creatives/{digest}.png",
            scene=Scene(scene or "a", scene or "a", "kitchen", "calm", "left", "oak", "eye_level"),
            image_provenance={"model": "fake"}, matting_provenance={"backend": "fake"}, copy_id=None,
            headline=asked["headline"], body=None, call_to_action=None, layout={"placement": placement},
            receipt=receipt, findings=findings,
        ), buffer.getvalue()  # fmt: skip


def quick_studio(settings: Settings, shelf: Shelf) -> Workbench:
    return QuickStudio(settings, shelf)


@dataclass
class Site:
    """A served workspace and everything the browser complained about."""

    app: Any
    address: str
    browser: Any
    key: str
    folder: Path
    complaints: list[str] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)

    @property
    def store(self) -> Any:
        return self.app.state.services.store("main")

    def open(self, size: dict[str, int] = WIDE, scheme: str = "light", **more: Any) -> Any:
        context = self.browser.new_context(
            viewport=size, color_scheme=scheme, accept_downloads=True, user_agent=NORMAL, **more
        )
        page = context.new_page()
        self.pages.append(page)
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self._mine(asked.url))
        page.goto(f"{self.address}/login?next=/pictures")
        page.get_by_label("API key").fill(self.key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.address}/pictures")
        return page

    def batch(self, product: str, scenes: list[str], sizes: tuple[str, ...] = ("square",), wait: bool = True) -> str:
        """Pictures asked for as the page does; the batch's id."""
        id = f"pictures-{hashlib.sha256(repr((product, scenes, sizes, time.time())).encode()).hexdigest()[:24]}"
        shared = {"seed": 0, "backend": None, "copy_id": None, "headline": None, "body": None, "call_to_action": None}
        items = [{"product_id": product, "scene": s, "format": f, **shared} for s in scenes for f in sizes]
        self.app.state.services.jobs.submit("main", "images", items, id)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while wait and not self.store.jobs.get(id).state.is_final and time.monotonic() < deadline:
            time.sleep(0.05)
        return id

    def _mine(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {url}")


NORMAL = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def serve(folder: Path, playwright: Any) -> Iterator[Site]:
    """A server over a folder, with jobs that run, and a browser beside it."""
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(settings_in(folder, job_chunk=2), quick_studio)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="on", loop="asyncio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=shutil.which(BROWSER or "chromium"), args=arguments)
        yield Site(app, f"http://127.0.0.1:{port}", browser, app.state.first_key, folder)
        browser.close()
    GATE.set()
    server.should_exit = True
    thread.join(20.0)
