-- What may be erased (people and their content) and what only serves the running work.
-- Rows are written in the transaction that appends the event they belong to.

CREATE TABLE telegram_identities (
    telegram_user_id bigint CONSTRAINT telegram_identities_once PRIMARY KEY,
    account_id       uuid   NOT NULL UNIQUE
);

-- The key of the account's request digests; erased with the account.
CREATE TABLE account_keys (
    account_id uuid  PRIMARY KEY,
    key        bytea NOT NULL CHECK (length(key) = 32)
);

CREATE TABLE profiles (
    account_id uuid PRIMARY KEY,
    language   text NOT NULL,
    name       text NOT NULL
);

-- Where in Telegram a payment or a generation was asked for.
CREATE TABLE chat_contexts (
    subject        text   PRIMARY KEY,
    account_id     uuid   NOT NULL,
    chat           bigint NOT NULL,
    message        bigint NOT NULL,
    status_message bigint
);

CREATE TABLE payment_links (
    payment      text PRIMARY KEY,
    account_id   uuid NOT NULL,
    checkout_url text NOT NULL
);

CREATE TABLE generation_contents (
    generation text   PRIMARY KEY,
    account_id uuid   NOT NULL,
    prompt     text   NOT NULL,
    file_refs  text[] NOT NULL
);

CREATE TABLE generation_outputs (
    generation text     NOT NULL,
    ordinal    smallint NOT NULL,
    account_id uuid     NOT NULL,
    object     text     NOT NULL,
    sha256     text     NOT NULL,
    media_type text     NOT NULL,
    bytes      bigint   NOT NULL,
    width      bigint,
    height     bigint,
    file_id    text,
    PRIMARY KEY (generation, ordinal)
);

-- Operational: open work with its leases.
CREATE TABLE open_reservations (
    reservation text   PRIMARY KEY,
    account_id  uuid   NOT NULL,
    deadline    bigint NOT NULL
);
CREATE INDEX open_reservations_deadline ON open_reservations (deadline);

CREATE TABLE open_payments (
    payment             text   PRIMARY KEY,
    account_id          uuid   NOT NULL,
    rail                text   NOT NULL,
    position            bigint NOT NULL
);
CREATE INDEX open_payments_rail ON open_payments (rail, position);

CREATE TABLE jobs (
    generation  text     PRIMARY KEY,
    account_id  uuid     NOT NULL,
    position    bigint   NOT NULL,
    attempt     smallint NOT NULL DEFAULT 0,
    lease_until bigint   NOT NULL DEFAULT 0,
    -- For how long a claim and each renewal hold, µs; by the catalog at the claim.
    lease_us    bigint   NOT NULL DEFAULT 0
);
CREATE INDEX jobs_position ON jobs (position);

-- Events that a person is to be told of, until they have been.
CREATE TABLE deliveries (
    position    bigint   PRIMARY KEY,
    account_id  uuid     NOT NULL,
    type        text     NOT NULL,
    subject     text     NOT NULL,
    attempt     integer  NOT NULL DEFAULT 0,
    lease_until bigint   NOT NULL DEFAULT 0,
    claimant    text,
    outcome     text
);
CREATE INDEX deliveries_open ON deliveries (position) WHERE outcome IS NULL;
CREATE INDEX deliveries_subject ON deliveries (subject) WHERE outcome IS NULL;

-- How far each consumer of the event stream has done everything.
CREATE TABLE consumers (
    consumer     text   PRIMARY KEY,
    done_through bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    telegram_identities, account_keys, profiles, chat_contexts, payment_links, generation_contents,
    generation_outputs, open_reservations, open_payments, jobs, deliveries, consumers
    TO plantain_ledger;
