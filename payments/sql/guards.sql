-- The ledger's guards on the shop's side: two books, one table of transfers, append-only history, closed days.
-- PostgreSQL 15+. Amounts are whole won (KPW). Nothing here reads a clock the client controls.
-- CHECKs, unique and partial unique constraints are declared in models.py; what they cannot say is here.
-- Triggers carry consequences, CHECKs forbid, verbs decide.

ALTER TABLE payments_account  ALTER COLUMN id  SET GENERATED ALWAYS;
ALTER TABLE payments_transfer ALTER COLUMN seq SET GENERATED ALWAYS;
ALTER TABLE payments_daycut   ALTER COLUMN id  SET GENERATED ALWAYS;

-- Accounting as a type system: the only transfers that can exist, which sides they join, which role writes them.
-- No row joins a card-book kind to a shop-book kind, so money cannot cross the books.
INSERT INTO payments_transferkind (kind, debit, credit, role) VALUES
    ('load',            'float',      'card',       'bank_desk'),
    ('redeem',          'card',       'float',      'bank_desk'),
    ('capture',         'card',       'merchant',   'network_app'),
    ('refund',          'merchant',   'card',       'network_app'),
    ('send',            'card',       'card',       'network_app'),
    ('send_fee',        'card',       'fees',       'network_app'),
    ('settle',          'merchant',   'float',      'network_app'),
    ('sale',            'network',    'seller',     'shop_app'),
    ('sale_back',       'seller',     'network',    'shop_app'),
    ('fare',            'network',    'delivery',   'shop_app'),
    ('fare_back',       'delivery',   'network',    'shop_app'),
    ('commission',      'seller',     'commission', 'shop_app'),
    ('commission_back', 'commission', 'seller',     'shop_app'),
    ('subsidy',         'promotion',  'seller',     'shop_app'),
    ('subsidy_back',    'seller',     'promotion',  'shop_app'),
    ('receipt',         'bank',       'network',    'shop_app'),
    ('receipt_back',    'network',    'bank',       'shop_app'),
    ('payout',          'seller',     'bank',       'shop_app'),
    ('fare_payout',     'delivery',   'bank',       'shop_app');
INSERT INTO payments_account (kind) VALUES ('network'), ('commission'), ('delivery'), ('promotion'), ('bank');

-- ---------------------------------------------------------------- history
-- Past days may be written only by the table's owner with okryu.history = 'on' (the demo's sixty days):
-- then the moments given are kept. Everyone else gets the database's clock.
CREATE FUNCTION history_on() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('okryu.history', true), '') = 'on'
       AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'payments_transfer'::regclass), 'MEMBER')
$$;

