"""Daily statistics out of the tables that Google Ads, Meta and TikTok export.

Their files differ in encoding, delimiter, lines before the header, totals at the end, and in how numbers and dates are
written; which file is whose follows from its columns (``platforms.toml``). What cannot be told for certain is asked
for, never guessed: a date such as 03/04/2026 in a file where every day is below 13 is refused.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from service.errors import InvalidInput

DateOrder = Literal["dmy", "mdy"]
PLATFORMS = ("google_ads", "meta", "tiktok")
HEADER_WITHIN = 30  # lines; reports begin with a title and their date range
MOST_ROWS = 1_000_000
NOTHING = frozenset({"", "--", "-", "—", "n/a", "null", "none"})
CREATIVE = re.compile(r"cr_[0-9a-f]{16}")
_BRACKET = re.compile(r"\s*\(([A-Z]{3})\)$")  # "Cost (EUR)"
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$")
_WORDED = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y")


@dataclass(frozen=True, slots=True)
class DailyRow:
    """One ad on one day, as the platform counted it."""

    platform: str
    day: date
    ad: str  # the platform's id of the ad; "name:..." where the export has none
    ad_name: str
    campaign: str
    impressions: int
    clicks: int
    cost: float | None  # in ``currency``; None: the export has no such column
    currency: str | None
    conversions: float | None
    value: float | None
    creative: str | None = None  # ours, if its id stands in the ad's name or was given


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was left out."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a file says."""

    platform: str
    rows: tuple[DailyRow, ...]  # one for each ad and day, in that order
    problems: tuple[Problem, ...]


@cache
def columns() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The platforms' names for each column."""
    return tomllib.loads((Path(__file__).parent / "platforms.toml").read_text(encoding="utf-8"))


def read_statistics(
    data: bytes,
    platform: str | None = None,
    *,
    currency: str | None = None,
    date_order: DateOrder | None = None,
    creatives: Mapping[str, str] | None = None,
) -> Statistics:
    """Read an export.

    Args:
        platform: one of ``PLATFORMS``; None: told by its columns.
        currency: ISO 4217 code of costs, where the file does not say.
        date_order: how 03/04/2026 is to be read, where the file leaves it open.
        creatives: our creative's id by the platform's ad id or name, where the ad's name does not carry it.

    Raises:
        InvalidInput: not such a table, an unknown platform, no row to keep, dates that can be read in two ways.
    """
    if platform is not None and platform not in PLATFORMS:
        raise InvalidInput("platform", f"no platform {platform!r}; there are {', '.join(PLATFORMS)}")
    lines = _lines(_decode(data))
    start, header = _header(lines)
    platform = platform or _whose(header)
    places = _places(platform, header)
    body = list(_body(lines, start, len(header)))
    order = date_order or _date_order(cells[places["day"]] for _, cells in body)
    comma = _decimal_comma(cells[places[name]] for _, cells in body for name in ("cost", "value") if name in places)
    known = _BRACKET.search(header[places["cost"]]) if "cost" in places else None
    reader = _Reader(platform, places, order, comma, known.group(1) if known else currency, creatives or {})
    rows: dict[tuple[str, date], DailyRow] = {}
    problems: list[Problem] = []
    for line, cells in body:
        try:
            row = reader.row(cells)
        except ValueError as error:
            problems.append(Problem(line, str(error)))
            continue
        key = (row.ad, row.day)
        rows[key] = _sum(rows[key], row) if key in rows else row
    if not rows:
        first = f"; line {problems[0].line}: {problems[0].reason}" if problems else ""
        raise InvalidInput("file", f"no row could be read{first}")
    return Statistics(platform, tuple(sorted(rows.values(), key=lambda row: (row.ad, row.day))), tuple(problems))


# --- the file --------------------------------------------------------------------------------------------------------


