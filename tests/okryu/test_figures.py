"""The figures are counted for real, cost nothing and know nobody."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from okryu import calendar
from okryu.figures import counting, reading, teaser
from okryu.figures.closing import close_days
from okryu.figures.counting import Tally, device_of
from okryu.figures.models import DailyCategoryViews, DailyFigures, DailySalt, DailyViews, DailyVisitor, Device, Page
from orders.models import DeliverySlot, Order, OrderLine, Parcel
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory, ZoneFactory

PHONE = "Mozilla/5.0 (Linux; Android 5.1; Pyongyang 2407) AppleWebKit/537.36 Chrome/49.0 Mobile Safari/537.36"
COMPUTER = "Mozilla/5.0 (X11; Linux i686; rv:52.0) Gecko/20100101 Firefox/52.0"


@pytest.fixture(autouse=True)
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    """Each test counts into a tally of its own."""
    fresh = Tally()
    monkeypatch.setattr(counting, "tally", fresh)
    return fresh


def _today() -> date:
    return calendar.local_day(timezone.now())


# ---------------------------------------------------------------- counting


@pytest.mark.django_db
def test_views_are_counted_by_page_and_device(client: Client, tally: Tally) -> None:
    client.get("/help/", HTTP_USER_AGENT=PHONE)
    client.get("/help/", HTTP_USER_AGENT=PHONE)
    client.get("/about/", HTTP_USER_AGENT=COMPUTER)
    client.get("/figures/", HTTP_USER_AGENT=COMPUTER)
    tally.flush()
    client.get("/help/", HTTP_USER_AGENT=PHONE)
    tally.flush()
    tally.flush()
    rows = set(DailyViews.objects.values_list("day", "page", "device", "views"))
    today = _today()
    assert rows == {
        (today, Page.HELP, Device.PHONE, 3),
        (today, Page.HELP, Device.COMPUTER, 1),
        (today, Page.FIGURES, Device.COMPUTER, 1),
    }


@pytest.mark.django_db
def test_no_cookie_is_set_and_no_query_added(client: Client, django_assert_num_queries: Any) -> None:
    assert not client.get("/about/").cookies
    with django_assert_num_queries(0):
        response = client.get("/about/")
    assert "session" not in response.headers.get("Set-Cookie", "")


@pytest.mark.django_db
def test_a_visitor_counts_once_a_day_and_is_not_stored(client: Client, tally: Tally) -> None:
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        client.get("/help/", REMOTE_ADDR=address, HTTP_USER_AGENT=PHONE)
    client.get("/help/", REMOTE_ADDR="10.0.0.1", HTTP_USER_AGENT=COMPUTER)
    tally.flush()
    client.get("/help/", REMOTE_ADDR="10.0.0.1", HTTP_USER_AGENT=PHONE)
    tally.flush()
    digests = [bytes(visitor.digest) for visitor in DailyVisitor.objects.all()]
    assert len(digests) == 3
    assert {len(digest) for digest in digests} == {16}
    salt = bytes(DailySalt.objects.get().salt)
    assert len(salt) == 32
    assert not any(b"10.0.0" in digest for digest in digests)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "visit",
    [
        ("head", "/help/", PHONE, 200),
        ("post", "/help/", PHONE, 405),
        ("get", "/no-such-page/", PHONE, 404),
        ("get", "/account/", PHONE, 302),
        ("get", "/robots.txt", PHONE, 200),
        ("get", "/help/", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 200),
        ("get", "/help/", "ShopSpider/1.0", 200),
        ("post", "/sign-in/", PHONE, 422),
    ],
)
def test_what_is_not_a_persons_page_view(client: Client, tally: Tally, visit: tuple[str, str, str, int]) -> None:
    method, path, agent, status = visit
    assert getattr(client, method)(path, HTTP_USER_AGENT=agent).status_code == status
    tally.flush()
    assert not DailyViews.objects.exists()


@pytest.mark.django_db
def test_staff_pages_and_pages_fetched_ahead_are_not_counted(client: Client, tally: Tally) -> None:
    client.force_login(StaffFactory())
    assert client.get("/admin/").status_code == 200
    client.get("/help/", HTTP_SEC_PURPOSE="prefetch;prerender")
    tally.flush()
    assert not DailyViews.objects.exists()


@pytest.mark.django_db
def test_views_of_a_product_count_for_its_category(rf: Any, tally: Tally) -> None:
    product = ProductFactory()
    for name, kwargs in [
        ("catalog:product", {"product_id": product.pk, "slug": product.slug}),
        ("catalog:product", {"product_id": 10**9, "slug": "gone"}),
        ("catalog:category", {"slug": "dishes"}),
        ("catalog:category", {"slug": "gone"}),
    ]:
        request = rf.get("/")
        request.resolver_match = mock.Mock(view_name=name, kwargs=kwargs)
        tally.count(request, Page.PRODUCT)
    tally.flush()
    assert DailyCategoryViews.objects.get().views == 2
    assert DailyCategoryViews.objects.get().category == product.category


@pytest.mark.django_db
def test_a_flush_is_few_statements_whatever_the_batch(
    client: Client, tally: Tally, django_assert_max_num_queries: Any
) -> None:
    for number in range(200):
        client.get("/help/" if number % 2 else "/about/", REMOTE_ADDR=f"10.0.0.{number}", HTTP_USER_AGENT=PHONE)
    with django_assert_max_num_queries(8):
        tally.flush()
    assert DailyVisitor.objects.count() == 200


@pytest.mark.django_db
def test_what_cannot_be_written_is_kept(client: Client, tally: Tally) -> None:
    client.get("/help/")
    with mock.patch("okryu.figures.counting.write", side_effect=DatabaseError("away")):
        tally.flush()
    client.get("/help/")
    tally.flush()
    assert DailyViews.objects.get().views == 2


@pytest.mark.django_db
def test_a_page_never_fails_over_its_count(client: Client, tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "count", mock.Mock(side_effect=ZeroDivisionError))
    assert client.get("/about/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (PHONE, Device.PHONE),
        (COMPUTER, Device.COMPUTER),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/4.2)", Device.PHONE),
        ("", Device.COMPUTER),
        ("curl/8.0\0" * 100, Device.COMPUTER),
    ],
)
def test_devices(agent: str, device: Device) -> None:
    assert device_of(agent) == device


@pytest.mark.django_db(transaction=True)
def test_a_thread_writes_by_itself_and_leaves_no_connection(
    client: Client, tally: Tally, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIGURES_FLUSH_SECONDS = 0.05
    monkeypatch.setattr("atexit.register", lambda function: None)
    client.get("/help/")
    written = threading.Event()

    def look() -> None:
        while not DailyViews.objects.exists():
            written.wait(0.02)
        written.set()
        connection.close()

    looking = threading.Thread(target=look)
    looking.start()
    looking.join(timeout=10)
    client.get("/help/")
    tally.stop()
    assert DailyViews.objects.get().views == 2
    until = time.monotonic() + 5  # the server takes a moment to see a connection closed
    while _connections() > 1 and time.monotonic() < until:
        time.sleep(0.02)
    assert _connections() == 1


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_many_threads_lose_no_view(tally: Tally) -> None:
    def views(_: int) -> None:
        client = Client()
        for _again in range(5):
            assert client.get("/about/").status_code == 200
        tally.flush()
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(views, range(8)))
    tally.flush()
    assert DailyViews.objects.get().views == 40


# ---------------------------------------------------------------- closing days


@pytest.mark.django_db
def test_closing_keeps_the_number_and_forgets_the_people(client: Client, tally: Tally) -> None:
    client.get("/help/", REMOTE_ADDR="10.0.0.1")
    client.get("/help/", REMOTE_ADDR="10.0.0.2")
    tally.flush()
    assert close_days(before=_today()) == 0, "today stays open"
    tomorrow = _today() + timedelta(days=1)
    assert close_days(before=tomorrow) == 1
    assert close_days(before=tomorrow) == 0
    assert DailyFigures.objects.get().visitors == 2
    assert not DailySalt.objects.exists()
    assert not DailyVisitor.objects.exists()
    client.get("/help/", REMOTE_ADDR="10.0.0.1")
    tally.flush()
    assert not DailySalt.objects.exists(), "a closed day gets no second salt"
    assert DailyViews.objects.get().views == 3


@pytest.mark.django_db
def test_the_same_visitor_has_another_digest_the_next_day(tally: Tally, rf: Any) -> None:
    request = rf.get("/", HTTP_USER_AGENT=PHONE)
    request.resolver_match = None
    for day in (1, 2):
        with mock.patch("okryu.figures.counting.timezone.now", return_value=calendar.at(date(2026, 11, day), 12)):
            tally.count(request, Page.HOME)
    tally.flush()
    first, second = DailyVisitor.objects.order_by("day")
    assert bytes(first.digest) != bytes(second.digest)


@pytest.mark.django_db
def test_the_command_says_how_many_days_it_closed(capsys: pytest.CaptureFixture[str]) -> None:
    DailySalt.objects.create(day=_today() - timedelta(days=1), salt=b"x" * 32)
    call_command("close_figures")
    assert capsys.readouterr().out == "Days closed: 1\n"


# ---------------------------------------------------------------- reading

NOON = calendar.at(date(2026, 11, 24), 12)


def _parcel(
    user: User,
    *,
    paid_at: datetime,
    delivered_at: datetime | None = None,
    promised_until: datetime,
    status: str = "delivered",
    quantity: int = 2,
    product: Any = None,
) -> Parcel:
    """A paid order of one parcel: `quantity` bowls of 380 won."""
    product = product or ProductFactory()
    total = 380 * quantity
    order = Order.objects.create(
        user=user,
        checkout_token=uuid4(),
        status="paid",
        paid_at=paid_at,
        placed_at=paid_at,
        recipient_name=user.name,
        recipient_phone=user.phone,
        goods_total=total,
        delivery_total=100,
        total=total + 100,
    )
    slot, _ = DeliverySlot.objects.get_or_create(
        zone=ZoneFactory(), day=paid_at.date(), start_hour=10, end_hour=12, vehicle="motorbike", capacity=8
    )
    parcel = Parcel.objects.create(
        order=order,
        number=1,
        seller=product.seller,
        status=status,
        method="delivery",
        slot=slot,
        weight_g=900,
        promised_from=promised_until - timedelta(hours=2),
        promised_until=promised_until,
        fee=100,
        goods_total=total,
        confirmed_total=total,
        commission_bp=0,
        captured_at=paid_at + timedelta(minutes=30),
        delivered_at=delivered_at,
    )
    OrderLine.objects.create(
        parcel=parcel,
        variant=product.variants.get(),
        name_ko_kp=product.name_ko_kp,
        unit_ko_kp="그릇",
        sku="SKU",
        unit_price=380,
        quantity=quantity,
        confirmed_quantity=quantity,
        line_total=total,
    )
    return parcel


@pytest.fixture
def no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's frame asks for no categories: what is counted is the page's own."""
    monkeypatch.setattr("okryu.context.top_categories", lambda request, language: [])


