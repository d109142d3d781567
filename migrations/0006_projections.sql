-- Projections get versioned tables: each instance of a projection has tables of its own in the schema
-- `projections`, which belongs to the service, so that one can be rebuilt beside the one that is read.
-- The schema itself is made with the roles, before the migrations (store/migrate.rs).

-- Which instances there are. A checkpoint moves in the transaction that writes the rows.
CREATE TABLE projection_instances (
    name       text    NOT NULL,
    -- Its tables are projections.<name>_<instance>….
    instance   integer NOT NULL CHECK (instance > 0),
    -- Of the fold that wrote the rows. Another version's rows are read, never continued.
    version    bigint  NOT NULL,
    -- live: read and followed; building: being filled; ready: filled, waits to be swapped in;
    -- old: was live, kept to go back to.
    state      text    NOT NULL CHECK (state IN ('building', 'ready', 'live', 'old')),
    position   bigint  NOT NULL CHECK (position >= 0),
    -- Why it stands still, and at which event.
    failure    text,
    failed_at  bigint,
    created_at bigint  NOT NULL,
    -- While it is worked on: by whom, their last sign of life, and how far it is.
    worker     uuid,
    alive_at   bigint,
    stage      text,
    target     bigint,
    rate       bigint,
    -- Somebody asks the worker to stop.
    cancel     boolean NOT NULL DEFAULT false,
    -- Somebody asks the leader to make it the live one: when, at which position, and why it was refused.
    wished_at  bigint,
    wished_position bigint,
    wish_refused text,
    PRIMARY KEY (name, instance)
);
COMMENT ON COLUMN projection_instances.alive_at IS 'Microseconds since 1970-01-01 UTC, like created_at.';
-- One is read; at most one is made beside it.
CREATE UNIQUE INDEX projection_instances_live ON projection_instances (name) WHERE state = 'live';
CREATE UNIQUE INDEX projection_instances_beside ON projection_instances (name)
    WHERE state IN ('building', 'ready');
GRANT SELECT, INSERT, UPDATE, DELETE ON projection_instances TO plantain_ledger;

-- The balances there are go on as the first instance. The commands' rows have another form now: they are
-- made from the log again.
SET LOCAL ROLE plantain_ledger;
CREATE TABLE projections.balances_1 (
    account_id uuid   NOT NULL,
    available  bigint NOT NULL CHECK (available >= 0),
    reserved   bigint NOT NULL CHECK (reserved >= 0),
    debt       bigint NOT NULL CHECK (debt >= 0),
    version    bigint NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (account_id)
);
INSERT INTO projections.balances_1 SELECT account_id, available, reserved, debt, version, position FROM balances;
INSERT INTO projection_instances (name, instance, version, state, position, created_at)
    SELECT name, 1, version, 'live', position, now_us() FROM projections WHERE name = 'balances';
SET LOCAL ROLE plantain_owner;
DROP TABLE balances, commands, projections;
