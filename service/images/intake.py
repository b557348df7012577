"""Bytes that somebody sent, to an upright sRGB picture, or a clear answer why not.

What a file is called and what its sender says it is are ignored: only the bytes count. The declared size is read from
the header and refused before anything is decoded, so that a small file cannot claim all memory.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin, UnidentifiedImageError

from models.errors import UnreadableImage
from models.types import Alpha, BytePixels

ACCEPTED = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP")
SEND = "send a photograph (JPEG, PNG, WebP, AVIF, TIFF or BMP)"
MAX_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 60_000_000
MIN_SIDE_PX = 16
MAX_SCANS = 100  # of a progressive JPEG: each costs a pass over all pixels, honest files have about ten
_BAND_ROWS = 512  # worked on at once, so that a large photograph does not need its size in floats
_RAW_TAG, _REDUCED_TAG, _PROFILE_TAG = 50706, 254, 34675  # DNG version, kind of sub-file, ICC profile
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "TIFF": "tif", "BMP": "bmp"}
_OTHERS = (  # what else people send: place, bytes there, what it is
    (0, b"%pdf", "a PDF document"),
    (0, b"gif8", "a GIF"),
    (0, b"8bps", "a Photoshop document"),
    (0, b"%!ps", "a PostScript drawing"),
    (0, b"\x00\x00\x00\x0cjp  ", "a JPEG 2000 picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cjxl ", "a JPEG XL picture"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"pk\x03\x04", "a zip archive"),
    (0, b"<!doctype html", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"fujifilmccd-raw", "a camera's raw file"),
    (8, b"cr", "a camera's raw file"),
    (4, b"ftypcrx", "a camera's raw file"),
    (4, b"ftypheic", "an HEIC photograph"),
    (4, b"ftypheix", "an HEIC photograph"),
    (4, b"ftyphevc", "an HEIC photograph"),
    (4, b"ftypmif1", "an HEIF photograph"),
    (4, b"ftypmsf1", "an HEIF photograph"),
    (4, b"ftypqt", "a film"),
    (4, b"ftypmp4", "a film"),
    (4, b"ftypisom", "a film"),
)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A photograph as everything after this point sees it."""

    pixels: BytePixels  # (H, W, 3) sRGB, upright, transparent parts over white
    alpha: Alpha | None  # (H, W) 0 to 1 when the file had useful transparency: a matte somebody already made
    format: str  # "JPEG", "PNG" ...: what the bytes really are
    suffix: str  # "jpg": what a copy of the bytes should be called
    notes: tuple[str, ...] = ()  # "converted from CMYK", what was done to get here


def decode(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> DecodedPhoto:
    """Decode a product photograph.

    Args:
        data: the file's bytes.
        max_bytes: longest file accepted.
        max_pixels: largest declared width x height accepted, checked before decoding.

    Raises:
        UnreadableImage: empty, too long, not a picture, a format we do not take, damaged, too large or too small.
    """
    _check_bytes(data, max_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata; the answer below is what counts
        deep = _deep_tiff(data, max_pixels)
        if deep is not None:
            return deep
        image = _open(data)
        _check_size(*image.size, max_pixels)
        if image.format == "TIFF" and _is_raw(image):
            raise UnreadableImage(f"this is a camera's raw file, {SEND}")
        try:
            several = _has_several_frames(image)
            image.load()
            return _upright_srgb(image, several)
        except UnreadableImage:
            raise
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError) as error:
            raise UnreadableImage(f"the {image.format} data is damaged or cut short ({_first_line(error)})") from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UnreadableImage(f"{width} x {height} pixels are declared, at most {max_pixels:,} are taken")
    if min(width, height) < MIN_SIDE_PX:
        raise UnreadableImage(f"{width} x {height} pixels is too small, each side needs at least {MIN_SIDE_PX}")


def _is_raw(image: Image.Image) -> bool:
    """Camera raw files are TIFF on the outside and show a thumbnail first."""
    tags: Any = getattr(image, "tag_v2", {})
    return _RAW_TAG in tags or bool(int(tags.get(_REDUCED_TAG, 0)) & 1)


def _has_several_frames(image: Image.Image) -> bool:
    """Looks no further than the second: a chain of a million frames must not cost a walk."""
    if image.format != "TIFF":
        return int(getattr(image, "n_frames", 1)) > 1
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True


def _deep_tiff(data: bytes, max_pixels: int) -> DecodedPhoto | None:
    """A TIFF with sixteen bits a channel in colour, which Pillow does not read; None for everything else."""
    if not data.startswith((b"II*\0", b"MM\0*")):
        return None
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        stream = io.BytesIO(data)
        stream.seek(tags.next)
        tags.load(stream)
        width, height, bits = int(tags[256]), int(tags[257]), tuple(tags.get(258, (1,)))
        channels, profile = int(tags.get(277, 1)), tags.get(_PROFILE_TAG)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, IndexError, struct.error):
        return None
    if set(bits) != {16} or channels not in (3, 4) or int(tags.get(262, 2)) != 2:
        return None
    _check_size(width, height, max_pixels)
    import cv2

    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        planes = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnreadableImage("the TIFF data is damaged or cut short") from error
    if planes is None or planes.dtype != np.uint16 or planes.ndim != 3 or planes.shape[:2] != (height, width):
        raise UnreadableImage("the TIFF data is damaged or cut short, or compressed in a way that is not read here")
    eight = ((planes.astype(np.uint32) + 128) // 257).astype(np.uint8)
    order = [2, 1, 0, 3] if planes.shape[2] == 4 else [2, 1, 0]
    image = Image.fromarray(np.ascontiguousarray(eight[..., order]))
    image.format = "TIFF"
    if profile:
        image.info["icc_profile"] = bytes(profile)
    image.getexif()[0x0112] = int(tags.get(0x0112, 1))
    read = _upright_srgb(image, False)
    return replace(read, notes=("reduced from 16 to 8 bits a channel", *read.notes))


def _check_bytes(data: bytes, max_bytes: int) -> None:
    if not data:
        raise UnreadableImage("the file is empty")
    if len(data) > max_bytes:
        raise UnreadableImage(f"the file has {len(data):,} bytes, at most {max_bytes:,} are taken")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        raise UnreadableImage(f"this is an SVG drawing, {SEND}")
    start = data[:32].lower()
    for place, mark, what in _OTHERS:
        if start[place:].startswith(mark):
            if b"avif" in start and what.startswith("an HEIF"):
                continue
            if place == 8 and not start.startswith((b"ii*\0", b"mm\0*")):
                continue
            raise UnreadableImage(f"this is {what}, {SEND}")
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:
        raise UnreadableImage(f"this JPEG has {data.count(bytes([255, 218])):,} scans, at most {MAX_SCANS} are decoded")


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=ACCEPTED)
    except UnidentifiedImageError:
        raise UnreadableImage("the bytes are not a JPEG, PNG, WebP, AVIF, TIFF or BMP picture") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"the declared size is too large ({_first_line(error)})") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadableImage(f"the header is damaged ({_first_line(error)})") from error


