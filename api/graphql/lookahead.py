"""Which fields are asked for somewhere below one, for what is cheaper looked up at once."""

from __future__ import annotations

from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from api.graphql.context import Info


def selected(info: Info) -> frozenset[str]:
    """The names of all fields below this one, at any depth, fragments included, also of those that a directive leaves out."""
    raw: GraphQLResolveInfo[Any] = info._raw_info
    names: set[str] = set()
    spread: set[str] = set()
    left: list[SelectionSetNode] = [node.selection_set for node in raw.field_nodes if node.selection_set]
    while left:
        for node in left.pop().selections:
            if isinstance(node, FieldNode):
                names.add(node.name.value)
            if isinstance(node, FragmentSpreadNode):
                if node.name.value not in spread:
                    spread.add(node.name.value)
                    left.append(raw.fragments[node.name.value].selection_set)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                left.append(node.selection_set)
    return frozenset(names)
