"""A new user's story on one instance: requests, their rows, changes of the configuration, and parts that are away."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.e2e.console import Console
from tests.e2e.product import ROOT, Product
from tests.e2e.upstream import QuotingProvider
from tests.repositories import Person, git, refusal

HELLO: Any = [{"role": "user", "content": "Hello"}]
PROVIDER_KEY = "sk-live-2f0c4a9d1e8b7c6a5f3e"
SEALED_KEY = "sk-live-9a8b7c6d5e4f3a2b1c0d"
PROJECT = "projects/demo/project.yaml"
ROUTING = "projects/demo/routing.yaml"
UPDATE = """mutation($input: ProjectUpdateInput!) { projectUpdate(input: $input) { __typename
  ... on ProjectUpdated { change { revision changedFiles pendingProxies } project { name timeouts { timeoutMs } } }
  ... on Conflict { code headRevision files { path read head proposed } } } }"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The story's own instance. Whatever a test does to it, it leaves it running."""
    product = Product(tmp_path_factory.mktemp("story") / "data")
    try:
        yield product.start(WAYBILL_SECRET_QUOTING=PROVIDER_KEY)
    finally:
        product.close()


@pytest.fixture(scope="module")
def console(product: Product) -> Console:
    return Console(product)


@pytest.fixture
def person(product: Product, tmp_path: Path) -> Person:
    """Somebody with a fresh clone over the local path."""
    return Person(tmp_path / "clone", Path(product.made.config_repository))


@pytest.fixture(scope="module")
def proxy(product: Product) -> Iterator[httpx.Client]:
    """A connection to the proxy that stays open: it asks which revision runs."""
    headers = {"authorization": f"Bearer {product.token}"}
    with httpx.Client(base_url=product.made.proxy_url, headers=headers, timeout=10) as client:
        yield client


def running(proxy: httpx.Client) -> str:
    """The revision that decides now."""
    return proxy.get("/v1/models").raise_for_status().headers["x-waybill-revision"]


def runs(proxy: httpx.Client, revision: str, within_s: float = 2.0) -> float:
    """Ask until `revision` decides; the seconds that it took."""
    began = time.monotonic()
    while (found := running(proxy)) != revision:
        assert time.monotonic() - began < within_s, f"{found} still runs, not {revision}"
    return time.monotonic() - began


def read(person: Person, path: str) -> str:
    return (person.folder / path).read_text()


# --- requests ---


def check_row(console: Console, headers: Any, model: str, *, stream: bool) -> dict[str, Any]:
    """The request's one row says what its client saw, and its trace why."""
    row = console.row(headers["x-waybill-trace-id"])
    assert (row["projectSlug"], row["status"], row["httpStatus"], row["stream"]) == ("demo", "success", 200, stream)
    assert row["model"] == model == headers["x-waybill-model"]
    assert row["revision"] == row["trace"]["revision"] == headers["x-waybill-revision"]
    assert {"key": "team", "value": "platform"} in row["labels"]
    trace = row["trace"]
    assert trace["facts"]["modelNamed"] == "auto"
    assert set(trace["order"]) == set(trace["candidates"]) == {"sim-fast", "sim-smart", "sim-cheap"}
    assert [(policy["kind"], policy["weight"]) for policy in trace["policies"]] == [
        ("health", 4), ("model-preference", 3), ("cheapest", 2), ("performance", 1),
    ]  # fmt: skip
    assert [(attempt["model"], attempt["status"]) for attempt in trace["attempts"]] == [(model, "success")]
    return row


def test_an_answer_of_the_sdk_leaves_a_row_with_its_trace(product: Product, console: Console) -> None:
    with OpenAI(base_url=f"{product.made.proxy_url}/v1", api_key=product.token, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        answer = raw.parse()
        row = check_row(console, raw.headers, answer.model, stream=False)
        assert (row["inputTokens"], row["outputTokens"]) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)


