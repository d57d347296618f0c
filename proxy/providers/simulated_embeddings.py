"""How a simulated model makes embeddings: the words of a text, hashed into a vector of length 1. No I/O, no dice of its own.

The same text has the same vector, and texts that share words lie near each other: enough for routing by intent to be tried.
"""

from __future__ import annotations

import math
import sys
import zlib
from array import array
from base64 import b64encode
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core import facts
from core.facts import BodyError, EmbeddingsRequest
from core.facts.decoding import decode
from proxy.providers.simulated_chat import openai_error
from proxy.providers.simulated_dice import Dice
from proxy.providers.simulated_said import Said, Wish

DIMENSIONS = 256

_HASHES = 4  # places of the vector that a word has a share in
_encode = msgspec.json.encode


class _Form(msgspec.Struct):
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=4_096)] | None = None


class _Asked(msgspec.Struct, gc=False):
    typed: EmbeddingsRequest
    form: _Form


_form = msgspec.json.Decoder(_Form)


class EmbeddingsVoice:
    """OpenAI's embeddings."""

    def __init__(self, name: str) -> None:
        self._model = _encode(name)

    def read(self, body: bytes) -> Wish:
        """What a body asks for. Raises BodyError."""
        asked = _Asked(facts.decode_embeddings(body), decode(_form, body))
        inputs = _inputs(asked.typed)
        if not inputs:
            raise BodyError("input", "there is nothing to embed")
        return Wish(asked, inputs[0])

    def whole(self, wish: Wish, said: Said, dice: Dice) -> bytes:
        """The whole answer."""
        asked: _Asked = wish.request
        base64 = asked.form.encoding_format == "base64"
        vectors = [vector(text, asked.form.dimensions or DIMENSIONS) for text in _inputs(asked.typed)]
        data = b",".join(
            b'{"object":"embedding","index":%d,"embedding":%b}'
            % (index, _packed(values) if base64 else _encode(values.tolist()))
            for index, values in enumerate(vectors)
        )
        tokens = max(1, facts.embeddings_facts(asked.typed).input_tokens_estimate)
        usage = b'{"prompt_tokens":%d,"total_tokens":%d}' % (tokens, tokens)
        return b'{"object":"list","data":[%b],"model":%b,"usage":%b}' % (data, self._model, usage)

    def pieces(self, wish: Wish, said: Said, dice: Dice, *, at_once: bool) -> list[bytes]:
        """Embeddings are never streamed."""
        raise NotImplementedError

    def error(self, status: int, kind: str, message: str, param: str | None, dice: Dice) -> bytes:
        """The body of a failure."""
        return openai_error(kind, message, param)


def vector(text: str, dimensions: int) -> array[float]:
    """The vector of a text, 32-bit floats of length 1; each of its words has a share in a few of its places."""
    values = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        number = zlib.crc32(word.encode("utf-8", "surrogatepass"))
        for _ in range(_HASHES):
            number = (number * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) & 0xFFFF_FFFF_FFFF_FFFF
            values[(number >> 33) % dimensions] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(value * value for value in values))
    if not length:
        values[0] = length = 1.0
    return array("f", [value / length for value in values])


def _packed(values: array[float]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return b'"%b"' % b64encode(values.tobytes())


def _inputs(request: EmbeddingsRequest) -> list[str]:
    """The inputs as texts; a list of token ids is one input, written out."""
    given = request.input
    if isinstance(given, str):
        return [given] if given else []
    if given and isinstance(given[0], int):
        return [" ".join(str(id) for id in given)]
    return [item if isinstance(item, str) else " ".join(map(str, item)) for item in given if not isinstance(item, int)]
