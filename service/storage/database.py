"""The relational database: SQLite beside us, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite

from . import tables

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """An engine with our habits: on SQLite write-ahead log, full synchronisation and foreign waits instead of errors.

    ``engine.begin()`` is a transaction; on SQLite it takes the write lock at its start, so that a transaction that
    reads and then writes never fails half way.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(self.url, connect_args={"timeout": 30, "check_same_thread": False})
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_immediate)
        else:
            self.engine = create_engine(self.url, pool_pre_ping=True, pool_size=10)
        self.reader: Engine = self.engine.execution_options(**{_READ_ONLY: True})

    def migrate(self) -> None:
        """Bring the tables to the newest version. Safe to call at every start, and from several processes at once."""
        if self._is_current():
            return
        with self.engine.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("select pg_advisory_xact_lock(4151623042)"))
            self.upgrade(connection, "head")

    def upgrade(self, connection: Connection, to: str) -> None:
        """Run the migrations up to ``to`` within the caller's transaction."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, to)

    def known(self) -> tuple[str, ...]:
        """The migrations that this version of adloom has, oldest first."""
        return tuple(sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*.py")))

    def newest(self) -> str:
        return self.known()[-1]

    def version(self) -> str | None:
        """The migration that the tables are at; None: there are none."""
        with self.reader.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("select version_num from alembic_version")).scalar()

    def _is_current(self) -> bool:
        """True if the newest migration was run: then alembic need not be loaded."""
        return self.version() == self.newest()

    def check(self) -> None:
        """Raises if the database cannot be read."""
        with self.reader.connect() as connection:
            connection.execute(text("select 1"))

    def close(self) -> None:
        self.engine.dispose()


_READ_ONLY = "adloom_read_only"


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" below is the only one
    cursor = connection.cursor()
    for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=30000", "temp_store=memory"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("begin" if read_only else "begin immediate")


def insert(connection: Connection, table: Table) -> Any:
    """The dialect's ``insert``, which knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


__all__ = ["Database", "insert", "tables"]
