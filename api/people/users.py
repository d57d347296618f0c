"""Users and their passwords. Nobody grants what they lack, or changes somebody who may do more; the last admin stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api import audit
from api.access import Viewer
from api.audit import Deed
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import api_keys, users
from api.grants import GLOBAL_ROLES, Grants
from api.people import retries
from api.people.credentials import new_id, new_password
from api.people.errors import GrantsMore, LastAdmin, Unacceptable, UnknownPerson, UnknownRole, UserExists, WrongPassword
from api.people.identities import Identities
from api.people.passwords import Passwords
from api.people.sessions import Guesses, end_sessions

_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f<>]{1,64}@[^@\s\x00-\x1f<>]{1,189}")
_people = users.c


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user without the password."""

    id: str
    email: str
    name: str
    role: str
    created_at_ms: int
    disabled_at_ms: int | None = None

    def viewer(self) -> Viewer:
        """The user as somebody to be asked what they may do."""
        return Viewer(user_id=self.id, email=self.email, name=self.name, role=self.role)


class Users:
    """Reads and changes them. What changes somebody takes a deed, and writes its audit row with it."""

    def __init__(
        self,
        engine: AsyncEngine,
        grants: Callable[[], Grants],
        identities: Identities,
        passwords: Passwords,
        guesses: Guesses,
    ) -> None:
        self._engine = engine
        self._grants = grants
        self._identities = identities
        self._passwords = passwords
        self._guesses = guesses

    # --- reading ---

    async def page(self, *, first: int, after: str | None = None, search: str = "") -> tuple[list[User], bool]:
        """At most `first` users by e-mail, after the e-mail `after`, whose e-mail or name holds `search`; is there more."""
        query = select(users).order_by(_people.email).limit(first + 1)
        if after is not None:
            query = query.where(_people.email > after)
        if search.strip():
            wanted = search.strip().lower()
            query = query.where(
                or_(_people.email.contains(wanted, autoescape=True), func.lower(_people.name).contains(wanted, autoescape=True))
            )
        async with self._engine.connect() as connection:
            found = (await connection.execute(query)).all()
        return [_user(row) for row in found[:first]], len(found) > first

    async def one(self, user_id: str) -> User | None:
        """The user with this id."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(users).where(_people.id == user_id))).first()
        return _user(row) if row is not None else None

    async def by_email(self, email: str) -> User | None:
        """The user with this e-mail, in lower case."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(users).where(_people.email == email))).first()
        return _user(row) if row is not None else None

    # --- changes by those who may ---

    async def create(self, deed: Deed, email: str, name: str, role: str, password: str | None) -> tuple[User, str | None]:
        """The new user, and the password where it was made up here; a retry gets the user alone.

        Raises Unacceptable, GrantsMore.
        """
        self._known_role(role)
        made_up = new_password() if password is None else None
        row = user_row(email, name, await self._passwords.hash(password or made_up or ""), role)
        user = User(id=str(row["id"]), email=str(row["email"]), name=str(row["name"]), role=role, created_at_ms=now_ms())
        self._covers(deed.viewer, user)
        async with writing(self._engine) as connection:
            done = await retries.result_of(connection, deed)
            if done is not None:
                return await _required(connection, done), None
            await insert_user(connection, row)
            await retries.remember(connection, deed, user.id)
            await audit.write_deed(connection, deed, user.email, user=user.id, role=role, shown=made_up is not None)
        return user, made_up

    async def update(
        self, deed: Deed, user_id: str, *, name: str | None = None, role: str | None = None, disabled: bool | None = None
    ) -> User:
        """The user as they are then. Raises Unacceptable, GrantsMore, UnknownPerson."""
        async with writing(self._engine) as connection:
            before = await _required(connection, user_id)
            if await retries.result_of(connection, deed) is not None:
                return before
            after = msgspec.structs.replace(
                before,
                name=before.name if name is None else checked_name(name),
                role=before.role if role is None else role,
                disabled_at_ms=_disabled_at(before, disabled),
            )
            if role is not None and role != before.role:
                self._known_role(role)
            self._covers(deed.viewer, before)
            self._covers(deed.viewer, after)
            if before.role == "admin" and (after.role != "admin" or after.disabled_at_ms is not None):
                await _another_admin(connection, user_id)
            values = {"name": after.name or None, "role": after.role, "disabled_at_ms": after.disabled_at_ms}
            await connection.execute(update(users).where(_people.id == user_id).values(values))
            if after.disabled_at_ms is not None:
                await end_sessions(connection, user_id)
            await retries.remember(connection, deed, user_id)
            await audit.write_deed(connection, deed, after.email, user=user_id, **_difference(before, after))
        self._identities.forget(user_id=user_id)
        return after

    async def delete(self, deed: Deed, user_id: str) -> str | None:
        """Delete the user with sessions and keys, and return their e-mail; None for a retry: nobody has it any more.

        What projects' files say of this e-mail stays. Raises GrantsMore, LastAdmin, UnknownPerson.
        """
        async with writing(self._engine) as connection:
            if await retries.result_of(connection, deed) is not None:
                return None
            user = await _required(connection, user_id)
            self._covers(deed.viewer, user)
            if user.role == "admin":
                await _another_admin(connection, user_id)
            await connection.execute(delete(users).where(_people.id == user_id))
            if user_id != deed.viewer.user_id:  # one's own keys are gone with oneself
                await retries.remember(connection, deed, user_id)
            await audit.write_deed(connection, deed, user.email, user=user_id)
        self._identities.forget(user_id=user_id)
        return user.email

    async def reset_password(self, deed: Deed, user_id: str, password: str | None) -> tuple[User, str | None]:
        """Set a password in place of a forgotten one, and end the user's sessions; the password where it was made up here.

        Raises PasswordTooWeak, GrantsMore, UnknownPerson.
        """
        made_up = new_password() if password is None else None
        hashed = await self._passwords.hash(password or made_up or "")
        async with writing(self._engine) as connection:
            user = await _required(connection, user_id)
            if await retries.result_of(connection, deed) is not None:
                return user, None
            self._covers(deed.viewer, user)
            await connection.execute(update(users).where(_people.id == user_id).values(password_hash=hashed))
            await end_sessions(connection, user_id)
            await retries.remember(connection, deed, user_id)
            await audit.write_deed(connection, deed, user.email, user=user_id, shown=made_up is not None)
        self._identities.forget(user_id=user_id)
        return user, made_up

    async def revoke_keys(self, deed: Deed, user_id: str) -> tuple[User, int]:
        """End all of a user's API keys, at once for every stream that lives on one; how many there were.

        Raises GrantsMore, UnknownPerson.
        """
        async with writing(self._engine) as connection:
            user = await _required(connection, user_id)
            if await retries.result_of(connection, deed) is not None:
                return user, 0
            self._covers(deed.viewer, user)
            revoked = (await connection.execute(delete(api_keys).where(api_keys.c.user_id == user_id))).rowcount
            await retries.remember(connection, deed, user_id)
            await audit.write_deed(connection, deed, user.email, user=user_id, revoked=revoked)
        self._identities.forget(user_id=user_id)
        return user, revoked

    # --- by the person ---

    async def change_password(self, deed: Deed, present: str, new: str) -> int:
        """Set the actor's own password and end their other sessions; return how many.

        Raises WrongPassword, PasswordTooWeak, LoginThrottled: whoever found an open session must not guess the password.
        """
        viewer = deed.viewer
        self._guesses.count(viewer.email, deed.client)
        async with self._engine.connect() as connection:
            stored = await connection.scalar(select(_people.password_hash).where(_people.id == viewer.user_id))
        if not await self._passwords.matches(stored, present):
            await audit.AuditTrail(self._engine).note(
                audit.Entry(
                    action=deed.action, outcome="refused", subject=viewer.email, user_id=viewer.user_id, client=deed.client
                )
            )
            raise WrongPassword("this is not your present password")
        self._guesses.right(viewer.email)
        hashed = await self._passwords.hash(new)
        async with writing(self._engine) as connection:
            unchanged = (_people.id == viewer.user_id) & (_people.password_hash == stored)
            changed = await connection.execute(update(users).where(unchanged).values(password_hash=hashed))
            if changed.rowcount == 0:
                raise WrongPassword("your password was changed meanwhile")
            ended = await end_sessions(connection, viewer.user_id, viewer.credential_id)
            await audit.write_deed(connection, deed, viewer.email, ended=ended)
        self._identities.forget(user_id=viewer.user_id)
        return ended

    # --- rules ---

    def _known_role(self, role: str) -> None:
        grants = self._grants()
        if role not in GLOBAL_ROLES and not (role in grants.custom and grants.of_global_role(role) is grants.custom[role]):
            known = sorted({*GLOBAL_ROLES, *(name for name in grants.custom if grants.of_global_role(name))})
            raise UnknownRole(f"there is no role {role!r}: known are {', '.join(known)}")

    def _covers(self, actor: Viewer, user: User) -> None:
        """Raise GrantsMore where the user may do, by their role or in some project, what the actor may not."""
        missing = actor.lacks_of(self._grants().viewer(user.viewer()))
        if missing:
            raise GrantsMore(missing, user.email)


