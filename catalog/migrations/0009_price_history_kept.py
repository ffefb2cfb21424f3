"""The database writes the history of prices itself."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "0009_price_history_kept.sql"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0008_price_history")]
    operations = [migrations.RunSQL(SQL.read_text(encoding="utf-8"))]
