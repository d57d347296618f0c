"""What moves a revision from Git to the proxies: pushes, commits, wrong revisions, restarts, and who runs what."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import api.publish
import api.wakeups
from api.publications import Publication, Publications
from api.publish import Publisher
from api.repository import installation
from api.repository.errors import Conflict
from api.repository.store import Edit, Repository
from api.wakeups import Wakeups
from core.config import Config, Model, Project
from core.files import ConfigErrors
from core.layout import Layout
from core.published import ProxyState, Refused, chains, superseded
from core.references import indexed
from tests.repositories import ADA, BLOG, SHOP, Person, committed, git, installed


class Desk:
    """A data folder, its repository and a publisher that runs."""

    def __init__(self, layout: Layout, repository: Repository) -> None:
        self.layout = layout
        self.repository = repository
        self.publisher = Publisher(layout, repository)

    async def restart(self) -> None:
        await self.publisher.close()
        self.publisher = Publisher(self.layout, self.repository)
        await self.publisher.start()

    def past_the_hook(self, changes: dict[str, bytes | None]) -> str:
        """Commit unchecked, as a fetch or a direct write would."""
        edit = Edit(changes=changes, author=ADA, reason="Unchecked", base=self.repository.head())
        return self.repository.commit(edit, lambda *_: None).revision

    async def published(self, condition: Callable[[Publisher], bool]) -> None:
        """Wait until the publisher has come so far by itself."""
        moved = asyncio.Event()
        end = self.publisher.subscribe(lambda _: moved.set())
        async with asyncio.timeout(30):
            while not condition(self.publisher):
                moved.clear()
                await moved.wait()
        end()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.layout.published.iterdir())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(*installed(tmp_path / "data"))
    await desk.publisher.start()
    yield desk
    await desk.publisher.close()


def name_of(config: Config, path: str = BLOG) -> str:
    project = config.files[path]
    assert isinstance(project, Project)
    return project.name


def edit(base: str | None, name: str, path: str = BLOG) -> Edit:
    slug = path.split("/")[1]
    return Edit(changes={path: f"id: p-{slug}\nname: {name}\n".encode()}, author=ADA, reason="A reason", base=base)


async def test_the_first_start_publishes_everything(desk: Desk) -> None:
    assert desk.publisher.revision == desk.repository.head()
    assert desk.names() == ["full-000000000001.json"]
    assert name_of(desk.publisher.config) == "The blog"
    assert (desk.publisher.degraded, desk.publisher.refused, desk.publisher.sequence) == ({}, (), 1)


async def test_an_empty_repository_has_nothing_to_publish_until_its_first_commit(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    desk = Desk(layout, installation.create(layout.repository, tmp_path))
    await desk.publisher.start()
    assert (desk.publisher.revision, desk.publisher.config, desk.names()) == (None, Config(), [])
    await desk.publisher.commit(Edit(changes={"waybill.yaml": b"format: 1\n"}, author=ADA, reason="r", base=None))
    assert desk.publisher.revision == desk.repository.head()
    await desk.publisher.close()


async def test_a_commit_is_published_when_it_returns(desk: Desk) -> None:
    heard: list[Publication] = []
    end = desk.publisher.subscribe(heard.append)
    done = await desk.publisher.commit(edit(desk.publisher.revision, "New"))
    assert desk.publisher.revision == done.revision == desk.repository.head()
    assert name_of(desk.publisher.config) == "New"
    assert [publication.revision for publication in heard] == [done.revision]
    assert desk.names() == ["delta-000000000002.json", "full-000000000001.json"]
    end()
    await desk.publisher.commit(edit(desk.publisher.revision, "Newer"))
    assert len(heard) == 1


async def test_a_commit_that_conflicts_or_does_not_validate_publishes_nothing(desk: Desk) -> None:
    base = desk.publisher.revision
    await desk.publisher.commit(edit(base, "New"))
    with pytest.raises(Conflict):
        await desk.publisher.commit(edit(base, "Mine"))
    with pytest.raises(ConfigErrors):
        await desk.publisher.commit(edit(desk.publisher.revision, "the SHOP"))
    assert desk.publisher.sequence == 2


async def test_a_push_is_published_by_itself(desk: Desk, tmp_path: Path) -> None:
    person = Person(tmp_path / "clone", desk.layout.repository)
    done = await asyncio.to_thread(person.push_changes, {BLOG: b"id: p-blog\nname: Pushed\n"})
    assert done.returncode == 0
    await desk.published(lambda publisher: name_of(publisher.config) == "Pushed")


async def test_a_branch_that_was_packed_is_still_followed_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write after packing is no rename: without its event, only the poll would see it."""
    await desk.publisher.close()
    monkeypatch.setattr(api.wakeups, "POLL_S", 60.0)
    await desk.restart()
    for number in range(3):
        git(desk.layout.repository, "pack-refs", "--all")
        await asyncio.to_thread(committed, desk.repository, {BLOG: f"id: p-blog\nname: N{number}\n".encode()})
        await desk.published(lambda publisher, name=f"N{number}": name_of(publisher.config) == name)


