"""The order's diary stands for ever: kept by the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION orders_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER order_event_append_only BEFORE UPDATE OR DELETE ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();
CREATE TRIGGER order_event_no_truncate BEFORE TRUNCATE ON orders_orderevent
    FOR EACH STATEMENT EXECUTE FUNCTION orders_append_only();
"""

BACKWARD = """
DROP TRIGGER order_event_no_truncate ON orders_orderevent;
DROP TRIGGER order_event_append_only ON orders_orderevent;
DROP FUNCTION orders_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
