"""Copy for a whole feed, as a job that survives a crash: kept feed, one item a product, a file at the end.

The job's id follows from the feed's bytes and the settings: the same feed with the same settings is the same job, and
rows that are done are never done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TextIO

from service.arena import utc_now
from service.copy.brief import BriefFile, merged, parse_brief
from service.errors import InvalidInput, NotFound
from service.products import parse_product
from service.records import ItemState, JobItem

from .decoding import Source
from .reading import FeedFormat, Opened, Row, RowProblem, open_feed, products_of
from .writing import Outcome, OutFormat, Written, check_format, fields_of, write

if TYPE_CHECKING:
    from service.wiring import Services

KIND = "feed-copy"
ITEM_PAGE = 200


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """What is asked of a feed; two feeds with the same bytes and settings are one job."""

    channel: str
    variants: int = 8
    language: str | None = None  # of products that name none
    seed: int = 0
    currency: str = "EUR"
    format: FeedFormat | None = None  # None: found out
    brand: str | None = None  # id of a kept brand
    brief: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KeptFeed:
    """A feed that was taken in."""

    id: str  # of the job as well
    settings: FeedSettings
    encoding: str
    format: str
    n_rows: int  # with and without problems
    problems: tuple[RowProblem, ...]
    ignored: tuple[str, ...]  # columns that say nothing to us


def feed_id(data: bytes, settings: FeedSettings) -> str:
    said = json.dumps(asdict(settings), sort_keys=True, ensure_ascii=False, default=str)
    return "feed_" + hashlib.sha256(hashlib.sha256(data).digest() + said.encode()).hexdigest()[:20]


def take_in(services: Services, workspace: str, data: bytes, settings: FeedSettings) -> KeptFeed:
    """Keep a feed and begin its job; the same feed and settings again change nothing.

    Raises:
        InvalidInput: no feed, no product in it, or a bad setting.
        prompts.UnknownChannel, NotFound: no such channel or brand.
    """
    fields_of(settings.channel, settings.variants)  # the channel must exist
    id = feed_id(data, settings)
    objects, jobs = services.objects(workspace), services.store(workspace).jobs
    brief = _brief(services, workspace, settings)
    try:
        jobs.get(id)
    except NotFound:
        opened = _open(data, settings)
        problems: list[RowProblem] = []
        items: list[dict[str, Any]] = []
        n_rows = 0
        for row, found in products_of(opened):
            n_rows += 1
            if isinstance(found, RowProblem):
                problems.append(found)
            else:
                items.append({"feed": id, "row": row.number, "product": dict(row.product or {})})
        if not items:
            first = f"; row {problems[0].row}: {problems[0].field}: {problems[0].reason}" if problems else ""
            raise InvalidInput("feed", f"no product that can be used in {n_rows} rows{first}") from None
        kept = KeptFeed(id, settings, opened.encoding, opened.format, n_rows, tuple(problems), opened.ignored)
        objects.put(f"feeds/{id}/feed", data)
        said = {**asdict(kept), "brief": brief.model_dump(mode="json", exclude_unset=True)}
        objects.replace(f"feeds/{id}/settings.json", json.dumps(said, ensure_ascii=False).encode())
        services.jobs.submit(workspace, KIND, items, id)
    return kept_feed(services, workspace, id)


def _open(source: Source, settings: FeedSettings) -> Opened:
    return open_feed(source, settings.format, currency=settings.currency, language=settings.language)


def _brief(services: Services, workspace: str, settings: FeedSettings) -> BriefFile:
    kept = services.store(workspace).brands.get(settings.brand) if settings.brand else None
    return merged(parse_brief(kept) if kept else None, parse_brief(settings.brief or {}))


def kept_feed(services: Services, workspace: str, id: str) -> KeptFeed:
    """Raises NotFound."""
    said = _said(services, workspace, id)
    return KeptFeed(
        id=said["id"],
        settings=FeedSettings(**said["settings"]),
        encoding=said["encoding"],
        format=said["format"],
        n_rows=said["n_rows"],
        problems=tuple(RowProblem(**problem) for problem in said["problems"]),
        ignored=tuple(said["ignored"]),
    )


def _said(services: Services, workspace: str, id: str) -> dict[str, Any]:
    if not id.startswith("feed_"):
        raise NotFound("feed", id)
    try:
        data = services.objects(workspace).get(f"feeds/{id}/settings.json")
    except NotFound:
        raise NotFound("feed", id) from None
    return dict(json.loads(data))


_CACHED: dict[tuple[str, str, str], tuple[FeedSettings, BriefFile]] = {}


def write_row(services: Services, workspace: str, request: Mapping[str, Any]) -> str:
    """One item of a feed job: the copy of one product, kept. Returns its id."""
    key = (services.database.url.render_as_string(), workspace, request["feed"])
    if key not in _CACHED:
        said = _said(services, workspace, request["feed"])
        if len(_CACHED) > 32:
            _CACHED.clear()
        _CACHED[key] = (FeedSettings(**said["settings"]), parse_brief(said["brief"]))
    settings, brief = _CACHED[key]
    product = parse_product(dict(request["product"]))
    written = services.studio(workspace).write_copy(
        product, settings.channel, variants=settings.variants, seed=settings.seed, file=brief
    )
    services.store(workspace).copies.put(replace(written, refused=()), utc_now())
    return written.id


# --- the file at the end -------------------------------------------------------------------------------------------


def write_result(
    services: Services, workspace: str, id: str, format: OutFormat, out: TextIO, campaign: str = "adloom"
) -> Written:
    """Write the feed with its copy, as far as the job is; rows still waiting say so.

    Raises:
        NotFound: no such feed.
        InvalidInput: the format is for another channel.
    """
    feed = kept_feed(services, workspace, id)
    check_format(format, feed.settings.channel)
    opened = open_kept(services, workspace, feed)
    outcomes = _Outcomes(services, workspace, feed)
    counts = fields_of(feed.settings.channel, feed.settings.variants)
    return write(format, opened, outcomes, out, channel=feed.settings.channel, counts=counts, campaign=campaign)


def open_kept(services: Services, workspace: str, feed: KeptFeed) -> Opened:
    data = services.objects(workspace).get(f"feeds/{feed.id}/feed")
    return _open(data, feed.settings)


class _Outcomes:
    """What became of each row, asked for in the rows' order."""

    def __init__(self, services: Services, workspace: str, feed: KeptFeed) -> None:
        self._store = services.store(workspace)
        self._problems = {problem.row: problem for problem in feed.problems}
        self._items = self._each(feed.id)
        self._next: JobItem | None = next(self._items, None)

    def __call__(self, row: Row) -> Outcome | None:
        problem = self._problems.get(row.number)
        if problem is not None:
            return Outcome(None, f"{problem.field}: {problem.reason}", id=problem.id or "")
        if self._next is None or self._next.request["row"] != row.number:
            return None
        item, self._next = self._next, next(self._items, None)
        product = item.request["product"]
        about = {"landing_page": product.get("landing_page"), "title": product["title"], "id": product["id"]}
        if item.state is not ItemState.DONE or item.result_id is None:
            return Outcome(None, item.reason or f"not done: {item.state.value}", **about)
        return Outcome(self._store.copies.get(item.result_id), None, **about)

    def _each(self, id: str) -> Iterator[JobItem]:
        after = -1
        while items := self._store.jobs.items(id, after, ITEM_PAGE):
            yield from items
            after = items[-1].position


