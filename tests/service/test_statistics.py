"""Platforms' daily numbers: read as they are exported, kept once, shown with the doubt they deserve."""

from __future__ import annotations

import contextlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidInput
from service.statistics import read_statistics, standings
from service.statistics.evidence import dispersion, jeffreys
from service.statistics.reading import DailyRow, to_number
from tests.service.conftest import Shop

GOOGLE = """Ad performance
"1 March 2026 - 3 March 2026"
Day,Campaign,Ad group,Ad ID,Ad name,Currency code,Clicks,Impr.,Cost,Conversions,Conv. value
2026-03-01,Mugs,Stone,71,Calm cr_0123456789abcdef,EUR,"1,012","50,100","1,240.50",12.5,310.00
2026-03-02,Mugs,Stone,71,Calm cr_0123456789abcdef,EUR,30,"1,500",12.00,--,--
2026-03-02,Mugs,Stone,72,Loud,EUR,80,"1,600",9.10,1.00,24.90
Total: Account,,,,,,"1,122","53,200","1,261.60",13.5,334.90
"""
META = "\ufeffReporting starts,Reporting ends,Ad name,Ad ID,Impressions,Link clicks,Amount spent (EUR),Purchases\n" + (
    "2026-03-01,2026-03-01,Calm,9001,2000,40,15.5,2\n2026-03-01,2026-03-01,Calm,9001,1000,10,4.5,1\n"
)
TIKTOK = "By Day;Ad Name;Ad ID;Impression;Clicks (destination);Total cost\n21/03/2026;Spin;55;1.200;36;1.012,50\n"


def test_a_google_table_with_title_totals_and_thousands() -> None:
    found = read_statistics(GOOGLE.encode())
    assert found.platform == "google_ads"
    assert found.problems == ()
    first = found.rows[0]
    assert (first.day, first.ad, first.impressions, first.clicks) == (date(2026, 3, 1), "71", 50_100, 1_012)
    assert (first.cost, first.currency, first.conversions) == (1240.5, "EUR", 12.5)
    assert first.creative == "cr_0123456789abcdef"
    assert found.rows[1].conversions == 0.0
    assert found.rows[2].creative is None


def test_the_same_table_as_spreadsheets_get_it() -> None:
    as_tabs = GOOGLE.replace('"1,012"', "1012").replace('"50,100"', "50100").replace('"1,240.50"', "1240.5")
    as_tabs = as_tabs.replace('"1,500"', "1500").replace('"1,600"', "1600").replace(",", "\t")
    assert read_statistics(as_tabs.encode("utf-16")).rows == read_statistics(GOOGLE.encode()).rows


def test_a_breakdown_within_a_day_is_added_up() -> None:
    (row,) = read_statistics(META.encode()).rows
    assert (row.platform, row.impressions, row.clicks, row.cost, row.currency) == ("meta", 3_000, 50, 20.0, "EUR")
    assert row.conversions == 3.0


def test_points_and_commas_change_places_where_the_file_says_so() -> None:
    (row,) = read_statistics(TIKTOK.encode()).rows
    assert (row.platform, row.day, row.impressions, row.cost) == ("tiktok", date(2026, 3, 21), 1_200, 1012.5)


def test_a_date_that_can_be_read_in_two_ways_is_asked_about() -> None:
    table = TIKTOK.replace("21/03", "04/03")
    with pytest.raises(InvalidInput, match="two ways"):
        read_statistics(table.encode())
    assert read_statistics(table.encode(), date_order="dmy").rows[0].day == date(2026, 3, 4)
    assert read_statistics(table.encode(), date_order="mdy").rows[0].day == date(2026, 4, 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("30,", "x,"), "is no count"),
        (("30,", '"9,999",'), "9999 clicks on 1500 impressions"),
        (("2026-03-02,Mugs,Stone,71", "soon,Mugs,Stone,71"), "is no date"),
        (("12.00", "-12.00"), "no number of 0 or more"),
    ],
)
def test_one_bad_line_is_named_and_stops_nothing(change: tuple[str, str], reason: str) -> None:
    found = read_statistics(GOOGLE.replace(*change).encode())
    assert len(found.rows) == 2
    assert [(one.line, reason in one.reason) for one in found.problems] == [(5, True)]


def test_a_week_in_one_row_is_left_out_with_its_reason() -> None:
    table = META.replace("2026-03-01,2026-03-01,Calm,9001,1000", "2026-03-01,2026-03-07,Calm,9001,1000")
    found = read_statistics(table.encode())
    assert "breakdown by day" in found.problems[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no header"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\xff\xfe\x00", "utf-16"),
        (b"a,b\n1,2\n", "no header"),
        (b"Day,Ad ID,Impressions,Clicks\n", "do not tell whose"),
        (b"Day,Campaign,Impr.,Clicks\n2026-03-01,x,10,1\n", "names the ad"),
        (b"Day,Ad ID,Impr.,Clicks,Conv. value\nx,1,10,1,0\n", "no row could be read; line 2"),
    ],
)
def test_what_is_no_such_table_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_statistics(data)


