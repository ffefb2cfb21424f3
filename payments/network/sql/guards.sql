-- The simulated network's guards: one guarded balance per card account, authorisations that never go backwards.
-- Loaded after payments/sql/guards.sql, which owns transfers.

ALTER TABLE network_card ALTER COLUMN id SET GENERATED ALWAYS;
ALTER TABLE network_balance SET (fillfactor = 50);  -- room for the row's next versions on its own page
INSERT INTO payments_account (kind) VALUES ('float'), ('merchant'), ('fees');

DO $$ DECLARE t text; BEGIN
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON network_release FOR EACH ROW EXECUTE FUNCTION refuse();
    FOREACH t IN ARRAY ARRAY['balance', 'card', 'authorisation'] LOOP
        EXECUTE format('CREATE TRIGGER no_delete BEFORE DELETE ON network_%s FOR EACH ROW EXECUTE FUNCTION refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['balance', 'card', 'authorisation', 'release'] LOOP
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON network_%s FOR EACH STATEMENT EXECUTE FUNCTION refuse()', t);
    END LOOP;
END $$;

-- ---------------------------------------------------------------- balances
CREATE FUNCTION open_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO network_balance (account_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER open_balance AFTER INSERT ON payments_account FOR EACH ROW WHEN (NEW.kind = 'card') EXECUTE FUNCTION open_balance();

CREATE FUNCTION only_inside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION '% is kept by the ledger: direct % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_inside BEFORE INSERT OR UPDATE ON network_balance FOR EACH ROW EXECUTE FUNCTION only_inside();

-- The card book's consequences: the only code that moves captured, refunded and posted.
CREATE FUNCTION card_consequences() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    CASE NEW.kind
    WHEN 'capture' THEN
        UPDATE network_authorisation SET captured = captured + NEW.amount,
               state = CASE WHEN captured + NEW.amount + released = amount THEN 'done' ELSE state END
         WHERE id = NEW.reference AND account_id = NEW.debit_account_id AND state = 'open' AND expires_at > NEW.at;
    WHEN 'refund' THEN
        UPDATE network_authorisation SET refunded = refunded + NEW.amount
         WHERE id = NEW.reference AND account_id = NEW.credit_account_id AND state <> 'declined';
    ELSE
        PERFORM 1;                                   -- leaves FOUND true: nothing to match
    END CASE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has nothing to draw on: %', NEW.kind, NEW.reference USING ERRCODE = '23514';
    END IF;
    UPDATE network_balance SET posted = posted - NEW.amount WHERE account_id = NEW.debit_account_id;
    UPDATE network_balance SET posted = posted + NEW.amount WHERE account_id = NEW.credit_account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER card_consequences AFTER INSERT ON payments_transfer FOR EACH ROW
    WHEN (NEW.kind IN ('load', 'redeem', 'capture', 'refund', 'send', 'send_fee')) EXECUTE FUNCTION card_consequences();

-- ---------------------------------------------------------------- authorisations
CREATE FUNCTION authorisation_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.captured, NEW.refunded, NEW.released) <> (0, 0, 0) OR NEW.state NOT IN ('open', 'declined') THEN
        RAISE EXCEPTION 'an authorisation starts open or declined, with nothing taken' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER authorisation_born BEFORE INSERT ON network_authorisation FOR EACH ROW EXECUTE FUNCTION authorisation_born();
CREATE TRIGGER own_clock BEFORE INSERT ON network_authorisation FOR EACH ROW EXECUTE FUNCTION own_clock();

CREATE FUNCTION authorisation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.account_id, NEW.merchant_reference, NEW.last4, NEW.amount, NEW.code, NEW.expires_at, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.account_id, OLD.merchant_reference, OLD.last4, OLD.amount, OLD.code, OLD.expires_at, OLD.created_at)
       OR (NEW.state <> OLD.state AND OLD.state <> 'open')
       OR (NEW.state = 'reversed' AND NEW.captured > 0)
       OR (NEW.state = 'expired' AND OLD.state = 'open' AND NEW.expires_at > now())
       OR ((NEW.captured, NEW.refunded, NEW.released) <> (OLD.captured, OLD.refunded, OLD.released) AND pg_trigger_depth() < 2) THEN
        RAISE EXCEPTION 'authorisation %: that change is not allowed', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER authorisation_guard BEFORE UPDATE ON network_authorisation FOR EACH ROW EXECUTE FUNCTION authorisation_guard();

