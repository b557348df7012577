"""What a folder holds: every file gets an answer, none stops the others."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.batches.folder import Gathered, gather, gather_list
from service.errors import InvalidInput


def jpeg(colour: str = "teal", size: tuple[int, int] = (90, 60), mode: str = "RGB", **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).convert(mode).save(buffer, "JPEG", **more)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG that declares 50,000 x 50,000 pixels in 60 bytes."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "good.jpg": jpeg(),
        "copy of good.jpg": jpeg(),
        "cut short.jpg": jpeg(size=(600, 600))[:1_500],
        "bomb.png": bomb(),
        "cmyk.jpg": jpeg("red", mode="CMYK"),
        "turned.jpg": jpeg("navy", exif=turned.tobytes()),
        "drawing.jpg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "dot.png": b"",
        "no bytes.jpg": b"",
        "notes.txt": b"for people",
        ".hidden.jpg": b"",
        "sub/Teekanne weiß.jpg": jpeg("white"),
        "sub/茶壶.jpg": jpeg("black"),
        "sub/good.jpg": jpeg("lime"),
        "mug/product.json": json.dumps({"id": "mug", "title": "Mug", "photos": ["a.jpg", "gone.jpg"]}).encode(),
        "mug/a.jpg": jpeg("pink"),
        "mug/b.jpg": jpeg("gold"),
        "mug/truth/alpha.jpg": jpeg("gray"),
        "bad/product.json": b'{"id": "x", "title": "X", "colour": "red"}',
        "bad/settings.json": b'{"a": 1}',
    }
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.fromarray(np.full((40, 40), 40_000, np.uint16)).save(tmp_path / "deep.png")
    return tmp_path


def reason(gathered: Gathered, photo: str) -> str:
    return next(one.reason for one in gathered.refused if one.photo == photo)


def test_every_file_of_a_folder_gets_an_answer(folder: Path) -> None:
    gathered = gather(folder)
    by_photo = {photo.name: one for one in gathered.found for photo in one.photos}
    assert set(by_photo) == {
        "cmyk.jpg",
        "copy of good.jpg",
        "deep.png",
        "turned.jpg",
        "sub/Teekanne weiß.jpg",
        "sub/茶壶.jpg",
        "sub/good.jpg",
        "mug/a.jpg",
        "mug/b.jpg",
    }
    assert reason(gathered, "good.jpg") == "the same photograph as copy of good.jpg"
    assert "cut short" in reason(gathered, "cut short.jpg")
    assert "2500000000 pixels" in reason(gathered, "bomb.png").replace(",", "") or "declared" in reason(
        gathered, "bomb.png"
    )
    assert "SVG" in reason(gathered, "drawing.jpg")
    assert "too small" in reason(gathered, "dot.png")
    assert "empty" in reason(gathered, "no bytes.jpg")
    assert reason(gathered, "gone.jpg") == "no such file"
    assert "does not name it" in reason(gathered, "mug/truth/alpha.jpg")
    assert "unknown key" in reason(gathered, "bad/product.json")
    assert {one.photo for one in gathered.refused if one.is_left_aside} == {
        "good.jpg",
        "mug/truth/alpha.jpg",
        "bad/settings.json",
    }
    turned = by_photo["turned.jpg"].photos[0]
    assert (turned.width_px, turned.height_px) == (60, 90)
    assert any("CMYK" in note for note in by_photo["cmyk.jpg"].photos[0].notes)


def test_products_are_called_after_their_files_and_no_two_share_a_folder(folder: Path) -> None:
    gathered = gather(folder)
    folders = {one.photos[0].name: one.folder for one in gathered.found}
    assert folders["sub/Teekanne weiß.jpg"] == "Teekanne weiß"
    assert folders["sub/茶壶.jpg"] == "茶壶"
    assert len({name.casefold() for name in folders.values()}) == len(gathered.found)
    assert len({one.product.id for one in gathered.found}) == len(gathered.found)
    assert next(one.product.title for one in gathered.found if one.folder == "Teekanne weiß") == "Teekanne weiß"


def test_the_folder_of_the_results_is_not_looked_into(folder: Path) -> None:
    assert not any(
        photo.name.startswith("sub/") for one in gather(folder, skip=folder / "sub").found for photo in one.photos
    )
    with pytest.raises(InvalidInput):
        gather(folder / "nowhere")


def test_a_list_names_photographs_scenes_and_sizes(folder: Path) -> None:
    rows = [
        "photo,product_id,scenes,formats,headline",
        "mug/a.jpg|mug/b.jpg,mug,3,square|story,Holds warm",
        "good.jpg,,podium-oak-sage,,",
        "../../etc/passwd,,,,",
        "cut short.jpg,,,,",
        ",mug,1,square,Again",
    ]
    (folder / "list.csv").write_text("\n".join(rows))
    gathered = gather_list(folder / "list.csv", scenes=2, formats=("landscape",))
    assert [(line.product_id, line.scenes, line.formats, line.headline) for line in gathered.lines] == [
        ("mug", 3, ("square", "story"), "Holds warm"),
        ("good", ("podium-oak-sage",), ("landscape",), None),
        ("mug", 1, ("square",), "Again"),
    ]
    assert [len(one.photos) for one in gathered.found] == [2, 1]
    assert [one.reason.split(":")[0] for one in gathered.refused] == ["row 3", "row 4"]
