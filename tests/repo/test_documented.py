"""Documentation follows the code: every field of every file, every policy parameter, every flag and port is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from core import config
from core.routing.policies import Policy

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
ROUTING = (ROOT / "docs/concepts-routing.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def structs_in(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    """The Struct types anywhere inside a type, the policies' left out: they have a page of their own."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        if annotation not in get_args(Policy):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from structs_in(argument)


def configuration_types() -> list[type[msgspec.Struct]]:
    """Every type that a configuration file is made of, outermost first."""
    found: list[type[msgspec.Struct]] = []
    waiting = list(structs_in(config.File))
    while waiting:
        struct = waiting.pop(0)
        if struct not in found:
            found.append(struct)
            for field in msgspec.structs.fields(struct):
                waiting.extend(structs_in(field.type))
    return found


def section(page: str, title: str) -> str:
    """The text under the heading that ends with `title`, up to the next heading of its level or above."""
    match = re.search(rf"^(#+) [^\n]*{re.escape(title)}[^\n]*\n(.*?)(?=^#{{1,2}} |^\1 |\Z)", page, re.MULTILINE | re.DOTALL)
    assert match, f"no section named {title}"
    return match[2]


@pytest.mark.parametrize("struct", configuration_types(), ids=lambda struct: struct.__name__)
def test_every_field_of_a_configuration_file_is_documented(struct: type[msgspec.Struct]) -> None:
    undocumented = [
        field.encode_name for field in msgspec.structs.fields(struct) if f"`{field.encode_name}`" not in CONFIGURATION
    ]
    assert undocumented == []


@pytest.mark.parametrize("struct", configuration_types(), ids=lambda struct: struct.__name__)
def test_the_configuration_page_names_no_field_that_does_not_exist(struct: type[msgspec.Struct]) -> None:
    known = {field.encode_name for struct in configuration_types() for field in msgspec.structs.fields(struct)}
    named = set(re.findall(r"^\| `([a-z_0-9]+)` \|", CONFIGURATION, re.MULTILINE))
    assert named - known == set()


def policies() -> list[type[msgspec.Struct]]:
    """The parameter type of each policy."""
    return list(get_args(Policy) or (Policy,))


def kind(policy: type[msgspec.Struct]) -> str:
    """A policy's name in `routing.yaml`."""
    tag = policy.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


@pytest.mark.parametrize("policy", policies(), ids=kind)
def test_every_policy_has_a_section_with_every_parameter_and_its_default(policy: type[msgspec.Struct]) -> None:
    text = section(ROUTING, f"`{kind(policy)}`")
    for field in msgspec.structs.fields(policy):
        if field.name == "enabled":
            continue
        row = next((line for line in text.splitlines() if line.startswith(f"| `{field.encode_name}` |")), "")
        assert row, f"{kind(policy)}: no row for {field.encode_name}"
        if isinstance(field.default, (int, float)):
            assert re.search(rf"\| {re.escape(f'{field.default:g}')} \|", row), f"the default is {field.default:g}: {row}"
        elif isinstance(field.default, str) and field.default:
            assert f"`{field.default}`" in row, f"the default is {field.default}: {row}"


def test_the_routing_page_has_the_title_that_the_dashboard_links_to() -> None:
    assert "Concepts: Routing" in ROUTING.splitlines()[0]


@pytest.mark.parametrize("variable", ["DATA", "PROXY", "API", "PROXY_OPS", "API_OPS", "FSYNC"])
def test_every_environment_variable_and_its_flag_is_documented(variable: str) -> None:
    assert f"`WAYBILL_{variable}`" in OPERATIONS
    assert f"`--{variable.lower().replace('_', '-')}`" in OPERATIONS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/graphql"])
def test_every_operations_path_is_documented(path: str) -> None:
    assert f"`{path}`" in OPERATIONS
