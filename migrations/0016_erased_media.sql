-- What erased people leave in the object store and in the sessions: written down when their content is deleted here,
-- deleted there by the leader, however long NATS is away.
CREATE TABLE erased_media (
    -- `object` by its name, all of a `generation` by its id, all `sessions` of an account.
    kind     text     NOT NULL,
    name     text     NOT NULL,
    -- Of a generation.
    attempts smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, name)
);
GRANT SELECT, INSERT, DELETE ON erased_media TO plantain_ledger;
