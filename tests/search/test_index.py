"""Whatever changes in the shop is found, or no longer found, after the next turn of the follower."""

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from catalog import stock
from catalog.models import Product, ProductVariant, SearchDoc, SearchDue
from catalog.search import index, rebuild
from catalog.search.engine import search
from tests.factories import CategoryFactory, ProductFactory, ProductKindFactory, SellerFactory, VariantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    made = ProductFactory(name_ko_kp="들쭉술", name_en="Wild blueberry wine", category=CategoryFactory(slug="liquor"))
    index.follow_all()
    return made


def finds(query: str, product: Product) -> bool:
    index.follow_all()
    return product.pk in search(query).ids


def test_a_new_product(product: Product) -> None:
    assert SearchDue.objects.count() == 0
    assert finds("들쭉", product)


@pytest.mark.parametrize(
    "change",
    [
        lambda product: Product.objects.filter(pk=product.pk).update(is_active=False),
        lambda product: ProductVariant.objects.update(is_active=False),
        lambda product: type(product.seller).objects.update(is_active=False),
        lambda product: type(product.category).objects.update(is_active=False),
    ],
)
def test_what_is_hidden_is_not_found_and_comes_back(product: Product, change: Callable[[Product], None]) -> None:
    change(product)
    assert not finds("들쭉술", product)
    for model in (Product, ProductVariant, type(product.seller), type(product.category)):
        model.objects.update(is_active=True)
    assert finds("들쭉술", product)


def test_a_renamed_product(product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(name_ko_kp="머루술")
    assert finds("머루술", product) and not finds("들쭉술", product)


def test_a_renamed_seller_is_one_row(product: Product) -> None:
    before = SearchDoc.objects.get(pk=product.pk)
    type(product.seller).objects.update(name_ko_kp="청류관")
    assert finds("청류관", product) and not finds("옥류관", product)
    assert SearchDoc.objects.get(pk=product.pk).k == before.k


def test_a_renamed_category_and_what_stands_inside_it(product: Product) -> None:
    root = CategoryFactory(slug="all-drinks", name_ko_kp="마실것", name_en="Things to drink")
    type(product.category).objects.filter(pk=product.category_id).update(parent=root)
    assert finds("마실것", product)


def test_words_of_kind_description_and_variants_are_found_last(product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(
        description_ko_kp="백두산의 들쭉으로 담근 술", kind=ProductKindFactory()
    )
    VariantFactory(product=product, colour_ko_kp="붉은색")
    other = ProductFactory(name_ko_kp="백두산사진첩", slug="album")
    index.follow_all()
    assert search("백두산").ids == [other.pk, product.pk]
    assert finds("붉은색", product) and finds("랭면", product)


def test_sold_out_and_back(product: Product) -> None:
    def in_stock() -> bool:
        index.follow_all()
        return SearchDoc.objects.get(pk=product.pk).in_stock

    variant = product.variants.get()
    assert in_stock()
    for count, expected in ((0, False), (3, True)):
        with transaction.atomic():
            row = stock.lock([variant.pk])[variant.pk]
            stock.correct_count(row, count, cause=f"count-{count}")
        assert in_stock() is expected


def test_stock_that_stays_above_zero_is_not_noted(product: Product) -> None:
    variant = product.variants.get()
    with transaction.atomic():
        stock.receive(stock.lock([variant.pk])[variant.pk], 5, cause="more")
    ProductVariant.objects.update(price=99)
    Product.objects.update(weight_g=12)
    assert SearchDue.objects.count() == 0


def test_what_is_rolled_back_was_never_noted(product: Product) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Product.objects.update(name_ko_kp="머루술")
        raise ZeroDivisionError
    assert SearchDue.objects.count() == 0


def test_documents_are_what_the_rules_would_write(product: Product) -> None:
    for number in range(5):
        ProductFactory(slug=f"n-{number}", name_ko_kp=f"국수 {number}")
    index.follow_all()
    assert index.differing(100) == []
    SearchDoc.objects.filter(pk=product.pk).update(k=" broken ")
    assert index.differing(100) == [product.pk]
    with pytest.raises(CommandError, match="1 of 100 documents differ"):
        call_command("rebuild_search", check=100)


def test_a_change_of_the_rules_rewrites_what_older_rules_wrote(product: Product) -> None:
    SearchDoc.objects.update(key_version=0, k=" old ")
    assert rebuild.rebuild() == 1
    assert index.differing(10) == []
    assert rebuild.rebuild() == 0  # a second run does nothing


@pytest.mark.django_db(transaction=True)
def test_a_large_first_index_is_copied_and_goes_on_where_it_broke(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        ProductFactory(slug=f"n-{number}", name_ko_kp=f"국수 {number}")
    index.follow_all()
    SearchDoc.objects.all().delete()
    monkeypatch.setattr(rebuild, "MANY", 3)
    monkeypatch.setattr(rebuild, "BATCH", 2)

    def break_off(done: int, of: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild.rebuild(tell=break_off)
    assert SearchDoc.objects.count() == 4
    assert rebuild.rebuild() == 3
    assert index.differing(10) == [] and rebuild._has_index()
    assert finds("들쭉술", product)


def test_two_sellers_of_the_same_words(product: Product) -> None:
    other = ProductFactory(
        name_ko_kp="들쭉술", slug="second", seller=SellerFactory(slug="shop", name_ko_kp="제1백화점")
    )
    index.follow_all()
    assert search("제1백화점 들쭉술").ids[0] == other.pk
