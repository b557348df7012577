"""Google Merchant data in XML: RSS 2.0 with ``g:`` elements, or Atom. Read item by item, without entities or DTD."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.errors import InvalidInput

from .decoding import Source, open_bytes, open_text

GOOGLE = "http://base.google.com/ns/1.0"
ATOM = "http://www.w3.org/2005/Atom"
LONGEST_VALUE = 20_000
_ITEMS = ("item", f"{{{ATOM}}}entry", "entry")


def items(source: Source, encoding: str) -> Iterator[Mapping[str, list[str]] | str]:
    """Attribute -> values of each item; a text says what is wrong where the file breaks off.

    Raises:
        InvalidInput: entities or a document type are declared, or nothing in it is an item.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    n_found = 0
    try:
        path: list[Any] = []
        for event, element in iterparse(_utf8(source, encoding), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                path.append(element)
                continue
            path.pop()
            if element.tag in _ITEMS:
                n_found += 1
                yield _attributes(element)
                element.clear()
                if path:
                    path[-1].remove(element)
    except DefusedXmlException as error:
        raise InvalidInput("feed", "the XML declares a document type or entities; these are not read") from error
    except ParseError as error:
        if n_found == 0:
            raise InvalidInput("feed", f"not well-formed XML: {error}") from error
        yield f"the XML breaks off here: {error}"
    if n_found == 0:
        raise InvalidInput("feed", "no item in it (RSS 2.0: channel/item, Atom: entry)")


def _utf8(source: Source, encoding: str) -> Any:
    """The bytes as expat reads them: UTF-8, without a declaration that says otherwise."""
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return open_bytes(source)
    with open_text(source, encoding) as text:
        whole = re.sub(r"^\ufeff?\s*<\?xml[^>]*\?>", "", text.read(), count=1)
    return io.BytesIO(whole.encode("utf-8", "surrogatepass"))


def _attributes(item: Any) -> dict[str, list[str]]:
    """Attribute -> values; Google's own elements before others of the same name."""
    google: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    for child in item:
        if not isinstance(child.tag, str):
            continue
        name = child.tag.rpartition("}")[2]
        if name == "product_detail":
            parts = {part.tag.rpartition("}")[2]: (part.text or "").strip() for part in child}
            value = ":".join(parts.get(key, "") for key in ("section_name", "attribute_name", "attribute_value"))
        elif name == "link" and child.get("href"):
            value = str(child.get("href"))
        else:
            value = "".join(child.itertext()).strip()
        found = google if child.tag.startswith(f"{{{GOOGLE}}}") else other
        found.setdefault(name, []).append(value[:LONGEST_VALUE])
    return {name: google.get(name, []) + other.get(name, []) for name in {**google, **other}}
