"""The quick reader of events and pydantic's: what the first accepts, the second accepts with equal values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.api.plain_events import read_plain
from service.api.tracking import parse_events
from service.errors import InvalidInput
from service.tracking import IncomingEvent

RECEIVED = 1_700_000_000.25
texts = st.one_of(st.text(max_size=6), st.sampled_from(["e1", "é" * 128, "é" * 129, "\ud800", "\x00", "😀" * 128]))
moments = st.one_of(
    st.datetimes(timezones=st.just(None) | st.timezones()).map(lambda moment: moment.isoformat()),
    st.from_regex(
        r"\A(19|20)[0-9]{2}-(0[1-9]|1[0-3])-[0-3][0-9][T ][012][0-9]:[0-6][0-9](:[0-6][0-9]([.,][0-9]{1,9})?)?"
        r"(Z|z|[+-][0-2][0-9]:?[0-6][0-9])?\Z"
    ),
    st.sampled_from(["", "now", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00Z\n"]),
)
numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([True, "1", -0.0, 1e12, 1e12 + 1, 10**400, 1e-320]))
events = st.fixed_dictionaries(
    {"id": texts, "decision": texts, "kind": st.sampled_from(["shown", "clicked", "converted", "seen", "", 1])},
    optional={"value": numbers | st.none(), "at": moments | numbers | st.none(), "more": st.none()},
)
bodies = st.fixed_dictionaries({"events": st.lists(events, max_size=3)}, optional={"more": st.none()})


def by_pydantic(raw: bytes) -> list[IncomingEvent] | None:
    try:
        body = parse_events(raw)
    except (ValidationError, InvalidInput):
        return None
    return [
        IncomingEvent(
            event["id"],
            event["decision"],
            event["kind"],
            event.get("value", 1.0),
            event["at"].timestamp() if "at" in event else RECEIVED,
        )
        for event in body["events"]
    ]


def same_if_read(raw: bytes) -> bool:
    read = read_plain(raw, RECEIVED)
    if read is None:
        return False
    assert list(read) == by_pydantic(raw)
    return True


@settings(max_examples=150, deadline=None)
@given(bodies, st.booleans())
def test_whatever_the_quick_reader_accepts_pydantic_accepts_with_equal_values(body: Any, ascii: bool) -> None:
    same_if_read(json.dumps(body, ensure_ascii=ascii).encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=4), st.integers(0, 80), st.integers(0, 6))
def test_damaged_bodies_are_never_read_otherwise_than_pydantic_reads_them(junk: bytes, at: int, cut: int) -> None:
    raw = b'{"events": [{"id": "e1", "decision": "d1", "kind": "shown", "value": 2.5}]}'
    same_if_read(raw[:at] + junk + raw[at + cut :])


@pytest.mark.parametrize(
    "event",
    [
        '{"id": "a", "decision": "d", "kind": "shown"}',
        '{"id": "a", "decision": "d", "kind": "converted", "value": 19.9}',
        '{"id": "a", "decision": "d", "kind": "converted", "value": 3}',
        '{"id": "a", "decision": "d", "kind": "clicked", "at": "2026-03-01T10:20:30Z"}',
        '{"id": "a", "decision": "d", "kind": "clicked", "at": "2026-03-01T10:20:30.123456+02:00"}',
        '{"id": "a", "id": "b", "decision": "d", "kind": "shown"}',
    ],
)
def test_ordinary_events_take_the_quick_way(event: str) -> None:
    assert same_if_read(f'{{"events": [{event}]}}'.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"events": []}',
        b'{"events": [{"id": "a\\u0000", "decision": "d", "kind": "shown"}]}',
        b'{"events": [{"id": "", "decision": "d", "kind": "shown"}]}',
        b'{"events": [{"id": "a", "decision": "d", "kind": "shown", "at": "2026-02-30T00:00:00Z"}]}',
        b'{"events": [{"id": "a", "decision": "d", "kind": "shown", "value": -1}]}',
    ],
)
def test_what_is_refused_goes_to_the_slow_lane(raw: bytes) -> None:
    assert read_plain(raw, RECEIVED) is None
    assert by_pydantic(raw) is None
