-- Pictures above the bot's texts: docs/EVENTS.md.

-- What was brought, by its digest. What stands above no text is deleted after a day.
CREATE TABLE shop_pictures (
    -- Hex, of the bytes.
    sha256     text    PRIMARY KEY,
    -- png or jpeg, as the bytes say.
    media_type text    NOT NULL,
    width      integer NOT NULL,
    height     integer NOT NULL,
    bytes      bytea   NOT NULL,
    -- When it was last brought, or stood above a text until; µs, Postgres' clock.
    at         bigint  NOT NULL
);
-- Pictures are compressed already, and are read in parts.
ALTER TABLE shop_pictures ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX shop_pictures_at ON shop_pictures (at);

CREATE TABLE text_pictures (
    key      text   NOT NULL,
    language text   NOT NULL,
    -- Nothing: taken back.
    sha256   text   CONSTRAINT text_pictures_bytes REFERENCES shop_pictures,
    -- Of the event that changed it last.
    version  bigint NOT NULL,
    PRIMARY KEY (key, language)
);
CREATE INDEX text_pictures_version ON text_pictures (version);
CREATE INDEX text_pictures_sha256 ON text_pictures (sha256);

-- Of a text above which a picture may stand: the others that may stand in its message. Nothing: none may.
ALTER TABLE builtin_texts ADD COLUMN beside text[];

GRANT SELECT, INSERT, UPDATE, DELETE ON shop_pictures, text_pictures TO plantain_ledger;

CREATE TYPE side_picture AS (key text, language text, sha256 text, version bigint);
ALTER TYPE side_changes ADD ATTRIBUTE pictures side_picture[];

-- What was there goes on under another name.
ALTER FUNCTION log_side_change(side_changes) RENAME TO log_side_change_console;

CREATE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_side_change_console(c);
    IF cardinality(c.pictures) > 0 THEN
        -- The one before is kept for a day more: the bot may be fetching it.
        UPDATE shop_pictures SET at = now_us() WHERE sha256 IN (
            SELECT p.sha256 FROM text_pictures p JOIN unnest(c.pictures) x USING (key, language));
        INSERT INTO text_pictures (key, language, sha256, version) SELECT * FROM unnest(c.pictures)
            ON CONFLICT (key, language) DO UPDATE SET sha256 = EXCLUDED.sha256, version = EXCLUDED.version;
    END IF;
END $$;
