"""What a document may ask for: tokens, depth, fields, aliases and cost. Measured before validation, whose own work some
documents can make quadratic; pure, linear in the document, safe on fragments that repeat or run in circles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MAX_TOKENS: Final = 4_000
MAX_TOKENS_ANONYMOUS: Final = 400
MAX_DEPTH: Final = 12
MAX_FIELDS: Final = 400
MAX_ALIASES: Final = 40
MAX_COST: Final = 10_000
DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 200


class Measure(msgspec.Struct, kw_only=True):
    """The size of one operation, its fragments spread out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    cost: int = 0

    def add(self, other: Measure, times: int = 1, below: int = 0) -> None:
        """Count `other` in, found `below` levels down and executed `times` over."""
        self.depth = max(self.depth, other.depth + below)
        self.fields += other.fields
        self.aliases += other.aliases
        self.cost += other.cost * times


class Ruler:
    """Measures the operations of one document under one set of variables; each fragment is measured once."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self.fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self._measured: dict[str, Measure] = {}

    def measure(self, selections: SelectionSetNode) -> Measure:
        """The size of a selection set."""
        total = Measure()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total.add(self._field(node))
            elif isinstance(node, FragmentSpreadNode):
                total.add(self._fragment(node.name.value))
            elif isinstance(node, InlineFragmentNode):
                total.add(self.measure(node.selection_set))
        return total

    def _field(self, node: FieldNode) -> Measure:
        own = Measure(depth=0, fields=1, aliases=int(node.alias is not None), cost=1)
        # Introspection has a depth rule of its own in graphql-core, and types nest deeper there than data does here.
        if node.selection_set and not node.name.value.startswith("__"):
            own.add(self.measure(node.selection_set), times=self._page(node), below=1)
        elif node.selection_set:
            own.add(msgspec.structs.replace(self.measure(node.selection_set), depth=0))
        return own

    def _fragment(self, name: str) -> Measure:
        if name not in self._measured:
            self._measured[name] = Measure()  # what a circle finds; validation refuses it by name
            fragment = self.fragments.get(name)
            if fragment is not None:
                self._measured[name] = self.measure(fragment.selection_set)
        return self._measured[name]

    def _page(self, node: FieldNode) -> int:
        """How many rows a paged field asks for; 1 for any other."""
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            asked: Any = None
            if isinstance(argument.value, IntValueNode):
                asked = int(argument.value.value)
            elif isinstance(argument.value, VariableNode):
                asked = self.variables.get(argument.value.name.value)
            return min(max(asked, 1), MAX_PAGE) if isinstance(asked, int) else DEFAULT_PAGE
        return 1


def too_much(document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> GraphQLError | None:
    """Why `operation` is refused for its size, or None."""
    try:
        size = Ruler(document, variables).measure(operation.selection_set)
    except RecursionError:
        return GraphQLError("the operation asks for too much: its fragments nest too deeply", operation)
    for what, found, most in (
        ("levels", size.depth, MAX_DEPTH),
        ("fields", size.fields, MAX_FIELDS),
        ("aliases", size.aliases, MAX_ALIASES),
        ("cost", size.cost, MAX_COST),
    ):
        if found > most:
            return GraphQLError(f"the operation asks for too much: {what} {found}, at most {most}", operation)
    return None
