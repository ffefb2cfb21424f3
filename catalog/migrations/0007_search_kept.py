"""Every change of the shop is noted for the search by the database itself (catalog/sql/0007_search_kept.sql)."""

from pathlib import Path

from django.db import migrations

FORWARD = (Path(__file__).resolve().parents[1] / "sql/0007_search_kept.sql").read_text(encoding="utf-8")
BACKWARD = """
DROP TRIGGER search_kind ON catalog_productkind;
DROP TRIGGER search_category ON catalog_category;
DROP TRIGGER search_seller ON catalog_seller;
DROP TRIGGER search_stock_changed ON catalog_stock;
DROP TRIGGER search_stock_new ON catalog_stock;
DROP TRIGGER search_variant_changed ON catalog_productvariant;
DROP TRIGGER search_variant_new ON catalog_productvariant;
DROP TRIGGER search_product_changed ON catalog_product;
DROP TRIGGER search_product_new ON catalog_product;
DROP FUNCTION catalog_search_kind();
DROP FUNCTION catalog_search_category();
DROP FUNCTION catalog_search_seller();
DROP FUNCTION catalog_search_stock();
DROP FUNCTION catalog_search_variant_changed();
DROP FUNCTION catalog_search_variant();
DROP FUNCTION catalog_search_product_changed();
DROP FUNCTION catalog_search_product_new();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_search_synonyms")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
