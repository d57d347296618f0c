"""What mutations of users, sessions and keys have in common: a reason, an idempotency key, an audit row, and no revision."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Final, cast

import strawberry

from api.access import Rule, signed_in
from api.audit import Deed
from api.graphql.context import Context
from api.graphql.types.failures import NotAllowed, NotFound, ValidationFailed, ValidationProblem
from api.people import GrantsMore, PeopleError, Unacceptable, UnknownPerson
from core.leaks import leaks

MAX_REASON: Final = 2_000
MAX_KEY: Final = 200
# Never part of a digest: a password could be guessed from it.
_SECRETS: Final = frozenset({"password", "present_password", "new_password"})


@strawberry.input(description="What every change of users, sessions and keys takes.")
class DeedInput:
    """The base of each such mutation's input."""

    reason: str = strawberry.field(default="", description="Why; kept in the audit trail. Changes of users need one.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="The same for each retry of one wish: it is then carried out once."
    )


def deed_of(context: Context, action: str, wish: DeedInput, *, needs_reason: bool = False) -> Deed | ValidationFailed:
    """The deed that an input means, or what is wrong with the input."""
    reason, key = wish.reason.strip(), wish.idempotency_key
    if (needs_reason and not reason) or len(reason) > MAX_REASON:
        return invalid("reason", f"say why, in at most {MAX_REASON} characters")
    if key is not None and not 1 <= len(key) <= MAX_KEY:
        return invalid("idempotencyKey", f"1 to {MAX_KEY} characters")
    for name, text in (*_asked(wish).items(), ("reason", reason), ("idempotencyKey", key or "")):
        for leak in leaks(text.encode()) if isinstance(text, str) else ():
            return invalid(name, f"this looks like {leak.kind} in clear, and the audit trail would keep it")
    return Deed(
        viewer=signed_in(context.viewer),
        action=action,
        reason=reason,
        client=context.address,
        request_id=context.request_id,
        idempotency_key=key,
        wish_sha256=_digest(wish),
    )


def failure_of(context: Context, deed: Deed, error: PeopleError) -> ValidationFailed | NotAllowed | NotFound:
    """The member of a payload that says this; what is not allowed gets into the audit trail, as what the guard refuses does.

    Raises the error itself where no member says it.
    """
    if isinstance(error, Unacceptable):
        return invalid(error.field, str(error))
    if isinstance(error, GrantsMore):
        missing = min(error.permissions)
        context.deny(f"Mutation.{deed.action}", cast("Rule", missing), error)
        return NotAllowed(message=str(error), permission=missing)
    if isinstance(error, UnknownPerson):
        return NotFound(message=str(error))
    raise error


def invalid(field: str, reason: str) -> ValidationFailed:
    """One problem of one input field."""
    return ValidationFailed(
        message=f"{field}: {reason}", problems=[ValidationProblem(file=None, line=None, field=field, reason=reason)]
    )


def _digest(wish: DeedInput) -> bytes:
    return hashlib.sha256(repr(sorted(_asked(wish).items())).encode()).digest()


def _asked(wish: DeedInput) -> dict[str, object]:
    """What is wished, without why and without secrets."""
    hidden = {*_SECRETS, "reason", "idempotency_key"}
    return {name: value for name, value in dataclasses.asdict(wish).items() if name not in hidden}
