"""The data plane: runs with nothing but a snapshot and a journal folder."""
