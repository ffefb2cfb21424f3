"""The frame of every page in a real browser, on a small smartphone."""

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer


@pytest.mark.parametrize("path", ["/", "/about/", "/help/", "/sign-in/"])
def test_a_page_stands_alone_and_fits(page: Page, live_server: LiveServer, path: str) -> None:
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(live_server.url + path)
    assert page.locator("html").get_attribute("lang") == "ko-KP"
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert hosts == {live_server.url.split("/")[2]}
    assert complaints == []
