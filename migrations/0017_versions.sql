-- A leader looks here when the database is not as it knows it: has a newer version migrated it?
GRANT SELECT ON _sqlx_migrations TO plantain_ledger;
