"""The sample configuration, `config-repo/`: beside the packages in a checkout, inside this one in a wheel."""

from __future__ import annotations

from pathlib import Path

from waybill.errors import DataFolderUnusable

_HERE = Path(__file__).resolve().parent


def sample_files() -> dict[str, bytes]:
    """Every file of the sample by its path in the repository."""
    for root in (_HERE / "config-repo", _HERE.parent / "config-repo"):
        if root.is_dir():
            return read_files(root)
    raise DataFolderUnusable("the sample configuration is missing from this installation")


def read_files(root: Path) -> dict[str, bytes]:
    """Every regular file below `root`, without a `.git` that lies there."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }
