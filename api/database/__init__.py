"""Tables and queries of what is recorded: SQLite on one machine, PostgreSQL on many."""
