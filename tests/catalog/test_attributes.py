"""What products answer: written by one function, kept by staff on one page, shown and compared."""

import pytest
from django.test import Client

from catalog.attributes import UnfitValue, answers_of, offered_to, set_attribute
from catalog.models import Attribute, AttributeOption, AttributeValue, Product
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory, VariantFactory

pytestmark = pytest.mark.django_db


def attribute(slug: str, kind: str = "choice", **fields) -> Attribute:
    made = Attribute.objects.create(slug=slug, name_ko_kp=slug, kind=kind, **fields)
    if kind == "choice":
        for word in ("white", "blue"):
            AttributeOption.objects.create(attribute=made, slug=word, name_ko_kp=word)
    made.categories.add(CategoryFactory())
    return made


def said(product: Product) -> dict[str, str]:
    return {answer.slug: answer.text for answer in answers_of([product]).get(product.pk, [])}


def test_every_kind_takes_its_answer_and_gives_it_back() -> None:
    product = ProductFactory()
    colour, weight, fresh = attribute("colour"), attribute("weight", "number", unit="g"), attribute("fresh", "yes_no")
    set_attribute(product, colour, ["white", "blue", "white"])
    set_attribute(product, weight, "12.50")
    set_attribute(product, fresh, False)
    assert said(product) == {"colour": "white, blue", "weight": "12.5g", "fresh": "아니"}
    set_attribute(product, colour, "blue")
    set_attribute(product, weight, None)
    set_attribute(product, fresh, True)
    set_attribute(product, fresh, True)
    assert said(product) == {"colour": "blue", "fresh": "예"}
    assert AttributeValue.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("choice", "green"),
        ("choice", ["white", "green"]),
        ("choice", 5),
        ("number", "abc"),
        ("number", -1),
        ("number", "1e40"),
        ("number", "NaN"),
        ("number", "Infinity"),
        ("yes_no", "yes"),
    ],
)
def test_an_unfit_value_changes_nothing(kind: str, value: object) -> None:
    product, asked = ProductFactory(), attribute("asked", kind)
    fit = {"choice": "white", "number": 5, "yes_no": True}[kind]
    set_attribute(product, asked, fit)
    before = said(product)
    with pytest.raises(UnfitValue):
        set_attribute(product, asked, value)
    assert said(product) == before


def test_a_category_asks_what_those_around_it_ask() -> None:
    top = CategoryFactory()
    inner = CategoryFactory(slug="inner", parent=top)
    other = CategoryFactory(slug="other")
    asked = attribute("asked")
    assert offered_to(inner.pk) == [asked] == offered_to(top.pk)
    assert offered_to(other.pk) == []


# ---------------------------------------------------------------- the bureau's page


def page_of(product: Product) -> str:
    return f"/admin/catalog/product/{product.pk}/answers/"


@pytest.fixture
def product() -> Product:
    attribute("colour")
    attribute("weight", "number", unit="g")
    attribute("fresh", "yes_no")
    Attribute.objects.create(slug="elsewhere", name_ko_kp="elsewhere", kind="yes_no")
    return ProductFactory()


def test_staff_answer_for_the_product_and_its_variants(client: Client, product: Product) -> None:
    client.force_login(StaffFactory())
    variant = VariantFactory(product=product)
    page = client.get(page_of(product))
    assert page.status_code == 200 and "elsewhere" not in page.text
    typed = {
        "product-a-colour": ["white"],
        "product-a-weight": "250",
        "product-a-fresh": "yes",
        f"variant-{variant.pk}-a-colour": ["blue"],
    }
    for _ in range(2):  # sent twice, it says the same
        assert client.post(page_of(product), typed).status_code == 302
    assert said(product) == {"colour": "white, blue", "weight": "250g", "fresh": "예"}
    assert AttributeValue.objects.count() == 4
    assert client.post(page_of(product), {}).status_code == 302
    assert said(product) == {}


def test_a_wrong_answer_is_told_beside_its_field(client: Client, product: Product) -> None:
    client.force_login(StaffFactory())
    page = client.post(page_of(product), {"product-a-weight": "-5", "product-a-colour": ["green"]})
    assert page.status_code == 422
    assert page.text.count('role="alert"') == 2 and 'value="-5"' in page.text
    assert said(product) == {}


def test_only_staff_who_may(client: Client, product: Product) -> None:
    assert client.get(page_of(product)).status_code == 302
    client.force_login(UserFactory())
    assert client.post(page_of(product), {"product-a-weight": "5"}).status_code in (302, 403)
    client.force_login(UserFactory(is_staff=True))
    assert client.post(page_of(product), {"product-a-weight": "5"}).status_code == 403
    assert said(product) == {}
    client.force_login(StaffFactory())
    assert client.get("/admin/catalog/product/999999/answers/").status_code == 404


def test_limits_go_upwards(client: Client, product: Product) -> None:
    client.force_login(StaffFactory())
    weight = Attribute.objects.get(slug="weight")
    typed = {
        "slug": "weight",
        "kind": "number",
        "position": "0",
        "bands": "500,250",
        "name_ko_kp": "무게",
        **{f"options-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")},
    }
    address = f"/admin/catalog/attribute/{weight.pk}/change/"
    assert "작은것부터" in client.post(address, typed).text
    assert client.post(address, {**typed, "bands": "250,500"}).status_code == 302
    weight.refresh_from_db()
    assert weight.bands == [250, 500]


# ---------------------------------------------------------------- pages


def test_the_product_page_says_its_answers(client: Client, product: Product) -> None:
    set_attribute(product, Attribute.objects.get(slug="weight"), 250)
    assert "<dt>weight</dt><dd>250g</dd>" in client.get(product.get_absolute_url()).text


def test_a_comparison_marks_the_rows_that_differ(client: Client, product: Product) -> None:
    other = ProductFactory()
    for one, number in ((product, 250), (other, 500)):
        set_attribute(one, Attribute.objects.get(slug="weight"), number)
        set_attribute(one, Attribute.objects.get(slug="fresh"), True)
    rows = client.get(f"/compare/?p={product.pk}&p={other.pk}").context["comparison"].rows()
    differing = {row.label: row.differs for row in rows}
    assert differing["weight"] is True and differing["fresh"] is False


def test_an_amount_is_not_said_twice(client: Client, product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(content_amount=250, content_unit="g")
    set_attribute(product, Attribute.objects.get(slug="weight"), 250)
    assert client.get(product.get_absolute_url()).text.count("<dd>250g</dd>") == 1