@pytest.fixture
def a_few_days(db: None, no_frame: None) -> None:
    """Two members; yesterday one parcel in time, one late; one overdue on its way; one of today."""
    User.objects.all().delete()
    first, second = UserFactory(), UserFactory()
    User.objects.filter(pk=first.pk).update(joined_at=NOON - timedelta(days=90))
    User.objects.filter(pk=second.pk).update(joined_at=NOON - timedelta(days=1))
    StaffFactory()
    yesterday = NOON - timedelta(days=1)
    hour = timedelta(hours=1)
    product = ProductFactory()
    for user, paid_at, delivered_at, promised_until, status in [
        (first, yesterday, yesterday + 2 * hour, yesterday + 2 * hour, "delivered"),
        (first, yesterday, yesterday + 4 * hour, yesterday + 3 * hour, "delivered"),
        (second, yesterday, None, NOON - hour, "dispatched"),
        (second, NOON - hour, None, NOON + hour, "confirmed"),
        (first, NOON - timedelta(days=40), NOON - timedelta(days=40) + hour, NOON, "delivered"),
    ]:
        _parcel(
            user,
            paid_at=paid_at,
            delivered_at=delivered_at,
            promised_until=promised_until,
            status=status,
            product=product,
        )
    DailyViews.objects.create(day=NOON.date(), page="home", device="phone", views=91)
    DailyViews.objects.create(day=NOON.date(), page="home", device="computer", views=9)
    DailyCategoryViews.objects.create(day=NOON.date(), category=product.category, views=50)
    inside = CategoryFactory(slug="noodles", name_ko_kp="국수", parent=product.category)
    DailyCategoryViews.objects.create(day=NOON.date(), category=inside, views=7)
    DailyFigures.objects.create(day=NOON.date() - timedelta(days=1), visitors=12)
    DailyVisitor.objects.create(day=NOON.date(), digest=b"x" * 16)


