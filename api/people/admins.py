"""Admins made from outside: by the first start, and by `waybill user` on the machine itself, where nobody is logged in."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from api import audit
from api.access import Unauthenticated
from api.audit import Entry
from api.clock import now_ms
from api.database.engine import writing
from api.database.tables import api_keys, users
from api.grants import BUILT_IN
from api.people.credentials import Credential, new_key, new_password
from api.people.errors import UnknownPerson, UserExists
from api.people.identities import Identities
from api.people.keys import key_row
from api.people.passwords import Passwords
from api.people.sessions import end_sessions
from api.people.users import user_row


async def create_admin(engine: AsyncEngine, email: str) -> tuple[str, str]:
    """Make the first admin and return (password, API key), each shown here and never again. Raises UserExists."""
    password, api_key = new_password(), new_key()
    await put_admin(engine, email, password, api_key)
    return password, api_key


async def put_admin(engine: AsyncEngine, email: str, password: str, api_key: str) -> None:
    """Make the first admin with secrets that the caller made; doing it again with the same ones changes nothing.

    Raises UserExists when the e-mail belongs to somebody without this key.
    """
    try:
        known = await Identities(engine, lambda: BUILT_IN).viewer(Credential.key(api_key))
        if known.email == email.strip().lower():
            return
    except Unauthenticated:
        pass
    row = user_row(email, "Admin", await Passwords().hash(password), "admin")
    key = key_row(str(row["id"]), "first start", api_key)
    try:
        # One transaction: a crash leaves no admin without the key that the caller is about to show.
        async with writing(engine) as connection:
            await connection.execute(insert(users).values(row))
            await connection.execute(insert(api_keys).values(key))
    except IntegrityError as error:
        raise UserExists(f"a user {email} exists already") from error


async def add_admin(engine: AsyncEngine, email: str) -> tuple[str, bool]:
    """Make this user an admin who may sign in, with a new password; return it, and whether the user is new."""
    password = new_password()
    row = user_row(email, "", await Passwords().hash(password), "admin")
    async with writing(engine) as connection:
        found = (await connection.execute(select(users.c.id).where(users.c.email == row["email"]))).scalar()
        if found is None:
            await connection.execute(insert(users).values(row))
        else:
            values = {"password_hash": row["password_hash"], "role": "admin", "disabled_at_ms": None}
            await connection.execute(update(users).where(users.c.id == found).values(values))
            await end_sessions(connection, found)
        await audit.write(connection, _offline("adminMake", str(row["email"])))
    return password, found is None


async def set_password(engine: AsyncEngine, email: str) -> str:
    """A new password for this user, whose sessions end. Raises UnknownPerson."""
    password = new_password()
    hashed = await Passwords().hash(password)
    email = email.strip().lower()
    async with writing(engine) as connection:
        found = (await connection.execute(select(users.c.id).where(users.c.email == email))).scalar()
        if found is None:
            raise UnknownPerson(f"there is no user {email}")
        await connection.execute(update(users).where(users.c.id == found).values(password_hash=hashed))
        await end_sessions(connection, found)
        await audit.write(connection, _offline("userPasswordReset", email))
    return password


def _offline(action: str, email: str) -> Entry:
    return Entry(action=action, outcome="ok", subject=email, client="this machine", detail={"via": "command", "at": now_ms()})
