"""Which text a feed's bytes are: UTF-8, UTF-16 or GB 18030, with or without a byte-order mark."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path

from service.errors import InvalidInput

CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")

Source = bytes | Path


def open_bytes(source: Source) -> io.BufferedIOBase:
    """The feed from its beginning."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def encoding_of(source: Source) -> str:
    """The feed's encoding: by its mark, its XML declaration, its zeros, or by what decodes without an error.

    Raises:
        InvalidInput: no encoding that we read fits; the place of the first bad byte is told.
    """
    with open_bytes(source) as stream:
        head = stream.read(4_096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    declared = _DECLARED.match(head)
    if declared is not None:
        return _known(declared.group(1).decode())
    if len(head) >= 8 and head[1:64:2].count(0) > 0.7 * len(head[1:64:2]):
        return "utf-16-le"
    if len(head) >= 8 and head[0:64:2].count(0) > 0.7 * len(head[0:64:2]):
        return "utf-16-be"
    bad = _first_bad_byte(source, "utf-8")
    if bad is None:
        return "utf-8"
    if _first_bad_byte(source, "gb18030") is None:
        return "gb18030"
    raise InvalidInput("feed", f"neither UTF-8, UTF-16 nor GB 18030: the first bad byte is at {bad}")


def _known(declared: str) -> str:
    name = declared.lower()
    if name in ("gbk", "gb2312"):
        return "gb18030"
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise InvalidInput("feed", f"unknown encoding {declared!r}") from None


def _first_bad_byte(source: Source, encoding: str) -> int | None:
    decoder, done = codecs.getincrementaldecoder(encoding)(), 0
    with open_bytes(source) as stream:
        while chunk := stream.read(CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return done + error.start
            done += len(chunk)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return done
    return None


def open_text(source: Source, encoding: str) -> io.TextIOWrapper:
    """The feed as text, line ends as they are; a byte-order mark is left out."""
    return io.TextIOWrapper(open_bytes(source), encoding=encoding, newline="")  # type: ignore[arg-type]


def head_of(source: Source, encoding: str, n: int = 8_192) -> str:
    """The first characters of a feed."""
    with open_text(source, encoding) as text:
        return text.read(n).lstrip("\ufeff")


def lines_of(source: Source, encoding: str) -> Iterator[str]:
    with open_text(source, encoding) as text:
        yield from text
