"""What one may not see does not exist: another project's own provider, and the names of projects in what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.graphql.ids import node_id
from core.paths import provider_path
from tests.api.access_subjects import FOREIGN, OWN, email_of, settle
from tests.api.changes import change, text
from tests.api.conftest import Api, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN, ABSENT = "sec-prov", "not-there"
MEMBER = "own-modeller"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys() -> AsyncIterator[dict[str, str]]:
    yield {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    """With a provider of the foreign project, one of the own, and a model of each."""

    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("names") / "data", prepare) as api:
        for provider, slug in ((HIDDEN, FOREIGN), ("own-prov", OWN)):
            made = await change(api, "providerCreate", providerId=provider, kind="SIMULATED", project=slug)
            assert made["__typename"] == "ProviderCreated", made
            model = f"{provider.removesuffix('-prov')}-model"
            made = await change(api, "modelCreate", modelId=model, provider=provider, upstreamName="x")
            assert made["__typename"] == "ModelCreated", made
        await change(api, "roleCreate", name="holder", permissions=["project:read"])
        held = await change(api, "memberSet", project=FOREIGN, user=email_of("ended"), role="holder")
        assert held["__typename"] == "MemberSet", held
        yield api


async def alike(api: Api, key: str, ask: Any) -> Any:
    """What `ask(id)` answers of the hidden provider, which must be what it answers of one that is not there."""
    hidden, absent = [str(await ask(each, key)).replace(each, "…") for each in (HIDDEN, ABSENT)]
    assert hidden == absent
    return hidden


# --- another project's provider ---


MODEL = '{ model(id: "%s-model") { provider { providerId projectSlug credential { source } } } }'


@pytest.mark.parametrize("subject", [MEMBER, "own-viewer", "own-admin"])
async def test_a_model_at_another_project_s_provider_is_not_there(api: Api, keys: dict[str, str], subject: str) -> None:
    sec, own = [(await api.data(MODEL % each, keys[subject]))["model"] for each in ("sec", "own")]
    assert (sec, own["provider"]["projectSlug"]) == (None, OWN)
    assert (await api.data(MODEL % "sec", keys["viewer"]))["model"]["provider"]["projectSlug"] == FOREIGN
    listed = await api.data("{ models(first: 200) { totalCount nodes { modelId } edges { cursor } } }", keys[subject])
    everything = await api.data("{ models(first: 200) { totalCount nodes { modelId } edges { cursor } } }")
    assert listed["models"]["totalCount"] == len(listed["models"]["edges"]) == everything["models"]["totalCount"] - 1
    assert {"modelId": "sec-model"} not in listed["models"]["nodes"]

    async def at(provider: str, key: str) -> Any:
        return await api.data("query($id: String) { models(provider: $id) { totalCount } }", key, id=provider)

    await alike(api, keys[subject], at)


async def test_who_sees_no_project_sees_no_project_s_model(api: Api, keys: dict[str, str]) -> None:
    assert (await api.data(MODEL % "sec", keys["modeller"]))["model"] is None
    assert (await api.data('{ model(id: "sim-fast") { modelId } }', keys["modeller"]))["model"] is not None


async def test_a_hidden_model_is_changed_and_named_as_one_that_is_not_there(api: Api, keys: dict[str, str]) -> None:
    async def ask(wish: str, model: str) -> Any:
        if wish == "routing":
            done = await change(api, "routingModelAdd", key=keys["own-admin"], project=OWN, model=model, dryRun=True)
        else:
            done = await change(api, wish, key=keys[MEMBER], modelId=model, dryRun=True)
        return str({name: done.get(name) for name in ("__typename", "problems", "message")}).replace(model, "…")

    for wish in ("routing", "modelUpdate", "modelDelete"):
        assert await ask(wish, "sec-model") == await ask(wish, "not-there"), wish


async def test_a_provider_that_became_everybody_s_does_not_tell_whose_it_was(api: Api, keys: dict[str, str]) -> None:
    made = await change(api, "providerCreate", providerId="was-sec", kind="SIMULATED", project=FOREIGN)
    freed = await change(api, "providerUpdate", providerId="was-sec", project=None)
    assert freed["__typename"] == "ProviderUpdated", freed
    path = provider_path("was-sec")
    query = """query($path: String!, $old: String!) {
      now: file(path: $path) { text } old: file(path: $path, revision: $old) { text }
      history(path: $path) { nodes { reason changedFiles diff { unified } } }
      blame(path: $path, field: "project", revision: $old) { lines { text } } }"""
    seen = await api.data(query, keys["own-viewer"], path=path, old=made["revision"])
    assert (seen["now"]["text"].count(FOREIGN), seen["old"], seen["blame"]) == (0, None, None)
    assert FOREIGN not in str(seen["history"])
    assert FOREIGN in str((await api.data(query, keys["viewer"], path=path, old=made["revision"]))["old"])


@pytest.mark.parametrize("subject", [MEMBER, "own-viewer", "own-admin"])
async def test_its_file_its_history_and_who_wrote_it_are_not_there(api: Api, keys: dict[str, str], subject: str) -> None:
    async def read(provider: str, key: str) -> Any:
        query = """query($path: String!) { file(path: $path) { text } blame(path: $path, field: "kind") { lines { text } }
          history(path: $path) { nodes { reason diff { unified } } } }"""
        return await api.data(query, key, path=provider_path(provider))

    assert "simulated" not in await alike(api, keys[subject], read)
    whole = '{ history { nodes { changedFiles diff { unified } } } below: history(path: "providers") { nodes { reason } } }'
    said = str(await api.data(whole, keys[subject]))
    assert HIDDEN not in said
    assert "own-prov" in said
    assert "simulated" in str(await read(HIDDEN, keys["viewer"]))


WISHES: list[tuple[str, dict[str, Any]]] = [
    ("providerUpdate", {"enabled": False}),
    ("providerUpdate", {"baseUrl": "no address"}),
    ("providerDelete", {}),
    ("providerKeySet", {"credential": {"key": "k"}}),
    ("providerKeySet", {"credential": {}}),
]


@pytest.mark.parametrize(("mutation", "wish"), WISHES)
async def test_a_change_of_it_is_answered_as_of_one_that_is_not_there(
    api: Api, keys: dict[str, str], mutation: str, wish: dict[str, Any]
) -> None:
    async def ask(provider: str, key: str) -> Any:
        # `KeySet` is no verb of the flat answers, so this is asked as it is.
        name = mutation[0].upper() + mutation[1:]
        query = f"""mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ __typename
          ... on NotFound {{ message }} ... on ValidationFailed {{ message }} ... on NotAllowed {{ message }} }} }}"""
        given = {"providerId": provider, "expectedRevision": api.head(), "reason": "test", **wish}
        return await api.data(query, key, input=given)

    assert "NotFound" in await alike(api, keys[MEMBER], ask)
    assert "NotFound" not in str(await ask("own-prov", keys[MEMBER]))


async def test_an_id_that_is_taken_is_said_to_be_and_no_file_is_shown(api: Api, keys: dict[str, str]) -> None:
    wish = {"providerId": HIDDEN, "kind": "SIMULATED", "project": OWN}
    taken = await change(api, "providerCreate", key=keys[MEMBER], **wish)
    assert (taken["__typename"], taken["problems"][0]["field"]) == ("ValidationFailed", "providerId")
    assert FOREIGN not in str(taken)


async def test_it_cannot_be_told_from_an_absent_one_by_naming_it(api: Api, keys: dict[str, str]) -> None:
    async def ask(provider: str, key: str) -> Any:
        passing = {"methods": ["GET"], "paths": ["/v1/audio"], "defaultProvider": provider}
        done = await change(api, "projectUpdate", key=key, slug=OWN, passThrough=passing, dryRun=True)
        return {name: done.get(name) for name in ("__typename", "problems", "message")}

    said = await alike(api, keys["own-admin"], ask)
    assert "there is no provider `…`: providers/….yaml would be its file" in said
    assert (await ask("own-prov", keys["own-admin"]))["__typename"] == "ProjectUpdated"
    assert (await ask(HIDDEN, keys["operator-in"]))["__typename"] == "ProjectUpdated"


@pytest.mark.parametrize(("provider", "slug", "payload"), [("gone-own", OWN, "Reverted"), ("gone-other", FOREIGN, "NotFound")])
async def test_a_deleted_provider_comes_back_by_whoever_could_see_it(
    api: Api, keys: dict[str, str], provider: str, slug: str, payload: str
) -> None:
    await change(api, "providerCreate", providerId=provider, kind="SIMULATED", project=slug)
    gone = (await change(api, "providerDelete", providerId=provider))["revision"]
    query = "mutation($input: RevertInput!) { revert(input: $input) { __typename ... on NotFound { message } } }"
    wish = {"revision": gone, "expectedRevision": api.head(), "reason": "It is missed"}
    done = (await api.data(query, keys[MEMBER], input=wish))["revert"]
    assert done["__typename"] == payload, done


# --- names ---


async def test_a_name_that_is_taken_by_a_hidden_project_is_told_without_its_file(api: Api, keys: dict[str, str]) -> None:
    name = next(line for line in text(api, f"projects/{FOREIGN}/project.yaml").splitlines() if line.startswith("name: "))
    wish = {"slug": OWN, "name": name.removeprefix("name: ")}
    failed = await change(api, "projectUpdate", key=keys["own-admin"], **wish)
    assert (failed["problems"][0]["field"], FOREIGN in str(failed)) == ("name", False)
    assert "must be unique" in failed["message"]
    assert FOREIGN in str(await change(api, "projectUpdate", **wish))


async def test_who_uses_something_is_named_as_far_as_it_is_seen(api: Api, keys: dict[str, str]) -> None:
    model = {"modelId": "sim-fast", "dryRun": True}
    failed = await change(api, "modelDelete", key=keys["modeller"], **model)
    assert "is in use by projects that you may not see" in failed["message"]
    assert {OWN in failed["message"], FOREIGN in failed["message"]} == {False}
    assert OWN in (await change(api, "modelDelete", **model))["message"]
    role = {"name": "holder", "dryRun": True}
    failed = await change(api, "roleDelete", key=keys["people"], **role)
    assert "is a member's in projects that you may not see" in failed["message"]
    assert FOREIGN in (await change(api, "roleDelete", **role))["message"]


async def test_an_id_of_a_hidden_project_is_not_turned_into_its_slug(api: Api, keys: dict[str, str]) -> None:
    project = (await api.data(f'{{ project(slug: "{FOREIGN}") {{ id }} }}'))["project"]["id"]
    for named in (project, node_id("Token", f"{FOREIGN}/laptop"), node_id("Project", "0" * 26)):
        failed = await change(api, "projectUpdate", key=keys["own-admin"], slug=named, description="x")
        assert (failed["__typename"], failed["message"]) == ("NotFound", f"there is no project {named!r}")


async def test_a_fault_in_a_file_that_one_may_not_see_is_told_without_it(api: Api, keys: dict[str, str]) -> None:
    before = text(api, "waybill.yaml")
    api.commit("waybill.yaml", (before + "\nbroken-secret-line: x\n").encode())
    try:
        failed = await change(api, "projectUpdate", key=keys["own-admin"], slug=OWN, description="Other")
        assert failed["__typename"] == "ValidationFailed"
        assert failed["problems"] == [
            {"file": None, "line": None, "field": None, "reason": failed["message"]},
        ]
        assert "that you may not see" in failed["message"]
        assert "waybill.yaml" in (await change(api, "projectUpdate", slug=OWN, description="Other"))["message"]
    finally:
        api.commit("waybill.yaml", before.encode())


# --- the answer to a new project ---


@pytest.mark.parametrize("dry_run", [True, False])
async def test_who_creates_a_project_sees_it_in_the_answer(api: Api, keys: dict[str, str], dry_run: bool) -> None:
    await change(api, "roleCreate", name=f"maker-{dry_run}".lower(), permissions=["project:write"])
    found = (await api.data('{ users(search: "setter@") { nodes { id } } }'))["users"]["nodes"][0]["id"]
    update = """mutation($input: UserUpdateInput!) { userUpdate(input: $input) { __typename } }"""
    await api.data(update, input={"id": found, "role": f"maker-{dry_run}".lower(), "reason": "Makes projects"})
    done = await change(
        api, "projectCreate", "project { slug members { role } }", key=keys["setter"], name=f"Made {dry_run}", dryRun=dry_run
    )
    assert done["project"] == {"slug": f"made-{dry_run}".lower(), "members": [{"role": "admin"}]}
    taken = await change(api, "projectCreate", key=keys["setter"], name="Any", slug=OWN)
    assert (taken["__typename"], OWN in str(taken["problems"])) == ("ValidationFailed", False)
