-- Postgres' clock may jump. Whoever leads watches it; what was seen outlives the leader.

ALTER TABLE log_head
    -- When a leader last looked at the clock, by that clock; 0: it was given back in order.
    ADD COLUMN watched_at bigint NOT NULL DEFAULT 0,
    -- Nothing expires before this: a minute after a jump, by the new clock.
    ADD COLUMN expiries_from bigint NOT NULL DEFAULT 0;
