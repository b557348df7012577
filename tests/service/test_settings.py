"""Settings that turn into something others see."""

from __future__ import annotations

import pytest

from service.settings import Settings


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"host": "0.0.0.0", "port": 8000}, "http://127.0.0.1:8000"),
        ({"host": "10.1.2.3", "port": 9000}, "http://10.1.2.3:9000"),
        ({"host": "0.0.0.0", "public_url": "https://ads.shop.example/"}, "https://ads.shop.example"),
    ],
)
def test_links_lead_to_an_address_that_can_be_reached(given: dict[str, object], address: str) -> None:
    assert Settings.model_validate(given).address == address
