-- Events that a consumer can't get done, as it last said: docs/CONSOLE.md. They stand in the log; here is who is stuck at them.

CREATE TABLE stuck_events (
    consumer text     NOT NULL,
    position bigint   NOT NULL,
    -- How often it was shown to the consumer, and why it was not done the last time.
    tries    bigint   NOT NULL,
    error    text     NOT NULL,
    -- An operator says that it is not to be tried again.
    dropped  boolean  NOT NULL DEFAULT false,
    -- µs.
    first_at bigint   NOT NULL,
    last_at  bigint   NOT NULL,
    PRIMARY KEY (consumer, position)
);
CREATE INDEX stuck_events_last ON stuck_events (dropped, last_at DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON stuck_events TO plantain_ledger;
