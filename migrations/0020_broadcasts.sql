-- Broadcasts with their recipients, and texts in the place of built-in ones: docs/EVENTS.md.

-- Who is banned gets no broadcast. Until now only the log knew.
ALTER TABLE profiles ADD COLUMN banned boolean NOT NULL DEFAULT false;
UPDATE profiles p SET banned = true FROM (
        SELECT DISTINCT ON (account_id) account_id, type FROM events
        WHERE type IN ('AccountBanned', 'AccountUnbanned') ORDER BY account_id, version DESC) e
    WHERE e.account_id = p.account_id AND e.type = 'AccountBanned';

CREATE TABLE broadcasts (
    broadcast   text    PRIMARY KEY,
    -- draft, running, paused, finished
    state       text    NOT NULL DEFAULT 'draft',
    -- Both JSON.
    segment     text    NOT NULL,
    content     text    NOT NULL,
    recipients  integer NOT NULL,
    sent        integer NOT NULL DEFAULT 0,
    failed      integer NOT NULL DEFAULT 0,
    blocked     integer NOT NULL DEFAULT 0,
    -- µs.
    drafted_at  bigint  NOT NULL,
    -- Of its first BroadcastStarted: who was started first is sent first.
    started     bigint,
    -- Who sends, and until when; µs.
    claimant    text,
    lease_until bigint  NOT NULL DEFAULT 0
);
CREATE INDEX broadcasts_running ON broadcasts (started) WHERE state = 'running';

-- One row a person, so that a broadcast goes on where it was.
CREATE TABLE broadcast_recipients (
    broadcast  text NOT NULL REFERENCES broadcasts ON DELETE CASCADE,
    account_id uuid NOT NULL,
    -- sent, failed, blocked
    outcome    text,
    PRIMARY KEY (broadcast, account_id)
);
CREATE INDEX broadcast_recipients_left ON broadcast_recipients (broadcast, account_id) WHERE outcome IS NULL;
CREATE INDEX broadcast_recipients_account ON broadcast_recipients (account_id);

-- Texts as the adapter has them built in, and those that stand in their place; nothing: the built-in one again.
CREATE TABLE builtin_texts (
    key      text   NOT NULL,
    language text   NOT NULL,
    text     text   NOT NULL,
    -- When it was last told; µs.
    known_at bigint NOT NULL,
    PRIMARY KEY (key, language)
);
CREATE TABLE contents (
    key      text   NOT NULL,
    language text   NOT NULL,
    text     text,
    -- Of the event that put it there.
    version  bigint NOT NULL,
    PRIMARY KEY (key, language)
);
CREATE INDEX contents_version ON contents (version);

GRANT SELECT, INSERT, UPDATE, DELETE ON broadcasts, broadcast_recipients, builtin_texts, contents TO plantain_ledger;

-- `yours` until, `held`, or `none`. Who was erased, banned or found away since they were chosen is not among those left.
CREATE FUNCTION broadcast_claim(
    who text, now bigint, lease_us bigint, OUT outcome text, OUT claimed text, OUT until bigint
) LANGUAGE plpgsql AS $$
DECLARE
    b broadcasts;
    n_failed integer;
    n_blocked integer;
