"""The configuration as frozen values: one type for each kind of file in the repository.

Shapes and ranges stand here, next to the field they rule; what needs a second file (a model's provider, a name that must be
unique) is checked in `files.py`. Every type refuses unknown keys, so a misspelt setting is an error and never a silent default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, field

from core.routing.candidates import Capabilities
from core.routing.policies import Policy

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MODEL_ID_PATTERN = r"^[a-z0-9][a-z0-9._/-]{0,99}$"
FORMAT_VERSION = 1

Slug: TypeAlias = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=63)]
ModelId: TypeAlias = Annotated[str, Meta(pattern=MODEL_ID_PATTERN)]
Sha256Hex: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=1, le=86_400_000, extra={"unit": "ms"})]
Labels: TypeAlias = dict[str, str]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What every configuration type has in common: frozen, strict, and small when written out."""


# --- limits -------------------------------------------------------------------------------------------------------------

Metric: TypeAlias = Literal["cost", "calls", "input_tokens", "output_tokens", "total_tokens"]
CalendarWindow: TypeAlias = Literal["hourly", "daily", "weekly", "monthly", "yearly"]
RollingUnit: TypeAlias = Literal["seconds", "minutes", "hours", "days", "weeks", "months"]


class RollingWindow(Record, frozen=True):
    """The last `rolling` × `unit`; a month is 30 days."""

    rolling: Annotated[int, Meta(ge=1, le=1_000_000)]
    unit: RollingUnit


class LimitRule(Record, frozen=True):
    """At most `value` of `metric` in each `window`: USD for cost, else a whole number. 0 always blocks."""

    metric: Metric
    window: CalendarWindow | RollingWindow
    value: Decimal

    def __post_init__(self) -> None:
        """Raise ValueError for a negative amount, or a fraction of something counted."""
        _refuse_negative(self)
        if self.metric != "cost" and self.value != self.value.to_integral_value():
            raise ValueError(f"`value` of a {self.metric} limit must be a whole number, not {self.value}")


class Limits(Record, frozen=True):
    """The limits of one level, and what they do to the inherited ones (`core/limits.py`)."""

    mode: Literal["replace", "extend", "disable"] = "replace"
    rules: tuple[LimitRule, ...] = ()


def _refuse_negative(record: Record) -> None:
    """Raise ValueError naming the first negative amount: msgspec checks ranges of int and float only."""
    for name in record.__struct_fields__:
        amount = getattr(record, name)
        if isinstance(amount, Decimal) and not (amount.is_finite() and amount >= 0):
            raise ValueError(f"`{name}` must be 0 or more, not {amount}")


# --- secrets ------------------------------------------------------------------------------------------------------------


class Credential(Record, frozen=True):
    """A reference to a secret or a sealed one, bound to the origin it was given for. Exactly one source is set."""

    env: Annotated[str, Meta(pattern=r"^WAYBILL_SECRET_[A-Z0-9_]+$")] | None = None
    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = None
    sealed: str | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError unless exactly one source is given."""
        if sum(source is not None for source in (self.env, self.file, self.sealed)) != 1:
            raise ValueError("a credential has exactly one of `env`, `file` or `sealed`")


# --- waybill.yaml and roles.yaml ----------------------------------------------------------------------------------------


class Timeouts(Record, frozen=True):
    """Milliseconds; project over `waybill.yaml` over the defaults of `DEFAULT_TIMEOUTS`."""

    timeout_ms: Milliseconds | None = None
    attempt_timeout_ms: Milliseconds | None = None
    idle_timeout_ms: Milliseconds | None = None
    connect_timeout_ms: Milliseconds | None = None


class Retention(Record, frozen=True):
    """How long what was recorded is kept; a size of None is no bound by size."""

    rows_days: Annotated[int, Meta(ge=1)] = 90
    traces_days: Annotated[int, Meta(ge=1)] = 14
    traces_max_mb: Annotated[int, Meta(ge=1)] | None = 4096
    journal_hours: Annotated[int, Meta(ge=1)] = 24


class AlertWebhook(Record, frozen=True):
    """Where alerts are posted; the signing secret is a reference, as a provider key is."""

    url: str
    secret: Credential
    allow_private_address: bool = False


class ReviewRule(Record, frozen=True):
    """Changes below `paths` (globs) go through a proposal, above a raise of `limit_raise_percent` where it is given."""

    paths: tuple[str, ...]
    limit_raise_percent: Annotated[int, Meta(ge=0)] | None = None
    approvals: Annotated[int, Meta(ge=1)] = 1


class Settings(Record, frozen=True):
    """`waybill.yaml`: what holds for the whole installation."""

    format: Literal[1]
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    review: tuple[ReviewRule, ...] = ()
    retention: Retention = Retention()
    alert_webhooks: tuple[AlertWebhook, ...] = ()
    journal_failure: Literal["refuse", "serve"] = "refuse"


Permission: TypeAlias = Literal[
    "project:read", "project:write", "model:read", "model:write", "user:read", "user:write",
    "token:write", "member:write", "limit:write", "settings:write", "report:read", "content:read",
]  # fmt: skip


class Role(Record, frozen=True):
    """A custom role: a name for a set of permissions."""

    permissions: tuple[Permission, ...]
    description: str = ""


class Roles(Record, frozen=True):
    """`roles.yaml`: custom roles by name."""

    roles: dict[Slug, Role] = {}


# --- providers and models -----------------------------------------------------------------------------------------------


class SimulatedAnswer(Record, frozen=True):
    """Answer `text` when the last user message contains `when`; the failures let a test script an upstream."""

    when: str
    text: str = ""
    status: Annotated[int, Meta(ge=200, le=599)] = 200
    tool_call: dict[str, Any] | None = None
    retry_after_s: Annotated[int, Meta(ge=0)] | None = None
    fail_after_chunks: Annotated[int, Meta(ge=0)] | None = None


class Simulation(Record, frozen=True):
    """How a simulated model behaves. The same seed and the same request give the same answer and the same delays."""

    seed: int = 0
    latency_ms: Annotated[float, Meta(ge=0)] = 0.0
    latency_sigma: Annotated[float, Meta(ge=0, le=3)] = 0.0
    tokens_per_second: Annotated[float, Meta(ge=0)] = 0.0
    failure_rate: Annotated[float, Meta(ge=0, le=1)] = 0.0
    output_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 64
    answers: tuple[SimulatedAnswer, ...] = ()


ProviderKind: TypeAlias = Literal["openai", "anthropic", "gemini", "azure", "ollama", "openai-compatible", "simulated"]


class Provider(Record, frozen=True):
    """`providers/<id>.yaml`: an upstream account and how to reach it."""

    kind: ProviderKind
    base_url: str | None = None
    credential: Credential | None = None
    enabled: bool = True
    project: Slug | None = None
    preset: str | None = None
    headers: dict[str, str] = {}
    max_connections: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    simulation: Simulation | None = None


class PriceTier(Record, frozen=True):
    """The prices that replace the base ones, for the whole request, when its input is strictly above the threshold."""

    above_input_tokens: Annotated[int, Meta(ge=0)]
    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a negative price."""
        _refuse_negative(self)


