"""Providers through GraphQL: made from presets, bound to where their key may go, never showing it."""

from __future__ import annotations

from typing import Any

import pytest

from core.paths import provider_path
from core.sealing import unseal
from core.yaml_strict import load
from tests.api.conftest import Api
from tests.api.test_graphql_model_changes import problem, text

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGE = "change { revision changedFiles dryRun replayed diff { path unified } }"
PROVIDER = f"{CHANGE} provider {{ providerId kind preset baseUrl enabled projectSlug credential {{ source name origin }} }}"
FAILURES = """... on Conflict { files { path proposed } }
  ... on ValidationFailed { message problems { file field reason } diff { path unified after } }
  ... on NotAllowed { permission } ... on NotFound { message }"""
ANSWERS = {
    "providerCreate": f"... on ProviderCreated {{ {PROVIDER} }}",
    "providerUpdate": f"... on ProviderUpdated {{ {PROVIDER} }}",
    "providerKeySet": f"... on ProviderKeySet {{ {PROVIDER} }}",
    "providerDelete": f"... on ProviderDeleted {{ {CHANGE} providerId }}",
}
KEY = "a key without a mark 4711"


def query(name: str) -> str:
    kind = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename {ANSWERS[name]} {FAILURES} }} }}"


async def change(api: Api, name: str, key: str | None = None, /, **wish: Any) -> dict[str, Any]:
    wish = {"expectedRevision": api.head(), "reason": "test", **wish}
    answer = await (api.post(query(name), key, input=wish) if key else api.post(query(name), input=wish))
    assert KEY not in answer.text
    found: dict[str, Any] = answer.json()["data"][name]
    return found


def credential(api: Api, provider: str) -> dict[str, Any]:
    document: Any = load(text(api, provider_path(provider)).encode())
    found: dict[str, Any] = document["credential"]
    return found


def opened(api: Api, provider: str) -> tuple[str, str, str]:
    secret = unseal(api.layout.private_key.read_bytes(), credential(api, provider)["sealed"])
    return secret.provider, secret.origin, secret.key


async def test_a_provider_is_made_from_a_preset_with_its_key_sealed(api: Api) -> None:
    made = await change(api, "providerCreate", providerId="groq-eu", preset="groq", credential={"key": KEY})
    assert made["provider"] == {
        "providerId": "groq-eu", "kind": "OPENAI_COMPATIBLE", "preset": "groq", "baseUrl": "https://api.groq.com/openai/v1",
        "enabled": True, "projectSlug": None, "credential": {"source": "SEALED", "name": None, "origin": "https://api.groq.com"},
    }  # fmt: skip
    assert opened(api, "groq-eu") == ("groq-eu", "https://api.groq.com", KEY)
    lines = text(api, "providers/groq-eu.yaml").splitlines()
    assert lines[:3] == ["kind: openai-compatible", "preset: groq", 'base_url: "https://api.groq.com/openai/v1"']


async def test_a_provider_is_spelt_out_with_a_reference(api: Api) -> None:
    made = await change(
        api, "providerCreate", providerId="azure-eu", kind="AZURE", baseUrl="https://acme.openai.azure.com:443/openai",
        credential={"env": "WAYBILL_SECRET_AZURE"}, enabled=False, project="demo", maxConnections=5,
        headers=[{"name": "x-team", "value": "platform"}],
    )  # fmt: skip
    assert made["provider"]["credential"] == {
        "source": "ENV", "name": "WAYBILL_SECRET_AZURE", "origin": "https://acme.openai.azure.com",
    }  # fmt: skip
    assert (made["provider"]["enabled"], made["provider"]["projectSlug"]) == (False, "demo")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"providerId": "Not A Slug", "preset": "groq"}, "providerId"),
        ({"providerId": "a", "preset": "none"}, "preset"),
        ({"providerId": "a", "preset": "groq", "kind": "OPENAI"}, "kind"),
        ({"providerId": "a"}, "kind"),
        ({"providerId": "a", "preset": "azure"}, "base_url"),
        ({"providerId": "a", "preset": "azure", "credential": {"key": KEY}}, "baseUrl"),
        ({"providerId": "a", "kind": "OPENAI", "baseUrl": "ftp://x", "credential": {"key": KEY}}, "baseUrl"),
        ({"providerId": "a", "preset": "simulated", "credential": {"key": KEY}}, "credential"),
        ({"providerId": "a", "preset": "groq", "credential": {"key": KEY, "env": "WAYBILL_SECRET_A"}}, "credential"),
        ({"providerId": "a", "preset": "groq", "credential": {}}, "credential"),
        ({"providerId": "a", "preset": "groq", "credential": {"key": "two\nlines"}}, "credential.key"),
        ({"providerId": "a", "preset": "groq", "credential": {"key": " "}}, "credential.key"),
        ({"providerId": "a", "preset": "groq", "credential": {"env": "PATH"}}, "credential.env"),
        ({"providerId": "a", "preset": "groq", "credential": {"file": "../etc/passwd"}}, "credential.file"),
        ({"providerId": "a", "preset": "groq", "headers": [{"name": "Authorization", "value": "x"}]}, "headers.Authorization"),
    ],
)
async def test_a_provider_that_cannot_be(api: Api, wish: dict[str, Any], field: str) -> None:
    head = api.head()
    assert problem(await change(api, "providerCreate", **wish))[0] == field
    assert api.head() == head


