"""What keeps a command from starting, as one tree. Each is told in one line on stderr and ends the command with its code.

CommandError
├── BadArgument (2)         a flag, an environment variable or a file name that means nothing
├── PortUnavailable (1)     somebody else listens there, or the host is none of ours
├── DataFolderUnusable (1)  it cannot be made, written or locked; its content does not fit together
├── AlreadyRunning (1)      another process holds the same role on the same data folder
└── GitUnavailable (1)      no git on PATH, or one that is too old
"""

from __future__ import annotations

from typing import ClassVar


class CommandError(Exception):
    """The message says what is wrong and how to mend it, in one line."""

    exit_code: ClassVar[int] = 1


class BadArgument(CommandError):
    """The command line, or an environment variable that stands for a flag, makes no sense."""

    exit_code = 2


class PortUnavailable(CommandError):
    """An address cannot be listened on."""


class DataFolderUnusable(CommandError):
    """The data folder cannot be used as it is."""


class AlreadyRunning(CommandError):
    """The data folder is in use."""


class GitUnavailable(CommandError):
    """Git is missing or too old."""
