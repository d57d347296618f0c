"""`history`, `revision`, `blame`, `file`, `projectAt` and `revert`: what was, who made it so, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from api.access import GlobalRole
from api.database.engine import open_engine, sqlite_url
from api.people import People
from api.repository.commits import WAYBILL
from api.repository.store import Edit
from tests.api.conftest import ADMIN, PASSWORD, VIEWER, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEMO, BOT = "projects/demo/project.yaml", "projects/support-bot/project.yaml"
HISTORY = """query($project: String, $token: String, $path: String, $field: String, $first: Int, $after: String) {
  history(project: $project, token: $token, path: $path, field: $field, first: $first, after: $after) {
    nodes { id commit committedAt reason parents author { name email } trailers { key value } changedFiles }
    pageInfo { hasNextPage endCursor } } }"""
REVERT = """mutation($input: RevertInput!) { revert(input: $input) { __typename
  ... on Reverted { change { revision changedFiles dryRun replayed diff { path change unified before after } }
    reverted { commit reason } }
  ... on Conflict { message headRevision files { path read head proposed } }
  ... on ValidationFailed { message problems { file field reason } diff { path change unified } }
  ... on NotAllowed { permission }
  ... on NotFound { message } } }"""
UPDATE = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename
  ... on ProjectUpdated { change { revision } } } }"""


async def rename(api: Api, name: str, slug: str = "demo") -> str:
    wish = {"slug": slug, "expectedRevision": api.head(), "reason": f"Call it {name}", "name": name}
    done = (await api.data(UPDATE, input=wish))["projectUpdate"]
    assert done["__typename"] == "ProjectUpdated"
    return str(done["change"]["revision"])


async def history(api: Api, key: str | None = None, **about: Any) -> list[dict[str, Any]]:
    answer = await (api.data(HISTORY, key, **about) if key else api.data(HISTORY, **about))
    return list(answer["history"]["nodes"])


async def revert(api: Api, revision: str, key: str | None = None, **wish: Any) -> dict[str, Any]:
    wish = {"revision": revision, "expectedRevision": api.head(), "reason": "Take it back", **wish}
    answer = await (api.data(REVERT, key, input=wish) if key else api.data(REVERT, input=wish))
    return dict(answer["revert"])


def commit_all(api: Api, changes: Mapping[str, bytes | None], reason: str) -> str:
    edit = Edit(changes=changes, author=WAYBILL, reason=reason, base=api.head())
    return api.repository.commit(edit, check=lambda head, landing: None).revision


async def user(api: Api, email: str, role: str) -> str:
    """Somebody with a custom role; their API key."""
    engine = open_engine(sqlite_url(api.layout.database))
    try:
        people = People(engine)
        return await people.create_key(await people.create_user(email, PASSWORD, cast("GlobalRole", role)), "test")
    finally:
        await engine.dispose()


async def published(api: Api, revision: str) -> None:
    """Until the API has published a commit that was made past it."""
    query = "subscription($after: String) { revisions(after: $after) { cursor } }"
    async for payload in api.stream(query, after=api.repository.parent(revision)):
        if payload["data"]["revisions"]["cursor"] == revision:
            return


async def test_a_project_has_a_history_with_author_reason_and_trailers(api: Api) -> None:
    revision = await rename(api, "Demo two")
    found = await history(api, project="demo")
    assert found[0] == {
        "id": found[0]["id"],
        "commit": revision,
        "committedAt": found[0]["committedAt"],
        "reason": "Call it Demo two",
        "parents": [found[1]["commit"]],
        "author": {"name": "Admin", "email": ADMIN},
        "trailers": found[0]["trailers"],
        "changedFiles": [DEMO],
    }
    assert {trailer["key"] for trailer in found[0]["trailers"]} == {"Waybill-Actor", "Waybill-Request"}
    assert found[-1]["reason"] == "The sample"
    assert (await api.data("query($id: ID!) { node(id: $id) { ... on Revision { commit } } }", id=found[0]["id"]))["node"] == {
        "commit": revision
    }


