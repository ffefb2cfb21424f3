"""Stock changes only by movements, and movements stand for ever: both kept by the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION catalog_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER stock_movement_append_only BEFORE UPDATE OR DELETE ON catalog_stockmovement
    FOR EACH ROW EXECUTE FUNCTION catalog_append_only();
CREATE TRIGGER stock_movement_no_truncate BEFORE TRUNCATE ON catalog_stockmovement
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_append_only();

-- A movement is applied to its stock row by the database itself. Inside a trigger of the stock row
-- (its first pieces, below) the row already shows them.
CREATE FUNCTION catalog_apply_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        UPDATE catalog_stock SET on_hand = on_hand + NEW.on_hand_change, reserved = reserved + NEW.reserved_change
        WHERE variant_id = NEW.stock_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_movement_applied AFTER INSERT ON catalog_stockmovement
    FOR EACH ROW EXECUTE FUNCTION catalog_apply_movement();

-- Any other change of the two counts is refused.
CREATE FUNCTION catalog_stock_only_by_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 AND (NEW.on_hand, NEW.reserved) IS DISTINCT FROM (OLD.on_hand, OLD.reserved) THEN
        RAISE EXCEPTION 'stock of variant % changes only by a movement (catalog/stock.py)', OLD.variant_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stock_only_by_movement BEFORE UPDATE ON catalog_stock
    FOR EACH ROW EXECUTE FUNCTION catalog_stock_only_by_movement();

-- A row born with pieces writes its own first movement, so that the sums hold from the first moment.
CREATE FUNCTION catalog_stock_opening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.on_hand <> 0 OR NEW.reserved <> 0 THEN
        INSERT INTO catalog_stockmovement (stock_id, kind, on_hand_change, reserved_change, cause, note)
        VALUES (NEW.variant_id, 'receipt', NEW.on_hand, NEW.reserved, 'opening', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_opening AFTER INSERT ON catalog_stock
    FOR EACH ROW EXECUTE FUNCTION catalog_stock_opening();
"""

BACKWARD = """
DROP TRIGGER stock_opening ON catalog_stock;
DROP TRIGGER stock_only_by_movement ON catalog_stock;
DROP TRIGGER stock_movement_applied ON catalog_stockmovement;
DROP TRIGGER stock_movement_no_truncate ON catalog_stockmovement;
DROP TRIGGER stock_movement_append_only ON catalog_stockmovement;
DROP FUNCTION catalog_stock_opening();
DROP FUNCTION catalog_stock_only_by_movement();
DROP FUNCTION catalog_apply_movement();
DROP FUNCTION catalog_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
