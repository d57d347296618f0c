"""`settingsUpdate`: what holds for the whole installation, in `waybill.yaml`."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

import strawberry

from api.edits import EditRejected, settings
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Plan, commit
from api.graphql.mutations.limits_input import LimitsInput, limits_plain
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.settings import JournalFailure, Settings
from core.origins import origin_of
from core.paths import SETTINGS_PATH
from core.yaml_strict import Value

MaybeInt: TypeAlias = strawberry.Maybe[int | None]


@strawberry.input(description="Timeouts in milliseconds; null leaves one to Waybill's own, what is left out stays.")
class InstallationTimeoutsInput:
    """`core.config.Timeouts` of the installation."""

    timeout_ms: MaybeInt = strawberry.field(description="The whole request.")
    attempt_timeout_ms: MaybeInt = strawberry.field(description="One attempt, to its first content.")
    idle_timeout_ms: MaybeInt = strawberry.field(description="Between two bytes of an answer.")
    connect_timeout_ms: MaybeInt = strawberry.field(description="To connect to a provider.")

    def plain(self) -> dict[str, Value]:
        """Only what was given."""
        names = ("timeout_ms", "attempt_timeout_ms", "idle_timeout_ms", "connect_timeout_ms")
        return {name: wish.value for name in names if (wish := getattr(self, name)) is not None}


@strawberry.input(description="How long what was recorded is kept; what is left out stays.")
class RetentionInput:
    """`core.config.Retention`."""

    rows_days: int | None = strawberry.field(default=None, description="Days that log rows are kept.")
    traces_days: int | None = strawberry.field(default=None, description="Days that traces are kept.")
    traces_max_mb: MaybeInt = strawberry.field(description="Megabytes that traces may take; null for no bound.")
    journal_hours: int | None = strawberry.field(default=None, description="Hours that recorded journal segments are kept.")
    audit_days: int | None = strawberry.field(default=None, description="Days that rows of the audit trail are kept.")

    def plain(self) -> dict[str, Value]:
        """Only what was given."""
        names = ("rows_days", "traces_days", "journal_hours", "audit_days")
        given = {name: getattr(self, name) for name in names}
        plain: dict[str, Value] = {name: value for name, value in given.items() if value is not None}
        return plain | ({"traces_max_mb": self.traces_max_mb.value} if self.traces_max_mb is not None else {})


@strawberry.input(description="Where alerts are posted; give exactly one of `secretEnv` and `secretFile`.")
class AlertWebhookInput:
    """`core.config.AlertWebhook`."""

    url: str = strawberry.field(description="The address.")
    secret_env: str | None = strawberry.field(
        default=None, description="The variable WAYBILL_SECRET_… with the signing secret."
    )
    secret_file: str | None = strawberry.field(default=None, description="The file in the secrets folder that holds it.")
    allow_private_address: bool = strawberry.field(default=False, description="Whether it may be in a private network.")

    def plain(self, field: str) -> dict[str, Value]:
        """The webhook in a file. Raises EditRejected."""
        if (self.secret_env is None) == (self.secret_file is None):
            raise EditRejected(field, "give exactly one of `secretEnv` and `secretFile`")
        try:
            origin = origin_of(self.url.partition("?")[0])
        except ValueError as error:
            raise EditRejected(f"{field}.url", str(error)) from None
        source = {"env": self.secret_env} if self.secret_env is not None else {"file": self.secret_file}
        secret: dict[str, Value] = {**source, "origin": origin}
        plain: dict[str, Value] = {"url": self.url, "secret": secret}
        return plain | ({"allow_private_address": True} if self.allow_private_address else {})


@strawberry.input(description="Which changes are to go through a proposal: kept, and not enforced before there are any.")
class ReviewRuleInput:
    """`core.config.ReviewRule`."""

    paths: list[str] = strawberry.field(description="Globs of the files that it is about.")
    limit_raise_percent: int | None = strawberry.field(
        default=None, description="Only for a limit that is raised by more; any change when left out."
    )
    approvals: int | None = strawberry.field(default=None, description="How many approvals it takes; 1 when left out.")

    def plain(self) -> dict[str, Value]:
        """The rule in a file."""
        given = {"limit_raise_percent": self.limit_raise_percent, "approvals": self.approvals}
        return {"paths": [*self.paths], **{name: value for name, value in given.items() if value is not None}}


@strawberry.input(description="What to change about the installation; what is left out stays.")
class SettingsUpdateInput(CommitInput):
    """A wish for `waybill.yaml`."""

    timeouts: InstallationTimeoutsInput | None = strawberry.field(default=None, description="Timeouts to set or unset.")
    limits: strawberry.Maybe[LimitsInput | None] = strawberry.field(
        description="Limits of everything together, in place of those it has; null takes them away. Needs `limit:write`."
    )
    retention: RetentionInput | None = strawberry.field(default=None, description="How long what was recorded is kept.")
    alert_webhooks: list[AlertWebhookInput] | None = strawberry.field(
        default=None, description="Where alerts are posted, in place of what it has."
    )
    review: list[ReviewRuleInput] | None = strawberry.field(
        default=None,
        description="Which changes are to go through a proposal, in place of what it has: kept, and not enforced yet.",
    )
    journal_failure: JournalFailure | None = strawberry.field(
        default=None, description="What is done while the journal cannot be written."
    )

    def fields(self) -> dict[str, Value]:
        """Only what was given; None unsets. Raises EditRejected."""
        wished: dict[str, Value] = limits_plain(self.limits)
        if self.timeouts is not None:
            wished["timeouts"] = self.timeouts.plain()
        if self.retention is not None:
            wished["retention"] = self.retention.plain()
        if self.alert_webhooks is not None:
            wished["alert_webhooks"] = _listed(
                hook.plain(f"alertWebhooks[{position}]") for position, hook in enumerate(self.alert_webhooks)
            )
        if self.review is not None:
            wished["review"] = _listed(rule.plain() for rule in self.review)
        if self.journal_failure is not None:
            wished["journal_failure"] = str(self.journal_failure.value)
        return wished


def _listed(items: Iterable[Value]) -> Value:
    """A list in a file; None for an empty one."""
    found: list[Value] = [*items]
    return found or None


@strawberry.type(description="The settings were changed, or would be.")
class SettingsUpdated(ConfigurationChange):
    """Other settings."""

    settings: Settings = strawberry.field(description="The settings as they are now, or would be.")


SettingsUpdatePayload: TypeAlias = Annotated[
    SettingsUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("SettingsUpdatePayload", description="What came of a change to the settings."),
]


async def settings_update(context: Context, wish: SettingsUpdateInput) -> SettingsUpdated | Failure:
    """Change `waybill.yaml`."""
    plan = Plan(
        reads=(SETTINGS_PATH,),
        missing=f"there is no {SETTINGS_PATH} at that revision",
        edit=lambda _config, files: settings.updated(files, wish.fields()),
    )
    landed = await commit(context, wish, plan)
    return (
        landed if isinstance(landed, Failure) else SettingsUpdated(change=landed.change, settings=Settings.of(landed.catalogue))
    )


@strawberry.type(description="Changes of the installation's settings.")
class SettingsMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Change what holds for the whole installation, as one commit.")
    async def settings_update(
        self, info: Info, input: Annotated[SettingsUpdateInput, strawberry.argument(description="What to change.")]
    ) -> SettingsUpdatePayload:
        """`waybill.yaml` alone."""
        return await settings_update(info.context, input)
