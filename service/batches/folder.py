"""A folder of photographs, or a CSV of them, as products: what may be used, and a clear answer for everything else.

Product files lie beside their photographs (``product.json``, ``.jsonl``, or a JSON list). A photograph that no product
file names becomes a product called after its file. In the sub-folders of a product's own folder pictures that its file
does not name are left aside: masks, renders and old ads lie there more often than products.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.errors import ModelError
from service.domain import Photo, Product
from service.errors import InvalidInput
from service.products import parse_product

from .asks import Line, Refused
from .lists import Row, line_of, rows_of, words_of

PRODUCT_FILES = (".json", ".jsonl")
NOT_PICTURES = re.compile(
    r"^\.(txt|md|csv|tsv|xlsx?|docx?|html?|xml|ya?ml|toml|zip|db|ini|log|psd|ai|mp4|mov)$", re.IGNORECASE
)
MOST_DEPTH = 6
MOST_PHOTO_BYTES = 40 * 2**20
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')

Say = Callable[[str, float], None]  # what is read, 0 to 1


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photograph that can be read."""

    path: Path
    name: str  # relative to the folder
    sha256: str
    suffix: str
    width_px: int
    height_px: int
    notes: tuple[str, ...] = ()

    def kept_under(self, key: str) -> Photo:
        return Photo(key, self.sha256, self.width_px, self.height_px, self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """One product with its photographs, and how its folder is called."""

    product: Product
    photos: tuple[PhotoFile, ...]
    folder: str


@dataclass(slots=True)
class Gathered:
    """All that a folder holds."""

    found: list[Found] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)  # of a CSV; a folder asks the same of every product


