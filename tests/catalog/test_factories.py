import pytest

from catalog.models import StockMovement
from tests.factories import PASSWORD, PictureFactory, ProductFactory, ReviewFactory, UserFactory, VariantFactory

pytestmark = pytest.mark.django_db


def test_a_product_comes_with_one_variant_and_its_stock() -> None:
    product = ProductFactory(variant__price=95, variant__on_hand=3, variant__reserved=1)
    variant = product.variants.get()
    assert (variant.price, variant.stock.available) == (95, 2)
    assert StockMovement.objects.filter(stock=variant.stock).count() == 1


def test_the_cast_is_made_of_readable_rows() -> None:
    VariantFactory(product=ProductFactory(), name_ko_kp="곱배기", price=520)
    PictureFactory(product=ProductFactory())
    assert ReviewFactory().stars == 5
    assert UserFactory().check_password(PASSWORD)
