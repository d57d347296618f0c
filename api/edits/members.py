"""A project's members: users by their e-mail in lower case, each with one role. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.edits import EditRejected
from api.edits.documents import Document, edited
from core.paths import project_path
from core.yaml_strict import Value


def member_set(files: Mapping[str, bytes], slug: str, user: str, role: str, *, unknown: bool = False) -> dict[str, bytes]:
    """Give a user this role, whether or not they had another. Raises EditRejected for what is no e-mail, and for a new member
    of whom it is said that there is no such user."""
    email = email_of(user)

    def change(document: Document) -> Document:
        members = _members(document)
        at = _at(members, email)
        if at is None and unknown:
            raise EditRejected("user", f"there is no user {email}: create one first, or correct the e-mail")
        if at is None:
            return {**document, "members": [*members, {"user": email, "role": role}]}
        return {**document, "members": [*members[:at], {**members[at], "role": role}, *members[at + 1 :]]}

    path = project_path(slug)
    return edited(path, files[path], change)


def member_removed(files: Mapping[str, bytes], slug: str, user: str) -> dict[str, bytes]:
    """Take a user out of the project. Raises EditRejected for one who is no member."""
    email = email_of(user)

    def change(document: Document) -> Document:
        members = _members(document)
        at = _at(members, email)
        if at is None:
            raise EditRejected("user", f"{email} is no member of project {slug!r}", not_found=True)
        # All of them: a file from before equals were refused can name one user in several ways.
        rest: list[Value] = [entry for entry in members if _email(entry) != email]
        return {**document, "members": rest}

    path = project_path(slug)
    return edited(path, files[path], change)


def email_of(user: str) -> str:
    """An e-mail in lower case. Raises EditRejected."""
    email = user.strip().lower()
    if not email.partition("@")[0] or not email.partition("@")[2] or not email.isprintable() or " " in email:
        raise EditRejected("user", "must be a user's e-mail")
    return email


def _members(document: Document) -> list[Document]:
    found = document.get("members")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _at(members: list[Document], email: str) -> int | None:
    return next((position for position, entry in enumerate(members) if _email(entry) == email), None)


def _email(entry: Document) -> str:
    return str(entry.get("user")).strip().lower()
