"""Lists of a hand-written file: items come, go and move with their own text, and every other byte stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.yaml_document import NotEditable, rewritten, written
from core import yaml_strict

ROUTING = b"""\
# The order matters.
models:
  # Ada chose these

  # the good one
  - id: a
    guidance: >-
      folded
      text

  # the cheap one,
  # since March
  - id: b # note
    # guidance: off for now
  - {id: c, limits: {mode: extend}} # flow
# policies count down
policies:
- kind: health   # keep
  window_minutes: 20
- kind: cheapest
# end
"""


def models(*items: Any) -> dict[str, Any]:
    value = yaml_strict.load(ROUTING)
    assert isinstance(value, dict)
    known = {item["id"]: item for item in value["models"]}  # type: ignore[union-attr,index,call-overload]  # the text above
    return {**value, "models": [known[item] if isinstance(item, str) else item for item in items]}


CASES = [
    ("an item moves with the comments right above it and those indented below its dash", models("b", "c", "a"), b"""\
models:
  # Ada chose these

  # the cheap one,
  # since March
  - id: b # note
    # guidance: off for now

  - {id: c, limits: {mode: extend}} # flow
  # the good one
  - id: a
    guidance: >-
      folded
      text
# policies"""),
    ("the first item goes with its comments", models("b", "c"), b"""\
models:
  # Ada chose these

  # the cheap one,
  # since March
  - id: b # note
    # guidance: off for now

  - {id: c, limits: {mode: extend}} # flow
# policies"""),
    ("an item goes with its comments", models("a", "c"), b"""\
models:
  # Ada chose these

  # the good one
  - id: a
    guidance: >-
      folded
      text

  - {id: c, limits: {mode: extend}} # flow
# policies"""),
    ("a new one is written like its neighbour", models("a", {"id": "x"}, "b", "c"), b"""\
      text

  - {id: x}
  # the cheap one,
  # since March
  - id: b # note
    # guidance: off for now
  - {id: c, limits: {mode: extend}} # flow
# policies"""),
    ("a kept one is changed in its place", models("a", {"id": "b", "guidance": "two\nlines"}, {"id": "c"}), b"""\
  - id: b # note
    guidance: |-
      two
      lines
    # guidance: off for now
  - {id: c} # flow
# policies"""),
    ("none is left", models(), b"""\
models: []
  # Ada chose these

# policies"""),
]  # fmt: skip


