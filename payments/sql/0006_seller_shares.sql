-- What the shop book moves beside the goods themselves, and how a payment ends, hang on the network's answers too.
-- Replaces payment_guard() of guards.sql; the rest of that file stands.

-- A seller is credited, of each payment, no more goods and no more of a voucher than the network's answers about this
-- seller say, and gives back no more; the commission stays between nothing and its rate of what is left of both.
-- Without it a voucher's or the commission's account could pay a seller any sum. Its name puts it after
-- shop_consequences, which says first what has not been taken at all.
CREATE FUNCTION shop_shares() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    seller bigint := CASE WHEN NEW.kind IN ('sale', 'subsidy', 'commission_back') THEN NEW.credit_account_id
                          ELSE NEW.debit_account_id END;
    told record;
    booked record;
BEGIN
    PERFORM FROM payments_payment WHERE id = NEW.reference FOR NO KEY UPDATE;  -- two at once see each other
    SELECT coalesce(sum(goods) FILTER (WHERE verb = 'capture'), 0) AS sold,
           coalesce(sum(subsidy) FILTER (WHERE verb = 'capture'), 0) AS given,
           coalesce(sum(goods) FILTER (WHERE verb = 'refund'), 0) AS returned,
           coalesce(sum(subsidy) FILTER (WHERE verb = 'refund'), 0) AS taken_back,
           coalesce(max(commission_bp), 0) AS rate
      INTO told FROM payments_message
     WHERE payment_id = NEW.reference AND code = '00'
       AND seller_id::text = (SELECT owner FROM payments_account WHERE id = seller);
    SELECT coalesce(sum(amount) FILTER (WHERE kind = 'sale'), 0) AS sold,
           coalesce(sum(amount) FILTER (WHERE kind = 'subsidy'), 0) AS given,
           coalesce(sum(amount) FILTER (WHERE kind = 'sale_back'), 0) AS returned,
           coalesce(sum(amount) FILTER (WHERE kind = 'subsidy_back'), 0) AS taken_back,
           coalesce(sum(CASE kind WHEN 'commission' THEN amount WHEN 'commission_back' THEN -amount END), 0) AS fee
      INTO booked FROM payments_transfer
     WHERE reference = NEW.reference AND seller IN (debit_account_id, credit_account_id);
    IF (CASE NEW.kind
       WHEN 'sale' THEN booked.sold > told.sold
       WHEN 'subsidy' THEN booked.given > told.given
       WHEN 'sale_back' THEN booked.returned > told.returned
       WHEN 'subsidy_back' THEN booked.taken_back > told.taken_back
       WHEN 'commission' THEN booked.fee * 10000
            > (booked.sold + booked.given - booked.returned - booked.taken_back) * told.rate
       ELSE booked.fee < 0 END) THEN
        RAISE EXCEPTION '% of % is not the seller''s share: %', NEW.kind, NEW.amount, NEW.reference USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shop_shares AFTER INSERT ON payments_transfer FOR EACH ROW
    WHEN (NEW.kind IN ('sale', 'sale_back', 'subsidy', 'subsidy_back', 'commission', 'commission_back'))
    EXECUTE FUNCTION shop_shares();

-- "Nothing has been taken" is written down only after the network's refusal or its word that all is undone.
CREATE OR REPLACE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.order_code, NEW.amount, NEW.created_at)
       IS DISTINCT FROM (OLD.id, OLD.order_code, OLD.amount, OLD.created_at)
       OR ((NEW.captured, NEW.refunded, NEW.released) <> (OLD.captured, OLD.refunded, OLD.released) AND pg_trigger_depth() < 2)
       OR ((NEW.code, NEW.last4, NEW.expires_at) IS DISTINCT FROM (OLD.code, OLD.last4, OLD.expires_at) AND NEW.state = OLD.state)
       OR (NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
           (('pending', 'authorised'), ('pending', 'declined'), ('authorised', 'done'), ('authorised', 'cancelled'))) THEN
        RAISE EXCEPTION 'payment %: that change is not allowed', OLD.id USING ERRCODE = '23514';
    END IF;
    IF NEW.state = 'authorised' AND OLD.state = 'pending' AND NOT EXISTS (
        SELECT FROM payments_message WHERE payment_id = NEW.id AND verb = 'authorise' AND code = '00') THEN
        RAISE EXCEPTION 'payment %: the network has not approved it', OLD.id USING ERRCODE = '23514';
    END IF;
    IF NEW.state = 'cancelled' AND OLD.state <> 'cancelled' AND EXISTS (
        SELECT FROM payments_message WHERE payment_id = NEW.id AND verb = 'capture' AND (code IS NULL OR code = '00')) THEN
        RAISE EXCEPTION 'payment %: a capture has been asked', OLD.id USING ERRCODE = '23514';
    END IF;
    IF NEW.state IN ('declined', 'cancelled') AND NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM payments_message WHERE payment_id = NEW.id
           AND ((verb = 'reverse' AND code = '00') OR (verb = 'authorise' AND code <> '00'))) THEN
        RAISE EXCEPTION 'payment %: the network has not refused or undone it', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
