"""A seller's share and a payment's end hang on the network's answers (sql/0006_seller_shares.sql)."""

from pathlib import Path

from django.db import migrations

SHARES = (Path(__file__).resolve().parent.parent / "sql" / "0006_seller_shares.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_ledger_speed")]
    operations = [migrations.RunSQL(SHARES)]