class _Reader:
    """Reads each photograph once and remembers what it is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[Path, PhotoFile | str] = {}

    def name(self, path: Path) -> str:
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return path.name

    def read(self, path: Path) -> PhotoFile | str:
        """The photograph, or why it cannot be used."""
        if path not in self._read:
            self._read[path] = self._look(path)
        return self._read[path]

    def _look(self, path: Path) -> PhotoFile | str:
        from service.images.intake import decode

        try:
            if path.stat().st_size > MOST_PHOTO_BYTES:
                return f"{path.stat().st_size / 2**20:.0f} MB; at most {MOST_PHOTO_BYTES // 2**20} MB are taken"
            data = path.read_bytes()
            photo = decode(data)
        except OSError as error:
            return f"it cannot be read ({error.strerror or error})"
        except ModelError as error:
            return str(error)
        height, width = photo.pixels.shape[:2]
        digest = hashlib.sha256(data).hexdigest()
        return PhotoFile(path, self.name(path), digest, photo.suffix, width, height, photo.notes)


def gather(folder: Path, *, skip: Path | None = None, say: Say | None = None) -> Gathered:
    """Everything in a folder and its sub-folders.

    Args:
        skip: a folder that is not looked into: where the results go.
        say: told what is being read.

    Raises:
        InvalidInput: no such folder, or it cannot be read at all.
    """
    if not folder.is_dir():
        raise InvalidInput("folder", f"{folder} is no folder")
    gathered, reader = Gathered(), _Reader(folder)
    skipped = skip.resolve() if skip else None
    folders = list(_folders(folder, skipped, gathered, reader))
    named: set[Path] = set()
    owned: list[Path] = []  # folders whose pictures belong to product files
    for here, files in folders:
        products = [
            one for file in files if file.suffix.lower() in PRODUCT_FILES for one in _products(file, gathered, reader)
        ]
        for product in products:
            _add(product, here, gathered, reader, named)
        if products:
            owned.append(here)
    pictures = [file for _, files in folders for file in files if file.suffix.lower() not in PRODUCT_FILES]
    seen: dict[str, str] = {photo.sha256: photo.name for one in gathered.found for photo in one.photos}
    for number, file in enumerate(sorted(pictures, key=lambda path: reader.name(path).casefold())):
        if say:
            say(reader.name(file), number / len(pictures))
        if file not in named:
            _add_loose(file, owned, gathered, reader, seen)
    _name_folders(gathered)
    return gathered


def _folders(
    here: Path, skipped: Path | None, gathered: Gathered, reader: _Reader, depth: int = 0
) -> Iterator[tuple[Path, list[Path]]]:
    """Folders with their files, top first; hidden ones and links to folders are passed by."""
    try:
        entries = sorted(os.scandir(here), key=lambda entry: entry.name)
    except OSError as error:
        if depth == 0:
            raise InvalidInput("folder", f"{here} cannot be read ({error.strerror})") from error
        gathered.refused.append(Refused(reader.name(here), None, f"the folder cannot be read ({error.strerror})"))
        return
    visible = [entry for entry in entries if not entry.name.startswith(".") and entry.name != "Thumbs.db"]
    yield here, [Path(entry.path) for entry in visible if not entry.is_dir()]
    for entry in visible:
        if not entry.is_dir(follow_symlinks=False) or Path(entry.path).resolve() == skipped:
            continue
        if depth == MOST_DEPTH:
            name = reader.name(Path(entry.path))
            gathered.refused.append(Refused(name, None, f"more than {MOST_DEPTH} folders deep", is_left_aside=True))
            continue
        yield from _folders(Path(entry.path), skipped, gathered, reader, depth + 1)


def _products(file: Path, gathered: Gathered, reader: _Reader) -> list[Product]:
    """The products of a product file; what is none is told."""
    try:
        text = file.read_text("utf-8-sig")
        many = (
            [json.loads(line) for line in text.splitlines() if line.strip()]
            if file.suffix == ".jsonl"
            else json.loads(text)
        )
    except (OSError, ValueError) as error:
        gathered.refused.append(Refused(reader.name(file), None, f"not JSON: {str(error)[:120]}"))
        return []
    found = []
    for number, said in enumerate(many if isinstance(many, list) else [many], 1):
        where = f"entry {number}: " if isinstance(many, list) else ""
        if not isinstance(said, dict) or not {"id", "title"} <= set(said):
            reason = f"{where}no product file (it has no id and title)"
            gathered.refused.append(Refused(reader.name(file), None, reason, is_left_aside=True))
            continue
        try:
            found.append(parse_product(said))
        except InvalidInput as error:
            gathered.refused.append(Refused(reader.name(file), str(said.get("id")), f"{where}{error}"))
    return found


def _add(product: Product, here: Path, gathered: Gathered, reader: _Reader, named: set[Path]) -> None:
    """A product of a file, with those of its photographs that can be read."""
    paths = [_beside(here, photo.key, reader.root) for photo in product.photos]
    if any(one.product.id == product.id for one in gathered.found):
        named.update(path for path in paths if isinstance(path, Path))
        gathered.refused.append(
            Refused(None, product.id, "another product file has this id already", is_left_aside=True)
        )
        return
    photos: list[PhotoFile] = []
    for photo, path in zip(product.photos, paths, strict=True):
        answer = path if isinstance(path, str) else reader.read(path)
        if isinstance(path, Path):
            named.add(path)
        if isinstance(answer, str):
            gathered.refused.append(Refused(photo.key, product.id, answer))
        else:
            photos.append(answer)
    if photos:
        gathered.found.append(Found(product, tuple(photos), product.id))
    elif not product.photos:
        gathered.refused.append(Refused(None, product.id, "the product file names no photograph"))


def _beside(here: Path, name: str, root: Path) -> Path | str:
    if re.match(r"^[a-z]+://", name):
        return "a web address is not fetched; put the photograph beside the product file"
    path = here / name
    if not path.resolve().is_relative_to(root.resolve()):
        return "it lies outside of the folder"
    return path if path.is_file() else "no such file"


def _add_loose(file: Path, owned: list[Path], gathered: Gathered, reader: _Reader, seen: dict[str, str]) -> None:
    """A photograph that no product file names becomes a product of its own."""
    name = reader.name(file)
    if NOT_PICTURES.match(file.suffix):
        return
    if any(file.is_relative_to(folder) and file.parent != folder for folder in owned):
        reason = "it lies below a product file that does not name it"
        gathered.refused.append(Refused(name, None, reason, is_left_aside=True))
        return
    answer = reader.read(file)
    if isinstance(answer, str):
        gathered.refused.append(Refused(name, None, answer))
        return
    if answer.sha256 in seen:
        reason = f"the same photograph as {seen[answer.sha256]}"
        gathered.refused.append(Refused(name, None, reason, is_left_aside=True))
        return
    seen[answer.sha256] = name
    taken = {one.product.id for one in gathered.found}
    id = free_id(file.stem, taken, answer.sha256)
    title = re.sub(r"[_-]+", " ", file.stem).strip() or id
    gathered.found.append(Found(Product(id=id, title=title), (answer,), file.stem))


def free_id(name: str, taken: set[str], digest: str) -> str:
    """A product id made from a name: ASCII; from the photograph's digest where the name has none or is taken."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:80]
    for id in (plain, f"{plain}-{digest[:6]}" if plain else f"photo-{digest[:10]}"):
        if id and id not in taken:
            return id
    return f"photo-{digest[:16]}"


