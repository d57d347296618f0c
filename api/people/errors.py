"""What can go wrong with people, all of it mended by the caller.

PeopleError
├── LoginRefused      no user has this e-mail and this password; retrying with others may help
├── LoginThrottled    too many guesses; retry after the seconds it names
├── Unacceptable      a value cannot be what it is; names the field
│   ├── PasswordTooWeak   fewer than 12 characters
│   ├── UserExists        the e-mail is taken
│   ├── UnknownRole       no built-in and no custom role has this name
│   ├── WrongPassword     the present password is not that
│   ├── LastAdmin         the installation would be left without an admin
│   └── KeyReused         the idempotency key belongs to another wish
├── GrantsMore        it would give, or take from somebody, what the actor lacks
└── UnknownPerson     there is no such user, session or key
Unauthenticated       (api/access.py) the session or key is unknown or over
"""

from __future__ import annotations


class PeopleError(Exception):
    """Something about users that the caller can mend."""


class LoginRefused(PeopleError):
    """No user has this e-mail and this password; which of the two was wrong is not said."""


class LoginThrottled(PeopleError):
    """Too many guesses for this e-mail or from this address; another is heard after `retry_after_s`. `first`: nobody was
    told so within the window until now."""

    def __init__(self, retry_after_s: int, *, first: bool = False) -> None:
        super().__init__(f"too many attempts; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s
        self.first = first


class Unacceptable(PeopleError):
    """A value that cannot be; `field` is the input's."""

    field: str = ""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field or self.field


class PasswordTooWeak(Unacceptable):
    """The password has fewer characters than it must."""

    field = "password"


class UserExists(Unacceptable):
    """The e-mail is taken."""

    field = "email"


class UnknownRole(Unacceptable):
    """No role has this name."""

    field = "role"


class WrongPassword(Unacceptable):
    """The present password is not that."""

    field = "presentPassword"


class LastAdmin(Unacceptable):
    """Somebody must remain who may do everything."""

    field = "role"


class KeyReused(Unacceptable):
    """An idempotency key comes back with another wish."""

    field = "idempotencyKey"


class GrantsMore(PeopleError):
    """The actor lacks `permissions` that this would give `subject`, an e-mail, or that they have."""

    def __init__(self, permissions: frozenset[str], subject: str) -> None:
        names = ", ".join(sorted(permissions))
        super().__init__(f"this is about somebody who may do what you may not: {names}. Nobody grants what they lack")
        self.permissions = permissions
        self.subject = subject


class UnknownPerson(PeopleError):
    """There is no such user, session or key, or it is somebody else's."""
