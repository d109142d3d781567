-- The rest of the domain: lots that end, what outlives an erased account, and how far the follow-ups are.

-- Lots that end, for the ledger's timer, which deletes a row once nothing of the lot is left to expire.
CREATE TABLE expiring_lots (
    account_id uuid   NOT NULL,
    lot        bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (expires_at, account_id, lot)
);

-- By the person's fingerprint: HMAC under `service_keys.fingerprints`. Keeps welcome credits from being
-- farmed, and debts and bans from being shed. What the next account has taken over is taken off.
CREATE TABLE erased_fingerprints (
    fingerprint text    PRIMARY KEY,
    debt        bigint  NOT NULL CHECK (debt >= 0),
    banned      boolean NOT NULL
);
INSERT INTO service_keys VALUES
    ('fingerprints', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- Everything through this position has had its follow-ups: bonuses were sent, content was deleted.
CREATE TABLE follow_ups (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint  NOT NULL
);
INSERT INTO follow_ups (position) VALUES (0);

GRANT SELECT, INSERT, UPDATE, DELETE ON expiring_lots, erased_fingerprints TO plantain_ledger;
GRANT SELECT, UPDATE ON follow_ups TO plantain_ledger;

-- Side rows of a batch: one array of objects a table; a table that is absent has none.
CREATE FUNCTION log_side_insert(inserts jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF inserts IS NULL THEN
        RETURN;
    END IF;
    IF inserts ? 'identities' THEN
        INSERT INTO telegram_identities SELECT telegram_user_id, account_id
            FROM jsonb_to_recordset(inserts->'identities') AS x(telegram_user_id bigint, account_id uuid);
        INSERT INTO account_keys SELECT account_id, decode(key, 'hex')
            FROM jsonb_to_recordset(inserts->'identities') AS x(account_id uuid, key text);
        INSERT INTO profiles SELECT account_id, language, name
            FROM jsonb_to_recordset(inserts->'identities') AS x(account_id uuid, language text, name text);
    END IF;
    IF inserts ? 'contexts' THEN
        INSERT INTO chat_contexts (subject, account_id, chat, message, status_message)
            SELECT * FROM jsonb_to_recordset(inserts->'contexts')
            AS x(subject text, account_id uuid, chat bigint, message bigint, status_message bigint);
    END IF;
    IF inserts ? 'links' THEN
        INSERT INTO payment_links (payment, account_id, checkout_url)
            SELECT * FROM jsonb_to_recordset(inserts->'links')
            AS x(payment text, account_id uuid, checkout_url text);
    END IF;
    IF inserts ? 'contents' THEN
        INSERT INTO generation_contents (generation, account_id, prompt, file_refs, position)
            SELECT generation, account_id, prompt, ARRAY(SELECT jsonb_array_elements_text(file_refs)), position
            FROM jsonb_to_recordset(inserts->'contents')
            AS x(generation text, account_id uuid, prompt text, file_refs jsonb, position bigint);
    END IF;
    IF inserts ? 'outputs' THEN
        INSERT INTO generation_outputs (generation, ordinal, account_id, object, sha256, media_type, bytes, width,
                height)
            SELECT * FROM jsonb_to_recordset(inserts->'outputs')
            AS x(generation text, ordinal smallint, account_id uuid, object text, sha256 text, media_type text,
                bytes bigint, width bigint, height bigint);
    END IF;
    IF inserts ? 'reservations' THEN
        INSERT INTO open_reservations (reservation, account_id, deadline)
            SELECT * FROM jsonb_to_recordset(inserts->'reservations')
            AS x(reservation text, account_id uuid, deadline bigint);
    END IF;
    IF inserts ? 'payments' THEN
        INSERT INTO open_payments (payment, account_id, rail, position)
            SELECT * FROM jsonb_to_recordset(inserts->'payments')
            AS x(payment text, account_id uuid, rail text, position bigint);
    END IF;
    IF inserts ? 'jobs' THEN
        INSERT INTO jobs (generation, account_id, position)
            SELECT * FROM jsonb_to_recordset(inserts->'jobs')
            AS x(generation text, account_id uuid, position bigint);
    END IF;
    IF inserts ? 'deliveries' THEN
        INSERT INTO deliveries (position, account_id, type, subject)
            SELECT * FROM jsonb_to_recordset(inserts->'deliveries')
            AS x(position bigint, account_id uuid, type text, subject text);
    END IF;
    IF inserts ? 'lots' THEN
        INSERT INTO expiring_lots (account_id, lot, expires_at)
            SELECT * FROM jsonb_to_recordset(inserts->'lots') AS x(account_id uuid, lot bigint, expires_at bigint);
    END IF;
END $$;

-- Changes of side rows, in the order of a row's life: updates, then deletes. By key, row by row: these tables are
-- nearly empty and full of dead rows, and a join may be planned to read them from end to end.
CREATE FUNCTION log_side_change(updates jsonb, deletes jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    x record;
BEGIN
    IF updates IS NOT NULL THEN
        IF updates ? 'claims' THEN
            FOR x IN SELECT * FROM jsonb_to_recordset(updates->'claims')
                AS y(generation text, attempt smallint, lease_until bigint, lease_us bigint)
            LOOP
                UPDATE jobs SET attempt = x.attempt, lease_until = x.lease_until, lease_us = x.lease_us
                    WHERE generation = x.generation;
            END LOOP;
        END IF;
        IF updates ? 'files' THEN
            FOR x IN SELECT * FROM jsonb_to_recordset(updates->'files')
                AS y(generation text, ordinal smallint, file_id text)
            LOOP
                UPDATE generation_outputs SET file_id = x.file_id
                    WHERE generation = x.generation AND ordinal = x.ordinal;
            END LOOP;
        END IF;
        IF updates ? 'told' THEN
            FOR x IN SELECT * FROM jsonb_to_recordset(updates->'told') AS y(subject text, type text, outcome text)
            LOOP
                UPDATE deliveries SET outcome = x.outcome
                    WHERE subject = x.subject AND type = x.type AND outcome IS NULL;
            END LOOP;
        END IF;
        IF updates ? 'kept' THEN
            INSERT INTO erased_fingerprints (fingerprint, debt, banned)
                SELECT * FROM jsonb_to_recordset(updates->'kept') AS x(fingerprint text, debt bigint, banned boolean)
                ON CONFLICT (fingerprint) DO UPDATE SET debt = EXCLUDED.debt, banned = EXCLUDED.banned;
        END IF;
    END IF;
    IF deletes IS NOT NULL THEN
        IF deletes ? 'reservations' THEN
            DELETE FROM open_reservations
                WHERE reservation = ANY (ARRAY(SELECT jsonb_array_elements_text(deletes->'reservations')));
        END IF;
        IF deletes ? 'payments' THEN
            DELETE FROM open_payments
                WHERE payment = ANY (ARRAY(SELECT jsonb_array_elements_text(deletes->'payments')));
        END IF;
        IF deletes ? 'jobs' THEN
            DELETE FROM jobs WHERE generation = ANY (ARRAY(SELECT jsonb_array_elements_text(deletes->'jobs')));
        END IF;
        IF deletes ? 'people' THEN
            DELETE FROM telegram_identities
                WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text(deletes->'people')::uuid));
            DELETE FROM account_keys
                WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text(deletes->'people')::uuid));
            DELETE FROM profiles
                WHERE account_id = ANY (ARRAY(SELECT jsonb_array_elements_text(deletes->'people')::uuid));
        END IF;
    END IF;
END $$;

-- Rows come and go with each picture: what is dead is taken away before it is much.
ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE open_reservations SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE open_payments SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Only the sweep asks by position, and says `position > 0`, so that no plan for another question, made while the
-- table was small and kept, can go through all that is open.
DROP INDEX deliveries_open;
CREATE INDEX deliveries_open ON deliveries (position) WHERE outcome IS NULL AND position > 0;
