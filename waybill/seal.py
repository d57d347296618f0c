"""`waybill seal PROVIDER`: a provider's key becomes a sealed box that may stand in Git."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from core import files
from core.config import Provider
from core.files import ConfigErrors
from core.layout import Layout
from core.origins import origin_of
from core.paths import provider_path
from core.sealing import SealError
from core.sealing import seal as seal_secret
from waybill.check import files_at
from waybill.errors import BadArgument, DataFolderUnusable


def seal(provider: str, data: Path) -> None:
    """Print the `credential:` for `providers/<provider>.yaml`, bound to the origin that its `base_url` has now."""
    layout = Layout(data.expanduser().absolute())
    if not layout.repository.is_dir():
        raise DataFolderUnusable(f"{layout.data}: no configuration repository there; `waybill serve` makes it")
    origin = provider_origin(provider, layout.repository)
    public_key = _public_key(layout.public_key)
    try:
        box = seal_secret(public_key, provider, origin, _read_key(provider, origin))
    except SealError as error:
        raise DataFolderUnusable(f"{layout.public_key}: {error}") from None
    print(f"credential:\n  sealed: {box}")  # noqa: T201  # the command's answer


def provider_origin(provider: str, repository: Path) -> str:
    """Where the provider's key may be sent: the origin of its base_url at the head of the repository."""
    content, what = files_at(repository, "main")
    path = provider_path(provider)
    if path not in content:
        raise BadArgument(f"{provider}: {what} has no {path}")
    try:
        found = files.parse(path, content[path])
    except ConfigErrors as errors:
        raise BadArgument(str(errors.errors[0])) from None
    if not isinstance(found, Provider) or not found.address:
        raise BadArgument(f"{provider}: a simulated provider has no key")
    return origin_of(found.address)


def _public_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataFolderUnusable(f"{path}: {(error.strerror or str(error)).lower()}; `waybill serve` makes it") from None


def _read_key(provider: str, origin: str) -> str:
    """From the terminal without showing it, else all of stdin."""
    prompt = f"Key of {provider} for {origin} (not shown): "
    key = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.read()
    key = key.strip()
    if not key:
        raise BadArgument(f"{provider}: no key was given on stdin")
    if not (key.isascii() and key.isprintable()):
        raise BadArgument(f"{provider}: a key is one line of printable ASCII characters")
    return key
