"""The first start makes the data folder: keys, database with an admin, repository with the sample configuration and a token.

Ordered steps, each of which may be done again. The credentials are written first, as a plan, and get their name last: whatever
stops a first start halfway, the next start completes it with the same secrets. A repository without a plan beside it is a
finished first start, and nothing of it is ever touched again.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path

import msgspec

from core import files
from core.config import Token
from core.layout import Layout
from core.paths import kind_of, slug_of, token_path
from core.sealing import generate_keys
from waybill import credentials
from waybill.credentials import Admin, Credentials, ProjectToken
from waybill.errors import DataFolderUnusable
from waybill.options import Addresses
from waybill.template import sample_files

ADMIN_EMAIL = "admin@localhost"
TOKEN_ID = "getting-started"  # noqa: S105  # a file's name, no secret
TOKEN_PREFIX = "sk-lr-"  # noqa: S105  # how every token begins
API_KEY_PREFIX = "wb-"


def is_due(layout: Layout) -> bool:
    """Whether there is no repository yet, or the first start that made it did not come to its end.

    A repository that is only away does not make it due: the proxy serves what was published of it, and the API waits.
    """
    if layout.repository.exists() or _plan(layout).exists():
        return _plan(layout).exists()
    from api.repository.installation import away

    return not away(layout)


def complete(layout: Layout, addresses: Addresses) -> Credentials:
    """Do what is missing and return the credentials. Raises DataFolderUnusable when the folder holds another's remains."""
    plan = _read_or_write_plan(layout, addresses)
    _make_keys(layout)
    layout.secrets.mkdir(mode=0o700, exist_ok=True)
    _make_admin(layout, plan.admin)
    _make_repository(layout, plan)
    _plan(layout).rename(layout.initial_credentials)
    credentials.sync_folder(layout.data)
    return plan


def _plan(layout: Layout) -> Path:
    return layout.data / ".first-start.yaml"


def _read_or_write_plan(layout: Layout, addresses: Addresses) -> Credentials:
    path = _plan(layout)
    if path.exists():
        plan = msgspec.structs.replace(credentials.read(path), **credentials.urls(addresses))
    elif layout.database.exists():
        raise DataFolderUnusable(
            f"{layout.data}: there is a database but no repository; restore {layout.repository.name} from a backup, or move "
            f"{layout.database.name} away to begin anew"
        )
    else:
        plan = _new_plan(layout, addresses)
    credentials.write(path, plan)
    return plan


def _new_plan(layout: Layout, addresses: Addresses) -> Credentials:
    slugs = sorted({slug for path in sample_files() if kind_of(path) and (slug := slug_of(path))})
    return Credentials(
        **credentials.urls(addresses),
        config_repository=str(layout.repository),
        admin=Admin(
            email=ADMIN_EMAIL,
            password=secrets.token_urlsafe(18),
            api_key=API_KEY_PREFIX + secrets.token_urlsafe(32),
        ),
        projects=tuple(ProjectToken(slug=slug, token=TOKEN_PREFIX + secrets.token_urlsafe(32)) for slug in slugs),
    )


def _make_keys(layout: Layout) -> None:
    """The sealing pair, unless somebody put the installation's shared private key there."""
    if layout.private_key.exists():
        return
    layout.private_key.parent.mkdir(mode=0o700, exist_ok=True)
    private, public = generate_keys()
    credentials.replace_file(layout.public_key, public + b"\n", 0o644)
    credentials.replace_file(layout.private_key, private + b"\n", 0o600)


def _make_admin(layout: Layout, admin: Admin) -> None:
    """The database at this version's schema, with the admin in it."""
    from api.database.engine import open_engine, sqlite_url
    from api.database.migrate import migrate
    from api.people import put_admin

    url = sqlite_url(layout.database)
    migrate(url)

    async def put() -> None:
        engine = open_engine(url)
        try:
            await put_admin(engine, admin.email, admin.password, admin.api_key)
        finally:
            await engine.dispose()

    asyncio.run(put())


def _make_repository(layout: Layout, plan: Credentials) -> None:
    """The bare repository with one commit: the sample, and one token for each of its projects."""
    from api.repository.commits import WAYBILL
    from api.repository.installation import create
    from api.repository.store import Edit

    repository = create(layout.repository, layout.data)
    if repository.head() is not None:
        return
    content = sample_files() | {token_path(project.slug, TOKEN_ID): _token_file(project) for project in plan.projects}
    files.load(content)
    edit = Edit(changes=content, author=WAYBILL, reason="First start: the sample configuration", base=None)
    repository.commit(edit, check=lambda head, changes: None)


def _token_file(project: ProjectToken) -> bytes:
    """Only the token's SHA-256 goes into Git."""
    value = project.token.encode()
    token = Token(name="Getting started", sha256=hashlib.sha256(value).hexdigest(), prefix=project.token[:10])
    return msgspec.yaml.encode(token)
