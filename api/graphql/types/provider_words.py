"""The words that providers and models are described with, shared by what mutations take and what queries answer."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(name="ProviderKind", description="The wire that a provider speaks.")
class ProviderKindWord(Enum):
    """`core.providers.ProviderKind`."""

    OPENAI = strawberry.enum_value("openai", description="OpenAI itself.")
    ANTHROPIC = strawberry.enum_value("anthropic", description="Anthropic.")
    GEMINI = strawberry.enum_value("gemini", description="Google Gemini.")
    AZURE = strawberry.enum_value("azure", description="Azure OpenAI.")
    OLLAMA = strawberry.enum_value("ollama", description="Ollama.")
    OPENAI_COMPATIBLE = strawberry.enum_value("openai-compatible", description="Anything that speaks OpenAI's API.")
    SIMULATED = strawberry.enum_value("simulated", description="Answers inside the proxy, with no key and no network.")


@strawberry.enum(description="Where a credential is.")
class CredentialSource(Enum):
    """The one source that `core.fields.Credential` has."""

    ENV = strawberry.enum_value("env", description="A variable of the proxy's environment.")
    FILE = strawberry.enum_value("file", description="A file in the proxy's secrets folder.")
    SEALED = strawberry.enum_value("sealed", description="A box in the configuration that only the proxy opens.")


@strawberry.enum(description="What happens to a model without a price where a cost limit applies.")
class Unpriced(Enum):
    """`core.config.Model.unpriced`."""

    REFUSE = strawberry.enum_value("refuse", description="It is refused.")
    ALLOW = strawberry.enum_value("allow", description="It is used; its cost is unknown, never 0.")
