"""Every row of a feed as it came, and the product in it.

CSV and TSV with our columns, Google Merchant data (TSV, RSS 2.0, Atom), Shopify's export, JSON and JSON lines. A row
that cannot be used is told with its number, column and reason and stops nothing; only a file that is no feed at all
raises. Rows are read one at a time.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Literal

from service.domain import Product
from service.errors import InvalidInput
from service.products import parse_product

from .decoding import Source, encoding_of, head_of, lines_of, open_bytes, open_text
from .merchant import from_attributes, looks_like_merchant, money

FeedFormat = Literal["json", "jsonl", "csv", "tsv", "shopify", "merchant-tsv", "merchant-xml"]
FORMATS: tuple[FeedFormat, ...] = ("json", "jsonl", "csv", "tsv", "shopify", "merchant-tsv", "merchant-xml")
PLAIN_COLUMNS = ("id", "title", "brand", "category", "language", "audience", "tone", "landing_page")
KNOWN_COLUMNS = (*PLAIN_COLUMNS, "price", "currency", "photos")
MOST_ROWS = 100_000
LONGEST_CELL = 1 << 20  # characters; a longer one is a broken or hostile file
LONGEST_FACT = 500

csv.field_size_limit(LONGEST_CELL)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not be used."""

    row: int  # 1 is the first product; in a table the line after the header
    id: str | None
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is laid out."""

    columns: tuple[str, ...]
    delimiter: str
    line_end: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it came, with what it says.

    ``product`` is the product file's object; None where the row only goes on with the one before (Shopify) or has a
    problem.
    """

    number: int
    cells: tuple[str, ...] = ()  # of a table, as many as there were
    record: Mapping[str, Any] | None = None  # of JSON
    product: Mapping[str, Any] | None = None
    problem: RowProblem | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A feed whose kind is known. ``rows`` may be called again and again."""

    source: Source
    format: FeedFormat
    encoding: str
    table: Table | None
    ignored: tuple[str, ...]  # columns that say nothing to us; they are kept, not read
    rows: Callable[[], Iterator[Row]]


def open_feed(
    source: Source,
    format: FeedFormat | None = None,
    *,
    currency: str = "EUR",
    language: str | None = None,
    strict_columns: bool = False,
) -> Opened:
    """Find out what a feed is and how to read it.

    Args:
        source: the bytes, or a file.
        format: as told by a person; None: found out.
        currency: of prices without one.
        language: of products without one; by default "en".
        strict_columns: refuse a table of ours with columns that we do not know.

    Raises:
        InvalidInput: empty, no feed that we read, or a table without the columns that it needs.
    """
    encoding = encoding_of(source)
    head = head_of(source, encoding)
    if not head.strip():
        raise InvalidInput("feed", "it is empty")
    format = format or detect(head)
    if format in ("json", "jsonl"):
        read = _json_rows if format == "json" else _json_lines
        return Opened(source, format, encoding, None, (), lambda: _checked(read(source, encoding), language))
    if format == "merchant-xml":
        from .merchant_xml import items

        return Opened(
            source, format, encoding, None, (), lambda: _checked(_xml_rows(items(source, encoding), currency), language)
        )
    table = table_of(head)
    format = _kind_of_table(table, format)
    if format in ("csv", "tsv"):
        unknown = _check_columns(table.columns, strict_columns)
    else:
        unknown = ()
    reader = _TABLES[format]
    return Opened(
        source,
        format,
        encoding,
        table,
        unknown,
        lambda: _checked(reader(table, _table_cells(source, encoding, table), currency), language),
    )


def detect(head: str) -> FeedFormat:
    """The format of a feed by its first characters.

    Raises:
        InvalidInput: it looks like none of those we read.
    """
    start = head.lstrip()
    if start.startswith("<"):
        if re.search(r"<(?:rss|feed|channel)\b", start):
            return "merchant-xml"
        raise InvalidInput("feed", "XML, but neither RSS 2.0 (<rss>) nor Atom (<feed>)")
    if start.startswith("["):
        return "json"
    if start.startswith("{"):
        first = start.splitlines()[0].strip()
        return "jsonl" if first.endswith("}") or len(start.splitlines()) == 1 else "json"
    table = table_of(head)
    if len(table.columns) < 2:
        raise InvalidInput("feed", f"no feed that we read; known: {', '.join(FORMATS)}")
    return _kind_of_table(table, None)


def table_of(head: str) -> Table:
    """Columns, delimiter and line end of a table by its first line."""
    match = re.match(r'((?:"(?:[^"]|"")*"|[^"\r\n])*)(\r\n|\n|\r|$)', head)
    line, end = (match.group(1), match.group(2) or "\n") if match else (head.splitlines()[0], "\n")
    delimiter = max(("\t", ",", ";", "|"), key=lambda d: line.count(d))
    columns = next(csv.reader([line], delimiter=delimiter), [])
    return Table(tuple(c.strip().lstrip("\ufeff") for c in columns), delimiter, end)


def _kind_of_table(table: Table, told: FeedFormat | None) -> FeedFormat:
    columns = set(table.columns)
    if {"Handle", "Title"} <= columns:
        return "shopify"
    if told in ("shopify",):
        raise InvalidInput("feed", f"a Shopify export has the columns Handle and Title; here: {_few(table.columns)}")
    if told == "merchant-tsv" or (told in (None, "csv", "tsv") and looks_like_merchant(table.columns)):
        return "merchant-tsv"
    return told or ("tsv" if table.delimiter == "\t" else "csv")


def _few(columns: tuple[str, ...]) -> str:
    return ", ".join(columns[:8]) + (" ..." if len(columns) > 8 else "")


def _check_columns(columns: tuple[str, ...], strict: bool) -> tuple[str, ...]:
    missing = [name for name in ("id", "title") if name not in columns]
    if missing:
        raise InvalidInput(
            "feed",
            f"the column {' and '.join(missing)} is missing; a table needs id and title (or is a Shopify export or "
            f"Google Merchant data); here: {_few(columns)}",
        )
    unknown = tuple(c for c in columns if c not in KNOWN_COLUMNS and not c.startswith("fact:"))
    if unknown and strict:
        raise InvalidInput(unknown[0], f"unknown column; known: {', '.join(KNOWN_COLUMNS)}, and fact:<key>")
    return unknown


# --- rows ----------------------------------------------------------------------------------------------------------


def products_of(opened: Opened) -> Iterator[tuple[Row, Product | RowProblem]]:
    """Every row that is about a product of its own, parsed; ids that came before are problems."""
    seen: set[str] = set()
    for row in opened.rows():
        if row.problem is not None:
            yield row, row.problem
            continue
        if row.product is None:
            continue
        given = row.product.get("id")
        name = str(given) if given else None
        try:
            product = parse_product(dict(row.product))
        except InvalidInput as error:
            yield row, RowProblem(row.number, name, error.field, error.reason)
            continue
        if product.id in seen:
            yield row, RowProblem(row.number, product.id, "id", "a product with this id came before")
            continue
        seen.add(product.id)
        yield row, product


def _checked(rows: Iterator[Row], language: str | None) -> Iterator[Row]:
    """The rows with the feed's language, and an end where there are too many."""
    for row in rows:
        if row.number > MOST_ROWS:
            raise InvalidInput("feed", f"more than {MOST_ROWS} rows; send it in parts")
        if language and row.product is not None and not row.product.get("language"):
            yield Row(row.number, row.cells, row.record, {**row.product, "language": language})
        else:
            yield row


