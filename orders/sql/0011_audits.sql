-- Orders proved against what they moved: shelves, places, money, the diary. Each view must be empty, at any moment:
-- every commit of the shop's keeps each of them so. `manage.py audit_orders` and a nightly job read them.

-- What a parcel's pieces cost the card: those that are sold (all, until the seller answers), and those that came back.
-- As OrderLine.paid_for says it: a voucher's part of the first pieces is rounded down.
CREATE VIEW orders_parcel_worth AS
    SELECT p.id AS parcel_id, p.order_id, p.number, p.status, p.fee,
           sum(l.unit_price * k.kept - l.discount * k.kept / l.quantity)::bigint AS goods,
           sum(l.unit_price * l.returned_quantity - l.discount * l.returned_quantity / l.quantity)::bigint AS returned
      FROM orders_parcel p
      JOIN orders_orderline l ON l.parcel_id = p.id
      CROSS JOIN LATERAL (SELECT coalesce(l.confirmed_quantity, l.quantity) AS kept) k
     GROUP BY p.id;

-- ---------------------------------------------------------------- shelves
CREATE VIEW orders_audit_shelf AS      -- a shelf is the sum of its movements
    SELECT s.variant_id, s.on_hand, s.reserved, coalesce(m.on_hand, 0) AS sum_on_hand, coalesce(m.reserved, 0) AS sum_reserved
      FROM catalog_stock s
      LEFT JOIN (SELECT stock_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
                   FROM catalog_stockmovement GROUP BY stock_id) m ON m.stock_id = s.variant_id
     WHERE (s.on_hand, s.reserved) <> (coalesce(m.on_hand, 0), coalesce(m.reserved, 0));
CREATE VIEW orders_audit_promise AS    -- what is promised on a shelf is what open parcels wait for
    SELECT s.variant_id, s.reserved, coalesce(l.pieces, 0) AS waited_for
      FROM catalog_stock s
      LEFT JOIN (SELECT l.variant_id, sum(coalesce(l.confirmed_quantity, l.quantity)) AS pieces
                   FROM orders_orderline l JOIN orders_parcel p ON p.id = l.parcel_id
                  WHERE p.status IN ('awaiting', 'confirmed', 'ready', 'dispatched') GROUP BY l.variant_id) l
        ON l.variant_id = s.variant_id
     WHERE s.reserved <> coalesce(l.pieces, 0);
CREATE VIEW orders_audit_line AS       -- a line was held once, is promised or has left, and no more came back than was returned
    SELECT l.id, coalesce(m.line, l.public_id::text) AS line, m.held, m.reserved, m.sold, m.back
      FROM (SELECT stock_id, split_part(cause, ':', 2) AS line,
                   coalesce(sum(reserved_change) FILTER (WHERE kind = 'hold'), 0) AS held,
                   sum(reserved_change) AS reserved,
                   coalesce(-sum(on_hand_change) FILTER (WHERE kind = 'sale'), 0) AS sold,
                   coalesce(sum(on_hand_change) FILTER (WHERE kind = 'return'), 0) AS back
              FROM catalog_stockmovement WHERE cause LIKE 'line:%' GROUP BY 1, 2) m
      FULL JOIN (SELECT l.id, l.public_id, l.variant_id, l.quantity, l.confirmed_quantity, l.returned_quantity, p.status FROM orders_orderline l JOIN orders_parcel p ON p.id = l.parcel_id) l
        ON l.public_id::text = m.line AND l.variant_id = m.stock_id
     WHERE l.id IS NULL OR m.line IS NULL
        OR m.held <> l.quantity
        OR m.reserved <> CASE WHEN l.status IN ('awaiting', 'confirmed', 'ready', 'dispatched')
                              THEN coalesce(l.confirmed_quantity, l.quantity) ELSE 0 END
        OR m.sold <> CASE WHEN l.status IN ('delivered', 'returned') THEN coalesce(l.confirmed_quantity, 0) ELSE 0 END
        OR m.back > l.returned_quantity;

