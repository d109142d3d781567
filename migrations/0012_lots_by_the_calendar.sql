-- Lots end by the calendar, not by a jump of the clock that is not trusted yet.

ALTER TABLE log_head
    -- How far the clock has jumped since it was trusted last, µs: means something before `expiries_from`.
    ADD COLUMN jumped_us bigint NOT NULL DEFAULT 0;

-- A lot may be asked for again when what was held of it comes back: twice in one microsecond is once.
CREATE OR REPLACE FUNCTION log_side_insert(i side_inserts) RETURNS void LANGUAGE plpgsql AS $$
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
        INSERT INTO expiring_lots (account_id, lot, expires_at) SELECT * FROM unnest(i.lots) ON CONFLICT DO NOTHING;
    END IF;
END $$;
