"""The installation's settings: `waybill.yaml`."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from enum import Enum

import strawberry

from api.catalogue import Catalogue
from api.graphql.types.limits import Limits
from api.graphql.types.provider import CredentialReference
from core import config


@strawberry.enum(description="What is done with requests while the journal cannot be written.")
class JournalFailure(Enum):
    """`core.config.Settings.journal_failure`."""

    REFUSE = strawberry.enum_value("refuse", description="They are refused with 503.")
    SERVE = strawberry.enum_value("serve", description="They are served, without a record.")


@strawberry.type(description="Timeouts in milliseconds; null where the file leaves it to Waybill's own.")
class InstallationTimeouts:
    """`core.config.Timeouts` of the installation."""

    timeout_ms: int | None = strawberry.field(description="The whole request.")
    attempt_timeout_ms: int | None = strawberry.field(description="One attempt, to its first content.")
    idle_timeout_ms: int | None = strawberry.field(description="Between two bytes of an answer.")
    connect_timeout_ms: int | None = strawberry.field(description="To connect to a provider.")


@strawberry.type(description="How long what was recorded is kept.")
class Retention:
    """`core.config.Retention`."""

    rows_days: int = strawberry.field(description="Days that log rows are kept.")
    traces_days: int = strawberry.field(description="Days that traces are kept.")
    traces_max_mb: int | None = strawberry.field(description="Megabytes that traces may take; null for no bound.")
    journal_hours: int = strawberry.field(description="Hours that recorded journal segments are kept.")
    audit_days: int = strawberry.field(description="Days that rows of the audit trail are kept.")


@strawberry.type(description="Where alerts are posted.")
class AlertWebhook:
    """`core.config.AlertWebhook`; its signing secret is only a reference."""

    url: str = strawberry.field(description="The address.")
    secret: CredentialReference = strawberry.field(description="Where the secret is that signs what is sent.")
    allow_private_address: bool = strawberry.field(description="Whether it may be an address of a private network.")


@strawberry.type(description="Which changes are to go through a proposal: kept, and not enforced before there are any.")
class ReviewRule:
    """`core.config.ReviewRule`."""

    paths: list[str] = strawberry.field(description="Globs of the files that it is about.")
    limit_raise_percent: int | None = strawberry.field(
        description="Only for a limit that is raised by more; null for any change."
    )
    approvals: int = strawberry.field(description="How many approvals it takes.")


@strawberry.type(description="What holds for the whole installation.")
class Settings:
    """`waybill.yaml`."""

    timeouts: InstallationTimeouts = strawberry.field(description="Timeouts, where no project has its own.")
    limits: Limits = strawberry.field(description="Limits of everything together; they hold whatever a project or token says.")
    retention: Retention = strawberry.field(description="How long what was recorded is kept.")
    alert_webhooks: list[AlertWebhook] = strawberry.field(description="Where alerts are posted.")
    review: list[ReviewRule] = strawberry.field(
        description="Which changes are to go through a proposal: kept, and not enforced before there are any."
    )
    journal_failure: JournalFailure = strawberry.field(description="What is done while the journal cannot be written.")
    revision: str | None = strawberry.field(
        description="The commit that this answer was read at: give it as `expectedRevision` to change what was read."
    )

    @classmethod
    def of(cls, catalogue: Catalogue) -> Settings:
        """Those of one revision."""
        found = catalogue.settings
        return cls(
            timeouts=InstallationTimeouts(**{name: getattr(found.timeouts, name) for name in found.timeouts.__struct_fields__}),
            limits=Limits.of(found.limits),
            retention=Retention(**{name: getattr(found.retention, name) for name in found.retention.__struct_fields__}),
            alert_webhooks=[_webhook(each) for each in found.alert_webhooks],
            review=[
                ReviewRule(paths=[*rule.paths], limit_raise_percent=rule.limit_raise_percent, approvals=rule.approvals)
                for rule in found.review
            ],
            journal_failure=JournalFailure(found.journal_failure),
            revision=catalogue.revision,
        )


def _webhook(found: config.AlertWebhook) -> AlertWebhook:
    return AlertWebhook(
        url=found.url,
        secret=CredentialReference.of(found.secret),
        allow_private_address=found.allow_private_address,
    )
