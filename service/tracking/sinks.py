"""The two ways to write many rows at once: long inserts into SQLite, COPY into PostgreSQL.

A sink keeps one connection of its own. SQLite gets its rows in statements of up to 64 rows, because the interpreter's
lock is given up and taken again once for each statement: with one row a statement the writer would wait for a busy
event loop at every row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

from service.storage.database import Database

Row = tuple[Any, ...]
WRITER_LOCK = 4151623043

DECISION_COLUMNS = (
    "id", "workspace", "experiment_id", "arm", "propensity", "version", "segment", "is_holdout", "visitor",
    "available", "at", "mark",
)  # fmt: skip
EVENT_COLUMNS = (
    "workspace", "id", "experiment_id", "decision_id", "kind", "value", "at", "received", "adds_exposure",
    "adds_success", "adds_value", "adds_square", "is_late", "mark",
)  # fmt: skip
CHUNKS = (64, 8, 1)
CHECKPOINT_PAGES = 16_000  # 64 MB: events of one decision share pages of their index, and each is copied back once


_BY_DECISION = itemgetter(EVENT_COLUMNS.index("decision_id"))


class Sink(Protocol):
    """Where the log is written. All calls but ``close`` belong inside ``transaction``."""

    def transaction(self) -> Any:
        """A context that commits at its end and undoes everything when it is left by an error."""
        ...

    def rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """What a query with ``?`` for each value finds; ``in_any`` gives the test for "one of these"."""
        ...

    def run(self, sql: str, values: Sequence[Any]) -> None: ...

    def in_any(self) -> str: ...

    def many(self, values: Sequence[str]) -> Any:
        """Values as the one parameter that ``in_any`` wants."""
        ...

    def add_decisions(self, rows: Sequence[Row]) -> None: ...

    def add_events(self, rows: Sequence[Row]) -> bool:
        """Write all rows, or none when some (decision, id) is there already: then False."""
        ...

    def close(self) -> None: ...


def sink_for(database: Database) -> Sink:
    return SqliteSink(database) if database.is_sqlite else PostgresSink(database)


class SqliteSink:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._pooled: Any = None
        self._cursor: Any = None
        self._sql = {
            (table, n): _insert(table, columns, n)
            for table, columns in (("decisions", DECISION_COLUMNS), ("events", EVENT_COLUMNS))
            for n in CHUNKS
        }

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._cursor is None:
            self._pooled = self._database.engine.raw_connection()
            self._cursor = self._pooled.cursor()
            self._cursor.execute("pragma cache_size=-32768")
            self._cursor.execute(f"pragma wal_autocheckpoint={CHECKPOINT_PAGES}")
        self._cursor.execute("begin immediate")
        try:
            yield
            self._cursor.execute("commit")
        except BaseException:
            if self._pooled.driver_connection.in_transaction:
                self._cursor.execute("rollback")
            raise

    def rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        return list(self._cursor.execute(sql, values).fetchall())

    def run(self, sql: str, values: Sequence[Any]) -> None:
        self._cursor.execute(sql, values)

    def in_any(self) -> str:
        return "in (select value from json_each(?))"

    def many(self, values: Sequence[str]) -> Any:
        return json.dumps(list(values))

    def add_decisions(self, rows: Sequence[Row]) -> None:
        self._insert("decisions", rows)

    def add_events(self, rows: Sequence[Row]) -> bool:
        rows = sorted(rows, key=_BY_DECISION)  # neighbours in the index; one decision's stay in their order
        self._cursor.execute("savepoint before_events")
        if self._insert("events", rows) == len(rows):
            self._cursor.execute("release before_events")
            return True
        self._cursor.execute("rollback to before_events")
        self._cursor.execute("release before_events")
        return False

    def _insert(self, table: str, rows: Sequence[Row]) -> int:
        at = written = 0
        for n in CHUNKS:
            sql = self._sql[table, n]
            while len(rows) - at >= n:
                self._cursor.execute(sql, tuple(chain.from_iterable(rows[at : at + n])))
                written += self._cursor.rowcount
                at += n
        return written

    def close(self) -> None:
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = self._cursor = None


def _insert(table: str, columns: Sequence[str], n: int) -> str:
    marks = ", ".join([f"({', '.join('?' * len(columns))})"] * n)
    ending = " on conflict (decision_id, id) do nothing" if table == "events" else ""
    return f"insert into {table} ({', '.join(columns)}) values {marks}{ending}"


class PostgresSink:
    """One writer at a time over all processes, so that sequence numbers become visible in their order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pooled: Any = None
        self._cursor: Any = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._cursor is None:
            self._pooled = self._database.engine.raw_connection()
            self._cursor = self._pooled.driver_connection.cursor()
        try:
            self._cursor.execute(f"select pg_advisory_xact_lock({WRITER_LOCK})")  # begins the transaction
            yield
            self._pooled.driver_connection.commit()
        except BaseException:
            try:
                self._pooled.driver_connection.rollback()
            except Exception:  # the server is gone: another connection next time
                self._pooled.invalidate()
                self._pooled = self._cursor = None
            raise

    def rows(self, sql: str, values: Sequence[Any]) -> list[Row]:
        self._cursor.execute(sql.replace("?", "%s"), values)
        return list(self._cursor.fetchall())

    def run(self, sql: str, values: Sequence[Any]) -> None:
        self._cursor.execute(sql.replace("?", "%s"), values)

    def in_any(self) -> str:
        return "= any(?)"

    def many(self, values: Sequence[str]) -> Any:
        return list(values)

    def add_decisions(self, rows: Sequence[Row]) -> None:
        self._copy("decisions", DECISION_COLUMNS, rows)

    def add_events(self, rows: Sequence[Row]) -> bool:
        from psycopg.errors import UniqueViolation

        self._cursor.execute("savepoint before_events")
        try:
            self._copy("events", EVENT_COLUMNS, rows)
        except UniqueViolation:
            self._cursor.execute("rollback to savepoint before_events")
            return False
        return True

    def _copy(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        with self._cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
            copy.write("".join(map(_line, rows)).encode())

    def close(self) -> None:
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = self._cursor = None


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _line(row: Row) -> str:
    return "\t".join([_field(value) for value in row]) + "\n"


def _field(value: Any) -> str:
    """A value in COPY's text form."""
    if value is None:
        return "\\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if type(value) is str:
        return value if value.isalnum() else value.translate(_ESCAPES)
    return repr(value)
