"""The journal's framing gives back what was written, or less: never something else."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.framing import CorruptRecord, frame, segment_name, segment_start, segment_starts, unframe, unframe_sound

payloads = st.lists(
    st.dictionaries(st.text(max_size=8), st.text(max_size=40) | st.integers(), max_size=4).map(
        lambda d: json.dumps(d).encode()
    ),
    max_size=12,
)


def test_a_record_is_one_line_with_its_checksum():
    assert frame(b'{"a":1}') == b'%08x {"a":1}\n' % zlib.crc32(b'{"a":1}')
    assert unframe(frame(b'{"a":1}')) == ([(17, b'{"a":1}')], 17)


def test_a_payload_with_a_line_feed_is_refused():
    with pytest.raises(ValueError, match="line feed"):
        frame(b"a\nb")


@given(payloads)
def test_everything_framed_comes_back_in_order(written):
    buffer = b"".join(map(frame, written))
    records, consumed = unframe(buffer)
    assert [payload for _, payload in records] == written
    assert consumed == len(buffer)
    assert all(unframe(buffer[:end])[1] == end for end, _ in records)


@given(payloads, st.data())
def test_a_truncated_buffer_gives_the_complete_records_only(written, data):
    buffer = b"".join(map(frame, written))
    cut = data.draw(st.integers(0, len(buffer)))
    records, consumed = unframe(buffer[:cut])
    assert [payload for _, payload in records] == written[: len(records)]
    assert consumed <= cut
    assert b"\n" not in buffer[consumed:cut]


@given(payloads.filter(len), st.data())
def test_any_damaged_byte_loses_records_but_never_invents_one(written, data):
    buffer = bytearray(b"".join(map(frame, written)))
    for _ in range(data.draw(st.integers(1, 3))):
        buffer[data.draw(st.integers(0, len(buffer) - 1))] = data.draw(st.integers(0, 255))
    records, consumed, _ = unframe_sound(bytes(buffer))
    assert {payload for _, payload in records} <= set(written)
    assert consumed <= len(buffer)


@given(payloads, payloads, st.binary(max_size=60).filter(lambda junk: b"\n" not in junk and junk != b"00000000 "))
def test_a_reader_goes_on_after_a_damaged_line(before, after, junk):
    head = b"".join(map(frame, before))
    buffer = head + junk + b"\n" + b"".join(map(frame, after))
    with pytest.raises(CorruptRecord) as caught:
        unframe(buffer)
    assert [payload for _, payload in caught.value.records] == before
    assert (caught.value.start, caught.value.end) == (len(head), len(head) + len(junk) + 1)
    records, consumed, damaged = unframe_sound(buffer)
    assert [payload for _, payload in records] == before + after
    assert (consumed, damaged) == (len(buffer), 1)
    assert all(buffer[:end].endswith(payload + b"\n") for end, payload in records)


def test_segments_are_named_by_their_start():
    assert segment_name(64) == "00000000000000000064.journal"
    assert segment_start(segment_name(2**40)) == 2**40
    assert segment_start("notes.txt") is None
    assert segment_start("64.journal") is None
    assert segment_starts([segment_name(9), ".probe", segment_name(3)]) == [3, 9]
