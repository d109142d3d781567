-- The act that asked for the last rebuild of each projection: its position in the log. A form that comes twice asks once.
ALTER TABLE projection_works ADD COLUMN act bigint;
