"""Models, roles and settings changed through GraphQL: a commit each, or the reason why not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAILURES = """... on Conflict { files { path } } ... on ValidationFailed { message problems { file line field reason } }
  ... on NotAllowed { permission } ... on NotFound { message }"""
CHANGE = "change { revision changedFiles dryRun replayed diff { path change unified } }"
MODEL = "model { modelId prices { input } contextWindow limits { mode rules { metric window value } } revision }"
ANSWERS = {
    "modelCreate": f"... on ModelCreated {{ {CHANGE} {MODEL} }}",
    "modelClone": f"... on ModelCreated {{ {CHANGE} {MODEL} }}",
    "modelUpdate": f"... on ModelUpdated {{ {CHANGE} {MODEL} }}",
    "modelDelete": f"... on ModelDeleted {{ {CHANGE} modelId }}",
    "roleCreate": f"... on RoleCreated {{ {CHANGE} role {{ name description projectPermissions }} }}",
    "roleUpdate": f"... on RoleUpdated {{ {CHANGE} role {{ name description projectPermissions }} }}",
    "roleDelete": f"... on RoleDeleted {{ {CHANGE} name }}",
    "settingsUpdate": f"""... on SettingsUpdated {{ {CHANGE} settings {{ journalFailure timeouts {{ timeoutMs idleTimeoutMs }}
      retention {{ rowsDays tracesMaxMb auditDays }}
      limits {{ rules {{ metric value }} }} review {{ paths approvals limitRaisePercent }}
      alertWebhooks {{ url allowPrivateAddress secret {{ source name origin }} }} }} }}""",
}


async def change(api: Api, name: str, key: str | None = None, /, **wish: Any) -> dict[str, Any]:
    """Carry a wish out at the head; the payload."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    query = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename {ANSWERS[name]} {FAILURES} }} }}"
    wish = {"expectedRevision": api.head(), "reason": "test", **wish}
    answer: dict[str, Any] = await (api.data(query, key, input=wish) if key else api.data(query, input=wish))
    found: dict[str, Any] = answer[name]
    return found


def text(api: Api, path: str) -> str:
    return api.repository.read(api.head(), path)[0].decode()


def problem(payload: dict[str, Any]) -> tuple[str, str]:
    assert payload["__typename"] == "ValidationFailed", payload
    return payload["problems"][0]["field"], payload["problems"][0]["reason"]


async def test_a_model_is_made_from_the_price_table(api: Api) -> None:
    made = await change(
        api, "modelCreate", modelId="openai/gpt-4o-mini", provider="openai", upstreamName="gpt-4o-mini", fromPriceTable=True,
        fields={"maxOutputTokens": 16_384, "capabilities": {"vision": True}},
    )  # fmt: skip
    assert made["change"]["changedFiles"] == ["models/openai/gpt-4o-mini.yaml"]
    assert text(api, "models/openai/gpt-4o-mini.yaml") == (
        "provider: openai\nupstream_name: gpt-4o-mini\nprices:\n  input: 0.15\n  output: 0.6\n  cached_input: 0.075\n"
        "context_window: 128000\nmax_output_tokens: 16384\ncapabilities:\n  vision: true\n"
    )
    assert (made["model"]["prices"], made["model"]["contextWindow"]) == ({"input": "0.15"}, 128_000)
    unknown = await change(api, "modelCreate", modelId="x", provider="openai", upstreamName="no-such", fromPriceTable=True)
    assert problem(unknown)[0] == "upstreamName"


async def test_a_model_is_there_once_and_its_provider_has_to_be_there(api: Api) -> None:
    twice = await change(api, "modelCreate", modelId="sim-fast", provider="simulated", upstreamName="x")
    assert problem(twice) == ("modelId", "this one is taken: choose another")
    orphan = await change(api, "modelCreate", modelId="orphan", provider="nobody", upstreamName="x")
    assert problem(orphan) == ("provider", "there is no provider `nobody`: providers/nobody.yaml would be its file")
    for wrong in ("UPPER", "../up", "a//b", ".git/x", "", "x" * 101):
        refused = await change(api, "modelCreate", modelId=wrong, provider="simulated", upstreamName="x")
        assert problem(refused)[0] == "modelId"


