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

-- Side rows have functions of their own, `log_side_insert` and `log_side_change`: migrations/0008_domain.sql,
-- where all their tables are there.

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
