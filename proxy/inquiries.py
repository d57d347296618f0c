"""Calls that a policy makes: to a routing model for its judgement, to an embedding model for vectors.

Each is a call of its own in everything that is booked: reserved for and settled under the limits of the request's token, with a
row of its own (`call_type: routing`) that names the request it was made for.

    NoAnswer    the call brought nothing: no room, no way, a failure, or something that cannot be read
"""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from core.dialects import speaks
from core.facts import Dialect
from core.routing.candidates import Candidate
from core.routing.judging import Messages
from proxy import refusals
from proxy.attempts import Attempt, AttemptFailed
from proxy.booking import Booking
from proxy.call import Call
from proxy.dialects.table import PORTS
from proxy.providers.openai import cap_member
from proxy.running import Running, WayUnavailable

CUT_OFF = 503
CLIENT_GONE = 499
_PATHS: dict[Dialect, str] = {port.dialect: path for path, port in PORTS.items()}
_encode = msgspec.json.encode


class NoAnswer(Exception):
    """The call brought nothing that is of use; the message says why, never a key."""


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], Meta(min_length=1)]


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    content: list[_Block]


class _Vector(msgspec.Struct):
    index: int
    embedding: list[float] | str


class _Vectors(msgspec.Struct):
    data: list[_Vector]


class Inquiries:
    """Makes the calls of one proxy process."""

    def __init__(self, booking: Booking) -> None:
        self._booking = booking
        self._loop = asyncio.get_running_loop()

    async def text(self, asker: Call, running: Running, model_id: str, messages: Messages, max_tokens: int, by: float) -> str:
        """What a model says to these messages, in at most so many tokens, until `by` (loop time). Raises NoAnswer."""
        dialect = self._dialect(running, model_id, ("openai_chat", "anthropic"))
        kind = running.snapshot.providers[running.snapshot.models[model_id].provider].kind
        body: dict[str, Any] = {"model": model_id, cap_member(kind): max_tokens}
        if dialect == "anthropic":
            body["system"] = "\n\n".join(message.content for message in messages if message.role == "system")
            messages = tuple(message for message in messages if message.role != "system")
        answer = await self._ask(asker, running, model_id, dialect, {**body, "messages": messages}, by)
        if dialect == "anthropic":
            return "".join(block.text for block in _read(answer, _Message).content if block.type == "text")
        return _read(answer, _Completion).choices[0].message.content or ""

    async def vectors(
        self, asker: Call, running: Running, model_id: str, texts: Sequence[str], by: float
    ) -> list[Sequence[float]]:
        """A vector for each text, until `by` (loop time). Raises NoAnswer."""
        dialect = self._dialect(running, model_id, ("openai_embeddings",))
        body = {"model": model_id, "input": list(texts), "encoding_format": "float"}
        found = _read(await self._ask(asker, running, model_id, dialect, body, by), _Vectors).data
        if [vector.index for vector in sorted(found, key=_index)] != list(range(len(texts))):
            raise NoAnswer(f"{model_id} gave {len(found)} vectors for {len(texts)} texts")
        return [_numbers(vector.embedding) for vector in sorted(found, key=_index)]

    @staticmethod
    def _dialect(running: Running, model_id: str, known: tuple[Dialect, ...]) -> Dialect:
        """Which of these dialects the model's provider speaks."""
        model = running.snapshot.models.get(model_id)
        if model is None or not model.enabled:
            raise NoAnswer(f"the model {model_id} is not there, or not enabled")
        kind = running.snapshot.providers[model.provider].kind
        for dialect in known:
            if speaks(kind, dialect):
                return dialect
        raise NoAnswer(f"the provider of {model_id} cannot be asked: it is of the kind {kind}")

    async def _ask(
        self, asker: Call, running: Running, model_id: str, dialect: Dialect, body: dict[str, Any], by: float
    ) -> bytes:
        """The body of a whole answer. Raises NoAnswer, and what ends the request itself."""
        call = Call(_PATHS[dialect], self._loop.time())
        call.asked_for(asker, dialect)
        asked = PORTS[_PATHS[dialect]].parse(_encode(body), b"")
        call.facts = asked.facts()
        provider = running.snapshot.providers[running.snapshot.models[model_id].provider]
        if not provider.enabled or provider.project not in (None, call.known_plan.slug):
            raise NoAnswer(f"the provider of {model_id} is not enabled for this project")
        grant = self._booking.reserve(call, model_id)
        if isinstance(grant, tuple):
            raise NoAnswer(f"there is no room to ask {model_id}: {'; '.join(map(str, grant))}")
        attempt = self._attempt(call, running.candidate(model_id), by)
        try:
            way = running.way(model_id, dialect)
            exchange = await attempt.open(way, way.endpoint.build(asked, {}, grant.cap))
            answer = await attempt.whole_answer(exchange, way.endpoint)
        except (AttemptFailed, WayUnavailable, refusals.UpstreamRefused) as error:
            raise NoAnswer(f"{model_id}: {self._failed(call, attempt, error)}") from None
        except BaseException as error:
            self._given_up(call, attempt, error)
            raise
        finally:
            attempt.close()
        self._booking.end_attempt(attempt, "success")
        self._booking.end(call, "success", 200)
        return answer.body

    def _attempt(self, call: Call, candidate: Candidate, by: float) -> Attempt:
        left_ms = max(1, int((by - self._loop.time()) * 1_000))
        timeouts = replace(call.known_plan.timeouts, timeout_ms=left_ms)
        attempt = Attempt(call, candidate, timeouts, self._loop)
        self._booking.begin(attempt)
        return attempt

    def _failed(self, call: Call, attempt: Attempt, error: AttemptFailed | WayUnavailable | refusals.UpstreamRefused) -> str:
        """Book a call that a provider or its way failed, and say what it was."""
        error.__traceback__ = error.__context__ = None
        failure = error if isinstance(error, AttemptFailed) else AttemptFailed(str(error))
        self._booking.end_attempt(attempt, failure.status, failure.reason, failure.http_status, failure.retry_after_s)
        reason = attempt.reported(failure.reason)
        self._booking.end(call, failure.status, 504 if failure.status == "timeout" else 503, "all_models_failed", reason)
        return reason

    def _given_up(self, call: Call, attempt: Attempt, error: BaseException) -> None:
        """Book a call that ends with the request that it was made for."""
        self._booking.end_attempt(attempt, "cancelled")
        self._booking.unadmit(call)
        if isinstance(error, asyncio.CancelledError):
            self._booking.end(call, "cancelled", CLIENT_GONE, "client_gone", "the request it was made for was given up")
        else:
            self._booking.end(call, "error", CUT_OFF, "internal_error", "the call could not be made")


def _index(vector: _Vector) -> int:
    return vector.index


def _read(answer: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoAnswer("the answer cannot be read") from None


def _numbers(embedding: list[float] | str) -> Sequence[float]:
    """A vector; some providers give 32-bit floats in base64 although they were asked for numbers."""
    if not isinstance(embedding, str):
        return embedding
    try:
        data = base64.b64decode(embedding, validate=True)
        return struct.unpack(f"<{len(data) // 4}f", data)
    except (ValueError, struct.error):
        raise NoAnswer("the answer's vectors cannot be read") from None
