"""The merchant: ask for words, watch them arrive, see what proves each claim, mend, edit, approve, take along."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

import prompts
from service.arena import utc_now
from service.copy.judging import reasons
from service.domain import CopyLine, Fact, Finding, Product
from service.errors import Conflict, InvalidInput, NotFound
from service.feeds.writing import neutral
from service.records import AuditEntry, Scope
from service.storage.drafts import Draft, DraftLine, Drafts, DraftState, Past, Tally, find_products

from . import words
from .web import Member, PageRoute, member_with
from .words_form import FOUND, NAMES, Form, choices, field_name, read, wanted
from .words_lines import ORIGINS, REFUSED, SAYS, UNITS, Desk, View, brief_of, desk_for, label, market_name
from .words_scribe import Scribe

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Merchant = Annotated[Member, Depends(member_with(Scope.MERCHANT))]
Number = Annotated[int, Path(ge=1, le=1_000_000)]

PAGE = 12
LONGEST = 6_000  # characters that an edit may have
SHORTEST_ETA = 0.04  # share of the work after which the time that is left can be told
STATES = {
    DraftState.WAITING: ("Waiting", ""),
    DraftState.WRITING: ("Writing", "note"),
    DraftState.DONE: ("Ready", "good"),
    DraftState.STOPPED: ("Stopped", "wait"),
    DraftState.FAILED: ("Failed", "bad"),
}


def scribe(request: Request) -> Scribe:
    kept: Scribe | None = getattr(request.app.state, "page_scribe", None)
    if kept is None:
        kept = request.app.state.page_scribe = Scribe(request.app.state.services)
    return kept


def drafts_of(who: Member) -> Drafts:
    return Drafts(who.services.database, who.workspace)


# --- the list ------------------------------------------------------------------------------------------------------


@router.get("/words")
def list_page(who: Merchant, after: Annotated[str | None, Query(max_length=128)] = None) -> Response:
    page = drafts_of(who).newest(after, PAGE)
    now = utc_now()
    return who.page(
        "words/list.html.j2",
        cards=[(draft, tally, _state(who, draft, now), _about(draft)) for draft, tally in page.items],
        following=page.next,
        is_first=after is None,
    )


def _state(who: Member, draft: Draft, now: datetime) -> tuple[str, str]:
    return ("Interrupted", "wait") if scribe(who.request).is_lost(draft, now) else STATES[draft.state]


def _about(draft: Draft) -> str:
    """Channels, language, market in one line."""
    brief = brief_of(draft, draft.channels[0])
    language = NAMES.get(brief.language.split("-")[0], brief.language)
    return (
        f"{words.listed([prompts.channel(c).name for c in draft.channels])} · {language} · {market_name(brief.market)}"
    )


# --- a new one -----------------------------------------------------------------------------------------------------


@router.get("/words/new")
def new_words(
    who: Merchant,
    product: Annotated[str | None, Query(max_length=128)] = None,
    source: Annotated[str, Query(pattern="^(new|json|kept)$")] = "new",
) -> Response:
    form = Form(source="kept", product=product) if product else Form(source=source)
    if product:
        form = replace(form, find=who.store.products.get(product).title)
    return _new_page(who, form, {})


@router.get("/words/products")
def found_products(
    who: Merchant,
    find: Annotated[str, Query(max_length=200)] = "",
    product: Annotated[str, Query(max_length=128)] = "",
) -> Response:
    """Products that fit what is typed: for htmx."""
    found = find_products(who.services.database, who.workspace, find, FOUND)
    return who.part("words/found.html.j2", found=found, form=Form(product=product, find=find))


@router.post("/words/new")
def start_words(who: Merchant) -> Response:
    form = Form.of(who)
    wish = read(form, who)
    if wish.problems or wish.product is None:
        return _new_page(who, form, wish.problems)
    product = wish.product if form.source == "kept" else _keep(who, wish.product)
    now = utc_now()
    draft = Draft(
        id=f"words-{secrets.token_hex(8)}",
        product=product,
        channels=tuple(dict.fromkeys(form.channels)),
        asked=wish.asked,
        state=DraftState.WAITING,
        created=now,
        beat=now,
        by=who.key.id,
        by_name=who.key.name,
    )
    drafts_of(who).add(draft)
    who.store.note(
        AuditEntry(now, who.key.id, "ask", "words", draft.id, {"product": product.id, "channels": list(draft.channels)})
    )
    scribe(who.request).start(who.workspace, draft.id)
    return who.go(f"/words/{draft.id}")


def _keep(who: Member, product: Product) -> Product:
    """Put a pasted product with the others; photographs that its id has already stay."""
    try:
        photos = who.store.products.get(product.id).photos
    except NotFound:
        photos = ()
    kept = replace(product, photos=photos or product.photos)
    who.store.products.put(kept, utc_now())
    return kept


def _new_page(who: Member, form: Form, problems: Mapping[str, str]) -> Response:
    return who.page("words/new.html.j2", 422 if problems else 200, form=form, problem=problems, **choices(who, form))


# --- one draft -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A line with how it looks now."""

    line: DraftLine
    view: View
    language: str

    @property
    def status(self) -> str:
        return "approved" if self.line.is_approved else "ready" if self.view.can_be_approved else "refused"

    @property
    def label(self) -> str:
        return label(self.line)