-- An authorisation keeps back amount - captured - released while open, nothing after.
CREATE FUNCTION authorisation_holds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    delta bigint := CASE WHEN NEW.state = 'open' THEN NEW.amount - NEW.captured - NEW.released ELSE 0 END;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'open' THEN
        delta := delta - (OLD.amount - OLD.captured - OLD.released);
    END IF;
    IF delta <> 0 THEN
        UPDATE network_balance SET held = held + delta WHERE account_id = NEW.account_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'authorisation on an account without a balance' USING ERRCODE = '23514';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER authorisation_holds AFTER INSERT OR UPDATE ON network_authorisation FOR EACH ROW EXECUTE FUNCTION authorisation_holds();

CREATE FUNCTION release_applies() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE network_authorisation SET released = released + NEW.amount,
           state = CASE WHEN captured + released + NEW.amount = amount THEN 'done' ELSE state END
     WHERE id = NEW.authorisation_id AND state = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'release has nothing to draw on: %', NEW.authorisation_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER release_applies AFTER INSERT ON network_release FOR EACH ROW EXECUTE FUNCTION release_applies();
CREATE TRIGGER own_clock BEFORE INSERT ON network_release FOR EACH ROW EXECUTE FUNCTION own_clock();

-- ---------------------------------------------------------------- cards
-- A card's digests never change but the PIN's; a closed card stays closed.
CREATE FUNCTION card_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.token, NEW.account_id, NEW.number_mac, NEW.holder_mac, NEW.last4, NEW.resident, NEW.currency, NEW.issued_at)
       IS DISTINCT FROM
       (OLD.id, OLD.token, OLD.account_id, OLD.number_mac, OLD.holder_mac, OLD.last4, OLD.resident, OLD.currency, OLD.issued_at)
       OR (OLD.status = 'closed' AND NEW.status <> 'closed') THEN
        RAISE EXCEPTION 'card %: that change is not allowed', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_guard BEFORE UPDATE ON network_card FOR EACH ROW EXECUTE FUNCTION card_guard();

-- ---------------------------------------------------------------- audit: each view must be empty
CREATE VIEW audit_balance AS      -- a guarded balance is the sum of its transfers and its open authorisations
    SELECT b.account_id, b.posted, b.held, coalesce(m.total, 0) AS sum_moves, coalesce(h.kept, 0) AS sum_holds
      FROM network_balance b
      LEFT JOIN (SELECT a AS account_id, sum(x)::bigint AS total FROM (
                    SELECT credit_account_id AS a, amount AS x FROM payments_transfer
                    UNION ALL SELECT debit_account_id, -amount FROM payments_transfer) t
                 GROUP BY a) m USING (account_id)
      LEFT JOIN (SELECT account_id, sum(amount - captured - released)::bigint AS kept FROM network_authorisation
                  WHERE state = 'open' GROUP BY account_id) h USING (account_id)
     WHERE b.posted <> coalesce(m.total, 0) OR b.held <> coalesce(h.kept, 0);
CREATE VIEW audit_authorisation AS  -- an authorisation's totals are the sums of its captures, refunds and releases
    SELECT h.id, h.captured, h.refunded, h.released, t.captured AS sum_captured, t.refunded AS sum_refunded, r.released AS sum_released
      FROM network_authorisation h
      LEFT JOIN (SELECT reference, coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
                        coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded
                   FROM payments_transfer WHERE kind IN ('capture', 'refund') GROUP BY reference) t ON t.reference = h.id
      LEFT JOIN (SELECT authorisation_id, sum(amount) AS released FROM network_release GROUP BY authorisation_id) r
             ON r.authorisation_id = h.id
     WHERE (h.captured, h.refunded, h.released)
        <> (coalesce(t.captured, 0), coalesce(t.refunded, 0), coalesce(r.released, 0));
CREATE VIEW audit_safeguard AS    -- the float covers every won of e-money, every fee and every won owed to the shop
    SELECT sum(CASE WHEN kind = 'float' THEN -x ELSE 0 END) AS float_held, sum(CASE WHEN kind <> 'float' THEN x ELSE 0 END) AS owed
      FROM (SELECT a.kind, coalesce(sum(t.x), 0) AS x FROM payments_account a
              LEFT JOIN (SELECT credit_account_id AS a, amount AS x FROM payments_transfer
                         UNION ALL SELECT debit_account_id, -amount FROM payments_transfer) t ON t.a = a.id
             WHERE a.kind IN ('float', 'card', 'merchant', 'fees') GROUP BY a.kind) k
    HAVING sum(CASE WHEN kind = 'float' THEN -x ELSE 0 END) IS DISTINCT FROM sum(CASE WHEN kind <> 'float' THEN x ELSE 0 END);
