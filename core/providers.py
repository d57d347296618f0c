"""`providers/<id>.yaml`: upstream accounts, how to reach them, and what binds a key to the place that it was given for."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, field

from core.fields import Credential, FieldError, HeaderName, HeaderValue, Record, Simulation, Slug, origin_field
from core.origins import DEFAULT_BASE_URLS

# Headers that the proxy itself sets, and those that would carry a key in clear.
RESERVED_HEADERS = frozenset({
    "host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect",
    "accept-encoding", "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
})  # fmt: skip

ProviderKind: TypeAlias = Literal["openai", "anthropic", "gemini", "azure", "ollama", "openai-compatible", "simulated"]


class Provider(Record, frozen=True):
    """`providers/<id>.yaml`: an upstream account and how to reach it. Its credential is bound to the origin of its address."""

    kind: ProviderKind
    base_url: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    credential: Credential | None = None
    enabled: bool = True
    project: Slug | None = None
    preset: str | None = None
    headers: dict[HeaderName, HeaderValue] = field(default_factory=dict)
    max_connections: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    simulation: Simulation | None = None

    def __post_init__(self) -> None:
        """Raise FieldError for a wrong address, a credential of another origin, or settings that its kind does not have."""
        given: set[str] = set()
        for name in self.headers:
            if name.lower() in RESERVED_HEADERS:
                raise FieldError(f"headers.{name}", "this header is set by the proxy: a key goes in `credential`")
            if name.lower() in given:
                raise FieldError(f"headers.{name}", "this header is given twice: upper and lower case are alike")
            given.add(name.lower())
        if self.kind == "simulated":
            self._check_simulated()
            return
        if self.simulation is not None:
            raise FieldError("simulation", "only a provider of kind `simulated` has it")
        self._check_credential(self._check_base_url())

    @property
    def address(self) -> str:
        """The `base_url`, or its kind's default; empty for a simulated provider."""
        return self.base_url or DEFAULT_BASE_URLS.get(self.kind, "")

    def _check_simulated(self) -> None:
        for name in ("base_url", "credential"):
            if getattr(self, name) is not None:
                raise FieldError(name, "a simulated provider has none: it answers inside the proxy")

    def _check_base_url(self) -> str:
        if not self.address:
            raise FieldError("base_url", f"is missing: a provider of kind `{self.kind}` has no default address")
        return origin_field("base_url", self.address)

    def _check_credential(self, origin: str) -> None:
        given = self.credential
        if given is None or (given.sealed is not None and given.origin is None):
            return
        if given.origin is None:
            raise FieldError("credential.origin", f"is missing: a credential is bound to where it may go, here `{origin}`")
        bound = origin_field("credential.origin", given.origin)
        if bound != origin:
            reason = f"the credential was given for {bound}; base_url is at {origin}: give the key again"
            raise FieldError("credential.origin", reason)
        if given.origin != origin:
            raise FieldError("credential.origin", f"write it as `{origin}`: lower case, no path, no default port")
