"""Back up an installation and bring one back, on either database."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Connection, Integer, MetaData, Table, func, inspect, make_url, select, text

from service.errors import Conflict, InvalidInput
from service.settings import Settings
from service.storage import Database
from service.storage.objects import open_objects

from .archive import OBJECTS, SECRET, ArchiveReader, ArchiveWriter, Manifest

Progress = Callable[[str, int, int], None]  # (what, done, of how many)
ALEMBIC = "alembic_version"
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back."""

    manifest: Manifest
    rows: int
    objects: int
    schema: str  # after the upgrade to the newest
    kept_aside: Path | None  # backup of what was there before


def back_up(settings: Settings, out: Path, *, with_objects: bool = True, progress: Progress | None = None) -> Manifest:
    """Write one file that holds everything but the job log, which is made again from the tables.

    The tables are read in one transaction, so they fit each other while the server goes on writing. Pictures are read
    after them; they are never changed under their key.

    Args:
        settings: says which database and storage.
        out: replaced only when the new file is complete; readable to its owner only, since it holds the secret.
        with_objects: False leaves photographs and pictures out, for storage that is backed up by itself.

    Raises:
        Conflict: the tables are not at the newest version.
        OSError: no room, no permission; ``out`` stays as it was.
    """
    say = progress or _silent
    database = Database(settings.database)
    try:
        if database.version() != database.newest():
            raise Conflict(f"the tables are at {database.version()}, not {database.newest()}: run adloom db upgrade")
        with ArchiveWriter(out) as archive:
            with _snapshot(database) as connection:
                tables = _reflected(connection)
                parts = {}
                for number, table in enumerate(tables):
                    say(f"table {table.name}", number, len(tables))
                    names = [column.name for column in table.columns]
                    parts[table.name] = archive.add_table(table.name, names, _rows(connection, table))
            n, size = _add_objects(settings, archive, say) if with_objects else (0, 0)
            secret = settings.data_dir / "secret.key"
            if secret.is_file():
                archive.add(SECRET, secret.read_bytes())
            manifest = Manifest(
                schema=database.newest(),
                made=datetime.now(UTC).isoformat(timespec="seconds"),
                adloom=version("adloom"),
                database=database.url.get_backend_name(),
                tables=parts,
                n_objects=n,
                object_bytes=size,
                has_objects=with_objects,
                has_secret=secret.is_file(),
            )
            archive.add("manifest.json", manifest.as_json().encode())
        return manifest
    finally:
        database.close()


def restore(
    settings: Settings, source: Path, *, replace_all: bool = False, progress: Progress | None = None
) -> Restored:
    """Bring back what a backup holds, into an empty installation or, if told so, in place of what is there.

    What is there is backed up beside the database first. The tables change in one transaction: a damaged file, a full
    disk or a ``kill -9`` leaves them as they were. Stop the server before.

    Raises:
        Conflict: there is something and ``replace_all`` is False, or the backup is newer than this version.
        InvalidInput: no backup, or a damaged one.
    """
    say = progress or _silent
    database = Database(settings.database)
    try:
        with ArchiveReader(source) as archive:
            manifest = archive.manifest
            if manifest.schema not in database.known():
                raise Conflict(f"the backup is from a newer version (tables {manifest.schema}): upgrade adloom first")
            _prove(archive, say)
            kept = None
            if _holds_anything(database):
                if not replace_all:
                    raise Conflict("there is data already; --replace takes its place (it is backed up first)")
                kept = settings.data_dir / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
                database.migrate()
                back_up(settings, kept, progress=progress)
            _forget_jobs(settings)
            n_objects = _put_objects(settings, archive, say)  # more objects than rows know do no harm
            rows = _put_tables(database, archive, say)
            database.migrate()
            _put_secret(settings, archive.secret())
        return Restored(manifest, rows, n_objects, database.version() or "", kept)
    finally:
        database.close()


def _silent(what: str, done: int, total: int) -> None:
    pass


# --- writing -------------------------------------------------------------------------------------------------------


def _snapshot(database: Database) -> Any:
    """A connection that sees one moment."""
    if database.is_sqlite:
        return database.reader.begin()
    return database.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True).begin()


