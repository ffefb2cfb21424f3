"""The database keeps the listing: views, functions and triggers of catalog/sql/0004_listing_kept.sql."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql" / "0004_listing_kept.sql"
TRIGGERS = {
    "catalog_product": "product_listed product_relisted",
    "catalog_productvariant": "variant_listed variant_relisted variant_unlisted",
    "catalog_attributevalue": "value_listed value_relisted value_unlisted",
    "catalog_stock": "stock_listed stock_crossed",
    "catalog_seller": "seller_relisted seller_moved",
    "catalog_category": "category_relisted category_moved",
    "catalog_productkind": "kind_relisted",
    "catalog_attribute": "attribute_relisted",
    "catalog_listing": "listing_inserted listing_updated listing_deleted",
}
BACKWARD = "\n".join(
    [f"DROP TRIGGER {name} ON {table};" for table, names in TRIGGERS.items() for name in names.split()]
    + [
        f"DROP FUNCTION catalog_{name}();"
        for name in (
            "slug_changed listing_written owner_changed stock_crossed stock_opened part_changed product_changed".split()
        )
    ]
    + [
        "DROP FUNCTION catalog_list_soon(bigint[]);",
        "DROP FUNCTION catalog_list(bigint[]);",
        "DROP VIEW catalog_listing_now;",
        "DROP FUNCTION catalog_token(int, bigint, int);",
        "DROP FUNCTION catalog_letters(text);",
    ]
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_attributes_and_listing")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"), BACKWARD)]
