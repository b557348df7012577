"""The client for Python programs, against a real application."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest
from starlette.testclient import TestClient

from service.clients.adloom_client import Adloom, AdloomError, Event, Retry
from tests.service.conftest import Shop, png


class Through(httpx.BaseTransport):
    """Hands requests to the application under test, after the faults it was given."""

    def __init__(self, client: TestClient, *faults: int | Exception) -> None:
        self.client, self.faults, self.seen = client, list(faults), list[httpx.Request]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return httpx.Response(fault, headers={"Retry-After": "3"}, json={"detail": "busy"})
        body = request.read()
        reply = self.client.request(
            request.method, str(request.url.copy_with(host="testserver")), content=body, headers=dict(request.headers)
        )
        return httpx.Response(reply.status_code, headers=dict(reply.headers), content=reply.content)


def client_of(shop: Shop, key: str, *faults: int | Exception, attempts: int = 4) -> tuple[Adloom, Through, list[float]]:
    through, slept = Through(shop.client, *faults), list[float]()
    return (
        Adloom("http://testserver", key, transport=through, sleep=slept.append, retry=Retry(attempts)),
        through,
        slept,
    )


def test_a_program_decides_and_reports_and_a_repeat_counts_once(shop: Shop) -> None:
    test = shop.running_test("Python one", "Python two")
    client, _, _ = client_of(shop, test["publishable_key"])
    choice = client.decide(test["id"], visitor="42")
    assert choice.creative.headline in ("Python one", "Python two")
    assert 0 < choice.propensity <= 1
    event = Event.of(choice, "clicked")
    assert client.report([event]).accepted == 1
    told = client.report([event, Event.of("nobody", "clicked", id="x")])
    assert (told.accepted, told.duplicate) == (0, 1)
    assert [(refused.event.decision, refused.reason) for refused in told.refused] == [("nobody", "unknown")]


def test_many_decisions_come_in_order_and_in_groups(shop: Shop) -> None:
    test = shop.running_test("Batch one", "Batch two")
    client, through, _ = client_of(shop, test["publishable_key"])
    assert (
        len({choice.id for choice in client.decide_many(test["id"], [{"visitor": str(i)} for i in range(501)])}) == 501
    )
    assert len(through.seen) == 2


def test_a_busy_service_is_asked_again_after_the_time_it_names(shop: Shop) -> None:
    test = shop.running_test("Busy one", "Busy two")
    client, through, slept = client_of(shop, test["publishable_key"], 503, 429)
    assert client.decide(test["id"]).arm
    assert len(through.seen) == 3
    assert slept == [3.0, 3.0]  # Retry-After, longer than the backoff


def test_a_decision_that_may_have_arrived_is_not_asked_for_twice(shop: Shop) -> None:
    client, through, _ = client_of(shop, "pk_x", httpx.ReadTimeout("no answer"))
    with pytest.raises(AdloomError, match="no answer"):
        client.decide("ex_1")
    assert len(through.seen) == 1


def test_events_are_sent_again_with_the_same_ids_after_a_lost_answer(shop: Shop) -> None:
    test = shop.running_test("Lost one", "Lost two")
    client, through, _ = client_of(shop, test["publishable_key"])
    choice = client.decide(test["id"])
    through.faults.append(httpx.ReadError("cut off"))
    assert client.report([Event.of(choice, "converted", value=24.9)]).accepted == 1
    assert through.seen[-1].read() == through.seen[-2].read()


def test_a_refusal_carries_the_problem_and_is_not_repeated(shop: Shop) -> None:
    client, through, _ = client_of(shop, "pk_wrong")
    with pytest.raises(AdloomError) as refusal:
        client.decide("ex_1")
    assert refusal.value.status == 401
    assert refusal.value.problem["status"] == 401
    assert len(through.seen) == 1


def test_giving_up_says_why(shop: Shop) -> None:
    client, through, slept = client_of(shop, "pk_x", *[httpx.ConnectError("refused")] * 3, attempts=3)
    with pytest.raises(AdloomError, match="refused"):
        client.decide("ex_1")
    assert len(through.seen) == 3
    assert slept == sorted(slept)  # ever longer


def test_products_photographs_and_lists_go_through_the_same_door(shop: Shop) -> None:
    client, _, _ = client_of(shop, shop.key)
    for n in range(3):
        client.put_product({"id": f"client-{n}", "title": f"Thing {n}"})
    assert client.put_photo("client-0", "front.png", png())["photos"]
    ids = {product["id"] for product in client.pages("/v1/products", limit=2)}
    assert {"client-0", "client-1", "client-2"} <= ids


def test_a_time_without_a_zone_is_refused_before_it_is_sent(shop: Shop) -> None:
    client, through, _ = client_of(shop, "pk_x")
    with pytest.raises(ValueError, match="time zone"):
        client.report([Event.of("d", "clicked", at=datetime(2026, 1, 1))])
    assert through.seen == []
