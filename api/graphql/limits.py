"""What a document may ask for: tokens, depth, fields, aliases and cost. Measured before validation, whose own work some
documents can make quadratic; pure, linear in the document, safe on fragments that repeat or run in circles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)

MAX_TOKENS: Final = 4_000
MAX_TOKENS_ANONYMOUS: Final = 400
MAX_DEPTH: Final = 12
MAX_FIELDS: Final = 400
MAX_ALIASES: Final = 40
MAX_COST: Final = 10_000
DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 200
# What a list of objects without `first` counts as, where nothing else is said of it: the few that people write by hand.
SHORT_LIST: Final = 3
# Lists that grow with something else: an entry an hour of the day that is asked about when nothing is said.
LISTS: Final = {("UsageReport", "points"): 25, ("UsageGroup", "points"): 25}

# {(type, field): entries that it may have now} of the lists that grow with the configuration.
Lengths: TypeAlias = Callable[[], Mapping[tuple[str, str], int]]


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

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], lengths: Lengths = dict
    ) -> None:
        self.types = schema.type_map
        self.lengths = lengths
        self.variables = variables
        self.fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        self._measured: dict[str, Measure] = {}

    def measure(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> Measure:
        """The size of a selection set; of an unknown type, which validation refuses, nothing is known to be a list."""
        total = Measure()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total.add(self._field(node, parent))
            elif isinstance(node, FragmentSpreadNode):
                total.add(self._fragment(node.name.value))
            elif isinstance(node, InlineFragmentNode):
                narrowed = self.types.get(node.type_condition.name.value) if node.type_condition else parent
                total.add(self.measure(node.selection_set, narrowed))
        return total

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Measure:
        field: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        inside = get_named_type(field.type) if field is not None else None
        own = Measure(depth=0, fields=1, aliases=int(node.alias is not None), cost=1)
        # Introspection has a depth rule of its own in graphql-core, and types nest deeper there than data does here.
        if node.selection_set and not node.name.value.startswith("__"):
            own.add(self.measure(node.selection_set, inside), times=self._page(node, parent, field), below=1)
        elif node.selection_set:
            own.add(msgspec.structs.replace(self.measure(node.selection_set, inside), depth=0))
        return own

    def _fragment(self, name: str) -> Measure:
        if name not in self._measured:
            self._measured[name] = Measure()  # what a circle finds; validation refuses it by name
            fragment = self.fragments.get(name)
            if fragment is not None:
                narrowed = self.types.get(fragment.type_condition.name.value)
                self._measured[name] = self.measure(fragment.selection_set, narrowed)
        return self._measured[name]

    def _page(self, node: FieldNode, parent: GraphQLNamedType | None, field: GraphQLField | None) -> int:
        """How many rows a paged field asks for, or gives where it is not told; of another list, how many it may have."""
        if field is None or parent is None:
            return 1
        if "first" not in field.args:
            return self._entries((parent.name, node.name.value)) if _grows(field, parent) else 1
        default = field.args["first"].default_value
        page = default if isinstance(default, int) else DEFAULT_PAGE
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            asked: Any = None
            if isinstance(argument.value, IntValueNode):
                asked = int(argument.value.value)
            elif isinstance(argument.value, VariableNode):
                asked = self.variables.get(argument.value.name.value)
            return min(max(asked, 1), MAX_PAGE) if isinstance(asked, int) else page
        return page

    def _entries(self, place: tuple[str, str]) -> int:
        return LISTS.get(place) or max(self.lengths().get(place, 0), SHORT_LIST)


def _grows(field: GraphQLField, parent: GraphQLNamedType) -> bool:
    """Whether it is a list of objects whose length nothing above it has counted: a page has, and an event is one answer."""
    kind = field.type.of_type if is_non_null_type(field.type) else field.type
    if not is_list_type(kind) or is_leaf_type(get_named_type(kind)) or parent.name == "Subscription":
        return False
    return not (isinstance(parent, GraphQLObjectType) and "pageInfo" in parent.fields)


def measured(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    lengths: Lengths = dict,
) -> Measure:
    """The size of `operation`. Raises GraphQLError where that is too much."""
    given = {**_defaults(operation), **variables}
    try:
        size = Ruler(schema, document, given, lengths).measure(
            operation.selection_set, schema.get_root_type(operation.operation)
        )
    except RecursionError:
        raise GraphQLError("the operation asks for too much: its fragments nest too deeply", operation) from None
    for what, found, most in (
        ("levels", size.depth, MAX_DEPTH),
        ("fields", size.fields, MAX_FIELDS),
        ("aliases", size.aliases, MAX_ALIASES),
        ("cost", size.cost, MAX_COST),
    ):
        if found > most:
            raise GraphQLError(f"the operation asks for too much: {what} {found}, at most {most}", operation)
    return size


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """What its variables are where the request does not say."""
    declared = operation.variable_definitions or ()
    return {each.variable.name.value: value_from_ast_untyped(each.default_value) for each in declared if each.default_value}
