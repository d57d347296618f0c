"""The strict YAML reader: what plain words mean, what is refused, and with which line."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import yaml_strict
from core.yaml_strict import YamlError

MEANINGS = [
    ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("NO", "NO"), ("y", "y"),
    ("true", True), ("False", False), ("TRUE", True), ("tRUE", "tRUE"),
    ("~", None), ("null", None), ("", None), ("nil", "nil"),
    ("020", 20), ("0o17", 15), ("0x1F", 31), ("-7", -7), ("+7", 7), ("1_000", "1_000"), ("0b1", "0b1"),
    ("12:30:45", "12:30:45"),
    ("1.50", Decimal("1.50")), (".5", Decimal("0.5")), ("1.", Decimal(1)), ("1e3", Decimal(1000)),
    ("-2.5E-3", Decimal("-0.0025")),
    ("2026-01-01", "2026-01-01"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("1.2.3", "1.2.3"),
    ("'1'", "1"), ('"true"', "true"), ("'~'", "~"), ("|\n  1", "1"), ("<<", "<<"), ("=", "="), ("+", "+"), (".", "."),
]  # fmt: skip

REFUSED = [
    ("a: 1\nb: 2\na: 3\n", 3, "`a` is given twice"),
    ("a: {b: 1, b: 2}", 1, "`b` is given twice"),
    ("'a': 1\na: 2", 2, "`a` is given twice"),
    ("a: &x 1\nb: *x", 1, "anchors"),
    ("- *x", 1, "aliases"),
    ("a: &x [1]", 1, "anchors"),
    ("a: !!str 1", 1, "tags"),
    ("a: 1\nb: !python/object {}", 2, "tags"),
    ("a: ! x", 1, "tags"),
    ("a: 1\n---\nb: 1", 2, "second document"),
    ("1: a", 1, "a key must be text"),
    ("true: a", 1, "a key must be text"),
    ("? [a]\n: 1", 1, "a key must be text"),
    ("a: .inf", 1, "infinity"),
    ("a: .NaN", 1, "infinity"),
    ("a: 1e99999", 1, "out of any range"),
    ("a: 99999999999999999999", 1, "out of any range"),
    ("a: " + "1" * 50, 1, "more than 40 digits"),
    ("a: 1\nb: [1,", 3, "this is not YAML"),
    ("a: 1\n\tb: 2", 2, "indented with a tab: indent with spaces"),
    ("a:\n  - b\n \t- c", 3, "indented with a tab: indent with spaces"),
    ("a:\n\tb: 2", 2, "indented with a tab: indent with spaces"),
    ("a: \x07", 1, "control character"),
    ("# hidden\u2028b: 1\na: 1", 1, "invisible line break (U+2028)"),
    ("a: 1\n# x\rb: 2", 2, "invisible line break (U+000D)"),
    ("a: 1\n# x\x85b: 2", 2, "invisible line break (U+0085)"),
    ("- " * 30, 1, "nested more than"),
    ("[" * 500_000, 1, "nested more than"),
    ("a: '" + "x" * yaml_strict.MAX_BYTES + "'", 1, "bytes: at most"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_a_plain_word_means_what_the_core_schema_of_yaml_1_2_says(text: str, meaning: object) -> None:
    read = yaml_strict.load(f"a: {text}".encode())
    assert read == {"a": meaning}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(meaning)


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED)
def test_what_is_clever_or_broken_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(YamlError) as caught:
        yaml_strict.load(text.encode())
    assert caught.value.line == line
    assert reason in caught.value.reason


@pytest.mark.parametrize("data", [b"a: \xff", "a: é".encode("utf-16"), "a: é".encode("latin-1")])
def test_only_utf_8_is_read(data: bytes) -> None:
    with pytest.raises(YamlError, match="not UTF-8"):
        yaml_strict.load(data)


@pytest.mark.parametrize("data", [b"", b"# a comment\n", b"---\n", b"\xef\xbb\xbf"])
def test_a_file_without_content_is_none(data: bytes) -> None:
    assert yaml_strict.load(data) is None


def test_a_byte_order_mark_a_windows_line_end_and_a_version_are_fine() -> None:
    assert yaml_strict.load(b"\xef\xbb\xbf%YAML 1.2\r\n---\r\na: 1\r\nb: x\r\n") == {"a": 1, "b": "x"}


def test_every_key_and_entry_has_its_line() -> None:
    text = b"a: 1\n\npolicies:\n- kind: x\n  # why\n  b:\n    c: 1\n- [1,\n   2]\n"
    assert yaml_strict.lines(text) == {
        (): 1, ("a",): 1, ("policies",): 3, ("policies", 0): 4, ("policies", 0, "kind"): 4, ("policies", 0, "b"): 6,
        ("policies", 0, "b", "c"): 7, ("policies", 1): 8, ("policies", 1, 0): 8, ("policies", 1, 1): 9,
    }  # fmt: skip


ALPHABET = st.sampled_from([*"ab01.-:?[]{}&*!|>'\"%#, \n\t\r\\~", "\u2028", "é", "\x00", "- ", "a: ", "\n  "])


@given(st.binary(max_size=60) | st.lists(ALPHABET, max_size=30).map("".join).map(str.encode))
def test_any_bytes_give_a_value_or_a_yaml_error(data: bytes) -> None:
    with contextlib.suppress(YamlError):
        yaml_strict.load(data)
    assert yaml_strict.lines(data)[()] == 1
