"""What is really carried out, behind the guard: whole mutations, their answers and what they leave behind, by people whose
rights are lopsided. A refusal leaves nothing behind, and what was done is answered whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.clock import now_ms
from tests.api.access_subjects import FOREIGN, OWN, email_of, settle
from tests.api.changes import change, success_of, text
from tests.api.conftest import ADMIN_KEY, Api, running
from tests.api.journalled import finished, request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

READS = ["content:read", "model:read", "project:read", "report:read", "user:read"]
CALLS = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "9"}]}
LESS = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "7"}]}
MODEL = {"provider": "simulated", "upstreamName": "x"}
REVERT = """mutation($input: RevertInput!) { revert(input: $input) { __typename
  ... on Reverted { change { revision } } ... on NotAllowed { permission } ... on Conflict { message } } }"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys() -> AsyncIterator[dict[str, str]]:
    yield {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("carried") / "data", prepare) as api:
        await change(api, "roleCreate", name="empty", permissions=[])
        await api.record(
            *(finished(number, project=slug, token="laptop", at_ms=now_ms()) for number, slug in ((1, OWN), (2, FOREIGN)))
        )
        yield api


async def answered(api: Api, key: str, mutation: str, fields: str, wish: dict[str, Any]) -> Any:
    name = mutation[0].upper() + mutation[1:]
    query = f"""mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ __typename
      ... on {success_of(mutation)} {{ change {{ revision }} {fields} }} ... on NotAllowed {{ permission }} }} }}"""
    return (await api.post(query, key, input={"expectedRevision": api.head(), "reason": "test", **wish})).json()


# Who, what, with which selection, and the permission that is said to be missing; None: NotFound, they may not see the project.
REFUSED: list[tuple[str, str, str, dict[str, Any], str | None]] = [
    # A member of one project grants in all of them nothing that they have in one.
    ("own-people", "roleUpdate", "", {"name": "empty", "permissions": READS}, "content:read"),
    ("own-people", "roleUpdate", "", {"name": "empty", "permissions": ["project:read"]}, "project:read"),
    ("own-people", "roleCreate", "", {"name": "more", "permissions": ["model:read"]}, "model:read"),
    ("own-people", "roleUpdate", "", {"name": "empty", "permissions": ["project:write"]}, "project:write"),
    ("people", "roleUpdate", "", {"name": "empty", "permissions": ["settings:write"]}, "settings:write"),
    # What all projects are held to is for those who see all of them.
    ("own-shaper", "modelUpdate", "", {"modelId": "sim-fast", "fields": {"limits": CALLS}}, "limit:write"),
    ("own-settler", "settingsUpdate", "", {"limits": CALLS}, "limit:write"),
    # Nothing is changed unseen.
    ("setter", "settingsUpdate", "settings { revision }", {"retention": {"auditDays": 31}}, "project:read"),
    ("blind-modeller", "modelCreate", "model { id }", {"modelId": "unseen", **MODEL}, "model:read"),
    ("own-blind", "tokenCreate", "value token { id }", {"project": OWN, "name": "Lost"}, None),
    ("own-blind", "projectUpdate", "", {"slug": OWN, "description": "x"}, None),
    ("own-blind", "memberSet", "", {"project": OWN, "user": "x@x.org", "role": "blind"}, None),
    ("blind", "projectUpdate", "project { slug }", {"slug": FOREIGN, "description": "x"}, None),
    ("blind", "projectDelete", "", {"slug": FOREIGN}, None),
    ("blind", "routingUpdate", "", {"project": FOREIGN, "models": []}, None),
    ("blind-in", "projectUpdate", "", {"slug": FOREIGN, "description": "x"}, None),
    ("blind-in", "tokenCreate", "value", {"project": FOREIGN, "name": "Lost"}, None),
    # A project's own provider is nothing for whoever may not see the project.
    ("modeller", "providerCreate", "", {"providerId": "own-one", "kind": "SIMULATED", "project": FOREIGN}, None),
]


