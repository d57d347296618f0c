"""What the ledger promises, a sentence a test: product.md, section 4."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from core.limits import Scope, deciding
from proxy.ledger import MemoryLedger
from proxy.ledger.reservations import Grant
from tests.proxy.ledgers import NOW_MS, World, attempt, finished, limits, rule, used

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def granted(answer: object) -> Grant:
    assert isinstance(answer, Grant), answer
    return answer


def causes(answer: object) -> list[str]:
    assert isinstance(answer, tuple), answer
    return [block.cause for block in answer]


# --- holding under concurrency ---


def test_of_200_requests_at_once_against_10_calls_exactly_10_are_admitted() -> None:
    world = World(project=limits(rule("calls", "daily", 10)))
    answers = [world.reserve(str(number)) for number in range(200)]
    assert sum(isinstance(answer, Grant) for answer in answers) == 10
    assert {cause for answer in answers[10:] for cause in causes(answer)} == {"reserved"}
    assert world.held() == [("project", "calls", 0, 10)]


@pytest.mark.parametrize("window", ["daily", 3600])
def test_one_dollar_is_never_exceeded_whatever_the_sizes_and_failures(window: str | int) -> None:
    dice = Random(7)
    world = World(project=limits(rule("cost", window, 1)), default=None)
    going: list[tuple[str, int, int]] = []
    spent = 0
    for number in range(3_000):
        tokens, cap = dice.randrange(1, 4_000), dice.randrange(1, 4_000)
        if isinstance(world.reserve(str(number), tokens=tokens, output_tokens_cap=cap), Grant):
            going.append((str(number), tokens, cap))
        [(_, _, known, reserved)] = world.held()
        assert known == spent
        assert known + reserved <= 10**9
        while going and dice.random() < 0.5:
            request, tokens, cap = going.pop(dice.randrange(len(going)))
            if dice.random() < 0.3:
                world.ledger.settle(finished(request, attempt("a", "error"), status="error"))
                continue
            usage = used(dice.randrange(tokens + 1), dice.randrange(cap + 1))
            spent += (usage.input_tokens + usage.output_tokens) * 1_000
            world.ledger.settle(finished(request, attempt("a", usage=usage)))
    assert spent > 0.9 * 10**9


def test_one_after_another_95_percent_of_50_times_the_largest_reserve_is_usable() -> None:
    dice = Random(3)
    world = World(project=limits(rule("cost", "monthly", "0.2")))  # 200,000 tokens, 50 times 4,000
    spent = refused = 0
    for number in range(2_000):
        tokens = dice.randrange(1, 4_000)
        if isinstance(world.reserve(str(number), tokens=tokens, output_tokens_cap=4_000 - tokens), Grant):
            usage = used(dice.randrange(tokens + 1))
            spent += usage.input_tokens * 1_000
            world.ledger.settle(finished(str(number), attempt("a", usage=usage)))
        else:
            refused += 1
    assert refused > 0
    assert 0.95 * 0.2e9 <= spent <= 0.2e9


# --- what is booked ---


def test_the_real_figures_take_the_place_of_the_reserve() -> None:
    every = limits(
        *(rule(metric, "daily", 10**6) for metric in ("cost", "calls", "input_tokens", "output_tokens", "total_tokens"))
    )
    world = World(project=every, own=every)
    grant = granted(world.reserve("r", tokens=50, output_tokens_cap=20))
    assert grant.reserved == {"cost": 70_000, "calls": 1, "input_tokens": 50, "output_tokens": 20}
    figures = [("cost", 70_000), ("calls", 1), ("input_tokens", 50), ("output_tokens", 20), ("total_tokens", 70)]
    scopes = ("project", "token_model")
    assert world.held() == [(scope, metric, 0, amount) for scope in scopes for metric, amount in figures]
    assert world.ledger.reserved_cost("r") == 70_000
    assert world.ledger.settle(finished("r", attempt("a", usage=used(30, 5)))) is None
    figures = [("cost", 35_000), ("calls", 1), ("input_tokens", 30), ("output_tokens", 5), ("total_tokens", 35)]
    assert world.held() == [(scope, metric, amount, 0) for scope in scopes for metric, amount in figures]
    assert world.ledger.reserved_cost("r") is None


def test_a_bill_above_the_reserve_is_booked_in_full_and_reported() -> None:
    world = World(project=limits(rule("cost", "daily", "0.0001")))
    granted(world.reserve("r", tokens=50, output_tokens_cap=20))
    overrun = world.ledger.settle(finished("r", attempt("a", usage=used(300, 5))))
    assert overrun is not None
    assert (overrun.reserved[0], overrun.real[0]) == (70_000, 305_000)
    assert world.held() == [("project", "cost", 305_000, 0)]
    assert [standing.remaining for standing in world.ledger.standings(world.terms(), NOW_MS)] == [100_000 - 305_000]


@pytest.mark.parametrize(
    ("status", "attempts", "totals", "model"),
    [
        ("success", [attempt("a", usage=used(5))], 1, 1),
        ("success", [attempt("a")], 1, 1),
        ("error", [attempt("a", "error")], 0, 0),
        ("error", [attempt("a", "error", used(5))], 1, 1),
        ("error", [attempt("a", "error", used(5), 0)], 0, 0),
        ("cancelled", [attempt("a", "cancelled", used(5))], 1, 1),
        ("cancelled", [attempt("a", "cancelled")], 0, 0),
        ("timeout", [attempt("a", "timeout")], 0, 0),
        ("error", [], 0, 0),
    ],
)
def test_a_call_is_one_a_request_and_a_failed_one_gives_it_back_unless_it_cost_money(
    status: str, attempts: list[object], totals: int, model: int
) -> None:
    both = limits(*(rule(metric, "daily", 500) for metric in ("calls", "cost", "input_tokens", "output_tokens")))
    world = World(project=both, model=both)
    granted(world.reserve("r", tokens=10))
    assert [figure for figure in world.held() if figure[1] == "calls"] == [("project", "calls", 0, 1), ("model", "calls", 0, 1)]
    world.ledger.settle(finished("r", *attempts, status=status))  # type: ignore[arg-type]  # the table's words
    cost = sum(each.cost_nano_usd or 0 for each in attempts)  # type: ignore[attr-defined]  # attempts
    tokens = sum(each.usage.input_tokens if each.usage else 0 for each in attempts)  # type: ignore[attr-defined]  # attempts
    figures = [("cost", cost), ("input_tokens", tokens), ("output_tokens", 0)]
    assert world.held() == [
        (scope, metric, amount, 0)
        for scope, calls in (("project", totals), ("model", model))
        for metric, amount in (("calls", calls), *figures)
    ]


def test_what_was_used_without_a_price_may_have_cost_money() -> None:
    world = World(
        project=limits(rule("calls", "daily", 5), rule("input_tokens", "daily", 99)),
        models={"a": {"prices": None, "unpriced": "allow"}},
    )
    granted(world.reserve("r", tokens=10))
    event = msgspec.structs.replace(attempt("a", "cancelled", used(5)), cost_nano_usd=None)
    world.ledger.settle(finished("r", event, status="cancelled"))
    assert world.held() == [("project", "calls", 1, 0), ("project", "input_tokens", 5, 0)]


def test_a_request_that_was_not_admitted_after_all_gives_everything_back() -> None:
    world = World(project=limits(rule("total_tokens", "daily", 500)), own=limits(rule("calls", 60, 5)))
    granted(world.reserve("r", tokens=10))
    world.ledger.release("r")
    world.ledger.release("r")
    assert world.held() == [("project", "total_tokens", 0, 0), ("token_model", "calls", 0, 0)]


def test_an_end_is_booked_once_and_one_without_a_reserve_in_the_window_of_its_admission() -> None:
    world = World(project=limits(rule("calls", "daily", 5)))
    world.terms()
    yesterday = finished("r", attempt("a", usage=used(5)), at_ms=NOW_MS - DAY_MS)
    world.ledger.settle(yesterday)
    assert world.held() == [("project", "calls", 0, 0)]
    world.ledger.settle(msgspec.structs.replace(yesterday, admitted_ms=DAY_MS))
    assert world.held() == [("project", "calls", 1, 0)]


# --- scopes and chains ---


def test_what_a_limit_does_not_hold_still_counts_for_the_others() -> None:
    """A token that is freed of its project's limits uses them up all the same."""
    world = World(
        project=limits(rule("calls", "daily", 3)), model=limits(rule("calls", "daily", 9)), token=limits(mode="disable")
    )
    for number in range(3):
        granted(world.reserve(str(number), token="free"))
        world.ledger.settle(finished(str(number), attempt("a", usage=used(1)), token="free"))
    assert world.held() == []
    world.reload(project=limits(rule("calls", "daily", 3)), model=limits(rule("calls", "daily", 9)))
    assert world.held() == [("project", "calls", 3, 0), ("model", "calls", 3, 0)]
    assert causes(world.reserve("r")) == ["exhausted"]


