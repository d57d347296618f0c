"""What is wrong with a document that was to be explained.

ExplainError    each fault names its field, the reason and how to mend it
"""

from __future__ import annotations

from collections.abc import Iterable


class ExplainError(ValueError):
    """The document is wrong: one line per fault."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{field}: {reason}" if field else reason for field, reason in self.faults))