@pytest.mark.parametrize(("subject", "mutation", "fields", "wish", "permission"), REFUSED)
async def test_what_is_refused_leaves_nothing_behind(
    api: Api, keys: dict[str, str], subject: str, mutation: str, fields: str, wish: dict[str, Any], permission: str | None
) -> None:
    head = api.head()
    answer = await answered(api, keys[subject], mutation, fields, wish)
    assert "errors" not in answer
    done = answer["data"][mutation]
    expected = ("NotFound", None) if permission is None else ("NotAllowed", permission)
    assert (done["__typename"], done.get("permission")) == expected
    assert api.head() == head


DONE: list[tuple[str, str, str, dict[str, Any]]] = [
    ("own-people", "roleCreate", "role { globalPermissions }", {"name": "readers", "permissions": ["user:read"]}),
    ("own-people", "roleUpdate", "role { globalPermissions }", {"name": "empty", "permissions": ["user:read", "user:write"]}),
    ("own-shaper", "modelCreate", "model { id limitUse { used } provider { id } }", {"modelId": "shaped", **MODEL}),
    ("own-settler", "settingsUpdate", "settings { revision alertWebhooks { url } }", {"retention": {"auditDays": 32}}),
    ("modeller", "modelCreate", "model { id limitUse { used } }", {"modelId": "modelled", **MODEL}),
    ("modeller", "providerCreate", "provider { id models { id } }", {"providerId": "shared-one", "kind": "SIMULATED"}),
    ("own-keeper", "tokenCreate", "value token { id lastUsedAt limitUse { used } }", {"project": OWN, "name": "Kept"}),
    ("own-limiter", "projectUpdate", "project { slug limitUse { used } }", {"slug": OWN, "limits": CALLS}),
    ("blind-in", "projectCreate", "project { slug today { calls } }", {"name": "Begun"}),
    ("blind-in", "projectUpdate", "project { slug }", {"slug": OWN, "description": "Mine"}),
    ("blind-in", "tokenCreate", "value token { id }", {"project": OWN, "name": "Shown"}),
    ("builder", "projectUpdate", "project { today { calls } routing { models { model { id } } } }", {"slug": OWN, "name": "B"}),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "mutation", "fields", "wish"), DONE)
async def test_what_is_done_is_answered_whole(
    api: Api, keys: dict[str, str], subject: str, mutation: str, fields: str, wish: dict[str, Any]
) -> None:
    head = api.head()
    answer = await answered(api, keys[subject], mutation, fields, wish)
    done, asked = answer["data"][mutation], fields.partition(" ")[0]
    assert done["change"]["revision"] == api.head() != head
    assert done[asked] is not None
    # A model inside a routing is null, with an error, without `model:read`.
    assert {each["extensions"]["code"] for each in answer.get("errors", ())} <= (
        {"FORBIDDEN"} if subject == "builder" else set()
    )


async def test_a_role_that_somebody_has_does_not_grow_by_a_member_of_one_project(api: Api, keys: dict[str, str]) -> None:
    held = await change(api, "roleCreate", name="held", permissions=["user:read"])
    assert held["__typename"] == "RoleCreated"
    update = "mutation($input: UserUpdateInput!) { userUpdate(input: $input) { __typename } }"
    found = (await api.data('{ users(search: "ended@") { nodes { id } } }'))["users"]["nodes"][0]["id"]
    await api.data(update, input={"id": found, "role": "held", "reason": "test"})
    refused = await change(api, "roleUpdate", key=keys["own-people"], name="held", permissions=["user:read", "project:read"])
    assert (refused["__typename"], refused["permission"]) == ("NotAllowed", "project:read")
    assert (await api.post("{ projects { totalCount } }", keys["ended"])).json()["errors"][0]["extensions"][
        "code"
    ] == "FORBIDDEN"