@dataclass(frozen=True, slots=True)
class Group:
    """The texts of one field."""

    key: str  # for ids in the page
    name: str
    about: str  # "up to 30 cells"
    wanted: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """All fields of one channel."""

    channel: str
    name: str
    groups: tuple[Group, ...]
    problem: str
    notes: tuple[Finding, ...]
    refused: tuple[tuple[CopyLine, str], ...]  # drafts that were not kept, and why
    is_finished: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the writing is."""

    state: str
    tone: str
    is_running: bool
    words: str
    share: float
    left: str  # "about 20 seconds left"
    can_go_on: bool
    seen: int  # the last line that the page has


class Sheet:
    """One draft, opened for one look or one change."""

    def __init__(self, who: Member, id: str) -> None:
        self.who, self.drafts = who, drafts_of(who)
        self.draft = self.drafts.get(id)

    def desk(self, channel: str) -> Desk:
        if channel not in self.draft.channels:
            raise NotFound("channel of this draft", channel)
        return desk_for(brief_of(self.draft, channel))

    def row(self, line: DraftLine) -> Row:
        desk = self.desk(line.channel)
        return Row(line, desk.look(line.line.field, line.line.text), desk.brief.language)

    def rows(self, after: int = 0) -> list[Row]:
        return [self.row(line) for line in self.drafts.lines(self.draft.id, after)]

    def blocks(self, rows: Sequence[Row]) -> list[Block]:
        return [
            self._block(channel, [row for row in rows if row.line.channel == channel])
            for channel in self.draft.channels
        ]

    def _block(self, channel: str, rows: list[Row]) -> Block:
        brief = brief_of(self.draft, channel)
        n = wanted(channel, self.draft.asked, brief.language)
        fields = dict.fromkeys([*n, *(row.line.line.field for row in rows)])
        notes: tuple[Finding, ...] = ()
        refused: tuple[tuple[CopyLine, str], ...] = ()
        if channel in self.draft.copies:
            copy = self.who.store.copies.get(self.draft.copies[channel])
            notes, refused = copy.notes, tuple((line, reasons(line)) for line in copy.refused)
        return Block(
            channel=channel,
            name=prompts.channel(channel).name,
            groups=tuple(self._group(channel, field, n.get(field, 0), rows) for field in fields),
            problem=self.draft.problems.get(channel, ""),
            notes=notes,
            refused=refused,
            is_finished=channel in self.draft.copies or channel in self.draft.problems,
        )

    def _group(self, channel: str, field: str, n: int, rows: list[Row]) -> Group:
        spec = prompts.channel(channel).text.get(field)
        about = "for every layout’s button"
        if spec is not None:
            least = f"at least {spec.min}, " if spec.min else ""
            about = f"{least}at most {spec.write_to} {_unit(spec.count.value)}"
        name = field_name(field, 2 if n > 1 else 1)
        here = tuple(row for row in rows if row.line.line.field == field)
        return Group(f"{channel}-{field}", name[:1].upper() + name[1:], about, n, here)

    def progress(self, seen: int) -> Progress:
        draft, now = self.draft, utc_now()
        is_lost = scribe(self.who.request).is_lost(draft, now)
        state, tone = ("Interrupted", "wait") if is_lost else STATES[draft.state]
        is_running = not draft.state.is_final and not is_lost
        left = ""
        if draft.state is DraftState.WRITING and draft.began and draft.share >= SHORTEST_ETA:
            spent = (now - draft.began).total_seconds()
            left = f"about {words.duration(max(1.0, spent * (1 - draft.share) / draft.share))} left"
        text = {
            DraftState.WAITING: self._waiting(),
            DraftState.WRITING: "Stopping …" if draft.is_unwanted else _doing(draft.doing),
            DraftState.DONE: "Everything is written.",
            DraftState.STOPPED: "Stopped. What was written stays.",
            DraftState.FAILED: "Nothing could be written; see why below.",
        }[draft.state]
        if is_lost:
            text = "The server was restarted while this was being written. What was written is here."
        unfinished = any(channel not in draft.copies for channel in draft.channels)
        return Progress(state, tone, is_running, text, draft.share, left, not is_running and unfinished, seen)

    def _waiting(self) -> str:
        n = scribe(self.who.request).ahead_of(self.who.workspace, self.draft.id)
        return f"Waiting for {words.count(n, 'other draft')} to be written." if n else "Starting …"

    def counts(self, rows: Sequence[Row]) -> dict[str, int]:
        return {
            "all": len(rows),
            "approved": sum(row.line.is_approved for row in rows),
            "ready": sum(row.view.is_spotless and not row.line.is_approved for row in rows),
            "open": sum(not row.view.can_be_approved for row in rows),
        }

    # --- changes ---------------------------------------------------------------------------------------------------

    def change(self, before: DraftLine, /, action: str, mark: str = "", **values: Any) -> DraftLine:
        """The line's next version, with the audit entry that says who made it."""
        now, key = utc_now(), self.who.key
        past = Past(
            before.line.text,
            before.line.origin,
            before.approved_by,
            before.approved_name,
            mark or secrets.token_hex(6),
            action,
        )
        after = replace(before, past=(*before.past, past), **values)
        return self._put(before, after, action, now, key.id)

    def approve(self, line: DraftLine, mark: str = "") -> DraftLine:
        now, key = utc_now(), self.who.key
        return self.change(line, "approve", mark, approved_by=key.id, approved_name=key.name, approved_at=now)

    def undo(self, line: DraftLine) -> DraftLine:
        """As it was before the last change; an approval that comes back is the one of then."""
        if not line.past:
            raise Conflict("there is nothing to undo on this line")
        last = line.past[-1]
        origin: Any = last.origin
        judged = self.desk(line.channel).judge.line(line.line.field, last.text, origin=origin)
        after = replace(
            line,
            line=judged,
            approved_by=last.approved_by,
            approved_name=last.approved_name,
            approved_at=utc_now() if last.approved_by else None,
            past=line.past[:-1],
        )
        return self._put(line, after, "undo", utc_now(), self.who.key.id)

    def _put(self, before: DraftLine, after: DraftLine, action: str, now: datetime, actor: str) -> DraftLine:
        detail = {"field": after.line.field, "text": after.line.text, "by": self.who.key.name}
        if after.line.text != before.line.text:
            detail["before"] = before.line.text
        entry = AuditEntry(now, actor, action, "line", f"{self.draft.id}/{before.number}", detail)
        return self.drafts.put_line(self.draft.id, before, after, entry)


