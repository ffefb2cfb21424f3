"""What a statement of the shop book moves is looked at once for all its rows (sql/0008_one_look_a_statement.sql)."""

from pathlib import Path

from django.db import migrations

BOOK = (Path(__file__).resolve().parent.parent / "sql" / "0008_one_look_a_statement.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_said_by_the_database")]
    operations = [migrations.RunSQL(BOOK)]
