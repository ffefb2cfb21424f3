-- What a statement of the shop book may move is looked at once for all its rows, no longer once for each row and rule:
-- a sale is three transfers in one statement. Replaces shop_consequences() of guards.sql and shop_shares() of 0006.

DROP TRIGGER shop_consequences ON payments_transfer;
DROP TRIGGER shop_shares ON payments_transfer;
DROP FUNCTION shop_consequences();
DROP FUNCTION shop_shares();
DROP FUNCTION told(uuid, text);

-- The only code that moves a payment's captured and refunded: never more than the network has confirmed; done when
-- nothing is held any more. And of each payment a seller is credited no more goods and no more of a voucher than the
-- network's answers about this seller say, and gives back no more; the commission stays between nothing and its rate of
-- what is left of both. Without that a voucher's or the commission's account could pay a seller any sum.
CREATE FUNCTION shop_book() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    SET plan_cache_mode = force_generic_plan AS $$  -- planning anew for each id costs more than all it finds
DECLARE
    n record;
    told record;
    booked record;
BEGIN
    -- By one payment's id at a time: whatever the planner believes of the tables, it is found by its index.
    FOR n IN SELECT reference, coalesce(sum(amount) FILTER (WHERE kind IN ('sale', 'fare')), 0) AS taken,
                    coalesce(sum(amount) FILTER (WHERE kind IN ('sale_back', 'fare_back')), 0) AS back
               FROM new_transfers
              WHERE kind IN ('sale', 'fare', 'sale_back', 'fare_back', 'subsidy', 'subsidy_back', 'commission', 'commission_back')
              GROUP BY reference ORDER BY reference LOOP
        IF n.taken + n.back = 0 THEN
            PERFORM FROM payments_payment WHERE id = n.reference FOR NO KEY UPDATE;  -- two at once see each other
            CONTINUE;
        END IF;
        UPDATE payments_payment
           SET captured = captured + n.taken, refunded = refunded + n.back,
               state = CASE WHEN n.taken > 0 AND captured + n.taken + released = amount THEN 'done' ELSE state END
         WHERE id = n.reference AND (state = 'authorised' OR (state = 'done' AND n.taken = 0))
           AND (n.taken = 0 OR captured + n.taken <= (
                SELECT coalesce(sum(m.amount), 0) FROM payments_message m
                 WHERE m.payment_id = n.reference AND m.verb = 'capture' AND m.code = '00'))
           AND (n.back = 0 OR refunded + n.back <= (
                SELECT coalesce(sum(m.amount), 0) FROM payments_message m
                 WHERE m.payment_id = n.reference AND m.verb = 'refund' AND m.code = '00'));
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is nothing to draw on: %', n.reference USING ERRCODE = '23514';
        END IF;
    END LOOP;

    FOR n IN SELECT reference, seller, array_agg(kind::text) AS kinds
               FROM (SELECT reference, kind, CASE WHEN kind IN ('sale', 'subsidy', 'commission_back')
                            THEN credit_account_id ELSE debit_account_id END AS seller
                       FROM new_transfers
                      WHERE kind IN ('sale', 'sale_back', 'subsidy', 'subsidy_back', 'commission', 'commission_back')) s
              GROUP BY reference, seller LOOP
        SELECT coalesce(sum(goods) FILTER (WHERE verb = 'capture'), 0) AS sold,
               coalesce(sum(subsidy) FILTER (WHERE verb = 'capture'), 0) AS given,
               coalesce(sum(goods) FILTER (WHERE verb = 'refund'), 0) AS returned,
               coalesce(sum(subsidy) FILTER (WHERE verb = 'refund'), 0) AS taken_back,
               coalesce(max(commission_bp), 0) AS rate
          INTO told FROM payments_message
         WHERE payment_id = n.reference AND code = '00'
           AND seller_id::text = (SELECT owner FROM payments_account WHERE id = n.seller);
        SELECT coalesce(sum(amount) FILTER (WHERE kind = 'sale'), 0) AS sold,
               coalesce(sum(amount) FILTER (WHERE kind = 'subsidy'), 0) AS given,
               coalesce(sum(amount) FILTER (WHERE kind = 'sale_back'), 0) AS returned,
               coalesce(sum(amount) FILTER (WHERE kind = 'subsidy_back'), 0) AS taken_back,
               coalesce(sum(CASE kind WHEN 'commission' THEN amount WHEN 'commission_back' THEN -amount END), 0) AS fee
          INTO booked FROM payments_transfer
         WHERE reference = n.reference AND n.seller IN (debit_account_id, credit_account_id);
        IF ('sale' = ANY (n.kinds) AND booked.sold > told.sold)
           OR ('subsidy' = ANY (n.kinds) AND booked.given > told.given)
           OR ('sale_back' = ANY (n.kinds) AND booked.returned > told.returned)
           OR ('subsidy_back' = ANY (n.kinds) AND booked.taken_back > told.taken_back)
           OR ('commission' = ANY (n.kinds) AND booked.fee * 10000
               > (booked.sold + booked.given - booked.returned - booked.taken_back) * told.rate)
           OR ('commission_back' = ANY (n.kinds) AND booked.fee < 0) THEN
            RAISE EXCEPTION '% is not the seller''s share: %', n.kinds, n.reference USING ERRCODE = '23514';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER shop_book AFTER INSERT ON payments_transfer REFERENCING NEW TABLE AS new_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION shop_book();
ALTER FUNCTION payment_guard() SET plan_cache_mode = force_generic_plan;
