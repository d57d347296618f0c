"""How many tokens a prompt is: an estimate by script and content for policies, and the strict bound of limits.

No tokenizer and no loop over characters. What a text is made of is counted by `bytes.translate` and `bytes.count`, and each
kind has a rate, fitted to o200k_base: docs/token-estimates.md has the errors. Linear, under 20 µs for a 4 KB request.
"""

from __future__ import annotations

import contextlib
from typing import Final

import msgspec
from msgspec import Raw

from core.images import IMAGE_TOKENS, IMAGE_TOKENS_BOUND

MESSAGE_TOKENS: Final = 4  # what a chat template puts around a message
MESSAGE_TOKENS_BOUND: Final = 16
TOOLS_TOKENS_BOUND: Final = 600
TOOL_ELSEWHERE_TOKENS: Final = 700  # a tool that the provider defines: its text is not in the request
TOOL_ELSEWHERE_TOKENS_BOUND: Final = 1_500
FILE_CHARS_PER_TOKEN: Final = 48  # base64 characters of a PDF with text
FILE_ELSEWHERE_TOKENS: Final = 5_000
FILE_ELSEWHERE_TOKENS_BOUND: Final = 200_000  # a window full: its size is not known here
ENCRYPTED_CHARS_PER_TOKEN: Final = 6  # base64 of as many bytes as its text has
AUDIO_CHARS_PER_TOKEN: Final = 1_000  # base64 characters of compressed speech, 10 tokens a second
AUDIO_CHARS_PER_TOKEN_BOUND: Final = 16  # 6 kbit/s at 32 tokens a second

# Thousandths of a token for each of what ASCII text is made of.
LETTER: Final = 233
WORD: Final = 60  # a single space
INDENT: Final = 290  # a space after a space
LINE: Final = 190  # a line feed
DIGIT: Final = 850
MARK: Final = 545  # punctuation
# Keys, hashes and base64: the letters beyond this many for each space, line and mark are no words.
LETTERS_OF_A_WORD: Final = 8
STRANGE_LETTER: Final = 600

_LATIN_1: Final = 1_350  # an accented letter also tells of a language whose words are less common
# Thousandths for each character of a script, by the upper byte of its UTF-16 code units.
_SCRIPTS: Final = (
    (range(0x01, 0x03), 1_700),  # Latin of Central Europe, Turkey, Viet Nam
    (range(0x03, 0x04), 420),  # Greek
    (range(0x04, 0x05), 330),  # Cyrillic
    (range(0x05, 0x06), 510),  # Hebrew, Armenian
    (range(0x06, 0x09), 380),  # Arabic
    (range(0x09, 0x0A), 390),  # Devanagari, Bengali
    (range(0x0A, 0x0E), 400),  # the other scripts of India, Sinhala
    (range(0x0E, 0x10), 440),  # Thai, Lao, Tibetan
    (range(0x10, 0x13), 400),  # Burmese, Georgian, Korean in parts, Ethiopic
    (range(0x13, 0x1E), 1_000),
    (range(0x1E, 0x20), 90),  # the second accent of Vietnamese, beside what the first has counted
    (range(0x20, 0x2E), 950),  # typographic marks, arrows, mathematics
    (range(0x2E, 0x30), 800),
    (range(0x30, 0x32), 685),  # kana
    (range(0x32, 0xA0), 800),  # Chinese characters
    (range(0xA0, 0xD8), 770),  # Korean
    (range(0xD8, 0xE0), 900),  # halves of emoji and of rare characters
    (range(0xE0, 0x100), 800),  # full-width forms
)
_RATES: Final = tuple(rate for _, rate in _SCRIPTS)
# Each upper byte is mapped to its script's place above; Latin-1 and ASCII, page 0, are deleted.
_SCRIPT_OF_PAGE: Final = bytes([0, *(place for place, (pages, _) in enumerate(_SCRIPTS) for _ in pages)])
_PAGE_0: Final = b"\0"
_BYTES: Final = tuple(bytes([place]) for place in range(len(_SCRIPTS)))

_ASCII: Final = bytes(range(128))
_NON_ASCII: Final = bytes(range(128, 256))
_NOT_MARKS: Final = b" abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + _NON_ASCII
_DIGITS: Final = b"0123456789"


def text_tokens(text: str) -> int:
    """An estimate, in thousandths of a token, of a text."""
    return measure(text)[0]


