"""Planned markdowns and what prices were before them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from catalog.markdowns import apply_markdowns, covered
from catalog.models import Markdown, PriceRecord, ProductVariant
from tests.factories import CategoryFactory, ProductFactory, SellerFactory, UserFactory

pytestmark = pytest.mark.django_db
EN = {"HTTP_ACCEPT_LANGUAGE": "en"}
DAY = timedelta(days=1)


def planned(percent: int = 20, *, begins: int = -1, ends: int = 5, **scope: Any) -> Markdown:
    """A plan from so many days from now until so many."""
    now = timezone.now()
    return Markdown.objects.create(percent=percent, starts_at=now + begins * DAY, ends_at=now + ends * DAY, **scope)


def fresh(variant: ProductVariant) -> ProductVariant:
    return ProductVariant.objects.get(pk=variant.pk)


@pytest.fixture
def noodles() -> ProductVariant:
    """380 won."""
    return ProductFactory().variants.get()


class TestScope:
    def test_a_product(self, noodles: ProductVariant) -> None:
        other = ProductFactory(slug="other").variants.get()
        plan = planned(product=noodles.product)
        assert apply_markdowns().written == 1
        assert (fresh(noodles).unit_price, fresh(noodles).markdown, fresh(other).unit_price) == (304, plan, other.price)

    def test_a_seller(self, noodles: ProductVariant) -> None:
        other = ProductFactory(slug="other", seller=SellerFactory(slug="another")).variants.get()
        planned(seller=noodles.product.seller)
        apply_markdowns()
        assert (fresh(noodles).unit_price, fresh(other).unit_price) == (304, other.price)

    def test_a_category_with_all_inside(self, noodles: ProductVariant) -> None:
        outer = CategoryFactory(slug="outer")
        type(outer).objects.filter(pk=noodles.product.category_id).update(
            parent=CategoryFactory(slug="m", parent=outer)
        )
        planned(category=outer)
        apply_markdowns()
        assert fresh(noodles).unit_price == 304

    @pytest.mark.parametrize("scope", [(), ("product", "seller"), ("product", "seller", "category")])
    def test_exactly_one(self, noodles: ProductVariant, scope: tuple[str, ...]) -> None:
        things = {"product": noodles.product, "seller": noodles.product.seller, "category": noodles.product.category}
        with pytest.raises(IntegrityError, match="markdown_of_one_thing"), transaction.atomic():
            planned(**{name: things[name] for name in scope})


class TestTime:
    def test_it_begins_by_the_clock_and_ends_by_it(self, noodles: ProductVariant, client: Client) -> None:
        planned(begins=0, product=noodles.product)
        Markdown.objects.update(starts_at=timezone.now() + timedelta(hours=2))
        assert apply_markdowns().written == 1
        assert fresh(noodles).unit_price == 380
        begun = timezone.now() - timedelta(seconds=1)
        ProductVariant.objects.filter(pk=noodles.pk).update(markdown_from=begun)
        assert fresh(noodles).unit_price == 304

    def test_a_plan_far_ahead_leaves_the_price_alone(self, noodles: ProductVariant) -> None:
        planned(begins=3, product=noodles.product)
        assert (apply_markdowns().written, fresh(noodles).markdown_price) == (0, None)
        assert covered(Markdown.objects.get()) == 1

    @pytest.mark.parametrize("change", [{"is_active": False}, {"ends_at": timezone.now() - timedelta(hours=1)}])
    def test_over_or_called_off_the_price_is_whole_again(self, noodles: ProductVariant, change: dict[str, Any]) -> None:
        planned(product=noodles.product)
        apply_markdowns()
        Markdown.objects.update(**change)
        assert apply_markdowns().cleared == 1
        assert (fresh(noodles).markdown_price, fresh(noodles).markdown_id, fresh(noodles).unit_price) == (
            None,
            None,
            380,
        )

    def test_twice_is_once(self, noodles: ProductVariant) -> None:
        planned(product=noodles.product)
        apply_markdowns()
        again = apply_markdowns()
        assert (again.written, again.cleared, PriceRecord.objects.filter(variant=noodles).count()) == (0, 0, 2)


class TestSeveral:
    def test_the_one_that_asks_least_of_those_that_run(self, noodles: ProductVariant) -> None:
        planned(10, product=noodles.product)
        planned(30, seller=noodles.product.seller)
        planned(60, begins=0, product=noodles.product)
        Markdown.objects.filter(percent=60).update(starts_at=timezone.now() + timedelta(hours=3))
        apply_markdowns()
        assert fresh(noodles).unit_price == 266

    def test_one_typed_by_hand_stays(self, noodles: ProductVariant) -> None:
        now = timezone.now()
        ProductVariant.objects.filter(pk=noodles.pk).update(
            markdown_price=370, markdown_from=now - DAY, markdown_until=now + DAY
        )
        planned(50, product=noodles.product)
        apply_markdowns()
        assert fresh(noodles).unit_price == 370
        ProductVariant.objects.filter(pk=noodles.pk).update(markdown_until=now - timedelta(hours=1))
        apply_markdowns()
        assert fresh(noodles).unit_price == 190

    def test_a_changed_price_keeps_its_plan_in_step(self, noodles: ProductVariant) -> None:
        planned(product=noodles.product)
        apply_markdowns()
        ProductVariant.objects.filter(pk=noodles.pk).update(price=200)
        assert (fresh(noodles).unit_price, fresh(noodles).cut_percent) == (160, 20)

    def test_a_won_cannot_be_lowered(self, noodles: ProductVariant) -> None:
        ProductVariant.objects.filter(pk=noodles.pk).update(price=1)
        planned(90, product=noodles.product)
        assert apply_markdowns().written == 0


class TestHistory:
    def at(self, variant: ProductVariant, *, days: float, price: int, **lowered: Any) -> None:
        """A record of the past, as the database would have written it then."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # the guards look away
            PriceRecord.objects.filter(variant=variant, at__gte=timezone.now() - timedelta(hours=1)).delete()
            PriceRecord.objects.create(variant=variant, price=price, at=timezone.now() - days * DAY, **lowered)
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    def test_every_change_is_written_down(self, noodles: ProductVariant) -> None:
        noodles.price = 400
        noodles.save()
        noodles.position = 3
        noodles.save()
        prices = PriceRecord.objects.filter(variant=noodles).order_by("id").values_list("price", flat=True)
        assert list(prices) == [380, 400]

    @pytest.mark.parametrize("deed", ["UPDATE catalog_pricerecord SET price = 1", "DELETE FROM catalog_pricerecord"])
    def test_for_ever(self, noodles: ProductVariant, deed: str) -> None:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(deed)

    def test_the_lowest_of_thirty_days_stands_beside_the_price(self, noodles: ProductVariant, client: Client) -> None:
        self.at(noodles, days=40, price=300)
        self.at(noodles, days=29, price=500)
        self.at(noodles, days=10, price=340)
        self.at(noodles, days=5, price=380)
        planned(begins=0, product=noodles.product)
        apply_markdowns()
        assert fresh(noodles).lowest_before == 300, "it was still asked at the beginning of the thirty days"
        page = client.get(noodles.product.get_absolute_url(), **EN).content.decode()
        assert "Lowest price of the 30 days before: 300 won" in page

    def test_what_was_asked_longer_ago_does_not_count(self, noodles: ProductVariant) -> None:
        self.at(noodles, days=60, price=100)
        self.at(noodles, days=31, price=380)
        planned(begins=0, product=noodles.product)
        apply_markdowns()
        assert fresh(noodles).lowest_before == 380

    def test_an_earlier_markdown_counts(self, noodles: ProductVariant) -> None:
        now = timezone.now()
        self.at(
            noodles, days=50, price=380, markdown_price=250, markdown_from=now - 22 * DAY, markdown_until=now - 20 * DAY
        )
        planned(begins=0, product=noodles.product)
        apply_markdowns()
        assert fresh(noodles).lowest_before == 250


