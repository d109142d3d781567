-- Lists of pages are read by an index, however much was ever drafted, decided or refused.
CREATE INDEX broadcasts_drafted ON broadcasts (drafted_at DESC, broadcast);

-- What has lapsed stays open for ever: it is told apart by when it lapses, not read through.
CREATE INDEX proposals_lapse ON proposals (lapses_at) WHERE state = 'open';
CREATE INDEX proposals_in_doubt ON proposals (proposed_at) WHERE state IN ('approving', 'refusing');
DROP INDEX proposals_open;

-- Beside it Postgres read letters of all states by their age, in search of the few that are open.
DROP INDEX dead_letters_last;
