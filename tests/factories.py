"""The named cast of the tests: fixed, readable rows. Counters only where the database wants uniqueness."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import factory
from django.utils import timezone

from accounts.models import District, Neighbourhood, User, Zone
from catalog.models import (
    Category,
    Notice,
    Picture,
    Product,
    ProductKind,
    ProductVariant,
    Review,
    Seller,
    Stock,
)
from okryu import calendar

PASSWORD = "jade-stream-7"
LISTED_AT = calendar.at(date(2026, 11, 1), 9)


class UserFactory(factory.django.DjangoModelFactory[User]):
    """Members 191-000-0000, 191-000-0001, …; the password is PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    phone = factory.Sequence(lambda n: f"191{n:07d}")
    name = "김은주"
    birth_year = 1990

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(password=kwargs.pop("password", PASSWORD), **kwargs)


class StaffFactory(UserFactory):
    """The bureau's administrator: sees and does everything in /admin/."""

    phone = factory.Sequence(lambda n: f"193{n:07d}")
    name = "박영희"
    is_staff = True
    is_superuser = True


class ZoneFactory(factory.django.DjangoModelFactory[Zone]):
    class Meta:
        model = Zone
        django_get_or_create = ("code",)

    code = "A"


class DistrictFactory(factory.django.DjangoModelFactory[District]):
    """중구역, zone A, 100 won; `slug="…"` for another, `zone=None, fee=None` where nothing is delivered."""

    class Meta:
        model = District
        django_get_or_create = ("slug",)

    slug = "chung"
    name_ko_kp = "중구역"
    name_en = "Central District"
    zone = factory.SubFactory(ZoneFactory)
    fee = 100


class NeighbourhoodFactory(factory.django.DjangoModelFactory[Neighbourhood]):
    class Meta:
        model = Neighbourhood
        django_get_or_create = ("district", "name_ko_kp")

    district = factory.SubFactory(DistrictFactory)
    name_ko_kp = "창광동"
    name_en = "Changgwang-dong"


class CategoryFactory(factory.django.DjangoModelFactory[Category]):
    class Meta:
        model = Category
        django_get_or_create = ("slug",)

    slug = "dishes"
    name_ko_kp = "료리"
    name_en = "Dishes"
    icon = "dishes"


class SellerFactory(factory.django.DjangoModelFactory[Seller]):
    """옥류관, a restaurant of 중구역, open 9 to 18; ready an hour after it confirmed."""

    class Meta:
        model = Seller
        django_get_or_create = ("slug",)

    slug = "okryugwan"
    name_ko_kp = "옥류관"
    name_en = "Okryugwan"
    kind = Seller.Kind.RESTAURANT
    district = factory.SubFactory(DistrictFactory)
    telephone = "1915550104"
    preparation_minutes = 60


class ProductKindFactory(factory.django.DjangoModelFactory[ProductKind]):
    class Meta:
        model = ProductKind
        django_get_or_create = ("slug",)

    slug = "cold-noodles"
    name_ko_kp = "랭면"
    name_en = "Cold noodles"
    category = factory.SubFactory(CategoryFactory)


class ProductFactory(factory.django.DjangoModelFactory[Product]):
    """평양랭면 with one variant of 380 won and 20 pieces on the shelf.

    `variant__price=95`, `variant__on_hand=3` describe the variant; `variant=False` leaves it out.
    """

    class Meta:
        model = Product
        skip_postgeneration_save = True

    seller = factory.SubFactory(SellerFactory)
    category = factory.SubFactory(CategoryFactory)
    slug = "pyongyang-raengmyon"
    name_ko_kp = "평양랭면"
    name_en = "Pyongyang cold noodles"
    unit_ko_kp = "그릇"
    unit_en = "bowl"
    weight_g = 900
    listed_at = LISTED_AT

    @factory.post_generation
    def variant(self: Product, create: bool, wanted: bool | None, **fields: Any) -> None:  # type: ignore[misc]
        if create and wanted is not False:
            VariantFactory(product=self, **fields)


class VariantFactory(factory.django.DjangoModelFactory[ProductVariant]):
    """One thing to buy, 20 pieces of it: `on_hand` and `reserved` fill its stock row; `on_hand=None` leaves it out."""

    class Meta:
        model = ProductVariant

    product = factory.SubFactory(ProductFactory, variant=False)
    sku = factory.Sequence(lambda n: f"SKU-{n:04d}")
    price = 380

    @classmethod
    def _create(cls, model_class: type[ProductVariant], *args: Any, **fields: Any) -> ProductVariant:
        on_hand, reserved = fields.pop("on_hand", 20), fields.pop("reserved", 0)
        variant = model_class.objects.create(**fields)
        if on_hand is not None:
            Stock.objects.create(variant=variant, on_hand=on_hand, reserved=reserved)
        return variant


def lowered(price: int, *, days: int = 30) -> dict[str, Any]:
    """Fields of a variant whose price is lowered to `price` from yesterday on for `days` days."""
    now = timezone.now()
    return {
        "markdown_price": price,
        "markdown_from": now - timedelta(days=1),
        "markdown_until": now + timedelta(days=days),
    }


class PictureFactory(factory.django.DjangoModelFactory[Picture]):
    """A picture whose renditions are said to stand ready; no file is written."""

    class Meta:
        model = Picture

    product = factory.SubFactory(ProductFactory)
    alt_ko_kp = "놋그릇에 담은 랭면"
    alt_en = "Cold noodles in a brass bowl"
    original = "originals/raengmyon.png"
    digest = factory.Sequence(lambda n: f"{n:024x}")
    width = 640
    height = 640
    renditions = ["jpeg160", "jpeg320", "webp160", "webp320"]


class ReviewFactory(factory.django.DjangoModelFactory[Review]):
    """A published review of five stars; the product's sums follow only through catalog/reviews.py."""

    class Meta:
        model = Review

    product = factory.SubFactory(ProductFactory)
    user = factory.SubFactory(UserFactory)
    purchase = factory.Sequence(lambda n: UUID(int=n + 1))
    stars = 5
    text = "국물이 시원합니다."
    state = Review.State.PUBLISHED


class NoticeFactory(factory.django.DjangoModelFactory[Notice]):
    class Meta:
        model = Notice

    title_ko_kp = "송달시간을 늘입니다"
    title_en = "Longer delivery hours"