async def test_a_conflict_shows_no_file_of_a_project_that_one_may_not_see(api: Api, keys: dict[str, str]) -> None:
    before = api.head()
    await change(api, "projectUpdate", slug=FOREIGN, description="A secret")
    for subject in ("blind", "blind-in"):
        done = await change(api, "projectUpdate", key=keys[subject], slug=FOREIGN, description="x", expectedRevision=before)
        assert done["__typename"] == "NotFound"
        assert "secret" not in str(done)


async def test_a_user_is_made_only_by_whoever_sees_the_answer(api: Api, keys: dict[str, str]) -> None:
    create = """mutation($input: UserCreateInput!) { userCreate(input: $input) { __typename
      ... on UserCreated { password user { id } } ... on NotAllowed { permission } } }"""
    wish = {"email": "nobody-saw@x.org", "role": "empty", "reason": "test"}
    refused = (await api.data(create, keys["blind-people"], input=wish))["userCreate"]
    assert refused == {"__typename": "NotAllowed", "permission": "user:read"}
    assert (await api.data('{ users(search: "nobody-saw") { nodes { id } } }'))["users"]["nodes"] == []


# --- reading ---


@pytest.mark.parametrize(
    ("subject", "slugs"), [("admin", {OWN, FOREIGN}), ("blind-in", {OWN}), ("own-blind", None), ("blind", None)]
)
async def test_reports_are_of_projects_that_one_sees(
    api: Api, keys: dict[str, str], subject: str, slugs: set[str] | None
) -> None:
    queries = {
        "usage": "{ usage(groupBy: [PROJECT]) { groups { project } } }",
        "requestLogs": "{ requestLogs { nodes { projectSlug } } }",
        "limitEvents": "{ limitEvents { nodes { project } } }",
    }
    key = keys[subject]
    for name, query in queries.items():
        answer = (await api.post(query, key)).json()
        if slugs is None:
            assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"], name
        else:
            assert "errors" not in answer, answer
            assert (FOREIGN in str(answer["data"])) is (FOREIGN in slugs and name != "limitEvents"), name
    query = "query($p: String) { limits(project: $p) { project } }"
    answer = (await api.post(query, key, p=FOREIGN)).json()
    assert ("errors" in answer) is (slugs is None or FOREIGN not in slugs)
    found = await api.data(f'{{ requestLog(id: "{request_id(2)}") {{ id }} }}', ADMIN_KEY)
    node = (await api.post("query($id: ID!) { node(id: $id) { id } }", key, id=found["requestLog"]["id"])).json()
    assert (node["data"]["node"] is not None) is (slugs is not None and FOREIGN in slugs)


async def test_a_provider_of_a_hidden_project_is_not_there_for_whoever_reads_models_alone(
    api: Api, keys: dict[str, str]
) -> None:
    made = await change(api, "providerCreate", providerId="foreign-one", kind="SIMULATED", project=FOREIGN)
    assert made["__typename"] == "ProviderCreated"
    for subject in ("modeller", "own-shaper", "own-viewer"):
        seen = await api.data('{ provider(id: "foreign-one") { id } providers { nodes { providerId } } }', keys[subject])
        assert seen["provider"] is None
        assert "foreign-one" not in str(seen)


# --- reverts ---


async def reverted(api: Api, key: str, revision: str) -> Any:
    wish = {"revision": revision, "expectedRevision": api.head(), "reason": "test"}
    return (await api.data(REVERT, key, input=wish))["revert"]


