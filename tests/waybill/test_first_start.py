"""The first start: complete, private, the same after an interruption, and never done twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from api.repository.store import Repository
from core import files
from core.config import Token
from core.layout import Layout
from core.sealing import seal, unseal
from waybill import credentials, first_start
from waybill.addresses import Address
from waybill.errors import DataFolderUnusable
from waybill.options import Addresses
from waybill.screen import first_start_lines

ADDRESSES = Addresses(*(Address("127.0.0.1", port) for port in (8080, 8081, 9080, 9081)))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "data").mkdir(mode=0o700)
    return Layout(tmp_path / "data")


def test_a_first_start_is_due_until_it_is_complete(layout: Layout) -> None:
    assert first_start.is_due(layout)
    first_start.complete(layout, ADDRESSES)
    assert not first_start.is_due(layout)


def test_it_leaves_the_file_that_scripts_read(layout: Layout) -> None:
    made = first_start.complete(layout, ADDRESSES)
    assert credentials.read(layout.initial_credentials) == made
    assert layout.initial_credentials.stat().st_mode & 0o777 == 0o600
    assert (made.proxy_url, made.api_ops_url) == ("http://127.0.0.1:8080", "http://127.0.0.1:9081")
    assert Path(made.config_repository).is_absolute()
    assert made.admin.email == made.admin.email.lower()
    assert len(made.admin.password) >= 12


def test_the_repository_holds_the_sample_and_each_tokens_sha256_alone(layout: Layout) -> None:
    made = first_start.complete(layout, ADDRESSES)
    repository = Repository(layout.repository)
    head = repository.head()
    assert head is not None
    content = repository.contents(head)
    config = files.load(content)
    assert len(made.projects) == 2
    for project in made.projects:
        assert len(project.token) == len("sk-lr-") + 43
        token = config.files[f"projects/{project.slug}/tokens/getting-started.yaml"]
        assert isinstance(token, Token)
        assert token.sha256 == hashlib.sha256(project.token.encode()).hexdigest()
        assert token.prefix == project.token[:10]
        assert not any(project.token.encode() in data for data in content.values())


def test_the_keys_are_a_pair_and_the_private_one_is_private(layout: Layout) -> None:
    first_start.complete(layout, ADDRESSES)
    assert layout.private_key.stat().st_mode & 0o777 == 0o600
    assert layout.private_key.parent.stat().st_mode & 0o777 == 0o700
    box = seal(layout.public_key.read_bytes(), "openai", "https://api.openai.com", "key")
    assert unseal(layout.private_key.read_bytes(), box).key == "key"


def test_the_admin_is_in_the_database_without_password_or_key(layout: Layout) -> None:
    made = first_start.complete(layout, ADDRESSES)
    with sqlite3.connect(layout.database) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert made.admin.email in dump
    assert made.admin.password not in dump
    assert made.admin.api_key not in dump


class Interrupted(Exception):
    """The process died here."""


@pytest.mark.parametrize("step", ["_make_keys", "_make_admin", "_make_repository"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_first_start_is_completed_with_the_same_secrets(
    layout: Layout, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., None] = getattr(first_start, step)

    def dies(*arguments: object) -> None:
        if when == "after":
            real(*arguments)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(first_start, step, dies)
        with pytest.raises(Interrupted):
            first_start.complete(layout, ADDRESSES)
    planned = credentials.read(layout.data / ".first-start.yaml")
    assert not layout.initial_credentials.exists()
    assert first_start.is_due(layout)
    made = first_start.complete(layout, ADDRESSES)
    assert made == planned
    head = Repository(layout.repository).head()
    assert head is not None
    files.load(Repository(layout.repository).contents(head))
    assert not first_start.is_due(layout)


def test_a_private_key_that_was_put_there_is_kept(layout: Layout) -> None:
    layout.private_key.parent.mkdir()
    layout.private_key.write_bytes(b"shared by all proxies")
    first_start.complete(layout, ADDRESSES)
    assert layout.private_key.read_bytes() == b"shared by all proxies"


def test_a_lost_repository_beside_a_database_is_not_replaced_by_a_sample(layout: Layout) -> None:
    layout.database.write_bytes(b"somebody's rows")
    with pytest.raises(DataFolderUnusable, match="there is a database but no repository"):
        first_start.complete(layout, ADDRESSES)
    assert layout.database.read_bytes() == b"somebody's rows"


def test_a_later_start_on_other_ports_updates_the_addresses_and_nothing_else(layout: Layout) -> None:
    made = first_start.complete(layout, ADDRESSES)
    moved = Addresses(*(Address("127.0.0.1", port) for port in (18080, 18081, 19080, 19081)))
    credentials.follow_addresses(layout.initial_credentials, moved)
    now = credentials.read(layout.initial_credentials)
    assert now.proxy_url == "http://127.0.0.1:18080"
    assert (now.admin, now.projects, now.config_repository) == (made.admin, made.projects, made.config_repository)


def test_a_deleted_credentials_file_is_not_made_again(layout: Layout) -> None:
    first_start.complete(layout, ADDRESSES)
    layout.initial_credentials.unlink()
    credentials.follow_addresses(layout.initial_credentials, ADDRESSES)
    assert not layout.initial_credentials.exists()
    assert not first_start.is_due(layout)


def test_the_screen_fits_24_lines_of_100_columns(layout: Layout) -> None:
    made = first_start.complete(layout, ADDRESSES)
    # As it is at a usual place: a test's own folder has a longer name than a person's.
    usual = [line.replace(str(layout.data), "/home/someone/waybill/data") for line in first_start_lines(made, str(layout.data))]
    assert len(usual) <= 24
    assert max(map(len, usual)) <= 100
