"""Load the network's guards. Not reversible: a ledger without its guards is not one."""

from pathlib import Path

from django.db import migrations

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "guards.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("network", "0001_initial"), ("payments", "0002_guards")]
    operations = [migrations.RunSQL(GUARDS)]
