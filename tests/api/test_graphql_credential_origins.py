"""Over the API, somebody who may write a project's providers cannot send the installation's keys to an address of theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.access_subjects import OWN, settle
from tests.api.conftest import ADMIN_KEY, Api, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENV = {"env": "WAYBILL_SECRET_OPENAI"}
THEIRS = "http://127.0.0.1:39998/v1"
CREATE = """mutation($input: ProviderCreateInput!) { providerCreate(input: $input) {
  __typename ... on NotAllowed { permission } ... on ProviderCreated { provider { credential { name origin } } } } }"""
UPDATE = """mutation($input: ProviderUpdateInput!) { providerUpdate(input: $input) {
  __typename ... on NotAllowed { permission } ... on ValidationFailed { problems { field } } } }"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys() -> AsyncIterator[dict[str, str]]:
    yield {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("origins") / "data", prepare) as api:
        yield api


async def create(api: Api, key: str, **wish: Any) -> dict[str, Any]:
    wish = {"kind": "OPENAI_COMPATIBLE", "expectedRevision": api.head(), "reason": "test", **wish}
    found: dict[str, Any] = (await api.data(CREATE, key, input=wish))["providerCreate"]
    return found


async def test_a_key_of_the_installation_goes_to_no_other_address(api: Api, keys: dict[str, str]) -> None:
    head = api.head()
    made = await create(api, keys["own-modeller"], providerId="mine", project=OWN, baseUrl=THEIRS, credential=ENV)
    assert made == {"__typename": "NotAllowed", "permission": "settings:write"}
    assert api.head() == head


async def test_a_key_of_ones_own_does(api: Api, keys: dict[str, str]) -> None:
    made = await create(
        api,
        keys["own-modeller"],
        providerId="own",
        project=OWN,
        baseUrl=THEIRS,
        credential={"key": "a key without a mark 4711"},
    )
    assert made["provider"]["credential"] == {"name": None, "origin": "http://127.0.0.1:39998"}


async def test_whoever_may_change_settings_says_where_it_may_go_too(api: Api) -> None:
    made = await create(api, ADMIN_KEY, providerId="ours", baseUrl=THEIRS, credential=ENV)
    assert made["provider"]["credential"] == {"name": "WAYBILL_SECRET_OPENAI", "origin": "http://127.0.0.1:39998"}


async def test_another_address_alone_does_not_take_the_key_along(api: Api) -> None:
    wish = {"providerId": "openai", "baseUrl": THEIRS, "expectedRevision": api.head(), "reason": "test"}
    changed = (await api.data(UPDATE, input=wish))["providerUpdate"]
    assert changed["__typename"] == "ValidationFailed"