def _unit(count: str) -> str:
    return UNITS.get(count, count)


def _doing(text: str) -> str:
    """ "google_rsa: headline" as "Writing headlines for Google responsive search ad"."""
    channel, _, field = text.partition(": ")
    if not field:
        return "Writing …"
    name = prompts.channel(channel).name if channel in prompts.channels.channels() else channel
    return f"Finishing {name}" if field == "done" else f"Writing {field_name(field, 2)} for {name}"


@router.get("/words/{id}")
def one_page(id: str, who: Merchant) -> Response:
    sheet = Sheet(who, id)
    rows = sheet.rows()
    brief = brief_of(sheet.draft, sheet.draft.channels[0])
    return who.page(
        "words/show.html.j2",
        **_context(sheet, rows),
        blocks=sheet.blocks(rows),
        facts=_facts(sheet.draft.product),
        brief=brief,
        about=_about(sheet.draft),
    )


def _context(sheet: Sheet, rows: Sequence[Row], seen: int | None = None) -> dict[str, Any]:
    last = max((row.line.number for row in rows), default=0) if seen is None else seen
    return {
        "draft": sheet.draft,
        "base": f"/words/{sheet.draft.id}",
        "progress": sheet.progress(last),
        "counts": sheet.counts(rows),
        "origins": ORIGINS,
        "says": SAYS,
        "refusing": REFUSED,
    }