def _name_folders(gathered: Gathered) -> None:
    """Folders may have any letters, but no two the same name on a disk that does not tell A from a."""
    taken: set[str] = set()
    for number, one in enumerate(gathered.found):
        name = _FORBIDDEN.sub("_", one.folder).strip(" .")[:60] or one.product.id
        if name.casefold() in taken:
            name = one.product.id
        taken.add(name.casefold())
        gathered.found[number] = replace(one, folder=name)


# --- a CSV ---------------------------------------------------------------------------------------------------------


def gather_list(file: Path, *, scenes: int | tuple[str, ...], formats: tuple[str, ...]) -> Gathered:
    """The products of a CSV whose column ``photo`` names files beside it.

    Raises:
        InvalidInput: it cannot be read, or has no column that we know.
    """
    gathered, reader = Gathered(), _Reader(file.parent)
    by_id: dict[str, Found] = {}
    for row in rows_of(file.read_bytes()):
        answer = _row(row, file.parent, reader, by_id, scenes, formats)
        if isinstance(answer, Refused):
            gathered.refused.append(answer)
        else:
            found, line, refused = answer
            by_id[found.product.id] = found
            gathered.lines.append(line)
            gathered.refused += refused
    gathered.found = list(by_id.values())
    _name_folders(gathered)
    return gathered


def _row(
    row: Row,
    here: Path,
    reader: _Reader,
    by_id: dict[str, Found],
    scenes: int | tuple[str, ...],
    formats: tuple[str, ...],
) -> Refused | tuple[Found, Line, list[Refused]]:
    names, id = words_of(row.cells.get("photo", "")), row.cells.get("product_id")
    photos: list[PhotoFile] = []
    refused: list[Refused] = []
    for name in names:
        path = _beside(here, name, here)
        answer = path if isinstance(path, str) else reader.read(path)
        if isinstance(answer, str):
            refused.append(Refused(name, id, f"row {row.number}: {answer}"))
        else:
            photos.append(answer)
    if not photos and id not in by_id:
        return refused[0] if refused else Refused(None, id, f"row {row.number}: it names no photograph")
    try:
        found = _found(row, id, tuple(photos), by_id)
        return found, line_of(found.product.id, row.cells, scenes, formats), refused[: len(names) - len(photos)]
    except InvalidInput as error:
        return Refused(names[0] if names else None, id, f"row {row.number}: {error}")


def _found(row: Row, id: str | None, photos: tuple[PhotoFile, ...], by_id: dict[str, Found]) -> Found:
    if id in by_id and not photos:
        return by_id[id]
    if id is None:
        same = [one for one in by_id.values() if one.photos[0].sha256 == photos[0].sha256]
        if same:
            return same[0]
        id = free_id(photos[0].path.stem, set(by_id), photos[0].sha256)
    said: dict[str, Any] = {"id": id, "title": row.cells.get("title", photos[0].path.stem)}
    if "category" in row.cells:
        said["category"] = row.cells["category"]
    known = by_id[id].photos if id in by_id else ()
    every = {photo.sha256: photo for photo in (*known, *photos)}
    return Found(parse_product(said), tuple(every.values()), id)
