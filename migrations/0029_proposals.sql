-- Acts above the owner's amount that wait for the word of a second administrator.

CREATE TABLE proposals (
    -- The command's id: however often it is sent, it is one command.
    id          text   PRIMARY KEY,
    verb        text   NOT NULL,
    account_id  uuid   NOT NULL,
    -- The whole command, as it is sent once it is agreed to; nothing once it is decided.
    body        text,
    -- What it is about, for people.
    subject     text   NOT NULL,
    credits     bigint,
    reason      text   NOT NULL,
    proposed_by text   NOT NULL,
    -- µs, Postgres' clock.
    proposed_at bigint NOT NULL,
    lapses_at   bigint NOT NULL,
    -- open → approving → done | failed, or open → refusing → refused. The middle ones are decided and perhaps not carried out.
    state       text   NOT NULL CHECK (state IN ('open', 'approving', 'done', 'failed', 'refusing', 'refused')),
    decided_by  text,
    decided_at  bigint,
    decision    text,
    -- Why the log refused it.
    outcome     text
);
CREATE INDEX proposals_open ON proposals (proposed_at) WHERE state IN ('open', 'approving', 'refusing');
CREATE INDEX proposals_decided ON proposals (decided_at) WHERE state IN ('done', 'failed', 'refused');

GRANT SELECT, INSERT, UPDATE ON proposals TO plantain_ledger;
