"""Repositories: frozen dataclasses in and out, one workspace at a time.

Every write is one transaction. Where a row points at an object, the object is put first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, delete, func, or_, select, update

from experiments import Arm, Experiment, Factor, WeightTable, table_from_dict
from service.domain import Approval, Copy, Creative, Product
from service.errors import Conflict, NotFound
from service.records import (
    ApiKey,
    AuditEntry,
    ItemState,
    Job,
    JobItem,
    JobState,
    RunningTest,
    Scope,
    Showing,
    TestState,
)

from . import tables as t
from .database import Database, insert
from .prints import Prints

T = TypeVar("T")


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def adapter(kind: type[T]) -> TypeAdapter[T]:
    """The JSON form of a dataclass; made once for each type, when it is first used."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_json(kind: type[T], value: T) -> Any:
    return adapter(kind).dump_python(value, mode="json")


def from_json(kind: type[T], value: Any) -> T:
    return adapter(kind).validate_python(value)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a list, and where the next one begins; ``next`` is None at the end."""

    items: tuple[T, ...]
    next: str | None


class _Repository:
    def __init__(self, database: Database, workspace: str) -> None:
        self._database, self._workspace = database, workspace

    def _read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._database.reader.connect() as connection:
            return connection.execute(query).all()

    def _page(
        self, table: Table, columns: Sequence[Any], where: Iterable[ColumnElement[bool]], after: str | None, limit: int
    ) -> tuple[Sequence[Row[Any]], str | None]:
        """Rows in the order of their ids, so that a page stays where it was while others write."""
        query = select(*columns).where(table.c.workspace == self._workspace, *where).order_by(table.c.id)
        if after is not None:
            query = query.where(table.c.id > after)
        rows = self._read(query.limit(limit + 1))
        return rows[:limit], (rows[limit - 1].id if len(rows) > limit else None)

    def _one(self, table: Table, kind: str, id: str, *columns: Any) -> Row[Any]:
        rows = self._read(select(*(columns or (table,))).where(table.c.workspace == self._workspace, table.c.id == id))
        if not rows:
            raise NotFound(kind, id)
        return rows[0]


class Products(_Repository):
    def has(self, id: str) -> bool:
        c = t.products.c
        return bool(self._read(select(c.id).where(c.workspace == self._workspace, c.id == id)))

    def put(self, product: Product, now: datetime) -> bool:
        """Keep a product, replacing the one with this id. True if it is new."""
        return self.put_many([product], now) == 1

    def put_many(self, products: Sequence[Product], now: datetime) -> int:
        """Keep all of them or none. Returns how many are new."""
        with self._database.engine.begin() as connection:
            before = self._count(connection)
            for product in products:
                values = {
                    "title": product.title,
                    "category": product.category,
                    "body": to_json(Product, product),
                    "updated": now,
                }
                statement = insert(connection, t.products).values(
                    workspace=self._workspace, id=product.id, created=now, **values
                )
                connection.execute(statement.on_conflict_do_update(index_elements=["workspace", "id"], set_=values))
            return self._count(connection) - before

    def add(self, product: Product, now: datetime) -> None:
        """Keep a new product. Raises Conflict when the id is taken."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.products).values(
                workspace=self._workspace,
                id=product.id,
                title=product.title,
                category=product.category,
                body=to_json(Product, product),
                created=now,
                updated=now,
            )
            done = connection.execute(statement.on_conflict_do_nothing(index_elements=["workspace", "id"]))
            if done.rowcount == 0:
                raise Conflict(f"product {product.id!r} exists already; PUT replaces it")

    def get(self, id: str) -> Product:
        return from_json(Product, self._one(t.products, "product", id, t.products.c.body).body)

    def page(self, after: str | None = None, limit: int = 50, category: str | None = None) -> Page[Product]:
        where = [] if category is None else [t.products.c.category == category]
        rows, following = self._page(t.products, (t.products.c.id, t.products.c.body), where, after, limit)
        return Page(tuple(from_json(Product, row.body) for row in rows), following)

    def delete(self, id: str) -> None:
        with self._database.engine.begin() as connection:
            done = connection.execute(
                delete(t.products).where(t.products.c.workspace == self._workspace, t.products.c.id == id)
            )
            if done.rowcount == 0:
                raise NotFound("product", id)

    def _count(self, connection: Connection) -> int:
        query = select(func.count()).select_from(t.products).where(t.products.c.workspace == self._workspace)
        return int(connection.execute(query).scalar_one())