def test_a_tokens_limit_is_filled_by_itself_alone_and_a_models_by_all_projects() -> None:
    world = World(token=limits(rule("calls", "daily", 2)), model=limits(rule("calls", "daily", 3)))
    for number, token in enumerate(("t", "t", "u")):
        granted(world.reserve(str(number), token=token))
    assert causes(world.reserve("x", token="t")) == ["reserved", "reserved"]
    assert causes(world.reserve("x", token="u")) == ["reserved"]
    assert causes(world.reserve("x", token="t", project="q")) == ["reserved"]
    granted(world.reserve("x", "b", token="t", project="q"))
    assert world.held("t", "q", "b") == [("token", "calls", 0, 1)]


def test_platform_limits_are_one_for_all_projects_not_one_for_each() -> None:
    world = World(platform=limits(rule("calls", "daily", 2)), token=limits(mode="disable"))
    granted(world.reserve("1", project="p"))
    granted(world.reserve("2", project="q"))
    assert causes(world.reserve("3", project="r")) == ["reserved"]


def test_a_model_without_a_price_is_refused_where_a_cost_limit_holds_unless_its_file_allows_it() -> None:
    unpriced = {"a": {"prices": None}, "b": {"prices": None, "unpriced": "allow"}}
    world = World(project=limits(rule("cost", "daily", 1)), models=unpriced)
    assert {model: [block.cause for block in found] for model, found in world.blocked().items()} == {"a": ["unpriced"]}
    assert causes(world.reserve("r", "a")) == ["unpriced"]
    assert "cost" not in granted(world.reserve("r", "b", tokens=9)).reserved
    assert deciding(world.blocked()) is None
    world.reload(project=limits(rule("calls", "daily", 9)), models=unpriced)
    granted(world.reserve("s", "a"))