def _decode(data: bytes) -> str:
    """Platforms send UTF-8, or UTF-16 for spreadsheets."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if data[:4] == b"PK\x03\x04":
        raise InvalidInput("file", "this is an Excel workbook or a ZIP archive; export as CSV")
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        raise InvalidInput("file", f"not {encoding} text ({error}); export as CSV in UTF-8") from None


def _lines(text: str) -> list[list[str]]:
    head = "\n".join(text.splitlines()[:HEADER_WITHIN])
    delimiter = max(",\t;", key=head.count)
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InvalidInput("file", f"not a table: {error}") from None
    if len(found) > MOST_ROWS:
        raise InvalidInput("file", f"more than {MOST_ROWS:,} lines; export a shorter period")
    return found


def _plain(name: str) -> str:
    """A column's name for comparison: without its currency, in lower case."""
    return _BRACKET.sub("", " ".join(name.split())).casefold()


def _header(lines: list[list[str]]) -> tuple[int, list[str]]:
    """(line number, names): the line that has a day, and impressions or clicks, by any platform's names."""
    need = [
        {_plain(name) for names in columns().values() for name in names[part]}
        for part in ("day", "impressions", "clicks")
    ]
    for number, line in enumerate(lines[:HEADER_WITHIN]):
        names = {_plain(name) for name in line}
        if all(names & wanted for wanted in need):
            return number, line
    raise InvalidInput(
        "file",
        "no header with a day, impressions and clicks in its first lines; export a table by day with at least these"
        " columns: Day, Ad ID or Ad name, Impressions, Clicks",
    )


def _whose(header: list[str]) -> str:
    names = {_plain(name) for name in header}
    fits = {name: sum(_plain(told) in names for told in columns()[name]["tells"]) for name in PLATFORMS}
    best = max(fits.values())
    winners = [name for name in PLATFORMS if fits[name] == best]
    if len(winners) > 1:
        raise InvalidInput("platform", f"the columns do not tell whose this is; say which: {', '.join(PLATFORMS)}")
    return winners[0]


def _places(platform: str, header: list[str]) -> dict[str, int]:
    """Where each part of a row stands."""
    index = {_plain(name): place for place, name in reversed(list(enumerate(header)))}
    places: dict[str, int] = {}
    for part, names in columns()[platform].items():
        if part in ("title", "tells"):
            continue
        place = next((index[_plain(name)] for name in names if _plain(name) in index), None)
        if place is not None:
            places[part] = place
    missing = [part for part in ("day", "impressions", "clicks") if part not in places]
    if missing:
        raise InvalidInput("file", f"no column for {', '.join(missing)} as {columns()[platform]['title']} names it")
    if "ad_id" not in places and "ad_name" not in places:
        raise InvalidInput("file", "no column names the ad: export by ad, with Ad ID or Ad name")
    return places


def _body(lines: list[list[str]], start: int, width: int) -> Iterator[tuple[int, list[str]]]:
    """(line number from 1, cells) of the rows; totals and empty lines left out."""
    for number, cells in enumerate(lines[start + 1 :], start + 2):
        filled = [cell.strip() for cell in cells]
        if not any(filled) or any(cell.casefold().startswith("total") for cell in filled[:2]):
            continue
        yield number, filled + [""] * (width - len(filled))


