"""`check`, `explain` and `seal` as a person uses them, on a folder, a repository and a revision."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core import files
from core.config import Provider
from core.layout import Layout
from core.sealing import unseal
from tests.waybill.test_cli import ROOT, one_line, run
from waybill import first_start
from waybill.addresses import Address
from waybill.options import Addresses


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after its first start, with a second, wrong commit on a branch of its own."""
    folder = tmp_path_factory.mktemp("data")
    first_start.complete(Layout(folder), Addresses(*(Address("127.0.0.1", port) for port in (1, 2, 3, 4))))
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "-q", str(folder / "config.git"), ".")
    git(clone, "checkout", "-q", "-b", "wrong")
    (clone / "waybill.yaml").write_text("format: 1\ntimeouts:\n  timeout_ms: soon\n")
    git(clone, "commit", "-q", "-a", "-m", "wrong")
    git(folder / "config.git", "fetch", "-q", str(clone), "wrong:wrong")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def test_the_sample_configuration_has_no_errors() -> None:
    assert run("check", str(ROOT / "config-repo")).returncode == 0


def test_every_error_of_a_folder_is_told_with_file_line_field_and_reason(tmp_path: Path) -> None:
    (tmp_path / "waybill.yaml").write_text("format: 1\nfoo: 2\ntimeouts:\n  timeout_ms: soon\n")
    checked = run("check", str(tmp_path))
    assert checked.returncode == 1
    told = checked.stderr.splitlines()
    assert told[0].startswith("waybill.yaml:2: foo: ")
    assert told[1].startswith("waybill.yaml:4: timeouts.timeout_ms: ")
    assert told[2] == f"{tmp_path}: 2 errors"


def test_what_a_push_refuses_in_any_file_is_refused_in_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "waybill.yaml").write_text("format: 1\n")
    assert "1 file, no errors" in run("check", str(tmp_path)).stdout
    (tmp_path / ".env").write_text(f"KEY=sk-{'Ab3dE5gH' * 5}\n")  # not read, so perhaps not pushed
    assert run("check", str(tmp_path)).returncode == 0
    (tmp_path / "waybill.yaml").write_text(f"# sk-{'Ab3dE5gH' * 5}\nformat: 1\n")
    (tmp_path / "roles.yaml").symlink_to("waybill.yaml")
    told = run("check", str(tmp_path)).stderr.splitlines()
    assert "roles.yaml:1: this is a symbolic link: only ordinary files can be pushed" in told
    assert any(line.startswith("waybill.yaml:1: this looks like an API key in clear") for line in told)


def test_a_folder_that_only_looks_like_a_repository_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "HEAD").write_text("nothing\n")
    assert "not a Git repository" in one_line(run("check", str(tmp_path)))


def test_a_single_file_is_not_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "waybill.yaml").write_text("format: 1\n")
    refused = run("check", str(tmp_path / "waybill.yaml"))
    assert "give the folder that holds waybill.yaml" in one_line(refused)
    assert refused.returncode == 2


def test_a_bare_repository_and_a_revision_of_the_servers_are_checked(data: Path) -> None:
    assert run("check", str(data / "config.git")).returncode == 0
    assert run("check", "--data", str(data)).returncode == 0
    assert run("check", "main~0", "--data", str(data)).returncode == 0
    wrong = run("check", "wrong", "--data", str(data))
    assert wrong.returncode == 1
    assert "waybill.yaml:3: timeouts.timeout_ms: " in wrong.stderr


@pytest.mark.parametrize("target", ["nothing", "--", "HEAD:waybill.yaml", "0" * 40])
def test_what_is_neither_folder_nor_revision_is_one_line(data: Path, target: str) -> None:
    refused = run("check", "--data", str(data), "--", target)
    assert one_line(refused)
    assert refused.returncode == 2


def test_a_decision_is_explained_as_json(tmp_path: Path) -> None:
    document = {
        "routing": {"models": [{"id": "dear"}, {"id": "cheap"}], "policies": [{"kind": "cheapest"}]},
        "models": {"dear": {"prices": {"input": 2, "output": 2}}, "cheap": {"prices": {"input": 1, "output": 1}}},
        "path": "/v1/chat/completions",
        "body": {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]},
    }
    (tmp_path / "request.json").write_text(json.dumps(document))
    explained = run("explain", str(tmp_path / "request.json"))
    assert explained.returncode == 0, explained.stderr
    assert json.loads(explained.stdout)["order"] == ["cheap", "dear"]
    from_stdin = run("explain", "-", given=json.dumps(document))
    assert (from_stdin.returncode, from_stdin.stdout) == (0, explained.stdout)


def test_a_wrong_document_is_told_by_its_fields(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"nope": 1}')
    explained = run("explain", str(tmp_path / "request.json"))
    assert explained.returncode == 1
    assert f"{tmp_path}/request.json: nope: is not known here" in explained.stderr
    missing = run("explain", str(tmp_path / "none.json"))
    assert "no such file" in one_line(missing)
    assert missing.returncode == 2


def seal(data: Path, provider: str, key: str) -> subprocess.CompletedProcess[str]:
    command = ["waybill", "seal", provider, "--data", str(data)]
    return subprocess.run([sys.executable, "-m", *command], input=key, capture_output=True, text=True, cwd=ROOT, check=False)


def test_a_sealed_key_fits_into_its_providers_file_and_only_the_proxy_reads_it(data: Path) -> None:
    sealed = seal(data, "openai", "sk-a-secret\n")
    assert sealed.returncode == 0, sealed.stderr
    assert "sk-a-secret" not in sealed.stdout
    provider = files.parse("providers/openai.yaml", f"kind: openai\n{sealed.stdout}".encode())
    assert isinstance(provider, Provider)
    assert provider.credential is not None
    assert provider.credential.sealed is not None
    opened = unseal(Layout(data).private_key.read_bytes(), provider.credential.sealed)
    assert (opened.provider, opened.origin, opened.key) == ("openai", "https://api.openai.com", "sk-a-secret")


@pytest.mark.parametrize(
    ("provider", "key", "part"),
    [
        ("none", "k", "has no providers/none.yaml"),
        ("simulated", "k", "has no key"),
        ("openai", " \n", "no key was given"),
        ("openai", "one\ntwo\n", "a key is one line"),
    ],
)
def test_a_key_that_cannot_be_sealed_is_refused(data: Path, provider: str, key: str, part: str) -> None:
    refused = seal(data, provider, key)
    assert part in one_line(refused)
    assert refused.returncode == 2
