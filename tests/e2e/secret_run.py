"""A product in use, at random: people, tokens and keys come and go, requests go well and badly, processes are killed. What was
issued on the way is remembered, and every answer, so that a test can look for the one in all that is left of the other."""

from __future__ import annotations

import asyncio
import secrets as real_dice
import string
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import httpx

from tests.e2e.product import Product
from tests.e2e.upstream import QuotingProvider

FAILURES = "... on ValidationFailed { message } ... on NotFound { message } ... on NotAllowed { message }"
CONFLICT = "... on Conflict { message files { read head proposed } }"
CHANGE = "change { revision diff { unified } }"
# {mutation: what its success shows}; the last word of a secret that it shows once is `value` or `password`.
MUTATIONS = {
    "tokenCreate": f"... on TokenCreated {{ value token {{ token }} {CHANGE} }} {CONFLICT}",
    "tokenRegenerate": f"... on TokenRegenerated {{ value {CHANGE} }} {CONFLICT}",
    "tokenRevoke": f"... on TokenRevoked {{ {CHANGE} }} {CONFLICT}",
    "providerCreate": f"... on ProviderCreated {{ provider {{ credential {{ source name }} }} {CHANGE} }} {CONFLICT}",
    "providerKeySet": f"... on ProviderKeySet {{ {CHANGE} }} {CONFLICT}",
    "modelCreate": f"... on ModelCreated {{ {CHANGE} }} {CONFLICT}",
    "routingModelAdd": f"... on RoutingUpdated {{ {CHANGE} }} {CONFLICT}",
    "routingUpdate": f"... on RoutingUpdated {{ {CHANGE} }} {CONFLICT}",
    "projectUpdate": f"... on ProjectUpdated {{ {CHANGE} }} {CONFLICT}",
    "revert": f"... on Reverted {{ {CHANGE} }} {CONFLICT}",
    "apiKeyCreate": "... on ApiKeyCreated { value apiKey { id } }",
    "userCreate": "... on UserCreated { password user { id } }",
    "userPasswordReset": "... on UserPasswordReset { password user { id } }",
}
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename ... on LoginRefused { code message } } }"
EVERYTHING = """{ viewer { email } revision { commit }
  requestLogs(first: 100) { nodes { traceId error labels { key value }
    trace { content order facts { modelNamed } attempts { model error } policies { kind failed } } } }
  providers { nodes { providerId headers { name value } credential { source name origin } } } models { nodes { modelId } }
  projects { nodes { slug tokens { nodes { token name prefix } } connection { maskedToken baseUrl } } }
  history(first: 50) { nodes { commit reason diff { path unified before after } trailers { key value } } }
  auditLog(first: 200) { nodes { action subject detail } } users { nodes { email name } } proxies { proxyId refused { error } }
  usage { total { calls } } limitEvents(first: 20) { nodes { kind } } settings { alertWebhooks { url } } }"""
CONTENT = ("ping", "please fail", "Tell me something")


def password() -> str:
    return "".join(real_dice.choice(string.ascii_letters + string.digits) for _ in range(24))


