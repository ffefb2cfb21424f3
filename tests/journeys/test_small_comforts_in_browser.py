"""What the one script adds in a real browser: the cart's count, one sending a form, focus on what is wrong."""

from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer


def test_the_cart_count_comes_from_its_cookie(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/about/")
    badge = page.locator(".tabbar [data-cart-count]")
    assert badge.is_hidden()
    for value, shown in [("3", "3"), ("<b>9", None), ("0", None), ("12", "12")]:
        page.evaluate("value => { document.cookie = 'cart_count=' + value + '; path=/'; }", value)
        page.reload()
        assert badge.is_visible() == (shown is not None)
        assert badge.text_content() == (shown or "")


def test_a_second_press_sends_nothing_until_the_page_comes_back(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/about/")
    refused = page.evaluate(
        """() => {
            const form = document.createElement('form');
            form.setAttribute('data-once', '');
            document.body.appendChild(form);
            const press = () => !form.dispatchEvent(new Event('submit', {bubbles: true, cancelable: true}));
            const answers = [press(), press()];
            window.dispatchEvent(new Event('pageshow'));
            return [...answers, press()];
        }"""
    )
    assert refused == [False, True, False]


def test_focus_starts_at_what_is_wrong(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/sign-in/")
    page.locator("main form").evaluate("form => { form.noValidate = true; }")
    page.locator("main form button").click()
    page.wait_for_selector("[role=alert]")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    page.locator("[role=alert] a").first.click()
    assert page.evaluate("document.activeElement.name") == "phone"


def test_a_page_can_be_left_for_the_other_language_and_back(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/about/")
    page.get_by_role("button", name="English").click()
    assert page.url == f"{live_server.url}/about/"
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("button", name="조선어").click()
    assert page.locator("html").get_attribute("lang") == "ko-KP"
