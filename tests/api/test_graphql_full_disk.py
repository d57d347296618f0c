"""A full disk is no mistake of ours: it is said, and another try may succeed."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from graphql import GraphQLError
from pygit2 import GitError
from sqlalchemy.exc import OperationalError

from api.graphql.errors import answer_errors
from api.repository.errors import RepositoryError


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        GitError("failed to write chunk to the file: No space left on device"),
        caused_by(RepositoryError("the branch could not be moved"), OSError(errno.ENOSPC, "No space left on device")),
        OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
    ],
    ids=repr,
)
def test_a_full_disk_is_told_from_a_mistake_of_ours(error: Exception) -> None:
    (shown,) = answer_errors([GraphQLError("INSERT failed", path=["login"], original_error=error)], "r-1")
    assert shown["extensions"] == {"code": "UNAVAILABLE", "requestId": "r-1"}
    assert shown["message"].startswith("the server's disk is full")


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "x"), GitError("object not found"), RuntimeError("no space left")], ids=repr
)
def test_any_other_failure_stays_one(error: Exception) -> None:
    (shown,) = answer_errors([GraphQLError("x", path=["login"], original_error=error)], "r-1")
    assert (shown["extensions"]["code"], shown["message"]) == ("INTERNAL", "internal error")
