-- From the look at a draft until its start is in the log nobody writes it down anew; a start that never comes holds it no longer than this.
ALTER TABLE broadcasts ADD COLUMN starting_until timestamptz NOT NULL DEFAULT '-infinity';