def user_row(email: str, name: str, password_hash: str, role: str) -> dict[str, object]:
    """A user as it is stored. Raises Unacceptable."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise Unacceptable("this is no e-mail address", "email")
    return {
        "id": new_id(),
        "email": email,
        "name": checked_name(name),
        "password_hash": password_hash,
        "role": role,
        "created_at_ms": now_ms(),
    }


def checked_name(name: str) -> str:
    """The name as it is kept. Raises Unacceptable."""
    name = name.strip()
    # It becomes the author of commits, where these end a name or a line.
    if len(name) > 200 or any(char in "<>" or not char.isprintable() for char in name):
        raise Unacceptable("a name has at most 200 printable characters, without < and >", "name")
    return name


async def insert_user(connection: AsyncConnection, row: Mapping[str, object]) -> None:
    """Add the row. Raises UserExists."""
    try:
        await connection.execute(insert(users).values(dict(row)))
    except IntegrityError as error:
        raise UserExists("a user with this e-mail exists") from error


async def _required(connection: AsyncConnection, user_id: str) -> User:
    row = (await connection.execute(select(users).where(_people.id == user_id))).first()
    if row is None:
        raise UnknownPerson("there is no such user")
    return _user(row)


async def _another_admin(connection: AsyncConnection, user_id: str) -> None:
    """Raise LastAdmin unless somebody else is an admin who may sign in."""
    others = (_people.role == "admin") & (_people.id != user_id) & _people.disabled_at_ms.is_(None)
    if (await connection.execute(select(_people.id).where(others).with_for_update())).first() is None:
        raise LastAdmin("this is the last admin: make somebody else one first")


def _disabled_at(before: User, disabled: bool | None) -> int | None:
    if disabled is None or disabled == (before.disabled_at_ms is not None):
        return before.disabled_at_ms
    return now_ms() if disabled else None


def _difference(before: User, after: User) -> dict[str, Any]:
    """What a change changed, for the audit: from and to."""
    return {
        name: {"from": getattr(before, name), "to": getattr(after, name)}
        for name in ("name", "role", "disabled_at_ms")
        if getattr(before, name) != getattr(after, name)
    }


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        email=row.email,
        name=row.name or "",
        role=row.role,
        created_at_ms=row.created_at_ms,
        disabled_at_ms=row.disabled_at_ms,
    )