async def test_another_origin_needs_the_key_again_and_another_path_does_not(api: Api) -> None:
    await change(api, "providerCreate", providerId="moving", preset="mistral", credential={"key": KEY})
    before = credential(api, "moving")
    field, reason = problem(await change(api, "providerUpdate", providerId="moving", baseUrl="https://evil.example/v1"))
    assert (field, "give it again" in reason) == ("credential", True)
    await change(api, "providerUpdate", providerId="moving", baseUrl="https://api.mistral.ai/v2")
    assert credential(api, "moving") == before
    moved = await change(
        api, "providerUpdate", providerId="moving", baseUrl="https://eu.mistral.example/v1", credential={"key": KEY}
    )
    assert moved["provider"]["credential"]["origin"] == "https://eu.mistral.example"
    assert opened(api, "moving") == ("moving", "https://eu.mistral.example", KEY)
    none = await change(api, "providerUpdate", providerId="moving", credential=None, enabled=False)
    assert (none["provider"]["credential"], none["provider"]["enabled"]) == (None, False)


async def test_another_key_changes_the_credential_alone(api: Api) -> None:
    before = text(api, "providers/openai.yaml")
    await change(api, "providerKeySet", providerId="openai", credential={"key": KEY})
    assert opened(api, "openai") == ("openai", "https://api.openai.com", KEY)
    after = text(api, "providers/openai.yaml")
    assert [line for line in before.splitlines() if line not in after.splitlines()] == [
        "  env: WAYBILL_SECRET_OPENAI # the name of a variable, never the key; only WAYBILL_SECRET_… are read"
    ]
    await change(api, "providerKeySet", providerId="openai", credential={"file": "openai"})
    assert credential(api, "openai") == {"file": "openai", "origin": "https://api.openai.com"}
    assert (await change(api, "providerKeySet", providerId="none", credential={"key": KEY}))["__typename"] == "NotFound"


async def test_a_retry_seals_once_and_another_key_is_no_retry(api: Api) -> None:
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("providerKeySet", {"providerId": "local"}),
        ("providerUpdate", {"providerId": "local", "enabled": True}),
        ("providerCreate", {"providerId": "sealed-once", "preset": "groq"}),
    ]
    for name, wish in wishes:
        wish = {**wish, "credential": {"key": KEY}, "expectedRevision": api.head(), "idempotencyKey": f"seal-{name}"}
        first = await change(api, name, **wish)
        again = await change(api, name, **{**wish, "expectedRevision": api.head()})
        assert (again["change"]["replayed"], again["change"]["revision"]) == (True, first["change"]["revision"])
        for other in ({"credential": {"key": f"{KEY} of later"}}, {"reason": "another wish"}):
            assert problem(await change(api, name, **{**wish, **other}))[0] == "idempotencyKey"
        assert api.head() == first["change"]["revision"]
        assert opened(api, wish["providerId"])[2] == KEY


async def test_a_provider_in_use_stays_and_says_by_what(api: Api) -> None:
    field, reason = problem(await change(api, "providerDelete", providerId="local"))
    assert (field, "model local-model" in reason) == ("providerId", True)
    await change(api, "providerCreate", providerId="unused", preset="vllm")
    gone = await change(api, "providerDelete", providerId="unused")
    assert gone["change"]["changedFiles"] == ["providers/unused.yaml"]


