"""What must not be in the tree: a machine's addresses in lock files and sources, dead links, a secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def tracked(*patterns: str) -> list[Path]:
    """The files that Git knows, or would know."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_every_package_with_hashes_and_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-f)\b", text, re.MULTILINE)
    requirements = re.findall(r"^[a-z0-9][^\n]*", text, re.MULTILINE)
    assert len(requirements) > 20
    assert [line for line in requirements if "==" not in line or not line.endswith("\\")] == []


def test_the_lock_files_hold_what_pyproject_asks_for() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for name, wanted in zip(
        LOCKS,
        (project["project"]["dependencies"], project["dependency-groups"]["dev"]),
        strict=True,
    ):
        pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / name).read_text(), re.MULTILINE))
        asked = {
            re.match(r"[A-Za-z0-9.-]+", item)[0].lower().replace(".", "-")  # type: ignore[index]  # every requirement has a name
            for item in wanted
            if isinstance(item, str)
        }
        assert asked - pinned == set()


def test_no_file_names_a_package_index_or_a_place_on_somebodys_machine() -> None:
    # Put together here, so that this file does not hold them either.
    forbidden = re.compile(
        "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "/work" + "/main", "/opt" + "/wheels"])
    )
    binary = {".png", ".sqlite3", ".gz"}
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.suffix not in binary and (match := forbidden.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []


def test_no_file_holds_a_token_or_a_private_key() -> None:
    # A private key has a body: base64 lines after its first one.
    secret = re.compile("sk-" + r"lr-[A-Za-z0-9_-]{43}\b|-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----\s+[A-Za-z0-9+/=]{20}")
    found = [str(path) for path in tracked() if secret.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert found == []


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    dead = []
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in anchors(linked.read_text(encoding="utf-8"))):
            dead.append(target)
    assert dead == []