def test_a_stream_of_the_sdk_leaves_a_row_with_its_trace(product: Product, console: Console) -> None:
    with OpenAI(base_url=f"{product.made.proxy_url}/v1", api_key=product.token, max_retries=0) as client:
        options: Any = {"include_usage": True}
        raw = client.chat.completions.with_raw_response.create(
            model="auto", messages=HELLO, stream=True, stream_options=options
        )
        chunks = list(raw.parse())
        row = check_row(console, raw.headers, chunks[0].model, stream=True)
        assert (row["inputTokens"], row["outputTokens"]) == (
            chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens,
        )  # fmt: skip


@pytest.mark.parametrize("path", ["/v1", "/projects/demo/v1"])
async def test_the_asynchronous_sdk_does_the_same_under_either_path(product: Product, console: Console, path: str) -> None:
    async with AsyncOpenAI(base_url=product.made.proxy_url + path, api_key=product.token, max_retries=0) as client:
        raw = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        check_row(console, raw.headers, raw.parse().model, stream=False)
        streamed = await client.chat.completions.with_raw_response.create(model="auto", messages=HELLO, stream=True)
        chunks = [chunk async for chunk in streamed.parse()]
        assert chunks[-1].choices[0].finish_reason == "stop"
        check_row(console, streamed.headers, chunks[0].model, stream=True)
        assert {model.id async for model in client.models.list()} >= {"auto", "sim-fast"}


# --- changes ---


def test_a_pushed_price_and_order_decide_the_next_request(
    product: Product, console: Console, person: Person, proxy: httpx.Client
) -> None:
    before = product.ask()
    assert before.headers["x-waybill-model"] == "sim-cheap"
    cheap, routing = read(person, "models/sim-cheap.yaml"), read(person, ROUTING)
    pushed = person.commit({
        "models/sim-cheap.yaml": cheap.replace("input: 0.10", "input: 10").replace("output: 0.40", "output: 40").encode(),
        ROUTING: routing.replace("  - id: sim-fast\n", "").replace("  - id: gpt", "  - id: sim-fast\n  - id: gpt").encode(),
    })  # fmt: skip
    done = person.push()
    took_s = runs(proxy, pushed)
    print(f"{took_s * 1_000:.0f} ms from the end of the push until its revision decided")
    assert (done.returncode, refusal(done)) == (0, [])
    after = product.ask()
    assert (after.headers["x-waybill-revision"], after.headers["x-waybill-model"]) == (pushed, "sim-fast")
    row = console.row(after.headers["x-waybill-trace-id"])
    assert (row["revision"], row["trace"]["candidates"]) == (pushed, ["sim-smart", "sim-cheap", "sim-fast"])
    usage = after.json()["usage"]
    assert (
        Decimal(row["cost"])
        == (usage["prompt_tokens"] * Decimal("0.80") + usage["completion_tokens"] * Decimal("3.20")) / 10**6
    )
    assert console.row(before.headers["x-waybill-trace-id"])["revision"] == before.headers["x-waybill-revision"] != pushed
    assert console.ask("{ revision { commit } }")["revision"]["commit"] == pushed


def test_a_wrong_push_is_refused_with_its_place_and_changes_nothing(
    product: Product, person: Person, proxy: httpx.Client
) -> None:
    before = running(proxy)
    wrong = read(person, PROJECT).replace("timeout_ms: 120000", "timeout_ms: soon")
    line = 1 + wrong[: wrong.index("timeout_ms: soon")].count("\n")
    done = person.push_changes({PROJECT: wrong.encode()})
    assert done.returncode == 1
    assert re.match(rf"{re.escape(PROJECT)}:{line}: timeouts\.timeout_ms: \S", refusal(done)[1])
    assert git(Path(product.made.config_repository), "rev-parse", "main").stdout.strip() == before
    assert (product.ask().headers["x-waybill-revision"], running(proxy)) == (before, before)


