"""The house's import rules: `core` is pure and imports neither plane, the planes do not know each other, no circles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "proxy", "api", "waybill")
MAY_IMPORT = {"core": {"core"}, "proxy": {"proxy", "core"}, "api": {"api", "core"}, "waybill": set(PACKAGES)}

# What touches sockets, files, processes, the clock or dice, or belongs to a shell.
IMPURE = {
    "asyncio", "concurrent", "ftplib", "getpass", "http", "logging", "mmap", "multiprocessing", "os", "random", "secrets",
    "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile",
    "threading", "time",
    "asyncinotify", "git", "httptools", "httpx", "litestar", "prometheus_client", "pydantic", "pygit2", "rich", "sqlalchemy",
    "strawberry", "structlog", "uvicorn", "uvloop", "websockets",
}  # fmt: skip


def modules(package: str) -> dict[str, ast.Module]:
    """Every module of a package, parsed, by its dotted name."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Everything imported anywhere in the module: (dotted name, line). Names imported from a package count as modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute: the path says where a thing lives"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def at_module_level(tree: ast.Module) -> ast.Module:
    """The module without what runs only when a function is called, or is there for the type checker alone."""

    class Pruned(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test).endswith("TYPE_CHECKING") else node

    pruned = Pruned().visit(ast.parse(ast.unparse(tree)))
    assert isinstance(pruned, ast.Module)
    return pruned


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_house_allows(package: str) -> None:
    wrong = [
        f"{module}:{line} imports {name}"
        for module, tree in modules(package).items()
        for name, line in imports(tree)
        if (top := name.split(".")[0]) in (*PACKAGES, "tests", "bench") and top not in MAY_IMPORT[package]
    ]
    assert wrong == []


def test_core_touches_nothing() -> None:
    wrong = [
        f"{module}:{line} imports {name}"
        for module, tree in modules("core").items()
        for name, line in imports(tree)
        if name.split(".")[0] in IMPURE
    ]
    assert wrong == []


def test_core_asks_no_clock_and_opens_no_file() -> None:
    forbidden = {"open", "print", "input"}
    methods = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "iterdir", "exists"}
    wrong = [
        f"{module}:{node.lineno} calls {ast.unparse(node.func)}"
        for module, tree in modules("core").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in forbidden)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in methods)
        )
    ]
    assert wrong == []


def test_no_imports_go_in_a_circle() -> None:
    trees = {name: tree for package in PACKAGES for name, tree in modules(package).items()}
    graph = {}
    for module, tree in trees.items():
        used = set()
        for name, _ in imports(at_module_level(tree)):
            target = name if name in trees else name.rpartition(".")[0]
            if target in trees and target != module:
                used.add(target)
        graph[module] = used
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_module_says_what_it_is_for() -> None:
    mute = [name for package in PACKAGES for name, tree in modules(package).items() if not ast.get_docstring(tree)]
    assert mute == []


def test_no_file_is_named_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
    assert [name for package in PACKAGES for name in modules(package) if vague & set(name.split("."))] == []


def test_no_file_is_longer_than_500_lines() -> None:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert [str(path) for path in paths if len(path.read_text(encoding="utf-8").splitlines()) > 500] == []


SILENCED = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])(?P<reason>.*)")


def test_no_line_silences_a_check_without_a_reason() -> None:
    silenced = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for number, (above, line) in enumerate(pairwise(["", *path.read_text(encoding="utf-8").splitlines()]), 1)
        if ("# noqa" in line or "# type: ignore" in line) and not above.strip().startswith("#")
        if not (found := SILENCED.search(line)) or len(found["reason"].strip(" -#")) < 8
    ]
    assert silenced == []