async def test_without_inotify_the_poll_follows_the_branch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def used_up() -> None:
        raise OSError(24, "Too many open files")

    await desk.publisher.close()
    monkeypatch.setattr(api.wakeups, "Inotify", used_up)
    monkeypatch.setattr(api.wakeups, "POLL_S", 0.01)
    await desk.restart()
    await asyncio.to_thread(committed, desk.repository, {BLOG: b"id: p-blog\nname: Polled\n"})
    await desk.published(lambda publisher: name_of(publisher.config) == "Polled")


async def test_publishing_twice_is_publishing_once(desk: Desk) -> None:
    committed(desk.repository, {BLOG: b"id: p-blog\nname: New\n"})
    await asyncio.gather(*(desk.publisher.publish_head() for _ in range(20)))
    assert desk.publisher.sequence == 2


async def test_what_was_pushed_while_the_api_was_away_is_published_at_its_start(desk: Desk) -> None:
    await desk.publisher.close()
    for number in range(3):
        committed(desk.repository, {BLOG: f"id: p-blog\nname: N{number}\n".encode()})
    await desk.restart()
    assert name_of(desk.publisher.config) == "N2"
    assert desk.names() == ["delta-000000000002.json", "full-000000000001.json"]
    await desk.restart()
    assert desk.publisher.sequence == 2


async def test_a_published_state_that_cannot_be_read_is_replaced_by_a_whole_one(desk: Desk) -> None:
    await desk.publisher.commit(edit(desk.publisher.revision, "New"))
    await desk.publisher.close()
    for name in desk.names():
        (desk.layout.published / name).write_bytes(b"{")
    await desk.restart()
    assert desk.publisher.sequence == 3
    assert "full-000000000003.json" in desk.names()
    assert name_of(desk.publisher.config) == "New"


async def test_a_lost_delta_is_bridged_by_a_whole_one(desk: Desk) -> None:
    for number in range(3):
        await desk.publisher.commit(edit(desk.publisher.revision, f"N{number}"))
    await desk.publisher.close()
    (desk.layout.published / "delta-000000000003.json").unlink()
    await desk.restart()
    newest = chains(desk.names())[0]
    assert newest.full == 5
    loaded = Publications(desk.layout.published).load(verify=True)
    assert loaded is not None
    assert (loaded.revision, name_of(loaded.config)) == (desk.repository.head(), "N2")


async def test_a_state_that_reads_but_is_not_what_was_written_is_not_trusted(desk: Desk) -> None:
    await desk.publisher.close()
    full = desk.layout.published / "full-000000000001.json"
    full.write_bytes(full.read_bytes().replace(b"The blog", b"The glob"))
    await desk.restart()
    assert name_of(desk.publisher.config) == "The blog"


async def test_two_whole_ones_and_their_deltas_are_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.publish, "FULL_EVERY", 4)
    for number in range(12):
        await desk.publisher.commit(edit(desk.publisher.revision, f"N{number}"))
    assert desk.names() == [
        *(f"delta-{number:012d}.json" for number in range(9, 14)), "full-000000000008.json", "full-000000000012.json",
    ]  # fmt: skip
    assert superseded(desk.names()) == []
    loaded = Publications(desk.layout.published).load(verify=True)
    assert loaded is not None
    assert indexed(loaded.config) == desk.publisher.config


async def test_a_replaced_history_is_read_whole(desk: Desk) -> None:
    await desk.publisher.close()
    for path in desk.layout.repository.rglob("*"):
        if path.is_file():
            path.unlink()
    desk.layout.repository.rename(desk.layout.data / "old.git")
    desk.repository = installation.create(desk.layout.repository, desk.layout.data)
    changes = {"waybill.yaml": b"format: 1\n", SHOP: b"id: p-shop\nname: Only\n"}
    committed(desk.repository, changes, base=None)
    await desk.restart()
    assert set(desk.publisher.config.files) == set(changes)


# --- revisions that came past the hook ----------------------------------------------------------------------------------


async def test_a_wrong_project_degrades_alone_and_recovers_by_itself(desk: Desk) -> None:
    desk.past_the_hook({BLOG: b"id: p-blog\nname: [\n", SHOP: b"id: p-shop\nname: Sound\n"})
    await desk.publisher.publish_head()
    assert name_of(desk.publisher.config) == "The blog"
    assert name_of(desk.publisher.config, SHOP) == "Sound"
    assert desk.publisher.degraded[BLOG].startswith(f"{BLOG}:")
    await desk.publisher.commit(edit(desk.publisher.revision, "Newer", SHOP))
    assert BLOG in desk.publisher.degraded  # an unrelated change is neither stopped nor makes it forgotten
    await desk.restart()
    assert BLOG in desk.publisher.degraded
    await desk.publisher.commit(edit(desk.publisher.revision, "Mended"))
    assert (desk.publisher.degraded, name_of(desk.publisher.config)) == ({}, "Mended")