def test_a_mutation_is_a_commit_with_its_author_and_reason(
    product: Product, console: Console, person: Person, proxy: httpx.Client
) -> None:
    read_at = console.ask('{ project(slug: "demo") { revision } }')["project"]["revision"]
    wish = {"slug": "demo", "expectedRevision": read_at, "reason": "Models became slower", "timeouts": {"timeoutMs": 90_000}}
    answer = console.ask(UPDATE, input=wish)["projectUpdate"]
    done = answer["change"]
    assert (answer["__typename"], done["changedFiles"]) == ("ProjectUpdated", [PROJECT])
    assert done["pendingProxies"] == []
    assert running(proxy) == done["revision"]  # it returned when every proxy ran it
    person.pull()
    said = git(person.folder, "log", "-1", "--format=%H%n%an <%ae>%n%cn%n%s%n%(trailers:only)").stdout.splitlines()
    assert said[:4] == [done["revision"], "Admin <admin@localhost>", "Waybill", "Models became slower"]
    assert {line.split(": ")[0] for line in said[4:] if line} == {"Waybill-Actor", "Waybill-Request"}
    diff = git(person.folder, "diff", "--unified=0", "HEAD~1").stdout
    assert [line for line in diff.splitlines() if re.match(r"[-+] ", line)] == ["-  timeout_ms: 120000", "+  timeout_ms: 90000"]


def test_a_mutation_that_collides_with_a_push_is_a_conflict_and_loses_nothing(
    console: Console, person: Person, proxy: httpx.Client
) -> None:
    read_at, before = running(proxy), read(person, PROJECT)
    theirs = before.replace("description: A first", "description: The first")
    pushed = person.commit({PROJECT: theirs.encode()})
    assert person.push().returncode == 0
    runs(proxy, pushed)
    wish = {"slug": "demo", "expectedRevision": read_at, "reason": "A better name", "name": "Mine"}
    conflict = console.ask(UPDATE, input=wish)["projectUpdate"]
    assert (conflict["__typename"], conflict["code"], conflict["headRevision"]) == ("Conflict", "CONFLICT", pushed)
    (file,) = conflict["files"]
    assert (file["path"], file["read"], file["head"]) == (PROJECT, before, theirs)
    assert "name: Mine" in file["proposed"]
    done = console.ask(UPDATE, input={**wish, "expectedRevision": conflict["headRevision"]})["projectUpdate"]
    assert (done["__typename"], done["project"]["name"]) == ("ProjectUpdated", "Mine")
    person.pull()
    assert "description: The first" in read(person, PROJECT)


# --- parts that are away ---


def test_without_the_api_the_proxy_serves_and_a_push_is_checked_and_published_later(
    product: Product, console: Console, person: Person, proxy: httpx.Client
) -> None:
    before = running(proxy)
    product.kill("api")
    answer = product.ask()
    assert (answer.status_code, answer.headers["x-waybill-revision"]) == (200, before)
    refused = person.push_changes({PROJECT: b"name: 1\n"})
    assert refused.returncode == 1
    assert refusal(refused)[1].startswith(f"{PROJECT}:1: ")
    person.pull()
    pushed = person.commit({"docs/notes.md": b"Pushed while the API was away.\n"})
    assert person.push().returncode == 0
    product.wait_ready("api")
    runs(proxy, pushed)
    assert console.row(answer.headers["x-waybill-trace-id"])["revision"] == before


def test_without_the_repository_both_start_again_and_its_return_is_noticed(
    product: Product, console: Console, person: Person, proxy: httpx.Client
) -> None:
    before, repository = running(proxy), Path(product.made.config_repository)
    away = repository.rename(repository.with_name("away"))
    try:
        product.kill("proxy")
        product.kill("api")
        product.wait_ready("proxy")
        answer = product.ask()
        assert (answer.status_code, answer.headers["x-waybill-revision"]) == (200, before)
        product.wait_for("the configuration repository is away")
        assert "repository: not opened yet" in httpx.get(f"{product.made.api_ops_url}/readyz").json()["missing"]
        assert not repository.exists()  # an empty one would be in the way of its return
    finally:
        away.rename(repository)
    product.wait_ready("api")
    assert console.row(answer.headers["x-waybill-trace-id"])["status"] == "success"
    pushed = person.commit({"docs/notes.md": b"Pushed when the repository was back.\n"})
    assert person.push().returncode == 0
    runs(proxy, pushed)


