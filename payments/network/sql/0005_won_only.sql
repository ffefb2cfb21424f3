-- Won only, residents only, one holder: what the verbs refuse with 57 cannot be written down either.

-- Nothing is kept back on an account unless a won card of a resident is in use on it. Looked at last, after the
-- balance has moved (AFTER triggers fire by name): each guard refuses for its own reason.
CREATE FUNCTION authorisation_won_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM network_card WHERE account_id = NEW.account_id
                      AND currency = 'KPW' AND resident AND status IN ('active', 'blocked')) THEN
        RAISE EXCEPTION 'no won card of a resident is in use on account %', NEW.account_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER authorisation_won_only AFTER INSERT ON network_authorisation FOR EACH ROW
    WHEN (NEW.code = '00') EXECUTE FUNCTION authorisation_won_only();

-- An account is one person's: its next card carries the same holder's digest (made with the same key).
CREATE FUNCTION card_same_holder() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM network_card WHERE account_id = NEW.account_id
                  AND key_version = NEW.key_version AND holder_mac <> NEW.holder_mac) THEN
        RAISE EXCEPTION 'account % belongs to another person', NEW.account_id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER card_same_holder BEFORE INSERT ON network_card FOR EACH ROW EXECUTE FUNCTION card_same_holder();
