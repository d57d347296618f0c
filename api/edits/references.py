"""What naming a secret of the installation takes: a variable or a file of the proxy, by `env` or `file`. Pure.

Nothing in such a reference binds the key to an origin, as a sealed box does: whoever writes one says where the key goes.
So where a key may go is for those to say who run the installation (`settings:write`), and others may name it only for where it
goes already: everybody's key takes `model:write` everywhere, that of a project's own provider takes it in the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from api.access import Rule
from api.edits.documents import Document
from core.config import Config, Provider

Reference: TypeAlias = tuple[str, str, str]  # `env` or `file`, the name, the origin that it may go to


def needed(config: Config, before: Document, after: Document) -> Iterator[tuple[Rule, str | None]]:
    """(rule, project or None for everywhere) of what a provider's file names anew, or names for another provider's owner."""
    named, owner = _named(after), _owner(after)
    if named is None or (named == _named(before) and owner == _owner(before)):
        return
    owners = {
        provider.project for provider in config.files.values() if isinstance(provider, Provider) and _of(provider) == named
    }
    if not owners:
        yield "settings:write", None
    elif owner is None or owner not in owners:
        yield "model:write", None


def _named(document: Document) -> Reference | None:
    credential = document.get("credential")
    if not isinstance(credential, dict):
        return None
    source = next((source for source in ("env", "file") if credential.get(source)), None)
    return (source, str(credential[source]), str(credential.get("origin"))) if source is not None else None


def _of(provider: Provider) -> Reference | None:
    found = provider.credential
    if found is None or (found.env is None and found.file is None):
        return None
    source, name = ("env", found.env) if found.env is not None else ("file", found.file)
    return source, str(name), str(found.origin)


def _owner(document: Document) -> str | None:
    owner = document.get("project")
    return owner if isinstance(owner, str) else None
