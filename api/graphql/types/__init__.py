"""GraphQL's object types, one module a subject."""
