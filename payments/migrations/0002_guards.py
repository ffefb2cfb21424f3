"""Load the guards of sql/guards.sql. Not reversible: a ledger without its guards is not one."""

from pathlib import Path

from django.db import migrations

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "guards.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]
    operations = [migrations.RunSQL(GUARDS)]
