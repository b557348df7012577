"""Feeds: many products in one file. JSON, JSONL, CSV with our own columns, or the CSV a Shopify shop exports."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Literal

from .domain import Product
from .errors import InvalidInput
from .products import parse_product

FeedFormat = Literal["json", "jsonl", "csv"]
PLAIN_COLUMNS = ("id", "title", "brand", "category", "language", "audience", "tone", "landing_page")
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not be used."""

    row: int  # 1 is the first product; in a CSV file the line after the header
    id: str | None
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Feed:
    products: tuple[Product, ...]
    problems: tuple[RowProblem, ...]


def read_feed(data: bytes, format: FeedFormat, currency: str = "EUR") -> Feed:
    """Every product of a feed, and every row that is not one.

    Args:
        currency: of prices that a CSV file gives without one.

    Raises:
        InvalidInput: the file as a whole cannot be read.
    """
    products: dict[str, Product] = {}
    problems: list[RowProblem] = []
    for number, row in enumerate(_rows(data, format, currency), 1):
        if number > MOST_ROWS:
            raise InvalidInput("feed", f"more than {MOST_ROWS} products; send it in parts")
        if isinstance(row, RowProblem):
            problems.append(row)
            continue
        name = str(row["id"]) if row.get("id") else None
        try:
            product = parse_product(dict(row))
        except InvalidInput as error:
            problems.append(RowProblem(number, name, error.field, error.reason))
            continue
        if product.id in products:
            problems.append(RowProblem(number, product.id, "id", "a product with this id came before"))
            continue
        products[product.id] = product
    return Feed(tuple(products.values()), tuple(problems))


def format_of(content_type: str, name: str = "") -> FeedFormat:
    """The format of a feed by its media type or file name.

    Raises:
        InvalidInput
    """
    kind = content_type.partition(";")[0].strip().lower()
    suffix = name.rpartition(".")[2].lower()
    if kind in ("application/x-ndjson", "application/jsonl", "application/json-lines") or suffix in ("jsonl", "ndjson"):
        return "jsonl"
    if kind == "text/csv" or suffix == "csv":
        return "csv"
    if kind == "application/json" or suffix == "json":
        return "json"
    raise InvalidInput("Content-Type", "application/json, application/x-ndjson or text/csv")


Row = Mapping[str, Any] | RowProblem


def _rows(data: bytes, format: FeedFormat, currency: str) -> Iterator[Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("feed", f"not UTF-8 at byte {error.start}") from error
    if format == "csv":
        return _csv_rows(text, currency)
    return _json_rows(text) if format == "json" else _json_lines(text)


def _json_rows(text: str) -> Iterator[Row]:
    try:
        parsed = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidInput("feed", f"not JSON: {error}") from error
    for number, row in enumerate(parsed if isinstance(parsed, list) else [parsed], 1):
        yield row if isinstance(row, dict) else RowProblem(number, None, "product", "not an object")


def _json_lines(text: str) -> Iterator[Row]:
    number = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        number += 1
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            yield RowProblem(number, None, "product", f"not JSON: {error}")
            continue
        yield row if isinstance(row, dict) else RowProblem(number, None, "product", "not an object")


def _csv_rows(text: str, currency: str) -> Iterator[Row]:
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        columns = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        if {"Handle", "Title"} <= set(columns):
            yield from _shopify_rows(reader, currency)
        else:
            _check_columns(columns)
            for number, row in enumerate(reader, 1):
                if None in row:
                    yield RowProblem(number, row.get("id"), "row", f"more cells than the {len(columns)} columns")
                else:
                    yield _our_row({key: (value or "").strip() for key, value in row.items()}, currency)
    except csv.Error as error:
        raise InvalidInput("feed", f"not CSV: {error}") from error


def _check_columns(columns: list[str]) -> None:
    known = {*PLAIN_COLUMNS, "price", "currency", "photos"}
    if not {"id", "title"} <= set(columns):
        raise InvalidInput("feed", "a CSV feed needs the columns id and title (or is a Shopify export)")
    for column in columns:
        if column not in known and not column.startswith("fact:"):
            listed = ", ".join([*PLAIN_COLUMNS, "price", "currency", "photos"])
            raise InvalidInput(column, f"unknown column; known: {listed}, and fact:<key>")


def _our_row(row: Mapping[str, str], currency: str) -> dict[str, Any]:
    product: dict[str, Any] = {key: row[key] for key in PLAIN_COLUMNS if row.get(key)}
    if row.get("price"):
        product["price"] = {"amount": row["price"], "currency": row.get("currency") or currency}
    if row.get("photos"):
        product["photos"] = [name.strip() for name in row["photos"].split("|") if name.strip()]
    facts = [
        {"key": key[5:].strip(), "value": value} for key, value in row.items() if key.startswith("fact:") and value
    ]
    if facts:
        product["facts"] = facts
    return product


def _shopify_rows(reader: csv.DictReader[str], currency: str) -> Iterator[Row]:
    """Shopify writes a product as several rows with one handle; only the first has the title."""
    products: dict[str, dict[str, Any]] = {}
    for row in reader:
        handle = (row.get("Handle") or "").strip()
        if not handle:
            continue
        product = products.setdefault(handle, {"id": handle, "facts": [], "photos": []})
        _take_shopify(row, product, currency)
    for product in products.values():
        yield {key: value for key, value in product.items() if value}


def _take_shopify(row: Mapping[str, str | None], product: dict[str, Any], currency: str) -> None:
    def cell(name: str) -> str:
        return (row.get(name) or "").strip()

    for key, name in (("title", "Title"), ("brand", "Vendor"), ("category", "Type")):
        if cell(name) and key not in product:
            product[key] = cell(name)
    if cell("Variant Price") and "price" not in product:
        product["price"] = {"amount": cell("Variant Price"), "currency": currency}
    if cell("Image Src"):
        product["photos"].append(cell("Image Src"))
    if cell("Body (HTML)"):
        text = " ".join(unescape(re.sub(r"<[^>]*>", " ", cell("Body (HTML)"))).split())
        if text:
            product["facts"].append({"key": "description", "value": text[:500]})
    if cell("Variant Grams") not in ("", "0", "0.0"):
        weight = {"key": "weight", "value": f"{cell('Variant Grams')} g"}
        if weight["key"] not in {fact["key"] for fact in product["facts"]}:
            product["facts"].append(weight)
