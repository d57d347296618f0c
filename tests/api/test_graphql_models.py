"""Models, providers, roles and settings as they are published, and what a form for them starts from."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.api.conftest import SAMPLE, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWNED = b"kind: openai\nenabled: false\nproject: demo\ncredential: {file: demo-key, origin: https://api.openai.com}\n"


async def test_models_are_pages_by_id_and_are_searched(api: Api) -> None:
    query = """query($first: Int, $after: String, $search: String, $provider: String) {
      models(first: $first, after: $after, search: $search, provider: $provider) {
        totalCount nodes { modelId } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    there = sorted(path.stem for path in (SAMPLE / "models").glob("*.yaml"))
    first = (await api.data(query, first=2))["models"]
    assert first["totalCount"] == len(there)
    assert [node["modelId"] for node in first["nodes"]] == there[:2]
    assert first["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "endCursor": there[1]}
    rest = (await api.data(query, after=first["pageInfo"]["endCursor"]))["models"]
    assert [edge["cursor"] for edge in rest["edges"]] == there[2:]
    assert [n["modelId"] for n in (await api.data(query, search="FAST-1"))["models"]["nodes"]] == ["sim-fast"]
    assert [n["modelId"] for n in (await api.data(query, provider="local"))["models"]["nodes"]] == ["local-model"]


async def test_a_model_says_everything_of_its_file(api: Api) -> None:
    query = """query($id: String!) { model(id: $id) { id modelId providerId upstreamName unpriced contextWindow maxOutputTokens
      enabled simulation usedBy revision prices { input output cachedInput cacheWrite5m cacheWrite1h reasoning
        tiers { aboveInputTokens input output cachedInput } }
      capabilities { vision functionCalling json thinking audio } limits { mode rules { value } }
      provider { providerId kind credential { source } models { modelId } } } }"""
    model = (await api.data(query, id="sim-smart"))["model"]
    assert model["prices"] == {
        "input": "3", "output": "15", "cachedInput": "0.3", "cacheWrite5m": "3.75", "cacheWrite1h": "6", "reasoning": None,
        "tiers": [{"aboveInputTokens": 200_000, "input": "6", "output": "22.5", "cachedInput": "0.6"}],
    }  # fmt: skip
    assert model["capabilities"] == {
        "vision": True, "functionCalling": True, "json": True, "thinking": True, "audio": None,
    }  # fmt: skip
    assert (model["unpriced"], model["contextWindow"], model["enabled"]) == ("REFUSE", 1_000_000, True)
    assert model["simulation"]["seed"] == 13
    assert model["usedBy"] == ["demo", "support-bot"]
    assert model["provider"]["kind"] == "SIMULATED"
    assert [found["modelId"] for found in model["provider"]["models"]] == sorted(
        path.stem for path in (SAMPLE / "models").glob("*.yaml") if "provider: simulated" in path.read_text()
    )
    assert model["limits"] == {"mode": "REPLACE", "rules": []}
    assert model["revision"] == api.head()
    by_node_id = await api.data(query, id=model["id"])
    assert by_node_id["model"] == model
    assert (await api.data(query, id="nowhere"))["model"] is None


async def test_a_provider_says_where_its_key_is_and_never_the_key(api: Api) -> None:
    query = """query($id: String!) { provider(id: $id) { kind baseUrl address origin enabled preset modelCount maxConnections
      projectSlug headers { name } credential { source name origin } } }"""
    assert (await api.data(query, id="local"))["provider"] == {
        "kind": "OPENAI_COMPATIBLE", "baseUrl": "http://127.0.0.1:8000/v1", "address": "http://127.0.0.1:8000/v1",
        "origin": "http://127.0.0.1:8000", "enabled": False, "preset": None, "modelCount": 1, "maxConnections": 64,
        "projectSlug": None, "headers": [],
        "credential": {"source": "ENV", "name": "WAYBILL_SECRET_LOCAL", "origin": "http://127.0.0.1:8000"},
    }  # fmt: skip
    simulated = (await api.data(query, id="simulated"))["provider"]
    assert (simulated["address"], simulated["origin"], simulated["credential"]) == (None, None, None)


async def test_node_finds_models_providers_and_roles(api: Api) -> None:
    query = '{ model(id: "sim-fast") { id } provider(id: "openai") { id } roles { id name } }'
    found = await api.data(query)
    ids = [found["model"]["id"], found["provider"]["id"], *(role["id"] for role in found["roles"])]
    fetch = """query($id: ID!) { node(id: $id) { __typename id
      ... on Model { modelId } ... on Provider { providerId } ... on Role { name } } }"""
    nodes = [(await api.data(fetch, id=node_id))["node"] for node_id in ids]
    assert [node["id"] for node in nodes] == ids
    assert [node["__typename"] for node in nodes] == ["Model", "Provider"] + ["Role"] * len(found["roles"])


async def test_roles_are_built_in_and_custom(api: Api) -> None:
    roles = (await api.data("{ roles { name builtIn description globalPermissions projectPermissions } }"))["roles"]
    assert [(role["name"], role["builtIn"]) for role in roles] == [
        ("admin", True), ("operator", True), ("editor", True), ("viewer", True), ("token-keeper", False),
    ]  # fmt: skip
    by_name = {role["name"]: role for role in roles}
    assert by_name["operator"]["projectPermissions"] is None
    assert by_name["editor"]["globalPermissions"] is None
    assert by_name["token-keeper"]["projectPermissions"] == ["model:read", "project:read", "report:read", "token:write"]
    assert all(role["description"] for role in roles)


async def test_settings_are_those_of_the_file_with_its_defaults(api: Api) -> None:
    query = """{ settings { timeouts { timeoutMs attemptTimeoutMs } retention { rowsDays tracesDays tracesMaxMb journalHours }
      limits { mode rules { metric } } alertWebhooks { url } review { paths } journalFailure revision } }"""
    assert (await api.data(query))["settings"] == {
        "timeouts": {"timeoutMs": 600_000, "attemptTimeoutMs": None},
        "retention": {"rowsDays": 90, "tracesDays": 14, "tracesMaxMb": 4096, "journalHours": 24},
        "limits": {"mode": "REPLACE", "rules": []}, "alertWebhooks": [], "review": [], "journalFailure": "REFUSE",
        "revision": api.head(),
    }  # fmt: skip


async def test_presets_of_providers_and_of_models(api: Api) -> None:
    query = """query($preset: String, $provider: String, $search: String, $first: Int) {
      providerPresets { presetId kind baseUrl needsKey }
      modelPresets(preset: $preset, provider: $provider, search: $search, first: $first) {
        upstreamName name contextWindow deprecated prices { input output } } }"""
    found = await api.data(query, preset="openai", search="4o-mini", first=1)
    assert {
        "presetId": "mistral",
        "kind": "OPENAI_COMPATIBLE",
        "baseUrl": "https://api.mistral.ai/v1",
        "needsKey": True,
    } in found["providerPresets"]
    (first,) = found["modelPresets"]
    assert "4o" in first["upstreamName"]
    by_provider = await api.data(query, provider="openai", search="gpt-4o-mini")
    assert {"upstreamName": "gpt-4o-mini", "name": "gpt 4o mini", "contextWindow": 128_000, "deprecated": False,
            "prices": {"input": "0.15", "output": "0.6"}} in by_provider["modelPresets"]  # fmt: skip
    assert (await api.data(query, provider="simulated"))["modelPresets"] == []
    answer: Any = (await api.post(query, preset="none")).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_what_a_viewer_may_not_see_is_not_there(api: Api) -> None:
    """An owned provider is of its project; webhooks take the permission for settings."""
    api.commit("providers/demos-own.yaml", OWNED)
    await api.data("{ revision { commit } }")
    query = '{ provider(id: "demos-own") { projectSlug credential { source name } } providers { nodes { providerId } } }'
    while (found := await api.data(query))["provider"] is None:
        pass  # until the commit is published
    assert found["provider"] == {"projectSlug": "demo", "credential": {"source": "FILE", "name": "demo-key"}}
    seen = await api.data(query, api.viewer_key)
    assert "demos-own" in {node["providerId"] for node in seen["providers"]["nodes"]}
    refused = (await api.post("{ settings { journalFailure alertWebhooks { url } } }", api.viewer_key)).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await api.data("{ settings { journalFailure } }", api.viewer_key))["settings"]["journalFailure"] == "REFUSE"


async def test_a_project_says_its_routing_tokens_members_and_limits(api: Api) -> None:
    path = "projects/demo/project.yaml"
    before = api.repository.read(api.head(), path)[0].decode()
    text = before.replace("members: []", "members:\n  - {user: kim@example.org, role: editor}")
    text += "limits:\n  rules:\n    - {metric: calls, window: {rolling: 2, unit: hours}, value: 50}\n"
    text += 'pass_through: {methods: [GET], paths: ["/v1/audio"], default_provider: openai}\n'
    api.commit(path, text.encode())
    for number in range(3):
        digest = hashlib.sha256(bytes([number])).hexdigest()
        token = f"name: t{number}\nsha256: {digest}\nprefix: sk-lr-abc{number}\nexpires_at: 2030-01-01T00:00:00Z\n"
        api.commit(f"projects/demo/tokens/t{number}.yaml", token.encode())
    while (await api.data("{ revision { commit } }"))["revision"]["commit"] != api.head():
        pass  # until the commits are published
    query = """{ project(slug: "demo") { defaultMaxOutputTokens traceContent members { user role }
      limits { mode rules { metric value window rolling { length unit } } }
      passThrough { methods paths defaultProvider allowUnpriced }
      routing { models { position modelId guidance limits { rules { metric } } model { contextWindow provider { enabled } } }
        policies { position kind enabled parameters given weight } }
      tokens(first: 2) { totalCount nodes { token name prefix expiresAt formerValidUntil limits { rules { metric } } }
        pageInfo { hasNextPage endCursor } } } }"""
    project = (await api.data(query))["project"]
    assert (project["defaultMaxOutputTokens"], project["traceContent"]) == (4096, False)
    assert project["members"] == [{"user": "kim@example.org", "role": "editor"}]
    assert project["limits"]["rules"] == [
        {"metric": "CALLS", "value": "50", "window": None, "rolling": {"length": 2, "unit": "HOURS"}}
    ]
    assert project["passThrough"] == {
        "methods": ["GET"], "paths": ["/v1/audio"], "defaultProvider": "openai", "allowUnpriced": False,
    }  # fmt: skip
    first = project["routing"]["models"][0]
    assert (first["position"], first["modelId"], first["model"]["provider"]["enabled"]) == (0, "sim-fast", True)
    health, *_, performance = project["routing"]["policies"]
    assert (health["kind"], health["weight"], health["given"]) == ("health", 4, [])
    assert health["parameters"]["circuit_breaker"] == 0.9
    assert (performance["weight"], performance["parameters"]["metric"]) == (1, "latency")
    assert [token["token"] for token in project["tokens"]["nodes"]] == ["t0", "t1"]
    assert (project["tokens"]["totalCount"], project["tokens"]["pageInfo"]["hasNextPage"]) == (3, True)
    page = """query($after: String, $search: String) { project(slug: "demo") {
      tokens(after: $after, search: $search) { nodes { token } } } }"""
    rest = (await api.data(page, after="t1"))["project"]["tokens"]["nodes"]
    assert (rest, (await api.data(page, search="ABC0"))["project"]["tokens"]["nodes"]) == ([{"token": "t2"}], [{"token": "t0"}])
    other = (await api.data('{ project(slug: "support-bot") { routing { policies { kind enabled weight given } } } }'))[
        "project"
    ]
    assert [policy["weight"] for policy in other["routing"]["policies"]] == [2, 1, 0]
    assert other["routing"]["policies"][1]["given"] == ["metric"]


async def test_the_palette_says_what_a_form_needs(api: Api) -> None:
    query = """{ policies { kind title help documentation callsAModel
      parameters { name type help unit required default minimum maximum choices items { type } fields { name } } } }"""
    policies = {policy["kind"]: policy for policy in (await api.data(query))["policies"]}
    assert {"cheapest", "health", "performance", "llm", "semantic-intent"} <= set(policies)
    parameters = {parameter["name"]: parameter for parameter in policies["performance"]["parameters"]}
    assert (parameters["metric"]["type"], parameters["metric"]["choices"]) == ("ENUM", ["latency", "ttft"])
    assert (parameters["window_minutes"]["default"], parameters["window_minutes"]["unit"]) == (20.0, "min")
    assert policies["llm"]["callsAModel"]
