"""The same rows with copy, and the files that Google Ads Editor and Meta's bulk import take.

Every column that came in stays, in its order. What a spreadsheet would run as a formula is made text with an
apostrophe: all of our own cells that could be, and cells of the feed that would call something.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TextIO
from xml.sax.saxutils import escape

from service.domain import Copy
from service.errors import InvalidInput

from .decoding import open_text
from .reading import Opened, Row

OutFormat = Literal["same", "google-ads-editor", "meta"]
OUT_FORMATS: tuple[OutFormat, ...] = ("same", "google-ads-editor", "meta")
PREFIX = "adloom_"
NAMESPACE = "urn:adloom:copy"
GOOGLE_ADS_CHANNELS = ("google_rsa",)
META_CHANNELS = ("meta_feed", "meta_story", "meta_reels")

_NUMBER = re.compile(r"^[+-]?\s?[$€£¥]?\.?\d[\d\s.,:/]*%?(?:\s?[A-Za-z]{1,3})?$")
_RUNS = re.compile(r"^\s*(?:=|@\s*[A-Za-z_.]+\s*\(|[+-]\s*(?:@|=|[A-Za-z_.]+\s*\(|[^|]{0,200}\|[^!]{0,200}!))")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    copy: Copy | None
    reason: str | None = None  # why there is none
    landing_page: str | None = None
    title: str = ""
    id: str = ""


Outcomes = Callable[[Row], Outcome | None]  # None: the row only goes on with the one before


@dataclass(slots=True)
class Written:
    """What a file holds, for the summary."""

    rows: int = 0
    left_out: list[tuple[int, str]] | None = None
    made_text: int = 0  # cells that would have run


def neutral(text: str) -> str:
    """A cell of ours: nothing that begins like a formula is left to run; numbers stay numbers.

    >>> neutral("=HYPERLINK(1)"), neutral("-12.5"), neutral("+49 30 1234"), neutral("@shop")
    ("'=HYPERLINK(1)", '-12.5', '+49 30 1234', "'@shop")
    """
    if text[:1] in ("\t", "\r", "\n"):
        return f"'{text}"
    if text.lstrip()[:1] in ("=", "@", "+", "-") and not _NUMBER.match(text.strip()):
        return f"'{text}"
    return text


def kept(text: str) -> str:
    """A cell of the feed: as it came, unless a spreadsheet would call something with it.

    >>> kept("- soft and warm"), kept("-4"), kept("=cmd|' /C calc'!A0")
    ('- soft and warm', '-4', "'=cmd|' /C calc'!A0")
    """
    return f"'{text}" if _RUNS.match(text) else text


def fields_of(channel: str, variants: int) -> dict[str, int]:
    """Field -> columns that it gets."""
    from service.copy.generate import wanted_counts

    return wanted_counts(channel, variants)


def write(
    format: OutFormat,
    opened: Opened,
    outcome: Outcomes,
    out: TextIO,
    *,
    channel: str,
    counts: Mapping[str, int],
    campaign: str = "adloom",
) -> Written:
    """Write a whole file.

    Args:
        outcome: what became of a row.
        out: opened with newline="".
        counts: field -> columns.
        campaign: name of the campaign in the bulk files.

    Raises:
        InvalidInput: the bulk file is for another channel.
    """
    check_format(format, channel)
    if format == "google-ads-editor":
        return _write_google(opened, outcome, out, campaign)
    if format == "meta":
        return _write_meta(opened, outcome, out, campaign)
    if opened.format == "merchant-xml":
        return _write_xml(opened, outcome, out, channel)
    if opened.format in ("json", "jsonl"):
        return _write_json(opened, outcome, out)
    return _write_table(opened, outcome, out, counts)


def check_format(format: OutFormat, channel: str) -> None:
    """Raises InvalidInput where a bulk file cannot hold a channel's copy."""
    needed = {"google-ads-editor": GOOGLE_ADS_CHANNELS, "meta": META_CHANNELS}.get(format)
    if needed is not None and channel not in needed:
        raise InvalidInput("format", f"{format} takes the copy of {' or '.join(needed)}, not of {channel}")


def by_field(copy: Copy) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in copy.lines:
        found.setdefault(line.field, []).append(line.text)
    return found


# --- the same rows -------------------------------------------------------------------------------------------------