-- ---------------------------------------------------------------- places
CREATE VIEW orders_audit_slot AS       -- a window's places are the parcels that hold one
    SELECT s.id, s.taken, coalesce(p.parcels, 0) AS parcels
      FROM orders_deliveryslot s
      LEFT JOIN (SELECT slot_id, count(*) AS parcels FROM orders_parcel
                  WHERE slot_id IS NOT NULL AND status NOT IN ('declined', 'cancelled', 'undeliverable')
                  GROUP BY slot_id) p ON p.slot_id = s.id
     WHERE s.taken <> coalesce(p.parcels, 0);

-- ---------------------------------------------------------------- money
CREATE VIEW orders_audit_total AS      -- an order's sums are those of its parcels and lines, and of its voucher
    SELECT o.id, o.code, o.goods_total, o.delivery_total, o.discount_total,
           l.goods AS sum_goods, p.fees AS sum_fees, l.discount AS sum_discount, u.discount AS voucher
      FROM orders_order o
      LEFT JOIN (SELECT order_id, sum(fee) AS fees, sum(goods_total) AS goods FROM orders_parcel GROUP BY order_id) p
        ON p.order_id = o.id
      LEFT JOIN (SELECT p.order_id, sum(l.line_total) AS goods, sum(l.discount) AS discount
                   FROM orders_orderline l JOIN orders_parcel p ON p.id = l.parcel_id GROUP BY p.order_id) l
        ON l.order_id = o.id
      LEFT JOIN orders_voucheruse u ON u.order_id = o.id
     WHERE (o.goods_total, o.goods_total, o.delivery_total, o.discount_total, o.discount_total)
           IS DISTINCT FROM (l.goods::bigint, p.goods::bigint, p.fees::bigint, l.discount::bigint, coalesce(u.discount, 0));
CREATE VIEW orders_audit_voucher AS    -- a voucher was used as often as orders keep it; one that ended with nothing gave it back
    SELECT v.id, v.code, v.used, coalesce(u.kept, 0) AS orders, coalesce(u.wrong, 0) AS wrongly_kept
      FROM orders_voucher v
      LEFT JOIN (SELECT u.voucher_id, count(*) FILTER (WHERE u.returned_at IS NULL) AS kept,
                        count(*) FILTER (WHERE (u.returned_at IS NULL) = (o.status IN ('expired', 'cancelled'))) AS wrong
                   FROM orders_voucheruse u JOIN orders_order o ON o.id = u.order_id GROUP BY u.voucher_id) u
        ON u.voucher_id = v.id
     WHERE v.used <> coalesce(u.kept, 0) OR u.wrong > 0;
CREATE VIEW orders_audit_payment AS    -- every payment is about an order and its sum, and an order is paid for once, or not
    SELECT coalesce(o.code, p.order_code) AS code, o.status, o.paid_at, o.total, p.live, p.amount
      FROM orders_order o
      FULL JOIN (SELECT order_code, count(*) FILTER (WHERE state IN ('authorised', 'done', 'cancelled')) AS live,
                        max(amount) AS amount, min(amount) AS least
                   FROM payments_payment GROUP BY order_code) p ON p.order_code = o.code
     WHERE o.id IS NULL OR p.amount <> o.total OR p.least <> o.total
        OR coalesce(p.live, 0) <> CASE WHEN o.paid_at IS NULL THEN 0 ELSE 1 END;
CREATE VIEW orders_audit_held AS       -- what is paid for is sold, asked to be let go, or undone as a whole
    SELECT o.id, o.code, o.status, p.amount, w.sold, coalesce(m.let_go, 0) AS let_go, coalesce(m.undone, false) AS undone
      FROM orders_order o
      JOIN payments_payment p ON p.order_code = o.code AND p.state IN ('authorised', 'done', 'cancelled')
      JOIN (SELECT order_id, coalesce(sum(goods + fee) FILTER (WHERE status NOT IN ('declined', 'cancelled')), 0)::bigint AS sold
              FROM orders_parcel_worth GROUP BY order_id) w ON w.order_id = o.id
      LEFT JOIN (SELECT payment_id, coalesce(sum(amount) FILTER (WHERE verb = 'release'), 0)::bigint AS let_go,
                        bool_or(verb = 'reverse') AS undone
                   FROM payments_message WHERE verb IN ('release', 'reverse') GROUP BY payment_id) m ON m.payment_id = p.id
     WHERE CASE WHEN m.undone THEN o.status <> 'cancelled' ELSE p.amount <> w.sold + coalesce(m.let_go, 0) END;
