"""The database's schema, step by step; `api.database.migrate` runs what is missing at start."""