def _facts(product: Product) -> list[Fact]:
    """What may be claimed, as the ledger names it."""
    found = [Fact("title", product.title)]
    if product.brand:
        found.append(Fact("brand", product.brand))
    if product.price:
        found.append(Fact("price", f"{product.price.amount} {product.price.currency}"))
    found += [Fact(fact.key, f"{fact.value} {fact.unit}" if fact.unit else fact.value) for fact in product.facts]
    return found


@router.get("/words/{id}/news")
def news(id: str, who: Merchant, after: Annotated[int, Query(ge=0)] = 0) -> Response:
    """What was written since; the page asks again until it is told that all is there."""
    sheet = Sheet(who, id)
    rows = sheet.rows()
    new = [row for row in rows if row.line.number > after]
    context = _context(sheet, rows)
    blocks = sheet.blocks(rows)
    return who.part("words/news.html.j2", **context, blocks=blocks, new={row.line.number for row in new})


@router.post("/words/{id}/stop")
def stop(id: str, who: Merchant) -> Response:
    scribe(who.request).stop(who.workspace, id)
    who.store.note(AuditEntry(utc_now(), who.key.id, "stop", "words", id))
    return who.go(f"/words/{id}")


@router.post("/words/{id}/go-on")
def go_on(id: str, who: Merchant) -> Response:
    """Write what is missing."""
    draft = drafts_of(who).get(id)
    if not draft.state.is_final and not scribe(who.request).is_lost(draft, utc_now()):
        return who.go(f"/words/{id}", "It is being written already.", "note")
    scribe(who.request).start(who.workspace, id)
    return who.go(f"/words/{id}")


@router.post("/words/{id}/forget")
def forget(id: str, who: Merchant) -> Response:
    sheet = Sheet(who, id)
    scribe(who.request).stop(who.workspace, id)
    entry = AuditEntry(utc_now(), who.key.id, "forget", "words", id, {"product": sheet.draft.product.id})
    sheet.drafts.delete(id, entry)
    return who.go("/words", f"The words for {words.shorten(sheet.draft.product.title, 60)} are gone.")


# --- one line ------------------------------------------------------------------------------------------------------


