"""A key that somebody pasted where a name goes is not repeated to them, and is in no row and no file."""

from __future__ import annotations

import secrets

import pytest

from tests.api.changes import change
from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {
    "a token": "sk-lr-" + secrets.token_urlsafe(32),
    "an API key": "wb-" + secrets.token_urlsafe(32),
    "OpenAI's": "sk-proj-" + secrets.token_urlsafe(48),
}
NAMED = """mutation($project: TokenRevokeInput!, $model: ModelDeleteInput!, $role: RoleDeleteInput!) {
  tokenRevoke(input: $project) { __typename ... on NotFound { message } ... on ValidationFailed { message } }
  modelDelete(input: $model) { __typename ... on NotFound { message } ... on ValidationFailed { message } }
  roleDelete(input: $role) { __typename ... on NotFound { message } ... on ValidationFailed { message } } }"""


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_a_pasted_key_is_not_repeated(api: Api, key: str) -> None:
    wish = {"expectedRevision": api.head(), "reason": "Away with it"}
    answer = await api.post(
        NAMED,
        project={**wish, "project": key, "token": key},
        model={**wish, "modelId": key},
        role={**wish, "name": key},
    )
    assert answer.text.count("taken out]") >= 2
    assert key not in answer.text
    odd = await change(api, "projectUpdate", slug="demo", name="Demo", expectedRevision=key)
    assert "taken out]" in odd["message"]
    for query in ("query($key: String!) { limits(project: $key) { metric } }", "query($key: String!) { a: %s }"):
        assert key not in (await api.post(query, key=key)).text


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_a_pasted_key_is_in_no_row(api: Api, key: str) -> None:
    change = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename } }"""
    wish = {"slug": key, "expectedRevision": api.head(), "reason": "Another name", "name": key}
    await api.post(change, api.viewer_key, input=wish)
    login = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
    answer = await api.post(login, None, input={"email": key, "password": "no such password"})
    assert answer.json()["data"]["login"]["__typename"] == "LoginRefused"
    await api.data("{ viewer { id } }")
    for file in api.layout.data.rglob("*"):
        assert not (file.is_file() and key.encode() in file.read_bytes()), file