class Brands(_Repository):
    """How a shop speaks, as the brief it puts under every piece of copy."""

    def put(self, id: str, brief: Mapping[str, Any], now: datetime) -> bool:
        """Keep a brand's brief, replacing the one with this id. True if it is new."""
        with self._database.engine.begin() as connection:
            key = (t.brands.c.workspace == self._workspace, t.brands.c.id == id)
            is_new = connection.execute(select(t.brands.c.id).where(*key)).first() is None
            values = {"body": dict(brief), "updated": now}
            statement = insert(connection, t.brands).values(workspace=self._workspace, id=id, created=now, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["workspace", "id"], set_=values))
            return is_new

    def get(self, id: str) -> dict[str, Any]:
        """The brief as it was given. Raises NotFound."""
        return dict(self._one(t.brands, "brand", id, t.brands.c.body).body)

    def page(self, after: str | None = None, limit: int = 50) -> Page[tuple[str, dict[str, Any]]]:
        rows, following = self._page(t.brands, (t.brands.c.id, t.brands.c.body), (), after, limit)
        return Page(tuple((row.id, dict(row.body)) for row in rows), following)

    def delete(self, id: str) -> None:
        """Raises NotFound."""
        with self._database.engine.begin() as connection:
            done = connection.execute(
                delete(t.brands).where(t.brands.c.workspace == self._workspace, t.brands.c.id == id)
            )
            if done.rowcount == 0:
                raise NotFound("brand", id)

    def has(self, id: str) -> bool:
        """Is there a brief or a look under this id?"""
        return any(
            self._read(select(table.c.id).where(table.c.workspace == self._workspace, table.c.id == id))
            for table in (t.brands, t.looks)
        )

    def look(self, id: str) -> dict[str, Any]:
        """How the brand looks, as it was put. Raises NotFound."""
        return dict(self._one(t.looks, "look of brand", id, t.looks.c.body).body)

    def put_look(self, id: str, look: Mapping[str, Any], now: datetime) -> None:
        """Keep how a brand looks, replacing what was there."""
        values = {"body": dict(look), "updated": now}
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.looks).values(workspace=self._workspace, id=id, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["workspace", "id"], set_=values))


class Copies(_Repository):
    def put(self, copy: Copy, now: datetime) -> None:
        """Keep a copy; the same id again leaves the first."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.copies).values(
                workspace=self._workspace,
                id=copy.id,
                product_id=copy.product_id,
                channel=copy.channel,
                language=copy.language,
                body=to_json(Copy, copy),
                created=now,
            )
            connection.execute(statement.on_conflict_do_nothing(index_elements=["workspace", "id"]))

    def get(self, id: str) -> Copy:
        return from_json(Copy, self._one(t.copies, "copy", id, t.copies.c.body).body)

    def page(
        self, after: str | None = None, limit: int = 50, product_id: str | None = None, channel: str | None = None
    ) -> Page[Copy]:
        where = [
            column == value
            for column, value in ((t.copies.c.product_id, product_id), (t.copies.c.channel, channel))
            if value is not None
        ]
        rows, following = self._page(t.copies, (t.copies.c.id, t.copies.c.body), where, after, limit)
        return Page(tuple(from_json(Copy, row.body) for row in rows), following)


class Creatives(_Repository):
    def put(self, creative: Creative, now: datetime) -> None:
        """Keep a creative whose picture is in storage already; the same id again leaves the first and its approval."""
        created = creative.created or now
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.creatives).values(
                workspace=self._workspace,
                id=creative.id,
                product_id=creative.product_id,
                format=creative.format,
                approval=creative.approval.value,
                picture_key=creative.picture_key,
                body=to_json(Creative, dataclasses.replace(creative, created=created)),
                created=created,
            )
            connection.execute(statement.on_conflict_do_nothing(index_elements=["workspace", "id"]))

    def get(self, id: str) -> Creative:
        return _creative(self._one(t.creatives, "creative", id))

    def has(self, id: str) -> bool:
        query = select(t.creatives.c.id).where(t.creatives.c.workspace == self._workspace, t.creatives.c.id == id)
        return bool(self._read(query))

    def get_many(self, ids: Sequence[str]) -> tuple[Creative, ...]:
        """In the order asked for. Raises NotFound for the first that is missing."""
        found: dict[str, Creative] = {}
        for start in range(0, len(ids), 500):
            query = select(t.creatives).where(
                t.creatives.c.workspace == self._workspace, t.creatives.c.id.in_(ids[start : start + 500])
            )
            found |= {row.id: _creative(row) for row in self._read(query)}
        for id in ids:
            if id not in found:
                raise NotFound("creative", id)
        return tuple(found[id] for id in ids)

    def page(
        self,
        after: str | None = None,
        limit: int = 50,
        product_id: str | None = None,
        approval: Approval | None = None,
        format: str | None = None,
    ) -> Page[Creative]:
        where: list[ColumnElement[bool]] = []
        if product_id is not None:
            where.append(t.creatives.c.product_id == product_id)
        if approval is not None:
            where.append(t.creatives.c.approval == approval.value)
        if format is not None:
            where.append(t.creatives.c.format == format)
        rows, following = self._page(t.creatives, (t.creatives,), where, after, limit)
        return Page(tuple(_creative(row) for row in rows), following)

    def decide_approval(self, id: str, approval: Approval, entry: AuditEntry) -> Creative:
        """Approve or reject, and write down who did."""
        with self._database.engine.begin() as connection:
            done = connection.execute(
                update(t.creatives)
                .where(t.creatives.c.workspace == self._workspace, t.creatives.c.id == id)
                .values(approval=approval.value)
            )
            if done.rowcount == 0:
                raise NotFound("creative", id)
            _note(connection, self._workspace, entry)
        return self.get(id)

    def approved_among(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of these ids that are approved now."""
        found: set[str] = set()
        for start in range(0, len(ids), 500):
            query = select(t.creatives.c.id).where(
                t.creatives.c.workspace == self._workspace,
                t.creatives.c.id.in_(ids[start : start + 500]),
                t.creatives.c.approval == Approval.APPROVED.value,
            )
            found.update(row.id for row in self._read(query))
        return frozenset(found)


