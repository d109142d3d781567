-- Fewer and cheaper rows beside the log: docs/adr/0012-side-rows.md.

-- Where a generation was asked for stands with what was asked for. `chat_contexts` is left for payments.
ALTER TABLE generation_contents ADD COLUMN chat bigint, ADD COLUMN message bigint, ADD COLUMN status_message bigint;
UPDATE generation_contents g SET chat = c.chat, message = c.message, status_message = c.status_message
    FROM chat_contexts c WHERE c.subject = g.generation;
DELETE FROM chat_contexts c USING generation_contents g WHERE c.subject = g.generation;
ALTER TABLE generation_contents ALTER COLUMN chat SET NOT NULL, ALTER COLUMN message SET NOT NULL;

-- A job is open as long as its reservation is. Those with the nearest deadline are swept first.
ALTER TABLE jobs ADD COLUMN deadline bigint;
UPDATE jobs j SET deadline = r.deadline FROM open_reservations r
    WHERE r.reservation = 'r' || substr(j.generation, 2);
ALTER TABLE jobs ALTER COLUMN deadline SET NOT NULL;
DROP TABLE open_reservations;
DROP INDEX jobs_position;
CREATE INDEX jobs_deadline ON jobs (deadline);
-- Each row is changed by a claim: beside where it stands, so that no index is touched.
ALTER TABLE jobs SET (fillfactor = 70);

-- A telling is a row until it is told.
DROP INDEX deliveries_open, deliveries_subject;
DELETE FROM deliveries WHERE outcome IS NOT NULL;
ALTER TABLE deliveries DROP COLUMN outcome;
CREATE INDEX deliveries_subject ON deliveries (subject);
ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- What a batch inserts: ledger/src/store/side.rs.
CREATE TYPE side_identity AS (telegram_user_id bigint, account_id uuid, key bytea, language text, name text);
CREATE TYPE side_context AS (subject text, account_id uuid, chat bigint, message bigint, status_message bigint);
CREATE TYPE side_link AS (payment text, account_id uuid, checkout_url text);
CREATE TYPE side_content AS (
    generation text, account_id uuid, prompt text, file_refs text[], "position" bigint, chat bigint, message bigint,
    status_message bigint);
CREATE TYPE side_output AS (
    generation text, ordinal smallint, account_id uuid, object text, sha256 text, media_type text, bytes bigint,
    width bigint, height bigint);
CREATE TYPE side_payment AS (payment text, account_id uuid, rail text, "position" bigint);
CREATE TYPE side_job AS (generation text, account_id uuid, "position" bigint, deadline bigint);
CREATE TYPE side_delivery AS ("position" bigint, account_id uuid, type text, subject text);
CREATE TYPE side_lot AS (account_id uuid, lot bigint, expires_at bigint);
CREATE TYPE side_inserts AS (
    identities side_identity[], contexts side_context[], links side_link[], contents side_content[],
    outputs side_output[], payments side_payment[], jobs side_job[], deliveries side_delivery[], lots side_lot[]);

-- What it changes after that, in this order.
CREATE TYPE side_claim AS (generation text, attempt smallint, lease_until bigint, lease_us bigint);
CREATE TYPE side_file AS (generation text, ordinal smallint, file_id text);
CREATE TYPE side_told AS (subject text, type text);
CREATE TYPE side_kept AS (fingerprint text, debt bigint, banned boolean);
CREATE TYPE side_changes AS (
    claims side_claim[], files side_file[], told side_told[], kept side_kept[], closed_payments text[],
    closed_jobs text[], forgotten uuid[]);

DROP FUNCTION log_append, log_insert, log_finish, log_side_insert, log_side_change;

CREATE FUNCTION log_side_insert(i side_inserts) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(i.identities) > 0 THEN
        INSERT INTO telegram_identities SELECT telegram_user_id, account_id FROM unnest(i.identities);
        INSERT INTO account_keys SELECT account_id, key FROM unnest(i.identities);
        INSERT INTO profiles SELECT account_id, language, name FROM unnest(i.identities);
    END IF;
    IF cardinality(i.contexts) > 0 THEN
        INSERT INTO chat_contexts (subject, account_id, chat, message, status_message)
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
        INSERT INTO open_payments (payment, account_id, rail, position) SELECT * FROM unnest(i.payments);
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
END $$;

CREATE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
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
    IF cardinality(c.forgotten) > 0 THEN
        DELETE FROM telegram_identities WHERE account_id = ANY (c.forgotten);
        DELETE FROM account_keys WHERE account_id = ANY (c.forgotten);
        DELETE FROM profiles WHERE account_id = ANY (c.forgotten);
    END IF;
END $$;

-- First half of an append: only inserts, so that it may run while the batch before commits. One array of rows
-- costs Postgres a fifth less than an array for each column.
CREATE FUNCTION log_insert(rows events[], keys natural_keys[], inserts side_inserts) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events SELECT * FROM unnest(rows);
    IF cardinality(keys) > 0 THEN
        INSERT INTO natural_keys SELECT * FROM unnest(keys);
    END IF;
    PERFORM log_side_insert(inserts);
END $$;

-- Second half, once the batch before has committed: changes of side rows, then the fence. Raises
-- LG001 when the head is not where this batch began: someone else leads.
CREATE FUNCTION log_finish(
    prev_position bigint, leader_epoch bigint, last_position bigint, last_hash bytea, last_recorded bigint,
    lease_us bigint, changes side_changes
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_side_change(changes);
    UPDATE log_head SET position = last_position, hash = last_hash, recorded_at = last_recorded,
            lease_until = now_us() + lease_us
        WHERE position = prev_position AND epoch = leader_epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the log has another leader' USING ERRCODE = 'LG001';
    END IF;
END $$;

-- Both halves in one call, and so one round trip.
CREATE FUNCTION log_append(
    rows events[], keys natural_keys[], inserts side_inserts, changes side_changes, prev_position bigint,
    leader_epoch bigint, lease_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last events := rows[cardinality(rows)];
BEGIN
    PERFORM log_insert(rows, keys, inserts);
    PERFORM log_finish(prev_position, leader_epoch, last.position, last.hash, last.recorded_at, lease_us, changes);
END $$;
