"""What a mutation means for the files: (configuration, files as they were read, wish) -> the files that change. Pure.

An edit says what a file should mean (`documents.rewritten`); comments, order and every untouched line stay as they are. Whether
the result is a valid configuration is decided where everybody's change is: by `core.files`, at the commit, which names the
file, the line, the field and the reason. An edit refuses only what cannot be said in a file.
"""

from __future__ import annotations


class EditRejected(Exception):
    """The wish cannot be carried out; `field` is the input's field, the reason says how to mend it.

    `not_found`: what the field names does not exist.
    """

    def __init__(self, field: str, reason: str, *, not_found: bool = False) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.not_found = not_found
