"""An API under mutations and pushes that is killed at random moments, and the account that must hold afterwards.

Each writer has its own projects and sends one mutation after the other, each with an idempotency key; whatever happened to it,
it is sent again, the very same, until it is answered. Somebody pushes by Git meanwhile, and their `git push` is killed too.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from api.repository import commits, locks
from api.repository.log import GitLog
from api.repository.store import Repository
from core import files
from core.layout import Layout
from tests.api.conftest import ADMIN_KEY, fill, people_of
from tests.e2e.product import free_port
from tests.repositories import Person, git

WRITERS = 4
ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0
_CHANGE = "__typename ... on ConfigurationChange { change { revision changedFiles replayed } }"
_FAILED = "... on Conflict { message } ... on ValidationFailed { message } ... on NotFound { message }"
DOCUMENTS = {
    name: f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ done: {name}(input: $input) {{ {_CHANGE} {_FAILED} }} }}"
    for name in ("projectUpdate", "tokenCreate", "projectCreate", "projectDelete")
}


@dataclass
class Done:
    """A mutation that was answered: its key, its commit, and how often it was sent until then."""

    key: str
    mutation: str
    revision: str
    changed: list[str]
    replayed: bool
    sent: int


class ApiProcess:
    """`waybill api`, alone, on a data folder. It is ready once it answers mutations: a kill before that would prove little."""

    def __init__(self, data: Path) -> None:
        self.layout = Layout(data)
        self.port, self.ops_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it; returns once it is ready."""
        flags = ["--data", str(self.layout.data), "--api", f"127.0.0.1:{self.port}", "--api-ops", f"127.0.0.1:{self.ops_port}"]
        with (self.layout.data / "api.log").open("ab") as log:
            command = [sys.executable, "-m", "waybill", "api", *flags]
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: ASYNC220  # over in milliseconds
        give_up = time.monotonic() + STARTS_WITHIN_S
        async with httpx.AsyncClient() as client:
            while not await self._ready(client):
                log_text = (self.layout.data / "api.log").read_text()[-2000:]
                assert time.monotonic() < give_up and self._process.poll() is None, log_text  # noqa: PT018  # one answer for both
                await asyncio.sleep(0.02)

    async def _ready(self, client: httpx.AsyncClient) -> bool:
        """It listens before it can answer, so the first answer may take a while."""
        url = f"http://127.0.0.1:{self.port}/graphql"
        try:
            return (await client.post(url, json={"query": "{ __typename }"}, timeout=STARTS_WITHIN_S)).status_code in (200, 401)
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def close(self) -> None:
        """Whatever state it is in: gone afterwards."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


@dataclass
class Load:
    """Writers through the API and one by Git, until they are told to stop."""

    api: ApiProcess
    pushed_from: Path
    dice: Random
    done: list[Done] = field(default_factory=list)
    pushes: int = 0
    pushes_killed: int = 0
    stopping: bool = False
    _push: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Return when every writer has had its last answer."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(WRITERS):
                tasks.create_task(self._write(number))
            tasks.create_task(self._push_on())

    def kill_push(self) -> bool:
        """`kill -9` of the running `git push`, of what it pushes to, and of the hook; False where none runs."""
        if self._push is None or self._push.returncode is not None:
            return False
        os.killpg(self._push.pid, signal.SIGKILL)
        self.pushes_killed += 1
        return True

    # --- through the API ---

    async def _write(self, number: int) -> None:
        turn = 0
        own = f"w{number}"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.api.port}", timeout=20) as client:
            while not self.stopping:
                turn += 1
                made = f"{own}-{turn}"
                for mutation, wish in (
                    ("projectUpdate", {"slug": own, "name": f"{own} at {turn}"}),
                    ("tokenCreate", {"project": own, "name": f"token {turn}"}),
                    ("projectCreate", {"slug": made, "name": f"made {made}"}),
                    ("projectDelete", {"slug": made}),
                ):
                    self.done.append(await self._carry_out(client, mutation, f"{mutation} {made}", wish))

    async def _carry_out(self, client: httpx.AsyncClient, mutation: str, key: str, wish: dict[str, Any]) -> Done:
        """Send one mutation until it is answered, always the same."""
        read = Repository(self.api.layout.repository).head()
        body = {
            "query": DOCUMENTS[mutation],
            "variables": {"input": {**wish, "expectedRevision": read, "reason": key, "idempotencyKey": key}},
        }
        sent = 0
        while True:
            sent += 1
            try:
                answer = (await client.post("/graphql", json=body, headers={"authorization": f"Bearer {ADMIN_KEY}"})).json()
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if "errors" in answer:
                assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE", answer
                await asyncio.sleep(0.05)
                continue
            found = answer["data"]["done"]
            assert "change" in found, (mutation, wish, sent, found)
            change = found["change"]
            return Done(key, mutation, change["revision"], change["changedFiles"], change["replayed"], sent)

    # --- by Git ---

    async def _push_on(self) -> None:
        person = await asyncio.to_thread(Person, self.pushed_from, self.api.layout.repository)
        while not self.stopping:
            number = self.pushes + 1
            changes: dict[str, bytes | None] = {f"docs/{part}-{number}.md": b"%d\n" % number for part in "abc"}
            changes["projects/pushed/project.yaml"] = b"id: pushed\nname: Pushed %d\n" % number
            await asyncio.to_thread(person.commit, changes, f"push {number}")
            while not await self._landed(person):
                pass
            self.pushes = number

    async def _landed(self, person: Person) -> bool:
        """Push what was committed, on top of whatever is there."""
        await asyncio.to_thread(git, person.folder, "fetch", "--quiet")
        await asyncio.to_thread(git, person.folder, "rebase", "--quiet", "origin/main")
        self._push = await asyncio.create_subprocess_exec(
            "git", "push", "--quiet", "origin", "main",
            cwd=person.folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        await self._push.wait()
        await asyncio.to_thread(git, person.folder, "fetch", "--quiet")
        ahead = await asyncio.to_thread(git, person.folder, "rev-list", "--count", "origin/main..main")
        return ahead.stdout.strip() == "0"


@dataclass
class Account:
    """What the repository holds against what was answered."""

    kills: Counter[str]
    done: list[Done]
    pushes: int
    commits: int
    seconds: float
    problems: list[str]


async def killed_under_mutations(data: Path, times: int, seed: int) -> Account:
    """Run, kill so many times, and compare."""
    dice, kills, began = Random(seed), Counter[str](), time.monotonic()
    layout = fill(data)
    await people_of(layout)
    _prepare(layout)
    api = ApiProcess(data)
    await api.start()
    load = Load(api, data.parent / "clone", dice)
    running = asyncio.create_task(load.run())
    try:
        for _ in range(times):
            await asyncio.sleep(dice.uniform(0.01, 0.6))
            if dice.random() < 0.3 and await _kill_a_push(load, dice):
                kills["git push"] += 1
            else:
                kills["api"] += 1
                api.kill()
                await api.start()
            if running.done():
                break
        load.stopping = True
        await running
        problems = await _problems(layout, load)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        api.close()
    repository = Repository(layout.repository)
    log = GitLog(repository).log(repository.head() or "", [], skip=0, limit=1_000_000)
    return Account(kills, load.done, load.pushes, len(log), time.monotonic() - began, problems)


async def _kill_a_push(load: Load, dice: Random) -> bool:
    """In the middle of one, wherever that is."""
    for _ in range(200):
        if load._push is not None and load._push.returncode is None:
            await asyncio.sleep(dice.uniform(0, 0.4))
            if load.kill_push():
                return True
        await asyncio.sleep(0.01)
    return False


def _prepare(layout: Layout) -> None:
    from tests.repositories import committed

    projects = {f"projects/w{n}/project.yaml": b"id: w%d\nname: w%d\n" % (n, n) for n in range(WRITERS)}
    committed(Repository(layout.repository), {**projects, "projects/pushed/project.yaml": b"id: pushed\nname: Pushed\n"})


async def _problems(layout: Layout, load: Load) -> list[str]:
    """Everything that is not as it was promised."""
    found = []
    checked = git(layout.repository, "fsck", "--strict", "--full", check=False)
    if checked.returncode or "error" in checked.stderr:
        found.append(f"git fsck: {checked.stderr}")
    give_up = time.monotonic() + 4 * locks.STALE_AFTER_S
    while stale := [path.name for path in locks.held(layout.repository)]:
        if time.monotonic() > give_up:
            found.append(f"stale locks: {stale}")
            break
        await asyncio.sleep(0.1)  # the API clears them as it follows the branch
    repository = Repository(layout.repository)
    log = GitLog(repository)
    head = repository.head() or ""
    history = log.log(head, [], skip=0, limit=1_000_000)
    keys = Counter(commit.trailers[commits.IDEMPOTENCY_KEY] for commit in history if commits.IDEMPOTENCY_KEY in commit.trailers)
    found += [f"{key}: {times} commits" for key, times in keys.items() if times != 1]
    answered = {done.key: done for done in load.done}
    found += [f"{key}: answered and not there" for key in answered.keys() - keys.keys()]
    found += [f"{key}: there and not answered" for key in keys.keys() - answered.keys()]
    reverse = {commit.revision: commit for commit in history}
    for done in load.done:
        if done.revision not in reverse or log.changed(done.revision) != sorted(done.changed):
            found.append(f"{done.key}: not wholly there as {done.revision}")
    pushed = Counter(commit.reason for commit in history if commit.reason.startswith("push "))
    found += [
        f"push {number}: {pushed[f'push {number}']} commits"
        for number in range(1, load.pushes + 1)
        if pushed[f"push {number}"] != 1
    ]
    present = repository.files(head)
    found += [
        f"docs/{part}-{number}.md is missing"
        for number in range(1, load.pushes + 1)
        for part in "abc"
        if f"docs/{part}-{number}.md" not in present
    ]
    files.load(repository.contents(head))  # raises where it is not sound
    return found
