"""Drafts: copy that a merchant asked for on the page, line by line, with who approved or edited what.

A draft keeps the product as it was when it was asked for: what counts as evidence must not change under its lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, or_, select, update

from service.domain import CopyLine, Product
from service.errors import Conflict, NotFound
from service.records import AuditEntry

from . import tables as t
from .database import Database, insert
from .store import Page, _note, from_json, to_json

MOST_PAST = 50  # steps back that a line remembers


class DraftState(StrEnum):
    WAITING = "waiting"  # for its turn
    WRITING = "writing"
    DONE = "done"
    STOPPED = "stopped"  # by a person; what was written stays
    FAILED = "failed"  # no channel could be written

    @property
    def is_final(self) -> bool:
        return self in (DraftState.DONE, DraftState.STOPPED, DraftState.FAILED)


@dataclass(frozen=True, slots=True)
class Draft:
    """One wish: a product, channels, and how it is to sound."""

    id: str
    product: Product
    channels: tuple[str, ...]
    asked: Mapping[str, Any]  # variants, seed, brand (a kept brand's id or None), brief (a brief file's keys)
    state: DraftState
    created: datetime
    beat: datetime  # when its writer was last heard of
    by: str = ""  # key id of who asked
    by_name: str = ""
    doing: str = ""  # what is being written
    share: float = 0.0  # how much is done, 0 to 1
    began: datetime | None = None
    owner: str = ""  # the process that writes it
    is_unwanted: bool = False  # somebody asked to stop
    copies: Mapping[str, str] = field(default_factory=dict)  # channel -> id of the finished copy
    problems: Mapping[str, str] = field(default_factory=dict)  # channel -> why it could not be written


@dataclass(frozen=True, slots=True)
class Past:
    """How a line was before a change."""

    text: str
    origin: str
    approved_by: str | None
    approved_name: str | None
    mark: str  # changes made together share it
    doing: str  # "approve", "edit" ...: what followed


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A text of a draft as it stands now."""

    number: int
    channel: str
    line: CopyLine  # ``origin`` is "merchant" once somebody has rewritten it
    version: int = 1
    approved_by: str | None = None  # key id
    approved_name: str | None = None
    approved_at: datetime | None = None
    past: tuple[Past, ...] = ()

    @property
    def is_approved(self) -> bool:
        return self.approved_by is not None


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a draft is."""

    lines: int
    approved: int


class Drafts:
    """The drafts of one workspace."""

    def __init__(self, database: Database, workspace: str) -> None:
        self._database, self._workspace = database, workspace

    def add(self, draft: Draft) -> None:
        body = {
            "product": to_json(Product, draft.product),
            "channels": list(draft.channels),
            "asked": dict(draft.asked),
            "by": draft.by,
            "by_name": draft.by_name,
        }
        with self._database.engine.begin() as connection:
            connection.execute(
                insert(connection, t.drafts).values(
                    workspace=self._workspace,
                    id=draft.id,
                    product_id=draft.product.id,
                    state=draft.state.value,
                    body=body,
                    doing="",
                    share=0.0,
                    began=None,
                    beat=draft.beat,
                    owner="",
                    is_unwanted=False,
                    copies={},
                    problems={},
                    created=draft.created,
                )
            )

    def get(self, id: str) -> Draft:
        """Raises NotFound."""
        c = t.drafts.c
        with self._database.reader.connect() as connection:
            row = connection.execute(select(t.drafts).where(c.workspace == self._workspace, c.id == id)).one_or_none()
        if row is None:
            raise NotFound("draft", id)
        return _draft(row)

    def is_unwanted(self, id: str) -> bool:
        """Whether somebody asked to stop, or the draft is gone."""
        c = t.drafts.c
        with self._database.reader.connect() as connection:
            row = connection.execute(
                select(c.is_unwanted).where(c.workspace == self._workspace, c.id == id)
            ).one_or_none()
        return row is None or bool(row.is_unwanted)

    def change(self, id: str, **values: Any) -> None:
        """Set columns of a draft: state, doing, share, began, beat, owner, is_unwanted."""
        c = t.drafts.c
        if "state" in values:
            values["state"] = DraftState(values["state"]).value
        with self._database.engine.begin() as connection:
            connection.execute(update(t.drafts).where(c.workspace == self._workspace, c.id == id).values(**values))

    def finish_channel(self, id: str, channel: str, *, copy: str | None = None, problem: str | None = None) -> None:
        """Write down how a channel ended."""
        c = t.drafts.c
        where = (c.workspace == self._workspace, c.id == id)
        with self._database.engine.begin() as connection:
            row = connection.execute(select(c.copies, c.problems).where(*where)).one_or_none()
            if row is None:
                return
            copies, problems = dict(row.copies), dict(row.problems)
            problems.pop(channel, None)
            if copy is not None:
                copies[channel] = copy
            if problem is not None:
                problems[channel] = problem
            connection.execute(update(t.drafts).where(*where).values(copies=copies, problems=problems))

    def newest(self, after: str | None, limit: int) -> Page[tuple[Draft, Tally]]:
        """Drafts with their tallies, the newest first. Raises NotFound when ``after`` is none of them."""
        c = t.drafts.c
        query = select(t.drafts).where(c.workspace == self._workspace).order_by(c.created.desc(), c.id.desc())
        with self._database.reader.connect() as connection:
            if after is not None:
                last = connection.execute(
                    select(c.created).where(c.workspace == self._workspace, c.id == after)
                ).one_or_none()
                if last is None:
                    raise NotFound("draft", after)
                query = query.where(or_(c.created < last.created, and_(c.created == last.created, c.id < after)))
            drafts = [_draft(row) for row in connection.execute(query.limit(limit + 1))]
            kept = drafts[:limit]
            tallies = self._tallies(connection, [draft.id for draft in kept])
        following = kept[-1].id if len(drafts) > limit else None
        return Page(tuple((draft, tallies.get(draft.id, Tally(0, 0))) for draft in kept), following)

    def _tallies(self, connection: Connection, ids: list[str]) -> dict[str, Tally]:
        c = t.draft_lines.c
        query = (
            select(c.draft_id, func.count().label("n"), func.count(c.approved_by).label("approved"))
            .where(c.workspace == self._workspace, c.draft_id.in_(ids))
            .group_by(c.draft_id)
        )
        return {row.draft_id: Tally(row.n, row.approved) for row in connection.execute(query)}

    def delete(self, id: str, entry: AuditEntry) -> None:
        """Forget a draft and its lines. Copy that was finished stays. Raises NotFound."""
        with self._database.engine.begin() as connection:
            lines, drafts = t.draft_lines.c, t.drafts.c
            connection.execute(delete(t.draft_lines).where(lines.workspace == self._workspace, lines.draft_id == id))
            done = connection.execute(delete(t.drafts).where(drafts.workspace == self._workspace, drafts.id == id))
            if done.rowcount == 0:
                raise NotFound("draft", id)
            _note(connection, self._workspace, entry)

    # --- lines -----------------------------------------------------------------------------------------------------

    def lines(self, id: str, after: int = 0) -> tuple[DraftLine, ...]:
        """In the order they were written, those with a number above ``after``."""
        c = t.draft_lines.c
        query = (
            select(t.draft_lines)
            .where(c.workspace == self._workspace, c.draft_id == id, c.number > after)
            .order_by(c.number)
        )
        with self._database.reader.connect() as connection:
            return tuple(_line(row) for row in connection.execute(query))

    def line(self, id: str, number: int) -> DraftLine:
        """Raises NotFound."""
        c = t.draft_lines.c
        query = select(t.draft_lines).where(c.workspace == self._workspace, c.draft_id == id, c.number == number)
        with self._database.reader.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound("line", f"{id}/{number}")
        return _line(row)

    def add_line(self, id: str, channel: str, line: CopyLine) -> int | None:
        """Keep a new line; its number, or None when the draft holds this text in this field already, or is gone."""
        c = t.draft_lines.c
        here = (c.workspace == self._workspace, c.draft_id == id)
        with self._database.engine.begin() as connection:
            drafts = t.drafts.c
            if not connection.execute(
                select(drafts.id).where(drafts.workspace == self._workspace, drafts.id == id)
            ).first():
                return None
            rows = connection.execute(select(c.number, c.body).where(*here, c.channel == channel)).all()
            if any(row.body["field"] == line.field and row.body["text"] == line.text for row in rows):
                return None
            last = connection.execute(select(func.max(c.number)).where(*here)).scalar_one() or 0
            connection.execute(
                insert(connection, t.draft_lines).values(
                    workspace=self._workspace,
                    draft_id=id,
                    number=last + 1,
                    channel=channel,
                    body=to_json(CopyLine, line),
                    version=1,
                    approved_by=None,
                    approved_name=None,
                    approved_at=None,
                    past=[],
                )
            )
            return int(last + 1)

    def put_line(self, id: str, before: DraftLine, after: DraftLine, entry: AuditEntry) -> DraftLine:
        """Replace a line by its next version, and write down who did it, in one transaction.

        Raises:
            Conflict: somebody else changed it since ``before`` was read.
        """
        c = t.draft_lines.c
        kept = replace(after, version=before.version + 1, past=after.past[-MOST_PAST:])
        with self._database.engine.begin() as connection:
            done = connection.execute(
                update(t.draft_lines)
                .where(
                    c.workspace == self._workspace,
                    c.draft_id == id,
                    c.number == before.number,
                    c.version == before.version,
                )
                .values(
                    body=to_json(CopyLine, kept.line),
                    version=kept.version,
                    approved_by=kept.approved_by,
                    approved_name=kept.approved_name,
                    approved_at=kept.approved_at,
                    past=[to_json(Past, past) for past in kept.past],
                )
            )
            if done.rowcount == 0:
                raise Conflict("this line was changed meanwhile; here is how it stands now")
            _note(connection, self._workspace, entry)
        return kept


def find_products(database: Database, workspace: str, words: str, limit: int) -> tuple[Product, ...]:
    """Products whose title or id holds all these words, the last changed first."""
    c = t.products.c
    query = select(c.body).where(c.workspace == workspace)
    for word in words.split()[:8]:
        pattern = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        query = query.where(or_(c.title.ilike(pattern, escape="!"), c.id.ilike(pattern, escape="!")))
    with database.reader.connect() as connection:
        rows = connection.execute(query.order_by(c.updated.desc(), c.id).limit(limit)).all()
    return tuple(from_json(Product, row.body) for row in rows)


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        product=from_json(Product, row.body["product"]),
        channels=tuple(row.body["channels"]),
        asked=row.body["asked"],
        state=DraftState(row.state),
        created=row.created,
        beat=row.beat,
        by=row.body["by"],
        by_name=row.body["by_name"],
        doing=row.doing,
        share=row.share,
        began=row.began,
        owner=row.owner,
        is_unwanted=bool(row.is_unwanted),
        copies=row.copies,
        problems=row.problems,
    )


def _line(row: Row[Any]) -> DraftLine:
    return DraftLine(
        number=row.number,
        channel=row.channel,
        line=from_json(CopyLine, row.body),
        version=row.version,
        approved_by=row.approved_by,
        approved_name=row.approved_name,
        approved_at=row.approved_at,
        past=tuple(from_json(Past, past) for past in row.past),
    )
