"""Committing mutations as tests ask them: any of them by its name, its answer flat."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import ADMIN_KEY, Api

FAILURES = """... on Conflict { code message headRevision files { path read head proposed } }
  ... on ValidationFailed { code message problems { file line field reason } }
  ... on NotAllowed { code permission } ... on NotFound { code message }"""
DONE = {"Create": "Created", "Update": "Updated", "Delete": "Deleted", "Regenerate": "Regenerated", "Revoke": "Revoked",
        "Set": "Set", "Remove": "Removed"}  # fmt: skip
SHARED = "change { revision changedFiles dryRun pendingProxies replayed diff { path change unified } }"


def success_of(mutation: str) -> str:
    """The payload member of a mutation that worked."""
    if mutation.startswith("routing"):
        return "RoutingUpdated"
    ending = next(verb for verb in DONE if mutation.endswith(verb))
    return mutation[0].upper() + mutation[1:].removesuffix(ending) + DONE[ending]


async def change(api: Api, mutation: str, fields: str = "", key: str = ADMIN_KEY, **wish: Any) -> dict[str, Any]:
    """The mutation's payload; what every change has is in it as if it were its own."""
    name = mutation[0].upper() + mutation[1:]
    query = f"""mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ __typename
      ... on {success_of(mutation)} {{ {SHARED} {fields} }} {FAILURES} }} }}"""
    wish = {"expectedRevision": api.head(), "reason": "test", **wish}
    done = (await api.data(query, key, input=wish))[mutation]
    return {**done.pop("change", {}), **done}


def text(api: Api, path: str) -> str:
    """A file at the head."""
    return api.repository.read(api.head(), path)[0].decode()