async def test_a_mistyped_request_does_not_get_its_key_back(api: Api) -> None:
    wishes: list[Any] = [
        {"providerId": "a", "credential": {"key": KEY}},
        {"providerId": "a", "reason": "x", "expectedRevision": "0" * 40, "credential": {"key": [KEY]}},
        {"providerId": "a", "reason": "x", "expectedRevision": "0" * 40, "credential": {"key": KEY, "kee": KEY}},
        {"credential": KEY},
        KEY,
    ]
    for wish in wishes:
        answer = await api.post(query("providerKeySet"), input=wish)
        assert answer.json()["errors"]
        assert KEY not in answer.text
    literal = query("providerKeySet").replace("$input: ProviderKeySetInput!", "$i: Int").replace("$input", f'{{key: "{KEY}"}}')
    answer = await api.post(literal)
    assert answer.json()["errors"]
    assert KEY not in answer.text


async def test_whoever_may_not_write_models_sets_no_key(api: Api) -> None:
    refused = await change(api, "providerKeySet", api.viewer_key, providerId="openai", credential={"key": KEY})
    assert refused == {"__typename": "NotAllowed", "permission": "model:write"}


async def test_without_a_sealing_key_a_key_is_not_taken(api: Api) -> None:
    hidden = api.layout.public_key.rename(api.layout.public_key.with_suffix(".away"))
    try:
        field, reason = problem(await change(api, "providerKeySet", providerId="openai", credential={"key": KEY}))
        assert (field, "no sealing key" in reason) == ("credential.key", True)
    finally:
        hidden.rename(api.layout.public_key)


async def test_a_key_in_clear_is_refused_wherever_it_was_put(api: Api) -> None:
    secret = "gsk_" + "aB3dE5fG7h" * 5
    head = api.head()
    put = {"providerId": "local", "headers": [{"name": "x-note", "value": secret}]}
    places: list[tuple[str, dict[str, Any]]] = [
        ("providerUpdate", put),
        ("providerUpdate", {**put, "dryRun": True}),
        ("providerCreate", {"providerId": "noted", "preset": "vllm", "headers": put["headers"]}),
        ("providerKeySet", {"providerId": "local", "credential": {"key": KEY}, "reason": f"key is {secret}"}),
        ("providerKeySet", {"providerId": "local", "credential": {"env": secret}}),
        ("providerUpdate", {"providerId": "local", "baseUrl": f"https://kim:{secret}@api.example.org"}),
    ]
    for name, wish in places:
        refused = await change(api, name, **wish)
        assert refused["__typename"] == "ValidationFailed", refused
        assert secret not in str(refused)
    told = await change(api, "providerUpdate", **put)
    assert "a Groq key in clear" in told["message"]
    assert "[a Groq key, taken out]" in told["diff"][0]["unified"]
    assert api.head() == head


async def test_a_projects_own_provider_is_changed_by_whoever_may_change_models_there(api: Api) -> None:
    """A member without `model:write` everywhere, and with it in one project."""
    roles = 'roles:\n  modeller:\n    permissions: ["project:read", "model:read", "model:write"]\n'
    api.commit("roles.yaml", roles.encode())
    demo = text(api, "projects/demo/project.yaml")
    member = "members:\n  - {user: viewer@example.org, role: modeller}"
    api.commit("projects/demo/project.yaml", demo.replace("members: []", member).encode())
    while (await api.data("{ revision { commit } }"))["revision"]["commit"] != api.head():
        pass  # until both are published
    own = {"preset": "xai", "credential": {"key": KEY}}
    made = await change(api, "providerCreate", api.viewer_key, providerId="demos", project="demo", **own)
    assert made["provider"]["projectSlug"] == "demo"
    assert (await change(api, "providerKeySet", api.viewer_key, providerId="demos", credential={"key": KEY}))["change"]
    shared = await change(api, "providerUpdate", api.viewer_key, providerId="demos", project=None)
    assert shared == {"__typename": "NotAllowed", "permission": "model:write"}
    everybodys = await change(api, "providerCreate", api.viewer_key, providerId="all", **own)
    assert everybodys == {"__typename": "NotAllowed", "permission": "model:write"}
    hidden = await change(api, "providerCreate", api.viewer_key, providerId="theirs", project="support-bot", **own)
    assert hidden["__typename"] == "NotFound"
