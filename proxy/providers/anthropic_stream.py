"""Relays an Anthropic message stream to an Anthropic client. No I/O: bytes in, bytes to forward out.

    HOLDING   --first content, or 64 KB held-->   FLOWING   committed: the answer is this model's
    FLOWING   --message_delta with its reason-->  CLOSING   what follows is held back as `tail`
    any       --message_stop-->                   ENDED     `tail` goes out once the end is journalled
    any       --error, garbage, cut-->            FAILED    before the commit: next candidate; after it `tail` is the error

Events go on byte for byte, those of unknown types too; only the model in `message_start` becomes Waybill's id. So a run of
content deltas, which is most of a stream, is forwarded as it came once one decoding has shown that it is nothing else.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from core.money import Usage
from proxy.providers import anthropic_events, sse
from proxy.providers.answers import CHARS_PER_TOKEN, estimated
from proxy.providers.anthropic_events import Event, Malformed, content_chars
from proxy.providers.anthropic_usage import UsageObject, usage_object, usage_of
from proxy.providers.faults import CUT, StreamFault, fault_of
from proxy.providers.members import with_model

HOLD_BYTES = 65_536

# The status that an error event stands for: the one that its type has in an answer without a stream.
STATUS_OF_ERROR = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_DELTA_NAME = b"event: content_block_delta\ndata: "
_DELTA_HEAD = _DELTA_NAME + b"{"
_NEXT_DELTA = b"\n\n" + _DELTA_HEAD
_AFTER_DELTAS = b"\n\nevent: content_block_stop\n"
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_LINE_END = 0x0A

_members = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.encode


class _Message(msgspec.Struct, gc=False):
    usage: Any = None


_message = msgspec.json.Decoder(_Message)


class MessageRelay:
    """One upstream stream, with the promises of OpenAI's `StreamRelay`: feed it every read, look at the attributes after."""

    __slots__ = (
        "_begun",
        "_closing",
        "_frames",
        "_held_bytes",
        "_model",
        "_out",
        "_request_id",
        "_sink",
        "_usage",
        "committed",
        "content_chars",
        "content_events",
        "ended",
        "error",
        "finish_reason",
        "tail",
        "usage",
    )

    def __init__(self, model: Raw, request_id: str = "") -> None:
        self._model = model
        self._request_id = request_id
        self._frames = sse.Frames()
        self._out: list[bytes] = []
        self._closing: list[bytes] = []
        self._sink = self._out
        self._held_bytes = 0
        self._begun = False
        self._usage: UsageObject | None = None  # what was said so far; before the end its output is a beginning
        self.committed = False
        self.ended = False
        self.error: StreamFault | None = None
        self.tail = b""
        self.usage: Usage | None = None  # what the provider said at the answer's end
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
            self._relay(block)
        return self._flush()

    def finish(self) -> bytes:
        """Say that the upstream has ended: what to forward still. Afterwards either `ended` or `error` is set.

        Also to be called where a stream that gave its stop reason stays open without `message_stop`.
        """
        if self._stopped:
            return b""
        rest = bytes(self._frames.partial)
        if rest.strip(b"\n"):  # a last event without its blank line counts, if it is whole
            self._relay(rest.rstrip(b"\n") + b"\n\n")
        if self.error is not None and self.error.kind == "malformed":
            self._fail(CUT)
        elif not self._stopped:
            if self.closing:
                self._closing.append(_STOP)
                self._end()
            else:
                self._fail(CUT)
        return self._flush()

    def usage_or_estimate(self, input_tokens_estimate: int) -> Usage:
        """What the provider said, else what it said at the beginning and an estimate of what it sent since."""
        if self.usage is not None:
            return self.usage
        begun = usage_of(self._usage) if self._usage is not None else None
        if begun is None:
            return estimated(input_tokens_estimate, self.content_events, self.content_chars)
        output = max(begun.output_tokens, self.content_events, -(-self.content_chars // CHARS_PER_TOKEN))
        return msgspec.structs.replace(begun, output_tokens=output, estimated=True)

    @property
    def closing(self) -> bool:
        """Whether the answer has finished: only its end may still come."""
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

    def _relay(self, block: bytes) -> None:
        """Relay whole events: runs of deltas at once, the others one by one."""
        start, length, tried = 0, len(block), 0
        while start < length and not self._stopped:
            if start >= tried and block.startswith(_DELTA_HEAD, start):
                after = block.find(_AFTER_DELTAS, start)
                tried = length if after < 0 else after + 2
                if self._relay_run(block if tried - start == length else block[start:tried]):
                    start = tried
                    continue
            if block[start] == _LINE_END:  # a blank line on its own says nothing
                start += 1
                continue
            end = block.find(b"\n\n", start)
            self._relay_event(block[start:end])
            start = end + 2

    def _relay_run(self, run: bytes) -> bool:
        """Forward a run of content deltas as it came; False where it is not that, through and through."""
        count = run.count(_NEXT_DELTA) + 1
        # As many ends of events as beginnings of deltas, three line ends for each: a name and one data line in every event.
        if run.count(b"\n\n") != count or run.count(b"\n") != 3 * count:
            return False
        lines = run[len(_DELTA_NAME) :] if count == 1 else run.replace(_DELTA_NAME, b"")
        found = anthropic_events.run_contents(lines, count)
        if found is None:
            return False
        contents, chars = found
        self.content_events += contents
        self.content_chars += chars
        self.committed = self.committed or contents > 0
        self._forward(run)
        return True

    def _relay_event(self, raw: bytes) -> None:
        """The exact path: one event, whatever it is."""
        data, name = sse.parse(raw)
        if data is None or not data.strip():
            return  # comments are no part of the answer; Waybill sends keep-alives of its own
        if data.strip() == b"[DONE]":
            return  # some servers say it to every client; this dialect's end is `message_stop`
        try:
            event = anthropic_events.decode(data)
        except Malformed as error:
            self._fail(StreamFault("malformed", f"The provider sent a malformed event: {error}"))
            return
        kind = event.type
        if kind == "error" or name == b"error":
            self._fail(_fault(event.error), sse.compose(data, b"error") if _is_error(event) else b"")
        elif kind == "message_stop":
            self._stop(raw)
        elif kind == "message_start":
            self._begun = True
            self._forward(self._opening(raw, data, event.message))
        else:
            self._look(event)
            self._forward(raw + b"\n\n")

    def _look(self, event: Event) -> None:
        """Take note of content, usage and the reason of the end; may commit, and may begin to hold back."""
        if event.type == "content_block_delta" and event.delta is not None:
            self._count(content_chars(event.delta))
        elif event.type == "content_block_start" and event.content_block is not None:
            text = event.content_block.text
            # A text begins empty; a call or a thought is content by its mere beginning.
            self._count(1 if event.content_block.type != "text" else len(text) if isinstance(text, str) else 0)
        elif event.type == "message_delta":
            self._add_usage(event.usage)
            self.usage = usage_of(self._usage) if self._usage is not None and event.usage else self.usage
            if event.delta is not None and event.delta.stop_reason:
                self.finish_reason = str(event.delta.stop_reason)
                self._sink = self._closing

    def _count(self, chars: int) -> None:
        if chars:
            self.content_events += 1
            self.content_chars += chars
            self.committed = True

    def _add_usage(self, value: Any) -> None:
        said = usage_object(value)
        if said is not None:
            self._usage = said if self._usage is None else self._usage.updated(said)

    def _opening(self, raw: bytes, data: bytes, message: Raw) -> bytes:
        """`message_start` with Waybill's model; as it came where it has no message that can be read."""
        given = bytes(message)
        try:
            self._add_usage(_message.decode(given).usage)
            ours = with_model(given, self._model)
            if raw.count(given) == 1:
                return raw.replace(given, ours) + b"\n\n"
            members = _members.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return raw + b"\n\n"
        members["message"] = Raw(ours)
        return sse.compose(_encode(members), b"message_start")

    def _forward(self, event: bytes) -> None:
        self._sink.append(event)
        if not self.committed:
            self._held_bytes += len(event)
            self.committed = self._held_bytes > HOLD_BYTES

    def _stop(self, raw: bytes) -> None:
        if not self._begun:
            self._fail(StreamFault("malformed", "The provider's stream had an end but no answer."))
            return
        self._closing.append(raw + b"\n\n")
        self._end()

    def _end(self) -> None:
        self.ended = self.committed = True
        self.tail = b"".join(self._closing)

    def _fail(self, fault: StreamFault, event: bytes = b"") -> None:
        self.error = fault
        if self.committed:
            error = {"type": fault.type, "message": fault.message}
            payload = {"type": "error", "error": error, "request_id": self._request_id or None}
            self.tail = event or sse.compose(_encode(payload), b"error")


def _is_error(event: Event) -> bool:
    """Whether it has the form that clients of the dialect read: then it goes to them as it came."""
    return event.type == "error" and isinstance(event.error, dict) and isinstance(event.error.get("message"), str)


def _fault(error: Any) -> StreamFault:
    """The fault in an error event, with the status that its type stands for."""
    fault = fault_of(error)
    return msgspec.structs.replace(fault, code=STATUS_OF_ERROR.get(fault.type, 500))
