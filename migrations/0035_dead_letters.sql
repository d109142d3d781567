-- Commands that were refused and should not have been, until somebody has seen to them: docs/CONSOLE.md.

CREATE TABLE dead_letters (
    -- Of producer, verb, code and command: the same one refused again is one letter.
    letter     text    PRIMARY KEY,
    producer   text    NOT NULL,
    verb       text    NOT NULL,
    -- As the log would have it, never made of Telegram's ids; none: it could not be read.
    command_id text,
    account_id uuid,
    code       text    NOT NULL,
    -- Both may hold what is personal: gone with the account, and after a time.
    message    text,
    body       text,
    -- open, done, dropped
    state      text    NOT NULL DEFAULT 'open',
    times      bigint  NOT NULL DEFAULT 1,
    -- µs.
    first_at   bigint  NOT NULL,
    last_at    bigint  NOT NULL,
    -- Of the last try by hand: a code, or `done`, and where it is in the log.
    answer     text,
    answered_position bigint,
    answered_at bigint
);
CREATE INDEX dead_letters_state ON dead_letters (state, last_at DESC, letter);
CREATE INDEX dead_letters_account ON dead_letters (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX dead_letters_last ON dead_letters (last_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO plantain_ledger;
