"""After tokens and provider keys made through the API, and requests sent with some: no secret is in any object of the
repository, any row, trace, log or file, nor in any answer but the one that shows it once. A thousand tokens in `make soak`."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import string
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.product import Product
from tests.soak import report

KEYS, ASKING, AT_ONCE = 20, 25, 16
TOKEN = re.compile(rb"sk-lr-[A-Za-z0-9_-]{43}")
FAILURES = "... on ValidationFailed { message problems { reason } } ... on Conflict { message } ... on NotFound { message }"
CREATE = f"""mutation($input: TokenCreateInput!) {{ tokenCreate(input: $input) {{ __typename
  ... on TokenCreated {{ value token {{ id }} change {{ diff {{ unified }} }} }} {FAILURES} }} }}"""
PROVIDER = f"""mutation($input: ProviderCreateInput!) {{ providerCreate(input: $input) {{ __typename
  ... on ProviderCreated {{ provider {{ credential {{ source }} }} change {{ diff {{ unified }} }} }} {FAILURES} }} }}"""
KEY_SET = f"""mutation($input: ProviderKeySetInput!) {{ providerKeySet(input: $input) {{ __typename
  ... on ProviderKeySet {{ change {{ diff {{ unified }} }} }} {FAILURES} }} }}"""
TRACED = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename } }"""
READ = """{ requestLogs(first: 100) { nodes { traceId trace { content order attempts { model error } } } }
  providers { nodes { providerId credential { source name origin } } }
  auditLog(first: 200) { nodes { action subject detail } } }"""


class Asking:
    """GraphQL to a running product, with every answer kept."""

    def __init__(self, product: Product) -> None:
        self.answers: list[bytes] = []
        headers = {"authorization": f"Bearer {product.made.admin.api_key}"}
        self.client = httpx.AsyncClient(base_url=product.made.api_url, headers=headers, timeout=60)

    async def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables})
        self.answers.append(answer.content)
        found: dict[str, Any] = answer.json()
        return found

    async def head(self) -> str:
        return str((await self("{ revision { commit } }"))["data"]["revision"]["commit"])


def provider_key(number: int) -> str:
    """Some with the mark of an issuer, most of them of any form."""
    letters = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(48))
    return ("sk-" + "proj-", "gsk_", "sk-" + "ant-api03-", "", "")[number % 5] + letters


async def make_tokens(ask: Asking, revision: str, count: int) -> list[str]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> str:
        wish = {"project": "demo", "name": f"t{number}", "expectedRevision": revision, "reason": f"Token {number}"}
        async with gate:
            found = (await ask(CREATE, input=wish | {"idempotencyKey": f"token-{number}"}))["data"]["tokenCreate"]
        assert found["__typename"] == "TokenCreated", found
        assert found["value"] not in str(found["change"])
        return str(found["value"])

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def make_providers(ask: Asking, revision: str) -> list[str]:
    keys = [provider_key(number) for number in range(KEYS)]
    for number, key in enumerate(keys):
        wish = {"providerId": f"p{number}", "preset": "groq", "credential": {"key": key}, "reason": "A key"}
        wish |= {"expectedRevision": revision, "idempotencyKey": f"key-{number}"}
        found = await ask(PROVIDER, input=wish)
        assert found["data"]["providerCreate"]["__typename"] == "ProviderCreated", found
        again = {**wish, "reason": "Again", "expectedRevision": await ask.head(), "idempotencyKey": f"again-{number}"}
        del again["preset"]
        assert (await ask(KEY_SET, input=again))["data"]["providerKeySet"]["__typename"] == "ProviderKeySet"
        await mistaken(ask, again, key)
    return keys


async def mistaken(ask: Asking, wish: dict[str, Any], key: str) -> None:
    """Keys where none belong, which a refusal must not repeat and nobody may log."""
    wish = {**wish, "idempotencyKey": None}
    if key.startswith(("sk-", "gsk_")):
        assert (await ask(KEY_SET, input={**wish, "reason": f"from {key}"}))["data"]["providerKeySet"]["problems"]
    assert "errors" in await ask(KEY_SET, input={**wish, "credential": {"kee": key}})
    assert "errors" in await ask(KEY_SET, input={**wish, "credential": {"key": [key]}})
    assert (await ask(KEY_SET, input={**wish, "credential": {"key": f"{key}\nsecond line"}}))["data"]["providerKeySet"][
        "problems"
    ]
    assert "errors" in await ask(f'mutation {{ providerKeySet(input: "{key}") {{ __typename }} }}')


