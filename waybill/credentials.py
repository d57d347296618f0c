"""`initial-credentials.yaml`: what the first start made, for people and for scripts, readable by its owner alone.

Written before anything is made of it, under the name of a plan, and renamed when all is done: a first start that was
interrupted is completed by the next one, with the same secrets.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from waybill.errors import DataFolderUnusable
from waybill.options import Addresses


class Admin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first person: may do everything. `api_key` goes as `Authorization: Bearer` to `/graphql`."""

    email: str
    password: str
    api_key: str


class ProjectToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sample project's token."""

    slug: str
    token: str


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. URLs have no path."""

    proxy_url: str
    api_url: str
    proxy_ops_url: str
    api_ops_url: str
    config_repository: str
    admin: Admin
    projects: tuple[ProjectToken, ...]


def urls(addresses: Addresses) -> dict[str, str]:
    """The four URL fields."""
    return {
        "proxy_url": addresses.proxy.url,
        "api_url": addresses.api.url,
        "proxy_ops_url": addresses.proxy_ops.url,
        "api_ops_url": addresses.api_ops.url,
    }


def read(path: Path) -> Credentials:
    """Raises DataFolderUnusable when the file is not what a first start writes."""
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Credentials)
    except (OSError, msgspec.MsgspecError) as error:
        raise DataFolderUnusable(f"{path}: not readable as initial credentials: {error}") from None


def write(path: Path, credentials: Credentials) -> None:
    """All or nothing, mode 0600, on disk when this returns."""
    replace_file(path, msgspec.yaml.encode(credentials), 0o600)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write `content` beside `path` and move it there: a reader sees the old file or the new one."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # whatever the umask, and whatever was left there
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def follow_addresses(path: Path, addresses: Addresses) -> None:
    """A later start on other ports: the file, where it still lies, tells the new ones; everything else stays as it is."""
    if not path.exists():
        return
    credentials = read(path)
    moved = msgspec.structs.replace(credentials, **urls(addresses))
    if moved != credentials:
        write(path, moved)
