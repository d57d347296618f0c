"""The configuration as frozen values: one type for each kind of file in the repository.

Shapes and ranges stand here and in `fields.py`; what needs a second file (a model's provider, a name that must be unique) is
checked in `crosscheck.py`. Every type refuses unknown keys, so a misspelt setting is an error and never a silent default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, field

from core.fields import Credential as Credential
from core.fields import (
    FieldError,
    Labels,
    Milliseconds,
    ModelId,
    Record,
    Sha256Hex,
    Slug,
    Tokens,
    origin_field,
    refuse_many_labels,
    refuse_twice,
)
from core.fields import LimitRule as LimitRule
from core.fields import Limits as Limits
from core.fields import Prices as Prices
from core.fields import PriceTier as PriceTier
from core.fields import RollingWindow as RollingWindow
from core.fields import SimulatedAnswer as SimulatedAnswer
from core.fields import Simulation as Simulation
from core.providers import Provider as Provider
from core.providers import ProviderKind as ProviderKind
from core.routing.candidates import Capabilities
from core.routing.policies import Policy

FORMAT_VERSION = 1
BUILT_IN_ROLES = frozenset({"viewer", "editor", "admin", "operator"})
PROJECT_ROLES = frozenset({"viewer", "editor", "admin"})
Zoned: TypeAlias = Annotated[datetime, Meta(tz=True)]
Days: TypeAlias = Annotated[int, Meta(ge=1, le=36_500, extra={"unit": "days"})]


# --- waybill.yaml and roles.yaml ----------------------------------------------------------------------------------------


class Timeouts(Record, frozen=True):
    """Milliseconds; project over `waybill.yaml` over the defaults of `core/plans.py`."""

    timeout_ms: Milliseconds | None = None
    attempt_timeout_ms: Milliseconds | None = None
    idle_timeout_ms: Milliseconds | None = None
    connect_timeout_ms: Milliseconds | None = None


class Retention(Record, frozen=True):
    """How long what was recorded is kept; a size of None is no bound by size."""

    rows_days: Days = 90
    traces_days: Days = 14
    traces_max_mb: Annotated[int, Meta(ge=1, le=1_000_000_000, extra={"unit": "MB"})] | None = 4096
    journal_hours: Annotated[int, Meta(ge=1, le=876_000, extra={"unit": "h"})] = 24
    audit_days: Days = 365


class AlertWebhook(Record, frozen=True):
    """Where alerts are posted; the signing secret is a reference, as a provider key is."""

    url: Annotated[str, Meta(max_length=2000)]
    secret: Credential
    allow_private_address: bool = False

    def __post_init__(self) -> None:
        """Raise FieldError for an address that is not plain http or https, or a secret that its sender cannot read."""
        origin_field("url", self.url.partition("?")[0])
        if self.secret.sealed is not None:
            reason = "the API signs alerts, and only the proxy opens sealed secrets: use `env` or `file`"
            raise FieldError("secret.sealed", reason)


class ReviewRule(Record, frozen=True):
    """Changes below `paths` (globs) go through a proposal, above a raise of `limit_raise_percent` where it is given."""

    paths: tuple[str, ...]
    limit_raise_percent: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    approvals: Annotated[int, Meta(ge=1, le=100)] = 1


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

    roles: dict[Slug, Role] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise FieldError for the name of a built-in role."""
        for name in self.roles:
            if name in BUILT_IN_ROLES:
                raise FieldError(f"roles.{name}", f"`{name}` is a built-in role and cannot be changed: choose another name")


# --- models -------------------------------------------------------------------------------------------------------------


class Model(Record, frozen=True):
    """`models/<id>.yaml`: one model at one provider, under the name that clients and policies know it by."""

    provider: Slug
    upstream_name: Annotated[str, Meta(min_length=1, max_length=300)]
    prices: Prices | None = None
    unpriced: Literal["refuse", "allow"] = "refuse"
    context_window: Tokens | None = None
    max_output_tokens: Tokens | None = None
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

    user: Annotated[str, Meta(min_length=1, max_length=254)]
    role: Slug


class Project(Record, frozen=True):
    """`projects/<slug>/project.yaml`. `id` never changes and is not shown to people."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: Annotated[str, Meta(max_length=10_000)] = ""
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    default_max_output_tokens: Tokens | None = None
    trace: TraceSettings = TraceSettings()
    pass_through: PassThrough = PassThrough()
    members: tuple[Member, ...] = ()
    labels: Labels = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise FieldError for a name of spaces, too many labels, or a user who is there twice."""
        if not self.name.strip():
            raise FieldError("name", "must not be empty")
        refuse_many_labels(self.labels)
        if self.members:
            # Upper and lower case alike, as people sign in: of two roles nobody could say which holds.
            refuse_twice("members[{}].user", (member.user.strip().lower() for member in self.members))


class RoutedModel(Record, frozen=True):
    """One of the project's models; the position in the list is its priority."""

    id: ModelId
    guidance: Annotated[str, Meta(max_length=10_000)] = ""
    limits: Limits = Limits()


class Routing(Record, frozen=True):
    """`projects/<slug>/routing.yaml`: the models in order, and the policies in order."""

    models: tuple[RoutedModel, ...] = ()
    policies: tuple[Policy, ...] = ()

    def __post_init__(self) -> None:
        """Raise FieldError for a model that is there twice."""
        refuse_twice("models[{}].id", (model.id for model in self.models))


class FormerToken(Record, frozen=True):
    """The value a regenerated token had, still accepted until `valid_until`."""

    sha256: Sha256Hex
    valid_until: Zoned


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
    expires_at: Zoned | None = None
    labels: Labels = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise FieldError for too many labels, or a model that is there twice."""
        refuse_many_labels(self.labels)
        if self.models:
            refuse_twice("models[{}].id", (entry.id for entry in self.models))


File: TypeAlias = Settings | Roles | Provider | Model | Project | Routing | Token


class References(msgspec.Struct, frozen=True):
    """What the files say of each other (`core/references.py`): `claims` by key, {what one file alone may say: that file};
    `users`, {a file: the files that name it}."""

    claims: Mapping[str, str] = {}
    users: Mapping[str, frozenset[str]] = {}


class Config(msgspec.Struct, frozen=True):
    """A whole revision: the parsed value of every file, by its path in the repository.

    `content_sum` is the sum of `core/digest.py` over the files where it is known already, so that a change costs only itself.
    So does its check where `index` is there; only a sound configuration has one.
    """

    files: Mapping[str, File] = field(default_factory=dict)
    content_sum: int | None = None
    index: References | None = None

    @property
    def settings(self) -> Settings:
        """`waybill.yaml`, or its defaults where there is none."""
        found = self.files.get("waybill.yaml")
        return found if isinstance(found, Settings) else Settings(format=1)
