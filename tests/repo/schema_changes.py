"""What a schema takes away from its clients, by graphql-core and by graphql-inspector, and whether that was wanted."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import graphql

from tests.node import NODE

INSPECTOR = Path(__file__).with_name("inspector")


def undescribed(schema: graphql.GraphQLSchema) -> list[str]:
    """The coordinates of types, fields, arguments, values and directives that no description says anything of."""
    missing: list[str] = []

    def look(coordinate: str, element: Any) -> None:
        if not (element.description or "").strip():
            missing.append(coordinate)

    for name, kind in schema.type_map.items():
        if graphql.is_introspection_type(kind) or graphql.is_specified_scalar_type(kind):
            continue
        look(name, kind)
        for part, element in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            look(f"{name}.{part}", element)
            for argument, taken in getattr(element, "args", {}).items():
                look(f"{name}.{part}.{argument}", taken)
    for directive in schema.directives:
        if not graphql.is_specified_directive(directive):
            look(f"@{directive.name}", directive)
            for argument, taken in directive.args.items():
                look(f"@{directive.name}.{argument}", taken)
    return missing


def broken(before: graphql.GraphQLSchema, after: graphql.GraphQLSchema) -> list[str]:
    """What breaks clients of `before`, in graphql-core's words."""
    return [change.description for change in graphql.find_breaking_changes(before, after)]


def broken_by_inspector(before: Path, after: Path) -> list[str]:
    """The same in graphql-inspector's words, with the coordinate in front."""
    assert NODE is not None
    command = [NODE, "inspect.mjs", str(before), str(after)]
    output = subprocess.run(command, cwd=INSPECTOR, check=True, capture_output=True, text=True).stdout
    changes = [json.loads(line) for line in output.splitlines()]
    return [f"{change['path']}: {change['message']}" for change in changes if change["level"] == "BREAKING"]


def unwanted(changes: Iterable[str], allowed: Mapping[str, str]) -> list[str]:
    """Those of the changes that name no coordinate which is allowed to break."""
    return [change for change in changes if not named(change) & allowed.keys()]


def named(change: str) -> set[str]:
    """The coordinates in a tool's sentence: `Query.a(x:)` is `Query.a.x`."""
    plain = re.sub(r"\((\w+):\)", r".\1", change)
    return {found.rstrip(".") for found in re.findall(r"@?[A-Za-z_][\w.]*", plain)}