def _json_rows(source: Source, encoding: str) -> Iterator[Row]:
    with open_bytes(source) as stream:
        data = stream.read()
    try:
        parsed = json.loads(data.decode(encoding).lstrip("\ufeff"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("feed", f"not JSON: {error}") from error
    for number, row in enumerate(parsed if isinstance(parsed, list) else [parsed], 1):
        yield _json_row(number, row)


def _json_lines(source: Source, encoding: str) -> Iterator[Row]:
    number = 0
    for line in lines_of(source, encoding):
        if not line.strip("\ufeff \t\r\n"):
            continue
        number += 1
        if len(line) > LONGEST_CELL:
            reason = f"a line of {len(line)} characters; at most {LONGEST_CELL}"
            yield Row(number, problem=RowProblem(number, None, "product", reason))
            continue
        try:
            parsed = json.loads(line.lstrip("\ufeff"))
        except (json.JSONDecodeError, RecursionError) as error:
            yield Row(number, problem=RowProblem(number, None, "product", f"not JSON: {error}"))
            continue
        yield _json_row(number, parsed)


def _json_row(number: int, parsed: Any) -> Row:
    if not isinstance(parsed, dict):
        return Row(number, problem=RowProblem(number, None, "product", "not an object"))
    return Row(number, record=parsed, product=parsed)


Cells = Iterator[tuple[int, tuple[str, ...], str | None]]  # number, cells, what is wrong with the line itself


def _table_cells(source: Source, encoding: str, table: Table) -> Cells:
    """The lines after the header; a line that is no row of a table comes with its reason."""
    with open_text(source, encoding) as text:
        reader = csv.reader(text, delimiter=table.delimiter, strict=True)
        next(reader, None)
        number = 0
        while True:
            try:
                cells = tuple(next(reader))
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield number, (), _reason(error)
                continue
            except UnicodeDecodeError as error:
                yield number + 1, (), f"not {encoding} from here on: {error.reason}"
                return
            if not any(cell.strip() for cell in cells):
                continue
            number += 1
            if len(cells) > len(table.columns):
                yield number, cells, f"more cells than the {len(table.columns)} columns"
            else:
                yield number, cells, None


def _reason(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell of more than {LONGEST_CELL} characters"
    return "a quotation mark that is never closed" if "unexpected end" in str(error) else f"not CSV: {error}"


def _by_column(table: Table, cells: tuple[str, ...]) -> dict[str, str]:
    """Column -> cell; of two columns with one name the first that says something."""
    row: dict[str, str] = {}
    for column, cell in zip(table.columns, cells, strict=False):
        if cell.strip() and not row.get(column):
            row[column] = cell.strip()
    return row


def _our_rows(table: Table, lines: Cells, currency: str) -> Iterator[Row]:
    for number, cells, wrong in lines:
        row = _by_column(table, cells)
        if wrong is not None:
            yield Row(number, cells, problem=RowProblem(number, row.get("id"), "row", wrong))
            continue
        product: dict[str, Any] = {key: row[key] for key in PLAIN_COLUMNS if row.get(key)}
        if row.get("price"):
            try:
                product["price"] = money(row["price"], row.get("currency") or currency)
            except InvalidInput as error:
                yield Row(number, cells, problem=RowProblem(number, row.get("id"), error.field, error.reason))
                continue
        missing = next((name for name in ("id", "title") if not row.get(name)), None)
        if missing:
            yield Row(number, cells, problem=RowProblem(number, row.get("id"), missing, "missing"))
            continue
        if row.get("photos"):
            product["photos"] = [name.strip() for name in row["photos"].split("|") if name.strip()]
        facts = [{"key": key[5:].strip(), "value": value} for key, value in row.items() if key.startswith("fact:")]
        if facts:
            product["facts"] = facts
        yield Row(number, cells, product=product)


def _merchant_rows(table: Table, lines: Cells, currency: str) -> Iterator[Row]:
    for number, cells, wrong in lines:
        row = {column.removeprefix("g:").replace(" ", "_"): cell for column, cell in _by_column(table, cells).items()}
        if wrong is not None:
            yield Row(number, cells, problem=RowProblem(number, row.get("id"), "row", wrong))
            continue
        yield _merchant_row(number, cells, {key: [value] for key, value in row.items()}, currency)


def _merchant_row(number: int, cells: tuple[str, ...], attributes: Mapping[str, list[str]], currency: str) -> Row:
    try:
        return Row(number, cells, product=from_attributes(attributes, currency))
    except InvalidInput as error:
        name = next(iter(attributes.get("id", ())), None)
        return Row(number, cells, problem=RowProblem(number, name, error.field, error.reason))


def _xml_rows(found: Iterator[Mapping[str, list[str]] | str], currency: str) -> Iterator[Row]:
    for number, attributes in enumerate(found, 1):
        if isinstance(attributes, str):
            yield Row(number, problem=RowProblem(number, None, "item", attributes))
        else:
            yield _merchant_row(number, (), attributes, currency)


def _shopify_rows(table: Table, lines: Cells, currency: str) -> Iterator[Row]:
    """Shopify writes a product as several rows with one handle, one after the other; only the first has the title."""
    held: list[tuple[int, tuple[str, ...]]] = []
    product: dict[str, Any] = {}
    handle = ""
    done: set[str] = set()

    def finished() -> Iterator[Row]:
        for i, (number, cells) in enumerate(held):
            said = {key: value for key, value in product.items() if value} if i == 0 else None
            yield Row(number, cells, product=said)

    for number, cells, wrong in lines:
        row = _by_column(table, cells)
        name = row.get("Handle", "")
        if wrong is not None or not name:
            reason = wrong or "the handle is missing"
            yield Row(number, cells, problem=RowProblem(number, name or None, "Handle", reason))
            continue
        if name != handle:
            yield from finished()
            held, handle = [], name
            product = {"id": name, "facts": [], "photos": []}
            if name in done:
                problem = RowProblem(number, name, "Handle", "a product with this handle came before")
                yield Row(number, cells, problem=problem)
                handle = ""
                continue
            done.add(name)
        held.append((number, cells))
        _take_shopify(row, product, currency)
    yield from finished()


def _take_shopify(row: Mapping[str, str], product: dict[str, Any], currency: str) -> None:
    for key, name in (("title", "Title"), ("brand", "Vendor"), ("category", "Type")):
        if row.get(name) and key not in product:
            product[key] = row[name]
    if row.get("Variant Price") and "price" not in product:
        product["price"] = {"amount": row["Variant Price"].replace(",", ""), "currency": currency}
    if row.get("Image Src") and len(product["photos"]) < 50:
        product["photos"].append(row["Image Src"])
    facts = product["facts"]
    keys = {fact["key"] for fact in facts}
    if row.get("Body (HTML)"):
        text = plain_text(row["Body (HTML)"])
        if text and "description" not in keys:
            facts.append({"key": "description", "value": text})
    if row.get("Variant Grams") not in (None, "", "0", "0.0") and "weight" not in keys:
        facts.append({"key": "weight", "value": f"{row['Variant Grams']} g"})
    for i in ("1", "2", "3"):
        option = row.get(f"Option{i} Name")
        if option and option != "Title" and option.lower() not in keys and row.get(f"Option{i} Value"):
            facts.append({"key": option.lower(), "value": row[f"Option{i} Value"]})


def plain_text(html: str, longest: int = LONGEST_FACT) -> str:
    """HTML as one line of text, cut at a word."""
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", html[:50_000])
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())
    return text if len(text) <= longest else text[:longest].rsplit(" ", 1)[0]


_TABLES: Mapping[str, Callable[[Table, Cells, str], Iterator[Row]]] = {
    "csv": _our_rows,
    "tsv": _our_rows,
    "merchant-tsv": _merchant_rows,
    "shopify": _shopify_rows,
}