CREATE FUNCTION local_day(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (moment AT TIME ZONE 'Asia/Pyongyang')::date
$$;

CREATE FUNCTION own_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT history_on() THEN NEW.created_at := now(); END IF;
    RETURN NEW;
END $$;

-- ---------------------------------------------------------------- append-only
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23514';
END $$;

DO $$ DECLARE t text; BEGIN
    FOREACH t IN ARRAY ARRAY['account', 'transferkind', 'transfer', 'daycut', 'closing', 'seal'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payments_%s FOR EACH ROW EXECUTE FUNCTION refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['payment', 'message'] LOOP
        EXECUTE format('CREATE TRIGGER no_delete BEFORE DELETE ON payments_%s FOR EACH ROW EXECUTE FUNCTION refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['account', 'transferkind', 'transfer', 'daycut', 'closing', 'seal', 'payment', 'message'] LOOP
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payments_%s FOR EACH STATEMENT EXECUTE FUNCTION refuse()', t);
    END LOOP;
END $$;
CREATE TRIGGER sealed BEFORE INSERT ON payments_transferkind FOR EACH ROW EXECUTE FUNCTION refuse();

-- ---------------------------------------------------------------- balances of any account
-- Credits minus debits, now: the last closing plus what moved since the last cut that has been written up.
-- No lock, no counter to contend on.
CREATE FUNCTION balance_of(a bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH base AS (SELECT coalesce((SELECT max(c.seq) FROM payments_daycut c
                                    WHERE c.id <= (SELECT max(cut_id) FROM payments_closing)), 0) AS seq)
    SELECT coalesce((SELECT balance FROM payments_closing WHERE account_id = a ORDER BY cut_id DESC LIMIT 1), 0)
         + coalesce((SELECT sum(amount) FROM payments_transfer t, base WHERE t.credit_account_id = a AND t.seq > base.seq), 0)::bigint
         - coalesce((SELECT sum(amount) FROM payments_transfer t, base WHERE t.debit_account_id  = a AND t.seq > base.seq), 0)::bigint
$$;

-- ---------------------------------------------------------------- transfers
-- A transfer must be one of the allowed shapes. Reads only: safe under ON CONFLICT (a BEFORE trigger fires even
-- for a row that is then discarded), takes no row lock on accounts.
CREATE FUNCTION transfer_check() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may text;
BEGIN
    SELECT k.role INTO may FROM payments_transferkind k
      JOIN payments_account d ON d.id = NEW.debit_account_id  AND d.kind = k.debit
      JOIN payments_account c ON c.id = NEW.credit_account_id AND c.kind = k.credit
     WHERE k.kind = NEW.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such transfer: % from % to %', NEW.kind, NEW.debit_account_id, NEW.credit_account_id
              USING ERRCODE = '23514';
    END IF;
    IF current_user IN ('shop_app', 'network_app', 'bank_desk') AND current_user <> may THEN
        RAISE EXCEPTION '% may not write %', current_user, NEW.kind USING ERRCODE = '23514';
    END IF;
    IF NEW.kind IN ('payout', 'fare_payout', 'settle') THEN
        PERFORM pg_advisory_xact_lock(NEW.debit_account_id);  -- two payouts at once see each other
        IF NEW.amount > balance_of(NEW.debit_account_id) THEN
            RAISE EXCEPTION '% of % is more than is owed', NEW.kind, NEW.amount USING ERRCODE = '23514';
        END IF;
    END IF;
    IF NOT history_on() THEN
        NEW.at := now();
    ELSIF NEW.at > now()
       OR local_day(NEW.at) <= (SELECT max(day) FROM payments_daycut)
       OR local_day(NEW.at) < (SELECT local_day(at) FROM payments_transfer ORDER BY seq DESC LIMIT 1) THEN
        RAISE EXCEPTION 'history is written in order, day by day: % refused', NEW.at USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER transfer_check BEFORE INSERT ON payments_transfer FOR EACH ROW EXECUTE FUNCTION transfer_check();

-- What the network has confirmed of one verb for a payment.
CREATE FUNCTION told(p uuid, v text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(amount), 0)::bigint FROM payments_message WHERE payment_id = p AND verb = v AND code = '00'
$$;

-- The shop book's consequences: the only code that moves a payment's captured and refunded.
-- Never more than the network has confirmed; done when nothing is held any more.
CREATE FUNCTION shop_consequences() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.kind IN ('sale', 'fare') THEN
        UPDATE payments_payment SET captured = captured + NEW.amount,
               state = CASE WHEN captured + NEW.amount + released = amount THEN 'done' ELSE state END
         WHERE id = NEW.reference AND state = 'authorised' AND captured + NEW.amount <= told(NEW.reference, 'capture');
    ELSE
        UPDATE payments_payment SET refunded = refunded + NEW.amount
         WHERE id = NEW.reference AND state IN ('authorised', 'done') AND refunded + NEW.amount <= told(NEW.reference, 'refund');
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has nothing to draw on: %', NEW.kind, NEW.reference USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shop_consequences AFTER INSERT ON payments_transfer FOR EACH ROW
    WHEN (NEW.kind IN ('sale', 'fare', 'sale_back', 'fare_back')) EXECUTE FUNCTION shop_consequences();

-- ---------------------------------------------------------------- payments
CREATE FUNCTION payment_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.captured, NEW.refunded, NEW.released, NEW.state) <> (0, 0, 0, 'pending') THEN
        RAISE EXCEPTION 'a payment starts pending, with nothing taken' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_born BEFORE INSERT ON payments_payment FOR EACH ROW EXECUTE FUNCTION payment_born();
CREATE TRIGGER own_clock BEFORE INSERT ON payments_payment FOR EACH ROW EXECUTE FUNCTION own_clock();

CREATE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
    RETURN NEW;
END $$;
CREATE TRIGGER payment_guard BEFORE UPDATE ON payments_payment FOR EACH ROW EXECUTE FUNCTION payment_guard();

-- ---------------------------------------------------------------- questions
-- Born unanswered; only a chargeback, which names the file it came with, is born answered.
CREATE FUNCTION message_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.code IS NOT NULL AND (NEW.file_id IS NULL OR NEW.verb <> 'refund') THEN
        RAISE EXCEPTION 'a question starts unanswered' USING ERRCODE = '23514';
    END IF;
    IF NEW.verb IN ('capture', 'reverse') AND EXISTS (
        SELECT FROM payments_message m WHERE m.payment_id = NEW.payment_id AND (m.code IS NULL OR m.code = '00')
           AND m.verb = CASE NEW.verb WHEN 'capture' THEN 'reverse' ELSE 'capture' END AND m.id <> NEW.id) THEN
        RAISE EXCEPTION 'one payment is either captured or reversed' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER message_born BEFORE INSERT ON payments_message FOR EACH ROW EXECUTE FUNCTION message_born();
CREATE TRIGGER own_clock BEFORE INSERT ON payments_message FOR EACH ROW EXECUTE FUNCTION own_clock();

-- An answer is given once and never changes; the question never changes.
CREATE FUNCTION answer_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.code IS NOT NULL
       OR (NEW.id, NEW.payment_id, NEW.verb, NEW.parcel, NEW.part, NEW.seller_id, NEW.amount, NEW.goods, NEW.fare,
           NEW.subsidy, NEW.commission_bp, NEW.file_id, NEW.created_at)
          IS DISTINCT FROM
          (OLD.id, OLD.payment_id, OLD.verb, OLD.parcel, OLD.part, OLD.seller_id, OLD.amount, OLD.goods, OLD.fare,
           OLD.subsidy, OLD.commission_bp, OLD.file_id, OLD.created_at) THEN
        RAISE EXCEPTION 'message %: already answered or altered', OLD.id USING ERRCODE = '23514';
    END IF;
    IF NEW.code IS NULL THEN
        NEW.answered_at := NULL;
    ELSIF NOT history_on() OR NEW.answered_at IS NULL THEN
        NEW.answered_at := now();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER answer_once BEFORE UPDATE ON payments_message FOR EACH ROW EXECUTE FUNCTION answer_once();

CREATE FUNCTION release_answered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE payments_payment SET released = released + NEW.amount,
           state = CASE WHEN captured + released + NEW.amount = amount THEN 'done' ELSE state END
     WHERE id = NEW.payment_id AND state = 'authorised';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'release has nothing to draw on: %', NEW.payment_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER release_answered AFTER UPDATE ON payments_message FOR EACH ROW
    WHEN (NEW.verb = 'release' AND NEW.code = '00') EXECUTE FUNCTION release_answered();

-- ---------------------------------------------------------------- closed days
-- Days only grow, and a cut is the whole of what is written: no late committer falls behind it.
CREATE FUNCTION cut_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payments_daycut WHERE day >= NEW.day)
       OR NEW.seq <> (SELECT coalesce(max(seq), 0) FROM payments_transfer) THEN
        RAISE EXCEPTION 'day % cannot be closed at %', NEW.day, NEW.seq USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cut_grows BEFORE INSERT ON payments_daycut FOR EACH ROW EXECUTE FUNCTION cut_grows();

-- Close a day: wait for writers in flight (and for another closer), take the highest seq, let go. Milliseconds.
CREATE PROCEDURE close_day(d date) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
BEGIN
    LOCK TABLE payments_transfer IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO payments_daycut (day, seq) SELECT d, coalesce(max(seq), 0) FROM payments_transfer;
END $$;

-- The transfers of one cut: after the previous cut by id, up to its own seq.
CREATE FUNCTION span_of(c bigint, OUT low bigint, OUT high bigint) LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT p.seq FROM payments_daycut p WHERE p.id < c ORDER BY p.id DESC LIMIT 1), 0), cut.seq
      FROM payments_daycut cut WHERE cut.id = c
