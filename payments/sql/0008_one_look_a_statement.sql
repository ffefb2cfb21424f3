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
CREATE FUNCTION shop_book() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    about uuid[];
    drawing uuid[];
    moved bigint;
    stray record;
BEGIN
    SELECT array_agg(DISTINCT reference),
           coalesce(array_agg(DISTINCT reference) FILTER (WHERE kind IN ('sale', 'fare', 'sale_back', 'fare_back')), '{}')
      INTO about, drawing FROM new_transfers
     WHERE kind IN ('sale', 'fare', 'sale_back', 'fare_back', 'subsidy', 'subsidy_back', 'commission', 'commission_back');
    IF about IS NULL THEN
        RETURN NULL;
    END IF;

    -- Two at once see each other: what is read below is read under the payment's lock.
    PERFORM FROM payments_payment WHERE id = ANY (about) ORDER BY id FOR NO KEY UPDATE;
    UPDATE payments_payment p
       SET captured = p.captured + n.taken, refunded = p.refunded + n.back,
           state = CASE WHEN n.taken > 0 AND p.captured + n.taken + p.released = p.amount THEN 'done' ELSE p.state END
      FROM (SELECT reference, coalesce(sum(amount) FILTER (WHERE kind IN ('sale', 'fare')), 0) AS taken,
                   coalesce(sum(amount) FILTER (WHERE kind IN ('sale_back', 'fare_back')), 0) AS back
              FROM new_transfers WHERE kind IN ('sale', 'fare', 'sale_back', 'fare_back') GROUP BY reference) n
     WHERE p.id = n.reference AND (p.state = 'authorised' OR (p.state = 'done' AND n.taken = 0))
       AND (n.taken = 0 OR p.captured + n.taken <= (
            SELECT coalesce(sum(amount), 0) FROM payments_message
             WHERE payment_id = n.reference AND verb = 'capture' AND code = '00'))
       AND (n.back = 0 OR p.refunded + n.back <= (
            SELECT coalesce(sum(amount), 0) FROM payments_message
             WHERE payment_id = n.reference AND verb = 'refund' AND code = '00'));
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(drawing) THEN
        RAISE EXCEPTION 'there is nothing to draw on: %', drawing[1:3] USING ERRCODE = '23514';
    END IF;

    SELECT n.kinds, n.reference INTO stray
      FROM (SELECT reference, seller, array_agg(DISTINCT kind) AS kinds
              FROM (SELECT reference, kind, CASE WHEN kind IN ('sale', 'subsidy', 'commission_back')
                           THEN credit_account_id ELSE debit_account_id END AS seller
                      FROM new_transfers
                     WHERE kind IN ('sale', 'sale_back', 'subsidy', 'subsidy_back', 'commission', 'commission_back')) s
             GROUP BY reference, seller) n
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(goods) FILTER (WHERE verb = 'capture'), 0) AS sold,
                  coalesce(sum(subsidy) FILTER (WHERE verb = 'capture'), 0) AS given,
                  coalesce(sum(goods) FILTER (WHERE verb = 'refund'), 0) AS returned,
                  coalesce(sum(subsidy) FILTER (WHERE verb = 'refund'), 0) AS taken_back,
                  coalesce(max(commission_bp), 0) AS rate
             FROM payments_message
            WHERE payment_id = n.reference AND code = '00'
              AND seller_id::text = (SELECT owner FROM payments_account WHERE id = n.seller)) told
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(amount) FILTER (WHERE kind = 'sale'), 0) AS sold,
                  coalesce(sum(amount) FILTER (WHERE kind = 'subsidy'), 0) AS given,
                  coalesce(sum(amount) FILTER (WHERE kind = 'sale_back'), 0) AS returned,
                  coalesce(sum(amount) FILTER (WHERE kind = 'subsidy_back'), 0) AS taken_back,
                  coalesce(sum(CASE kind WHEN 'commission' THEN amount WHEN 'commission_back' THEN -amount END), 0) AS fee
             FROM payments_transfer
            WHERE reference = n.reference AND n.seller IN (debit_account_id, credit_account_id)) booked
     WHERE ('sale' = ANY (n.kinds) AND booked.sold > told.sold)
        OR ('subsidy' = ANY (n.kinds) AND booked.given > told.given)
        OR ('sale_back' = ANY (n.kinds) AND booked.returned > told.returned)
        OR ('subsidy_back' = ANY (n.kinds) AND booked.taken_back > told.taken_back)
        OR ('commission' = ANY (n.kinds) AND booked.fee * 10000
            > (booked.sold + booked.given - booked.returned - booked.taken_back) * told.rate)
        OR ('commission_back' = ANY (n.kinds) AND booked.fee < 0)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is not the seller''s share: %', stray.kinds, stray.reference USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shop_book AFTER INSERT ON payments_transfer REFERENCING NEW TABLE AS new_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION shop_book();