def _creative(row: Row[Any]) -> Creative:
    return dataclasses.replace(from_json(Creative, row.body), approval=Approval(row.approval))


class Jobs(_Repository):
    def add(
        self,
        id: str,
        kind: str,
        requests: Sequence[Mapping[str, Any]],
        now: datetime,
        settled: Mapping[int, JobItem] | None = None,
    ) -> bool:
        """Keep a job with all its items, or nothing. False if a job with this id is here already.

        Args:
            settled: by position, items that need no work any more.
        """
        known = settled or {}
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.jobs).values(
                workspace=self._workspace,
                id=id,
                kind=kind,
                state=JobState.QUEUED.value,
                n_items=len(requests),
                created=now,
            )
            done = connection.execute(statement.on_conflict_do_nothing(index_elements=["workspace", "id"]))
            if done.rowcount == 0:
                return False
            rows = [
                {
                    "workspace": self._workspace,
                    "job_id": id,
                    "position": position,
                    "request": dict(request),
                    **_outcome(known.get(position)),
                }
                for position, request in enumerate(requests)
            ]
            if rows:
                connection.execute(insert(connection, t.job_items), rows)
            self._close_if_done(connection, id, now)
            return True

    def get(self, id: str) -> Job:
        """Raises NotFound."""
        row = self._one(t.jobs, "job", id)
        return _job(row, self._tallies([id]))

    def find(self, id: str) -> Job | None:
        try:
            return self.get(id)
        except NotFound:
            return None

    def page(self, after: str | None = None, limit: int = 50) -> Page[Job]:
        rows, following = self._page(t.jobs, (t.jobs,), (), after, limit)
        tallies = self._tallies([row.id for row in rows])
        return Page(tuple(_job(row, tallies) for row in rows), following)

    def items(self, id: str, after: int = -1, limit: int = 100, status: str | None = None) -> tuple[JobItem, ...]:
        """In the order of positions. ``status`` is a state, or "review"."""
        c = t.job_items.c
        query = select(t.job_items).where(c.workspace == self._workspace, c.job_id == id, c.position > after)
        if status == "review":
            query = query.where(c.state == ItemState.DONE.value, c.reason.is_not(None))
        elif status == ItemState.DONE.value:
            query = query.where(c.state == status, c.reason.is_(None))
        elif status is not None:
            query = query.where(c.state == status)
        return tuple(_item(row) for row in self._read(query.order_by(c.position).limit(limit)))

    def each_item(self, id: str, status: str | None = None) -> Iterator[JobItem]:
        """All items, a page at a time in memory."""
        after = -1
        while items := self.items(id, after, 500, status):
            yield from items
            after = items[-1].position

    def each_done(self, kind: str) -> Iterator[JobItem]:
        """Items of all jobs of a kind that something came of."""
        c = t.jobs.c
        ids = self._read(select(c.id).where(c.workspace == self._workspace, c.kind == kind).order_by(c.created))
        for row in ids:
            yield from self.each_item(row.id, ItemState.DONE.value)
            yield from self.each_item(row.id, "review")

    def newest_seconds(self, kind: str, n: int) -> tuple[tuple[Mapping[str, Any], float], ...]:
        """(request, seconds) of up to n items done, of the newest jobs of a kind."""
        c, item = t.jobs.c, t.job_items.c
        rows = self._read(
            select(item.request, item.seconds)
            .join(t.jobs, (c.workspace == item.workspace) & (c.id == item.job_id))
            .where(
                c.workspace == self._workspace,
                c.kind == kind,
                item.state == ItemState.DONE.value,
                item.seconds.is_not(None),
            )
            .order_by(c.created.desc(), item.position.desc())
            .limit(n)
        )
        return tuple((row.request, row.seconds) for row in rows)

    def waiting(self, id: str) -> tuple[int, ...]:
        """Positions that nothing came of yet."""
        c = t.job_items.c
        query = select(c.position).where(
            c.workspace == self._workspace, c.job_id == id, c.state == ItemState.WAITING.value
        )
        return tuple(row.position for row in self._read(query.order_by(c.position)))

    def settled(self, id: str) -> tuple[int, ...]:
        """Positions that something came of."""
        c = t.job_items.c
        query = select(c.position).where(
            c.workspace == self._workspace, c.job_id == id, c.state != ItemState.WAITING.value
        )
        return tuple(row.position for row in self._read(query))

    def items_at(self, id: str, positions: Sequence[int]) -> tuple[JobItem, ...]:
        """Those of up to some hundred positions, in their order."""
        c = t.job_items.c
        query = select(t.job_items).where(c.workspace == self._workspace, c.job_id == id, c.position.in_(positions))
        return tuple(_item(row) for row in self._read(query.order_by(c.position)))

    def ended(self, kind: str) -> tuple[str, ...]:
        """Ids of the jobs of a kind in which every item was tried."""
        c, states = t.jobs.c, (JobState.DONE.value, JobState.FAILED.value)
        query = select(c.id).where(c.workspace == self._workspace, c.kind == kind, c.state.in_(states))
        return tuple(row.id for row in self._read(query))

    def n_waiting(self) -> int:
        """Items of all jobs of this workspace that wait."""
        query = (
            select(func.count())
            .select_from(t.job_items)
            .where(t.job_items.c.workspace == self._workspace, t.job_items.c.state == ItemState.WAITING.value)
        )
        return int(self._read(query)[0][0])

    def item(self, id: str, position: int) -> JobItem:
        rows = self.items(id, position - 1, 1)
        if not rows or rows[0].position != position:
            raise NotFound("job item", f"{id}/{position}")
        return rows[0]

    def settle(self, id: str, item: JobItem, now: datetime) -> None:
        """Write down how an item ended, unless it was cancelled meanwhile; the last one closes the job."""
        with self._database.engine.begin() as connection:
            connection.execute(
                update(t.job_items)
                .where(
                    t.job_items.c.workspace == self._workspace,
                    t.job_items.c.job_id == id,
                    t.job_items.c.position == item.position,
                    t.job_items.c.state == ItemState.WAITING.value,
                )
                .values(state=item.state.value, result_id=item.result_id, reason=item.reason, seconds=item.seconds)
            )
            self._close_if_done(connection, id, now)

    def kind(self, id: str) -> str:
        """What kind of job it is, without counting its items. Raises NotFound."""
        return str(self._one(t.jobs, "job", id, t.jobs.c.kind).kind)

    def head(self, id: str) -> tuple[str, JobState, int]:
        """(kind, state, round) without counting its items. Raises NotFound."""
        row = self._one(t.jobs, "job", id, t.jobs.c.kind, t.jobs.c.state, t.jobs.c.round)
        return str(row.kind), JobState(row.state), int(row.round)

    def pause(self, id: str, reason: str | None = None) -> Job:
        """Begin no more items. Raises NotFound, Conflict when the job has ended."""
        with self._database.engine.begin() as connection:
            state = self._state(connection, id)
            if state.is_final:
                raise Conflict(f"job {id!r} has ended: {state.value}")
            connection.execute(update(t.jobs).where(*self._job(id)).values(state=JobState.PAUSED.value, reason=reason))
        return self.get(id)

    def take_up(self, id: str, again: Iterable[ItemState] = (), positions: Sequence[int] | None = None) -> Job:
        """A new round of a job: of what waits, and of items in the states of ``again`` (all, or these positions).

        Raises:
            NotFound
            Conflict: nothing is left to do.
        """
        c, states = t.job_items.c, [state.value for state in again]
        with self._database.engine.begin() as connection:
            self._state(connection, id)
            here = (c.workspace == self._workspace, c.job_id == id)
            for start in range(0, len(positions) if positions is not None else 1, 500):
                chosen = () if positions is None else (c.position.in_(positions[start : start + 500]),)
                connection.execute(
                    update(t.job_items)
                    .where(*here, c.state.in_(states), *chosen)
                    .values(state=ItemState.WAITING.value, result_id=None, reason=None, seconds=None)
                )
            waits = connection.execute(
                select(c.position).where(*here, c.state == ItemState.WAITING.value).limit(1)
            ).first()
            if waits is None:
                raise Conflict(f"job {id!r} has nothing left to do")
            connection.execute(
                update(t.jobs)
                .where(*self._job(id))
                .values(state=JobState.QUEUED.value, reason=None, finished=None, round=t.jobs.c.round + 1)
            )
        return self.get(id)

    def _job(self, id: str) -> tuple[ColumnElement[bool], ...]:
        return t.jobs.c.workspace == self._workspace, t.jobs.c.id == id

    def _state(self, connection: Connection, id: str) -> JobState:
        row = connection.execute(select(t.jobs.c.state).where(*self._job(id))).one_or_none()
        if row is None:
            raise NotFound("job", id)
        return JobState(row.state)

    def begin(self, id: str, now: datetime) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(
                update(t.jobs)
                .where(
                    t.jobs.c.workspace == self._workspace, t.jobs.c.id == id, t.jobs.c.state == JobState.QUEUED.value
                )
                .values(
                    state=JobState.RUNNING.value,
                    started=func.coalesce(t.jobs.c.started, bindparam("at", now, t.Moment)),
                )
            )

    def cancel(self, id: str, now: datetime) -> Job:
        """Give up every item that has not begun. Raises Conflict when the job has ended."""
        with self._database.engine.begin() as connection:
            row = connection.execute(
                select(t.jobs.c.state).where(t.jobs.c.workspace == self._workspace, t.jobs.c.id == id)
            ).one_or_none()
            if row is None:
                raise NotFound("job", id)
            if JobState(row.state).is_final and row.state != JobState.CANCELLED.value:
                raise Conflict(f"job {id!r} has ended: {row.state}")
            connection.execute(
                update(t.job_items)
                .where(
                    t.job_items.c.workspace == self._workspace,
                    t.job_items.c.job_id == id,
                    t.job_items.c.state == ItemState.WAITING.value,
                )
                .values(state=ItemState.CANCELLED.value)
            )
            connection.execute(
                update(t.jobs)
                .where(t.jobs.c.workspace == self._workspace, t.jobs.c.id == id, t.jobs.c.finished.is_(None))
                .values(state=JobState.CANCELLED.value, finished=now)
            )
        return self.get(id)

    def _close_if_done(self, connection: Connection, id: str, now: datetime) -> None:
        def has_any(state: ItemState) -> bool:
            query = select(t.job_items.c.position).where(
                t.job_items.c.workspace == self._workspace,
                t.job_items.c.job_id == id,
                t.job_items.c.state == state.value,
            )
            return connection.execute(query.limit(1)).first() is not None

        if has_any(ItemState.WAITING):
            return
        state = JobState.DONE if has_any(ItemState.DONE) else JobState.FAILED
        connection.execute(
            update(t.jobs)
            .where(t.jobs.c.workspace == self._workspace, t.jobs.c.id == id, t.jobs.c.finished.is_(None))
            .values(state=state.value, finished=now)
        )

    def _tallies(self, ids: Sequence[str]) -> dict[tuple[str, str], _Tally]:
        c = t.job_items.c
        query = (
            select(
                c.job_id,
                c.state,
                func.count().label("n"),
                func.count(c.reason).label("n_reasons"),
                func.avg(c.seconds).label("seconds"),
            )
            .where(c.workspace == self._workspace, c.job_id.in_(ids))
            .group_by(c.job_id, c.state)
        )
        return {(row.job_id, row.state): _Tally(row.n, row.n_reasons, row.seconds) for row in self._read(query)}


