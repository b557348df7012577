"""CSV lists of products x scenes x formats: one row a product, several values in a cell apart by ``|``."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import InvalidInput
from service.feeds.decoding import encoding_of, open_text
from service.images.formats import find_format

from .asks import MOST_SCENES, Line, Refused

TEXTS = ("headline", "body", "call_to_action")
COLUMNS = ("product_id", "photo", "title", "category", "scenes", "formats", "seeds", *TEXTS)
SAME = {"id": "product_id", "product": "product_id", "photos": "photo", "scene": "scenes", "format": "formats"}
MOST_ROWS = 50_000
MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Read:
    """A list's rows: what is wanted, and what could not be read."""

    lines: tuple[Line, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row, cells by column, stripped; empty ones are missing."""

    number: int  # of the data rows, from 1
    cells: Mapping[str, str]


def rows_of(data: bytes) -> Iterator[Row]:
    """Rows of a CSV or TSV with a header, in any usual encoding.

    Raises:
        InvalidInput: no header that we know, a column that we do not know, or too many rows.
    """
    with open_text(data, encoding_of(data)) as file:
        text = file.read().lstrip("\ufeff")
    head = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        yield from _rows(reader)
    except csv.Error as error:
        raise InvalidInput("list", f"line {reader.line_num}: {error}") from error


def _rows(reader: Any) -> Iterator[Row]:
    names = [name.strip().lower().replace(" ", "_") for name in next(reader, [])]
    names = [SAME.get(name, name) for name in names]
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown or not {"product_id", "photo"} & set(names):
        reason = f"unknown column {unknown[0]!r}" if unknown else "no column product_id or photo"
        raise InvalidInput("list", f"{reason}; columns: {', '.join(COLUMNS)}")
    for number, row in enumerate(reader, 1):
        if number > MOST_ROWS:
            raise InvalidInput("list", f"more than {MOST_ROWS:,} rows")
        cells = {name: cell.strip() for name, cell in zip(names, row, strict=False) if name and cell.strip()}
        if cells:
            yield Row(number, cells)


def read_rows(
    data: bytes, *, scenes: int | tuple[str, ...], formats: tuple[str, ...], is_known: Callable[[str], bool]
) -> Read:
    """The lines of a list of products that are in the shop already.

    Args:
        scenes, formats: of rows that name none.
        is_known: whether there is a product of this id.
    """
    lines: list[Line] = []
    refused: list[Refused] = []
    for row in rows_of(data):
        id = row.cells.get("product_id")
        try:
            if id is None:
                raise InvalidInput("product_id", "missing")
            if not is_known(id):
                raise InvalidInput("product_id", f"no product {id[:128]!r}")
            lines.append(line_of(id, row.cells, scenes, formats))
        except InvalidInput as error:
            refused.append(Refused(None, id and id[:128], f"row {row.number}: {error}"))
    if not lines and not refused:
        raise InvalidInput("list", "no rows")
    return Read(tuple(lines), tuple(refused))


def line_of(product_id: str, cells: Mapping[str, str], scenes: int | tuple[str, ...], formats: tuple[str, ...]) -> Line:
    """Raises InvalidInput with the column's name."""
    own = words_of(cells.get("formats", ""))
    for format in own:
        find_format(format)
    texts = {name: _text(cells, name) for name in TEXTS}
    wanted = scenes_of(cells["scenes"]) if "scenes" in cells else scenes
    return Line(product_id, wanted, own or formats, _seeds(cells.get("seeds", "0")), **texts)


def scenes_of(text: str) -> int | tuple[str, ...]:
    """A number of scenes, or ids and words apart by ``|`` (or by commas, where they are ids)."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit():
        if not 1 <= int(plain) <= MOST_SCENES:
            raise InvalidInput("scenes", f"{plain}; 1 to {MOST_SCENES}")
        return int(plain)
    found = words_of(plain)
    if not found:
        raise InvalidInput("scenes", "a number, ids of the library, or words for a place")
    return found


def words_of(text: str) -> tuple[str, ...]:
    """Parts of a cell. Commas divide where every part is one word: ``a phrase, with a comma`` stays whole."""
    parts = [part.strip() for part in text.split("|")]
    if len(parts) == 1:
        by_comma = [part.strip() for part in text.split(",")]
        parts = by_comma if all(" " not in part for part in by_comma) else parts
    return tuple(dict.fromkeys(part for part in parts if part))


def _seeds(text: str) -> tuple[int, ...]:
    found = words_of(text)
    if not all(part.isascii() and part.isdigit() and int(part) < 2**31 for part in found):
        raise InvalidInput("seeds", f"{text!r} are no whole numbers")
    return tuple(int(part) for part in found)


def _text(cells: Mapping[str, str], name: str) -> str | None:
    text = cells.get(name)
    if text is not None and len(text) > MOST_TEXT:
        raise InvalidInput(name, f"{len(text)} characters; at most {MOST_TEXT}")
    return text
