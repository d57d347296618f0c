"""Projects, their routing, tokens and members, changed through GraphQL: what lands in which file, byte for byte."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from core import yaml_strict
from tests.api.changes import change, text
from tests.api.conftest import ADMIN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTING = "projects/demo/routing.yaml"
PROJECT = "projects/demo/project.yaml"


async def project(api: Api, name: str, **wish: Any) -> dict[str, Any]:
    return await change(api, "projectCreate", name=name, **wish)


# --- projects ---


async def test_a_new_project_is_two_files_and_its_creator_is_its_admin(api: Api) -> None:
    done = await change(
        api,
        "projectCreate",
        "project { slug name description labels { key value } }",
        name="Ärzte & Pflege",
        description="Answers\nnurses",
        timeouts={"timeoutMs": 90_000},
        limits={"mode": "EXTEND", "rules": [{"metric": "COST", "window": "DAILY", "value": "2.50"}]},
        labels=[{"key": "team", "value": "health"}],
    )
    assert done["project"]["slug"] == "arzte-pflege"
    path = "projects/arzte-pflege/project.yaml"
    assert done["changedFiles"] == [path, "projects/arzte-pflege/routing.yaml"]
    written = text(api, path)
    first, rest = written.split("\n", 1)
    assert re.fullmatch("id: [0-9a-z]{26}", first)
    assert (
        rest
        == f"""\
name: "Ärzte & Pflege"
description: |-
  Answers
  nurses
timeouts:
  timeout_ms: 90000
limits:
  mode: extend
  rules:
    - {{metric: cost, window: daily, value: 2.5}}
labels:
  team: health
members:
  - {{user: {ADMIN}, role: admin}}
"""
    )
    assert text(api, "projects/arzte-pflege/routing.yaml") == "models: []\npolicies: []\n"


async def test_a_slug_that_is_taken_gets_a_number_and_a_name_that_is_taken_is_refused(api: Api) -> None:
    slugs = [
        (await change(api, "projectCreate", "project { slug }", name=name))["project"]["slug"] for name in ("A b", "A-b", "a.b")
    ]
    assert slugs == ["a-b", "a-b-2", "a-b-3"]
    failed = await project(api, "a B")
    assert failed["__typename"] == "ValidationFailed"
    assert failed["problems"][0]["field"] == "name"
    assert "must be unique" in failed["problems"][0]["reason"]


async def test_a_given_slug_must_be_one_and_be_free(api: Api) -> None:
    failed = await project(api, "Any", slug="No Slug")
    assert (failed["__typename"], failed["problems"][0]["field"]) == ("ValidationFailed", "slug")
    taken = await project(api, "Any", slug="demo")
    assert (taken["__typename"], taken["problems"][0]["field"]) == ("ValidationFailed", "slug")
    assert taken["problems"][0]["reason"] == "this one is taken: choose another"


async def test_every_setting_of_a_project_can_be_set_and_unset_and_its_comments_stay(api: Api) -> None:
    before = text(api, PROJECT)
    done = await change(
        api,
        "projectUpdate",
        slug="demo",
        description="",
        defaultMaxOutputTokens=2048,
        limits={"rules": [{"metric": "CALLS", "rolling": {"length": 24, "unit": "HOURS"}, "value": "1000"}]},
        traceContent=True,
        passThrough={"methods": ["GET"], "paths": ["/v1/audio"], "defaultProvider": "openai"},
        labels=[{"key": "team", "value": "platform"}, {"key": "env", "value": "on"}],
    )
    assert done["__typename"] == "ProjectUpdated", done
    after = text(api, PROJECT)
    removed = [line for line in before.splitlines() if line not in after.splitlines()]
    assert removed == ["description: A first project to try things with", "default_max_output_tokens: 4096", "  content: false"]
    value = yaml_strict.load(after.encode())
    assert isinstance(value, dict)
    rules = [{"metric": "calls", "window": {"rolling": 24, "unit": "hours"}, "value": 1000}]
    assert value["limits"] == {"rules": rules}
    assert value["pass_through"] == {"methods": ["GET"], "paths": ["/v1/audio"], "default_provider": "openai"}
    assert value["labels"] == {"team": "platform", "env": "on"}
    await change(api, "projectUpdate", slug="demo", defaultMaxOutputTokens=None, limits=None, passThrough=None, labels=[])
    value = yaml_strict.load(text(api, PROJECT).encode())
    assert isinstance(value, dict)
    assert {"limits", "pass_through", "labels", "default_max_output_tokens"} & value.keys() == set()


async def test_a_deleted_project_is_gone_with_all_its_files(api: Api) -> None:
    await project(api, "Short lived")
    await change(api, "tokenCreate", project="short-lived", name="t")
    assert len(api.repository.below(api.head(), "projects/short-lived")) == 3
    done = await change(api, "projectDelete", slug="short-lived")
    assert (done["__typename"], len(done["changedFiles"])) == ("ProjectDeleted", 3)
    assert api.repository.below(api.head(), "projects/short-lived") == {}
    assert (await change(api, "projectDelete", slug="short-lived"))["__typename"] == "NotFound"


async def test_a_file_that_came_into_a_project_since_it_was_read_is_a_conflict_of_its_deletion(api: Api) -> None:
    read_at = (await project(api, "Filled since"))["revision"]
    (added,) = (await change(api, "tokenCreate", project="filled-since", name="t"))["changedFiles"]
    for dry in (True, False):
        refused = await change(api, "projectDelete", slug="filled-since", expectedRevision=read_at, dryRun=dry)
        assert (refused["__typename"], refused["headRevision"]) == ("Conflict", api.head())
        assert refused["files"] == [{"path": added, "read": None, "head": text(api, added), "proposed": None}]
    assert (await change(api, "projectDelete", slug="filled-since"))["__typename"] == "ProjectDeleted"


async def test_a_former_projects_slug_is_not_given_again_and_the_project_itself_can_come_back(api: Api) -> None:
    await project(api, "Once there")
    revision = (await change(api, "projectDelete", slug="once-there"))["revision"]
    for dry in (True, False):
        failed = await project(api, "Other", slug="once-there", dryRun=dry)
        (problem,) = failed["problems"]
        assert (failed["__typename"], problem["field"]) == ("ValidationFailed", "id")
        assert problem["reason"].startswith("`once-there` is the slug of the project with the id")
    made = await change(api, "projectCreate", "project { slug }", name="Once there")
    assert made["project"]["slug"] == "once-there-2"
    await change(api, "projectDelete", slug="once-there-2")
    undone = (
        "mutation($input: RevertInput!) { revert(input: $input) { __typename ... on Reverted { change { changedFiles } } } }"
    )
    wish = {"revision": revision, "expectedRevision": api.head(), "reason": "It is missed"}
    done = (await api.data(undone, input=wish))["revert"]
    assert (done["__typename"], len(done["change"]["changedFiles"])) == ("Reverted", 2)


# --- routing ---

HAND_WRITTEN = """\
# Which models the project uses.

