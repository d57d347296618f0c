"""An edit changes the keys it means to change; every other byte of a hand-written file stays."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import yaml_document
from api.edits import EditRejected
from api.edits.projects import MAX_SLUG, derived_slug, updated
from api.yaml_document import NotEditable, with_value, without
from core import yaml_strict
from core.fields import SLUG_PATTERN

HAND_WRITTEN = b"""\
# The blog's project. Ask Ada before changing limits.
id:   p-blog      # never changes
name: "Blog"   # shown in the dashboard

description: |
  Everything that the blog
  sends.

# Milliseconds.
timeouts:
    timeout_ms:    60_000
    # shorter: readers leave
    idle_timeout_ms: 5000   # between bytes

labels: {team: web,  'cost centre': "12"}
# the end
"""

PATH = "projects/blog/project.yaml"


def changed_lines(before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """The lines removed and the lines added."""
    lines = list(difflib.ndiff(before.decode().splitlines(keepends=True), after.decode().splitlines(keepends=True)))
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


def test_renaming_changes_one_line_and_keeps_its_quotes_and_comment() -> None:
    after = updated({PATH: HAND_WRITTEN}, "blog", {"name": "The blog"})[PATH]
    assert changed_lines(HAND_WRITTEN, after) == (
        ['name: "Blog"   # shown in the dashboard\n'],
        ['name: "The blog"   # shown in the dashboard\n'],
    )


def test_timeouts_are_set_added_and_unset_each_on_its_own_line() -> None:
    wish = {"timeout_ms": 90_000, "attempt_timeout_ms": 7_000, "idle_timeout_ms": None}
    after = updated({PATH: HAND_WRITTEN}, "blog", {"timeouts": wish})[PATH]
    assert changed_lines(HAND_WRITTEN, after) == (
        ["    timeout_ms:    60_000\n", "    idle_timeout_ms: 5000   # between bytes\n"],
        ["    timeout_ms:    90000\n", "    attempt_timeout_ms: 7000\n"],
    )


def test_a_missing_timeouts_map_is_added_at_the_end() -> None:
    before = b"id: p-blog\nname: Blog # x\n# the end\n"
    after = updated({PATH: before}, "blog", {"timeouts": {"timeout_ms": 1000}})[PATH]
    assert after == b"id: p-blog\nname: Blog # x\ntimeouts:\n  timeout_ms: 1000\n# the end\n"


def test_an_edit_that_changes_nothing_gives_no_file() -> None:
    assert updated({PATH: HAND_WRITTEN}, "blog", {"name": "Blog", "timeouts": {"connect_timeout_ms": None}}) == {}


@pytest.mark.parametrize("name", ["  ", "two\nlines", "x" * 201])
def test_a_name_that_cannot_be_names_its_field(name: str) -> None:
    with pytest.raises(EditRejected) as rejected:
        updated({PATH: HAND_WRITTEN}, "blog", {"name": name})
    assert rejected.value.field == "name"
    assert rejected.value.reason


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("My Blog", set(), "my-blog"),
        ("  Großes Ærø! ", set(), "grosses-aero"),
        ("漢字", set(), "project"),
        ("A", {"a", "a-2"}, "a-3"),
        ("x" * 80, {"x" * 63}, "x" * 61 + "-2"),
    ],
)
def test_a_slug_is_what_is_left_of_a_name_and_a_number_where_it_is_taken(name: str, taken: set[str], slug: str) -> None:
    assert derived_slug(name, taken.__contains__) == slug


@given(st.text(), st.integers(0, 3))
def test_any_name_gives_a_slug_that_is_free(name: str, held: int) -> None:
    taken: set[str] = set()
    for _ in range(held + 1):
        slug = derived_slug(name, taken.__contains__)
        assert re.fullmatch(SLUG_PATTERN, slug)
        assert len(slug) <= MAX_SLUG
        assert slug not in taken
        taken.add(slug)


SET = [
    ("plain value", b"a: 1\nb: 2\n", ("a",), 7, b"a: 7\nb: 2\n"),
    ("empty value", b"a:\nb: 2\n", ("a",), 7, b"a: 7\nb: 2\n"),
    ("empty value with a comment", b"a:  # why\nb: 2\n", ("a",), 7, b"a: 7  # why\nb: 2\n"),
    ("null becomes a mapping", b"a: null # why\nb: 2\n", ("a", "x"), 7, b"a: {x: 7} # why\nb: 2\n"),
    ("nothing becomes a mapping", b"a: # why\nb: 2\n", ("a", "x"), 7, b"a: {x: 7} # why\nb: 2\n"),
    ("an empty flow mapping", b"a: {}\n", ("a", "x"), 7, b"a: {x: 7}\n"),
    ("a flow mapping", b"a: { y: 1 }  # why\n", ("a", "x"), 7, b"a: { y: 1, x: 7 }  # why\n"),
    ("a flow mapping over lines", b"a: {\n  y: 1, # one\n  z: 2 # two\n}\n", ("a", "x"), 7,
     b"a: {\n  y: 1, # one\n  z: 2, x: 7 # two\n}\n"),
    ("a file that is a flow mapping", b"{a: 1}\n", ("b", "x"), "v", b"{a: 1, b: {x: v}}\n"),
    ("no line end at the end", b"a: 1", ("b",), 7, b"a: 1\nb: 7"),
    ("Windows line ends", b"a:\r\n  x: 1\r\nb: 2\r\n", ("a", "y"), 7, b"a:\r\n  x: 1\r\n  y: 7\r\nb: 2\r\n"),
    ("after a block scalar", b"a:\n  x: |\n    one\n    two\n\nb: 2\n", ("a", "y"), 7,
     b"a:\n  x: |\n    one\n    two\n\n  y: 7\nb: 2\n"),
    ("a block scalar replaced", b"a: |\n  one\n\nb: 2\n", ("a",), "x", b"a: x\n\nb: 2\n"),
    ("deep, after a nested list", b"a:\n  x:\n  - 1\n  - k: 2 # two\n# end\n", ("a", "y"), 7,
     b"a:\n  x:\n  - 1\n  - k: 2 # two\n  y: 7\n# end\n"),
    ("a byte order mark", b"\xef\xbb\xbfa: 1\n", ("a",), 2, b"\xef\xbb\xbfa: 2\n"),
    ("between document marks", b"---\na: 1\n...\n", ("b",), 2, b"---\na: 1\nb: 2\n...\n"),
    ("a word that YAML 1.1 reads as a boolean", b"a: x\n", ("a",), "on", b"a: on\n"),
    ("a word that would be a boolean is quoted", b"a: x\n", ("a",), "true", b'a: "true"\n'),
    ("a number as text is quoted", b"a: x\n", ("a",), "0o17", b'a: "0o17"\n'),
    ("punctuation is quoted", b"a: x\n", ("a",), "A: b # c", b'a: "A: b # c"\n'),
    ("single quotes are kept", b"a: 'x'\n", ("a",), "it's", b"a: 'it''s'\n"),
    ("other scripts are kept readable", b"a: 'x'\n", ("a",), "Ünï 漢", "a: 'Ünï 漢'\n".encode()),
]  # fmt: skip


@pytest.mark.parametrize(("before", "place", "value", "after"), [row[1:] for row in SET], ids=[row[0] for row in SET])
def test_setting_touches_only_its_line(before: bytes, place: tuple[str, ...], value: str | int, after: bytes) -> None:
    assert with_value(before, place, value) == after


UNSET = [
    ("a line", b"a: 1 # one\n# two\nb: 2\n", ("a",), b"# two\nb: 2\n"),
    ("absent", b"a: 1\n", ("b", "x"), b"a: 1\n"),
    ("the last key of a mapping", b"a:   # why\n  # inside\n  x: 1\nb: 2\n", ("a", "x"), b"a: {}   # why\n  # inside\nb: 2\n"),
    ("first of a flow mapping", b"a: {x: 1, y: 2}\n", ("a", "x"), b"a: {y: 2}\n"),
    ("last of a flow mapping", b"a: {x: 1, y: 2}\n", ("a", "y"), b"a: {x: 1}\n"),
    ("only one of a flow mapping", b"a: {x: 1}\n", ("a", "x"), b"a: {}\n"),
    ("a whole block", b"a:\n  x: 1\n  y: |\n    t\n# c\nb: 2\n", ("a",), b"# c\nb: 2\n"),
]


@pytest.mark.parametrize(("before", "place", "after"), [row[1:] for row in UNSET], ids=[row[0] for row in UNSET])
def test_unsetting_removes_only_its_line(before: bytes, place: tuple[str, ...], after: bytes) -> None:
    assert without(before, place) == after


def test_what_cannot_be_cut_cleanly_is_refused() -> None:
    with pytest.raises(NotEditable, match="not a mapping"):
        with_value(b"b: 1\na: [1]\n", ("a", "x"), 7)
    with pytest.raises(NotEditable):
        with_value(b"[1]\n", ("a",), 7)


# --- the property: any hand-written file, any edit ----------------------------------------------------------------------

comments = st.sampled_from(["", " # why", "   #x: y", "  # {a: 1}"])
blanks = st.sampled_from(["", "\n", "# a: comment\n", "\n\n    # indented: comment\n"])
scalars = st.sampled_from(["1", "60_000", "plain words", '"double: quoted"', "'it''s'", "", "null", "~", "on", "a, b]", "é"])
keys = ["timeout_ms", "idle_timeout_ms", "connect_timeout_ms"]


@st.composite
def entries(draw: st.DrawFn, key: str, indent: str, end: str) -> str:
    spaces = draw(st.sampled_from([" ", "   "]))
    return f"{draw(blanks)}{indent}{key}:{spaces}{draw(scalars)}{draw(comments)}{end}"


@st.composite
def hand_written(draw: st.DrawFn) -> str:
    """A project file as people write them: comments, blank lines, odd spacing, blocks, flows, any order."""
    parts = [draw(entries("id", "", "\n")), draw(entries("name", "", "\n"))]
    inside = draw(st.lists(st.sampled_from(keys), unique=True))
    indent = draw(st.sampled_from(["  ", "    ", " "]))
    flow = "{" + ", ".join(f"{key}: 5" for key in inside) + "}"
    block = "\n" + "".join(draw(entries(key, indent, "\n")) for key in inside)
    styles = ["", "timeouts:\n", f"timeouts: {flow}\n"] + ([f"timeouts:{draw(comments)}{block}"] if inside else [])
    parts.append(draw(blanks) + draw(st.sampled_from(styles)))
    parts.append("description: |\n  some # text\n\n  more\n" + draw(blanks))
    parts.append("labels: {team: web, 'x y': \"1\"}\n")
    return "".join(draw(st.permutations(parts))) + draw(blanks)


@given(hand_written(), st.sampled_from(keys), st.one_of(st.none(), st.integers(1, 10**6)))
def test_only_the_meant_lines_of_a_hand_written_file_change(text: str, key: str, value: int | None) -> None:
    before = text.encode()
    place = ("timeouts", key)
    after = without(before, place) if value is None else with_value(before, place, value)
    removed, added = changed_lines(before, after)
    assert all("timeouts" in line or key in line for line in removed + added), (removed, added)
    assert max(len(removed), len(added)) <= 2
    was, now = yaml_strict.load(before), yaml_strict.load(after)
    assert isinstance(was, dict)
    assert isinstance(now, dict)
    assert {**now, "timeouts": None} == {**was, "timeouts": None}
    assert ((now.get("timeouts") or {}).get(key)) == value
    assert after.count(b"#") == before.count(b"#") - sum(line.count("#") for line in removed) + sum(
        line.count("#") for line in added
    )


@given(st.text(min_size=1, max_size=40), st.sampled_from(["x", "'x'", '"x"', "", "|\n  x"]))
def test_any_text_is_written_so_that_it_reads_back(name: str, old: str) -> None:
    before = f"id: p\nname: {old}\nlabels: {{}}\n".encode()
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    after = yaml_document.with_value(before, ("name",), name)
    assert yaml_strict.load(after) == {"id": "p", "name": name, "labels": {}}
