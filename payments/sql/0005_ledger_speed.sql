-- Credits minus debits, now: the last closing plus what moved since the last cut that has been written up.
-- No lock, no counter to contend on. Replaces the function of guards.sql: the cut is looked up first, so that its seq
-- is a plain bound of an index-only scan on each side, and the plans are kept for the next account (payouts ask it of
-- every seller). STABLE: all of it sees the caller's one snapshot.
CREATE OR REPLACE FUNCTION balance_of(a bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    base bigint := coalesce((SELECT seq FROM payments_daycut WHERE id = (SELECT max(cut_id) FROM payments_closing)), 0);
BEGIN
    RETURN coalesce((SELECT balance FROM payments_closing WHERE account_id = a ORDER BY cut_id DESC LIMIT 1), 0)
         + coalesce((SELECT sum(amount) FROM payments_transfer WHERE credit_account_id = a AND seq > base), 0)::bigint
         - coalesce((SELECT sum(amount) FROM payments_transfer WHERE debit_account_id  = a AND seq > base), 0)::bigint;
END $$;