async def test_what_was_wrong_only_for_want_of_another_file_recovers_with_that_file(desk: Desk) -> None:
    routing = "projects/blog/routing.yaml"
    desk.past_the_hook({routing: b"models: [{id: coming}]\n"})
    await desk.publisher.publish_head()
    assert routing in desk.publisher.degraded
    desk.past_the_hook({"models/coming.yaml": b"provider: sim\nupstream_name: x\n"})
    await desk.publisher.publish_head()
    assert desk.publisher.degraded == {}
    assert desk.publisher.config.files[routing].models[0].id == "coming"  # type: ignore[union-attr]


async def test_a_wrong_global_file_refuses_the_revision_and_keeps_the_last(desk: Desk) -> None:
    good = desk.publisher.revision
    desk.past_the_hook({"waybill.yaml": b"format: 9\n"})
    await desk.publisher.publish_head()
    assert desk.publisher.revision == good
    assert [error.file for error in desk.publisher.refused] == ["waybill.yaml"]
    with pytest.raises(ConfigErrors):
        await desk.publisher.commit(edit(desk.repository.head(), "New"))
    mend = Edit(changes={"waybill.yaml": b"format: 1\n# mended\n"}, author=ADA, reason="r", base=desk.repository.head())
    done = await desk.publisher.commit(mend)
    assert (desk.publisher.revision, desk.publisher.refused) == (done.revision, ())


# --- prices -------------------------------------------------------------------------------------------------------------


async def test_published_models_carry_prices(desk: Desk) -> None:
    def prices() -> Decimal | None:
        model = desk.publisher.config.files["models/listed.yaml"]
        assert isinstance(model, Model)
        return model.prices.input if model.prices is not None else None

    async def write(data: bytes, path: str = "models/listed.yaml") -> None:
        changes = {path: data}
        await desk.publisher.commit(Edit(changes=changes, author=ADA, reason="r", base=desk.publisher.revision))

    assert prices() == Decimal("0.15")
    await write(b"provider: openai\nupstream_name: gpt-4o-mini\nprices: {input: 7, output: 8}\n")
    assert prices() == 7
    await write(b"provider: openai\nupstream_name: gpt-4o-mini\n")
    assert prices() == Decimal("0.15")
    await write(b"kind: simulated\n", "providers/openai.yaml")
    assert prices() is None
    loaded = Publications(desk.layout.published).load(verify=True)
    assert loaded is not None
    assert indexed(loaded.config) == desk.publisher.config


# --- proxies ------------------------------------------------------------------------------------------------------------


def report(desk: Desk, proxy: str, sequence: int, pid: int | None = None, refused: Refused | None = None) -> None:
    state = ProxyState(proxy_id=proxy, pid=pid or os.getpid(), revision="r", sequence=sequence, at_ms=0, refused=refused)
    desk.layout.proxy_state(proxy).write_bytes(msgspec.json.encode(state))


async def test_waiting_ends_when_every_living_proxy_runs_the_revision(desk: Desk) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    report(desk, "a", 2)
    report(desk, "b", 1)
    report(desk, "dead", 1, pid=gone.pid)
    (desk.layout.proxies / "torn.json").write_bytes(b"{")
    done = await desk.publisher.commit(edit(desk.publisher.revision, "New"))
    began = time.monotonic()
    assert await desk.publisher.wait_until_running(done.revision, timeout_s=0.1) == ("b",)
    assert 0.1 <= time.monotonic() - began < 1
    waiting = asyncio.create_task(desk.publisher.wait_until_running(done.revision, timeout_s=5))
    await asyncio.sleep(0)
    report(desk, "b", 2)
    assert await waiting == ()
    assert [state.proxy_id for state in desk.publisher.proxies()] == ["a", "b", "dead"]
    assert [state.proxy_id for state in desk.publisher.living_proxies()] == ["a", "b"]


async def test_a_revision_published_together_with_a_later_one_counts_as_running(desk: Desk) -> None:
    first = committed(desk.repository, {"docs/a.md": b"x"})
    committed(desk.repository, {"docs/b.md": b"x"})
    await desk.publisher.publish_head()
    report(desk, "a", 2)
    assert await desk.publisher.wait_until_running(first.revision, timeout_s=0.05) == ()
    assert await desk.publisher.wait_until_running("0" * 40, timeout_s=0.05) == ("a",)


async def test_a_proxy_that_refused_a_delta_is_given_a_whole_one(desk: Desk) -> None:
    await desk.publisher.commit(edit(desk.publisher.revision, "New"))
    report(desk, "a", 1, refused=Refused("r", "torn"))
    wakeups = Wakeups(desk.layout.published)
    await asyncio.to_thread(committed, desk.repository, {BLOG: b"id: p-blog\nname: Newer\n"})
    async with asyncio.timeout(30):
        while "full-000000000003.json" not in desk.names():
            await wakeups.next()
    wakeups.close()
