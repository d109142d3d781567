-- Tellings that wait for who can't be reached, what is said to people, and what else the bot asks: docs/EVENTS.md.

-- Tellings of people who are away: out of the way of those that can be told. Back in `deliveries` once the person is back.
CREATE TABLE parked_deliveries (
    position   bigint  PRIMARY KEY,
    account_id uuid    NOT NULL,
    type       text    NOT NULL,
    subject    text    NOT NULL,
    attempt    integer NOT NULL
);
CREATE INDEX parked_deliveries_account ON parked_deliveries (account_id);
CREATE INDEX parked_deliveries_subject ON parked_deliveries (subject);

-- What a MessageRequested says: JSON.
CREATE TABLE message_contents (
    position   bigint PRIMARY KEY,
    account_id uuid   NOT NULL,
    content    text   NOT NULL
);
CREATE INDEX message_contents_account ON message_contents (account_id);

-- What the person wanted and could not pay, JSON, and when; µs.
ALTER TABLE profiles ADD COLUMN wish text, ADD COLUMN wish_at bigint;

-- The same for the same file, whoever sends it: by it a picture is known that a person answers to.
ALTER TABLE generation_outputs ADD COLUMN unique_id text;
CREATE INDEX generation_outputs_unique_id ON generation_outputs (unique_id) WHERE unique_id IS NOT NULL;

