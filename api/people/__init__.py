"""Users, their sessions and their API keys. Passwords are argon2id, hashed in a thread; sessions and keys are 256 random
bits of which only the SHA-256 is stored. The errors are drawn in `errors.py`."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from api.access import GlobalRole, Viewer
from api.audit import AuditTrail
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import api_keys
from api.grants import BUILT_IN, Grants
from api.people.admins import add_admin, create_admin, put_admin, set_password
from api.people.credentials import Credential, new_key
from api.people.errors import (
    GrantsMore,
    KeyReused,
    LastAdmin,
    LoginRefused,
    LoginThrottled,
    PasswordTooWeak,
    PeopleError,
    Unacceptable,
    UnknownPerson,
    UnknownRole,
    UserExists,
    WrongPassword,
)
from api.people.identities import RECHECK_S, Identities
from api.people.keys import ApiKey, ApiKeys, key_row
from api.people.passwords import MIN_PASSWORD, Passwords
from api.people.sessions import ROTATE_MS, SESSION_DAYS, Login, Session, Sessions
from api.people.users import User, Users, insert_user, user_row


class People:
    """The users of this installation. `grants` gives what roles grant in the published configuration."""

    def __init__(self, engine: AsyncEngine, grants: Callable[[], Grants] = lambda: BUILT_IN) -> None:
        self.engine = engine
        self.audit = AuditTrail(engine)
        self.identities = Identities(engine, grants)
        self.passwords = Passwords()
        self.sessions = Sessions(engine, grants, self.identities, self.passwords, self.audit)
        self.users = Users(engine, grants, self.identities, self.passwords, self.sessions.guesses)
        self.keys = ApiKeys(engine, self.identities)

    async def viewer(self, credential: Credential) -> Viewer:
        """Whoever holds `credential`. Raises Unauthenticated when it is unknown, over or taken back."""
        return await self.identities.viewer(credential)

    async def login(self, email: str, password: str, address: str, former: Credential | None = None, agent: str = "") -> Login:
        """A new session, in place of `former`. Raises LoginRefused, LoginThrottled."""
        return await self.sessions.login(email, password, address, former, agent)

    async def create_user(self, email: str, password: str, role: GlobalRole, name: str = "") -> str:
        """The new user's id; made by the installation itself. Raises Unacceptable."""
        row = user_row(email, name, await self.passwords.hash(password), role)
        async with writing(self.engine) as connection:
            await insert_user(connection, row)
        return str(row["id"])

    async def create_key(self, user_id: str, name: str) -> str:
        """A new API key's value, which is stored nowhere; made by the installation itself."""
        value = new_key()
        async with writing(self.engine) as connection:
            await connection.execute(insert(api_keys).values(key_row(user_id, name, value)))
        return value


__all__ = [
    "MIN_PASSWORD",
    "RECHECK_S",
    "ROTATE_MS",
    "SESSION_DAYS",
    "ApiKey",
    "Credential",
    "GrantsMore",
    "KeyReused",
    "LastAdmin",
    "Login",
    "LoginRefused",
    "LoginThrottled",
    "PasswordTooWeak",
    "People",
    "PeopleError",
    "Session",
    "Unacceptable",
    "UnknownPerson",
    "UnknownRole",
    "User",
    "UserExists",
    "WrongPassword",
    "add_admin",
    "create_admin",
    "now_ms",
    "put_admin",
    "set_password",
]
