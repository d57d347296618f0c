"""Logging in and out, one's own sessions and one's own password. A session lives in a cookie that no script can read."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api import people
from api.access import signed_in
from api.graphql.authentication import CrossOrigin
from api.graphql.context import Context
from api.graphql.cookies import set_cookie
from api.graphql.errors import BadInput
from api.graphql.mutations.deeds import DeedInput, deed_of, failure_of
from api.graphql.types.failures import FailureCode, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.viewer import Viewer


@strawberry.input(description="Who logs in.")
class LoginInput:
    """A local user's e-mail and password."""

    email: str = strawberry.field(description="The user's e-mail; case does not matter.")
    password: str = strawberry.field(description="The password.")


@strawberry.type(description="The session is open; it is in the cookie that came with this answer.")
class LoggedIn:
    """A login that worked."""

    viewer: Viewer = strawberry.field(description="Who is logged in now.")


@strawberry.type(description="The password was not accepted, or not listened to.")
class LoginRefused:
    """A login that did not work."""

    code: FailureCode = strawberry.field(description="LOGIN_REFUSED or TOO_MANY_ATTEMPTS.")
    message: str = strawberry.field(description="Why, without saying which of the two was wrong.")
    retry_after_seconds: int | None = strawberry.field(default=None, description="When another attempt is heard.")


@strawberry.type(description="Nobody is logged in any more; an API key is not ended by a logout.")
class LoggedOut:
    """A logout."""

    ended: bool = strawberry.field(description="Whether there was a session to end.")


LoginPayload: TypeAlias = Annotated[
    LoggedIn | LoginRefused, strawberry.union("LoginPayload", description="What came of a login.")
]


@strawberry.input(description="Which of one's own sessions to end.")
class SessionEndInput(DeedInput):
    """A wish to end one."""

    id: strawberry.ID = strawberry.field(description="The session's id, as `viewer { sessions }` has it.")


@strawberry.input(description="Which of one's own sessions to end.")
class SessionsEndInput(DeedInput):
    """A wish to end all."""

    keep_current: bool = strawberry.field(default=True, description="Whether the one that this request came with stays.")


@strawberry.type(description="Sessions were ended, with every stream that lived on them.")
class SessionsEnded:
    """The end of some sessions."""

    count: int = strawberry.field(description="How many.")


SessionEndPayload: TypeAlias = Annotated[
    SessionsEnded | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("SessionEndPayload", description="What came of ending sessions."),
]


@strawberry.input(description="A new password for oneself.")
class PasswordChangeInput(DeedInput):
    """The present one shows that it is no stranger at an open session."""

    present_password: str = strawberry.field(description="The password until now.")
    new_password: str = strawberry.field(description="The password from now on: at least 12 characters.")


@strawberry.type(description="The password was changed; every other session of the user's is over.")
class PasswordChanged:
    """A new password."""

    ended_sessions: int = strawberry.field(description="How many sessions this ended.")


PasswordChangePayload: TypeAlias = Annotated[
    PasswordChanged | LoginRefused | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("PasswordChangePayload", description="What came of a change of one's own password."),
]


async def login(context: Context, wish: LoginInput) -> LoggedIn | LoginRefused:
    """Open a session and leave its cookie in the answer, in place of the session that came with the request."""
    if context.cookies is None:
        raise BadInput("log in by a plain POST: a websocket or an event stream cannot carry the cookie")
    if context.login_tried:
        raise BadInput("one login in a request: send another for the next")
    context.login_tried = True
    if context.foreign:
        raise CrossOrigin  # another site must not log its visitors in as somebody it chose
    logins = context.services.metrics.logins
    try:
        former = context.credential
        opened = await context.services.people.login(wish.email, wish.password, context.address, former, context.agent)
    except people.LoginRefused as error:
        logins.labels("refused").inc()
        return LoginRefused(code=FailureCode.LOGIN_REFUSED, message=str(error))
    except people.LoginThrottled as error:
        logins.labels("throttled").inc()
        return _throttled(error)
    logins.labels("ok").inc()
    context.viewer = opened.viewer
    context.cookies.append(set_cookie(opened.session, opened.max_age_s, secure=context.secure))
    return LoggedIn(viewer=Viewer.of(opened.viewer))


async def logout(context: Context) -> LoggedOut:
    """End the session and delete its cookie."""
    viewer = signed_in(context.viewer)
    ended = viewer.via == "session"
    if ended:
        await context.services.people.sessions.logout(viewer, context.address)
        _delete_cookie(context)
    return LoggedOut(ended=ended)


async def session_end(context: Context, wish: SessionEndInput) -> SessionsEnded | ValidationFailed | NotAllowed | NotFound:
    """End one of the viewer's own sessions."""
    deed = deed_of(context, "sessionEnd", wish)
    if isinstance(deed, ValidationFailed):
        return deed
    try:
        await context.services.people.sessions.end(deed, wish.id)
    except people.PeopleError as error:
        return failure_of(context, deed, error)
    if wish.id == deed.viewer.credential_id:
        _delete_cookie(context)
    return SessionsEnded(count=1)


async def sessions_end(context: Context, wish: SessionsEndInput) -> SessionsEnded | ValidationFailed | NotAllowed | NotFound:
    """End the viewer's own sessions, this one too if they say so."""
    deed = deed_of(context, "sessionsEnd", wish)
    if isinstance(deed, ValidationFailed):
        return deed
    count = await context.services.people.sessions.end_all(deed, keep_this=wish.keep_current)
    if not wish.keep_current and deed.viewer.via == "session":
        _delete_cookie(context)
    return SessionsEnded(count=count)


async def password_change(
    context: Context, wish: PasswordChangeInput
) -> PasswordChanged | LoginRefused | ValidationFailed | NotAllowed | NotFound:
    """Change the viewer's own password."""
    deed = deed_of(context, "passwordChange", wish)
    if isinstance(deed, ValidationFailed):
        return deed
    try:
        ended = await context.services.people.users.change_password(deed, wish.present_password, wish.new_password)
    except people.LoginThrottled as error:
        return _throttled(error)
    except people.PasswordTooWeak as error:
        return failure_of(context, deed, people.Unacceptable(str(error), "newPassword"))
    except people.PeopleError as error:
        return failure_of(context, deed, error)
    return PasswordChanged(ended_sessions=ended)


def _throttled(error: people.LoginThrottled) -> LoginRefused:
    return LoginRefused(code=FailureCode.TOO_MANY_ATTEMPTS, message=str(error), retry_after_seconds=error.retry_after_s)


def _delete_cookie(context: Context) -> None:
    if context.cookies is not None:
        context.cookies.append(set_cookie("", 0, secure=context.secure))
