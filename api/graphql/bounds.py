"""What one operation may use of the event loop, which everybody shares: what holds where the price of `limits.py` was too low.

The price is reckoned from the document; what it costs is known only while it runs. So each object that is completed looks at
what the operation has used so far, its own CPU time alone, and one that has used too much ends there.
"""

from __future__ import annotations

import time
from typing import Any, Final

from graphql import Executor, GraphQLObjectType
from graphql.pyutils import Path

from api.graphql.errors import ApiError

MAX_CPU_S: Final = 1.0  # of completing fields; what resolvers wait for runs elsewhere
MAX_WAIT_S: Final = 30.0  # of a query from its first field to its answer


class TooCostly(ApiError):
    """An operation took more than one may: asking for less helps, asking again does not."""

    code = "TOO_COSTLY"

    def __init__(self, what: str) -> None:
        super().__init__(f"the operation took more than {what}: ask for fewer rows or fields at once")


class Spent:
    """CPU seconds that one operation used; shared by nobody."""

    __slots__ = ("began_s", "error", "seconds")

    def __init__(self) -> None:
        self.began_s: float | None = None  # of the thread's CPU time; None between two turns of the event loop
        self.seconds = 0.0
        self.error: TooCostly | None = None


class BoundedExecutor(Executor[Any]):
    """graphql-core's, which ends an operation after `max_cpu_s`."""

    max_cpu_s = MAX_CPU_S
    spent: Spent | None = None

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """The fields of one object, as graphql-core does it. Raises TooCostly."""
        spent = self.spent
        if spent is None:
            spent = self.spent = Spent()
        now_s = time.thread_time()
        if spent.began_s is not None:
            self._check(spent, now_s - spent.began_s)
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        self._check(spent, 0.0)
        spent.began_s = now_s
        try:
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        finally:
            spent.seconds += time.thread_time() - now_s
            spent.began_s = None

    @property
    def too_costly(self) -> TooCostly | None:
        """Why the operation was ended; None for one that was not."""
        return self.spent.error if self.spent is not None else None

    def _check(self, spent: Spent, running_s: float) -> None:
        if spent.error is None and spent.seconds + running_s > self.max_cpu_s:
            spent.error = TooCostly(f"{self.max_cpu_s:g} s of the server's time")
        if spent.error is not None:
            raise spent.error.with_traceback(None)  # a thousand fields raise the one: it must not grow with each

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """One for an event of a subscription, which is an operation of its own."""
        executor = super().build_per_event_executor(payload)
        assert isinstance(executor, BoundedExecutor), "it is a copy of this one"
        executor.spent = None
        return executor
