"""The bounds of the strict YAML reader, each at the last value that is read and the first that is not; the lines of faults."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import yaml_strict
from core.yaml_strict import YamlError

EDGES = [
    ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None),
    ("-9223372036854775808", -(2**63)), ("-9223372036854775809", None),
    ("0x7FFFFFFFFFFFFFFF", 2**63 - 1), ("0x8000000000000000", None),
    ("0o777777777777777777777", 2**63 - 1), ("0o1000000000000000000000", None),
    ("1." + "0" * 38, Decimal(1)), ("1." + "0" * 39, None),
    ("0" * 39 + "7", 7), ("0" * 40 + "7", None), ("0x" + "0" * 37 + "7", 7), ("0x" + "0" * 38 + "7", None),
    ("9.9e30", Decimal("9.9e30")), ("1e31", None), ("1e-30", Decimal("1e-30")), ("1e-31", None), ("0e99", Decimal(0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), EDGES)
def test_a_number_is_read_up_to_its_bound(text: str, meaning: object) -> None:
    if meaning is None:
        with pytest.raises(YamlError, match=r"^line 2: a number o"):
            yaml_strict.load(f"a: 1\nb: {text}".encode())
    else:
        assert yaml_strict.load(f"b: {text}".encode()) == {"b": meaning}


def test_24_levels_are_read_and_25_are_not() -> None:
    for opening, closing in (("[", "]"), ("{a: ", "}")):
        assert yaml_strict.load((opening * 24 + "1" + closing * 24).encode())
        with pytest.raises(YamlError, match=r"^line 3: nested more than 24 levels"):
            yaml_strict.load(("\n\n" + opening * 25 + "1" + closing * 25).encode())


def test_a_mebibyte_is_read_and_a_byte_more_is_not() -> None:
    assert yaml_strict.load(b"a: 1\n#" + b"x" * (1_048_576 - 6)) == {"a": 1}
    with pytest.raises(YamlError, match="line 1: the file has 1048577 bytes: at most 1048576 are read"):
        yaml_strict.load(b"a: 1\n#" + b"x" * (1_048_576 - 5))


LINES = [
    (b"\na: \xff", 2), (b"\na: \x07", 2), ("\n# x\u2028".encode(), 2),
    (b"a: \xff", 1), (b"a: 1\nb: 2\nc: \xff\n", 3), (b"\xff\n\n", 1),
    (b"a: 1\nb: \x07", 2), (b"a: 1\n\n\nb: \x07\n", 4),
    ("a: 1\n\n# x\u2029".encode(), 3),
    (b"a: 1\n1: b", 2), (b"a: 1\nb: .inf", 2), (b"a: 1\nb: 1\nb: 2", 3),
    (b"a: 1\nb: *x", 2), (b"a: 1\nb: !x 1", 2), (b"a: 1\nb: &x {}", 2), (b"a: 1\nb: 1\n---\nc: 1\n", 3),
    (b"a: 1\nb: 'x", 2), (b"a: 1\nb: [1\nc: 2", 3),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), LINES)
def test_a_fault_is_told_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        yaml_strict.load(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


def test_what_stands_before_a_fault_has_its_lines() -> None:
    assert yaml_strict.lines(b"a: 1\nb:\n- 1\n- *x\nc: 1\n") == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4}
