-- What administrators are told once, whoever noticed it and however often: docs/EVENTS.md.

CREATE TABLE incidents (
    incident    text    PRIMARY KEY,
    open        boolean NOT NULL,
    -- When it began or was over, and when somebody last said that it is open; µs.
    since       bigint  NOT NULL,
    seen        bigint  NOT NULL,
    -- Whether administrators believe it to be open.
    told        boolean NOT NULL DEFAULT false,
    -- Who tells them, and until when; µs.
    claimant    text,
    lease_until bigint  NOT NULL DEFAULT 0
);

GRANT SELECT, INSERT, UPDATE, DELETE ON incidents TO plantain_ledger;
