"""`proxies`, `proxyState`, `revisions` and `configuration`: what runs where, what is published, what of it is not in use."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from api.repository.commits import WAYBILL
from api.repository.store import Edit
from core.published import ProxyState, Refused
from tests.api.changes import change
from tests.api.conftest import VIEWER, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEMO, BOT = "projects/demo/project.yaml", "projects/support-bot/project.yaml"
STATE = "id pid connected revision sequence behind lagMs refused { revision errors } reportedAt lastSeenAt"
REVISIONS = """subscription($after: String) { revisions(after: $after) { cursor gap
  revisions { commit reason author { name } changedFiles } } }"""
CONFIGURATION = (
    """{ configuration { head sequence revision { commit } degraded { path reason } refused { file line reason } } }"""
)


def says(api: Api, proxy: str, sequence: int, revision: str | None, pid: int | None = None, refused: str = "") -> None:
    """What a proxy does after each swap."""
    state = ProxyState(
        proxy_id=proxy,
        pid=pid or os.getpid(),
        revision=revision,
        sequence=sequence,
        at_ms=1_790_000_000_000,
        refused=Refused(api.head(), refused) if refused else None,
    )
    fresh = api.layout.proxies / f".{proxy}"
    fresh.write_bytes(msgspec.json.encode(state))
    fresh.replace(api.layout.proxy_state(proxy))


async def sequence_of(api: Api, revision: str) -> int:
    """The number under which a revision was published, once it is."""
    async with aclosing(revisions(api, api.repository.parent(revision))) as batches:
        async for batch in batches:
            if batch["cursor"] == revision:
                break
    return int((await api.data(CONFIGURATION))["configuration"]["sequence"])


async def revisions(api: Api, after: str | None, key: str | None = None) -> AsyncGenerator[dict[str, Any], None]:
    async with aclosing(api.stream(REVISIONS, key, after=after) if key else api.stream(REVISIONS, after=after)) as payloads:
        async for payload in payloads:
            yield payload["data"]["revisions"]


async def first(batches: AsyncGenerator[dict[str, Any], None]) -> dict[str, Any]:
    async with aclosing(batches):
        return await anext(batches)


async def test_proxies_say_what_they_run_how_far_behind_and_what_they_refused(api: Api) -> None:
    old = api.head()
    number = int((await api.data(CONFIGURATION))["configuration"]["sequence"])
    new = api.commit(DEMO, api.repository.read(old, DEMO)[0] + b"# more\n")
    assert await sequence_of(api, new) == number + 1
    says(api, "one", number + 1, new)
    says(api, "two", number, old, refused="it does not fit")
    says(api, "gone", number, old, pid=2**22 - 3)
    found = {state.pop("id"): state for state in (await api.data(f"{{ proxies {{ {STATE} }} }}"))["proxies"]}
    one, two, gone = found["one"], found["two"], found["gone"]
    assert (one["revision"], one["sequence"], one["behind"], one["lagMs"], one["refused"]) == (new, number + 1, 0, 0, None)
    assert (two["behind"], two["refused"], two["connected"]) == (1, {"revision": new, "errors": ["it does not fit"]}, True)
    assert 0 <= two["lagMs"] < 60_000
    assert (gone["connected"], gone["lastSeenAt"], gone["pid"]) == (False, gone["reportedAt"], 2**22 - 3)
    assert two["lastSeenAt"] > two["reportedAt"]


async def test_proxy_state_is_sent_at_each_change(api: Api) -> None:
    head = (await api.data(CONFIGURATION))["configuration"]
    says(api, "one", head["sequence"], head["head"])
    async with aclosing(api.stream(f"subscription {{ proxyState {{ {STATE} }} }}")) as payloads:
        states = [{each["id"]: each for each in (await anext(payloads))["data"]["proxyState"]}]
        assert (states[0]["one"]["behind"], states[0]["one"]["revision"]) == (0, head["head"])
        new = api.commit(DEMO, api.repository.read(api.head(), DEMO)[0] + b"# and more\n")
        async for payload in payloads:
            one = {each["id"]: each for each in payload["data"]["proxyState"]}["one"]
            if one["behind"] == 1:
                says(api, "one", head["sequence"] + 1, new)
            if one["revision"] == new:
                assert one["behind"] == 0
                break


async def test_revisions_are_sent_as_they_are_published_and_a_cursor_goes_on_without_loss(api: Api) -> None:
    start = api.head()
    made = []
    async with aclosing(revisions(api, start)) as batches:
        for number in range(3):
            made.append(api.commit(DEMO, f"id: demo\nname: Demo {number}\n".encode(), f"Number {number}"))
            batch = await anext(batches)
            assert (batch["cursor"], batch["gap"]) == (made[-1], False)
            assert batch["revisions"] == [
                {"commit": made[-1], "reason": f"Number {number}", "author": {"name": "Waybill"}, "changedFiles": [DEMO]}
            ]
    again = await first(revisions(api, made[0]))
    assert ([each["commit"] for each in again["revisions"]], again["cursor"]) == (made[1:], made[2])
    whole = await first(revisions(api, "0"))
    assert [each["commit"] for each in whole["revisions"]][-4:] == [start, *made]
    assert whole["revisions"][0]["reason"] == "The sample"


async def test_an_unknown_cursor_is_a_gap_and_goes_on_from_now(api: Api) -> None:
    for unknown in ("f" * 40, "nonsense", "--all"):
        batch = await first(revisions(api, unknown))
        assert batch == {"cursor": api.head(), "gap": True, "revisions": []}


async def test_a_member_is_sent_the_revisions_of_their_projects_alone(api: Api) -> None:
    bot = api.repository.read(api.head(), BOT)[0]
    start = api.commit(BOT, bot + f"members:\n  - {{user: {VIEWER}, role: viewer}}\n".encode(), "Vi joins")
    await sequence_of(api, start)
    async with aclosing(revisions(api, start, api.viewer_key)) as batches:
        foreign = api.commit(DEMO, b"id: demo\nname: Foreign\n", "Not for Vi")
        assert await anext(batches) == {"cursor": foreign, "gap": False, "revisions": []}
        theirs = api.commit(BOT, api.repository.read(api.head(), BOT)[0] + b"# theirs\n", "For Vi")
        batch = await anext(batches)
        assert [each["commit"] for each in batch["revisions"]] == [theirs]
    left = api.commit(BOT, bot, "Vi leaves")
    await sequence_of(api, left)


# --- a bad revision that came past the hook -----------------------------------------------------------------------------


def past_the_hook(api: Api, changes: dict[str, bytes | None], reason: str) -> str:
    """A commit that nobody checked, as a direct write would be."""
    edit = Edit(changes=changes, author=WAYBILL, reason=reason, base=api.head())
    return api.repository.commit(edit, check=lambda head, landing: None).revision


async def test_a_wrong_project_keeps_its_last_good_version_and_is_shown_as_degraded(api: Api) -> None:
    good = api.repository.read(api.head(), DEMO)[0]
    name = (await api.data('{ project(slug: "demo") { name } }'))["project"]["name"]
    wrong = past_the_hook(api, {DEMO: b"id: demo\nname: [\n", "projects/demo/tokens/bad.yaml": b"wrong: 1\n"}, "Past the hook")
    await sequence_of(api, wrong)
    try:
        state = (await api.data(CONFIGURATION))["configuration"]
        assert (state["head"], state["revision"]["commit"], state["refused"]) == (wrong, wrong, [])
        reasons = {each["path"]: each["reason"] for each in state["degraded"]}
        assert "projects/demo/tokens/bad.yaml" in reasons
        assert reasons[DEMO].startswith(f"{DEMO}:")
        assert (await api.data('{ project(slug: "demo") { name } }'))["project"]["name"] == name
        update = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename } }"""
        wish = {"slug": "support-bot", "expectedRevision": wrong, "reason": "Others go on", "name": "Still working"}
        assert (await api.data(update, input=wish))["projectUpdate"]["__typename"] == "ProjectUpdated"
    finally:
        mended = past_the_hook(api, {DEMO: good, "projects/demo/tokens/bad.yaml": None}, "Mended")
        await sequence_of(api, mended)
    assert (await api.data(CONFIGURATION))["configuration"]["degraded"] == []


