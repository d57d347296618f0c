"""Sends fuzzed documents to a running Waybill as its admin and keeps account of what no answer may be: a 5xx, an internal
error, a word of our insides, an answer that is none, an answer that takes too long, a process that died."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import Counter
from typing import Any, Final

import graphql
import httpx
import msgspec

from tests.e2e.product import Product
from tests.soak.fuzzed_documents import Documents, Sent

SLOWEST_S: Final = 10.0  # on a busy machine; the answer's own time is a part of it
FIRST_EVENT_S: Final = 0.15
HEAD_S: Final = 5.0
KNOWN_EVERY: Final = 200
INSIDES: Final = re.compile(
    r"Traceback|site-packages|\.py\b|object at 0x|NoneType|"
    r"sqlalchemy|sqlite3|aiosqlite|pygit2|msgspec|strawberry|graphql-core|ruamel"
)

KNOWN: Final = """{
  revision { commit } viewer { email }
  projects(first: 20) { pageInfo { endCursor } nodes { id slug tokens(first: 5) { nodes { id token } } } }
  models(first: 20) { nodes { id modelId } } providers(first: 20) { nodes { id providerId } } roles { name }
  users(first: 20) { nodes { id email } }
  requestLogs(first: 5) { nodes { id traceId } pageInfo { endCursor } }
  history(first: 5) { nodes { commit } pageInfo { endCursor } }
}"""


class Account(msgspec.Struct):
    """What was sent, what came back, and what should not have."""

    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    operations: Counter[str] = msgspec.field(default_factory=Counter)
    reached: set[str] = msgspec.field(default_factory=set)  # operations of which an answer came without errors
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")
    problems: dict[str, str] = msgspec.field(default_factory=dict)  # what and where → the first request that led to it

    def note(self, what: str, sent: Sent) -> None:
        """A problem, once for each operation."""
        self.problems.setdefault(f"{sent.operation}: {what}", f"{sent.query}\n{sent.variables}")


class Fuzzer:
    """One run against one instance; the same seed draws the same documents as long as the instance answers the same."""

    def __init__(self, product: Product, seed: int) -> None:
        self.product = product
        self.account = Account()
        self.client = httpx.Client(
            base_url=product.made.api_url,
            headers={"authorization": f"Bearer {product.made.admin.api_key}"},
            timeout=60,
        )
        served = self.client.post("/graphql", json={"query": graphql.get_introspection_query()}).json()["data"]
        self.documents = Documents(graphql.print_schema(graphql.build_client_schema(served)), random.Random(seed))

    def run(self, seconds: float, examples: int, rounds: int) -> Account:
        """Send until the time is over, or so many rounds of all operations are."""
        started = time.monotonic()
        most = self.documents.count * examples * rounds
        for number, sent in enumerate(itertools.islice(self.documents.rounds(examples), most)):
            if time.monotonic() - started > seconds:
                break
            if number % KNOWN_EVERY == 0:
                self.documents.known = self._known()
            self._send(sent)
        self._after()
        self.client.close()
        self.account.seconds = time.monotonic() - started
        return self.account

    def _send(self, sent: Sent) -> None:
        started = time.monotonic()
        body = {"query": sent.query, "variables": sent.variables}
        try:
            if sent.operation.startswith("Subscription."):
                status, text = self._first_event(body)
            else:
                answer = self.client.post("/graphql", json=body)
                status, text = answer.status_code, answer.text
        except httpx.HTTPError as error:
            self.account.note(f"no answer: {type(error).__name__}", sent)
            return
        took = time.monotonic() - started
        self.account.operations[sent.operation] += 1
        self.account.slowest = max(self.account.slowest, (took, sent.operation))
        if took > SLOWEST_S:
            self.account.note(f"more than {SLOWEST_S:.0f} s", sent)
        self._judge(status, text, sent)

    def _first_event(self, body: dict[str, Any]) -> tuple[int, str]:
        """What a subscription says at once; nothing is an answer too."""
        try:
            return self._event_within(body, FIRST_EVENT_S)
        except httpx.ReadTimeout:  # on a busy machine not even the head came
            return self._event_within(body, HEAD_S)

    def _event_within(self, body: dict[str, Any], seconds: float) -> tuple[int, str]:
        patience = httpx.Timeout(60, read=seconds)
        headers = {"accept": "text/event-stream"}
        with self.client.stream("POST", "/graphql", json=body, headers=headers, timeout=patience) as answer:
            try:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        return answer.status_code, line.removeprefix("data: ")
            except httpx.ReadTimeout:
                pass
            return answer.status_code, '{"data": {}}'

    def _judge(self, status: int, text: str, sent: Sent) -> None:
        if status >= 500 or status in (401, 403):
            self.account.note(f"status {status}", sent)
        if inside := INSIDES.search(text):
            self.account.note(f"{inside[0]!r} in the answer {text[:300]}", sent)
        try:
            answer = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError:
            self.account.note("an answer that is no JSON object", sent)
            return
        codes = sorted({error["extensions"]["code"] for error in answer.get("errors", ())})
        if "INTERNAL" in codes:
            self.account.note("an internal error", sent)
        if not answer.keys() & {"data", "errors"}:
            self.account.note("neither data nor errors", sent)
        self.account.outcomes[" ".join(codes) or "ok"] += 1
        if not codes:
            self.account.reached.add(sent.operation)

    def _known(self) -> dict[str, list[str]]:
        """Names that exist now, by the argument or input field that they belong in."""
        answer = self.client.post("/graphql", json={"query": KNOWN}).json()
        found = answer["data"]
        # Not ourselves: there are mutations that would shut us out.
        found["users"]["nodes"] = [each for each in found["users"]["nodes"] if each["email"] != found["viewer"]["email"]]
        slugs = [each["slug"] for each in found["projects"]["nodes"]]
        tokens = [token for each in found["projects"]["nodes"] for token in each["tokens"]["nodes"]]
        models = [each["modelId"] for each in found["models"]["nodes"]]
        providers = [each["providerId"] for each in found["providers"]["nodes"]]
        commits = [found["revision"]["commit"], *(each["commit"] for each in found["history"]["nodes"])]
        pages = [found[each]["pageInfo"]["endCursor"] for each in ("projects", "requestLogs", "history")]
        every = [tokens, *(found[each]["nodes"] for each in ("projects", "models", "providers", "requestLogs", "users"))]
        return {
            "expectedRevision": commits[:1],
            "reason": ["fuzzed"],
            "project": [*slugs, *(each["id"] for each in found["projects"]["nodes"])],
            "slug": slugs,
            "token": [each["token"] for each in tokens] + [each["id"] for each in tokens],
            "model": models,
            "modelId": models,
            "provider": providers,
            "providerId": providers,
            "id": [each["id"] for kind in every for each in kind] + models + providers + commits,
            "user": [each["id"] for each in found["users"]["nodes"]],
            "role": [each["name"] for each in found["roles"]] + ["admin", "operator", "viewer", "editor"],
            "after": [page for page in pages if page] + ["0", "1"],
            "revision": commits,
            "at": commits,
            "path": [
                "waybill.yaml",
                "roles.yaml",
                *(f"projects/{slug}/project.yaml" for slug in slugs),
                *(f"models/{each}.yaml" for each in models),
            ],
            "field": ["name", "models[0]", "limits.rules[0].value", "policies"],
            "kind": ["cheapest", "health", "performance", "llm", "semantic-intent", "openai", "simulated"],
        }

    def _after(self) -> None:
        """Both processes still serve, and neither said that something broke."""
        sent = Sent("afterwards", KNOWN, {})
        if "errors" in self.client.post("/graphql", json={"query": KNOWN}).json():
            self.account.note("errors for a simple query", sent)
        for line in self.product.output:
            if "Traceback" in line:
                self.account.note(f"the log says {_ending(line)}", sent)
            elif "child died" in line:
                self.account.note(line.strip(), sent)


def _ending(line: str) -> str:
    """The last lines of the traceback in a line of the log."""
    try:
        return "\n".join(str(msgspec.json.decode(line)["exception"]).splitlines()[-8:])
    except (msgspec.DecodeError, KeyError):
        return line
