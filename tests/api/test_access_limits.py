"""Limits hold against whoever may change what stands around them, but not the limits themselves."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from api.database.engine import open_engine, sqlite_url
from api.people import People
from tests.api.changes import change, text
from tests.api.conftest import PASSWORD, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "5"}]}
SMART = {"project": "demo", "model": "sim-smart"}
CHEAP = {"project": "demo", "model": "sim-cheap"}
OWN_LIMITS = "\nlimits:\n  rules:\n    - {metric: calls, window: daily, value: 100}\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def people(api: Api) -> dict[str, str]:
    """Keys of users who are members of `demo` alone, by role."""
    engine = open_engine(sqlite_url(api.layout.database))
    made = People(engine)
    keys: dict[str, str] = {}
    for role in ("editor", "admin"):
        email = f"{role}@members.example"
        keys[role] = await made.create_key(await made.create_user(email, PASSWORD, "viewer", role.title()), "test")
        await change(api, "memberSet", project="demo", user=email, role=role)
    await engine.dispose()
    return keys


async def refused(api: Api, permission: str, mutation: str, key: str, **wish: Any) -> None:
    head = api.head()
    done = await change(api, mutation, key=key, **wish)
    assert (done["__typename"], done.get("permission"), api.head()) == ("NotAllowed", permission, head), (mutation, wish)


async def test_a_model_s_entry_goes_with_its_limits_only_by_whoever_may_change_limits(api: Api, people: dict[str, str]) -> None:
    assert "revision" in await change(api, "routingModelUpdate", limits=LIMITS, **SMART)
    await refused(api, "limit:write", "routingModelUpdate", people["editor"], limits=None, **SMART)
    await refused(api, "limit:write", "routingModelRemove", people["editor"], **SMART)
    rest = [{"id": "sim-fast"}, {"id": "sim-cheap"}]
    await refused(api, "limit:write", "routingUpdate", people["editor"], project="demo", models=rest)
    # Whatever leaves the entry as it is stays an editor's.
    moved = await change(api, "routingModelMove", key=people["editor"], position=0, **SMART)
    removed = await change(api, "routingModelRemove", key=people["editor"], project="demo", model="sim-fast")
    assert [each["__typename"] for each in (moved, removed)] == ["RoutingUpdated", "RoutingUpdated"]
    assert (await change(api, "routingModelRemove", key=people["admin"], **SMART))["__typename"] == "RoutingUpdated"


async def test_an_entry_older_than_a_model_s_own_limits_cannot_be_changed_to_lift_more_of_them(
    api: Api, people: dict[str, str]
) -> None:
    admin = people["admin"]
    assert "revision" in await change(api, "routingModelUpdate", key=admin, limits=LIMITS, **CHEAP)
    token = (await change(api, "tokenCreate", "token { token }", key=admin, project="demo", name="t"))["token"]["token"]
    own = {"project": "demo", "token": token}
    entry = {"id": "sim-cheap", "limits": LIMITS}
    assert "revision" in await change(api, "tokenUpdate", key=admin, models=[entry], **own)
    path = "models/sim-cheap.yaml"
    api.commit(path, (text(api, path) + OWN_LIMITS).encode())
    await change(api, "tokenCreate", project="demo", name="So that it is published")
    more = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "999999"}]}
    for limits in (more, {"mode": "DISABLE"}):
        await refused(api, "model:write", "routingModelUpdate", admin, limits=limits, **CHEAP)
        await refused(api, "model:write", "tokenUpdate", admin, models=[entry | {"limits": limits}], **own)
    # What does not touch the entry, and what gives the model its own limits back, is theirs.
    assert "revision" in await change(api, "routingModelUpdate", key=admin, guidance="Cheap", **CHEAP)
    assert "revision" in await change(api, "routingModelUpdate", key=admin, limits=None, **CHEAP)
