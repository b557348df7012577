"""Feeds for the product list: every product of a file at once. ``service/feeds`` reads them row by row."""

from __future__ import annotations

from dataclasses import dataclass

from .domain import Product
from .errors import InvalidInput
from .feeds.reading import FeedFormat, RowProblem, open_feed, products_of

MOST_PRODUCTS = 20_000


@dataclass(frozen=True, slots=True)
class Feed:
    products: tuple[Product, ...]
    problems: tuple[RowProblem, ...]


def read_feed(data: bytes, format: FeedFormat | None = None, currency: str = "EUR") -> Feed:
    """Every product of a feed, and every row that is not one.

    Args:
        format: None: found out from the data.
        currency: of prices that a row gives without one.

    Raises:
        InvalidInput: the file as a whole cannot be read.
    """
    products: list[Product] = []
    problems: list[RowProblem] = []
    for _, found in products_of(open_feed(data, format, currency=currency, strict_columns=True)):
        if isinstance(found, RowProblem):
            problems.append(found)
        else:
            products.append(found)
        if len(products) + len(problems) > MOST_PRODUCTS:
            raise InvalidInput("feed", f"more than {MOST_PRODUCTS} products; send it in parts")
    return Feed(tuple(products), tuple(problems))


def format_of(content_type: str, name: str = "") -> FeedFormat | None:
    """The format of a feed by its media type or file name; None: to be found out from what it says.

    Raises:
        InvalidInput: a media type that no feed has.
    """
    kind = content_type.partition(";")[0].strip().lower()
    suffix = name.rpartition(".")[2].lower()
    if kind in ("application/x-ndjson", "application/jsonl", "application/json-lines") or suffix in ("jsonl", "ndjson"):
        return "jsonl"
    if kind == "application/json" or suffix == "json":
        return "json"
    if kind in ("application/xml", "text/xml", "application/rss+xml", "application/atom+xml") or suffix == "xml":
        return "merchant-xml"
    tables = ("text/csv", "text/tab-separated-values", "application/csv", "text/plain", "application/octet-stream", "")
    if kind in tables or suffix in ("csv", "tsv", "txt"):
        return None
    raise InvalidInput(
        "Content-Type", "application/json, application/x-ndjson, application/xml, text/csv or text/tab-separated-values"
    )


__all__ = ["Feed", "FeedFormat", "RowProblem", "format_of", "read_feed"]