def _write_table(opened: Opened, outcome: Outcomes, out: TextIO, counts: Mapping[str, int]) -> Written:
    assert opened.table is not None
    done = Written()
    ours = [f"{PREFIX}{name}_{i}" for name, n in counts.items() for i in range(1, n + 1)]
    writer = csv.writer(out, delimiter=opened.table.delimiter, lineterminator=opened.table.line_end)
    writer.writerow([*opened.table.columns, *ours, f"{PREFIX}status", f"{PREFIX}origin", f"{PREFIX}note"])
    for row in opened.rows():
        cells = [kept(cell) for cell in row.cells]
        done.made_text += sum(a != b for a, b in zip(cells, row.cells, strict=True))
        cells += [""] * (len(opened.table.columns) - len(cells))
        result = outcome(row)
        done.rows += 1
        if result is None:
            writer.writerow([*cells, *([""] * (len(ours) + 3))])
            continue
        texts = by_field(result.copy) if result.copy else {}
        said = [
            neutral(texts.get(name, [])[i]) if i < len(texts.get(name, [])) else ""
            for name, n in counts.items()
            for i in range(n)
        ]
        status, origin, note = status_of(result)
        writer.writerow([*cells[: len(opened.table.columns)], *said, status, origin, neutral(note)])
    return done


def status_of(result: Outcome) -> tuple[str, str, str]:
    """Status, origin and note of a row, in words."""
    if result.copy is None:
        return "failed", "", result.reason or ""
    origins = {line.origin for line in result.copy.lines}
    notes = "; ".join(note.message for note in result.copy.notes if note.severity != "note")
    return "done", next(iter(origins)) if len(origins) == 1 else "mixed", notes


def _write_json(opened: Opened, outcome: Outcomes, out: TextIO) -> Written:
    """Each object as it came, with ``copy`` or ``copy_error`` added at its end."""
    done = Written()
    is_list = opened.format == "json"
    out.write("[\n" if is_list else "")
    for row in opened.rows():
        result = outcome(row)
        record: dict[str, Any] = dict(row.record) if row.record is not None else {"row": row.number}
        if result is not None and result.copy is not None:
            status, origin, _ = status_of(result)
            record["copy"] = {"id": result.copy.id, "status": status, "origin": origin, **by_field(result.copy)}
        elif result is not None:
            record["copy_error"] = result.reason
        out.write(",\n" if is_list and done.rows else "")
        out.write(json.dumps(record, ensure_ascii=False) + ("" if is_list else "\n"))
        done.rows += 1
    out.write("\n]\n" if is_list else "")
    return done


_END_OF_ITEM = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|</(?:[A-Za-z_][\w.-]*:)?(?:item|entry)\s*>", re.DOTALL)


def _write_xml(opened: Opened, outcome: Outcomes, out: TextIO, channel: str) -> Written:
    """The feed as it came, with an ``adloom:copy`` element at the end of each item.

    For Google Merchant Center title and description also stand in ``structured_title`` and ``structured_description``,
    which say how they were made. Source: Google Merchant Center Help, "Structured title".
    """
    done = Written()
    with open_text(opened.source, opened.encoding) as text:
        whole = text.read().lstrip("\ufeff")
    whole = re.sub(r"(<\?xml[^>]*?encoding\s*=\s*[\"'])[^\"']+", r"\g<1>utf-8", whole, count=1)
    rows, end = opened.rows(), 0
    for match in _END_OF_ITEM.finditer(whole):
        if not match.group().startswith("</"):
            continue
        row = next(rows, None)
        result = outcome(row) if row is not None else None
        out.write(whole[end : match.start()])
        end = match.start()
        done.rows += 1
        if result is not None:
            out.write(_copy_element(result, channel))
    out.write(whole[end:])
    return done


def _copy_element(result: Outcome, channel: str) -> str:
    status, origin, note = status_of(result)
    parts = [f"<adloom:copy xmlns:adloom={json.dumps(NAMESPACE)}>", f"<adloom:status>{status}</adloom:status>"]
    if origin:
        parts.append(f"<adloom:origin>{origin}</adloom:origin>")
    if note:
        parts.append(f"<adloom:note>{escape(note)}</adloom:note>")
    for name, texts in (by_field(result.copy) if result.copy else {}).items():
        parts += [f"<adloom:{name}>{escape(text)}</adloom:{name}>" for text in texts]
    parts.append("</adloom:copy>")
    if channel == "google_merchant" and result.copy is not None:
        google = 'xmlns:g="http://base.google.com/ns/1.0"'
        for name in ("title", "description"):
            line = next((line for line in result.copy.lines if line.field == name), None)
            if line is not None:
                kind = "trained_algorithmic_media" if line.origin == "model" else "default"
                parts.append(
                    f"<g:structured_{name} {google}><g:digital_source_type>{kind}</g:digital_source_type>"
                    f"<g:content>{escape(line.text)}</g:content></g:structured_{name}>"
                )
    return "".join(parts)


