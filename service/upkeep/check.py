"""Is what is kept whole? Looks only; changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, func, make_url, select, text

from service.settings import Settings
from service.storage import Database
from service.storage.objects import open_objects
from service.storage.tables import creatives, decisions, events, experiments, job_items, jobs, products

Progress = Callable[[str, int, int], None]
SHOWN = 5  # examples of what is wrong


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer."""

    name: str
    ok: bool
    says: str  # a number when all is well, else what is wrong and what helps


def check_all(settings: Settings, *, read_pictures: bool = False, progress: Progress | None = None) -> list[Check]:
    """Every check, in an order in which the first failure explains the later ones.

    Args:
        settings: says which database and storage.
        read_pictures: read every stored photograph and compare its bytes with the digest in its name.
        progress: told while objects are looked at.
    """
    database = Database(settings.database)
    try:
        checks = [_version(database)]
        checks += [_file(url) for url in dict.fromkeys((settings.database, settings.jobs_database))]
        if not checks[0].ok:
            return checks
        with database.reader.begin() as connection:
            checks.append(_decisions_have_tests(connection))
            checks.append(_events_have_decisions(connection))
            checks.append(_approved_have_receipts(connection))
            checks.append(_jobs_add_up(connection))
            wanted = dict(_objects_named(connection))
        checks.append(_objects_exist(settings, wanted, read_pictures, progress))
        return checks
    finally:
        database.close()


def _version(database: Database) -> Check:
    at, newest = database.version(), database.newest()
    if at == newest:
        return Check("tables", True, f"at version {at}")
    if at is None:
        return Check("tables", False, "there are none yet: run adloom db upgrade, or start the server once")
    if at not in database.known():
        return Check("tables", False, f"at version {at}, newer than this adloom knows ({newest}): upgrade adloom")
    return Check("tables", False, f"at version {at}, {newest} is needed: run adloom db upgrade")


def _file(url: str) -> Check:
    """SQLite can look through its own file; PostgreSQL's pages have checksums of their own."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _answers(url)
    name = Path(str(parsed.database)).name
    if not Path(str(parsed.database)).exists():
        return Check(f"file {name}", True, "not made yet")
    database = Database(url)
    try:
        with database.reader.begin() as connection:
            said = list(connection.execute(text("pragma integrity_check(5)")).scalars())
    except Exception as error:  # whatever it is, it is the answer
        return Check(f"file {name}", False, f"cannot be read: {error}")
    finally:
        database.close()
    return Check(f"file {name}", said == ["ok"], "whole" if said == ["ok"] else "; ".join(map(str, said)))


def _answers(url: str) -> Check:
    database = Database(url)
    name = f"database {database.url.host or 'local'}"
    try:
        database.check()
    except Exception as error:  # whatever it is, it is the answer
        return Check(name, False, f"does not answer: {error}")
    finally:
        database.close()
    return Check(name, True, "answers")


def _none(name: str, found: Iterable[Any], total: int, unit: str, advice: str) -> Check:
    wrong = list(found)
    if not wrong:
        return Check(name, True, f"{total:,} {unit}")
    examples = ", ".join(str(one) for one in wrong[:SHOWN])
    return Check(name, False, f"{len(wrong):,} of {total:,} {unit}: {examples}; {advice}")


def _decisions_have_tests(connection: Connection) -> Check:
    known = select(experiments.c.id).where(
        experiments.c.workspace == decisions.c.workspace, experiments.c.id == decisions.c.experiment_id
    )
    lost = select(decisions.c.id).where(~known.exists())
    return _none(
        "decisions belong to a test",
        connection.execute(lost).scalars(),
        _count(connection, decisions),
        "decisions",
        "their test is gone; restore a backup",
    )


def _events_have_decisions(connection: Connection) -> Check:
    known = select(decisions.c.id).where(decisions.c.id == events.c.decision_id)
    lost = select(events.c.id).where(~known.exists())
    return _none(
        "events belong to a decision",
        connection.execute(lost).scalars(),
        _count(connection, events),
        "events",
        "results that count them cannot be made again; restore a backup",
    )


def _approved_have_receipts(connection: Connection) -> Check:
    from service.domain import Approval, Receipt
    from service.storage.store import from_json

    rows = connection.execute(
        select(creatives.c.id, creatives.c.body).where(creatives.c.approval == Approval.APPROVED.value)
    ).all()
    failed = [row.id for row in rows if not from_json(Receipt, row.body["receipt"]).passed]
    return _none(
        "approved pictures have a valid receipt", failed, len(rows), "approved pictures", "reject them and look why"
    )


def _jobs_add_up(connection: Connection) -> Check:
    counted = (
        select(job_items.c.workspace, job_items.c.job_id, func.count().label("n"))
        .group_by(job_items.c.workspace, job_items.c.job_id)
        .subquery()
    )
    same = and_(jobs.c.workspace == counted.c.workspace, jobs.c.id == counted.c.job_id)
    wrong = select(jobs.c.id).outerjoin(counted, same).where(func.coalesce(counted.c.n, 0) != jobs.c.n_items)
    return _none(
        "jobs have all their items", connection.execute(wrong).scalars(), _count(connection, jobs), "jobs", "restore"
    )


def _count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar() or 0


def _objects_named(connection: Connection) -> Iterator[tuple[str, str]]:
    """(path in storage, who needs it)."""
    for row in connection.execute(select(creatives.c.workspace, creatives.c.id, creatives.c.picture_key)):
        yield f"{row.workspace}/{row.picture_key}", f"creative {row.id}"
    for row in connection.execute(select(products.c.workspace, products.c.id, products.c.body)):
        for photo in row.body.get("photos") or ():
            if str(photo.get("key", "")).startswith("photos/"):  # others name a file of the merchant's
                yield f"{row.workspace}/{photo['key']}", f"product {row.id}"


def _objects_exist(settings: Settings, wanted: dict[str, str], read_pictures: bool, progress: Progress | None) -> Check:
    import obstore

    store = open_objects(settings.storage)
    there = {entry["path"] for page in obstore.list(store) for entry in page}
    wrong = [f"{path} of {wanted[path]}" for path in sorted(wanted.keys() - there)]
    if read_pictures:
        kept = sorted(path for path in wanted.keys() & there if "/photos/" in path)
        for number, path in enumerate(kept):
            if progress is not None:
                progress("reading photographs", number, len(kept))
            digest = hashlib.sha256(bytes(obstore.get(store, path).bytes())).hexdigest()
            if digest not in path:
                wrong.append(f"{path} of {wanted[path]} (other bytes)")
    return _none("pictures are there", wrong, len(wanted), "stored pictures", "restore them from a backup")
