"""Help, about, robots."""

import pytest
from django.test import Client

from tests.factories import DistrictFactory, ZoneFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/help/", "/about/"])
@pytest.mark.parametrize("language", ["ko-kp", "en"])
def test_pages_for_everyone(client: Client, path: str, language: str) -> None:
    client.cookies["language"] = language
    page = client.get(path)
    assert page.status_code == 200
    assert not page.cookies
    assert "csrf" not in page.content.decode()
    assert page.headers["Cache-Control"] == "private"
    assert "Cookie" in page.headers["Vary"]
    assert client.post(path).status_code == 405


def test_help_tells_the_fees_of_the_districts(client: Client) -> None:
    DistrictFactory()
    DistrictFactory(slug="sosong", name_en="Sosong District", zone=ZoneFactory(code="B"), fee=150, position=1)
    DistrictFactory(slug="sadong", name_en="Sadong District", zone=ZoneFactory(code="C"), fee=220, position=2)
    DistrictFactory(slug="sinuiju", name_en="Sinuiju", zone=None, fee=None, position=3)
    client.cookies["language"] = "en"
    page = client.get("/help/").content.decode()
    for text in (
        "100 won",
        "400 won",
        "any sum",
        "150 won",
        "from 1,000 won",
        "220 won",
        "880 won",
        "not brought there",
    ):
        assert text in page, text
    assert "Sinuiju" not in page
    assert "191-900-0002" in page
    for anchor in ("delivery", "paying", "returns", "card", "password"):
        assert f'id="{anchor}"' in page


def test_few_queries(client: Client, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        client.get("/help/")


def test_robots(client: Client) -> None:
    page = client.get("/robots.txt")
    assert page.headers["Content-Type"].startswith("text/plain")
    assert "Disallow: /orders/\n" in page.content.decode()