# --- bulk files ----------------------------------------------------------------------------------------------------

GOOGLE_COLUMNS = (
    "Campaign", "Ad Group", "Ad type", "Status",
    *(f"Headline {i}" for i in range(1, 16)), *(f"Description {i}" for i in range(1, 5)),
    "Path 1", "Path 2", "Final URL", "Labels",
)  # fmt: skip
META_COLUMNS = (
    "Campaign Name", "Campaign Status", "Ad Set Name", "Ad Set Run Status", "Ad Name", "Ad Status", "Creative Type",
    "Title", "Body", "Link Description", "Link", "Call to Action", "Image File Name",
)  # fmt: skip


def _each(opened: Opened, outcome: Outcomes, done: Written) -> Iterator[tuple[Row, Outcome, Copy]]:
    """Rows with copy and somewhere to go; the others are left out, with the reason."""
    done.left_out = []
    for row in opened.rows():
        result = outcome(row)
        if result is None:
            continue
        if result.copy is None:
            done.left_out.append((row.number, result.reason or "no copy"))
        elif not result.landing_page:
            done.left_out.append((row.number, "no landing page, which the ad needs as its address"))
        else:
            yield row, result, result.copy


def _write_google(opened: Opened, outcome: Outcomes, out: TextIO, campaign: str) -> Written:
    """One responsive search ad a row, paused: nothing runs before a person has looked.

    Source: Google Ads Editor Help, "CSV file columns" (support.google.com/google-ads/editor/answer/57747): English
    headers, Headline 1 to 15, Description 1 to 4, Path 1 and 2, Final URL.
    """
    done = Written()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(GOOGLE_COLUMNS)
    for _, result, copy in _each(opened, outcome, done):
        texts = by_field(copy)
        cells = [campaign, result.title[:255], "Responsive search ad", "Paused"]
        cells += _padded(texts.get("headline", ()), 15) + _padded(texts.get("description", ()), 4)
        cells += [*_padded(texts.get("path", ()), 2), result.landing_page or "", f"adloom;{result.id}"]
        writer.writerow([neutral(cell) for cell in cells])
        done.rows += 1
    return done


def _write_meta(opened: Opened, outcome: Outcomes, out: TextIO, campaign: str) -> Written:
    """One ad a variant, paused: first headline with first text, second with second.

    Source: column names of spreadsheets exported by Meta Ads Manager, as others print them (secondary; not read at
    Meta): Title is the headline, Body the primary text. The picture is named by the feed's first photograph.
    """
    done = Written()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(META_COLUMNS)
    for row, result, copy in _each(opened, outcome, done):
        texts = by_field(copy)
        n = max((len(texts.get(name, ())) for name in ("headline", "primary_text")), default=0)
        photos = (row.product or {}).get("photos") or [""]
        for i in range(n):
            cells = [campaign, "PAUSED", result.title[:200], "PAUSED", f"{result.id} {i + 1}", "PAUSED", "Page Post Ad"]
            cells += [_nth(texts.get(name, ()), i) for name in ("headline", "primary_text", "description")]
            cells += [result.landing_page or "", "SHOP_NOW", str(photos[0])]
            writer.writerow([neutral(cell) for cell in cells])
        done.rows += 1
    return done


def _padded(texts: Sequence[str], n: int) -> list[str]:
    return [*texts[:n], *([""] * (n - len(texts[:n])))]


def _nth(texts: Sequence[str], i: int) -> str:
    return texts[i % len(texts)] if texts else ""


def media_type(format: OutFormat, opened: Opened) -> tuple[str, str]:
    """Media type and file name ending of what ``write`` makes."""
    if format != "same":
        return "text/csv", "csv"
    if opened.format == "merchant-xml":
        return "application/xml", "xml"
    if opened.format in ("json", "jsonl"):
        return ("application/json", "json") if opened.format == "json" else ("application/x-ndjson", "jsonl")
    return (
        ("text/tab-separated-values", "tsv") if opened.table and opened.table.delimiter == "\t" else ("text/csv", "csv")
    )
