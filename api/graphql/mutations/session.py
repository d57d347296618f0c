"""`login` and `logout`: a session lives in a cookie that no script can read."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from api import people
from api.graphql.context import Context
from api.graphql.cookies import set_cookie
from api.graphql.errors import BadInput
from api.graphql.types.failures import FailureCode
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


@strawberry.type(description="No session was opened.")
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


async def login(context: Context, wish: LoginInput) -> LoggedIn | LoginRefused:
    """Open a session and leave its cookie in the answer, in place of the session that came with the request."""
    if context.cookies is None:
        raise BadInput("log in by a plain POST: a websocket or an event stream cannot carry the cookie")
    logins = context.services.metrics.logins
    try:
        opened = await context.services.people.login(wish.email, wish.password, context.address, context.credential)
    except people.LoginRefused as error:
        logins.labels("refused").inc()
        return LoginRefused(code=FailureCode.LOGIN_REFUSED, message=str(error))
    except people.LoginThrottled as error:
        logins.labels("throttled").inc()
        return LoginRefused(code=FailureCode.TOO_MANY_ATTEMPTS, message=str(error), retry_after_seconds=error.retry_after_s)
    logins.labels("ok").inc()
    context.viewer = opened.viewer
    context.cookies.append(set_cookie(opened.session, opened.max_age_s, secure=context.secure))
    return LoggedIn(viewer=Viewer.of(opened.viewer))


async def logout(context: Context) -> LoggedOut:
    """End the session and delete its cookie."""
    credential = context.credential
    ended = credential is not None and credential.kind == "session"
    if credential is not None and ended:
        await context.services.people.logout(credential)
        if context.cookies is not None:
            context.cookies.append(set_cookie("", 0, secure=context.secure))
    return LoggedOut(ended=ended)