CREATE VIEW orders_audit_taken AS      -- a parcel's money was taken as it is worth, and given back as pieces were returned
    SELECT p.id, o.code, p.number, p.status, w.goods + p.fee AS worth, m.taken, w.returned, m.goods_back, m.fee_back
      FROM orders_parcel p
      JOIN orders_order o ON o.id = p.order_id
      JOIN orders_parcel_worth w ON w.parcel_id = p.id
      LEFT JOIN (SELECT p.order_code, m.parcel, sum(m.amount) FILTER (WHERE m.verb = 'capture' AND m.code = '00') AS taken,
                        -- asked by the shop; what was asked anew after a refusal is the same pieces
                        coalesce(sum(m.goods) FILTER (WHERE m.verb = 'refund' AND m.file_id IS NULL AND m.part NOT LIKE '%.%'), 0)
                            AS goods_back,
                        coalesce(sum(m.fare) FILTER (WHERE m.verb = 'refund' AND coalesce(m.code, '00') = '00'), 0) AS fee_back
                   FROM payments_message m JOIN payments_payment p ON p.id = m.payment_id
                  WHERE m.verb IN ('capture', 'refund') GROUP BY p.order_code, m.parcel) m
        ON m.order_code = o.code AND m.parcel = p.number
     WHERE (p.captured_at IS NULL) <> (m.taken IS NULL) OR m.taken <> w.goods + p.fee
        OR w.returned <> coalesce(m.goods_back, 0) OR m.fee_back > p.fee;

-- ---------------------------------------------------------------- states
CREATE VIEW orders_audit_state AS      -- an order's state is what its parcels' states and its times say
    SELECT o.id, o.code, o.status, p.states, o.paid_at, o.expired_at, o.cancelled_at, o.closed_at
      FROM orders_order o
      LEFT JOIN (SELECT order_id, array_agg(DISTINCT status) AS states FROM orders_parcel GROUP BY order_id) p
        ON p.order_id = o.id
     WHERE NOT coalesce(CASE o.status
           WHEN 'placed' THEN p.states = '{awaiting}' AND o.paid_at IS NULL
                AND coalesce(o.expired_at, o.cancelled_at, o.closed_at) IS NULL
           WHEN 'expired' THEN p.states = '{cancelled}' AND o.paid_at IS NULL AND o.expired_at IS NOT NULL
                AND coalesce(o.cancelled_at, o.closed_at) IS NULL
           WHEN 'paid' THEN p.states && '{awaiting,confirmed,ready,dispatched}' AND o.paid_at IS NOT NULL
                AND coalesce(o.expired_at, o.cancelled_at, o.closed_at) IS NULL
           WHEN 'cancelled' THEN p.states <@ '{declined,cancelled}' AND o.cancelled_at IS NOT NULL
                AND coalesce(o.expired_at, o.closed_at) IS NULL
           WHEN 'closed' THEN p.states && '{delivered,returned,undeliverable}' AND o.paid_at IS NOT NULL
                AND p.states <@ '{delivered,returned,undeliverable,declined,cancelled}' AND o.closed_at IS NOT NULL
                AND coalesce(o.expired_at, o.cancelled_at) IS NULL
           END, false);
