"""Bodies that come compressed although `identity` was asked for: decoded piece by piece, a bounded piece at a time."""

from __future__ import annotations

import zlib

from proxy.upstream.errors import MalformedAnswer

# The most that one read can expand to; the rest waits for the next one.
PIECE_BYTES = 262_144


class Decoder:
    """Incremental gzip or deflate."""

    def __init__(self, coding: bytes) -> None:
        self._gzip = coding in (b"gzip", b"x-gzip")
        if not self._gzip and coding != b"deflate":
            raise MalformedAnswer("an unknown content-encoding")
        self._zlib = zlib.decompressobj(31 if self._gzip else 15)
        self._begun = False
        self.rest = b""  # compressed bytes that are still to be expanded

    def decode(self, data: bytes) -> bytes:
        """What `data`, behind the rest of before, expands to; at most `PIECE_BYTES`."""
        data = self.rest + data
        self.rest = b""
        if not data:
            return b""
        try:
            return self._expand(data)
        except zlib.error:
            raise MalformedAnswer("a compressed body that does not decode") from None

    def _expand(self, data: bytes) -> bytes:
        if not self._begun and not self._gzip and data[0] & 0x0F != 8:
            # "deflate" should be zlib's format, but some servers send the bare stream.
            self._zlib = zlib.decompressobj(-15)
        self._begun = True
        out = self._zlib.decompress(data, PIECE_BYTES)
        self.rest = self._zlib.unconsumed_tail
        if self._zlib.eof:
            self.rest = self._next_member(self._zlib.unused_data)
        return out

    def _next_member(self, unused: bytes) -> bytes:
        # A gzip body may be several members; anything else behind the end is padding.
        if self._gzip and unused.startswith(b"\x1f\x8b"):
            self._zlib = zlib.decompressobj(31)
            return unused
        return b""

    @property
    def whole(self) -> bool:
        """Whether the compressed stream has reached its own end."""
        return self._zlib.eof or not self._begun
