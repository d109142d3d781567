-- The log: one row an event, append-only, one fenced writer.

CREATE FUNCTION now_us() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
COMMENT ON FUNCTION now_us() IS 'Microseconds since 1970-01-01 UTC.';

CREATE TABLE events (
    position        bigint   PRIMARY KEY CHECK (position > 0),
    account_id      uuid     NOT NULL,
    version         bigint   NOT NULL CHECK (version > 0),
    type            text     NOT NULL,
    schema_version  smallint NOT NULL,
    available_delta bigint   NOT NULL,
    reserved_delta  bigint   NOT NULL,
    debt_delta      bigint   NOT NULL,
    payload         text     NOT NULL,
    producer        text     NOT NULL,
    command_id      text     NOT NULL,
    ordinal         smallint NOT NULL CHECK (ordinal >= 0),
    request_digest  bytea    NOT NULL CHECK (length(request_digest) = 16),
    actor           text     NOT NULL,
    causation       bigint,
    trace_id        bytea    CHECK (length(trace_id) = 16),
    recorded_at     bigint   NOT NULL,
    prev_hash       bytea    NOT NULL CHECK (length(prev_hash) = 32),
    hash            bytea    NOT NULL CHECK (length(hash) = 32),
    CONSTRAINT events_account_version UNIQUE (account_id, version),
    CONSTRAINT events_command UNIQUE (producer, command_id, ordinal)
);
COMMENT ON TABLE events IS 'Every change of a balance. Append-only: docs/EVENTS.md, "The row".';
COMMENT ON COLUMN events.recorded_at IS 'Microseconds since 1970-01-01 UTC, never below the row before.';
COMMENT ON COLUMN events.payload IS 'RFC 8785 JSON, hashed exactly as stored.';

-- The fence: every batch ends with an UPDATE of this row that names the position and the epoch it
-- started from. No row updated means that someone else leads.
CREATE TABLE log_head (
    single      boolean PRIMARY KEY DEFAULT true CHECK (single),
    position    bigint  NOT NULL,
    hash        bytea   NOT NULL,
    recorded_at bigint  NOT NULL,
    epoch       bigint  NOT NULL,
    lease_until bigint  NOT NULL,
    incarnation bigint  NOT NULL
);
INSERT INTO log_head (position, hash, recorded_at, epoch, lease_until, incarnation)
    VALUES (0, decode(repeat('00', 32), 'hex'), 0, 0, 0, 1);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What must be unique beyond one account: a provider's payment, a person's welcome credits.
-- Written in the transaction that appends the event.
CREATE TABLE natural_keys (
    kind       text   NOT NULL,
    key        text   NOT NULL,
    account_id uuid   NOT NULL,
    subject    text   NOT NULL,
    position   bigint NOT NULL,
    CONSTRAINT natural_keys_once PRIMARY KEY (kind, key)
);

-- Keys of the service itself. `command_ids`: under which Telegram's command ids, which hold chat and
-- user ids, are stored.
CREATE TABLE service_keys (
    name text  PRIMARY KEY,
    key  bytea NOT NULL CHECK (length(key) = 32)
);
INSERT INTO service_keys VALUES
    ('command_ids', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

GRANT SELECT ON service_keys TO plantain_ledger;
GRANT SELECT, INSERT ON events, natural_keys TO plantain_ledger;
GRANT SELECT, UPDATE ON log_head TO plantain_ledger;