def _upright_srgb(image: Image.Image, several: bool) -> DecodedPhoto:
    notes: list[str] = []
    form = image.format or "?"
    if several:
        notes.append("animated or many pages: the first picture is taken")
    if image.getexif().get(0x0112, 1) != 1:
        notes.append("turned upright by its EXIF orientation")
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    alpha = _alpha_of(upright)
    colour = _eight_bits(upright, notes)
    colour = _to_srgb(colour, profile, notes)
    pixels = np.asarray(colour.convert("RGB"), dtype=np.uint8)
    if alpha is not None:
        if float(alpha.max()) < 0.02:
            raise UnreadableImage("the picture is fully transparent")
        notes.append("transparent parts laid over white, the transparency kept as matte")
        pixels = _over_white(pixels, alpha)
    return DecodedPhoto(np.ascontiguousarray(pixels), alpha, form, _SUFFIXES.get(form, "bin"), tuple(notes))


def _over_white(pixels: BytePixels, alpha: Alpha) -> BytePixels:
    result = pixels.copy()
    for top in range(0, len(alpha), _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        blend = alpha[band, :, None]
        soft = np.rint(pixels[band] * blend + np.float32(255.0) * (np.float32(1.0) - blend)).astype(np.uint8)
        result[band] = np.where(blend >= 1.0, pixels[band], soft)
    return result


def _alpha_of(image: Image.Image) -> Alpha | None:
    """The file's transparency, or None when it has none worth keeping."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return None
    plane = np.asarray(image.convert("RGBA").getchannel("A"), dtype=np.float32) / np.float32(255.0)
    return plane if float(plane.min()) < 0.99 else None


def _eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Any mode to one with eight bits a channel, keeping CMYK and Lab for their profiles."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        notes.append(f"reduced from {image.mode} to 8 bits")
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        largest = float(values.max())
        top = 65535.0 if largest > 255.0 or image.mode.startswith("I;16") else 255.0 if largest > 1.0 else 1.0
        return Image.fromarray(np.rint(np.clip(values * np.float32(255.0 / top), 0.0, 255.0)).astype(np.uint8))
    if image.mode in ("P", "1", "LA", "PA", "RGBA", "RGBa", "La"):
        if image.mode in ("P", "1"):
            notes.append("converted from a palette" if image.mode == "P" else "converted from one bit")
        return image.convert("RGBA").convert("RGB") if image.mode in ("RGBa", "La") else image.convert("RGB")
    return image


def _to_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Through the embedded profile where it fits the mode; a broken profile is ignored and said so."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if _is_srgb(source) and image.mode == "RGB":
                return image
            target = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if turned is not None:
                notes.append("converted to sRGB from its embedded profile")
                return turned
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("its embedded colour profile could not be used")
    if image.mode == "CMYK":
        notes.append("converted from CMYK")
    return image.convert("RGB")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    return "srgb" in ImageCms.getProfileDescription(profile).lower()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