# In order.
models:
  # as of June
  - id: sim-fast
  - id: sim-smart
  - id: sim-cheap
  - id: gpt-5-mini
  - id: local-model

# In order of weight: of three policies the first counts three times, the second twice, the third once.
policies:
  - kind: health # leaves out models that fail, and tries them again later
    window_minutes: 20
    half_life_minutes: 5
    circuit_breaker: 0.9
    probe_seconds: 90
  - kind: cheapest # by the price of this very request
  - kind: performance # by how fast each one has been of late
    metric: latency # or ttft, the time to the first token
"""


async def test_single_steps_of_routing_move_lines_and_nothing_else(api: Api) -> None:
    api.commit(ROUTING, HAND_WRITTEN.encode())
    await change(api, "routingModelMove", project="demo", model="sim-cheap", position=0)
    await change(api, "routingModelRemove", project="demo", model="gpt-5-mini")
    await change(api, "routingModelUpdate", project="demo", model="sim-smart", guidance="Hard questions")
    await change(api, "routingPolicyMove", project="demo", policy=2, position=0)
    await change(api, "routingPolicyUpdate", project="demo", policy=1, enabled=False, parameters={"window_minutes": 0.5})
    done = await change(api, "routingPolicyRemove", "project { models }", project="demo", policy=2)
    assert done["project"]["models"] == ["sim-cheap", "sim-fast", "sim-smart", "local-model"]
    head = HAND_WRITTEN[: HAND_WRITTEN.index("  - id: sim-fast")]
    assert (
        text(api, ROUTING)
        == head
        + """\
  - id: sim-cheap
  - id: sim-fast
  - id: sim-smart
    guidance: Hard questions
  - id: local-model

