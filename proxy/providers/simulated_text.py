"""The words of simulated models, and their chunks worked out beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

_encode = msgspec.json.encode
_T = TypeVar("_T")

_TEXT = """
a router weighs every request and writes down where it went why it went there and what it cost so that a reader may later ask
who decided and find the answer in a history that nobody rewrote limits hold because room is set aside before the call and given
back after it slow models wait fast ones answer and a failed one is passed over until it has shown that it is well again
"""


class Words:
    """A text as a row of words that is read round and round from any start; each word is a token."""

    JSON_LEAST = 3  # an object around one word

    def __init__(self, words: Sequence[str]) -> None:
        self.total = len(words)
        self._words = list(words)
        self._tails = [_tail(word) for word in words]
        # A text begins without the space that goes before a word in its middle.
        self._first_tails = [_tail(word.lstrip(" ")) for word in words]

    def text(self, start: int, count: int) -> bytes:
        """`count` words from `start` on as a JSON string."""
        return _encode("".join(self._turning(self._words, start, count)).lstrip(" "))

    def tails(self, start: int, count: int) -> list[bytes]:
        """The same as chunks, a word each, without the beginning that all chunks of a stream share."""
        tails = self._turning(self._tails, start, count)
        tails[:1] = self._first_tails[start : start + 1] if count else []
        return tails

    def texts(self, start: int, count: int) -> list[bytes]:
        """The same a JSON string each word."""
        words = [_encode(word) for word in self._turning(self._words, start, count)]
        words[:1] = [_encode(word.lstrip(" ")) for word in self._words[start : start + 1]] if count else []
        return words

    def as_json(self, start: int, count: int) -> Words:
        """A JSON object of about `count` words, whole only if none of them is left out."""
        inside = self._turning(self._words, start, max(count - 2, 1))
        inside[0] = inside[0].lstrip(" ")
        return Words(['{"answer":"', *inside, '"}'])

    @staticmethod
    def _turning(row: list[_T], start: int, count: int) -> list[_T]:
        taken = row[start : start + count]
        while len(taken) < count:
            taken += row[: count - len(taken)]
        return taken


def _tail(word: str) -> bytes:
    return b'"choices":[{"index":0,"delta":{"content":%b},"finish_reason":null}]}\n\n' % _encode(word)


COMMON = Words([" " + word for word in _TEXT.split()])