async def test_an_update_changes_its_lines_and_no_other(api: Api) -> None:
    before = text(api, "models/sim-fast.yaml").splitlines()
    done = await change(
        api, "modelUpdate", modelId="sim-fast",
        fields={"contextWindow": 64_000, "capabilities": {"thinking": False, "vision": None}, "limits": {"rules": [
            {"metric": "COST", "window": "DAILY", "value": "12.5"},
            {"metric": "CALLS", "rolling": {"length": 5, "unit": "MINUTES"}, "value": "100"}]}},
    )  # fmt: skip
    after = text(api, "models/sim-fast.yaml").splitlines()
    assert [line for line in before if line not in after] == ["context_window: 128000", "  vision: false"]
    assert [line.strip() for line in after if line not in before] == [
        "context_window: 64000", "thinking: false", "limits:", "rules:", "- {metric: cost, window: daily, value: 12.5}",
        "- {metric: calls, window: {rolling: 5, unit: minutes}, value: 100}",
    ]  # fmt: skip
    assert done["model"]["limits"]["rules"][0] == {"metric": "COST", "window": "DAILY", "value": "12.5"}
    emptied = await change(api, "modelUpdate", modelId="sim-fast", fields={"limits": None})
    assert emptied["model"]["limits"] == {"mode": "REPLACE", "rules": []}


async def test_a_clone_keeps_the_comments(api: Api) -> None:
    cloned = await change(api, "modelClone", source="sim-cheap", modelId="sim/cheaper", fields={"contextWindow": 8_000})
    assert cloned["model"]["contextWindow"] == 8_000
    source = text(api, "models/sim-cheap.yaml")
    assert text(api, "models/sim/cheaper.yaml") == source.replace("context_window: 32000", "context_window: 8000")
    assert (await change(api, "modelClone", source="none", modelId="b"))["__typename"] == "NotFound"


async def test_a_model_in_use_stays_and_says_where_it_is_used(api: Api) -> None:
    refused = await change(api, "modelDelete", modelId="sim-smart")
    field, reason = problem(refused)
    assert field == "modelId"
    assert "projects demo, support-bot" in reason
    await change(api, "modelClone", source="sim-cheap", modelId="unused")
    gone = await change(api, "modelDelete", modelId="unused")
    assert gone["change"]["diff"][0]["change"] == "DELETED"
    assert (await change(api, "modelDelete", modelId="unused"))["__typename"] == "NotFound"


async def test_a_dry_run_says_what_would_change_and_changes_nothing(api: Api) -> None:
    head = api.head()
    tried = await change(api, "modelUpdate", modelId="sim-cheap", fields={"enabled": False}, dryRun=True)
    assert "+enabled: false" in tried["change"]["diff"][0]["unified"]
    assert (tried["change"]["dryRun"], api.head()) == (True, head)


async def test_a_wrong_value_is_named_with_its_file_and_line(api: Api) -> None:
    wrong = await change(api, "modelUpdate", modelId="sim-cheap", fields={"contextWindow": 0})
    (found,) = wrong["problems"]
    assert (found["file"], found["field"], found["line"] > 0) == ("models/sim-cheap.yaml", "context_window", True)
    both = {"rules": [{"metric": "CALLS", "value": "1"}]}
    assert problem(await change(api, "modelUpdate", modelId="sim-cheap", fields={"limits": both}))[0] == "limits.rules[0]"


async def test_whoever_may_not_write_models_changes_none(api: Api) -> None:
    refused = await change(api, "modelUpdate", api.viewer_key, modelId="sim-cheap", fields={"enabled": False})
    assert refused == {"__typename": "NotAllowed", "permission": "model:write"}


# --- roles --------------------------------------------------------------------------------------------------------------


async def test_roles_are_made_changed_and_deleted_beside_hand_written_ones(api: Api) -> None:
    before = text(api, "roles.yaml")
    made = await change(api, "roleCreate", name="auditor", permissions=["project:read", "report:read"], description="Looks")
    assert made["role"] == {"name": "auditor", "description": "Looks", "projectPermissions": ["project:read", "report:read"]}
    assert text(api, "roles.yaml").startswith(before)
    more = await change(api, "roleUpdate", name="auditor", permissions=["project:read"], description="")
    assert more["role"] == {"name": "auditor", "description": "", "projectPermissions": ["project:read"]}
    await change(api, "roleDelete", name="auditor")
    assert text(api, "roles.yaml") == before
    assert (await change(api, "roleDelete", name="auditor"))["__typename"] == "NotFound"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": "admin", "permissions": []}, "name"),
        ({"name": "editor", "permissions": []}, "name"),
        ({"name": "token-keeper", "permissions": []}, "name"),
        ({"name": "Not A Slug", "permissions": []}, "name"),
        ({"name": "root", "permissions": ["everything"]}, "roles.root.permissions[0]"),
    ],
)
async def test_a_role_that_cannot_be(api: Api, wish: dict[str, Any], field: str) -> None:
    assert problem(await change(api, "roleCreate", **wish))[0] == field


