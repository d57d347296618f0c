"""Real repositories for tests: a small configuration, a large one, and people who clone and push."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from api.repository import checks, installation
from api.repository.commits import Author, Committed
from api.repository.store import Edit, Repository
from core.layout import Layout

ADA = Author("Ada", "ada@example.com")
BLOG = "projects/blog/project.yaml"
SHOP = "projects/shop/project.yaml"


def token(number: int) -> bytes:
    return f"name: t{number}\nsha256: {hashlib.sha256(str(number).encode()).hexdigest()}\nprefix: sk-lr-abcd\n".encode()


def project(slug: str) -> dict[str, bytes]:
    return {
        f"projects/{slug}/project.yaml": f"# {slug}, by hand\nid: p-{slug}\nname: The {slug}\n".encode(),
        f"projects/{slug}/routing.yaml": b"models:\n  - id: fast\n  - id: slow\npolicies:\n  - kind: cheapest\n",
    }


SMALL: Mapping[str, bytes] = {
    "README.md": b"# Our configuration\n",
    "waybill.yaml": b"format: 1\n",
    "providers/sim.yaml": b"kind: simulated\n",
    "providers/openai.yaml": b"kind: openai\nenabled: false\ncredential: {env: WAYBILL_SECRET_OPENAI, origin: https://api.openai.com}\n",
    "models/fast.yaml": b"provider: sim\nupstream_name: fast\nprices: {input: 0.5, output: 1.5}\n",
    "models/slow.yaml": b"provider: sim\nupstream_name: slow\nprices: {input: 5, output: 15}\n",
    "models/listed.yaml": b"provider: openai\nupstream_name: gpt-4o-mini\n",
    **project("blog"),
    **project("shop"),
    "projects/blog/tokens/one.yaml": token(1),
}


def large(projects: int = 1_000, tokens: int = 10) -> dict[str, bytes]:
    """Many projects with as many tokens each: about (2 + tokens) files a project."""
    files = dict(SMALL)
    for number in range(projects):
        slug = f"p{number:04d}"
        files |= project(slug)
        for other in range(tokens):
            files[f"projects/{slug}/tokens/t{other}.yaml"] = token(1_000 + number * tokens + other)
    return files


def installed(
    data: Path, files: Mapping[str, bytes] = SMALL, *, fsync: bool = True, check: bool = True
) -> tuple[Layout, Repository]:
    """A data folder with a repository that holds `files`; committed, not published."""
    layout = Layout(data)
    layout.published.mkdir(parents=True)
    layout.proxies.mkdir()
    installation.create(layout.repository, data)
    repository = Repository(layout.repository, fsync=fsync)
    if check:
        committed(repository, files, base=None)
    else:
        imported(layout.repository, files)
    return layout, repository


def imported(repository: Path, files: Mapping[str, bytes]) -> None:
    """The first commit of a large repository, unchecked and in one pack, as it would be after its first day."""
    stream = [b"commit refs/heads/main\ncommitter Ada <ada@example.com> 1790000000 +0000\ndata 0\n"]
    stream += [b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data) for path, data in files.items()]
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository, input=b"".join(stream), check=True, timeout=50)


def committed(repository: Repository, changes: Mapping[str, bytes | None], base: str | None = "head") -> Committed:
    """Commit through the check that everybody runs."""
    read = repository.head() if base == "head" else base
    edit = Edit(changes=changes, author=ADA, reason="A reason", base=read)
    return repository.commit(edit, lambda head, landing: checks.validated(repository, None, head, landing))


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run git as a person would, who has no configuration of their own."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=50)
    if check and done.returncode:
        raise AssertionError(done.stderr)
    return done


class Person:
    """Somebody with a clone; of a large repository, only what they write is checked out (`sparse`)."""

    def __init__(self, folder: Path, repository: Path, *, sparse: bool = False) -> None:
        self.folder = folder
        git(folder.parent, "clone", "--quiet", *(["--sparse"] if sparse else []), str(repository), str(folder))
        git(folder, "config", "user.name", "Grace")
        git(folder, "config", "user.email", "grace@example.com")

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        for path, data in changes.items():
            file = self.folder / path
            if data is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)

    def commit(self, changes: Mapping[str, bytes | None], message: str = "By hand") -> str:
        self.write(changes)
        git(self.folder, "add", "--all", "--sparse")
        git(self.folder, "commit", "--quiet", "--message", message)
        return git(self.folder, "rev-parse", "HEAD").stdout.strip()

    def push(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return git(self.folder, "push", *(arguments or ("origin", "main")), check=False)

    def push_changes(self, changes: Mapping[str, bytes | None]) -> subprocess.CompletedProcess[str]:
        self.commit(changes)
        return self.push()

    def pull(self) -> None:
        git(self.folder, "fetch", "--quiet")
        git(self.folder, "reset", "--quiet", "--hard", "origin/main")


def refusal(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that the push hook sent to the person who pushed."""
    return [line.removeprefix("remote: ").rstrip() for line in done.stderr.splitlines() if line.startswith("remote: ")]
