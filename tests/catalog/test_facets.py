"""Counts of filters: right against counting one by one, by rows and by bits alike, and current after every change."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import facets, packing, stock, tokens
from catalog.alphabet import letter_key
from catalog.attributes import set_attribute
from catalog.facets import Bits, Chosen
from catalog.models import Attribute, AttributeOption, Block, Listing, ListingDue, Packed, Product, Seller
from tests.factories import (
    CategoryFactory,
    ProductFactory,
    ProductKindFactory,
    VariantFactory,
    lowered,
)

pytestmark = pytest.mark.django_db
LIST = "/categories/dishes/"


# ---------------------------------------------------------------- the arithmetic

PRICES = st.integers(min_value=1, max_value=10_000_000)
ROWS = st.lists(st.tuples(PRICES, st.frozensets(st.integers(min_value=1, max_value=9), max_size=6)), max_size=40)
GROUPS = {"a": [1, 2, 3], "b": [4, 5], "c": [6, 7, 8, 9]}
CHOICES = st.fixed_dictionaries(
    {}, optional={name: st.lists(st.sampled_from(of), min_size=1, max_size=2) for name, of in GROUPS.items()}
)


def packed(rows: list[tuple[int, frozenset[int]]]) -> Bits:
    """The same rows as blocks hold them: bits alone, the price in its own bits."""
    of: dict[int, int] = {}
    for place, (price, carried) in enumerate(rows):
        for token in (*carried, *tokens.price_tokens(price)):
            of[token] = of.get(token, 0) | 1 << place
    return Bits(everything=(1 << len(rows)) - 1, of=of, shelf=1)


def fits(row: tuple[int, frozenset[int]], chosen: Chosen, without: str = "") -> bool:
    price, carried = row
    if without != facets.PRICE and not (chosen.low or 0) <= price <= (10**9 if chosen.high is None else chosen.high):
        return False
    return all(carried & set(wanted) for name, wanted in chosen.groups.items() if name != without)


@given(rows=ROWS, groups=CHOICES, low=st.none() | PRICES, high=st.none() | PRICES)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_bits_count_as_a_person_would(rows, groups, low, high) -> None:
    chosen = Chosen(groups=groups, low=low, high=high)
    by_rows = facets.from_rows([(place + 1, price, carried) for place, (price, carried) in enumerate(rows)])
    for part in (by_rows, packed(rows)):
        counted = facets.count([part], groups=GROUPS, chosen=chosen)
        assert counted.total == sum(fits(row, chosen) for row in rows)
        for name, offered in GROUPS.items():
            for token in offered:
                assert counted.of[token] == sum(token in row[1] and fits(row, chosen, without=name) for row in rows)
        left = counted.left[0][1]
        assert facets.places(left) == [place for place, row in enumerate(rows) if fits(row, chosen)]


# ---------------------------------------------------------------- kept current


def attribute(slug: str, kind: str = "choice", *options: str, **fields) -> Attribute:
    made = Attribute.objects.create(slug=slug, name_ko_kp=slug, kind=kind, **fields)
    AttributeOption.objects.bulk_create(
        AttributeOption(attribute=made, slug=option, name_ko_kp=option, position=place)
        for place, option in enumerate(options)
    )
    made.categories.add(CategoryFactory())
    return made


def pack() -> None:
    for _ in range(20):
        packing.pack_due()
    assert not ListingDue.objects.exists()


def listed(product: Product) -> Listing | None:
    return Listing.objects.filter(pk=product.pk).first()


def bits_agree() -> None:
    """Every block says what the listing rows say."""
    pack()
    rows = {row.pk: row for row in Listing.objects.all()}
    slots = {(p.shelf_id, p.slot): p.product_id for p in Packed.objects.all()}
    carried: dict[int, set[int]] = {pk: set() for pk in rows}
    for block in Block.objects.all():
        bits = packing.unpack_bits(block.bits)
        assert block.count == bits.bit_count()
        for place in facets.places(bits):
            carried[slots[block.shelf_id, block.number * packing.BLOCK_SLOTS + place]].add(block.token)
    for pk, row in rows.items():
        assert carried[pk] == {tokens.token(tokens.ALL), *row.tokens, *tokens.price_tokens(row.price)}


def test_a_listing_follows_its_product() -> None:
    product = ProductFactory(variant__price=380)
    assert listed(product).price == 380
    product.variants.update(price=400)
    assert listed(product).price == 400
    product.variants.update(**lowered(250))
    assert listed(product).price == 250 and tokens.token(tokens.LOWERED) in listed(product).tokens
    Product.objects.filter(pk=product.pk).update(sold_30_days=9, rating_sum=9, rating_count=2)
    assert listed(product).popularity == 9 and tokens.token(tokens.RATED, part=4) in listed(product).tokens
    Product.objects.filter(pk=product.pk).update(category=CategoryFactory(slug="drinks"))
    assert listed(product).shelf_id == CategoryFactory(slug="drinks").pk
    bits_agree()
    product.variants.update(is_active=False)
    assert listed(product) is None
    bits_agree()
    product.variants.update(is_active=True)
    Seller.objects.update(is_active=False)
    assert listed(product) is None
    Seller.objects.update(is_active=True, kind="producer")
    assert tokens.token(tokens.KIND, part=2) in listed(product).tokens
    CategoryFactory(slug="drinks").hide()
    assert listed(product) is None
    bits_agree()


def test_sold_out_and_back_reaches_the_list_with_the_next_packing() -> None:
    product = ProductFactory(variant__on_hand=3)
    in_stock = tokens.token(tokens.IN_STOCK)
    pack()
    with transaction.atomic():
        row = stock.lock([product.variants.get().pk])[product.variants.get().pk]
        stock.hold(row, 3, cause="order:1")
    assert ListingDue.objects.count() == 1
    pack()
    assert in_stock not in listed(product).tokens
    with transaction.atomic():
        stock.release(row, 1, cause="order:1")
    bits_agree()
    assert in_stock in listed(product).tokens


def test_a_lowered_price_ends_by_itself() -> None:
    product = ProductFactory(variant__price=380)
    product.variants.update(**lowered(250))
    pack()
    past = timezone.now() - timedelta(seconds=1)
    with connection.cursor() as cursor:  # the moment comes: nobody writes, no trigger speaks
        cursor.execute("SET LOCAL session_replication_role = replica")
        product.variants.update(markdown_until=past)
        Listing.objects.update(changes_at=past)
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert listed(product).price == 250
    pack()
    assert listed(product).price == 380 and listed(product).changes_at is None
    bits_agree()


def test_bands_and_variants_follow_their_attribute() -> None:
    volume = attribute("volume", "number", bands=[250, 500])
    product = ProductFactory()
    small, large = product.variants.get(), VariantFactory(product=product)
    set_attribute(product, volume, 200, variant=small)
    set_attribute(product, volume, "700", variant=large)
    band = [tokens.token(tokens.BAND, volume.pk, part) for part in range(3)]
    assert set(band) & set(listed(product).tokens) == {band[0], band[2]}
    Attribute.objects.filter(pk=volume.pk).update(bands=[800])
    assert set(band) & set(listed(product).tokens) == {band[0]}
    large.is_active = False
    large.save()
    set_attribute(product, volume, None, variant=small)
    assert not set(band) & set(listed(product).tokens)
    bits_agree()


def test_the_whole_seller_follows_even_when_it_is_large() -> None:
    for n in range(110):
        ProductFactory(slug=f"p-{n}")
    pack()
    Seller.objects.update(is_active=False)
    assert Listing.objects.count() == 10  # the packing job's
    pack()
    assert Listing.objects.count() == 0
    bits_agree()


def test_a_rebuild_makes_the_same_from_nothing() -> None:
    for n in range(30):
        ProductFactory(variant__price=100 + n, category=CategoryFactory(slug=["a", "b"][n % 2]))
    pack()
    before = sorted(Listing.objects.values_list("pk", "price", "tokens", "name_ko"))
    with connection.cursor() as cursor:
        for table in ("listing", "packed", "block", "listingdue"):
            cursor.execute(f"DELETE FROM catalog_{table}")  # noqa: S608
    call_command("rebuild_listing", verbosity=0)
    assert sorted(Listing.objects.values_list("pk", "price", "tokens", "name_ko")) == before
    bits_agree()


def test_cheapest_by_content_compares_what_can_be_compared(client: Client) -> None:
    kind = ProductKindFactory(comparison_unit="ml")
    ProductFactory(name_ko_kp="작은병", kind=kind, content_amount=500, content_unit="ml", variant__price=80)
    ProductFactory(name_ko_kp="큰병", kind=kind, content_amount=1500, content_unit="ml", variant__price=150)
    ProductFactory(name_ko_kp="그릇", variant__price=10)
    page = client.get(LIST + "?sort=unit")
    assert [p.name_ko_kp for p in page.context["listing"].products] == ["큰병", "작은병", "그릇"]


def test_names_go_in_the_domestic_order(client: Client) -> None:
    names = ["감", "나물", "딸기", "아침", "까치", "하늘", "cola", "사탕", "싸리", "개", "갸륵"]
    for name in names:
        ProductFactory(name_ko_kp=name, name_en="")
    listed_names = [p.name_ko_kp for p in client.get(LIST + "?sort=name").context["listing"].products]
    assert listed_names == ["cola", "감", "갸륵", "개", "나물", "사탕", "하늘", "까치", "딸기", "싸리", "아침"]
    assert listed_names == sorted(names, key=letter_key)


def test_letters_are_the_same_in_python_and_in_the_database() -> None:
    every = "".join(map(chr, range(0xAC00, 0xD7A4))) + "Aㄱ漢 1"
    with connection.cursor() as cursor:
        cursor.execute("SELECT catalog_letters(%s)", [every])
        assert cursor.fetchone()[0] == letter_key(every)


# ---------------------------------------------------------------- addresses nobody meant


def test_ten_thousand_parameters_are_refused_in_words(client: Client) -> None:
    page = client.get(LIST + "?" + "&".join(f"stock={n}" for n in range(10_000)))
    assert page.status_code == 400 and "<h1" in page.text


def test_no_more_is_chosen_than_a_person_would(client: Client) -> None:
    many = attribute("many", "choice", *(f"o{n}" for n in range(30)))
    set_attribute(ProductFactory(), many, ["o1", "o29"])
    page = client.get(LIST + "?" + "&".join(f"a-many=o{n}" for n in range(30)))
    assert len(page.context["listing"].chosen) == 10
