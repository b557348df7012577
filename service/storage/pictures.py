"""Pictures as designers look for them: newest first, by state, product, size or batch; many decided at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, not_, or_, select, update

from service.domain import Approval, Creative, Product
from service.errors import NotFound
from service.records import AuditEntry, ItemState, Job, JobItem

from . import tables as t
from .database import Database
from .store import Page, Store, _note, from_json

STATES = ("waiting", "approved", "rejected", "review")  # "review": it waits, and something about it wants a look


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures; None and "" mean all."""

    state: str = ""
    product: str = ""
    format: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A product on the designers' shelf."""

    product: Product
    n_pictures: int
    n_waiting: int


class Pictures:
    """The pictures of one workspace."""

    def __init__(self, database: Database, workspace: str) -> None:
        self._database, self._workspace = database, workspace

    # --- pictures --------------------------------------------------------------------------------------------------

    def page(self, wanted: Wanted, after: str | None, limit: int) -> Page[Creative]:
        """The newest first; those of a batch in its order. Raises NotFound when ``after`` is none of them."""
        c, query = t.creatives.c, self._select(wanted, t.creatives)
        with self._database.reader.connect() as connection:
            if wanted.job:
                place = t.job_items.c.position
                query = query.order_by(place)
                if after is not None:
                    query = query.where(place > int(after)) if after.isdigit() else query
                query = query.add_columns(place)
            else:
                query = query.order_by(c.created.desc(), c.id.desc())
                if after is not None:
                    last = connection.execute(
                        select(c.created).where(c.workspace == self._workspace, c.id == after)
                    ).one_or_none()
                    if last is None:
                        raise NotFound("picture", after)
                    query = query.where(or_(c.created < last.created, and_(c.created == last.created, c.id < after)))
            rows = connection.execute(query.limit(limit + 1)).all()
        following = None
        if len(rows) > limit:
            last_row = rows[limit - 1]
            following = str(last_row.position) if wanted.job else str(last_row.id)
        return Page(tuple(_creative(row) for row in rows[:limit]), following)

    def ids(self, wanted: Wanted, most: int) -> list[tuple[str, Approval]]:
        """(id, approval) of all of them, in no promised order."""
        query = self._select(wanted, t.creatives.c.id, t.creatives.c.approval).limit(most)
        with self._database.reader.connect() as connection:
            rows = connection.execute(query).all()
        return list({row.id: (row.id, Approval(row.approval)) for row in rows}.values())

    def counts(self, wanted: Wanted) -> dict[str, int]:
        """How many there are in each state, and under "" in all."""
        c = t.creatives.c
        base = dataclasses.replace(wanted, state="")
        look = func.sum(_case(and_(c.approval == Approval.PENDING.value, self._wants_a_look())))
        query = self._select(base, c.approval, func.count(c.id.distinct()).label("n"), look.label("look"))
        with self._database.reader.connect() as connection:
            rows = {row.approval: row for row in connection.execute(query.group_by(c.approval))}
        found = dict.fromkeys(STATES, 0)
        for approval, name in ((Approval.PENDING, "waiting"), (Approval.APPROVED, "approved")):
            found[name] = rows[approval.value].n if approval.value in rows else 0
        found["rejected"] = rows[Approval.REJECTED.value].n if Approval.REJECTED.value in rows else 0
        pending = rows.get(Approval.PENDING.value)
        found["review"] = int(pending.look or 0) if pending else 0
        found[""] = found["waiting"] + found["approved"] + found["rejected"]
        return found

    def totals(self) -> tuple[int, int]:
        """(pictures, those that wait for a decision)."""
        c = t.creatives.c
        waiting = func.sum(_case(c.approval == Approval.PENDING.value))
        query = select(func.count(), waiting).where(c.workspace == self._workspace)
        with self._database.reader.connect() as connection:
            n, n_waiting = connection.execute(query).one()
        return int(n), int(n_waiting or 0)

    def decide(self, approval: Approval, entries: Sequence[AuditEntry]) -> None:
        """Set the approval of the pictures that these entries name, all or none, and keep the entries."""
        c = t.creatives.c
        ids = [entry.thing_id for entry in entries]
        with self._database.engine.begin() as connection:
            for start in range(0, len(ids), 500):
                here = (c.workspace == self._workspace, c.id.in_(ids[start : start + 500]))
                connection.execute(update(t.creatives).where(*here).values(approval=approval.value))
            for entry in entries:
                _note(connection, self._workspace, entry)

    def formats(self) -> tuple[str, ...]:
        """Sizes that there are pictures of."""
        c = t.creatives.c
        with self._database.reader.connect() as connection:
            rows = connection.execute(select(c.format).where(c.workspace == self._workspace).distinct()).all()
        return tuple(sorted(row.format for row in rows))

    def _select(self, wanted: Wanted, *columns: Any) -> Select[Any]:
        c, items = t.creatives.c, t.job_items.c
        query: Select[Any] = select(*columns).where(c.workspace == self._workspace)
        if wanted.job:
            joined = t.creatives.join(
                t.job_items, and_(items.workspace == c.workspace, items.result_id == c.id, items.job_id == wanted.job)
            )
            query = query.select_from(joined)
        if wanted.product:
            query = query.where(c.product_id == wanted.product)
        if wanted.format:
            query = query.where(c.format == wanted.format)
        if wanted.state == "waiting":
            query = query.where(c.approval == Approval.PENDING.value)
        elif wanted.state in ("approved", "rejected"):
            query = query.where(c.approval == wanted.state)
        elif wanted.state == "review":
            query = query.where(c.approval == Approval.PENDING.value, self._wants_a_look())
        return query

    @staticmethod
    def _wants_a_look() -> ColumnElement[bool]:
        """A warning or a block among the findings, or a receipt that is not zero.

        Quotation marks inside a JSON text are escaped, so no words of a merchant can look like this.
        """
        body = cast(t.creatives.c.body, Text)
        zero = or_(body.like('%"max_abs_diff": 0,%'), body.like('%"max_abs_diff":0,%'))
        marks = [body.like(f'%"severity":{gap}"{how}"%') for how in ("warn", "block") for gap in (" ", "")]
        return or_(not_(zero), *marks)

    # --- products --------------------------------------------------------------------------------------------------

    def shelf(self, words: str, after: str | None, limit: int) -> Page[ShelfRow]:
        """Products by title or id, the newest first, with how many pictures there are of each."""
        c = t.products.c
        query = select(c.id, c.body, c.created).where(c.workspace == self._workspace)
        for word in words.split()[:8]:
            pattern = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
            query = query.where(or_(c.title.ilike(pattern, escape="!"), c.id.ilike(pattern, escape="!")))
        with self._database.reader.connect() as connection:
            if after is not None:
                last = connection.execute(
                    select(c.created).where(c.workspace == self._workspace, c.id == after)
                ).one_or_none()
                if last is None:
                    raise NotFound("product", after)
                query = query.where(or_(c.created < last.created, and_(c.created == last.created, c.id < after)))
            rows = connection.execute(query.order_by(c.created.desc(), c.id.desc()).limit(limit + 1)).all()
        kept = [from_json(Product, row.body) for row in rows[:limit]]
        return Page(self.rows(kept), rows[limit - 1].id if len(rows) > limit else None)

    def rows(self, products: Sequence[Product]) -> tuple[ShelfRow, ...]:
        tallies = self._tallies([product.id for product in products])
        return tuple(ShelfRow(product, *tallies.get(product.id, (0, 0))) for product in products)

    def _tallies(self, ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        c = t.creatives.c
        query = (
            select(
                c.product_id,
                func.count().label("n"),
                func.sum(_case(c.approval == Approval.PENDING.value)).label("waiting"),
            )
            .where(c.workspace == self._workspace, c.product_id.in_(ids))
            .group_by(c.product_id)
        )
        with self._database.reader.connect() as connection:
            return {row.product_id: (row.n, int(row.waiting or 0)) for row in connection.execute(query)}

    def product_with_photo(self, photo_sha256: str) -> Product | None:
        """A product that has exactly this photograph already."""
        c = t.products.c
        query = select(c.body).where(c.workspace == self._workspace, cast(c.body, Text).like(f"%{photo_sha256}%"))
        with self._database.reader.connect() as connection:
            for row in connection.execute(query.limit(20)):
                product = from_json(Product, row.body)
                if any(photo.sha256 == photo_sha256 for photo in product.photos):
                    return product
        return None

    def approved_words(self, products: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        """Approved lines of copy by product and part: {"mug": {"headline": [...], "body": [...], ...}}."""
        lines, drafts = t.draft_lines.c, t.drafts.c
        query = (
            select(drafts.product_id, lines.body)
            .join(t.drafts, and_(drafts.workspace == lines.workspace, drafts.id == lines.draft_id))
            .where(lines.workspace == self._workspace, lines.approved_by.is_not(None))
            .where(drafts.product_id.in_(products))
            .order_by(drafts.created.desc(), lines.number)
        )
        found: dict[str, dict[str, list[str]]] = {}
        with self._database.reader.connect() as connection:
            for row in connection.execute(query):
                part = PARTS.get(row.body["field"])
                texts = found.setdefault(row.product_id, {}).setdefault(part, []) if part else []
                if part and len(row.body["text"]) <= LONGEST[part] and row.body["text"] not in texts:
                    texts.append(row.body["text"])
        return found

    # --- batches ---------------------------------------------------------------------------------------------------

    def jobs(self, after: str | None, limit: int) -> Page[Job]:
        """Jobs that make pictures, the newest first."""
        c = t.jobs.c
        query = select(c.id).where(c.workspace == self._workspace, c.kind.in_(PICTURE_JOBS))
        with self._database.reader.connect() as connection:
            if after is not None:
                last = connection.execute(
                    select(c.created).where(c.workspace == self._workspace, c.id == after)
                ).one_or_none()
                if last is None:
                    raise NotFound("batch", after)
                query = query.where(or_(c.created < last.created, and_(c.created == last.created, c.id < after)))
            ids = [r.id for r in connection.execute(query.order_by(c.created.desc(), c.id.desc()).limit(limit + 1))]
        jobs = Store(self._database, self._workspace).jobs
        return Page(tuple(jobs.get(id) for id in ids[:limit]), ids[limit - 1] if len(ids) > limit else None)

    def settled(self, job: str, positions: Sequence[int]) -> tuple[JobItem, ...]:
        """Those of a job's items at these positions that something has come of."""
        c = t.job_items.c
        query = select(t.job_items).where(
            c.workspace == self._workspace, c.job_id == job, c.position.in_(positions), c.state != "waiting"
        )
        with self._database.reader.connect() as connection:
            rows = connection.execute(query.order_by(c.position)).all()
        return tuple(
            JobItem(row.position, row.request, ItemState(row.state), row.result_id, row.reason, row.seconds)
            for row in rows
        )

    def requests(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """How these pictures were asked for, those of batches aside; the newest wish for each."""
        c, found = t.job_items.c, dict[str, dict[str, Any]]()
        for start in range(0, len(ids), 500):
            query = (
                select(c.result_id, c.request)
                .join(t.jobs, and_(t.jobs.c.workspace == c.workspace, t.jobs.c.id == c.job_id))
                .where(c.workspace == self._workspace, c.result_id.in_(ids[start : start + 500]))
                .where(t.jobs.c.kind == "images")
                .order_by(t.jobs.c.created)
            )
            with self._database.reader.connect() as connection:
                found |= {row.result_id: dict(row.request) for row in connection.execute(query)}
        return [found[id] for id in dict.fromkeys(ids) if id in found]

    def seconds_each(self, n: int = 200) -> float | None:
        """What one of the newest pictures took, on average."""
        c = t.job_items.c
        newest = (
            select(c.seconds)
            .join(t.jobs, and_(t.jobs.c.workspace == c.workspace, t.jobs.c.id == c.job_id))
            .where(c.workspace == self._workspace, c.seconds.is_not(None), c.result_id.is_not(None))
            .where(t.jobs.c.kind.in_(PICTURE_JOBS))
            .order_by(t.jobs.c.created.desc(), c.position.desc())
            .limit(n)
            .subquery()
        )
        with self._database.reader.connect() as connection:
            mean = connection.execute(select(func.avg(newest.c.seconds))).scalar_one_or_none()
        return None if mean is None else float(mean)


PICTURE_JOBS = ("images", "batch")
PARTS = {  # field of a channel -> part of a picture
    **dict.fromkeys(("headline", "title", "short_title", "long_headline", "subject", "intro"), "headline"),
    **dict.fromkeys(("description", "body", "primary_text", "caption", "preheader", "ad_text"), "body"),
    "call_to_action": "call_to_action",
}
LONGEST = {"headline": 90, "body": 160, "call_to_action": 30}  # characters that a picture has room for


def _case(condition: ColumnElement[bool]) -> ColumnElement[int]:
    from sqlalchemy import case

    return case((condition, 1), else_=0)


def _creative(row: Any) -> Creative:
    return dataclasses.replace(from_json(Creative, row.body), approval=Approval(row.approval))
