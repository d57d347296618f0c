"""Anything in any order, against a model that keeps every request and adds them all up anew each time it is asked.

Reserve, fall back, settle, release, reload, crash and replay, clocks that jump, windows that turn: no admission makes used +
reserved exceed a limit, and nothing is lost or counted twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.bounds import demand, smallest
from core.events import JournalEvent, RequestAdmitted
from core.facts import Facts
from core.fields import Limits
from core.limits.amounts import CALLS, METRICS, NOTHING, Amounts, added, amounts
from core.limits.windows import Window, start_ms
from proxy.ledger.memory import MemoryLedger
from proxy.ledger.reservations import Grant
from proxy.ledger.terms import Check
from tests.proxy import ledgers
from tests.proxy.ledgers import MODELS, World, attempt, crashed, limits, used

PROJECTS, TOKENS = ("p", "q"), ("t", "u")
HOLDERS = [(project, token) for project in PROJECTS for token in TOKENS]

STATUSES = ("success", "success", "error", "cancelled")

# The first revision names every window that the others name, so that all is counted from the beginning.
WINDOWS: tuple[str | int, ...] = ("hourly", "daily", 60, 7200)
ALL = limits(*(ledgers.rule("calls", window, 10**6) for window in WINDOWS), mode="extend")


def level(*rules: tuple[str, str | int, object], mode: str = "replace") -> Limits:
    return limits(*(ledgers.rule(*each) for each in rules), mode=mode)


REVISIONS: list[dict[str, Any]] = [
    {"project": level(("calls", "hourly", 4), ("cost", 60, "0.0006")), "model": level(("calls", "daily", 3))},
    {
        "platform": level(("total_tokens", "hourly", 2_000), ("cost", 7200, "0.003")),
        "token": level(("calls", 60, 3), mode="extend"),
        "default": 600,
    },
    {"project": level(("cost", "daily", "0.001")), "token": level(mode="disable"), "platform": level(("calls", 60, 6))},
    {
        "model": level(("input_tokens", 7200, 500)),
        "entry": level(("cost", "hourly", "0.0005"), mode="extend"),
        "own": level(("calls", 60, 2), mode="extend"),
        "default": None,
    },
    {"project": level(("calls", "daily", 0)), "entry": level(mode="disable"), "models": {"b": {"prices": None}}},
    {},
]


ASKED = st.tuples(
    st.sampled_from(HOLDERS),
    st.sampled_from(MODELS),
    st.sampled_from([0, 50, 100, 300]),
    st.none() | st.sampled_from([0, 50, 100, 400]),
    st.sampled_from([1, 1, 2]),
)


class Request:
    """What the model knows of one request: where it belongs, what is reserved for it by model, or what it came to."""

    def __init__(self, project: str, token: str, at_ms: int) -> None:
        self.project, self.token, self.at_ms = project, token, at_ms
        self.reserved: dict[str, Amounts] = {}
        self.real: dict[str, Amounts] = {}
        self.open = True
        self.calls = 0  # booked in totals
        self.model = ""
        self.attempts: list[Any] = []
        self.grant: Grant | None = None

    def share(self, model: str) -> tuple[Amounts, Amounts]:
        """(used, reserved) in a scope that it belongs to: of a model, or of all ("")."""
        parts = self.reserved if self.open else self.real
        if model:
            share = parts.get(model, NOTHING)
        else:
            share = NOTHING
            for part in parts.values():
                share = added(share, part)
            share = (share[0], 1 if self.open else self.calls, *share[2:])
        return (NOTHING, share) if self.open else (share, NOTHING)


class LedgerMachine(RuleBasedStateMachine):
    @initialize(revision=st.sampled_from(REVISIONS))
    def begin(self, revision: dict[str, Any]) -> None:
        everything = dict.fromkeys(("platform", "project", "token", "model", "entry", "own"), ALL)
        self.world = World(**everything)
        self.requests: dict[str, Request] = {}
        self.journal: list[bytes] = []
        self.checkpoint: tuple[str, int] | None = None
        self.numbers = 0
        self.compile()
        self.reload(revision)

    def compile(self) -> None:
        for project, token in HOLDERS:
            self.world.terms(token, project)

    # --- what may happen ---

    @rule(revision=st.sampled_from(REVISIONS))
    def reload(self, revision: dict[str, Any]) -> None:
        self.world.reload(**revision)
        self.compile()

    @rule(step=st.sampled_from([1, 1, 999, 999, 20_000, 60_000, 60_001, 3_600_000, 86_400_000, -1, -700, -45_000, -3_600_000]))
    def clock(self, step: int) -> None:
        self.world.now_ms += step

    @rule(window=st.sampled_from(["hourly", "daily"]), beside=st.sampled_from([-1, 0, 1]))
    def window_edge(self, window: Any, beside: int) -> None:
        self.world.now_ms = start_ms(window, self.world.now_ms) + 3_600_000 + beside

    @rule(asked=st.lists(ASKED, min_size=1, max_size=4))
    def arrive(self, asked: list[tuple[tuple[str, str], str, int, int | None, int]]) -> None:
        for each in asked:
            self.reserve(*each)

    def reserve(self, holder: tuple[str, str], model: str, tokens: int, cap: int | None, answers: int) -> None:
        project, token = holder
        terms, now_ms = self.world.terms(token, project), self.world.now_ms
        facts = Facts(input_tokens_bound=tokens, output_tokens_cap=cap, answers=answers)
        self.numbers += 1
        name = str(self.numbers)
        request = Request(project, token, now_ms)
        before = {id(check): self.held(check, now_ms) for check in terms.model(model, now_ms).checks}
        answer = self.world.ledger.reserve(name, terms, model, facts, now_ms)
        if isinstance(answer, Grant):
            self.requests[name] = request
            self.grant(name, request, answer)
            self.within(terms.model(model, now_ms).checks, now_ms)
        else:
            held = terms.model(model, now_ms)
            least = smallest(demand(facts, held.bounds, terms.default_cap)).amounts
            assert held.unpriced is not None or any(
                before[id(check)] + max(least[check.metric], 1 if not least[check.metric] else 0) > check.amount
                for check in held.checks
            )

    @precondition(lambda self: self.moving())
    @rule(data=st.data(), costs=st.lists(st.integers(0, 50), min_size=1, max_size=3), model=st.sampled_from(MODELS))
    def fall_back(self, data: st.DataObject, costs: list[int], model: str) -> None:
        name = data.draw(st.sampled_from(self.moving()))
        for number, cost in enumerate(costs):
            self.move(name, cost, MODELS[(MODELS.index(model) + number) % len(MODELS)])

    def move(self, name: str, cost: int, model: str) -> None:
        request, now_ms = self.requests[name], self.world.now_ms
        failed = None
        if request.model:
            failed = attempt(request.model, "error", used(cost) if cost else None)
            request.attempts.append(failed)
            spent = amounts(cost * 1_000, 0, cost, 0)
            request.reserved[request.model] = added(request.reserved.pop(request.model), _negative(request))
            if spent != NOTHING:
                request.reserved[request.model] = added(request.reserved[request.model], spent)
        request.model = ""
        answer = self.world.ledger.move(name, model, now_ms, failed)
        if isinstance(answer, Grant):
            terms = self.world.ledger._open[name].terms
            assert terms is not None
            self.grant(name, request, answer)
            # Its call is no new one: a limit that another revision has lifted may be exceeded by others meanwhile.
            added_to = [check for check in terms.model(model, now_ms).checks if not (check.total and check.metric == CALLS)]
            self.within(added_to, request.at_ms)

    @precondition(lambda self: self.going())
    @rule(
        data=st.data(),
        many=st.integers(1, 3),
        share=st.floats(0, 1.2),
        status=st.sampled_from(["success", "success", "error", "cancelled"]),
    )
    def finish(self, data: st.DataObject, many: int, share: float, status: Any) -> None:
        for _ in range(min(many, len(self.going()))):
            self.settle(data.draw(st.sampled_from(self.going())), share, status)

    def settle(self, name: str, share: float, status: Any) -> None:
        request = self.requests[name]
        if request.model:
            kept = _present(request)
            usage = used(int(kept[2] * share), int(kept[3] * share))
            nothing = status != "success" and share < 0.3
            request.attempts.append(attempt(request.model, status, None if nothing else usage))
        elif status == "success":
            status = "error"
        event = ledgers.finished(
            name, *request.attempts, status=status, at_ms=request.at_ms, token=request.token, project=request.project
        )
        self.journal.append(msgspec.json.encode(event))
        self.world.ledger.settle(event)
        self.end(request, status)

    @precondition(lambda self: self.just_admitted())
    @rule()
    def release(self) -> None:
        """The admission could not be journalled: nothing of it is in the journal either."""
        self.world.ledger.release(self.just_admitted())
        del self.requests[self.just_admitted()]
        self.journal.pop()

    @rule()
    def save(self) -> None:
        self.checkpoint = (msgspec.json.encode(self.world.ledger.state()).decode(), len(self.journal))
        self.world.ledger.sweep(self.world.now_ms)

    @rule()
    def crash(self) -> None:
        """Another process: the checkpoint, the journal after it, then the ends of what died."""
        text, position = self.checkpoint or ("", 0)
        ledger = MemoryLedger.restore(json.loads(text)) if text else MemoryLedger(new=True)
        world = World(ledger, **dict.fromkeys(("platform", "project", "token", "model", "entry", "own"), ALL))
        world.now_ms = self.world.now_ms
        self.world, before = world, self.world
        self.compile()
        still_open: dict[str, RequestAdmitted] = {}
        for index, line in enumerate(self.journal):
            event: Any = msgspec.json.decode(line, type=JournalEvent)
            if isinstance(event, RequestAdmitted):
                still_open[event.id] = event
            else:
                still_open.pop(event.id, None)
            if index >= position:
                ledger.fold(event)
        world.__dict__.update({key: value for key, value in before.__dict__.items() if key not in ("ledger", "book")})
        world.book = ledger.book(before._settings, before._models)
        self.compile()
        for name, admitted in still_open.items():
            request = self.requests[name]
            end = crashed(admitted)
            self.journal.append(msgspec.json.encode(end))
            ledger.settle(end)
            # What failed since the admission was last written is in no journal: all of that reserve is booked.
            assert request.grant is not None
            total = amounts(*_four(request.grant.reserved))
            for spent in request.grant.spent.values():
                total = added(total, amounts(*_four(spent)))
            request.real, request.calls, request.open = {request.grant.model: total}, 1, False

    # --- what must hold ---

    @invariant()
    def every_figure_is_the_sum_of_its_requests(self) -> None:
        now_ms = self.world.now_ms
        for project, token in HOLDERS:
            terms = self.world.terms(token, project)
            for model in MODELS:
                for check in terms.model(model, now_ms).checks:
                    used_now, held = check.usage.used(now_ms, check.metric), check.usage.held(now_ms, check.metric)
                    assert held == self.held(check, now_ms)
                    assert used_now == self.held(check, now_ms, reserved=False)

    def within(self, checks: Iterable[Check], at_ms: int) -> None:
        for check in checks:
            assert self.held(check, at_ms) <= check.amount

    # --- the slow model ---

    def held(self, check: Check, at_ms: int, *, reserved: bool = True) -> int:
        scope, window = check.effective.scope, check.usage.window
        records = []
        for request in self.requests.values():
            if scope.project not in ("", request.project) or scope.token not in ("", request.token):
                continue
            known, kept = request.share(scope.model)
            records.append((request.at_ms, known[check.metric] + (kept[check.metric] if reserved else 0)))
        return _in_window(records, window, at_ms)

    def just_admitted(self) -> str:
        """The request whose admission is the last thing that happened, if that is so."""
        name = str(self.numbers)
        known = self.requests.get(name)
        saved = self.checkpoint is not None and self.checkpoint[1] == len(self.journal)
        last = self.journal and f'"id":"{name}"'.encode() in self.journal[-1]
        return name if last and known is not None and known.open and not known.attempts and known.model and not saved else ""

    def going(self) -> list[str]:
        return [name for name, request in self.requests.items() if request.open]

    def moving(self) -> list[str]:
        """Those that the present process admitted, and that have not been to every model."""
        known = self.world.ledger._open
        return [name for name in self.going() if known[name].terms is not None and len(self.requests[name].attempts) < 3]

    def grant(self, name: str, request: Request, grant: Grant) -> None:
        kept = amounts(*_four(grant.reserved))
        request.reserved[grant.model] = added(request.reserved.get(grant.model, NOTHING), kept)
        request.model, request.grant = grant.model, grant
        event = ledgers.admitted(name, grant, request.at_ms, request.token, request.project)
        self.journal.append(msgspec.json.encode(event))

    def end(self, request: Request, status: str) -> None:
        request.open = False
        paid = False
        for number, each in enumerate(request.attempts):
            cost = each.cost_nano_usd or 0
            paid |= cost > 0
            last = number == len(request.attempts) - 1
            call = each.status == "success" or (last and status != "success" and cost > 0)
            usage = each.usage or used(0)
            real = amounts(cost, int(call), usage.input_tokens, usage.output_tokens)
            request.real[each.model] = added(request.real.get(each.model, NOTHING), real)
        request.calls = int(status == "success" or paid)


def _in_window(records: list[tuple[int, int]], window: Window, at_ms: int) -> int:
    if not isinstance(window, int):
        return sum(amount for at, amount in records if start_ms(window, at) == start_ms(window, at_ms))
    # The fullest window of that length that the instant lies in.
    ends = {at_ms, *(at for at, _ in records if at_ms < at <= at_ms + window)}
    return max(sum(amount for at, amount in records if end - window <= at <= end) for end in ends)


def _present(request: Request) -> Amounts:
    assert request.grant is not None
    return amounts(*_four(request.grant.reserved))


def _negative(request: Request) -> Amounts:
    a, b, c, d, e = _present(request)
    return (-a, -b, -c, -d, -e)


def _four(written: dict[str, int]) -> tuple[int, int, int, int]:
    cost, calls, into, out = (written.get(metric, 0) for metric in METRICS[:4])
    assert METRICS[CALLS] == "calls"
    return cost, calls, into, out


LedgerMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestLedger = LedgerMachine.TestCase