class Prices(Record, frozen=True):
    """USD per million tokens. An absent cache price is the input's, an absent reasoning price the output's."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    tiers: tuple[PriceTier, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for a negative price."""
        _refuse_negative(self)


class Model(Record, frozen=True):
    """`models/<id>.yaml`: one model at one provider, under the name that clients and policies know it by."""

    provider: Slug
    upstream_name: str
    prices: Prices | None = None
    unpriced: Literal["refuse", "allow"] = "refuse"
    context_window: Annotated[int, Meta(ge=1)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    capabilities: Capabilities = Capabilities()
    limits: Limits = Limits()
    enabled: bool = True
    simulation: Simulation | None = None


# --- projects -----------------------------------------------------------------------------------------------------------


class TraceSettings(Record, frozen=True):
    """Whether traces keep message content; reading it then needs `content:read`."""

    content: bool = False


class PassThrough(Record, frozen=True):
    """Other `/v1` paths that the project may reach, and the provider they go to when no model says so."""

    methods: tuple[Literal["GET", "POST", "PUT", "PATCH", "DELETE"], ...] = ()
    paths: tuple[str, ...] = ()
    default_provider: Slug | None = None
    allow_unpriced: bool = False


class Member(Record, frozen=True):
    """A dashboard user's role in this project."""

    user: str
    role: Slug


class Project(Record, frozen=True):
    """`projects/<slug>/project.yaml`. `id` never changes and is not shown to people."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: str = ""
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    default_max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    trace: TraceSettings = TraceSettings()
    pass_through: PassThrough = PassThrough()
    members: tuple[Member, ...] = ()
    labels: Labels = {}


class RoutedModel(Record, frozen=True):
    """One of the project's models; the position in the list is its priority."""

    id: ModelId
    guidance: str = ""
    limits: Limits = Limits()


class Routing(Record, frozen=True):
    """`projects/<slug>/routing.yaml`: the models in order, and the policies in order."""

    models: tuple[RoutedModel, ...] = ()
    policies: tuple[Policy, ...] = ()


class FormerToken(Record, frozen=True):
    """The value a regenerated token had, still accepted until `valid_until`."""

    sha256: Sha256Hex
    valid_until: datetime


class ModelEntry(Record, frozen=True):
    """A token's own limits on one model."""

    id: ModelId
    limits: Limits


class Token(Record, frozen=True):
    """`projects/<slug>/tokens/<id>.yaml`: a token by its SHA-256; the value is nowhere."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    sha256: Sha256Hex
    prefix: Annotated[str, Meta(max_length=10)]
    former: FormerToken | None = None
    limits: Limits = Limits()
    models: tuple[ModelEntry, ...] = ()
    expires_at: datetime | None = None
    labels: Labels = {}


File: TypeAlias = Settings | Roles | Provider | Model | Project | Routing | Token


class Config(msgspec.Struct, frozen=True):
    """A whole revision: the parsed value of every file, by its path in the repository."""

    files: Mapping[str, File] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """`waybill.yaml`, or its defaults where there is none."""
        found = self.files.get("waybill.yaml")
        return found if isinstance(found, Settings) else Settings(format=1)