$$;

-- Closing balances of one cut, for the accounts that moved since the cut before: previous closing plus what
-- moved. Refused out of order; calling it again changes nothing.
CREATE PROCEDURE write_closing(c bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM payments_daycut d WHERE d.id < c AND NOT EXISTS (SELECT FROM payments_seal s WHERE s.cut_id = d.id)) THEN
        RAISE EXCEPTION 'cut %: an earlier day is not written up', c USING ERRCODE = '23514';
    END IF;
    WITH moved AS (
        SELECT account_id, sum(x)::bigint AS x FROM (
            SELECT credit_account_id AS account_id, amount AS x FROM payments_transfer, span_of(c) WHERE seq > low AND seq <= high
            UNION ALL
            SELECT debit_account_id, -amount FROM payments_transfer, span_of(c) WHERE seq > low AND seq <= high) q
        GROUP BY account_id)
    INSERT INTO payments_closing (account_id, cut_id, balance)
    SELECT m.account_id, c, m.x + coalesce((SELECT balance FROM payments_closing p
            WHERE p.account_id = m.account_id AND p.cut_id < c ORDER BY cut_id DESC LIMIT 1), 0)
      FROM moved m
    ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION digest_of(c bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce((SELECT digest FROM payments_seal WHERE cut_id < c ORDER BY cut_id DESC LIMIT 1), ''::bytea)
        || convert_to(coalesce(string_agg(concat_ws('|', t.seq, t.id, t.kind, t.debit_account_id, t.credit_account_id,
                                                    t.amount, t.reference, extract(epoch FROM t.at)),
                                          E'\n' ORDER BY t.seq), ''), 'UTF8'))
      FROM span_of(c) s LEFT JOIN payments_transfer t ON t.seq > s.low AND t.seq <= s.high
