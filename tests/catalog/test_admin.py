"""The catalogue's desk: forms open and refuse in plain words, stock moves once, reviews count right."""

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from catalog import stock
from catalog.models import Category, Notice, Picture, Product, ProductVariant, Review, Seller, StockMovement
from catalog.stock_wishes import ask
from tests.factories import (
    CategoryFactory,
    NoticeFactory,
    PictureFactory,
    ProductFactory,
    ProductKindFactory,
    ReviewFactory,
    StaffFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(StaffFactory())
    return client


def picture_file(name: str = "bowl.png", size: tuple[int, int] = (400, 400)) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", size, "#d8a848").save(file, "PNG")
    file.seek(0)
    file.name = name
    return file


def form_of(product: Product, **changes: Any) -> dict[str, Any]:
    """The product's form as the browser would send it back, with `changes`."""
    variant = product.variants.get()
    return {
        "seller": product.seller_id,
        "category": product.category_id,
        "kind": "",
        "slug": product.slug,
        "is_active": "on",
        "listed_at_0": "2026-11-01",
        "listed_at_1": "09:00",
        "weight_g": 900,
        "minimum_age": 0,
        "content_amount": "",
        "content_unit": "",
        "name_ko_kp": "평양랭면",
        "name_en": "Cold noodles",
        "unit_ko_kp": "그릇",
        "unit_en": "bowl",
        "description_ko_kp": "",
        "description_en": "",
        "variants-TOTAL_FORMS": 1,
        "variants-INITIAL_FORMS": 1,
        "variants-0-id": variant.pk,
        "variants-0-product": product.pk,
        "variants-0-sku": variant.sku,
        "variants-0-price": variant.price,
        "variants-0-position": 0,
        "variants-0-is_active": "on",
        "pictures-TOTAL_FORMS": 0,
        "pictures-INITIAL_FORMS": 0,
        **changes,
    }


MODELS = ["category", "seller", "productkind", "product", "stock", "review", "notice"]


@pytest.mark.parametrize("language", ["en", "ko-kp"])
@pytest.mark.parametrize("model", MODELS)
def test_lists_and_forms_open(desk: Client, model: str, language: str) -> None:
    desk.cookies["language"] = language
    product = ProductFactory(kind=ProductKindFactory())
    PictureFactory(product=product)
    keys = {
        "category": product.category_id,
        "seller": product.seller_id,
        "productkind": product.kind_id,
        "product": product.pk,
        "stock": product.variants.get().pk,
        "review": ReviewFactory(product=product).pk,
        "notice": NoticeFactory().pk,
    }
    assert desk.get(f"/admin/catalog/{model}/").status_code == 200
    assert desk.get(f"/admin/catalog/{model}/?q=x").status_code == 200
    assert desk.get(f"/admin/catalog/{model}/{keys[model]}/change/").status_code == 200
    if model not in ("stock", "review"):
        assert desk.get(f"/admin/catalog/{model}/add/").status_code == 200


@pytest.mark.parametrize("model", MODELS[:-1])
def test_nothing_orders_point_at_can_be_deleted(desk: Client, model: str) -> None:
    ProductFactory(kind=ProductKindFactory())
    ReviewFactory()
    pk = {"category": Category, "seller": Seller, "product": Product, "review": Review}.get(model, ProductVariant)
    key = pk.objects.order_by("pk")[0].pk
    assert desk.post(f"/admin/catalog/{model}/{key}/delete/", {"post": "yes"}).status_code == 403


def test_the_list_costs_the_same_for_any_number(desk: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        ProductFactory()
    with django_assert_max_num_queries(12):
        desk.get("/admin/catalog/product/")


def test_a_seller_is_added_in_two_languages(desk: Client) -> None:
    district = ProductFactory().seller.district_id
    answer = desk.post(
        "/admin/catalog/seller/add/",
        {"slug": "new", "kind": "shop", "district": district, "position": 0, "is_active": "on", "opens_at": "09:00"}
        | {"closes_at": "18:00", "preparation_minutes": 60, "lead_days": 0, "name_ko_kp": "새상점", "name_en": "New"},
    )
    assert answer.status_code == 302
    seller = Seller.objects.get(slug="new")
    assert (seller.name_ko_kp, seller.name_en) == ("새상점", "New")


def test_a_name_is_required_in_korean(desk: Client) -> None:
    answer = desk.post("/admin/catalog/notice/add/", {"published_at_0": "2026-11-01", "published_at_1": "09:00"})
    assert answer.status_code == 200 and not Notice.objects.exists()
    assert "title_ko_kp" in answer.context["adminform"].form.errors


def test_a_price_is_changed(desk: Client) -> None:
    product = ProductFactory()
    answer = desk.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, **{"variants-0-price": 420}))
    assert answer.status_code == 302
    assert product.variants.get().price == 420


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": 0}, "price"),
        ({"price": 10_000_001}, "price"),
        ({"price": -5}, "price"),
        ({"price": "1.5"}, "price"),
        ({"markdown_price": 300}, "markdown_from"),
        ({"markdown_from_0": "2026-11-01", "markdown_from_1": "09:00"}, "markdown_price"),
    ],
)
def test_a_wrong_price_is_told_beside_its_field(desk: Client, changes: dict[str, Any], field: str) -> None:
    product = ProductFactory()
    typed = {f"variants-0-{name}": value for name, value in changes.items()}
    answer = desk.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, **typed))
    assert answer.status_code == 200
    assert field in answer.context["inline_admin_formsets"][0].formset.errors[0]
    assert product.variants.get().price == 380


