"""`python -m proxy.tokenizer_process`: counts tokens for `proxy.tokenizing`, until its standard input ends.

A question is its length in 4 bytes and JSON `[encoding, texts]`; the answer is the count in 4 bytes, all ones
if there is none. Numbers are big-endian.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import BinaryIO, Final

import msgspec

_LENGTH: Final = struct.Struct(">I")
NO_COUNT: Final = 0xFFFF_FFFF
_QUESTION: Final = msgspec.json.Decoder(tuple[str, list[str]])


@cache
def encoder(name: str) -> Callable[[str], list[int]]:
    """A text's tokens, without special ones: what looks like one in a prompt is text."""
    import bpe_openai  # it takes long and is optional

    found: Callable[[str], list[int]] = bpe_openai.get_encoding(name).encode_ordinary
    return found


def count(name: str, texts: list[str]) -> int:
    """The tokens of all texts together, or NO_COUNT."""
    encode = encoder(name)
    try:
        return sum(len(encode(text)) for text in texts)
    except ValueError:
        return NO_COUNT  # it takes no text of more than 200,000 tokens


def answer(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer one question after another until there are no more."""
    while len(head := questions.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        name, texts = _QUESTION.decode(questions.read(length))
        answers.write(_LENGTH.pack(count(name, texts)))
        answers.flush()


if __name__ == "__main__":
    os.nice(5)  # a count is never as urgent as a request
    answer(sys.stdin.buffer, sys.stdout.buffer)