@pytest.mark.parametrize(("meant", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_list_is_rewritten_by_moving_its_items(meant: dict[str, Any], expected: bytes) -> None:
    after = rewritten(ROUTING, meant)
    assert expected in after
    assert yaml_strict.load(after) == meant
    assert after.endswith(ROUTING[ROUTING.index(b"# policies") :])


ROWS = [
    ("a list that was not there", b"id: p # x\n", {"id": "p", "members": [{"user": "a@b", "role": "x"}]},
     b"id: p # x\nmembers:\n  - {user: a@b, role: x}\n"),
    ("an empty list keeps its comment", b"members: [] # none yet\nid: p\n",
     {"members": [{"user": "a@b", "role": "x"}], "id": "p"}, b"members: # none yet\n  - {user: a@b, role: x}\nid: p\n"),
    ("a list in a flow", b"{a: [1, {id: x},  3], b: 2}\n", {"a": [3, {"id": "x", "v": True}], "b": 2},
     b"{a: [3, {id: x, v: true}], b: 2}\n"),
    ("limits become other limits", b"limits:\n  rules:\n    - metric: cost # money\n      window: daily\n      value: 5.00\n",
     {"limits": {"rules": [{"metric": "cost", "window": "daily", "value": Decimal("7.5")}]}},
     b"limits:\n  rules:\n    - metric: cost # money\n      window: daily\n      value: 7.5\n"),
    ("a comment above the first item alone is the list's", b"a:\n  # in order\n  - id: x\n  - id: y\n",
     {"a": [{"id": "y"}, {"id": "x"}]}, b"a:\n  # in order\n  - id: y\n  - id: x\n"),
    ("comments above each item are theirs", b"a:\n# list\n  # x\n  - id: x\n  # y\n  - id: y\n",
     {"a": [{"id": "y"}, {"id": "x"}]}, b"a:\n# list\n  # y\n  - id: y\n  # x\n  - id: x\n"),
    ("text of several lines keeps the comment behind it", b"id: p\nd: plain\n  and wrapped # why\nx: 1\n",
     {"id": "p", "d": "two\nlines\n", "x": 1}, b"id: p\nd: | # why\n  two\n  lines\nx: 1\n"),
    ("text of several lines takes the place of such text", b"d: |-\n  a\n  b\n\n# of x\nx: 1\n",
     {"d": "two\nlines\n", "x": 1}, b"d: |\n  two\n  lines\n\n# of x\nx: 1\n"),
    ("a number that is written otherwise stays as it is", b"v: 5.00\nw: 1\n", {"v": 5, "w": 2}, b"v: 5.00\nw: 2\n"),
    ("the first key behind a dash", b"p:\n- a: 1\n  kind: x\n", {"p": [{"kind": "x"}]}, b"p:\n- kind: x\n"),
    ("a scalar becomes a mapping", b"window: daily # why\n", {"window": {"rolling": 1, "unit": "days"}},
     b"window: {rolling: 1, unit: days} # why\n"),
    ("a mapping becomes a scalar", b"window:\n  rolling: 1\n  unit: days\nx: 1\n", {"window": "daily", "x": 1},
     b"window: daily\nx: 1\n"),
    ("Windows line ends", b"a:\r\n- id: x\r\n", {"a": [{"id": "x"}, {"id": "y"}]}, b"a:\r\n- id: x\r\n- id: y\r\n"),
    ("no line end at the end", b"a:\n- id: x\n- id: y", {"a": [{"id": "y"}, {"id": "x"}]}, b"a:\n- id: y\n- id: x"),
    ("comments alone", b"# nothing yet\n", {"a": [1, 2]}, b"# nothing yet\na: [1, 2]\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "meant", "after"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_file_means_something_else_by_few_changes(before: bytes, meant: dict[str, Any], after: bytes) -> None:
    assert rewritten(before, meant) == after


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(NotEditable):
        rewritten(b"[1]\n", {"a": 1})
    with pytest.raises(NotEditable):
        rewritten(b"a:\n- x: 1\n  # of y\n  y: 2\n", {"a": [{"y": 2}]})  # the comment would be lost


# --- the properties -----------------------------------------------------------------------------------------------------

words = st.one_of(
    st.text(max_size=30).filter(lambda text: text.encode("utf-8", "ignore").decode() == text),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.none(),
    st.decimals(0, 1000, allow_nan=False, places=3),
)
values = st.recursive(
    words,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("abk ", max_size=4), inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(["id", "name", "limits", "models", "x y"]), values, max_size=4)


@given(documents.filter(bool))
def test_whatever_is_written_reads_back(meant: dict[str, Any]) -> None:
    assert yaml_strict.load(written(meant)) == meant


@given(documents.filter(bool), documents.filter(bool))
def test_any_file_can_be_made_to_mean_anything_or_is_refused(before: dict[str, Any], meant: dict[str, Any]) -> None:
    try:
        after = rewritten(written(before), meant)
    except NotEditable:
        return
    assert yaml_strict.load(after) == meant


comments = st.sampled_from(["", " # why", "   #- id: z"])
above = st.sampled_from(["", "\n", "  # about the next\n", "\n  # of its own\n\n", "      # far in\n", "# far out\n"])
bodies = st.sampled_from([
    "",
    "    guidance: some words{}\n",
    "    guidance: |\n      lines\n\n      more\n",
    "    limits:\n      rules:\n        - {{metric: cost, window: daily, value: 1}}{}\n",
])  # fmt: skip


@st.composite
def routings(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A routing file as people write them, and the text of each item."""
    ids = draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=5))
    own = {name: f"  - id: {name}{draw(comments)}\n{draw(bodies).format(draw(comments))}" for name in ids}
    inside = "".join(draw(above) + text for text in own.values())
    return f"# top\nmodels:{draw(comments)}\n{inside}{draw(above)}\npolicies: [{{kind: health}}] # end\n", own


@given(routings(), st.data())
def test_items_of_a_list_keep_their_text_whatever_their_order(routing: tuple[str, dict[str, str]], data: st.DataObject) -> None:
    text, own = routing
    before = yaml_strict.load(text.encode())
    assert isinstance(before, dict)
    order = data.draw(st.permutations(sorted(own)))[: data.draw(st.integers(0, len(own)))]
    known = {item["id"]: item for item in before["models"]}  # type: ignore[union-attr,index,call-overload]  # the text above
    meant = {**before, "models": [known[name] for name in order]}
    try:
        after = rewritten(text.encode(), meant).decode()
    except NotEditable:
        pytest.fail(f"refused: {text!r} -> {order}")
    assert yaml_strict.load(after.encode()) == meant
    positions = [after.index(own[name]) for name in order]
    assert positions == sorted(positions)
    assert after.startswith("# top\nmodels:")
    assert after.endswith("policies: [{kind: health}] # end\n")
    assert {line for line in after.splitlines() if line.strip()} - set(text.splitlines()) <= {
        line.replace("models:", "models: []") for line in text.splitlines()
    }
    # A comment that stands by itself stays.
    assert after.count("# of its own") == text.count("# of its own") or not order
