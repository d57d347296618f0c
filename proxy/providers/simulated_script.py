"""What a simulated model does with a request: a pure function of its settings and the request's bytes.

The dice are thrown from a hash of the seed and the body, so the same request to the same model has the same answer, failures
and delays, on every machine. Tokens are words. How it speaks a dialect is its voice; who plays a script is `simulated.py`.

openai_chat          simulated_chat.py         whole and streamed
anthropic            simulated_messages.py     whole and streamed
openai_embeddings    simulated_embeddings.py   whole
"""

from __future__ import annotations

import math
import re
from typing import Protocol

import msgspec

from core.config import SimulatedAnswer, Simulation
from core.facts import BodyError, Dialect
from proxy.providers.simulated_chat import ChatVoice
from proxy.providers.simulated_dice import Dice
from proxy.providers.simulated_embeddings import EmbeddingsVoice
from proxy.providers.simulated_messages import MessagesVoice
from proxy.providers.simulated_said import Said, Wish, call_tokens
from proxy.providers.simulated_text import COMMON, Words

_JSON_HEADERS = [(b"content-type", b"application/json")]
_STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_WORD = re.compile(r"\s*\S+|\s+")


class Script(msgspec.Struct, gc=False):
    """An answer before it is played. Piece i of the body is due `first_s + i × each_s` after the request.

    `status` 0: the connection is lost before any answer. `cut`: it is lost behind the last piece. `streams`: the head of the
    answer comes at once, not with its first piece.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    first_s: float = 0.0
    each_s: float = 0.0
    cut: bool = False
    streams: bool = False


class Voice(Protocol):
    """One dialect, read and spoken."""

    def read(self, body: bytes) -> Wish:
        """What a body asks for. Raises BodyError."""

    def whole(self, wish: Wish, said: Said, dice: Dice) -> bytes:
        """The whole answer."""

    def pieces(self, wish: Wish, said: Said, dice: Dice, *, at_once: bool) -> list[bytes]:
        """The stream, a token a piece, or all in one; only for a wish to stream."""

    def error(self, status: int, kind: str, message: str, param: str | None, dice: Dice) -> bytes:
        """The body of a failure."""


class Playwright:
    """Writes the scripts of one simulated model; whatever requests share is worked out here, once."""

    def __init__(self, name: str, simulation: Simulation) -> None:
        self._simulation = simulation
        self._each_s = 1.0 / simulation.tokens_per_second if simulation.tokens_per_second else 0.0
        self._spoken = [(answer, Words(_WORD.findall(answer.text))) for answer in simulation.answers]
        self._voices: dict[Dialect, Voice] = {
            "openai_chat": ChatVoice(name),
            "anthropic": MessagesVoice(name),
            "openai_embeddings": EmbeddingsVoice(name),
        }

    def script(self, body: bytes, dialect: Dialect = "openai_chat") -> Script:
        """The script for a request's body."""
        voice, simulation = self._voices[dialect], self._simulation
        dice = Dice(simulation.seed, body)
        try:
            wish = voice.read(body)
        except BodyError as error:
            return _error(voice, 400, "invalid_request_error", str(error), dice, param=error.field or None)
        first_s = simulation.latency_ms / 1_000
        if first_s and simulation.latency_sigma:
            first_s *= math.exp(simulation.latency_sigma * dice.gauss())
        answer, words = self._scripted(wish)
        cut_after = answer.fail_after_chunks if answer is not None else None
        if answer is not None and answer.status != 200:
            return _scripted_failure(voice, answer, first_s, dice)
        if simulation.failure_rate and dice.roll() < simulation.failure_rate:
            fate = dice.roll()
            if fate < 0.85:
                return _failure(voice, fate, first_s, dice)
            cut_after = dice.bits() % simulation.output_tokens
        said = _say(wish, simulation, dice, answer, words, cut_after)
        if not wish.stream:
            return self._unary(voice, wish, said, dice, first_s, dialect)
        pieces = voice.pieces(wish, said, dice, at_once=self._each_s == 0.0)
        return Script(200, _STREAM_HEADERS, pieces, first_s, self._each_s, said.cut_after is not None, True)

    def _scripted(self, wish: Wish) -> tuple[SimulatedAnswer | None, Words]:
        for answer, words in self._spoken:
            if answer.when in wish.text:
                return answer, words
        return None, COMMON

    def _unary(self, voice: Voice, wish: Wish, said: Said, dice: Dice, first_s: float, dialect: Dialect) -> Script:
        body = voice.whole(wish, said, dice)
        if dialect != "openai_embeddings":  # a vector has no tokens to wait for
            first_s += said.count * self._each_s
        if said.cut_after is not None:
            return Script(200, _JSON_HEADERS, [body[: len(body) // 2]], first_s, cut=True)
        return Script(200, _JSON_HEADERS, [body], first_s)


def _say(
    wish: Wish, simulation: Simulation, dice: Dice, answer: SimulatedAnswer | None, words: Words, cut_after: int | None
) -> Said:
    """Choose the words, as many as wanted and allowed."""
    if answer is not None and answer.tool_call is not None:
        return Said(words, 0, call_tokens(answer.tool_call), "call", call=answer.tool_call, cut_after=cut_after)
    start, wanted = 0, words.total
    if answer is None:
        wanted = simulation.output_tokens
        start = dice.bits() % words.total
        if wish.json:
            words, start, wanted = words.as_json(start, wanted), 0, max(wanted, Words.JSON_LEAST)
    if wish.cap is not None and wish.cap < wanted:
        return Said(words, start, wish.cap, "cap", cut_after=cut_after)
    return Said(words, start, wanted, "end", cut_after=cut_after)


def _scripted_failure(voice: Voice, answer: SimulatedAnswer, first_s: float, dice: Dice) -> Script:
    message = answer.text or f"The simulated model was told to answer {answer.status}."
    kind = "invalid_request_error" if 400 <= answer.status < 500 and answer.status != 429 else "server_error"
    return _error(voice, answer.status, kind, message, dice, first_s=first_s, retry_after_s=answer.retry_after_s)


def _failure(voice: Voice, fate: float, first_s: float, dice: Dice) -> Script:
    """One of the failures that real providers have, by a number in 0 ≤ fate < 0.85."""
    if fate < 0.4:
        message = "The simulated model failed, as its failure_rate asks."
        return _error(voice, 500, "server_error", message, dice, first_s=first_s)
    if fate < 0.7:
        return _error(voice, 429, "rate_limit_exceeded", "The simulated model is busy.", dice, first_s=first_s, retry_after_s=1)
    return Script(0, [], [], first_s, cut=True)


def _error(
    voice: Voice,
    status: int,
    kind: str,
    message: str,
    dice: Dice,
    *,
    param: str | None = None,
    first_s: float = 0.0,
    retry_after_s: int | None = None,
) -> Script:
    headers = [*_JSON_HEADERS, (b"retry-after", b"%d" % retry_after_s)] if retry_after_s is not None else _JSON_HEADERS
    return Script(status, headers, [voice.error(status, kind, message, param, dice)], first_s)
