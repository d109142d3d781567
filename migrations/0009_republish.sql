-- What operators asked of the event stream: a fresh one from a position on. The leader carries it out.

CREATE TABLE republish_requests (
    request       bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The stream's first event.
    from_position bigint  NOT NULL CHECK (from_position > 0),
    -- Show events from there on to the consumers again, also those that they have done.
    again         boolean NOT NULL,
    requested_at  bigint  NOT NULL DEFAULT now_us(),
    done_at       bigint
);
COMMENT ON TABLE republish_requests IS 'ledger republish: asked for, and when the leader made the stream.';

GRANT SELECT, INSERT, UPDATE ON republish_requests TO plantain_ledger;