@pytest.mark.parametrize("cell", ["12,000", "12.000", "12 000", "12'000", "12000", "12,000.00"])
def test_thousands_of_impressions_stay_thousands(cell: str) -> None:
    assert read_statistics(GOOGLE.replace('"1,500"', f'"{cell}"').encode()).rows[1].impressions == 12_000


@given(st.floats(0, 1e9).map(lambda value: round(value, 2)))
def test_money_is_read_back_as_it_was_written(value: float) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert to_number(english, False) == to_number(f"€ {german}", True) == value


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        assert read_statistics(data).rows


# --- what it proves ------------------------------------------------------------------------------------------------


def test_days_that_differ_as_chance_would_have_it_widen_nothing() -> None:
    rng = np.random.default_rng(3)
    found = [dispersion([2_000] * 28, list(rng.binomial(2_000, 0.02, 28))) for _ in range(200)]
    assert np.mean(found) < 1.2  # the mean of max(1, chi2(27)/27) is 1.11


def test_the_interval_covers_the_rate_of_days_that_differ() -> None:
    """Rates that vary by a quarter from day to day: 95 % intervals of the pooled rate, naive and widened."""
    rng, widened, naive = np.random.default_rng(5), 0, 0
    for _ in range(400):
        rates = rng.gamma(16, 0.02 / 16, 28)
        clicks = rng.binomial(5_000, rates)
        rows = [
            DailyRow("meta", date(2026, 3, day + 1), "1", "", "", 5_000, int(n), None, None, None, None)
            for day, n in enumerate(clicks)
        ]
        (one,) = standings(rows)
        widened += one.low <= 0.02 <= one.high
        low, high = jeffreys(one.clicks, one.impressions)
        naive += low <= 0.02 <= high
    assert widened / 400 > 0.91  # 0.95 less three standard errors of 400 runs and what estimating the spread costs
    assert naive / 400 < 0.8


def test_jeffreys_intervals_equal_published_ones() -> None:
    """Brown, Cai and DasGupta 2001, table of n = 10: x = 0 and 5."""
    assert jeffreys(0, 10)[0] == 0.0
    assert jeffreys(0, 10)[1] == pytest.approx(0.2172, abs=5e-4)
    assert jeffreys(5, 10) == pytest.approx((0.2235, 0.7765), abs=5e-4)
    assert jeffreys(0, 0) == (0.0, 1.0)


def test_ads_of_one_creative_are_added_and_currencies_are_not() -> None:
    def row(ad: str, currency: str) -> DailyRow:
        return DailyRow("meta", date(2026, 3, 1), ad, ad, "", 100, 2, 1.0, currency, None, None, "cr_0123456789abcdef")

    found = standings([row("a", "EUR"), row("b", "EUR"), row("c", "USD")], by_creative=True)
    assert [(one.impressions, one.cost, one.currency) for one in found] == [(200, 2.0, "EUR"), (100, 1.0, "USD")]


# --- the service ---------------------------------------------------------------------------------------------------


def test_an_import_is_kept_once_shown_and_taken_back(shop: Shop) -> None:
    first = shop.call("POST", "/v1/statistics/import", 200, content=GOOGLE.encode())
    assert (first["platform"], first["new"], first["replaced"], first["linked"]) == ("google_ads", 3, 0, 1)
    again = shop.call("POST", "/v1/statistics/import", 200, content=GOOGLE.replace(",30,", ",31,").encode())
    assert (again["new"], again["replaced"]) == (0, 3)
    shown = shop.call("GET", "/v1/statistics", 200)
    assert "Not an experiment" in shown["caution"]
    assert [(item["ad"], item["clicks"]) for item in shown["items"]] == [("71", 1_043), ("72", 80)]
    by = shop.call("GET", "/v1/statistics", 200, params={"by": "creative"})
    assert by["items"][0]["ad"] == "cr_0123456789abcdef"
    asked = {"platform": "google_ads", "first": "2026-03-02", "last": "2026-03-02"}
    assert shop.call("DELETE", "/v1/statistics", 200, params=asked)["removed"] == 2
    assert len(shop.call("GET", "/v1/statistics", 200)["items"]) == 1
    kinds = [(entry.action, entry.kind) for entry in shop.store.audit(10)]
    assert kinds.count(("import", "statistics")) == 2
    assert ("forget", "statistics") in kinds


def test_a_table_that_cannot_be_read_is_a_clear_refusal(shop: Shop) -> None:
    refusal = shop.call("POST", "/v1/statistics/import", 422, content=b"hello")
    assert "no header" in refusal["detail"]
