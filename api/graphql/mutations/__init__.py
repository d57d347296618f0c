"""GraphQL's mutations, one module each; each answers with a union of what may happen."""
