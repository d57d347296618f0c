"""The control plane: GraphQL over the repository, the recorder, the feed."""