def test_all_of_it_starts_without_the_repository(make_waybill: Callable[[], Product]) -> None:
    product = make_waybill().start()
    revision, repository = product.ask().headers["x-waybill-revision"], Path(product.made.config_repository)
    assert product.stop() == 0
    away = repository.rename(repository.with_name("away"))
    product.launch()
    product.wait_ready("proxy")
    assert product.ask().headers["x-waybill-revision"] == revision
    away.rename(repository)
    product.wait_for("Waybill is running")


# --- secrets ---


def test_no_secret_is_in_any_output_journal_database_or_commit(
    product: Product, console: Console, person: Person, proxy: httpx.Client
) -> None:
    made = product.made
    with QuotingProvider() as provider:
        person.push_changes({
            "providers/quoting.yaml": f"""kind: openai-compatible
base_url: {provider.origin}/v1
credential: {{env: WAYBILL_SECRET_QUOTING, origin: "{provider.origin}"}}
""".encode(),
            "providers/boxed.yaml": f"kind: openai-compatible\nbase_url: {provider.origin}/v1\n".encode(),
            "models/quoting.yaml": b"provider: quoting\nupstream_name: q\n",
            "models/boxed.yaml": b"provider: boxed\nupstream_name: b\n",
        })  # fmt: skip
        seal = [sys.executable, "-m", "waybill", "seal", "boxed", "--data", str(product.data)]
        box = subprocess.run(seal, cwd=ROOT, input=SEALED_KEY, capture_output=True, text=True, check=True).stdout
        pushed = person.commit({
            "providers/boxed.yaml": (read(person, "providers/boxed.yaml") + box).encode(),
            ROUTING: b"models:\n  - id: quoting\n  - id: boxed\n",
        })  # fmt: skip
        assert person.push().returncode == 0
        runs(proxy, pushed)
        seen = []
        for provider.status in (401, 500, 429, 400):
            answer = product.ask()
            row = console.row(answer.headers["x-waybill-trace-id"])
            assert row["status"] == "error"
            seen.append(f"{answer.text}{answer.headers}{row}")
        assert provider.keys == [f"Bearer {key}" for key in (PROVIDER_KEY, SEALED_KEY) * 3] + [f"Bearer {PROVIDER_KEY}"]
    wrong = product.ask(token=f"{product.token[:-1]}x")
    assert wrong.status_code == 401
    logged = [line for line in product.output if line.startswith("{")]  # the first screen shows the first secrets, once
    secrets = [PROVIDER_KEY, SEALED_KEY, made.admin.password, made.admin.api_key, *(each.token for each in made.projects)]
    kept = everything_kept(product)
    for secret in (*secrets, f"{product.token[:-1]}x"):
        assert not [line for line in (*logged, *seen, wrong.text) if secret in line]
        assert [name for name, content in kept.items() if secret.encode() in content] == []


def everything_kept(product: Product) -> dict[str, bytes]:
    """Every file of the data folder but the one that is made to hold secrets; and every object of the repository, unpacked."""
    files = {str(path): path.read_bytes() for path in product.data.rglob("*") if path.is_file()}
    del files[str(product.data / "initial-credentials.yaml")]
    repository = Path(product.made.config_repository)
    objects = ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch"]
    files["objects"] = subprocess.run(objects, capture_output=True, check=True).stdout
    assert any(name.endswith(".journal") for name in files)
    assert any(name.endswith("waybill.sqlite3") for name in files)
    assert b"upstream_name: q" in files["objects"]
    return files