# --- cells -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reader:
    platform: str
    places: Mapping[str, int]
    order: DateOrder | None
    comma: bool
    currency: str | None
    creatives: Mapping[str, str]

    def text(self, cells: list[str], part: str) -> str:
        return cells[self.places[part]] if part in self.places else ""

    def number(self, cells: list[str], part: str) -> float | None:
        if part not in self.places:
            return None
        cell = self.text(cells, part)
        if cell.casefold() in NOTHING:
            return 0.0
        found = to_number(cell, self.comma)
        if found is None or found < 0:
            raise ValueError(f"{part}: {cell!r} is no number of 0 or more")
        return found

    def count(self, cells: list[str], part: str) -> int:
        cell = self.text(cells, part)
        if cell.casefold() in NOTHING:
            return 0
        digits = re.sub(r"[\s\u00a0\u202f.,'’]", "", re.sub(r"[.,]0{1,2}$", "", cell))
        if not digits.isdecimal() or len(digits) > 15:
            raise ValueError(f"{part}: {cell!r} is no count")
        return int(digits)

    def row(self, cells: list[str]) -> DailyRow:
        """Raises ValueError: this line says nothing that can be kept."""
        day = to_day(self.text(cells, "day"), self.order)
        last = self.text(cells, "last_day")
        if last and to_day(last, self.order) != day:
            raise ValueError(f"{day} to {last} in one row: export with a breakdown by day")
        impressions, clicks = self.count(cells, "impressions"), self.count(cells, "clicks")
        if clicks > impressions:
            raise ValueError(f"{clicks} clicks on {impressions} impressions")
        name, campaign = self.text(cells, "ad_name"), self.text(cells, "campaign")
        ad = self.text(cells, "ad_id").removeprefix("'").removeprefix("id:") or f"name:{campaign}/{name}"
        if not self.text(cells, "ad_id") and not name:
            raise ValueError("names no ad")
        found = CREATIVE.search(name) or CREATIVE.search(campaign)
        return DailyRow(
            self.platform,
            day,
            ad[:128],
            name[:500],
            campaign[:500],
            impressions,
            clicks,
            self.number(cells, "cost"),
            self.text(cells, "currency").upper()[:3] or self.currency,
            self.number(cells, "conversions"),
            self.number(cells, "value"),
            self.creatives.get(ad) or self.creatives.get(name) or (found.group() if found else None),
        )


def to_number(cell: str, decimal_comma: bool) -> float | None:
    """A number with its signs of thousands and currency; None: it is none."""
    bare = re.sub(r"[\s\u00a0\u202f'’]|[A-Z]{3}|[$€£¥%]", "", cell)
    bare = bare.replace(".", "").replace(",", ".") if decimal_comma else bare.replace(",", "")
    return float(bare) if re.fullmatch(r"-?\d+(\.\d+)?", bare) else None


def _decimal_comma(cells: Iterable[str]) -> bool:
    """Whether a comma divides whole from broken: some cell ends in a comma and other than three digits, or has both."""
    return any(re.search(r",\d{1,2}\D*$|\d\.\d{3},", cell) for cell in cells)


def to_day(cell: str, order: DateOrder | None) -> date:
    """Raises ValueError."""
    bare = cell.strip().partition("T")[0]
    bare = bare[:10] if re.match(r"\d{4}-\d{2}-\d{2} ", bare) else bare
    if re.fullmatch(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}", bare):
        year, month, day = (int(part) for part in re.split(r"[-/]", bare))
        return date(year, month, day)
    if found := _SLASHED.match(bare):
        first, second, year = (int(part) for part in found.groups())
        return date(year, second, first) if order == "dmy" else date(year, first, second)
    for form in _WORDED:
        try:
            return datetime.strptime(bare, form).date()
        except ValueError:
            continue
    raise ValueError(f"day: {cell!r} is no date")


def _date_order(cells: Iterable[str]) -> DateOrder | None:
    """What the file itself says about dates such as 21/11/2026.

    Raises:
        InvalidInput: it has such dates and says nothing.
    """
    open_ended = None
    for cell in cells:
        if found := _SLASHED.match(cell.strip()):
            first, second = int(found.group(1)), int(found.group(2))
            if first > 12:
                return "dmy"
            if second > 12:
                return "mdy"
            open_ended = cell
    if open_ended is not None:
        raise InvalidInput("date_order", f"{open_ended} can be read in two ways; say dmy or mdy")
    return None


def _sum(one: DailyRow, other: DailyRow) -> DailyRow:
    """Two rows of the same ad and day: a breakdown by device, placement or the like."""

    def add(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a + b

    return replace(
        one,
        impressions=one.impressions + other.impressions,
        clicks=one.clicks + other.clicks,
        cost=add(one.cost, other.cost),
        conversions=add(one.conversions, other.conversions),
        value=add(one.value, other.value),
    )