class TestAdmin:
    @pytest.fixture
    def bureau(self, client: Client) -> Client:
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        return client

    def data(self, **changes: Any) -> dict[str, Any]:
        now = timezone.localtime()
        days = {"starts_at": now - DAY, "ends_at": now + DAY}
        moments = {
            f"{name}_{n}": f"{at:{form}}" for name, at in days.items() for n, form in enumerate(("%Y-%m-%d", "%H:%M"))
        }
        return {"percent": "25", "is_active": "on", **moments, **changes}

    def test_saved_is_applied_and_told(self, bureau: Client, noodles: ProductVariant) -> None:
        data = self.data(product=str(noodles.product_id))
        page = bureau.post("/admin/catalog/markdown/add/", data, follow=True, **EN)
        assert fresh(noodles).unit_price == 285
        assert "It lowers 1 price." in page.content.decode()

    def test_two_scopes_are_answered(self, bureau: Client, noodles: ProductVariant) -> None:
        data = self.data(product=str(noodles.product_id), seller=str(noodles.product.seller_id))
        page = bureau.post("/admin/catalog/markdown/add/", data, **EN)
        assert "Choose one product, one category or one seller." in page.content.decode()
        assert not Markdown.objects.exists()

    def test_lists_open(self, bureau: Client, noodles: ProductVariant) -> None:
        planned(product=noodles.product)
        for address in ("/admin/catalog/markdown/", "/admin/catalog/pricerecord/?q=noodles"):
            assert bureau.get(address).status_code == 200