async def test_a_revert_takes_what_its_files_take(api: Api, keys: dict[str, str]) -> None:
    async def of(subject: str, revision: str) -> str:
        head = api.head()
        done = await reverted(api, keys[subject], revision)
        outcome = str(done.get("permission", done["__typename"]))
        assert (api.head() != head) is (outcome == "Reverted")
        return outcome

    limits = (await change(api, "projectUpdate", slug=OWN, limits=LESS))["revision"]
    assert [await of(each, limits) for each in ("own-viewer", "own-editor")] == ["limit:write", "limit:write"]
    assert [await of(each, limits) for each in ("own-blind", "blind", "own-limiter")] == ["NotFound", "NotFound", "Reverted"]
    member = (await change(api, "memberSet", project=OWN, user=email_of("auditor"), role="viewer"))["revision"]
    assert [await of(each, member) for each in ("own-editor", "own-admin")] == ["member:write", "Reverted"]
    foreign = (await change(api, "projectUpdate", slug=FOREIGN, description="Other"))["revision"]
    assert [await of(each, foreign) for each in ("own-admin", "own-people", "blind")] == ["NotFound"] * 3
    await change(api, "roleCreate", name="shrunk", permissions=["project:read", "user:read"])
    shrunk = (await change(api, "roleUpdate", name="shrunk", permissions=["user:read"]))["revision"]
    # What is of the whole installation is undone by those who see all of its files.
    assert [await of(each, shrunk) for each in ("own-people", "people", "operator", "admin")] == [
        "NotFound", "NotFound", "user:write", "Reverted"
    ]  # fmt: skip


async def test_an_undone_description_is_there(api: Api, keys: dict[str, str]) -> None:
    await change(api, "projectUpdate", slug=OWN, description="First")
    second = (await change(api, "projectUpdate", slug=OWN, description="Second"))["revision"]
    assert (await reverted(api, keys["own-editor"], second))["__typename"] == "Reverted"
    assert "description: First" in text(api, f"projects/{OWN}/project.yaml")


# --- what is noted ---

AUDIT = """query($action: String!) { auditLog(first: 20, filter: {action: $action, outcome: DENIED}) {
  nodes { userId subject detail } } }"""


async def test_an_attempt_at_more_than_one_s_own_is_in_the_audit_trail(api: Api, keys: dict[str, str]) -> None:
    query = (
        '{ admin: users(search: "admin@matrix") { nodes { id } } mine: users(search: "people@matrix") { nodes { id email } } }'
    )
    found = await api.data(query)
    admin = found["admin"]["nodes"][0]["id"]
    mine = next(each["id"] for each in found["mine"]["nodes"] if each["email"] == email_of("people"))
    attempts: list[tuple[str, dict[str, Any], str]] = [
        ("userCreate", {"email": "Second@x.org", "role": "admin"}, "second@x.org"),
        ("userPasswordReset", {"id": admin}, email_of("admin")),
        ("userUpdate", {"id": mine, "role": "admin"}, email_of("people")),
        ("userUpdate", {"id": admin, "disabled": True}, email_of("admin")),
        ("userDelete", {"id": admin}, email_of("admin")),
        ("userKeysRevoke", {"id": admin}, email_of("admin")),
    ]
    for mutation, wish, subject in attempts:
        name = mutation[0].upper() + mutation[1:]
        document = f"mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ __typename }} }}"
        assert (await api.data(document, keys["people"], input={"reason": "test", **wish}))[mutation] == {
            "__typename": "NotAllowed"
        }
        # Whoever looks after users reads whom it was about; they are no project's.
        row = (await api.data(AUDIT, keys["auditor"], action=f"Mutation.{mutation}"))["auditLog"]["nodes"][0]
        assert (row["userId"], row["subject"]) == (mine, subject)
        assert row["detail"]["permission"] == "content:read"


async def test_an_attempt_to_undo_what_is_hidden_is_in_the_audit_trail(api: Api, keys: dict[str, str]) -> None:
    hidden = (await change(api, "projectUpdate", slug=FOREIGN, description="Undo me"))["revision"]
    assert (await reverted(api, keys["own-admin"], hidden))["__typename"] == "NotFound"
    row = (await api.data(AUDIT, action="Mutation.revert"))["auditLog"]["nodes"][0]
    assert (row["subject"], row["detail"]["permission"]) == (FOREIGN, "project:read")
    narrowed = (await api.data(AUDIT, keys["own-people"], action="Mutation.revert"))["auditLog"]["nodes"][0]
    assert narrowed["subject"] == ""
