-- Lots end by the calendar, not by a jump of the clock that is not trusted yet.

ALTER TABLE log_head
    -- How far the clock has jumped since it was trusted last, µs: means something before `expiries_from`.
    ADD COLUMN jumped_us bigint NOT NULL DEFAULT 0;

-- A lot is due again when what was held of it comes back; asked for twice at once it gets one answer.
ALTER TABLE expiring_lots DROP CONSTRAINT expiring_lots_pkey;
CREATE INDEX expiring_lots_due ON expiring_lots (expires_at, account_id, lot);
