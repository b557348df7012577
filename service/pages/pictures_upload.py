"""A photograph that somebody drags in: is it good, whose is it, and what is its product called."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from threading import Lock

from models.errors import UnreadableImage
from service.arena import utc_now
from service.domain import Product
from service.errors import Conflict, InvalidInput
from service.images.intake import decode
from service.photos import PhotoFacts, inspect_photo, keep_photo
from service.records import AuditEntry
from service.storage.pictures import Pictures

from .web import Member

HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
CAMERAS = re.compile(
    r"^(img|dsc|dscf|dscn|pxl|p|image|photo|picture|bild|screenshot|untitled|wp|mvimg)?[\W_\d]*$", re.I
)
LIBRARY_WORDS = re.compile(r"(damaged|cut short|too large) \(.*\)$")  # what a decoder said, of no use to people
_ONE_AT_A_TIME = Lock()  # a product's list of photographs is read, then written
MOST_PHOTOS = 24  # of one product


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file."""

    name: str  # as it was sent
    product: Product | None
    problem: str = ""
    note: str = ""
    is_new: bool = False  # a product was made for it


def take(who: Member, name: str, data: bytes, product_id: str = "") -> Taken:
    """Keep a photograph: in this product, or in a new one that is named after the file.

    The same bytes again change nothing. Whatever is wrong is said in the answer; nothing is raised for a bad file.
    """
    try:
        return _take(who, name, data, product_id)
    except UnreadableImage as error:
        return Taken(name, None, _sentence(LIBRARY_WORDS.sub(r"\1", error.reason)))
    except InvalidInput as error:
        return Taken(name, None, _sentence(error.reason))
    except Conflict as error:
        return Taken(name, None, _sentence(str(error)))


def _take(who: Member, name: str, data: bytes, product_id: str) -> Taken:
    if not data:
        raise InvalidInput("photo", "the file is empty")
    if data[4:8] == b"ftyp" and data[8:12] in HEIC:
        raise InvalidInput("photo", "this is a HEIC or AVIF picture; export it as JPEG, PNG or WebP and send that")
    limit = who.services.settings.max_photo_pixels
    decode(data, max_bytes=who.services.settings.max_upload_bytes, max_pixels=limit)  # all of it: no half pictures
    facts = inspect_photo(data, limit)
    with _ONE_AT_A_TIME:
        return _put(who, name, data, product_id, facts)


def _put(who: Member, name: str, data: bytes, product_id: str, facts: PhotoFacts) -> Taken:
    pictures = Pictures(who.services.database, who.workspace)
    known = pictures.product_with_photo(facts.sha256)
    if known is not None and product_id in ("", known.id):
        return Taken(name, known, note=f"This photograph is here already, in “{known.title}”.")
    product = who.store.products.get(product_id) if product_id else _new_product(who, name)
    if len(product.photos) >= MOST_PHOTOS:
        raise Conflict(f"“{product.title}” has {MOST_PHOTOS} photographs; remove one first")
    kept_as = _photo_name(name, facts.suffix, {photo.name for photo in product.photos})
    now = utc_now()
    limit = who.services.settings.max_photo_pixels
    product = keep_photo(who.store, who.services.objects(who.workspace), product.id, kept_as, data, now, limit)
    who.store.note(AuditEntry(now, who.key.id, "photo", "product", product.id, {"photo": kept_as}))
    small = min(facts.width_px, facts.height_px) < 600
    note = "Small: it will look soft in large sizes." if small else ""
    return Taken(name, product, note=note, is_new=not product_id)


def _new_product(who: Member, name: str) -> Product:
    """A product without facts, named after a file; an id that is free."""
    title = title_of(name)
    stem = re.sub(r"[^a-z0-9]+", "-", _ascii(title).lower()).strip("-")[:60] or f"product-{secrets.token_hex(3)}"
    for number in range(1, 200):
        product = Product(id=stem if number == 1 else f"{stem}-{number}", title=title)
        try:
            who.store.products.add(product, utc_now())
            return product
        except Conflict:
            continue
    raise Conflict(f"too many products are called {stem!r}; rename some")


def title_of(name: str) -> str:
    """What a product is called after its file, until somebody says better."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name.replace("\\", "/").rpartition("/")[2])
    words = re.sub(r"[\s_\-.]+", " ", unicodedata.normalize("NFC", stem)).strip()
    words = "".join(sign for sign in words if sign.isprintable())[:120]
    if CAMERAS.match(stem):
        digits = re.sub(r"\D", "", stem)[-4:]
        return f"Product {digits}" if digits else "New product"
    return words[:1].upper() + words[1:]


def _photo_name(name: str, suffix: str, taken: set[str]) -> str:
    """A name that addresses can carry, that no other photograph of the product has."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name.replace("\\", "/").rpartition("/")[2])
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", _ascii(stem)).strip("-._")[:80] or "photo"
    for number in range(1, 1_000):
        candidate = f"{stem}.{suffix}" if number == 1 else f"{stem}-{number}.{suffix}"
        if candidate not in taken:
            return candidate
    raise Conflict("too many photographs of this name")


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _sentence(text: str) -> str:
    text = re.sub(r"JPEG, PNG, WebP,[A-Za-z, ]* or BMP", "JPEG, PNG or WebP", text.strip())
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
