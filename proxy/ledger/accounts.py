"""The counters of every scope that a limit names, or named while their windows last.

A request counts in all its scopes, whether or not a limit of theirs holds for it: a token that is freed of its project's limits
still uses them up for the others. So an account is found by its scope, and what is counted in it by the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from core.limits import Scope, Window, WindowUsage, new_usage

KEPT_IDLE_SWEEPS = 17_280  # a day of checkpoints
SWEPT_AT_ONCE = 1_000
# A count whose window is over awaits nothing any more; it is looked at for so long, in case the clock was wrong.
WATCHED_MS = 86_400_000


class Account:
    """One scope and the windows that it is counted in: none, mostly."""

    __slots__ = ("__weakref__", "scope", "windows")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.windows: list[WindowUsage] = []

    def find(self, window: Window) -> WindowUsage | None:
        """What is counted in a window, where it is."""
        return next((usage for usage in self.windows if usage.window == window), None)


class Accounts:
    """All accounts by their scope. One without windows lives as long as somebody is held to it."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[Scope, Account] = WeakValueDictionary()
        self._counting: dict[Scope, Account] = {}
        self._unswept: list[Scope] = []
        # What began in the middle of its window: mostly nothing, so that asking for it costs nothing.
        self._incomplete: dict[tuple[Scope, Window], WindowUsage] = {}

    def account(self, scope: Scope) -> Account:
        """The account of a scope, one and the same while anybody holds it."""
        account = self._known.get(scope)
        if account is None:
            account = self._known[scope] = Account(scope)
        return account

    def find(self, scope: Scope, window: Window) -> WindowUsage | None:
        """What a scope is counted in a window, where it is."""
        account = self._counting.get(scope)
        return None if account is None else account.find(window)

    def begin(self, scope: Scope, window: Window, now_ms: int, *, complete: bool) -> WindowUsage:
        """Count a scope in a window from now on."""
        usage = new_usage(window, now_ms, complete)
        account = self._counting[scope] = self.account(scope)
        account.windows.append(usage)
        if not complete:
            self._incomplete[scope, window] = usage
        return usage

    def pending(self, now_ms: int) -> Iterator[tuple[Scope, Window]]:
        """The counts that began in the middle of their window and do not know yet what was used before."""
        over = []
        try:
            for key, usage in self._incomplete.items():
                if usage.complete or not usage.pending(now_ms - WATCHED_MS) or self.find(*key) is not usage:
                    over.append(key)
                elif usage.pending(now_ms):
                    yield key
        finally:  # whoever asks for the first few goes no further
            for key in over:
                del self._incomplete[key]

    def sweep(self, now_ms: int, generation: int, kept_sweeps: int = KEPT_IDLE_SWEEPS) -> None:
        """Let go of windows that are over, and of counts that stay empty while no revision since `generation` names them.

        Looks at `SWEPT_AT_ONCE` scopes, and at the next ones when called again, so that many never hold the event loop.
        """
        if not self._unswept:
            self._unswept = list(self._counting)
        swept, self._unswept = self._unswept[-SWEPT_AT_ONCE:], self._unswept[:-SWEPT_AT_ONCE]
        for scope in swept:
            account = self._counting[scope]
            for usage in account.windows:
                usage.sweep(now_ms)
                usage.idle = usage.idle + 1 if usage.empty and usage.generation < generation else 0
            # In place: whoever is held to the account sees the change.
            account.windows[:] = [usage for usage in account.windows if usage.idle <= kept_sweeps]
            if not account.windows:
                del self._counting[scope]

    def is_held(self, scope: Scope) -> bool:
        """Whether anybody holds the account of a scope: else no request in flight is of it."""
        return scope in self._known

    def __iter__(self) -> Iterator[tuple[Scope, WindowUsage]]:
        """Everything that is counted."""
        for scope, account in self._counting.items():
            for usage in account.windows:
                yield scope, usage

    def state(self) -> msgspec.Raw:
        """As a JSON list, one value a count; only those that have changed are written anew."""
        written = [
            usage.encoded or _encoded(account.scope, usage) for account in self._counting.values() for usage in account.windows
        ]
        return msgspec.Raw(b"[%b]" % b",".join(written))

    def restore(self, state: list[Any]) -> None:
        """Take over what `state` gave."""
        for scope, window, kept in state:
            usage = self.begin(Scope(*scope), window, 0, complete=False)
            usage.restore(kept)
            if usage.complete:
                del self._incomplete[Scope(*scope), window]


def _encoded(scope: Scope, usage: WindowUsage) -> bytes:
    usage.encoded = msgspec.json.encode((scope, usage.window, usage.state()))
    return usage.encoded
