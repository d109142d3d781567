-- What is read: rebuilt from the log at will. Rows and checkpoint change in one transaction.

CREATE TABLE projections (
    name     text   PRIMARY KEY,
    version  bigint NOT NULL,
    position bigint NOT NULL,
    failure  text
);

CREATE TABLE balances (
    account_id uuid   PRIMARY KEY,
    available  bigint NOT NULL CHECK (available >= 0),
    reserved   bigint NOT NULL CHECK (reserved >= 0),
    debt       bigint NOT NULL CHECK (debt >= 0),
    version    bigint NOT NULL,
    position   bigint NOT NULL
);

CREATE TABLE commands (
    producer       text     NOT NULL,
    command_id     text     NOT NULL,
    account_id     uuid     NOT NULL,
    first_position bigint   NOT NULL,
    last_position  bigint   NOT NULL,
    types          text[]   NOT NULL,
    recorded_at    bigint   NOT NULL,
    PRIMARY KEY (producer, command_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON projections, balances, commands TO plantain_ledger;
