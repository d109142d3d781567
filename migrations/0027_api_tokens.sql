-- Programs that read the console's API, each by a token of its own: docs/CONSOLE.md. Times are µs.

CREATE TABLE api_tokens (
    name       text   PRIMARY KEY,
    -- SHA-256: the token itself is nowhere.
    token_hash bytea  NOT NULL UNIQUE,
    -- finance, operator, administrator.
    roles      text[] NOT NULL,
    made_by    text   NOT NULL,
    made_at    bigint NOT NULL,
    expires_at bigint NOT NULL,
    -- When it was used last, to the minute.
    seen_at    bigint
);

GRANT SELECT, INSERT, UPDATE, DELETE ON api_tokens TO plantain_ledger;
