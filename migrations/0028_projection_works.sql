-- What was last done to each projection from the console, and what came of it.
CREATE TABLE projection_works (
    name     text    PRIMARY KEY,
    -- rebuild, compare
    kind     text    NOT NULL,
    -- The one beside what is read.
    instance integer NOT NULL,
    actor    text    NOT NULL,
    -- µs; nothing until it is over, or for ever if its ledger died.
    begun_at bigint  NOT NULL,
    ended_at bigint,
    -- Why it came to nothing.
    error    text,
    -- What differed from what is read, JSON.
    diff     text
);
GRANT SELECT, INSERT, UPDATE, DELETE ON projection_works TO plantain_ledger;

-- How far a worker is; what is committed is told by `position`.
ALTER TABLE projection_instances ADD COLUMN reached bigint;