BEGIN
    outcome := 'none';
    SELECT * INTO b FROM broadcasts x WHERE x.state = 'running' AND EXISTS (
            SELECT FROM broadcast_recipients r WHERE r.broadcast = x.broadcast AND r.outcome IS NULL)
        ORDER BY x.started LIMIT 1 FOR UPDATE;
    IF NOT FOUND OR b.state <> 'running' THEN
        RETURN;
    END IF;
    IF b.claimant IS DISTINCT FROM who AND b.lease_until >= now THEN
        outcome := 'held';
        until := b.lease_until;
        RETURN;
    END IF;
    LOOP
        WITH next AS (
            SELECT r.account_id FROM broadcast_recipients r WHERE r.broadcast = b.broadcast AND r.outcome IS NULL
                ORDER BY r.account_id LIMIT 500),
        over AS (
            SELECT n.account_id, p.away_since IS NOT NULL AS away FROM next n LEFT JOIN profiles p USING (account_id)
                WHERE p.account_id IS NULL OR p.away_since IS NOT NULL OR p.banned),
        marked AS (
            UPDATE broadcast_recipients r SET outcome = CASE WHEN o.away THEN 'blocked' ELSE 'failed' END
                FROM over o WHERE r.broadcast = b.broadcast AND r.account_id = o.account_id RETURNING r.outcome)
        SELECT count(*) FILTER (WHERE m.outcome = 'failed'), count(*) FILTER (WHERE m.outcome = 'blocked')
            INTO n_failed, n_blocked FROM marked m;
        EXIT WHEN n_failed + n_blocked = 0;
        UPDATE broadcasts x SET failed = x.failed + n_failed, blocked = x.blocked + n_blocked
            WHERE x.broadcast = b.broadcast;
    END LOOP;
    IF NOT EXISTS (SELECT FROM broadcast_recipients r WHERE r.broadcast = b.broadcast AND r.outcome IS NULL) THEN
        RETURN;
    END IF;
    outcome := 'yours';
    claimed := b.broadcast;
    until := now + lease_us;
    UPDATE broadcasts x SET claimant = who, lease_until = until WHERE x.broadcast = b.broadcast;
END $$;

-- False: another has the broadcast. What has an outcome keeps it. Also once it is paused or finished: it was sent before.
CREATE FUNCTION broadcast_told(
    of text, who text, person uuid, became text, now bigint, lease_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE broadcasts SET lease_until = now + lease_us WHERE broadcast = of AND claimant = who;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE broadcast_recipients SET outcome = became
        WHERE broadcast = of AND account_id = person AND outcome IS NULL;
    IF FOUND THEN
        UPDATE broadcasts SET sent = sent + (became = 'sent')::integer, failed = failed + (became = 'failed')::integer,
                blocked = blocked + (became = 'blocked')::integer
            WHERE broadcast = of;
    END IF;
    IF became = 'blocked' THEN
        UPDATE profiles SET away_since = coalesce(away_since, now) WHERE account_id = person;
    END IF;
    RETURN true;
END $$;

CREATE TYPE side_broadcast AS (broadcast text, state text, recipients integer, "position" bigint);
CREATE TYPE side_text AS (key text, language text, text text, version bigint);
CREATE TYPE side_ban AS (account_id uuid, banned boolean);
ALTER TYPE side_changes ADD ATTRIBUTE broadcasts side_broadcast[], ADD ATTRIBUTE texts side_text[],
    ADD ATTRIBUTE bans side_ban[];

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
    IF cardinality(c.bans) > 0 THEN
        UPDATE profiles p SET banned = x.banned FROM unnest(c.bans) x WHERE p.account_id = x.account_id;
    END IF;
    IF cardinality(c.broadcasts) > 0 THEN
        UPDATE broadcasts b SET state = x.state,
                started = CASE WHEN x.state = 'running' THEN coalesce(b.started, x.position) ELSE b.started END
            FROM unnest(c.broadcasts) x
            WHERE b.broadcast = x.broadcast AND (x.state <> 'running' OR b.recipients = x.recipients);
        -- Drafted anew since it was looked at: the batch fails, and whoever starts it is told when they ask again.
        IF EXISTS (SELECT FROM unnest(c.broadcasts) x WHERE x.state = 'running' AND NOT EXISTS (
                SELECT FROM broadcasts b WHERE b.broadcast = x.broadcast AND b.recipients = x.recipients)) THEN
            RAISE EXCEPTION 'a broadcast is not as it is to be started' USING ERRCODE = 'LG002';
        END IF;
    END IF;
    IF cardinality(c.texts) > 0 THEN
        INSERT INTO contents (key, language, text, version) SELECT * FROM unnest(c.texts)
            ON CONFLICT (key, language) DO UPDATE SET text = EXCLUDED.text, version = EXCLUDED.version;
    END IF;
    IF cardinality(c.forgotten) > 0 THEN
        DELETE FROM telegram_identities WHERE account_id = ANY (c.forgotten);
        DELETE FROM account_keys WHERE account_id = ANY (c.forgotten);
        DELETE FROM profiles WHERE account_id = ANY (c.forgotten);
    END IF;
END $$;