async def test_a_wrong_global_file_refuses_the_revision_and_says_so(api: Api) -> None:
    before = api.head()
    good = api.repository.read(before, "waybill.yaml")[0]
    wrong = past_the_hook(api, {"waybill.yaml": b"format: 1\nnonsense: 1\n"}, "Past the hook")
    while not (state := (await api.data(CONFIGURATION))["configuration"])["refused"]:
        pass
    assert (state["head"], state["revision"]["commit"]) == (wrong, before)
    assert [(each["file"], each["line"]) for each in state["refused"]] == [("waybill.yaml", 2)]
    assert (await api.data(CONFIGURATION, api.viewer_key))["configuration"]["refused"] == state["refused"]
    await sequence_of(api, await mended_as_told(api, wrong))
    assert api.repository.read(api.head(), "waybill.yaml")[0] == good
    assert (await api.data(CONFIGURATION))["configuration"]["refused"] == []


async def mended_as_told(api: Api, wrong: str) -> str:
    """The way out that a change at a refused head is told."""
    refused = await change(api, "projectUpdate", slug="demo", description="Other")
    (problem,) = refused["problems"]
    assert (problem["file"], problem["line"]) == ("waybill.yaml", 2)
    assert f"by `revert` or a change of this file with the head as `expectedRevision` ({wrong})" in problem["reason"]
    undo = """mutation($input: RevertInput!) { revert(input: $input) {
      __typename ... on Reverted { change { revision changedFiles } } } }"""
    done = await api.data(undo, input={"revision": wrong, "expectedRevision": wrong, "reason": "As told"})
    assert done["revert"]["__typename"] == "Reverted"
    revision: str = done["revert"]["change"]["revision"]
    return revision
