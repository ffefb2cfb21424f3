"""Which day is over, what was received, what an audit found: the database's own word (sql/0007_…)."""

from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

GUARDS = (Path(__file__).resolve().parent.parent / "sql" / "0007_said_by_the_database.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_seller_shares"), ("network", "0005_won_only")]
    operations = [
        migrations.AddField(
            "auditrun",
            "subject",
            models.CharField(
                choices=[("ledger", "ledger"), ("orders", "orders")],
                db_default="ledger", default="ledger", max_length=10, verbose_name="what is audited",
            ),
        ),
        migrations.AlterModelOptions("auditrun", {"verbose_name": "audit", "verbose_name_plural": "audits"}),
        migrations.AddConstraint(
            "auditrun",
            models.CheckConstraint(condition=Q(subject__in=["ledger", "orders"]), name="audit_run_subject_known"),
        ),
        migrations.RunSQL(GUARDS),
    ]
