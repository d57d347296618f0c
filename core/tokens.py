"""How many tokens a prompt is: an estimate by script and content for policies, and the strict bound of limits.

No tokenizer and no loop over characters: counts of bytes by script, made by `bytes.translate`, times a rate for each.
"""

from __future__ import annotations

from msgspec import Raw

MESSAGE_TOKENS = 4  # what a chat template puts around a message
MESSAGE_TOKENS_BOUND = 16
TOOLS_TOKENS_BOUND = 600
TOOL_ELSEWHERE_TOKENS = 700  # a tool that the provider defines: its text is not in the request
TOOL_ELSEWHERE_TOKENS_BOUND = 1_500
IMAGE_TOKENS = 765  # 1024 × 1024 in high detail
IMAGE_TOKENS_BOUND = 48_169  # the dearest known: gpt-4o-mini, eight tiles in high detail
FILE_CHARS_PER_TOKEN = 48  # base64 characters of a PDF with text
FILE_ELSEWHERE_TOKENS = 5_000
FILE_ELSEWHERE_TOKENS_BOUND = 200_000  # a window full: its size is not known here
ENCRYPTED_CHARS_PER_TOKEN = 6  # base64 of as many bytes as its text has
AUDIO_CHARS_PER_TOKEN = 1_000  # base64 characters of compressed speech, 10 tokens a second
AUDIO_CHARS_PER_TOKEN_BOUND = 16  # 6 kbit/s at 32 tokens a second

# Thousandths of a token for each character of a script, near to those of o200k_base on prose.
_ASCII_RATE = 235
_RAW_JSON_RATE = 300  # tools and calls: punctuation-heavy
_RATES = (
    ((*range(0xC2, 0xCC), *range(0xD0, 0xD4)), 260),  # Latin with accents, Cyrillic
    ((*range(0xCC, 0xD0), *range(0xD4, 0xE0)), 370),  # Greek, Hebrew, Arabic
    (range(0xE0, 0xE3), 330),  # Thai, the scripts of India, typographic marks
    (range(0xE3, 0xF0), 680),  # Chinese, Japanese, Korean
    (range(0xF0, 0xF8), 1_200),  # emoji and rare characters
)
# Per script: the bytes to delete so that only the lead bytes of its characters are left to count.
_SCRIPTS = tuple((bytes(byte for byte in range(256) if byte not in leads), rate) for leads, rate in _RATES)
_NON_ASCII = bytes(range(128, 256))


def text_tokens(text: str) -> int:
    """An estimate, in thousandths of a token, of a text."""
    if text.isascii():
        return len(text) * _ASCII_RATE
    data = text.encode("utf-8", "surrogatepass")
    total = len(data.translate(None, _NON_ASCII)) * _ASCII_RATE
    for others, rate in _SCRIPTS:
        total += len(data.translate(None, others)) * rate
    return total


def utf8_bytes(text: str) -> int:
    """How many bytes a text has in UTF-8: a byte-level tokenizer never yields more tokens."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class PromptSize:
    """What a prompt is made of, collected part by part, and its two figures in tokens."""

    __slots__ = (
        "audio_chars",
        "encrypted_chars",
        "file_chars",
        "files_elsewhere",
        "has_tools",
        "images",
        "messages",
        "raw_bytes",
        "texts",
        "tools_elsewhere",
    )

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.raw_bytes = 0
        self.messages = 0
        self.images = 0
        self.file_chars = 0
        self.files_elsewhere = 0  # named by an address or an id
        self.encrypted_chars = 0  # thinking that only its provider can read
        self.audio_chars = 0
        self.has_tools = False
        self.tools_elsewhere = 0  # defined by the provider

    def add_raw(self, raw: Raw) -> None:
        """Count JSON that goes into the prompt as it stands: tools, calls, schemas."""
        self.raw_bytes += len(raw)

    def estimate(self) -> int:
        """Tokens, for policies. Media count a figure of their own, never as their base64 text."""
        thousandths = text_tokens("".join(self.texts)) + self.raw_bytes * _RAW_JSON_RATE
        media = self.images * IMAGE_TOKENS + self.file_chars // FILE_CHARS_PER_TOKEN + self.audio_chars // AUDIO_CHARS_PER_TOKEN
        media += self.tools_elsewhere * TOOL_ELSEWHERE_TOKENS + self.files_elsewhere * FILE_ELSEWHERE_TOKENS
        media += self.encrypted_chars // ENCRYPTED_CHARS_PER_TOKEN
        return (thousandths + 999) // 1_000 + self.messages * MESSAGE_TOKENS + media

    def bound(self) -> int:
        """Tokens that no provider exceeds, for reservations."""
        media = self.images * IMAGE_TOKENS_BOUND + self.file_chars + -(-self.audio_chars // AUDIO_CHARS_PER_TOKEN_BOUND)
        media += self.tools_elsewhere * TOOL_ELSEWHERE_TOKENS_BOUND + self.files_elsewhere * FILE_ELSEWHERE_TOKENS_BOUND
        media += self.encrypted_chars
        tools = TOOLS_TOKENS_BOUND if self.has_tools else 0
        return utf8_bytes("".join(self.texts)) + self.raw_bytes + self.messages * MESSAGE_TOKENS_BOUND + tools + media
