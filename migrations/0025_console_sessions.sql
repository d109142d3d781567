-- What people are shown of their sessions at the console, and which of them is meant.

ALTER TABLE console_sessions
    ADD COLUMN id      uuid NOT NULL DEFAULT gen_random_uuid(),
    -- From where, and with what, it was begun.
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN browser text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX console_sessions_id ON console_sessions (id);