# --- windows, edits ---


def test_a_request_belongs_to_the_windows_of_its_admission_reserve_and_settlement() -> None:
    world = World(project=limits(rule("calls", "hourly", 1)))
    granted(world.reserve("r"))
    world.now_ms += 3_600_000
    granted(world.reserve("s"))
    world.ledger.settle(finished("r", attempt("a", usage=used(1)), at_ms=NOW_MS))
    assert world.held() == [("project", "calls", 0, 1)]
    world.now_ms -= 3_600_000
    assert world.held() == [("project", "calls", 1, 0)]


def test_editing_a_limit_never_resets_a_count() -> None:
    world = World(project=limits(rule("calls", "daily", 5)))
    for number in range(4):
        granted(world.reserve(str(number)))
    world.ledger.settle(finished("0", attempt("a", usage=used(1))))
    for edited in (
        limits(rule("calls", "daily", 9)),
        limits(rule("cost", "daily", 9), rule("calls", "daily", 2), mode="extend"),
    ):
        world.reload(project=edited)
        assert ("project", "calls", 1, 3) in world.held()
    world.reload()
    world.ledger.settle(finished("1", attempt("a", usage=used(1))))
    granted(world.reserve("x"))
    world.ledger.settle(finished("x", attempt("a", usage=used(1))))
    world.reload(project=limits(rule("calls", "daily", 5)))
    assert world.held() == [("project", "calls", 3, 2)]


