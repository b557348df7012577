"""Where pictures come from, said in the file; found again without it; labels that are lawful or nothing at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from service.provenance import certificates, manifests, marks, matching, metadata, prints
from service.provenance.certificates import SigningImpossible
from service.provenance.labels import Labeller, Source, mark_text, source_type


def picture(seed: int = 0, size: tuple[int, int] = (640, 480)) -> NDArray[np.uint8]:
    """A room of soft patches with a disc in it; (width, height) px."""
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 226, (6, 8, 3), dtype=np.uint8)
    room = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)).copy()
    rows, columns = np.mgrid[: size[1], : size[0]]
    disc = (rows - size[1] * 0.6) ** 2 + (columns - size[0] * 0.5) ** 2 < (0.18 * size[1]) ** 2
    room[disc] = rng.integers(0, 256, 3, dtype=np.uint8)
    return room


def file_of(pixels: NDArray[np.uint8], kind: str = "PNG", **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **how)
    return buffer.getvalue()


def pixels_of(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def labeller(folder: Path, **changes: object) -> Labeller:
    return Labeller(folder=folder, producer="Müller & Söhne <GmbH>", version="9.9", **changes)  # type: ignore[arg-type]


PHOTO = Source("front.jpg", file_of(picture(9), "JPEG"), "image/jpeg")
PLACE = Source("oak", file_of(picture(8), "JPEG"), "image/jpeg")


# --- in the file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "how"), [("PNG", {}), ("JPEG", {}), ("WEBP", {"lossless": True}), ("WEBP", {})])
def test_labels_are_read_back_and_no_pixel_is_touched(tmp_path: Path, kind: str, how: dict[str, object]) -> None:
    data = file_of(picture(), kind, **how)
    ending = {"JPEG": "jpg"}.get(kind, kind.lower())
    sealed, record, _ = labeller(tmp_path).seal(
        data, "all", ending, content_id="cr_1", backend="scene-model", photos=[PHOTO], place=PLACE
    )
    assert np.array_equal(pixels_of(sealed), pixels_of(data))
    said = metadata.read(sealed)
    assert said.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert said.aigc is not None
    assert tuple(said.aigc) == metadata.AIGC_FIELDS
    assert (said.aigc["Label"], said.aigc["ContentProducer"]) == ("1", "Müller & Söhne <GmbH>")
    assert said.aigc["ProduceID"] == "cr_1"
    manifest = labeller(tmp_path).read(sealed, f"image/{kind.lower()}")
    assert manifest is not None
    assert (manifest.state, manifest.is_ours, manifest.receipt["creative"]) == ("valid", True, "cr_1")
    assert manifest.actions == ("c2pa.opened", "c2pa.placed")
    assert manifest.ingredients == (("parentOf", "front.jpg"), ("componentOf", "oak"))
    assert record["manifest"]["test"] is True


def test_a_rendered_place_is_not_called_generated() -> None:
    assert source_type("plates") == "compositeSynthetic"
    assert mark_text("plates") == "AI合成"
    assert source_type("diffusers") == "compositeWithTrainedAlgorithmicMedia"
    assert mark_text("diffusers") == "AI生成"


def test_a_changed_file_has_an_invalid_manifest_and_another_installation_does_not_own_it(tmp_path: Path) -> None:
    mine, theirs = labeller(tmp_path / "a"), labeller(tmp_path / "b")
    data = file_of(picture())
    sealed, _, _ = mine.seal(data, "eu", "png", content_id="cr_1", backend="plates", photos=[PHOTO], place=None)
    other = theirs.read(sealed, "image/png")
    assert other is not None
    assert (other.state, other.is_ours) == ("valid", False)
    changed = bytearray(sealed)
    changed[changed.rindex(b"IDAT") + 40] ^= 1
    found = mine.read(bytes(changed), "image/png")
    assert found is not None
    assert (found.state, found.is_ours) == ("invalid", False)


def test_sealing_again_after_resizing_keeps_the_chain(tmp_path: Path) -> None:
    own = labeller(tmp_path)
    first, _, _ = own.seal(file_of(picture()), "all", "png", content_id="cr_1", backend="plates", photos=[], place=None)
    again = resized(first, own, (320, 240))
    assert Image.open(io.BytesIO(again)).size == (320, 240)
    manifest = own.read(again, "image/jpeg")
    assert manifest is not None
    assert manifest.is_ours
    assert manifest.n_manifests == 2
    assert "c2pa.resized" in manifest.actions
    aigc = metadata.read(again).aigc
    assert aigc is not None
    assert aigc["ProduceID"] == "cr_1"


def resized(data: bytes, own: Labeller, size: tuple[int, int]) -> bytes:
    from service.provenance.exporting import export

    return export(data, own, picture_type="jpg", size_px=size, quality=80)


def test_nothing_is_released_that_cannot_be_signed(tmp_path: Path) -> None:
    data = file_of(picture())
    wanted = {"content_id": "cr_1", "backend": "plates", "photos": [PHOTO], "place": None}
    missing = labeller(tmp_path, certificate=tmp_path / "no.pem", key=tmp_path / "no.key")
    with pytest.raises(SigningImpossible, match=r"no\.pem"):
        missing.seal(data, "eu", "png", **wanted)  # type: ignore[arg-type]
    with pytest.raises(SigningImpossible, match="belong together"):
        labeller(tmp_path, certificate=tmp_path / "no.pem").seal(data, "all", "png", **wanted)  # type: ignore[arg-type]
    mine = certificates.load(None, None, "es256", tmp_path / "a")
    theirs = certificates.load(None, None, "es256", tmp_path / "b")
    (tmp_path / "cert.pem").write_bytes(mine.chain_pem)
    (tmp_path / "key.pem").write_bytes(theirs.key_pem)
    crossed = labeller(tmp_path, certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    with pytest.raises(SigningImpossible, match="does not belong"):
        crossed.seal(data, "eu", "png", **wanted)  # type: ignore[arg-type]
    assert manifests.read(data, "image/png") is None


def test_a_hostile_packet_says_nothing() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>'
    assert metadata.marks_of(bomb) == metadata.Marks()
    assert metadata.read(b"\x89PNG\r\n\x1a\n\x00\x00") == metadata.Marks()
    assert metadata.read(b"\xff\xd8\xff\xe1\x00") == metadata.Marks()


# --- on the picture ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1080, 1080), (1080, 1920), (1200, 628), (300, 250)])
def test_the_visible_mark_is_large_enough_readable_and_covers_nothing(size: tuple[int, int]) -> None:
    shown = picture(3, size)
    clear = np.zeros((size[1], size[0]), np.bool_)
    clear[size[1] // 3 :, size[0] // 4 : 3 * size[0] // 4] = True
    drawn, mark = marks.draw(shown, "AI生成", clear)
    left, top, right, bottom = mark.box
    assert mark.letter_px >= 0.05 * min(size)
    assert mark.contrast >= marks.CONTRAST
    assert not clear[top:bottom, left:right].any()
    changed = np.argwhere((drawn != shown).any(axis=2))
    assert len(changed) > 100
    assert changed.min(axis=0)[0] >= top
    assert changed.max(axis=0)[1] < right


def test_a_picture_without_room_is_not_released_without_its_mark() -> None:
    shown = picture(4, (400, 400))
    with pytest.raises(marks.NoRoomForLabel):
        marks.draw(shown, "AI合成", np.ones((400, 400), np.bool_))


# --- without the file --------------------------------------------------------------------------------------------


def test_prints_survive_jpeg_and_resizing_and_tell_strangers_apart() -> None:
    mine = picture(1)
    mutilated = pixels_of(file_of(np.asarray(Image.fromarray(mine).resize((320, 240))), "JPEG", quality=40))
    same = np.bitwise_count(prints.hash_of(mine) ^ prints.hash_of(mutilated)).sum()
    other = np.bitwise_count(prints.hash_of(mine) ^ prints.hash_of(picture(2))).sum()
    assert same <= 24  # a tenth of the bits
    assert other >= 80  # 128 expected of strangers, standard deviation 8; soft rooms share some


def test_a_search_finds_the_print_whose_window_was_cropped() -> None:
    columns = prints.unpack([prints.print_of(picture(seed)) for seed in range(12)])
    cropped = np.ascontiguousarray(picture(7)[48:, 64:])  # a tenth off the left and the top
    found = prints.nearest(columns, prints.hash_of(cropped), 3)
    assert found[0].index == 7
    assert prints.WINDOWS[found[0].window] == (0.1, 0.1, 1.0, 1.0)


def test_another_product_in_the_same_place_is_not_the_same_picture() -> None:
    mine, other = picture(1), picture(1).copy()
    rows, columns = np.mgrid[:480, :640]
    disc = (rows - 288) ** 2 + (columns - 320) ** 2 < 70**2
    other[disc] = 255 - other[disc]
    half = np.asarray(Image.fromarray(mine).resize((320, 240)))
    box = (0.35, 0.4, 0.65, 0.8)
    assert matching.lay_over(half, mine, prints.WINDOWS[0], box).is_same
    met = matching.lay_over(half, other, prints.WINDOWS[0], box)
    assert not met.is_same
    assert met.off_in_product > 5 * met.off_outside
