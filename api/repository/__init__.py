"""The configuration's Git repository: commits, history, the push hook."""
