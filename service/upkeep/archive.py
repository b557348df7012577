"""The backup file: a tar of tables as lines of JSON, stored objects and a manifest with a digest of each.

It belongs to no database: what SQLite wrote, PostgreSQL can take up, and the other way round. That is also how an
installation moves when it outgrows one machine.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from service.errors import InvalidInput

FORMAT = 1
MANIFEST = "manifest.json"
LONGEST_MANIFEST = 1 << 22
TABLES, OBJECTS, SECRET = "tables/", "objects/", "secret.key"


@dataclass(frozen=True, slots=True)
class TablePart:
    """One table in the archive."""

    rows: int
    sha256: str  # of the lines before compression
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds."""

    schema: str  # migration the tables are at
    made: str  # ISO 8601
    adloom: str  # version that wrote it
    database: str  # "sqlite" or "postgresql"
    tables: Mapping[str, TablePart] = field(default_factory=dict)
    n_objects: int = 0
    object_bytes: int = 0
    has_objects: bool = True
    has_secret: bool = False
    format: int = FORMAT

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1)


class ArchiveWriter:
    """Writes ``path`` whole or not at all: everything goes into a file beside it that takes its place at the end."""

    def __init__(self, path: Path) -> None:
        self._path, self._draft = path, path.with_name(f".{path.name}.part")

    def __enter__(self) -> ArchiveWriter:
        handle = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds digests and the secret
        self._file = os.fdopen(handle, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w")
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
                self._tar.close()
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
            if kind is not None:
                self._draft.unlink(missing_ok=True)
        if kind is None:
            self._draft.replace(self._path)

    def add(self, name: str, data: bytes) -> None:
        self._add(name, io.BytesIO(data), len(data))

    def add_table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> TablePart:
        """Rows as lines of JSON lists, compressed; memory does not grow with their number."""
        digest, n = hashlib.sha256(), 0
        with tempfile.TemporaryFile(dir=self._path.parent) as kept:
            with gzip.GzipFile(fileobj=kept, mode="wb", compresslevel=5, mtime=0) as packed:
                for row in rows:
                    line = json.dumps([_out(value) for value in row], ensure_ascii=False).encode() + b"\n"
                    digest.update(line)
                    packed.write(line)
                    n += 1
            size = kept.tell()
            kept.seek(0)
            self._add(f"{TABLES}{name}.jsonl.gz", kept, size)
        return TablePart(n, digest.hexdigest(), tuple(columns))

    def _add(self, name: str, source: IO[bytes], size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._tar.addfile(entry, source)


class ArchiveReader:
    """Reads an archive and believes nothing in it: digests are compared, names are checked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> ArchiveReader:
        try:
            self._tar = tarfile.open(self._path, mode="r:")
            self.manifest = _manifest(self._member(MANIFEST).read(LONGEST_MANIFEST))
        except (tarfile.TarError, OSError, KeyError, ValueError, TypeError, EOFError) as error:
            raise InvalidInput("file", f"{self._path} is no backup of adloom, or is cut off ({error})") from error
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._tar.close()

    def rows(self, table: str) -> Iterator[list[Any]]:
        """The rows of a table.

        Raises:
            InvalidInput: after the last row, if they are not those that were written.
        """
        digest, n, part = hashlib.sha256(), 0, self.manifest.tables[table]
        try:
            with gzip.GzipFile(fileobj=self._member(f"{TABLES}{table}.jsonl.gz")) as lines:
                for line in lines:
                    digest.update(line)
                    n += 1
                    yield [_in(value) for value in json.loads(line)]
        except (OSError, EOFError, KeyError, ValueError) as error:
            raise InvalidInput("file", f"table {table} is damaged ({error})") from error
        if n != part.rows or digest.hexdigest() != part.sha256:
            raise InvalidInput("file", f"table {table} is not the one that was backed up")

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """(path, bytes) of everything stored."""
        for entry in self._tar:
            if entry.isfile() and entry.name.startswith(OBJECTS):
                source = self._tar.extractfile(entry)
                if source is not None:
                    yield entry.name.removeprefix(OBJECTS), source.read()

    def secret(self) -> str | None:
        return self._member(SECRET).read(1 << 12).decode() if self.manifest.has_secret else None

    def _member(self, name: str) -> IO[bytes]:
        found = self._tar.extractfile(name)
        if found is None:
            raise KeyError(name)
        return found


def _manifest(data: bytes) -> Manifest:
    told = json.loads(data)
    if told.get("format") != FORMAT:
        raise ValueError(f"format {told.get('format')!r}, this version reads {FORMAT}")
    told["tables"] = {
        name: TablePart(part["rows"], part["sha256"], tuple(part["columns"])) for name, part in told["tables"].items()
    }
    return Manifest(**told)


def _out(value: Any) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else [value]


def _in(value: Any) -> Any:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value[0]
