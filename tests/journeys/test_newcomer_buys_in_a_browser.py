"""The same main job in Chromium on a small phone, by what a person sees: labels, buttons, links."""

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.test_newcomer_buys import CARD, SHOPPER, STAFF

pytestmark = pytest.mark.browser


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 360, "height": 800}, "locale": "ko-KP", "has_touch": True}


def sign_in(page: Page, base: str, who: dict[str, str]) -> None:
    page.goto(f"{base}/sign-in/")
    page.get_by_label("손전화번호").fill(who["phone"])
    page.get_by_label("가입암호").fill(who["password"])
    page.get_by_role("button", name="들어가기").click()


def buy_two_bowls(page: Page, base: str) -> str:
    """From the search field to the paid order, by labels and buttons alone; the order's code."""
    sign_in(page, base, SHOPPER)
    # A search box, and with scripts a combo box that suggests.
    wanted = page.get_by_role("search").locator("input[name=q]").first
    wanted.fill("평양랭면")
    wanted.press("Enter")
    page.get_by_role("main").get_by_role("link", name="평양랭면").first.click()
    page.get_by_label("수량").select_option("2")
    page.get_by_role("button", name="구입바구니에 담기").click()
    expect(page).to_have_url(f"{base}/cart/")
    page.get_by_role("link", name="주문하러 가기").locator("visible=true").first.click()
    page.get_by_role("button", name="주문하고 지불로").click()
    expect(page.get_by_role("main")).to_contain_text("860원")
    page.get_by_label("전자결제카드번호").fill(CARD["card"])
    page.get_by_label("카드암호").fill(CARD["pin"])
    page.get_by_role("button", name="860원 지불").click()
    expect(page.get_by_role("main")).to_contain_text("지불을 받았습니다")
    code = re.search(r"/orders/(\w+)/$", page.url)
    assert code, page.url
    return code[1]


def fits(page: Page) -> bool:
    """No sideways scrolling at this width."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def deliver(page: Page, base: str, code: str) -> None:
    """Confirm, ready, dispatch, deliver: each by the parcel's own link in the admin, then yes."""
    sign_in(page, base, STAFF)
    for deed in ("confirm", "ready", "dispatch", "deliver"):
        page.goto(f"{base}/admin/orders/parcel/?q={code}")
        page.get_by_role("link", name=f"{code[:4]}-{code[4:]}/1").first.click()
        page.locator(f'a[href$="/{deed}/"]').first.click()
        page.get_by_role("button", name="예, 하겠습니다").click()
        page.wait_for_load_state()


def test_a_newcomer_buys_on_a_phone_and_the_bureau_delivers(
    page: Page, context: BrowserContext, demo_shop: str
) -> None:
    code = buy_two_bowls(page, demo_shop)
    assert fits(page)
    page.get_by_role("link", name="령수증").click()
    expect(page.get_by_role("main")).to_contain_text("860원")
    context.clear_cookies()
    deliver(page, demo_shop, code)
    context.clear_cookies()
    sign_in(page, demo_shop, SHOPPER)
    page.goto(f"{demo_shop}/orders/{code}/")
    expect(page.get_by_role("main")).to_contain_text("넘겨줌")


@pytest.mark.parametrize("java_script_enabled", [False])
def test_the_same_without_javascript(browser: Any, demo_shop: str, java_script_enabled: bool) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 800}, locale="ko-KP", java_script_enabled=java_script_enabled
    )
    buy_two_bowls(context.new_page(), demo_shop)
    context.close()
