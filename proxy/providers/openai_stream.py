"""Relays an OpenAI chat stream to an OpenAI client. No I/O: bytes in, bytes to forward out.

    HOLDING   --first content, or 64 KB held-->  FLOWING   committed: the answer is this model's
    FLOWING   --every answer finished-->         CLOSING   what follows is held back as `tail`
    any       --[DONE]-->                        ENDED     `tail` goes out once the end is journalled
    any       --error, garbage, cut-->           FAILED    before the commit: next candidate; after it `tail` is the error event

Events are forwarded whole, with the Waybill model id in `model`. A usage chunk goes on only to a client that asked for it.

Speed: three ways, each left for the next one where it does not fit; all give the same bytes but for white space between
members. Text chunks that differ in their text alone are forwarded as one run (`openai_runs`). Chunks that share the bytes up to
their `model` (`_head`) are checked by one decoding of what follows. The exact way takes events one by one.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw

from core.money import Usage
from proxy.providers import openai_chunks, sse
from proxy.providers.answers import estimated
from proxy.providers.faults import CUT, StreamFault, fault_of
from proxy.providers.members import model_span, rebuilt, replaced
from proxy.providers.openai_chunks import Chunk, Malformed
from proxy.providers.openai_runs import Pattern, learn
from proxy.providers.openai_usage import usage_from

HOLD_BYTES = 65_536
FEW_EVENTS = 3  # so few are read one by one: looking for runs in them would cost more
LEARNING_EVENTS = 4  # how many events at a stream's beginning may be the one that shows what its text chunks look like

_DONE_EVENT = b"data: [DONE]"
_DONE = _DONE_EVENT + b"\n\n"
_NO_HEAD = b"\n\n"  # no event begins with it


class StreamRelay:
    """One upstream stream. Feed it every read, then `finish()` at the upstream's end; look at the attributes after each.

    `committed`: content has been seen, no fallback any more. `ended`: the proper end; journal, then send `tail`. `error`: it
    failed; `tail` holds the client's error event if it was committed.
    """

    __slots__ = (
        "_answers",
        "_chunks_seen",
        "_closing",
        "_finished",
        "_frames",
        "_head",
        "_held_bytes",
        "_learning",
        "_model",
        "_new_head",
        "_out",
        "_pattern",
        "_sink",
        "_wants_usage",
        "committed",
        "content_chars",
        "content_events",
        "ended",
        "error",
        "finish_reason",
        "tail",
        "usage",
    )

    def __init__(self, model: Raw, *, wants_usage: bool, answers: int = 1) -> None:
        self._model = model
        self._wants_usage = wants_usage
        self._answers = answers
        self._frames = sse.Frames()
        self._head = self._new_head = _NO_HEAD
        self._pattern: Pattern | None = None
        self._out: list[bytes] = []
        self._closing: list[bytes] = []
        self._sink = self._out
        self._held_bytes = 0
        self._learning = LEARNING_EVENTS
        self._chunks_seen = False
        self._finished: set[Any] = set()
        self.committed = False
        self.ended = False
        self.error: StreamFault | None = None
        self.tail = b""
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self.content_events = 0
        self.content_chars = 0

    def feed(self, data: bytes) -> bytes:
        """What to forward now; b"" while nothing is committed, or no event is whole."""
        if self._stopped:
            return b""
        try:
            block = self._frames.take(data)
        except sse.EventTooLarge:
            self._fail(StreamFault("malformed", "The provider sent an event that is too large."))
            return b""
        if block:
            self._relay_block(block)
        return self._flush()

    def finish(self) -> bytes:
        """Say that the upstream has ended: what to forward still. Afterwards either `ended` or `error` is set.

        Also to be called where a stream whose every answer has finished stays open without `[DONE]`.
        """
        if self._stopped:
            return b""
        rest = bytes(self._frames.partial)
        if rest:  # a last event without its blank line counts, if it is whole
            self._relay(sse.events(rest + b"\n\n"))
        if self.error is not None and self.error.kind == "malformed":
            self._fail(CUT)
        elif not self._stopped:
            if self.closing:
                self._end()
            else:
                self._fail(CUT)
        return self._flush()

    def usage_or_estimate(self, input_tokens_estimate: int) -> Usage:
        """What the provider said, else an estimate from what it sent."""
        return self.usage or estimated(input_tokens_estimate, self.content_events, self.content_chars)

    @property
    def closing(self) -> bool:
        """Whether every answer asked for has finished: only usage and the end may still come."""
        return self._sink is self._closing

    @property
    def _stopped(self) -> bool:
        return self.ended or self.error is not None

    def _flush(self) -> bytes:
        if not self.committed or not self._out:
            return b""
        out = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return out

    def _relay_block(self, block: bytes) -> None:
        """Relay whole events: what stands before a run of plain text, the run, what follows it."""
        start = self._relay_until_learnt(block)
        pattern = self._pattern
        run = pattern.find(block, start) if pattern is not None and self._sink is self._out else None
        if run is not None:
            if start < run.start:
                self._relay(sse.events(block[start : run.start]))
            # What came before may have ended the answer: then the run is no part of it, or is held back with the end.
            start = run.start
            if self._pattern is pattern and self._sink is self._out and not self._stopped:
                self.content_events += run.chunks
                self.content_chars += run.chars
                self._out.append(run.rewritten)
                start = run.end
        if start < len(block) and not self._stopped:
            self._relay(sse.events(block[start:]))

    def _relay_until_learnt(self, block: bytes) -> int:
        """Relay a stream's first events one by one until one shows the pattern; where to go on in the block."""
        start = 0
        while self._pattern is None and self._learning and start < len(block) and not self._stopped:
            end = block.find(b"\n\n", start)
            if end <= start:  # blank lines on their own: not what providers send, and nothing to learn from
                self._learning = 0
                break
            self._relay_event(block[start:end])
            self._learning -= 1
            start = end + 2
        return start

    def _relay(self, events: list[bytes]) -> None:
        """Sort events into runs that share the known beginning, and others."""
        if len(events) <= FEW_EVENTS:
            for event in events:
                if not self._stopped:
                    self._relay_event(event)
            return
        head = self._head
        length = len(head)
        run: list[bytes] = []
        for event in events:
            if event.startswith(head):
                run.append(event[length:])
                continue
            if run:
                self._relay_run(run)
                run = []
            if self._stopped:
                return
            self._relay_event(event)
            if self._stopped:
                return
            head = self._head
            length = len(head)
        if run:
            self._relay_run(run)

    def _relay_run(self, tails: list[bytes]) -> None:
        """Forward events by what follows their common beginning: plain ones joined, the others by the exact path."""
        head, new_head = self._head, self._new_head
        chunks = openai_chunks.decode_run(tails)
        if not chunks:
            for tail in tails:
                if not self._stopped:
                    self._relay_event(head + tail)
            return
        done = 0
        for position, chunk in enumerate(chunks):
            usage = chunk.usage
            chars = 0
            if usage is UNSET or self._cut_null_usage(usage, tails, position):
                chars = _plain_chars(chunk)
            if chars:
                self.content_events += 1
                self.content_chars += chars
                continue
            self._forward_run(new_head, tails[done:position])
            done = position + 1
            self._relay_event(head + tails[position])
            if self._stopped:
                return
        self._forward_run(new_head, tails[done:] if done else tails)

    def _cut_null_usage(self, usage: Any, tails: list[bytes], position: int) -> bool:
        """Take a `"usage": null` that only Waybill asked for out of a tail; False where the exact path must."""
        if usage is not None:
            return False
        if self._wants_usage:
            return True
        cut = openai_chunks.without_null_usage(tails[position])
        if cut is None:
            return False
        tails[position] = cut
        return True

    def _forward_run(self, new_head: bytes, tails: list[bytes]) -> None:
        if tails:
            self._sink.append(new_head + (b"\n\n" + new_head).join(tails) + b"\n\n")

    def _relay_event(self, event: bytes) -> None:
        """The exact path: one event, whatever it is."""
        if event == _DONE_EVENT:
            self._done()
            return
        if event.startswith(b"data: {") and b"\n" not in event:
            data: bytes | None = event[6:]
            name = b""
        else:
            data, name = sse.parse(event)
        if data is None:
            return  # comments are no part of the answer; Waybill sends keep-alives of its own
        if data[:1] != b"{":
            line = data.strip()
            if line == b"[DONE]":
                self._done()
            if line == b"[DONE]" or not line:
                return
        try:
            chunk = openai_chunks.decode(data)
        except Malformed as error:
            self._fail(StreamFault("malformed", f"The provider sent a malformed event: {error}"))
            return
        if chunk.error or name == b"error":
            self._fail(fault_of(chunk.error))
            return
        self._count(chunk)
        span = model_span(data)
        payload = self._rewritten(data, chunk, span)
        if payload is not None:
            sent = sse.compose(payload, name)
            self._forward(sent)
            if span is not None and self.committed and not name and self._sink is self._out:
                self._learn(event, data, span)
                if self._pattern is None and b'"role"' not in event and (text := _plain_text(chunk)):
                    self._pattern = learn(event, sent, text)

    def _rewritten(self, data: bytes, chunk: Chunk, span: tuple[int, int] | None) -> bytes | None:
        """The event's data for the client, None where it was for Waybill alone."""
        if chunk.usage is not UNSET and not self._wants_usage:
            if chunk.usage is None:
                return rebuilt(data, self._model, without="usage")
            if not chunk.choices:
                return None
        if chunk.model is UNSET and chunk.choices is UNSET:
            return data  # not a chunk: an event of its own that the provider's clients know
        try:
            return replaced(data, self._model, span)
        except msgspec.DecodeError:  # half of a surrogate pair, and a model that cannot be found without decoding it
            return data

    def _count(self, chunk: Chunk) -> None:
        """Take note of usage, content and ends; may commit, and may begin to hold back."""
        if chunk.usage:
            self.usage = usage_from(chunk.usage) or self.usage
        if chunk.choices is UNSET:
            return
        self._chunks_seen = True
        for choice in chunk.choices or ():
            chars = openai_chunks.content_chars(choice.delta) if choice.delta is not None else 0
            if chars:
                self.content_events += 1
                self.content_chars += chars
                self.committed = True
            if choice.finish_reason:
                self.finish_reason = str(choice.finish_reason)
                self._finished.add(choice.index if isinstance(choice.index, int) else 0)
        if len(self._finished) >= self._answers:
            self._sink = self._closing

    def _forward(self, event: bytes) -> None:
        self._sink.append(event)
        if not self.committed:
            self._held_bytes += len(event)
            self.committed = self._held_bytes > HOLD_BYTES

    def _learn(self, event: bytes, data: bytes, span: tuple[int, int]) -> None:
        """Remember the bytes that every chunk of this stream begins with, up to the comma behind its model."""
        start, end = span
        if not event.endswith(data) or data[end : end + 1] != b"," or data.find(b'"usage"', 0, start) >= 0:
            return
        self._head = event[: len(event) - len(data) + end + 1]
        self._new_head = b"data: " + data[:start] + bytes(self._model) + b","

    def _done(self) -> None:
        if self._chunks_seen:
            self._end()
        else:
            self._fail(StreamFault("malformed", "The provider's stream had an end but no answer."))

    def _end(self) -> None:
        """The proper end. A stream without `[DONE]` gets one: the dialect's readers may wait for it."""
        self.ended = self.committed = True
        self.tail = b"".join(self._closing) + _DONE

    def _fail(self, fault: StreamFault) -> None:
        self.error = fault
        if self.committed:
            error = {"message": fault.message, "type": fault.type, "param": fault.param, "code": fault.code}
            self.tail = b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"


def _plain_text(chunk: Chunk) -> str:
    """The text of a chunk that adds just text to its only answer; empty for all others."""
    choices = chunk.choices
    if not choices or len(choices) != 1 or chunk.error is not None or choices[0].finish_reason is not None:
        return ""
    delta = choices[0].delta
    text = delta.content if delta is not None else None
    return text if isinstance(text, str) and delta is not None and openai_chunks.content_chars(delta) == len(text) else ""


def _plain_chars(chunk: Chunk) -> int:
    """The characters of a chunk that only adds content to one answer; 0 for all others, which take the exact path."""
    choices = chunk.choices
    if not choices or len(choices) != 1 or chunk.error is not None or chunk.model is not UNSET:
        return 0
    choice = choices[0]
    delta = choice.delta
    if delta is None or choice.finish_reason is not None:
        return 0
    content = delta.content
    if content.__class__ is str and content:
        return len(content)
    return openai_chunks.content_chars(delta)
