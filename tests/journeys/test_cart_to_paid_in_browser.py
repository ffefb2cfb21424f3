"""A returning shopper's purchase in a browser: how many pages load and how often a finger touches the glass."""

import pytest

from accounts.models import Address
from orders.models import Order
from payments.models import MemberCard
from tests.factories import PASSWORD, NeighbourhoodFactory, ProductFactory, UserFactory
from tests.orders.paid import PIN, issued

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST_LOADS, MOST_TAPS = 3, 12


class Finger:
    """Taps, and counts them and the pages that load."""

    def __init__(self, page):
        self.page = page
        self.taps = self.loads = 0
        page.on("load", self._loaded)

    def _loaded(self, _page):
        self.loads += 1

    def tap(self, what):
        self.taps += 1
        what.click()

    def write(self, label, text):
        """A tap into the field; the digits are typed on the telephone's own keys."""
        field = self.page.get_by_label(label)
        self.tap(field)
        field.press_sequentially(text)


def test_from_the_cart_to_paid(live_server, page):
    shopper = UserFactory(phone="1912345678")
    Address.objects.create(
        user=shopper,
        recipient_name=shopper.name,
        recipient_phone=shopper.phone,
        neighbourhood=NeighbourhoodFactory(),
        building="3동",
        is_default=True,
    )
    _card, presented = issued(100_000)
    MemberCard.objects.create(user=shopper, token="00000000-0000-0000-0000-000000000001", last4=presented.number[-4:])
    shopper.fix_name()
    product = ProductFactory()

    page.goto(f"{live_server.url}/sign-in/")
    page.fill("input[name=phone]", shopper.phone)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.goto(live_server.url + product.get_absolute_url())
    page.locator("form[action='/cart/lines/'] button").first.click()
    page.goto(f"{live_server.url}/cart/")

    finger = Finger(page)
    finger.tap(page.locator("main a[href='/checkout/']").first)
    page.wait_for_url("**/checkout/")
    finger.tap(page.locator("button[name=place]"))
    page.wait_for_url("**/payment/")
    finger.write("카드번호", presented.number)
    finger.write("카드암호", PIN)
    finger.tap(page.locator("main form button").last)
    page.wait_for_url("**/orders/*/")
    page.wait_for_load_state("load")
    assert Order.objects.get().status == "paid"
    assert finger.loads <= MOST_LOADS
    assert finger.taps <= MOST_TAPS
    assert finger.taps == 5