async def test_a_history_is_asked_for_by_token_by_field_and_page_by_page(api: Api) -> None:
    before = len(await history(api, path="projects/support-bot/project.yaml"))
    for name in ("Bot one", "Bot two", "Bot three"):
        await rename(api, name, "support-bot")
    await rename(api, "Something else")
    assert [each["reason"] for each in await history(api, project="support-bot", field="name", first=2)] == [
        "Call it Bot three", "Call it Bot two",
    ]  # fmt: skip
    assert len(await history(api, project="support-bot", field="id")) == 1
    found, after = [], None
    while True:
        page = (await api.data(HISTORY, path=BOT, first=2, after=after))["history"]
        found += [node["reason"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found[:3] == ["Call it Bot three", "Call it Bot two", "Call it Bot one"]
    assert len(found) == before + 3
    tokens = [path for path in api.repository.files(api.head()) if path.startswith("projects/demo/tokens/")]
    for path in tokens:
        assert len(await history(api, project="demo", token=path.rsplit("/")[-1].removesuffix(".yaml"))) == 1
    assert await history(api, project="demo", token="nobody") == []


@pytest.mark.parametrize(
    "about",
    [
        {"token": "x"},
        {"field": "name"},
        {"project": "demo", "path": DEMO},
        {"path": DEMO, "field": "a["},
        {"after": "nonsense"},
    ],
)
async def test_arguments_that_do_not_fit_are_refused(api: Api, about: dict[str, str]) -> None:
    answer = (await api.post(HISTORY, **about)).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_revision_shows_what_it_changed(api: Api) -> None:
    before = api.repository.read(api.head(), DEMO)[0].decode()
    revision = await rename(api, "Shown")
    query = """query($id: ID) { revision(id: $id) { commit author { email }
      diff { path change unified before after } other: diff(paths: ["projects/support-bot"]) { path } } }"""
    found = (await api.data(query, id=revision))["revision"]
    (diff,) = found.pop("diff")
    assert found == {"commit": revision, "author": {"email": ADMIN}, "other": []}
    assert (diff["path"], diff["change"], diff["before"]) == (DEMO, "MODIFIED", before)
    assert "+name: Shown\n" in diff["unified"]
    assert diff["after"] == api.repository.read(revision, DEMO)[0].decode()
    assert (await api.data(query))["revision"]["commit"] == revision
    for unknown in ("0" * 40, "main", "--all", revision[:12]):
        assert (await api.data(query, id=unknown))["revision"] is None


async def test_blame_says_who_set_a_field_when_and_why(api: Api) -> None:
    revision = await rename(api, "Blamed")
    query = """query($path: String!, $field: String!, $at: String) { blame(path: $path, field: $field, revision: $at) {
      field atRevision revision { commit reason author { email } committedAt } lines { line text revision { commit } } } }"""
    found = (await api.data(query, path=DEMO, field="name"))["blame"]
    assert (found["revision"]["commit"], found["revision"]["reason"]) == (revision, "Call it Blamed")
    assert [(line["text"], line["revision"]["commit"]) for line in found["lines"]] == [("name: Blamed", revision)]
    older = (await api.data(query, path=DEMO, field="id", at=revision))["blame"]
    assert older["revision"]["reason"] == "The sample"
    assert (await api.data(query, path=DEMO, field="labels.none"))["blame"] is None
    assert (await api.data(query, path="projects/none/project.yaml", field="name"))["blame"] is None


async def test_files_and_projects_are_read_at_any_revision(api: Api) -> None:
    before = api.head()
    old = api.repository.read(before, DEMO)[0].decode()
    await rename(api, "Later")
    query = """query($at: String!, $path: String!) { file(path: $path, revision: $at) { revision blob text }
      projectAt(slug: "demo", revision: $at) { slug name revision models } now: project(slug: "demo") { name } }"""
    found = await api.data(query, at=before, path=DEMO)
    assert (found["file"]["text"], found["file"]["revision"]) == (old, before)
    assert (found["projectAt"]["name"], found["projectAt"]["revision"]) == ("Blamed", before)
    assert found["now"]["name"] == "Later"
    assert (await api.data(query, at="0" * 40, path=DEMO))["projectAt"] is None
    assert (await api.data(query, at=before, path="../../etc/passwd"))["file"] is None
    assert (await api.data('{ file(path: "projects") { text } }'))["file"] is None


OBJECTS = """query($at: String) { model(id: "sim-fast", at: $at) { revision contextWindow provider { baseUrl enabled } }
  provider(id: "simulated", at: $at) { revision maxConnections }
  token(project: "demo", id: "old", at: $at) { name limits { rules { value } } }
  roles(at: $at) { name projectPermissions } settings(at: $at) { revision retention { auditDays } } }"""


async def test_every_object_is_read_at_any_revision(api: Api) -> None:
    before = api.head()
    models, providers = ("models/sim-fast.yaml", "providers/simulated.yaml")
    old = api.repository.contents(before, [models, providers, "waybill.yaml", "roles.yaml"])
    token = (
        b"name: Then\nsha256: "
        + b"c" * 64
        + b"\nprefix: sk-lr-c\nlimits: {rules: [{metric: calls, window: daily, value: 7}]}\n"
    )
    changes: dict[str, bytes | None] = {
        models: old[models].replace(b"context_window: ", b"context_window: 1"),
        providers: old[providers] + b"max_connections: 7\n",
        "waybill.yaml": b"format: 1\nretention: {audit_days: 77}\n",
        "roles.yaml": b"roles: {guest: {permissions: ['project:read']}}\n",
        "projects/demo/tokens/old.yaml": token,
    }
    then = commit_all(api, changes, "For a while")
    now = commit_all(api, {path: old.get(path) for path in changes}, "As before")
    await published(api, now)
    found, today, first = [await api.data(OBJECTS, at=at) for at in (then, None, before)]
    assert (found["model"]["revision"], found["provider"]["revision"]) == (then, then)
    assert found["model"]["contextWindow"] == int(f"1{today['model']['contextWindow']}")
    assert (found["provider"]["maxConnections"], today["provider"]["maxConnections"]) == (
        7,
        first["provider"]["maxConnections"],
    )
    assert (found["token"], today["token"]) == ({"name": "Then", "limits": {"rules": [{"value": "7"}]}}, None)
    assert {"name": "guest", "projectPermissions": ["project:read"]} in found["roles"]
    assert "guest" not in {role["name"] for role in today["roles"]}
    assert (found["settings"], today["settings"]["retention"]) == (
        {"revision": then, "retention": {"auditDays": 77}},
        {"auditDays": 365},
    )
    error = (await api.post(OBJECTS, at="0" * 40)).json()["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


WEBHOOK = "https://hooks.example.com/services/T0/B0/s3cr3t-of-the-webhook"


@pytest.mark.parametrize(
    "url",
    [
        WEBHOOK,
        f'"{WEBHOOK}"',
        f'">-\n      {WEBHOOK}"'.strip('"'),
        '"' + WEBHOOK.replace("https:", "https\\x3a") + '"',
        f"{WEBHOOK} # {WEBHOOK}",
    ],
)
async def test_who_may_not_change_settings_sees_who_set_a_webhook_and_not_its_address(api: Api, url: str) -> None:
    before = api.repository.read(api.head(), "waybill.yaml")[0]
    webhook = f"alert_webhooks:\n  - url: {url}\n    secret: {{env: WAYBILL_SECRET_HOOK, origin: https://hooks.example.com}}\n"
    set_at = api.commit("waybill.yaml", before + webhook.encode(), "Alerts go to the chat")
    back = api.commit("waybill.yaml", before, "No webhook")
    await published(api, back)
    query = """query($at: String) { file(path: "waybill.yaml", revision: $at) { text }
      blame(path: "waybill.yaml", field: "format", revision: $at) { lines { text } revision { reason author { name } } }
      history(path: "waybill.yaml", first: 2) { nodes { reason diff { unified before after } } } }"""
    shown = await api.data(query, api.viewer_key, at=set_at)
    assert "s3cr3t" not in str(shown)
    assert [each["reason"] for each in shown["history"]["nodes"]] == ["No webhook", "Alerts go to the chat"]
    if "x3a" not in url:
        assert "url: https://not-shown.invalid" in shown["file"]["text"].replace('"', "").replace(">-\n      ", "")
        assert shown["blame"]["lines"][0]["text"].startswith("format: 1")
    assert "s3cr3t" in str(await api.data(query, at=set_at))


@pytest.mark.parametrize("path", ["..", "../x", "//", "a\0b", "projects/../waybill.yaml", "--all", ":(glob)**", "x" * 2000])
async def test_what_is_no_path_has_no_past(api: Api, path: str) -> None:
    query = """query($path: String!) { history(path: $path) { nodes { commit } } blame(path: $path, field: "a") { field }
      file(path: $path) { text } }"""
    assert await api.data(query, path=path) == {"history": {"nodes": []}, "blame": None, "file": None}


# --- revert -------------------------------------------------------------------------------------------------------------


async def test_a_revert_shows_its_difference_first_and_then_is_a_commit(api: Api) -> None:
    old = api.repository.read(api.head(), DEMO)[0]
    unwanted = await rename(api, "Unwanted")
    tried = await revert(api, unwanted, dryRun=True)
    assert (tried["__typename"], tried["change"]["dryRun"]) == ("Reverted", True)
    assert "-name: Unwanted\n" in tried["change"]["diff"][0]["unified"]
    assert api.head() == unwanted
    done = await revert(api, unwanted, idempotencyKey="revert-1")
    assert done["reverted"] == {"commit": unwanted, "reason": "Call it Unwanted"}
    assert done["change"]["changedFiles"] == [DEMO]
    assert (api.head(), api.repository.read(api.head(), DEMO)[0]) == (done["change"]["revision"], old)
    again = await revert(api, unwanted, idempotencyKey="revert-1", expectedRevision=unwanted)
    assert (again["change"]["revision"], again["change"]["replayed"]) == (api.head(), True)


async def test_a_revert_of_what_was_changed_since_is_a_conflict_with_every_version(api: Api) -> None:
    first = await rename(api, "First")
    second = await rename(api, "Second")
    found = await revert(api, first)
    assert (found["__typename"], found["headRevision"]) == ("Conflict", second)
    (file,) = found["files"]
    assert [f"name: {name}" in file[side] for side, name in (("read", "First"), ("head", "Second"))] == [True, True]
    assert "name: First" not in file["proposed"]
    assert api.head() == second


async def test_a_revert_that_would_not_be_valid_is_refused(api: Api) -> None:
    added = api.commit("models/extra.yaml", b"provider: simulated\nupstream_name: extra\n", "A model")
    routing = "projects/demo/routing.yaml"
    text = api.repository.read(api.head(), routing)[0]
    used = api.commit(routing, text.replace(b"models:\n", b"models:\n  - id: extra\n", 1), "Use it")
    await published(api, used)
    for dry in (True, False):
        found = await revert(api, added, dryRun=dry)
        assert found["__typename"] == "ValidationFailed"
        assert "there is no model `extra`" in found["problems"][0]["reason"]
        (diff,) = found["diff"]
        assert (diff["path"], diff["change"]) == ("models/extra.yaml", "DELETED")
        assert "-upstream_name: extra\n" in diff["unified"]
    assert (await revert(api, used))["__typename"] == (await revert(api, added))["__typename"] == "Reverted"


async def test_to_bring_back_a_project_takes_what_its_members_and_tokens_take(api: Api) -> None:
    changes: dict[str, bytes | None] = {
        "projects/gone/project.yaml": b"id: gone\nname: Gone\nmembers:\n  - {user: ada@example.org, role: admin}\n",
        "projects/gone/tokens/t.yaml": b"name: t\nsha256: " + b"ab" * 32 + b"\nprefix: sk-lr-abcd\n",
    }
    commit_all(api, changes, "There")
    gone = commit_all(api, dict.fromkeys(changes), "Not there")
    await published(
        api, api.commit("roles.yaml", b"roles:\n  builder:\n    permissions: ['project:read', 'project:write', 'model:read']\n")
    )
    key = await user(api, "builder@example.org", "builder")
    assert (await revert(api, gone, key)) == {"__typename": "NotAllowed", "permission": "member:write"}
    assert (await revert(api, gone))["change"]["changedFiles"] == sorted(changes)


async def test_a_revert_takes_what_the_change_itself_takes(api: Api) -> None:
    revision = await rename(api, "Not yours")
    assert (await revert(api, revision, api.viewer_key)) == {"__typename": "NotAllowed", "permission": "project:write"}
    readme = api.commit("README.md", b"# other words\n", "Words")
    assert (await revert(api, readme, api.viewer_key)) == {"__typename": "NotAllowed", "permission": "settings:write"}
    assert (await revert(api, "0" * 40))["__typename"] == "NotFound"


# --- what others may not see --------------------------------------------------------------------------------------------


async def test_a_member_sees_the_history_of_their_projects_alone(api: Api) -> None:
    text = api.repository.read(api.head(), BOT)[0]
    joined = api.commit(BOT, text + f"members:\n  - {{user: {VIEWER}, role: viewer}}\n".encode(), "Vi joins")
    await published(api, joined)
    try:
        secret = await rename(api, "Foreign")
        key = api.viewer_key
        mine = await history(api, key)
        assert mine[0]["commit"] == joined
        sample = mine[-1]
        assert sample["reason"] == "The sample"
        assert sample["changedFiles"]
        assert not [path for each in mine for path in each["changedFiles"] if "demo" in path or path == "waybill.yaml"]
        assert (await history(api, key, project="support-bot"))[0]["commit"] == joined
        for about in ({"project": "demo"}, {"path": DEMO}, {"path": "waybill.yaml"}, {"project": "demo", "field": "name"}):
            assert await history(api, key, **about) == []
        query = """query($id: ID!, $at: String!, $path: String!) { revision(id: $id) { commit author { name } reason
          trailers { key }
          changedFiles diff { path } } blame(path: $path, field: "name") { field } file(path: $path) { text }
          projectAt(slug: "demo", revision: $at) { name } }"""
        assert await api.data(query, key, id=secret, at=secret, path=DEMO) == {
            "revision": {
                "commit": secret, "author": None, "reason": None, "trailers": [], "changedFiles": [], "diff": [],
            },
            "blame": None, "file": None, "projectAt": None,
        }  # fmt: skip
        assert (await revert(api, secret, key))["__typename"] == "NotFound"
        assert (await api.data(query, key, id=joined, at=joined, path=BOT))["revision"]["reason"] == "Vi joins"
    finally:
        api.commit(BOT, text, "Vi leaves")
