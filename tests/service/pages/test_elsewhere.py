"""The page of what platforms report: brought in, shown apart, taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.service.conftest import Shop, open_shop
from tests.service.test_statistics import GOOGLE


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    for shop in open_shop(tmp_path_factory.mktemp("elsewhere")):
        page = shop.client.get("/login")
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        form = {"key": shop.key, **({"csrf": token.group(1)} if token else {})}
        assert shop.client.post("/login", data=form, follow_redirects=True).status_code == 200
        yield shop


def post(shop: Shop, path: str, **more: object) -> str:
    token = re.search(r'name="csrf" value="([^"]+)"', shop.client.get("/tests/elsewhere").text)
    assert token
    reply = shop.client.post(path, data={"csrf": token.group(1), **more.pop("data", {})}, follow_redirects=True, **more)  # type: ignore[arg-type, dict-item]
    return str(reply.text).replace("\xa0", " ")


def test_a_table_is_brought_in_shown_as_no_experiment_and_taken_back(signed_in: Shop) -> None:
    empty = signed_in.client.get("/tests/elsewhere")
    assert empty.status_code == 200
    assert "Bring in a table" in empty.text
    page = post(signed_in, "/tests/elsewhere/upload", files={"file": ("ads.csv", GOOGLE.encode(), "text/csv")})
    assert "3 rows of Google Ads kept, 2026-03-01 to 2026-03-02." in page
    assert "Not an experiment." in page
    assert "cr_0123456789abcdef" in page
    undo = re.search(r'action="(/tests/elsewhere/forget[^"]+)"', page)
    assert undo
    assert "3 rows removed." in post(signed_in, undo.group(1).replace("&amp;", "&"))


def test_a_file_that_cannot_be_read_says_why_in_the_same_look(signed_in: Shop) -> None:
    page = post(signed_in, "/tests/elsewhere/upload", files={"file": ("x.csv", b"hello", "text/csv")})
    assert "no header" in page
    assert "<nav" in page


def test_an_advert_with_markup_in_its_name_stays_text(signed_in: Shop) -> None:
    table = GOOGLE.replace("Loud", "<script>alert(1)</script>")
    page = post(signed_in, "/tests/elsewhere/upload", files={"file": ("ads.csv", table.encode(), "text/csv")})
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
