-- What waits for a person and what does not, which button of a broadcast is the newest, albums that are taken over: docs/EVENTS.md.

-- Whether what a telling is about was asked for in another chat than the person's own: a group takes it whether or not
-- the person can be reached.
CREATE FUNCTION told_elsewhere(person uuid, of text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT chat FROM generation_contents WHERE generation = of
                     UNION ALL SELECT chat FROM chat_contexts WHERE subject = of) c
        WHERE c.chat <> (SELECT telegram_user_id FROM telegram_identities WHERE account_id = person))
$$;

-- Somebody found out, telling this: true if it was their try. The telling waits, and the person is away. What tells
-- administrators of a person, or a group, says nothing of that person.
CREATE OR REPLACE FUNCTION delivery_blocked(at bigint, try integer, try_max integer, now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    d deliveries;
BEGIN
    SELECT * INTO d FROM deliveries WHERE position = at AND least(attempt, try_max) = try;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF d.type <> 'PaymentQuarantined' AND NOT told_elsewhere(d.account_id, d.subject) THEN
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
CREATE OR REPLACE FUNCTION delivery_park(at bigint, now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM deliveries d JOIN profiles p USING (account_id)
        WHERE d.position = at AND p.away_since IS NOT NULL AND d.type <> 'PaymentQuarantined'
            AND NOT told_elsewhere(d.account_id, d.subject) FOR SHARE OF p;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    WITH gone AS (DELETE FROM deliveries WHERE position = at AND lease_until < now RETURNING *)
        INSERT INTO parked_deliveries SELECT position, account_id, type, subject, attempt FROM gone;
    RETURN FOUND;
END $$;

WITH woken AS (DELETE FROM parked_deliveries WHERE told_elsewhere(account_id, subject) RETURNING *)
    INSERT INTO deliveries (position, account_id, type, subject, attempt)
    SELECT position, account_id, type, subject, attempt FROM woken;

-- `yours`, `held` or `coming` until, or `done`. Who takes it is given what is there, and who takes it over the same:
-- part of it may be done. What comes later is an album anew once it is done.
CREATE OR REPLACE FUNCTION album_claim(
    at_chat bigint, album text, who text, now bigint, lease_us bigint, OUT outcome text, OUT person uuid,
    OUT until bigint
) LANGUAGE plpgsql AS $$
DECLARE
    a albums;
BEGIN
    SELECT * INTO a FROM albums WHERE chat = at_chat AND name = album AND done_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'done';
        RETURN;
    END IF;
    person := a.account_id;
    IF a.claimant IS DISTINCT FROM who THEN
        IF a.lease_until >= now THEN
            outcome := 'held';
            until := a.lease_until;
            RETURN;
        END IF;
        IF a.due_at > now THEN
            outcome := 'coming';
            until := a.due_at;
            RETURN;
        END IF;
        UPDATE album_parts SET granted = true WHERE chat = at_chat AND name = album AND part IS NOT NULL
            AND NOT EXISTS (SELECT FROM album_parts g WHERE g.chat = at_chat AND g.name = album AND g.granted);
    END IF;
    outcome := 'yours';
    until := now + lease_us;
    UPDATE albums SET claimant = who, lease_until = until WHERE chat = at_chat AND name = album;
END $$;

-- Of the event that brought it into its state; 0 before it was started.
ALTER TABLE broadcasts ADD COLUMN changed bigint NOT NULL DEFAULT 0;
UPDATE broadcasts SET changed = coalesce(started, 0);

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
        -- Of several changes in one batch the last counts.
        UPDATE broadcasts b SET state = x.state, changed = x.position, started = coalesce(b.started, x.began)
            FROM (SELECT DISTINCT ON (y.broadcast) y.broadcast, y.state, y.position,
                      min(y.position) FILTER (WHERE y.state = 'running') OVER (PARTITION BY y.broadcast) AS began
                  FROM unnest(c.broadcasts) y ORDER BY y.broadcast, y.position DESC) x
            WHERE b.broadcast = x.broadcast;
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