class SecretRun:
    """So many random deeds on a running product. `kept` were issued and are shown nowhere, `shown` in one answer each."""

    def __init__(self, product: Product, provider: QuotingProvider, seed: int) -> None:
        self.product = product
        self.provider = provider
        self.dice = Random(seed)
        self.kept: list[str] = []
        self.shown: list[str] = []
        self.answers: list[str] = []
        self.kills = self.requests = 0
        self._tokens: list[tuple[str, str]] = []  # id, value
        self._users: list[tuple[str, str, str]] = []  # id, e-mail, password
        self._providers: list[str] = []
        self._number = 0

    async def run(self, deeds: int, kills: int) -> None:
        """Return when all is done and both processes are there again."""
        killed = set(self.dice.sample(range(deeds), kills))
        async with httpx.AsyncClient(timeout=60) as self.client:
            await self._begin()
            for number in range(deeds):
                await self.dice.choice(self._deeds())()
                if number in killed:
                    await self._kill()
            await self.ask(EVERYTHING)

    def _deeds(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self._token, self._token, self._renewed_token, self._revoked_token, self._api_key, self._user, self._reset_password,
            self._login, self._provider, self._key_set, self._mistake, self._revert, self._read,
            *[self._request] * 7,
        ]  # fmt: skip

    # --- GraphQL ---

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer's data, {} for an error; asked again while the API is away."""
        headers = {"authorization": f"Bearer {self.product.made.admin.api_key}"}
        body = {"query": query, "variables": variables}
        answer = await self._patiently("POST", f"{self.product.made.api_url}/graphql", headers=headers, json=body)
        self.answers.append(f"{answer.text}\n{answer.headers}")
        found: dict[str, Any] = answer.json()
        return found.get("data") or {}

    async def change(self, mutation: str, **wish: Any) -> dict[str, Any]:
        """The payload; what it shows of a secret is remembered. Retried with the same key, it shows nothing again."""
        self._number += 1
        wish = {"reason": f"Deed {self._number}", "idempotencyKey": f"deed-{self._number}", **wish}
        if "... on Conflict" in MUTATIONS[mutation]:
            wish["expectedRevision"] = (await self.ask("{ revision { commit } }"))["revision"]["commit"]
        kind = mutation[0].upper() + mutation[1:]
        query = (
            f"mutation($input: {kind}Input!) {{ {mutation}(input: $input) {{ __typename {MUTATIONS[mutation]} {FAILURES} }} }}"
        )
        found: dict[str, Any] = (await self.ask(query, input=wish)).get(mutation) or {}
        value = found.get("value") or found.get("password")
        if value:
            self.shown.append(value)
            again = (await self.ask(query, input=wish)).get(mutation) or {}
            assert not again.get("value")
            assert not again.get("password")
        return found

    async def _patiently(self, method: str, url: str, **request: Any) -> httpx.Response:
        for _ in range(600):
            try:
                return await self.client.request(method, url, **request)
            except httpx.TransportError:
                await asyncio.sleep(0.1)  # it was killed, and is started again
        raise AssertionError(f"{url} does not come back:\n{''.join(self.product.output)}")

    # --- deeds ---

    async def _begin(self) -> None:
        """A project that keeps what is said, and whose first model is at a provider that quotes its key."""
        found = await self.change("projectUpdate", slug="demo", traceContent=True)
        assert found["__typename"] == "ProjectUpdated", found
        await self.change("routingUpdate", project="demo", policies=[])
        for deed in (self._provider, self._token, self._user, self._login, *[self._request] * 5):
            await deed()

    async def _token(self) -> None:
        found = await self.change("tokenCreate", project="demo", name=f"t{self._number}")
        if found.get("value"):
            self._tokens.append((found["token"]["token"], found["value"]))

    async def _renewed_token(self) -> None:
        if self._tokens:
            id, _ = self.dice.choice(self._tokens)
            grace = self.dice.choice((None, 60))
            found = await self.change("tokenRegenerate", project="demo", token=id, graceSeconds=grace)
            if found.get("value"):
                self._tokens.append((id, found["value"]))

    async def _revoked_token(self) -> None:
        if len(self._tokens) > 3:
            await self.change("tokenRevoke", project="demo", token=self.dice.choice(self._tokens)[0])

    async def _api_key(self) -> None:
        await self.change("apiKeyCreate", name=f"k{self._number}")

    async def _user(self) -> None:
        given = password() if self.dice.random() < 0.5 else None
        found = await self.change("userCreate", email=f"u{self._number}@example.org", role="viewer", password=given)
        self.kept += [given] if given else []
        if known := given or found.get("password"):
            self._users.append((found["user"]["id"], f"u{self._number}@example.org", known))

    async def _reset_password(self) -> None:
        if self._users:
            await self.change("userPasswordReset", id=self.dice.choice(self._users)[0])

    async def _login(self) -> None:
        """With a right password, or with one that was; the session is a secret too."""
        if self._users:
            _, email, known = self.dice.choice(self._users)
            body = {"query": LOGIN, "variables": {"input": {"email": email, "password": known}}}
            answer = await self._patiently("POST", f"{self.product.made.api_url}/graphql", json=body)
            self.kept += [value for name, value in answer.cookies.items() if name == "waybill_session"]
            self.client.cookies.clear()
            self.answers.append(answer.text)

    async def _provider(self) -> None:
        """One that quotes the key that it is called with, and a model of it that the project tries first."""
        key, name = password(), f"p{self._number}"
        self.kept.append(key)
        wish = {"providerId": name, "kind": "OPENAI_COMPATIBLE", "baseUrl": f"{self.provider.origin}/v1"}
        if (await self.change("providerCreate", **wish, credential={"key": key}))["__typename"] == "ProviderCreated":
            self._providers.append(name)
            await self.change("modelCreate", modelId=name, provider=name, upstreamName="quoting")
            await self.change("routingModelAdd", project="demo", model=name, position=0)

    async def _key_set(self) -> None:
        if self._providers:
            key = password()
            self.kept.append(key)
            await self.change("providerKeySet", providerId=self.dice.choice(self._providers), credential={"key": key})

    async def _mistake(self) -> None:
        """Secrets where none belong: in a document, in a field of another name, in words, in an address."""
        key = password()
        self.kept.append(key)
        await self.ask(f'mutation {{ providerKeySet(input: "{key}") {{ __typename }} }}')
        await self.ask(f'{{ requestLog(id: "x", key: "{key}") {{ traceId }} }}')
        for wrong in ({"kee": key}, {"key": [key]}, {"key": f"{key}\nsecond"}, {"key": key, "env": "X"}):
            await self.change("providerKeySet", providerId="openai", credential=wrong)
        value = self.dice.choice([value for _, value in self._tokens] or [self.product.token])
        await self.change("tokenCreate", project="demo", name="a token in its reason", reason=f"instead of {value}")

    async def _revert(self) -> None:
        found = (await self.ask("{ history(first: 10) { nodes { commit } } }"))["history"]["nodes"]
        await self.change("revert", revision=self.dice.choice(found)["commit"])

    async def _read(self) -> None:
        await self.ask(EVERYTHING)
        for plane in ("proxy_ops", "api_ops"):
            answer = await self._patiently("GET", f"http://127.0.0.1:{self.product.ports[plane]}/metrics")
            self.answers.append(answer.text)

    async def _request(self) -> None:
        """With a token that holds, or held, or almost holds, in one header or the other, in the address and in what is said."""
        self.provider.status = self.dice.choice((401, 500, 429, 400, 403))
        _, value = self.dice.choice(self._tokens or [("", self.product.token)])
        sent = value if self.dice.random() < 0.8 else f"{value}x"
        said = self.dice.choice((*CONTENT, f"my token is {value}"))
        path = self.dice.choice(
            ("chat/completions", "chat/completions", "messages", "embeddings", f"chat/completions?key={value}")
        )
        headers = {"x-api-key": sent} if self.dice.random() < 0.5 else {"authorization": f"Bearer {sent}"}
        body: dict[str, Any] = {"model": "auto", "max_tokens": 20, "messages": [{"role": "user", "content": said}]}
        if path == "embeddings":
            body = {"model": "auto", "input": said}
        elif self.dice.random() < 0.5:
            body["stream"] = True
        if self.dice.random() < 0.1:
            body["messages"] = value
        answer = await self._patiently("POST", f"{self.product.made.proxy_url}/v1/{path}", headers=headers, json=body)
        self.answers.append(f"{answer.text}\n{answer.headers}")
        self.requests += 1

    async def _kill(self) -> None:
        plane = self.dice.choice(("proxy", "api"))
        await asyncio.to_thread(self.product.kill, plane)
        self.kills += 1
        await asyncio.to_thread(self.product.wait_ready, plane)