# In order of weight: of three policies the first counts three times, the second twice, the third once.
policies:
  - kind: performance # by how fast each one has been of late
    metric: latency # or ttft, the time to the first token
  - kind: health # leaves out models that fail, and tries them again later
    window_minutes: 0.5
    half_life_minutes: 5
    circuit_breaker: 0.9
    probe_seconds: 90
    enabled: false
"""
    )
    await change(api, "routingModelAdd", project="demo", model="gpt-5-mini", position=3)
    await change(api, "routingPolicyAdd", project="demo", kind="cheapest", position=1)
    assert "  - id: gpt-5-mini\n  - id: local-model\n" in text(api, ROUTING)
    assert "  - kind: cheapest\n  - kind: health # leaves" in text(api, ROUTING)


async def test_the_whole_list_at_once_keeps_what_it_does_not_say(api: Api) -> None:
    path = "projects/support-bot/routing.yaml"
    limits = {"rules": [{"metric": "CALLS", "window": "HOURLY", "value": "10"}]}
    done = await change(
        api,
        "routingUpdate",
        project="support-bot",
        models=[{"id": "sim-cheap"}, {"id": "sim-fast", "limits": limits}, {"id": "sim-smart"}],
        policies=[{"kind": "cheapest"}, {"kind": "performance", "parameters": {"metric": "ttft", "min_samples": 3}}],
    )
    assert done["__typename"] == "RoutingUpdated", done
    assert (
        text(api, path)
        == """\
models:
  - id: sim-cheap
  - id: sim-fast
    guidance: Greetings and simple questions
    limits:
      rules:
        - {metric: calls, window: hourly, value: 10}
  - id: sim-smart
    guidance: Difficult questions, complaints and anything about money

policies:
  - kind: cheapest
    enabled: false # kept for later: a policy that is not enabled weighs nothing
  - kind: performance
    metric: ttft
    min_samples: 3
