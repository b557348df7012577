"""Bytes that somebody sent, to an upright sRGB picture, or a clear answer why not.

What a file is called and what its sender says it is are ignored: only the bytes count. The declared size is read from
the header and refused before anything is decoded, so that a small file cannot claim all memory.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from models.errors import UnreadableImage
from models.types import Alpha, BytePixels

ACCEPTED = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MAX_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 60_000_000
MIN_SIDE_PX = 16
_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif", "BMP": "bmp"}


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
        image = _open(data)
        width, height = image.size
        if width * height > max_pixels:
            raise UnreadableImage(f"{width} x {height} pixels are declared, at most {max_pixels:,} are taken")
        if min(width, height) < MIN_SIDE_PX:
            raise UnreadableImage(f"{width} x {height} pixels is too small, each side needs at least {MIN_SIDE_PX}")
        try:
            image.load()
            return _upright_srgb(image)
        except UnreadableImage:
            raise
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError) as error:
            raise UnreadableImage(f"the {image.format} data is damaged or cut short ({_first_line(error)})") from error


def _check_bytes(data: bytes, max_bytes: int) -> None:
    if not data:
        raise UnreadableImage("the file is empty")
    if len(data) > max_bytes:
        raise UnreadableImage(f"the file has {len(data):,} bytes, at most {max_bytes:,} are taken")
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        raise UnreadableImage("this is an SVG drawing, send a photograph (JPEG, PNG, WebP, TIFF or BMP)")
    if head.startswith(b"%pdf"):
        raise UnreadableImage("this is a PDF document, send a photograph (JPEG, PNG, WebP, TIFF or BMP)")


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=ACCEPTED)
    except UnidentifiedImageError:
        raise UnreadableImage("the bytes are not a JPEG, PNG, WebP, TIFF or BMP picture") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"the declared size is too large ({_first_line(error)})") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadableImage(f"the header is damaged ({_first_line(error)})") from error


def _upright_srgb(image: Image.Image) -> DecodedPhoto:
    notes: list[str] = []
    form = image.format or "?"
    if getattr(image, "n_frames", 1) > 1:
        notes.append("first of several frames")
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
        blend = alpha[..., None]
        soft = np.rint(pixels * blend + 255.0 * (1.0 - blend)).astype(np.uint8)
        pixels = np.where(blend >= 1.0, pixels, soft)
    return DecodedPhoto(np.ascontiguousarray(pixels), alpha, form, _SUFFIXES.get(form, "bin"), tuple(notes))


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
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if float(values.max()) > 255.0 else 255.0 if float(values.max()) > 1.0 else 1.0
        return Image.fromarray(np.rint(np.clip(values / top, 0.0, 1.0) * 255.0).astype(np.uint8))
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
