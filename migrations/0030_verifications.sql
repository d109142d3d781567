-- Verifications of the whole log that were asked for at the console. Times are µs.

CREATE TABLE verifications (
    id         uuid   PRIMARY KEY,
    asked_by   text   NOT NULL,
    began_at   bigint NOT NULL,
    -- When whoever runs it was heard of last.
    beat_at    bigint NOT NULL,
    ended_at   bigint,
    done       bigint NOT NULL DEFAULT 0,
    of         bigint NOT NULL DEFAULT 0,
    -- running, verified, wrong, canceled, failed.
    state      text   NOT NULL,
    cancel     boolean NOT NULL DEFAULT false,
    -- What `ledger verify --json` says.
    report     jsonb
);
-- One at a time.
CREATE UNIQUE INDEX verifications_running ON verifications (state) WHERE state = 'running';
CREATE INDEX verifications_began ON verifications (began_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON verifications TO plantain_ledger;
