"""A key that somebody wrote where the model goes, or into the path, is kept nowhere and repeated to nobody."""

from __future__ import annotations

import secrets
import string
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.facts.request import MAX_NAMED, named
from tests.proxy.product import HELLO, TOKEN, InProcess, Publisher, configuration, provider, running

KEYS = {
    "a token": "sk-lr-" + secrets.token_urlsafe(32),
    "an API key": "wb-" + secrets.token_urlsafe(32),
    "OpenAI's": "sk-proj-" + secrets.token_urlsafe(48),
    "GitHub's": "github_pat_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(70)),
}


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with provider() as up:
        Publisher(tmp_path).publish(configuration(up.port))
        async with running(tmp_path) as made:
            yield made


async def asked(proxy: InProcess, path: str, model: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxy.port}", headers=headers) as client:
        if model is None:
            return await client.get(path)
        return await client.post(path, json={"model": model, "messages": HELLO, "max_tokens": 5})


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_a_key_in_the_place_of_the_model_is_in_no_record(proxy: InProcess, tmp_path: Path, key: str) -> None:
    for path in ("/v1/chat/completions", "/v1/messages"):
        assert key not in (await asked(proxy, path, f"my {key}")).text
    journal = b"".join(file.read_bytes() for file in (tmp_path / "journal").iterdir() if file.is_file())
    assert b"taken out]" in journal
    assert key.encode() not in journal


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_a_key_in_the_path_is_not_repeated(proxy: InProcess, key: str) -> None:
    for path in (f"/projects/{key}/v1/models", f"/v1/models/{key}", f"/v1/{key}"):
        answer = await asked(proxy, path)
        assert answer.status_code in (401, 404)
        assert key not in answer.text
        assert "taken out]" in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", ["", "auto", "gpt-4o", "anthropic/claude-sonnet-4-20250514", "m" * MAX_NAMED])
def test_what_is_a_name_is_kept_as_it_is(model: str) -> None:
    assert (named(model) or "") == model


def test_what_is_no_name_is_not_kept() -> None:
    assert named("x" * 1_000_000) == "(a name of 1000000 characters)"