async def use(ask: Asking, product: Product, tokens: list[str]) -> None:
    """Requests with some of the tokens, well and badly, and what is recorded of them."""
    wish = {"slug": "demo", "traceContent": True, "reason": "Traces with content", "expectedRevision": await ask.head()}
    assert (await ask(TRACED, input=wish))["data"]["projectUpdate"]["__typename"] == "ProjectUpdated"
    async with httpx.AsyncClient(base_url=product.made.proxy_url, timeout=30) as client:
        for number, token in enumerate(tokens[:ASKING]):
            content = "please fail" if number % 5 == 4 else f"ping {number}"
            body = {"model": "auto", "messages": [{"role": "user", "content": content}], "stream": number % 2 == 1}
            answer = await client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {token}"})
            assert token not in answer.text
            assert answer.status_code in (200, 503)
            mangled = await client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {token}x"})
            assert mangled.status_code == 401
            assert token not in mangled.text
    while True:
        recorded = (await ask(READ))["data"]["requestLogs"]["nodes"]
        if len(recorded) >= ASKING:
            return
        await asyncio.sleep(0.05)  # the recorder is another process


def objects(product: Product) -> bytes:
    """Every object of the repository, reachable or not, unpacked."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, cwd=product.data / "config.git", capture_output=True, check=True, timeout=60).stdout


def files(product: Product) -> Iterator[tuple[str, bytes]]:
    """Everything that lies in the data folder: database, journal, publications, logs."""
    for path in sorted(product.data.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(product.data)), path.read_bytes()


def test_no_secret_is_anywhere_but_where_it_is_shown_once(make_waybill: Callable[[], Product]) -> None:
    look_through(make_waybill(), 60)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_no_secret_of_a_thousand_tokens_is_anywhere_but_where_it_is_shown_once(make_waybill: Callable[[], Product]) -> None:
    report.write(
        "no-secret", "after tokens, providers' keys and requests: is a secret anywhere?", look_through(make_waybill(), 1_000)
    )


def look_through(product: Product, count: int) -> list[str]:
    """Make so many tokens, use them, and look for each in all that is left; what was looked through, for people."""
    product.start(WAYBILL_FSYNC="false")
    ask: Asking

    async def work() -> tuple[list[str], list[str]]:
        nonlocal ask
        ask = Asking(product)
        async with ask.client:
            revision = await ask.head()
            tokens = await make_tokens(ask, revision, count)
            keys = await make_providers(ask, revision)
            await use(ask, product, tokens)
        return tokens, keys

    tokens, keys = asyncio.run(work())
    assert len(set(tokens)) == count
    assert product.stop() == 0

    made = {token.encode() for token in tokens}
    forms = [form for key in keys for form in (key.encode(), base64.b64encode(key.encode()).rstrip(b"="))]
    everywhere = {"Git": objects(product), "output": "".join(product.output).encode(), **dict(files(product))}
    assert len(everywhere["Git"]) > 500 * count
    for place, content in everywhere.items():
        assert not made & set(TOKEN.findall(content)), place
        assert [form for form in forms if form in content] == [], place

    shown = [token for answer in ask.answers for token in TOKEN.findall(answer)]
    assert sorted(shown) == sorted(made)
    answers = b"\n".join(ask.answers)
    assert [form for form in forms if form in answers] == []
    return [
        f"{count} tokens, {len(keys)} keys of providers, {len(ask.answers)} answers of GraphQL ({len(answers) / 1e6:.1f} MB)",
        f"looked through: every object of the repository ({len(everywhere['Git']) / 1e6:.1f} MB), the output of all processes,"
        f" and {len(everywhere) - 2} files of the data folder: database, journal, publications"
        f" ({sum(map(len, everywhere.values())) / 1e6:.1f} MB in all)",
        "found: each token once, in the answer to the mutation that made it; no key of a provider; nothing else",
    ]
