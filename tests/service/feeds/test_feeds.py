"""Feeds in every form, however broken: each row told, nothing stopped; and the same rows back, safe to open."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.copy.ledger import check
from service.domain import Copy, CopyLine, Product
from service.errors import InvalidInput
from service.feeds.merchant import money
from service.feeds.reading import LONGEST_CELL, Row, RowProblem, open_feed, products_of
from service.feeds.writing import Outcome, kept, neutral, write

CSV = "id,title,price,fact:capacity,note\nk1,Kettle,49.00,0.9 l,mine\nk2,Mug,abc,,\n,None,1,,\nk1,Twice,2,,\n"
RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>SKU 1/2</g:id><title>plain</title><g:title>Kettle &amp; lid</g:title><g:price>1,049.00 EUR</g:price>
<g:link>https://shop.example/k</g:link><g:product_type>Home &gt; Kettles</g:product_type><g:material>steel</g:material>
<g:product_detail><g:section_name>General</g:section_name><g:attribute_name>Capacity</g:attribute_name>
<g:attribute_value>0.9 l</g:attribute_value></g:product_detail><!-- </item> --></item>
<item><g:id>2</g:id></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry><g:id>a1</g:id>
<title>Mug</title><link href="https://shop.example/m"/><g:image_link>https://shop.example/m.jpg</g:image_link></entry></feed>"""
SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant Price,Variant Grams,Image Src\n"
    "mug,Mug,<p>A <b>mug</b></p>,Kiln,Tableware,Colour,oatmeal,28.00,390,https://x.example/1.jpg\n"
    "mug,,,,,,white,28.00,390,https://x.example/2.jpg\nbowl,Bowl,,Kiln,,,,9.50,0,\nmug,Again,,,,,,1,,\n"
)


def read(data: bytes | str, **more: Any) -> tuple[list[Product], list[RowProblem]]:
    source = data.encode() if isinstance(data, str) else data
    found = [result for _, result in products_of(open_feed(source, **more))]
    return [f for f in found if isinstance(f, Product)], [f for f in found if isinstance(f, RowProblem)]


# --- reading ---------------------------------------------------------------------------------------------------------


def test_good_rows_are_products_and_bad_ones_have_number_column_and_reason() -> None:
    products, problems = read(CSV)
    assert [p.id for p in products] == ["k1"]
    assert [(p.row, p.field) for p in problems] == [(2, "price"), (3, "id"), (4, "id")]
    assert "abc" in problems[0].reason
    assert "came before" in problems[2].reason


def test_merchant_rss_is_read_with_its_details() -> None:
    products, problems = read(RSS)
    [kettle] = products
    assert (kettle.id, kettle.title, kettle.category) == ("SKU-1-2", "Kettle & lid", "Kettles")
    assert str(kettle.price.amount) == "1049.00"  # type: ignore[union-attr]
    assert (kettle.fact("Capacity"), kettle.fact("material")) == ("0.9 l", "steel")
    assert [(p.row, p.field) for p in problems] == [(2, "title")]


def test_merchant_atom_and_tsv_are_known_by_what_they_say() -> None:
    [mug], _ = read(ATOM)
    assert mug.landing_page == "https://shop.example/m"
    tsv = "id\ttitle\tlink\tprice\tavailability\n9\tMug\thttps://shop.example/9\t12,50 EUR\tin_stock\n"
    [other], _ = read(tsv)
    assert (open_feed(tsv.encode()).format, str(other.price.amount)) == ("merchant-tsv", "12.50")  # type: ignore[union-attr]