def test_a_limit_lowered_below_its_use_admits_nothing_and_remaining_is_negative() -> None:
    world = World(project=limits(rule("calls", "daily", 5)))
    for number in range(3):
        granted(world.reserve(str(number)))
        world.ledger.settle(finished(str(number), attempt("a", usage=used(1))))
    world.reload(project=limits(rule("calls", "daily", 2)))
    assert causes(world.reserve("x")) == ["exhausted"]
    [standing] = world.ledger.standings(world.terms(), world.now_ms)
    assert (standing.remaining, standing.allowed) == (-1, False)


def test_a_count_that_begins_knows_what_is_in_flight_and_says_that_it_awaits_its_opening_balance() -> None:
    world = World()
    granted(world.reserve("r", tokens=7))
    world.reload(project=limits(rule("input_tokens", "daily", 100)))
    assert world.held() == [("project", "input_tokens", 0, 7)]
    assert list(world.ledger.pending(world.now_ms)) == [(("p", "", ""), "daily")]
    late = finished("late", attempt("a", usage=used(4)))
    others = finished("other", attempt("a", usage=used(50)), project="q")
    world.ledger.settle(late)
    opened = world.ledger.open_balance(
        world.terms().totals[0].effective.scope, "daily", [(NOW_MS - 1_000, (9_000, 3, 9, 0, 9))], [late, others], world.now_ms
    )
    assert opened
    assert world.held() == [("project", "input_tokens", 13, 7)]
    assert list(world.ledger.pending(world.now_ms)) == []
    assert list(world.ledger.pending(world.now_ms + DAY_MS)) == []


def test_what_is_awaited_is_known_without_a_look_at_every_count_and_after_a_restart() -> None:
    ledger = MemoryLedger()
    scope = Scope("p", "t")
    ledger.count(scope, ["daily", HOUR_MS], 1, NOW_MS)
    assert list(ledger.pending(NOW_MS)) == [(scope, "daily"), (scope, HOUR_MS)]
    ledger = MemoryLedger.restore(msgspec.json.decode(msgspec.json.encode(ledger.state())))
    assert list(ledger.pending(NOW_MS)) == [(scope, "daily"), (scope, HOUR_MS)]
    assert list(ledger.pending(NOW_MS + DAY_MS)) == []
    assert list(ledger.pending(NOW_MS)) == [(scope, "daily"), (scope, HOUR_MS)]  # the clock was wrong
    assert ledger.open_balance(scope, "daily", [], [], NOW_MS)
    assert list(ledger.pending(NOW_MS)) == [(scope, HOUR_MS)]
    assert list(ledger.pending(NOW_MS + 3 * DAY_MS)) == []
    ledger = MemoryLedger.restore(msgspec.json.decode(msgspec.json.encode(ledger.state())))
    ledger.open_balance(scope, HOUR_MS, [], [], NOW_MS)
    assert list(ledger.pending(NOW_MS)) == []


def test_a_new_installation_awaits_nothing() -> None:
    world = World(project=limits(rule("calls", "yearly", 5)))
    world.terms()
    assert list(world.ledger.pending(world.now_ms)) == []


def test_counts_that_nothing_names_any_more_are_dropped_once_their_window_is_over() -> None:
    world = World(project=limits(rule("calls", "hourly", 5)), token=limits(rule("calls", 60, 5)))
    granted(world.reserve("r"))
    world.ledger.settle(finished("r", attempt("a", usage=used(1))))
    world.reload()
    world.terms()
    for _ in range(1_000):
        world.ledger.sweep(world.now_ms)
    assert len(list(world.ledger._accounts)) == 2
    for _ in range(22_000):
        world.ledger.sweep(world.now_ms + DAY_MS)
    assert list(world.ledger._accounts) == []


def test_what_the_revision_names_stays_however_long_it_is_not_used() -> None:
    world = World(project=limits(rule("calls", "hourly", 5)))
    world.terms()
    for _ in range(20_000):
        world.ledger.sweep(world.now_ms + DAY_MS)
    granted(world.reserve("r"))
    assert world.held() == [("project", "calls", 0, 1)]
