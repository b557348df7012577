"""Pages without a browser: who sees what, what is refused and how, what a result looks like when taken along."""

from __future__ import annotations

import csv
import io
import re
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service.arena import utc_now
from service.pages.sessions import LIFETIME_S, Seal
from service.pages.web import COOKIE, local_path
from service.records import Scope
from tests.service.pages.conftest import Grown


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, grown: Grown, key: str) -> None:
        self.client = TestClient(grown.shop.client.app, raise_server_exceptions=False, follow_redirects=False)
        self.signed_in = self.client.post("/login", data={"key": key})

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, **form: Any) -> Any:
        page = self.client.get("/tests/new").text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        return self.client.post(path, data={"csrf": token[1] if token else "", **form})


@pytest.fixture(scope="module")
def person(grown: Grown) -> Person:
    return Person(grown, grown.shop.key)


def key_with(grown: Grown, *scopes: Scope, workspace: str = "main") -> tuple[str, str]:
    key, text = grown.shop.services.ring.create(workspace, "somebody", scopes, utc_now())
    return key.id, text


def test_nobody_sees_a_page_without_signing_in(grown: Grown) -> None:
    stranger = TestClient(grown.shop.client.app, follow_redirects=False)
    for path in ("/", "/tests", "/tests/new", f"/tests/{grown.test.id}", f"/tests/{grown.test.id}/results.csv"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), path
    assert stranger.post("/login", data={"key": "adl_nonsense"}).status_code == 401


def test_the_cookie_names_the_key_but_never_carries_it(person: Person, grown: Grown) -> None:
    cookie = person.signed_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert grown.shop.key not in cookie


def test_a_session_ends_with_its_key(grown: Grown) -> None:
    id, text = key_with(grown, Scope.GROWTH)
    somebody = Person(grown, text)
    assert somebody.get("/tests").status_code == 200
    grown.shop.services.keys.revoke("main", id, utc_now())
    assert somebody.get("/tests").status_code == 303


def test_a_session_ends_with_its_time_and_a_bent_one_is_none() -> None:
    seal = Seal(b"secret of this test")
    _, cookie = seal.start("key", 1_000.0)
    assert seal.session(cookie, 1_000.0 + LIFETIME_S - 1) is not None
    assert seal.session(cookie, 1_000.0 + LIFETIME_S) is None
    assert seal.session(cookie[:-2] + "AA", 1_001.0) is None
    assert Seal(b"another secret").session(cookie, 1_001.0) is None
    assert seal.open("flash", cookie) is None  # signed for something else


def test_a_post_without_the_token_of_its_session_is_refused(person: Person, grown: Grown) -> None:
    for token in ("", "made-up"):
        answer = person.client.post(f"/tests/{grown.test.id}/pause", data={"csrf": token})
        assert answer.status_code == 403
        assert "out of date" in answer.text
    assert grown.shop.store.tests.get(grown.test.id).state == "running"