def test_shopify_rows_of_one_handle_are_one_product() -> None:
    products, problems = read(SHOPIFY)
    assert [p.id for p in products] == ["mug", "bowl"]
    assert (products[0].fact("colour"), products[0].fact("weight"), len(products[0].photos)) == ("oatmeal", "390 g", 2)
    assert [p.field for p in problems] == ["Handle"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_encodings_are_found_out(encoding: str) -> None:
    [cup], _ = read("id,title,fact:容量\nc1,保温杯,750毫升\n".encode(encoding))
    assert (cup.title, cup.fact("容量")) == ("保温杯", "750毫升")


def test_xml_may_declare_gb2312() -> None:
    xml = RSS.replace('version="1.0"?', 'version="1.0" encoding="GB2312"?', 1).replace("Kettle &amp; lid", "保温杯")
    assert read(xml.encode("gb2312"))[0][0].title == "保温杯"


BOMB = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><rss><channel><item>&b;</item></channel></rss>'  # noqa: E501


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (BOMB.encode(), "entities"),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><rss><channel/></rss>', "document type"),
        (b"<html><body/></html>", "neither RSS"),
        (b"<rss><channel></channel></rss>", "no item"),
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"title;price\nMug;1\n", "id is missing"),
        (b"just words", "no feed"),
        (b'[{"id": "a"', "not JSON"),
        (b"id,title\n\xff\xfe\xfa\xff,\x81", "neither UTF-8"),
    ],
)
def test_a_file_that_is_no_feed_says_why(data: bytes, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        read(data)


def test_a_huge_cell_an_open_quote_and_a_broken_line_cost_one_row_each() -> None:
    huge = "x" * (LONGEST_CELL + 1)
    products, problems = read(f'id,title\na,A\nb,{huge}\nc,C\nd,D,more,cells\ne,"never closed\n')
    assert [p.id for p in products] == ["a", "c"]
    assert [p.row for p in problems] == [2, 4, 5]
    products, problems = read('{"id": "a", "title": "A"}\n{broken\n[1]\n{"id": "b", "title": "B"}\n')
    assert ([p.id for p in products], [p.row for p in problems]) == (["a", "b"], [2, 3])


def test_xml_that_breaks_off_keeps_what_came_before() -> None:
    products, problems = read(RSS[: RSS.index("<item><g:id>2")])
    assert (len(products), len(problems)) == (1, 1)
    assert "breaks off" in problems[0].reason


@given(st.text(max_size=300))
@settings(max_examples=80, deadline=None)
def test_any_text_is_either_a_feed_or_a_clear_refusal(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        products, problems = read(text.encode("utf-8", "surrogatepass"))
        assert all(p.id and p.title for p in products)
        assert all(p.row >= 1 and p.reason for p in problems)


@pytest.mark.parametrize(
    ("said", "amount"), [("12.99 EUR", "12.99"), ("EUR 12", "12"), ("1.299,00 EUR", "1299.00"), ("1299", "1299")]
)
def test_prices_are_read_as_shops_write_them(said: str, amount: str) -> None:
    assert money(said, "EUR") == {"amount": amount, "currency": "EUR"}


# --- writing ---------------------------------------------------------------------------------------------------------


def copied(*texts: tuple[str, str]) -> Copy:
    lines = tuple(CopyLine(field, text, "composer", check(text, Product("x", "x"))) for field, text in texts)
    return Copy("c", "k1", "google_rsa", "en", lines)


def outcomes(copy: Copy) -> Any:
    def of(row: Row) -> Outcome | None:
        if row.problem is not None:
            return Outcome(None, row.problem.reason)
        if row.product is None:
            return None
        return Outcome(copy, None, "https://shop.example/k", str(row.product["title"]), str(row.product["id"]))

    return of


def write_out(data: str, copy: Copy, format: Any = "same", channel: str = "google_rsa") -> str:
    out = io.StringIO(newline="")
    write(format, open_feed(data.encode()), outcomes(copy), out, channel=channel, counts={"headline": 2})
    return out.getvalue()


def test_every_column_stays_and_the_copy_comes_behind() -> None:
    rows = list(csv.reader(io.StringIO(write_out(CSV, copied(("headline", "One"), ("headline", "=Two"))))))
    assert rows[0][:5] == ["id", "title", "price", "fact:capacity", "note"]
    assert rows[0][5:7] == ["adloom_headline_1", "adloom_headline_2"]
    assert rows[1][:7] == ["k1", "Kettle", "49.00", "0.9 l", "mine", "One", "'=Two"]
    assert (rows[1][7], rows[2][7]) == ("done", "failed")
    assert len(rows) == 5


def test_shopify_copy_stands_in_the_first_row_of_a_product() -> None:
    rows = list(csv.DictReader(io.StringIO(write_out(SHOPIFY, copied(("headline", "One"))))))
    assert [row["adloom_headline_1"] for row in rows] == ["One", "", "One", ""]
    assert [row["Image Src"] for row in rows][:2] == ["https://x.example/1.jpg", "https://x.example/2.jpg"]


def test_json_lines_keep_their_keys() -> None:
    line = json.loads(write_out('{"id": "k1", "title": "Kettle", "mine": [1]}\n', copied(("headline", "One"))))
    assert (line["mine"], line["copy"]["headline"]) == ([1], ["One"])


def test_xml_stays_as_it_was_with_an_element_more_an_item() -> None:
    text = write_out(RSS, copied(("headline", "One & two")))
    assert text.count("<adloom:copy ") == 2
    assert "<adloom:headline>One &amp; two</adloom:headline></adloom:copy></item>" in text
    assert "<!-- </item> -->" in text
    products, _ = read(text)
    assert products[0].title == "Kettle & lid"


def test_google_ads_editor_gets_its_columns_and_nothing_that_runs() -> None:
    data = 'id,title\nk1,"=HYPERLINK(""x"")"\n'
    [row] = list(csv.DictReader(io.StringIO(write_out(data, copied(("headline", "One")), "google-ads-editor"))))
    assert (row["Headline 1"], row["Headline 15"], row["Ad type"], row["Status"]) == (
        "One",
        "",
        "Responsive search ad",
        "Paused",
    )
    assert row["Ad Group"].startswith("'=")
    assert row["Final URL"] == "https://shop.example/k"


def test_meta_gets_an_ad_for_each_variant_and_google_copy_is_refused_there() -> None:
    copy = copied(("headline", "A"), ("headline", "B"), ("primary_text", "T"))
    one = CSV[: CSV.index("k2")]
    rows = list(csv.DictReader(io.StringIO(write_out(one, copy, "meta", "meta_feed"))))
    assert [(row["Title"], row["Body"], row["Ad Status"]) for row in rows] == [
        ("A", "T", "PAUSED"),
        ("B", "T", "PAUSED"),
    ]
    with pytest.raises(InvalidInput, match="meta_feed"):
        write_out(CSV, copy, "meta", "google_rsa")


@given(st.text(alphabet="=+-@\t12,.%ab( ", min_size=1, max_size=8))
@settings(max_examples=120, deadline=None)
def test_no_cell_of_ours_can_begin_a_formula_and_numbers_stay(text: str) -> None:
    safe = neutral(text)
    assert safe in (text, f"'{text}")
    if safe == text and text.lstrip()[:1] in ("=", "@"):
        raise AssertionError(text)
    try:
        float(text)
    except ValueError:
        return
    assert safe.lstrip() == text.lstrip() or text[:1] in "\t"


@pytest.mark.parametrize("text", ["-4", "- soft and warm", "+49 30 1234", "-12.5 %", "@handle"])
def test_plain_cells_of_a_feed_are_left_alone(text: str) -> None:
    assert kept(text) == text


def test_ten_thousand_rows_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_text("id,title\n" + "".join(f"p{i},Mug {i}\n" for i in range(10_000)))
    rows: Iterator[Row] = open_feed(path).rows()
    assert next(rows).product == {"id": "p0", "title": "Mug 0"}
    assert sum(1 for _ in rows) == 9_999
