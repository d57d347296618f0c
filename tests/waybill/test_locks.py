"""One process per role on a data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waybill.errors import AlreadyRunning, DataFolderUnusable
from waybill.locks import only_one

HOLDER = """
import sys
from pathlib import Path
from waybill.locks import only_one
with only_one(Path(sys.argv[1]), "serve"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with (
        only_one(tmp_path, "serve"),
        pytest.raises(AlreadyRunning, match=rf"`waybill serve` \(process {os.getpid()}\) already runs"),
        only_one(tmp_path, "serve", wait_s=0),
    ):
        pass


def test_roles_do_not_keep_each_other_out(tmp_path: Path) -> None:
    with only_one(tmp_path, "serve"), only_one(tmp_path, "proxy"), only_one(tmp_path, "api"):
        pass


def test_the_lock_ends_with_a_killed_holder(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning), only_one(tmp_path, "serve", wait_s=0):
            pass
        holder.kill()
    with only_one(tmp_path, "serve", wait_s=0):
        pass


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(DataFolderUnusable), only_one(tmp_path / "none", "serve"):
        pass
