-- Who may sign in to the console, and who has: docs/EVENTS.md.

CREATE TABLE staff (
    name          text   PRIMARY KEY,
    -- finance, operator, administrator; none: may not sign in.
    roles         text[] NOT NULL,
    -- Argon2id in PHC form; nothing: no password was set yet.
    password_hash text,
    -- Of the newest act about them.
    position      bigint NOT NULL
);

-- A session is known by its token's SHA-256. Times are µs.
CREATE TABLE console_sessions (
    token_hash bytea  PRIMARY KEY,
    name       text   NOT NULL REFERENCES staff ON DELETE CASCADE,
    began_at   bigint NOT NULL,
    seen_at    bigint NOT NULL,
    -- When the password was given last.
    proven_at  bigint NOT NULL
);
CREATE INDEX console_sessions_name ON console_sessions (name);
CREATE INDEX console_sessions_seen ON console_sessions (seen_at);

GRANT SELECT, INSERT, UPDATE ON staff TO plantain_ledger;
GRANT SELECT, INSERT, UPDATE, DELETE ON console_sessions TO plantain_ledger;

CREATE TYPE side_staff AS (name text, roles text, password_hash text, "position" bigint);
ALTER TYPE side_changes ADD ATTRIBUTE staff side_staff[];

-- What was there goes on under another name.
ALTER FUNCTION log_side_change(side_changes) RENAME TO log_side_change_shop;

CREATE FUNCTION log_side_change(c side_changes) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM log_side_change_shop(c);
    IF cardinality(c.staff) > 0 THEN
        PERFORM log_side_change_staff(c.staff);
    END IF;
END $$;

-- One after another: of two changes of one person each may say a part.
CREATE FUNCTION log_side_change_staff(changes side_staff[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    x side_staff;
BEGIN
    FOREACH x IN ARRAY changes LOOP
        INSERT INTO staff (name, roles, password_hash, position)
            VALUES (x.name, string_to_array(x.roles, ','), x.password_hash, x.position)
            ON CONFLICT (name) DO UPDATE SET roles = EXCLUDED.roles, position = EXCLUDED.position,
                password_hash = coalesce(EXCLUDED.password_hash, staff.password_hash);
        -- Whoever is changed signs in again, and whoever may not sign in any more is out at once.
        DELETE FROM console_sessions WHERE name = x.name;
    END LOOP;
    -- Changed since it was looked at: the batch fails, and whoever asked is told when they ask again.
    IF NOT EXISTS (SELECT FROM staff WHERE 'administrator' = ANY (roles)) THEN
        RAISE EXCEPTION 'there would be no administrator' USING ERRCODE = 'LG002';
    END IF;
END $$;