CREATE VIEW orders_audit_parcel AS     -- a parcel's state is what its times and its lines say
    SELECT p.id, o.code, p.number, p.status, p.confirmed_at, p.ready_at, p.captured_at, p.dispatched_at, p.delivered_at,
           p.ended_at, p.goods_total, p.confirmed_total, l.goods, l.confirmed
      FROM orders_parcel p
      JOIN orders_order o ON o.id = p.order_id
      LEFT JOIN (SELECT parcel_id, sum(line_total) AS goods, sum(unit_price * confirmed_quantity) AS confirmed,
                        bool_and(confirmed_quantity IS NOT NULL) AS all_answered,
                        bool_or(confirmed_quantity IS NOT NULL) AS some_answered,
                        bool_and(coalesce(confirmed_quantity, 0) = returned_quantity) AS all_back
                   FROM orders_orderline GROUP BY parcel_id) l ON l.parcel_id = p.id
     WHERE p.goods_total IS DISTINCT FROM l.goods OR p.confirmed_total IS DISTINCT FROM l.confirmed
        OR l.all_answered IS DISTINCT FROM (p.confirmed_at IS NOT NULL) OR l.some_answered <> l.all_answered
        OR NOT coalesce(CASE p.status
           WHEN 'awaiting' THEN coalesce(p.confirmed_at, p.ready_at, p.captured_at, p.dispatched_at, p.delivered_at, p.ended_at) IS NULL
           WHEN 'confirmed' THEN p.confirmed_at IS NOT NULL
                AND coalesce(p.ready_at, p.dispatched_at, p.delivered_at, p.ended_at) IS NULL
           WHEN 'ready' THEN p.confirmed_at IS NOT NULL AND p.ready_at IS NOT NULL
                AND coalesce(p.dispatched_at, p.delivered_at, p.ended_at) IS NULL
           WHEN 'dispatched' THEN p.ready_at IS NOT NULL AND p.captured_at IS NOT NULL AND p.dispatched_at IS NOT NULL
                AND p.method = 'delivery' AND coalesce(p.delivered_at, p.ended_at) IS NULL
           WHEN 'delivered' THEN p.ready_at IS NOT NULL AND p.captured_at IS NOT NULL AND p.delivered_at IS NOT NULL
                AND (p.method = 'collection') = (p.dispatched_at IS NULL) AND p.ended_at IS NULL
           WHEN 'returned' THEN p.captured_at IS NOT NULL AND p.delivered_at IS NOT NULL AND p.ended_at IS NOT NULL AND l.all_back
           WHEN 'undeliverable' THEN p.captured_at IS NOT NULL AND p.delivered_at IS NULL AND p.ended_at IS NOT NULL AND l.all_back
           ELSE p.status IN ('declined', 'cancelled') AND p.ended_at IS NOT NULL
                AND coalesce(p.captured_at, p.dispatched_at, p.delivered_at) IS NULL
           END, false);
CREATE VIEW orders_audit_diary AS      -- whatever became of an order stands in its diary, once
    SELECT f.order_id, nullif(f.parcel_id, 0) AS parcel_id, f.kind, coalesce(e.times, 0) AS times
      FROM (SELECT o.id AS order_id, 0::bigint AS parcel_id, k.kind, k.often
              FROM orders_order o CROSS JOIN LATERAL (VALUES
                   ('placed', o.placed_at, false), ('paid', o.paid_at, false), ('expired', o.expired_at, false),
                   ('cancelled', o.cancelled_at, false), ('closed', o.closed_at, false)) k (kind, at, often)
             WHERE k.at IS NOT NULL
            UNION ALL
            SELECT p.order_id, p.id, k.kind, k.often
              FROM orders_parcel p JOIN orders_order o ON o.id = p.order_id CROSS JOIN LATERAL (VALUES
                   ('confirmed', p.confirmed_at, false), ('ready', p.ready_at, false), ('captured', p.captured_at, false),
                   ('dispatched', p.dispatched_at, true), ('delivered', p.delivered_at, false),
                   ('declined', CASE WHEN p.status = 'declined' THEN p.ended_at END, false),
                   ('cancelled', CASE WHEN p.status = 'cancelled' AND coalesce(o.cancelled_at, o.expired_at) IS NULL THEN p.ended_at END, false),
                   ('undeliverable', CASE WHEN p.status = 'undeliverable' THEN p.ended_at END, false),
                   ('refund_asked', CASE WHEN p.status = 'returned' THEN p.ended_at END, true)) k (kind, at, often)
             WHERE k.at IS NOT NULL) f
      LEFT JOIN (SELECT order_id, coalesce(parcel_id, 0) AS parcel_id, kind, count(*) AS times
                   FROM orders_orderevent GROUP BY 1, 2, 3) e USING (order_id, parcel_id, kind)
     WHERE coalesce(e.times, 0) = 0 OR (e.times > 1 AND NOT f.often);

CREATE FUNCTION orders_counted() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('orders', (SELECT count(*) FROM orders_order), 'parcels', (SELECT count(*) FROM orders_parcel),
                              'lines', (SELECT count(*) FROM orders_orderline),
                              'movements', (SELECT count(*) FROM catalog_stockmovement),
                              'events', (SELECT count(*) FROM orders_orderevent))
$$;