@pytest.mark.parametrize(
    ("lowered", "until", "field"),
    [(380, "2026-12-01", "markdown_price"), (0, "2026-12-01", "markdown_price"), (300, "2026-10-01", "markdown_until")],
)
def test_a_lowered_price_is_lower_and_ends(desk: Client, lowered: int, until: str, field: str) -> None:
    product = ProductFactory()
    dates = {"variants-0-markdown_from_0": "2026-11-01", "variants-0-markdown_from_1": "09:00"}
    dates |= {"variants-0-markdown_until_0": until, "variants-0-markdown_until_1": "09:00"}
    typed = form_of(product, **dates, **{"variants-0-markdown_price": lowered})
    answer = desk.post(f"/admin/catalog/product/{product.pk}/change/", typed)
    assert field in answer.context["inline_admin_formsets"][0].formset.errors[0]


def test_a_new_variant_gets_an_empty_shelf(desk: Client) -> None:
    product = ProductFactory()
    new = {"variants-TOTAL_FORMS": 2, "variants-1-product": product.pk, "variants-1-sku": "NEW", "variants-1-price": 90}
    new |= {"variants-1-position": 1, "variants-1-is_active": "on"}
    assert desk.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, **new)).status_code == 302
    assert ProductVariant.objects.get(sku="NEW").stock.on_hand == 0


