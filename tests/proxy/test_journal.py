"""The journal loses nothing that it accepted, whatever happens to the process or the disk."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.framing import frame, segment_name
from proxy.journal import Journal, JournalUnavailable, read_records


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def payloads(folder: Path, start: int = 0) -> list[bytes]:
    return [payload for _, payload in read_records(folder, start)]


def test_what_was_appended_is_replayed_from_any_position(folder):
    journal = Journal.open(folder)
    positions = [journal.append(b'{"n":%d}' % n) for n in range(5)]
    assert journal.position == positions[-1]
    assert list(journal.replay(0)) == [(position, b'{"n":%d}' % n) for n, position in enumerate(positions)]
    assert [payload for _, payload in journal.replay(positions[2])] == [b'{"n":3}', b'{"n":4}']
    journal.close()


def test_segments_rotate_and_positions_run_on_over_them(folder):
    journal = Journal.open(folder, segment_bytes=100)
    positions = [journal.append(b'{"n":%04d}' % n) for n in range(50)]
    journal.close()
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) > 5
    assert names[0] == segment_name(0)
    assert list(read_records(folder, positions[20])) == [(positions[n], b'{"n":%04d}' % n) for n in range(21, 50)]


def test_a_torn_tail_is_cut_off_and_writing_goes_on_after_the_last_whole_record(folder):
    journal = Journal.open(folder)
    end = journal.append(b'{"n":1}')
    journal.close()
    with (folder / segment_name(0)).open("ab") as file:
        file.write(frame(b'{"n":2}')[:-4])
    journal = Journal.open(folder)
    assert journal.position == end
    journal.append(b'{"n":3}')
    journal.close()
    assert payloads(folder) == [b'{"n":1}', b'{"n":3}']


def test_a_damaged_record_in_the_middle_costs_only_itself(folder):
    journal = Journal.open(folder)
    ends = [journal.append(b'{"n":%d}' % n) for n in range(3)]
    journal.close()
    with (folder / segment_name(0)).open("r+b") as file:
        file.seek(ends[0] + 12)
        file.write(b"#")
    assert payloads(folder) == [b'{"n":0}', b'{"n":2}']


def test_a_second_writer_is_refused(folder):
    journal = Journal.open(folder)
    with pytest.raises(JournalUnavailable, match="another process"):
        Journal.open(folder)
    journal.close()
    Journal.open(folder).close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnavailable, match="cannot be used"):
        Journal.open(tmp_path / "file" / "journal")


def test_positions_never_fall_below_the_floor(folder):
    journal = Journal.open(folder, floor=500)
    assert journal.position == 500
    end = journal.append(b"{}")
    journal.close()
    journal = Journal.open(folder, floor=10_000)
    journal.append(b'{"later":1}')
    assert [payload for _, payload in journal.replay(end)] == [b'{"later":1}']
    journal.close()
    assert payloads(folder) == [b"{}", b'{"later":1}']


def test_a_full_disk_tears_nothing_and_heals_by_itself(folder):
    """A real short write: the kernel stops the file at the limit in the middle of the record."""
    journal = Journal.open(folder)
    before = journal.append(b'{"a":"%b"}' % (b"x" * 500))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(JournalUnavailable, match="no room"):
            journal.append(b'{"b":"%b"}' % (b"x" * 800))
        assert not journal.writable
        assert journal.position == before == (folder / segment_name(0)).stat().st_size
        assert journal.append_later(b'{"b":1}')
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, limits[1]))
        with pytest.raises(JournalUnavailable, match=os.strerror(errno.EFBIG)):
            journal.append(b'{"c":1}')
        assert journal.append_later(b'{"c":1}')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    journal._recover()
    assert journal.writable
    journal.append(b'{"d":1}')
    journal.close()
    assert payloads(folder)[1:] == [b'{"b":1}', b'{"c":1}', b'{"d":1}']


def test_what_waits_is_written_by_the_journals_own_thread(folder):
    import threading

    journal = Journal.open(folder)
    done = threading.Event()
    assert journal.append_later(b'{"late":1}', done.set)
    assert journal.pending == 1
    assert done.wait(5)
    journal.close()
    assert payloads(folder) == [b'{"late":1}']


def test_the_queue_for_later_is_bounded_and_its_losses_are_counted(folder, monkeypatch):
    monkeypatch.setattr("proxy.journal.PENDING_BYTES", 30)
    journal = Journal.open(folder)
    assert journal.append_later(b'{"n":1}')
    assert not journal.append_later(b'{"n":22222}')
    assert journal.lost_total == 1
    journal.close()
    assert payloads(folder) == [b'{"n":1}']


def test_a_killed_writer_loses_no_record_that_it_finished(folder, tmp_path):
    """25 times SIGKILL in the middle of writing: every id that was reported as ended has its end, once, and nobody else's."""
    from core.events import RequestAdmitted, RequestFinished
    from proxy.checkpoint import _events

    reported: set[str] = set()
    for run in range(25):
        reported |= kill_while_writing(tmp_path, run)
    admitted, ended = {}, []
    for event in _events(payloads(folder)):
        if isinstance(event, RequestAdmitted):
            admitted[event.id] = event
        else:
            assert isinstance(event, RequestFinished)
            ended.append(event)
    ids = [event.id for event in ended]
    assert len(ids) == len(set(ids))
    assert reported <= set(ids) <= set(admitted)
    left_open = set(admitted) - set(ids)
    assert all(request_id.startswith(f"{24:08x}") for request_id in left_open), "only the last run's are still to be recovered"
    crashed = [event for event in ended if event.error_code == "crashed"]
    assert crashed
    assert all(event.status == "error" and event.cost_nano_usd == 5 and event.usage.estimated for event in crashed)


def kill_while_writing(data: Path, run: int) -> set[str]:
    writer = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("journal_writer.py")), str(data), str(run)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert writer.stdout
    lines = [writer.stdout.readline() for _ in range(20 + run * 7)]
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read()
    writer.stdout.close()
    writer.wait()
    seen = b"".join(lines) + rest
    return {line.decode() for line in seen.split(b"\n") if len(line) == 32}
