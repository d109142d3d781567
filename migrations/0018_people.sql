-- What people have set, keep and were asked: docs/EVENTS.md. All of it goes with the account: the profile in the append
-- of its erasure, the rest by the follow-ups.

ALTER TABLE profiles
    -- Of pictures; nothing: as the catalog has it.
    ADD COLUMN model        text,
    ADD COLUMN aspect_ratio text,
    ADD COLUMN size         text,
    ADD COLUMN as_file      boolean NOT NULL DEFAULT false,
    -- That chat goes on with.
    ADD COLUMN conversation text    NOT NULL DEFAULT '',
    -- What the person was asked and has not answered, in the adapter's words, and when; µs.
    ADD COLUMN awaits       text,
    ADD COLUMN awaits_since bigint,
    -- Since when the person can't be reached; µs.
    ADD COLUMN away_since   bigint;

-- Photos kept for a person's pictures, in the order in which they came.
CREATE TABLE reference_photos (
    account_id uuid   NOT NULL,
    unique_id  text   NOT NULL,
    ordinal    bigint GENERATED ALWAYS AS IDENTITY,
    file_id    text   NOT NULL,
    width      bigint NOT NULL,
    height     bigint NOT NULL,
    PRIMARY KEY (account_id, unique_id)
);

-- Albums, which come photo by photo: a photo that comes makes the album due a little later. A row outlives what was done
-- with the album by an hour, so that a photo that comes again is known.
CREATE TABLE albums (
    chat        bigint NOT NULL,
    name        text   NOT NULL,
    account_id  uuid   NOT NULL,
    -- All µs.
    due_at      bigint NOT NULL,
    claimant    text,
    lease_until bigint NOT NULL DEFAULT 0,
    done_at     bigint,
    PRIMARY KEY (chat, name)
);
CREATE INDEX albums_due ON albums (due_at) WHERE done_at IS NULL;
CREATE INDEX albums_done ON albums (done_at) WHERE done_at IS NOT NULL;
CREATE TABLE album_parts (
    chat    bigint  NOT NULL,
    name    text    NOT NULL,
    message bigint  NOT NULL,
    -- The photo and its caption, until it was dealt with.
    part    jsonb,
    -- Whoever holds the album has been given it.
    granted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (chat, name, message),
    FOREIGN KEY (chat, name) REFERENCES albums ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE ON reference_photos, albums, album_parts TO plantain_ledger;

-- Functions, so that what holds a lock is over with one statement, whatever becomes of who asked: an erasure's append waits
-- for it. Each locks the profile first, so that nothing is kept for who was erased.

-- `kept`: how many there are then; `refused`: there were so many, and all would be too many; `gone`: nobody is there.
CREATE FUNCTION references_put(
    person uuid, files text[], names text[], widths bigint[], heights bigint[], most integer, OUT outcome text,
    OUT count integer
) LANGUAGE plpgsql AS $$
DECLARE
    added integer;
BEGIN
    PERFORM 1 FROM profiles WHERE account_id = person FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'gone';
        RETURN;
    END IF;
    SELECT count(*) INTO count FROM reference_photos WHERE account_id = person;
    SELECT count(DISTINCT n) INTO added FROM unnest(names) AS u(n)
        WHERE NOT EXISTS (SELECT FROM reference_photos r WHERE r.account_id = person AND r.unique_id = u.n);
    IF count + added > most THEN
        outcome := 'refused';
        RETURN;
    END IF;
    INSERT INTO reference_photos (account_id, unique_id, file_id, width, height)
        SELECT person, x.name, x.file, x.width, x.height
        FROM unnest(files, names, widths, heights) WITH ORDINALITY AS x(file, name, width, height, place)
        ORDER BY x.place
        ON CONFLICT DO NOTHING;
    outcome := 'kept';
    count := count + added;
END $$;

-- `new` or `known`; `gone`: nobody is there; `anothers`: another person's album is called so; `full`.
CREATE FUNCTION album_put(
    person uuid, at_chat bigint, album text, at_message bigint, this jsonb, most integer, due bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    owner uuid;
BEGIN
    PERFORM 1 FROM profiles WHERE account_id = person FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    INSERT INTO albums (chat, name, account_id, due_at) VALUES (at_chat, album, person, due) ON CONFLICT DO NOTHING;
    SELECT account_id INTO owner FROM albums WHERE chat = at_chat AND name = album FOR UPDATE;
    IF owner IS DISTINCT FROM person THEN
        RETURN 'anothers';
    END IF;
    IF EXISTS (SELECT FROM album_parts WHERE chat = at_chat AND name = album AND message = at_message) THEN
        RETURN 'known';
    END IF;
    IF (SELECT count(*) FROM album_parts WHERE chat = at_chat AND name = album) >= most THEN
        RETURN 'full';
    END IF;
    INSERT INTO album_parts (chat, name, message, part) VALUES (at_chat, album, at_message, this);
    UPDATE albums SET due_at = due, done_at = NULL WHERE chat = at_chat AND name = album;
    RETURN 'new';
END $$;

-- `yours`, `held` or `coming` until, or `done`. Who takes it is given what is there; what comes later is an album anew
-- once it is done.
CREATE FUNCTION album_claim(
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
        UPDATE album_parts SET granted = true WHERE chat = at_chat AND name = album AND part IS NOT NULL;
    END IF;
    outcome := 'yours';
    until := now + lease_us;
    UPDATE albums SET claimant = who, lease_until = until WHERE chat = at_chat AND name = album;
END $$;

-- False: another has it, or it was done with.
CREATE FUNCTION album_done(at_chat bigint, album text, who text, now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM albums WHERE chat = at_chat AND name = album AND claimant = who FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE album_parts SET part = NULL, granted = false WHERE chat = at_chat AND name = album AND granted;
    UPDATE albums SET claimant = NULL, lease_until = 0,
            done_at = CASE WHEN EXISTS (SELECT FROM album_parts WHERE chat = at_chat AND name = album AND part IS NOT NULL)
                      THEN NULL ELSE now END
        WHERE chat = at_chat AND name = album;
    RETURN true;
END $$;