def test_a_picture_is_taken_in(desk: Client) -> None:
    product = ProductFactory()
    new = {"pictures-TOTAL_FORMS": 1, "pictures-0-product": product.pk, "pictures-0-upload": picture_file()}
    new |= {"pictures-0-alt_ko_kp": "랭면", "pictures-0-alt_en": "Noodles", "pictures-0-position": 0}
    assert desk.post(f"/admin/catalog/product/{product.pk}/change/", form_of(product, **new)).status_code == 302
    picture = Picture.objects.get()
    assert (picture.product, picture.width, picture.alt_ko_kp, picture.alt_en) == (product, 400, "랭면", "Noodles")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bowl.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("bowl.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
        ("bowl.png", b""),
        ("bowl.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
        ("bowl.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 100),
    ],
)
def test_what_is_no_picture_is_refused_beside_its_field(desk: Client, name: str, data: bytes) -> None:
    product = ProductFactory()
    file = io.BytesIO(data)
    file.name = name
    new = {"pictures-TOTAL_FORMS": 1, "pictures-0-product": product.pk, "pictures-0-upload": file}
    answer = desk.post(
        f"/admin/catalog/product/{product.pk}/change/", form_of(product, **new, **{"pictures-0-position": 0})
    )
    assert answer.status_code == 200
    assert "upload" in answer.context["inline_admin_formsets"][1].formset.errors[0]
    assert not Picture.objects.exists()


def test_hiding_a_category_hides_what_is_inside(desk: Client) -> None:
    food = CategoryFactory(slug="food")
    bread = CategoryFactory(slug="bread", parent=food)
    bun = CategoryFactory(slug="bun", parent=bread)
    typed = {"slug": "food", "name_ko_kp": "먹을것", "name_en": "Food", "icon": "all", "position": 0}
    assert desk.post(f"/admin/catalog/category/{food.pk}/change/", typed).status_code == 302
    assert not Category.objects.filter(pk__in=[food.pk, bread.pk, bun.pk], is_active=True).exists()
    typed |= {"slug": "bun", "parent": bread.pk, "is_active": "on"}
    assert "is_active" in desk.post(f"/admin/catalog/category/{bun.pk}/change/", typed).context["adminform"].form.errors
    typed |= {"slug": "food", "parent": bun.pk}
    assert "parent" in desk.post(f"/admin/catalog/category/{food.pk}/change/", typed).context["adminform"].form.errors


# ---------------------------------------------------------------- stock


def movement(desk: Client, pk: int, **typed: Any) -> Any:
    page = desk.get(f"/admin/catalog/stock/{pk}/movement/").text
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    return desk.post(f"/admin/catalog/stock/{pk}/movement/", {"token": token, "note": "", **typed})


@pytest.mark.parametrize(
    ("kind", "quantity", "left"), [("receive", 5, 25), ("return", 2, 22), ("count", 12, 12), ("loss", 3, 17)]
)
def test_stock_moves(desk: Client, kind: str, quantity: int, left: int) -> None:
    variant = ProductFactory(variant__on_hand=20, variant__reserved=2).variants.get()
    assert movement(desk, variant.pk, kind=kind, quantity=quantity, note="문서 7").status_code == 302
    variant.stock.refresh_from_db()
    assert variant.stock.on_hand == left
    assert StockMovement.objects.order_by("-pk")[0].note == "문서 7"


def test_the_same_movement_sent_twice_counts_once(desk: Client) -> None:
    variant = ProductFactory(variant__on_hand=20).variants.get()
    token = "6a1c9f2e-0000-4000-8000-000000000001"
    for _ in range(2):
        typed = {"kind": "receive", "quantity": 5, "note": "", "token": token}
        assert desk.post(f"/admin/catalog/stock/{variant.pk}/movement/", typed).status_code == 302
    variant.stock.refresh_from_db()
    assert variant.stock.on_hand == 25


@pytest.mark.parametrize(
    ("kind", "quantity"),
    [("count", 1), ("loss", 19), ("receive", 0), ("receive", -1), ("receive", "x"), ("sell", 1), ("receive", 10**9)],
)
def test_a_wrong_movement_is_told_and_changes_nothing(desk: Client, kind: str, quantity: Any) -> None:
    variant = ProductFactory(variant__on_hand=20, variant__reserved=2).variants.get()
    answer = movement(desk, variant.pk, kind=kind, quantity=quantity, note="깨짐")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    variant.stock.refresh_from_db()
    assert (variant.stock.on_hand, variant.stock.reserved) == (20, 2)


def test_a_loss_needs_its_reason(desk: Client) -> None:
    variant = ProductFactory(variant__on_hand=20).variants.get()
    answer = movement(desk, variant.pk, kind="loss", quantity=3, note=" ")
    assert answer.status_code == 422
    assert "Write how the pieces were lost." in answer.text
    with pytest.raises(IntegrityError, match="stock_movement_loss_has_its_reason"), transaction.atomic():
        stock.write_off_loss(stock.lock([variant.pk])[variant.pk], 3, cause="test", note="")
    variant.stock.refresh_from_db()
    assert variant.stock.on_hand == 20


def test_what_runs_out_and_what_is_waited_for(desk: Client) -> None:
    shelves = {"plenty": (20, 0), "few": (7, 3), "none": (3, 3), "wanted": (0, 0)}
    for slug, (on_hand, reserved) in shelves.items():
        ProductFactory(slug=slug, name_en=slug, variant__on_hand=on_hand, variant__reserved=reserved)
    ask(user=UserFactory(), variant=ProductVariant.objects.get(product__slug="wanted"))
    ask(user=UserFactory(), variant=ProductVariant.objects.get(product__slug="wanted"))
    for left, wanted in {"low": {"few", "none", "wanted"}, "none": {"none", "wanted"}, "waited": {"wanted"}}.items():
        page = desk.get(f"/admin/catalog/stock/?left={left}").text
        rows = re.findall(r"/admin/catalog/stock/\d+/change/[^>]*>\s*(\w+)", page)
        assert sorted(rows) == sorted(wanted), left
    assert desk.get("/admin/catalog/stock/?left=nonsense").status_code in (200, 302)


def test_every_movement_of_a_variant_in_as_many_queries(desk: Client) -> None:
    variant = ProductFactory(variant__on_hand=20).variants.get()
    ProductFactory(slug="other", variant__on_hand=5)

    def seen() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as asked:
            page = desk.get(f"/admin/catalog/stockmovement/?stock__exact={variant.pk}").text
        return len(asked), page

    seen()
    few, _page = seen()
    for n in range(30):
        movement(desk, variant.pk, kind="receive", quantity=1, note=f"slip {n}")
    many, page = seen()
    assert many <= few + 1
    assert page.count("slip ") >= 30
    assert len(re.findall(re.escape(variant.sku), page)) >= 31
    assert desk.get(f"/admin/catalog/stock/{variant.pk}/movements", follow=True).status_code == 200
    assert desk.post("/admin/catalog/stockmovement/add/").status_code == 403


def test_stock_is_for_staff_who_may(desk: Client, client: Client) -> None:
    variant = ProductFactory().variants.get()
    address = f"/admin/catalog/stock/{variant.pk}/movement/"
    assert client.get(address).status_code == 302
    client.force_login(UserFactory())
    assert client.post(address).status_code == 302
    clerk = StaffFactory(is_superuser=False)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_stock"))
    client.force_login(clerk)
    assert client.get(address).status_code == 403
    assert client.post(address, {"kind": "receive", "quantity": 5}).status_code == 403
    assert desk.get("/admin/catalog/stock/999999/movement/").status_code == 404


# ---------------------------------------------------------------- reviews


def decide(desk: Client, verb: str, review: Review, *, version: int = 1, **data: str) -> Any:
    """The list's action leads to the page that shows the words; its button decides."""
    asked = desk.post("/admin/catalog/review/", {"action": verb, "_selected_action": [review.pk]})
    assert asked["Location"] == f"/admin/catalog/review/verdict/{verb}/?review={review.pk}"
    assert review.text in desk.get(asked["Location"]).content.decode()
    data = {"reason": "rude", **data} if verb == "refuse" else data
    return desk.post(f"/admin/catalog/review/verdict/{verb}/", {"seen": f"{review.pk}-{version}", **data})


@pytest.mark.parametrize("verbs", [["publish"], ["publish", "publish"], ["refuse", "publish"]])
def test_published_stars_count_once(desk: Client, verbs: list[str]) -> None:
    review = ReviewFactory(stars=4, state=Review.State.WAITING)
    for verb in verbs:
        assert decide(desk, verb, review).status_code == 302
    product = Product.objects.get(pk=review.product_id)
    assert (product.rating_sum, product.rating_count) == (4, 1)


@pytest.mark.parametrize("verbs", [["refuse"], ["publish", "refuse"], ["publish", "refuse", "refuse"]])
def test_refused_stars_do_not_count(desk: Client, verbs: list[str]) -> None:
    review = ReviewFactory(stars=4, state=Review.State.WAITING)
    for verb in verbs:
        assert decide(desk, verb, review).status_code == 302
    product = Product.objects.get(pk=review.product_id)
    assert (product.rating_sum, product.rating_count) == (0, 0)
    review.refresh_from_db()
    assert (review.state, review.refusal) == (Review.State.REFUSED, "rude")


def test_asking_decides_nothing_and_a_refusal_needs_its_reason(desk: Client) -> None:
    review = ReviewFactory(state=Review.State.WAITING)
    desk.post("/admin/catalog/review/", {"action": "publish", "_selected_action": [review.pk]})
    assert decide(desk, "refuse", review, reason="").status_code == 422
    assert decide(desk, "refuse", review, reason="other", note=" ").status_code == 422
    review.refresh_from_db()
    assert review.state == Review.State.WAITING


def test_words_rewritten_after_they_were_read_keep_waiting(desk: Client) -> None:
    review = ReviewFactory(state=Review.State.WAITING)
    Review.objects.update(version=2)
    decide(desk, "publish", review)
    review.refresh_from_db()
    assert review.state == Review.State.WAITING
    decide(desk, "publish", review, version=2)
    review.refresh_from_db()
    assert review.state == Review.State.PUBLISHED


def test_only_who_may_change_reviews_decides(desk: Client, client: Client) -> None:
    review = ReviewFactory(state=Review.State.WAITING)
    clerk = StaffFactory(is_superuser=False)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_review"))
    client.force_login(clerk)
    assert client.post("/admin/catalog/review/verdict/publish/", {"seen": f"{review.pk}-1"}).status_code == 403
    review.refresh_from_db()
    assert review.state == Review.State.WAITING


def test_nobody_edits_a_buyers_words(desk: Client) -> None:
    review = ReviewFactory(stars=2, text="짜다")
    desk.post(f"/admin/catalog/review/{review.pk}/change/", {"stars": 5, "text": "맛있다", "answer": "고맙습니다"})
    review.refresh_from_db()
    assert (review.stars, review.text, review.answer) == (2, "짜다", "고맙습니다")
