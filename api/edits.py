"""What a mutation means for the files: (configuration, present files, wish) -> the files that change. Pure.

An edit changes only the keys that it means to change; every other line of the file stays byte for byte. Whether the result is a
valid configuration is decided where everybody's change is: by `core.files`, at the commit.
"""

from __future__ import annotations

from collections.abc import Mapping

from api import yaml_document
from core.config import Config, Project, Timeouts
from core.paths import id_of, project_path

MAX_NAME = 200
MAX_TIMEOUT_MS = 86_400_000


class EditRejected(Exception):
    """The wish cannot be carried out; `field` is the input's field, the reason says how to mend it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def project_update(
    config: Config,
    files: Mapping[str, bytes],
    slug: str,
    *,
    name: str | None = None,
    timeouts: Mapping[str, int | None] | None = None,
) -> dict[str, bytes]:
    """Rename a project, or set (None: unset) some of its timeouts, in milliseconds; what is not given stays.

    `files` holds the project's file as the writer read it. Empty when nothing changes. Raises EditRejected.
    """
    path = project_path(slug)
    if not isinstance(config.files.get(path), Project) or path not in files:
        raise EditRejected("slug", f"there is no project {slug!r}")
    data = files[path]
    try:
        if name is not None:
            data = yaml_document.with_value(data, ("name",), _name(config, path, name))
        for key, value in (timeouts or {}).items():
            data = _with_timeout(data, key, value)
    except yaml_document.NotEditable as error:
        raise EditRejected("slug", f"{path}: {error}") from error
    return {path: data} if data != files[path] else {}


def _with_timeout(data: bytes, key: str, value: int | None) -> bytes:
    if key not in Timeouts.__struct_fields__:
        raise EditRejected(f"timeouts.{key}", f"no such timeout; there are {', '.join(Timeouts.__struct_fields__)}")
    if value is None:
        return yaml_document.without(data, ("timeouts", key))
    if isinstance(value, bool) or not 1 <= value <= MAX_TIMEOUT_MS:
        raise EditRejected(f"timeouts.{key}", f"must be from 1 to {MAX_TIMEOUT_MS} ms, not {value}")
    return yaml_document.with_value(data, ("timeouts", key), value)


def _name(config: Config, path: str, name: str) -> str:
    """The name without spaces around it, if it may be this project's."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise EditRejected("name", f"must be 1 to {MAX_NAME} printable characters on one line")
    for other, file in config.files.items():
        if other != path and isinstance(file, Project) and file.name.casefold() == name.casefold():
            raise EditRejected("name", f"project {id_of(other)} is already called {file.name!r}")
    return name
