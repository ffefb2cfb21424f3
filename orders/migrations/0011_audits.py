"""Views that prove orders, parcels, shelves, windows and money against each other (sql/0011_audits.sql)."""

from pathlib import Path

from django.db import migrations

AUDITS = (Path(__file__).resolve().parent.parent / "sql" / "0011_audits.sql").read_text(encoding="utf-8")
REVERSE = """
DROP FUNCTION orders_counted();
DROP VIEW orders_audit_diary, orders_audit_parcel, orders_audit_state, orders_audit_taken, orders_audit_held,
          orders_audit_payment, orders_audit_voucher, orders_audit_total, orders_audit_slot, orders_audit_line,
          orders_audit_promise, orders_audit_shelf, orders_parcel_worth;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0010_returns"),
        ("catalog", "0017_seller_cut_off"),
        ("payments", "0007_said_by_the_database"),
    ]
    operations = [migrations.RunSQL(AUDITS, REVERSE)]
