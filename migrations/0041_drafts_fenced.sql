-- A draft that was written anew since it was looked at is not started, however long its start took: its hold (0037) is no fence.
ALTER TYPE side_broadcast ADD ATTRIBUTE drafted_at bigint;

CREATE OR REPLACE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_side_change_console(c);
    -- What was started is locked by now. Another draft: the batch fails, and whoever starts it is told when they ask again.
    IF EXISTS (SELECT FROM unnest(c.broadcasts) x WHERE x.drafted_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM broadcasts b WHERE b.broadcast = x.broadcast AND b.drafted_at = x.drafted_at)) THEN
        RAISE EXCEPTION 'a broadcast is not the draft that was looked at' USING ERRCODE = 'LG002';
    END IF;
    IF cardinality(c.pictures) > 0 THEN
        -- The one before is kept for a day more: the bot may be fetching it.
        UPDATE shop_pictures SET at = now_us() WHERE sha256 IN (
            SELECT p.sha256 FROM text_pictures p JOIN unnest(c.pictures) x USING (key, language));
        INSERT INTO text_pictures (key, language, sha256, version) SELECT * FROM unnest(c.pictures)
            ON CONFLICT (key, language) DO UPDATE SET sha256 = EXCLUDED.sha256, version = EXCLUDED.version;
    END IF;
END $$;
