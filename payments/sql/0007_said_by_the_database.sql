-- What until now the application's word was enough for: which day is over, what the network has paid, what an audit
-- found. Replaces cut_grows() of guards.sql, due_receipts() and audit_network of 0004_settlement.sql.

-- A day is closed when it is over; by hand also on its evening, never before it has come.
CREATE OR REPLACE FUNCTION cut_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payments_daycut WHERE day >= NEW.day)
       OR NEW.day > local_day(now())
       OR NEW.seq <> (SELECT coalesce(max(seq), 0) FROM payments_transfer) THEN
        RAISE EXCEPTION 'day % cannot be closed at %', NEW.day, NEW.seq USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;

-- ---------------------------------------------------------------- receipts
-- A receipt is one line of a file, and its id is made from the line's. Made from the payment, as before, it was two
-- for one line whose question our books had lost in a restore and asked anew: one explained, one matched.
DO $$ BEGIN
    IF EXISTS (SELECT FROM payments_settlementfile f
                WHERE NOT EXISTS (SELECT FROM payments_settlement s WHERE s.cut_id = f.cut_id)
                  AND EXISTS (SELECT FROM payments_transfer t JOIN due_receipts(f.cut_id) r ON r.id = t.id)) THEN
        RAISE EXCEPTION 'a day is booked in part: explain its breaks and run settle_day before this migration';
    END IF;
END $$;

CREATE FUNCTION receipt_id(line uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(substr(sha256(convert_to('receipt:' || line, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- What the day's file says the network paid (or took back), as transfers to be booked: its lines that are matched or
-- explained, each for its payment, or for itself where our books know none.
CREATE OR REPLACE FUNCTION due_receipts(c bigint) RETURNS TABLE (id uuid, kind text, amount bigint, about uuid)
LANGUAGE sql STABLE AS $$
    SELECT receipt_id(r.id), CASE r.verb WHEN 'capture' THEN 'receipt' ELSE 'receipt_back' END, r.filed,
           coalesce(r.payment_id, r.id)
      FROM reconciled(c) r
     WHERE r.filed IS NOT NULL AND (r.state = 'matched' OR r.explained)
$$;

-- Nothing is received but what a kept file says, won for won. All rows of a statement at once: a day has many.
CREATE FUNCTION receipts_of_file() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    stray uuid;
BEGIN
    SELECT n.id INTO stray FROM new_transfers n
     WHERE n.kind IN ('receipt', 'receipt_back')
       AND NOT EXISTS (SELECT FROM payments_message m JOIN payments_settlementline l ON l.id = m.id
                        WHERE m.payment_id = n.reference AND receipt_id(l.id) = n.id AND l.amount = n.amount
                          AND (l.verb = 'capture') = (n.kind = 'receipt'))
       AND NOT EXISTS (SELECT FROM payments_settlementline l
                        WHERE l.id = n.reference AND receipt_id(l.id) = n.id AND l.amount = n.amount
                          AND (l.verb = 'capture') = (n.kind = 'receipt'))
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no file says that receipt %', stray USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER receipts_of_file AFTER INSERT ON payments_transfer REFERENCING NEW TABLE AS new_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION receipts_of_file();

-- As before; but what was received for a line that our books did not know stays explained once they know it.
CREATE OR REPLACE VIEW audit_network AS
    SELECT o.reference, o.owed FROM open_items o
     WHERE NOT EXISTS (SELECT FROM payments_message m WHERE m.payment_id = o.reference AND m.code = '00'
                          AND m.verb IN ('capture', 'refund')
                          AND NOT EXISTS (SELECT FROM payments_settlementline l JOIN payments_settlement s USING (file_id)
                                           WHERE l.id = m.id))
       AND NOT EXISTS (SELECT FROM payments_explanation e LEFT JOIN payments_message m ON m.id = e.about
                        WHERE o.reference IN (m.payment_id, e.about))
    UNION ALL
    SELECT NULL, sum.owed + balance_of(n.id)
      FROM payments_account n, (SELECT coalesce(sum(owed), 0)::bigint AS owed FROM open_items) sum
     WHERE n.kind = 'network' AND sum.owed + balance_of(n.id) <> 0;

-- ---------------------------------------------------------------- audits
-- The views of one subject, in the order they are looked at; each must be empty.
CREATE FUNCTION audits_of(subject text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT relname::text FROM pg_class
     WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
       AND relname LIKE CASE subject WHEN 'ledger' THEN 'audit\_%' ELSE subject || '\_audit\_%' END
     ORDER BY relname COLLATE "C"
$$;

-- Every won accounted for: deposits = cards + fees + what the network owes the shop (audit_safeguard holds it so).
CREATE FUNCTION ledger_counted() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'deposits', (SELECT -balance_of(id) FROM payments_account WHERE kind = 'float'),
        'cards', (SELECT coalesce(sum(posted), 0)::bigint FROM network_balance),
        'fees', (SELECT balance_of(id) FROM payments_account WHERE kind = 'fees'),
        'merchant', (SELECT balance_of(id) FROM payments_account WHERE kind = 'merchant'),
        'transfers', (SELECT count(*) FROM payments_transfer))
$$;

CREATE FUNCTION audit_run_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.done, NEW.finished_at, NEW.is_clean, NEW.counted, NEW.findings)
       IS DISTINCT FROM (0::smallint, NULL::timestamptz, NULL::boolean, '{}'::jsonb, '[]'::jsonb) THEN
        RAISE EXCEPTION 'an audit begins with nothing found' USING ERRCODE = '23514';
    END IF;
    NEW.started_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER audit_run_born BEFORE INSERT ON payments_auditrun FOR EACH ROW EXECUTE FUNCTION audit_run_born();

-- A run goes on by one view a time: `done` is raised by one, and the database itself looks and writes what it found.
CREATE FUNCTION audit_run_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    views text[] := ARRAY(SELECT audits_of(OLD.subject));
    view text := views[NEW.done];
    found_rows bigint;
    first_rows jsonb;
BEGIN
    IF to_jsonb(NEW) - 'done' <> to_jsonb(OLD) - 'done' OR NEW.done <> OLD.done + 1 OR view IS NULL THEN
        RAISE EXCEPTION 'audit %: only the database says what it found', OLD.id USING ERRCODE = '23514';
    END IF;
    EXECUTE format('SELECT max(n), jsonb_agg(found) FROM'
                   ' (SELECT count(*) OVER () AS n, to_jsonb(v) AS found FROM %I v LIMIT 20) AS head', view)
       INTO found_rows, first_rows;
    IF found_rows > 0 THEN
        NEW.findings := OLD.findings || jsonb_build_object('view', view, 'rows', found_rows, 'first', first_rows);
    END IF;
    IF NEW.done = cardinality(views) THEN
        EXECUTE format('SELECT %I()', OLD.subject || '_counted') INTO NEW.counted;
        NEW.is_clean := NEW.findings = '[]';
        NEW.finished_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_run_step BEFORE UPDATE ON payments_auditrun FOR EACH ROW EXECUTE FUNCTION audit_run_step();
CREATE TRIGGER no_delete BEFORE DELETE ON payments_auditrun FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payments_auditrun FOR EACH STATEMENT EXECUTE FUNCTION refuse();
