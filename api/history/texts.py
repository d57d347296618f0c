"""Versions of files as texts, and how two differ, within bounds: what was committed by hand can be of any size and no text.

Comparing holds the interpreter's lock: two texts at their bounds some 0.1 s, whatever is in them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec
import pygit2
from pygit2.enums import DiffOption

from api.repository.log import Content, Large, Sides
from api.repository.store import MAX_FILE_BYTES

MAX_LINES = 20_000  # of a version that is compared
MAX_ANSWER_BYTES = 16 * MAX_FILE_BYTES  # of all texts that one operation is answered with
_LOOKED_AT = 8_000  # bytes at the beginning of a file: where git looks too


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions of one file. What is no text, or is too large, has empty texts and says so in `unified`."""

    path: str
    added: bool
    deleted: bool
    binary: bool
    truncated: bool
    unified: str
    before: str | None
    after: str | None


class Room:
    """How much one operation may still be answered with; taken by estimate, before the work."""

    def __init__(self, left: int = MAX_ANSWER_BYTES) -> None:
        self.left = left
        self._taking = threading.Lock()

    def takes(self, size: int) -> bool:
        """Whether so many bytes had room; then they are taken."""
        with self._taking:
            fits = size <= self.left
            self.left -= size if fits else 0
        return fits


def size_of(content: Content) -> int:
    """In bytes; 0 for what is not there."""
    return content.size if isinstance(content, Large) else len(content or b"")


def is_binary(content: Content) -> bool:
    """Whether it is no text, as git sees it: a zero byte near its beginning."""
    return isinstance(content, bytes) and b"\0" in content[:_LOOKED_AT]


def is_large(content: Content) -> bool:
    """Whether it is more than is shown of any file."""
    return size_of(content) > MAX_FILE_BYTES


def compared(versions: Sequence[Sides], room: Room, *, texts: bool = True, unified: bool = True) -> list[Compared]:
    """These versions with as much of them as there is room for: their `texts`, their `unified` difference, or both."""
    return [_compared(version, room, texts=texts, unified=unified) for version in versions]


def _compared(version: Sides, room: Room, *, texts: bool, unified: bool) -> Compared:
    sides = (version.before, version.after)
    binary, sizes = any(map(is_binary, sides)), sum(map(size_of, sides))
    large = any(map(is_large, sides)) or (not binary and not room.takes(sizes * (texts + unified)))
    lines = max(side.count(b"\n") if isinstance(side, bytes) else 0 for side in sides)
    shown, comparable = not binary and not large, lines <= MAX_LINES
    return Compared(
        path=version.path,
        added=version.before is None,
        deleted=version.after is None,
        binary=binary,
        truncated=not binary and (large or (unified and not comparable)),
        unified=_difference(version, binary, shown and comparable) if unified else "",
        before=text_of(version.before, shown=shown and texts),
        after=text_of(version.after, shown=shown and texts),
    )


def text_of(content: Content, *, shown: bool = True) -> str | None:
    """A version as text; empty where it is not to be shown, None where it is not there."""
    if content is None:
        return None
    return content.decode(errors="replace") if shown and isinstance(content, bytes) else ""


def _difference(version: Sides, binary: bool, shown: bool) -> str:
    old = f"a/{version.path}" if version.before is not None else "/dev/null"
    new = f"b/{version.path}" if version.after is not None else "/dev/null"
    if binary:
        return f"Binary files {old} and {new} differ\n"
    if not shown:
        return f"Too large to be shown: {old} with {size_of(version.before)} bytes, {new} with {size_of(version.after)}\n"
    hunks = _hunks(*(side if isinstance(side, bytes) else b"" for side in (version.before, version.after)))
    return f"--- {old}\n+++ {new}\n{hunks}" if hunks else ""


def _hunks(before: bytes, after: bytes) -> str:
    # FORCE_TEXT: what is binary is known by now, and a zero byte further on is none of this comparison's business.
    patch = pygit2.Patch.create_from(before, after, flag=DiffOption.FORCE_TEXT, context_lines=3)
    text = (patch.data or b"").decode(errors="replace") if patch is not None else ""
    return text[start:] if (start := text.find("@@ ")) >= 0 else ""
