"""`python -m api.graphql.export [FILE]`: the schema as SDL, for `schema.graphql` and for clients' code generators."""

from __future__ import annotations

import sys
from pathlib import Path

from api.graphql.schema import build_schema


def sdl() -> str:
    """The schema definition, ending in a newline."""
    return build_schema().as_str().rstrip("\n") + "\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(sdl())
    else:
        sys.stdout.write(sdl())