$$;
CREATE PROCEDURE write_seal(c bigint) LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    INSERT INTO payments_seal (cut_id, digest) SELECT c, digest_of(c) ON CONFLICT DO NOTHING
$$;

-- ---------------------------------------------------------------- audit: each view must be empty
CREATE VIEW audit_payment AS      -- a payment's totals are its sales, its fares, and the answers it was given
    SELECT p.id, p.captured, p.refunded, p.released, t.captured AS sum_captured, t.refunded AS sum_refunded,
           m.captured AS told_captured, m.refunded AS told_refunded, m.released AS told_released
      FROM payments_payment p
      LEFT JOIN (SELECT reference, coalesce(sum(amount) FILTER (WHERE kind IN ('sale', 'fare')), 0) AS captured,
                        coalesce(sum(amount) FILTER (WHERE kind IN ('sale_back', 'fare_back')), 0) AS refunded
                   FROM payments_transfer WHERE kind IN ('sale', 'fare', 'sale_back', 'fare_back')
                  GROUP BY reference) t ON t.reference = p.id
      LEFT JOIN (SELECT payment_id, coalesce(sum(amount) FILTER (WHERE verb = 'capture'), 0) AS captured,
                        coalesce(sum(amount) FILTER (WHERE verb = 'refund'), 0)  AS refunded,
                        coalesce(sum(amount) FILTER (WHERE verb = 'release'), 0) AS released
                   FROM payments_message WHERE code = '00' GROUP BY payment_id) m ON m.payment_id = p.id
     WHERE (p.captured, p.refunded) <> (coalesce(t.captured, 0), coalesce(t.refunded, 0))
        OR (p.captured, p.refunded, p.released) <> (coalesce(m.captured, 0), coalesce(m.refunded, 0), coalesce(m.released, 0));
CREATE VIEW audit_closing AS      -- closings equal the running sum of transfers, cut by cut: one pass
    WITH r AS (SELECT id AS cut_id, lag(seq, 1, 0::bigint) OVER (ORDER BY id) AS low, seq AS high FROM payments_daycut
                WHERE id <= (SELECT max(cut_id) FROM payments_closing)),
         m AS (SELECT r.cut_id, q.account_id, q.x FROM r, LATERAL (
                 SELECT account_id, sum(x)::bigint AS x FROM (
                     SELECT credit_account_id AS account_id, amount AS x FROM payments_transfer WHERE seq > r.low AND seq <= r.high
                     UNION ALL SELECT debit_account_id, -amount FROM payments_transfer WHERE seq > r.low AND seq <= r.high) z
                 GROUP BY account_id) q),
         run AS (SELECT account_id, cut_id, sum(x) OVER (PARTITION BY account_id ORDER BY cut_id) AS total FROM m)
    SELECT account_id, cut_id, c.balance, run.total FROM payments_closing c FULL JOIN run USING (account_id, cut_id)
     WHERE c.balance IS DISTINCT FROM run.total;
CREATE VIEW audit_seal AS         -- no closed day has been altered
    SELECT cut_id FROM payments_seal WHERE digest <> digest_of(cut_id);
