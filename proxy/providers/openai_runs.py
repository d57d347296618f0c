"""Runs of plain text chunks, recognised and rewritten as a whole, without decoding each chunk.

The text chunks of one stream differ in their text alone. Once one was read the exact way, what stands before and behind its
text is known; a run of such chunks is split at that, and the texts are decoded as one JSON array. As none of them holds a
quote, that array has as many strings as there were chunks only if each chunk is what it seems: anything else is left alone.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

_KEYS = (b'"content":"', b'"content": "')
_texts = msgspec.json.Decoder(list[str])


class Run(NamedTuple):
    """A run found in a block: where it lies, how many chunks and characters it has, and its bytes for the client."""

    start: int
    end: int
    chunks: int
    chars: int
    rewritten: bytes


class Pattern(NamedTuple):
    """What stands around the text: in the provider's chunks, and in the client's."""

    prefix: bytes
    suffix: bytes  # with the blank line
    new_prefix: bytes
    new_suffix: bytes

    def find(self, block: bytes, start: int) -> Run | None:
        """The run from the first such chunk of a block to its last; None where others stand between them."""
        prefix, suffix, new_prefix, new_suffix = self
        # Mostly the run begins right here; searching for that long a needle costs as much as reading the block.
        first = start if block.startswith(prefix, start) else block.find(prefix, start)
        last = block.rfind(suffix, first)
        if first < 0 or last < first + len(prefix):
            return None
        if first != start and not block.endswith(b"\n\n", 0, first):
            return None  # in the middle of an event: one with a name, say
        texts = block[first + len(prefix) : last].split(suffix + prefix)
        if b"" in texts or b'"' in b"".join(texts):
            return None
        try:
            strings = _texts.decode(b'["' + b'","'.join(texts) + b'"]')
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if len(strings) != len(texts):
            return None
        rewritten = new_prefix + (new_suffix + new_prefix).join(texts) + new_suffix
        return Run(first, last + len(suffix), len(texts), len("".join(strings)), rewritten)


def learn(event: bytes, sent: bytes, text: str) -> Pattern | None:
    """The pattern of a chunk that was read to add just `text`, and of what was `sent` for it; None where it is not plain."""
    raw = text.encode("utf-8", "surrogatepass") + b'"'
    for key in _KEYS:
        at, new_at = event.find(key + raw) + len(key), sent.find(key + raw) + len(key)
        if at >= len(key) and new_at >= len(key):
            end, new_end = at + len(raw) - 1, new_at + len(raw) - 1
            return Pattern(event[:at], event[end:] + b"\n\n", sent[:new_at], sent[new_end:])
    return None
