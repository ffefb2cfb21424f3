"""The network's last word on whose cards in which money: see sql/0005_won_only.sql."""

from pathlib import Path

from django.db import migrations

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "0005_won_only.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("network", "0004_chargeback")]
    operations = [migrations.RunSQL(GUARDS)]