@router.post("/words/{id}/lines/{number}/check")
def check_line(id: str, number: Number, who: Merchant) -> Response:
    """How a text that is being typed stands: nothing is kept."""
    sheet = Sheet(who, id)
    line = sheet.drafts.line(id, number)
    view = sheet.desk(line.channel).look(line.line.field, _typed(who))
    row = Row(line, view, sheet.desk(line.channel).brief.language)
    return who.part("words/reading.html.j2", row=row, is_typed=True, **_context(sheet, [row], 0))


@router.post("/words/{id}/lines/{number}/save")
def save_line(id: str, number: Number, who: Merchant) -> Response:
    """Keep an edited text. It is the merchant's now, and whoever approved it has not approved this one."""
    text = _typed(who)
    if not text:
        raise InvalidInput("text", "a line needs words; to do without it, leave it unapproved")

    def save(sheet: Sheet, line: DraftLine) -> DraftLine:
        return line if text == line.line.text else _with_text(sheet, line, text, "edit")

    return _changed(who, id, number, save)


@router.post("/words/{id}/lines/{number}/rewrite")
def rewrite_line(id: str, number: Number, who: Merchant) -> Response:
    """Apply a rewrite that was offered; it is worked out again here, so nothing else can come in by this way."""
    wanted_text = who.text("text")

    def mend(sheet: Sheet, line: DraftLine) -> DraftLine:
        view = sheet.row(line).view
        if wanted_text not in {view.rewrite, *(problem.rewrite for problem in view.problems)} or not wanted_text:
            raise Conflict("this rewrite is no longer offered; the line was changed meanwhile")
        return _with_text(sheet, line, wanted_text, "rewrite")

    return _changed(who, id, number, mend)


@router.post("/words/{id}/lines/{number}/approve")
def approve_line(id: str, number: Number, who: Merchant) -> Response:
    def approve(sheet: Sheet, line: DraftLine) -> DraftLine:
        if line.is_approved:
            return line
        view = sheet.row(line).view
        if not view.can_be_approved:
            raise Conflict(view.why_not)
        return sheet.approve(line)

    return _changed(who, id, number, approve)


@router.post("/words/{id}/lines/{number}/unapprove")
def unapprove_line(id: str, number: Number, who: Merchant) -> Response:
    def unapprove(sheet: Sheet, line: DraftLine) -> DraftLine:
        if not line.is_approved:
            return line
        return sheet.change(line, "unapprove", approved_by=None, approved_name=None, approved_at=None)

    return _changed(who, id, number, unapprove)


@router.post("/words/{id}/lines/{number}/undo")
def undo_line(id: str, number: Number, who: Merchant) -> Response:
    return _changed(who, id, number, lambda sheet, line: sheet.undo(line))


def _typed(who: Member) -> str:
    text = who.form.get("text", "")
    text = text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""
    if len(text) > LONGEST:
        raise InvalidInput("text", f"{len(text)} characters; a line may have {LONGEST:,}")
    return text


def _with_text(sheet: Sheet, line: DraftLine, text: str, action: str) -> DraftLine:
    judged = sheet.desk(line.channel).judge.line(line.line.field, text, origin="merchant")
    return sheet.change(line, action, line=judged, approved_by=None, approved_name=None, approved_at=None)


def _changed(who: Member, id: str, number: int, change: Callable[[Sheet, DraftLine], DraftLine]) -> Response:
    """Do something to a line that nobody changed meanwhile, and show it as it is then."""
    sheet = Sheet(who, id)
    line = sheet.drafts.line(id, number)
    problem = ""
    try:
        if who.text("version") != str(line.version):
            raise Conflict("This line was changed meanwhile; here is how it stands now.")
        line = change(sheet, line)
    except Conflict as error:
        problem, line = str(error), sheet.drafts.line(id, number)
    rows = sheet.rows()
    row = next(row for row in rows if row.line.number == number)
    return who.part("words/changed.html.j2", row=row, problem=problem, is_typed=False, **_context(sheet, rows))


