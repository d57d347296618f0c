"""GraphQL's queries, one module a subject."""
