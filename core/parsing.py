"""Bytes to the values of single files, and what is wrong with them, located.

    ConfigErrors            everything that is wrong
      .errors: ConfigError  one of them: file, line, field, reason and how to mend it

Reasons never quote a value that could be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core import yaml_strict
from core.config import Config, File
from core.conversion import Misfit, convert, written
from core.crosscheck import CrossFault
from core.digest import content_sum, replaced
from core.paths import is_stray, kind_of
from core.references import carried
from core.yaml_strict import Place, YamlError

MOST_ELSEWHERE = 5  # a deleted model can break a thousand projects


class ConfigError(Exception):
    """One thing that is wrong: the file, the line from 1, the dotted field ("" for the whole file), why and how to mend it."""

    def __init__(self, file: str, line: int, field: str, reason: str) -> None:
        self.file = _printable(file)
        self.line = line
        self.field = _printable(field)
        self.reason = _printable(reason)
        super().__init__(self.file, self.line, self.field, self.reason)

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.field}: {self.reason}" if self.field else f"{self.file}:{self.line}: {self.reason}"
        )


class ConfigErrors(Exception):
    """Everything that is wrong with a configuration, by file and line; never empty."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = in_order(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def _printable(text: str) -> str:
    """Errors go to terminals and logs, one a line: what a file holds must not steer them."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def in_order(errors: Iterable[ConfigError]) -> tuple[ConfigError, ...]:
    """Return errors as people read them: by file, line and field."""
    return tuple(sorted(errors, key=lambda error: (error.file, error.line, error.field)))


def parse(path: str, data: bytes) -> File:
    """Return the value of one file, read alone. Raises ConfigErrors with everything that is wrong in it."""
    kind = kind_of(path)
    if kind is None:
        raise ConfigErrors([stray(path)])
    try:
        value = yaml_strict.load(data)
    except YamlError as error:
        raise ConfigErrors([ConfigError(path, error.line, "", error.reason)]) from None
    try:
        # A file of comments alone sets nothing; what it must set is then missing.
        return convert({} if value is None else value, kind)
    except Misfit as misfit:
        lines = yaml_strict.lines(data)
        errors = [ConfigError(path, _line(lines, fault.place), written(fault.place), fault.reason) for fault in misfit.faults]
        raise ConfigErrors(errors) from None


def parse_changes(changes: Mapping[str, bytes | None]) -> tuple[dict[str, File | None], list[ConfigError]]:
    """Return what could be parsed (None: deleted) and what is wrong with the rest; what is no configuration is left out."""
    parsed: dict[str, File | None] = {}
    errors: list[ConfigError] = []
    for path, data in changes.items():
        if kind_of(path) is None:
            if data is not None and is_stray(path):
                errors.append(stray(path))
        elif data is None:
            parsed[path] = None
        else:
            try:
                parsed[path] = parse(path, data)
            except ConfigErrors as found:
                errors += found.errors
    return parsed, errors


def with_changes(config: Config, changes: Mapping[str, File | None]) -> Config:
    """Return a new Config, unchecked; its content sum and its index are carried forward, not made anew."""
    files = dict(config.files)
    total = content_sum(files) if config.content_sum is None else config.content_sum
    for path, file in changes.items():
        old = files.pop(path, None)
        total = replaced(total, path, old, file)
        if file is not None:
            files[path] = file
    return Config(files=files, content_sum=total, index=carried(config, files, changes))


def located(faults: Iterable[CrossFault], changes: Mapping[str, bytes | None]) -> list[ConfigError]:
    """Return each fault as an error at the file that was changed: the one at fault, else the one whose change broke it."""
    lines: dict[str, dict[Place, int]] = {}
    errors: list[ConfigError] = []
    for fault in faults:
        data = changes.get(fault.path)
        if data is not None:
            if fault.path not in lines:
                lines[fault.path] = yaml_strict.lines(data)
            line = _line(lines[fault.path], fault.place)
            errors.append(ConfigError(fault.path, line, written(fault.place), fault.reason))
        elif fault.cause in changes and fault.cause != fault.path:
            field = f": {written(fault.place)}" if fault.place else ""
            errors.append(ConfigError(fault.cause, 1, "", f"this change breaks {fault.path}{field}: {fault.reason}"))
        else:
            errors.append(ConfigError(fault.path, 1, written(fault.place), fault.reason))
    return errors


def located_in_brief(faults: Iterable[CrossFault], changes: Mapping[str, bytes | None]) -> list[ConfigError]:
    """Return errors as `located` does, of those that one change causes elsewhere only the first few, and how many more."""
    single: list[CrossFault] = []
    elsewhere: dict[str, list[CrossFault]] = {}
    for fault in faults:
        broken = changes.get(fault.path) is None and fault.cause in changes and fault.cause != fault.path
        (elsewhere.setdefault(fault.cause, []) if broken else single).append(fault)
    errors = located(single, changes)
    for alike in elsewhere.values():
        *told, last = located(sorted(alike, key=lambda fault: (fault.path, fault.place))[:MOST_ELSEWHERE], changes)
        more = f" (and {len(alike) - MOST_ELSEWHERE} more)" if len(alike) > MOST_ELSEWHERE else ""
        errors += [*told, ConfigError(last.file, last.line, last.field, last.reason + more)]
    return errors


def stray(path: str) -> ConfigError:
    """Return the error of a YAML file that nothing reads."""
    reason = (
        "no configuration lives here: there are waybill.yaml, roles.yaml, providers/<id>.yaml, models/<id>.yaml, "
        "projects/<slug>/project.yaml, projects/<slug>/routing.yaml and projects/<slug>/tokens/<id>.yaml"
    )
    return ConfigError(path, 1, "", reason)


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """Return the line of a place, or of the nearest one around it that is in the file."""
    while place not in lines:
        place = place[:-1]
    return lines[place]