@router.post("/words/{id}/approve-clean")
def approve_clean(id: str, who: Merchant) -> Response:
    """Approve every line on which there is nothing to look at; one step to take back."""
    sheet, mark = Sheet(who, id), secrets.token_hex(6)
    done = 0
    for row in sheet.rows():
        if row.view.is_spotless and not row.line.is_approved:
            sheet.approve(row.line, mark)
            done += 1
    if not done:
        return who.go(f"/words/{id}", "No line is both clean and unapproved.", "note")
    return who.go(f"/words/{id}", f"{words.count(done, 'line')} approved.", undo=f"/words/{id}/take-back/{mark}")


@router.post("/words/{id}/take-back/{mark}")
def take_back(id: str, mark: str, who: Merchant) -> Response:
    """Undo what was done to many lines at once, where nothing was done to them since."""
    sheet = Sheet(who, id)
    lines = [line for line in sheet.drafts.lines(id) if line.past and line.past[-1].mark == mark]
    for line in lines:
        sheet.undo(line)
    return who.go(f"/words/{id}", f"{words.count(len(lines), 'line')} as before.")


# --- to take along -------------------------------------------------------------------------------------------------


@router.get("/words/{id}/words.{format}")
def take(
    id: str, format: str, who: Merchant, which: Annotated[str, Query(pattern="^(approved|all)$")] = "approved"
) -> Response:
    """The lines as CSV or JSON: approved ones, or all with their verdicts."""
    sheet = Sheet(who, id)
    rows = [row for row in sheet.rows() if which == "all" or row.line.is_approved]
    if format == "csv":
        data, media = "\ufeff" + _csv(rows), "text/csv; charset=utf-8"
    elif format == "json":
        data, media = json.dumps(_json(sheet, rows), ensure_ascii=False, indent=1), "application/json"
    else:
        raise NotFound("format", format)
    name = f"{sheet.draft.product.id}-words.{format}"
    return Response(data, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


COLUMNS = (
    "channel",
    "field",
    "text",
    "approved",
    "approved_by",
    "origin",
    "verdict",
    "length",
    "max",
    "counting",
    "evidence",
)


def _csv(rows: Iterable[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        said = _said(row)
        evidence = "; ".join(f"{c['text']} = {c['evidence']}" for c in said["claims"] if c["evidence"])
        values = {**said, "evidence": evidence, "approved": "yes" if row.line.is_approved else "no"}
        writer.writerow([neutral(str(values[name] if values[name] is not None else "")) for name in COLUMNS])
    return buffer.getvalue()


def _said(row: Row) -> dict[str, Any]:
    limit = row.line.line.limit
    return {
        "channel": row.line.channel,
        "field": row.line.line.field,
        "text": row.view.text,
        "approved": row.line.is_approved,
        "approved_by": row.line.approved_name,
        "approved_at": row.line.approved_at.isoformat() if row.line.approved_at else None,
        "origin": row.line.line.origin,
        "verdict": row.view.verdict.value,
        "length": row.view.meter.length if row.view.meter else None,
        "max": row.view.meter.max if row.view.meter else None,
        "counting": limit.count if limit else None,
        "claims": [
            {
                "start": c.start,
                "end": c.end,
                "text": c.text,
                "type": c.type,
                "verdict": c.verdict.value,
                "evidence": c.evidence,
            }
            for c in row.view.claims
        ],
        "findings": [
            {"id": p.id, "severity": p.severity, "title": p.title, "source": p.source} for p in row.view.problems
        ],
    }


def _json(sheet: Sheet, rows: Iterable[Row]) -> dict[str, Any]:
    draft, brief = sheet.draft, brief_of(sheet.draft, sheet.draft.channels[0])
    return {
        "id": draft.id,
        "product_id": draft.product.id,
        "language": brief.language,
        "market": brief.market,
        "created": draft.created.isoformat(),
        "lines": [_said(row) for row in rows],
    }


__all__ = ["Tally", "router"]
