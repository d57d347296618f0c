"""The mutants of a source file: each number one more and one less, each comparison moved at its boundary and turned around."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
SIGNS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one file: `place` is the how-manieth node of its walk, `part` the comparison's operator or -1."""

    path: str  # below the root, as core/money.py
    line: int
    function: int  # the line where the innermost function around it begins, 0 for a module's or class's own lines
    place: int
    part: int
    change: str  # as "< becomes <="
    source: str  # the line, stripped

    @property
    def key(self) -> str:
        """What stays the same when lines above are added."""
        return f"{self.path}: {self.source} | {self.change}"


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    text = (root / path).read_text(encoding="utf-8")
    lines = text.splitlines()
    tree = ast.parse(text)
    functions = _innermost_functions(tree)
    found = []
    for place, node in enumerate(ast.walk(tree)):
        line = getattr(node, "lineno", 0)
        for part, change in _changes(node):
            found.append(Mutant(path, line, functions.get(id(node), 0), place, part, change, lines[line - 1].strip()))
    return sorted(found, key=lambda mutant: (mutant.line, mutant.place))


def mutated(root: Path, mutant: Mutant) -> ast.Module:
    """The file's tree with that one change."""
    tree = ast.parse((root / mutant.path).read_text(encoding="utf-8"))
    node = next(node for place, node in enumerate(ast.walk(tree)) if place == mutant.place)
    if isinstance(node, ast.Constant):
        node.value += 1 if mutant.change.endswith("+ 1") else -1  # type: ignore[operator]  # _changes took numbers alone
    else:
        assert isinstance(node, ast.Compare)
        wanted = mutant.change.partition(" becomes ")[2]
        node.ops[mutant.part] = next(kind for kind, sign in SIGNS.items() if sign == wanted)()
    return tree


def _changes(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield -1, f"{node.value!r} + 1"
        yield -1, f"{node.value!r} - 1"
    elif isinstance(node, ast.Compare):
        for part, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                yield part, f"{SIGNS[type(operator)]} becomes {SIGNS[other]}"


def _innermost_functions(tree: ast.Module) -> dict[int, int]:
    """The first line, decorators included, of the function around each node of a body; defaults belong to what is outside."""
    found: dict[int, int] = {}
    for node in ast.walk(tree):  # outer ones come first, so inner ones have the last word
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            for statement in node.body:
                for inner in ast.walk(statement):
                    found[id(inner)] = first
    return found
