"""What is told of a request while it runs, to whoever listens at that moment: kept nowhere, and without a place to resume from.

Between the planes it is a Unix stream socket in the data folder, one a proxy: the API says which projects it wants as one JSON
line (`Wanted`), again whenever that changes; the proxy answers with one JSON line a step. What is sent while a listener reads
too slowly is left out.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from core.routing.decision import Decision

# In their order; `attempt` to `attempt_ended` again for each model that is tried.
StepKind: TypeAlias = Literal["routed", "attempt", "first_byte", "attempt_ended", "ended"]


class Wanted(msgspec.Struct, frozen=True):
    """The projects, by slug, whose requests a listener wants to hear of."""

    projects: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that just happened inside a request; `elapsed_ms` after its arrival at `at_ms`."""

    id: str  # the request's trace id
    kind: StepKind
    project: str
    token: str
    at_ms: int
    elapsed_ms: float
    cause: str = ""  # of a call that a policy made: the request that it is made for
    model: str = ""  # of an attempt
    status: str = ""  # how the attempt or the request ended
    http_status: int = 0  # of an answer upstream; at the end that of the client's
    error: str = ""  # what went wrong, never with a credential in it
    decision: Decision | None = None  # with `routed`
