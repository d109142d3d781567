-- How each instance of each service says that it is.
CREATE TABLE services (
    producer text    NOT NULL,
    instance text    NOT NULL,
    version  text    NOT NULL,
    -- JSON: [{"name", "met"}].
    needs    text    NOT NULL,
    -- It was told to stop.
    ended    boolean NOT NULL,
    -- Postgres' clock, µs.
    began_at bigint  NOT NULL,
    seen_at  bigint  NOT NULL,
    PRIMARY KEY (producer, instance)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON services TO plantain_ledger;
