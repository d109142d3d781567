-- The write path: keys that stay local, the append as one call, snapshots of accounts.

-- Uniqueness by buckets of 2^18 positions: new entries of an index stand at its end, whatever the log's
-- length (docs/adr/0009-local-keys.md). Beyond a bucket the one fenced sequencer keeps ids unique.
-- Who looks for an account's or a command's rows gives all buckets: ledger/src/store/lookup.rs.
ALTER TABLE events DROP CONSTRAINT events_account_version, DROP CONSTRAINT events_command;
CREATE UNIQUE INDEX events_account_version ON events ((position >> 18), account_id, version);
CREATE UNIQUE INDEX events_command ON events ((position >> 18), producer, command_id) WHERE ordinal = 0;

-- Where in the log a generation was asked for, so that a claim's answer needs no search.
ALTER TABLE generation_contents ADD COLUMN position bigint;
UPDATE generation_contents c SET position = e.position FROM events e
    WHERE e.type = 'GenerationRequested' AND e.payload::jsonb->>'generation' = c.generation;
ALTER TABLE generation_contents ALTER COLUMN position SET NOT NULL;

-- Accounts as folded through `snapshots_through.position`: an account's state is its row here, if it has
-- one, and its events after that position.
CREATE TABLE account_snapshots (
    account_id uuid     PRIMARY KEY,
    version    bigint   NOT NULL,
    position   bigint   NOT NULL,
    format     smallint NOT NULL,
    state      text     NOT NULL
);
CREATE TABLE snapshots_through (
    single   boolean  PRIMARY KEY DEFAULT true CHECK (single),
    position bigint   NOT NULL,
    format   smallint NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON account_snapshots, snapshots_through TO plantain_ledger;

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
END $$;

-- First half of an append: only inserts, so that it may run while the batch before commits.
CREATE FUNCTION log_insert(
    positions bigint[], account_ids uuid[], versions bigint[], types text[], schema_versions smallint[],
    available_deltas bigint[], reserved_deltas bigint[], debt_deltas bigint[], payloads text[],
    producers text[], command_ids text[], ordinals smallint[], digests bytea[], actors text[],
    causations bigint[], trace_ids bytea[], recorded bigint[], prev_hashes bytea[], hashes bytea[],
    key_kinds text[], key_names text[], key_accounts uuid[], key_subjects text[], key_positions bigint[],
    inserts jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (position, account_id, version, type, schema_version, available_delta, reserved_delta,
            debt_delta, payload, producer, command_id, ordinal, request_digest, actor, causation, trace_id,
            recorded_at, prev_hash, hash)
        SELECT * FROM unnest(positions, account_ids, versions, types, schema_versions, available_deltas,
            reserved_deltas, debt_deltas, payloads, producers, command_ids, ordinals, digests, actors, causations,
            trace_ids, recorded, prev_hashes, hashes);
    IF cardinality(key_kinds) > 0 THEN
        INSERT INTO natural_keys (kind, key, account_id, subject, position)
            SELECT * FROM unnest(key_kinds, key_names, key_accounts, key_subjects, key_positions);
    END IF;
    PERFORM log_side_insert(inserts);
END $$;

-- Changes of side rows, in the order of a row's life: updates, then deletes.
CREATE FUNCTION log_side_change(updates jsonb, deletes jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF updates IS NOT NULL THEN
        IF updates ? 'claims' THEN
            UPDATE jobs SET attempt = x.attempt, lease_until = x.lease_until, lease_us = x.lease_us
                FROM jsonb_to_recordset(updates->'claims')
                    AS x(generation text, attempt smallint, lease_until bigint, lease_us bigint)
                WHERE jobs.generation = x.generation;
        END IF;
        IF updates ? 'files' THEN
            UPDATE generation_outputs o SET file_id = x.file_id
                FROM jsonb_to_recordset(updates->'files') AS x(generation text, ordinal smallint, file_id text)
                WHERE o.generation = x.generation AND o.ordinal = x.ordinal;
        END IF;
        IF updates ? 'told' THEN
            UPDATE deliveries d SET outcome = x.outcome
                FROM jsonb_to_recordset(updates->'told') AS x(subject text, type text, outcome text)
                WHERE d.subject = x.subject AND d.type = x.type AND d.outcome IS NULL;
        END IF;
    END IF;
    IF deletes IS NOT NULL THEN
        IF deletes ? 'reservations' THEN
            DELETE FROM open_reservations USING jsonb_array_elements_text(deletes->'reservations') AS x(id)
                WHERE reservation = x.id;
        END IF;
        IF deletes ? 'payments' THEN
            DELETE FROM open_payments USING jsonb_array_elements_text(deletes->'payments') AS x(id)
                WHERE payment = x.id;
        END IF;
        IF deletes ? 'jobs' THEN
            DELETE FROM jobs USING jsonb_array_elements_text(deletes->'jobs') AS x(id) WHERE generation = x.id;
        END IF;
    END IF;
END $$;

-- Second half, once the batch before has committed: changes of side rows, then the fence. Raises
-- LG001 when the head is not where this batch began: someone else leads.
CREATE FUNCTION log_finish(
    prev_position bigint, leader_epoch bigint, last_position bigint, last_hash bytea, last_recorded bigint,
    lease_us bigint, updates jsonb, deletes jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_side_change(updates, deletes);
    UPDATE log_head SET position = last_position, hash = last_hash, recorded_at = last_recorded,
            lease_until = now_us() + lease_us
        WHERE position = prev_position AND epoch = leader_epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the log has another leader' USING ERRCODE = 'LG001';
    END IF;
END $$;

-- Both halves in one call, and so one round trip.
CREATE FUNCTION log_append(
    positions bigint[], account_ids uuid[], versions bigint[], types text[], schema_versions smallint[],
    available_deltas bigint[], reserved_deltas bigint[], debt_deltas bigint[], payloads text[],
    producers text[], command_ids text[], ordinals smallint[], digests bytea[], actors text[],
    causations bigint[], trace_ids bytea[], recorded bigint[], prev_hashes bytea[], hashes bytea[],
    key_kinds text[], key_names text[], key_accounts uuid[], key_subjects text[], key_positions bigint[],
    inserts jsonb, updates jsonb, deletes jsonb, prev_position bigint, leader_epoch bigint, lease_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n integer := cardinality(positions);
BEGIN
    PERFORM log_insert(positions, account_ids, versions, types, schema_versions, available_deltas, reserved_deltas,
        debt_deltas, payloads, producers, command_ids, ordinals, digests, actors, causations, trace_ids, recorded,
        prev_hashes, hashes, key_kinds, key_names, key_accounts, key_subjects, key_positions, inserts);
    PERFORM log_finish(prev_position, leader_epoch, positions[n], hashes[n], recorded[n], lease_us, updates, deletes);
END $$;
