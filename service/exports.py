"""The log of an experiment, whole, for other people's tools: every decision with its exact probability, every event.

Read in steps of a few thousand rows in the order they were written, so that a log of any length needs little memory
and a running server is not held up; what is written while it is read may be in it or not.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal

from sqlalchemy import Table, func, select

from .errors import InvalidInput
from .storage import Database
from .storage.tables import EPOCH, decisions, events

LogTable = Literal["decisions", "events"]
LogFormat = Literal["csv", "jsonl", "parquet"]
TABLES: dict[str, Table] = {"decisions": decisions, "events": events}
FORMATS = ("csv", "jsonl", "parquet")
MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
ROWS_A_STEP = 5_000
# the visitor's digest stays here: it is of no use elsewhere and nobody's business
COLUMNS = {
    "decisions": ("id", "arm", "propensity", "version", "segment", "is_holdout", "available", "at", "mark"),
    "events": ("id", "decision_id", "kind", "value", "at", "received", "is_late", "mark"),
}
TIMES = frozenset({"at", "received"})
Told = Callable[[int, int], None]  # rows done, rows in all


def n_rows(database: Database, workspace: str, experiment: str, table: LogTable) -> int:
    """How many rows an export will have."""
    t = TABLES[table]
    with database.reader.connect() as connection:
        query = select(func.count()).where(t.c.workspace == workspace, t.c.experiment_id == experiment)
        return int(connection.execute(query).scalar_one())


def steps(database: Database, workspace: str, experiment: str, table: LogTable) -> Iterator[list[dict[str, Any]]]:
    """Rows in the order they were written, a few thousand at a time; times are ``datetime`` in UTC."""
    t, after = TABLES[table], 0
    wanted = [t.c.seq, *(t.c[name] for name in COLUMNS[table])]
    while True:
        query = (
            select(*wanted)
            .where(t.c.workspace == workspace, t.c.experiment_id == experiment, t.c.seq > after)
            .order_by(t.c.seq)
            .limit(ROWS_A_STEP)
        )
        with database.reader.connect() as connection:
            found = connection.execute(query).mappings().all()
        if not found:
            return
        after = found[-1]["seq"]
        yield [{name: _moment(row[name]) if name in TIMES else row[name] for name in COLUMNS[table]} for row in found]


def stream(
    database: Database, workspace: str, experiment: str, table: LogTable, format: Literal["csv", "jsonl"]
) -> Iterator[bytes]:
    """An export as text, piece by piece. A log without rows is a header, or nothing."""
    if format == "csv":
        yield _csv([list(COLUMNS[table])])
    for rows in steps(database, workspace, experiment, table):
        if format == "csv":
            yield _csv([[_text(value) for value in row.values()] for row in rows])
        else:
            yield "".join(
                json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n"
                for row in rows
            ).encode()


def write_parquet(
    database: Database, workspace: str, experiment: str, table: LogTable, out: BinaryIO, told: Told | None = None
) -> int:
    """An export as one Parquet file (zstd, times as timestamps in UTC). Returns how many rows it has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "propensity": pa.float64(), "value": pa.float64(), "version": pa.int32(), "is_holdout": pa.bool_(),
        "is_late": pa.bool_(), "at": pa.timestamp("us", tz="UTC"), "received": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS[table]])
    total, done = n_rows(database, workspace, experiment, table), 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for rows in steps(database, workspace, experiment, table):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            done += len(rows)
            if told is not None:
                told(done, total)
    return done


def write_file(
    database: Database,
    workspace: str,
    experiment: str,
    table: LogTable,
    format: LogFormat,
    out: Path,
    told: Told | None = None,
) -> int:
    """An export as a file: written beside and then put in its place, so that a broken-off one leaves the old one.

    Raises:
        InvalidInput: unknown table or format.
    """
    if table not in TABLES or format not in FORMATS:
        raise InvalidInput("format", f"tables are {', '.join(TABLES)}; formats are {', '.join(FORMATS)}")
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as file:
            if format == "parquet":
                done = write_parquet(database, workspace, experiment, table, file, told)
            else:
                total, done = n_rows(database, workspace, experiment, table), -(format == "csv")
                for piece in stream(database, workspace, experiment, table, format):
                    file.write(piece)
                    done += piece.count(b"\n")
                    if told is not None:
                        told(done, total)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return done


def _moment(microseconds: int) -> datetime:
    return (EPOCH + timedelta(microseconds=microseconds)).astimezone(UTC)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _text(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = _plain(value)
    # a spreadsheet would run a cell that begins like a formula
    return f"'{plain}" if isinstance(plain, str) and plain[:1] in ("=", "+", "-", "@", "\t", "\r") else plain


def _csv(rows: list[list[Any]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()
