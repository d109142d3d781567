-- What proves the log: the inner nodes of its Merkle tree, and its signed checkpoints.
-- Both can be made again from the log (checkpoints: only by who has the key).

-- Roots of complete subtrees of 2^level leaves; levels 8, 16 and 24. Leaf i is the event at i + 1.
CREATE TABLE tree_nodes (
    level smallint NOT NULL CHECK (level IN (8, 16, 24)),
    index bigint   NOT NULL CHECK (index >= 0),
    hash  bytea    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, index)
);

CREATE TABLE checkpoints (
    incarnation bigint NOT NULL,
    size        bigint NOT NULL CHECK (size >= 0),
    -- As it was signed: docs/PROOFS.md.
    note        text   NOT NULL,
    recorded_at bigint NOT NULL,
    PRIMARY KEY (incarnation, size)
);

GRANT SELECT, INSERT ON tree_nodes, checkpoints TO plantain_ledger;
