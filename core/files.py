"""{path: bytes} to `Config`: the one check that mutations, pushes, `waybill check` and start-up all run.

A file is read alone (`parse`), then against the others. A change parses only what changed and checks what it can have broken
(`core/references.py`), so it costs about the same at 11,000 files as at ten. The errors are those of `core/parsing.py`, the
paths those of `core/paths.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.config import Config, References
from core.crosscheck import cross_faults
from core.parsing import ConfigError as ConfigError
from core.parsing import ConfigErrors as ConfigErrors
from core.parsing import located_in_brief, parse_changes, with_changes
from core.parsing import parse as parse
from core.paths import kind_of as kind_of
from core.references import concerned
from core.tolerance import tolerate

EMPTY = Config(content_sum=0, index=References())


def load(files: Mapping[str, bytes]) -> Config:
    """Return the configuration of a whole tree. Raises ConfigErrors.

    Files that are no configuration (README.md, .gitattributes) are ignored; a YAML file that nothing reads is an error.
    """
    return apply(EMPTY, files)


def apply(config: Config, changes: Mapping[str, bytes | None]) -> Config:
    """Return `config` with the changed files (None: deleted), checked: all of it, or what the change can have broken where
    `config` is known to be sound (it has its index). Raises ConfigErrors."""
    parsed, errors = parse_changes(changes)
    if errors:
        raise ConfigErrors(errors)
    changed = with_changes(config, parsed)
    if faults := cross_faults(changed.files, parsed.keys(), concerned(config, changed.files, parsed)):
        raise ConfigErrors(located_in_brief(faults, changes))
    return changed


def apply_tolerant(config: Config, changes: Mapping[str, bytes | None]) -> tuple[Config, tuple[ConfigError, ...]]:
    """Return `config` with as much of a wrong revision as is sound (`core/tolerance.py`), and what was left out of it.

    Every file that was not applied is named by an error: hand these in again with the next change, they may be sound by then.
    Raises ConfigErrors when a global file is wrong.
    """
    return tolerate(config, changes)
