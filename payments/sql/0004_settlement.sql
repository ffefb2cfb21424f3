-- Settling with the network: its files, the one join of files and answers, explanations, finished days.

-- Days settled before the network sent files: everything up to the last day whose money was booked.
INSERT INTO payments_settlement (cut_id, received, returned, paid_out, payouts, created_at)
SELECT d.id, coalesce(sum(t.amount) FILTER (WHERE t.kind = 'receipt'), 0),
       coalesce(sum(t.amount) FILTER (WHERE t.kind = 'receipt_back'), 0),
       coalesce(sum(t.amount) FILTER (WHERE t.kind IN ('payout', 'fare_payout')), 0),
       count(*) FILTER (WHERE t.kind IN ('payout', 'fare_payout')), coalesce(max(t.at), d.made_at)
  FROM (SELECT id, seq, made_at, lead(seq) OVER (ORDER BY id) AS next FROM payments_daycut) d
  LEFT JOIN payments_transfer t ON t.seq > d.seq AND (d.next IS NULL OR t.seq <= d.next)
       AND t.kind IN ('receipt', 'receipt_back', 'payout', 'fare_payout')
 WHERE d.seq < (SELECT max(seq) FROM payments_transfer WHERE kind IN ('receipt', 'receipt_back', 'payout', 'fare_payout'))
 GROUP BY d.id, d.made_at;
SET CONSTRAINTS ALL IMMEDIATE;  -- nothing may be pending on a table that gets a trigger

DO $$ DECLARE t text; BEGIN
    FOREACH t IN ARRAY ARRAY['settlementfile', 'settlementline', 'explanation', 'settlement'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payments_%s FOR EACH ROW EXECUTE FUNCTION refuse()', t);
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payments_%s FOR EACH STATEMENT EXECUTE FUNCTION refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['settlementfile', 'explanation', 'settlement'] LOOP
        EXECUTE format('CREATE TRIGGER own_clock BEFORE INSERT ON payments_%s FOR EACH ROW EXECUTE FUNCTION own_clock()', t);
    END LOOP;
END $$;

-- A file holds as many lines as it says, each in its own place: nothing is added to it later.
CREATE FUNCTION lines_of_file() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM new_lines l LEFT JOIN payments_settlementfile f ON f.id = l.file_id
                WHERE f.id IS NULL OR l.position NOT BETWEEN 1 AND f.lines) THEN
        RAISE EXCEPTION 'a settlement file has no such line' USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lines_of_file AFTER INSERT ON payments_settlementline REFERENCING NEW TABLE AS new_lines
    FOR EACH STATEMENT EXECUTE FUNCTION lines_of_file();

-- What is born answered is a line of a file, won for won.
CREATE FUNCTION chargeback_of_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM payments_settlementline WHERE id = NEW.id AND file_id = NEW.file_id
                      AND verb = 'chargeback' AND amount = NEW.amount) THEN
        RAISE EXCEPTION 'no file says that %', NEW.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chargeback_of_line BEFORE INSERT ON payments_message FOR EACH ROW
    WHEN (NEW.file_id IS NOT NULL) EXECUTE FUNCTION chargeback_of_line();

-- A day is finished by its own file.
CREATE FUNCTION settled_by_file() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM payments_settlementfile WHERE id = NEW.file_id AND cut_id = NEW.cut_id) THEN
        RAISE EXCEPTION 'day % has no such file', NEW.cut_id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settled_by_file BEFORE INSERT ON payments_settlement FOR EACH ROW EXECUTE FUNCTION settled_by_file();

-- ---------------------------------------------------------------- reconciliation
-- One full join of a day's file lines and the answers our books wrote down that day (or the filed day before: what
-- then was in transit and is in no file still, is missing). A line may be answered on another day than it was filed.
--   matched       both say the same
--   differs       both know it; amount or direction differ                          a break
--   in_flight     in the file; our question is not answered yet: healing answers it
--   network_only  in the file; our books do not know it, or know a refusal           a break
--   in_transit    in our books of this day; in no file yet
--   shop_only     in our books of the filed day before; in no file                   a break
CREATE FUNCTION reconciled(c bigint) RETURNS TABLE (
    id uuid, place integer, state text, verb text, filed bigint, booked bigint, payment_id uuid, network_seq bigint,
    at timestamptz, explained boolean
) LANGUAGE sql STABLE AS $$
    WITH line AS (
        SELECT l.* FROM payments_settlementfile f JOIN payments_settlementline l ON l.file_id = f.id WHERE f.cut_id = c),
    days AS (
        SELECT c AS cut_id, 'in_transit' AS state
        UNION ALL
        (SELECT f.cut_id, 'shop_only' FROM payments_settlementfile f
          WHERE f.cut_id < c AND EXISTS (SELECT FROM payments_settlementfile WHERE cut_id = c)
          ORDER BY f.cut_id DESC LIMIT 1)),
    told AS (
        SELECT DISTINCT ON (m.id) m.id, m.verb, m.amount, m.payment_id, m.answered_at, d.state
          FROM days d, LATERAL span_of(d.cut_id) s
          JOIN payments_transfer t ON t.seq > s.low AND t.seq <= s.high AND t.kind IN ('sale', 'fare', 'sale_back', 'fare_back')
          JOIN payments_message m ON m.payment_id = t.reference AND m.answered_at = t.at AND m.code = '00'
           AND m.verb = CASE WHEN t.kind IN ('sale', 'fare') THEN 'capture' ELSE 'refund' END
         ORDER BY m.id, d.state DESC),
    met AS (
        SELECT coalesce(l.id, t.id) AS id, l.position AS place,
               CASE WHEN l.id IS NULL THEN t.state
                    WHEN m.id IS NULL THEN 'network_only'
                    WHEN m.code IS NULL THEN 'in_flight'
                    WHEN m.code <> '00' THEN 'network_only'
                    WHEN m.amount <> l.amount OR (m.verb = 'capture') <> (l.verb = 'capture') THEN 'differs'
                    ELSE 'matched' END AS state,
               coalesce(l.verb, t.verb) AS verb, l.amount AS filed,
               CASE WHEN l.id IS NULL THEN t.amount WHEN m.code = '00' THEN m.amount END AS booked,
               coalesce(m.payment_id, t.payment_id) AS payment_id, l.network_seq, coalesce(l.at, t.answered_at) AS at
          FROM line l FULL JOIN told t ON t.id = l.id
          LEFT JOIN payments_message m ON m.id = l.id
         WHERE l.id IS NOT NULL OR NOT EXISTS (SELECT FROM payments_settlementline o WHERE o.id = t.id))
    SELECT met.*, e.id IS NOT NULL FROM met
      LEFT JOIN payments_explanation e ON e.cut_id = c AND e.about = met.id AND e.state = met.state