def test_the_tables_are_read_right(a_few_days: None) -> None:
    found = reading.read(30, NOON)
    assert len(found.days) == 30
    assert (found.promises, found.promises_kept, found.kept_percent) == (3, 1, 33.3)
    assert found.hours_to_door == 3.0
    today, yesterday = found.today, found.days[-2]
    assert (today.orders, today.sales, today.views, today.visitors) == (1, 760, 100, 1)
    assert (yesterday.orders, yesterday.sales, yesterday.visitors) == (3, 2280, 12)
    assert (today.members, today.new_members, yesterday.members, yesterday.new_members) == (2, 0, 2, 1)
    assert found.days[-3].members == 1
    assert (found.orders, found.sales, found.phone_percent) == (4, 3040, 91.0)
    assert [(category.name_ko_kp, category.views, category.sales) for category in found.categories] == [
        ("료리", 57, 3040)
    ]
    assert reading.read(60, NOON).orders == 5


def test_the_home_page_says_the_same(a_few_days: None) -> None:
    whole, line = reading.read(30, NOON), teaser.read_teaser(NOON)
    for name in ("promises", "promises_kept", "kept_percent", "views", "phone_percent", "orders", "sales"):
        assert getattr(line, name) == getattr(whole, name), name
    assert line.sellers == 1


