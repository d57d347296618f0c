"""What a request's body says that policies and limits read, a module per dialect.

Pure: bytes in, facts out, linear in the body. A body is decoded typed and partial: what nobody here reads is skipped, never
refused, for it goes on to the provider.

    BodyError(ValueError)    the body is no request of this dialect; carries the field and the reason (400)
"""

from core.facts.blocks import Block
from core.facts.chat import (
    ChatMessage,
    ChatRequest,
    Part,
    ResponseFormat,
    StreamOptions,
    chat_facts,
    chat_prompt,
    decode_chat,
    facts_from_chat,
)
from core.facts.decoding import BodyError, Count
from core.facts.embeddings import EmbeddingsRequest, decode_embeddings, embeddings_facts, embeddings_prompt
from core.facts.messages import (
    CountTokensRequest,
    Message,
    MessagesRequest,
    decode_count_tokens,
    decode_messages,
    messages_facts,
    messages_prompt,
)
from core.facts.request import Dialect, Facts, Need
from core.facts.saying import said, said_last

__all__ = (
    "Block",
    "BodyError",
    "ChatMessage",
    "ChatRequest",
    "Count",
    "CountTokensRequest",
    "Dialect",
    "EmbeddingsRequest",
    "Facts",
    "Message",
    "MessagesRequest",
    "Need",
    "Part",
    "ResponseFormat",
    "StreamOptions",
    "chat_facts",
    "chat_prompt",
    "decode_chat",
    "decode_count_tokens",
    "decode_embeddings",
    "decode_messages",
    "embeddings_facts",
    "embeddings_prompt",
    "facts_from_chat",
    "messages_facts",
    "messages_prompt",
    "said",
    "said_last",
)
