-- When administrators were told last, µs: what goes on without an end of its own is told again an hour after that, not
-- only after an hour in which nobody mentioned it.

ALTER TABLE incidents ADD COLUMN told_at bigint NOT NULL DEFAULT 0;
