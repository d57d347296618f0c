"""Heads of answers as bytes: status lines with a date that is formatted once a second, header blocks, error bodies."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formatdate
from http import HTTPStatus
from time import time

import msgspec

Headers = Sequence[tuple[bytes, bytes]]

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class DatedHeads:
    """Status line and `date`, ready to send; made anew once a second."""

    def __init__(self) -> None:
        self._until = 0.0
        self._date = b""
        self._heads: dict[int, bytes] = {}

    def head(self, status: int) -> bytes:
        """`HTTP/1.1 200 OK` and the date header, each with its line end."""
        now = time()
        if now >= self._until:
            self._until = int(now) + 1
            self._date = formatdate(int(now), usegmt=True).encode()
            self._heads.clear()
        head = self._heads.get(status)
        if head is None:
            head = b"HTTP/1.1 %d %b\r\ndate: %b\r\n" % (status, _REASONS.get(status, b"Unknown"), self._date)
            self._heads[status] = head
        return head


def header_block(headers: Headers) -> bytes:
    """Header lines. A line break inside a name or value raises ValueError: it would forge a header."""
    block = b"".join([b"%b: %b\r\n" % header for header in headers])
    if block.count(b"\n") != len(headers) or block.count(b"\r") != len(headers):
        raise ValueError("a header contains a line break")
    return block


def error_body(code: str, message: str) -> bytes:
    """The OpenAI error shape: what clients of either dialect at least can read."""
    return msgspec.json.encode({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})
