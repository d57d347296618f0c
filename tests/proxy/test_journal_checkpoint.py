"""A start knows from checkpoint and journal what the process that died knew."""

import asyncio

import msgspec
import pytest

from core.events import RequestAdmitted, RequestFinished
from proxy.checkpoint import Checkpoint, crashed, fold, keep, open_journal, read, recover, save, write
from proxy.journal import Journal


def admitted(request_id: str) -> RequestAdmitted:
    reserved = {"cost": 9, "input_tokens": 3, "output_tokens": 4}
    return RequestAdmitted(id=request_id, at_ms=5, project="p", token="t", revision="r", stream=True, reserved=reserved)


def finished(request_id: str) -> RequestFinished:
    return RequestFinished(id=request_id, at_ms=5, project="p", token="t", revision="r", status="success", http_status=200)


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path):
    checkpoint = Checkpoint(position=7, open={"a": admitted("a")}, statistics=msgspec.Raw(b'{"m":[1,2]}'))
    write(tmp_path / "proxy" / "checkpoint.json", checkpoint)
    found = read(tmp_path / "proxy" / "checkpoint.json")
    assert found is not None
    assert (found.position, found.open, bytes(found.statistics)) == (7, {"a": admitted("a")}, b'{"m":[1,2]}')
    assert [path.name for path in (tmp_path / "proxy").iterdir()] == ["checkpoint.json"]


@pytest.mark.parametrize("content", [None, b"", b'{"position": "x"}', b'{"position": 1'])
def test_a_checkpoint_that_cannot_be_read_is_none(tmp_path, content):
    if content is not None:
        (tmp_path / "c").write_bytes(content)
    assert read(tmp_path / "c") is None


def test_the_journal_after_the_checkpoint_opens_and_ends_requests():
    encode = msgspec.json.encode
    known = Checkpoint(position=1, open={"a": admitted("a"), "b": admitted("b")})
    records = [
        encode(admitted("c")),
        encode(finished("a")),
        b'{"event":"from_the_future"}',
        encode(admitted("d")),
        encode(finished("c")),
    ]
    recovered = fold(known, 99, records)
    assert sorted(recovered.open) == ["b", "d"]
    assert [(event.id, type(event)) for event in recovered.events] == [
        ("c", RequestAdmitted), ("a", RequestFinished), ("d", RequestAdmitted), ("c", RequestFinished),
    ]  # fmt: skip
    assert recovered.position == 99


def test_recovery_reads_only_what_the_checkpoint_has_not_seen(tmp_path):
    journal = Journal.open(tmp_path)
    journal.append(msgspec.json.encode(admitted("old")))
    checkpoint = Checkpoint(position=journal.position, open={"old": admitted("old")})
    journal.append(msgspec.json.encode(finished("old")))
    recovered = recover(journal, checkpoint)
    assert (recovered.open, [event.id for event in recovered.events]) == ({}, ["old"])
    assert [event.id for event in recover(journal, None).events] == ["old", "old"]
    journal.close()


def test_a_journal_that_was_deleted_goes_on_at_the_checkpoints_position(tmp_path):
    journal = open_journal(tmp_path, Checkpoint(position=4_000))
    assert journal.position == 4_000
    journal.close()


def test_a_request_that_died_is_booked_at_its_reserve():
    end = crashed(admitted("a"))
    assert (end.status, end.error_code, end.cost_nano_usd, end.stream, end.revision) == ("error", "crashed", 9, True, "r")
    assert end.usage is not None
    assert (end.usage.input_tokens, end.usage.output_tokens, end.usage.estimated) == (3, 4, True)
    assert crashed(RequestAdmitted(id="b", at_ms=1, project="p", token="t", revision="r")).cost_nano_usd is None


async def test_checkpoints_are_written_again_and_again(tmp_path):
    journal = Journal.open(tmp_path / "journal")
    path = tmp_path / "proxy" / "checkpoint.json"
    taken = asyncio.Event()
    count = 0

    def take() -> Checkpoint:
        nonlocal count
        count += 1
        if count == 3:
            taken.set()
        return Checkpoint(position=count)

    task = asyncio.create_task(keep(path, journal, take, interval_s=0.01))
    await asyncio.wait_for(taken.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    found = read(path)
    assert found is not None
    assert found.position >= 2
    journal.close()


async def test_a_checkpoint_that_is_due_is_written_at_once(tmp_path):
    journal = Journal.open(tmp_path / "journal")
    path = tmp_path / "proxy" / "checkpoint.json"
    due, taken = asyncio.Event(), asyncio.Event()

    def take() -> Checkpoint:
        taken.set()
        return Checkpoint(position=7)

    task = asyncio.create_task(keep(path, journal, take, interval_s=3_600, due=due))
    due.set()
    await asyncio.wait_for(taken.wait(), 30)
    task.cancel()
    await asyncio.wait([task])
    assert not due.is_set()
    assert read(path) == Checkpoint(position=7)
    journal.close()


async def test_whoever_stops_the_checkpoints_may_close_the_journal_then(tmp_path):
    journal = Journal.open(tmp_path / "journal")
    path = tmp_path / "proxy" / "checkpoint.json"

    def take() -> Checkpoint:
        asyncio.get_running_loop().call_soon(task.cancel)  # while the thread is at it
        return Checkpoint(position=7)

    task = asyncio.create_task(keep(path, journal, take, interval_s=0))
    await asyncio.wait([task])
    assert task.cancelled()
    journal.close()
    assert read(path) == Checkpoint(position=7)


def test_a_disk_that_refuses_a_checkpoint_is_no_error(tmp_path):
    journal = Journal.open(tmp_path / "journal")
    (tmp_path / "file").write_text("")
    assert not save(tmp_path / "file" / "checkpoint.json", journal, Checkpoint())
    journal.close()