def measure(text: str) -> tuple[int, int]:
    """The estimate in thousandths of a token, and the UTF-8 bytes: a byte-level tokenizer never yields more tokens."""
    if text.isascii():
        return _ascii_tokens(text.encode("ascii"), len(text)), len(text)
    data = text.encode("utf-8", "surrogatepass")
    if (len(data) - len(text)) * 4 < len(text):  # mostly ASCII: take out the few others
        foreign = data.translate(None, _ASCII)
        total, latin_1 = _ascii_tokens(data, len(data) - len(foreign)), 0
        pages = foreign.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")[1::2]
    else:
        ascii_only = data.translate(None, _NON_ASCII)
        total, latin_1 = _ascii_tokens(ascii_only, len(ascii_only)), -len(ascii_only)
        pages = text.encode("utf-16-le", "surrogatepass")[1::2]
    left = pages.translate(_SCRIPT_OF_PAGE, _PAGE_0)
    latin_1 += len(pages) - len(left)
    total += latin_1 * _LATIN_1
    while left:  # one turn for each script that the text is written in
        script = left[0]
        others = left.translate(None, _BYTES[script])
        total += (len(left) - len(others)) * _RATES[script]
        left = others
    return total, len(data)


def _ascii_tokens(data: bytes, size: int) -> int:
    """The thousandths of the ASCII bytes in UTF-8 text, which are `size`."""
    rest = data.translate(None, _NOT_MARKS)
    marks = len(rest.translate(None, _DIGITS))
    digits = len(rest) - marks
    lines = rest.count(b"\n")
    marks -= lines
    spaces = data.count(b" ")
    letters = size - len(rest) - spaces
    indents = data.count(b"  ")
    strange = letters - LETTERS_OF_A_WORD * (spaces - indents + lines + marks + 1)
    total = letters * LETTER + (spaces - indents) * WORD + indents * INDENT + lines * LINE + digits * DIGIT + marks * MARK
    return total + strange * STRANGE_LETTER if strange > 0 else total


def json_text(raw: Raw) -> str:
    """JSON as it reads to a model: characters that were escaped as `\\uXXXX` stand for themselves."""
    data = bytes(raw)
    if b"\\u" in data:
        # With lone surrogates, odd numbers, or deeper than can be read, it counts as it stands.
        with contextlib.suppress(ValueError, RecursionError):
            data = msgspec.json.encode(msgspec.json.decode(data))
    return data.decode("utf-8", "replace")


class PromptSize:
    """What a prompt is made of, collected part by part, and its two figures in tokens."""

    __slots__ = (
        "audio",
        "audio_chars",
        "calls",
        "encrypted_chars",
        "file_chars",
        "files_elsewhere",
        "has_tools",
        "ids",
        "images",
        "messages",
        "raws",
        "texts",
        "tools_elsewhere",
    )

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.raws: list[Raw] = []
        self.ids = 0  # tokens that the client made itself
        self.messages = 0
        self.images = 0
        self.file_chars = 0
        self.files_elsewhere = 0  # named by an address or an id
        self.encrypted_chars = 0  # thinking that only its provider can read
        self.audio_chars = 0
        self.audio = False  # something is spoken, or is to be
        self.has_tools = False
        self.calls = False  # tools, or calls and results, which a model without function calling cannot read either
        self.tools_elsewhere = 0  # defined by the provider

    def add_raw(self, raw: Raw) -> None:
        """Count JSON that goes into the prompt as it stands: tools, calls, schemas."""
        self.raws.append(raw)

    def figures(self) -> tuple[int, int]:
        """The estimate for policies, and the bound that no provider exceeds, for reservations."""
        thousandths, bound = measure("".join(self.texts))
        bound += self.ids + self.messages * MESSAGE_TOKENS_BOUND + self.media_bound()
        if self.raws:
            thousandths += text_tokens("".join([json_text(raw) for raw in self.raws]))
            bound += sum([len(raw) for raw in self.raws])
        return (thousandths + 999) // 1_000 + self.ids + self.messages * MESSAGE_TOKENS + self.media(), bound

    def media(self) -> int:
        """The estimate of what is not text: media count a figure of their own, never as their base64."""
        return (
            self.images * IMAGE_TOKENS
            + self.file_chars // FILE_CHARS_PER_TOKEN
            + self.files_elsewhere * FILE_ELSEWHERE_TOKENS
            + self.encrypted_chars // ENCRYPTED_CHARS_PER_TOKEN
            + self.audio_chars // AUDIO_CHARS_PER_TOKEN
            + self.tools_elsewhere * TOOL_ELSEWHERE_TOKENS
        )

    def media_bound(self) -> int:
        """The bound of what is not text, with the 600 for tools."""
        return (
            self.images * IMAGE_TOKENS_BOUND
            + self.file_chars
            + self.files_elsewhere * FILE_ELSEWHERE_TOKENS_BOUND
            + self.encrypted_chars
            + -(-self.audio_chars // AUDIO_CHARS_PER_TOKEN_BOUND)
            + self.tools_elsewhere * TOOL_ELSEWHERE_TOKENS_BOUND
            + (TOOLS_TOKENS_BOUND if self.has_tools else 0)
        )
