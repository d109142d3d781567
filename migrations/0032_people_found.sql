-- How administrators find people by their names, and what a search has found: docs/EVENTS.md.

-- The words of a name, in small letters of both alphabets whatever the locale of the database; `ё` is `е`.
CREATE FUNCTION name_words(name text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(regexp_split_to_array(translate(lower(name),
        'АБВГДЕЁёЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ', 'абвгдееежзийклмнопрстуфхцчшщъыьэюя'), '[-_.,@[:space:]]+'), '')
$$;
-- Who has a word that begins so, for each of these.
CREATE FUNCTION name_wanted(words text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || ''':*', ' & ')::tsquery
        FROM unnest(name_words(words)) AS w(word)
$$;
CREATE INDEX profiles_name ON profiles USING gin (array_to_tsvector(name_words(name)));
CREATE INDEX profiles_away ON profiles (account_id) WHERE away_since IS NOT NULL;

-- Whom a search by name has found: what was looked for is not kept. It goes with the session.
CREATE TABLE console_searches (
    search     uuid    PRIMARY KEY,
    token_hash bytea   NOT NULL REFERENCES console_sessions ON DELETE CASCADE,
    accounts   uuid[]  NOT NULL,
    -- There were more.
    more       boolean NOT NULL,
    -- µs.
    at         bigint  NOT NULL
);
CREATE INDEX console_searches_session ON console_searches (token_hash, at);
GRANT SELECT, INSERT, DELETE ON console_searches TO plantain_ledger;
