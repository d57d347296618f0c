"""What was committed by hand can be of any size and no text: it is named as such, bounded, and holds nobody else up."""

from __future__ import annotations

import asyncio
import os
import random
import time

import pytest

from api.history import texts
from api.history.texts import Room, compared
from api.repository.log import Large, Sides
from api.repository.store import MAX_FILE_BYTES
from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

HISTORY = """query($path: String!) { history(path: $path) { nodes { commit
  diff { path change binary truncated unified before after } } } }"""
FILE = "query($path: String!) { file(path: $path) { size binary truncated text } }"


def shuffled(lines: int) -> tuple[bytes, bytes]:
    dice = random.Random(1)
    first, second = (b"".join(b"%06d\n" % dice.randrange(10**6) for _ in range(lines)) for _ in range(2))
    return first, second


async def test_a_binary_file_is_named_as_one(api: Api) -> None:
    before, after = os.urandom(90_000) + b"\0", b"\0" + os.urandom(50_000)
    for data in (before, after):
        api.commit("logo.bin", data)
    changed, added = (await api.data(HISTORY, path="logo.bin"))["history"]["nodes"]
    assert changed["diff"] == [
        {
            "path": "logo.bin",
            "change": "MODIFIED",
            "binary": True,
            "truncated": False,
            "unified": "Binary files a/logo.bin and b/logo.bin differ\n",
            "before": "",
            "after": "",
        }
    ]
    assert added["diff"][0]["unified"] == "Binary files /dev/null and b/logo.bin differ\n"
    assert (added["diff"][0]["before"], added["diff"][0]["after"]) == (None, "")
    shown = {"size": len(after), "binary": True, "truncated": False, "text": ""}
    assert (await api.data(FILE, path="logo.bin"))["file"] == shown


async def test_a_file_that_is_too_large_is_not_shown_and_says_so(api: Api) -> None:
    data = b"x" * 79 + b"\n"
    large = data * (MAX_FILE_BYTES // len(data) + 1)
    api.commit("large.txt", large)
    api.commit("large.txt", data)
    changed, _ = (await api.data(HISTORY, path="large.txt"))["history"]["nodes"]
    (diff,) = changed["diff"]
    assert (diff["binary"], diff["truncated"], diff["before"], diff["after"]) == (False, True, "", "")
    assert diff["unified"] == f"Too large to be shown: a/large.txt with {len(large)} bytes, b/large.txt with 80\n"
    api.commit("large.txt", large)
    shown = {"size": len(large), "binary": False, "truncated": True, "text": ""}
    assert (await api.data(FILE, path="large.txt"))["file"] == shown


async def test_a_conflict_over_a_binary_file_does_not_repeat_it(api: Api) -> None:
    first, _ = [api.commit("conflict.bin", b"\0" + os.urandom(9_000)) for _ in range(2)]
    query = """mutation($input: RevertInput!) { revert(input: $input) { __typename
      ... on Conflict { files { path read head proposed } } } }"""
    wish = {"revision": first, "expectedRevision": api.head(), "reason": "Away with it"}
    failed = (await api.data(query, input=wish))["revert"]
    assert failed["__typename"] == "Conflict"
    assert failed["files"] == [{"path": "conflict.bin", "read": "", "head": "", "proposed": None}]


async def test_an_answer_holds_so_many_bytes_of_files_and_says_what_it_leaves_out(api: Api) -> None:
    text = "x" * 79 + "\n"
    api.commit("much.txt", (text * (MAX_FILE_BYTES // 80)).encode())
    query = "{" + "".join(f'a{number}: file(path: "much.txt") {{ truncated text }} ' for number in range(20)) + "}"
    found = (await api.data(query)).values()
    assert [file["truncated"] for file in found] == [False] * 16 + [True] * 4
    assert {len(file["text"]) for file in found if file["truncated"]} == {0}
    # What one operation took is no other's loss.
    assert not (await api.data(FILE, path="much.txt"))["file"]["truncated"]


async def test_a_long_comparison_does_not_hold_the_others_up(api: Api) -> None:
    for data in shuffled(100_000):
        api.commit("lines.txt", data)
    for data in shuffled(texts.MAX_LINES):
        api.commit("fewer.txt", data)
    longest = 0.0

    async def ask_meanwhile(until: asyncio.Task[object]) -> None:
        nonlocal longest
        while not until.done():
            began = time.perf_counter()
            await api.data("{ viewer { id } }")
            longest = max(longest, time.perf_counter() - began)

    query = "{ " + "".join(f'h{n}: history(path: "{path}") {{ nodes {{ diff {{ truncated unified }} }} }} '
                           for path in ("lines.txt", "fewer.txt") for n in (path[0],)) + "}"  # fmt: skip
    task = asyncio.create_task(api.data(query))
    await ask_meanwhile(task)
    found = task.result()
    assert [node["diff"][0]["truncated"] for node in found["hl"]["nodes"]] == [True, True]
    assert [node["diff"][0]["truncated"] for node in found["hf"]["nodes"]] == [False, False]
    assert longest < 5.0


@pytest.mark.parametrize(
    ("before", "after", "unified"),
    [
        (b"a\nb\n", b"a\nc\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        (None, b"a", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n"),
        (b"a\n", None, "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"),
        (b"a\n", b"a\n", ""),
        (None, b"", ""),
        (b"caf\xe9\n", b"cafe\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-caf\ufffd\n+cafe\n"),
        (b"@@ a\n", b"@@ b\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-@@ a\n+@@ b\n"),
    ],
)
async def test_a_difference_is_written_as_git_writes_it(before: bytes | None, after: bytes | None, unified: str) -> None:
    (found,) = compared([Sides("x", before, after)], Room())
    assert (found.unified, found.binary, found.truncated) == (unified, False, False)


async def test_what_was_not_read_is_not_compared() -> None:
    (found,) = compared([Sides("x", Large(10**9), b"a")], Room())
    assert (found.truncated, found.before, found.after) == (True, "", "")
    assert found.unified == "Too large to be shown: a/x with 1000000000 bytes, b/x with 1\n"