def _reflected(connection: Connection) -> list[Table]:
    """Our tables as they are in the database, whatever version that is; parents of nothing, so in any order."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name != ALEMBIC and not name.startswith("sqlite_"))
    return sorted(metadata.tables.values(), key=lambda table: table.name)


def _rows(connection: Connection, table: Table) -> Iterator[Any]:
    """In the order of the key, so that two backups of the same data are the same."""
    query = select(table).order_by(*table.primary_key.columns)
    return iter(connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query))


def _add_objects(settings: Settings, archive: ArchiveWriter, say: Progress) -> tuple[int, int]:
    import obstore

    store = open_objects(settings.storage)
    known = [entry for page in obstore.list(store) for entry in page]
    n = size = 0
    for number, entry in enumerate(known):
        say("pictures", number, len(known))
        try:
            data = bytes(obstore.get(store, entry["path"]).bytes())
        except FileNotFoundError:
            continue  # deleted since; no row of the snapshot can need it for long
        archive.add(OBJECTS + entry["path"], data)
        n, size = n + 1, size + len(data)
    return n, size


# --- bringing back -------------------------------------------------------------------------------------------------


def _prove(archive: ArchiveReader, say: Progress) -> None:
    """Read every table once before anything is touched."""
    for number, name in enumerate(archive.manifest.tables):
        say("checking the file", number, len(archive.manifest.tables))
        for _ in archive.rows(name):
            pass


def _holds_anything(database: Database) -> bool:
    """Is there a row of anybody's? A new installation knows its own admin key and nothing else."""
    with database.reader.begin() as connection:
        names = set(inspect(connection).get_table_names()) - {ALEMBIC, "workspaces", "api_keys", "log_state"}
        return any(
            connection.execute(text(f'select 1 from "{name}" limit 1')).first() is not None
            for name in names
            if not name.startswith("sqlite_")
        )


def _forget_jobs(settings: Settings) -> None:
    """The job log tells of work in the old tables; what is unfinished in the new ones begins afresh from them."""
    url = make_url(settings.jobs_database)
    if url.get_backend_name() == "sqlite":
        for ending in ("", "-wal", "-shm"):
            Path(f"{url.database}{ending}").unlink(missing_ok=True)
        return
    database = Database(settings.jobs_database)
    try:
        with database.engine.begin() as connection:
            connection.execute(text("drop schema if exists dbos cascade"))
    finally:
        database.close()


def _put_tables(database: Database, archive: ArchiveReader, say: Progress) -> int:
    """All tables at the version of the backup, filled, in one transaction."""
    total = sum(part.rows for part in archive.manifest.tables.values())
    done = 0
    with database.engine.begin() as connection:
        _drop_everything(connection)
        database.upgrade(connection, archive.manifest.schema)
        tables = {table.name: table for table in _reflected(connection)}
        if set(archive.manifest.tables) != set(tables):
            raise InvalidInput("file", "its tables are not those of its version")
        for name, part in archive.manifest.tables.items():
            table = tables[name]
            connection.execute(table.delete())  # a migration may have put rows of its own
            for rows in _batches(archive.rows(name)):
                connection.execute(table.insert(), [_row(table, part.columns, row) for row in rows])
                done += len(rows)
                say(f"table {name}", done, total)
            _continue_numbers(connection, table)
    return done


def _batches(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while batch := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield batch


def _row(table: Table, columns: tuple[str, ...], row: list[Any]) -> dict[str, Any]:
    """A row as this database wants it: SQLite tells no truth values apart from numbers, PostgreSQL does."""
    return {
        name: bool(value) if value is not None and isinstance(table.columns[name].type, Boolean) else value
        for name, value in zip(columns, row, strict=True)
    }


def _drop_everything(connection: Connection) -> None:
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: not name.startswith("sqlite_"))
    metadata.drop_all(connection)


def _continue_numbers(connection: Connection, table: Table) -> None:
    """PostgreSQL numbers rows from a sequence of its own, which has not seen these."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        if isinstance(column.type, Integer) and len(table.primary_key.columns) == 1:
            owner = connection.execute(
                text("select pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
            ).scalar()
            if owner is not None:
                last = connection.execute(select(func.max(column))).scalar()
                connection.execute(
                    text("select setval(cast(:name as regclass), :last, :was_used)"),
                    {"name": owner, "last": last or 1, "was_used": last is not None},
                )


def _put_objects(settings: Settings, archive: ArchiveReader, say: Progress) -> int:
    import obstore

    store, done = open_objects(settings.storage), 0
    for path, data in archive.objects():
        if ".." in Path(path).parts or path.startswith("/"):
            raise InvalidInput("file", f"a path that leads elsewhere: {path!r}")
        obstore.put(store, path, data, mode="overwrite")
        done += 1
        say("pictures", done, archive.manifest.n_objects)
    return done


def _put_secret(settings: Settings, secret: str | None) -> None:
    """The secret signs click links that are out in the world: without it they would die."""
    if secret is None:
        return
    path = settings.data_dir / "secret.key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secret)
    draft.replace(path)
