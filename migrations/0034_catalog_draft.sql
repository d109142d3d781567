-- The next catalog while it is written: one, shared by all who edit it.

CREATE TABLE catalog_draft (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Counts every change, and never goes back: who writes names the one they saw.
    revision  bigint  NOT NULL,
    -- JSON; nothing: there is no draft.
    catalog   text,
    -- The version that was in force when it was begun, or when it was carried over.
    base      bigint,
    edited_by text,
    -- µs, Postgres' clock.
    edited_at bigint
);
INSERT INTO catalog_draft (revision) VALUES (0);

GRANT SELECT, UPDATE ON catalog_draft TO plantain_ledger;
