"""The command: CLI, supervisor, first start. It alone imports both planes."""