def test_another_site_cannot_sign_somebody_in(grown: Grown) -> None:
    client = TestClient(grown.shop.client.app, follow_redirects=False)
    answer = client.post("/login", data={"key": grown.shop.key}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_signing_in_leads_to_pages_of_ours_only() -> None:
    assert local_path("/tests/exp_1?x=2") == "/tests/exp_1?x=2"
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", None):
        assert local_path(elsewhere) == "/"


def test_a_key_opens_its_own_pages_only(grown: Grown) -> None:
    merchant = Person(grown, key_with(grown, Scope.MERCHANT)[1])
    refused = merchant.get("/tests")
    assert refused.status_code == 403
    assert "scope &#39;growth&#39;" in refused.text
    assert 'href="/tests"' not in refused.text  # nor is it in the navigation


def test_another_workspace_finds_nothing(grown: Grown) -> None:
    other = Person(grown, key_with(grown, Scope.ADMIN, workspace="elsewhere")[1])
    id = grown.test.id
    for path in (f"/tests/{id}", f"/tests/{id}/live", f"/tests/{id}/results.html", f"/tests/{id}/challengers"):
        assert other.get(path).status_code == 404, path
    picture = re.search(r'"(/small/192/[^"]+)"', Person(grown, grown.shop.key).get(f"/tests/{id}").text)
    assert picture is not None
    assert other.get(picture[1]).status_code == 404
    assert other.post(f"/tests/{id}/pause").status_code == 404
    assert grown.shop.store.tests.get(id).state == "running"
    assert "Nothing is tested yet" in other.get("/tests").text


def test_pages_are_kept_by_nobody_and_run_no_foreign_script(person: Person) -> None:
    answer = person.get("/tests")
    assert answer.headers["cache-control"] == "private, no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_static_files_are_kept_for_a_year_under_their_version(person: Person) -> None:
    page = person.get("/tests").text
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        answer = person.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"], path


def test_what_people_wrote_is_never_markup(grown: Grown, person: Person) -> None:
    hostile = '<script>alert("x")</script>'
    answer = person.post("/tests/new", name=hostile, creatives=[arm.id for arm in grown.plain.plan.arms])
    page = person.get(answer.headers["location"]).text
    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_a_form_that_is_refused_comes_back_as_it_was(grown: Grown, person: Person) -> None:
    chosen = [arm.id for arm in grown.plain.plan.arms][:2]
    answer = person.post("/tests/new", name="Mine", creatives=chosen, floor="300", holdout="10", loss="1")
    assert answer.status_code == 422
    assert "300 is not between 0 and 100" in answer.text
    assert 'value="Mine"' in answer.text
    assert answer.text.count(" checked>\n<img") == 2


def test_the_plan_says_how_long_it_takes_before_anything_starts(grown: Grown, person: Person) -> None:
    chosen = [arm.id for arm in grown.plain.plan.arms]
    asked = {"creatives": chosen, "rate": "2", "lift": "20", "traffic": "5000", "max_exposures": "100"}
    text = person.post("/tests/new/plan", **asked).text
    assert "days" in text
    assert "too early to be sure" in text


def test_a_refresh_with_nothing_new_is_empty(grown: Grown, person: Person) -> None:
    page = person.get(f"/tests/{grown.test.id}").text
    seen = re.search(r"/live\?seen=([0-9a-f]+)", page)
    assert seen is not None
    assert person.get(f"/tests/{grown.test.id}/live?seen={seen[1]}").status_code == 204
    assert 'id="live"' in person.get(f"/tests/{grown.test.id}/live?seen=other").text


def test_an_address_that_is_not_there_is_a_page_for_people_and_a_document_for_programs(person: Person) -> None:
    assert "<h1>Nothing here</h1>" in person.get("/nowhere", accept="text/html").text
    assert person.get("/v1/nowhere", accept="text/html").json()["status"] == 404
    assert person.get("/nowhere", accept="application/json").json()["status"] == 404


def test_stopping_for_good_cannot_be_undone_and_says_so(grown: Grown, person: Person) -> None:
    chosen = [arm.id for arm in grown.plain.plan.arms]
    place = person.post("/tests/new", name="Short", creatives=chosen).headers["location"]
    assert person.post(f"{place}/start").status_code == 303
    assert person.post(f"{place}/stop").status_code == 303
    refused = person.post(f"{place}/start")
    assert refused.status_code == 409
    assert "Not in this state" in refused.text


# --- results to take along ---------------------------------------------------------------------------------------


def results(grown: Grown, **ask: Any) -> Any:
    headers = {"X-API-Key": grown.shop.key, **ask.pop("headers", {})}
    return grown.shop.client.get(f"/v1/experiments/{grown.test.id}/results", headers=headers, params=ask)


def test_a_result_comes_in_the_format_that_was_asked_for(grown: Grown) -> None:
    assert results(grown).headers["content-type"] == "application/json"
    assert results(grown, headers={"Accept": "text/csv"}).headers["content-type"].startswith("text/csv")
    assert results(grown, format="png").content[:8] == b"\x89PNG\r\n\x1a\n"
    assert results(grown, format="html", headers={"Accept": "text/csv"}).text.startswith("<!doctype html>")
    assert results(grown, format="pdf").status_code == 422


def test_table_and_document_agree(grown: Grown) -> None:
    document = results(grown).json()["result"]
    rows = list(csv.DictReader(io.StringIO(results(grown, format="csv").text)))
    assert {row["arm"]: int(row["exposures"]) for row in rows} == {
        arm["arm"]: int(arm["exposures"]) for arm in document["arms"]
    }


def test_the_report_to_mail_asks_for_nothing_and_runs_nothing(grown: Grown) -> None:
    text = results(grown, format="html").text
    assert "<script" not in text
    assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)"', text))
    assert "url(" not in text
    assert "@import" not in text
    assert "Which words for the mug" in text


def test_the_command_writes_the_same_page(grown: Grown, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.cli import app

    monkeypatch.setenv("ADLOOM_DATA_DIR", str(grown.shop.services.settings.data_dir))
    out = tmp_path / "result.html"
    done = CliRunner().invoke(app, ["results", grown.test.id, "--format", "html", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "Which words for the mug" in out.read_text("utf-8")
    listed = CliRunner().invoke(app, ["results", "--json"])
    assert grown.test.id in listed.stdout


def test_a_session_past_half_its_life_is_renewed(grown: Grown) -> None:
    somebody = Person(grown, grown.shop.key)
    app: Any = grown.shop.client.app
    seal = app.state.page_seal
    session = seal.session(somebody.client.cookies[COOKIE], time.time())
    _, old = seal.start(session.key_id, time.time() - 0.6 * LIFETIME_S)
    somebody.client.cookies.clear()
    assert COOKIE in somebody.get("/tests", cookie=f"{COOKIE}={old}").headers.get("set-cookie", "")
