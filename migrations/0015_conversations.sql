-- Instructions, conversations and edits that follow one another; what a sweep of jobs must know: docs/EVENTS.md.

ALTER TABLE generation_contents ADD COLUMN system text, ADD COLUMN conversation text, ADD COLUMN follows text;

-- What is asked for, so that a sweep tells it without the log; how often a call may have been paid in vain, and how often it was
-- refused before any work.
ALTER TABLE jobs ADD COLUMN kind text, ADD COLUMN model text, ADD COLUMN doubts smallint NOT NULL DEFAULT 0,
    ADD COLUMN unpaid smallint NOT NULL DEFAULT 0;
UPDATE jobs j SET kind = e.payload::jsonb->>'kind', model = e.payload::jsonb->>'model'
    FROM events e WHERE e.position = j.position;
ALTER TABLE jobs ALTER COLUMN kind SET NOT NULL, ALTER COLUMN model SET NOT NULL;

ALTER TYPE side_content ADD ATTRIBUTE system text, ADD ATTRIBUTE conversation text, ADD ATTRIBUTE follows text;
ALTER TYPE side_job ADD ATTRIBUTE kind text, ADD ATTRIBUTE model text;
ALTER TYPE side_claim ADD ATTRIBUTE doubts smallint, ADD ATTRIBUTE unpaid smallint;

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
END $$;

CREATE OR REPLACE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(c.claims) > 0 THEN
        UPDATE jobs j SET attempt = x.attempt, lease_until = x.lease_until, lease_us = x.lease_us,
                doubts = x.doubts, unpaid = x.unpaid
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