@dataclass(frozen=True, slots=True)
class Summary:
    """What a feed job came to."""

    rows: int
    done: int
    failed: int  # tried and not written, and rows that no product could be read from
    lines: Mapping[str, int]  # origin -> lines
    seconds_per_row: float | None
    reasons: tuple[RowProblem, ...]  # the first of what went wrong


def summary(services: Services, workspace: str, id: str, most_reasons: int = 20) -> Summary:
    """The figures of a feed job. Raises NotFound."""
    feed, store = kept_feed(services, workspace, id), services.store(workspace)
    lines: dict[str, int] = {}
    reasons, spent, done, failed = list(feed.problems), 0.0, 0, len(feed.problems)
    after = -1
    while items := store.jobs.items(id, after, ITEM_PAGE):
        after = items[-1].position
        for item in items:
            spent += item.seconds or 0.0
            if item.state is ItemState.DONE and item.result_id:
                done += 1
                for line in store.copies.get(item.result_id).lines:
                    lines[line.origin] = lines.get(line.origin, 0) + 1
            elif item.state is ItemState.FAILED:
                failed += 1
                name = item.request["product"].get("id")
                reasons.append(RowProblem(item.request["row"], name, "copy", item.reason or "failed"))
    reasons.sort(key=lambda problem: problem.row)
    return Summary(feed.n_rows, done, failed, lines, spent / done if done else None, tuple(reasons[:most_reasons]))