$$;

-- What the day's file says the network paid for each payment (or wants back), as transfers to be booked: those whose
-- lines are all matched or explained. A receipt's id is made from the day and the payment, so it is booked once.
CREATE FUNCTION due_receipts(c bigint) RETURNS TABLE (id uuid, kind text, amount bigint, about uuid) LANGUAGE sql STABLE AS $$
    SELECT encode(substr(sha256(convert_to(concat_ws(':', d.day, 'receipt', n.about), 'UTF8')), 1, 16), 'hex')::uuid,
           CASE WHEN n.net > 0 THEN 'receipt' ELSE 'receipt_back' END, abs(n.net), n.about
      FROM payments_daycut d, (
            SELECT coalesce(r.payment_id, r.id) AS about,
                   sum(CASE r.verb WHEN 'capture' THEN r.filed ELSE -r.filed END)::bigint AS net
              FROM reconciled(c) r WHERE r.filed IS NOT NULL
             GROUP BY 1 HAVING bool_and(r.state = 'matched' OR r.explained)) n
     WHERE d.id = c AND n.net <> 0
$$;

-- Payments whose sales and receipts do not cancel out: what the network still owes us, or we it.
CREATE VIEW open_items AS
    SELECT t.reference, sum(CASE WHEN t.debit_account_id = n.id THEN t.amount ELSE -t.amount END)::bigint AS owed
      FROM payments_account n
      JOIN payments_transfer t ON t.debit_account_id = n.id OR t.credit_account_id = n.id
     WHERE n.kind = 'network'
     GROUP BY t.reference
    HAVING sum(CASE WHEN t.debit_account_id = n.id THEN t.amount ELSE -t.amount END) <> 0;

-- ---------------------------------------------------------------- audit: each view must be empty
CREATE VIEW audit_file AS         -- a kept file has all its lines, and they add up to its sums
    SELECT f.id, f.cut_id, f.lines, f.captured, f.returned, count(l.id) AS count_lines,
           coalesce(sum(l.amount) FILTER (WHERE l.verb = 'capture'), 0) AS sum_captured,
           coalesce(sum(l.amount) FILTER (WHERE l.verb <> 'capture'), 0) AS sum_returned
      FROM payments_settlementfile f LEFT JOIN payments_settlementline l ON l.file_id = f.id
     GROUP BY f.id
    HAVING f.lines <> count(l.id)
        OR f.captured <> coalesce(sum(l.amount) FILTER (WHERE l.verb = 'capture'), 0)
        OR f.returned <> coalesce(sum(l.amount) FILTER (WHERE l.verb <> 'capture'), 0);
CREATE VIEW audit_network AS      -- what is open with the network is not filed yet, or explained; and it is all of the balance
    SELECT o.reference, o.owed FROM open_items o
     WHERE NOT EXISTS (SELECT FROM payments_message m WHERE m.payment_id = o.reference AND m.code = '00'
                          AND m.verb IN ('capture', 'refund')
                          AND NOT EXISTS (SELECT FROM payments_settlementline l JOIN payments_settlement s USING (file_id)
                                           WHERE l.id = m.id))
       AND NOT EXISTS (SELECT FROM payments_explanation e LEFT JOIN payments_message m ON m.id = e.about
                        WHERE coalesce(m.payment_id, e.about) = o.reference)
    UNION ALL
    SELECT NULL, sum.owed + balance_of(n.id)
      FROM payments_account n, (SELECT coalesce(sum(owed), 0)::bigint AS owed FROM open_items) sum
     WHERE n.kind = 'network' AND sum.owed + balance_of(n.id) <> 0;
