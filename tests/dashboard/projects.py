"""Projects for tests to change: each test makes one of its own over the API."""

from __future__ import annotations

from typing import Any

from tests.e2e.console import Console

CREATE = """mutation($input: ProjectCreateInput!) { projectCreate(input: $input) {
  __typename ... on ProjectCreated { project { slug } change { revision } } } }"""
ROUTE = "mutation($input: RoutingUpdateInput!) { routingUpdate(input: $input) { __typename } }"
TOKEN = "mutation($input: TokenCreateInput!) { tokenCreate(input: $input) { __typename ... on TokenCreated { value } } }"
UPDATE = "mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename } }"
JOIN = "mutation($input: MemberSetInput!) { memberSet(input: $input) { __typename } }"


def change(console: Console, mutation: str, **given: Any) -> dict[str, Any]:
    """Carry out a change of the configuration; its payload."""
    head = console.ask("{ revision { commit } }")["revision"]["commit"]
    answer = console.ask(mutation, input={"reason": "For a test", **given, "expectedRevision": head})
    payload: dict[str, Any] = next(iter(answer.values()))
    assert payload["__typename"] not in {"ValidationFailed", "Conflict", "NotFound", "NotAllowed"}, payload
    return payload


def make_project(
    console: Console,
    name: str,
    models: tuple[str, ...] = ("sim-fast", "sim-smart", "sim-cheap"),
    policies: tuple[str, ...] = ("health", "cheapest"),
) -> str:
    """A project with these models and policies; its slug."""
    slug: str = change(console, CREATE, name=name)["project"]["slug"]
    active = [{"kind": kind} for kind in policies]
    change(console, ROUTE, project=slug, models=[{"id": model} for model in models], policies=active)
    return slug


def make_token(console: Console, slug: str) -> str:
    """A token's value."""
    value: str = change(console, TOKEN, project=slug, name="test")["value"]
    return value
