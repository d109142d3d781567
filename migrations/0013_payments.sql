-- Payments that end by themselves, refunds that are open, and what vendors said: docs/EVENTS.md.

-- When a payment ends that no vendor ends for us. Rows from before this: when the log says.
ALTER TABLE open_payments ADD COLUMN expires_at bigint;
UPDATE open_payments o SET expires_at = (e.payload::jsonb->>'expires_at')::bigint
    FROM events e WHERE e.position = o.position;
ALTER TABLE open_payments ALTER COLUMN expires_at SET NOT NULL;
CREATE INDEX open_payments_ending ON open_payments (expires_at) WHERE rail <> 'yookassa';

-- Where receipts go, as last given and as given for a payment.
ALTER TABLE profiles ADD COLUMN email text;
ALTER TABLE chat_contexts ADD COLUMN email text;

-- Refunds that the provider has not settled, until it has.
CREATE TABLE open_refunds (
    refund     text   PRIMARY KEY,
    account_id uuid   NOT NULL,
    payment    text   NOT NULL,
    rail       text   NOT NULL,
    position   bigint NOT NULL
);
CREATE INDEX open_refunds_rail ON open_refunds (rail, position);

-- What vendors said of payments, in their words, for disputes. Old ones are deleted, and those of an
-- erased account.
CREATE TABLE notices (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text   NOT NULL,
    event       text   NOT NULL,
    object      text   NOT NULL,
    payment     text,
    account_id  uuid,
    outcome     text   NOT NULL,
    body        text   NOT NULL,
    -- How often it came, first and last; µs.
    times       bigint NOT NULL DEFAULT 1,
    first_at    bigint NOT NULL,
    last_at     bigint NOT NULL,
    digest      bytea  NOT NULL,
    CONSTRAINT notices_once UNIQUE (object, event, digest)
);
CREATE INDEX notices_payment ON notices (payment) WHERE payment IS NOT NULL;
CREATE INDEX notices_account ON notices (account_id) WHERE account_id IS NOT NULL;

-- A provider's own books, as its adapter read them: by Moscow day, compared with the log when the day is whole.
CREATE TABLE provider_rows (
    provider     text    NOT NULL,
    kind         text    NOT NULL,
    id           text    NOT NULL,
    day          integer NOT NULL,
    payment_id   text,
    amount_minor bigint  NOT NULL,
    currency     text    NOT NULL,
    net_minor    bigint,
    at           bigint  NOT NULL,
    CONSTRAINT provider_rows_once PRIMARY KEY (provider, kind, id)
);
CREATE INDEX provider_rows_day ON provider_rows (provider, day);
CREATE TABLE provider_days (
    provider    text    NOT NULL,
    day         integer NOT NULL,
    uploaded_at bigint  NOT NULL,
    -- When the leader had compared it; nothing until then.
    compared_at bigint,
    PRIMARY KEY (provider, day)
);
CREATE INDEX provider_days_waiting ON provider_days (provider, day) WHERE compared_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON open_refunds, notices, provider_rows, provider_days TO plantain_ledger;

-- Side rows: an end, an address, refunds.
CREATE TYPE side_refund AS (refund text, account_id uuid, payment text, rail text, "position" bigint);
ALTER TYPE side_payment ADD ATTRIBUTE expires_at bigint;
ALTER TYPE side_context ADD ATTRIBUTE email text;
ALTER TYPE side_inserts ADD ATTRIBUTE refunds side_refund[];
ALTER TYPE side_changes ADD ATTRIBUTE closed_refunds text[];

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
                status_message)
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
        INSERT INTO jobs (generation, account_id, position, deadline) SELECT * FROM unnest(i.jobs);
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
END $$;

CREATE OR REPLACE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(c.claims) > 0 THEN
        UPDATE jobs j SET attempt = x.attempt, lease_until = x.lease_until, lease_us = x.lease_us
            FROM unnest(c.claims) x WHERE j.generation = x.generation;
    END IF;
    IF cardinality(c.files) > 0 THEN
        UPDATE generation_outputs o SET file_id = x.file_id
            FROM unnest(c.files) x WHERE o.generation = x.generation AND o.ordinal = x.ordinal;
    END IF;
    IF cardinality(c.told) > 0 THEN
        DELETE FROM deliveries d USING unnest(c.told) x WHERE d.subject = x.subject AND d.type = x.type;
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
