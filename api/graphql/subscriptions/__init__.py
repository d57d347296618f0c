"""GraphQL's subscriptions: batches with cursors, gaps where a reader fell behind."""