def test_few_statements_and_none_within_the_minute(
    client: Client, a_few_days: None, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(8):
        reading.read(60, NOON)
    cache.clear()
    with django_assert_max_num_queries(8):
        page = client.get("/figures/")
    assert not page.cookies
    with django_assert_num_queries(0):
        client.get("/figures/")
    with django_assert_num_queries(1):
        assert teaser.teaser()
    with django_assert_num_queries(0):
        assert teaser.teaser()


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["ko-kp", "en"])
@pytest.mark.parametrize("days", ["", "60", "0", "-1", "x", "9" * 30, "30\0"])
def test_the_page_stands_empty_and_with_any_address(client: Client, language: str, days: str) -> None:
    client.cookies["language"] = language
    page = client.get("/figures/", {"days": days})
    assert page.status_code == 200
    assert page.context["days"] == (60 if days == "60" else 30)
    text = page.content.decode()
    assert text.count('<svg class="chart"') == 5
    assert text.count("<desc") == 5
    assert "no-store" not in page.headers["Cache-Control"]
    assert client.post("/figures/").status_code == 405


def test_the_page_shows_the_numbers(client: Client, a_few_days: None) -> None:
    with mock.patch("okryu.figures.reading.timezone.now", return_value=NOON):
        client.cookies["language"] = "en"
        page = client.get("/figures/").content.decode()
    for text in ("33.3%", "1 of 3", "91.0% on phones", "3,040 won", "in 3.0 hours", "Dishes"):
        assert text in page, text


def test_the_teaser_is_silent_without_a_database() -> None:
    with mock.patch("okryu.figures.teaser.read_teaser", side_effect=DatabaseError):
        assert teaser.teaser() is None
