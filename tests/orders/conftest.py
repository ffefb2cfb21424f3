"""The cast of the orders' tests: 김은주 shops at 옥류관 and at 서성구역's shop, and lives in 중구역."""

import pytest
from django.test import Client

from accounts.models import Neighbourhood, User
from catalog.models import Category, Product, ProductVariant, Seller
from tests.factories import (
    CategoryFactory,
    DistrictFactory,
    NeighbourhoodFactory,
    ProductFactory,
    SellerFactory,
    UserFactory,
    ZoneFactory,
)

NOODLES_PRICE, CIDER_PRICE, CENTRAL_FEE, SOSONG_FEE = 380, 80, 100, 150


@pytest.fixture
def home(db: None) -> Neighbourhood:
    """창광동 of 중구역, zone A, 100 won."""
    return NeighbourhoodFactory()


@pytest.fixture
def far(db: None) -> Neighbourhood:
    """미림동 of 사동구역, zone C, 220 won: no dishes go there."""
    district = DistrictFactory(
        slug="sadong", name_ko_kp="사동구역", name_en="Sadong", zone=ZoneFactory(code="C"), fee=220, position=9
    )
    return NeighbourhoodFactory(district=district, name_ko_kp="미림동", name_en="Mirim-dong")


@pytest.fixture
def noodles(home: Neighbourhood) -> ProductVariant:
    """평양랭면 of 옥류관, 380 won, 20 pieces."""
    return ProductFactory().variants.get()


@pytest.fixture
def shop(home: Neighbourhood) -> Seller:
    """장경묘향상점 of 서성구역, zone B."""
    district = DistrictFactory(
        slug="sosong", name_ko_kp="서성구역", name_en="Sosong", zone=ZoneFactory(code="B"), fee=150, position=5
    )
    return SellerFactory(
        slug="janggyong", name_ko_kp="장경묘향상점", name_en="Janggyong Shop", kind="shop", district=district
    )


@pytest.fixture
def drinks(db: None) -> Category:
    return CategoryFactory(slug="drinks", name_ko_kp="음료·술", name_en="Drinks")


@pytest.fixture
def cider(shop: Seller, drinks: Category) -> ProductVariant:
    """랭천사이다 of the shop, 80 won, 20 pieces."""
    product: Product = ProductFactory(
        seller=shop,
        category=drinks,
        slug="cider",
        name_ko_kp="랭천사이다",
        name_en="Cider",
        unit_ko_kp="병",
        unit_en="bottle",
        weight_g=600,
        variant__price=CIDER_PRICE,
    )
    return product.variants.get()


@pytest.fixture
def shopper(db: None) -> User:
    return UserFactory(phone="1912345678")


@pytest.fixture
def shopping(shopper: User) -> Client:
    """The shopper's own browser, signed in."""
    client = Client()
    client.force_login(shopper)
    return client
