"""What one turn of the loop sends leaves together, and never before the record that it depends on."""

import asyncio
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.journal import Journal, JournalUnavailable, read_records
from proxy.outbox import HELD_BYTES, Outbox


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal")
    yield journal
    journal.close()


def recorded(journal: Journal) -> list[bytes]:
    return [payload for _, payload in read_records(journal.folder, 0)]


class Wire(asyncio.WriteTransport):
    """A transport that notes what it is given, and what the journal held by then."""

    def __init__(self, journal: Journal | None = None) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.journalled: list[list[bytes]] = []
        self.closing = False
        self._journal = journal

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        if self._journal is not None:
            self.journalled.append(recorded(self._journal))


class Upstream:
    """An upstream connection that notes what becomes of its request."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.withdrawn: Exception | None = None

    def send(self, data: bytes) -> None:
        self.wire.write(data)

    def withdraw(self, error: Exception) -> None:
        self.withdrawn = error


@contextmanager
def full_disk(journal: Journal) -> Iterator[None]:
    """No file of this process grows any more."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = sum(path.stat().st_size for path in journal.folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


async def turn_over() -> None:
    """Wait until the outbox has had its turn."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_records_of_a_turn_are_in_the_journal_before_anything_is_sent(journal):
    outbox = Outbox(asyncio.get_running_loop(), journal)
    client, provider = Wire(journal), Wire(journal)
    outbox.answer(client, b"answer")
    outbox.call(Upstream(provider), b"request")
    written: list[str] = []
    outbox.record(b'{"n":1}', lambda: written.append("1"))
    outbox.record(b'{"n":2}', lambda: written.append("2"))
    assert client.sent == provider.sent == []
    await turn_over()
    assert client.journalled == provider.journalled == [[b'{"n":1}', b'{"n":2}']]
    assert (client.sent, provider.sent, written) == ([b"answer"], [b"request"], ["1", "2"])


async def test_bytes_leave_in_the_order_in_which_they_were_put_in_and_closing_comes_behind_them():
    outbox = Outbox(asyncio.get_running_loop())
    wire = Wire()
    outbox.answer(wire, b"a")
    outbox.answer(wire, b"b")
    outbox.then(lambda: setattr(wire, "closing", True))
    outbox.answer(wire, b"after the close")
    await turn_over()
    assert wire.sent == [b"a", b"b"]


async def test_a_writer_that_never_waits_does_not_fill_the_memory():
    outbox = Outbox(asyncio.get_running_loop())
    wire = Wire()
    for _ in range(5):
        outbox.answer(wire, bytes(HELD_BYTES // 2))
    assert sum(map(len, wire.sent)) >= HELD_BYTES
    await turn_over()
    assert len(wire.sent) == 5


async def test_on_a_full_disk_nothing_goes_upstream_and_ends_wait_in_memory_until_there_is_room(journal):
    outbox = Outbox(asyncio.get_running_loop(), journal)
    client, provider = Wire(), Upstream(Wire())
    outcomes: list[str] = []
    with full_disk(journal):
        outbox.record(b'{"admitted":1}', lambda: outcomes.append("admitted"), lambda: outcomes.append("lost"))
        outbox.call(provider, b"request")
        outbox.record(b'{"finished":2}', lambda: outcomes.append("finished"))
        outbox.answer(client, b"answer")
        outbox.flush()
        assert isinstance(provider.withdrawn, JournalUnavailable)
        assert (provider.wire.sent, client.sent) == ([], [b"answer"])
        assert (outcomes, journal.pending, journal.deferred_total) == (["lost"], 1, 1)
        assert recorded(journal) == []
    journal._recover()
    assert (recorded(journal), outcomes) == ([b'{"finished":2}'], ["lost", "finished"])


async def test_where_the_settings_say_serve_requests_go_upstream_without_a_record(journal):
    outbox = Outbox(asyncio.get_running_loop(), journal)
    outbox.serves_unrecorded = True
    provider = Upstream(Wire())
    with full_disk(journal):
        outbox.record(b'{"admitted":1}', lambda: None, lambda: None)
        outbox.call(provider, b"request")
        outbox.flush()
    assert (provider.wire.sent, provider.withdrawn) == ([b"request"], None)