@dataclass(frozen=True, slots=True)
class _Tally:
    """The items of one job in one state."""

    n: int = 0
    n_reasons: int = 0
    seconds: float | None = None  # mean


def _outcome(item: JobItem | None) -> dict[str, Any]:
    if item is None:
        return {"state": ItemState.WAITING.value, "result_id": None, "reason": None, "seconds": None}
    return {
        "state": item.state.value,
        "result_id": item.result_id,
        "reason": item.reason,
        "seconds": item.seconds,
    }


def _job(row: Row[Any], tallies: Mapping[tuple[str, str], _Tally]) -> Job:
    def tally(state: ItemState) -> _Tally:
        return tallies.get((row.id, state.value), _Tally())

    done = tally(ItemState.DONE)
    return Job(
        id=row.id,
        kind=row.kind,
        state=JobState(row.state),
        n_items=row.n_items,
        n_done=done.n,
        n_failed=tally(ItemState.FAILED).n,
        created=row.created,
        started=row.started,
        finished=row.finished,
        n_review=done.n_reasons,
        n_waiting=tally(ItemState.WAITING).n,
        seconds_each=None if done.seconds is None else float(done.seconds),
        round=row.round,
        reason=row.reason,
    )


def _item(row: Row[Any]) -> JobItem:
    return JobItem(row.position, row.request, ItemState(row.state), row.result_id, row.reason, row.seconds)


