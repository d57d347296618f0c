"""One request on its way: what is known of it so far, and the event it ends as."""

from __future__ import annotations

import os
import time
from random import Random
from time import perf_counter_ns

from core.events import AttemptFinished, CallType, RequestAdmitted, RequestFinished, Status
from core.facts import Dialect, Facts
from core.limits import Block
from core.routing.candidates import Candidate
from core.routing.decision import Decision
from core.snapshot import ProjectPlan, TokenEntry
from proxy.content import Content
from proxy.ledger import Grant, Terms

MESSAGE_CHARS = 500

# Ids must be unique, not secret: one seed from the system instead of a system call a request.
_dice = Random(os.urandom(32)).getrandbits


def new_trace_id(now_ms: int) -> str:
    """A UUIDv7 as 32 hex digits: sorts by time, and is a valid OpenTelemetry trace id."""
    return f"{(now_ms << 80) | 0x7000_8000_0000_0000_0000 | (_dice(80) & 0x0FFF_3FFF_FFFF_FFFF_FFFF):032x}"


def brief(message: str) -> str:
    """A message in a length fit for a log row: providers say whole pages, and quote prompts in them."""
    return message if len(message) <= MESSAGE_CHARS else message[: MESSAGE_CHARS - 1] + "…"


class Call:
    """The mutable record of one request; the pipeline's stages fill it in from top to bottom."""

    __slots__ = (
        "_began_ns",
        "admitted",
        "admitted_ms",
        "at_ms",
        "attempts",
        "blocks",
        "call_type",
        "cause",
        "content",
        "decision",
        "dialect",
        "entry",
        "facts",
        "first_byte_ms",
        "id",
        "path",
        "plan",
        "recorded",
        "relayed",
        "revision",
        "started",
        "stream",
        "terms",
        "unadmitted",
    )

    def __init__(self, path: str, started: float) -> None:
        self.at_ms = time.time_ns() // 1_000_000
        self._began_ns = perf_counter_ns()
        self.started = started  # the loop's clock at arrival, seconds: what deadlines count from
        self.id = new_trace_id(self.at_ms)
        self.path = path
        self.dialect: Dialect = "openai_chat"
        self.call_type: CallType = "completion"
        self.cause = ""  # the request whose policy makes this call
        self.stream = False
        self.revision = ""
        self.entry: TokenEntry | None = None
        self.plan: ProjectPlan | None = None
        self.facts: Facts | None = None
        self.terms: Terms | None = None
        self.blocks: dict[str, tuple[Block, ...]] = {}  # the limits in the way of each model that they ruled out
        self.decision: Decision | None = None
        self.admitted = False
        self.admitted_ms = 0  # after the arrival: the instant whose windows the request belongs to
        self.attempts: list[AttemptFinished] = []
        self.first_byte_ms: float | None = None
        self.content: Content | None = None
        self.relayed: list[tuple[bytes, bytes]] = []  # headers of the provider whose refusal is the client's answer
        self.recorded = False
        self.unadmitted = False  # the journal refused the admission

    def asked_for(self, asker: Call, dialect: Dialect) -> None:
        """Be a call that a policy of another request makes: under the same token, revision and limits."""
        self.dialect = dialect
        self.call_type = "routing"
        self.cause = asker.id
        self.revision, self.entry, self.plan, self.terms = asker.revision, asker.entry, asker.plan, asker.terms

    @property
    def known_plan(self) -> ProjectPlan:
        """The plan of an identified request."""
        assert self.plan is not None
        return self.plan

    @property
    def known_entry(self) -> TokenEntry:
        """The token of a request that leaves a row."""
        assert self.entry is not None
        return self.entry

    @property
    def known_facts(self) -> Facts:
        """The facts of a request whose body was read."""
        assert self.facts is not None
        return self.facts

    def now_ms(self) -> int:
        """The instant, Unix milliseconds; it never runs backwards within a request."""
        return self.at_ms + (perf_counter_ns() - self._began_ns) // 1_000_000

    def elapsed_ms(self) -> float:
        """Milliseconds since the arrival, to the microsecond; the loop's own clock counts whole milliseconds."""
        return (perf_counter_ns() - self._began_ns) // 1_000 / 1_000

    def unadmit(self) -> None:
        """Note that the disk had no room for the admission."""
        self.unadmitted = True

    def skip(self, candidate: Candidate, blocks: tuple[Block, ...]) -> None:
        """Note a candidate that there was no room to reserve for."""
        at_ms = self.elapsed_ms()
        said = brief("; ".join(map(str, blocks)))
        self.attempts.append(
            AttemptFinished(
                model=candidate.id, provider=candidate.provider, status="skipped", started_ms=at_ms, ended_ms=at_ms, error=said
            )
        )

    def admission(self, grant: Grant) -> RequestAdmitted:
        """The event that is journalled before an upstream call."""
        entry = self.known_entry
        return RequestAdmitted(
            id=self.id,
            at_ms=self.at_ms,
            project=entry.project,
            token=entry.id,
            revision=self.revision,
            call_type=self.call_type,
            cause=self.cause,
            dialect=self.dialect,
            path=self.path,
            stream=self.stream,
            admitted_ms=self.admitted_ms,
            model=grant.model,
            reserved=grant.reserved,
            spent=grant.spent,
        )

    def finished(
        self,
        status: Status,
        http_status: int,
        latency_ms: float,
        *,
        error_code: str = "",
        error: str = "",
        reserved_cost_nano_usd: int | None = None,
    ) -> RequestFinished:
        """The event that ends the request. The model, the usage and the cost are those of its attempts."""
        entry = self.known_entry
        last = self.last_tried
        answered = last if last is not None and last.usage is not None else None
        return RequestFinished(
            id=self.id,
            at_ms=self.at_ms,
            project=entry.project,
            token=entry.id,
            revision=self.revision,
            status=status,
            http_status=http_status,
            call_type=self.call_type,
            cause=self.cause,
            dialect=self.dialect,
            path=self.path,
            stream=self.stream,
            model=last.model if last is not None else None,
            provider=last.provider if last is not None else None,
            error_code=error_code,
            error=brief(error),
            usage=answered.usage if answered is not None else None,
            cost_nano_usd=self._cost(),
            reserved_cost_nano_usd=reserved_cost_nano_usd,
            admitted_ms=self.admitted_ms,
            latency_ms=latency_ms,
            first_byte_ms=self.first_byte_ms,
            labels={**self.known_plan.project.labels, **entry.token.labels},
            facts=self.facts,
            decision=self.decision,
            attempts=tuple(self.attempts),
            content=None if self.content is None else self.content.as_values(),
        )

    def _cost(self) -> int | None:
        """The sum over the attempts that cost; None when something was used that has no price, 0 when nothing was used."""
        total = 0
        for attempt in self.attempts:
            if attempt.usage is not None:
                if attempt.cost_nano_usd is None:
                    return None
                total += attempt.cost_nano_usd
        return total

    @property
    def last_tried(self) -> AttemptFinished | None:
        """The last attempt that was made."""
        for attempt in reversed(self.attempts):
            if attempt.status != "skipped":
                return attempt
        return None
