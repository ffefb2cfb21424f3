-- The card's whole life at the simulated network: instructions, claims, loads by two persons, the desk's acts.
-- Replaces card_guard() and release_applies() of guards.sql; the rest of that file stands.

-- What one person at the desk may load alone, in won. A function, so that only the owner of the tables can change
-- it; the desk's pages read it from here.
CREATE FUNCTION load_alone_limit() RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT 1000000::bigint $$;

DO $$ DECLARE t text; BEGIN
    FOREACH t IN ARRAY ARRAY['instruction', 'act'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON network_%s FOR EACH ROW EXECUTE FUNCTION refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['claim', 'loadproposal'] LOOP
        EXECUTE format('CREATE TRIGGER no_delete BEFORE DELETE ON network_%s FOR EACH ROW EXECUTE FUNCTION refuse()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['instruction', 'act', 'claim', 'loadproposal'] LOOP
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON network_%s FOR EACH STATEMENT EXECUTE FUNCTION refuse()', t);
        EXECUTE format('CREATE TRIGGER own_clock BEFORE INSERT ON network_%s FOR EACH ROW EXECUTE FUNCTION own_clock()', t);
    END LOOP;
END $$;

-- ---------------------------------------------------------------- money moves as it was decided
-- A send, its fee and a payout carry out an approved instruction to the letter; a send may also be an agreed claim's
-- way back; a load above the desk's limit has two persons behind it. Reads only: safe under ON CONFLICT. Its name puts
-- it after transfer_check, which says first what cannot exist at all.
CREATE FUNCTION was_decided() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    decided boolean;
BEGIN
    CASE NEW.kind
    WHEN 'load' THEN
        decided := NEW.amount <= load_alone_limit() OR EXISTS (
            SELECT FROM network_loadproposal WHERE deposit = NEW.id AND account_id = NEW.credit_account_id
               AND amount = NEW.amount AND state = 'agreed');
    WHEN 'redeem' THEN
        decided := EXISTS (
            SELECT FROM network_instruction WHERE id = NEW.id AND kind = 'redeem' AND code = '00'
               AND account_id = NEW.debit_account_id AND amount = NEW.amount);
    WHEN 'send_fee' THEN
        decided := EXISTS (
            SELECT FROM network_instruction WHERE id = NEW.reference AND kind = 'send' AND code = '00'
               AND account_id = NEW.debit_account_id AND fee = NEW.amount)
            AND NOT EXISTS (SELECT FROM payments_transfer WHERE reference = NEW.reference AND kind = 'send_fee');
    ELSE
        decided := EXISTS (
            SELECT FROM network_instruction WHERE id = NEW.id AND kind = 'send' AND code = '00'
               AND account_id = NEW.debit_account_id AND payee_id = NEW.credit_account_id AND amount = NEW.amount)
            OR EXISTS (
            SELECT FROM network_claim c JOIN network_instruction i ON i.id = c.instruction_id
             WHERE c.id = NEW.id AND c.state = 'open' AND c.expires_at > now()
               AND i.payee_id = NEW.debit_account_id AND i.account_id = NEW.credit_account_id AND i.amount = NEW.amount);
    END CASE;
    IF NOT decided THEN
        RAISE EXCEPTION '% of % was not decided: %', NEW.kind, NEW.amount, NEW.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER was_decided BEFORE INSERT ON payments_transfer FOR EACH ROW
    WHEN (NEW.kind IN ('load', 'redeem', 'send', 'send_fee')) EXECUTE FUNCTION was_decided();

-- ---------------------------------------------------------------- claims
CREATE FUNCTION claim_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'open' OR NOT EXISTS (
        SELECT FROM network_instruction WHERE id = NEW.instruction_id AND kind = 'send' AND code = '00') THEN
        RAISE EXCEPTION 'a claim starts open, about money that was sent' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_born BEFORE INSERT ON network_claim FOR EACH ROW EXECUTE FUNCTION claim_born();

-- Decided once; agreed exactly when the money has gone back.
CREATE FUNCTION claim_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.instruction_id, NEW.reason, NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM (OLD.id, OLD.instruction_id, OLD.reason, OLD.created_at, OLD.expires_at)
       OR OLD.state <> 'open'
       OR (NEW.state = 'expired' AND OLD.expires_at > now())
       OR (NEW.state = 'agreed') <> EXISTS (SELECT FROM payments_transfer WHERE id = OLD.id AND kind = 'send') THEN
        RAISE EXCEPTION 'claim %: that change is not allowed', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_guard BEFORE UPDATE ON network_claim FOR EACH ROW EXECUTE FUNCTION claim_guard();

-- ---------------------------------------------------------------- loads by two persons
CREATE FUNCTION proposal_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'open' THEN
        RAISE EXCEPTION 'a proposed load starts open' USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proposal_born BEFORE INSERT ON network_loadproposal FOR EACH ROW EXECUTE FUNCTION proposal_born();

CREATE FUNCTION proposal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.deposit, NEW.line, NEW.card_id, NEW.account_id, NEW.amount, NEW.proposed_by, NEW.proposed_phone, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.deposit, OLD.line, OLD.card_id, OLD.account_id, OLD.amount, OLD.proposed_by, OLD.proposed_phone, OLD.created_at)
       OR OLD.state <> 'open' THEN
        RAISE EXCEPTION 'proposed load %: that change is not allowed', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proposal_guard BEFORE UPDATE ON network_loadproposal FOR EACH ROW EXECUTE FUNCTION proposal_guard();

-- ---------------------------------------------------------------- cards
-- A card's digests never change but the PIN's. A lost or stolen card is never used again, a closed one stays closed.
CREATE OR REPLACE FUNCTION card_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.token, NEW.account_id, NEW.number_mac, NEW.holder_mac, NEW.last4, NEW.resident, NEW.currency, NEW.issued_at)
       IS DISTINCT FROM
       (OLD.id, OLD.token, OLD.account_id, OLD.number_mac, OLD.holder_mac, OLD.last4, OLD.resident, OLD.currency, OLD.issued_at)
       OR (OLD.status = 'closed' AND NEW.status <> 'closed')
       OR (OLD.status IN ('lost', 'stolen') AND NEW.status IN ('active', 'blocked')) THEN
        RAISE EXCEPTION 'card %: that change is not allowed', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;

-- ---------------------------------------------------------------- releases
-- What an expired authorisation kept back is free already; a release of it is written down all the same, so that the
-- asker's book ends as ours does. The CHECK on the authorisation still forbids more than is left.
CREATE OR REPLACE FUNCTION release_applies() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE network_authorisation SET released = released + NEW.amount,
           state = CASE WHEN state = 'open' AND captured + released + NEW.amount = amount THEN 'done' ELSE state END
     WHERE id = NEW.authorisation_id AND state IN ('open', 'expired');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'release has nothing to draw on: %', NEW.authorisation_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
