-- The second factor of people of the console: RFC 6238. What is known of it stands here and nowhere else.

CREATE TABLE staff_totp (
    name      text   PRIMARY KEY REFERENCES staff ON DELETE CASCADE,
    -- Of this secret; acts about it are named by it.
    id        uuid   NOT NULL,
    secret    bytea  NOT NULL,
    begun_at  bigint NOT NULL,
    -- Since when codes are asked for; nothing: nobody has shown yet that they can make one.
    on_at     bigint,
    -- The step of the newest code that was taken: none of it or before it is taken again.
    last_step bigint NOT NULL DEFAULT 0
);

-- Each is good once; known by its SHA-256.
CREATE TABLE staff_recovery_codes (
    name text  NOT NULL REFERENCES staff_totp ON DELETE CASCADE,
    hash bytea NOT NULL,
    PRIMARY KEY (name, hash)
);

-- Whose password was right and whose code is not there yet; known by its token's SHA-256, opens no page.
CREATE TABLE console_sign_ins (
    token_hash    bytea    PRIMARY KEY,
    name          text     NOT NULL REFERENCES staff ON DELETE CASCADE,
    -- What the password was checked against.
    password_hash text     NOT NULL,
    began_at      bigint   NOT NULL,
    tries         smallint NOT NULL DEFAULT 0
);
CREATE INDEX console_sign_ins_began ON console_sign_ins (began_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON staff_totp, console_sign_ins TO plantain_ledger;
GRANT SELECT, INSERT, DELETE ON staff_recovery_codes TO plantain_ledger;
