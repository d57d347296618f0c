"""The command line: one clear line for every mistake, and a lean start for the proxy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """`waybill` with these arguments and `given` on stdin, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "waybill", *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=50,
        check=False,
    )


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr that a refused command says."""
    assert result.stdout == ""
    assert result.stderr.startswith("waybill: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_printed(arguments: list[str]) -> None:
    assert run(*arguments).stdout.startswith("waybill 0.")


def test_help_lists_the_commands() -> None:
    shown = run("--help").stdout
    assert all(command in shown for command in ("serve", "proxy", "api", "check", "explain", "seal", "version", "WAYBILL_DATA"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["serve", "--nope"], "--nope"),
        (["sevre"], 'Did you mean "serve"'),
        (["serve", "--proxy"], "--proxy"),
        (["serve", "--proxy", "nonsense"], "--proxy nonsense: not HOST:PORT"),
        (["serve", "--proxy", "127.0.0.1:9", "--api", "127.0.0.1:9"], "the same address as --proxy"),
        (["explain"], "FILE"),
    ],
)
def test_a_bad_argument_is_one_line_and_exit_code_2(arguments: list[str], part: str) -> None:
    result = run(*arguments)
    assert part in one_line(result)
    assert result.returncode == 2


def test_a_bad_address_in_the_environment_is_refused_alike(tmp_path: Path) -> None:
    result = run("serve", "--data", str(tmp_path), WAYBILL_API_OPS="nonsense")
    assert "--api-ops nonsense" in one_line(result)
    assert result.returncode == 2


def test_a_port_in_use_is_one_line_and_makes_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run("serve", "--data", str(tmp_path), "--proxy", address)
    assert "already in use" in one_line(result)
    assert result.returncode == 1
    assert not (tmp_path / "config.git").exists()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("serve", "--data", str(tmp_path / "file"))
    assert "not a folder" in one_line(result)
    assert result.returncode == 1


def test_a_data_folder_that_cannot_be_made_is_refused() -> None:
    result = run("serve", "--data", "/proc/waybill")
    assert "/proc/waybill: not writable" in one_line(result)
    assert result.returncode == 1


def test_a_missing_git_is_said(tmp_path: Path) -> None:
    result = run("serve", "--data", str(tmp_path / "data"), PATH=str(tmp_path))
    assert "git: not found" in one_line(result)
    assert result.returncode == 1


def test_a_git_that_is_too_old_is_said(tmp_path: Path) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho git version 2.20.1\n")
    git.chmod(0o755)
    result = run("serve", "--data", str(tmp_path / "data"), PATH=str(tmp_path))
    assert "git version 2.20.1 is too old; 2.24 or newer" in one_line(result)
    assert result.returncode == 1


def test_the_command_line_itself_imports_neither_plane_nor_rich() -> None:
    loaded = "import sys, waybill.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert not {"api", "proxy", "rich", "litestar", "strawberry", "sqlalchemy", "pydantic"} & set(modules)
