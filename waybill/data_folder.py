"""The data folder before anything runs in it: there, ours, private and writable."""

from __future__ import annotations

import tempfile
from pathlib import Path

from waybill.errors import DataFolderUnusable


def prepare(folder: Path) -> Path:
    """The folder's absolute path, made with mode 0700 if need be. Raises DataFolderUnusable."""
    path = folder.expanduser().absolute()
    try:
        new = not path.exists()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if new or not any(path.iterdir()):
            path.chmod(0o700)  # an empty folder that was mounted or made beforehand becomes private, too
        with tempfile.TemporaryFile(dir=path):
            pass
    except FileExistsError:
        raise DataFolderUnusable(f"{path}: not a folder") from None
    except OSError as error:
        raise DataFolderUnusable(f"{path}: not writable: {(error.strerror or str(error)).lower()}") from None
    return path.resolve()
