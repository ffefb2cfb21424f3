"""The demo's goods: whole, believable, loaded once."""

import io
import re
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db.models import Count, Q
from django.test import Client
from PIL import Image

from catalog import renditions
from catalog.models import Category, Notice, Picture, Product, ProductVariant, Seller, Stock, StockMovement
from okryu.demo import gallery
from okryu.demo.load import load_catalogue, read_catalogue
from tests.factories import SellerFactory

HANGUL = re.compile("[가-힣]")
CATALOGUE = read_catalogue()
TABLES = (Category, Seller, Product, ProductVariant, Stock, StockMovement, Picture, Notice)


def silent(text: str) -> None:
    pass


def test_every_product_is_told_in_both_languages() -> None:
    products = CATALOGUE["products"]
    assert len(products) == 94
    for row in products:
        assert row["name_ko"] and row["name_en"] and row["unit_ko"] and row["unit_en"], row
        assert row["description_ko"].count(".") >= 2 and row["description_ko"].endswith("."), row["description_ko"]
        assert len(row["description_en"]) > 50 and not HANGUL.search(row["description_en"])
        assert 50 <= row["weight_g"] <= 75_000
        for shown in row["pictures"]:
            assert shown["alt_ko"] and shown["alt_en"]
            assert (gallery.MASTERS / shown["file"]).exists()
    skus = [variant["sku"] for row in products for variant in row["variants"]]
    assert len(set(skus)) == len(skus)


def test_the_demo_spells_as_at_home() -> None:
    southern = ["요리", "배송", "장바구니", "결제", "이용", "여성", "냉면", "라면", "식용유", "₩"]
    words = [text for row in CATALOGUE["products"] + CATALOGUE["sellers"] for text in row.values() if str(text) == text]
    assert [word for text in words for word in southern if word in text] == []


def test_every_master_is_used_and_small_enough() -> None:
    used = {shown["file"] for row in CATALOGUE["products"] for shown in row["pictures"]}
    masters = list(gallery.MASTERS.iterdir())
    assert {master.name for master in masters} == used
    assert sum(master.stat().st_size for master in masters) < 2_200_000
    for master in masters:
        with Image.open(master) as image:
            assert image.size == (640, 640)


@pytest.mark.django_db
def test_the_catalogue_loads_once(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(gallery, "KINDS_AT_ONCE", ["jpeg"])
    monkeypatch.setattr(gallery, "WIDTHS_AT_ONCE", [160])
    load_catalogue(CATALOGUE, tell=silent)
    before = [model.objects.count() for model in TABLES]  # type: ignore[attr-defined]
    load_catalogue(CATALOGUE, tell=silent)
    assert [model.objects.count() for model in TABLES] == before  # type: ignore[attr-defined]
    assert not Product.objects.annotate(shown=Count("pictures")).filter(shown=0).exists()
    for picture in Picture.objects.all():
        assert "jpeg160" in picture.renditions
        assert default_storage.exists(picture.rendition_path("jpeg160"))
    with_size = Product.objects.annotate(sizes=Count("variants", filter=~Q(variants__size="")))
    assert set(with_size.get(slug="dress").variants.values_list("size", flat=True)) == {"S", "M", "L", "XL", "XXL"}
    assert with_size.get(slug="sports-shoes").sizes == 11
    assert ProductVariant.objects.get(sku="NSU-002-M").unit_price == 4900
    assert Product.objects.filter(needs_van=True).count() == 4
    assert Product.objects.filter(minimum_age=17).count() == 7
    assert Seller.objects.get(slug="sinuiju-cosmetics").lead_days == 7
    assert client.get("/").status_code == 200


@pytest.mark.django_db
def test_a_shop_with_sellers_of_its_own_is_left_alone() -> None:
    SellerFactory(slug="my-own-shop")
    with pytest.raises(CommandError, match="my-own-shop"):
        call_command("load_demo")
    assert Seller.objects.count() == 1


@pytest.mark.django_db
def test_production_is_left_alone(settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="--yes-demo"):
        call_command("load_demo")
    assert not Seller.objects.exists()


@pytest.mark.long
def test_thumbnails_are_small() -> None:
    sizes: dict[str, list[int]] = {}
    for master in gallery.MASTERS.iterdir():
        for name, data in renditions.draw(master.read_bytes(), ["jpeg320", "webp320"]).items():
            sizes.setdefault(name, []).append(len(data))
            assert Image.open(io.BytesIO(data)).size == (320, 320)
    assert sum(sizes["jpeg320"]) / len(sizes["jpeg320"]) < 6144
    assert sum(sizes["webp320"]) / len(sizes["webp320"]) < 4096