"""
    )
    given: list[dict[str, Any]] = [{"kind": "cheapest"}, {"kind": "performance"}]
    assert (await change(api, "routingUpdate", project="support-bot", policies=given))["diff"] == []
    given[1]["parameters"] = {"min_samples": 5}
    await change(api, "routingUpdate", project="support-bot", policies=given)
    assert text(api, path).endswith("  - kind: performance\n    min_samples: 5\n")
    given[1]["parameters"] = {}
    await change(api, "routingUpdate", project="support-bot", policies=given)
    assert text(api, path).endswith("  - kind: performance\n")


@pytest.mark.parametrize(
    ("mutation", "wish", "field", "reason"),
    [
        ("routingModelAdd", {"model": "sim-fast"}, "model", "already"),
        ("routingModelAdd", {"model": "nope"}, "models[5].id", "there is no model"),
        ("routingModelMove", {"model": "sim-fast", "position": 9}, "position", "from 0 to"),
        ("routingPolicyAdd", {"kind": "magic"}, "policies[2].kind", "is not known"),
        ("routingPolicyAdd", {"kind": "health", "parameters": {"window_minutes": -1}}, "policies[2].window_minutes", "number"),
        ("routingPolicyAdd", {"kind": "health", "parameters": {"kind": "x"}}, "parameters.kind", "field of its own"),
        ("routingPolicyAdd", {"kind": "health", "parameters": [1]}, "parameters", "object"),
    ],
)  # fmt: skip
async def test_a_routing_that_cannot_be_is_answered_with_its_field(
    api: Api, mutation: str, wish: dict[str, Any], field: str, reason: str
) -> None:
    await change(
        api,
        "routingUpdate",
        project="demo",
        models=[{"id": name} for name in ("sim-fast", "sim-smart", "sim-cheap", "gpt-5-mini", "local-model")],
        policies=[{"kind": "health"}, {"kind": "cheapest"}],
    )
    failed = await change(api, mutation, project="demo", **wish)
    assert failed["__typename"] == "ValidationFailed", failed
    (problem,) = failed["problems"]
    assert problem["field"] == field
    assert reason in problem["reason"]
    if "[" in field:
        assert (problem["file"], problem["line"] > 0) == (ROUTING, True)


async def test_a_step_at_what_is_not_there_is_not_found(api: Api) -> None:
    assert (await change(api, "routingModelRemove", project="demo", model="none"))["__typename"] == "NotFound"
    assert (await change(api, "routingPolicyRemove", project="demo", policy=99))["__typename"] == "NotFound"
    assert (await change(api, "routingModelRemove", project="none", model="none"))["__typename"] == "NotFound"


# --- tokens ---

LIMITED = "mode rules { metric value window rolling { length unit } }"
TOKEN = f"""value token {{ token name prefix expiresAt formerValidUntil labels {{ key value }}
  limits {{ {LIMITED} }} models {{ id limits {{ {LIMITED} }} }} }}"""
REGENERATED = f"{TOKEN} graceCutShort"


def token_file(api: Api, project: str, token: str) -> dict[str, Any]:
    value = yaml_strict.load(text(api, f"projects/{project}/tokens/{token}.yaml").encode())
    assert isinstance(value, dict)
    return value


async def test_a_tokens_value_is_shown_once_and_the_file_holds_its_hash(api: Api) -> None:
    wish = {
        "project": "demo",
        "name": "CI",
        "expiresAt": "2030-01-02T03:04:05.000Z",
        "limits": {"rules": [{"metric": "COST", "window": "MONTHLY", "value": "20"}]},
        "models": [
            {"id": "sim-smart", "limits": {"mode": "EXTEND", "rules": [{"metric": "CALLS", "window": "DAILY", "value": "5"}]}}
        ],
        "labels": [{"key": "ci", "value": "1"}],
        "idempotencyKey": "token-1",
        "expectedRevision": api.head(),
    }
    done = await change(api, "tokenCreate", TOKEN, **wish)
    value, token = done["value"], done["token"]
    assert re.fullmatch(r"sk-lr-[A-Za-z0-9_-]{43}", value)
    assert token == {
        "token": token["token"], "name": "CI", "prefix": value[:10], "expiresAt": "2030-01-02T03:04:05.000Z",
        "formerValidUntil": None, "labels": [{"key": "ci", "value": "1"}],
        "limits": {"mode": "REPLACE", "rules": [{"metric": "COST", "value": "20", "window": "MONTHLY", "rolling": None}]},
        "models": [{"id": "sim-smart", "limits": {
            "mode": "EXTEND", "rules": [{"metric": "CALLS", "value": "5", "window": "DAILY", "rolling": None}],
        }}],
    }  # fmt: skip
    file = token_file(api, "demo", token["token"])
    assert file == {
        "name": "CI", "sha256": hashlib.sha256(value.encode()).hexdigest(), "prefix": value[:10],
        "limits": {"rules": [{"metric": "cost", "window": "monthly", "value": 20}]},
        "models": [
            {"id": "sim-smart", "limits": {"mode": "extend", "rules": [{"metric": "calls", "window": "daily", "value": 5}]}}
        ],
        "expires_at": "2030-01-02T03:04:05.000Z", "labels": {"ci": "1"},
    }  # fmt: skip
    assert value[10:] not in text(api, done["changedFiles"][0])
    again = await change(api, "tokenCreate", TOKEN, **wish)
    assert (again["value"], again["token"], again["revision"]) == (None, token, done["revision"])
    assert again["replayed"]
    other = await change(api, "tokenCreate", TOKEN, **{**wish, "name": "Other"})
    assert (other["__typename"], other["problems"][0]["field"]) == ("ValidationFailed", "idempotencyKey")


async def test_a_dry_run_of_a_token_shows_no_value_and_writes_nothing(api: Api) -> None:
    head = api.head()
    done = await change(api, "tokenCreate", TOKEN, project="demo", name="Looking", dryRun=True)
    assert (done["__typename"], done["value"], done["dryRun"], api.head()) == ("TokenCreated", None, True, head)
    (diff,) = done["diff"]
    assert diff["change"] == "ADDED"
    assert "+name: Looking" in diff["unified"]


async def test_a_regenerated_token_keeps_its_former_value_for_its_grace_or_not_at_all(api: Api) -> None:
    made = await change(api, "tokenCreate", TOKEN, project="demo", name="Rotating")
    token, first = made["token"]["token"], made["value"]
    done = await change(api, "tokenRegenerate", REGENERATED, project="demo", token=token, graceSeconds=3600)
    file = token_file(api, "demo", token)
    assert file["sha256"] == hashlib.sha256(done["value"].encode()).hexdigest()
    assert file["former"]["sha256"] == hashlib.sha256(first.encode()).hexdigest()
    assert done["token"]["formerValidUntil"] == file["former"]["valid_until"]
    assert done["graceCutShort"] is None
    for dry in (True, False):
        again = await change(api, "tokenRegenerate", REGENERATED, project="demo", token=token, graceSeconds=60, dryRun=dry)
        assert again["graceCutShort"] == done["token"]["formerValidUntil"]
    assert token_file(api, "demo", token)["former"]["sha256"] == hashlib.sha256(done["value"].encode()).hexdigest()
    await change(api, "tokenRegenerate", TOKEN, project="demo", token=token)
    assert "former" not in token_file(api, "demo", token)
    failed = await change(api, "tokenRegenerate", TOKEN, project="demo", token=token, graceSeconds=-1)
    assert failed["problems"][0]["field"] == "graceSeconds"


async def test_a_token_that_would_be_over_already_is_not_made(api: Api) -> None:
    for dry in (True, False):
        failed = await change(api, "tokenCreate", project="demo", name="Late", expiresAt="2020-01-01T00:00:00Z", dryRun=dry)
        assert failed["problems"][0]["field"] == "expiresAt"


async def test_a_tokens_settings_change_and_its_value_stays(api: Api) -> None:
    made = await change(api, "tokenCreate", TOKEN, project="demo", name="Old", labels=[{"key": "a", "value": "b"}])
    token = made["token"]["token"]
    before = token_file(api, "demo", token)
    wish = {"name": "New", "expiresAt": "2031-01-01T00:00:00Z", "labels": [], "limits": {"mode": "DISABLE"}}
    done = await change(api, "tokenUpdate", "token { name expiresAt }", project="demo", token=token, **wish)
    assert done["token"] == {"name": "New", "expiresAt": "2031-01-01T00:00:00.000Z"}
    after = token_file(api, "demo", token)
    assert after == {
        "name": "New", "sha256": before["sha256"], "prefix": before["prefix"], "expires_at": "2031-01-01T00:00:00.000Z",
        "limits": {"mode": "disable"},
    }  # fmt: skip


async def test_a_revoked_token_has_no_file(api: Api) -> None:
    token = (await change(api, "tokenCreate", TOKEN, project="demo", name="Gone"))["token"]["token"]
    done = await change(api, "tokenRevoke", project="demo", token=token)
    assert (done["__typename"], done["changedFiles"]) == ("TokenRevoked", [f"projects/demo/tokens/{token}.yaml"])
    assert (await change(api, "tokenRevoke", project="demo", token=token))["__typename"] == "NotFound"


# --- members ---


async def test_a_member_is_added_changed_and_removed(api: Api) -> None:
    await change(api, "memberSet", project="demo", user="Viewer@Example.org", role="viewer")
    await change(api, "memberSet", project="demo", user="viewer@example.org", role="editor")
    assert "members:\n  - {user: viewer@example.org, role: editor}\n" in text(api, PROJECT)
    unknown = await change(api, "memberSet", project="demo", user="viewer@example.org", role="boss")
    assert (unknown["__typename"], unknown["problems"][0]["field"]) == ("ValidationFailed", "members[0].role")
    assert (await change(api, "memberRemove", project="demo", user="VIEWER@example.org"))["__typename"] == "MemberRemoved"
    assert "members: []" in text(api, PROJECT)
    assert (await change(api, "memberRemove", project="demo", user="viewer@example.org"))["__typename"] == "NotFound"


async def test_a_new_member_is_a_user_for_those_who_may_see_users(api: Api) -> None:
    """Others are told nothing of who there is; and a member whom a push brought may have another role."""
    failed = await change(api, "memberSet", project="demo", user="nobody@example.org", role="viewer")
    (problem,) = failed["problems"]
    assert (failed["__typename"], problem["field"]) == ("ValidationFailed", "user")
    assert "there is no user nobody@example.org" in problem["reason"]
    pushed = text(api, PROJECT).replace(
        "members: []", "members:\n  - {user: pushed@example.org, role: viewer}\n  - {user: viewer@example.org, role: admin}"
    )
    api.commit(PROJECT, pushed.encode())
    done = await change(api, "memberSet", project="demo", user="pushed@example.org", role="editor")
    assert done["__typename"] == "MemberSet", done
    for unseen in ("nobody@example.org", "admin@localhost"):
        done = await change(api, "memberSet", key=api.viewer_key, project="demo", user=unseen, role="viewer")
        assert done["__typename"] == "MemberSet", done
