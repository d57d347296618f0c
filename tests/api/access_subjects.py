"""The people of the access matrix: what the expectations say of them, and how they come into a data folder."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import yaml

from api.database.engine import open_engine, sqlite_url
from api.people import People
from api.repository.commits import WAYBILL
from api.repository.store import Edit, Repository
from core.layout import Layout

FILE = Path(__file__).with_name("access_expectations.yaml")
OWN, FOREIGN = "demo", "support-bot"
PASSWORD = "correct horse battery"

ROLES = """roles:
  builder: {permissions: ["project:read", "project:write"]}
  people: {permissions: ["user:read", "user:write"]}
  auditor: {permissions: ["user:read"]}
  setter: {permissions: ["settings:write"]}
  modeller: {permissions: ["model:read", "model:write"]}
  secret-reader: {permissions: ["project:read", "report:read", "content:read"]}
  limit-keeper: {permissions: ["project:read", "limit:write"]}
  token-keeper: {permissions: ["project:read", "model:read", "report:read", "token:write"]}
  blind-people: {permissions: ["user:write"]}
  blind-modeller: {permissions: ["model:write"]}
  blind: {permissions: ["project:write", "token:write", "member:write", "limit:write", "report:read", "content:read"]}
  helpdesk: {permissions: ["project:read", "model:read", "report:read", "user:read", "user:write"]}
  shaper: {permissions: ["project:read", "model:read", "model:write", "limit:write"]}
  settler: {permissions: ["project:read", "settings:write", "limit:write"]}
"""


@functools.cache
def expectations() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(FILE.read_text(), Loader=_OnceEach)
    return found


class _OnceEach(yaml.SafeLoader):
    """Refuses what is said twice: the later would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [str(key.value) for key, _ in node.value]
        twice = sorted({name for name in names if names.count(name) > 1})
        assert not twice, f"{FILE.name} says twice: {', '.join(twice)}"
        return super().construct_mapping(node, deep)


def members(named: str | list[str]) -> frozenset[str]:
    """The subjects that a list of subjects and groups, or the name of one group, means."""
    groups = expectations()["groups"]
    found: set[str] = set()
    for name in [named] if isinstance(named, str) else named:
        found |= members(groups[name]) if name in groups else {name}
    unknown = found - set(expectations()["subjects"]) - {"anonymous"}
    assert not unknown, f"{FILE.name} names {sorted(unknown)}, who are no subjects"
    return frozenset(found)


def email_of(subject: str) -> str:
    return f"{subject}@matrix.example"


async def settle(layout: Layout) -> dict[str, str]:
    """Put the roles, the memberships and the people into a data folder; return each one's API key."""
    subjects: dict[str, dict[str, str]] = expectations()["subjects"]
    await asyncio.to_thread(_commit, layout, subjects)
    engine = open_engine(sqlite_url(layout.database))
    people = People(engine)
    try:
        keys = {}
        hashed = await people.passwords.hash(PASSWORD)
        for name, subject in subjects.items():
            keys[name] = await _person(people, name, subject["role"], hashed)
        return keys
    finally:
        await engine.dispose()


async def _person(people: People, name: str, role: str, hashed: str) -> str:
    from sqlalchemy import insert

    from api.database.engine import writing
    from api.database.tables import users
    from api.people.users import user_row

    row = user_row(email_of(name), name, hashed, role)
    async with writing(people.engine) as connection:
        await connection.execute(insert(users).values(row))
    return await people.create_key(str(row["id"]), "matrix")


def _commit(layout: Layout, subjects: dict[str, dict[str, str]]) -> None:
    repository = Repository(layout.repository)
    path = f"projects/{OWN}/project.yaml"
    head = repository.head()
    assert head is not None
    project = repository.read(head, path)[0].decode()
    lines = [f"  - {{user: {email_of(name)}, role: {each['in-own']}}}" for name, each in subjects.items() if "in-own" in each]
    changed = project.replace("members: []", "\n".join(["members:", *lines]))
    changes = {path: changed.encode(), "roles.yaml": ROLES.encode()}
    for letter, slug in (("a", OWN), ("b", FOREIGN)):
        token = f"name: Token\nsha256: {letter * 64}\nprefix: sk-lr-{letter}\n"
        changes[f"projects/{slug}/tokens/laptop.yaml"] = token.encode()
    edit = Edit(changes=changes, author=WAYBILL, reason="The people", base=head)
    repository.commit(edit, check=lambda head, changes: None)
