"""Masks that people drew: read from a PNG, kept with the photograph, taken instead of the automatic cut-out."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .domain import Photo
from .errors import InvalidInput
from .records import ApiKey, AuditEntry
from .storage import Database, Objects, Store
from .storage.photo_masks import KeptMask, PhotoMasks

MOST_PIXELS = 60_000_000
EMPTY_BELOW = 128  # a mask without one pixel as solid as this holds no product

BytePlane = NDArray[np.uint8]  # (H, W), 0 scene, 255 product


def read_mask(data: bytes, max_pixels: int = MOST_PIXELS) -> BytePlane:
    """(H, W) of a PNG: its transparency where it has any, else its brightness.

    Raises:
        InvalidInput: not a PNG, damaged, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > max_pixels:
                raise InvalidInput("mask", f"{image.width} x {image.height} px is more than {max_pixels} pixels")
            if "A" in image.getbands():
                transparency = np.asarray(image.getchannel("A"), dtype=np.uint8)
                if int(transparency.min()) < 255:
                    return transparency
            if image.mode.startswith("I"):  # 16 bits
                return np.asarray(np.asarray(image, dtype=np.int64) // 257, dtype=np.uint8)
            return np.asarray(image.convert("L"), dtype=np.uint8)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput("mask", "not a PNG picture, or a damaged one") from error


def write_mask(plane: BytePlane) -> bytes:
    """A plane as a grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(plane, "L").save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def fitted(plane: BytePlane, size_px: tuple[int, int]) -> BytePlane:
    """A mask at the photograph's (width, height).

    Raises:
        InvalidInput: another shape of frame, or nothing in it.
    """
    width, height = size_px
    rows, columns = plane.shape
    if abs(columns * height - rows * width) > 0.01 * rows * width:
        raise InvalidInput("mask", f"{columns} x {rows} px; the photograph has {width} x {height} px")
    if (columns, rows) != size_px:
        resized = Image.fromarray(plane, "L").resize(size_px, Image.Resampling.BILINEAR)
        plane = np.asarray(resized, dtype=np.uint8)
    if int(plane.max()) < EMPTY_BELOW:
        raise InvalidInput("mask", "it is empty: nothing of the product would be left")
    return plane


def keep_mask(store: Store, objects: Objects, photo: Photo, plane: BytePlane, key: ApiKey, now: datetime) -> KeptMask:
    """Put a mask of the photograph's size beside it: every later picture is cut out by it.

    Raises:
        InvalidInput: see ``fitted``.
    """
    data = write_mask(fitted(plane, (photo.width_px, photo.height_px)))
    digest = hashlib.sha256(data).hexdigest()
    mask = KeptMask(photo.sha256, objects.put(f"masks/{digest}.png", data), digest, key.id, key.name, now)
    PhotoMasks(store.database, store.workspace).put(mask)
    store.note(AuditEntry(now, key.id, "mask", "photo", photo.sha256, {"mask": digest}))
    return mask


def forget_mask(store: Store, photo: Photo, key: ApiKey, now: datetime) -> bool:
    """Back to the automatic cut-out. True if there was a mask."""
    done = PhotoMasks(store.database, store.workspace).delete(photo.sha256)
    if done:
        store.note(AuditEntry(now, key.id, "unmask", "photo", photo.sha256))
    return done


def mask_of(database: Database, objects: Objects, photo: Photo) -> bytes | None:
    """The PNG of a photograph's mask, if somebody drew one."""
    kept = PhotoMasks(database, objects.workspace).get(photo.sha256)
    return None if kept is None else objects.get(kept.key)
