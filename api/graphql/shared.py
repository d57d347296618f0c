"""One execution of an event for everybody who asked the same: fifty identical dashboards cost one.

The key says everything an answer depends on: what is selected, the variables below the root field, what the viewer may see, and
the event (its filter and the cursors it lies between). Answers with errors carry a request's id and are never shared.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final

import msgspec
from graphql import FieldNode, FragmentDefinitionNode, Node, VariableNode, Visitor, print_ast, visit

from api.graphql.engine import Operation

_KEPT: Final = 256


class SharedPayloads:
    """The newest encoded answers by key; who comes while one is made waits for it."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, bytes | asyncio.Task[bytes | None]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], bytes | Awaitable[bytes | None] | None]) -> bytes | None:
        """What `make` gives for `key`, at once or later, made once; None when it may not be shared."""
        found = self._made.get(key)
        if found is None:
            made = make()
            if made is None:
                return None
            # A task of its own: the subscriber that happens to be first may leave without hurting the others.
            found = made if isinstance(made, bytes) else asyncio.create_task(self._make(key, made))
            self._made[key] = found
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return found if isinstance(found, bytes) else await asyncio.shield(found)

    async def _make(self, key: Hashable, making: Awaitable[bytes | None]) -> bytes | None:
        payload: bytes | None = None
        try:
            payload = await making
        finally:
            if payload is not None and key in self._made:
                self._made[key] = payload
            else:
                self._made.pop(key, None)
        return payload


def operation_key(operation: Operation) -> Hashable:
    """What an operation's answers depend on besides the event and the viewer: what is selected and the variables that are
    read below the root field. Those of the root field, such as a cursor, only pick the events; names and spaces do nothing."""
    used = _Variables()
    only = operation.node.selection_set.selections[0]
    if not (isinstance(only, FieldNode) and only.selection_set):
        return operation.parsed.serial, operation.name, msgspec.json.encode(dict(operation.variables))
    read: list[Node] = [only.selection_set]
    read += [each for each in operation.parsed.document.definitions if isinstance(each, FragmentDefinitionNode)]
    for node in read:
        visit(node, used)
    # An alias, a directive and the declarations of variables, which have defaults, say something too; arguments only pick.
    head = (only.alias.value if only.alias else "", only.name.value, *map(print_ast, only.directives or ()))
    declared = tuple(map(print_ast, operation.node.variable_definitions or ())) if used.names else ()
    values = {name: operation.variables.get(name) for name in sorted(used.names)}
    return (head, declared, *map(print_ast, read), msgspec.json.encode(values))


class _Variables(Visitor):
    """Collects the names of the variables that a tree reads."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_args: Any) -> None:
        self.names.add(node.name.value)
