"""Reserve, settle, usage: what keeps a project inside its limits."""
