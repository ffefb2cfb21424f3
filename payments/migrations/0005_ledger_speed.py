"""A cheaper balance (sql/0005_ledger_speed.sql); an index that only the search for ending holds may use."""

from pathlib import Path

from django.db import migrations, models

BALANCE = (Path(__file__).resolve().parent.parent / "sql" / "0005_ledger_speed.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_settlement")]
    operations = [
        migrations.RemoveIndex(model_name="payment", name="payment_expiring"),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False), ("state", "authorised")),
                fields=["expires_at"],
                name="payment_expiring",
            ),
        ),
        migrations.RunSQL(BALANCE),
    ]
