-- What a bot with a balance table has: balances, an idempotency key for each operation, a journal.
CREATE TABLE peer_balances (
    account_id bigint PRIMARY KEY,
    available  bigint NOT NULL CHECK (available >= 0),
    reserved   bigint NOT NULL CHECK (reserved >= 0)
);
CREATE TABLE peer_operations (key text PRIMARY KEY, account_id bigint NOT NULL);
CREATE TABLE peer_journal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL,
    kind       text   NOT NULL,
    amount     bigint NOT NULL,
    available  bigint NOT NULL,
    reserved   bigint NOT NULL,
    payload    text   NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX peer_journal_account ON peer_journal (account_id, id);

CREATE FUNCTION peer_operate(in_key text, in_account bigint, in_kind text, in_amount bigint, in_payload text)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    a bigint;
    r bigint;
BEGIN
    SELECT available, reserved INTO a, r FROM peer_balances WHERE account_id = in_account FOR UPDATE;
    INSERT INTO peer_operations (key, account_id) VALUES (in_key, in_account) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF in_kind = 'topup' THEN
        a := a + in_amount;
    ELSIF in_kind = 'reserve' THEN
        a := a - in_amount;
        r := r + in_amount;
    ELSE
        r := r - in_amount;
    END IF;
    IF a < 0 OR r < 0 THEN
        RAISE EXCEPTION 'not enough credits';
    END IF;
    UPDATE peer_balances SET available = a, reserved = r WHERE account_id = in_account;
    INSERT INTO peer_journal (account_id, kind, amount, available, reserved, payload)
        VALUES (in_account, in_kind, in_amount, a, r, in_payload);
    RETURN true;
END $$;
