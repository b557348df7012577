"""What people send, and the clear answer each of it gets."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from models.errors import UnreadableImage
from service.images.intake import decode


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """Red left half, blue right half."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2, 0] = 200
    rgb[:, width // 2 :, 2] = 200
    return Image.fromarray(rgb)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_arrive_byte_for_byte(form: str) -> None:
    result = decode(encoded(picture(), form))
    assert np.array_equal(result.pixels, np.asarray(picture()))
    assert result.format == form
    assert result.alpha is None


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_lossy_formats_arrive_nearly(form: str) -> None:
    result = decode(encoded(picture(), form, quality=95))
    assert np.abs(result.pixels.astype(int) - np.asarray(picture()))[:, 5:20].max() < 12
    assert result.pixels.shape == (40, 60, 3)


def test_exif_orientation_turns_the_picture_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned 90 degrees clockwise
    result = decode(encoded(picture(), "JPEG", exif=exif, quality=95))
    assert result.pixels.shape == (60, 40, 3)
    assert result.pixels[5, 20, 0] > 150  # red was left, is now on top
    assert any("EXIF" in note for note in result.notes)


def test_cmyk_becomes_rgb() -> None:
    result = decode(encoded(picture().convert("CMYK"), "JPEG", quality=95))
    assert result.pixels[20, 10, 0] > 150 > result.pixels[20, 10, 2]
    assert any("CMYK" in note for note in result.notes)


def test_sixteen_bits_keep_their_brightness() -> None:
    grey = Image.fromarray(np.full((30, 30), 0x8000, np.uint16))
    result = decode(encoded(grey, "PNG"))
    assert np.all(result.pixels == 128)  # 32768 / 65535 * 255, rounded


def test_a_palette_is_resolved() -> None:
    result = decode(encoded(picture().quantize(8), "PNG"))
    assert result.pixels[20, 10, 0] == 200


def test_transparency_is_kept_as_a_matte_and_laid_over_white() -> None:
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[10:30, 10:30] = (30, 60, 90, 255)
    rgba[5, 5] = (0, 0, 0, 128)
    result = decode(encoded(Image.fromarray(rgba), "PNG"))
    assert result.alpha is not None
    assert result.alpha[20, 20] == 1.0
    assert result.alpha[0, 0] == 0.0
    assert tuple(result.pixels[0, 0]) == (255, 255, 255)
    assert tuple(result.pixels[20, 20]) == (30, 60, 90)
    assert 125 <= result.pixels[5, 5, 0] <= 129


def test_an_opaque_alpha_channel_is_no_matte() -> None:
    assert decode(encoded(picture().convert("RGBA"), "PNG")).alpha is None


def test_an_embedded_profile_is_converted_to_srgb() -> None:
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    turned = ImageCms.profileToProfile(picture(), srgb, lab, outputMode="LAB")
    assert turned is not None
    data = encoded(turned, "TIFF", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    result = decode(data)
    assert abs(int(result.pixels[20, 10, 0]) - 200) <= 6  # Lab in eight bits is coarse
    assert any("profile" in note for note in result.notes)


def _png_of_declared_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


JPEG = encoded(picture(600, 400), "JPEG")
REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"hello, I am a photograph", "not a JPEG"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "bare svg": (b'  <svg width="10" height="10"></svg>', "SVG"),
    "gif": (encoded(picture(), "GIF"), "a GIF"),
    "pdf": (b"%PDF-1.7 ...", "PDF"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    "photoshop": (b"8BPS\0\x01" + bytes(30), "Photoshop"),
    "raw of a camera": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(30), "raw file"),
    "svg called jpg": (b"\xef\xbb\xbf<!-- drawn -->\n<svg viewBox='0 0 9 9'/>", "SVG"),
    "many scans": (b"\xff\xd8" + b"\xff\xda\0\x02" * 101, "scans"),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], "damaged"),
    "truncated png": (encoded(picture(600, 400), "PNG")[:300], "damaged"),
    "one pixel": (encoded(picture(1, 1), "PNG"), "too small"),
    "bomb": (_png_of_declared_size(50_000, 50_000), "declared"),
    "larger than allowed": (_png_of_declared_size(9_000, 9_000), "declared"),
    "fully transparent": (encoded(Image.new("RGBA", (40, 40)), "PNG"), "transparent"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_gets_its_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(UnreadableImage) as caught:
        decode(data)
    assert reason in str(caught.value)


def test_avif_is_a_photograph_too() -> None:
    result = decode(encoded(picture(), "AVIF", quality=95))
    assert result.format == "AVIF"
    assert np.abs(result.pixels.astype(int) - np.asarray(picture()))[:, 5:20].max() < 16


@pytest.mark.parametrize("form", ["WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_picture_is_taken_and_said_so(form: str) -> None:
    second = Image.new("RGB", (60, 40), (0, 250, 0))
    result = decode(encoded(picture(), form, save_all=True, append_images=[second], duration=80, lossless=True))
    assert result.pixels[20, 10, 0] == 200
    assert any("first picture" in note for note in result.notes)


def test_colours_go_through_the_profile_that_the_file_brings() -> None:
    """A space whose red is blue makes the change plain to see."""
    srgb = ImageCms.createProfile("sRGB")
    wide = bytearray(ImageCms.ImageCmsProfile(srgb).tobytes())
    swapped = wide.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ")  # red is blue
    swapped = swapped.replace(b"sRGB", b"odd ").replace(b"s\0R\0G\0B", b"o\0d\0d\0 ")
    result = decode(encoded(picture(), "PNG", icc_profile=bytes(swapped)))
    assert result.pixels[20, 10, 2] > 150 > result.pixels[20, 10, 0]


def test_sixteen_bit_colour_tiffs_keep_their_colours() -> None:
    import cv2

    deep = np.zeros((30, 40, 3), np.uint16)
    deep[:, :20] = (0x1000, 0x8000, 0xFFFF)  # blue, green, red, as OpenCV orders them
    ok, data = cv2.imencode(".tif", deep)
    assert ok
    result = decode(data.tobytes())
    assert tuple(result.pixels[5, 5]) == (255, 128, 16)
    assert any("16" in note for note in result.notes)


def test_an_enormous_sixteen_bit_tiff_is_refused_by_its_header() -> None:
    import cv2

    data = bytearray(cv2.imencode(".tif", np.zeros((20, 20, 3), np.uint16))[1].tobytes())
    first = struct.unpack_from("<I", data, 4)[0]
    for entry in range(first + 2, first + 2 + 12 * struct.unpack_from("<H", data, first)[0], 12):
        if struct.unpack_from("<H", data, entry)[0] in (256, 257):
            struct.pack_into("<HHII", data, entry, struct.unpack_from("<H", data, entry)[0], 4, 1, 60_000)
    with pytest.raises(UnreadableImage, match="declared"):
        decode(bytes(data))


def test_a_cmyk_photograph_on_its_side_with_a_profile_that_is_broken_still_arrives() -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    data = encoded(picture().convert("CMYK"), "JPEG", exif=exif, icc_profile=b"no profile at all", quality=95)
    result = decode(data)
    assert result.pixels.shape == (60, 40, 3)
    assert {"turned upright by its EXIF orientation", "converted from CMYK"} <= set(result.notes)
    assert any("could not be used" in note for note in result.notes)


def test_every_shortening_of_every_format_gets_an_answer() -> None:
    for form in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP"):
        whole = encoded(picture(), form)
        for share in (0.02, 0.1, 0.3, 0.6, 0.9, 0.99):
            try:
                shape = decode(whole[: int(share * len(whole))]).pixels.shape
            except UnreadableImage:
                continue
            assert shape == (40, 60, 3)


def test_a_file_longer_than_allowed_is_refused_unread() -> None:
    with pytest.raises(UnreadableImage, match="bytes"):
        decode(b"x" * 101, max_bytes=100)


def test_the_answer_to_random_bytes_is_always_the_same_kind() -> None:
    rng = np.random.default_rng(0)
    for start in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBPVP8 ", b"II*\0", b"BM"):
        for _ in range(20):
            with pytest.raises(UnreadableImage):
                decode(start + rng.bytes(200))