-- For whom a message in an administrator's chat stands.
CREATE TABLE support_notes (
    chat       bigint NOT NULL,
    message    bigint NOT NULL,
    account_id uuid   NOT NULL,
    -- µs.
    noted_at   bigint NOT NULL,
    PRIMARY KEY (chat, message)
);
CREATE INDEX support_notes_account ON support_notes (account_id);
CREATE INDEX support_notes_age ON support_notes (noted_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON parked_deliveries, message_contents, support_notes TO plantain_ledger;

-- Whether a person can be reached is decided under the lock of their profile, so that nothing is parked for who has just
-- come back.

-- Somebody found out, telling this: true if it was their try. The telling waits, and the person is away. What tells
-- administrators of a person says nothing of that person.
CREATE FUNCTION delivery_blocked(at bigint, try integer, try_max integer, now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    d deliveries;
BEGIN
    SELECT * INTO d FROM deliveries WHERE position = at AND least(attempt, try_max) = try;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF d.type <> 'PaymentQuarantined' THEN
        UPDATE profiles SET away_since = coalesce(away_since, now) WHERE account_id = d.account_id;
        IF FOUND THEN
            WITH gone AS (DELETE FROM deliveries WHERE position = at AND least(attempt, try_max) = try RETURNING *)
                INSERT INTO parked_deliveries SELECT position, account_id, type, subject, attempt FROM gone;
            RETURN FOUND;
        END IF;
    END IF;
    DELETE FROM deliveries WHERE position = at AND least(attempt, try_max) = try;
    RETURN FOUND;
END $$;

-- A telling that nobody holds, of a person who is away: true if it waits now.
CREATE FUNCTION delivery_park(at bigint, now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM deliveries d JOIN profiles p USING (account_id)
        WHERE d.position = at AND p.away_since IS NOT NULL AND d.type <> 'PaymentQuarantined' FOR SHARE OF p;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    WITH gone AS (DELETE FROM deliveries WHERE position = at AND lease_until < now RETURNING *)
        INSERT INTO parked_deliveries SELECT position, account_id, type, subject, attempt FROM gone;
    RETURN FOUND;
END $$;

-- False: nobody has this account. Who is back is told what waited.
CREATE FUNCTION person_reach(person uuid, reachable boolean, now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE profiles SET away_since = CASE WHEN reachable THEN NULL ELSE coalesce(away_since, now) END
        WHERE account_id = person;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF reachable THEN
        WITH woken AS (DELETE FROM parked_deliveries WHERE account_id = person RETURNING *)
            INSERT INTO deliveries (position, account_id, type, subject, attempt)
            SELECT position, account_id, type, subject, attempt FROM woken;
    END IF;
    RETURN true;
END $$;

CREATE TYPE side_message AS ("position" bigint, account_id uuid, content text);
ALTER TYPE side_inserts ADD ATTRIBUTE messages side_message[];
-- A telling is over when something newer says so: what stands before that.
ALTER TYPE side_told ADD ATTRIBUTE newer bigint;
ALTER TYPE side_file ADD ATTRIBUTE unique_id text;

CREATE OR REPLACE FUNCTION log_side_insert(i side_inserts) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(i.identities) > 0 THEN
        INSERT INTO telegram_identities SELECT telegram_user_id, account_id FROM unnest(i.identities);
        INSERT INTO account_keys SELECT account_id, key FROM unnest(i.identities);
        INSERT INTO profiles (account_id, language, name)
            SELECT account_id, language, name FROM unnest(i.identities);
    END IF;
    IF cardinality(i.contexts) > 0 THEN
        INSERT INTO chat_contexts (subject, account_id, chat, message, status_message, email)
            SELECT * FROM unnest(i.contexts);
    END IF;
    IF cardinality(i.links) > 0 THEN
        INSERT INTO payment_links (payment, account_id, checkout_url) SELECT * FROM unnest(i.links);
    END IF;
    IF cardinality(i.contents) > 0 THEN
        INSERT INTO generation_contents (generation, account_id, prompt, file_refs, position, chat, message,
                status_message, system, conversation, follows)
            SELECT * FROM unnest(i.contents);
    END IF;
    IF cardinality(i.outputs) > 0 THEN
        INSERT INTO generation_outputs (generation, ordinal, account_id, object, sha256, media_type, bytes, width,
                height)
            SELECT * FROM unnest(i.outputs);
    END IF;
    IF cardinality(i.payments) > 0 THEN
        INSERT INTO open_payments (payment, account_id, rail, position, expires_at) SELECT * FROM unnest(i.payments);
    END IF;
    IF cardinality(i.jobs) > 0 THEN
        INSERT INTO jobs (generation, account_id, position, deadline, kind, model)
            SELECT * FROM unnest(i.jobs);
    END IF;
    IF cardinality(i.deliveries) > 0 THEN
        INSERT INTO deliveries (position, account_id, type, subject) SELECT * FROM unnest(i.deliveries);
    END IF;
    IF cardinality(i.lots) > 0 THEN
        INSERT INTO expiring_lots (account_id, lot, expires_at) SELECT * FROM unnest(i.lots);
    END IF;
    IF cardinality(i.refunds) > 0 THEN
        INSERT INTO open_refunds (refund, account_id, payment, rail, position) SELECT * FROM unnest(i.refunds);
    END IF;
    IF cardinality(i.messages) > 0 THEN
        INSERT INTO message_contents (position, account_id, content) SELECT * FROM unnest(i.messages);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(c.claims) > 0 THEN
        UPDATE jobs j SET attempt = x.attempt, lease_until = x.lease_until, lease_us = x.lease_us,
                doubts = x.doubts, unpaid = x.unpaid
            FROM unnest(c.claims) x WHERE j.generation = x.generation;
    END IF;
    IF cardinality(c.files) > 0 THEN
        UPDATE generation_outputs o SET file_id = x.file_id, unique_id = x.unique_id
            FROM unnest(c.files) x WHERE o.generation = x.generation AND o.ordinal = x.ordinal;
    END IF;
    IF cardinality(c.told) > 0 THEN
        DELETE FROM deliveries d USING unnest(c.told) x
            WHERE d.subject = x.subject AND d.type = x.type AND d.position < x.newer;
        DELETE FROM parked_deliveries d USING unnest(c.told) x
            WHERE d.subject = x.subject AND d.type = x.type AND d.position < x.newer;
    END IF;
    IF cardinality(c.kept) > 0 THEN
        INSERT INTO erased_fingerprints (fingerprint, debt, banned) SELECT * FROM unnest(c.kept)
            ON CONFLICT (fingerprint) DO UPDATE SET debt = EXCLUDED.debt, banned = EXCLUDED.banned;
    END IF;
    IF cardinality(c.closed_payments) > 0 THEN
        DELETE FROM open_payments WHERE payment = ANY (c.closed_payments);
    END IF;
    IF cardinality(c.closed_jobs) > 0 THEN
        DELETE FROM jobs WHERE generation = ANY (c.closed_jobs);
    END IF;
    IF cardinality(c.closed_refunds) > 0 THEN
        DELETE FROM open_refunds WHERE refund = ANY (c.closed_refunds);
    END IF;
    IF cardinality(c.forgotten) > 0 THEN
        DELETE FROM telegram_identities WHERE account_id = ANY (c.forgotten);
        DELETE FROM account_keys WHERE account_id = ANY (c.forgotten);
        DELETE FROM profiles WHERE account_id = ANY (c.forgotten);
    END IF;
END $$;