async def test_a_members_role_is_not_deleted(api: Api) -> None:
    path = "projects/support-bot/project.yaml"
    member = "members:\n  - {user: kim@example.org, role: token-keeper}\n"
    api.commit(path, (text(api, path) + member).encode())
    while (await api.data("{ revision { commit } }"))["revision"]["commit"] != api.head():
        pass
    assert "support-bot" in problem(await change(api, "roleDelete", name="token-keeper"))[1]
    api.commit(path, text(api, path).replace(member, "").encode())


# --- settings -----------------------------------------------------------------------------------------------------------


async def test_settings_are_changed_one_by_one(api: Api) -> None:
    comments = [line for line in text(api, "waybill.yaml").splitlines() if line.startswith("#")]
    done = await change(
        api, "settingsUpdate", journalFailure="SERVE", timeouts={"timeoutMs": 300_000, "idleTimeoutMs": None},
        retention={"rowsDays": 30, "auditDays": 30},
        limits={"rules": [{"metric": "COST", "window": "MONTHLY", "value": "1000"}]},
        review=[{"paths": ["providers/*"], "approvals": 2}, {"paths": ["**"], "limitRaisePercent": 20}],
        alertWebhooks=[{"url": "https://hooks.example.org/x?y=1", "secretEnv": "WAYBILL_SECRET_HOOK"}],
    )  # fmt: skip
    assert done["settings"] == {
        "journalFailure": "SERVE", "timeouts": {"timeoutMs": 300_000, "idleTimeoutMs": None},
        "retention": {"rowsDays": 30, "tracesMaxMb": 4096, "auditDays": 30},
        "limits": {"rules": [{"metric": "COST", "value": "1000"}]},
        "review": [{"paths": ["providers/*"], "approvals": 2, "limitRaisePercent": None},
                   {"paths": ["**"], "approvals": 1, "limitRaisePercent": 20}],
        "alertWebhooks": [{"url": "https://hooks.example.org/x?y=1", "allowPrivateAddress": False,
                           "secret": {"source": "ENV", "name": "WAYBILL_SECRET_HOOK", "origin": "https://hooks.example.org"}}],
    }  # fmt: skip
    assert [line for line in text(api, "waybill.yaml").splitlines() if line.startswith("#")] == comments
    emptied = await change(api, "settingsUpdate", review=[], alertWebhooks=[], limits=None, journalFailure="REFUSE")
    assert (emptied["settings"]["review"], emptied["settings"]["alertWebhooks"]) == ([], [])
    assert "review" not in text(api, "waybill.yaml")


async def test_traces_without_a_bound_are_said_in_the_file_and_read_as_they_were_set(api: Api) -> None:
    for wished, line in ((None, "traces_max_mb: null"), (5, "traces_max_mb: 5"), (None, "traces_max_mb: null")):
        done = await change(api, "settingsUpdate", retention={"tracesMaxMb": wished})
        assert done["settings"]["retention"]["tracesMaxMb"] == wished
        assert line in text(api, "waybill.yaml")
    again = await change(api, "settingsUpdate", retention={"tracesMaxMb": None, "auditDays": 31})
    assert again["settings"]["retention"]["tracesMaxMb"] is None


async def test_a_webhook_needs_one_secret_and_settings_their_permission(api: Api) -> None:
    both = {"url": "https://x.example", "secretEnv": "WAYBILL_SECRET_A", "secretFile": "a"}
    assert problem(await change(api, "settingsUpdate", alertWebhooks=[both]))[0] == "alertWebhooks[0]"
    refused = await change(api, "settingsUpdate", api.viewer_key, journalFailure="SERVE")
    assert refused == {"__typename": "NotAllowed", "permission": "settings:write"}
