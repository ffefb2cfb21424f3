"""The job of an import may have statistics taken anew where they say what cannot be."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0018_statistics.sql"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0017_seller_cut_off")]
    operations = [
        migrations.RunSQL(SQL.read_text(encoding="utf-8"), "DROP FUNCTION catalog_mend_statistics()"),
    ]