class Batches(_Repository):
    """What was asked of each batch and what its products look like; its items are a job's."""

    def put(self, id: str, body: Mapping[str, Any], now: datetime) -> None:
        """Keep a batch, replacing what was said of it before."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.batches).values(
                workspace=self._workspace, id=id, body=dict(body), created=now
            )
            connection.execute(
                statement.on_conflict_do_update(index_elements=["workspace", "id"], set_={"body": dict(body)})
            )

    def get(self, id: str) -> tuple[dict[str, Any], datetime]:
        """(what was asked, when). Raises NotFound."""
        row = self._one(t.batches, "batch", id)
        return dict(row.body), row.created

    def has(self, id: str) -> bool:
        c = t.batches.c
        return bool(self._read(select(c.id).where(c.workspace == self._workspace, c.id == id)))

    def page(self, after: str | None = None, limit: int = 50) -> Page[str]:
        """Their ids."""
        rows, following = self._page(t.batches, (t.batches.c.id,), (), after, limit)
        return Page(tuple(row.id for row in rows), following)


class Tests(_Repository):
    """Running tests: the experiment, its arms with what they show, its weight tables."""

    __test__ = False

    def add(self, test: RunningTest) -> bool:
        """Keep a new test with all its arms. False if a test with this id is here already."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.experiments).values(
                workspace=self._workspace,
                id=test.id,
                name=test.name,
                state=test.state.value,
                publishable_key=test.publishable_key,
                body=_test_body(test),
                created=test.created,
                started=test.started,
                stopped=test.stopped,
            )
            done = connection.execute(statement.on_conflict_do_nothing(index_elements=["workspace", "id"]))
            if done.rowcount == 0:
                return False
            showings = {showing.arm: showing for showing in test.showings}
            connection.execute(
                insert(connection, t.arms),
                [
                    _arm_row(self._workspace, test.id, position, arm, showings[arm.id])
                    for position, arm in enumerate(test.plan.arms)
                ],
            )
            return True

    def get(self, id: str) -> RunningTest:
        return self._assemble(self._one(t.experiments, "experiment", id))

    def page(self, after: str | None = None, limit: int = 50) -> Page[RunningTest]:
        rows, following = self._page(t.experiments, (t.experiments,), (), after, limit)
        return Page(tuple(self._assemble(row) for row in rows), following)

    def change(self, id: str, state: TestState, entry: AuditEntry, allowed: Sequence[TestState]) -> RunningTest:
        """Move a test to a state, if it is in one from which that is allowed.

        Raises:
            NotFound, Conflict
        """
        stamps: dict[str, Any] = {}
        if state is TestState.RUNNING:
            stamps["started"] = func.coalesce(t.experiments.c.started, bindparam("began", entry.at, t.Moment))
        if state is TestState.STOPPED:
            stamps["stopped"] = entry.at
        here = (t.experiments.c.workspace == self._workspace, t.experiments.c.id == id)
        with self._database.engine.begin() as connection:
            row = connection.execute(select(t.experiments.c.state).where(*here)).one_or_none()
            if row is None:
                raise NotFound("experiment", id)
            if row.state != state.value:
                if TestState(row.state) not in allowed:
                    raise Conflict(f"experiment {id!r} is {row.state}; it cannot become {state.value}")
                connection.execute(update(t.experiments).where(*here).values(state=state.value, **stamps))
                _note(connection, self._workspace, entry)
        return self.get(id)

    def set_arm_states(self, id: str, states: Mapping[str, str]) -> None:
        with self._database.engine.begin() as connection:
            for arm, state in states.items():
                connection.execute(
                    update(t.arms)
                    .where(t.arms.c.workspace == self._workspace, t.arms.c.experiment_id == id, t.arms.c.id == arm)
                    .values(state=state)
                )

    def rearrange(
        self,
        id: str,
        entry: AuditEntry,
        *,
        states: Mapping[str, str] | None = None,
        held: Sequence[str] | None = None,
        added: Sequence[tuple[Arm, Showing]] = (),
        factors: Sequence[Factor] | None = None,
    ) -> None:
        """Change who plays: states of arms, those held back, new arms with what they show. All of it or nothing.

        Raises:
            NotFound
        """
        here = (t.experiments.c.workspace == self._workspace, t.experiments.c.id == id)
        mine = (t.arms.c.workspace == self._workspace, t.arms.c.experiment_id == id)
        with self._database.engine.begin() as connection:
            row = connection.execute(select(t.experiments.c.body).where(*here)).one_or_none()
            if row is None:
                raise NotFound("experiment", id)
            body = dict(row.body)
            if held is not None:
                body["held"] = list(held)
            if factors is not None:
                body["plan"] = {**body["plan"], "factors": [to_json(Factor, factor) for factor in factors]}
            vouchers = {one for _, showing in added for ids in showing.vouchers.values() for one in ids}
            body["creatives"] = sorted({*body["creatives"], *vouchers})
            connection.execute(update(t.experiments).where(*here).values(body=body))
            for arm_id, state in (states or {}).items():
                connection.execute(update(t.arms).where(*mine, t.arms.c.id == arm_id).values(state=state))
            if added:
                last = connection.execute(select(func.max(t.arms.c.position)).where(*mine)).scalar_one()
                rows = [_arm_row(self._workspace, id, last + 1 + i, *pair) for i, pair in enumerate(added)]
                connection.execute(insert(connection, t.arms), rows)
            _note(connection, self._workspace, entry)

    def showing_creative(self, creative_id: str) -> tuple[str, ...]:
        """Ids of tests, not stopped, in which a creative vouches for a part of some arm."""
        rows = self._read(
            select(t.experiments.c.id, t.experiments.c.body)
            .where(t.experiments.c.workspace == self._workspace, t.experiments.c.state != TestState.STOPPED.value)
            .order_by(t.experiments.c.id)
        )
        return tuple(row.id for row in rows if creative_id in row.body["creatives"])

    def add_table(self, id: str, table: WeightTable, now: datetime) -> bool:
        """Keep a version of the weights. False if another process wrote this version first."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.weight_tables).values(
                workspace=self._workspace, experiment_id=id, version=table.version, body=table.to_dict(), created=now
            )
            done = connection.execute(
                statement.on_conflict_do_nothing(index_elements=["workspace", "experiment_id", "version"])
            )
            return done.rowcount == 1

    def newest_version(self, id: str) -> int:
        """0 when there is none."""
        query = select(func.max(t.weight_tables.c.version)).where(
            t.weight_tables.c.workspace == self._workspace, t.weight_tables.c.experiment_id == id
        )
        return int(self._read(query)[0][0] or 0)

    def tables(self, id: str, after: int = 0) -> dict[int, WeightTable]:
        """Every version above ``after``, by its number."""
        rows = self._read(
            select(t.weight_tables.c.version, t.weight_tables.c.body)
            .where(
                t.weight_tables.c.workspace == self._workspace,
                t.weight_tables.c.experiment_id == id,
                t.weight_tables.c.version > after,
            )
            .order_by(t.weight_tables.c.version)
        )
        return {row.version: table_from_dict(row.body) for row in rows}

    def _assemble(self, row: Row[Any]) -> RunningTest:
        arms = self._read(
            select(t.arms)
            .where(t.arms.c.workspace == self._workspace, t.arms.c.experiment_id == row.id)
            .order_by(t.arms.c.position)
        )
        return _running_test(row, arms)


def _arm_row(workspace: str, test: str, position: int, arm: Arm, showing: Showing) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "experiment_id": test,
        "id": arm.id,
        "position": position,
        "creative_id": showing.creative_id,
        "state": arm.state,
        "levels": None if arm.levels is None else dict(arm.levels),
        "showing": to_json(Showing, showing),
    }


def _test_body(test: RunningTest) -> dict[str, Any]:
    plan = to_json(Experiment, test.plan)
    del plan["arms"]
    vouchers = {id for showing in test.showings for ids in showing.vouchers.values() for id in ids}
    return {
        "plan": plan,
        "window_s": test.window_s,
        "refresh_exposures": test.refresh_exposures,
        "creatives": sorted(vouchers | {showing.creative_id for showing in test.showings}),
        "held": list(test.held),
    }


def _running_test(row: Row[Any], arms: Sequence[Row[Any]]) -> RunningTest:
    rebuilt = [to_json(Arm, Arm(arm.id, arm.levels, arm.state)) for arm in arms]
    return RunningTest(
        id=row.id,
        name=row.name,
        state=TestState(row.state),
        plan=from_json(Experiment, {**row.body["plan"], "arms": rebuilt}),
        showings=tuple(from_json(Showing, arm.showing) for arm in arms),
        publishable_key=row.publishable_key,
        created=row.created,
        window_s=row.body["window_s"],
        refresh_exposures=row.body["refresh_exposures"],
        started=row.started,
        stopped=row.stopped,
        held=tuple(row.body.get("held", ())),
    )


class Keys:
    """Workspaces and keys, over all workspaces: this is what decides which one a request belongs to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_workspace(self, id: str, name: str, now: datetime) -> None:
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.workspaces).values(id=id, name=name, created=now)
            connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))

    def workspaces(self) -> tuple[str, ...]:
        """Ids of all that have a job."""
        with self._database.reader.connect() as connection:
            rows = connection.execute(select(t.jobs.c.workspace).distinct()).all()
        return tuple(row.workspace for row in rows)

    def add(self, key: ApiKey, sha256: str) -> bool:
        """Keep a key by the digest of its secret. False if this id is here already."""
        with self._database.engine.begin() as connection:
            statement = insert(connection, t.api_keys).values(
                id=key.id,
                workspace=key.workspace,
                name=key.name,
                scopes=[scope.value for scope in key.scopes],
                sha256=sha256,
                created=key.created,
                revoked=key.revoked,
                expires=key.expires,
                rate=key.rate,
                quotas=dict(key.quotas),
            )
            done = connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
            return done.rowcount == 1

    def find(self, id: str) -> tuple[ApiKey, str] | None:
        """The key of this id with the digest of its secret."""
        with self._database.reader.connect() as connection:
            row = connection.execute(select(t.api_keys).where(t.api_keys.c.id == id)).one_or_none()
        return None if row is None else (_key(row), row.sha256)

    def of(self, workspace: str) -> tuple[ApiKey, ...]:
        with self._database.reader.connect() as connection:
            rows = connection.execute(
                select(t.api_keys).where(t.api_keys.c.workspace == workspace).order_by(t.api_keys.c.created)
            ).all()
        return tuple(_key(row) for row in rows)

    def any(self) -> bool:
        with self._database.reader.connect() as connection:
            return connection.execute(select(t.api_keys.c.id).limit(1)).first() is not None

    def get(self, workspace: str, id: str) -> ApiKey:
        """Raises NotFound."""
        found = self.find(id)
        if found is None or found[0].workspace != workspace:
            raise NotFound("key", id)
        return found[0]

    def expire(self, workspace: str, id: str, at: datetime) -> None:
        """It stops working then, or earlier if that was said before. Raises NotFound."""
        c = t.api_keys.c
        with self._database.engine.begin() as connection:
            here = (c.workspace == workspace, c.id == id)
            if connection.execute(select(c.id).where(*here)).first() is None:
                raise NotFound("key", id)
            sooner = or_(c.expires.is_(None), c.expires > at)
            connection.execute(update(t.api_keys).where(*here, sooner).values(expires=at))

    def all_workspaces(self) -> tuple[tuple[str, str, datetime], ...]:
        """(id, name, since when) of every workspace."""
        with self._database.reader.connect() as connection:
            rows = connection.execute(select(t.workspaces).order_by(t.workspaces.c.created, t.workspaces.c.id)).all()
        return tuple((row.id, row.name, row.created) for row in rows)

    def revoke(self, workspace: str, id: str, now: datetime) -> None:
        with self._database.engine.begin() as connection:
            done = connection.execute(
                update(t.api_keys)
                .where(t.api_keys.c.workspace == workspace, t.api_keys.c.id == id)
                .values(revoked=func.coalesce(t.api_keys.c.revoked, bindparam("now", now, t.Moment)))
            )
            if done.rowcount == 0:
                raise NotFound("key", id)

    def only_one_named(self, workspace: str, name: str, id: str, now: datetime) -> None:
        """Revoke every key of this name but one, which is good again if it was revoked."""
        c = t.api_keys.c
        with self._database.engine.begin() as connection:
            here = (c.workspace == workspace, c.name == name)
            connection.execute(update(t.api_keys).where(*here, c.id != id, c.revoked.is_(None)).values(revoked=now))
            connection.execute(update(t.api_keys).where(*here, c.id == id).values(revoked=None))

    def test_of_publishable(self, publishable_key: str) -> tuple[str, str] | None:
        """(workspace, experiment id) of a publishable key."""
        with self._database.reader.connect() as connection:
            row = connection.execute(
                select(t.experiments.c.workspace, t.experiments.c.id).where(
                    t.experiments.c.publishable_key == publishable_key
                )
            ).one_or_none()
        return None if row is None else (row.workspace, row.id)

    def live_tests(self) -> tuple[tuple[str, str], ...]:
        """(workspace, id) of every test that runs."""
        with self._database.reader.connect() as connection:
            rows = connection.execute(
                select(t.experiments.c.workspace, t.experiments.c.id).where(
                    t.experiments.c.state == TestState.RUNNING.value
                )
            ).all()
        return tuple((row.workspace, row.id) for row in rows)

    def unfinished_jobs(self) -> tuple[tuple[str, str, int, int], ...]:
        """(workspace, id, items, round) of every job that is to be worked on."""
        with self._database.reader.connect() as connection:
            rows = connection.execute(
                select(t.jobs.c.workspace, t.jobs.c.id, t.jobs.c.n_items, t.jobs.c.round).where(
                    t.jobs.c.state.in_([JobState.QUEUED.value, JobState.RUNNING.value])
                )
            ).all()
        return tuple((row.workspace, row.id, row.n_items, row.round) for row in rows)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        workspace=row.workspace,
        name=row.name,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        created=row.created,
        revoked=row.revoked,
        expires=row.expires,
        rate=row.rate,
        quotas=row.quotas or {},
    )


def _note(connection: Connection, workspace: str, entry: AuditEntry) -> None:
    connection.execute(
        insert(connection, t.audit).values(
            workspace=workspace,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            kind=entry.kind,
            thing_id=entry.thing_id,
            detail=dict(entry.detail),
        )
    )


class Store:
    """All repositories of one workspace."""

    def __init__(self, database: Database, workspace: str) -> None:
        self.database, self.workspace = database, workspace
        self.products = Products(database, workspace)
        self.brands = Brands(database, workspace)
        self.copies = Copies(database, workspace)
        self.creatives = Creatives(database, workspace)
        self.prints = Prints(database, workspace)
        self.jobs = Jobs(database, workspace)
        self.batches = Batches(database, workspace)
        self.tests = Tests(database, workspace)

    def note(self, entry: AuditEntry) -> None:
        """Add to the audit log what no repository's own write notes."""
        with self.database.engine.begin() as connection:
            _note(connection, self.workspace, entry)

    def audit(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        """The newest entries first."""
        query = select(t.audit).where(t.audit.c.workspace == self.workspace).order_by(t.audit.c.seq.desc()).limit(limit)
        with self.database.reader.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(AuditEntry(r.at, r.actor, r.action, r.kind, r.thing_id, r.detail) for r in rows)
